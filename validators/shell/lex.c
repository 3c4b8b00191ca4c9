/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/lex.h"

#include <string.h>

#define POOL_BYTES ((size_t)4 << 10)

#define LETTER (CLASS_NAME | CLASS_ALNUM)
const uint16_t lex_class[256] = {
	['A' ... 'Z'] = LETTER, ['a'] = LETTER | CLASS_RESERVED, ['b'] = LETTER, ['c' ... 'f'] = LETTER | CLASS_RESERVED, ['g'] = LETTER,
	['h' ... 'i'] = LETTER | CLASS_RESERVED, ['j' ... 'k'] = LETTER, ['l' ... 'p'] = LETTER | CLASS_RESERVED, ['q'] = LETTER,
	['r' ... 'u'] = LETTER | CLASS_RESERVED, ['v'] = LETTER, ['w'] = LETTER | CLASS_RESERVED, ['x' ... 'z'] = LETTER,
	['_'] = CLASS_NAME,
	['0' ... '9'] = CLASS_DIGIT | CLASS_ALNUM | CLASS_REDIRECT,
	[' '] = CLASS_META | CLASS_BLANK | CLASS_SKIP, ['\t'] = CLASS_META | CLASS_BLANK | CLASS_SKIP,
	['\n'] = CLASS_META | CLASS_NEWLINE,
	[';'] = CLASS_META, ['&'] = CLASS_META | CLASS_REDIRECT, ['|'] = CLASS_META, 
	['<'] = CLASS_META | CLASS_REDIRECT, ['>'] = CLASS_META | CLASS_REDIRECT,
	['('] = CLASS_META, [')'] = CLASS_META,
	['\\'] = CLASS_BARE | CLASS_QUOTED | CLASS_SKIP, ['"'] = CLASS_BARE | CLASS_QUOTED, ['`'] = CLASS_BARE | CLASS_QUOTED,
	['\r'] = CLASS_BARE | CLASS_QUOTED | CLASS_SKIP, ['\''] = CLASS_BARE,
	['$'] = CLASS_BARE | CLASS_QUOTED | CLASS_SPECIAL,
	['{'] = CLASS_BRACE | CLASS_RESERVED | CLASS_REDIRECT, [','] = CLASS_BRACE_END,
	['}'] = CLASS_BRACE_END | CLASS_OPERAND_END | CLASS_RESERVED,
	['/'] = CLASS_OPERAND_END, [':'] = CLASS_OPERAND_END,
	['['] = CLASS_BRACKET | CLASS_RESERVED, [']'] = CLASS_BRACKET,
	['@'] = CLASS_SPECIAL, ['*'] = CLASS_SPECIAL, ['#'] = CLASS_SPECIAL | CLASS_SKIP, ['?'] = CLASS_SPECIAL, ['-'] = CLASS_SPECIAL,
	['!'] = CLASS_SPECIAL | CLASS_RESERVED,
};

/* ---- places */

static size_t map_position(const struct source *in, size_t pos)
{
	size_t low = 0, high = in->map_len;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (in->map[middle].at <= pos)
			low = middle;
		else
			high = middle;
	}
	return in->map[low].outer + (pos - in->map[low].at);
}

size_t lex_offset_mapped(const struct source *in, size_t pos)
{
	for (; in->map; in = in->outer)
		pos = map_position(in, pos);
	return pos;
}

size_t lex_source_len_mapped(const struct parser *p, size_t from, size_t to)
{
	/* by the last byte: a backslash that was removed behind it is not part of it */
	return to > from ? lex_offset(p, to - 1) + 1 - lex_offset(p, from) : 0;
}

void lex_problem(struct parser *p, enum shell_problem_kind kind, size_t pos, const char *what)
{
	if (p->problems_len == SHELL_MAX_PROBLEMS || p->full)
		return;
	p->problems = arena_append(p->arena, p->problems, p->problems_len, sizeof(*p->problems));
	p->problems[p->problems_len++] =
		(struct shell_problem){ .kind = kind, .offset = lex_offset(p, pos), .what = what };
}

