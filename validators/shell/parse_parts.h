/* SPDX-License-Identifier: Apache-2.0
 * parse_parts: private to the reader of shell text: what parse*.c need of each other. Each function reads from p->in.pos on and
 * leaves it behind what it has read. */
#pragma once

#include "validators/shell/lex.h"

static inline size_t lex_source_len(const struct parser *p, size_t from, size_t to)
{
	return p->in.map ? lex_source_len_mapped(p, from, to) : to - from;
}

/* The reserved word here. */
static inline enum reserved lex_reserved(struct parser *p, size_t *ret_end)
{
	size_t pos = p->in.pos;
	const char *s = p->in.s;

	/* most words begin with other letters; continued lines are left to those who know them */
	if (pos >= p->in.end || (s[pos] != '\\' && !(pos + 1 < p->in.end && s[pos + 1] == '\\') &&
	    !(lex_reserved_second[(unsigned char)s[pos]] >> (pos + 1 < p->in.end ? s[pos + 1] & 31 : 0) & 1)))
		return RESERVED_NONE;
	return lex_reserved_here(p, ret_end);
}

/* All above `base` into the arena; pops it. */
#define KEEP(p, stack, base, ret_items, ret_len) \
	do { \
		size_t kept_ = (ret_len) = (p)->stack.len - (base); \
		__typeof__((p)->stack.items) items_ = kept_ ? arena_take((p)->arena, kept_ * sizeof(*items_)) : NULL; \
		for (size_t i_ = 0; i_ < kept_; i_++) \
			items_[i_] = (p)->stack.items[(base) + i_]; \
		(ret_items) = items_; \
		(p)->stack.len = (base); \
	} while (0)

/* ---- parse_word.c */
enum word_flags {
	WORD_BRACES = 1 << 0,	/* {a,b} is expanded */
	WORD_REGEX = 1 << 1,	/* behind =~: ( ) | < > are text */
	WORD_VALUE = 1 << 2,	/* no NAME=( … ) in it */
};
enum reading_kind {
	READ_WORD,	/* up to a blank or operator */
	READ_OPERAND,	/* of ${…}: up to } or `split` */
	READ_INDEX,	/* up to its ] */
	READ_QUOTES,	/* up to " */
	READ_TEXT,	/* up to the end of the source: here-documents, arithmetic */
};
struct reading {
	enum reading_kind kind;
	unsigned int flags;
	bool quoted;	/* rules of double quotes */
	bool patterns;	/* … where ' quotes nevertheless: "${x#'a'}" */
	bool tabs;	/* TEXT: tabs at line starts go */
	char split;	/* OPERAND: ends it too; '\0': none */
	size_t not_split;	/* … but not at this place */
	size_t nesting;	/* of ( ) or [ ] */
	bool array;	/* … the ( of NAME=( … ): lines may end in it */
};
struct word_state {	/* of the word around this one, and what this one must pop */
	size_t word_base, brace_base, text_base, comma_base;
	bool seam;
};
/* Words are begun, read in one or more goes, and ended (kept in the arena). */
struct word_state word_begin(struct parser *p);
void word_continue(struct parser *p, struct reading *r);
struct shell_word word_end(struct parser *p, struct word_state outer, size_t from);
bool word_read(struct parser *p, unsigned int flags, struct shell_word *ret);	/* false: no word here */
const struct shell_word *word_read_as(struct parser *p, struct reading *r);	/* in the arena */
void word_add_text(struct parser *p, size_t from, size_t to, bool quoted);
void word_add_part(struct parser *p, struct shell_part *part, size_t from);	/* from there to here */
struct shell_word word_build(struct parser *p, size_t from_piece, size_t to_piece);

/* ---- parse_brace.c */
void brace_open(struct parser *p);
void brace_comma(struct parser *p);
void brace_close(struct parser *p);

/* ---- parse_expand.c: at $ or ` or <( >( */
void expand_dollar(struct parser *p, bool quoted);
void expand_backquote(struct parser *p, bool quoted, bool in_quotes);
void expand_process(struct parser *p);
/* Is there `((…))` from `pos` (behind the first two) on? *ret_end: its first closing one. */
bool expand_is_arithmetic(struct parser *p, size_t pos, size_t *ret_end);
const struct shell_word *expand_range(struct parser *p, size_t from, size_t to);	/* parts of arithmetic */

/* ---- parse_redirect.c */
bool parse_redirect_here(struct parser *p);
static inline bool parse_redirect(struct parser *p)	/* false: none here; else on the stack */
{
	return p->in.pos < p->in.end && lex_is(p->in.s[p->in.pos], CLASS_REDIRECT) && parse_redirect_here(p);
}
void parse_here_documents(struct parser *p);		/* at the begin of a line */
void parse_drop_here_documents(struct parser *p, size_t base);	/* text ends without them */
/* Redirects above `base` into the arena; the here-documents above `pending` learn where theirs is. */
void parse_keep_redirects(struct parser *p, size_t base, size_t pending, struct shell_node *node);

/* ---- parse.c */
const struct shell_list *parse_list(struct parser *p, unsigned int stops);
/* A list of its own, inside of a substitution: no word of what is around it ends it. */
const struct shell_list *parse_inner(struct parser *p, unsigned int stops);
bool parse_command(struct parser *p, struct shell_node *node);
void parse_newlines(struct parser *p);	/* blanks too */

/* ---- parse_compound.c */
/* At the reserved word r, which goes up to `end`, or at ( for RESERVED_NONE. False: no compound command is here. */
bool parse_compound(struct parser *p, enum reserved r, size_t end, struct shell_node *node);
/* Behind the name: what is there is a function that began at `from`. */
void parse_function_body(struct parser *p, struct shell_node *node, size_t from);
