/* SPDX-License-Identifier: Apache-2.0
 * analysis_steps: what the files analysis*.c call of each other. */
#pragma once

#include "validators/shell/analysis_walk.h"

/* what a subshell puts back */
struct snapshot {
	const char *cwd, *old_cwd;
	bool cwd_lost, args_known;
	const struct shell_value *args;
	size_t args_len, undo_len;
	struct stream *fds[FDS];
	unsigned int process;
};

/* ---- analysis_scope.c */
struct snapshot scope_enter(struct walker *w);
void scope_leave(struct walker *w, const struct snapshot *s);
const struct shell_value *variable_unknown(struct walker *w, const char *name, size_t len);	/* ${name} */
struct variable *variable_find(struct walker *w, const char *name, size_t len);	/* NULL: not set, or not visible here */
void variable_set(struct walker *w, const char *name, size_t len, const struct shell_value *values, size_t n);
void variable_assign(struct walker *w, const char *name, size_t len, struct shell_value value, bool odd);
void variable_append(struct walker *w, const char *name, size_t len, struct shell_value value);
void variable_set_array(struct walker *w, const char *name, size_t len, const struct shell_value *values, size_t n);
void variable_export(struct walker *w, const char *name, size_t len);
void variable_unset(struct walker *w, const char *name, size_t len);
size_t undo_mark(struct walker *w);
void undo_to(struct walker *w, size_t mark);		/* both end the mark */
struct branches {		/* what variables were at the end of each of several ways to go */
	struct undo *after;
	size_t len, alloc;
	unsigned int ways;
};
void branch_end(struct walker *w, size_t mark, struct branches *b);	/* takes note and goes back to the mark */
void branches_merge(struct walker *w, struct branches *b, bool exhaustive);
void variable_local(struct walker *w, const char *name, size_t len);
struct function *function_find(struct walker *w, const char *name, size_t len);
void function_define(struct walker *w, const struct shell_node *node);
void file_write(struct walker *w, const char *path, const struct shell_value *content, bool append, bool tree);
const struct file *file_find(struct walker *w, const char *path);	/* or a tree that it is in */
struct shell_value file_content(struct walker *w, const char *path, bool *written);

/* ---- analysis_expand.c */
struct words {
	struct shell_value *items;
	unsigned char *odd;	/* of the item: spelt to deceive if it is a command's name */
	size_t len, room;
};
void words_reserve(struct walker *w, struct words *ws, size_t room);
void words_push(struct walker *w, struct words *ws, struct shell_value v, bool odd);
void expand_words(struct walker *w, const struct shell_word *words, size_t n, struct words *ret);
struct shell_value expand_single(struct walker *w, const struct shell_word *word, bool *odd);	/* one value, not split */
struct shell_value substitute(struct walker *w, const struct shell_list *body, bool *located);
const char *field_separators(struct walker *w);

/* ---- analysis_parameter.c */
struct parameter {
	const struct shell_value *values;
	size_t len;
	bool list;		/* "$@", "${a[@]}": a field each */
	bool joined;		/* "$*": fields when not quoted */
	bool odd, computed;	/* sliced, replaced … */
};
struct parameter parameter_value(struct walker *w, const struct shell_part *part);

/* ---- analysis_arithmetic.c */
bool arithmetic(struct walker *w, const char *text, size_t len, int64_t *ret);

/* ---- analysis_list.c */
void walk_list(struct walker *w, const struct shell_list *list);

/* ---- analysis_redirect.c */
struct redirected {		/* between open and close */
	struct stream *fds[FDS];
	struct capture *out;
	struct capture file;	/* what goes to `path` */
	const char *path;
	const struct shell_list *reader;	/* > >(…): what reads it */
	bool append, active;
};
void redirect_open(struct walker *w, const struct shell_redirect *redirects, size_t n, struct redirected *ret,
		   struct shell_effect **effects, size_t *effects_len);
void redirect_close(struct walker *w, struct redirected *r);
int descriptor(const char *s);	/* index into walker.fds of "3", "/dev/fd/3", "/dev/stdin"; -1: none */
struct stream *stream_new(struct walker *w, struct shell_value value, size_t from);

