/* SPDX-License-Identifier: Apache-2.0
 * lex: private to the reader of shell text (parse*.c, lex*.c). Characters, blanks, operators and reserved words; the stacks of the tree.
 *
 * What is complete goes on a stack; whoever opened a level keeps what lies above its base in the arena and pops it. So arrays of
 * the tree have their exact size, and nothing is ever moved. */
#pragma once

#include "runner/base/mem.h"
#include "validators/shell/parse.h"

enum lex_class {			/* bits of lex_class[] */
	CLASS_BLANK = 1 << 0,
	CLASS_META = 1 << 1,		/* ends an unquoted word, blanks and newline too */
	CLASS_BARE = 1 << 2,		/* means something outside quotes: \ ' " $ ` CR */
	CLASS_QUOTED = 1 << 3,		/* means something in double quotes: \ " $ ` CR */
	CLASS_BRACE = 1 << 4,		/* { */
	CLASS_BRACE_END = 1 << 5,	/* } , */
	CLASS_OPERAND_END = 1 << 6,	/* } / : */
	CLASS_BRACKET = 1 << 7,		/* [ ] */
	CLASS_NEWLINE = 1 << 8,
	CLASS_NAME = 1 << 9,		/* letters and _ */
	CLASS_DIGIT = 1 << 10,
	CLASS_ALNUM = 1 << 11,		/* ASCII letters and digits */
	CLASS_RESERVED = 1 << 12,	/* stands in reserved words */
	CLASS_SPECIAL = 1 << 13,	/* one-letter parameters: @*#?-$! */
	CLASS_SKIP = 1 << 14,		/* may begin what is skipped between words: blanks, # \ CR */
	CLASS_REDIRECT = 1 << 15,	/* may begin a redirection: < > & { and digits */
};
extern const uint16_t lex_class[256];

enum reserved {
	RESERVED_NONE,
	RESERVED_IF, RESERVED_THEN, RESERVED_ELIF, RESERVED_ELSE, RESERVED_FI,
	RESERVED_WHILE, RESERVED_UNTIL, RESERVED_FOR, RESERVED_SELECT, RESERVED_DO, RESERVED_DONE,
	RESERVED_CASE, RESERVED_IN, RESERVED_ESAC, RESERVED_FUNCTION, RESERVED_OPEN, RESERVED_CLOSE, RESERVED_TEST,
	RESERVED_NOT, RESERVED_TIME, RESERVED_COPROC,
	RESERVED_LEN,
};
/* What ends a list: reserved words by bit, and two operators. */
#define STOP(r) (1u << RESERVED_##r)
#define STOP_INLINE (1u << 29)	/* the } of ${ list; }, whatever follows it */
#define STOP_PAREN (1u << 30)
#define STOP_BRANCH (1u << 31)
#define STOP_WORDS (STOP(THEN) | STOP(ELIF) | STOP(ELSE) | STOP(FI) | STOP(DO) | STOP(DONE) | STOP(ESAC) | STOP(CLOSE))

enum operator {
	OPERATOR_NONE,
	OPERATOR_NEWLINE, OPERATOR_SEMICOLON, OPERATOR_BRANCH, OPERATOR_BACKGROUND, OPERATOR_AND, OPERATOR_OR,
	OPERATOR_PIPE, OPERATOR_PIPE_BOTH, OPERATOR_OPEN, OPERATOR_CLOSE,
	OPERATOR_REDIRECT,	/* the first redirection; see parse_redirect.c */
	OPERATOR_READ = OPERATOR_REDIRECT, OPERATOR_WRITE, OPERATOR_CLOBBER, OPERATOR_APPEND, OPERATOR_READ_WRITE,
	OPERATOR_DUP_IN, OPERATOR_DUP_OUT, OPERATOR_WRITE_BOTH, OPERATOR_APPEND_BOTH,
	OPERATOR_HERE_DOCUMENT, OPERATOR_HERE_DOCUMENT_TABS, OPERATOR_HERE_STRING,
};

struct lex_map {	/* bytes from `at` on stand from `outer` on in the source around it */
	size_t at, outer;
};

struct source {		/* what is being read: the text, or the inside of `…` without its backslashes */
	const char *s;
	size_t pos, end;
	const struct lex_map *map;	/* NULL: positions are offsets */
	size_t map_len;
	const struct source *outer;	/* what `map` leads to */
};

struct piece {		/* a part of the word being read */
	struct shell_part part;
	size_t text_at;	/* TEXT: begin of its text on the stack of texts */
	bool mark;	/* { , or } that may turn out to be brace expansion: not joined with its neighbours yet */
};

struct reserved_memo {	/* what lex_reserved() last said */
	const char *s;
	size_t pos, source_end, end;
	enum reserved word;
};

struct open_brace {
	size_t piece;	/* of its { */
	size_t commas;	/* base on the stack of commas */
	bool dead;	/* too many alternatives: it is text */
};

struct here_document {
	size_t index;			/* of its redirect on the stack, until that is kept */
	struct shell_redirect *redirect;	/* NULL so far */
	const char *delimiter;
	size_t delimiter_len;
	size_t pos;
	bool literal, tabs;		/* quoted delimiter; <<- */
};

