/* SPDX-License-Identifier: Apache-2.0
 * agent_routes: the runtime agent's API as its clients know it, for dry runs only. Its GET /health and GET /metrics are those of the service. */
#include "cmd/serve/agent_api.h"
#include "cmd/serve/run_json.h"

json_t *agent_adapters(void)
{
	json_t *list = json_array();

	json_push(list, json_text("k8s"));
	json_push(list, json_text("shell"));
	json_push(list, json_text("api"));
	return list;
}

/* There is nothing to make ready: sandboxes are made for each run. */
static void agent_init(struct service *s, struct request *rq)
{
	json_t *o = json_object();

	(void)s;
	json_put_text(o, "status", "initialized");
	json_put(o, "adapters", agent_adapters());
	reply_json(rq, 200, o);
}

const struct route agent_routes[] = {
	{ "POST", "/init", "agent_init", SCOPE_VALIDATE | SCOPE_DRY_RUN, 0, ROUTE_BODY_SMALL, agent_init },
	{ "POST", "/validate", "agent_validate", SCOPE_VALIDATE | SCOPE_DRY_RUN, 0, ROUTE_BODY_PACKAGE, agent_validate },
	{ "POST", "/execute", "agent_execute", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, agent_execute },
	{ "GET", "/execute/{execution_id}", "agent_status", SCOPE_READ, 0, 0, agent_status },
	{ "POST", "/rollback/{execution_id}", "agent_rollback", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_SMALL, agent_rollback },
	{ "GET", "/logs/{execution_id}", "agent_logs", SCOPE_READ, 0, 0, agent_logs },
	{ .method = NULL },
};
