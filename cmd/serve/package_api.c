/* SPDX-License-Identifier: Apache-2.0
 * package_api: what can be told about a package, and about us, without running anything. */
#include "cmd/serve/run_json.h"

static void not_yet(struct service *s, struct request *rq)
{
	(void)s;
	reply_problem(rq, 501, "not_implemented", "not yet");
}

const struct route package_routes[] = {
	{ "POST", "/v1/scan", "scan_package", SCOPE_VALIDATE, 0, ROUTE_BODY_PACKAGE, not_yet },
	{ "POST", "/v1/validate", "validate_package", SCOPE_VALIDATE, 0, ROUTE_BODY_PACKAGE, not_yet },
	{ "GET", "/v1/doctor", "get_doctor", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/sandboxes", "list_sandboxes", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/rules", "list_rules", SCOPE_READ, 0, 0, not_yet },
	{ "GET", "/v1/schema", "get_schema", SCOPE_READ, 0, 0, not_yet },
	{ .method = NULL },
};
