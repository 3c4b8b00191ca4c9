/* SPDX-License-Identifier: Apache-2.0
 * Where the files lie, and whose word counts. */
#include "cmd/config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/mem.h"

const char *config_level_to_string(enum config_level level)
{
	static const char *const names[] = { [CONFIG_SYSTEM] = "system", [CONFIG_USER] = "user", [CONFIG_PROJECT] = "project" };

	return names[level];
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < c->len; i++) {
		free(c->files[i].path);
		free(c->files[i].settings);
		finding_list_release(&c->files[i].findings);
		document_free(c->files[i].doc);
	}
	option_origins_release(&c->origins);
	strvec_release(&c->kept);
	*c = (struct config){ .len = 0 };
}

/* ---- where they lie */

static void add_file(struct config *c, enum config_level level, char *path)
{
	c->files[c->len++] = (struct config_file){ .level = level, .path = path };
}

/* Is there something of that name? What is there but cannot be read is an error later on, never passed over. */
static bool exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static void add_if_there(struct config *c, enum config_level level, char *path)
{
	if (path && exists(path))
		add_file(c, level, path);
	else
		free(path);
}

static char *user_path(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')		/* a relative one is to be ignored */
		return xasprintf("%s/sandbox_runner/config.yaml", xdg);
	return home && *home == '/' ? xasprintf("%s/.config/sandbox_runner/config.yaml", home) : NULL;
}

/* The folder of a package, without links; NULL: it cannot be told, which opening the package will say. */
static char *start_folder(const char *package)
{
	autofree char *folder = NULL;
	struct stat st;
	char *slash;

	if (!package || !strcmp(package, "-") || strstr(package, "://"))
		return realpath(".", NULL);
	if (stat(package, &st) == 0 && S_ISDIR(st.st_mode))
		return realpath(package, NULL);
	folder = xstrdup(package);
	slash = strrchr(folder, '/');
	if (!slash)
		return realpath(".", NULL);
	slash[slash == folder] = '\0';
	return realpath(folder, NULL);
}

/* Upwards until the top of a repository or the home folder; the nearest file counts. Where neither comes, a file further up could be
 * anybody's: then only the package's own folder counts. */
static char *project_path(const char *package)
{
	autofree char *folder = start_folder(package);
	const char *home_variable = getenv("HOME");
	autofree char *home = home_variable ? realpath(home_variable, NULL) : NULL;
	autofree char *found = NULL;
	bool found_first = false, bounded = false;

	for (bool first = true; folder && !bounded; first = false) {
		autofree char *here = xasprintf("%s/" CONFIG_PROJECT_NAME, strcmp(folder, "/") ? folder : "");
		autofree char *git = xasprintf("%s/.git", strcmp(folder, "/") ? folder : "");
		char *slash = strrchr(folder, '/');

		if (!found && exists(here)) {
			found = steal_ptr(&here);
			found_first = first;
		}
		bounded = exists(git) || (home && !strcmp(home, folder));
		if (!slash || !strcmp(folder, "/"))
			break;
		slash[slash == folder] = '\0';
	}
	return bounded || found_first ? steal_ptr(&found) : NULL;
}

int config_find(const char *option, const char *package, struct config *ret, struct error *err)
{
	char *project;

	if (option && !strcmp(option, "none"))
		return 0;
	if (option && !exists(option))
		return error_sys(err, ERR_INVALID_INPUT, "--config: cannot read '%s'", option);
	if (option) {
		add_file(ret, CONFIG_USER, xstrdup(option));
	} else {
		add_if_there(ret, CONFIG_SYSTEM, xstrdup(CONFIG_SYSTEM_PATH));
		add_if_there(ret, CONFIG_USER, user_path());
	}
	project = project_path(package);
	if (project)
		add_file(ret, CONFIG_PROJECT, project);
	return 0;
}

/* ---- a project's file may only tighten */

/* What the files below say about a row. */
static const struct config_setting *setting_below(const struct config *c, size_t file, const struct option_spec *row)
{
	while (file-- > 0)
		for (size_t i = 0; i < c->files[file].len; i++)
			if (c->files[file].settings[i].row == row)
				return &c->files[file].settings[i];
	return NULL;
}

static uint64_t number_of(const struct option_spec *row, const struct config_setting *s)
{
	struct option_spec copy = *row;
	uint64_t n = 0;

	copy.offset = 0;
	option_set(&copy, s->value->text, &n, NULL);
	return n;
}

static void refuse(struct config_file *f, const struct config_setting *s, const char *what)
{
	struct finding *finding = finding_at(&f->findings, FINDING_ERROR, "config/loosens", s->value, NULL, "%s", what);

	finding->suggestion = xstrdup("the configuration of a project may only tighten; what loosens belongs to the command line or to the user's file");
}

static bool number_tightens(const struct config *c, size_t file, const struct config_setting *s, const struct option_spec *row,
			    const void *target, struct strbuf *why)
{
	const struct config_setting *below = setting_below(c, file, s->row);
	uint64_t is = number_of(row, s), held = below ? number_of(row, below) : row->otherwise ? row->otherwise(row, target) : 0;

	if (!held || is <= held)
		return true;
	strbuf_addf(why, "'%s' would loosen '%s', which is ", s->value->text, s->key->text);
	option_number(row, held, why);
	strbuf_addstr(why, " without this file");
	return false;
}

