/* SPDX-License-Identifier: Apache-2.0
 * scratch: a folder for unpacking, made only when something has to be unpacked. It is the folder of a journal with a reaper of its own:
 * downloading and unpacking can take long and may be interrupted by any signal, and nothing is left all the same. */
#pragma once

#include "runner/journal.h"
#include "runner/reaper.h"

struct scratch {
	char run_id[RUN_ID_SIZE];	/* "": one is made when it is opened */
	struct journal *journal;	/* NULL: not made */
	struct reaper reaper;
};
#define SCRATCH_INIT { .journal = NULL, .reaper = { .pid = -1, .pipe_fd = -1 } }

/* `state_dir` as --state-dir gave it, or NULL. */
int scratch_open(struct scratch *s, const char *state_dir, struct error *err);
/* From here on whoever kills us leaves the clean-up to a reaper. */
int scratch_guard(struct scratch *s, struct error *err);
const char *scratch_path(const struct scratch *s);	/* NULL: not open */
/* The journal goes to a run, which has a reaper of its own. */
struct journal *scratch_take_journal(struct scratch *s);
int scratch_close(struct scratch *s, struct error *err);	/* removes it; nothing happens when it is not open */
