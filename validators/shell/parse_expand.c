/* SPDX-License-Identifier: Apache-2.0
 * What begins with $ or `, and process substitution. */
#include <string.h>

#include "validators/shell/parse_parts.h"

/* The opening one is text when there is no more depth: what is inside is then read on the level that we are on. */
static void add_opening_as_text(struct parser *p, bool quoted)
{
	word_add_text(p, p->in.pos, p->in.pos + 1, quoted);
	p->in.pos++;
}

static void take_close(struct parser *p, char close, size_t from, const char *what)
{
	if (lex_at(p, p->in.pos, close))
		p->in.pos++;
	else
		lex_problem(p, SHELL_UNTERMINATED, from, what);
}

/* ---- commands */

static void add_command(struct parser *p, struct shell_part *part, size_t body, const char *what)
{
	size_t from = p->in.pos;
	bool outer = p->in_substitution;

	if (!lex_enter(p, from, what)) {
		add_opening_as_text(p, part->quoted);
		return;
	}
	p->in.pos = body;
	p->in_substitution = true;
	part->body = parse_inner(p, STOP_PAREN);
	p->in_substitution = outer;
	take_close(p, ')', from, what);
	lex_leave(p);
	word_add_part(p, part, from);
}

void expand_process(struct parser *p)
{
	bool output = p->in.s[p->in.pos] == '>';
	struct shell_part part = { .kind = PART_PROCESS, .output = output };

	add_command(p, &part, lex_joined(p, p->in.pos + 1) + 1, output ? ">(" : "<(");
}

/* The inside of `…` is a source of its own: as it stands, or without the backslashes that protect $ ` \ (in double quotes " too). */
static struct source backquoted(struct parser *p, const struct source *outer, size_t from, size_t to, const char *escapable)
{
	struct source inner = p->in;
	struct lex_map *map;
	size_t removed = 0, len = 0;
	char *copy;

	inner.pos = from;
	inner.end = to;
	for (size_t i = from; i + 1 < to; i++)
		if (p->in.s[i] == '\\') {
			removed += strchr(escapable, p->in.s[i + 1]) && p->in.s[i + 1];
			i++;
		}
	if (!removed)
		return inner;
	copy = arena_alloc(p->arena, to - from);
	map = arena_alloc(p->arena, (removed + 1) * sizeof(*map));
	map[0].outer = from;
	inner = (struct source){ .s = copy, .end = to - from - removed, .map = map, .map_len = 1, .outer = outer };
	for (size_t i = from; i < to; i++) {
		if (p->in.s[i] == '\\' && i + 1 < to) {
			if (strchr(escapable, p->in.s[i + 1]) && p->in.s[i + 1])
				map[inner.map_len++] = (struct lex_map){ .at = len, .outer = i + 1 };
			else
				copy[len++] = p->in.s[i];
			i++;
		}
		copy[len++] = p->in.s[i];
	}
	return inner;
}

void expand_backquote(struct parser *p, bool quoted, bool in_quotes)
{
	struct shell_part part = { .kind = PART_COMMAND, .quoted = quoted };
	size_t from = p->in.pos, end = from + 1, base = p->pending.len;
	bool substitution = p->in_substitution;
	struct source outer = p->in;

	if (!lex_enter(p, from, "`")) {
		add_opening_as_text(p, quoted);
		return;
	}
	while (end < p->in.end && p->in.s[end] != '`')
		end += p->in.s[end] == '\\' && end + 1 < p->in.end ? 2 : 1;
	lex_switch(p, backquoted(p, &outer, from + 1, end, in_quotes ? "$`\\\"" : "$`\\"));
	p->in_substitution = false;
	part.body = parse_inner(p, 0);
	parse_drop_here_documents(p, base);
	p->in_substitution = substitution;
	outer.pos = end;
	lex_switch_back(p, outer);
	take_close(p, '`', from, "`");
	lex_leave(p);
	word_add_part(p, &part, from);
}

/* ---- arithmetic */

/* Behind what stands at `pos`, when that is quoted: a backslash, or a quote up to its end. */
static size_t skip_quoted(const struct parser *p, size_t pos)
{
	char quote = p->in.s[pos];
	const char *close;

	if (quote == '\\')
		return pos + 2;
	if (quote == '\'') {
		close = memchr(p->in.s + pos + 1, '\'', p->in.end - pos - 1);
		return close ? (size_t)(close - p->in.s) + 1 : p->in.end;
	}
	if (quote != '"')
		return pos + 1;
	for (pos++; pos < p->in.end && p->in.s[pos] != '"'; pos++)
		pos += p->in.s[pos] == '\\';
	return pos + 1;
}

/* The place of the `close` that ends what begins at `pos`; in.end: there is none. Looks ahead, so it has a budget. */
static size_t find_close(struct parser *p, size_t pos, char open, char close)
{
	size_t from = pos, depth = 0;
	size_t end = p->in.end - pos > p->scan_budget ? pos + p->scan_budget : p->in.end;

	while (pos < end) {
		char c = p->in.s[pos];

		if (c == close && !depth--)
			break;
		depth += c == open;
		pos = skip_quoted(p, pos);
	}
	pos = pos < end ? pos : end;
	p->scan_budget -= pos - from;
	return pos < end ? pos : p->in.end;
}

