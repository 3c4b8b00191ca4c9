/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/report_target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"

#define FORMATS_MAX 16

static int unknown_format(const char *word, struct error *err)
{
	autostrbuf struct strbuf known = STRBUF_INIT(STRBUF_NO_MAX);
	const char *names[FORMATS_MAX];
	const struct report_format *f;
	const char *near;
	size_t n = 0;

	for (; n < FORMATS_MAX && (f = report_at(n)); n++) {
		names[n] = f->name;
		strbuf_addf(&known, "%s%s", n ? ", " : "", f->name);
	}
	near = nearest(word, names, n);
	if (near)
		return error_set(err, ERR_USAGE, "--report: unknown format '%s'; did you mean '%s'? (known: %s)", word, near, known.buf);
	return error_set(err, ERR_USAGE, "--report: unknown format '%s' (known: %s)", word, known.buf);
}

/* Can a file be made there? */
static int check_writable(const char *path, struct error *err)
{
	autofree char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(err, ERR_USAGE, "--report: '%s' is a folder; give the name of a file", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return 0;
	if (slash)
		slash[slash == folder] = '\0';	/* "/x" lies in "/" */
	if (access(slash ? folder : ".", W_OK | X_OK) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "--report: cannot write to folder '%s'", slash ? folder : ".");
	return 0;
}

int report_targets_parse(const struct strvec *options, struct report_targets *ret, struct error *err)
{
	for (size_t i = 0; i < options->len; i++) {
		const char *path = strchr(options->items[i], ':');
		autofree char *name = xstrndup(options->items[i], strcspn(options->items[i], ":"));
		const struct report_format *format = report_find(name);

		if (!format)
			return unknown_format(name, err);
		if (path && !*++path)
			return error_set(err, ERR_USAGE, "--report: the path after '%s:' is missing", name);
		if (path && !strcmp(path, "-"))
			path = NULL;
		if (path && check_writable(path, err) < 0)
			return -1;
		ARRAY_GROW(ret->items, ret->len, ret->alloc);
		ret->items[ret->len++] = (struct report_target){ .format = format, .path = path };
	}
	return 0;
}

void report_targets_release(struct report_targets *t)
{
	free(t->items);
	*t = (struct report_targets){ .items = NULL };
}

size_t report_targets_on_stdout(const struct report_targets *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->len; i++)
		n += !t->items[i].path;
	return n;
}

/* A device or pipe must not be replaced by a file. */
static int write_special(const char *path, const struct strbuf *text, struct error *err)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || write_all(fd, text->buf, text->len) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", path);
	return 0;
}

static int write_file(const char *path, const struct strbuf *text, struct error *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_special(path, text, err);
	return file_write_atomic(path, text->buf, text->len, 0600, err);
}

int report_targets_write(const struct report_targets *t, const struct result *result, struct output *out, int status)
{
	for (size_t i = 0; i < t->len; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct error err = { 0 };

		t->items[i].format->write(result, &text);
		if (!t->items[i].path) {
			output_write(out, text.buf, text.len);
		} else if (write_file(t->items[i].path, &text, &err) < 0) {
			int failed = report_error(&err);

			status = status == EXIT_OK ? failed : status;
		}
	}
	return status;
}
