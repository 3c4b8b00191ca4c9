/* SPDX-License-Identifier: Apache-2.0
 * v1_world: a service without a socket, with a store, runs and a loop of its own; requests are literals, answered by the handler that their path
 * finds. Its runs are made by a script that copies a pipe of the test's into the events, so that the test says what happens when. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/service.h"
#include "cmd/serve/tool.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define PATIENCE_NS (120 * NS_PER_SEC)

struct world {
	char dir[64];
	char *data, *pipe, *script;
	struct service s;
	struct loop_timer *patience, *tick;
	bool late;
	int events;		/* where the test writes the events of the run that is running; -1: none */
};

static inline void on_late(void *data)
{
	struct world *w = data;

	w->late = true;
	loop_stop(w->s.loop);
}

static inline void on_tick(void *data)
{
	struct world *w = data;

	loop_stop(w->s.loop);
}

/* Let everything happen for a moment. */
static inline void turn(struct world *w)
{
	struct error err = { 0 };

	loop_timer_set(w->tick, clock_deadline(2 * NS_PER_MS));
	if (loop_run(w->s.loop, &err) < 0)
		fail_msg("%s", err.text);
	if (w->late)
		fail_msg("that took too long");
}

static inline int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct error err = { 0 };
	struct runs_options o = { .at_once = 2, .queue = 2, .keep = 100, .timeout_ns = PATIENCE_NS };
	autofree char *text = NULL;

	*state = w;
	w->events = -1;
	snprintf(w->dir, sizeof(w->dir), "/tmp/v1_test.XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	w->data = xasprintf("%s/data", w->dir);
	w->pipe = xasprintf("%s/pipe", w->dir);
	w->script = xasprintf("%s/script", w->dir);
	text = xasprintf("#!/bin/sh\ntrap 'exit 130' INT TERM\nprintf '%%s\\n' \"$@\" >&2\ncat '%s' >&3 &\nwait\necho '{\"verdict\": \"verified\", \"verdict_reason\": \"as told\"}'\n", w->pipe);
	if (mkdir(w->data, 0700) < 0 || mkfifo(w->pipe, 0600) < 0 || file_write_atomic(w->script, text, strlen(text), 0700, &err) < 0)
		return -1;
	o.program = w->script;
	o.data_dir = o.state_dir = w->s.data_dir = w->s.state_dir = w->data;
	w->s.quiet = true;
	w->s.package_max = 1 << 20;
	w->s.sync_max_ns = PATIENCE_NS;
	w->s.metrics = metrics_new(false);
	strvec_push(&w->s.types, "container");
	strvec_push(&w->s.hosts, "sandbox.example.org");
	if (loop_new(&w->s.loop, &err) < 0 || auth_open(NULL, &w->s.auth, &err) < 0 || store_open(w->data, &w->s.store, &err) < 0 ||
	    runs_new(w->s.loop, w->s.store, w->s.metrics, &o, &w->s.runs, &err) < 0)
		fail_msg("%s", err.text);
	w->tick = loop_timer_new(w->s.loop, on_tick, w);
	w->patience = loop_timer_new(w->s.loop, on_late, w);
	loop_timer_set(w->patience, clock_deadline(PATIENCE_NS));
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;
	int rc;

	if (w->events >= 0)
		close(w->events);
	tools_free(w->s.tools);
	runs_free(w->s.runs);
	if (w->s.judge)
		judge_free(w->s.judge);
	loop_timer_free(w->tick);
	loop_timer_free(w->patience);
	loop_free(w->s.loop);
	store_close(w->s.store);
	auth_close(w->s.auth);
	metrics_free(w->s.metrics);
	strvec_release(&w->s.types);
	strvec_release(&w->s.hosts);
	rc = remove_tree_at(AT_FDCWD, w->dir, NULL);
	free(w->data);
	free(w->pipe);
	free(w->script);
	free(w);
	return rc;
}

/* ---- requests */

