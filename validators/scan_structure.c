/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on mappings: containers, pod specs, manifests, handlers, the package. A path is walked with its frames on
 * the stack, so that what is found knows its own path; nothing is stored. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "validators/scan_index.h"
#include "validators/scan_match.h"
#include "validators/template.h"

#define VALUE_MAX ((size_t)64 << 10)	/* bytes of a value with defaults filled in */

/* ---- paths of rules: a.b[].c, *, "key.with.dots", prefix* */

/* True: enough was seen, stop. */
typedef bool node_visitor(void *arg, const struct node *node, const struct scan_path *path);

struct path_key {
	const char *text;
	size_t len;
	bool prefix;		/* any key that begins so; of "*" any key at all */
	bool items;		/* "[]" */
	bool end;		/* behind the last one */
};

/* The next element of a path; NULL at its end, else what follows. */
static const char *path_next(const char *path, struct path_key *ret)
{
	path += *path == '.';
	if (!*path)
		return NULL;
	if (!strncmp(path, "[]", 2)) {
		*ret = (struct path_key){ .items = true };
		return path + 2;
	}
	if (*path == '"') {
		size_t len = strcspn(path + 1, "\"");

		*ret = (struct path_key){ .text = path + 1, .len = len };
		path += 1 + len;
		path += *path == '"';
	} else {
		*ret = (struct path_key){ .text = path, .len = strcspn(path, ".[") };
		path += ret->len;
	}
	if (ret->len && ret->text[ret->len - 1] == '*') {
		ret->prefix = true;
		ret->len--;
	}
	return path;
}

static bool key_fits(const struct path_key *wanted, const struct node *key)
{
	if (key->kind != NODE_SCALAR || (wanted->prefix ? key->len < wanted->len : key->len != wanted->len))
		return false;
	return !wanted->len || (key->text[0] == wanted->text[0] && !memcmp(key->text, wanted->text, wanted->len));
}

/* What the paths of a match are made of; the paths are read once, with the rules. */
struct match_paths {
	const struct path_key *each;		/* NULL: it has none */
	const struct path_key *conditions[];	/* by number */
};

static const struct path_key path_end = { .end = true };

static const struct path_key *path_read(struct arena *arena, const char *path)
{
	struct path_key *keys = NULL;
	size_t n = 0;

	if (!path)
		return &path_end;
	do {
		keys = arena_append(arena, keys, n, sizeof(*keys));
		path = path_next(path, &keys[n]);
		keys[n].end = !path;
		n++;
	} while (path);
	return keys;
}

static bool walk_path(const struct node *node, const struct path_key *key, const struct scan_path *up, node_visitor *visit,
		      void *arg)
{
	if (key->end)
		return visit(arg, node, up);
	if (key->items) {
		if (node->kind == NODE_SCALAR && !node_is_null(node))	/* one where a list of them was meant */
			return walk_path(node, key + 1, up, visit, arg);
		for (size_t i = 0; node->kind == NODE_SEQUENCE && i < node->len; i++) {
			struct scan_path path = { .up = up, .index = i };

			if (walk_path(node->items[i], key + 1, &path, visit, arg))
				return true;
		}
		return false;
	}
	for (size_t i = 0; node->kind == NODE_MAPPING && i < node->len; i++) {
		const struct node *k = node->pairs[i].key;
		struct scan_path path = { .up = up, .key = k->text, .key_len = k->len };

		if (key_fits(key, k) && walk_path(node->pairs[i].value, key + 1, &path, visit, arg))
			return true;
	}
	return false;
}

/* ---- the index: which keys a mapping must have for a match */

/* Good enough to tell the keys of one mapping apart. */
static uint64_t key_bit(const char *key, size_t len)
{
	unsigned char first = len ? (unsigned char)key[0] : 0, last = len ? (unsigned char)key[len - 1] : 0;

	return UINT64_C(1) << ((len * 29 + first * 5u + last * 11u + (len > 2 ? (unsigned char)key[len / 2] : 0)) & 63);
}

/* A path that is not there is at no node: its first key must be in the mapping, its second below that. */
static void need_path(struct structure_entry *e, const char *path)
{
	struct path_key key;

	path = path_next(path ? path : "", &key);
	if (!path || key.items || key.prefix)
		return;
	e->need |= key_bit(key.text, key.len);
	path = path_next(path, &key);
	if (path && key.items)
		path = path_next(path, &key);
	if (path && !key.items && !key.prefix)
		e->need_below |= key_bit(key.text, key.len);
}

