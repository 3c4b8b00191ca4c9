/* SPDX-License-Identifier: Apache-2.0
 * package_api: what can be told about a package, and about us, without running anything.
 *
 * A report is an answer, whatever is in it: scan and validate say 200 about a package that is none, too; {"valid": false} and the report are what
 * was asked for. The status that `scan` would have ended with is in Scan-Exit-Status.
 */
#include "cmd/serve/package_api.h"

#include <string.h>

#include "cmd/serve/judge_problem.h"
#include "cmd/serve/run_json.h"
#include "cmd/serve/tool.h"
#include "runner/base/mem.h"
#include "validators/wpk_schema.h"

#define CACHE_SECONDS 60

const char *const package_scan_formats[] = { "json", "text", "sarif", "junit", "github", "gitlab", "markdown", NULL };

/* A package on its way through a worker. */
struct judging {
	struct request *rq;
	struct judge_ticket *ticket;
	struct response *(*answer)(const struct judge_answer *a);
};

static void abandon(struct request *rq)
{
	struct judging *j = steal_ptr(&rq->pending);

	judge_forget(j->ticket);
	free(j);
}

static void on_judged(void *data, const struct judge_answer *a)
{
	struct judging *j = data;
	struct request *rq = j->rq;
	struct response *r = a->failure ? judge_problem(a) : j->answer(a);

	rq->pending = NULL;
	rq->abandon = NULL;
	free(j);
	request_reply(rq, r);
}

static void ask(struct service *s, struct request *rq, const struct judge_question *q, struct response *(*answer)(const struct judge_answer *a))
{
	struct judging *j = xcalloc(1, sizeof(*j));

	*j = (struct judging){ .rq = rq, .answer = answer };
	rq->pending = j;
	rq->abandon = abandon;
	j->ticket = judge_ask(s->judge, q, on_judged, j);
}

/* The package of a form (its one file), or the body itself. False: answered. */
static bool find_package(const struct service *s, struct request *rq, const char **name, const char **bytes, size_t *len)
{
	const struct form_field *file = NULL;
	size_t files = 0;

	for (size_t i = 0; i < rq->fields_len; i++)
		if (!strcmp(rq->fields[i].name, "file") || !strcmp(rq->fields[i].name, "package") || rq->fields[i].filename) {
			file = &rq->fields[i];
			files++;
		}
	*name = file && file->filename && *file->filename ? file->filename : "package.wpk.yaml";
	*bytes = file ? file->value.buf : rq->body.buf;
	*len = file ? file->value.len : rq->body.len;
	if (files > 1)
		reply_problem(rq, 400, "invalid_request", "there are %zu files: send one package at a time", files);
	else if (!*len)
		reply_problem(rq, 400, "invalid_request", "there is no package: send it as the body (application/yaml), or as the field 'file' of a form");
	else if (*len > s->package_max)
		reply_problem(rq, 413, "package_too_large", "a package may have at most %zu bytes here", s->package_max);
	else
		return true;
	return false;
}

/* ---- scan */

static struct response *scan_answer(const struct judge_answer *a)
{
	struct response *r = response_text(200, a->report_type, a->report->buf, a->report->len);

	response_header(r, "X-Content-Type-Options", "nosniff");
	response_header(r, "Scan-Exit-Status", "%d", a->status);
	return r;
}

void package_scan(struct service *s, struct request *rq, const char *name, const char *bytes, size_t len, const char *format)
{
	ask(s, rq, &(struct judge_question){ .name = name, .bytes = bytes, .len = len, .format = format }, scan_answer);
}

static void scan(struct service *s, struct request *rq)
{
	static const char *const known[] = { "format", NULL };
	struct complaints c = { NULL };
	const char *name, *bytes, *format = query_word(&c, rq, "format", package_scan_formats);
	size_t len;

	complain_of_unknown_query(&c, rq, known);
	if (!complaints_reply(&c, rq) && find_package(s, rq, &name, &bytes, &len))
		package_scan(s, rq, name, bytes, len, format ? format : "json");
}

/* ---- validate */

/* `valid` is about the form alone: can it be read as a package? What is dangerous in it is in `findings`, and what the policy says to that in
 * `decision`. */
static struct response *validate_answer(const struct judge_answer *a)
{
	json_t *o = json_copy((json_t *)(uintptr_t)a->facts), *errors = json_object_get(o, "parse_errors");
	json_t *id = json_object_get(json_object_get(o, "package"), "workflow_id");

