/* SPDX-License-Identifier: Apache-2.0
 * completion: scripts for bash, zsh and fish, made from the command and option tables. They hold all words and start no process. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"

typedef void row_writer(struct strbuf *out, const struct command *c, const struct option_spec *row);

static void each_row(struct strbuf *out, const struct command *c, row_writer *write)
{
	const struct option_spec *tables[COMMAND_TABLES];

	command_tables(c, tables);
	for (const struct option_spec *const *t = tables; *t; t++)
		for (const struct option_spec *row = *t; row->name; row++)
			write(out, c, row);
}

static void each_command(struct strbuf *out, void (*write)(struct strbuf *out, const struct command *c))
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		if (!c->hidden)
			write(out, c);
}

static void words(struct strbuf *out, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		strbuf_addf(out, "%s%s", i ? " " : "", list[i]);
}

/* ---- bash */

static void bash_name(struct strbuf *out, const struct command *c)
{
	strbuf_addf(out, "%s%s", c == command_at(0) ? "" : "|", c->name);
}

static void bash_word(struct strbuf *out, const struct command *c)
{
	strbuf_addf(out, " %s", c->name);
}

static void bash_option(struct strbuf *out, const struct command *c, const struct option_spec *row)
{
	(void)c;
	strbuf_addf(out, " --%s%s", row->name, option_takes_value(row) ? "=" : "");
}

static void bash_options(struct strbuf *out, const struct command *c)
{
	strbuf_addf(out, "\t%s) words=\"--help", c->name);
	each_row(out, c, bash_option);
	strbuf_addstr(out, "\" ;;\n");
}

static void bash_value(struct strbuf *out, const struct command *c, const struct option_spec *row)
{
	if (!option_takes_value(row))
		return;
	strbuf_addf(out, "\t%s:--%s) ", c->name, row->name);
	if (row->choices) {
		strbuf_addstr(out, "words=\"");
		words(out, row->choices);
		strbuf_addstr(out, "\" ;;\n");
	} else {
		strbuf_addstr(out, option_takes_path(row) ? "files=1 ;;\n" : ";;\n");
	}
}

static void bash_values(struct strbuf *out, const struct command *c)
{
	each_row(out, c, bash_value);
}

static void write_bash(struct strbuf *out)
{
	strbuf_addstr(out, "# bash completion of sandbox_runner " SANDBOX_RUNNER_VERSION "; made by: sandbox_runner completion bash\n"
		"_sandbox_runner()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=run opt= words= files= i\n"
		"\tCOMPREPLY=()\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n\t\t");
	each_command(out, bash_name);
	strbuf_addstr(out, ") cmd=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
		"\t# bash splits --name=value into three words\n"
		"\tif [[ $cur == = ]]; then opt=$prev cur=\n"
		"\telif [[ $prev == = ]]; then opt=${COMP_WORDS[COMP_CWORD-2]}\n"
		"\telif [[ $prev == --* && $cur != -* ]]; then opt=$prev\n\tfi\n"
		"\tcase $cmd:$opt in\n");
	each_command(out, bash_values);
	strbuf_addstr(out, "\t*) opt= ;;\n\tesac\n"
		"\tif [[ $opt && ! $files ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); return; fi\n"
		"\tif [[ $opt || $cur != -* && $COMP_CWORD -gt 1 ]]; then\n"
		"\t\tcompopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$cur\")); return\n\tfi\n"
		"\tcase $cmd in\n");
	each_command(out, bash_options);
	strbuf_addstr(out, "\tesac\n\t[[ $COMP_CWORD == 1 && $cur != -* ]] && words=\"");
	each_command(out, bash_word);
	strbuf_addstr(out, "\"\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		"\t[[ ${COMPREPLY-} == *= ]] && compopt -o nospace 2>/dev/null\n\treturn 0\n}\n"
		"complete -F _sandbox_runner sandbox_runner\n");
}

/* ---- zsh: descriptions stand in '…[…]', so quotes, brackets and colons are taken out */

static void zsh_text(struct strbuf *out, const char *text)
{
	for (; *text; text++)
		if (!strchr("'[]:\\", *text))
			strbuf_addch(out, *text);
}

