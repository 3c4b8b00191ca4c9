/* SPDX-License-Identifier: Apache-2.0
 * version: one line, or JSON for bug reports. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"

struct version_options {
	struct common_options common;
	const char *format;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct version_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

static void write_json(struct strbuf *out)
{
	json_auto_t *object = json_object();

	json_put_text(object, "name", "sandbox_runner");
	json_put_text(object, "version", SANDBOX_RUNNER_VERSION);
	json_put_int(object, "result_schema_version", RESULT_SCHEMA_VERSION);
	json_put_text(object, "compiler", __VERSION__);
	json_put_text(object, "jansson", jansson_version_str());
	json_write(object, 2, out);
	strbuf_addch(out, '\n');
}

static int version_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct version_options opt = { .format = "text" };
	int status = command_begin_alone(self, argc, argv, &opt);

	if (status >= 0)
		return status;
	if (!strcmp(opt.format, "json"))
		write_json(&text);
	else
		strbuf_addstr(&text, "sandbox_runner " SANDBOX_RUNNER_VERSION "\n");
	return print_result(&text, EXIT_OK);
}

const struct command command_version = {
	.name = "version",
	.summary = "Print the version",
	.usage = "version [--format=json]",
	.options = options,
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.main = version_main,
};
