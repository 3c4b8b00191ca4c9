/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/* Writable, or cancelled while it is not. */
#define SLOW_READER_MS 1000	/* who has not read anything for so long has stopped reading */

static int wait_writable(int fd, int cancel_fd)
{
	struct pollfd fds[2] = {
		{ .fd = fd, .events = POLLOUT },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -1;
	if (!fds[0].revents && poll(fds, 1, SLOW_READER_MS) <= 0) {
		errno = ECANCELED;
		return -1;
	}
	return 0;
}

int write_all_until(int fd, int cancel_fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n;

		/* a pipe that poll() calls writable takes PIPE_BUF bytes without blocking */
		if (wait_writable(fd, cancel_fd) < 0)
			return -1;
		n = write(fd, p, len < PIPE_BUF ? len : PIPE_BUF);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -1;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Up to the end, or until there are `most` bytes. */
static int read_until(int fd, const char *name, size_t most, struct strbuf *out, struct error *err)
{
	char chunk[16384];
	ssize_t n;

	for (size_t done = 0; done < most && (n = read(fd, chunk, sizeof(chunk))) != 0;) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ERR_INVALID_INPUT, "cannot read '%s'", name);
		strbuf_add(out, chunk, (size_t)n);
		if (out->overflow)
			return error_set(err, ERR_INVALID_INPUT, "'%s' is larger than the limit of %zu bytes",
					 name, out->max);
		done += (size_t)n;
	}
	return 0;
}

int file_read_fd(int fd, const char *name, struct strbuf *out, struct error *err)
{
	return read_until(fd, name, SIZE_MAX, out, err);
}

static const char *kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a FIFO" :
	       S_ISSOCK(mode) ? "a socket" : "a device";
}

int file_open(const char *path, struct stat *ret, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int sys = errno;

	/* a socket cannot be opened at all: say what it is rather than "no such device or address" */
	if (fd < 0 ? sys != ENXIO || stat(path, ret) < 0 : fstat(fd, ret) < 0) {
		errno = fd < 0 ? sys : errno;
		return error_sys(err, ERR_INVALID_INPUT, "cannot open '%s'", path);
	}
	if (fd < 0)
		return error_set(err, ERR_INVALID_INPUT, "'%s' is %s, not a file", path, kind_of(ret->st_mode));
	return steal_fd(&fd);
}

int file_read_opened(int fd, const struct stat *st, const char *path, struct strbuf *out, struct error *err)
{
	if (!S_ISREG(st->st_mode))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is %s, not a file", path, kind_of(st->st_mode));
	if ((unsigned long long)st->st_size > out->max - out->len)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has %lld bytes, more than the limit of %zu",
				 path, (long long)st->st_size, out->max);
	/* who has all of a file need not ask for its end; those of the kernel have no size */
	return read_until(fd, path, st->st_size ? (size_t)st->st_size : SIZE_MAX, out, err);
}

int file_read(const char *path, struct strbuf *out, struct error *err)
{
	struct stat st;
	autoclose int fd = file_open(path, &st, err);

	return fd < 0 ? -1 : file_read_opened(fd, &st, path, out, err);
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

/* What a failed make_dirs() had made: `path` from its end up to, but without, its first `keep` bytes. */
static void unmake_dirs(char *path, size_t keep)
{
	for (char *slash = path + strlen(path); slash && (size_t)(slash - path) > keep; slash = strrchr(path, '/')) {
		*slash = '\0';
		rmdir(path);
	}
}

int new_file_open(struct new_file *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	autofree char *folder = !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));

	*f = (struct new_file){ .fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600) };
	if (f->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return f->fd < 0 ? -1 : 0;
	f->temp = xasprintf("%s.XXXXXX", path);
	f->fd = mkostemp(f->temp, O_CLOEXEC);
	if (f->fd < 0)
		free(steal_ptr(&f->temp));
	return f->fd < 0 ? -1 : 0;
}

