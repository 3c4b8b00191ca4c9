/* SPDX-License-Identifier: Apache-2.0
 * store: what the service remembers, in one SQLite file below its data folder: packages registered, runs, answers kept for idempotency keys, and
 * the audit log, whose records each hold the digest of the one before. Whatever of a run is large (events, result, logs) are files of the
 * run, see runs.h. Times are wall clock ns; texts are UTF-8. Lists call back for each row as it is read and hold one at a time; the callback
 * may use the store, but not change what is listed (store_run_open()'s may).
 */
#pragma once

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "runner/journal.h"

struct store;
int store_open(const char *data_dir, struct store **ret, struct error *err);	/* <data_dir>/service.db */
void store_close(struct store *s);
int store_ping(struct store *s, struct error *err);	/* can it be written? */

/* ---- packages, as the registry knows them; id is "<name>-<version>" */
struct workflow_row {
	char *id, *name, *version, *description, *author, *created;	/* owned; description, author, created may be NULL */
	json_t *tags;			/* list */
	char *safety_mode, *runtime_type;	/* may be NULL */
	char *signature, *signed_at;	/* NULL: none */
	char *sha256;
	uint64_t registered_ns;
	struct strbuf content;		/* the YAML; empty in lists */
	char *latest_run_id, *latest_run_status;	/* NULL: none */
	uint64_t latest_run_ns, total_runs;
};
void workflow_row_release(struct workflow_row *w);
int store_workflow_put(struct store *s, const struct workflow_row *w, struct error *err);	/* a known id is replaced */
int store_workflow_get(struct store *s, const char *id, struct workflow_row *ret, struct error *err);	/* 1, or 0: not there */
int store_workflow_delete(struct store *s, const char *id, struct error *err);	/* 1, or 0; its runs stay */
/* Filters may be NULL. In order of registration. */
int store_workflow_list(struct store *s, const char *tag, const char *runtime, const char *safety_mode,
			void (*each)(void *data, const struct workflow_row *w), void *data, struct error *err);

/* ---- runs */
#define RUN_ROW_ID_SIZE 80		/* what others call their runs is longer than our ids: UUIDs, "dryrun-…" */
enum run_state { RUN_QUEUED, RUN_RUNNING, RUN_ENDED };
const char *run_state_to_string(enum run_state s);	/* "queued", "running", "ended" */
struct run_row {
	char id[RUN_ROW_ID_SIZE];	/* of ours also that of the sandbox, its journal and `sandbox_runner ps` */
	char execution_id[40];		/* as the runtime-agent API calls it: a UUID; "" */
	enum run_state state;
	char *verdict;			/* NULL until ended: the word of the result, or "refused", "invalid", "cancelled", "interrupted" */
	char *detail;			/* one sentence: why; NULL */
	int exit_status;		/* -1: not ended, or never began */
	char *origin;			/* "v1", "registry", "agent", "exec", "notify" (somebody else's run, only told of) */
	char *workflow_id, *workflow_name, *sha256;	/* NULL: not known (yet) */
	char *sandbox;			/* type asked for, then where it ran; NULL */
	char *requested_by;		/* identity and address */
	char *request_id;
	uint64_t created_ns, started_ns, ended_ns;	/* 0: not yet */
	uint64_t duration_ms;
	json_t *summary;		/* of the result: {steps, effects, risk_score, security_events, memory_peak_bytes, cleanup_complete, …}; NULL */
	bool files;			/* its folder is still there */
};
void run_row_release(struct run_row *r);
int store_run_add(struct store *s, const struct run_row *r, struct error *err);
int store_run_update(struct store *s, const struct run_row *r, struct error *err);	/* all but id, origin, created */
int store_run_get(struct store *s, const char *id, struct run_row *ret, struct error *err);	/* 1, or 0; `id` may be an execution id */
struct run_filter {
	const char *workflow_id, *state, *verdict, *origin;	/* NULL: any */
	const char *after;		/* cursor: the last id of the page before (ERR_INVALID_INPUT: no such run); NULL: from the newest */
	unsigned int limit, offset;	/* limit 0: all; offset is for the registry's page=N */
};
/* The newest first. *total (NULL) counts all that fit, without limit and cursor. */
int store_run_list(struct store *s, const struct run_filter *f, void (*each)(void *data, const struct run_row *r), void *data,
		   uint64_t *total, struct error *err);
/* All of ours that are queued or running: after a crash. Those of others go on elsewhere. */
int store_run_open(struct store *s, void (*each)(void *data, const struct run_row *r), void *data, struct error *err);
/* A run of somebody else's is told of (runs/notify): added, or its status changed; a run of ours stays as it is. ERR_INVALID_INPUT: that is no id. */
int store_run_notify(struct store *s, const char *workflow_id, const char *run_id, const char *status, uint64_t duration_ms, struct error *err);
/* Ended runs beyond the newest `keep` that still have files: the ids of at most 1000; then store_run_without_files(). Rows beyond the newest `rows`
 * are deleted once they are without files. */
int store_run_expire(struct store *s, unsigned int keep, unsigned int rows, struct strvec *ids, struct error *err);
int store_run_without_files(struct store *s, const char *id, struct error *err);

/* ---- idempotency keys, kept 24 h, per identity, and no more than the newest 100,000. A reservation does not survive the service that made it. */
enum idempotency { IDEMPOTENCY_NEW, IDEMPOTENCY_BUSY, IDEMPOTENCY_OTHER_BODY, IDEMPOTENCY_REPLAY };
/* `fingerprint`: digest of method, path and body. REPLAY fills in status, headers as JSON object and body. -1: error. NEW reserves the key. */
int store_idempotency_begin(struct store *s, const char *who, const char *key, const char *fingerprint, uint64_t now_ns,
			    int *status, json_t **headers, struct strbuf *body, struct error *err);
int store_idempotency_end(struct store *s, const char *who, const char *key, int status, const json_t *headers, const struct strbuf *body, struct error *err);
void store_idempotency_forget(struct store *s, const char *who, const char *key);	/* the request failed on our side: may be tried again */

/* ---- audit: append-only; immutable_hash is the SHA-256 of the key-sorted JSON (without blanks, UTF-8) of the record with the hash of the one
 * before in it as previous_hash; it stands beside, not in, what it covers */
int store_audit(struct store *s, const char *event_type, const char *run_id, const char *who, json_t *take_data, struct error *err);	/* takes it always; NULL: null */
/* The oldest first, behind the record with the sequence number `after`; at most 10,000 (limit 0: as many). A list of objects. */
int store_audit_list(struct store *s, uint64_t after, unsigned int limit, json_t **ret, struct error *err);
int store_audit_verify(struct store *s, uint64_t *ret_records, struct error *err);	/* -1: the first record that does not fit */
