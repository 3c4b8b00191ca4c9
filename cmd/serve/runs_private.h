/* SPDX-License-Identifier: Apache-2.0
 * runs_private: what the files of `runs` share.
 *
 *	runs.c		the queue, the end of a run, retention, stopping
 *	runs_arguments.c  what the operator says to all of them
 *	runs_spawn.c	a process for a run, or for `gc`
 *	runs_result.c	what an ended process left becomes the row
 *	runs_watch.c	who waits for changes
 *	runs_files.c	the folder of a run
 *	runs_recover.c	after the death of another service
 */
#pragma once

#include "cmd/serve/metrics.h"
#include "cmd/serve/runs.h"
#include "runner/base/clock.h"
#include "runner/base/digest.h"
#include "runner/base/mem.h"

#define RUNS_STDERR_MAX_BYTES (64 << 10)
#define RUNS_RESULT_MAX_BYTES ((size_t)8 << 20)	/* read in the loop: past that only the end of the events is */
#define RUNS_CLEANUP_GRACE_NS (60 * NS_PER_SEC)

/* One that is queued, running, or whose end is not on disk yet. */
struct run {
	struct run *next, *prev;
	struct runs *owner;
	struct run_row row;
	struct strvec argv;		/* of its process, until it is started */
	struct loop_child *child;
	int said;			/* memory with what it says on standard error; -1 */
	struct loop_timer *timer;	/* until it is asked to end; then until it is killed */
	uint64_t timeout_ns, begun_ns;	/* begun: monotonic */
	char *cancelled_by;		/* NULL: nobody wanted that */
	bool overdue, killed;
	char result_sha256[DIGEST_HEX_SIZE];
	struct run_watch *watches;
	int inotify_wd;			/* -1: its events are not watched */
	bool grown;			/* they have changed, and nobody has been told yet */
};

struct run_list {
	struct run *first, *last;
	unsigned int len;
};
void run_list_add(struct run_list *l, struct run *run);
void run_list_remove(struct run_list *l, struct run *run);

struct run_watch {
	struct run_watch *next, *prev;
	struct runs *owner;
	struct run *run;		/* NULL: over, on the list of those who are to hear of it */
	void (*on_change)(void *data, bool ended);
	void *data;
	bool calling;			/* being told of the end: it goes away then */
};

struct runs {
	struct loop *loop;
	struct store *store;
	struct metrics *metrics;
	struct runs_options options;	/* strings are owned below */
	char *program, *data_dir, *state_dir;
	struct strvec arguments;	/* of the operator */
	struct strvec environment;	/* of children */
	int folder;			/* <data>/runs */

	struct run_list queued, active, unsaved;
	struct loop_timer *save_timer;
	uint64_t average_ns;		/* of runs lately; 0: none yet */
	unsigned int since_expiry;
	struct loop_timer *expiry_timer;

	int inotify_fd;			/* -1: none is watched yet */
	struct loop_watch *inotify;	/* NULL while changes gather */
	struct loop_timer *gather_timer, *over_timer;
	struct run_watch *over;
	struct run_watch *cursor;	/* the next one to be told */

	struct loop_child *gc;
	struct loop_timer *gc_timer;
	bool gc_wanted;
	int gc_report;			/* memory file with what it says; -1 */

	bool draining;
	struct loop_timer *drain_timer, *empty_timer;
	void (*on_empty)(void *data);
	void *on_empty_data;
};

struct run *runs_find(const struct runs *r, const char *run_id);

/* ---- runs_arguments.c */
/* The operator's arguments, checked (ERR_USAGE), as runs get them. */
int runs_arguments(const struct strvec *given, struct strvec *ret, struct error *err);

/* ---- runs_spawn.c */
void runs_environment(struct strvec *ret);
/* The command line of a run's process, the operator's arguments included. `package`: its name in the folder, or a source. */
void runs_command(const struct runs *r, const struct run_order *order, const char *package, struct run *run);
/* A process in the folder of the run. -1: nothing runs. */
pid_t runs_spawn(struct runs *r, struct run *run, struct error *err);
/* `sandbox_runner gc`, its report as JSON in a memory file. */
pid_t runs_spawn_gc(struct runs *r, int *ret_report, struct error *err);
/* What is still there of what runs have made, as `gc` reports; -1: it does not say. Closes. */
int runs_gc_left(int report_fd);
void runs_want_gc(struct runs *r);	/* soon; never two at a time */

/* ---- runs_result.c */
/* What the process of the run left in its folder becomes verdict, detail, summary and the rest of the row. Returns the result (or NULL), for
 * the caller to release. `wait_status` -1: nobody knows how it ended. `sha256`: of result.json, "" when it is not there or not whole. */
json_t *runs_read_result(struct runs *r, struct run_row *row, int wait_status, char sha256[DIGEST_HEX_SIZE]);
/* The end goes into the audit log, so that neither it nor the result can be changed afterwards without that it shows. */
void runs_audit_end(struct runs *r, const struct run_row *row, const char *sha256);
json_t *run_summary_of_result(const json_t *result);

/* ---- runs_watch.c */
void runs_watch_files(struct run *run);		/* its events file is there now */
void runs_watch_ended(struct run *run);		/* tell all, and forget them */
void runs_watch_free(struct runs *r);

/* ---- runs_files.c */
int runs_files_open(struct runs *r, struct error *err);
/* Make the folder with what was ordered. *package (owned by the caller) is what --wpk is to be. */
int runs_files_make(struct runs *r, const char *run_id, const struct run_order *order, char **package, struct error *err);
void runs_files_remove(struct runs *r, const char *run_id);
int runs_files_folder(const struct runs *r, const char *run_id);	/* descriptor; -1 */
/* At most `max` bytes of a file of the run; false: not there, or longer. */
bool runs_files_read(const struct runs *r, const char *run_id, const char *name, size_t max, struct strbuf *out);
/* The end of it, as much as `out` may hold. */
bool runs_files_tail(const struct runs *r, const char *run_id, const char *name, struct strbuf *out);
/* What its process said, as much of it as was written: stderr.txt, if it is anything. Closes. */
void runs_files_keep_said(const struct runs *r, const char *run_id, int said);
/* Wall clock of the last write to its events; 0: there are none. */
uint64_t runs_files_last_sign(const struct runs *r, const char *run_id);
