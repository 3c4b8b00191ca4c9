/* SPDX-License-Identifier: Apache-2.0
 * parameters: the values of ${NAME}. Given by --param K=V, --params-file (YAML mapping or NAME=VALUE lines), --param-secret NAME=SOURCE
 * with SOURCE `env:VAR`, `file:PATH` or `-` (one line of standard input), so that no secret need stand on a command line. Later ones win;
 * secrets are told to the redactor.
 *
 * Values go into the environment of steps. Therefore names that steer a shell, the loader or an interpreter (PATH, IFS, LD_…, BASH_ENV …) are
 * refused, and so is what an environment cannot hold: NUL bytes, 128 KiB in one value, 1 MiB or 1,000 values in all.
 *
 * A parameter file is read as lines when its first line that is not empty or a comment looks like NAME=…, otherwise as YAML (JSON is YAML),
 * where scalars are taken as written: `007` stays 007. Lines:
 *	# comment; empty lines; CRLF is fine; `export ` before a name is passed over
 *	NAME=value # comment		blanks around the value are not part of it, a # inside a word is
 *	NAME='as it is: $x \n'
 *	NAME="with \n \r \t \" \\ \$"	nothing is substituted
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"
#include "runner/base/redact.h"

struct parameter {
	char *name, *value;	/* owned */
	bool secret;
	const char *origin;	/* static: "--param", "--params-file", "--param-secret" */
	bool used;		/* referenced by the package; unused ones are warned about */
};

struct parameters {
	struct parameter *items;
	size_t len, alloc;
	struct redactor *redactor;	/* owned */
	bool stdin_taken;		/* a secret was read from standard input: nothing else can be */
};

void parameters_init(struct parameters *p);
void parameters_release(struct parameters *p);		/* wipes secrets */

/* What is wrong on the command line is ERR_USAGE, what is wrong in a file ERR_INVALID_INPUT at file:line:column. */
int parameters_add(struct parameters *p, const char *assignment, struct error *err);		/* "K=V" */
int parameters_add_secret(struct parameters *p, const char *assignment, struct error *err);	/* "K=env:VAR" … */
int parameters_add_file(struct parameters *p, const char *path, struct error *err);
struct parameter *parameters_find(const struct parameters *p, const char *name);		/* NULL: not given */

/* The two file formats from memory: what parameters_add_file() does after reading. */
int parameters_add_text(struct parameters *p, const char *text, size_t len, const char *name, struct error *err);
