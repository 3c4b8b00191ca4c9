/* SPDX-License-Identifier: Apache-2.0
 *
 * What the command line says of a run, checked before anything is made. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/run_invocation.h"
#include "cmd/run_invocation_hooks.h"
#include "runner/base/archive.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"

static int require_one(struct invocation *v, const char *name, struct error *err)
{
	const char *names[CONTROL_COUNT + 1];
	enum control_id id;
	const char *near;

	if (!strcmp(name, "all")) {
		v->require_all = true;
		return 0;
	}
	if (control_from_name(name, &id)) {
		v->require[id] = true;
		return 0;
	}
	for (int i = 0; i < CONTROL_COUNT; i++)
		names[i] = control_name((enum control_id)i);
	names[CONTROL_COUNT] = "all";
	near = nearest(name, names, CONTROL_COUNT + 1);
	if (near)
		return error_set(err, ERR_USAGE, "--require: there is no control '%s'; did you mean '%s'?", name, near);
	return error_set(err, ERR_USAGE, "--require: there is no control '%s'; 'sandbox_runner doctor' lists them", name);
}

static int parse_require(struct invocation *v, struct error *err)
{
	for (size_t i = 0; i < v->opt.require.len; i++) {
		autofree char *list = xstrdup(v->opt.require.items[i]);
		char *rest = list, *name;

		while ((name = strsep(&rest, ",")))
			if (require_one(v, name, err) < 0)
				return -1;
	}
	return 0;
}

static int check_dest(const char *dest, struct error *err)
{
	if (*dest == '/')
		return error_set(err, ERR_USAGE, "--files: '%s' must be relative: it lies below the work folder", dest);
	for (const char *p = dest; *p; p += strcspn(p, "/"), p += *p == '/')
		if (strcspn(p, "/") == 2 && !strncmp(p, "..", 2))
			return error_set(err, ERR_USAGE, "--files: '%s' must not hold '..'", dest);
	return 0;
}

/* PATH[:DEST]; a path that exists as it is written wins, colons included. */
static int add_file(struct invocation *v, const char *text, struct error *err)
{
	struct run_file *file = &v->files[v->files_len];
	const char *colon = strrchr(text, ':');

	if (access(text, F_OK) == 0 || !colon) {
		file->source = xstrdup(text);
		file->dest = xstrdup("");
	} else {
		file->source = xstrndup(text, (size_t)(colon - text));
		file->dest = xstrdup(colon + 1);
	}
	v->files_len++;
	if (access(file->source, R_OK) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "--files: cannot read '%s'", file->source);
	return check_dest(file->dest, err);
}

static int parse_files(struct invocation *v, struct error *err)
{
	v->files = xcalloc(v->opt.files.len + 1, sizeof(*v->files));	/* one more for the package's own folder */
	for (size_t i = 0; i < v->opt.files.len; i++)
		if (add_file(v, v->opt.files.items[i], err) < 0)
			return -1;
	return 0;
}

static int check_stdout(const struct invocation *v, struct error *err)
{
	size_t claims = report_targets_on_stdout(&v->reports) + (strcmp(v->opt.format, "text") ? 1 : 0);

	if (claims > 1)
		return error_set(err, ERR_USAGE, "only one thing can be written to standard output; give the report a file: --report=%s:FILE",
				 v->opt.report.items[0]);
	return 0;
}

static int check_rootfs(const struct invocation *v, struct error *err)
{
	const char *path = v->opt.settings.rootfs;
	struct stat st;

	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "--rootfs: cannot read '%s'", path);
	if (!S_ISDIR(st.st_mode) && !archive_is_archive(path))
		return error_set(err, ERR_INVALID_INPUT, "--rootfs: '%s' is neither a folder nor a tar archive", path);
	return 0;
}

int invocation_check(struct invocation *v, struct error *err)
{
	if (parse_require(v, err) < 0 || parse_files(v, err) < 0 || check_rootfs(v, err) < 0 ||
	    report_targets_parse(&v->opt.report, &v->reports, err) < 0 || check_stdout(v, err) < 0 || invocation_hooks_check(v, err) < 0)
		return -1;
	parameters_init(&v->parameters);
	return settings_resolve(&v->opt.settings, !strcmp(v->opt.wpk, "-"), &v->parameters, err);
}
