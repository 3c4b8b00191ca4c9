/* SPDX-License-Identifier: Apache-2.0
 * Where cgroups can be on this host, and removing those of ours. */
#include "sandboxes/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

static const char *const controller_names[CGROUP_CONTROLLERS] = { "memory", "pids", "cpu" };

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len)
		if ((p == list || p[-1] == ',') && (p[len] == ',' || p[len] == '\0' || p[len] == '\n'))
			return true;
	return false;
}

/* Our own path in the hierarchy, from the lines "4:memory:/path" and "0::/path". */
static bool own_path(const char *membership, const struct cgroup_hierarchy *h, char *out, size_t size)
{
	for (const char *line = membership; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char names[128] = "", path[512] = "";
		bool match = h->v2 && !strncmp(line, "0::", 3);

		if (match)
			sscanf(line, "0::%511[^\n]", path);
		else if (h->v2 || sscanf(line, "%*d:%127[^:]:%511[^\n]", names, path) != 2)
			continue;
		for (size_t i = 0; !match && i < CGROUP_CONTROLLERS; i++)
			match = (h->controllers & 1u << i) && has_word(names, controller_names[i]);
		if (match) {
			snprintf(out, size, "%s", path);
			return true;
		}
	}
	return false;
}

/* One line of mountinfo; true if it is a hierarchy of use to us. `root` is the part of it that is mounted. */
static bool parse_mount(const char *line, struct cgroup_hierarchy *h, char root[512])
{
	const char *rest = strstr(line, " - ");
	char type[32], options[256];

	if (!rest || strncmp(rest, " - cgroup", 9) != 0)	/* most are not, and scanning is slow */
		return false;
	memset(h, 0, sizeof(*h));
	if (sscanf(line, "%*d %*d %*s %511s %255s", root, h->mount) != 2 ||
	    sscanf(rest, " - %31s %*s %255s", type, options) != 2)
		return false;
	if (!strcmp(type, "cgroup2")) {
		h->v2 = true;
		return true;
	}
	if (strcmp(type, "cgroup") != 0)
		return false;
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++)
		if (has_word(options, controller_names[i]))
			h->controllers |= 1u << i;
	return h->controllers != 0;
}

size_t cgroup_hierarchies_of(int pid, struct cgroup_hierarchy out[CGROUP_HIERARCHIES])
{
	autostrbuf struct strbuf membership = STRBUF_INIT(64 << 10);
	autostrbuf struct strbuf mounts = STRBUF_INIT(64 << 20);
	char root[512], own[512], who[32], *rest = NULL;
	size_t n = 0;

	snprintf(who, sizeof(who), pid ? "/proc/%d/cgroup" : "/proc/self/cgroup", pid);
	if (file_read("/proc/self/mountinfo", &mounts, NULL) < 0 || file_read(who, &membership, NULL) < 0)
		return 0;
	for (char *line = strtok_r(mounts.buf, "\n", &rest); n < CGROUP_HIERARCHIES && line; line = strtok_r(NULL, "\n", &rest)) {
		struct cgroup_hierarchy *h = &out[n];
		size_t len;

		if (!parse_mount(line, h, root) || !own_path(membership.buf, h, own, sizeof(own)))
			continue;
		len = strcmp(root, "/") == 0 ? 0 : strlen(root);
		/* in a container the mount may show another part of the tree than the one we are in */
		if (strncmp(own, root, len) != 0 || (own[len] != '/' && own[len] != '\0') || strstr(own, "/.."))
			snprintf(h->own, sizeof(h->own), "%s", h->mount);
		else
			snprintf(h->own, sizeof(h->own), "%.200s%s%.300s", h->mount, own[len] == '/' ? "" : "/",
				 own + len);
		for (len = strlen(h->own); len > 1 && h->own[len - 1] == '/'; len--)
			h->own[len - 1] = '\0';
		n++;
	}
	return n;
}

size_t cgroup_hierarchies(struct cgroup_hierarchy out[CGROUP_HIERARCHIES])
{
	return cgroup_hierarchies_of(0, out);
}

void cgroup_adopt(struct cgroup *cg, int pid, const char *name)
{
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES];
	size_t n = cgroup_hierarchies_of(pid, hierarchies);

	cg->len = 0;
	for (size_t i = 0; i < n && cg->len < CGROUP_PLACES; i++) {
		struct cgroup_place *place = &cg->places[cg->len];

		if (!strstr(hierarchies[i].own, name))
			continue;
		*place = (struct cgroup_place){ .v2 = hierarchies[i].v2, .controllers = hierarchies[i].controllers };
		snprintf(place->path, sizeof(place->path), "%s", hierarchies[i].own);
		place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (place->fd < 0)
			continue;
		for (size_t c = 0; place->v2 && c < CGROUP_CONTROLLERS; c++) {
			static const char *const files[CGROUP_CONTROLLERS] = { "memory.max", "pids.max", "cpu.max" };

			if (faccessat(place->fd, files[c], F_OK, 0) == 0)
				place->controllers |= 1u << c;
		}
		cg->len++;
	}
	cgroup_open_counters(cg);
}

