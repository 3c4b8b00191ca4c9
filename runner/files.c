/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/mem.h"

#define DEPTH_MAX 64

static int put_entry(struct sandbox *sb, int dirfd, const char *name, const char *dest, unsigned int depth, struct error *err);

static int put_dir(struct sandbox *sb, int fd, const char *dest, const char *except, unsigned int depth, struct error *err)
{
	struct dirent *e;
	DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	int r = 0;

	if (!dir)
		return error_sys(err, ERR_INVALID_INPUT, "cannot read folder '%s'", dest);
	if (depth > DEPTH_MAX)
		r = error_set(err, ERR_INVALID_INPUT, "folder '%s' is nested deeper than %d", dest, DEPTH_MAX);
	while (r == 0 && (e = readdir(dir))) {
		autofree char *below = NULL;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || (except && !strcmp(e->d_name, except)))
			continue;
		below = *dest ? xasprintf("%s/%s", dest, e->d_name) : xstrdup(e->d_name);
		r = put_entry(sb, fd, e->d_name, below, depth, err);
	}
	closedir(dir);
	return r;
}

static int put_link(struct sandbox *sb, int dirfd, const char *name, const char *dest, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);

	if (n < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot read link '%s'", dest);
	target[n] = '\0';
	return sandbox_put(sb, &(struct sandbox_file){ .kind = SANDBOX_SYMLINK, .path = dest, .target = target, .fd = -1 }, err);
}

static int put_open(struct sandbox *sb, int fd, const struct stat *st, const char *dest, const char *except,
		    unsigned int depth, struct error *err)
{
	struct sandbox_file file = { .path = dest, .mode = st->st_mode & 0777, .fd = -1 };

	if (S_ISREG(st->st_mode)) {
		file.kind = SANDBOX_FILE;
		file.fd = fd;
		return sandbox_put(sb, &file, err);
	}
	if (!S_ISDIR(st->st_mode))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is neither file nor folder; leave it out", dest);
	file.kind = SANDBOX_DIR;
	if (*dest && sandbox_put(sb, &file, err) < 0)
		return -1;
	return put_dir(sb, fd, dest, except, depth + 1, err);
}

static int put_entry(struct sandbox *sb, int dirfd, const char *name, const char *dest, unsigned int depth, struct error *err)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return put_link(sb, dirfd, name, dest, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot open '%s'", dest);
	return put_open(sb, fd, &st, dest, /* except= */ NULL, depth, err);
}

int files_put(struct sandbox *sb, const struct run_file *file, struct error *err)
{
	/* what the user names may be a link; what lies below is taken as it is */
	autoclose int fd = open(file->source, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *base = strrchr(file->source, '/');
	autofree char *dest = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot open '%s'", file->source);
	base = base && base[1] ? base + 1 : file->source;
	if (*file->dest || S_ISDIR(st.st_mode))
		dest = xstrdup(file->dest);
	else
		dest = xstrdup(base);
	if (put_open(sb, fd, &st, dest, file->except, 0, err) < 0)
		return error_prefix(err, "adding '%s' to the work folder", file->source);
	return 0;
}
