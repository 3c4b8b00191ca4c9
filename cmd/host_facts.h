/* SPDX-License-Identifier: Apache-2.0
 * host_facts: what this host is and has, as rows for `doctor`. Looking only: nothing is made, nothing is started. */
#pragma once

#include <stddef.h>

enum fact_state {
	FACT_OK,
	FACT_WEAK,	/* works, but not as well as it could; `advice` says what to do */
	FACT_MISSING,	/* something would be better with it */
	FACT_ABSENT,	/* not there, and nobody needs it yet */
};
const char *fact_state_to_string(enum fact_state state);	/* "ok", "degraded", "missing", "absent" */

struct fact {
	const char *section;	/* static: "host", "libraries", "programs" */
	const char *name;	/* static */
	enum fact_state state;
	char *detail;		/* owned */
	char *advice;		/* owned; what to install or set; NULL */
};

struct fact_list {
	struct fact *items;
	size_t len, alloc;
};

void host_facts(struct fact_list *ret);
void fact_list_release(struct fact_list *list);
