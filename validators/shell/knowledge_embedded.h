/* SPDX-License-Identifier: Apache-2.0
 * knowledge_embedded: how the parts of knowledge_embedded_shell() share their work. Private to knowledge_embedded*.c.
 *
 * The code is read once from left to right by a tolerant evaluator of expressions (knowledge_embedded_value.c). It never goes back, so it is linear;
 * what it does not understand is skipped a token at a time. Calls of known functions (knowledge_embedded_calls.c) give values or, when they run
 * commands or touch files, shell text. */
#pragma once

#include "validators/shell/knowledge.h"
#include "validators/shell/knowledge_decode.h"

enum code_language {
	CODE_PYTHON = 1 << 0, CODE_PERL = 1 << 1, CODE_RUBY = 1 << 2, CODE_NODE = 1 << 3, CODE_PHP = 1 << 4, CODE_LUA = 1 << 5, CODE_AWK = 1 << 6,
	CODE_R = 1 << 7, CODE_JULIA = 1 << 8, CODE_GROOVY = 1 << 9, CODE_OTHER = 1 << 10,
	CODE_ANY = (1 << 11) - 1,
};

enum code_kind {
	CODE_UNKNOWN,
	CODE_TEXT,
	CODE_NUMBER,
	CODE_LIST,
	CODE_FETCHED,		/* what a URL gives: text is the URL */
	CODE_NAME,		/* a module or function: text is its path, "os.system" */
};

struct code_value {
	enum code_kind kind;
	bool known;			/* TEXT: no ${…} stands for something unknown */
	bool word;			/* NAME: is a bare word that nothing defines; TEXT: is what awk's print prints */
	unsigned int origin;		/* ORIGIN_DECODED … of what went into it */
	const char *text;		/* NUL-terminated */
	size_t len;
	long number;
	const struct code_value *items;
	size_t items_len;
};

#define CODE_MAX_ARGUMENTS 64
#define CODE_MAX_ITEMS 4096
#define CODE_MAX_DEPTH 24	/* of expressions in expressions */
#define CODE_MAX_VARIABLES 64
#define CODE_MAX_LAYERS 4	/* of code that is decoded by code */

struct code_arguments {
	struct code_value items[CODE_MAX_ARGUMENTS];
	const char *names[CODE_MAX_ARGUMENTS];	/* of keyword arguments; NULL. Not terminated: names_len */
	size_t names_len[CODE_MAX_ARGUMENTS];
	size_t len;
};

struct code_variable {
	const char *name;
	size_t len;
	struct code_value value;
};

struct code_scan {
	struct arena *arena;
	enum code_language language;
	const char *interpreter;	/* "python3": for `curl … | python3` */
	const char *text;
	size_t len, at;
	unsigned int depth, layer, unterminated;
	size_t ceiling;			/* of arena->bytes: values may be made larger than the code ("a" * 4096) */
	bool quiet;			/* values only: nothing is emitted (comprehensions are read again) */
	struct code_variable variables[CODE_MAX_VARIABLES];
	size_t variables_len;
	const struct shell_value *source;	/* whose place and origin what is found gets */
	struct shell_value *found;
	size_t found_len, found_max;
	/* a shell for somebody on the network: all three together */
	bool in_print;			/* of awk: | and > are not of the expression */
	bool pipes_to_shell;		/* perl: open(P, "|sh") */
	bool connects, listens, shells, runs_unknown;
	struct code_value host, port;
	struct code_value fetched;	/* the last URL that was asked for */
	struct code_value iterated;	/* what the block that follows gets: [..].each { |x| …, .forEach(x => … */
	/* what it prints, when that is all it does */
	struct text_out *printed;
	bool printed_unknown;
	unsigned int printed_origin;
};

static inline char code_peek(const struct code_scan *s, size_t ahead)
{
	return s->at + ahead < s->len ? s->text[s->at + ahead] : '\0';
}

/* knowledge_embedded_expression.c */
struct code_value code_expression(struct code_scan *s);
bool code_at_word(const struct code_scan *s, const char *word);
bool code_take_word(struct code_scan *s, const char *word);	/* and the blanks around it */
size_t code_read_name(struct code_scan *s);
struct code_value code_name(struct code_scan *s, const char *path, size_t len);
struct code_value code_member(struct code_scan *s, const struct code_value *v, const char *name, size_t len);
bool code_awk_pipe(struct code_scan *s, const struct code_value *left);

/* knowledge_embedded_statement.c */
struct code_value code_comprehension(struct code_scan *s, size_t from, size_t to);	/* behind "for": the expression is text[from, to) */
void code_run(struct code_scan *s);		/* all of the text */