bool cgroup_go_up(const struct cgroup_hierarchy *h, char *path)
{
	char *slash;

	if (strlen(path) <= strlen(h->mount))
		return false;
	slash = strrchr(path, '/');
	*slash = '\0';
	return true;
}

void cgroup_find(const char *id, void (*found)(void *arg, const char *path), void *arg)
{
	struct cgroup_hierarchy all[CGROUP_HIERARCHIES];
	size_t n = cgroup_hierarchies(all);
	char path[1024];

	for (size_t i = 0; i < n; i++) {
		char parent[512];

		snprintf(parent, sizeof(parent), "%s", all[i].own);
		do {
			DIR *dir = id ? NULL : opendir(parent);
			struct dirent *e;

			if (id) {
				snprintf(path, sizeof(path), "%s/" CGROUP_PREFIX "%s", parent, id);
				if (access(path, F_OK) == 0)
					found(arg, path);
			}
			while (dir && (e = readdir(dir))) {
				if (strncmp(e->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) != 0)
					continue;
				snprintf(path, sizeof(path), "%s/%s", parent, e->d_name);
				found(arg, path);
			}
			if (dir)
				closedir(dir);
		} while (cgroup_go_up(&all[i], parent));
	}
}

bool cgroup_is_ours(const char *path)
{
	const char *name = strrchr(path, '/');
	struct statfs fs;

	return name && !strncmp(name + 1, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) && !strstr(path, "/../") &&
	       statfs(path, &fs) == 0 &&
	       ((unsigned long)fs.f_type == CGROUP_SUPER_MAGIC || (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC);
}

/* The lock of a folder that went while we waited for it says nothing about the one that is at its path now. */
static bool is_at(int fd, const char *path)
{
	struct stat by_path, by_fd;

	return fstat(fd, &by_fd) == 0 && stat(path, &by_path) == 0 && by_fd.st_ino == by_path.st_ino;
}

int cgroup_make_locked(const char *path)
{
	/* every sweep that comes between mkdir and flock costs a try; each holds the lock only until the folder is gone */
	for (int tries = 0; tries < 64; tries++) {
		autoclose int fd = -1;

		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && flock(fd, LOCK_EX) == 0 && is_at(fd, path))
			return steal_fd(&fd);
	}
	errno = EBUSY;
	return -1;
}

int cgroup_lock_orphan(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	/* what another user made is that user's to sweep */
	if (fd < 0 || fstat(fd, &st) < 0 || (geteuid() != 0 && st.st_uid != geteuid()))
		return -1;
	return flock(fd, LOCK_EX | LOCK_NB) == 0 && is_at(fd, path) ? steal_fd(&fd) : -1;
}

/* A pid read from cgroup.procs may be somebody else's by the time we use it: hold it, and look again. */
static void kill_member(pid_t pid, const char *name)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	autostrbuf struct strbuf membership = STRBUF_INIT(64 << 10);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (pidfd >= 0 && file_read(path, &membership, NULL) == 0 && strstr(membership.buf, name))
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void kill_members(int dirfd, const char *name)
{
	autoclose int fd = openat(dirfd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	autostrbuf struct strbuf procs = STRBUF_INIT(1 << 20);
	autoclose int list = -1;

	if (fd >= 0 && write(fd, "1", 1) == 1)
		return;
	list = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	if (list < 0 || file_read_fd(list, "cgroup.procs", &procs, NULL) < 0)
		return;
	for (char *p = procs.buf; *p;) {
		long pid = strtol(p, &p, 10);

		p += strspn(p, "\n");
		if (pid > 0)
			kill_member((pid_t)pid, name);
		else
			break;
	}
}

int cgroup_remove(const char *path, uint64_t timeout_ns)
{
	const uint64_t deadline = clock_deadline(timeout_ns);
	struct timespec wait = { .tv_nsec = 100000 };

	if (rmdir(path) == 0)
		return 1;
	/* ENODEV: somebody else is just removing it, and it is not gone before it is gone */
	while (errno == EBUSY || errno == ENODEV) {
		autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0)
			kill_members(fd, strrchr(path, '/') + 1);
		nanosleep(&wait, NULL);
		if (wait.tv_nsec < 20000000)
			wait.tv_nsec *= 2;
		if (rmdir(path) == 0)
			return 1;
		if (clock_monotonic_ns() > deadline)
			break;
	}
	return errno == ENOENT ? 0 : -1;
}