/* linkat(2) replaces nothing: what is there already takes a name beside, for as long as a rename takes. */
static int give_name(struct new_file *f, const char *path)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", f->fd);
	if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return -1;
	f->temp = xasprintf("%s.%ld.new", path, (long)getpid());
	if (linkat(AT_FDCWD, self, AT_FDCWD, f->temp, AT_SYMLINK_FOLLOW) < 0) {
		free(steal_ptr(&f->temp));
		return -1;
	}
	return rename(f->temp, path);
}

int new_file_commit(struct new_file *f, const char *path)
{
	int r = fsync(f->fd);

	if (r == 0)
		r = f->temp ? rename(f->temp, path) : give_name(f, path);
	if (r == 0)
		free(steal_ptr(&f->temp));
	new_file_discard(f);
	return r;
}

void new_file_discard(struct new_file *f)
{
	int saved = errno;

	if (f->fd >= 0)
		close(f->fd);
	if (f->temp)
		unlink(f->temp);
	free(f->temp);
	*f = (struct new_file){ .fd = -1 };
	errno = saved;
}


int make_dirs(const char *path, mode_t mode, struct error *err)
{
	autofree char *copy = xstrdup(path);
	size_t existing = 0;	/* length of the part that was there before */
	bool made = false;
	int refused = 0;	/* why the last component that had to be made could not be */
	struct stat st;

	for (char *p = copy + (*copy == '/'); ; p++) {
		char saved = *p;

		if (saved != '/' && saved != '\0')
			continue;
		*p = '\0';
		/* EROFS comes before EEXIST on some file systems: only what is there in the end counts */
		refused = *copy && mkdir(copy, mode) < 0 ? errno : 0;
		made |= *copy && !refused;
		if (!made)
			existing = (size_t)(p - copy);
		if (refused && refused != EEXIST && refused != EISDIR && refused != EROFS) {
			error_sys(err, ERR_UNAVAILABLE, "cannot create folder '%s'", copy);
			if (made)
				unmake_dirs(copy, existing);
			return -1;
		}
		*p = saved;
		if (!saved)
			break;
	}
	if (stat(path, &st) < 0) {
		errno = refused == EROFS ? refused : errno;
		return error_sys(err, ERR_UNAVAILABLE, "cannot create folder '%s'", path);
	}
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return error_sys(err, ERR_UNAVAILABLE, "cannot create folder '%s'", path);
	}
	return 0;
}

/* ---- removing trees
 *
 * The tree may be hostile: any depth, any number of files, any names, folders without permissions, somebody still writing in
 * it. So nothing recurses and nothing is remembered per level: a sub-folder that is not empty is *lifted*, that is renamed to
 * `.lifted-<n>` in the top folder, and the top folder is worked off by number until the numbers run out. Every folder is lifted
 * once, so the work is linear, with at most three descriptors open.
 *
 * A name that is taken already is no trouble: everything in the top folder is to be removed, whoever named it. */
struct removal {
	int top;		/* the folder whose content goes */
	unsigned long lifted;	/* names used so far */
	int sys;		/* first refusal: the rest is still removed */
};

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static bool is_absent(int sys)
{
	return sys == ENOENT;
}

static void refuse(struct removal *r, int sys)
{
	if (!r->sys && !is_absent(sys))
		r->sys = sys;
}

/* Open a folder for emptying: never through a link, never into another mount, and with the permissions we need on it. */
static int open_folder(int parent, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	int fd = -1;

	for (int attempt = 0; attempt < 2; attempt++) {
		fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
		if (fd < 0 && (errno == ENOSYS || errno == EPERM))	/* older kernel, or a filter around us */
			fd = openat(parent, name, (int)how.flags);
		if (fd >= 0 || errno != EACCES || fchmodat(parent, name, 0700, AT_SYMLINK_NOFOLLOW) < 0)
			break;
	}
	if (fd >= 0)
		fchmod(fd, 0700);	/* fails where it is not ours; then unlinking says so */
	return fd;
}

