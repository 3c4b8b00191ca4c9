/* SPDX-License-Identifier: Apache-2.0
 * The backends runc, crun and runsc. Theory of operation:
 *
 *	state file > cgroups > child: joins, namespace, bundle, becomes `RUNTIME run --detach` > first process says hello
 *	> state file: init > is it in the cgroups? > SETUP > ready
 *
 * A detached runtime is gone when the sandbox runs: what is left are the first process and its cgroups, which are in
 * the state file, and the end of the stream ends the first. So destroying is the same as for the built-in jail, asks
 * no runtime, and needs none.
 */
#include "sandboxes/oci.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "sandboxes/exec_watch.h"
#include "sandboxes/identity.h"
#include "sandboxes/native.h"

#define START_TIMEOUT_NS (60 * NS_PER_SEC)
#define DIE_TIMEOUT_MS 10000
#define ERRORS_MAX 8192

static const char *const nothing[] = { NULL }, *const detached[] = { "--detach", NULL };
static const char *const crun_global[] = { "--cgroup-manager=disabled", NULL };
static const char *const runsc_global[] = { "--ignore-cgroups", "--network=none", "--platform=ptrace", NULL };

static const struct oci_runtime runtimes[] = {
	{ .name = "runc", .backend = &sandbox_backend_runc, .global = nothing, .run = detached, .manages_cgroups = true },
	{ .name = "crun", .backend = &sandbox_backend_crun, .global = crun_global, .run = detached, .own_processes = 1 },
	{ .name = "runsc", .backend = &sandbox_backend_runsc, .global = runsc_global, .run = detached, .own_kernel = true,
	  .own_processes = 256 },
};

struct oci {
	struct sandbox base;
	const struct oci_runtime *runtime;
	struct guest guest;
	int pidfd;			/* of the first process */
	pid_t pid;
	int work_fd, tmp_fd;		/* to see how full they are; -1: unknown */
	int devices_fd;			/* folder of the device cgroup, locked; -1: none */
	struct cgroup cgroup;
};

static const struct oci_runtime *runtime_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
		if (!strcmp(runtimes[i].name, name))
			return &runtimes[i];
	return NULL;
}

/* ---- what this host has */

/* Absolute path of a program; the caller frees. */
static char *find_program(const char *name)
{
	static const char usual[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	const char *const lists[] = { usual, getenv("PATH") };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *p = lists[i]; p && *p; p += strspn(p, ":")) {
			size_t len = strcspn(p, ":");
			autofree char *path = xasprintf("%.*s/%s", (int)len, p, name);

			if (*p == '/' && access(path, X_OK) == 0)
				return steal_ptr(&path);
			p += len;
		}
	}
	return NULL;
}

static bool can_make_namespaces(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
	return pid > 0 && status == 0;
}

static bool probe(const char *name, char *reason, size_t size)
{
	const struct oci_runtime *runtime = runtime_of(name);
	autofree char *program = find_program(name);

	if (!program) {
		snprintf(reason, size, "there is no program '%s': install the package of that name", name);
		return false;
	}
	if (runtime->own_kernel && geteuid() != 0) {
		snprintf(reason, size, "'%s' needs root here", name);
		return false;
	}
	if (!runtime->own_kernel && !can_make_namespaces()) {
		snprintf(reason, size, "%s", native_user_namespace_obstacle());
		return false;
	}
	return true;
}

/* ---- cgroups */

static void announce(void *arg, const char *path)
{
	autofree char *line = xasprintf("cgroup %s\n", path);

	if (write_all(*(int *)arg, line, strlen(line)) < 0) { /* cgroup_find() looks in the same places */ }
}

/* Where version 1 rules, runc wants a folder for the devices, too, in a hierarchy that is of no use to us otherwise:
 * where such folders are made. False: there is no such hierarchy. */
