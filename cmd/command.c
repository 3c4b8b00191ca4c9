/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/file.h"

static const char *const color_choices[] = { "auto", "always", "never", NULL };

static const struct option_spec state_table[] = {
	{ .name = "state-dir", .kind = OPTION_TEXT, .offset = offsetof(struct common_options, state_dir), .value = "DIR",
	  .group = "General", .help = "keep journals and scratch folders here instead of ~/.local/state/sandbox_runner" },
	{ .name = NULL },
};

static const struct option_spec config_table[] = {
	{ .name = "config", .kind = OPTION_TEXT, .offset = offsetof(struct common_options, config), .value = "FILE",
	  .group = "General", .help = "read this configuration file instead of the user's and the system's; 'none' reads none at all" },
	{ .name = NULL },
};

static const struct option_spec output_table[] = {
	{ .short_name = 'q', .name = "quiet", .kind = OPTION_FLAG, .offset = offsetof(struct common_options, quiet),
	  .group = "General", .help = "say only what went wrong" },
	{ .short_name = 'v', .name = "verbose", .kind = OPTION_COUNTER, .offset = offsetof(struct common_options, verbose),
	  .group = "General", .help = "say more" },
	{ .name = "color", .kind = OPTION_CHOICE, .offset = offsetof(struct common_options, color), .value = "WHEN",
	  .choices = color_choices, .group = "General", .help = "colour the output" },
	{ .name = NULL },
};

void command_tables(const struct command *self, const struct option_spec *ret[COMMAND_TABLES])
{
	size_t n = 0;

	if (self->options)
		ret[n++] = self->options;
	if (self->more_options)
		ret[n++] = self->more_options;
	if (self->configured)
		ret[n++] = config_table;
	if (!(self->without & COMMAND_NO_STATE))
		ret[n++] = state_table;
	if (!(self->without & COMMAND_NO_OUTPUT))
		ret[n++] = output_table;
	ret[n] = NULL;
}

/* 80 columns where nobody reads on a terminal, so that help is the same everywhere. */
static unsigned int help_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 60)
		return 80;
	return size.ws_col > 120 ? 120 : size.ws_col;
}

void command_usage(const struct command *self, struct strbuf *out)
{
	const struct option_spec *tables[COMMAND_TABLES];

	command_tables(self, tables);
	strbuf_addf(out, "Usage: sandbox_runner %s\n\n%s.\n", self->usage, self->summary);
	if (self->examples)
		strbuf_addf(out, "\nExamples:\n%s", self->examples);
	options_help(tables, help_width(), out);
}

int command_usage_error(const struct command *self, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	message("error", "%s", text.buf);
	message("hint", "see 'sandbox_runner %s --help'", self->name);
	return EXIT_USAGE;
}

static int begin(const struct command *self, int argc, char **argv, void *target, struct strvec *operands, struct option_origins *origins)
{
	const struct option_spec *tables[COMMAND_TABLES];
	struct error err = { 0 };
	bool help = false;

	command_tables(self, tables);
	if (options_parse_noting(tables, argc, argv, target, operands, &help, origins, &err) < 0)
		return command_usage_error(self, "%s", err.text);
	if (help) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		command_usage(self, &text);
		return print_result(&text, EXIT_OK);
	}
	return -1;
}

int command_begin(const struct command *self, int argc, char **argv, void *target, struct strvec *operands)
{
	return begin(self, argc, argv, target, operands, NULL);
}

int command_begin_configured(const struct command *self, int argc, char **argv, void *target, struct strvec *operands, struct config *config)
{
	return begin(self, argc, argv, target, operands, &config->origins);
}

void command_known_tables(const struct option_spec *ret[COMMAND_KNOWN_TABLES])
{
	const struct option_spec *tables[COMMAND_TABLES];
	const struct command *c;
	size_t n = 0;

	for (size_t i = 0; (c = command_at(i)); i++) {
		if (!c->configured)
			continue;
		command_tables(c, tables);
		for (size_t t = 0; tables[t] && n < COMMAND_KNOWN_TABLES - 1; t++)
			ret[n++] = tables[t];
	}
	ret[n] = NULL;
}

/* How many errors; they are shown. */
static size_t show_config_findings(const struct config *config, const struct common_options *common)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	size_t errors = 0;

	for (size_t i = 0; i < config->len; i++) {
		const struct config_file *f = &config->files[i];

		for (size_t k = 0; k < f->findings.len; k++)
			finding_print(&f->findings.items[k], f->path, f->doc, use_color(common, STDERR_FILENO), &text);
		errors += finding_count(&f->findings, FINDING_ERROR);
	}
	if (write_all(STDERR_FILENO, text.buf, text.len) < 0) { /* nowhere left to tell */ }
	return errors;
}

int command_configure(const struct command *self, const char *package, void *target, struct config *config)
{
	const struct option_spec *tables[COMMAND_TABLES], *known[COMMAND_KNOWN_TABLES];
	const struct common_options *common = target;
	struct error err = { 0 };

	command_tables(self, tables);
	if (config_find(common->config, package, config, &err) < 0)
		return report_error(&err);
	if (!config->len)
		return -1;
	command_known_tables(known);
	for (size_t i = 0; i < config->len; i++)
		config_read(&config->files[i], known);
	config_apply(config, tables, target);
	if (!show_config_findings(config, common))
		return -1;
	message("error", "the configuration is not usable; --config=none goes without any");
	return EXIT_INVALID;
}

int command_begin_alone(const struct command *self, int argc, char **argv, void *target)
{
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, target, &operands);

	if (status < 0 && operands.len)
		return command_usage_error(self, "'%s' takes no '%s'", self->name, operands.items[0]);
	return status;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

bool use_color(const struct common_options *common, int fd)
{
	const char *term = getenv("TERM");

	if (common->color && strcmp(common->color, "auto"))
		return !strcmp(common->color, "always");
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE") && strcmp(getenv("CLICOLOR_FORCE"), "0"))
		return true;
	return isatty(fd) && term && *term && strcmp(term, "dumb");
}
