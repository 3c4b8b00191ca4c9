/* SPDX-License-Identifier: Apache-2.0
 * The built-in jail: what the runner does to make one and to talk to it. Theory of operation:
 *
 *	state file > cgroup v2 > clone into all namespaces > state file: init > ids mapped > "go" > walls	  > cgroups > filter > ready
 *											 > cgroups v1, limits > "join"
 *
 * One code path for root and others: the walls are built inside a user namespace that knows a single user, who is nobody
 * on the host. Where root may not have user namespaces the same steps are done with real ids. There is no rollback here:
 * native_destroy() finds everything from the ref.
 */
#include "sandboxes/native.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/sched.h>	/* struct clone_args */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "sandboxes/identity.h"

#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)	/* PID 1 has the network's made while it mounts */
#define SETUP_TIMEOUT_MS 30000

/* ---- who the steps are outside */

static int write_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];
	autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -1 : write_all(fd, text, strlen(text));
}

static int map_ids(pid_t pid, unsigned int inside, const struct identity *who)
{
	char text[64];

	snprintf(text, sizeof(text), "%u %u 1\n", inside, who->outside_uid);
	if (write_proc(pid, "uid_map", text) < 0)
		return -1;
	if (!who->privileged && write_proc(pid, "setgroups", "deny") < 0)
		return -1;
	snprintf(text, sizeof(text), "%u %u 1\n", inside, who->outside_gid);
	return write_proc(pid, "gid_map", text);
}

static bool sysctl_is(const char *path, const char *value)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64);

	return file_read(path, &text, NULL) == 0 && !strcmp(text.buf, value);
}

const char *native_user_namespace_obstacle(void)
{
	static const struct { const char *path, *value, *sentence;
	} settings[] = {
		{"/proc/sys/user/max_user_namespaces", "0\n",
		 "user namespaces are switched off (sysctl user.max_user_namespaces=0): raise it, or run as root"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0\n",
		 "user namespaces are for root only here (sysctl kernel.unprivileged_userns_clone=0): set it to 1, or "
		 "run as root"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
		 "AppArmor takes the rights away in user namespaces (sysctl "
		 "kernel.apparmor_restrict_unprivileged_userns=1): "
		 "set it to 0, add a profile, or run as root"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (sysctl_is(settings[i].path, settings[i].value))
			return settings[i].sentence;
	return "user namespaces are not allowed here (a container or a seccomp filter forbids them)";
}

/* ---- limits */

/* Files of the work folder and /tmp are memory. Left as large as asked for they would end a step as out of memory before
 * they are full, so all of them together stay below seven eighths of it. */
bool native_size_storage(const struct sandbox_limits *limits, struct native_root *root)
{
	struct sysinfo info;
	uint64_t memory = limits->memory_bytes, room;
	bool bounded = false;

	if (sysinfo(&info) == 0) {
		uint64_t half = (uint64_t)info.totalram * info.mem_unit / 2;

		if (!memory || memory > half)
			memory = half;
	}
	room = memory - memory / 8;
	root->tmp_bytes = limits->tmp_bytes ? limits->tmp_bytes : room / 4;
	if (root->tmp_bytes > room / 4) {
		root->tmp_bytes = room / 4;
		bounded = limits->tmp_bytes != 0;
	}
	root->work_bytes = limits->storage_bytes ? limits->storage_bytes : room - root->tmp_bytes;
	if (root->work_bytes > room - root->tmp_bytes) {
		root->work_bytes = room - root->tmp_bytes;
		bounded = true;
	}
	/* whole pages, rounded down: the limit holds, a little early */
	root->tmp_bytes &= ~UINT64_C(4095);
	root->work_bytes &= ~UINT64_C(4095);
	root->work_files = root->tmp_files = limits->storage_files;
	return bounded;
}

static struct lockdown_limits step_limits(const struct sandbox_limits *l, const struct cgroup_state *states)
{
	struct lockdown_limits r = {
		.nofile = l->nofile,
		.fsize = l->fsize_bytes,
		.cpu_seconds = (l->cpu_time_ns + NS_PER_SEC - 1) / NS_PER_SEC,
	};

	/* something, where there is no cgroup for it */
	if (l->pids && !states[CGROUP_PIDS].held)
		r.nproc = l->pids + 1;
	if (l->memory_bytes && !states[CGROUP_MEMORY].held)
		r.data = l->memory_bytes;
	return r;
}

/* ---- paths */

static int resolve(const char *path, char out[PATH_MAX], struct error *err)
{
	if (!realpath(path, out))
		return error_sys(err, ERR_INVALID_INPUT, "root folder '%s'", path);
	return 0;
}

void native_resolve_masks(const struct sandbox_spec *spec, const char *rootfs, struct strvec *masks)
{
	size_t len = rootfs ? strlen(rootfs) : 0;

	for (const char *const *m = spec->masks; m && *m; m++) {
		char path[PATH_MAX];

		if (!realpath(*m, path) || !strcmp(path, "/"))
			continue;
		if (!rootfs)
			strvec_push(masks, path + 1);
		else if (!strncmp(path, rootfs, len) && path[len] == '/')
			strvec_push(masks, path + len + 1);
	}
}

/* ---- creating */

/* The state file; once a line of it is missing, the one that says it is whole must not come. */
struct state_file {
	int fd;
	bool torn;
};

static void announce(void *arg, const char *path)
{
	autofree char *line = xasprintf("cgroup %s\n", path);
	struct state_file *state = arg;

	state->torn |= write_all(state->fd, line, strlen(line)) < 0;
}

/* fork() into new namespaces and a cgroup. No other program is executed, so that no time goes into loading one. */
static pid_t clone_into(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)(cgroup_fd >= 0 ? cgroup_fd : 0),
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid >= 0 || cgroup_fd >= 0 || (errno != ENOSYS && errno != E2BIG))
		return pid;
	/* before Linux 5.7, and in containers that forbid what they cannot look into */
	return (pid_t)syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL, ret_pidfd, NULL, 0);
}

