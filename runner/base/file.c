/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/mem.h"

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_read_fd(int fd, const char *name, struct strbuf *out, struct error *err)
{
	char chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ERR_INVALID_INPUT, "cannot read '%s'", name);
		strbuf_add(out, chunk, (size_t)n);
		if (out->overflow)
			return error_set(err, ERR_INVALID_INPUT, "'%s' is larger than the limit of %zu bytes",
					 name, out->max);
	}
	return 0;
}

static const char *kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" :
	       S_ISSOCK(mode) ? "a socket" : "a device";
}

int file_read(const char *path, struct strbuf *out, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is %s, not a file", path, kind_of(st.st_mode));
	if ((unsigned long long)st.st_size > out->max - out->len)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has %lld bytes, more than the limit of %zu",
				 path, (long long)st.st_size, out->max);
	return file_read_fd(fd, path, out, err);
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct error *err)
{
	autofree char *temp = xasprintf("%s.XXXXXX", path);
	autoclose int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot create '%s'", temp);
	if (fchmod(fd, mode) < 0 || write_all(fd, data, len) < 0 || fsync(fd) < 0 || rename(temp, path) < 0) {
		error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", path);
		unlink(temp);
		return -1;
	}
	return 0;
}

int make_dirs(const char *path, mode_t mode, struct error *err)
{
	autofree char *copy = xstrdup(path);
	struct stat st;

	for (char *p = copy + (*copy == '/'); ; p++) {
		char saved = *p;

		if (saved != '/' && saved != '\0')
			continue;
		*p = '\0';
		if (*copy && mkdir(copy, mode) < 0 && (errno != EEXIST && errno != EISDIR && errno != EROFS))
			return error_sys(err, ERR_UNAVAILABLE, "cannot create folder '%s'", copy);
		*p = saved;
		if (!saved)
			break;
	}
	if (stat(path, &st) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot create folder '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ERR_UNAVAILABLE, "'%s' is in the way: it is no folder", path);
	return 0;
}

static int is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Open a folder below `parent`, first making it readable if it is ours and is not. */
static int open_subdir(int parent, const char *name)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = openat(parent, name, flags);
	return fd;
}

/* Unlink all that is no folder in `dir`; move each sub-folder's content up instead of recursing, so that depth
 * costs neither stack nor descriptors. Returns the number of folders lifted, or -1 with errno. */
static int empty_dir(int fd, unsigned long *serial)
{
	int lifted = 0;
	struct dirent *e;
	DIR *dir = fdopendir(dup(fd));

	if (!dir)
		return -1;
	rewinddir(dir);
	while ((e = readdir(dir))) {
		if (is_dots(e->d_name) || unlinkat(fd, e->d_name, 0) == 0)
			continue;
		if (errno == EACCES) {
			fchmod(fd, 0700);
			if (unlinkat(fd, e->d_name, 0) == 0)
				continue;
		}
		if (unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0)
			continue;
		if (errno == ENOTEMPTY || errno == EEXIST) {
			autoclose int sub = open_subdir(fd, e->d_name);
			DIR *inner = sub >= 0 ? fdopendir(dup(sub)) : NULL;
			struct dirent *f;

			while (inner && (f = readdir(inner))) {
				char name[64];

				if (is_dots(f->d_name) || unlinkat(sub, f->d_name, 0) == 0)
					continue;
				snprintf(name, sizeof(name), ".lifted-%lu", ++*serial);
				fchmod(sub, 0700);
				if (fchmodat(sub, f->d_name, 0700, AT_SYMLINK_NOFOLLOW) < 0) { /* rename decides */ }
				if (renameat(sub, f->d_name, fd, name) == 0)
					lifted++;
			}
			if (inner)
				closedir(inner);
			if (unlinkat(fd, e->d_name, AT_REMOVEDIR) == 0) {
				lifted++;
				continue;
			}
		}
		if (errno != ENOENT) {
			int saved = errno;

			closedir(dir);
			errno = saved;
			return -1;
		}
	}
	closedir(dir);
	return lifted;
}

int remove_tree_at(int dirfd, const char *name, struct error *err)
{
	unsigned long serial = 0;
	autoclose int fd = -1;
	int n;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	fd = open_subdir(dirfd, name);
	if (fd < 0)
		return error_sys(err, ERR_CLEANUP, "cannot open '%s' to remove it", name);
	do {
		n = empty_dir(fd, &serial);
	} while (n > 0);
	if (n < 0)
		return error_sys(err, ERR_CLEANUP, "cannot empty '%s'", name);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return error_sys(err, ERR_CLEANUP, "cannot remove '%s'", name);
	return 0;
}
