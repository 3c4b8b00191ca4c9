/* SPDX-License-Identifier: Apache-2.0
 * knowledge: what is known of common programs, as tables and pure functions: which word of `sudo -u x nice -n 5 rm …` is the command,
 * what `echo aGk= | base64 -d` prints, which of its arguments `cp` reads and writes, where `python3 -c` has its code.
 * Used by analysis.c; knows nothing of the tree. Results live in the arena. */
#pragma once

#include "validators/shell/analysis.h"

/* ---- wrappers: commands that run another command given in their arguments */
enum wrapper_kind {
	WRAPPER_NONE,
	WRAPPER_ARGV,		/* the words from `first` on are a command: sudo, env, nohup, timeout, nice, xargs, find -exec, time, command, exec,
				 * busybox, strace, unshare, chroot, nsenter, watch, parallel, flock, setsid, stdbuf, doas, docker run/exec, kubectl exec … */
	WRAPPER_SHELL_TEXT,	/* words from `first` to `last` joined by blanks are shell text: sh -c, bash -lc, su -c, eval, ssh HOST …, trap, env -S,
				 * watch, flock -c, script -c, nc -c / --sh-exec, socat SYSTEM:…, at/batch via stdin … */
	WRAPPER_SHELL_INPUT,	/* standard input is shell text: sh, bash -s, ssh HOST bash -s, at, `. /dev/stdin` */
	WRAPPER_SHELL_FILE,	/* words[first] is a file of shell text: sh FILE, . FILE, source FILE */
};

struct wrapper {
	enum wrapper_kind kind;
	size_t first, last;	/* indices into argv, inclusive */
	unsigned int traits;	/* to add to what is found inside: TRAIT_PRIVILEGED, TRAIT_REMOTE … */
	bool appends_input;	/* xargs, find -exec: the words of standard input or found paths are added (or stand for `placeholder`) */
	const char *placeholder;	/* "{}", "%"; NULL */
	const char *changes_root;	/* chroot DIR, -C DIR: NULL */
	const struct shell_value *environment;	/* NAME=value words of env and sudo, in front of `first` */
	size_t environment_len;
	/* The same ready made, which also holds where no range of whole words is the command (docker run --entrypoint, su --command=TEXT,
	 * socat SYSTEM:TEXT, parallel … :::): prefer these to first and last. */
	const struct shell_value *argv;		/* WRAPPER_ARGV */
	size_t argc;
	struct shell_value text;		/* WRAPPER_SHELL_TEXT */
	const struct shell_value *arguments;	/* $0, $1 … of sh -c TEXT $0 $1, of bash -s, of sh FILE */
	size_t arguments_len;
};
/* `n` says which one, as a command may wrap several (find -exec a \; -exec b \;): false past the last. */
bool knowledge_wrapper(struct arena *arena, const struct shell_value *argv, size_t argc, size_t n, struct wrapper *ret);

/* ---- output: what a command prints, when arguments and input tell (echo, printf, cat, base64 -d, base32, xxd -r -p, rev, tr, cut, head, tail,
 * sort, uniq, tac, sed s///, basename, dirname, seq, which, command -v, expr, openssl base64 -d, yes | head …). True: *ret is its output, `known`
 * tells whether as text; `origin` holds what flowed in plus its own (ORIGIN_DECODED, ORIGIN_NETWORK_…, ORIGIN_SECRET, ORIGIN_ENVIRONMENT,
 * ORIGIN_FILE). False: nothing is known of the command: the caller makes it ORIGIN_COMMAND. `input` is its standard input, NULL for none. */
bool knowledge_output(struct arena *arena, const struct shell_value *argv, size_t argc, const struct shell_value *input,
		      struct shell_value *ret);

/* Where content of a file comes from when nothing wrote it: ORIGIN_SECRET for credential files, ORIGIN_ENVIRONMENT, ORIGIN_FILE …, of a
 * /dev/tcp path ORIGIN_NETWORK_…; 0: /dev/null and the like. */
unsigned int knowledge_file_origin(const char *path, size_t len);
/* Same for a variable that the script does not set: ORIGIN_SECRET for names such as DB_PASSWORD, else ORIGIN_INPUT. */
unsigned int knowledge_variable_origin(const char *name);

/* ---- effects: paths that a command reads, writes, deletes … by its arguments (redirections are the caller's). `cwd` may be NULL. Appends to *effects. */
void knowledge_effects(struct arena *arena, const struct shell_value *argv, size_t argc, const char *cwd,
		       struct shell_effect **effects, size_t *len);
/* The normalised form of a path (see struct shell_effect). path[len] is looked at: a NUL, or what the text goes on with. */
const char *knowledge_path(struct arena *arena, const char *cwd, const char *path, size_t len, size_t *ret_len);

/* ---- interpreters: python3 -c, perl -e, ruby -e, node -e, php -r, awk, lua -e, and scripts on standard input. */
struct interpreter {
	const char *language;	/* "python", "perl", "ruby", "node", "php", "awk", "lua", "sql"; NULL: it is none */
	struct shell_value code;	/* len 0 and origin 0: no code is visible (a file is run) */
	size_t file;		/* argv index of the script file; 0: none */
};
bool knowledge_interpreter(struct arena *arena, const struct shell_value *argv, size_t argc, const struct shell_value *input,
			   struct interpreter *ret);
/* Shell commands inside code of an interpreter: os.system("…"), subprocess.run(["rm", …]), `…`, system(…), exec(…), child_process.exec …
 * Each becomes shell text (argv lists are quoted). Returns how many; at most SHELL_MAX_EMBEDDED. Strings that are base64 and the like decoded
 * inside the language (base64.b64decode("…")) are resolved where they are literal. */
#define SHELL_MAX_EMBEDDED 50
size_t knowledge_embedded_shell(struct arena *arena, const char *language, const struct shell_value *code,
				struct shell_value *ret, size_t max);

/* ---- files that a command makes from its input or from the network: `curl -o F URL`, `wget URL`, `tee F`, `tar xzf A` (a folder), `git clone` */
struct made_file {
	struct shell_value path;	/* normalised */
	bool tree;			/* everything below it */
	unsigned int origin;
	bool from_input;		/* its content is standard input */
	const struct shell_value *source;	/* copied from this path (cp, mv, ln, install, tar, unzip); NULL */
};
size_t knowledge_made_files(struct arena *arena, const struct shell_value *argv, size_t argc, const char *cwd,
			    struct made_file *ret, size_t max);

/* Is it told not to act (--dry-run, --help, --version, `-n` of make …)? */
bool knowledge_is_dry(struct arena *arena, const struct shell_value *argv, size_t argc);

/* Confusable letters (Cyrillic, Greek, full-width …) become ASCII, invisible ones vanish; *changed tells whether. */
const char *knowledge_fold(struct arena *arena, const char *text, size_t len, size_t *ret_len, bool *changed);
