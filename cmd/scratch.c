/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scratch.h"

#include "runner/base/mem.h"

int scratch_open(struct scratch *s, const char *state_dir, struct error *err)
{
	autofree char *dir = journal_state_dir(state_dir, err);

	if (!dir)
		return -1;
	if (!s->run_id[0])
		run_id_make(s->run_id);
	return journal_create(dir, s->run_id, &s->journal, err);
}

int scratch_guard(struct scratch *s, struct error *err)
{
	return reaper_start(s->journal, &s->reaper, err);
}

const char *scratch_path(const struct scratch *s)
{
	return s->journal ? journal_scratch(s->journal) : NULL;
}

struct journal *scratch_take_journal(struct scratch *s)
{
	reaper_dismiss(&s->reaper);
	return steal_ptr(&s->journal);
}

int scratch_close(struct scratch *s, struct error *err)
{
	int r = s->journal ? journal_finish(steal_ptr(&s->journal), NULL, err) : 0;

	reaper_dismiss(&s->reaper);
	return r;
}
