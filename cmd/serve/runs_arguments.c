/* SPDX-License-Identifier: Apache-2.0
 * runs_arguments: the options of `run` that the operator gives to every run. They are tried once, at the start of the service, so that a
 * mistake shows there and not in each run; and since runs work in their own folders, what names an existing file is made absolute. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/run_invocation.h"
#include "cmd/serve/runs_private.h"

/* What the service says itself, or what makes no sense where nobody sits; and what to do instead. */
static const struct {
	const char *name, *instead;
} ours[] = {
	{ "wpk", "packages come with requests" },
	{ "timeout", "'serve --run-timeout' is for that" },
	{ "state-dir", "they have that of the service" },
	{ "keep", "nobody would end it" },
	{ "keep-on-failure", "nobody would end it" },
	{ "format", NULL }, { "run-id", NULL }, { "events-fd", NULL }, { "no-history", NULL },
};

static int check_row(const struct option_spec *row, const char *word, struct error *err)
{
	if (!row)
		return error_set(err, ERR_USAGE, "'%s' is no option of 'run'", word);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (!strcmp(row->name, ours[i].name))
			return error_set(err, ERR_USAGE, "'--%s' cannot be given to the runs of the service%s%s", row->name,
					 ours[i].instead ? ": " : "", ours[i].instead ? ours[i].instead : "");
	return 0;
}

/* "PATH" or "PATH:DEST" that exists below `here`; anything else is as it was. The caller frees. */
static char *anchored(const char *value, const char *here)
{
	const char *colon = strrchr(value, ':');
	autofree char *path = colon ? xstrndup(value, (size_t)(colon - value)) : NULL;

	if (*value && *value != '/' && (access(value, F_OK) == 0 || (path && *path && access(path, F_OK) == 0)))
		return xasprintf("%s/%s", here, value);
	return xstrdup(value);
}

static int try_all(const struct option_spec *const *tables, const struct strvec *words, struct error *err)
{
	struct run_command_options opt = *(const struct run_command_options *)command_run.defaults;
	autostrvec struct strvec operands = STRVEC_INIT;
	bool help = false;
	int rc = options_parse(tables, (int)words->len, words->items, &opt, &operands, &help, err);

	strvec_release(&opt.packages);
	strvec_release(&opt.files);
	strvec_release(&opt.require);
	strvec_release(&opt.report);
	scan_options_release(&opt.scan);
	settings_release(&opt.settings);
	if (rc == 0 && operands.len)
		return error_set(err, ERR_USAGE, "'%s' is no option of 'run'; packages come with requests", operands.items[0]);
	return rc;
}

int runs_arguments(const struct strvec *given, struct strvec *ret, struct error *err)
{
	const struct option_spec *tables[COMMAND_TABLES];
	autofree char *here = realpath(".", NULL);

	command_tables(&command_run, tables);
	for (size_t i = 0; i < given->len; i++) {
		const char *word = given->items[i], *value = strchr(word, '=');
		const struct option_spec *row = option_find(tables, word);
		bool path;

		if (check_row(row, word, err) < 0)
			return -1;
		path = here && option_takes_path(row);
		if (!value && option_takes_value(row) && !row->without && i + 1 < given->len) {
			strvec_push(ret, word);
			value = given->items[++i];
			strvec_push_take(ret, path ? anchored(value, here) : xstrdup(value));
		} else if (value && path) {
			autofree char *full = anchored(value + 1, here);

			strvec_pushf(ret, "%.*s=%s", (int)(value - word), word, full);
		} else {
			strvec_push(ret, word);
		}
	}
	return ret->len ? try_all(tables, ret, err) : 0;
}
