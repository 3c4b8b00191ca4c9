/* SPDX-License-Identifier: Apache-2.0
 * schema: the JSON schemas that are built in. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"

extern const char result_schema_json[];	/* runner/result.schema.json, embedded by the Makefile */

static const struct {
	const char *name, *text;
} schemas[] = {
	{ "result", result_schema_json },
};

static int schema_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrvec struct strvec operands = STRVEC_INIT;
	const char *names[ARRAY_SIZE(schemas)];
	struct common_options opt = { 0 };
	int status = command_begin(self, argc, argv, &opt, &operands);
	const char *near;

	if (status >= 0)
		return status;
	if (operands.len != 1)
		return command_usage_error(self, "'schema' takes one name: result");
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		names[i] = schemas[i].name;
		if (!strcmp(schemas[i].name, operands.items[0])) {
			strbuf_addstr(&text, schemas[i].text);
			return print_result(&text, EXIT_OK);
		}
	}
	near = nearest(operands.items[0], names, ARRAY_SIZE(names));
	return command_usage_error(self, "unknown schema '%s'; did you mean '%s'?", operands.items[0], near ? near : names[0]);
}

const struct command command_schema = {
	.name = "schema",
	.summary = "Print the JSON schema of a machine-readable output",
	.usage = "schema result",
	.examples = "  sandbox_runner schema result > result.schema.json\n",
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.main = schema_main,
};
