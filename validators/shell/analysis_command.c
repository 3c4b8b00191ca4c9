/* SPDX-License-Identifier: Apache-2.0
 * analysis_command: simple commands: words, assignments, redirections; then they are run. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

static size_t name_len(const char *word)
{
	return word[0] < '0' || word[0] > '9' ? value_name_len(word) : 0;
}

/* NAME=value, as literal beginning of a word. */
static bool looks_like_assignment(const struct shell_word *word)
{
	const char *s;
	size_t n;

	if (!word->len || word->parts[0].kind != PART_TEXT)
		return false;
	s = word->parts[0].text;
	n = name_len(s);
	return n && (s[n] == '=' || (s[n] == '+' && s[n + 1] == '='));
}

static void expand_command_words(struct walker *w, const struct shell_node *node, struct words *ws)
{
	bool odd;

	if (!node->words_len)
		return;
	words_reserve(w, ws, node->words_len);
	expand_words(w, node->words, 1, ws);
	if (!ws->len || !is_declaration(ws->items[0].text)) {
		expand_words(w, node->words + 1, node->words_len - 1, ws);
		return;
	}
	for (size_t i = 1; i < node->words_len; i++) {	/* export X=$Y: not split */
		if (looks_like_assignment(&node->words[i])) {
			struct shell_value v = expand_single(w, &node->words[i], &odd);

			words_push(w, ws, v, odd);
		} else {
			expand_words(w, &node->words[i], 1, ws);
		}
	}
}

/* ---- assignments */
static void assign_array(struct walker *w, const struct shell_assignment *a, struct text_out *text, unsigned int *origin,
			 bool *known)
{
	struct words ws = { .items = NULL };
	struct variable *old = a->append ? variable_find(w, a->name, strlen(a->name)) : NULL;
	size_t before = old ? old->now.array ? old->now.len : 1 : 0;

	if (!affordable(w, before))	/* those before are forgotten: copying them each time is the square of their number */
		before = 0;
	for (size_t i = 0; i < before; i++)
		words_push(w, &ws, old->now.values[i], false);
	expand_words(w, a->words, a->words_len, &ws);
	spend(w, before * 16);
	out_addch(text, '(');
	for (size_t i = before; i < ws.len; i++) {
		const struct shell_value *v = &ws.items[i];
		const char *close = v->text[0] == '[' ? strstr(v->text, "]=") : NULL;

		if (i > before)
			out_addch(text, ' ');
		out_add(text, v->text, v->len);
		*origin |= v->origin;
		*known &= v->known;
		if (close) {	/* [key]=value: an element of its own */
			autostrbuf struct strbuf key = STRBUF_INIT(1024);
			struct shell_value item = *v;

			strbuf_addstr(&key, a->name);
			strbuf_add(&key, v->text, (size_t)(close + 1 - v->text));
			item.text = close + 2;
			item.len = v->len - (size_t)(close + 2 - v->text);
			variable_assign(w, key.buf, key.len, item, false);
			ws.items[i] = item;
		}
	}
	out_addch(text, ')');
	variable_set_array(w, a->name, strlen(a->name), ws.items, ws.len);
}

static void assign_element(struct walker *w, const struct shell_assignment *a, struct shell_value v)
{
	autostrbuf struct strbuf key = STRBUF_INIT(1024);
	bool odd;
	const char *index = a->index_word ? expand_single(w, a->index_word, &odd).text : a->index;
	size_t len = strlen(a->name);
	struct variable *old = variable_find(w, a->name, len);
	size_t count = old && old->now.array ? old->now.len : 0;
	int64_t n;

	if (!strncmp(index, a->name, len) && index[len] == '[')	/* the word begins with the name */
		index += len + 1;
	if ((old || !v.len) && arithmetic(w, index, strlen(index), &n) && n >= 0 && (size_t)n <= count && count < 1024 &&
	    affordable(w, count)) {
		struct shell_value *items = arena_alloc(w->arena, (count + 1) * sizeof(*items));

		spend(w, count * 8);
		if (count)
			memcpy(items, old->now.values, count * sizeof(*items));
		items[n] = v;
		variable_set_array(w, a->name, strlen(a->name), items, (size_t)n == count ? count + 1 : count);
		return;
	}
	strbuf_addf(&key, "%s[%s]", a->name, index);
	variable_assign(w, key.buf, key.len, v, false);
	if (!old && !strcmp(index, "0"))
		variable_set_array(w, a->name, strlen(a->name), memcpy(arena_alloc(w->arena, sizeof(v)), &v, sizeof(v)), 1);
}