/* `row` is the command's, s->row may be that of another command. */
static bool tightens(const struct config *c, size_t file, const struct config_setting *s, const struct option_spec *row,
		     const void *target, struct strbuf *why)
{
	const struct config_setting *below = setting_below(c, file, s->row);
	const char *than;

	switch (row->trust) {
	case OPTION_HARMLESS:
	case OPTION_MORE:
		return true;
	case OPTION_ON:
	case OPTION_OFF:
		if (s->on == (row->trust == OPTION_ON) || s->on == (below && below->on))
			return true;
		strbuf_addf(why, "'%s: %s' would loosen what holds without this file", s->key->text, s->on ? "true" : "false");
		return false;
	case OPTION_DOWN:
		if (option_is_number(row))
			return number_tightens(c, file, s, row, target, why);
		than = below ? below->value->text : row->usual;
		if (!strcmp(s->value->text, than) || !row->looser(s->value->text, than))
			return true;
		strbuf_addf(why, "'%s' would loosen '%s', which is '%s' without this file", s->value->text, s->key->text, than);
		return false;
	case OPTION_OPERATOR:
		break;
	}
	strbuf_addf(why, "'%s' cannot be set by the configuration of a project", s->key->text);
	return false;
}

/* ---- into the options */

static const struct option_spec *row_of(const struct option_spec *const *tables, const struct option_spec *known)
{
	for (; *tables; tables++)
		for (const struct option_spec *row = *tables; row->name; row++)
			if (row == known || (row->section && !strcmp(row->section, known->section) && !strcmp(row->name, known->name)))
				return row;
	return NULL;
}

/* Paths are meant from where the file lies. */
static const char *value_of(struct config *c, const struct config_file *f, const struct option_spec *row, const struct node *value)
{
	const char *slash = strrchr(f->path, '/');

	if (!option_takes_path(row) || *value->text == '/' || !slash || !strcmp(value->text, "-") || strstr(value->text, "://") ||
	    (strstr(row->value, "NAME|") && !strpbrk(value->text, "./")))
		return value->text;
	strvec_push_take(&c->kept, xasprintf("%.*s%s", (int)(slash - f->path + 1), f->path, value->text));
	return c->kept.items[c->kept.len - 1];
}

static void note_origin(struct config *c, const struct config_file *f, const struct option_spec *row, const struct config_setting *s)
{
	autofree char *place = xasprintf("%s:%u", f->path, (unsigned int)s->key->start.line);

	option_origins_add(&c->origins, row, ORIGIN_FILE, place);
}

static void put_list(struct config *c, const struct config_file *f, const struct option_spec *row, const struct config_setting *s, void *target)
{
	struct strvec *list = (struct strvec *)((char *)target + row->offset), old = *list;

	/* behind what other files said, before what the command line says, which comes last and wins: those are counted by their origins */
	size_t own = 0;

	for (size_t i = 0; i < c->origins.len; i++)
		own += c->origins.items[i].row == row && c->origins.items[i].kind != ORIGIN_FILE;
	*list = (struct strvec)STRVEC_INIT;
	for (size_t i = 0; i < old.len - own; i++)
		strvec_push(list, old.items[i]);
	if (s->value->kind == NODE_SCALAR)
		strvec_push(list, value_of(c, f, row, s->value));
	for (size_t i = 0; s->value->kind == NODE_SEQUENCE && i < s->value->len; i++)
		strvec_push(list, value_of(c, f, row, s->value->items[i]));
	for (size_t i = old.len - own; i < old.len; i++)
		strvec_push(list, old.items[i]);
	strvec_release(&old);
}

static void put(struct config *c, const struct config_file *f, const struct option_spec *row, const struct config_setting *s, void *target)
{
	const struct option_origin *origin = option_origin_of(&c->origins, row);
	bool taken = origin && origin->kind != ORIGIN_FILE;

	if (row->kind == OPTION_LIST) {
		put_list(c, f, row, s, target);
		if (!taken)
			note_origin(c, f, row, s);
		return;
	}
	if (taken)
		return;
	if (row->kind == OPTION_FLAG)
		*(bool *)((char *)target + row->offset) = s->on;
	else
		option_set(row, value_of(c, f, row, s->value), target, NULL);	/* was tried when it was read */
	note_origin(c, f, row, s);
}

static void apply_file(struct config *c, size_t file, const struct option_spec *const *tables, void *target, bool numbers)
{
	struct config_file *f = &c->files[file];

	for (size_t i = 0; i < f->len; i++) {
		const struct config_setting *s = &f->settings[i];
		const struct option_spec *row = row_of(tables, s->row);
		autostrbuf struct strbuf why = STRBUF_INIT(1024);

		/* what this command does not have cannot be compared, but what no project may set is refused by all */
		if (!row && f->level == CONFIG_PROJECT && s->row->trust == OPTION_OPERATOR && numbers == option_is_number(s->row)) {
			tightens(c, file, s, s->row, target, &why);
			refuse(f, s, why.buf);
		}
		if (!row || option_is_number(row) != numbers)
			continue;
		if (f->level == CONFIG_PROJECT && !tightens(c, file, s, row, target, &why))
			refuse(f, s, why.buf);
		else
			put(c, f, row, s, target);
	}
	finding_sort(&f->findings);
}

void config_apply(struct config *c, const struct option_spec *const *tables, void *target)
{
	/* the profile first: it says what a number is without a file */
	for (size_t i = 0; i < c->len; i++)
		apply_file(c, i, tables, target, false);
	for (size_t i = 0; i < c->len; i++)
		apply_file(c, i, tables, target, true);
}
