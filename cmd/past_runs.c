/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/past_runs.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/live.h"

const char *const past_verdicts[] = { "verified", "partial", "nothing_executed", "failed", "limit", "deadline", "cancelled", "error", NULL };

int past_runs_load(const char *state_option, struct run_entries *ret, struct error *err)
{
	autofree char *state_dir = journal_state_dir(state_option, err);

	if (!state_dir || run_store_list(state_dir, ret, err) < 0)
		return -1;
	/* a keeper that was killed could not write that it is over */
	for (size_t i = 0; i < ret->len; i++)
		if (ret->items[i].kept_until_ns && !live_run_is(state_dir, ret->items[i].run_id))
			ret->items[i].kept_until_ns = 0;
	return 0;
}

bool past_run_is_wanted(const struct run_entry *e, const struct past_filter *f)
{
	if (f->package && (!e->package || strncmp(e->package, f->package, strlen(f->package)) != 0))
		return false;
	if (f->verdict && strcmp(e->verdict, f->verdict) != 0)
		return false;
	return e->started_ns >= f->since_ns;
}

uint64_t past_runs_since(uint64_t duration_ns)
{
	const uint64_t now = clock_realtime_ns();

	return duration_ns && now > duration_ns ? now - duration_ns : 0;
}
