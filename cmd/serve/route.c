/* SPDX-License-Identifier: Apache-2.0
 * route: which row of the tables a request means, and whether it may go there. */
#include "cmd/serve/route_private.h"

#include <string.h>

#include "runner/base/mem.h"

static const struct route *const tables[] = {
	health_routes, openapi_routes, registry_routes, agent_routes, run_routes, event_routes, package_routes, exec_routes, page_routes,
};

const struct route *route_at(size_t i)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct route *r = tables[t]; r->method; r++)
			if (!i--)
				return r;
	return NULL;
}

/* ---- which row */

/* No two templates fit the same path (a test sees to that), so the first that fits is the one. */
static bool match_path(const char *template, const struct strvec *segments, const char *params[REQUEST_PARAMS])
{
	size_t n = 0;

	for (size_t i = 0; i < segments->len; i++) {
		const char *part = template + (*template == '/');
		size_t len = strcspn(part, "/");

		if (!len)
			return false;
		if (*part != '{') {
			if (strlen(segments->items[i]) != len || memcmp(part, segments->items[i], len))
				return false;
		} else if (n == REQUEST_PARAMS) {
			return false;
		} else {
			params[n++] = segments->items[i];
		}
		template = part + len;
	}
	return !template[*template == '/'];
}

static bool answers_method(const struct route *r, const char *method)
{
	return !strcmp(r->method, method) || (!strcmp(r->method, "GET") && !strcmp(method, "HEAD"));
}

/* The row for the method among those of the path, and what `Allow` lists. False: no row has this path. */
static bool find_route(struct request *rq, struct strbuf *allow)
{
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct route *r = tables[t]; r->method; r++) {
			const char *params[REQUEST_PARAMS] = { NULL };

			if (!match_path(r->path, &rq->segments, params))
				continue;
			strbuf_addf(allow, "%s%s, ", r->method, strcmp(r->method, "GET") ? "" : ", HEAD");
			if (!rq->route && answers_method(r, rq->method)) {
				rq->route = r;
				memcpy(rq->params, params, sizeof(params));
			}
		}
	strbuf_addstr(allow, "OPTIONS");
	return allow->len > strlen("OPTIONS");
}

static struct response *not_allowed(const struct request *rq, const struct strbuf *allow)
{
	struct response *r;

	if (!strcmp(rq->method, "OPTIONS"))
		r = response_new(204);
	else
		r = response_problem(405, "method_not_allowed", NULL, "this path does not answer to that method; it has %s", allow->buf);
	response_header(r, "Allow", "%s", allow->buf);
	return r;
}

static struct response *route_find(struct request *rq)
{
	autostrbuf struct strbuf allow = STRBUF_INIT(STRBUF_NO_MAX);

	if (!request_target_is_good(rq))
		return response_problem(400, "bad_target", NULL, "the path cannot be read: percent-encoding, '..', empty parts and bytes that are no UTF-8 have no place in it");
	if (!find_route(rq, &allow))
		return response_problem(404, "not_found", NULL, "there is nothing at this path; /openapi.json lists what there is");
	if (!rq->route)
		return not_allowed(rq, &allow);
	return NULL;
}

/* ---- whether it may */

static struct response *too_many(uint64_t wait_ns)
{
	uint64_t seconds = (wait_ns + NS_PER_SEC - 1) / NS_PER_SEC;
	struct response *r = response_problem(429, "rate_limited", NULL, "too many requests; try again in %llu s", (unsigned long long)seconds);

	response_header(r, "Retry-After", "%llu", (unsigned long long)seconds);
	return r;
}

/* Who it is, and whether they come too often. Public routes are not counted: a probe must not fail because somebody else is busy. */
static struct response *check_identity(struct service *s, struct request *rq)
{
	struct response *refusal = s->auth ? auth_check(s->auth, rq, rq->route->scopes, &rq->identity) : NULL;
	uint64_t wait_ns;

	if (rq->route->flags & ROUTE_PUBLIC) {
		response_free(refusal);
		return NULL;
	}
	wait_ns = s->auth ? auth_rate(s->auth, &rq->identity, &rq->peer, &s->rate, clock_monotonic_ns()) : 0;
	if (!wait_ns)
		return refusal;
	response_free(refusal);
	return too_many(wait_ns);
}

static struct response *check_length(struct service *s, const struct request *rq, size_t *body_max)
{
	const char *length = request_header(rq, "Content-Length");
	unsigned long long n;

	*body_max = rq->route->body_max;
	if (*body_max == ROUTE_BODY_PACKAGE)
		*body_max = s->package_max + ROUTE_BODY_SMALL;	/* what a form has around it */
	if (!length)
		return NULL;
	if (!*length || strspn(length, "0123456789") != strlen(length))
		return response_problem(400, "bad_length", NULL, "Content-Length is no number");
	n = strtoull(length, NULL, 10);	/* what is too large for it becomes the largest */
	if (n <= *body_max)
		return NULL;
	if (!*body_max)
		return response_problem(413, "body_too_large", NULL, "this takes no body");
	return response_problem(413, "body_too_large", NULL, "the body is too large: at most %zu bytes are taken here", *body_max);
}

static bool only_reads(const struct request *rq)
{
	return !strcmp(rq->method, "GET") || !strcmp(rq->method, "HEAD");
}

struct response *route_accept(struct service *s, struct request *rq, size_t *body_max)
{
	struct response *refusal;

	*body_max = 0;
	rq->service = s;
	route_identify(rq);
	if (!route_host_is_ours(s, rq))
		return response_problem(421, "misdirected_request", NULL,
					"the Host header names none of the names this service goes by; --host=NAME adds one");
	refusal = route_find(rq);
	if (refusal)
		return refusal;
	/* a browser lets any page send requests, without asking us whether it may see the answer */
	if (((rq->route->flags & ROUTE_CHANGES) || !only_reads(rq)) && !route_origin_is_ours(rq))
		return response_problem(403, "cross_site", NULL, "a page of another site may not do that");
	refusal = check_identity(s, rq);
	if (!refusal)
		refusal = check_length(s, rq, body_max);
	if (refusal)
		return refusal;
	if (s->draining && (rq->route->flags & ROUTE_CHANGES)) {
		refusal = response_problem(503, "draining", NULL, "the service is about to end and takes nothing new; try again at its successor");
		response_header(refusal, "Retry-After", "5");
		return refusal;
	}
	return NULL;
}

void route_dispatch(struct service *s, struct request *rq)
{
	struct response *r = NULL;

	if (rq->route->flags & ROUTE_CHANGES) {
		route_digest(rq);
		r = route_idempotency_begin(s, rq);
	}
	if (r)
		request_reply(rq, r);
	else
		rq->route->handle(s, rq);
}
