/* SPDX-License-Identifier: Apache-2.0
 * Places that a step tried to change and cannot. See init_observe.h.
 *
 * Nearly all changes are where a step may write, and need no look: a path below /work, /tmp or /dev/shm leads nowhere else as long as no
 * symbolic link was made there that could. Other paths are opened (O_PATH: nothing happens by that), and their mount says whether it is
 * read-only. When the call would fail for a reason of its own, because the name is there or is not, there is nothing to tell.
 */
#include "sandboxes/init_observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"

/* What a place is to somebody who wants out; the first that is part of the path. */
static const struct {
	const char *part;
	enum sandbox_severity severity;
} places[] = {
	{ "/__pycache__", SANDBOX_LOW },	/* every python tries */
	{ "/proc/sysrq-trigger", SANDBOX_CRITICAL }, { "/proc/sys/kernel/core_pattern", SANDBOX_CRITICAL },
	{ "/proc/sys/kernel/modprobe", SANDBOX_CRITICAL }, { "/proc/sys/kernel/hotplug", SANDBOX_CRITICAL },
	{ "/proc/sys/fs/binfmt_misc", SANDBOX_CRITICAL }, { "/release_agent", SANDBOX_CRITICAL },
	{ "/notify_on_release", SANDBOX_CRITICAL }, { "/uevent_helper", SANDBOX_CRITICAL }, { "/cgroup.procs", SANDBOX_HIGH },
	{ "/proc/sys/", SANDBOX_HIGH }, { "/proc/1/", SANDBOX_HIGH }, { "/sys/", SANDBOX_HIGH },
	{ "/etc/ld.so.preload", SANDBOX_HIGH }, { "/etc/passwd", SANDBOX_HIGH }, { "/etc/shadow", SANDBOX_HIGH },
	{ "/etc/sudoers", SANDBOX_HIGH }, { "/etc/cron", SANDBOX_HIGH }, { "/var/spool/cron", SANDBOX_HIGH },
	{ "/.ssh/", SANDBOX_HIGH }, { "/etc/systemd/", SANDBOX_HIGH }, { "/etc/pam.d/", SANDBOX_HIGH },
};

/* A step's own process: its name, its place in the queue for running out of memory … */
static bool is_process_text(const char *path)
{
	return !strncmp(path, "/proc/", 6) && path[6] >= '0' && path[6] <= '9' && strncmp(path + 6, "1/", 2) != 0 &&
	       !strstr(path, "/mem");
}

static enum sandbox_severity severity_of(const char *path)
{
	if (is_process_text(path))
		return SANDBOX_LOW;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strstr(path, places[i].part))
			return places[i].severity;
	return SANDBOX_MEDIUM;
}

static bool has_dot_dot(const char *path)
{
	for (const char *p = strstr(path, ".."); p; p = strstr(p + 1, ".."))
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

/* By its text alone: below a folder where steps may write. */
static bool is_writable_text(const char *path)
{
	for (const char *const *w = lockdown_writable; *w; w++) {
		size_t len = strlen(*w);

		if (!strncmp(path, *w, len) && (path[len] == '/' || path[len] == '\0'))
			return !has_dot_dot(path + len);
	}
	return false;
}

/* Opening them changes nothing that is anybody's. */
static bool is_device_text(const char *path)
{
	static const char *const devices[] = { "null", "tty", "zero", "full", "ptmx" };

	if (strncmp(path, "/dev/", 5) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (!strcmp(path + 5, devices[i]))
			return true;
	return !strncmp(path + 5, "pts/", 4);
}

/* An open folder or file: is it on a read-only mount? */
static bool is_read_only(int fd)
{
	struct statvfs v;

	return fstatvfs(fd, &v) == 0 && (v.f_flag & ST_RDONLY);
}

static int open_place(const char *path, bool follow)
{
	return open(path, O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
}

/* The folder that `path` is in, which is cut to its last part. */
static int open_parent(char *path, const char **ret_name)
{
	char *slash = strrchr(path, '/');

	while (slash && slash > path && slash[1] == '\0') {	/* "folder/" */
		*slash = '\0';
		slash = strrchr(path, '/');
	}
	if (!slash)
		return -1;
	*ret_name = slash + 1;
	*slash = '\0';
	return open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Where the descriptor leads, and the name below it. */
static void describe(int fd, const char *name, char ret[PATH_MAX])
{
	char link[48];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret, PATH_MAX - 1);
	n = n > 0 ? n : 0;
	if (name)
		snprintf(ret + n, PATH_MAX - (size_t)n, "%s%s", n == 1 ? "" : "/", name);
	else
		ret[n] = '\0';
}

/* Would this change something on a read-only mount? Then `path` becomes what it is really called. */
static bool is_denied(char path[PATH_MAX], enum observe_change change, bool follow)
{
	autoclose int place = open_place(path, follow);
	autoclose int parent = -1;
	const char *name = NULL;
	struct stat st;

	if (place < 0 && (errno != ENOENT || change == CHANGE_REMOVE || change == CHANGE_ATTRIBUTES))
		return false;
	if (place >= 0 && change == CHANGE_CREATE)
		return false;
	if (place >= 0 && (change == CHANGE_OPEN || change == CHANGE_ATTRIBUTES)) {
		if (!is_read_only(place) || fstat(place, &st) < 0)
			return false;
		/* devices, FIFOs and sockets can be written to on a read-only mount; folders cannot be opened to write anyway */
		if (change == CHANGE_OPEN && !S_ISREG(st.st_mode))
			return false;
		describe(place, NULL, path);
		return true;
	}
	parent = open_parent(path, &name);
	if (parent < 0 || !is_read_only(parent))
		return false;
	char text[PATH_MAX];

	describe(parent, name, text);
	memcpy(path, text, sizeof(text));
	return true;
}

void observe_change(struct caller *c, const char *call, enum observe_change change, int dirfd, uint64_t at, bool follow)
{
	char name[PATH_MAX], path[PATH_MAX];

	if (!caller_text(c, at, name, sizeof(name)) || !name[0] || !caller_path(c, dirfd, name, path))
		return;
	if (!c->init->links_lead_out && is_writable_text(path))
		return;
	if (change == CHANGE_OPEN && is_device_text(path))
		return;
	if (!is_denied(path, change, follow))
		return;
	observer_tell(c->init, c, &(struct sandbox_event){
		.kind = SANDBOX_EVENT_WRITE, .severity = severity_of(path), .value = EROFS, .subject = path, .detail = call,
	});
}

void observe_link_text(struct caller *c, uint64_t at)
{
	char text[PATH_MAX];

	if (c->init->links_lead_out || !caller_text(c, at, text, sizeof(text)))
		return;
	c->init->links_lead_out = text[0] == '/' ? !is_writable_text(text) : has_dot_dot(text);
}