bool lex_enter(struct parser *p, size_t pos, const char *what)
{
	if (p->depth < SHELL_MAX_DEPTH) {
		p->depth++;
		return true;
	}
	if (!p->too_deep)
		lex_problem(p, SHELL_TOO_DEEP, pos, what);
	p->too_deep = true;
	return false;
}

bool lex_count_over(struct parser *p)
{
	lex_problem(p, SHELL_TOO_LARGE, p->in.pos, "script");
	p->full = true;
	p->in.end = p->in.pos;
	return false;
}

struct source lex_switch(struct parser *p, struct source to)
{
	struct source from = p->in;

	p->in = to;
	return from;
}

void lex_switch_back(struct parser *p, struct source from)
{
	p->in = from;
	if (p->full)
		p->in.end = p->in.pos;
}

/* ---- characters */

bool lex_is_crlf(const struct parser *p, size_t pos)
{
	return lex_at(p, pos, '\r') && lex_at(p, pos + 1, '\n');
}

size_t lex_join_len_at(const struct parser *p, size_t pos)
{
	if (lex_at(p, pos + 1, '\n'))
		return 2;
	return lex_is_crlf(p, pos + 1) ? 3 : 0;
}

size_t lex_joined_at(const struct parser *p, size_t pos)
{
	size_t len;

	while ((len = lex_join_len(p, pos)))
		pos += len;
	return pos;
}

static void skip_comment(struct parser *p)
{
	const char *s = p->in.s + p->in.pos;
	const char *newline = memchr(s, '\n', p->in.end - p->in.pos);

	p->in.pos = newline ? p->in.pos + (size_t)(newline - s) : p->in.end;
}

void lex_skip(struct parser *p)
{
	for (;;) {
		char c;

		while (p->in.pos < p->in.end && lex_is(p->in.s[p->in.pos], CLASS_BLANK))
			p->in.pos++;
		if (p->in.pos >= p->in.end)
			return;
		c = p->in.s[p->in.pos];
		if (c == '#')
			skip_comment(p);
		else if (c == '\r' && lex_is_crlf(p, p->in.pos))
			p->in.pos++;
		else if (c == '\\' && lex_join_len(p, p->in.pos))
			p->in.pos = lex_joined(p, p->in.pos);
		else
			return;
	}
}

/* Longer ones before their beginnings; first_operator[] says where those of a character begin. */
static const struct { char text[4]; enum operator op; } operators[] = {
	{ ";;&", OPERATOR_BRANCH }, { ";;", OPERATOR_BRANCH }, { ";&", OPERATOR_BRANCH }, { ";", OPERATOR_SEMICOLON },
	{ "&>>", OPERATOR_APPEND_BOTH }, { "&>", OPERATOR_WRITE_BOTH }, { "&&", OPERATOR_AND }, { "&", OPERATOR_BACKGROUND },
	{ "||", OPERATOR_OR }, { "|&", OPERATOR_PIPE_BOTH }, { "|", OPERATOR_PIPE },
	{ "(", OPERATOR_OPEN }, { ")", OPERATOR_CLOSE },
	{ "<<<", OPERATOR_HERE_STRING }, { "<<-", OPERATOR_HERE_DOCUMENT_TABS }, { "<<", OPERATOR_HERE_DOCUMENT },
	{ "<&", OPERATOR_DUP_IN }, { "<>", OPERATOR_READ_WRITE }, { "<", OPERATOR_READ },
	{ ">>", OPERATOR_APPEND }, { ">&", OPERATOR_DUP_OUT }, { ">|", OPERATOR_CLOBBER }, { ">", OPERATOR_WRITE },
};

static const unsigned char first_operator[256] = {
	[';'] = 0, ['&'] = 4, ['|'] = 8, ['('] = 11, [')'] = 12, ['<'] = 13, ['>'] = 19,
};

enum operator lex_operator_at(const struct parser *p, size_t *ret_end)
{
	char c = p->in.s[p->in.pos];

