/* SPDX-License-Identifier: Apache-2.0
 * template: the `${NAME}` and `${NAME:-default}` references of a text.
 *
 * Two uses, never mixed. In data (url, path, name, selector, header values) the runner replaces the reference by the
 * value. In shell text nothing is replaced: the value goes into the step's environment and the shell expands
 * it, so a value can never become code. Shell variables that the script sets itself (assignments, for, read,
 * local …), references inside single quotes, comments and quoted here-documents, and `${X%y}` and the like
 * belong to the shell and are not reported. In a shell `${NAME-default}` counts as well, `${NAME:?text}` is a
 * reference without default, `${NAME:+text}` one that may be unset. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

enum template_kind { TEMPLATE_DATA, TEMPLATE_SHELL };

struct template_ref {
	size_t offset, len;		/* of "${…}" in the text */
	char *name;			/* owned */
	char *fallback;			/* owned; the text after ":-" or "-", as written; NULL: none */
};

struct template_refs {
	struct template_ref *items;
	size_t len, alloc;
};

/* Find the references of a text. -1 with ret_offset set at the first "${" that is unclosed, empty or (in data) no name;
 * those found before it are kept. Names are [A-Za-z_][A-Za-z0-9_]*. "$${" is a literal "${" in data. */
int template_scan(enum template_kind kind, const char *text, size_t len, struct template_refs *ret,
		  size_t *ret_offset, struct error *err);
void template_refs_release(struct template_refs *refs);

/* Is it a variable that a shell in a sandbox always has (PATH, HOME, IFS, RANDOM, BASH… )? Not reported in
 * shell text. */
bool template_is_shell_name(const char *name);

/* Value of a parameter, or NULL when it has none. */
typedef const char *template_lookup(void *arg, const char *name);

/* Expand data. Unset references without a default are ERR_INVALID_INPUT naming the parameter. */
int template_expand(const char *text, size_t len, template_lookup *lookup, void *arg, struct strbuf *out,
		    struct error *err);
