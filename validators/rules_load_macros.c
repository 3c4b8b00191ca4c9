/* SPDX-License-Identifier: Apache-2.0
 * Macros: {{name}} in a pattern stands for the text of that name, in (?:…). Every macro is expanded once, when it is defined,
 * so the work is linear in what is written; a reference pastes the finished text. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "validators/rules_loader.h"

static struct macro *find(struct macro_table *table, const char *name, size_t len)
{
	for (size_t i = 0; i < table->len; i++)
		if (!strncmp(table->items[i].name, name, len) && !table->items[i].name[len])
			return &table->items[i];
	return NULL;
}

/* A pattern while it is being expanded. `pieces` map the result back to what was written. */
struct piece {
	size_t result, source;	/* where it begins */
	size_t macro_len;	/* of "{{name}}"; 0: text as written */
};

struct expansion {
	struct loader *l;
	const struct node *node;
	const char *path;
	struct strbuf *out;
	struct piece *pieces;
	size_t pieces_len, pieces_alloc;
	unsigned int depth;	/* of the deepest macro */
	bool broken;		/* reported */
};

/* "{{name}}" or "{{ name }}" at `s`: its length, else 0. */
static size_t reference(const char *s, size_t len, const char **name, size_t *name_len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t i = 2, n;

	if (len < 5 || s[0] != '{' || s[1] != '{')
		return 0;
	i += strspn(s + i, " ");
	n = strspn(s + i, letters);
	if (!n || strchr("0123456789-", s[i]))
		return 0;
	*name = s + i;
	*name_len = n;
	i += n;
	i += strspn(s + i, " ");
	return s[i] == '}' && s[i + 1] == '}' ? i + 2 : 0;
}

static void add_piece(struct expansion *x, size_t source, size_t macro_len)
{
	ARRAY_GROW(x->pieces, x->pieces_len, x->pieces_alloc);
	x->pieces[x->pieces_len++] = (struct piece){ .result = x->out->len, .source = source, .macro_len = macro_len };
}

static bool expand_macro(struct loader *l, struct macro *m);

static void report_unknown_macro(struct expansion *x, size_t offset, size_t width, const char *name, size_t name_len)
{
	struct macro_table *tables[] = { &x->l->macros, &x->l->owned->macros };
	autofree const char **names = xcalloc(tables[0]->len + tables[1]->len + 1, sizeof(*names));
	autofree char *word = xstrndup(name, name_len);
	struct finding *f;
	size_t n = 0;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (size_t i = 0; i < tables[t]->len; i++)
			names[n++] = tables[t]->items[i].name;
	f = loader_report_at(x->l, "rules/macro", x->node, offset, width, x->path, "there is no macro '%.60s'", word);
	loader_suggest(f, "did you mean '{{%s}}'?", nearest(word, names, n));
}

/* The reference of `width` bytes at `offset` of what is written. */
static void paste(struct expansion *x, size_t offset, size_t width, const char *name, size_t name_len)
{
	struct macro *m = find(&x->l->macros, name, name_len);

	if (!m)
		m = find(&x->l->owned->macros, name, name_len);
	x->broken = true;
	if (!m) {
		report_unknown_macro(x, offset, width, name, name_len);
		return;
	}
	if (m->state == MACRO_EXPANDING) {
		loader_report_at(x->l, "rules/macro", x->node, offset, width, x->path, "macro '%s' refers to itself", m->name);
		return;
	}
	if (!expand_macro(x->l, m))
		return;		/* reported where it is defined */
	if (m->depth >= MACROS_MAX_DEPTH) {
		loader_report_at(x->l, "rules/macro", x->node, offset, width, x->path, "macros are nested more than %d deep",
				 MACROS_MAX_DEPTH);
		return;
	}
	x->broken = false;
	x->depth = m->depth + 1 > x->depth ? m->depth + 1 : x->depth;
	add_piece(x, offset, width);
	strbuf_addf(x->out, "(?:%s)", m->text);
	add_piece(x, offset + width, 0);
}

/* Of "[:alpha:" at `s`; 0: it is none. */
static size_t class_len(const char *s)
{
	size_t n = 2;

	n += s[n] == '^';
	n += strspn(s + n, "abcdefghijklmnopqrstuvwxyz");
	return s[n] == ':' && s[n + 1] == ']' ? n + 1 : 0;
}

/* How far a bracket expression at s[0] = '[' goes; a macro means nothing in it. */
static size_t bracket_len(const char *s, size_t len)
{
	size_t i = 1;

	i += i < len && s[i] == '^';
	i += i < len && s[i] == ']';
	while (i < len && s[i] != ']') {
		if (s[i] == '\\' && i + 1 < len)
			i++;
		else if (s[i] == '[' && i + 1 < len && s[i + 1] == ':')
			i += class_len(s + i);
		i++;
	}
	return i < len ? i + 1 : len;
}