static bool may_join_later(int sys)
{
	return sys == EACCES || sys == EPERM || sys == EOPNOTSUPP || sys == EBUSY || sys == ENOSYS || sys == E2BIG;
}

struct attempt {
	struct native *n;
	struct native_init *init;
	const struct identity *who;
	struct state_file state;
	const struct sandbox_limits *limits;
	struct cgroup_making making;
	bool made;		/* all cgroups there will be */
	void (*meanwhile)(void *arg);
	void *progress_arg;
	int join_v2;		/* what to write to, for who was not made in there; -1 */
	struct cgroup_state *states;
	struct wire_report *report;
	uint64_t *host_namespaces;
};

static int start_init(struct attempt *a, struct error *err)
{
	int socks[2], v2_folder = cgroup_v2_folder(&a->n->cgroup);
	uint64_t flags = NAMESPACES | (a->who->user_namespace ? CLONE_NEWUSER : 0);
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a socket pair");
	if (a->n->network && network_forwarder_start(a->n->network, a->who, &a->n->forwarder, err) < 0) {
		close(socks[0]);
		close(socks[1]);
		return -1;
	}
	a->init->network = a->n->network;
	a->init->forwarder = a->n->forwarder.inside;
	pid = clone_into(flags, v2_folder, &a->n->pidfd);
	if (pid < 0 && v2_folder >= 0 && may_join_later(errno)) {
		a->join_v2 = openat(v2_folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		pid = clone_into(flags, -1, &a->n->pidfd);
	}
	if (pid == 0)
		native_init_main(a->init, socks[1]);
	if (a->n->forwarder.inside >= 0)
		close(a->n->forwarder.inside);
	a->n->forwarder.inside = -1;
	close(socks[1]);
	if (pid < 0) {
		error_sys(err, ERR_UNAVAILABLE, "cannot make the namespaces");
		close(socks[0]);
		return -1;
	}
	a->n->pid = pid;
	a->n->sock = socks[0];
	return 0;
}

/* The forwarder is no first process of a namespace, which is what the two words are for. */
static int record_init(const struct attempt *a, struct error *err)
{
	const pid_t forwarder = a->n->forwarder.pid;
	autofree char *carries = !forwarder ? xstrdup("") :
		xasprintf("forwarder %d %llu\n", (int)forwarder, (unsigned long long)native_start_time(forwarder));
	autofree char *line =
		xasprintf("%sinit %d %llu\n", carries, (int)a->n->pid, (unsigned long long)native_start_time(a->n->pid));

	if (a->state.torn || write_all(a->state.fd, line, strlen(line)) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot write the state file");
	return 0;
}

static int say(const struct attempt *a, const struct wire *m, const int *fds, size_t fds_len, struct error *err)
{
	if (wire_send(a->n->sock, m, fds, fds_len) < 0 && errno != EPIPE && errno != ECONNRESET)
		return error_sys(err, ERR_INTERNAL, "cannot reach the sandbox's init process");
	return 0;	/* a dead one is found when its answer is read */
}

static int say_go(struct attempt *a, struct error *err)
{
	autoclose int join = steal_fd(&a->join_v2);

	return say(a, &(struct wire){ .kind = WIRE_GO }, &join, join >= 0, err);
}

static int say_join(const struct attempt *a, struct error *err)
{
	const struct wire m = { .kind = WIRE_JOIN, .limits = step_limits(a->limits, a->states) };
	int fds[WIRE_FDS];
	size_t n = cgroup_open_joins(&a->n->cgroup, fds, WIRE_FDS);
	int r = say(a, &m, fds, n, err);

	while (n)
		close(fds[--n]);
	return r;
}

/* The line after which native_destroy() takes it that all of them are in the file. */
static int make_cgroups(struct attempt *a, struct error *err)
{
	if (!a->made) {
		cgroup_make_v1(&a->n->cgroup, &a->making);
		a->made = true;
		a->state.torn = a->state.torn || write_all(a->state.fd, NATIVE_STATE_WHOLE "\n", sizeof(NATIVE_STATE_WHOLE)) < 0;
	}
	return a->state.torn ? error_sys(err, ERR_UNAVAILABLE, "cannot write the state file") : 0;
}

static int await_ready(const struct attempt *a, struct error *err)
{
	struct pollfd p = { .fd = a->n->sock, .events = POLLIN };
	int fds[WIRE_FDS];
	struct wire m;
	int r;

	do {
		r = poll(&p, 1, SETUP_TIMEOUT_MS);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return error_set(err, ERR_UNAVAILABLE, "the sandbox was not ready within 30 s");
	if (wire_recv(a->n->sock, &m, fds) != 1)
		return error_set(err, ERR_UNAVAILABLE, "the sandbox's init process died while setting up");
	if (m.kind == WIRE_FAILED) {
		errno = m.error;
		return error_sys(err, ERR_UNAVAILABLE, "%.*s", (int)m.text_len, m.text);
	}
	*a->report = m.report;
	a->n->work_fd = fds[0];
	a->n->tmp_fd = fds[1];
	return 0;
}

/* What the two do at the same time is in the order in which the other one waits for it. */
static int bring_up(struct attempt *a, struct error *err)
{
	if (start_init(a, err) < 0 || record_init(a, err) < 0)
		return -1;
	if (a->who->user_namespace && map_ids(a->n->pid, a->init->root.uid, a->who) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot map the user of the sandbox");
	if (say_go(a, err) < 0 || make_cgroups(a, err) < 0)
		return -1;
	cgroup_limit(&a->n->cgroup, &(struct cgroup_limits){
		.memory_bytes = a->limits->memory_bytes, .cpu_millis = a->limits->cpu_millis,
		.pids = a->limits->pids ? a->limits->pids + 1 /* ours */ : 0,
	}, a->states);
	if (say_join(a, err) < 0)
		return -1;
	cgroup_open_counters(&a->n->cgroup);
	native_namespace_inodes(a->host_namespaces);
	if (a->meanwhile)
		a->meanwhile(a->progress_arg);
	a->meanwhile = NULL;
	return await_ready(a, err);
}

static void give_up(struct native *n)
{
	siginfo_t info;

	cgroup_close_counters(&n->cgroup);
	if (n->sock >= 0)
		close(n->sock);
	if (n->pidfd >= 0) {	/* wait, so that another try finds the place free */
		syscall(SYS_pidfd_send_signal, n->pidfd, SIGKILL, NULL, 0);
		waitid(P_PIDFD, (id_t)n->pidfd, &info, WEXITED);
		close(n->pidfd);
	}
	n->sock = n->pidfd = -1;
	n->pid = 0;
	network_forwarder_stop(&n->forwarder);
}

/* With a user namespace; without one only for root, and only if namespaces are what failed. */
static int bring_up_somehow(struct attempt *a, const char *id, struct identity *who, const char **why_not,
			    struct error *err)
{
	struct error second;

	*who = identity_choose(id, true);
	a->who = who;
	a->init->root.uid = a->init->root.gid = a->init->root.layers ? 0 : IDENTITY_INSIDE;
	a->init->user_namespace = true;
	a->init->drop_groups = who->privileged;
	if (bring_up(a, err) == 0)
		return 0;
	give_up(a->n);
	if (err->code != ERR_UNAVAILABLE || (err->sys != EPERM && err->sys != ENOSPC && err->sys != EINVAL &&
					     err->sys != EACCES && err->sys != EUSERS && err->sys != ENOSYS))
		return -1;
	if (a->init->root.layers)
		return error_prefix(err, "a writable root cannot be had here");
	*why_not = native_user_namespace_obstacle();
	if (!who->privileged)
		return error_prefix(err, "%s", *why_not);
	*who = identity_choose(id, false);
	a->init->user_namespace = false;
	a->init->drop_groups = true;
	a->init->root.uid = who->outside_uid;
	a->init->root.gid = who->outside_gid;
	if (bring_up(a, &second) == 0) {
		memset(err, 0, sizeof(*err));	/* what the first try left there is no failure */
		return 0;
	}
	give_up(a->n);
	*err = second;
	return error_prefix(err, "without a user namespace (%s)", *why_not);
}

static void close_native(struct sandbox *sb)
{
	struct native *n = (struct native *)sb;

	if (n->sock >= 0)
		close(n->sock);
	if (n->pidfd >= 0)
		close(n->pidfd);
	if (n->work_fd >= 0)
		close(n->work_fd);
	if (n->tmp_fd >= 0)
		close(n->tmp_fd);
	network_forwarder_stop(&n->forwarder);
	free(n->network);
	cgroup_close(&n->cgroup);
	free(n);
}

static struct native *new_native(const struct sandbox_ref *ref, const struct sandbox_spec *spec)
{
	struct native *n = xcalloc(1, sizeof(*n));

	n->base.backend = &sandbox_backend_native;
	n->base.ref = *ref;
	n->limits = spec->limits;
	n->sock = n->pidfd = n->work_fd = n->tmp_fd = -1;
	n->forwarder = (struct network_forwarder){ .pidfd = -1, .events = -1, .inside = -1 };
	return n;
}

static int create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		  struct control_table *controls, struct error *err)
{
	autofree char *state = native_state_path(ref);
	autoclose int state_fd = open(state, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	autostrvec struct strvec masks = STRVEC_INIT;
	char rootfs[PATH_MAX] = "";
	struct cgroup_state states[CGROUP_CONTROLLERS];
	struct wire_report report = { 0 };
	struct init_layers layers = { .len = 0 };	/* filled in by the child, in its copy */
	struct native_init init = { .net_bind_service = spec->net_bind_service, .observe = spec->observe };
	struct native *n;
	struct identity who;
	struct attempt a = { .init = &init, .state = { .fd = state_fd }, .report = &report,
			     .limits = &spec->limits, .states = states, .join_v2 = -1,
			     .meanwhile = spec->meanwhile, .progress_arg = spec->progress_arg,
			     .making = { .id = ref->id, .announce = announce, .arg = &a.state } };
	struct native_facts facts = { .spec = spec, .init = &init, .report = &report, .states = states };
	int r;

	if (state_fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make '%s'", state);
	if (spec->rootfs && resolve(spec->rootfs, rootfs, err) < 0)
		return -1;
	n = new_native(ref, spec);
	if (spec->network.allow_len && network_plan_make(&spec->network, &n->network, err) < 0) {
		close_native(&n->base);
		return -1;
	}
	a.n = n;
	init.rootfs = spec->rootfs ? rootfs : NULL;
	init.root.rootfs_fd = -1;
	init.root.layers = spec->writable_root ? &layers : NULL;
	init.root.hostname = spec->hostname && *spec->hostname ? spec->hostname : "sandbox";
	native_resolve_masks(spec, init.rootfs, &masks);
	init.root.masks = (const char *const *)masks.items;
	cgroup_begin(&n->cgroup, &a.making);
	cgroup_make_v2(&n->cgroup, &a.making);
	a.host_namespaces = facts.host_namespaces;
	facts.memory_bounds_storage = native_size_storage(&spec->limits, &init.root);
	r = bring_up_somehow(&a, ref->id, &who, &facts.no_user_namespace, err);
	if (r < 0) {
		close_native(&n->base);
		return -1;
	}
	n->user_namespace = facts.user_namespace = who.user_namespace;
	facts.root_outside = who.root_outside;
	facts.pid = n->pid;
	native_fill_controls(&facts, controls);
	*ret = &n->base;
	return 0;
}

static int put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	struct native *n = (struct native *)sb;
	const char *target = file->kind == SANDBOX_SYMLINK ? file->target : "";
	struct wire m = {
		.kind = WIRE_PUT,
		.put = { .file = { .kind = file->kind, .mode = file->mode }, .path_len = (uint32_t)strlen(file->path) },
	};
	int fds[WIRE_FDS];

	m.text_len = (uint32_t)snprintf(m.text, sizeof(m.text), "%s%c%s", file->path, '\0', target) + 1;
	if (m.text_len > sizeof(m.text))
		return error_set(err, ERR_INVALID_INPUT, "the path is too long");
	if (wire_send(n->sock, &m, &file->fd, file->kind == SANDBOX_FILE) < 0 || wire_recv(n->sock, &m, fds) != 1 ||
	    m.kind != WIRE_DONE) {
		sb->lost = true;
		return error_set(err, ERR_UNAVAILABLE, "the sandbox has died");
	}
	errno = m.error;
	if (m.error == ENOSPC)
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "the work folder is full");
	return m.error ? error_sys(err, ERR_INVALID_INPUT, "not possible") : 0;
}

/* In a process that shares our memory, for copying it takes longer than all the rest. A user namespace cannot be had that way. Who may
 * have one of the others may have all of them, and one of host names is made and gone in no time: mounts wait for every processor. */
static bool probe_as_root(void)
{
	int status = -1;
	pid_t pid = geteuid() == 0 ? vfork() : -1;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUTS) < 0);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
	return status == 0;
}

/* Does a mount inside a new user namespace work? AppArmor lets the namespace be made and refuses that. */
static bool probe(char *reason, size_t size)
{
	int status = 0;
	pid_t pid;

	if (probe_as_root())
		return true;
	pid = fork();
	if (pid == 0) {
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||	/* the others come with it; a network takes milliseconds */
		      mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0);
	}
	if (pid < 0) {
		snprintf(reason, size, "cannot start a process: %s", strerror(errno));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
	if (status == 0)
		return true;
	snprintf(reason, size, "%s", native_user_namespace_obstacle());
	return false;
}

const struct sandbox_backend sandbox_backend_native = {
	.type = "container",
	.name = "native",
	.carries_network = true,
	.summary = "built-in jail: namespaces, seccomp, cgroups; needs nothing installed",
	.writable_root = true,
	.starts_empty = true,
	.ends_with_host = true,
	.probe = probe,
	.create = create,
	.put = put,
	.exec = native_exec,
	.walk = native_walk,
	.get = native_get,
	.close = close_native,
	.usage = native_usage,
	.destroy = native_destroy,
	.sweep = native_sweep,
};
