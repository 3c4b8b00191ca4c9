/* SPDX-License-Identifier: Apache-2.0
 * runs_files: the folder of a run. Everything is reached from the descriptor of <data>/runs, and no link is followed: what lies below
 * artifacts/ was named by a package. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/serve/runs_private.h"
#include "runner/base/file.h"

/* How a package may be called, by what it came as; the first is the usual one. */
static const char *const package_names[] = {
	"package.wpk.yaml", "package.wpk.yml", "package.wpk.tar.gz", "package.tar.gz", "package.tgz", "package.wpk.tar.zst", "package.tar.zst",
	"package.tar.xz", "package.tar.bz2", "package.tar", "package.zip",
};

static const char *const plain_names[] = { "parameters.json", "events.ndjson", "result.json", "stderr.txt" };

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), el = strlen(end);

	return len >= el && !strcmp(s + len - el, end);
}

static const char *package_name(const char *filename)
{
	const size_t stem = strlen("package");

	for (size_t i = 0; filename && i < ARRAY_SIZE(package_names); i++)
		if (ends_with(filename, package_names[i] + stem))
			return package_names[i];
	return package_names[0];
}

int runs_files_open(struct runs *r, struct error *err)
{
	autofree char *path = xasprintf("%s/runs", r->data_dir);

	if (make_dirs(path, 0700, err) < 0)
		return error_prefix(err, "the folder of runs");
	r->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->folder < 0 ? error_sys(err, ERR_UNAVAILABLE, "cannot open '%s'", path) : 0;
}

int runs_files_folder(const struct runs *r, const char *run_id)
{
	return run_id_is_valid(run_id) ? openat(r->folder, run_id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

static int write_file(int folder, const char *name, const void *data, size_t len, struct error *err)
{
	autoclose int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write_all(fd, data, len) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot keep '%s' of the run", name);
	return 0;
}

/* Parameters are texts. */
static json_t *plain_parameters(const json_t *given)
{
	json_t *ret = json_object();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)given, key, value) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		if (json_is_null(value))
			continue;
		if (json_is_string(value))
			strbuf_add(&text, json_string_value(value), json_string_length(value));
		else
			json_write(value, 0, &text);
		json_put(ret, key, json_textn(text.buf, text.len));
	}
	return ret;
}

static int write_parameters(int folder, const json_t *given, struct error *err)
{
	json_auto_t *parameters = plain_parameters(given);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	json_write(parameters, 0, &text);
	return write_file(folder, "parameters.json", text.buf, text.len, err);
}

int runs_files_make(struct runs *r, const char *run_id, const struct run_order *order, char **package, struct error *err)
{
	const char *name = order->package ? package_name(order->filename) : order->source;
	autoclose int folder = -1;

	if (mkdirat(r->folder, run_id, 0700) < 0 || (folder = runs_files_folder(r, run_id)) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a folder for the run");
	if ((order->package && write_file(folder, name, order->package, order->package_len, err) < 0) ||
	    (json_object_size(order->parameters) && write_parameters(folder, order->parameters, err) < 0)) {
		runs_files_remove(r, run_id);
		return -1;
	}
	*package = xstrdup(name);
	return 0;
}

void runs_files_remove(struct runs *r, const char *run_id)
{
	remove_tree_at(r->folder, run_id, NULL);	/* what stays is seen to at the next start */
}

bool runs_files_read(const struct runs *r, const char *run_id, const char *name, size_t max, struct strbuf *out)
{
	autoclose int folder = runs_files_folder(r, run_id);
	autoclose int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return false;
	return file_read_opened(fd, &st, name, out, NULL) == 0;
}

bool runs_files_tail(const struct runs *r, const char *run_id, const char *name, struct strbuf *out)
{
	autoclose int folder = runs_files_folder(r, run_id);
	autoclose int fd = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if ((uint64_t)st.st_size > out->max && lseek(fd, st.st_size - (off_t)out->max, SEEK_SET) < 0)
		return false;
	return file_read_fd(fd, name, out, NULL) == 0;
}

/* The descriptor is the one that was written through: its position is how much. */
void runs_files_keep_said(const struct runs *r, const char *run_id, int said)
{
	autoclose int fd = said;
	off_t len = fd < 0 ? 0 : lseek(fd, 0, SEEK_CUR);
	autoclose int folder = len > 0 ? runs_files_folder(r, run_id) : -1;
	autofree char *text = folder < 0 ? NULL : xmalloc((size_t)len);
	struct error err;

	if (text && pread(fd, text, (size_t)len, 0) == len && write_file(folder, "stderr.txt", text, (size_t)len, &err) < 0)
		message("warning", "run '%s': %s", run_id, err.text);
}

uint64_t runs_files_last_sign(const struct runs *r, const char *run_id)
{
	autoclose int folder = runs_files_folder(r, run_id);
	struct stat st;

	if (folder < 0 || fstatat(folder, "events.ndjson", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * NS_PER_SEC + (uint64_t)st.st_mtim.tv_nsec;
}

/* ---- for readers */

/* Each part of the path on its own: no "..", no link, nothing empty. */
static int open_below(int folder, const char *path)
{
	autoclose int dir = -1;
	int at = folder;

	for (;;) {
		size_t len = strcspn(path, "/");
		autofree char *part = xstrndup(path, len);
		int next;

		if (!len || !strcmp(part, ".") || !strcmp(part, ".."))
			return -1;
		next = openat(at, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (path[len] ? O_DIRECTORY : 0));
		if (next < 0 || !path[len])
			return next;
		if (dir >= 0)
			close(dir);
		at = dir = next;
		path += len + 1;
	}
}

static int open_package(int folder)
{
	for (size_t i = 0; i < ARRAY_SIZE(package_names); i++) {
		int fd = openat(folder, package_names[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0)
			return fd;
	}
	return -1;
}

static bool is_listed(const char *name, const char *const *list, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

int runs_open_file(struct runs *r, const char *run_id, const char *name, uint64_t *ret_bytes)
{
	autoclose int folder = runs_files_folder(r, run_id);
	autoclose int fd = -1;
	struct stat st;

	if (folder < 0)
		return -1;
	if (!strcmp(name, "package"))
		fd = open_package(folder);
	else if (is_listed(name, plain_names, ARRAY_SIZE(plain_names)) || is_listed(name, package_names, ARRAY_SIZE(package_names)) ||
		 !strncmp(name, "artifacts/", strlen("artifacts/")))
		fd = open_below(folder, name);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	if (ret_bytes)
		*ret_bytes = (uint64_t)st.st_size;
	return steal_fd(&fd);
}