static void zsh_option(struct strbuf *out, const struct command *c, const struct option_spec *row)
{
	(void)c;
	strbuf_addf(out, "\t\t'%s--%s%s[", row->kind == OPTION_LIST || row->kind == OPTION_COUNTER ? "*" : "", row->name,
		    option_takes_value(row) ? "=" : "");
	zsh_text(out, row->help);
	strbuf_addch(out, ']');
	if (row->choices) {
		strbuf_addf(out, ":%s:(", row->value);
		words(out, row->choices);
		strbuf_addch(out, ')');
	} else if (option_takes_value(row)) {
		strbuf_addch(out, ':');
		zsh_text(out, row->value);
		strbuf_addf(out, ":%s", option_takes_path(row) ? "_files" : "");
	}
	strbuf_addstr(out, "' \\\n");
}

static void zsh_command(struct strbuf *out, const struct command *c)
{
	strbuf_addf(out, "\t%s) _arguments \\\n", c->name);
	each_row(out, c, zsh_option);
	strbuf_addstr(out, "\t\t'--help[show help]' '*:file:_files' ;;\n");
}

static void zsh_summary(struct strbuf *out, const struct command *c)
{
	strbuf_addf(out, " '%s:", c->name);
	zsh_text(out, c->summary);
	strbuf_addch(out, '\'');
}

static void write_zsh(struct strbuf *out)
{
	strbuf_addstr(out, "#compdef sandbox_runner\n# made by: sandbox_runner completion zsh\n"
		"_sandbox_runner() {\n\tlocal cmd=run\n\tlocal -a commands=(");
	each_command(out, zsh_summary);
	strbuf_addstr(out, ")\n\tif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n\t\t_describe command commands\n\t\treturn\n\tfi\n"
		"\tif [[ $words[2] != -* ]]; then\n\t\tcmd=$words[2]\n\t\tshift words\n\t\t(( CURRENT-- ))\n\tfi\n\tcase $cmd in\n");
	each_command(out, zsh_command);
	strbuf_addstr(out, "\tesac\n}\n_sandbox_runner \"$@\"\n");
}

/* ---- fish */

static void fish_text(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			strbuf_addch(out, '\\');
		strbuf_addch(out, *text);
	}
}

static void fish_option(struct strbuf *out, const struct command *c, const struct option_spec *row)
{
	bool run = c == &command_run;

	strbuf_addf(out, "complete -c sandbox_runner -n '%s__fish_seen_subcommand_from %s' -l %s",
		    run ? "__fish_use_subcommand; or " : "", c->name, row->name);
	if (row->short_name)
		strbuf_addf(out, " -s %c", row->short_name);
	if (option_takes_value(row))
		strbuf_addstr(out, option_takes_path(row) ? " -r -F" : " -x");
	if (row->choices) {
		strbuf_addstr(out, " -a '");
		words(out, row->choices);
		strbuf_addch(out, '\'');
	}
	strbuf_addstr(out, " -d '");
	fish_text(out, row->help);
	strbuf_addstr(out, "'\n");
}

static void fish_command(struct strbuf *out, const struct command *c)
{
	strbuf_addf(out, "complete -c sandbox_runner -f -n __fish_use_subcommand -a %s -d '", c->name);
	fish_text(out, c->summary);
	strbuf_addstr(out, "'\n");
	each_row(out, c, fish_option);
}

static void write_fish(struct strbuf *out)
{
	strbuf_addstr(out, "# made by: sandbox_runner completion fish\n");
	each_command(out, fish_command);
}

static const struct {
	const char *name;
	void (*write)(struct strbuf *out);
} shells[] = {
	{ "bash", write_bash }, { "zsh", write_zsh }, { "fish", write_fish },
};

static int completion_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrvec struct strvec operands = STRVEC_INIT;
	const char *names[ARRAY_SIZE(shells)];
	struct common_options opt = { 0 };
	int status = command_begin(self, argc, argv, &opt, &operands);
	const char *near;

	if (status >= 0)
		return status;
	if (operands.len != 1)
		return command_usage_error(self, "'completion' takes one shell: bash, zsh or fish");
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		names[i] = shells[i].name;
		if (!strcmp(shells[i].name, operands.items[0])) {
			shells[i].write(&text);
			return print_result(&text, EXIT_OK);
		}
	}
	near = nearest(operands.items[0], names, ARRAY_SIZE(names));
	if (near)
		return command_usage_error(self, "unknown shell '%s'; did you mean '%s'?", operands.items[0], near);
	return command_usage_error(self, "unknown shell '%s' (known: bash, zsh, fish)", operands.items[0]);
}

const struct command command_completion = {
	.name = "completion",
	.summary = "Print the completion script of a shell",
	.usage = "completion bash|zsh|fish",
	.examples = "  source <(sandbox_runner completion bash)\n"
		    "  sandbox_runner completion fish > sandbox_runner.fish\n",
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.main = completion_main,
};
