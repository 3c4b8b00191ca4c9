/* SPDX-License-Identifier: Apache-2.0
 *
 *	what came (nothing, parameters, a package) -> judged -> refused, or static only: answered
 *	                                                     -> queued -> ended, or waited for long enough: answered
 */
#include "cmd/serve/dry_run.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/exit_status.h"
#include "cmd/serve/dry_run_parameters.h"
#include "cmd/serve/judge_problem.h"
#include "cmd/serve/registry_item.h"
#include "cmd/serve/run_json.h"
#include "cmd/serve/run_wait.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define RESULT_BYTES_MAX ((size_t)4 << 20)	/* of one that is looked into here; a larger one is at /v1/runs/{id}/result */

struct dry_run {
	struct request *rq;		/* until it is answered */
	struct judge_ticket *ticket;	/* NULL: not asked, or answered */
	char *workflow_id;
	char *filename;			/* NULL: as the registry calls it */
	struct strbuf package;		/* empty: `source` has it */
	char *source, *notify;		/* NULL */
	json_t *parameters;		/* NULL: none */
	bool only_static;
	uint64_t began_ns;		/* wall clock */
	char requested_by[128];
	json_t *facts;
};

static void dry_run_free(void *data)
{
	struct dry_run *d = data;

	if (d->ticket)
		judge_forget(d->ticket);
	free(d->workflow_id);
	free(d->filename);
	free(d->source);
	free(d->notify);
	strbuf_release(&d->package);
	json_decref(d->parameters);
	json_decref(d->facts);
	free(d);
}

/* ---- what came */

/* No body is fine; an object is parameters; a form may bring the package as well. False: answered. */
static bool read_parameters(struct dry_run *d)
{
	const struct form_field *field = request_field(d->rq, "parameters");
	const struct strbuf *text = field ? &field->value : d->rq->fields_len ? NULL : &d->rq->body;
	struct complaints wrong = { NULL };
	struct error err;

	if (!text || strspn(text->buf, " \t\r\n") == text->len)
		return true;
	if (json_parse(text->buf, text->len, field ? "parameters" : "body", &d->parameters, &err) < 0) {
		reply_problem(d->rq, 400, "invalid_json", "%s", err.text);
		return false;
	}
	if (json_is_null(d->parameters)) {
		json_decref(steal_ptr(&d->parameters));
		return true;
	}
	check_parameters(d->parameters, field ? "/parameters" : "", &wrong);
	return !complaints_reply(&wrong, d->rq);
}

static bool read_mode(struct dry_run *d)
{
	const char *mode = request_query(d->rq, "mode");

	d->only_static = mode && !strcmp(mode, "static");
	if (mode && !d->only_static && strcmp(mode, "execute")) {
		reply_problem(d->rq, 400, "invalid_query", "mode is static (judge it only) or execute (the default)");
		return false;
	}
	if (!d->only_static && !(d->rq->identity.scopes & SCOPE_DRY_RUN)) {
		reply_problem(d->rq, 403, "forbidden", "executing needs the scope dry-run; with mode=static the scope validate is enough");
		return false;
	}
	return true;
}

/* The package comes with the request, from our store, or from the registry elsewhere. */
static bool find_package(struct dry_run *d, struct service *s)
{
	const struct form_field *file = request_field(d->rq, "file");
	struct workflow_row row = { .id = NULL };

	if (file) {
		d->filename = xstrdup_or_null(file->filename);
		strbuf_add(&d->package, file->value.buf, file->value.len);
		if (registry_id_is_good(d->workflow_id) && file->value.len)
			return true;
		reply_problem(d->rq, 400, "invalid_request", file->value.len ? "the id of the package in the path is none" : "the file is empty");
		return false;
	}
	if (s->registry && registry_id_is_good(d->workflow_id)) {
		d->source = registry_source(s, d->workflow_id);
		d->notify = registry_url(s, d->workflow_id, "/runs/notify");
		return true;
	}
	if (!registry_find(s, d->rq, &row))
		return false;
	strbuf_add(&d->package, row.content.buf, row.content.len);
	d->filename = xasprintf("%s.wpk.yaml", row.id);
	workflow_row_release(&row);
	return true;
}

/* ---- the answer */

