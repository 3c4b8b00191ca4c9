/* SPDX-License-Identifier: Apache-2.0
 * config: what the configuration files say: `show` prints every setting with its value and who set it, `check` what is wrong in a file. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/printable.h"

struct config_options {
	struct common_options common;
	const char *format;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct config_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

/* ---- show */

struct shown {
	const struct config_options *opt;
	struct strbuf text;
	json_t *settings;	/* NULL: as text */
	struct strvec names;	/* that were told already: of a row that two commands have, the first counts */
};

static bool is_told(struct shown *s, const char *name)
{
	for (size_t i = 0; i < s->names.len; i++)
		if (!strcmp(s->names.items[i], name))
			return true;
	strvec_push(&s->names, name);
	return false;
}

static void tell(struct shown *s, const char *name, const char *value, const char *origin, const char *place)
{
	if (s->settings) {
		json_t *o = json_object();

		json_put_text(o, "key", name);
		json_put_text(o, "value", value);
		json_put_text(o, "origin", origin);
		json_put_text(o, "place", place);
		json_push(s->settings, o);
		return;
	}
	strbuf_addf(&s->text, "%-26s ", name);
	strbuf_addf(&s->text, "%-*s", value && *value ? 0 : 18, value && *value ? "" : "-");
	if (value && *value) {
		size_t columns = printable_add_cut(&s->text, value, strlen(value), 200);

		strbuf_addf(&s->text, "%*s", columns < 18 ? (int)(18 - columns) : 0, "");
	}
	strbuf_addf(&s->text, " %s", origin);
	if (place) {
		strbuf_addch(&s->text, ' ');
		printable_addstr(&s->text, place);
	}
	strbuf_addch(&s->text, '\n');
}

static void tell_row(struct shown *s, const struct option_spec *row, const void *target, const struct config *config)
{
	static const char *const kinds[] = { [ORIGIN_FILE] = "file", [ORIGIN_ENVIRONMENT] = "environment", [ORIGIN_FLAG] = "flag" };
	const struct option_origin *origin = option_origin_of(&config->origins, row);
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf value = STRBUF_INIT(STRBUF_NO_MAX);

	config_row_name(row, &name);
	if (is_told(s, name.buf))
		return;
	option_value(row, target, &value);
	if (origin) {
		autostrbuf struct strbuf places = STRBUF_INIT(STRBUF_NO_MAX);

		/* lists add up */
		for (size_t i = 0; row->kind == OPTION_LIST && i < config->origins.len; i++)
			if (config->origins.items[i].row == row)
				strbuf_addf(&places, "%s%s", places.len ? ", " : "", config->origins.items[i].place);
		tell(s, name.buf, value.buf, kinds[origin->kind], places.len ? places.buf : origin->place);
	} else if (row->otherwise) {
		uint64_t n = row->otherwise(row, target);

		strbuf_clear(&value);
		if (n)
			option_number(row, n, &value);
		tell(s, name.buf, n ? value.buf : NULL, "profile", NULL);
	} else {
		tell(s, name.buf, value.len ? value.buf : NULL, "default", NULL);
	}
}

static void tell_command(struct shown *s, const struct command *c, const void *target, const struct config *config)
{
	const struct option_spec *tables[COMMAND_TABLES];

	command_tables(c, tables);
	for (const struct option_spec *const *t = tables; *t; t++)
		for (const struct option_spec *row = *t; row->name; row++)
			if (row->section)
				tell_row(s, row, target, config);
}

static void tell_fixed(struct shown *s)
{
	const char *section, *key, *value;

	for (size_t i = 0; config_fixed_at(i, &section, &key, &value); i++) {
		autofree char *name = xasprintf("%s.%s", section, key);

		if (value && !is_told(s, name))
			tell(s, name, value, "always", NULL);
	}
}

static void release_lists(const struct command *c, void *target)
{
	const struct option_spec *tables[COMMAND_TABLES];

	command_tables(c, tables);
	for (const struct option_spec *const *t = tables; *t; t++)
		for (const struct option_spec *row = *t; row->name; row++)
			if (row->kind == OPTION_LIST)
				strvec_release((struct strvec *)((char *)target + row->offset));
}

/* The package that decides whose project it is: --wpk, or the first operand. */
static const char *package_of(const struct command *c, const void *target, const struct strvec *operands)
{
	const struct option_spec *tables[COMMAND_TABLES], *row;
	const char *value = NULL;

	command_tables(c, tables);
	row = option_find(tables, "--wpk");
	if (row && row->kind == OPTION_TEXT)
		value = *(const char *const *)((const char *)target + row->offset);
	else if (row && ((const struct strvec *)((const char *)target + row->offset))->len)
		value = ((const struct strvec *)((const char *)target + row->offset))->items[0];
	return value ? value : operands->len ? operands->items[0] : NULL;
}

/* As if `c` were called with these words. -1, or the exit status. */
static int show_command(struct shown *s, const struct command *c, int argc, char **argv, json_t *files)
{
	autostrvec struct strvec operands = STRVEC_INIT;
	autofree void *target = xmalloc(c->defaults_size);
	struct config config = { .len = 0 };
	int status;

	memcpy(target, c->defaults, c->defaults_size);
	status = command_begin_configured(c, argc, argv, target, &operands, &config);
	if (status < 0)
		status = command_configure(c, package_of(c, target, &operands), target, &config);
	if (status < 0)
		tell_command(s, c, target, &config);
	for (size_t i = 0; status < 0 && files && i < config.len; i++) {
		json_t *o = json_object();

		json_put_text(o, "level", config_level_to_string(config.files[i].level));
		json_put_text(o, "path", config.files[i].path);
		json_push(files, o);
	}
	release_lists(c, target);
	config_release(&config);
	return status;
}

