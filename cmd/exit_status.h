/* SPDX-License-Identifier: Apache-2.0
 * exit_status: the stable exit codes (README, "Exit codes"), in one place. */
#pragma once

#include "runner/base/error.h"
#include "runner/result.h"

enum exit_status {
	EXIT_OK = 0,
	EXIT_NOT_ACCEPTABLE = 1,
	EXIT_USAGE = 2,
	EXIT_INVALID = 3,
	EXIT_REFUSED = 4,
	EXIT_UNAVAILABLE = 5,
	EXIT_CLEANUP = 6,
	EXIT_LIMIT = 7,
	EXIT_REMOTE = 8,
	EXIT_BUG = 70,
	EXIT_DEADLINE = 124,
	EXIT_SIGNAL_BASE = 128,
};

/* Number `i` of the table with its meaning; false past the last. */
bool exit_status_at(size_t i, int *status, const char **summary);

int exit_status_of_error(const struct error *err);
int exit_status_of_result(const struct result *result);	/* an incomplete clean-up overrides 0 and 1 */

int exit_status_worse(int a, int b);	/* of several runs: a failed step, a limit, …, a bug, a signal */

/* "sandbox_runner: error: …" on stderr; returns exit_status_of_error(). */
int report_error(const struct error *err);