	json_put(o, "workflow_id", id ? json_incref(id) : json_null());
	json_put(o, "errors", json_is_array(errors) ? json_incref(errors) : json_array());
	return response_json(200, o);
}

static void validate(struct service *s, struct request *rq)
{
	static const char *const known[] = { NULL };
	struct complaints c = { NULL };
	const char *name, *bytes;
	size_t len;

	complain_of_unknown_query(&c, rq, known);
	if (!complaints_reply(&c, rq) && find_package(s, rq, &name, &bytes, &len))
		ask(s, rq, &(struct judge_question){ .name = name, .bytes = bytes, .len = len }, validate_answer);
}

/* ---- what we are */

struct asking {
	struct request *rq;
	struct tool_ticket *ticket;
	json_t *(*answer)(const struct service *s, const json_t *told);
};

static void abandon_tool(struct request *rq)
{
	struct asking *a = steal_ptr(&rq->pending);

	tool_forget(a->ticket);
	free(a);
}

static void on_told(void *data, const json_t *told, const char *failure)
{
	struct asking *a = data;
	struct request *rq = a->rq;
	struct response *r;

	if (told) {
		r = response_json(200, a->answer(rq->service, told));
		response_header(r, "Cache-Control", "private, max-age=%d", CACHE_SECONDS);
	} else {
		r = response_problem(503, "unavailable", NULL, "%s", failure);
		response_header(r, "Retry-After", "10");
	}
	rq->pending = NULL;
	rq->abandon = NULL;
	free(a);
	request_reply(rq, r);
}

static void ask_tool(struct service *s, struct request *rq, enum tool_subject subject, json_t *(*answer)(const struct service *s, const json_t *told))
{
	struct asking *a = xcalloc(1, sizeof(*a));
	struct tool_ticket *ticket;

	*a = (struct asking){ .rq = rq, .answer = answer };
	rq->pending = a;
	rq->abandon = abandon_tool;
	if (!s->tools)
		s->tools = tools_new(s->loop, NULL, s->state_dir);
	ticket = tool_ask(s->tools, subject, on_told, a);
	if (ticket)	/* otherwise it has been answered, and `a` has gone */
		a->ticket = ticket;
}

static json_t *as_it_is(const struct service *s, const json_t *told)
{
	(void)s;
	return json_incref((json_t *)(uintptr_t)told);
}

static void doctor(struct service *s, struct request *rq)
{
	ask_tool(s, rq, TOOL_DOCTOR, as_it_is);
}

static void rules(struct service *s, struct request *rq)
{
	ask_tool(s, rq, TOOL_RULES, as_it_is);
}

/* All kinds there are, and in `types` those that a request may ask for. */
static json_t *only_sandboxes(const struct service *s, const json_t *told)
{
	json_t *list = json_object_get(told, "sandboxes"), *types = json_array(), *o = json_object();

	for (size_t i = 0; i < s->types.len; i++)
		json_push(types, json_text(s->types.items[i]));
	json_put(o, "types", types);
	json_put(o, "sandboxes", list ? json_incref(list) : json_array());
	return o;
}

static void sandboxes(struct service *s, struct request *rq)
{
	ask_tool(s, rq, TOOL_DOCTOR, only_sandboxes);
}

static void schema(struct service *s, struct request *rq)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *value = wpk_schema();

	(void)s;
	json_write(value, 2, &text);
	strbuf_addch(&text, '\n');
	request_reply(rq, response_text(200, "application/schema+json", text.buf, text.len));
}

const struct route package_routes[] = {
	{ "POST", "/v1/scan", "scan_package", SCOPE_VALIDATE | SCOPE_DRY_RUN, 0, ROUTE_BODY_PACKAGE, scan },
	{ "POST", "/v1/validate", "validate_package", SCOPE_VALIDATE | SCOPE_DRY_RUN, 0, ROUTE_BODY_PACKAGE, validate },
	{ "GET", "/v1/doctor", "get_doctor", SCOPE_READ, 0, 0, doctor },
	{ "GET", "/v1/sandboxes", "list_sandboxes", SCOPE_READ, 0, 0, sandboxes },
	{ "GET", "/v1/rules", "list_rules", SCOPE_READ, 0, 0, rules },
	{ "GET", "/v1/schema", "get_schema", SCOPE_READ, 0, 0, schema },
	{ .method = NULL },
};
