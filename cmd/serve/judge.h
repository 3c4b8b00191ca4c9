/* SPDX-License-Identifier: Apache-2.0
 * judge: packages are read, scanned and judged in worker processes: a package that brings one down, or takes too long, is an answer about that
 * package. Workers are forked at start with rules and policies ready, die with us, and are replaced when they die.
 */
#pragma once

#include "cmd/serve/loop.h"
#include "runner/base/json.h"
#include "runner/base/strbuf.h"

struct judge;
struct judge_options {
	unsigned int workers;		/* 0: as many as processors, at most 4 */
	const char *policy;		/* ours, by which `run` will decide; NULL: default */
	const char *state_dir;		/* for what has to be unpacked */
	uint64_t timeout_ns;		/* of one package */
};
int judge_new(struct loop *l, const struct judge_options *o, struct judge **ret, struct error *err);
/* Who waits for an answer gets none. The loop must not run again but to be freed. */
void judge_free(struct judge *j);

struct judge_question {
	const char *name;		/* what findings call it; NULL, or a client's word that is not fit to be shown: "package.wpk.yaml" */
	const char *bytes;		/* the package (YAML or a bundle), borrowed until this returns … */
	size_t len;
	const char *source;		/* … or where it is (a registry's URL): fetched by the worker */
	const char *format;		/* NULL: facts only; or one of scan's formats: `report` is filled, too */
	bool content;			/* with a source: fill in `content` */
};

struct judge_answer {
	const char *failure;		/* a sentence: it could not be judged (crash, time); NULL */
	bool busy;			/* with a failure: it was not even tried, too many wait (503, try again) */
	int status;			/* exit status that `scan` would have: 0, 1, 3 (no valid package), 4, 5, 8 */
	/* {valid, package: {workflow_id, name, version, description, author, created, tags[], safety_mode, runtime_type, handlers, signature, …} | null,
	 *  validation: {valid, risk_score, issues[], policy_decision, approval_required, errors[], warnings[]}  (registry-compat, WPK.md 3N, 4 and 5),
	 *  category: {…}, findings: [ours], decision: {ours} | null, parse_errors: ["file:line:col: …"]} */
	const json_t *facts;		/* borrowed; NULL with a failure */
	const struct strbuf *report, *content;	/* NULL: not asked for */
	const char *report_type;	/* content type of the report */
};
/* Answered later, in the loop, never from within this call. */
struct judge_ticket;
struct judge_ticket *judge_ask(struct judge *j, const struct judge_question *q, void (*on_answer)(void *data, const struct judge_answer *a), void *data);
void judge_forget(struct judge_ticket *t);	/* no answer is wanted any more */
unsigned int judge_waiting(const struct judge *j);
unsigned int judge_workers(const struct judge *j);	/* how many are alive; 0: nothing can be judged just now */