bool expand_is_arithmetic(struct parser *p, size_t pos, size_t *ret_end)
{
	size_t end = find_close(p, pos, '(', ')');

	*ret_end = end;
	return end < p->in.end && lex_at(p, lex_joined(p, end + 1), ')');
}

const struct shell_word *expand_range(struct parser *p, size_t from, size_t to)
{
	struct source inner = p->in, outer;
	const struct shell_word *word;

	inner.pos = from;
	inner.end = to;
	outer = lex_switch(p, inner);
	word = word_read_as(p, &(struct reading){ .kind = READ_TEXT, .quoted = true });
	lex_switch_back(p, outer);
	return word;
}

static void add_arithmetic(struct parser *p, bool quoted, size_t inside, size_t close, size_t end)
{
	struct shell_part part = { .kind = PART_ARITHMETIC, .quoted = quoted };
	size_t from = p->in.pos;

	if (!lex_enter(p, from, "$((")) {
		add_opening_as_text(p, quoted);
		return;
	}
	part.text = lex_keep_expression(p, inside, close, &part.len);
	part.operand = expand_range(p, inside, close);
	p->in.pos = p->full ? p->in.pos : end;
	lex_leave(p);
	word_add_part(p, &part, from);
}

/* ---- variables */

static const struct expansion {
	char text[3];
	enum shell_expansion kind;
	bool patterns;	/* ' quotes in it even inside double quotes */
	char split;
} expansions[] = {
	{ ":-", EXPAND_DEFAULT, false, 0 }, { ":=", EXPAND_ASSIGN, false, 0 }, { ":?", EXPAND_ERROR, false, 0 },
	{ ":+", EXPAND_ALTERNATIVE, false, 0 },
	{ "-", EXPAND_DEFAULT, false, 0 }, { "=", EXPAND_ASSIGN, false, 0 }, { "?", EXPAND_ERROR, false, 0 },
	{ "+", EXPAND_ALTERNATIVE, false, 0 },
	{ "##", EXPAND_PREFIX_LONG, true, 0 }, { "#", EXPAND_PREFIX, true, 0 },
	{ "%%", EXPAND_SUFFIX_LONG, true, 0 }, { "%", EXPAND_SUFFIX, true, 0 },
	{ "//", EXPAND_REPLACE_ALL, true, '/' }, { "/", EXPAND_REPLACE, true, '/' },
	{ "^^", EXPAND_UPPER, true, 0 }, { "^", EXPAND_UPPER, true, 0 }, { ",,", EXPAND_LOWER, true, 0 }, { ",", EXPAND_LOWER, true, 0 },
	{ ":", EXPAND_SUBSTRING, false, ':' }, { "@", EXPAND_OTHER, false, 0 },
};
static const struct expansion unknown_expansion = { "", EXPAND_OTHER, false, 0 };

/* The operator at `pos`; *ret_end behind it. */
static const struct expansion *find_expansion(const struct parser *p, size_t pos, size_t *ret_end)
{
	for (size_t i = 0; i < ARRAY_SIZE(expansions); i++) {
		const struct expansion *e = &expansions[i];
		size_t second = lex_joined(p, pos + 1);

		if (!lex_at(p, pos, e->text[0]) || (e->text[1] && !lex_at(p, second, e->text[1])))
			continue;
		*ret_end = e->text[1] ? second + 1 : pos + 1;
		return e;
	}
	*ret_end = pos;
	return &unknown_expansion;
}

/* The end of NAME, of digits, or of one special letter at `pos`; pos: there is none. */
static size_t parameter_end(const struct parser *p, size_t pos)
{
	size_t end = lex_name_end(p, pos);

	if (end > pos || pos >= p->in.end)
		return end;
	if (lex_is(p->in.s[pos], CLASS_SPECIAL))
		return pos + 1;
	while (end < p->in.end && lex_is(p->in.s[end], CLASS_DIGIT))
		end++;
	return end;
}

static void read_index(struct parser *p, struct shell_part *part)
{
	size_t from = ++p->in.pos;
	struct reading r = { .kind = READ_INDEX };

	part->index_word = word_read_as(p, &r);
	part->index = lex_keep_expression(p, from, p->in.pos, NULL);
	take_close(p, ']', from - 1, "[");
}

static void read_operands(struct parser *p, struct shell_part *part)
{
	const struct expansion *e = find_expansion(p, p->in.pos, &p->in.pos);
	struct reading r = { .kind = READ_OPERAND, .quoted = part->quoted, .patterns = e->patterns, .split = e->split };

	if (e == &unknown_expansion)
		lex_problem(p, SHELL_UNEXPECTED, p->in.pos, "${");
	part->expansion = e->kind;
	r.not_split = e->split == '/' ? p->in.pos : 0;
	part->operand = word_read_as(p, &r);
	if (!e->split || !lex_at(p, p->in.pos, e->split))
		return;
	p->in.pos++;
	r.split = '\0';
	part->operand2 = word_read_as(p, &r);
}

