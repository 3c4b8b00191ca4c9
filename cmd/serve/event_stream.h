/* SPDX-License-Identifier: Apache-2.0
 * event_stream: a run's events (or only what its steps wrote) as a body that is pulled: read from the run's file in pieces of at most 16 KiB, so that
 * neither a long line nor a long run needs memory, and followed as it grows. All streams of a run share one descriptor and one watch, all of a
 * service one timer for heartbeats. Only whole lines are events: what a run is still writing, or died writing, is not sent.
 */
#pragma once

#include "cmd/serve/service.h"

enum event_form {
	EVENTS_SSE,	/* id: offset behind the line; event: its type; data: the line; at last "end" with the run's JSON and the id "end" */
	EVENTS_NDJSON,	/* the lines as they are */
	EVENTS_TEXT,	/* what steps wrote, unescaped */
};

struct event_query {
	enum event_form form;
	uint64_t after;		/* from this byte on: the end of a line */
	bool follow;		/* go on until the run has ended */
	/* EVENTS_TEXT, only of this; words are static */
	unsigned int step;	/* 0: all */
	const char *phase;	/* "main", "rollback"; NULL: both */
	const char *stream;	/* "stdout", "stderr"; NULL: both */
};

/* Never NULL: a run without events (yet) is an empty stream. */
struct body_source *event_stream_open(struct service *s, const struct run_row *run, const struct event_query *q);

/* Does an event end at `after`, or is it 0? False also when it is beyond what is there. */
bool event_stream_is_boundary(struct service *s, const char *run_id, uint64_t after);
