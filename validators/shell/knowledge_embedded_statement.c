/* SPDX-License-Identifier: Apache-2.0
 * Statements: imports, assignments, loops, and the run through all of the code. */
#include <string.h>

#include "validators/shell/knowledge_embedded.h"

#define MAX_EMITTING 8		/* items of a comprehension whose calls are told one by one */
#define MAX_COMPREHENSION 512	/* bytes of the expression of a comprehension, which is read once an item */

static const struct code_value nothing = { .text = "" };

/* [expression for NAME in items]: the expression stands from `from` on and was read once. */
struct code_value code_comprehension(struct code_scan *s, size_t from, size_t to)
{
	struct code_value items, *results = NULL, *variable, saved;
	const char *name;
	size_t len, after, n = 0;
	bool quiet = s->quiet;

	code_skip_blanks(s);
	name = s->text + s->at;
	len = code_read_name(s);
	if (!len || !code_take_word(s, "in"))
		return nothing;
	items = code_expression(s);
	after = s->at;
	if (to - from > MAX_COMPREHENSION || s->quiet)
		return nothing;
	if (items.kind == CODE_TEXT && items.known) {	/* its characters */
		struct code_value *chars = NULL;

		for (size_t i = 0; i < items.len && i < CODE_MAX_ITEMS; i++) {
			chars = arena_append(s->arena, chars, i, sizeof(*chars));
			chars[i] = code_text(s, items.text + i, 1, true, 0);
		}
		items = (struct code_value){ .kind = CODE_LIST, .items = chars, .items_len = items.len < CODE_MAX_ITEMS ? items.len : CODE_MAX_ITEMS };
	}
	variable = code_variable(s, name, len, true);
	if (items.kind != CODE_LIST || !variable)
		return nothing;
	saved = *variable;
	s->quiet = items.items_len > MAX_EMITTING;
	for (size_t i = 0; i < items.items_len; i++) {
		*variable = items.items[i];
		s->at = from;
		results = arena_append(s->arena, results, n, sizeof(*results));
		results[n++] = code_expression(s);
	}
	*variable = saved;
	s->quiet = quiet;
	s->at = after;
	return (struct code_value){ .kind = CODE_LIST, .items = results, .items_len = n, .text = "", .origin = ORIGIN_ASSEMBLED };
}

/* import a, b as c; from a import b as c */
static bool import(struct code_scan *s)
{
	struct code_value module = nothing;
	bool from = code_take_word(s, "from");

	if (from) {
		size_t start = s->at;

		while (code_is_name(code_peek(s, 0), false) || code_peek(s, 0) == '.')
			s->at++;
		module = code_name(s, s->text + start, s->at - start);
	}
	if (!code_take_word(s, "import"))
		return false;
	if (code_peek(s, 0) == '(')
		s->at++;
	for (unsigned int n = 0; n < 100; n++) {
		const char *name, *alias;
		size_t len, alias_len;
		struct code_value v;

		code_skip_blanks(s);
		name = alias = s->text + s->at;
		while (code_is_name(code_peek(s, 0), false) || code_peek(s, 0) == '.')
			s->at++;
		len = alias_len = (size_t)(s->text + s->at - name);
		if (!len)
			return true;
		v = from ? code_member(s, &module, name, len) : code_name(s, name, len);
		while (code_peek(s, 0) == ' ')
			s->at++;
		if (code_at_word(s, "as")) {
			s->at += 2;
			code_skip_blanks(s);
			alias = s->text + s->at;
			alias_len = code_read_name(s);
		}
		if (alias_len && !memchr(alias, '.', alias_len))
			code_bind(s, alias, alias_len, &v);
		while (code_peek(s, 0) == ' ')
			s->at++;
		if (code_peek(s, 0) != ',')
			return true;
		s->at++;
	}
	return true;
}

