/* SPDX-License-Identifier: Apache-2.0
 * run_workers: the processes in which packages of one call overlap, seen from their parent, which only passes signals on and replaces who dies:
 * the replacement tells of the package that was lost and goes on with the next. When the parent is killed they are, too, and their reapers
 * clean up. Each is a process group of its own, so that what a terminal or timeout(1) sends reaches the parent only, and once.
 */
#pragma once

#include <signal.h>

#include "cmd/run_turn.h"

struct run_crew {
	/* In a worker: package `index`; died: how the process ended that had it (as waitpid() says), 0: nobody had it; skip: it is only to
	 * be told that it is not run. */
	void (*package)(void *arg, struct run_turn *t, int died, bool skip);
	void (*leave)(void *arg);	/* before the worker ends */
	void *arg;
};

/* All packages from `first`; the signals that stop runs are blocked. -1: nothing was begun. */
int run_workers(struct run_queue *q, size_t first, const struct run_crew *crew, const sigset_t *signals, struct error *err);