/* Move folder `name` of `fd` up. The folder needs to be writable itself, as its ".." changes. */
static int lift(struct removal *r, int fd, const char *name)
{
	char up[32];

	for (;;) {
		snprintf(up, sizeof(up), ".lifted-%lu", r->lifted++);
		if (renameat(fd, name, r->top, up) == 0)
			return 0;
		if (errno == EACCES && fchmodat(fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0 &&
		    renameat(fd, name, r->top, up) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR)
			return -1;
	}
}

static void empty_folder(struct removal *r, int fd);

/* Remove `name` below `fd`, or lift it. In the top folder itself it is emptied where it stands: lifting gains nothing there. */
static void remove_entry(struct removal *r, int fd, const char *name, bool folder)
{
	if (unlinkat(fd, name, folder ? AT_REMOVEDIR : 0) == 0)
		return;
	if ((errno == EISDIR || errno == ENOTDIR) && unlinkat(fd, name, folder ? 0 : AT_REMOVEDIR) == 0)
		return;
	if (errno != ENOTEMPTY && errno != EEXIST)	/* EBUSY: something is mounted on it */
		return refuse(r, errno);
	if (fd != r->top) {
		if (lift(r, fd, name) < 0)
			refuse(r, errno);
		return;
	}
	{
		autoclose int sub = open_folder(fd, name);

		if (sub < 0)
			return refuse(r, errno);
		empty_folder(r, sub);
	}
	if (unlinkat(fd, name, AT_REMOVEDIR) < 0)
		refuse(r, errno);
}

/* One level: recursion ends at the second call, as only folders directly below the top are entered. */
static void empty_folder(struct removal *r, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;

	if (!dir) {
		refuse(r, errno);
		if (copy >= 0)
			close(copy);
		return;
	}
	rewinddir(dir);
	while ((errno = 0, e = readdir(dir)))
		if (!is_dots(e->d_name))
			remove_entry(r, fd, e->d_name, e->d_type == DT_DIR);
	if (errno)
		refuse(r, errno);
	closedir(dir);
}

static void empty_top(struct removal *r)
{
	char up[32];

	empty_folder(r, r->top);
	for (unsigned long n = 0; n < r->lifted; n++) {
		snprintf(up, sizeof(up), ".lifted-%lu", n);
		remove_entry(r, r->top, up, true);
	}
}

/* `name` is one part; `shown` is what the caller calls it. */
static int remove_below(int dirfd, const char *name, const char *shown, struct error *err)
{
	struct removal r = { .top = -1 };
	autoclose int top = -1;

	/* rmdir first: it refuses a mount point, and is all that an empty folder needs */
	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || is_absent(errno))
		return 0;
	if (errno == ENOTDIR && (unlinkat(dirfd, name, 0) == 0 || is_absent(errno)))
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return error_sys(err, ERR_CLEANUP, "cannot remove '%s'", shown);
	top = open_folder(dirfd, name);
	if (top < 0)
		return error_sys(err, ERR_CLEANUP, "cannot open '%s' to remove it", shown);
	r.top = top;
	/* more than once only where somebody writes into the tree meanwhile */
	for (int pass = 0; pass < 8; pass++) {
		r.sys = 0;
		r.lifted = 0;
		empty_top(&r);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || is_absent(errno))
			return 0;
		refuse(&r, errno);
		if (r.sys != ENOTEMPTY && r.sys != EEXIST)
			break;
	}
	errno = r.sys;
	return error_sys(err, ERR_CLEANUP, "cannot remove all of '%s'", shown);
}

int remove_tree_at(int dirfd, const char *name, struct error *err)
{
	const char *slash = strrchr(name, '/');
	autofree char *path = NULL;
	autoclose int parent = -1;

	if (!slash || !slash[1])
		return remove_below(dirfd, name, name, err);
	/* the way there may lead into any mount; only the tree itself must not */
	path = xstrndup(name, slash > name ? (size_t)(slash - name) : 1);
	parent = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return is_absent(errno) ? 0 : error_sys(err, ERR_CLEANUP, "cannot open '%s' to remove '%s'", path, name);
	return remove_below(parent, slash + 1, name, err);
}
