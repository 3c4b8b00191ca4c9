/* SPDX-License-Identifier: Apache-2.0
 * dry_run: POST /workflows/{id}/dry-run: judge, then really execute, then tell it all in the union of the shapes that clients know. */
#pragma once

#include "cmd/serve/service.h"

void dry_run(struct service *s, struct request *rq);
/* The queue is full: 429 with Retry-After; otherwise as the error says. */
struct response *dry_run_not_queued(struct service *s, const struct error *err);

/* What is known of one at the time of the answer; all borrowed. */
struct dry_run_view {
	const char *workflow_id, *requested_by;
	uint64_t now_ns;		/* wall clock */
	const json_t *facts;		/* of the judge; never NULL */
	const char *refusal;		/* why it was not executed although that was asked for; NULL */
	const struct run_row *run;	/* NULL: there is none */
	const json_t *result;		/* of the ended run; NULL: none, or too large to be told here */
};
/* {valid, workflow_id, validation, category, approval_request, recommendation, timestamp, dry_run_id, dry_run_result: {status, results[],
 * sandbox, error} | null, sandbox_type, execution_time, resource_usage, score; run_id, verdict, detail, effects, links}. `valid` is null as long as
 * the run goes on. */
json_t *dry_run_to_json(const struct dry_run_view *v);
/* result.json of an ended run; NULL: there is none, or it is too large to be looked into here. */
json_t *dry_run_read_result(struct service *s, const struct run_row *run);
/* Why an ended run is not acceptable, in a sentence that stands alone; NULL: it is. `result` may be NULL. The caller frees. */
char *dry_run_reason(const struct run_row *run, const json_t *result);
/* Why a judged package must not be executed (static text or the caller's `buf`); NULL: it may. */
const char *dry_run_refusal(const json_t *facts, char *buf, size_t size);
