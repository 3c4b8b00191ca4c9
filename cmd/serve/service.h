/* SPDX-License-Identifier: Apache-2.0
 * service: everything a handler may need, made by `sandbox_runner serve` and handed to each.
 */
#pragma once

#include "cmd/serve/auth.h"
#include "cmd/serve/httpd.h"
#include "cmd/serve/judge.h"
#include "cmd/serve/loop.h"
#include "cmd/serve/metrics.h"
#include "cmd/serve/request.h"
#include "cmd/serve/route.h"
#include "cmd/serve/runs.h"
#include "cmd/serve/store.h"

#define SERVICE_LISTENERS 8

struct exec_pool;
struct event_hub;
struct tools;

struct service {
	struct loop *loop;
	struct store *store;
	struct runs *runs;
	struct judge *judge;
	struct auth *auth;
	struct metrics *metrics;
	struct exec_pool *exec;			/* NULL: /v1/exec is off */
	struct event_hub *events;		/* made and ended by event_stream.h; nobody else's business */
	struct tools *tools;			/* made at first use (tool.h); whoever frees the service calls tools_free() */
	struct httpd *listeners[SERVICE_LISTENERS];
	size_t listeners_len;
	const char *data_dir, *state_dir;
	const char *registry;			/* URL of a registry elsewhere that holds the packages; NULL: we do */
	struct strvec hosts;			/* names by which we may be called, besides the addresses we listen on */
	struct strvec types;			/* kinds of sandboxes that a request may ask for */
	size_t package_max;			/* bytes */
	uint64_t sync_max_ns;			/* the longest a synchronous dry run is waited for; then 202 */
	struct rate_limit rate;			/* per_second 0: none */
	uint64_t started_ns;
	unsigned int streams;			/* event streams that are open */
	uint64_t log_dropped;			/* lines of the access log nobody took since the last one */
	bool draining, allow_override, quiet;
};