static struct structure_entry entry_of(const struct rule_match *m, size_t rule, size_t match)
{
	struct structure_entry e = { .rule = (uint32_t)rule, .match = (uint32_t)match };

	if (m->each)
		need_path(&e, m->each);
	for (size_t i = 0; i < m->conditions_len; i++) {
		if (!m->conditions[i].negated && !m->conditions[i].each)
			need_path(&e, m->conditions[i].path);
	}
	return e;
}

/* The gravest first, so that a weaker rule of the same category finds its place taken; else in order. */
struct structure_entries structure_entries_make(struct arena *arena, const struct rule_set *rules, enum rule_scope scope)
{
	struct structure_entry *items = NULL;
	size_t n = 0;

	for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_INFO; severity--) {
		for (size_t i = 0; i < rules->len; i++) {
			const struct rule *rule = rules_at(rules, i);

			if (rule->disabled || rule->scope != scope || (int)rule->severity != severity)
				continue;
			for (size_t j = 0; j < rule->matches_len; j++, n++) {
				items = arena_append(arena, items, n, sizeof(*items));
				items[n] = entry_of(&rule->matches[j], i, j);
			}
		}
	}
	return (struct structure_entries){ .items = items, .len = n };
}

static uint64_t keys_of(const struct node *mapping)
{
	uint64_t keys = 0;

	for (size_t i = 0; mapping->kind == NODE_MAPPING && i < mapping->len; i++) {
		const struct node *key = mapping->pairs[i].key;

		keys |= key->kind == NODE_SCALAR ? key_bit(key->text, key->len) : 0;
	}
	return keys;
}

static uint64_t keys_below(const struct node *mapping)
{
	uint64_t keys = 0;

	for (size_t i = 0; i < mapping->len; i++) {
		const struct node *value = mapping->pairs[i].value;

		keys |= keys_of(value);
		for (size_t k = 0; value->kind == NODE_SEQUENCE && k < value->len; k++)
			keys |= keys_of(value->items[k]);
	}
	return keys;
}

/* ---- rules, made ready when they are first tried */

static const struct match_paths *read_paths(struct arena *arena, const struct rule_match *m)
{
	struct match_paths *paths = arena_alloc(arena, sizeof(*paths) + m->conditions_len * sizeof(*paths->conditions));

	paths->each = m->each ? path_read(arena, m->each) : NULL;
	for (size_t i = 0; i < m->conditions_len; i++)
		paths->conditions[i] = path_read(arena, m->conditions[i].path);
	return paths;
}

static const struct rule_ref *ref_of(struct scanner *s, enum rule_scope scope, size_t i)
{
	const struct structure_entry *e = &s->index->structures[scope].items[i];
	struct rule_ref *ref;

	if (!s->structures[scope])
		s->structures[scope] = arena_alloc(&s->arena, s->index->structures[scope].len * sizeof(*ref));
	ref = &s->structures[scope][i];
	if (!ref->rule) {
		const struct rule *rule = rules_at(s->rules, e->rule);

		*ref = (struct rule_ref){ .rule = rule, .match = &rule->matches[e->match], .index = e->rule };
		ref->paths = read_paths(&s->arena, ref->match);
	}
	return ref;
}

/* ---- values */

/* The text of a scalar with `${NAME:-default}` read as its default; *unknown: a reference without one stands in it. */
static const char *value_text(const struct node *node, struct strbuf *expanded, size_t *ret_len, bool *unknown)
{
	struct template_refs refs = { 0 };
	size_t at = 0, offset;

	*ret_len = node->len;
	*unknown = false;
	if (!memchr(node->text, '$', node->len))
		return node->text;
	template_scan(TEMPLATE_DATA, node->text, node->len, &refs, &offset, NULL);
	for (size_t i = 0; i < refs.len; i++) {
		const struct template_ref *ref = &refs.items[i];

		strbuf_add(expanded, node->text + at, ref->offset - at);
		if (ref->fallback)
			strbuf_addstr(expanded, ref->fallback);
		else
			strbuf_add(expanded, node->text + ref->offset, ref->len);
		*unknown |= !ref->fallback;
		at = ref->offset + ref->len;
	}
	strbuf_add(expanded, node->text + at, node->len - at);
	template_refs_release(&refs);
	*ret_len = expanded->len;
	return expanded->buf;
}

