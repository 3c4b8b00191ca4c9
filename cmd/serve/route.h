/* SPDX-License-Identifier: Apache-2.0
 * route: who answers what. The tables of all APIs are the single list of what the server can do: dispatch, scopes, body limits, metrics labels
 * and the check of /openapi.json come from them.
 */
#pragma once

#include "cmd/serve/request.h"

enum route_flags {
	ROUTE_PUBLIC = 1 << 0,		/* no token asked for: health, the page's files */
	ROUTE_CHANGES = 1 << 1,		/* changes something: Idempotency-Key is honoured, an audit record is written, other origins are refused */
	ROUTE_HIDDEN = 1 << 2,		/* not part of the OpenAPI document */
};

struct route {
	const char *method;		/* "GET" also answers HEAD */
	const char *path;		/* "/v1/runs/{run_id}/events" */
	const char *name;		/* operationId, and the label of metrics */
	unsigned int scopes;		/* any of these is enough */
	unsigned int flags;
	size_t body_max;		/* 0: no body is taken; ROUTE_BODY_PACKAGE: as the service says */
	void (*handle)(struct service *s, struct request *rq);	/* must lead to one request_reply(), now or later */
};
#define ROUTE_BODY_PACKAGE SIZE_MAX
#define ROUTE_BODY_SMALL ((size_t)64 << 10)

/* One table an API, in the file that implements it; each ends in a row without method. */
extern const struct route health_routes[], registry_routes[], agent_routes[], run_routes[], event_routes[], package_routes[], exec_routes[], page_routes[], openapi_routes[];
const struct route *route_at(size_t i);		/* over all tables; NULL past the last */

/* The head has come: Host, target, route, method, identity and scope, rate, announced length, drain. Fills in the request's part. NULL: go on
 * and read the body (at most *body_max bytes); otherwise the refusal. */
struct response *route_accept(struct service *s, struct request *rq, size_t *body_max);
/* The body has come, too: idempotency, then the handler. */
void route_dispatch(struct service *s, struct request *rq);
/* On the way out of every answer: X-Request-Id, traceparent, nosniff, CSP, cache, `instance` of problems; keeps it for its idempotency key;
 * audit, access log and metrics. Called by request_reply(). */
void route_finish(struct service *s, struct request *rq, struct response *r);
/* The client of an accepted request has gone before its answer: called by httpd, after `abandon`. Its idempotency key is free again,
 * unless route_keep() had an answer for it. */
void route_abandon(struct service *s, struct request *rq);
/* From `abandon`: what was asked for has been done all the same, and this (taken) is what its idempotency key answers from now on. */
void route_keep(struct service *s, struct request *rq, struct response *r);
