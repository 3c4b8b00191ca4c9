/* SPDX-License-Identifier: Apache-2.0
 * schema: the JSON schemas that are built in; without a name, which there are. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "validators/wpk_schema.h"

/* runner/result.schema.json and others, embedded by the Makefile */
extern const char result_schema_json[], scan_schema_json[], rules_schema_json[], policy_schema_json[];

static void write_package_schema(struct strbuf *out)
{
	json_auto_t *schema = wpk_schema();

	json_write(schema, 2, out);
	strbuf_addch(out, '\n');
}

static const struct {
	const char *name, *help, *text;
	void (*write)(struct strbuf *out);	/* where there is no text */
} schemas[] = {
	{ "result", "what a run did: run --format=json, --report=json", result_schema_json, NULL },
	{ "scan", "what a scan came to: scan --format=json", scan_schema_json, NULL },
	{ "package", "workflow packages, for editors: *.wpk.yaml", NULL, write_package_schema },
	{ "rules", "rule files, for editors: --rules=DIR", rules_schema_json, NULL },
	{ "policy", "policy files, for editors: --policy=FILE", policy_schema_json, NULL },
};

static int list_schemas(void)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++)
		strbuf_addf(&text, "%-10s %s\n", schemas[i].name, schemas[i].help);
	return print_result(&text, EXIT_OK);
}

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
	if (!operands.len)
		return list_schemas();
	if (operands.len > 1)
		return command_usage_error(self, "'schema' takes one name, not '%s' too", operands.items[1]);
	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		names[i] = schemas[i].name;
		if (!strcmp(schemas[i].name, operands.items[0])) {
			if (schemas[i].write)
				schemas[i].write(&text);
			else
				strbuf_addstr(&text, schemas[i].text);
			return print_result(&text, EXIT_OK);
		}
	}
	near = nearest(operands.items[0], names, ARRAY_SIZE(names));
	if (near)
		return command_usage_error(self, "unknown schema '%s'; did you mean '%s'?", operands.items[0], near);
	return command_usage_error(self, "unknown schema '%s'; 'sandbox_runner schema' lists them", operands.items[0]);
}

const struct command command_schema = {
	.name = "schema",
	.summary = "Print the JSON schema of packages or of an output",
	.usage = "schema [NAME]",
	.examples = "  sandbox_runner schema\n"
		    "  sandbox_runner schema package > package.schema.json\n",
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.main = schema_main,
};
