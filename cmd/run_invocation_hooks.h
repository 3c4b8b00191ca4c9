/* SPDX-License-Identifier: Apache-2.0
 * run_invocation_hooks: what ties a run to whoever started it: a name given beforehand, events on a descriptor, word of its end.
 * The service starts its runs so; CI uses the last. */
#pragma once

#include "cmd/run_invocation.h"

#define INVOCATION_HOOK_ROWS(type) \
	{ .name = "notify", .kind = OPTION_TEXT, .offset = offsetof(type, notify), .value = "URL", .group = "Output", \
	  .help = "when the run has ended, tell a registry: POST {run_id, status, duration_ms} to .../workflows/ID/runs/notify; " \
		  "with the token in $SANDBOX_RUNNER_NOTIFY_TOKEN. That it cannot be told is a warning only" }, \
	{ .name = "events-fd", .kind = OPTION_COUNT, .offset = offsetof(type, events_fd), .value = "N", .min = 3, .group = "Output", \
	  .help = "write the events to this open descriptor, a JSON object a line, whatever --format is" }, \
	{ .name = "run-id", .kind = OPTION_TEXT, .offset = offsetof(type, run_id), .value = "ID", .group = "Sandbox", \
	  .help = "the name of the run, made beforehand: 'r-' and 26 of a-z and 2-7, not used before. Whoever names runs calls 'gc' after one that was killed, and finds a folder of artifacts only where there are any" }

int invocation_hooks_check(struct invocation *v, struct error *err);
/* The run, or what did not come to one, has this exit status: say so where --notify wants it. */
void invocation_notify(struct invocation *v, int status, uint64_t duration_ns);
