/* SPDX-License-Identifier: Apache-2.0
 * health: is it alive, may it be given work, what does it count. */
#include "cmd/serve/service.h"

#include "runner/base/clock.h"

/* Whoever can ask here shares the machine with us; what is counted says nothing about single runs. */
static bool may_read_metrics(struct service *s, struct request *rq)
{
	struct response *refusal = NULL;

	for (size_t i = 0; i < s->listeners_len; i++)
		if (!rq->peer.local && !httpd_address_is_loopback(httpd_shown(s->listeners[i])))
			refusal = auth_check(s->auth, rq, SCOPE_READ, &rq->identity);
	if (!refusal)
		return true;
	request_reply(rq, refusal);
	return false;
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

static void get_readyz(struct service *s, struct request *rq)
{
	struct error err = { 0 };
	json_t *answer;

	if (s->draining) {
		request_reply(rq, response_problem(503, "draining", NULL, "the service is ending and takes nothing more"));
		return;
	}
	if (store_ping(s->store, &err) < 0) {
		request_reply(rq, response_problem(503, "store", NULL, "%s", err.text));
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
	for (size_t i = 0; i < s->listeners_len; i++)
		now.connections += (unsigned int)httpd_connections(s->listeners[i]);
	metrics_write(s->metrics, &now, openmetrics, &out);
	request_reply(rq, response_text(200, openmetrics ? open : text, out.buf, out.len));
}

const struct route health_routes[] = {
	{ "GET", "/healthz", "getHealthz", 0, ROUTE_PUBLIC, 0, get_livez },
	{ "GET", "/livez", "getLivez", 0, ROUTE_PUBLIC, 0, get_livez },
	{ "GET", "/readyz", "getReadyz", 0, ROUTE_PUBLIC, 0, get_readyz },
	{ "GET", "/health", "getHealth", 0, ROUTE_PUBLIC, 0, get_health },
	{ "GET", "/metrics", "getMetrics", SCOPE_READ, ROUTE_PUBLIC, 0, get_metrics },
	{ 0 },
};
