/* SPDX-License-Identifier: Apache-2.0
 * result: what happened, complete. The JSON form is the truth (schema: runner/result.schema.json); every report is a pure function
 * of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/artifacts.h"
#include "runner/base/json.h"
#include "runner/base/redact.h"
#include "runner/base/strbuf.h"
#include "runner/base/strvec.h"
#include "runner/effects.h"
#include "runner/k8s_effects.h"
#include "runner/journal.h"
#include "runner/observation.h"
#include "runner/plan.h"
#include "sandboxes/sandbox.h"

#define RESULT_SCHEMA_VERSION 1
#define RESULT_SCHEMA_ID "urn:sandbox-runner:schema:result:1"

enum step_status {
	STEP_PASSED,
	STEP_FAILED,		/* exit status, signal, output … see exit */
	STEP_TIMED_OUT,
	STEP_LIMIT,		/* one of our limits ended or spoiled it */
	STEP_CANCELLED,
	STEP_NOT_EXECUTED,	/* simulated or skipped: neither passed nor failed */
};
const char *step_status_to_string(enum step_status s);	/* "passed", "failed", "timed_out", "limit", "cancelled", "not_executed" */

struct captured {			/* one stream of one step (last attempt) */
	char *text;			/* owned; redacted; at most CAPTURE_MAX bytes: the head */
	size_t len;
	char *tail;			/* owned; the last CAPTURE_TAIL bytes when something in between was cut; else NULL */
	size_t tail_len;
	uint64_t total_bytes;		/* produced */
	bool truncated;
};
#define CAPTURE_MAX (64u << 10)
#define CAPTURE_TAIL (8u << 10)

struct step_result {
	const struct plan_step *plan;
	enum step_mode mode;		/* may have become SKIPPED */
	enum step_status status;
	char *reason;			/* owned; one sentence: why it failed, was simulated, was skipped; NULL for a plain pass */
	const char *limit;		/* static: "memory", "pids", "storage", "output", "cpu_time", "fsize"; NULL: none hit */
	unsigned int attempts;
	struct sandbox_exit exit;	/* of the last attempt */
	uint64_t duration_ns;		/* all attempts and waits */
	struct captured out[2];		/* SANDBOX_STDOUT, SANDBOX_STDERR */
	struct observation *observation;	/* owned; over all attempts; NULL: not executed */
	struct effects effects;		/* on files, of all attempts together */
	struct object_effects objects;	/* on a cluster */
};

enum run_verdict {
	RUN_VERIFIED,		/* every step was executed and passed                      exit 0 */
	RUN_PARTIAL,		/* what was executed passed; some steps were simulated      exit 0 */
	RUN_NOTHING_EXECUTED,	/* all simulated: nothing is known                          exit 0, said loudly, never "verified" */
	RUN_FAILED,		/* a step failed                                            exit 1 */
	RUN_LIMIT,		/* one of our limits was hit                                exit 7 */
	RUN_DEADLINE,		/* the run deadline                                         exit 124 */
	RUN_CANCELLED,		/* a signal                                                 exit 128+n */
	RUN_ERROR,		/* could not be carried out: see error                      exit by error code */
};
const char *run_verdict_to_string(enum run_verdict v);

struct result {
	char run_id[RUN_ID_SIZE];
	const struct plan *plan;	/* borrowed */
	const struct decision *decision;	/* borrowed; where there is no plan: a refused package. NULL: none was made */
	const char *source;		/* borrowed: name of the package file */
	char package_sha256[65];
	uint64_t started_ns, ended_ns;	/* wall clock */
	uint64_t duration_ns;
	enum run_verdict verdict;
	char *verdict_reason;		/* owned; one sentence */
	struct error error;		/* RUN_ERROR */
	int signal;			/* RUN_CANCELLED */
	struct step_result *steps;	/* those of the plan, in order: main then rollback */
	size_t steps_len;
	bool rolled_back;		/* the rollback handlers were run */
	enum sandbox_severity escape_severity;	/* security events at least as severe fail the run; SANDBOX_INFO: none do */
	uint64_t setup_ns, cleanup_ns;	/* sandbox create, destroy */
	char *image;			/* owned: what the root was, by digest; NULL: no image */
	struct effects effects;		/* on files, from the first step to the last */
	struct object_effects objects;	/* on a cluster */
	json_t *cluster;		/* what it was: namespace, permissions, fixtures, stand-ins, usage; NULL: no cluster */
	char *collected;		/* owned: what helps to understand a failure on a cluster; NULL */
	struct artifacts_summary artifacts;
	struct control_table controls;
	struct cleanup_list cleanup;
	bool cleanup_complete;
	uint64_t kept_until_ns;		/* wall clock; 0: the sandbox was not kept. Until kept_ended_ns is set there is no clean-up yet */
	uint64_t kept_ended_ns;
	const char *kept_ended_by;	/* static; NULL: it is still kept */
	struct strvec warnings;
	const struct finding_list *findings;	/* borrowed */
	const struct redactor *redactor;	/* borrowed: every text that leaves goes through it */
};

void result_init(struct result *r);
void result_release(struct result *r);

/* Work out verdict and reason from the steps (RUN_ERROR, RUN_CANCELLED, RUN_DEADLINE and RUN_LIMIT already set win, in this order). */
void result_decide(struct result *r);

struct step_counts {
	unsigned int steps;
	unsigned int executed, dry_run, emulated;	/* by what really happened to them … */
	unsigned int simulated, skipped;		/* … and these two did not happen */
	unsigned int passed, failed;			/* of the executed, dry-run and emulated ones */
};
struct step_counts result_count(const struct result *r, enum step_phase phase);

struct observed {			/* over all executed steps; 0: nothing known */
	uint64_t memory_peak_bytes;
	uint64_t cpu_millis;		/* average of the busiest step of at least a second, in thousandths of a cpu */
	uint64_t pids_peak;
	uint64_t storage_peak_bytes;	/* work folder and /tmp together */
	bool storage_known;		/* then 0 means nothing was written */
	unsigned int retries;		/* of the step that needed most */
};
struct observed result_observed(const struct result *r);
bool result_is_kept(const struct result *r);	/* it still stands */
/* A limit of validation.resource_limits against what was seen. False: nothing here can tell (there is no cluster to count pods in). */
bool result_limit_observed(const struct observed *seen, const char *name, const char *declared, uint64_t *ret_declared,
			   uint64_t *ret_observed);
/* Security events that fail the run, of all steps together. */
uint64_t result_escape_attempts(const struct result *r);

/* runner/result.schema.json describes it. */
json_t *result_to_json(const struct result *r);
/* The closing part of the terminal output: steps not executed and why, the policy's decision unless it is a plain approval, what was
 * declared next to what was seen, enforcement (what does not hold; the whole table with `verbose`), clean-up certificate,
 * verdict. One line each where all is well. */
void result_print(const struct result *r, bool verbose, bool color, struct strbuf *out);
