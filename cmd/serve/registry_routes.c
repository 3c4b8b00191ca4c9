/* SPDX-License-Identifier: Apache-2.0
 * registry_routes: the package registry's API as its clients know it: no version prefix, its shapes, its status 200 for an upload. */
#include "cmd/serve/dry_run.h"
#include "cmd/serve/registry_api.h"

const struct route registry_routes[] = {
	{ "POST", "/workflows", "registry_upload", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, registry_upload },
	{ "GET", "/workflows", "registry_list", SCOPE_READ, 0, 0, registry_list },
	{ "GET", "/workflows/{workflow_id}", "registry_get", SCOPE_READ, 0, 0, registry_get },
	{ "DELETE", "/workflows/{workflow_id}", "registry_delete", SCOPE_ADMIN, ROUTE_CHANGES, 0, registry_delete },
	{ "POST", "/workflows/{workflow_id}/sign", "registry_sign", SCOPE_ADMIN, ROUTE_CHANGES, ROUTE_BODY_SMALL, registry_sign },
	{ "GET", "/workflows/{workflow_id}/runs", "registry_runs", SCOPE_READ, 0, 0, registry_runs },
	{ "POST", "/workflows/{workflow_id}/runs/notify", "registry_notify", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_SMALL, registry_notify },
	{ "POST", "/workflows/{workflow_id}/dry-run", "registry_dry_run", SCOPE_DRY_RUN | SCOPE_VALIDATE, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, dry_run },
	{ .method = NULL },
};
