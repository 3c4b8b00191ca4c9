/* SPDX-License-Identifier: Apache-2.0
 * agent_status: GET /execute/{id}, GET /logs/{id} and POST /rollback/{id} of the runtime agent. Its clients wait for one of few words: a run that was
 * cancelled, ran out of time or was interrupted has failed. */
#include <string.h>

#include "cmd/serve/agent_api.h"
#include "cmd/serve/agent_progress.h"
#include "cmd/serve/dry_run.h"
#include "cmd/serve/registry_item.h"
#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define STATUS_TAIL_BYTES ((size_t)128 << 10)
#define STATUS_LOGS 100
#define LOGS_TAIL_BYTES ((size_t)1 << 20)
#define LOGS_MAX 2000

static void put_time(json_t *o, const char *key, uint64_t wall_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(wall_ns, text);
	json_put_text(o, key, wall_ns ? text : NULL);
}

static const char *shown_id(const struct run_row *r)
{
	return r->execution_id[0] ? r->execution_id : r->id;
}

static void read_progress(struct service *s, const struct run_row *r, size_t tail_bytes, size_t logs_max, struct agent_progress *ret)
{
	uint64_t bytes = 0;
	autoclose int fd = r->files ? runs_open_file(s->runs, r->id, "events.ndjson", &bytes) : -1;

	if (fd >= 0)
		agent_progress_read(fd, bytes, tail_bytes, logs_max, ret);
	if (r->state == RUN_ENDED && r->detail && !ret->logs.len)
		strvec_push(&ret->logs, r->detail);
}

/* The caller frees; NULL: there is nothing wrong, or not yet. Only what never began has more to say than its row. */
static char *error_message(struct service *s, const struct run_row *r)
{
	json_auto_t *result = r->verdict && !strcmp(r->verdict, "invalid") ? dry_run_read_result(s, r) : NULL;

	return r->state == RUN_ENDED ? dry_run_reason(r, result) : NULL;
}

static json_t *logs_to_json(const struct agent_progress *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->logs.len; i++)
		json_push(list, json_text(p->logs.items[i]));
	return list;
}

void agent_status(struct service *s, struct request *rq)
{
	struct agent_progress p = AGENT_PROGRESS_INIT;
	struct run_row r = { .exit_status = -1 };
	autofree char *error = NULL;
	json_t *o;

	if (!run_find(s, rq, rq->params[0], &r))
		return;
	read_progress(s, &r, STATUS_TAIL_BYTES, STATUS_LOGS, &p);
	error = error_message(s, &r);
	o = json_object();
	json_put_text(o, "execution_id", shown_id(&r));
	json_put_text(o, "workflow_id", r.workflow_id);
	json_put_text(o, "status", run_status_word(&r));
	put_time(o, "started_at", r.started_ns);
	put_time(o, "completed_at", r.ended_ns);
	json_put_text(o, "current_step", r.state == RUN_RUNNING ? p.current_step : NULL);
	json_put_int(o, "steps_completed", (int64_t)p.steps_completed);
	json_put_int(o, "total_steps", (int64_t)p.total_steps);
	json_put_text(o, "error_message", error);
	json_put(o, "logs", logs_to_json(&p));
	json_put_bool(o, "dry_run", true);
	json_put_text(o, "run_id", r.id);
	json_put_text(o, "verdict", r.verdict);
	agent_progress_release(&p);
	run_row_release(&r);
	reply_json(rq, 200, o);
}

void agent_logs(struct service *s, struct request *rq)
{
	struct agent_progress p = AGENT_PROGRESS_INIT;
	struct run_row r = { .exit_status = -1 };
	json_t *o;

	if (!run_find(s, rq, rq->params[0], &r))
		return;
	read_progress(s, &r, LOGS_TAIL_BYTES, LOGS_MAX, &p);
	o = json_object();
	json_put_text(o, "execution_id", shown_id(&r));
	json_put(o, "logs", logs_to_json(&p));
	agent_progress_release(&p);
	run_row_release(&r);
	reply_json(rq, 200, o);
}

void agent_rollback(struct service *s, struct request *rq)
{
	struct run_row r = { .exit_status = -1 };
	json_t *o;

	if (!run_find(s, rq, rq->params[0], &r))
		return;
	o = json_object();
	json_put_text(o, "execution_id", shown_id(&r));
	json_put_text(o, "status", run_status_word(&r));
	json_put_text(o, "message", r.state != RUN_ENDED ?
		      "nothing to roll back: this is a dry run, whose sandbox is thrown away when it ends" :
		      "nothing to roll back: this was a dry run, and its sandbox with all that it changed has been thrown away");
	run_row_release(&r);
	reply_json(rq, 200, o);
}