json_t *dry_run_read_result(struct service *s, const struct run_row *run)
{
	autostrbuf struct strbuf text = STRBUF_INIT(RESULT_BYTES_MAX);
	uint64_t bytes = 0;
	autoclose int fd = run->state == RUN_ENDED ? runs_open_file(s->runs, run->id, "result.json", &bytes) : -1;
	json_t *result = NULL;
	struct error err;

	if (fd < 0 || bytes > RESULT_BYTES_MAX || file_read_fd(fd, "result.json", &text, &err) < 0)
		return NULL;
	return json_parse(text.buf, text.len, "result.json", &result, &err) < 0 ? NULL : result;
}

static json_t *tell(const struct dry_run *d, const char *refusal, const struct run_row *run, const json_t *result)
{
	const char *id = json_string_value(json_object_get(json_object_get(d->facts, "package"), "workflow_id"));

	return dry_run_to_json(&(struct dry_run_view){ .workflow_id = id ? id : d->workflow_id, .requested_by = d->requested_by, .now_ns = d->began_ns,
						       .facts = d->facts, .refusal = refusal, .run = run, .result = result });
}

static struct response *answer(void *data, struct service *s, const struct request *rq, const struct run_row *run)
{
	const struct dry_run *d = data;
	json_auto_t *result = run ? dry_run_read_result(s, run) : NULL;

	if (!run)
		return response_problem(500, "lost", NULL, "the run has been lost");
	if (run->state != RUN_ENDED)
		return run_accepted(rq, run->id, tell(d, NULL, run, NULL));
	return response_json(200, tell(d, NULL, run, result));
}

/* ---- judged */

struct response *dry_run_not_queued(struct service *s, const struct error *err)
{
	struct response *r;

	if (err->code != ERR_RESOURCE_EXHAUSTED)
		return response_problem_of_error(err);
	r = response_problem(429, "queue_full", NULL, "%s", err->text);
	response_header(r, "Retry-After", "%u", runs_retry_after(s->runs));
	return r;
}

static void execute(struct dry_run *d)
{
	const json_t *package = json_object_get(d->facts, "package");
	struct request *rq = d->rq;
	struct service *s = rq->service;
	char run_id[RUN_ID_SIZE];
	struct error err = { 0 };
	struct run_order order = {
		.origin = "registry", .workflow_id = json_string_value(json_object_get(package, "workflow_id")),
		.workflow_name = json_string_value(json_object_get(package, "name")), .requested_by = d->requested_by, .request_id = rq->id,
		.package = d->source ? NULL : d->package.buf, .package_len = d->package.len, .filename = d->filename, .source = d->source,
		.notify = d->notify, .parameters = d->parameters,
	};

	if (runs_submit(s->runs, &order, run_id, &err) < 0) {
		dry_run_free(d);
		request_reply(rq, dry_run_not_queued(s, &err));
		return;
	}
	run_wait(s, rq, run_id, s->sync_max_ns, answer, d, dry_run_free);
}

static void on_judged(void *data, const struct judge_answer *a)
{
	struct dry_run *d = data;
	struct request *rq = d->rq;
	const char *refusal;
	char buf[512];

	d->ticket = NULL;
	rq->pending = NULL;
	rq->abandon = NULL;
	if (a->failure || a->status == EXIT_REMOTE) {
		dry_run_free(d);
		request_reply(rq, a->failure ? judge_problem(a) : judge_invalid(a, 502));
		return;
	}
	d->facts = json_incref((json_t *)(uintptr_t)a->facts);
	refusal = dry_run_refusal(d->facts, buf, sizeof(buf));
	if (d->only_static || refusal) {
		json_t *o = tell(d, refusal, NULL, NULL);

		dry_run_free(d);
		reply_json(rq, 200, o);
		return;
	}
	execute(d);
}

static void abandon(struct request *rq)
{
	dry_run_free(steal_ptr(&rq->pending));
}

void dry_run(struct service *s, struct request *rq)
{
	struct dry_run *d = xcalloc(1, sizeof(*d));

	*d = (struct dry_run){ .rq = rq, .workflow_id = xstrdup(rq->params[0]), .package = STRBUF_INIT(STRBUF_NO_MAX), .began_ns = clock_realtime_ns() };
	requester_name(rq, d->requested_by, sizeof(d->requested_by));
	if (!read_mode(d) || !read_parameters(d) || !find_package(d, s)) {
		dry_run_free(d);
		return;
	}
	rq->pending = d;
	rq->abandon = abandon;
	d->ticket = judge_ask(s->judge, &(struct judge_question){ .name = d->filename, .bytes = d->package.buf, .len = d->package.len,
								  .source = d->source }, on_judged, d);
}
