/* SPDX-License-Identifier: Apache-2.0
 * live: runs that are alive, seen from outside. Alive is whose journal somebody has locked. What it is doing stands in a memory file of its
 * process, some of its events as --format=ndjson prints them: no disk is written for it and nothing of it has to be removed.
 * Who may look into the process (its owner, root) finds it among its open files.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runner/event.h"
#include "runner/journal.h"

#define LIVE_NAME "sandbox_runner-live"
#define LIVE_OUTPUT_MAX (1u << 20)	/* of output in it; what goes past that is in the result only */

/* The sink that writes it. Its trouble is nobody's. */
struct event_sink *sink_live_new(void);

struct live_run {
	char run_id[RUN_ID_SIZE];
	char *package, *source, *where;	/* NULL: not known yet */
	char *doing;			/* "step 2/3 restart"; NULL: nothing yet */
	uint64_t started_ns;		/* wall clock; 0: unknown */
	uint64_t kept_until_ns;		/* wall clock; 0: runs */
	int64_t pid;			/* for people; 0: unknown */
};
struct live_runs {
	struct live_run *items;		/* oldest first */
	size_t len, alloc;
};
void live_runs_release(struct live_runs *l);
int live_runs_list(const char *state_dir, struct live_runs *ret, struct error *err);

/* Is it alive? Looks at the lock of its journal. */
bool live_run_is(const char *state_dir, const char *run_id);
/* What it writes, for reading: stays readable when the run has ended. -1: cannot be seen. */
int live_run_open(const char *state_dir, const struct live_run *run);
/* A pidfd of its process; a pid alone may be somebody else's by now. -1: cannot be seen. */
int live_run_pidfd(const char *state_dir, const struct live_run *run);
