/* SPDX-License-Identifier: Apache-2.0
 * parse: the reader of shell text. Any bytes are accepted: what is no shell is read as far as it makes sense, with a
 * problem at the place, and reading goes on, since text that a shell would refuse on line 9 has run eight lines.
 * Linear in `len`; nesting has a ceiling; nothing is executed or expanded. */
#pragma once

#include "runner/base/arena.h"
#include "validators/shell/ast.h"

enum shell_problem_kind {
	SHELL_UNTERMINATED,	/* a quote, substitution, here-document or compound command that never ends */
	SHELL_UNEXPECTED,	/* a word or operator that cannot stand there */
	SHELL_TOO_DEEP,		/* nested past SHELL_MAX_DEPTH: what is inside was not read */
	SHELL_TOO_LARGE,	/* more parts than SHELL_MAX_PARTS: the rest was not read */
};

struct shell_problem {
	enum shell_problem_kind kind;
	size_t offset;		/* where the construct begins */
	const char *what;	/* static: "single quote", "here-document", "$(" */
};

struct shell_script {
	const struct shell_list *body;	/* never NULL */
	const struct shell_problem *problems;	/* at most SHELL_MAX_PROBLEMS are kept */
	size_t problems_len;
};

#define SHELL_MAX_DEPTH 100		/* of quotes, substitutions and compound commands together */
#define SHELL_MAX_PARTS 2000000		/* per text */
#define SHELL_MAX_PROBLEMS 20
#define SHELL_MAX_EXPRESSION 4096	/* bytes of $((…)) and […] that are kept as written; a longer one is "?" */
#define SHELL_MAX_BRACES 256		/* alternatives that one {…} may make; past it, it stays text */

/* `text` is not copied and must outlive the tree. */
struct shell_script shell_parse(struct arena *arena, const char *text, size_t len);
