/* SPDX-License-Identifier: Apache-2.0
 * token: a token for the service, and the line that lets it in. The token is on stdout once and nowhere else; who loses it makes another. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/serve/auth.h"
#include "runner/base/json.h"
#include "runner/base/strvec.h"

struct token_options {
	struct common_options common;
	const char *scope, *expires, *format;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "scope", .kind = OPTION_TEXT, .offset = offsetof(struct token_options, scope), .value = "SCOPES", .group = "Token",
	  .help = "what it may do, joined by commas: read, validate, dry-run, admin (none includes another; default: read)" },
	{ .name = "expires", .kind = OPTION_TEXT, .offset = offsetof(struct token_options, expires), .value = "DATE", .group = "Token",
	  .help = "last day on which it holds, UTC: 2027-01-31 (default: it never expires)" },
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct token_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

static void write_json(const struct strbuf *token, const struct strbuf *line, struct strbuf *out)
{
	json_auto_t *object = json_object();

	json_put_text(object, "token", token->buf);
	json_put(object, "line", json_textn(line->buf, line->len - 1));
	json_write(object, 2, out);
	strbuf_addch(out, '\n');
}

static int token_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf token = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrvec struct strvec operands = STRVEC_INIT;
	struct token_options opt = { .scope = "read", .format = "text" };
	struct error err = { 0 };
	unsigned int scopes = 0;
	int status = command_begin(self, argc, argv, &opt, &operands);

	if (status >= 0)
		return status;
	if (operands.len != 1)
		return command_usage_error(self, "one name is needed, which logs and records will call it by");
	if (scopes_parse(opt.scope, &scopes, &err) < 0 || token_make(operands.items[0], scopes, opt.expires, &token, &line, &err) < 0)
		return report_error(&err);
	if (!strcmp(opt.format, "json"))
		write_json(&token, &line, &text);
	else
		strbuf_addf(&text, "# a line for the file of 'serve --tokens=FILE' (mode 0600), which knows only the token's digest:\n%s"
			    "# the token itself, shown only now: send it as 'Authorization: Bearer TOKEN'\n%s\n", line.buf, token.buf);
	return print_result(&text, EXIT_OK);
}

const struct command command_token = {
	.name = "token",
	.summary = "Make a token for the service",
	.usage = "token NAME [--scope=SCOPES] [--expires=DATE]",
	.examples = "  sandbox_runner token ci-main --scope=read,validate,dry-run --expires=2027-01-31\n"
		    "  sandbox_runner token ops --scope=admin --format=json | jq -r .line >> tokens",
	.options = options,
	.without = COMMAND_NO_STATE | COMMAND_NO_OUTPUT,
	.main = token_main,
};