/* knowledge_embedded_value.c */
void code_skip_blanks(struct code_scan *s);	/* and comments */
bool code_string(struct code_scan *s, struct code_value *ret);
struct code_value *code_variable(struct code_scan *s, const char *name, size_t len, bool create);
struct code_value code_text(struct code_scan *s, const char *text, size_t len, bool known, unsigned int origin);
struct code_value code_concat(struct code_scan *s, const struct code_value *a, const struct code_value *b);
struct code_value code_format(struct code_scan *s, const struct code_value *format, const struct code_value *with);	/* "%s" % x */
struct code_value code_repeat(struct code_scan *s, const struct code_value *v, long times);
/* As text: numbers are written out, what is unknown is "${unknown}". */
struct code_value code_to_text(struct code_scan *s, const struct code_value *v);
bool code_is_name(char c, bool first);

enum call_form {
	FORM_RUN,		/* the argument is shell text, or a list that is a command; more text are its words */
	FORM_EXEC,		/* program and list of words (with argv[0]): execvp("rm", ["rm", "-rf"]) */
	FORM_EXEC_WORDS,	/* program, argv[0], words: execl("/bin/rm", "rm", "-rf") */
	FORM_WORDS,		/* program and its words, each or as a list: spawn("rm", ["-rf"]) */
	FORM_COMMAND,		/* `command` and the arguments that are text */
	FORM_FIRST,		/* `command` and the first argument */
	FORM_SECOND,		/* `command` and the second, then the first: chmod(path, mode) */
	FORM_RECEIVER,		/* `command` and what stands before the dot: Path("x").unlink() */
	FORM_OPEN,		/* of a file, or of a pipe in perl and ruby */
	FORM_FETCH,		/* of a URL (or a path) */
	FORM_POST,
	FORM_CODE,		/* eval */
	FORM_PRINT,		/* `command`: what stands between and behind the arguments */
	FORM_CONNECT, FORM_LISTEN,
	FORM_ADDRESS,		/* sockaddr_in(port, host) */
	FORM_INDIRECT,		/* the first argument names the function: call_user_func("system", …) */
	FORM_SHELL,		/* dup2 and the like: a socket becomes somebody's shell */
};

struct call_row {
	const char *name;
	unsigned int languages;
	enum call_form form;
	const char *command;
	const char *module;	/* one of these words must be in the path: "os subprocess"; NULL: any */
	unsigned char skip;	/* arguments before the first that counts */
	bool bare;		/* called without parentheses too */
};

/* knowledge_embedded_table.c */
const struct call_row *code_find_call(const struct code_scan *s, const char *path, size_t len);	/* NULL: it is none of them */
bool code_path_has(const char *path, size_t len, const char *words);	/* is one of the words a part of the dotted path? */

/* knowledge_embedded_calls.c */
/* `path` is "os.system" or the last name alone; `receiver` what stands before the dot, NULL. */
struct code_value code_call(struct code_scan *s, const char *path, size_t len, const struct code_value *receiver, const struct code_arguments *args);
/* Is it the name of something that is called without parentheses (perl, ruby, php's echo)? */
bool code_calls_bare(const struct code_scan *s, const char *name, size_t len);

/* knowledge_embedded_emit.c: shell text was found */
void code_emit(struct code_scan *s, const struct code_value *text);
void code_emit_words(struct code_scan *s, const struct code_value *words, size_t n);
void code_emit_command(struct code_scan *s, const char *command, const struct code_value *words, size_t n, const char *end);
void code_emit_run(struct code_scan *s, const struct code_value *what);	/* text for a shell, or the words of a command */
void code_emit_code(struct code_scan *s, const struct code_value *code);	/* text of the same language */
bool code_is_shell(const struct code_value *v);
void code_emit_network_shell(struct code_scan *s);
/* Something written to a file: text, or what a URL gave; NULL: not known what. */
void code_emit_write(struct code_scan *s, const struct code_value *path, const struct code_value *content, bool append);
void code_bind(struct code_scan *s, const char *name, size_t len, const struct code_value *v);
struct code_value code_one(struct code_scan *s, const struct code_value *item);	/* a list of it */

/* knowledge_embedded_functions.c: functions and methods that only give values; false: not known. */
bool code_function(struct code_scan *s, const char *name, size_t len, const struct code_value *receiver, const struct code_arguments *args,
		   struct code_value *ret);

/* knowledge_embedded_lines.c: sql, vi, gdb, make … line by line; false: not of that kind. */
bool code_lines(struct code_scan *s, const char *language);

/* knowledge_embedded.c: what the code prints, when it does nothing but print what can be worked out. */
bool code_printed(struct arena *arena, const char *language, const struct shell_value *code, struct text_out *out, unsigned int *ret_origin);
