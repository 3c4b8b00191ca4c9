/* SPDX-License-Identifier: Apache-2.0
 * The API's description, and the list it is checked against. */
#include <string.h>

#include "cmd/serve/service.h"

extern const char openapi_json[];

static void handle_openapi(struct service *s, struct request *rq)
{
	(void)s;
	request_reply(rq, response_text(200, "application/json", openapi_json, strlen(openapi_json)));
}

static void handle_routes(struct service *s, struct request *rq)
{
	static const struct { unsigned int bit; const char *word; } flags[] = {
		{ ROUTE_PUBLIC, "public" }, { ROUTE_CHANGES, "changes" }, { ROUTE_HIDDEN, "hidden" }, { 0, NULL },
	};
	const struct route *r;
	json_t *list = json_array();

	(void)s;
	for (size_t i = 0; (r = route_at(i)); i++) {
		autostrbuf struct strbuf scopes = STRBUF_INIT(STRBUF_NO_MAX);
		json_t *row = json_object();

		scopes_format(r->scopes, &scopes);
		json_put_text(row, "method", r->method);
		json_put_text(row, "path", r->path);
		json_put_text(row, "name", r->name);
		json_put_text(row, "scopes", scopes.buf);
		for (size_t f = 0; flags[f].word; f++)
			json_put_bool(row, flags[f].word, r->flags & flags[f].bit);
		json_put_bool(row, "body", r->body_max);
		json_push(list, row);
	}
	request_reply(rq, response_json(200, list));
}

const struct route openapi_routes[] = {
	{ "GET", "/openapi.json", "openapi", SCOPE_READ, ROUTE_PUBLIC, 0, handle_openapi },
	{ "GET", "/v1/routes", "routes", SCOPE_READ, ROUTE_HIDDEN, 0, handle_routes },
	{ .method = NULL },
};
