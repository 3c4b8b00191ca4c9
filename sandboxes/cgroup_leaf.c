/* SPDX-License-Identifier: Apache-2.0
 * Version 2 gives limits to the children of a cgroup only while no process is in the cgroup itself. A runner that was given a
 * cgroup of its own (`systemd-run --scope -p Delegate=yes`, a service with Delegate=, a container) sits in it, and so in its own way: it
 * moves to a leaf, hands the controllers down, and takes both back when the last sandbox is gone. Only where the cgroup is ours to divide,
 * and nobody is in it but runners and their reapers. */
#include "sandboxes/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"

#define LEAF "sandbox_runner.self"
#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
static const char *const controllers[] = { "memory", "pids", "cpu", "io" };

static bool write_at(int dirfd, const char *name, const char *text)
{
	autoclose int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool read_at(int dirfd, const char *name, struct strbuf *out)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && file_read_fd(fd, name, out, NULL) == 0;
}

/* The folder, locked against other runners that come or go at the same moment; -1 if it is nothing to divide. */
static int open_ours(const struct cgroup_hierarchy *h, const char *path)
{
	autoclose int fd = open(path, FOLDER);
	struct stat st;
	char mark;

	/* the real root has no type, and may have both */
	if (fd < 0 || fstat(fd, &st) < 0 || faccessat(fd, "cgroup.type", F_OK, 0) < 0)
		return -1;
	/* a user's own folder; root's when somebody said so, or when it is all that a container shows */
	if ((geteuid() == 0 || st.st_uid != geteuid()) && strcmp(path, h->mount) != 0 &&
	    fgetxattr(fd, "trusted.delegate", &mark, 1) != 1 && fgetxattr(fd, "user.delegate", &mark, 1) != 1)
		return -1;
	return flock(fd, LOCK_EX) == 0 ? steal_fd(&fd) : -1;
}

static bool is_runner(long pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/exe", pid);
	return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
	       ours.st_ino == theirs.st_ino;
}

/* Move all of `from` to `to`; not at all when one of them is no runner. */
static bool move_runners(int from, int to)
{
	autostrbuf struct strbuf procs = STRBUF_INIT(1 << 20);
	bool moved = read_at(from, "cgroup.procs", &procs) && procs.len;
	char *end;

	for (char *p = procs.buf; moved && *p; p = end + strspn(end, "\n")) {
		long pid = strtol(p, &end, 10);

		moved = end != p && pid > 0 && is_runner(pid);
	}
	for (char *p = procs.buf; moved && *p; p = end + strspn(end, "\n")) {
		char text[32];

		snprintf(text, sizeof(text), "%ld", strtol(p, &end, 10));
		moved = write_at(to, "cgroup.procs", text) || errno == ESRCH;
	}
	return moved;
}

static void hand_controllers(int dirfd, char sign)
{
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		snprintf(text, sizeof(text), "%c%s", sign, controllers[i]);
		if (!write_at(dirfd, "cgroup.subtree_control", text)) { /* not every one is everywhere */ }
	}
}

bool cgroup_enter_leaf(const struct cgroup_hierarchy *h)
{
	autoclose int own = open_ours(h, h->own);
	autoclose int leaf = -1;

	if (own < 0 || (mkdirat(own, LEAF, 0755) < 0 && errno != EEXIST))
		return false;
	leaf = openat(own, LEAF, FOLDER);
	if (leaf < 0 || !move_runners(own, leaf)) {
		unlinkat(own, LEAF, AT_REMOVEDIR);
		return false;
	}
	hand_controllers(own, '+');
	return true;
}

static bool has_other_children(int dirfd)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	bool others = !dir;

	while (dir && !others && (e = readdir(dir)))
		others = e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, LEAF) != 0;
	if (dir)
		closedir(dir);
	return others;
}

int cgroup_leave_leaf(const char *place, char path[512])
{
	const int len = strrchr(place, '/') ? (int)(strrchr(place, '/') - place) : 0;
	autoclose int own = -1;
	autoclose int leaf = -1;
	autostrbuf struct strbuf procs = STRBUF_INIT(1 << 20);

	if (snprintf(path, 512, "%.*s/" LEAF, len, place) >= 512 || (leaf = open(path, FOLDER)) < 0)
		return 0;
	own = openat(leaf, "..", FOLDER);
	if (own < 0 || flock(own, LOCK_EX) < 0 || has_other_children(own))
		return 0;	/* the last one of us does it */
	hand_controllers(own, '-');
	if (!read_at(leaf, "cgroup.procs", &procs) || (procs.len && !move_runners(leaf, own)))
		return -1;
	return unlinkat(own, LEAF, AT_REMOVEDIR) == 0 ? 1 : -1;
}
