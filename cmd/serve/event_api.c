/* SPDX-License-Identifier: Apache-2.0
 * event_api: what a run says while it runs. */
#include "cmd/serve/run_json.h"

static void not_yet(struct service *s, struct request *rq)
{
	(void)s;
	reply_problem(rq, 501, "not_implemented", "not yet");
}

const struct route event_routes[] = {
	{ "GET", "/v1/runs/{run_id}/events", "get_events", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/runs/{run_id}/logs", "get_logs", SCOPE_READ, 0, 0, not_yet },
	{ .method = NULL },
};
