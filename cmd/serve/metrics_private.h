/* SPDX-License-Identifier: Apache-2.0
 * Private to metrics*.c: families are rows of a table, series are found or made by their labels.
 */
#pragma once

#include "cmd/serve/metrics.h"
#include "runner/base/strvec.h"

enum metric {
	M_RUNS, M_RUN_DURATION, M_PROVISION_DURATION, M_CLEANUP_DURATION, M_RUN_MEMORY_PEAK, M_RUN_CPU, M_ERRORS, M_STEPS, M_FINDINGS,
	M_DECISIONS, M_CLEANUP, M_LEAKED, M_ACTIVE, M_QUEUE, M_QUEUE_CAPACITY, M_DENIALS, M_ESCAPES, M_LIMITS,
	M_EXEC, M_EXEC_DURATION, M_EXEC_POOL, M_HTTP, M_HTTP_DURATION, M_CONNECTIONS, M_STREAMS, M_DRAINING, M_BUILD,
	M_PROCESS_CPU, M_PROCESS_RESIDENT, M_PROCESS_FDS, M_PROCESS_MAX_FDS, M_PROCESS_START,
	M_COMPATIBLE,	/* from here on only when asked for */
	M_WF_RUNS = M_COMPATIBLE, M_WF_SUCCESS, M_WF_FAILURE, M_WF_DURATION, M_WF_ACTIVE,
	METRICS
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };
enum metric_unit { UNIT_NONE, UNIT_SECONDS, UNIT_BYTES };	/* values of seconds are kept in ns */

#define METRIC_LABELS 3
struct metric_family {
	const char *name;		/* without _total and _info */
	const char *help;
	enum metric_type type;
	enum metric_unit unit;
	const char *labels[METRIC_LABELS];
	const char *const *words[METRIC_LABELS];	/* what each may be; anything else is "other". NULL: see metric_series() */
	const uint64_t *buckets;	/* of histograms: upper bounds, ends in 0 */
	bool seeded;			/* all combinations are there from the start, with 0: rates see the first event, too */
};
extern const struct metric_family metric_families[METRICS];

struct series {
	char *labels[METRIC_LABELS];	/* owned; NULL past the last */
	uint64_t value;			/* of histograms: how many there were */
	uint64_t sum;
	uint64_t *buckets;		/* owned: how many fell into each, not cumulated */
};
/* Past this a family merges what is new into the series with nothing but "other". */
#define SERIES_MAX 4096

struct metrics {
	struct { struct series *items; size_t len, alloc; } families[METRICS];
	struct strvec workflows;	/* names that have got series of their own */
	uint64_t started_ns;
	bool compatible;
};

/* Label words that the family's tables do not have become "other"; where there is no table, the caller bounds what can come. */
struct series *metric_series(struct metrics *m, enum metric id, const char *a, const char *b, const char *c);
void metric_add(struct metrics *m, enum metric id, const char *a, const char *b, const char *c, uint64_t n);
void metric_observe(struct metrics *m, enum metric id, const char *a, uint64_t value);
void metric_set(struct metrics *m, enum metric id, uint64_t value);	/* a gauge without labels */

/* Everything that result.json has to say, but for verdict and duration, which the row has. */
void metrics_count_result(struct metrics *m, const char *sandbox, const json_t *result);
/* What went wrong, as one word of the table; NULL: nothing did. */
const char *metrics_error_kind(const char *verdict, const json_t *result);
bool metrics_is_result(const json_t *result);	/* is it one at all, of the form we know? */

/* Of this process, now. */
void metrics_process(struct metrics *m);
void metrics_revision(char *out, size_t size);	/* which build this is: hexadecimal */
