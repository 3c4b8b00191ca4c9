/* SPDX-License-Identifier: Apache-2.0
 * registry_runs: the runs of a package, ours and those that others tell us of. */
#include <string.h>

#include "cmd/serve/registry_api.h"
#include "cmd/serve/registry_item.h"
#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define RUNS_USUAL 20
#define RUNS_MAX 100
#define PAGE_MAX 1000000
#define STATUS_MAX 64

/* ---- GET /workflows/{id}/runs */

static void add_run(void *data, const struct run_row *r)
{
	char created[CLOCK_RFC3339_SIZE];
	json_t *o = json_object();

	clock_rfc3339(r->created_ns, created);
	json_put_text(o, "run_id", r->id);
	json_put_text(o, "status", run_status_word(r));
	json_put(o, "duration_ms", r->state == RUN_ENDED ? json_integer((json_int_t)r->duration_ms) : json_null());
	json_put_text(o, "created_at", created);
	json_push(data, o);
}

/* False: answered already. Whether a registry elsewhere has it is not ours to say. */
static bool known(struct service *s, struct request *rq)
{
	struct workflow_row row = { .id = NULL };

	if (s->registry && registry_id_is_good(rq->params[0]))
		return true;
	if (!registry_find(s, rq, &row))
		return false;
	workflow_row_release(&row);
	return true;
}

void registry_runs(struct service *s, struct request *rq)
{
	uint64_t limit = RUNS_USUAL, page = 1, total = 0;
	struct run_filter filter = { .workflow_id = rq->params[0] };
	struct error err;
	json_t *runs, *o;

	if (!request_query_number(rq, "limit", 1, RUNS_MAX, &limit) || !request_query_number(rq, "page", 1, PAGE_MAX, &page)) {
		reply_problem(rq, 422, "invalid_query", "limit is a number from 1 to %d, page one from 1 on", RUNS_MAX);
		return;
	}
	if (!known(s, rq))
		return;
	filter.limit = (unsigned int)limit;
	filter.offset = (unsigned int)(limit * (page - 1));
	runs = json_array();
	if (store_run_list(s->store, &filter, add_run, runs, &total, &err) < 0) {
		json_decref(runs);
		reply_error(rq, &err);
		return;
	}
	o = json_object();
	json_put_text(o, "workflow_id", rq->params[0]);
	json_put(o, "runs", runs);
	json_put_int(o, "page", (int64_t)page);
	json_put_int(o, "limit", (int64_t)limit);
	json_put_int(o, "total", (int64_t)total);	/* of all pages; the published service counts this one */
	reply_json(rq, 200, o);
}

/* ---- POST /workflows/{id}/runs/notify */

static bool status_is_good(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len && len <= STATUS_MAX && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. ") == len;
}

/* Absent or null: not known. */
static bool read_duration(const json_t *v, uint64_t *ret)
{
	*ret = 0;
	if (!v || json_is_null(v))
		return true;
	if (!json_is_number(v) || json_number_value(v) < 0 || json_number_value(v) > 1e15)
		return false;
	*ret = (uint64_t)json_number_value(v);
	return true;
}

static void take_notice(struct service *s, struct request *rq, const json_t *body)
{
	const char *run_id = json_string_value(json_object_get(body, "run_id")), *status = json_string_value(json_object_get(body, "status"));
	struct complaints wrong = { NULL };
	struct error err;
	uint64_t duration_ms;
	json_t *o;

	if (!json_is_object(body))
		complain(&wrong, "", "an object with run_id, status and duration_ms is wanted");
	if (!run_id || !run_id_is_good(run_id))
		complain(&wrong, "/run_id", "run_id must be the id of a run: letters, digits, '.', '_' and '-'");
	if (!status_is_good(status))
		complain(&wrong, "/status", "status must be a word such as completed or failed");
	if (!read_duration(json_object_get(body, "duration_ms"), &duration_ms))
		complain(&wrong, "/duration_ms", "duration_ms must be a number of milliseconds");
	if (complaints_reply(&wrong, rq))
		return;
	if (store_run_notify(s->store, rq->params[0], run_id, status, duration_ms, &err) < 0) {
		reply_error(rq, &err);
		return;
	}
	o = json_object();
	json_put_text(o, "message", "Run status updated");
	json_put_text(o, "workflow_id", rq->params[0]);
	json_put_text(o, "run_id", run_id);
	json_put_text(o, "status", "updated");
	reply_json(rq, 200, o);
}

void registry_notify(struct service *s, struct request *rq)
{
	json_auto_t *body = NULL;
	struct error err;

	if (!known(s, rq))
		return;
	if (json_parse(rq->body.buf, rq->body.len, "body", &body, &err) < 0)
		reply_problem(rq, 400, "invalid_json", "%s", err.text);
	else
		take_notice(s, rq, body);
}
