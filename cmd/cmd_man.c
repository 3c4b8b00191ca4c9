/* SPDX-License-Identifier: Apache-2.0
 * man: the manual page (section 1), made from the same tables as --help. `make install` calls it. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"

/* Text as roff: hyphens that must stay hyphens, backslashes, and lines that start with a control character. */
static void roff(struct strbuf *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			strbuf_addstr(out, "\\&");
		if (*text == '-')
			strbuf_addstr(out, "\\-");
		else if (*text == '\\')
			strbuf_addstr(out, "\\e");
		else
			strbuf_addch(out, *text);
		start = *text == '\n';
	}
}

static void write_options(const struct command *c, struct strbuf *out)
{
	const struct option_spec *tables[COMMAND_TABLES];

	command_tables(c, tables);
	for (const struct option_spec *const *t = tables; *t; t++)
		for (const struct option_spec *row = *t; row->name; row++) {
			autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

			option_synopsis(row, &text);
			strbuf_addstr(out, ".TP\n.B ");
			roff(out, text.buf);
			strbuf_clear(&text);
			option_description(row, &text);
			strbuf_addch(out, '\n');
			roff(out, text.buf);
			strbuf_addstr(out, ".\n");
		}
}

static void write_commands(struct strbuf *out)
{
	const struct command *c;

	strbuf_addstr(out, ".SH COMMANDS\n");
	for (size_t i = 0; (c = command_at(i)); i++) {
		if (c->hidden)
			continue;
		strbuf_addstr(out, ".SS ");
		roff(out, c->usage);
		strbuf_addch(out, '\n');
		roff(out, c->summary);
		strbuf_addstr(out, ".\n");
		if (c->examples) {
			strbuf_addstr(out, ".PP\n.nf\n");
			roff(out, c->examples);
			strbuf_addstr(out, ".fi\n");
		}
		write_options(c, out);
	}
}

static void write_exit_status(struct strbuf *out)
{
	const char *summary;
	int status;

	strbuf_addstr(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; exit_status_at(i, &status, &summary); i++) {
		strbuf_addf(out, ".TP\n.B %d\n", status);
		roff(out, summary);
		strbuf_addstr(out, ".\n");
	}
}

static void write_environment(struct strbuf *out)
{
	strbuf_addstr(out, ".SH ENVIRONMENT\nAn option on the command line wins over the environment, which wins over configuration files and the default.\n"
		".TP\n.B SANDBOX_RUNNER_*\n"
		"Every option with one value can be given as a variable: its name in upper case with underscores, for instance\n"
		".B SANDBOX_RUNNER_TIMEOUT\nfor\n.BR \\-\\-timeout .\n"
		".TP\n.B XDG_STATE_HOME\nWhere the folder \\(lqsandbox_runner\\(rq with journals and scratch folders is kept;\n"
		"~/.local/state by default.\n"
		".TP\n.B XDG_CONFIG_HOME\nWhere \\(lqsandbox_runner/config.yaml\\(rq of the user is; ~/.config by default.\n"
		".TP\n.B NO_COLOR, CLICOLOR_FORCE, TERM\nSwitch colour off, on, or off with the value dumb.\n");
}

static int man_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct common_options opt = { 0 };
	int status = command_begin_alone(self, argc, argv, &opt);

	if (status >= 0)
		return status;
	strbuf_addstr(&text, ".TH SANDBOX_RUNNER 1 \"\" \"sandbox_runner " SANDBOX_RUNNER_VERSION "\" \"User Commands\"\n"
		".SH NAME\nsandbox_runner \\- dry\\-run workflow packages in a disposable sandbox\n"
		".SH SYNOPSIS\n.B sandbox_runner\n[run] \\-\\-wpk=SOURCE [options]\n.br\n.B sandbox_runner\nCOMMAND [options] [FILE...]\n"
		".SH DESCRIPTION\n"
		"Checks a workflow package, decides by policy, provisions a locked\\-down container, really executes the steps that can be\n"
		"executed there, reports item by item what was executed, what was only simulated and why, which controls were in force,\n"
		"and removes everything it made, even when it is killed.\n"
		"Standard output is the product; progress, warnings and errors go to standard error.\n");
	write_commands(&text);
	write_exit_status(&text);
	write_environment(&text);
	strbuf_addstr(&text, ".SH FILES\n.TP\n.I /etc/sandbox_runner/config.yaml, ~/.config/sandbox_runner/config.yaml\nConfiguration of the system and of the user.\n"
		".TP\n.I .sandbox_runner.yaml\nConfiguration of a project: looked for from the folder of the package upwards to the top of the repository or\n"
		"the home folder. It may only tighten.\n");
	return print_result(&text, EXIT_OK);
}

const struct command command_man = {
	.name = "man",
	.summary = "Print the manual page",
	.usage = "man",
	.examples = "  sandbox_runner man | man -l -\n",
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.hidden = true,
	.main = man_main,
};
