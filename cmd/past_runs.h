/* SPDX-License-Identifier: Apache-2.0
 * past_runs: runs that have ended and which of them are meant: for `history` and `stats`. */
#pragma once

#include "runner/run_store.h"

struct past_filter {
	const char *package;		/* the id of the workflow, or the beginning of it; NULL: any */
	const char *verdict;		/* NULL: any */
	uint64_t since_ns;		/* begun at this time or later (wall clock); 0: any */
};

/* The oldest first. */
int past_runs_load(const char *state_option, struct run_entries *ret, struct error *err);
bool past_run_is_wanted(const struct run_entry *e, const struct past_filter *f);
uint64_t past_runs_since(uint64_t duration_ns);		/* so long ago; 0 stays 0 */

extern const char *const past_verdicts[];		/* all words, for OPTION_CHOICE */
