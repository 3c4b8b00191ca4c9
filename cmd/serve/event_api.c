/* SPDX-License-Identifier: Apache-2.0
 * event_api: what a run says, while it runs and afterwards.
 *
 *	/events	as server-sent events when Accept or ?format=sse asks for them, otherwise a JSON object a line. From the beginning, or behind the event
 *		that Last-Event-ID or ?after= names; goes on until the run has ended unless ?follow=false. The last server-sent event is "end"; whoever
 *		comes back with its id is told by 204 that there is no more.
 *	/logs	what steps wrote, as text; ?step=N or rollback-N (or ?phase=rollback), ?stream=stdout|stderr, ?follow=true to wait for more.
 */
#include <string.h>

#include "cmd/serve/event_stream.h"
#include "cmd/serve/run_json.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define STEP_MAX 1000000u

static void reply_stream(struct service *s, struct request *rq, const struct run_row *run, const struct event_query *q)
{
	static const char *const types[] = {
		[EVENTS_SSE] = "text/event-stream", [EVENTS_NDJSON] = "application/x-ndjson", [EVENTS_TEXT] = "text/plain; charset=utf-8",
	};
	struct response *r = response_new(200);

	response_header(r, "Content-Type", "%s", types[q->form]);
	response_header(r, "Cache-Control", "no-store");
	response_header(r, "X-Accel-Buffering", "no");	/* proxies must not collect it */
	response_header(r, "X-Content-Type-Options", "nosniff");
	r->source = event_stream_open(s, run, q);
	request_reply(rq, r);
}

/* ---- events */

/* Where to go on. 1: it has had everything; -1: complained. */
static int read_position(struct service *s, struct complaints *c, const struct request *rq, const struct run_row *run, uint64_t *ret)
{
	const char *last = request_header(rq, "Last-Event-ID"), *after = request_query(rq, "after"), *id = last && *last ? last : after;
	const char *pointer = id == after ? "?after" : "Last-Event-ID";
	struct error err;

	if (!id || !*id)
		return 0;
	if (!strcmp(id, "end"))
		return 1;
	if (integer_parse(id, strlen(id), 0, INT64_MAX, ret, &err) < 0 || !event_stream_is_boundary(s, run->id, *ret)) {
		complain(c, pointer, "'%.40s' is the id of no event of this run", id);
		return -1;
	}
	return 0;
}

static void get_events(struct service *s, struct request *rq)
{
	static const char *const known[] = { "follow", "after", "format", NULL }, *const formats[] = { "sse", "ndjson", NULL };
	struct event_query q = { .form = EVENTS_NDJSON, .follow = true };
	struct run_row run = { .exit_status = -1 };
	struct complaints c = { NULL };
	const char *format;
	int position;

	if (!run_find(s, rq, rq->params[0], &run))
		return;
	if (!run_has_files(rq, &run))
		goto out;
	complain_of_unknown_query(&c, rq, known);
	query_flag(&c, rq, "follow", &q.follow);
	format = query_word(&c, rq, "format", formats);
	if (format ? !strcmp(format, "sse") : request_accepts(rq, "text/event-stream"))
		q.form = EVENTS_SSE;
	position = read_position(s, &c, rq, &run, &q.after);
	if (complaints_reply(&c, rq))
		;
	else if (position > 0)
		request_reply(rq, response_new(204));
	else
		reply_stream(s, rq, &run, &q);
out:
	run_row_release(&run);
}

/* ---- logs */

static void read_step(struct complaints *c, const struct request *rq, struct event_query *q)
{
	static const char *const phases[] = { "main", "rollback", NULL };
	const char *step = request_query(rq, "step"), *phase = query_word(c, rq, "phase", phases);
	uint64_t number = 0;
	struct error err;

	q->phase = phase;
	if (!step)
		return;
	if (!phase)
		q->phase = phases[0];
	if (!strncmp(step, "rollback-", strlen("rollback-"))) {
		q->phase = phases[1];
		step += strlen("rollback-");
	}
	if (integer_parse(step, strlen(step), 1, STEP_MAX, &number, &err) < 0)
		complain(c, "?step", "'%.40s' is no number of a step; write N or rollback-N", request_query(rq, "step"));
	q->step = (unsigned int)number;
}

static void get_logs(struct service *s, struct request *rq)
{
	static const char *const known[] = { "step", "phase", "stream", "follow", NULL }, *const streams[] = { "stdout", "stderr", NULL };
	struct event_query q = { .form = EVENTS_TEXT };
	struct run_row run = { .exit_status = -1 };
	struct complaints c = { NULL };

	if (!run_find(s, rq, rq->params[0], &run))
		return;
	if (!run_has_files(rq, &run))
		goto out;
	complain_of_unknown_query(&c, rq, known);
	query_flag(&c, rq, "follow", &q.follow);
	read_step(&c, rq, &q);
	q.stream = query_word(&c, rq, "stream", streams);
	if (!complaints_reply(&c, rq))
		reply_stream(s, rq, &run, &q);
out:
	run_row_release(&run);
}

const struct route event_routes[] = {
	{ "GET", "/v1/runs/{run_id}/events", "get_events", SCOPE_READ, 0, 0, get_events },
	{ "GET", "/v1/runs/{run_id}/logs", "get_logs", SCOPE_READ, 0, 0, get_logs },
	{ .method = NULL },
};