	if (c == '\n') {
		*ret_end = p->in.pos + 1;
		return OPERATOR_NEWLINE;
	}
	for (size_t i = first_operator[(unsigned char)c]; i < ARRAY_SIZE(operators) && operators[i].text[0] == c; i++) {
		size_t end = p->in.pos + 1;
		const char *rest = operators[i].text + 1;

		for (; *rest; rest++, end++) {
			end = lex_joined(p, end);
			if (!lex_at(p, end, *rest))
				break;
		}
		if (*rest)
			continue;
		*ret_end = end;
		return operators[i].op;
	}
	return OPERATOR_NONE;
}

/* At most eight letters, so they are compared as one number. */
union letters {
	char text[8];
	uint64_t all;
};

static const union letters reserved_words[RESERVED_LEN] = {
	[RESERVED_IF] = { "if" }, [RESERVED_THEN] = { "then" }, [RESERVED_ELIF] = { "elif" }, [RESERVED_ELSE] = { "else" },
	[RESERVED_FI] = { "fi" }, [RESERVED_WHILE] = { "while" }, [RESERVED_UNTIL] = { "until" }, [RESERVED_FOR] = { "for" },
	[RESERVED_SELECT] = { "select" }, [RESERVED_DO] = { "do" }, [RESERVED_DONE] = { "done" }, [RESERVED_CASE] = { "case" },
	[RESERVED_IN] = { "in" }, [RESERVED_ESAC] = { "esac" }, [RESERVED_FUNCTION] = { "function" }, [RESERVED_OPEN] = { "{" },
	[RESERVED_CLOSE] = { "}" }, [RESERVED_TEST] = { "[[" }, [RESERVED_NOT] = { "!" }, [RESERVED_TIME] = { "time" },
	[RESERVED_COPROC] = { "coproc" },
};

/* Second letters, by bit: of "then" and "time" for 't' … All for those of one letter. */
#define LETTERS(a, b, c) (1u << ((a) & 31) | 1u << ((b) & 31) | 1u << ((c) & 31))
const uint32_t lex_reserved_second[256] = {
	['!'] = ~0u, ['{'] = ~0u, ['}'] = ~0u, ['['] = LETTERS('[', '[', '['),
	['c'] = LETTERS('a', 'o', 'o'), ['d'] = LETTERS('o', 'o', 'o'), ['e'] = LETTERS('l', 's', 's'), ['f'] = LETTERS('i', 'o', 'u'),
	['i'] = LETTERS('f', 'n', 'n'), ['s'] = LETTERS('e', 'e', 'e'), ['t'] = LETTERS('h', 'i', 'i'), ['u'] = LETTERS('n', 'n', 'n'),
	['w'] = LETTERS('h', 'h', 'h'),
};

/* In the order of their first letters; reserved_from[] says where those of a letter begin. */
static const enum reserved reserved_order[] = {
	RESERVED_NONE, RESERVED_NOT, RESERVED_TEST, RESERVED_CASE, RESERVED_COPROC, RESERVED_DO, RESERVED_DONE, RESERVED_ELIF, RESERVED_ELSE, RESERVED_ESAC,
	RESERVED_FI, RESERVED_FOR, RESERVED_FUNCTION, RESERVED_IF, RESERVED_IN, RESERVED_SELECT, RESERVED_THEN, RESERVED_TIME,
	RESERVED_UNTIL, RESERVED_WHILE, RESERVED_OPEN, RESERVED_CLOSE,
};
static const unsigned char reserved_from[256] = {
	['!'] = 1, ['['] = 2, ['c'] = 3, ['d'] = 5, ['e'] = 7, ['f'] = 10, ['i'] = 13, ['s'] = 15, ['t'] = 16, ['u'] = 18, ['w'] = 19,
	['{'] = 20, ['}'] = 21,
};

static enum reserved find_reserved(const struct parser *p, size_t *ret_end)
{
	union letters word = { "" };
	size_t len = 0, pos = p->in.pos;

