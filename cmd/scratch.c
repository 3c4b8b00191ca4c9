/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scratch.h"

#include "runner/base/mem.h"

int scratch_open(struct scratch *s, const char *state_dir, struct error *err)
{
	autofree char *dir = NULL;

	if (s->journal)
		return 0;
	dir = journal_state_dir(state_dir, err);
	if (!dir)
		return -1;
	run_id_make(s->run_id);
	return journal_create(dir, s->run_id, &s->journal, err);
}

const char *scratch_path(const struct scratch *s)
{
	return s->journal ? journal_scratch(s->journal) : NULL;
}

int scratch_close(struct scratch *s, struct error *err)
{
	return s->journal ? journal_finish(steal_ptr(&s->journal), NULL, err) : 0;
}
