/* SPDX-License-Identifier: Apache-2.0
 * knowledge_wrapper: how the parts of knowledge_wrapper() share their work. Private to knowledge_wrapper*.c. */
#pragma once

#include "validators/shell/knowledge.h"
#include "validators/shell/knowledge_option.h"
#include "validators/shell/knowledge_programs.h"

struct wrapper_call;
struct wrapper_sub;

struct wrapper_program {
	struct option_spec options;
	unsigned char operands;		/* words that stand before the command: the user, the container, the mask */
	bool late_options;		/* options may also stand behind those */
	bool assignments;		/* NAME=value words may stand before it */
	bool text;			/* the words are joined and given to a shell */
	bool appends_input;
	const char *placeholder;
	bool shell_alone;		/* without a command: a shell that reads standard input */
	unsigned int traits;
	const char *text_letters, *text_names;		/* options whose value is shell text */
	bool text_and_words;				/* … and the words behind it too (env -S) */
	const char *root_letters, *root_names;		/* options that give another root */
	bool root_operand;				/* the first operand is one (chroot DIR) */
	const char *shell_letters, *shell_names;	/* options that ask for a shell when no command stands there (sudo -i) */
	const char *nothing_letters, *nothing_names;	/* options with which nothing is run (sudo -l, command -v) */
	const char *program_names;			/* options that name the program, the words are its arguments (--entrypoint) */
	const char *placeholder_letters, *placeholder_names;
	const struct wrapper_sub *subs;			/* the first operand chooses (ip netns exec) */
	bool (*special)(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
};

struct wrapper_sub {
	const char *names;		/* blank-separated; NULL ends the list */
	const struct wrapper_program *program;
};

struct wrapper_call {
	struct arena *arena;
	const struct shell_value *argv;
	size_t argc;
	const char *name;		/* base name, NUL-terminated */
	size_t wanted;			/* which of the commands the caller asks for */
	unsigned int traits;		/* of the whole call */
	struct wrapper *ret;
};

/* Each says "here is one more": true when it is the one that was asked for, and *ret is set. */
bool wrapper_emit(struct wrapper_call *c, const struct wrapper *w);
bool wrapper_emit_text(struct wrapper_call *c, const struct shell_value *text, size_t first, size_t last, unsigned int traits);
bool wrapper_emit_words(struct wrapper_call *c, size_t first, size_t last, unsigned int traits);

/* Read the words from `start` on as the table row says. */
bool wrapper_run(struct wrapper_call *c, const struct wrapper_program *p, size_t start);

/* Rows that need code (knowledge_wrapper_shell.c, knowledge_wrapper_special.c). */
bool wrapper_shell(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_su(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_source(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_trap(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_alias(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_ssh(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_find_exec(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_parallel(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_socat(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_nc(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_tar(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_after_word(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_terminal(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_send_keys(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_at(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_flock(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
bool wrapper_module(struct wrapper_call *c, const struct wrapper_program *p, size_t start);