/* ---- analysis_command.c */
void walk_simple(struct walker *w, const struct shell_node *node);
void walk_test(struct walker *w, const struct shell_node *node);

/* ---- analysis_run.c */
struct call {			/* a command about to be run, its words expanded */
	const struct shell_value *argv;
	const unsigned char *odd;
	size_t argc;
	const struct shell_value *assignments;
	size_t assignments_len;
	struct shell_effect *effects;	/* of its redirections */
	size_t effects_len;
	size_t offset, source_len;
};
void run_call(struct walker *w, const struct call *c);
size_t emit(struct walker *w, const struct shell_command *c);

struct running {		/* one command on its way */
	const struct call *call;
	struct shell_command cmd;
	const char *path;		/* of a script that is run by path */
	bool wraps, runs_file, runs_again, inert;
	struct known_program known;
	struct wrapper wrapper;		/* only its traits are set unless it wraps */
	struct interpreter interpreter;	/* only its language is, unless there is one */
};

void give_output(struct walker *w, const struct running *r);	/* what the command prints, to who listens */

/* ---- analysis_name.c */
void resolve_name(struct walker *w, struct running *r);
const struct shell_value *resolve_glob(struct walker *w, const struct shell_value *argv, size_t argc, bool *resolved);
const char *installed_program(struct walker *w, const char *name);

/* ---- analysis_function.c */
bool run_function(struct walker *w, struct running *r);		/* false: it is none */
void walk_function_body(struct walker *w, struct function *f);
bool is_script_again(const struct walker *w, const struct running *r);
const struct frame *running_frame(const struct walker *w, const char *name);
bool starts_itself(const struct walker *w, const struct frame *f);	/* a call of it here would never end */

/* ---- analysis_nested.c */
struct shell_value wrapped_text(struct walker *w, const struct running *r);
struct shell_value join_words(struct walker *w, const struct shell_value *argv, size_t first, size_t last);
void analyse_text(struct walker *w, const struct shell_value *code, unsigned int traits);
bool run_alias(struct walker *w, const struct running *r);	/* false: it is none */
bool run_wrapped(struct walker *w, struct running *r);		/* true: what it prints was taken from what runs inside */
void run_embedded(struct walker *w, const struct running *r);
bool run_script_file(struct walker *w, struct running *r);

/* ---- analysis_append.c */
void run_appended(struct walker *w, const struct running *r, const struct call *inner);


/* ---- analysis_builtin.c: what changes the state of the shell; true: it was one, and what it prints is known to be nothing */
bool run_builtin(struct walker *w, const struct call *c, const struct builtin *b, const char *name);
bool is_declaration(const char *name);
void analyse_hook(struct walker *w, const struct shell_value *assignment);

/* ---- small, inline */
static inline void spend(struct walker *w, size_t n)
{
	w->work += n;
	w->balance -= (int64_t)n;
	if (w->balance < 0)
		w->balance = 0;
}

/* May `n` bytes of a value be copied or worked on once more? If not, it is not known from here on. */
static inline bool value_affordable(struct walker *w, size_t n)
{
	if (w->balance >= (int64_t)n * 16)
		return true;
	w->values_cut = true;
	return false;
}

/* May `n` bytes of text be gone over once more? */
static inline bool affordable_again(const struct walker *w, size_t n)
{
	return w->balance >= (int64_t)n * 16;
}

/* The same where a no means that something is not seen at all. */
static inline bool affordable(struct walker *w, size_t n)
{
	if (affordable_again(w, n))
		return true;
	w->truncated = true;
	return false;
}

static inline size_t place(const struct source *s, size_t offset)
{
	return s->exact ? s->base + offset : s->offset;
}

static inline size_t place_len(const struct source *s, size_t len)
{
	return s->exact ? len : s->len;
}

void capture_add(struct walker *w, struct capture *c, const struct shell_value *v);
struct shell_value capture_value(struct walker *w, struct capture *c);