/* `keep`: the assignment stays; else it is for one command, which gets it in its environment. */
static struct shell_value assign(struct walker *w, const struct shell_assignment *a, bool keep)
{
	struct shell_value v = value_text("", 0, 0), record = { .known = true };
	size_t len = strlen(a->name);
	struct text_out text = out_init(w->arena, len + a->source_len);
	bool odd = false;

	out_add(&text, a->name, len);
	if (a->index) {
		out_addch(&text, '[');
		out_addstr(&text, a->index);
		out_addch(&text, ']');
	}
	out_addch(&text, '=');
	record.offset = place(&w->source, a->offset);
	record.source_len = place_len(&w->source, a->source_len);
	if (a->array) {
		assign_array(w, a, &text, &v.origin, &record.known);
	} else {
		v = expand_single(w, &a->value, &odd);
		out_add(&text, v.text, v.len);
		record.known = v.known;
		if (!keep)
			;
		else if (a->index)
			assign_element(w, a, v);
		else if (a->append)
			variable_append(w, a->name, len, v);
		else
			variable_assign(w, a->name, len, v, odd);
	}
	record.origin = v.origin;
	record.text = out_text(&text, &record.len);
	return record;
}

static const struct shell_value *assign_all(struct walker *w, const struct shell_node *node, bool keep)
{
	struct shell_value *records;

	if (!node->assignments_len)
		return NULL;
	records = arena_alloc(w->arena, node->assignments_len * sizeof(*records));
	for (size_t i = 0; i < node->assignments_len; i++)
		records[i] = assign(w, &node->assignments[i], keep);
	return records;
}

/* ---- a command without words: its assignments stay, its redirections make files */
static void run_nothing(struct walker *w, const struct shell_node *node, struct call *c)
{
	struct shell_command cmd = {
		.name = "", .assignments = c->assignments, .assignments_len = c->assignments_len, .effects = c->effects,
		.effects_len = c->effects_len, .offset = c->offset, .source_len = c->source_len, .input_from = SHELL_NO_COMMAND,
	};

	if (w->out && node->redirects_len && w->fds[0])	/* $(< file) */
		capture_add(w, w->out, &w->fds[0]->value);
	if (c->effects_len || c->assignments_len)
		emit(w, &cmd);
}

static bool is_bare_exec(const struct call *c)
{
	return c->argc == 1 && !strcmp(c->argv[0].text, "exec");
}

static void walk_variant(struct walker *w, const struct shell_node *node)
{
	struct words ws = { .items = NULL };
	struct redirected r;
	struct call c = { .argv = NULL };

	expand_command_words(w, node, &ws);
	c.assignments = assign_all(w, node, ws.len == 0);
	c.assignments_len = node->assignments_len;
	c.argv = ws.items;
	c.odd = ws.odd;
	c.argc = ws.len;
	c.offset = node->offset;
	c.source_len = node->source_len;
	for (size_t i = 0; i < c.assignments_len; i++)
		analyse_hook(w, &c.assignments[i]);
	redirect_open(w, node->redirects, node->redirects_len, &r, &c.effects, &c.effects_len);
	if (!c.argc)
		run_nothing(w, node, &c);
	else
		run_call(w, &c);
	if (r.active && is_bare_exec(&c))	/* from now on */
		memcpy(r.fds, w->fds, sizeof(r.fds));
	redirect_close(w, &r);
}

void walk_simple(struct walker *w, const struct shell_node *node)
{
	unsigned int variant = w->variant, variants = w->variants;

	w->variant = 0;
	w->variants = 1;
	walk_variant(w, node);
	for (unsigned int n = w->variants, i = 1; i < n && affordable_again(w, node->source_len); i++) {
		w->variant = i;
		walk_variant(w, node);
	}
	w->variant = variant;
	w->variants = variants;
}

/* [[ … ]]: a command `[[` of its words. */
void walk_test(struct walker *w, const struct shell_node *node)
{
	struct words ws = { .items = NULL };
	struct call c = { .offset = node->offset, .source_len = node->source_len };
	struct shell_value name = value_text("[[", 2, ORIGIN_LITERAL);
	unsigned int variant = w->variant, variants = w->variants;

	w->variant = 0;
	name.offset = place(&w->source, node->offset);
	name.source_len = place_len(&w->source, 2);
	words_push(w, &ws, name, false);
	for (size_t i = 0; i < node->words_len; i++) {
		bool odd;
		struct shell_value v = expand_single(w, &node->words[i], &odd);

		words_push(w, &ws, v, false);
	}
	name.text = "]]";
	words_push(w, &ws, name, false);
	w->variant = variant;
	w->variants = variants;
	c.argv = ws.items;
	c.odd = ws.odd;
	c.argc = ws.len;
	run_call(w, &c);
}
