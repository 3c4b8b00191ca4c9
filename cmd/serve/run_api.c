/* SPDX-License-Identifier: Apache-2.0
 * run_api: the runs under /v1. One run: looked at (and waited for), cancelled, freed of its files. */
#include "cmd/serve/run_api.h"

#include <fcntl.h>
#include <string.h>

#include "cmd/serve/run_wait.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

/* ---- shared by the handlers */

void query_wait(struct complaints *c, const struct service *s, const struct request *rq, uint64_t *ret_ns)
{
	const char *value = request_query(rq, "wait");
	struct error err;

	if (!value)
		return;
	if (duration_parse(value, strlen(value), ret_ns, &err) < 0)
		complain(c, "?wait", "%s; write how long, as in 30s", err.text);
	else if (s->sync_max_ns && *ret_ns > s->sync_max_ns)
		*ret_ns = s->sync_max_ns;
}

void query_limit(struct complaints *c, const struct request *rq, unsigned int max, unsigned int *ret)
{
	uint64_t limit = *ret;

	if (!request_query_number(rq, "limit", 1, max, &limit))
		complain(c, "?limit", "'%.40s' is no number from 1 to %u", request_query(rq, "limit"), max);
	*ret = (unsigned int)limit;
}

static bool ran_elsewhere(const struct run_row *run)
{
	return run->origin && !strcmp(run->origin, "notify");
}

/* ---- one run */

static struct response *answer_run(void *data, struct service *s, const struct request *rq, const struct run_row *run)
{
	(void)data;
	(void)s;
	(void)rq;
	if (!run)
		return response_problem(404, "not_found", NULL, "the run is not known any more");
	return response_json(200, run_to_json(run));
}

static void get_run(struct service *s, struct request *rq)
{
	static const char *const known[] = { "wait", NULL };
	struct run_row run = { .exit_status = -1 };
	struct complaints c = { NULL };
	uint64_t wait_ns = 0;

	if (!run_find(s, rq, rq->params[0], &run))
		return;
	complain_of_unknown_query(&c, rq, known);
	query_wait(&c, s, rq, &wait_ns);
	if (complaints_reply(&c, rq))
		;
	else if (run.state == RUN_ENDED || !wait_ns || ran_elsewhere(&run))
		reply_json(rq, 200, run_to_json(&run));
	else
		run_wait(s, rq, run.id, wait_ns, answer_run, NULL, NULL);
	run_row_release(&run);
}

/* ---- its end: by cancelling, which is asked for and happens with the clean-up; an ended run is none to cancel, which is no mistake */

static void reply_now(struct service *s, struct request *rq, int status, const char *id)
{
	struct run_row run = { .exit_status = -1 };

	if (!run_find(s, rq, id, &run))
		return;
	reply_json(rq, status, run_to_json(&run));
	run_row_release(&run);
}

static void cancel(struct service *s, struct request *rq, const struct run_row *run)
{
	char who[REQUESTER_SIZE];
	int rc;

	if (ran_elsewhere(run)) {
		reply_problem(rq, 409, "not_here", "run '%s' runs elsewhere: cancel it there", run->id);
		return;
	}
	requester_name(rq, who, sizeof(who));
	rc = runs_cancel(s->runs, run->id, who);
	reply_now(s, rq, rc > 0 ? 202 : 200, run->id);
}

static void cancel_run(struct service *s, struct request *rq)
{
	struct run_row run = { .exit_status = -1 };

	if (!run_find(s, rq, rq->params[0], &run))
		return;
	cancel(s, rq, &run);
	run_row_release(&run);
}

static int remove_files(struct service *s, const struct run_row *run, struct error *err)
{
	autofree char *path = xasprintf("%s/runs", s->data_dir);
	autoclose int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open '%s'", path);
	return remove_tree_at(folder, run->id, err) < 0 ? -1 : store_run_without_files(s->store, run->id, err);
}

/* What runs is cancelled. Of what has ended the files go, for good; its record stays: a history with holes tells nothing. */
static void delete_run(struct service *s, struct request *rq)
{
	struct run_row run = { .exit_status = -1 };
	struct error err = { 0 };

	if (!run_find(s, rq, rq->params[0], &run))
		return;
	if (run.state != RUN_ENDED)
		cancel(s, rq, &run);
	else if (!(rq->identity.scopes & SCOPE_ADMIN))
		reply_problem(rq, 403, "forbidden", "removing the files of an ended run needs the scope 'admin'");
	else if (run.files && remove_files(s, &run, &err) < 0)
		reply_error(rq, &err);
	else
		request_reply(rq, response_new(204));
	run_row_release(&run);
}

const struct route run_routes[] = {
	{ "POST", "/v1/runs", "create_run", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_PACKAGE, run_create },
	{ "GET", "/v1/runs", "list_runs", SCOPE_READ, 0, 0, run_list },
	{ "GET", "/v1/runs/{run_id}", "get_run", SCOPE_READ, 0, 0, get_run },
	{ "DELETE", "/v1/runs/{run_id}", "delete_run", SCOPE_DRY_RUN | SCOPE_ADMIN, ROUTE_CHANGES, 0, delete_run },
	{ "POST", "/v1/runs/{run_id}/cancel", "cancel_run", SCOPE_DRY_RUN, ROUTE_CHANGES, ROUTE_BODY_SMALL, cancel_run },
	{ "GET", "/v1/runs/{run_id}/result", "get_result", SCOPE_READ, 0, 0, run_result },
	{ "GET", "/v1/runs/{run_id}/report", "get_report", SCOPE_READ, 0, 0, run_report },
	{ "GET", "/v1/runs/{run_id}/package", "get_package", SCOPE_READ, 0, 0, run_package },
	{ "GET", "/v1/runs/{run_id}/artifacts", "list_artifacts", SCOPE_READ, 0, 0, run_artifacts },
	{ "GET", "/v1/runs/{run_id}/artifacts/file", "get_artifact", SCOPE_READ, 0, 0, run_artifact },
	{ "GET", "/v1/stats", "get_stats", SCOPE_READ, 0, 0, run_stats },
	{ "GET", "/v1/audit", "list_audit", SCOPE_ADMIN, 0, 0, audit_list },
	{ .method = NULL },
};
