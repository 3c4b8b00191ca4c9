/* SPDX-License-Identifier: Apache-2.0
 * agent_execute: POST /validate and POST /execute of the runtime agent: {workflow_id, wpk_content, parameters, dry_run}. */
#include <stdlib.h>
#include <string.h>

#include "cmd/serve/agent_api.h"
#include "cmd/serve/dry_run.h"
#include "cmd/serve/dry_run_parameters.h"
#include "cmd/serve/judge_problem.h"
#include "cmd/serve/run_json.h"
#include "runner/base/mem.h"

struct agent_order {
	struct request *rq;
	struct judge_ticket *ticket;	/* NULL: not asked, or answered */
	json_t *body;
	struct strbuf package;
	bool execute;
	char requested_by[128];
};

static void agent_order_free(struct agent_order *o)
{
	if (o->ticket)
		judge_forget(o->ticket);
	json_decref(o->body);
	strbuf_release(&o->package);
	free(o);
}

/* ---- what came */

static void complain_of_model(const json_t *body, bool execute, struct complaints *wrong)
{
	const json_t *content = json_object_get(body, "wpk_content"), *parameters = json_object_get(body, "parameters");

	if (!json_is_object(body)) {
		complain(wrong, "", "an object with workflow_id, wpk_content, parameters and dry_run is wanted");
		return;
	}
	if (!content && json_object_get(body, "playbook_id")) {
		complain(wrong, "/playbook_id",
			 "this is an orchestrator's order (playbook_id, safety_mode): an agent needs the package itself as wpk_content, and dry_run true");
		return;
	}
	if (!json_is_object(content) && !json_string_length(content))
		complain(wrong, "/wpk_content", "wpk_content must be the package: its YAML as text, or the same as an object");
	if (parameters && !json_is_null(parameters))
		check_parameters(parameters, "/parameters", wrong);
	if (execute && !json_is_true(json_object_get(body, "dry_run")))
		complain(wrong, "/dry_run", "this runtime only does dry runs, in a sandbox: send dry_run true");
}

/* JSON is YAML, so an object needs no other reader. */
static void take_content(struct agent_order *o)
{
	const json_t *content = json_object_get(o->body, "wpk_content");

	if (json_is_string(content))
		strbuf_add(&o->package, json_string_value(content), json_string_length(content));
	else
		json_write(content, 1, &o->package);
}

/* What is wrong with a model is 422 for its clients. */
static bool read_order(struct agent_order *o)
{
	struct complaints wrong = { NULL };
	struct error err;
	json_t *extra;

	if (json_parse(o->rq->body.buf, o->rq->body.len, "body", &o->body, &err) < 0) {
		reply_problem(o->rq, 400, "invalid_json", "%s", err.text);
		return false;
	}
	complain_of_model(o->body, o->execute, &wrong);
	if (!wrong.list) {
		take_content(o);
		return true;
	}
	extra = json_object();
	json_put(extra, "errors", wrong.list);
	request_reply(o->rq, response_problem(422, "invalid_request", extra, "%s",
					      json_string_value(json_object_get(json_array_get(wrong.list, 0), "detail"))));
	return false;
}

/* ---- judged */

static json_t *valid_answer(const json_t *facts)
{
	const json_t *package = json_object_get(facts, "package");
	json_t *o = json_object();

	json_put_text(o, "status", "valid");
	json_put(o, "workflow_name", json_incref(json_object_get(package, "name")));
	json_put(o, "total_handlers", json_incref(json_object_get(package, "handlers")));
	json_put(o, "supported_adapters", agent_adapters());
	return o;
}

static struct response *started(struct service *s, const char *run_id)
{
	struct run_row row = { .exit_status = -1 };
	struct error err = { 0 };
	int found = store_run_get(s->store, run_id, &row, &err);
	struct response *r;
	json_t *o;

	if (found <= 0)
		return found < 0 ? response_problem_of_error(&err) : response_problem(500, "lost", NULL, "the run has been lost");
	o = json_object();
	json_put_text(o, "execution_id", row.execution_id);
	json_put_text(o, "status", "started");
	json_put_text(o, "message", "Workflow execution started as a dry run in a sandbox");
	json_put_text(o, "run_id", row.id);
	r = response_json(200, o);
	response_header(r, "Location", "/execute/%s", row.execution_id);
	run_row_release(&row);
	return r;
}

static struct response *execute(const struct agent_order *o, const json_t *facts)
{
	const json_t *package = json_object_get(facts, "package"), *parameters = json_object_get(o->body, "parameters");
	struct service *s = o->rq->service;
	char run_id[RUN_ID_SIZE], buf[512];
	const char *refusal = dry_run_refusal(facts, buf, sizeof(buf));
	struct error err = { 0 };
	struct run_order order = {
		.origin = "agent", .workflow_id = json_string_value(json_object_get(package, "workflow_id")),
		.workflow_name = json_string_value(json_object_get(package, "name")), .requested_by = o->requested_by, .request_id = o->rq->id,
		.uuid = true, .package = o->package.buf, .package_len = o->package.len,
		.parameters = json_is_object(parameters) ? parameters : NULL,
	};

	if (refusal)
		return response_problem(403, "refused", NULL, "%s", refusal);
	if (runs_submit(s->runs, &order, run_id, &err) < 0)
		return dry_run_not_queued(s, &err);
	return started(s, run_id);
}

static void on_judged(void *data, const struct judge_answer *a)
{
	struct agent_order *o = data;
	struct request *rq = o->rq;
	struct response *r;

	o->ticket = NULL;
	rq->pending = NULL;
	rq->abandon = NULL;
	if (a->failure)
		r = judge_problem(a);
	else if (!json_is_true(json_object_get(a->facts, "valid")))
		r = judge_invalid(a, 400);
	else
		r = o->execute ? execute(o, a->facts) : response_json(200, valid_answer(a->facts));
	agent_order_free(o);
	request_reply(rq, r);
}

static void abandon(struct request *rq)
{
	agent_order_free(steal_ptr(&rq->pending));
}

static void take_order(struct service *s, struct request *rq, bool execute)
{
	struct agent_order *o = xcalloc(1, sizeof(*o));

	*o = (struct agent_order){ .rq = rq, .package = STRBUF_INIT(STRBUF_NO_MAX), .execute = execute };
	requester_name(rq, o->requested_by, sizeof(o->requested_by));
	if (!read_order(o)) {
		agent_order_free(o);
		return;
	}
	rq->pending = o;
	rq->abandon = abandon;
	o->ticket = judge_ask(s->judge, &(struct judge_question){ .bytes = o->package.buf, .len = o->package.len }, on_judged, o);
}

void agent_validate(struct service *s, struct request *rq)
{
	take_order(s, rq, false);
}

void agent_execute(struct service *s, struct request *rq)
{
	take_order(s, rq, true);
}
