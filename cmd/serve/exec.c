/* SPDX-License-Identifier: Apache-2.0
 * exec: a piece of code, run once in a sandbox of its own. */
#include "cmd/serve/service.h"

static void answer_off(struct service *s, struct request *rq)
{
	(void)s;
	request_reply(rq, response_problem(501, "not_implemented", NULL, "this service runs no code by itself; start it with --exec-pool=N"));
}

const struct route exec_routes[] = {
	{ "POST", "/v1/exec", "exec", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, answer_off },
	{ "GET", "/v1/exec/pool", "getExecPool", SCOPE_READ, 0, 0, answer_off },
	{ "POST", "/v1/exec/pool", "setExecPool", SCOPE_ADMIN, ROUTE_CHANGES, ROUTE_BODY_SMALL, answer_off },
	{ 0 },
};
