/* SPDX-License-Identifier: Apache-2.0
 * help: of the whole, or of one command. */
#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/nearest.h"

#define COMMANDS_MAX 32

static void write_overview(struct strbuf *out)
{
	const struct command *c;
	const char *summary;
	int status;

	strbuf_addstr(out,
		"Usage: sandbox_runner [run] --wpk=SOURCE [options]\n"
		"       sandbox_runner COMMAND [options] [FILE...]\n"
		"\n"
		"Dry-run a workflow package for real: check it, run its steps in a locked-down\n"
		"sandbox, tell what they did, and leave nothing behind.\n"
		"\n"
		"Examples:\n"
		"  sandbox_runner --wpk=backup-verify.wpk.yaml\n"
		"  sandbox_runner validate packages/\n"
		"  sandbox_runner plan rotate-secret.wpk.yaml\n"
		"  sandbox_runner doctor\n"
		"\n"
		"Commands:\n");
	for (size_t i = 0; (c = command_at(i)); i++)
		if (!c->hidden)
			strbuf_addf(out, "  %-12s%s\n", c->name, c->summary);
	strbuf_addstr(out, "\nExit status:\n");
	for (size_t i = 0; exit_status_at(i, &status, &summary); i++)
		strbuf_addf(out, "  %3d  %s\n", status, summary);
	strbuf_addstr(out, "\n'sandbox_runner COMMAND --help' tells the options of a command.\n");
}

static int unknown_topic(const struct command *self, const char *word)
{
	const char *names[COMMANDS_MAX];
	const char *near;
	size_t n = 0;

	for (const struct command *c; n < COMMANDS_MAX && (c = command_at(n)); n++)
		names[n] = c->hidden ? NULL : c->name;
	near = nearest(word, names, n);
	if (near)
		return command_usage_error(self, "unknown command '%s'; did you mean '%s'?", word, near);
	return command_usage_error(self, "unknown command '%s'", word);
}

static int help_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrvec struct strvec operands = STRVEC_INIT;
	struct common_options opt = { 0 };
	int status = command_begin(self, argc, argv, &opt, &operands);

	if (status >= 0)
		return status;
	if (operands.len > 1)
		return command_usage_error(self, "'help' takes one command");
	if (operands.len == 0) {
		write_overview(&text);
	} else {
		const struct command *topic = command_find(operands.items[0]);

		if (!topic)
			return unknown_topic(self, operands.items[0]);
		command_usage(topic, &text);
	}
	return print_result(&text, EXIT_OK);
}

const struct command command_help = {
	.name = "help",
	.summary = "Explain a command",
	.usage = "help [COMMAND]",
	.examples = "  sandbox_runner help run\n",
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.main = help_main,
};
