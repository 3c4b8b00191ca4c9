/* SPDX-License-Identifier: Apache-2.0
 * analysis: what shell text would do, without doing it. The tree is walked once with the values that can be known
 * statically: variables assigned before, functions, the current folder, what files were written with, what pipelines
 * and substitutions print, code handed to eval, `sh -c`, interpreters and here-documents. The outcome is a flat list of
 * normalised simple commands in the order of the text; a mention (an argument of echo, a pattern of grep, a comment) is no command.
 *
 * What cannot be known keeps its name: an unset or unknown variable reads `${NAME}` in a value, the output of a command
 * that cannot be worked out reads `$(words of the command)`, and `known` is false. $HOME and a leading ~ read `~`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/arena.h"

/* Where (part of) a value comes from; bits. They flow through pipelines, substitutions, variables and files. */
enum shell_origin {
	ORIGIN_NETWORK_EXTERNAL = 1 << 0,	/* what a download or a socket from outside gave */
	ORIGIN_NETWORK_OWN = 1 << 1,		/* the same from a host of one's own, or from one that is not known */
	ORIGIN_DECODED = 1 << 2,	/* went through a decoder (base64 -d, xxd -r, gunzip, rev, tr, openssl enc -d …) */
	ORIGIN_SECRET = 1 << 3,		/* read from a file, variable or command that holds credentials */
	ORIGIN_ENVIRONMENT = 1 << 4,	/* a dump of the environment: env, printenv, set, export -p, /proc/…/environ */
	ORIGIN_FILE = 1 << 5,		/* content of a file that this script did not write */
	ORIGIN_COMMAND = 1 << 6,	/* output of a command that is not understood */
	ORIGIN_INPUT = 1 << 7,		/* a parameter, a variable of the environment, standard input of the step */
	ORIGIN_ASSEMBLED = 1 << 8,	/* put together from pieces: concatenated variables, printf, tr, rev, slices, braces */
	ORIGIN_LITERAL = 1 << 9,	/* text that stands in the script */
};

struct shell_value {
	const char *text;		/* NUL-terminated; never NULL */
	size_t len;
	bool known;			/* no part of it is unknown */
	unsigned int origin;		/* enum shell_origin */
	size_t offset, source_len;	/* in the text that was analysed, as written; of the outermost word that it came from */
};

enum shell_access {
	ACCESS_READ, ACCESS_WRITE, ACCESS_APPEND, ACCESS_DELETE,
	ACCESS_EXECUTE,		/* run, or loaded as code (source, LD_PRELOAD, insmod) */
	ACCESS_MODE,		/* mode, owner, attributes, capabilities changed */
	ACCESS_MOVE,		/* moved away or replaced */
	ACCESS_LINK,		/* target of a link that is made */
};

struct shell_effect {			/* what a command does to a path, as far as arguments and redirections tell */
	enum shell_access access;
	bool recursive;
	/* normalised: joined with the current folder where that is known, no "//", "/./", "x/..", final "/" (only "${X}/" keeps it); globs as written ("/etc/∗") */
	struct shell_value path;
};

enum shell_trait {			/* bits */
	TRAIT_BACKGROUND = 1 << 0,
	TRAIT_LOOP = 1 << 1,		/* inside a loop */
	TRAIT_ENDLESS = 1 << 2,		/* inside a loop without an end (while true, until false, for ((;;))) that has no break */
	TRAIT_FORK_BOMB = 1 << 3,	/* calls the function it stands in, in a pipeline or in the background, with nothing that would end it */
	TRAIT_NESTED = 1 << 4,		/* came through eval, sh -c, a here-document for a shell, xargs, ssh, an interpreter … */
	TRAIT_DECODED = 1 << 5,		/* its text went through a decoder */
	TRAIT_OBFUSCATED = 1 << 6,	/* its name is spelt to deceive: r''m, \r\m, $'\x72m', ${IFS}, {rm,-rf,/}, pieces, look-alike letters */
	TRAIT_UNKNOWN_NAME = 1 << 7,	/* the name could not be worked out */
	TRAIT_FUNCTION = 1 << 8,	/* stands in the body of a function that is never called */
	TRAIT_NEGATED = 1 << 9,
	TRAIT_TEST = 1 << 10,		/* the condition of if, while, until */
	TRAIT_REMOTE = 1 << 11,		/* runs on another machine or in another container (ssh, kubectl exec, docker exec) */
	TRAIT_INTERPRETER = 1 << 12,	/* was found in the code of an interpreter (os.system("…")) */
	TRAIT_DRY = 1 << 13,		/* told not to do it: --dry-run, -n where it means that, --help, --version */
	TRAIT_PRIVILEGED = 1 << 14,	/* behind sudo, doas, su */
};

#define SHELL_NO_COMMAND ((size_t)-1)

struct shell_command {
	/* argv[0] is as resolved, behind wrappers (sudo, env, nohup, timeout, xargs …), each of which is a command of its own before it */
	const struct shell_value *argv;
	size_t argc;			/* 0: only redirections or assignments */
	const char *name;		/* base name of argv[0], look-alike letters folded; "" when argc is 0 or the name is not known */
	const struct shell_value *assignments;	/* "NAME=value" before the command, or alone */
	size_t assignments_len;
	const struct shell_effect *effects;
	size_t effects_len;
	struct shell_value input;	/* standard input: text of here-documents and pipes where known; origin 0: not redirected */
	size_t input_from;		/* index of the command whose output it reads; SHELL_NO_COMMAND */
	struct shell_value code;	/* what an interpreter or shell is given to run (-c, -e, script on stdin, sourced file, eval); len 0
					 * and origin 0: none */
	const char *cwd;		/* NULL: not known */
	unsigned int traits;		/* enum shell_trait */
	unsigned int depth;		/* of nesting: 0 in the text itself, 1 in `sh -c '…'` … */
	size_t offset, source_len;	/* the place in the text that was analysed */
};

struct shell_analysis {
	const struct shell_command *commands;
	size_t len;
	bool truncated;		/* ceilings were hit (SHELL_MAX_COMMANDS, depth, a cut value that is run): there are commands that are not here */
	bool values_cut;	/* values were longer than is followed; what is only data loses nothing by it */
	const struct shell_problem *problems;	/* of the text itself; see parse.h */
	size_t problems_len;
};

#define SHELL_MAX_COMMANDS 200000	/* of one analysis */
#define SHELL_MAX_NESTING 12		/* of code in code */
#define SHELL_MAX_VALUE ((size_t)64 << 10)	/* bytes of a computed value; longer ones are cut and not known */

/* Everything returned lives in `arena`; `text` must outlive it. Time and memory are linear in `len`: loops and calls are followed a
 * bounded number of times. */
void shell_analyse(struct arena *arena, const char *text, size_t len, struct shell_analysis *ret);

/* The same for a command that is started without a shell (command and args of a container): offsets are those of the values. */
void shell_analyse_argv(struct arena *arena, const struct shell_value *argv, size_t argc, struct shell_analysis *ret);

/* A command as one line for people and for patterns: words joined by blanks, unknown parts as above. */
struct strbuf;
void shell_command_text(const struct shell_command *c, struct strbuf *out);

/* "network", "network-own", "decoded" …; 0 for an unknown name. The names that rules use. */
unsigned int shell_origin_from_name(const char *name);
unsigned int shell_trait_from_name(const char *name);	/* "background", "fork-bomb", "unknown-name" … */
