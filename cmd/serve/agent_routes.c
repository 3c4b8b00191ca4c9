/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/route.h"

static void not_yet(struct service *s, struct request *rq)
{
	(void)s;
	request_reply(rq, response_problem(501, "not_implemented", NULL, "this is not built yet"));
}

const struct route agent_routes[] = {
	{ "POST", "/init", "agent_init", SCOPE_VALIDATE | SCOPE_DRY_RUN, 0, ROUTE_BODY_SMALL, not_yet },
	{ "POST", "/validate", "agent_validate", SCOPE_VALIDATE | SCOPE_DRY_RUN, 0, ROUTE_BODY_PACKAGE, not_yet },
	{ "POST", "/execute", "agent_execute", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, not_yet },
	{ "GET", "/execute/{execution_id}", "agent_status", SCOPE_READ, 0, 0, not_yet },
	{ "POST", "/rollback/{execution_id}", "agent_rollback", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_SMALL, not_yet },
	{ "GET", "/logs/{execution_id}", "agent_logs", SCOPE_READ, 0, 0, not_yet },
	{ .method = NULL },
};