/* ! or # before the name: at `pos`, which moves behind it. */
static enum shell_expansion read_prefix(const struct parser *p, size_t *pos)
{
	size_t next = lex_joined(p, *pos + 1), end = parameter_end(p, next);
	bool special = end == next + 1 && lex_is(p->in.s[next], CLASS_SPECIAL);
	enum shell_expansion ret = lex_at(p, *pos, '!') ? EXPAND_INDIRECT : EXPAND_LENGTH;

	if ((!lex_at(p, *pos, '!') && !lex_at(p, *pos, '#')) || end == next)
		return EXPAND_PLAIN;
	if (special && !lex_at(p, lex_joined(p, end), '}'))	/* ${#-x}: # with a default */
		return EXPAND_PLAIN;
	*pos = next;
	return ret;
}

/* ${ commands; }: behind the brace is a blank or | */
static bool is_inline_command(const struct parser *p, size_t pos)
{
	return pos < p->in.end && (p->in.s[pos] == '|' || lex_is(p->in.s[pos], CLASS_BLANK | CLASS_NEWLINE));
}

static void add_inline_command(struct parser *p, struct shell_part *part, size_t from, size_t pos)
{
	part->kind = PART_COMMAND;
	p->in.pos = pos + lex_at(p, pos, '|');
	part->body = parse_inner(p, STOP_INLINE);
	take_close(p, '}', from, "${");
	word_add_part(p, part, from);
}

static void read_parameter(struct parser *p, struct shell_part *part, size_t pos, size_t end)
{
	enum shell_expansion prefix = part->expansion;

	part->text = lex_keep_source(p, pos, end, &part->len);
	p->in.pos = lex_joined(p, end);
	if (lex_at(p, p->in.pos, '['))
		read_index(p, part);
	p->in.pos = lex_joined(p, p->in.pos);
	if (prefix == EXPAND_INDIRECT && lex_at(p, p->in.pos, '*') && lex_at(p, lex_joined(p, p->in.pos + 1), '}')) {
		p->in.pos = lex_joined(p, p->in.pos + 1);	/* ${!NAME*}: names */
		part->expansion = EXPAND_OTHER;
	} else if (p->in.pos < p->in.end && !lex_at(p, p->in.pos, '}')) {
		read_operands(p, part);
		if (prefix == EXPAND_INDIRECT && part->expansion != EXPAND_OTHER)
			part->expansion = EXPAND_INDIRECT;
	}
}

static void add_braced(struct parser *p, bool quoted, size_t brace)
{
	struct shell_part part = { .kind = PART_VARIABLE, .quoted = quoted };
	size_t from = p->in.pos, pos = lex_joined(p, brace + 1), end;

	if (!lex_enter(p, from, "${")) {
		add_opening_as_text(p, quoted);
		return;
	}
	part.expansion = read_prefix(p, &pos);
	end = parameter_end(p, pos);
	if (is_inline_command(p, brace + 1)) {
		add_inline_command(p, &part, from, brace + 1);
	} else if (end == pos) {
		lex_problem(p, SHELL_UNEXPECTED, from, "${");
		add_opening_as_text(p, quoted);
	} else {
		read_parameter(p, &part, pos, end);
		take_close(p, '}', from, "${");
		word_add_part(p, &part, from);
	}
	lex_leave(p);
}

static void add_variable(struct parser *p, bool quoted, size_t name, size_t end)
{
	struct shell_part part = { .kind = PART_VARIABLE, .quoted = quoted };
	size_t from = p->in.pos;

	part.text = lex_keep_source(p, name, end, &part.len);
	p->in.pos = end;
	word_add_part(p, &part, from);
}

static void expand_paren(struct parser *p, bool quoted, size_t open)
{
	struct shell_part part = { .kind = PART_COMMAND, .quoted = quoted };
	size_t second = lex_joined(p, open + 1), close;

	if (lex_at(p, second, '(') && expand_is_arithmetic(p, second + 1, &close))
		add_arithmetic(p, quoted, second + 1, close, lex_joined(p, close + 1) + 1);
	else
		add_command(p, &part, open + 1, "$(");
}

void expand_dollar(struct parser *p, bool quoted)
{
	size_t next = lex_joined(p, p->in.pos + 1), end;

	if (lex_at(p, next, '(')) {
		expand_paren(p, quoted, next);
	} else if (lex_at(p, next, '{')) {
		add_braced(p, quoted, next);
	} else if (lex_at(p, next, '[') && (end = find_close(p, next + 1, '[', ']')) < p->in.end) {
		add_arithmetic(p, quoted, next + 1, end, end + 1);
	} else if (lex_at(p, next, '[')) {
		lex_problem(p, SHELL_UNTERMINATED, p->in.pos, "$[");
		add_opening_as_text(p, quoted);
	} else {
		end = parameter_end(p, next);
		if (end > next && lex_is(p->in.s[next], CLASS_DIGIT))
			end = next + 1;
		if (end > next)
			add_variable(p, quoted, next, end);
		else
			add_opening_as_text(p, quoted);
	}
}
