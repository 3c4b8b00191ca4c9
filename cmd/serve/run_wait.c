/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/run_wait.h"

#include <stdio.h>
#include <stdlib.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

struct run_wait {
	struct service *service;
	struct request *rq;
	char run_id[RUN_ID_SIZE];
	struct run_watch *watch;	/* NULL: the run has ended */
	struct loop_timer *timer;
	run_answer *answer;
	void *data;
	void (*release)(void *data);
};

static struct response *make_answer(const struct run_wait *w)
{
	struct run_row row = { .exit_status = -1 };
	struct error err = { 0 };
	int found = store_run_get(w->service->store, w->run_id, &row, &err);
	struct response *r;

	if (found < 0)
		r = response_problem_of_error(&err);
	else
		r = w->answer(w->data, w->service, w->rq, found ? &row : NULL);
	run_row_release(&row);
	return r;
}

static void run_wait_free(struct run_wait *w)
{
	if (w->watch)
		runs_unwatch(w->watch);
	loop_timer_free(w->timer);
	if (w->release)
		w->release(w->data);
	free(w);
}

static void finish(struct run_wait *w)
{
	struct request *rq = w->rq;
	struct response *r = make_answer(w);

	rq->pending = NULL;
	rq->abandon = NULL;
	run_wait_free(w);
	request_reply(rq, r);
}

static void on_change(void *data, bool ended)
{
	struct run_wait *w = data;

	if (!ended)
		return;
	w->watch = NULL;	/* is over by itself */
	finish(w);
}

static void on_time(void *data)
{
	finish(data);
}

/* The run goes on: whoever asks again under the same key is told of it, and does not begin another. */
static void abandon(struct request *rq)
{
	struct run_wait *w = steal_ptr(&rq->pending);

	if (rq->idempotency)
		route_keep(w->service, rq, make_answer(w));
	run_wait_free(w);
}

void run_wait(struct service *s, struct request *rq, const char *run_id, uint64_t max_ns, run_answer *answer, void *data,
	      void (*release)(void *data))
{
	struct run_wait *w = xcalloc(1, sizeof(*w));

	w->service = s;
	w->rq = rq;
	snprintf(w->run_id, sizeof(w->run_id), "%s", run_id);
	w->answer = answer;
	w->data = data;
	w->release = release;
	if (!max_ns || request_prefers_async(rq)) {
		finish(w);
		return;
	}
	rq->pending = w;
	rq->abandon = abandon;
	w->timer = loop_timer_new(s->loop, on_time, w);
	loop_timer_set(w->timer, clock_deadline(max_ns));
	w->watch = runs_watch(s->runs, run_id, on_change, w);
}

struct response *run_accepted(const struct request *rq, const char *run_id, json_t *take)
{
	struct response *r = response_json(202, take);

	response_header(r, "Location", "/v1/runs/%s", run_id);
	if (request_prefers_async(rq))
		response_header(r, "Preference-Applied", "respond-async");
	return r;
}
