/* SPDX-License-Identifier: Apache-2.0
 * fault: the places at which the crash tests kill us.
 *
 * SANDBOX_RUNNER_TEST_KILL=N:SIGNAL[:reaper] sends SIGNAL (a number) to this process at its Nth fault point, after
 * having killed the reaper too when asked. N=0 only counts: the number of points passed, then their names, one a line, are
 * written to the file named by SANDBOX_RUNNER_TEST_COUNT at the end. Points are every journal record (before and after it
 * reaches the disk), every event, and the moments around clean-up. Forked children pass points without counting them;
 * the reaper has a variable of its own, SANDBOX_RUNNER_TEST_KILL_REAPER=N:SIGNAL.
 */
#pragma once

#include <sys/types.h>

void fault_point(const char *what);	/* a static string */
void fault_set_reaper(pid_t pid);	/* the process that ":reaper" kills */
void fault_restart(const char *variable);	/* in a forked child: count from 1 and obey this variable from now on */
void fault_write_count(void);		/* at the end of a run */