/* As Kubernetes reads them, and in quotes. */
static bool read_boolean(const char *text, bool *ret)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" }, { "off", "on" }, { "n", "y" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (size_t value = 0; value < 2; value++) {
			if (!strcasecmp(text, words[i][value])) {
				*ret = value;
				return true;
			}
		}
	}
	return false;
}

/* Amounts that Kubernetes takes and quantity.h refuses: beyond its ceilings, negative, thousandths of bytes. */
static bool read_odd_quantity(const char *text, char unit, double *ret)
{
	static const struct { const char *suffix; double factor; } suffixes[] = {
		{ "", 1 }, { "n", 1e-9 }, { "u", 1e-6 }, { "m", 1e-3 }, { "k", 1e3 }, { "M", 1e6 }, { "G", 1e9 },
		{ "T", 1e12 }, { "P", 1e15 }, { "E", 1e18 }, { "Ki", 0x1p10 }, { "Mi", 0x1p20 }, { "Gi", 0x1p30 },
		{ "Ti", 0x1p40 }, { "Pi", 0x1p50 }, { "Ei", 0x1p60 },
	};
	double value;
	char *end;

	if (!text[strspn(text, "+-")] || !strchr("0123456789.", text[strspn(text, "+-")]) || strpbrk(text, "xX"))
		return false;
	value = strtod(text, &end);
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		if (strcmp(end, suffixes[i].suffix) != 0)
			continue;
		*ret = value * suffixes[i].factor * (unit == 'c' ? 1000 : 1);
		return !isnan(*ret);
	}
	return false;
}

static bool read_quantity(const char *text, size_t len, char unit, double *ret)
{
	uint64_t amount;

	if (unit == 'c' && cpu_parse(text, len, &amount, NULL) == 0)
		*ret = (double)amount;
	else if (unit == 'b' && size_parse(text, len, &amount, NULL) == 0)
		*ret = (double)amount;
	else
		return read_odd_quantity(text, unit, ret);
	return true;
}

/* Classes of the hosts in a value: of its URLs, or of the value itself. */
static uint64_t host_bits(const char *text, size_t len)
{
	struct host_ref host;
	uint64_t bits = 0;
	size_t from = 0;

	while (host_find_url(text, len, from, &host)) {
		bits |= UINT64_C(1) << host.class;
		from = host.offset + host.len;
		if (from >= len || !host.len)
			break;
	}
	if (!bits && host_of_argument(text, len, &host))
		bits |= UINT64_C(1) << host.class;
	return bits;
}

static bool is_one_of(const char *const *names, const char *text)
{
	for (; names && *names; names++) {
		if (!strcmp(*names, text))
			return true;
	}
	return false;
}

struct trial {			/* of a match at a mapping */
	struct scan *sc;
	const struct rule_ref *ref;
	const struct rule_condition *condition;
	const struct node *scope, *item;
	const struct scan_path *scope_path, *item_path;
};

static bool test_text(const struct trial *t, const struct node *node, const char *text, size_t len, bool unknown,
		      const struct scan_path *path)
{
	const struct rule_condition *c = t->condition;
	struct scan_place place = { .node = node, .path = path, .whole = true };
	double amount;
	bool boolean;

	switch (c->test) {
	case TEST_MATCHES:
		return scan_matches(t->sc, t->ref->index, c, text, len, &place);
	case TEST_TRUE:
	case TEST_FALSE:
		return read_boolean(text, &boolean) && boolean == (c->test == TEST_TRUE);
	case TEST_ABOVE:
		return !unknown && read_quantity(text, len, c->unit, &amount) && amount > (double)c->number;
	case TEST_BELOW:
		return !unknown && read_quantity(text, len, c->unit, &amount) && amount < (double)c->number;
	case TEST_ZERO:
		return !unknown && read_quantity(text, len, 'n', &amount) && amount == 0;
	case TEST_BITS:
		return host_bits(text, len) & c->bits;
	case TEST_NAMES:
		return is_one_of(c->names, text);
	case TEST_EXISTS:
		break;
	}
	return true;
}