static int show(const struct config_options *opt, const struct strvec *words)
{
	struct shown s = { .opt = opt, .text = STRBUF_INIT(STRBUF_NO_MAX), .settings = strcmp(opt->format, "json") ? NULL : json_array() };
	json_t *files = json_array();
	autostrvec struct strvec argv = STRVEC_INIT;
	int own, status;

	strvec_pushf(&argv, "--config=%s", opt->common.config ? opt->common.config : "");
	own = opt->common.config ? 0 : 1;
	for (size_t i = 1; i < words->len; i++)
		strvec_push(&argv, words->items[i]);
	status = show_command(&s, &command_run, (int)argv.len - own, argv.items + own, files);
	if (status < 0)		/* and what only scan has; the words were for run */
		status = show_command(&s, &command_scan, 1 - own, argv.items + own, NULL);
	if (status < 0) {
		tell_fixed(&s);
		if (s.settings) {
			json_auto_t *all = json_object();

			json_put(all, "files", json_incref(files));
			json_put(all, "settings", json_incref(s.settings));
			json_write(all, 2, &s.text);
			strbuf_addch(&s.text, '\n');
		}
		status = print_result(&s.text, EXIT_OK);
	}
	json_decref(files);
	json_decref(s.settings);
	strvec_release(&s.names);
	strbuf_release(&s.text);
	return status;
}

/* ---- check */

static enum config_level level_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, CONFIG_PROJECT_NAME) ? CONFIG_USER : CONFIG_PROJECT;
}

/* A project's file is also compared with what holds without it: for run, and for what only scan has. */
static void compare(struct config *config, const struct command *c)
{
	const struct option_spec *tables[COMMAND_TABLES];
	autofree void *target = xmalloc(c->defaults_size);

	memcpy(target, c->defaults, c->defaults_size);
	command_tables(c, tables);
	config_apply(config, tables, target);
	release_lists(c, target);
}

static size_t check_file(const struct config_options *opt, const char *path, json_t *list, struct strbuf *text)
{
	const struct option_spec *known[COMMAND_KNOWN_TABLES];
	struct config config = { .len = 0 };
	struct config_file *f;
	struct error err;
	size_t errors;

	command_known_tables(known);
	/* with what lies below a project's file; their own faults are not asked for */
	if (level_of(path) == CONFIG_PROJECT && config_find(NULL, path, &config, &err) == 0)
		while (config.len && config.files[config.len - 1].level == CONFIG_PROJECT)
			free(config.files[--config.len].path);
	f = &config.files[config.len++];
	*f = (struct config_file){ .level = level_of(path), .path = xstrdup(path) };
	for (size_t i = 0; i < config.len; i++)
		config_read(&config.files[i], known);
	if (f->level == CONFIG_PROJECT && !finding_count(&f->findings, FINDING_ERROR)) {
		compare(&config, &command_run);
		if (!finding_count(&f->findings, FINDING_ERROR))
			compare(&config, &command_scan);
	}
	errors = finding_count(&f->findings, FINDING_ERROR);
	for (size_t i = 0; i < f->findings.len; i++) {
		if (list)
			json_push(list, finding_to_json(&f->findings.items[i], f->path));
		else
			finding_print(&f->findings.items[i], f->path, f->doc, use_color(&opt->common, STDOUT_FILENO), text);
	}
	if (!errors && !list && !opt->common.quiet) {
		printable_addstr(text, path);
		strbuf_addf(text, ": good (%zu setting%s)\n", f->len, f->len == 1 ? "" : "s");
	}
	config_release(&config);
	return errors;
}

static int check(const struct command *self, const struct config_options *opt, const struct strvec *words)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *list = strcmp(opt->format, "json") ? NULL : json_array();
	size_t errors = 0;

	if (words->len < 2)
		return command_usage_error(self, "'config check' needs a file");
	for (size_t i = 1; i < words->len; i++)
		errors += check_file(opt, words->items[i], list, &text);
	if (list) {
		json_auto_t *all = json_object();

		json_put_bool(all, "valid", errors == 0);
		json_put(all, "findings", list);
		json_write(all, 2, &text);
		strbuf_addch(&text, '\n');
	}
	return print_result(&text, errors ? EXIT_INVALID : EXIT_OK);
}

static int config_main(const struct command *self, int argc, char **argv)
{
	static const char *const verbs[] = { "show", "check" };
	struct config_options opt = { .format = "text" };
	autostrvec struct strvec words = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &words);
	const char *near;

	if (status >= 0)
		return status;
	if (!words.len)
		return command_usage_error(self, "'config' wants to know what to do: show or check FILE");
	if (!strcmp(words.items[0], "show"))
		return show(&opt, &words);
	if (!strcmp(words.items[0], "check"))
		return check(self, &opt, &words);
	near = nearest(words.items[0], verbs, ARRAY_SIZE(verbs));
	if (near)
		return command_usage_error(self, "'config' knows no '%s'; did you mean '%s'?", words.items[0], near);
	return command_usage_error(self, "'config' knows no '%s'; it knows show and check", words.items[0]);
}

const struct command command_config = {
	.name = "config",
	.summary = "Show what is set and by whom, or check a configuration file",
	.usage = "config show [--format=json] [-- RUN OPTIONS] | config check FILE...",
	.examples = "  sandbox_runner config show\n"
		    "  sandbox_runner config show -- --wpk=ops/restart.wpk.yaml --memory=1Gi\n"
		    "  sandbox_runner config check .sandbox_runner.yaml\n",
	.options = options,
	.configured = true,
	.without = COMMAND_NO_STATE,
	.main = config_main,
};
