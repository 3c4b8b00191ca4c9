/* SPDX-License-Identifier: Apache-2.0
 * agent_progress: how far a run is, from the end of its events file. What was simulated is named as simulated. */
#pragma once

#include <stdint.h>

#include "runner/base/strvec.h"

struct agent_progress {
	char *current_step;		/* owned; being executed; NULL: none is */
	uint64_t steps_completed, total_steps;
	struct strvec logs;		/* the oldest first; only the last of them */
};
#define AGENT_PROGRESS_INIT { .logs = STRVEC_INIT }

/* Reads the first line and at most the last `tail_bytes`, and keeps at most the last `logs_max` lines. A file that cannot be read, or holds
 * anything else, is one without events. `fd` is borrowed. */
void agent_progress_read(int fd, uint64_t bytes, size_t tail_bytes, size_t logs_max, struct agent_progress *ret);
void agent_progress_release(struct agent_progress *p);
