/* SPDX-License-Identifier: Apache-2.0
 * metrics: counters and histograms of one service, as Prometheus reads them (text 0.0.4, or OpenMetrics). Names and labels are a table; labels are bounded:
 * never an id, a path or a text of others, but for the compatible set, which has the workflow's name and is off unless asked for.
 */
#pragma once

#include "runner/base/json.h"
#include "runner/base/strbuf.h"

struct metrics;
struct metrics *metrics_new(bool compatible);
void metrics_free(struct metrics *m);

void metrics_http(struct metrics *m, const char *method, const char *route, int status, uint64_t duration_ns);
/* A run has ended; `result` is its result.json (NULL: it has none), the rest as in its row. */
void metrics_run(struct metrics *m, const char *sandbox, const char *verdict, const char *workflow_name, uint64_t duration_ns, const json_t *result);
/* A piece of code was run; `status` as it was answered. */
void metrics_exec(struct metrics *m, const char *language, const char *status, bool warm, uint64_t duration_ns);
void metrics_cleanup(struct metrics *m, bool complete, unsigned int left);	/* of such a sandbox; runs tell in their result */
void metrics_leak(struct metrics *m, unsigned int leaked);		/* so much is still there, by a look at everything: replaces what is known; results add to it */

struct metrics_now {	/* gauges, asked for at the time */
	unsigned int active_runs, queue_depth, queue_capacity, connections, streams;
	unsigned int exec_warm, exec_starting, exec_busy;	/* sandboxes of the pool */
	bool draining;
};
void metrics_write(struct metrics *m, const struct metrics_now *now, bool openmetrics, struct strbuf *out);
