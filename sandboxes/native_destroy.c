/* SPDX-License-Identifier: Apache-2.0
 * Undoing a jail from its ref alone, in whatever process. Nothing is killed by a pid that could be somebody else's by now:
 * the start time in the state file has to fit, checked while a pidfd holds the process. */
#include "sandboxes/native.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"

#define DIE_TIMEOUT_NS (5 * NS_PER_SEC)

char *native_state_path(const struct sandbox_ref *ref)
{
	return xasprintf("%s/%s-%s", ref->endpoint, ref->backend, ref->id);
}

uint64_t native_start_time(pid_t pid)
{
	autostrbuf struct strbuf text = STRBUF_INIT(8192);
	char path[64];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, &text, NULL) < 0)
		return 0;
	p = strrchr(text.buf, ')');	/* field 2 may hold anything; the 22nd is what we want */
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* Our init is the first process of a pid namespace of its own; a state file that names anything else was not written by us. */
static bool is_first_of_namespace(pid_t pid)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	const char *line, *last;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (file_read(path, &text, NULL) < 0)
		return true;	/* it ended just now */
	line = strstr(text.buf, "\nNSpid:");
	if (!line)
		return true;	/* a kernel that does not tell */
	line += 1;
	for (last = line; *line && *line != '\n'; line++)
		if (*line == '\t')
			last = line;
	return strtol(last + 1, NULL, 10) == 1;
}

/* End one init process. Returns whether it is gone, and how we know. */
static bool end_init(pid_t pid, uint64_t start, const char **proof)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info;
	int r;

	*proof = "no process has this pid";
	if (pidfd < 0)
		return errno == ESRCH;
	*proof = "ended before: the pid belongs to another process now";
	if (native_start_time(pid) != start)
		return true;
	syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	do {
		r = poll(&p, 1, (int)(DIE_TIMEOUT_NS / NS_PER_MS));
	} while (r < 0 && errno == EINTR);
	*proof = "still there after SIGKILL";
	if (r <= 0)
		return false;
	/* ours to bury, unless our parent started it */
	*proof = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) == 0 ? "killed and waited for" :
		 "killed; its pidfd reports the end";
	return true;
}

struct undo {
	struct cleanup_list *list;
	struct strvec cgroups;
	bool whole;			/* the state file names all there is */
	bool failed;
};

static void add_cgroup(void *arg, const char *path)
{
	struct undo *u = arg;

	for (size_t i = 0; i < u->cgroups.len; i++)
		if (!strcmp(u->cgroups.items[i], path))
			return;
	strvec_push(&u->cgroups, path);
}

static void undo_init(struct undo *u, pid_t pid, uint64_t start)
{
	const char *proof;
	char name[64];
	bool gone;

	if (native_start_time(pid) == start && !is_first_of_namespace(pid))
		return;
	gone = end_init(pid, start, &proof);
	snprintf(name, sizeof(name), "sandbox init %d", (int)pid);
	cleanup_add(u->list, "process", name, gone, proof);
	/* the kernel lets the first process of a pid namespace end only after all others of it have */
	snprintf(name, sizeof(name), "of init %d", (int)pid);
	cleanup_add(u->list, "pid_namespace", name, gone, gone ? "its first process ended, so all did" : proof);
	cleanup_add(u->list, "mount_namespace", name, gone, gone ? "the last process in it ended" : proof);
	u->failed |= !gone;
}

static void undo_leaf(struct undo *u, const char *place)
{
	char path[512];
	int r = cgroup_leave_leaf(place, path);

	if (r != 0)
		cleanup_add(u->list, "cgroup", path, r > 0, r > 0 ? "runners moved back, removed" : strerror(errno));
	u->failed |= r < 0;
}

/* It ends with the runner. Here it is only made sure, by the same means. */
static void undo_forwarder(struct undo *u, pid_t pid, uint64_t start)
{
	const char *proof;
	bool gone = end_init(pid, start, &proof);
	char name[64];

	snprintf(name, sizeof(name), "network forwarder %d", (int)pid);
	cleanup_add(u->list, "process", name, gone, proof);
	u->failed |= !gone;
}

static void undo_cgroup(struct undo *u, const char *path)
{
	int r;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return;		/* announced, and not made there or removed already */
	if (!cgroup_is_ours(path)) {
		if (access(path, F_OK) < 0 && errno == ENOENT)
			return;		/* a sweep was quicker, just now */
		cleanup_add(u->list, "cgroup", path, false, "not a control group of ours: not touched");
		u->failed = true;
		return;
	}
	r = cgroup_remove(path, DIE_TIMEOUT_NS);
	if (r == 0)
		return;		/* went meanwhile: its own runner, a reaper or another sweep was at it, too */
	cleanup_add(u->list, "cgroup", path, r > 0, r > 0 ? "removed" : strerror(errno));
	u->failed |= r < 0;
}

static bool is_cgroup_of(const char *path, const char *id)
{
	const char *name = strrchr(path, '/') + 1;

	return !strncmp(name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) && !strcmp(name + strlen(CGROUP_PREFIX), id);
}

/* Lines that do not fit the sandbox are somebody else's idea and passed over. */
static void read_state(struct undo *u, char *text, const char *id)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long start;
		int pid;

		if (sscanf(line, "forwarder %d %llu", &pid, &start) == 2 && pid > 1) {
			undo_forwarder(u, pid, start);
		} else if (sscanf(line, "init %d %llu", &pid, &start) == 2 && pid > 1) {
			undo_init(u, pid, start);
		} else if (!strcmp(line, NATIVE_STATE_WHOLE)) {
			u->whole = true;
		} else if (!strncmp(line, "cgroup /", 8) && is_cgroup_of(line + 7, id)) {
			add_cgroup(u, line + 7);
		}
	}
}

int native_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	autofree char *path = native_state_path(ref);
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	struct undo u = { .list = list, .cgroups = STRVEC_INIT };
	struct error why = { .code = ERR_OK };

	if (file_read(path, &text, &why) == 0)
		read_state(&u, text.buf, ref->id);
	else if (why.sys != ENOENT && why.sys != ENOTDIR)
		return error_set(err, ERR_CLEANUP, "%s", why.text);
	if (!u.whole)
		cgroup_find(ref->id, add_cgroup, &u);
	for (size_t i = 0; i < u.cgroups.len; i++)
		undo_cgroup(&u, u.cgroups.items[i]);
	for (size_t i = 0; i < u.cgroups.len; i++)
		undo_leaf(&u, u.cgroups.items[i]);	/* also when the place went before */
	strvec_release(&u.cgroups);
	if (u.failed)
		return error_set(err, ERR_CLEANUP, "something of it is still there");
	/* last: it says what else there is */
	if (unlink(path) == 0) {
		cleanup_add(list, "state_file", path, true, "unlinked");
	} else if (errno == ENOENT || errno == ENOTDIR) {
		cleanup_add(list, "state_file", path, true, "ENOENT");
	} else {
		cleanup_add(list, "state_file", path, false, strerror(errno));
		return error_sys(err, ERR_CLEANUP, "cannot remove '%s'", path);
	}
	return 0;
}

static void sweep_one(void *arg, const char *path)
{
	autoclose int lock = cgroup_lock_orphan(path);

	if (lock < 0)
		return;
	undo_cgroup(arg, path);
	undo_leaf(arg, path);
}

int native_sweep(struct cleanup_list *list, struct error *err)
{
	struct undo u = { .list = list };

	cgroup_find(NULL, sweep_one, &u);
	return u.failed ? error_set(err, ERR_CLEANUP, "a control group of a dead run cannot be removed") : 0;
}
