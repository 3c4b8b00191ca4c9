/* SPDX-License-Identifier: Apache-2.0
 * event: what is happening, as it happens. Typed, fanned out to sinks (terminal, NDJSON, log folder). Texts in events are
 * already redacted. The last event of a run is EVENT_VERDICT. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runner/base/json.h"
#include "runner/result.h"

enum event_type {
	EVENT_RUN_START,	/* result: run id, plan */
	EVENT_WARNING,		/* text */
	EVENT_SANDBOX_CREATE,	/* ref: about to be made */
	EVENT_SANDBOX_PROGRESS,	/* text: what is being waited for */
	EVENT_SANDBOX_READY,	/* result->controls, result->setup_ns */
	EVENT_STEP_START,	/* step; attempt from 1 */
	EVENT_STEP_OUTPUT,	/* step, stream, data, len */
	EVENT_STEP_SEEN,	/* step, thing: network or security, the first time */
	EVENT_STEP_USAGE,	/* step, usage: a look at its resources, only when monitoring was asked for */
	EVENT_STEP_RETRY,	/* step, attempt that failed, text: why; wait_ns */
	EVENT_STEP_END,		/* step: complete */
	EVENT_ROLLBACK_START,	/* text: why */
	EVENT_CLEANUP_START,
	EVENT_CLEANUP_ITEM,	/* item */
	EVENT_VERDICT,		/* result: complete */
};
const char *event_type_to_string(enum event_type type);	/* "run.start", "step.output", … */

struct event {
	enum event_type type;
	uint64_t seq;		/* from 1, filled in by event_emit */
	uint64_t time_ns;	/* wall clock, filled in by event_emit */
	const struct result *result;
	const struct step_result *step;
	const struct sandbox_ref *ref;
	const struct cleanup_item *item;
	enum sandbox_stream stream;
	const char *data;
	size_t len;
	const char *text;
	const struct thing_seen *thing;
	const struct usage_series *usage;
	unsigned int attempt;
	uint64_t wait_ns;
};

struct event_sink {
	void (*on_event)(struct event_sink *sink, const struct event *event);
	void (*close)(struct event_sink *sink);		/* frees */
	void (*on_tick)(struct event_sink *sink);	/* optional: about once a second while a step runs and says nothing */
	struct event_sink *next;
	int error;	/* errno of the first write that failed, or 0: the sink is silent from then on, the run goes on */
};

struct events {			/* all zero is a good start */
	struct event_sink *sinks;
	uint64_t seq;
	const struct result *result;	/* that of the run: put into events that have none */
	char held[2][4];		/* per stream: the beginning of a character whose end has not come yet */
	size_t held_len[2];
};
void events_add_take(struct events *ev, struct event_sink *sink);	/* called in the order added */
/* Number, date and deliver. Output reaches the sinks in whole characters (bytes that are no UTF-8 pass as they are). Also a
 * fault point, named like the type. */
void event_emit(struct events *ev, struct event *event);
void events_tick(struct events *ev);	/* no event: it has no number and no date, and is no fault point */
void events_release(struct events *ev);

json_t *event_to_json(const struct event *event);

/* One JSON object a line on `fd` (borrowed; may be non-blocking). A reader that does not read holds the run up until `cancel_fd`
 * (-1: none) is readable. */
struct event_sink *sink_ndjson_new(int fd, int cancel_fd);

/* --save-logs: a folder with NN-title.stdout.log and .stderr.log per executed step (rollback-NN-… for rollback steps), events.ndjson and, at
 * the end, result.json and report.txt; all of mode 0600. Bytes are as the step wrote them, secrets excepted: look at them with care.
 * Each stream has a ceiling; the last line says what was cut. A folder is made if missing; one that holds anything but the logs of
 * an earlier run (which are replaced) is refused. A name that ends in .tar.zst, .tar.gz or .tar gives the same as one archive, kept in
 * nameless files below `scratch` (NULL: beside the target) until then, so that nothing is left when we are killed. */
int sink_logs_new(const char *target, const char *scratch, uint64_t max_bytes, struct event_sink **ret, struct error *err);
/* Once, after the verdict event: add result and report, write the archive, for which a folder in `scratch` (NULL: beside the target) is needed. -1 when something of the logs could not be written
 * (a full disk …): the run has gone on without, the verdict is what it is, and the caller tells. */
bool sink_logs_packs(const struct event_sink *sink);	/* an archive will be made */
int sink_logs_finish(struct event_sink *sink, const struct result *result, const char *scratch, struct error *err);
