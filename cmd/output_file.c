/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"

static int open_beside(struct output_file *f)
{
	f->fd = open(f->folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	if (f->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -1;
	f->kind = OUTPUT_NAMED;
	f->name = xasprintf("%s/.sandbox_runner-%ld.tmp", f->folder, (long)getpid());
	f->fd = open(f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	return f->fd < 0 ? -1 : 0;
}

int output_file_open(struct output_file *f, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	*f = (struct output_file){ .path = path, .fd = -1 };
	f->folder = !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return error_set(err, ERR_USAGE, "--output: '%s' is a folder; give the name of a file", path);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		f->kind = OUTPUT_SPECIAL;
		f->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else if (open_beside(f) < 0) {
		f->fd = -1;
	}
	if (f->fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", path);
	return 0;
}

void output_file_write(void *file, const char *data, size_t len)
{
	struct output_file *f = file;

	if (!f->failed && write_all(f->fd, data, len) < 0)
		f->failed = errno;
}

/* linkat(2) replaces nothing, so the file gets a name of its own first. */
static int give_name(struct output_file *f)
{
	char self[64];

	f->name = xasprintf("%s/.sandbox_runner-%ld.tmp", f->folder, (long)getpid());
	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, f->name, AT_SYMLINK_FOLLOW);
}

int output_file_commit(struct output_file *f, struct error *err)
{
	errno = f->failed;
	if (f->failed)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", f->path);
	if (f->kind == OUTPUT_SPECIAL)
		return 0;
	if (fsync(f->fd) < 0 || (f->kind == OUTPUT_UNNAMED && give_name(f) < 0) || rename(f->name, f->path) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", f->path);
	free(steal_ptr(&f->name));
	return 0;
}

void output_file_close(struct output_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->name)
		unlink(f->name);
	free(f->name);
	free(f->folder);
	*f = (struct output_file)OUTPUT_FILE_INIT;
}