static bool devices_parent(char parent[800])
{
	autostrbuf struct strbuf mounts = STRBUF_INIT(8 << 20), membership = STRBUF_INIT(64 << 10);
	char point[256], own[512] = "";
	const char *line;

	if (file_read("/proc/self/mountinfo", &mounts, NULL) < 0 || file_read("/proc/self/cgroup", &membership, NULL) < 0 ||
	    !(line = strstr(membership.buf, ":devices:")) || sscanf(line, ":devices:%511[^\n]", own) != 1)
		return false;
	for (line = mounts.buf; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t len = strcspn(line, "\n");
		const char *type = memmem(line, len, " - cgroup ", 10);

		if (!type || !memmem(type, len - (size_t)(type - line), "devices", 7) ||
		    sscanf(line, "%*d %*d %*s %*s %255s", point) != 1)
			continue;
		snprintf(parent, 800, "%s%s", point, strcmp(own, "/") != 0 ? own : "");
		return true;
	}
	return false;
}

/* Announced, made and locked before runc finds it, as cgroup.c does with the others. */
static int make_devices(const char *id, int state_fd)
{
	char parent[800], path[1024];

	if (!devices_parent(parent) || access(parent, W_OK) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/" CGROUP_PREFIX "%s", parent, id);
	announce(&state_fd, path);
	return cgroup_make_locked(path);
}

static int sweep_devices(struct cleanup_list *list, struct error *err)
{
	char parent[800], path[1100];
	DIR *dir = devices_parent(parent) ? opendir(parent) : NULL;
	struct dirent *e;
	bool failed = false;

	while (dir && (e = readdir(dir))) {
		autoclose int lock = -1;
		int r;

		snprintf(path, sizeof(path), "%s/%s", parent, e->d_name);
		if (strncmp(e->d_name, CGROUP_PREFIX, strlen(CGROUP_PREFIX)) != 0 || !cgroup_is_ours(path) ||
		    (lock = cgroup_lock_orphan(path)) < 0)
			continue;
		r = cgroup_remove(path, DIE_TIMEOUT_MS * NS_PER_MS);
		if (r != 0)
			cleanup_add(list, "cgroup", path, r > 0, r > 0 ? "removed" : strerror(errno));
		failed |= r < 0;
	}
	if (dir)
		closedir(dir);
	return failed ? error_set(err, ERR_CLEANUP, "a control group of a dead run cannot be removed") : 0;
}

/* For the runtime: relative to where the runner is where that is where ours are (version 1), from the top otherwise.
 * NULL: none. */
static char *cgroups_path(const struct cgroup *cg, const char *id)
{
	struct cgroup_hierarchy all[CGROUP_HIERARCHIES];
	size_t n = cgroup_hierarchies(all);

	for (size_t i = 0; i < cg->len; i++)
		if (!cg->places[i].v2)
			return xasprintf(CGROUP_PREFIX "%s", id);
	for (size_t i = 0; cg->len && i < n; i++) {
		size_t len = strlen(all[i].mount);

		if (all[i].v2 && !strncmp(cg->places[0].path, all[i].mount, len))
			return xstrdup(cg->places[0].path + len);
	}
	return NULL;
}

/* What the runtime is started inside of: all of it where it does not care itself, otherwise what counts nothing
 * (version 2 beside version 1, which still can kill). */
static size_t open_joins(const struct cgroup *cg, bool all, int joins[CGROUP_PLACES])
{
	size_t n = 0;

	for (size_t i = 0; i < cg->len; i++) {
		const struct cgroup_place *place = &cg->places[i];

		if ((all || (place->v2 && !place->controllers)) &&
		    (joins[n] = openat(place->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC)) >= 0)
			n++;
	}
	return n;
}

static bool is_member(const struct cgroup_place *place, pid_t pid)
{
	autostrbuf struct strbuf procs = STRBUF_INIT(1 << 20);
	autoclose int fd = openat(place->fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || file_read_fd(fd, "cgroup.procs", &procs, NULL) < 0)
		return false;
	for (char *p = procs.buf; *p; p += strspn(p, "\n"))
		if (strtol(p, &p, 10) == pid)
			return true;
	return false;
}

/* Whatever the runtime did: the first process, still alone and waiting, is where our limits are, or it is said that
 * it is not. */
static bool is_inside(const struct cgroup *cg, pid_t pid)
{
	bool inside = true;

	for (size_t i = 0; i < cg->len; i++) {
		if (!is_member(&cg->places[i], pid)) {
			autoclose int fd = openat(cg->places[i].fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

			bool moved = fd >= 0 && dprintf(fd, "%d", (int)pid) > 0 && is_member(&cg->places[i], pid);

			if (!moved && cg->places[i].controllers)
				inside = false;
		}
	}
	return inside;
}

/* ---- starting */

struct attempt {
	struct oci *o;
	const struct sandbox_spec *spec;
	const char *name;
	pid_t pid;			/* of the runtime */
	int pidfd;
	int errors;			/* what it says */
	struct strbuf said;
	int state_fd;
	uint64_t deadline_ns;
};

static int start_runtime(struct attempt *a, struct oci_stage *stage, struct error *err)
{
	int socks[2], pipe[2], on = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a socket pair");
	a->o->guest.transport = (struct guest_transport){ .to_fd = socks[0], .from_fd = socks[0] };
	stage->stream = socks[1];
	if (setsockopt(socks[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 || pipe2(pipe, O_CLOEXEC) < 0) {
		close(socks[1]);
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	}
	fcntl(pipe[0], F_SETFL, O_NONBLOCK);
	a->errors = pipe[0];
	stage->errors = pipe[1];
	stage->parent = getpid();
	a->pid = fork();
	if (a->pid == 0)
		oci_stage_main(stage);
	close(socks[1]);
	close(pipe[1]);
	if (a->pid < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start a process");
	a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
	return a->pidfd < 0 ? error_sys(err, ERR_UNAVAILABLE, "cannot watch '%s'", a->name) : 0;
}

static void keep_errors(struct attempt *a)
{
	char chunk[1024];
	ssize_t n;

	while ((n = read(a->errors, chunk, sizeof(chunk))) > 0)
		strbuf_add(&a->said, chunk, (size_t)n);
}

/* With the last line it said. */
static int runtime_failed(struct attempt *a, const char *what, struct error *err)
{
	const char *line;

	keep_errors(a);
	while (a->said.len && (a->said.buf[a->said.len - 1] == '\n' || a->said.buf[a->said.len - 1] == ' '))
		a->said.buf[--a->said.len] = '\0';
	line = strrchr(a->said.buf, '\n');
	line = line ? line + 1 : a->said.buf;
	return error_set(err, ERR_UNAVAILABLE, "'%s' %s%s%.600s", a->name, what, *line ? ": " : "", line);
}

/* Who wrote what waits on the socket, by the kernel's word. */
static pid_t sender(int sock)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} space;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf) };
	struct ucred who = { 0 };

	if (recvmsg(sock, &msg, MSG_PEEK | MSG_CMSG_CLOEXEC) <= 0)
		return 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(c), sizeof(who));
	return who.pid;
}

