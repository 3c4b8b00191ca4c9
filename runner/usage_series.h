/* SPDX-License-Identifier: Apache-2.0
 * usage_series: what a step used over time, in flat memory: when the series is full, neighbours are joined and the interval
 * doubles, so it always covers the whole step. Rates are made here, from the sandbox's counters. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "sandboxes/sandbox.h"

#define USAGE_INTERVAL_NS UINT64_C(250000000)	/* between two looks at the sandbox */
enum { USAGE_POINTS = 120, USAGE_SCARCE_PERCENT = 80 };

struct usage_point {			/* of the time up to `at_ns` */
	uint64_t at_ns;			/* since the start of the step */
	uint64_t cpu_millis;		/* average */
	uint64_t memory_bytes, pids, storage_bytes;	/* highest */
	uint64_t io_read_bytes, io_write_bytes;		/* in this time */
};

struct usage_series {			/* all zero is a good start */
	struct usage_point points[USAGE_POINTS];
	size_t len;
	uint64_t interval_ns;		/* of a point */
	uint64_t began_ns;		/* monotonic */
	struct sandbox_usage first, last;	/* counters at the start, and at the last look */
	struct usage_point open;	/* not in points yet */
	struct usage_point now;		/* since the look before */
	uint64_t open_since_ns;
	struct usage_point peak;	/* highest of each */
};

/* `now_ns` is monotonic. The first call only sets the start. */
void usage_series_begin(struct usage_series *s, const struct sandbox_usage *usage, uint64_t now_ns);
void usage_series_add(struct usage_series *s, const struct sandbox_usage *usage, uint64_t now_ns);
void usage_series_end(struct usage_series *s);

/* null when nothing is known. */
json_t *usage_series_to_json(const struct usage_series *s);
/* The last look alone. */
json_t *usage_now_to_json(const struct usage_series *s);
/* "▁▂▅█" of at most `columns`, the highest point being the full block; value() picks the number. */
void usage_series_spark(const struct usage_series *s, uint64_t (*value)(const struct usage_point *p), size_t columns,
			struct strbuf *out);
uint64_t usage_cpu(const struct usage_point *p);
uint64_t usage_memory(const struct usage_point *p);
uint64_t usage_pids(const struct usage_point *p);
