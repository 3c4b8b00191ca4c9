/* SPDX-License-Identifier: Apache-2.0
 * journal: what this run has made, or is about to make, written down before it exists.
 *
 * One append-only NDJSON file per run in <state>/runs/<run id>/journal, locked with flock for as long as the run or its
 * reaper lives. `intent` is written *before* something is created (and synced, if that could outlive a power cut: a container of an engine,
 * a cluster, but not a jail, which ends with the kernel), `gone` after it was destroyed. A torn last line is ignored. Whoever can take the lock owns the clean-up: liveness is never judged by a pid.
 *
 *	{"type":"run","version":1,"run_id":"…","pid":123,"started":"…","started_ns":…}
 *	{"type":"intent","backend":"native","endpoint":".","id":"…"}
 *	{"type":"gone","id":"…"}
 *	{"type":"kept","until_ns":…}
 *
 * An endpoint "." is the run's own folder: a state folder may be moved or mounted elsewhere between a crash and its replay.
 * The run's scratch folder is <state>/runs/<run id> itself; it is removed last, with the journal in it.
 */
#pragma once

#include <stdbool.h>

#include "runner/base/error.h"
#include "sandboxes/sandbox.h"

struct journal;

/* The state folder: `option` (--state-dir) or $SANDBOX_RUNNER_STATE_DIR or $XDG_STATE_HOME/sandbox_runner or
 * ~/.local/state/sandbox_runner. The caller frees. NULL with err when none can be told. */
char *journal_state_dir(const char *option, struct error *err);

/* 128 random bits as "r-" and 26 letters and digits: [a-z0-9-]. */
#define RUN_ID_SIZE 32
void run_id_make(char out[RUN_ID_SIZE]);
bool run_id_is_valid(const char *text);	/* has exactly that form */

/* Make <state>/runs/<run_id> (0700) and its locked journal. A state folder that is read-only, full or not ours
 * is ERR_UNAVAILABLE with what to do. */
int journal_create(const char *state_dir, const char *run_id, struct journal **ret, struct error *err);
const char *journal_scratch(const struct journal *j);	/* absolute path of the run's folder */
char *journal_state(const struct journal *j);		/* of the state folder, or of /runs where that is /; the caller frees */
int journal_fd(const struct journal *j);		/* for the reaper, which shares the lock */

int journal_intent(struct journal *j, const struct sandbox_ref *ref, struct error *err);
int journal_gone(struct journal *j, const struct sandbox_ref *ref, struct error *err);

/* For people: it stays until then, although its verdict is made. */
int journal_kept(struct journal *j, uint64_t until_ns, struct error *err);

/* Destroy what has an intent and no gone, then the scratch folder with the journal. `list` gets the certificate.
 * -1 when something is left; the journal then stays for the next try. Frees j. */
int journal_finish(struct journal *j, struct cleanup_list *list, struct error *err);
/* Forget the handle only (in the reaper's child, in tests). */
void journal_close(struct journal *j);

/* ---- other people's journals: `gc`, and every start */
struct replay_stats {
	bool thorough;		/* asked for: also look into engines for what no journal knows */
	bool dry_run;		/* asked for: touch nothing; what would be cleaned is counted as failed and listed as not gone */
	unsigned int alive;	/* locked by a living run: not touched */
	unsigned int cleaned;	/* orphans of which nothing is left now */
	unsigned int failed;	/* orphans of which something is left; named in the list */
};
/* Replay every journal below the state folder whose lock can be taken, then sweep by label. 0 also when nothing was there. `stats`
 * (zeroed, or with dry_run set) and `list` may be NULL. */
int journal_replay_all(const char *state_dir, struct replay_stats *stats, struct cleanup_list *list, struct error *err);
/* Replay the journal of one run folder whose lock the caller holds through `journal_fd` (the reaper does). */
int journal_replay(const char *scratch, int journal_fd, struct cleanup_list *list, struct error *err);
/* That was the clean-up of a run whose keeper died: the history gets to know. */
void journal_tell_history(const char *scratch, const struct cleanup_list *list);