/* for a, b in X: the names stand for what is in X. What os.walk finds lies below its argument. */
static void loop_names(struct code_scan *s)
{
	const char *names[4];
	size_t lens[4], n = 0;
	struct code_value items, below = code_text(s, "*", 1, true, 0);
	size_t at = s->at;

	code_skip_blanks(s);
	if (s->language == CODE_PERL && code_peek(s, 0) == '(') {	/* for (LIST): $_ */
		items = code_expression(s);
		code_bind(s, "_", 1, &items);
		return;
	}
	while (n < 4 && s->at < s->len) {
		while (code_peek(s, 0) == '(' || code_peek(s, 0) == ' ' || code_peek(s, 0) == '$')
			s->at++;
		if (code_at_word(s, "my") || code_at_word(s, "const") || code_at_word(s, "let") || code_at_word(s, "var")) {
			code_read_name(s);
			continue;
		}
		names[n] = s->text + s->at;
		lens[n] = code_read_name(s);
		if (!lens[n])
			break;
		n++;
		code_skip_blanks(s);
		if (code_peek(s, 0) != ',')
			break;
		s->at++;
		code_skip_blanks(s);
	}
	if (!n || !(code_take_word(s, "in") || code_take_word(s, "of") || (s->language == CODE_PERL && code_peek(s, 0) == '('))) {
		s->at = at;
		return;
	}
	at = s->at;
	items = code_expression(s);
	if (memmem(s->text + at, s->at - at, "walk", 4)) {
		for (size_t i = 0; i < n; i++)
			code_bind(s, names[i], lens[i], i ? &below : &items);
		return;
	}
	if (items.kind != CODE_UNKNOWN)
		code_bind(s, names[0], lens[0], &items);
}

/* NAME = value, NAME += value, where the name was just read */
static bool assignment(struct code_scan *s, const char *name, size_t len)
{
	struct code_value v, joined, *old;
	bool append;

	while (code_peek(s, 0) == ' ' || code_peek(s, 0) == '\t')
		s->at++;
	append = (code_peek(s, 0) == '+' || (code_peek(s, 0) == '.' && s->language & (CODE_PERL | CODE_PHP))) && code_peek(s, 1) == '=';
	if (!append && !(code_peek(s, 0) == ':' && code_peek(s, 1) == '=') && !(code_peek(s, 0) == '=' && (!code_peek(s, 1) || !strchr("=~>", code_peek(s, 1)))))
		return false;
	s->at += code_peek(s, 0) == '=' ? 1 : 2;
	v = code_expression(s);
	old = code_variable(s, name, len, false);
	if (append && old) {
		joined = code_concat(s, old, &v);
		v = joined;
	}
	code_bind(s, name, len, &v);
	return true;
}

static void statement(struct code_scan *s)
{
	size_t at, len = 0;
	const char *start;
	bool sigil;

	while (code_at_word(s, "my") || code_at_word(s, "our") || code_at_word(s, "local") || code_at_word(s, "const") || code_at_word(s, "let") || code_at_word(s, "var")) {
		code_read_name(s);
		code_skip_blanks(s);
	}
	start = s->text + s->at;
	at = s->at;
	sigil = code_peek(s, 0) == '$' || code_peek(s, 0) == '@';

	if (s->language == CODE_PYTHON && (code_at_word(s, "import") || code_at_word(s, "from"))) {
		if (!import(s) && s->at == at)
			s->at++;
		return;
	}
	if (code_at_word(s, "for") || code_at_word(s, "foreach")) {
		code_read_name(s);
		s->printed_unknown = true;
		loop_names(s);
		return;
	}
	if (s->language == CODE_PYTHON && code_take_word(s, "with")) {	/* with open(f) as g */
		struct code_value v = code_expression(s);
		const char *name;

		if (code_take_word(s, "as")) {
			name = s->text + s->at;
			len = code_read_name(s);
			code_bind(s, name, len, &v);
		}
		return;
	}
	if (code_at_word(s, "while") || code_at_word(s, "if") || code_at_word(s, "until") || code_at_word(s, "unless") || code_at_word(s, "def") || code_at_word(s, "function") ||
	    code_at_word(s, "sub")) {
		s->printed_unknown = true;
		code_read_name(s);
		return;
	}
	if (sigil)
		s->at++;
	start += sigil;
	len = code_is_name(code_peek(s, 0), true) ? code_read_name(s) : 0;
	if (len && assignment(s, start, len))
		return;
	s->at = at;
	code_expression(s);
	if (s->at == at && s->at < s->len)
		s->at++;
}

void code_run(struct code_scan *s)
{
	while (code_skip_blanks(s), s->at < s->len && s->arena->bytes <= s->ceiling) {
		char c = code_peek(s, 0);

		if (code_is_name(c, true) || strchr("\"'`$@[(%", c)) {
			/* the rest of a word that began with something else */
			statement(s);
			continue;
		}
		if (s->language == CODE_RUBY && c == '|' && s->iterated.kind) {	/* { |x| */
			const char *name = s->text + ++s->at;
			size_t len = code_read_name(s);

			if (len && code_peek(s, 0) == '|')
				code_bind(s, name, len, &s->iterated);
			continue;
		}
		if (s->language == CODE_AWK && c == '|') {
			static const struct code_value unknown = { .text = "" };

			if (code_awk_pipe(s, &unknown))
				continue;
		}
		s->at++;
	}
}
