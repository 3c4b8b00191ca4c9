/* SPDX-License-Identifier: Apache-2.0
 * scratch: a folder for unpacking, made only when something has to be unpacked. It is the folder of a journal, so that `gc` and every
 * later start remove it if we are killed. */
#pragma once

#include "runner/journal.h"

struct scratch {
	char run_id[RUN_ID_SIZE];
	struct journal *journal;	/* NULL: not made */
};
#define SCRATCH_INIT { .journal = NULL }

/* `state_dir` as --state-dir gave it, or NULL. Nothing happens when it is open already. */
int scratch_open(struct scratch *s, const char *state_dir, struct error *err);
const char *scratch_path(const struct scratch *s);	/* NULL: not open */
int scratch_close(struct scratch *s, struct error *err);	/* removes it; nothing happens when it is not open */
