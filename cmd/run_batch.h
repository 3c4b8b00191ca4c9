/* SPDX-License-Identifier: Apache-2.0
 * run_batch: several packages in one call, in order: each with a run and a result of its own, the first one's rules, backend and reaper serving
 * all.
 *
 * From the second on they overlap (run_turn, run_workers), where nobody can tell but by the time it takes. Not when
 *
 *	there is only one left			nothing to gain
 *	standard output or error is a terminal	people watch one run, with a live line and colours
 *	a sandbox may be kept			(--keep, --keep-on-failure) its keeper is a child of the one that was started
 *	a package is standard input		which is read when it is its turn
 *	folders are written that others may read	(--save-logs, --save-artifacts, --report with --files)
 *	the user may have few processes (ulimit -u)	two packages at a time need twice as many
 *	rules, policy and the like are not those of the first	what is wrong with them is told by each
 *
 * A package that has to be fetched or unpacked first, and a sandbox that is not a child of its run (engines, clusters), wait for their turn
 * before anything is made; such a sandbox is gone before the turn is the next one's.
 */
#pragma once

#include "cmd/command.h"
#include "cmd/run_invocation.h"

/* `opt` as the command line has it; each run reads it anew, with its own project's file. Returns the exit status. */
int run_batch(const struct command *self, int argc, char **argv, const struct run_command_options *opt, const struct strvec *packages);
