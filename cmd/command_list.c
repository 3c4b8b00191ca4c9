/* SPDX-License-Identifier: Apache-2.0
 * command_list: the one array of subcommands, in the order of help. */
#include <string.h>

#include "cmd/command.h"
#include "runner/base/mem.h"

static const struct command *const commands[] = {
	&command_run, &command_validate, &command_scan, &command_rules, &command_plan, &command_serve, &command_ps, &command_logs, &command_attach, &command_stop, &command_history, &command_stats, &command_token, &command_gc, &command_doctor, &command_schema,
	&command_config, &command_completion, &command_version, &command_help, &command_man, &command_exec_worker,
};

_Static_assert(ARRAY_SIZE(commands) <= COMMANDS_MAX, "COMMANDS_MAX is too small");

const struct command *command_at(size_t i)
{
	return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}
