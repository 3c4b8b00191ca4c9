/* SPDX-License-Identifier: Apache-2.0
 * v1_world: literal requests to the service of v1_service.h, answered by the handler that their path finds. */
#pragma once

#include "tests/unit/serve/v1_service.h"

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
