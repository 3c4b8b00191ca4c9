/* SPDX-License-Identifier: Apache-2.0
 * Files for the work folder. Runs in PID 1, with the credentials of a step and below the work folder only: the path is
 * walked folder by folder without following links, so that nothing a step left there leads anywhere else. */
#include "sandboxes/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/sandbox.h"

/* Step into folder `name`, made if missing. Takes over `*dirfd`. */
static int enter(int *dirfd, const char *name)
{
	int fd;

	if (mkdirat(*dirfd, name, 0755) < 0 && errno != EEXIST)
		return -1;
	fd = openat(*dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	close(*dirfd);
	*dirfd = fd;
	return 0;
}

static int copy_all(int from, int to)
{
	char chunk[16384];
	ssize_t n;

	while ((n = sendfile(to, from, NULL, 1 << 30)) > 0) {}
	if (n == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	while ((n = read(from, chunk, sizeof(chunk))) > 0)
		if (write_all(to, chunk, (size_t)n) < 0)
			return -1;
	return (int)n;
}

static int put_file(int dirfd, const char *name, mode_t mode, int from)
{
	autoclose int fd = -1;

	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -1;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || copy_all(from, fd) < 0)
		return -1;
	return fchmod(fd, mode & 0777);
}

int init_put(struct init *init, const struct init_put *put, char *path, const char *target, int from)
{
	autoclose int dirfd = fcntl(init->work_fd, F_DUPFD_CLOEXEC, 3);
	char *name = path;

	if (dirfd < 0)
		return -1;
	for (char *slash = strchr(path, '/'); slash; slash = strchr(name, '/')) {
		*slash = '\0';
		if (*name && strcmp(name, ".") != 0 && enter(&dirfd, name) < 0)
			return -1;
		name = slash + 1;
	}
	if (!*name || !strcmp(name, "."))
		return put->kind == SANDBOX_DIR ? 0 : (errno = EISDIR, -1);
	switch (put->kind) {
	case SANDBOX_DIR:
		return enter(&dirfd, name) < 0 ? -1 : fchmod(dirfd, put->mode & 0777);
	case SANDBOX_SYMLINK:
		init->links_lead_out = true;	/* maybe */
		if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			return -1;
		return symlinkat(target, dirfd, name);
	default:
		return put_file(dirfd, name, put->mode, from);
	}
}
