/* SPDX-License-Identifier: Apache-2.0
 * profile: the named sets of limits, as one table. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sandboxes/sandbox.h"

struct profile {
	const char *name;	/* "default", "restrictive", "standard", "permissive" */
	const char *summary;
	struct sandbox_limits limits;
	uint64_t timeout_ns;	/* of the run */
};

const struct profile *profile_find(const char *name);	/* NULL: unknown */
const struct profile *profile_at(size_t i);		/* NULL past the last */
