/* SPDX-License-Identifier: Apache-2.0
 * journal_private: what journal.c (a run of our own) and journal_replay.c (the end of it, and other people's) share. */
#pragma once

#include <stdint.h>

#include "runner/journal.h"
#include "runner/journal_records.h"

/* ERR_UNAVAILABLE with the reason from errno and the remedy. */
int journal_unusable(struct error *err, const char *state_dir);

/* The descriptor of <state>/runs, which is ours alone. -1 with err->sys == ENOENT when there is none. */
int journal_open_runs(const char *state_dir, struct error *err);

/* The lock of <state>. Its holders need microseconds, unless somebody stopped one: so never wait for ever. -1 with errno. */
int journal_lock_runs(int runs_fd, int how, uint64_t patience_ns);

/* A new, locked journal in an existing run folder; -1 with errno. Waits for the lock because somebody else may be trying just now
 * whether it is alive. */
int journal_open_new(int runs_fd, const char *run_id);

/* Destroy what has an intent and no gone, then the scratch folder. The caller holds the lock of `fd`. */
int journal_replay_locked(int runs_fd, const char *run_id, const char *scratch, int fd, struct cleanup_list *list,
			  struct error *err);
