/* SPDX-License-Identifier: Apache-2.0
 * health: is it alive, may it be given work, what does it count. */
#include <string.h>

#include "cmd/serve/exec_pool.h"
#include "cmd/serve/service.h"
#include "runner/base/clock.h"

/* Who asks from this machine is told without a token: what is counted says nothing about single runs. */
static bool is_near(const struct peer *peer)
{
	const char *address = peer->address;

	if (!strncmp(address, "::ffff:", 7))
		address += 7;
	return peer->local || !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

static bool may_read_metrics(struct service *s, struct request *rq)
{
	struct response *refusal = is_near(&rq->peer) || !s->auth ? NULL : auth_check(s->auth, rq, SCOPE_READ, &rq->identity);

	if (refusal)
		request_reply(rq, refusal);
	return !refusal;
}

static void get_livez(struct service *s, struct request *rq)
{
	json_t *answer = json_object();

	(void)s;
	json_put_text(answer, "status", "alive");
	request_reply(rq, response_json(200, answer));
}

static void get_health(struct service *s, struct request *rq)
{
	json_t *answer = json_object();
	char now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(clock_realtime_ns(), now);
	json_put_text(answer, "status", "healthy");
	json_put_text(answer, "timestamp", now);
	json_put_int(answer, "active_executions", runs_active(s->runs));
	request_reply(rq, response_json(200, answer));
}

/* The first reason to give it no work just now; false: there is none. */
static bool is_hindered(const struct service *s, const char **ret_code, unsigned int *ret_after, struct error *why)
{
	if (s->draining) {
		*ret_code = "draining";
		error_set(why, ERR_UNAVAILABLE, "the service is ending and takes nothing more");
		return true;
	}
	if (store_ping(s->store, why) < 0) {
		*ret_code = "store";
		error_prefix(why, "the store cannot be written");
		return true;
	}
	if (!judge_workers(s->judge)) {
		*ret_code = "judge";
		error_set(why, ERR_UNAVAILABLE, "no worker that judges packages is alive; they are started again");
		return true;
	}
	if (runs_queue_capacity(s->runs) && runs_queued(s->runs) >= runs_queue_capacity(s->runs)) {
		*ret_code = "queue_full";
		error_set(why, ERR_UNAVAILABLE, "the queue is full: %u runs wait", runs_queued(s->runs));
		*ret_after = runs_retry_after(s->runs);
		return true;
	}
	return false;
}

static void get_readyz(struct service *s, struct request *rq)
{
	struct error why = { 0 };
	struct response *r;
	unsigned int after = 5;
	const char *code;
	json_t *answer;

	if (is_hindered(s, &code, &after, &why)) {
		r = response_problem(503, code, NULL, "%s", why.text);
		response_header(r, "Retry-After", "%u", after);
		request_reply(rq, r);
		return;
	}
	answer = json_object();
	json_put_text(answer, "status", "ready");
	request_reply(rq, response_json(200, answer));
}

static void get_metrics(struct service *s, struct request *rq)
{
	static const char text[] = "text/plain; version=0.0.4; charset=utf-8", open[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	const bool openmetrics = request_accepts(rq, "application/openmetrics-text");
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct metrics_now now = { .streams = s->streams, .draining = s->draining };

	if (!may_read_metrics(s, rq))
		return;
	now.active_runs = runs_active(s->runs);
	now.queue_depth = runs_queued(s->runs);
	now.queue_capacity = runs_queue_capacity(s->runs);
	for (size_t i = 0; i < s->listeners_len; i++)
		now.connections += (unsigned int)httpd_connections(s->listeners[i]);
	if (s->exec) {
		const struct exec_pool_counts pool = exec_pool_counts(s->exec);

		now.exec_warm = pool.warm;
		now.exec_starting = pool.starting;
		now.exec_busy = pool.busy;
	}
	metrics_write(s->metrics, &now, openmetrics, &out);
	request_reply(rq, response_text(200, openmetrics ? open : text, out.buf, out.len));
}

const struct route health_routes[] = {
	{ "GET", "/healthz", "get_healthz", 0, ROUTE_PUBLIC, 0, get_livez },
	{ "GET", "/livez", "get_livez", 0, ROUTE_PUBLIC, 0, get_livez },
	{ "GET", "/readyz", "get_readyz", 0, ROUTE_PUBLIC, 0, get_readyz },
	{ "GET", "/health", "get_health", 0, ROUTE_PUBLIC, 0, get_health },
	{ "GET", "/metrics", "get_metrics", SCOPE_READ, ROUTE_PUBLIC, 0, get_metrics },
	{ 0 },
};