/* Until the runtime has gone and the first process is there. */
static int await_hello(struct attempt *a, struct error *err)
{
	const int sock = a->o->guest.transport.from_fd;
	bool gone = false;
	int status = 0;

	while (!gone || !a->o->pid) {
		struct pollfd p[] = {
			{ .fd = a->o->pid ? -1 : sock, .events = POLLIN }, { .fd = gone ? -1 : a->pidfd, .events = POLLIN },
			{ .fd = gone ? -1 : a->errors, .events = POLLIN },
		};

		if (clock_monotonic_ns() > a->deadline_ns)
			return runtime_failed(a, "did not start the sandbox in time", err);
		if (poll(p, ARRAY_SIZE(p), 500) < 0)
			continue;
		if (a->spec->progress && !a->spec->progress(a->spec->progress_arg, NULL))
			return error_set(err, ERR_CANCELLED, "cancelled");
		if (p[2].revents)
			keep_errors(a);
		if (p[0].revents && !(a->o->pid = sender(sock)))
			return runtime_failed(a, "failed", err);
		if (p[1].revents) {
			gone = waitpid(a->pid, &status, 0) == a->pid;
			a->pid = 0;
			if (gone && status != 0)
				return runtime_failed(a, "failed", err);
		}
	}
	return 0;
}