	for (;; pos++) {
		if (lex_at(p, pos, '\\'))
			pos = lex_joined(p, pos);
		if (pos >= p->in.end || lex_is(p->in.s[pos], CLASS_META) || lex_is_crlf(p, pos))
			break;
		if (len == sizeof(word) || !lex_is(p->in.s[pos], CLASS_RESERVED))
			return RESERVED_NONE;
		word.text[len++] = p->in.s[pos];
	}
	*ret_end = pos;
	for (size_t i = reserved_from[(unsigned char)word.text[0]]; i < ARRAY_SIZE(reserved_order); i++) {
		const union letters *r = &reserved_words[reserved_order[i]];

		if (r->all == word.all)
			return reserved_order[i];
		if (r->text[0] != word.text[0])
			break;
	}
	return RESERVED_NONE;
}

enum reserved lex_reserved_here(struct parser *p, size_t *ret_end)
{
	struct reserved_memo *memo = &p->reserved;

	/* several levels of the grammar ask in turn */
	if (memo->s != p->in.s || memo->pos != p->in.pos || memo->source_end != p->in.end) {
		*memo = (struct reserved_memo){ .s = p->in.s, .pos = p->in.pos, .source_end = p->in.end };
		memo->word = find_reserved(p, &memo->end);
	}
	*ret_end = memo->end;
	return memo->word;
}

bool lex_is_empty_parens(const struct parser *p, size_t *ret_end)
{
	size_t pos;

	if (!lex_at(p, p->in.pos, '('))
		return false;
	pos = lex_joined(p, p->in.pos + 1);
	while (pos < p->in.end && lex_is(p->in.s[pos], CLASS_BLANK))
		pos = lex_joined(p, pos + 1);
	*ret_end = pos + 1;
	return lex_at(p, pos, ')');
}

size_t lex_name_end(const struct parser *p, size_t pos)
{
	size_t end = lex_joined(p, pos);

	if (end >= p->in.end || !lex_is(p->in.s[end], CLASS_NAME))
		return pos;
	for (;;) {
		size_t next;

		while (end < p->in.end && lex_is(p->in.s[end], CLASS_NAME | CLASS_DIGIT))
			end++;
		next = lex_joined(p, end);
		/* a continuation belongs to the name only when the name goes on behind it */
		if (next == end || next >= p->in.end || !lex_is(p->in.s[next], CLASS_NAME | CLASS_DIGIT))
			return end;
		end = next;
	}
}

/* ---- the arena */

const char *lex_keep_text(struct parser *p, const char *text, size_t len)
{
	char *copy;

	if (len >= POOL_BYTES / 4)
		return arena_strndup(p->arena, text, len);
	if (len >= p->pool_len) {
		p->pool = arena_take(p->arena, POOL_BYTES);
		p->pool_len = POOL_BYTES;
	}
	copy = p->pool;
	memcpy(copy, text, len);
	copy[len] = '\0';
	p->pool += len + 1;
	p->pool_len -= len + 1;
	return copy;
}

const char *lex_keep_source(struct parser *p, size_t from, size_t to, size_t *ret_len)
{
	size_t base = p->text.len, len;
	const char *kept;

	if (!memchr(p->in.s + from, '\\', to - from) && !memchr(p->in.s + from, '\r', to - from)) {
		if (ret_len)
			*ret_len = to - from;
		return lex_keep_text(p, p->in.s + from, to - from);
	}
	for (size_t pos = from; pos < to;) {
		size_t join = lex_join_len(p, pos);

		if (!join && !lex_is_crlf(p, pos))
			PUSH(&p->text) = p->in.s[pos];
		pos += join ? join : 1;
	}
	len = p->text.len - base;
	kept = lex_keep_text(p, len ? p->text.items + base : "", len);
	p->text.len = base;
	if (ret_len)
		*ret_len = len;
	return kept;
}

const char *lex_keep_expression(struct parser *p, size_t from, size_t to, size_t *ret_len)
{
	if (to - from <= SHELL_MAX_EXPRESSION)
		return lex_keep_source(p, from, to, ret_len);
	if (ret_len)
		*ret_len = 1;
	return "?";
}

void *lex_keep(struct parser *p, const void *items, size_t n, size_t size)
{
	return memcpy(arena_take(p->arena, n * size), items, n * size);
}
