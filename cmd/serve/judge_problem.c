/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/judge_problem.h"

#include <stdio.h>

#include "cmd/exit_status.h"

#define RETRY_AFTER_SEC 2

struct response *judge_problem(const struct judge_answer *a)
{
	struct response *r;

	if (!a->busy)
		return response_problem(422, "not_judged", NULL, "the package could not be judged: %s", a->failure);
	r = response_problem(503, "busy", NULL, "%s: try again later", a->failure);
	response_header(r, "Retry-After", "%d", RETRY_AFTER_SEC);
	return r;
}

struct response *judge_invalid(const struct judge_answer *a, int status)
{
	const json_t *texts = json_object_get(a->facts, "parse_errors");
	const char *first = json_string_value(json_array_get(texts, 0));
	json_t *extra = json_object(), *errors = json_array();
	size_t n = json_array_size(texts);
	char more[64] = "";

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		json_put(o, "detail", json_incref(json_array_get(texts, i)));
		json_push(errors, o);
	}
	json_put(extra, "errors", errors);
	if (n > 1)
		snprintf(more, sizeof(more), " (and %zu more, see errors)", n - 1);
	if (a->status == EXIT_REMOTE)
		return response_problem(502, "remote_refused", extra, "the package could not be fetched: %s", first ? first : "no reason given");
	return response_problem(status, "invalid_package", extra, "invalid workflow package: %s%s", first ? first : "no reason given", more);
}