#define STACK(type) struct { type *items; size_t len, alloc; }
#define PUSH(stack) (*({ ARENA_GROW(&p->stacks, (stack)->items, (stack)->len, (stack)->alloc); &(stack)->items[(stack)->len++]; }))

struct parser {
	struct arena *arena, stacks;
	struct source in;
	struct reserved_memo reserved;
	unsigned int depth;
	unsigned int stops;	/* of all lists around this place up to the next substitution */
	bool in_substitution;	/* $( … ): its ) may follow the delimiter of a here-document */
	bool full, too_deep;	/* said so */
	size_t count;		/* parts and commands */
	size_t scan_budget;	/* bytes that looking ahead may cost: keeps it linear */
	size_t sequence_budget;	/* alternatives that {1..9} may make out of nothing */

	STACK(char) text;
	STACK(struct piece) pieces;
	size_t word_base;	/* first piece of the word being read */
	bool seam;		/* a quote has just been opened or closed */
	STACK(struct open_brace) braces;
	size_t brace_base;
	STACK(size_t) commas;

	STACK(struct shell_word) words;
	STACK(struct shell_assignment) assignments;
	STACK(struct shell_redirect) redirects;
	STACK(struct shell_node) nodes;
	STACK(struct shell_pipeline) pipelines;
	STACK(const struct shell_list *) bodies;
	STACK(struct here_document) pending;
	size_t pending_base;	/* those of this substitution */

	char *pool;		/* room for short texts */
	size_t pool_len;
	struct shell_problem *problems;
	size_t problems_len;
};

/* ---- lex.c */
static inline bool lex_is(char c, unsigned int classes)
{
	return lex_class[(unsigned char)c] & classes;
}

static inline bool lex_at(const struct parser *p, size_t pos, char c)
{
	return pos < p->in.end && p->in.s[pos] == c;
}

size_t lex_offset_mapped(const struct source *in, size_t pos);
static inline size_t lex_offset(const struct parser *p, size_t pos)
{
	return p->in.map ? lex_offset_mapped(&p->in, pos) : pos;
}
size_t lex_source_len_mapped(const struct parser *p, size_t from, size_t to);

bool lex_is_crlf(const struct parser *p, size_t pos);
size_t lex_join_len_at(const struct parser *p, size_t pos), lex_joined_at(const struct parser *p, size_t pos);	/* at a backslash */
static inline size_t lex_join_len(const struct parser *p, size_t pos)	/* of a line continuation at pos: 0, 2 or 3 */
{
	return lex_at(p, pos, '\\') ? lex_join_len_at(p, pos) : 0;
}
static inline size_t lex_joined(const struct parser *p, size_t pos)	/* behind all line continuations */
{
	return lex_at(p, pos, '\\') ? lex_joined_at(p, pos) : pos;
}
void lex_skip(struct parser *p);
static inline void lex_skip_blanks(struct parser *p)		/* line continuations and comments too */
{
	if (p->in.pos < p->in.end && lex_is(p->in.s[p->in.pos], CLASS_SKIP))
		lex_skip(p);
}
enum operator lex_operator_at(const struct parser *p, size_t *ret_end);	/* at a character of CLASS_META */
static inline enum operator lex_operator(const struct parser *p, size_t *ret_end)
{
	return p->in.pos < p->in.end && lex_is(p->in.s[p->in.pos], CLASS_META) ? lex_operator_at(p, ret_end) : OPERATOR_NONE;
}
bool lex_is_empty_parens(const struct parser *p, size_t *ret_end);	/* ( ) here */
enum reserved lex_reserved_here(struct parser *p, size_t *ret_end);	/* where one can begin; see parse_parts.h */
extern const uint32_t lex_reserved_second[256];	/* by the first letter of reserved words: their second letters, as bits */
size_t lex_name_end(const struct parser *p, size_t pos);	/* pos: there is no name */

void lex_problem(struct parser *p, enum shell_problem_kind kind, size_t pos, const char *what);
bool lex_enter(struct parser *p, size_t pos, const char *what);	/* one level deeper; false and a problem past the ceiling */
static inline void lex_leave(struct parser *p)
{
	p->depth--;
}
bool lex_count_over(struct parser *p);
static inline bool lex_count(struct parser *p)	/* one part or command more; false: reading ends here */
{
	return p->count++ < SHELL_MAX_PARTS || lex_count_over(p);
}
struct source lex_switch(struct parser *p, struct source to);	/* returns the one so far, for lex_switch_back */
void lex_switch_back(struct parser *p, struct source from);

const char *lex_keep_text(struct parser *p, const char *text, size_t len);
const char *lex_keep_source(struct parser *p, size_t from, size_t to, size_t *ret_len);	/* without line continuations */
/* The same of an expression. They nest, each within the text of the next: a long one is "?". */
const char *lex_keep_expression(struct parser *p, size_t from, size_t to, size_t *ret_len);
void *lex_keep(struct parser *p, const void *items, size_t n, size_t size);

/* ---- lex_quote.c: $'…' from behind its first quote to behind its last, decoded onto the stack of texts. *odd: an escape stood for a
 * printable character. False: it has no last one. */
bool lex_ansi(struct parser *p, bool *odd);
void lex_text(struct parser *p, const char *s, size_t len);