static void expand(struct expansion *x)
{
	const char *s = x->node->text;
	const size_t len = x->node->len;
	size_t i = 0;

	if (len > PATTERN_MAX_BYTES) {
		loader_report(x->l, "rules/limit", x->node, x->path, "the pattern has more than %zu bytes", PATTERN_MAX_BYTES);
		x->broken = true;
		return;
	}
	add_piece(x, 0, 0);
	while (i < len && !x->broken && !x->out->overflow) {
		size_t name_len, n = 1;
		const char *name;

		if (s[i] == '\\' && i + 1 < len)
			n = 2;
		else if (s[i] == '[')
			n = bracket_len(s + i, len - i);
		else if (s[i] == '{' && reference(s + i, len - i, &name, &name_len)) {
			n = reference(s + i, len - i, &name, &name_len);
			paste(x, i, n, name, name_len);
			i += n;
			continue;
		}
		strbuf_add(x->out, s + i, n);
		i += n;
	}
	if (x->out->overflow) {
		loader_report(x->l, "rules/limit", x->node, x->path, "the pattern has more than %zu bytes with its macros",
			      x->out->max);
		x->broken = true;
	}
}

/* Say what is wrong with the finished pattern where that was written. */
static void report_pattern(struct expansion *x, size_t result_offset, const struct error *err)
{
	const struct piece *piece = &x->pieces[0];
	size_t offset;

	for (size_t i = 0; i < x->pieces_len && x->pieces[i].result <= result_offset; i++)
		piece = &x->pieces[i];
	offset = piece->macro_len ? piece->source : piece->source + (result_offset - piece->result);
	if (offset > x->node->len)
		offset = x->node->len;
	loader_report_at(x->l, "rules/pattern", x->node, offset, piece->macro_len ? piece->macro_len : 1, x->path,
			 "wrong pattern: %s", err->text);
}

/* The text of a node with its macros expanded, checked as a pattern, owned by the set; NULL: reported. */
static const char *make(struct loader *l, const struct node *node, const char *path, struct pattern **ret,
			unsigned int *ret_depth)
{
	autostrbuf struct strbuf out = STRBUF_INIT(PATTERN_MAX_BYTES);
	struct expansion x = { .l = l, .node = node, .path = path, .out = &out };
	struct error err = { 0 };
	const char *text = NULL;
	size_t offset = 0;

	expand(&x);
	if (!x.broken) {
		text = arena_strndup(l->arena, out.buf, out.len);
		if (pattern_new(text, out.len, ret, &offset, &err) < 0) {
			report_pattern(&x, offset, &err);
			text = NULL;
		}
	}
	free(x.pieces);
	*ret_depth = x.depth;
	return text;
}

static bool expand_macro(struct loader *l, struct macro *m)
{
	struct pattern *checked = NULL;

	if (m->state != MACRO_RAW)
		return m->state == MACRO_READY;
	m->state = MACRO_EXPANDING;
	m->text = make(l, m->node, m->path, &checked, &m->depth);
	m->state = m->text ? MACRO_READY : MACRO_BROKEN;
	pattern_free(checked);
	return m->text;
}

const char *macros_pattern(struct loader *l, const struct node *node, const char *path, uint32_t *ret_index)
{
	struct pattern *p = NULL;
	unsigned int depth;
	const char *text;

	if (node->kind != NODE_SCALAR || node_is_null(node)) {
		loader_wrong_type(l, node, path, "a pattern");
		return NULL;
	}
	text = make(l, node, path, &p, &depth);
	if (!text)
		return NULL;
	ARRAY_GROW(l->set->patterns, l->set->patterns_len, l->owned->patterns_alloc);
	*ret_index = (uint32_t)l->set->patterns_len;
	l->set->patterns[l->set->patterns_len++] = p;
	return text;
}

/* ---- definitions */

static bool is_macro_name(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(s) && *s >= 'a' && *s <= 'z' && strlen(s) <= 60;
}

static void define(struct loader *l, struct macro_table *table, const struct node_pair *pair, const char *path)
{
	autostrbuf struct strbuf child = STRBUF_INIT(STRBUF_NO_MAX);
	struct macro *m;

	if (pair->key->kind != NODE_SCALAR || !is_macro_name(pair->key->text)) {
		loader_suggest(loader_report(l, "rules/macro", pair->key, path, "this is no name of a macro"), "%s",
			       "use lower-case letters, digits, '-' and '_', a letter first");
		return;
	}
	strbuf_addstr(&child, path);
	path_add_key(&child, pair->key->text, pair->key->len);
	if (pair->value->kind != NODE_SCALAR || node_is_null(pair->value)) {
		loader_wrong_type(l, pair->value, child.buf, "a pattern");
		return;
	}
	m = find(table, pair->key->text, pair->key->len);
	if (!m) {
		if (table->len >= MACROS_MAX) {
			loader_report(l, "rules/limit", pair->key, child.buf, "more than %d macros", MACROS_MAX);
			return;
		}
		table->items = arena_append(l->arena, table->items, table->len, sizeof(*table->items));
		m = &table->items[table->len++];
	}
	*m = (struct macro){
		.name = loader_text(l, pair->key), .node = pair->value, .path = arena_strndup(l->arena, child.buf, child.len)};
}

void macros_define(struct loader *l, const struct node *map, const char *path, bool everywhere)
{
	struct macro_table *table = everywhere ? &l->owned->macros : &l->macros;

	if (map->kind != NODE_MAPPING) {
		loader_wrong_type(l, map, path, "a mapping of names to patterns");
		return;
	}
	for (size_t i = 0; i < map->len; i++)
		define(l, table, &map->pairs[i], path);
	/* those of other files are finished; the nodes go with the document */
	for (size_t i = 0; i < table->len; i++) {
		expand_macro(l, &table->items[i]);
		table->items[i].node = NULL;
	}
}