static bool test_node(const struct trial *t, const struct node *node, const struct scan_path *path)
{
	autostrbuf struct strbuf expanded = STRBUF_INIT(VALUE_MAX);
	const char *text;
	bool unknown;
	size_t len;

	if (t->condition->test == TEST_EXISTS)
		return !node_is_null(node);
	if (node->kind != NODE_SCALAR)
		return false;
	text = value_text(node, &expanded, &len, &unknown);
	return test_text(t, node, text, len, unknown, path);
}

/* ---- matches */

static bool is_found(void *arg, const struct node *node, const struct scan_path *path)
{
	return test_node(arg, node, path);
}

static bool walk_condition(struct trial *t, const struct rule_condition *c, node_visitor *visit)
{
	const struct path_key *path = t->ref->paths->conditions[c - t->ref->match->conditions];

	t->condition = c;
	return c->each ? walk_path(t->item, path, t->item_path, visit, t)
		       : walk_path(t->scope, path, t->scope_path, visit, t);
}

/* A number for a category at a severity. */
static uint32_t category_key(const char *category, int severity)
{
	uint32_t h = 2166136261u + (uint32_t)severity;

	for (; *category; category++)
		h = (h ^ (unsigned char)*category) * 16777619u;
	return h | UINT32_C(1) << 31;	/* no index of a rule */
}

/* Has a graver rule of the category been told of at the node? If not, this rule takes the place. */
static bool is_outdone(struct scan *sc, const struct rule *rule, const struct node *node)
{
	if (!rule->category)
		return false;
	if (key_set_has(&sc->structures, key_of(node, category_key(rule->category, (int)rule->severity))))
		return true;
	for (int weaker = 0; weaker < (int)rule->severity; weaker++)
		key_set_add(&sc->structures, key_of(node, category_key(rule->category, weaker)));
	return false;
}

static void tell(struct trial *t, const struct node *node, const struct scan_path *path)
{
	struct scan_match match = { .place = { .node = node, .path = path, .whole = true } };

	if (!key_set_add(&t->sc->structures, key_of(node, t->ref->index)))
		return;		/* by another match of the rule, or through an alias */
	if (is_outdone(t->sc, t->ref->rule, node))
		return;
	if (node->kind != NODE_SCALAR)
		match.shown = "";
	scan_tell(t->sc, t->ref->index, &match);
}

static bool tell_found(void *arg, const struct node *node, const struct scan_path *path)
{
	struct trial *t = arg;

	if (test_node(t, node, path))
		tell(t, node, path);
	return false;
}

/* All conditions hold: the first that is not negated says where; every node that it holds for is a place of its own. */
static void try_item(struct trial *t)
{
	const struct rule_match *m = t->ref->match;
	const struct rule_condition *where = NULL;

	for (size_t i = 0; i < m->conditions_len; i++) {
		const struct rule_condition *c = &m->conditions[i];

		if (c->subject != SUBJECT_NODE)
			return;
		if (!c->negated && !where)
			where = c;
		else if (walk_condition(t, c, is_found) == c->negated)
			return;
	}
	if (where)
		walk_condition(t, where, tell_found);
	else
		tell(t, t->item, t->item_path);
}

static bool try_each(void *arg, const struct node *node, const struct scan_path *path)
{
	struct trial *t = arg;

	t->item = node;
	t->item_path = path;
	try_item(t);
	return false;
}

void scan_mapping(struct scan *sc, enum rule_scope scope, const struct node *mapping, const struct scan_path *path)
{
	const struct structure_entries *entries = &sc->scanner->index->structures[scope];
	const uint64_t keys = keys_of(mapping), below = keys_below(mapping);

	for (size_t i = 0; i < entries->len; i++) {
		struct trial t = { .sc = sc, .scope = mapping, .scope_path = path, .item = mapping, .item_path = path };

		if ((entries->items[i].need & ~keys) | (entries->items[i].need_below & ~below))
			continue;
		t.ref = ref_of(sc->scanner, scope, i);
		if (t.ref->paths->each)
			walk_path(mapping, t.ref->paths->each, path, try_each, &t);
		else
			try_item(&t);
	}
}
