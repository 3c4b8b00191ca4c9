/* SPDX-License-Identifier: Apache-2.0
 * run_api: /v1/runs … */
#include "cmd/serve/run_api.h"

static void not_yet(struct service *s, struct request *rq)
{
	(void)s;
	reply_problem(rq, 501, "not_implemented", "not yet");
}

const struct route run_routes[] = {
	{ "POST", "/v1/runs", "create_run", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, not_yet },
	{ "GET", "/v1/runs", "list_runs", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/runs/{run_id}", "get_run", SCOPE_READ, 0, 0, not_yet },
	{ "DELETE", "/v1/runs/{run_id}", "delete_run", SCOPE_DRY_RUN | SCOPE_ADMIN, ROUTE_CHANGES, 0, not_yet },
	{ "POST", "/v1/runs/{run_id}/cancel", "cancel_run", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_SMALL, not_yet },
	{ "GET", "/v1/runs/{run_id}/result", "get_result", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/runs/{run_id}/report", "get_report", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/runs/{run_id}/package", "get_package", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/runs/{run_id}/artifacts", "list_artifacts", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/runs/{run_id}/artifacts/file", "get_artifact", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/stats", "get_stats", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/audit", "list_audit", SCOPE_ADMIN, 0, 0, not_yet },
	{ .method = NULL },
};
