/* SPDX-License-Identifier: Apache-2.0
 * reaper: ring 3. A process of its own session that sleeps on a pipe whose only writer is the runner; when the runner is
 * gone, however it died, it replays the journal and ends. Forked before the first intent; holds nothing else of ours
 * (no terminal, no output pipe), and ignores the signals that end the runner's process group. */
#pragma once

#include <sys/types.h>

#include "runner/base/error.h"
#include "runner/journal.h"

struct reaper {
	pid_t pid;
	int pipe_fd;	/* O_CLOEXEC; closing it without reaper_dismiss() is "the runner is gone" */
};

#define REAPER_INIT { .pid = -1, .pipe_fd = -1 }

int reaper_start(const struct journal *j, struct reaper *ret, struct error *err);
/* From now on it is this journal that it would replay; the one before is finished. Starts one where there is none (any more). Several
 * runs of one process save a fork each. */
int reaper_follow(struct reaper *r, const struct journal *j, struct error *err);
/* All was cleaned up: let it go, without waiting for it. It can end while the results are written. */
void reaper_release(struct reaper *r);
/* Let it go, if it was not, and wait for it. Idempotent. */
void reaper_dismiss(struct reaper *r);
