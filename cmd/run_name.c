/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_name.h"

#include <stdlib.h>
#include <string.h>

int run_names_open(const char *state_option, struct run_names *ret, struct error *err)
{
	*ret = (struct run_names){ .state_dir = journal_state_dir(state_option, err) };
	if (!ret->state_dir)
		return -1;
	return live_runs_list(ret->state_dir, &ret->live, err) < 0 || run_store_list(ret->state_dir, &ret->past, err) < 0 ? -1 : 0;
}

void run_names_release(struct run_names *n)
{
	free(n->state_dir);
	live_runs_release(&n->live);
	run_entries_release(&n->past);
}

static bool begins(const char *id, const char *text)
{
	size_t len = strlen(text);

	return !strncmp(id, text, len) || (!strncmp(id, "r-", 2) && !strncmp(id + 2, text, len));
}

/* false: another one was found before */
static bool note(const char *id, const char *text, const char **found)
{
	if (!begins(id, text) || (*found && !strcmp(*found, id)))
		return true;
	if (*found)
		return false;
	*found = id;
	return true;
}

int run_names_find(const struct run_names *n, const char *text, const struct live_run **live, const struct run_entry **past, struct error *err)
{
	const char *found = NULL;
	bool unique = true;

	if (!*text)
		return error_set(err, ERR_USAGE, "the id of a run is empty");
	for (size_t i = 0; unique && i < n->live.len; i++)
		unique = note(n->live.items[i].run_id, text, &found);
	for (size_t i = 0; unique && i < n->past.len; i++)
		unique = note(n->past.items[i].run_id, text, &found);
	if (!unique)
		return error_set(err, ERR_INVALID_INPUT, "more than one run begins with '%s'; give more letters of its id", text);
	if (!found)
		return error_set(err, ERR_INVALID_INPUT, "there is no run '%s'; 'sandbox_runner history' and 'sandbox_runner ps' list them", text);
	for (size_t i = 0; live && i < n->live.len; i++)
		if (!strcmp(n->live.items[i].run_id, found))
			*live = &n->live.items[i];
	for (size_t i = 0; past && i < n->past.len; i++)
		if (!strcmp(n->past.items[i].run_id, found))
			*past = &n->past.items[i];
	return 0;
}
