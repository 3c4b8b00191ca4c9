/* SPDX-License-Identifier: Apache-2.0
 * ast: shell text as a tree (POSIX sh and bash). Made by parse.h, walked by analysis.h. Everything lives in the arena
 * that was given to the parser. Offsets are bytes into the text that was parsed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shell_list;

enum shell_part_kind {
	PART_TEXT,		/* literal; quotes, escapes, $'…' and line continuations are already resolved */
	PART_VARIABLE,		/* $NAME, ${NAME…}, $1, $@, $? */
	PART_COMMAND,		/* $(…) or `…`: body */
	PART_ARITHMETIC,	/* $((…)) or $[…]: text as written */
	PART_PROCESS,		/* <(…) or >(…): body; `output` tells which */
	PART_BRACE,		/* {a,b}, {1..3}: alternatives; unquoted only. The others of the word stand before and after */
};

/* What ${NAME<op>operand} does. */
enum shell_expansion {
	EXPAND_PLAIN,
	EXPAND_DEFAULT, EXPAND_ASSIGN, EXPAND_ERROR, EXPAND_ALTERNATIVE,	/* :- := :? :+ (and without the colon) */
	EXPAND_LENGTH,								/* ${#NAME} */
	EXPAND_PREFIX, EXPAND_PREFIX_LONG, EXPAND_SUFFIX, EXPAND_SUFFIX_LONG,	/* # ## % %% */
	EXPAND_REPLACE, EXPAND_REPLACE_ALL,					/* / //: operand, operand2 */
	EXPAND_SUBSTRING,							/* :offset:length: operand, operand2 as text */
	EXPAND_INDIRECT,							/* ${!NAME} */
	EXPAND_UPPER, EXPAND_LOWER,						/* ^^ ,, (also ^ ,) */
	EXPAND_OTHER,								/* ${NAME@Q} and what is new */
};

struct shell_part {
	enum shell_part_kind kind;
	bool quoted;			/* inside quotes or escaped: no splitting, no globbing */
	bool odd_quoting;		/* TEXT: quotes or escapes that were not needed stood in it (r''m, \rm, $'\x72m') */
	bool output;			/* PROCESS: >(…) */
	const char *text;		/* TEXT: the text; VARIABLE: the name; ARITHMETIC: the source. NUL-terminated */
	size_t len;
	const char *index;		/* VARIABLE: what stands in […] as written; NULL */
	const struct shell_word *index_word;	/* the same as a word, since substitutions in it are run; NULL */
	enum shell_expansion expansion;
	const struct shell_word *operand, *operand2;	/* VARIABLE; NULL: none. ARITHMETIC: operand is the source as a word */
	const struct shell_list *body;			/* COMMAND, PROCESS; never NULL there */
	const struct shell_word *alternatives;		/* BRACE */
	size_t alternatives_len;
	size_t offset, source_len;	/* as written, quotes included */
};

struct shell_word {
	const struct shell_part *parts;	/* none: an empty quoted word ('') has one empty TEXT */
	size_t len;
	size_t offset, source_len;
};

enum shell_redirect_op {
	REDIRECT_READ,			/* < */
	REDIRECT_WRITE, REDIRECT_CLOBBER, REDIRECT_APPEND,	/* > >| >> (also &> and &>>: both) */
	REDIRECT_READ_WRITE,		/* <> */
	REDIRECT_DUP_IN, REDIRECT_DUP_OUT,			/* <& >& to a descriptor or - */
	REDIRECT_HERE_DOCUMENT, REDIRECT_HERE_STRING,		/* target is the text; << and <<- look alike by now */
};

struct shell_redirect {
	enum shell_redirect_op op;
	int fd;				/* as written or implied; -1: {name}> */
	bool both;			/* &> >&FILE: standard error too */
	struct shell_word target;
	size_t offset, source_len;
};

struct shell_assignment {
	const char *name;
	bool append;			/* += */
	bool array;			/* NAME=( … ): words */
	const char *index;		/* NAME[index]=; NULL */
	const struct shell_word *index_word;	/* the same with its parts */
	struct shell_word value;
	const struct shell_word *words;
	size_t words_len;
	size_t offset, source_len;
};

enum shell_node_kind {
	COMMAND_SIMPLE,			/* assignments, words, redirects; `words` may be empty */
	COMMAND_SUBSHELL, COMMAND_GROUP,	/* ( ) { }: bodies[0] */
	COMMAND_IF,			/* bodies: condition, then, condition, then …, [else] */
	COMMAND_WHILE, COMMAND_UNTIL,		/* bodies: condition, body */
	COMMAND_FOR,			/* name, words (`in_words`: false means "$@"), bodies[0] */
	COMMAND_FOR_ARITHMETIC,		/* for ((…)): words[0] is the source in the parentheses; bodies[0] */
	COMMAND_CASE,			/* words[0], behind it all patterns in order; bodies: one a branch */
	COMMAND_FUNCTION,			/* name, bodies[0] */
	COMMAND_TEST,			/* [[ … ]]: words, without the brackets */
	COMMAND_ARITHMETIC_COMMAND,	/* (( … )): words[0] is the source */
};

struct shell_node {
	enum shell_node_kind kind;
	const struct shell_assignment *assignments;
	size_t assignments_len;
	const struct shell_word *words;
	size_t words_len;
	const struct shell_redirect *redirects;
	size_t redirects_len;
	const char *name;
	bool in_words;
	const struct shell_list *const *bodies;
	size_t bodies_len;
	size_t offset, source_len;
};

struct shell_pipeline {
	const struct shell_node *nodes;	/* at least one */
	size_t len;
	bool negated;
	bool background;		/* ends in & */
	bool after_and, after_or;	/* joined to the one before by && or || */
	bool pipe_stderr;		/* |& somewhere in it */
};

struct shell_list {			/* commands in order, however separated */
	const struct shell_pipeline *pipelines;
	size_t len;
};
