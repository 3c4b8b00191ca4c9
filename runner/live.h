/* SPDX-License-Identifier: Apache-2.0
 * live: runs that are alive, seen from outside. Alive is whose journal somebody has locked; what it is doing stands in its own folder:
 *
 *	<state>/runs/<run id>/live.ndjson	run.start, step.start, step.output, … : some of its events as --format=ndjson prints them
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runner/event.h"
#include "runner/journal.h"

#define LIVE_NAME "live.ndjson"
#define LIVE_OUTPUT_MAX (1u << 20)	/* of output in it; what goes past that is in the result only */

/* The sink that writes it below a run's folder, from the first event on. Its trouble is nobody's. */
struct event_sink *sink_live_new(const char *scratch);

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
