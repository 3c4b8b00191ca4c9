/* SPDX-License-Identifier: Apache-2.0
 * backend_choice: --type and --runtime, or `auto`, become one backend, and the reason is kept. Every name of the house plan is
 * known; one that this build cannot provide is refused by name, never replaced by another. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"

struct backend_choice {
	const char *type, *runtime;	/* static */
	const char *engine;		/* static: what makes the nodes of a cluster, when --runtime says so; or NULL */
	bool cluster;
	char because[600];		/* "" when the runtime was asked for by name */
};

/* What was chosen for the package before: for the same names a host is not asked again. All zero: nothing yet. */
struct backend_memo {
	char type[16], runtime[16];
	struct backend_choice choice;
};

/* Which runtime can run images: `runtime` itself, or for "auto" the first engine that answers. NULL with the reason. */
const char *backend_choose_images(const char *runtime, char *reason, size_t size);
/* NULL and "auto" are the same: then it is the first that this host lets us use. ERR_USAGE: no such name; ERR_UNAVAILABLE: known, but not to be had here. `memo` may be NULL. */
int backend_choose(const char *type, const char *runtime, struct backend_memo *memo, struct backend_choice *ret, struct error *err);

/* Is this type a cluster? */
bool backend_is_cluster(const char *type);

/* NULL-terminated, for option tables. */
extern const char *const backend_type_names[];
extern const char *const backend_runtime_names[];
