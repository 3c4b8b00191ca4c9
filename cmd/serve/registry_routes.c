/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/route.h"

static void not_yet(struct service *s, struct request *rq)
{
	(void)s;
	request_reply(rq, response_problem(501, "not_implemented", NULL, "this is not built yet"));
}

const struct route registry_routes[] = {
	{ "POST", "/workflows", "registry_upload", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, not_yet },
	{ "GET", "/workflows", "registry_list", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/workflows/{workflow_id}", "registry_get", SCOPE_READ, 0, 0, not_yet },
	{ "DELETE", "/workflows/{workflow_id}", "registry_delete", SCOPE_ADMIN, ROUTE_CHANGES, 0, not_yet },
	{ "POST", "/workflows/{workflow_id}/sign", "registry_sign", SCOPE_ADMIN, ROUTE_CHANGES, ROUTE_BODY_SMALL, not_yet },
	{ "GET", "/workflows/{workflow_id}/runs", "registry_runs", SCOPE_READ, 0, 0, not_yet },
	{ "POST", "/workflows/{workflow_id}/runs/notify", "registry_notify", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_SMALL, not_yet },
	{ "POST", "/workflows/{workflow_id}/dry-run", "registry_dry_run", SCOPE_DRY_RUN | SCOPE_VALIDATE, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, not_yet },
	{ .method = NULL },
};
