/* SPDX-License-Identifier: Apache-2.0
 * run_turn: whose turn it is among the packages of one call that overlap, each in one of a few worker processes (run_workers). Package
 * number n belongs to worker n modulo RUN_WORKERS, so the one after it is always another's:
 *
 *	worker 0	| n made ready | steps | cleaned up, told |            n + 2 made ready | steps ...
 *	worker 1	       n + 1 made ready       | steps          | cleaned up, told |
 *
 * Two things go from package to package in order: the steps (no step of n + 1 before the last of n, rollback included), and the voice:
 * what n + 1 says before n has said all is kept in memory files, and written out as soon as n has. From then on it writes for itself, so
 * that a full disk or a reader that has gone is met by the run that it hits.
 *
 * A signal, which only the parent gets, stops the package whose turn it is. Those after it are refused: whatever was made for them is removed
 * and nothing of it is told.
 */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "cmd/front.h"
#include "cmd/output.h"
#include "runner/cancel.h"
#include "runner/event.h"

enum { RUN_WORKERS = 2 };

/* One block of memory that parent and workers share; a worker's children do not have it. */
struct run_queue {
	size_t len;
	atomic_size_t stepped;		/* so many packages need no steps any more */
	atomic_size_t told;		/* so many have ended and said all */
	atomic_uint_fast64_t stop;	/* 0: go on; see run_queue_stop() */
	struct run_worker {
		atomic_size_t at;	/* the package that it is at */
		char run_id[RUN_ID_SIZE];	/* "": nothing was made for it yet */
		uint64_t started_ns;
		int wake_fd;		/* an eventfd: look again */
		int kept[2];		/* memory files in place of standard output and error; the same one when these are */
	} workers[RUN_WORKERS];
	struct run_summary runs[];
};

struct run_queue *run_queue_new(size_t len, struct error *err);
int run_queue_open(struct run_queue *q, size_t first, struct error *err);	/* what workers need; the first package of them */
void run_queue_free(struct run_queue *q);
void run_queue_keep_to_oneself(struct run_queue *q);	/* in a worker: not for its children */

/* The package whose turn it is is the last one to be run. Only the first call counts. */
void run_queue_stop(struct run_queue *q, int signal);
int run_queue_signal(const struct run_queue *q);	/* 0: not stopped */
bool run_queue_is_present(const struct run_queue *q, size_t worker);	/* when it was stopped, this worker's package was to be run, or told, still */

/* One package in its worker, from begin to end. */
struct run_turn {
	struct run_queue *queue;
	size_t index;
	int standard[2];	/* the real standard output and error */
	bool stepping, in_front, refused;
};

int run_turn_open(struct run_turn *t, struct run_queue *q, struct error *err);	/* once in a worker */
void run_turn_close(struct run_turn *t);
void run_turn_begin(struct run_turn *t, size_t index, bool again);	/* again: after another worker that died; what that one left is kept */
void run_turn_named(struct run_turn *t, const char *run_id);	/* from here on something may be left when we are killed */

/* Wait for the steps of the package before. -1: there is no turn for this one any more (then t->refused), or `cancel` (NULL: none) does not let it
 * wait. Nothing happens when it has it. */
int run_turn_take(struct run_turn *t, struct cancel *cancel, struct error *err);
/* Its steps are over. `cancel` says whether somebody stopped them: then those after it are. Nothing happens when it had no turn. */
void run_turn_pass(struct run_turn *t, const struct cancel *cancel);

/* Wait until the package before has said all, and say what was kept: through `out` (NULL: trouble is nobody's). false: it was refused. */
bool run_turn_come_forward(struct run_turn *t, struct output *out);
/* To be asked first of all sinks: comes forward as soon as that is possible while the run goes on, so that it can be watched. `out` and
 * `ndjson` (may become a sink that writes to standard output) hear of trouble. */
struct event_sink *run_turn_sink_new(struct run_turn *t, struct output *out, struct event_sink *const *ndjson);

void run_turn_forget(struct run_turn *t);	/* what was kept */
void run_turn_end(struct run_turn *t);		/* all of it; the next one may go on */