/* `head`: "POST /v1/runs" and, one a line, headers; `body` NULL: none. The caller frees. */
static inline struct request *make_request(const char *head, const char *body)
{
	autofree char *copy = xstrdup(head);
	char *line = strtok(copy, "\n"), *target = strchr(line, ' ');
	struct request *rq;

	*target++ = '\0';
	rq = request_new(line, target);
	pairs_add(&rq->headers, "Host", "sandbox.example.org");
	snprintf(rq->peer.address, sizeof(rq->peer.address), "127.0.0.1");
	while ((line = strtok(NULL, "\n"))) {
		char *value = strstr(line, ": ");

		*value = '\0';
		pairs_add(&rq->headers, line, value + 2);
	}
	if (body)
		strbuf_addstr(&rq->body, body);
	return rq;
}

static inline void add_field(struct request *rq, const char *name, const char *filename, const char *value)
{
	struct form_field *f;

	ARRAY_GROW(rq->fields, rq->fields_len, rq->fields_alloc);
	f = &rq->fields[rq->fields_len++];
	*f = (struct form_field){ .name = xstrdup(name), .filename = xstrdup_or_null(filename), .value = STRBUF_INIT(STRBUF_NO_MAX) };
	strbuf_addstr(&f->value, value);
}

/* As httpd would: accept, dispatch. */
static inline void hand_in(struct world *w, struct request *rq)
{
	size_t body_max;
	struct response *refusal = route_accept(&w->s, rq, &body_max);

	if (!refusal && rq->body.len > body_max)
		refusal = response_problem(413, "body_too_large", NULL, "too large");
	if (refusal)
		request_reply(rq, refusal);
	else
		route_dispatch(&w->s, rq);
}

static inline struct request *answered(struct world *w, struct request *rq)
{
	while (!rq->answer)
		turn(w);
	return rq;
}

static inline struct request *sent(struct world *w, struct request *rq)
{
	hand_in(w, rq);
	return answered(w, rq);
}

static inline struct request *ask(struct world *w, const char *head, const char *body)
{
	return sent(w, make_request(head, body));
}

static inline const char *header_of(const struct request *rq, const char *name)
{
	const char *value = pairs_get_header(&rq->answer->headers, name);

	return value ? value : "";
}

static inline json_t *json_of(const struct request *rq)
{
	struct error err = { 0 };
	json_t *ret = NULL;

	if (json_parse(rq->answer->body.buf, rq->answer->body.len, "answer", &ret, &err) < 0)
		fail_msg("%s: %s", err.text, rq->answer->body.buf);
	return ret;
}

static inline void says(struct request *rq, int status, const char *part)
{
	if (rq->answer->status != status || !strstr(rq->answer->body.buf, part))
		fail_msg("%s %s: expected %d with '%s', got %d: %s", rq->method, rq->target, status, part, rq->answer->status, rq->answer->body.buf);
	request_free(rq);
}

/* ---- a run whose events the test writes */

#define PACKAGE "apiVersion: v1\n"

static inline void run_begin(struct world *w, char id[RUN_ROW_ID_SIZE])
{
	struct request *rq = ask(w, "POST /v1/runs\nContent-Type: application/yaml", PACKAGE);
	json_auto_t *run = json_of(rq);

	assert_int_equal(rq->answer->status, 202);
	snprintf(id, RUN_ROW_ID_SIZE, "%s", json_string_value(json_object_get(run, "run_id")));
	request_free(rq);
	while (w->events < 0) {		/* until the script has opened it */
		turn(w);
		w->events = open(w->pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	fcntl(w->events, F_SETFL, 0);
}

static inline void run_says(struct world *w, const char *text)
{
	assert_int_equal(write_all(w->events, text, strlen(text)), 0);
}

static inline bool run_is_over(struct world *w, const char *id)
{
	struct run_row row = { .exit_status = -1 };
	bool over;

	if (store_run_get(w->s.store, id, &row, NULL) != 1)
		fail_msg("no run '%s'", id);
	over = row.state == RUN_ENDED;
	run_row_release(&row);
	return over;
}

static inline void run_end(struct world *w, const char *id)
{
	close(w->events);
	w->events = -1;
	while (!run_is_over(w, id))
		turn(w);
}
