/* SPDX-License-Identifier: Apache-2.0
 * runs: a bounded queue, and one process a run: `sandbox_runner run … --run-id=ID --events-fd=N`. The child writes its events and its result
 * itself, into the run's folder; a reader that is slow reads later, and a service that dies loses nothing. When we die, the child is told
 * (PDEATHSIG) and cleans up; the next service ends what it finds open, with the reason.
 *
 *	<data>/runs/<run id>/package.wpk.yaml	as it came (or a bundle, by its name)
 *	                     parameters.json	what was given, secrets excepted
 *	                     events.ndjson	grows while it runs; ends with the verdict
 *	                     result.json	as `run --format=json` prints it
 *	                     stderr.txt		what the child said besides, at most 64 KiB; missing: nothing
 *	                     artifacts/		of --save-artifacts
 */
#pragma once

#include "cmd/serve/loop.h"
#include "cmd/serve/store.h"

struct runs;
struct metrics;

struct runs_options {
	const char *program;		/* what to start: /proc/self/exe resolved at start */
	const char *data_dir, *state_dir;
	const struct strvec *arguments;	/* of `run`, from the operator: they win over what a request asks for */
	unsigned int at_once, queue;	/* processes; how many may wait */
	unsigned int keep;		/* newest runs whose files are kept */
	uint64_t timeout_ns;		/* the most a request may ask for, and what holds without */
};

struct run_order {
	const char *origin, *workflow_id, *workflow_name, *requested_by, *request_id;
	bool uuid;			/* give it an execution_id, too */
	const char *package;		/* the bytes … */
	size_t package_len;
	const char *filename;		/* … and what they are called: only its suffix is used; NULL: package.wpk.yaml */
	const char *source;		/* or, instead of bytes, a source for --wpk (a registry's URL) */
	const char *notify;		/* URL for --notify; NULL */
	const json_t *parameters;	/* object of plain values; NULL */
	const char *type, *profile;	/* checked by the caller; NULL: as the operator says */
	uint64_t timeout_ns;		/* 0: the most */
	const char *override;		/* reason; NULL. The caller has checked that it may be given */
	bool monitor;
};

int runs_new(struct loop *l, struct store *store, struct metrics *metrics, const struct runs_options *o, struct runs **ret, struct error *err);
void runs_free(struct runs *r);
/* At start: what a dead service left open gets its end: "interrupted", or what its result says if the child had come that far; then a clean-up of what
 * its runs had made (`sandbox_runner gc`), before anything new starts. Returns how many there were. */
int runs_recover(struct runs *r, unsigned int *ret, struct error *err);

/* Queue it. ERR_RESOURCE_EXHAUSTED: the queue is full (429); ERR_UNAVAILABLE: draining (503). */
int runs_submit(struct runs *r, const struct run_order *order, char ret_id[RUN_ID_SIZE], struct error *err);
/* 1: it is asked to end (it will, with its clean-up); 0: it has ended already; -1: not known. */
int runs_cancel(struct runs *r, const char *run_id, const char *who);
unsigned int runs_active(const struct runs *r);
unsigned int runs_queued(const struct runs *r);
unsigned int runs_queue_capacity(const struct runs *r);	/* how many may wait */
/* Seconds after which trying again makes sense, from what runs took lately. */
unsigned int runs_retry_after(const struct runs *r);

/* Called when its events have grown (`ended` false), and once when its row has got its end; then, and by unwatching, it is over. An ended or unknown run:
 * called once, soon. */
struct run_watch;
struct run_watch *runs_watch(struct runs *r, const char *run_id, void (*on_change)(void *data, bool ended), void *data);
void runs_unwatch(struct run_watch *w);

/* A file of a run, for reading; `name` is one of the above, "package" (whatever it is called), or "artifacts/…" (checked: nothing outside of
 * the folder, no links). What was saved lies in artifacts/files, artifacts/artifacts.json lists it; without anything neither is there. -1: not there. */
int runs_open_file(struct runs *r, const char *run_id, const char *name, uint64_t *ret_bytes);

/* Take nothing more; end what is queued; give what runs `grace_ns`, then cancel it; call when none is left. */
void runs_drain(struct runs *r, uint64_t grace_ns, void (*on_empty)(void *data), void *data);
