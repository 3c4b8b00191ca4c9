/* SPDX-License-Identifier: Apache-2.0
 * parameters: the values of ${NAME}. Given by --param K=V, --params-file (YAML mapping or NAME=VALUE lines), --param-secret NAME=SOURCE
 * with SOURCE `env:VAR`, `file:PATH` or `-` (standard input), so that no secret need stand on a command line. Later ones win; secrets are
 * told to the redactor. */
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
};

void parameters_init(struct parameters *p);
void parameters_release(struct parameters *p);		/* wipes secrets */

int parameters_add(struct parameters *p, const char *assignment, struct error *err);		/* "K=V" */
int parameters_add_secret(struct parameters *p, const char *assignment, struct error *err);	/* "K=env:VAR" … */
int parameters_add_file(struct parameters *p, const char *path, struct error *err);
struct parameter *parameters_find(const struct parameters *p, const char *name);		/* NULL: not given */
