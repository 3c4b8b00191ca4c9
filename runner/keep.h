/* SPDX-License-Identifier: Apache-2.0
 * keep: a sandbox that outlives its verdict, for looking around in it. The process that ran it goes on to hold it (it is the parent
 * of the jail's first process, and has the journal's lock and the reaper), answers who attaches, and ends it when its time is over,
 * when somebody says so, or at a signal. Killed, it leaves the clean-up to the reaper, as any runner does. */
#pragma once

#include "runner/cancel.h"
#include "runner/parameters.h"
#include "runner/reaper.h"
#include "runner/result.h"

struct kept_run {
	struct journal *journal;	/* NULL: nothing is kept */
	struct reaper reaper;
	struct sandbox *sandbox;
	int doors[2];			/* listening: attach, end */
};
#define KEPT_RUN_INIT { .reaper = { .pid = -1, .pipe_fd = -1 }, .doors = { -1, -1 } }

/* Open the doors, so that whoever is told of them can come in. */
int keep_open(struct kept_run *kept, struct error *err);

/* Answer until the end, which `cancel` (time and signals) or a visitor brings; then destroy, and complete the result: its
 * clean-up and why it ended. */
void keep_hold(struct kept_run *kept, const struct parameters *parameters, struct cancel *cancel, struct result *result);