static void give_up(struct attempt *a)
{
	if (a->pid > 0) {
		kill(a->pid, SIGKILL);
		while (waitpid(a->pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	if (a->pidfd >= 0)
		close(a->pidfd);
	if (a->errors >= 0)
		close(a->errors);
	strbuf_release(&a->said);
}

static int record_init(struct attempt *a, struct error *err)
{
	struct oci *o = a->o;
	autofree char *line = NULL;
	char path[64];

	o->pidfd = (int)syscall(SYS_pidfd_open, o->pid, 0);
	if (o->pidfd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot watch the sandbox's first process");
	line = xasprintf("init %d %llu\n", (int)o->pid, (unsigned long long)native_start_time(o->pid));
	if (write_all(a->state_fd, line, strlen(line)) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write the state file");
	/* before anything of a step's is there */
	if (!o->runtime->own_kernel) {
		snprintf(path, sizeof(path), "/proc/%d/root" SANDBOX_WORKDIR, (int)o->pid);
		o->work_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/%d/root/tmp", (int)o->pid);
		o->tmp_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return 0;
}

/* ---- watching */

static void kill_first(void *arg)
{
	struct oci *o = arg;

	if (o->pidfd < 0)
		return;
	syscall(SYS_pidfd_send_signal, o->pidfd, SIGKILL, NULL, 0);
	poll(&(struct pollfd){ .fd = o->pidfd, .events = POLLIN }, 1, DIE_TIMEOUT_MS);
}

static void usage(struct sandbox *sb, struct sandbox_usage *ret)
{
	const struct oci *o = (const struct oci *)sb;

	native_usage_of(&o->cgroup, o->work_fd, o->tmp_fd, ret);
}

/* ---- creating */

static void close_oci(struct sandbox *sb)
{
	struct oci *o = (struct oci *)sb;
	const int fds[] = { o->pidfd, o->work_fd, o->tmp_fd, o->devices_fd };

	guest_close(&o->guest);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cgroup_close(&o->cgroup);
	free(o);
}

static struct lockdown_limits step_limits(const struct sandbox_limits *l, const struct cgroup_state *states)
{
	struct lockdown_limits r = {
		.nofile = l->nofile, .fsize = l->fsize_bytes, .cpu_seconds = (l->cpu_time_ns + NS_PER_SEC - 1) / NS_PER_SEC,
	};

	/* something, where there is no cgroup for it */
	if (l->memory_bytes && !states[CGROUP_MEMORY].held)
		r.data = l->memory_bytes;
	if (l->pids && !states[CGROUP_PIDS].held)
		r.nproc = l->pids + 1;
	return r;
}

static struct oci *new_oci(const struct sandbox_ref *ref, const struct sandbox_spec *spec, const struct cgroup *cg,
			   const struct cgroup_state *states)
{
	struct oci *o = xcalloc(1, sizeof(*o));

	o->runtime = runtime_of(ref->backend);
	o->base.backend = o->runtime->backend;
	o->base.ref = *ref;
	o->pidfd = o->work_fd = o->tmp_fd = o->devices_fd = -1;
	o->cgroup = *cg;
	o->guest = (struct guest){
		.transport = { .to_fd = -1, .from_fd = -1 },
		.setup = {
			.limits = step_limits(&spec->limits, states), .observe = spec->observe,
			.net_bind_service = spec->net_bind_service, .output_bytes = spec->limits.output_bytes,
			.deadline_ns = spec->life_ns,
		},
		.cgroup = &o->cgroup, .own_processes = o->runtime->own_kernel ? EXEC_PROCESSES_UNKNOWN : 1,
		.kill = kill_first, .kill_arg = o,
	};
	return o;
}

static void namespaces_of(pid_t pid, uint64_t ret[NATIVE_NAMESPACES])
{
	for (size_t i = 0; i < NATIVE_NAMESPACES; i++) {
		char path[64];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, native_namespaces[i]);
		ret[i] = stat(path, &st) == 0 ? st.st_ino : 0;
	}
}

/* Who a process is here; 0 also when it cannot be told. */
static unsigned int uid_of(pid_t pid)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	autofree char *path = xasprintf("/proc/%d/status", (int)pid);
	const char *line;

	if (file_read(path, &text, NULL) < 0 || !(line = strstr(text.buf, "\nUid:\t")))
		return 0;
	return (unsigned int)strtoul(line + 6, NULL, 10);
}

/* Its first process is number 1 of a kernel that has no other processes and no cgroups; that much was seen from
 * inside. */
static void fill_kernel(const struct oci_runtime *runtime, struct control_table *t)
{
	static const char mechanism[] = "a kernel of its own";

	control_set(t, CONTROL_PID_NAMESPACE, CONTROL_ENFORCED, "own", mechanism, NULL);
	control_set(t, CONTROL_CGROUP_NAMESPACE, CONTROL_ENFORCED, "own", mechanism, NULL);
	/* it masks nothing of its own; what there is was looked at */
	snprintf(t->items[CONTROL_MASKED_PATHS].mechanism, sizeof(t->items[CONTROL_MASKED_PATHS].mechanism), "%s; an empty /sys", mechanism);
	if (t->items[CONTROL_PIDS].state == CONTROL_ENFORCED) {
		const struct control was = t->items[CONTROL_PIDS];

		control_set(t, CONTROL_PIDS, CONTROL_DEGRADED, was.requested, was.mechanism,
			    "threads of that kernel count as well: %u more than asked for", runtime->own_processes);
	}
}

static void fill_controls(struct oci *o, const struct sandbox_spec *spec, const struct cgroup_state *states, bool inside,
			  struct control_table *controls)
{
	struct guest_report *report = &o->guest.report;

	/* a kernel of its own tells nothing of the namespaces that it is in itself, nor who it is */
	if (o->runtime->own_kernel) {
		namespaces_of(o->pid, report->namespaces);
		report->outside_uid = uid_of(o->pid);
	}
	if (geteuid() != 0)	/* there is a user namespace between */
		report->outside_uid = geteuid();
	guest_fill_controls(&o->guest, spec, controls);
	native_fill_cgroup_controls(&spec->limits, states, inside, report->limits.data, report->limits.nproc, controls);
	if (o->runtime->own_kernel)
		fill_kernel(o->runtime, controls);
	if (spec->network.allow_len && controls->items[CONTROL_NETWORK].state == CONTROL_ENFORCED)
		control_set(controls, CONTROL_NETWORK, CONTROL_DEGRADED, "allow-list", "net namespace",
			    "no network at all: '%s' cannot carry allowed connections, --runtime=native can", o->runtime->name);
}

static int bring_up(struct attempt *a, struct oci_stage *stage, bool *inside, struct error *err)
{
	autoclose int oom_fd = -1;
	char path[64];

	if (start_runtime(a, stage, err) < 0 || await_hello(a, err) < 0 || record_init(a, err) < 0)
		return -1;
	*inside = is_inside(&a->o->cgroup, a->o->pid);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)a->o->pid);
	oom_fd = a->o->runtime->own_kernel ? -1 : open(path, O_WRONLY | O_CLOEXEC);
	a->o->guest.setup.oom_fd = oom_fd;
	return guest_start(&a->o->guest, err);
}

/* Who steps are, inside and out. */
static struct identity choose_users(const struct sandbox_ref *ref, struct native_root *root, struct oci_bundle *bundle)
{
	struct identity who = identity_choose(ref->id, true);

	root->uid = root->gid = who.privileged ? IDENTITY_INSIDE : 0;
	bundle->outside_uid = who.outside_uid;
	bundle->outside_gid = who.outside_gid;
	/* runtimes set up as root of the namespace, which is somebody else than the steps */
	bundle->outside_root = who.privileged ? who.outside_uid + 1 : 0;
	if (!who.privileged)		/* the namespace between knows one user, its root */
		bundle->outside_uid = bundle->outside_gid = 0;
	return who;
}

static int create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	const struct oci_runtime *runtime = runtime_of(ref->backend);
	autofree char *state = native_state_path(ref), *program = find_program(runtime->name), *path = NULL, *rootfs = NULL;
	autofree char *id = xasprintf(CGROUP_PREFIX "%s", ref->id);
	autostrvec struct strvec masks = STRVEC_INIT;
	autoclose int state_fd = open(state, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct cgroup_state states[CGROUP_CONTROLLERS];
	struct cgroup cg;
	struct native_root root = { .rootfs_fd = -1, .hostname = spec->hostname && *spec->hostname ? spec->hostname : "sandbox" };
	struct oci_bundle bundle = { .runtime = runtime, .spec = spec, .root = &root, .states = states,
				     .user_namespace = !runtime->own_kernel };
	int joins[CGROUP_PLACES];
	struct oci_stage stage = { .bundle = &bundle, .program = program, .id = id, .joins = joins };
	struct attempt a = { .spec = spec, .name = runtime->name, .pidfd = -1, .errors = -1, .said = STRBUF_INIT(ERRORS_MAX),
			     .state_fd = state_fd, .deadline_ns = clock_deadline(START_TIMEOUT_NS) };
	bool inside = false;
	int r;

	if (!program)
		return error_set(err, ERR_UNAVAILABLE, "there is no program '%s': install the package of that name", runtime->name);
	if (state_fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", state);
	if (spec->rootfs && !(rootfs = realpath(spec->rootfs, NULL)))
		return error_sys(err, ERR_INVALID_INPUT, "root folder '%s'", spec->rootfs);
	native_size_storage(&spec->limits, &root);
	native_resolve_masks(spec, rootfs, &masks);
	root.masks = (const char *const *)masks.items;
	stage.rootfs = rootfs;
	stage.rootless = !choose_users(ref, &root, &bundle).privileged;
	cgroup_create(&cg, ref->id, &(struct cgroup_limits){
		      .memory_bytes = spec->limits.memory_bytes, .cpu_millis = spec->limits.cpu_millis,
		      .pids = spec->limits.pids ? spec->limits.pids + 1 + runtime->own_processes : 0 }, announce, &a.state_fd, states);
	bundle.cgroups_path = path = cgroups_path(&cg, ref->id);
	stage.joins_len = open_joins(&cg, !runtime->manages_cgroups, joins);
	a.o = new_oci(ref, spec, &cg, states);
	if (runtime->manages_cgroups)
		a.o->devices_fd = make_devices(ref->id, state_fd);
	r = bring_up(&a, &stage, &inside, err);
	for (size_t i = 0; i < stage.joins_len; i++)
		close(joins[i]);
	give_up(&a);
	if (r < 0) {
		close_oci(&a.o->base);
		return -1;
	}
	fill_controls(a.o, spec, states, inside, controls);
	*ret = &a.o->base;
	return 0;
}

/* ---- the rest is the guest's */

static int put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	return guest_put(&((struct oci *)sb)->guest, sb, file, err);
}

static int exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	return guest_exec(&((struct oci *)sb)->guest, sb, cmd, ret, err);
}

static int walk(struct sandbox *sb, struct sandbox_walk *walk_, struct error *err)
{
	return guest_walk(&((struct oci *)sb)->guest, sb, walk_, err);
}

static int get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
	       struct error *err)
{
	return guest_get(&((struct oci *)sb)->guest, sb, tree, path, max_bytes, fd, ret, err);
}

static bool probe_runc(char *reason, size_t size)
{
	return probe("runc", reason, size);
}

static bool probe_crun(char *reason, size_t size)
{
	return probe("crun", reason, size);
}

static bool probe_runsc(char *reason, size_t size)
{
	return probe("runsc", reason, size);
}

#define COMMON                                                                                                            \
	.type = "container", .create = create, .put = put, .exec = exec, .walk = walk, .get = get, .usage = usage,        \
	.close = close_oci, .destroy = native_destroy

const struct sandbox_backend sandbox_backend_runc = {
	.name = "runc", .summary = "OCI runtime runc, from a generated bundle", .probe = probe_runc, .sweep = sweep_devices, COMMON,
};
const struct sandbox_backend sandbox_backend_crun = {
	.name = "crun", .summary = "OCI runtime crun, from a generated bundle", .probe = probe_crun, COMMON,
};
const struct sandbox_backend sandbox_backend_runsc = {
	.name = "runsc", .summary = "gVisor: steps run on a kernel in user space", .probe = probe_runsc, COMMON,
};
