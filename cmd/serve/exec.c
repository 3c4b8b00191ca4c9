/* SPDX-License-Identifier: Apache-2.0
 * exec: a piece of code, run once in a sandbox of its own, and what the pool of them is doing. */
#include "cmd/serve/exec_pool.h"
#include "cmd/serve/service.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

struct pending {	/* of a request, until its answer */
	struct request *rq;
	struct exec_ticket *ticket;
	const struct exec_language *language;
	uint64_t started_ns;
};

static bool is_off(const struct service *s, struct request *rq)
{
	if (s->exec)
		return false;
	request_reply(rq, response_problem(501, "not_implemented", NULL, "this service runs no code by itself; start it with --exec-pool=N"));
	return true;
}

static const char *status_of(const struct exec_answer *a)
{
	return a->failure ? "error" : json_string_value(json_object_get(a->outcome, "status"));
}

static void on_answer(void *data, const struct exec_answer *a)
{
	struct pending *p = data;
	struct request *rq = p->rq;
	json_t *answer;

	metrics_exec(rq->service->metrics, p->language->name, status_of(a), a->warm, clock_monotonic_ns() - p->started_ns);
	free(p);
	rq->pending = NULL;
	rq->abandon = NULL;
	if (a->failure) {
		request_reply(rq, response_problem_of_error(a->failure));
		return;
	}
	answer = json_deep_copy(a->outcome);
	json_put_bool(answer, "warm", a->warm);
	request_reply(rq, response_json(200, answer));
}

static void abandon(struct request *rq)
{
	struct pending *p = rq->pending;

	exec_pool_forget(p->ticket);
	free(p);
	rq->pending = NULL;
}

static void post_exec(struct service *s, struct request *rq)
{
	json_auto_t *json = NULL;
	struct exec_order order;
	struct error err = { 0 };
	struct response *r;
	struct pending *p;

	if (is_off(s, rq))
		return;
	if (json_parse(rq->body.buf, rq->body.len, "order", &json, &err) < 0 || exec_order_parse(json, &order, &err) < 0) {
		request_reply(rq, response_problem_of_error(&err));
		return;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct pending){ .rq = rq, .language = order.language, .started_ns = clock_monotonic_ns() };
	p->ticket = exec_pool_submit(s->exec, &order, json, on_answer, p, &err);
	if (p->ticket) {
		rq->pending = p;
		rq->abandon = abandon;
		return;
	}
	free(p);
	r = err.code == ERR_RESOURCE_EXHAUSTED ? response_problem(429, "queue_full", NULL, "%s", err.text) : response_problem_of_error(&err);
	if (r->status == 429)
		response_header(r, "Retry-After", "%u", 5U);
	request_reply(rq, r);
}

static void get_pool(struct service *s, struct request *rq)
{
	if (!is_off(s, rq))
		request_reply(rq, response_json(200, exec_pool_to_json(s->exec)));
}

static void post_pool(struct service *s, struct request *rq)
{
	json_auto_t *json = NULL;
	struct error err = { 0 };
	const json_t *size;

	if (is_off(s, rq))
		return;
	if (json_parse(rq->body.buf, rq->body.len, "body", &json, &err) < 0) {
		request_reply(rq, response_problem_of_error(&err));
		return;
	}
	size = json_object_get(json, "size");
	if (!json_is_integer(size) || json_integer_value(size) < 0 || json_integer_value(size) > EXEC_POOL_MAX) {
		request_reply(rq, response_problem(422, "invalid_input", NULL, "'size' must be a number from 0 to %d", EXEC_POOL_MAX));
		return;
	}
	exec_pool_resize(s->exec, (unsigned int)json_integer_value(size));
	request_reply(rq, response_json(200, exec_pool_to_json(s->exec)));
}

const struct route exec_routes[] = {
	{ "POST", "/v1/exec", "exec", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, post_exec },
	{ "GET", "/v1/exec/pool", "get_exec_pool", SCOPE_READ, 0, 0, get_pool },
	{ "POST", "/v1/exec/pool", "set_exec_pool", SCOPE_ADMIN, ROUTE_CHANGES, ROUTE_BODY_SMALL, post_pool },
	{ 0 },
};
