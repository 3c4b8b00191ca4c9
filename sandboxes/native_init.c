/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/native_init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sockios.h>	/* SIOCGSKNS */
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

struct jail {
	struct init init;		/* first: on_ended() gets it */
	const struct native_init *spec;
	int sock;
	struct init_walk_state walked;
	struct init_layers *layers;	/* of a writable root; NULL: there is none */
};

static _Noreturn void die(struct jail *j, const char *stage)
{
	struct wire m = { .kind = WIRE_FAILED, .error = errno };

	m.text_len = (uint32_t)snprintf(m.text, sizeof(m.text), "%s", stage) + 1;
	wire_send(j->sock, &m, NULL, 0);
	_exit(1);
}

/* A single-threaded process that writes "0" moves itself without the lock that makes writing a pid slow. */
static bool join_cgroups(const int fds[WIRE_FDS])
{
	bool joined = true;

	for (size_t i = 0; i < WIRE_FDS && fds[i] >= 0; i++) {
		joined = write(fds[i], "0", 1) == 1 && joined;
		close(fds[i]);
	}
	return joined;
}

/* ---- the network */

/* A network namespace takes half a millisecond, a third of what all mounts take. So a process of its own makes it meanwhile, in our
 * memory, which includes errno: it makes no call that fails, unless the whole attempt does. */
struct network_maker {
	pid_t pid;
	int socket;		/* in the new namespace; -1: it failed */
	char stack[16384];
};

static int bring_up_loopback(void)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_name = "lo" };

	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0) {
		req.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &req);
	}
	return steal_fd(&fd);
}

static int network_maker_main(void *arg)
{
	struct network_maker *maker = arg;

	if (unshare(CLONE_NEWNET) == 0)
		maker->socket = bring_up_loopback();
	return 0;
}

static void network_maker_start(struct network_maker *maker)
{
	maker->socket = -1;
	/* no signal at its end: those that come are of steps */
	maker->pid = clone(network_maker_main, maker->stack + sizeof(maker->stack), CLONE_VM | CLONE_FILES, maker);
}

static uint32_t count_interfaces(int fd)
{
	uint32_t up = 0;

	for (int i = 1; i <= 16; i++) {
		struct ifreq req = { .ifr_ifindex = i };

		if (ioctl(fd, SIOCGIFNAME, &req) < 0)
			break;		/* in a new namespace numbers are given in order */
		up += ioctl(fd, SIOCGIFFLAGS, &req) == 0 && (req.ifr_flags & IFF_UP);
	}
	return up;
}

/* Get into what was made; where that is not to be had, make one. */
static void enter_network(struct jail *j, struct network_maker *maker, struct wire_report *report)
{
	autoclose int fd = -1, namespace = -1;

	while (maker->pid > 0 && waitpid(maker->pid, NULL, __WALL) < 0 && errno == EINTR) {}
	fd = maker->socket;
	namespace = fd >= 0 ? ioctl(fd, SIOCGSKNS) : -1;
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) {
		if (unshare(CLONE_NEWNET) < 0)
			die(j, "making the network namespace");
		close(steal_fd(&fd));
		fd = bring_up_loopback();
	}
	report->interfaces = count_interfaces(fd);
	if (j->spec->network && network_listen(j->spec->network, j->spec->forwarder) < 0)
		die(j, "listening for the allowed hosts");
	if (j->spec->network)
		close(j->spec->forwarder);
	else if (j->spec->observe)
		init_observe_names(&j->init);
}

static void become(struct jail *j)
{
	const struct native_init *init = j->spec;

	if (init->drop_groups && setgroups(0, NULL) < 0)
		die(j, "dropping supplementary groups");
	if (setresgid(init->root.gid, init->root.gid, init->root.gid) < 0 ||
	    setresuid(init->root.uid, init->root.uid, init->root.uid) < 0)
		die(j, "changing to another user");
}

static uint32_t foreign_groups(gid_t own)
{
	gid_t groups[256];
	int n = getgroups((int)ARRAY_SIZE(groups), groups);
	uint32_t foreign = n < 0 ? 1 : 0;

	for (int i = 0; i < n; i++)
		foreign += groups[i] != own;
	return foreign;
}

static void check_limits(const struct init *init, struct wire_report *report)
{
	struct lockdown_limits got = { .core = UINT64_MAX, .memlock = UINT64_MAX };

	if (init->observing)
		got = init->tried;
	else
		init_try_limits(&init->limits, &got);
	report->nofile = got.nofile;
	report->fsize = got.fsize;
	report->cpu_seconds = got.cpu_seconds;
	report->nproc = got.nproc;
	report->data = got.data;
	report->core = got.core;
	report->memlock = got.memlock;
}

/* Our ids are mapped. A file comes along when we could not be made in the cgroup of version 2. */
static bool wait_to_go(struct jail *j)
{
	int fds[WIRE_FDS];
	struct wire m;

	if (wire_recv(j->sock, &m, fds) != 1 || m.kind != WIRE_GO)
		_exit(1);
	return join_cgroups(fds);
}

/* The runner makes the cgroups of version 1 and sets limits while we mount. Nothing but us has run by now, and from here on all that we
 * start is born in there. */
static bool wait_to_join(struct jail *j)
{
	int fds[WIRE_FDS];
	struct wire m;
	bool joined;

	if (wire_recv(j->sock, &m, fds) != 1 || m.kind != WIRE_JOIN)
		_exit(1);
	j->init.limits = m.limits;
	joined = join_cgroups(fds);
	if (unshare(CLONE_NEWCGROUP) < 0) { /* the report compares the namespaces */ }
	return joined;
}

static void set_up(struct jail *j)
{
	struct native_init init = *j->spec;
	struct wire ready = { .kind = WIRE_READY };
	struct wire_report *report = &ready.report;
	static const char *const everywhere[] = { ("/" SANDBOX_WORKDIR_RELATIVE), "/", NULL };
	struct native_stage stage = { "" };
	struct network_maker maker;
	autoclose int tmp_fd = -1, namespaces = -1;

	if (init.rootfs) {
		init.root.rootfs_fd = open(init.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (init.root.rootfs_fd < 0)
			die(j, "opening the root folder");
	}
	report->cgroup_joined = wait_to_go(j);
	j->init.oom_fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	report->oom_steps_first = write(j->init.oom_fd, "1000", 4) == 4 && write(j->init.oom_fd, "0", 1) == 1;
	init_wipe_arguments();
	namespaces = native_namespace_folder();
	if (init.user_namespace)
		become(j);
	if (sethostname(init.root.hostname, strlen(init.root.hostname)) < 0)
		die(j, "setting the host name");
	network_maker_start(&maker);
	if (native_root_enter(&init.root, report, &stage) < 0)
		die(j, stage.text);
	if (init.root.rootfs_fd >= 0)
		close(init.root.rootfs_fd);
	enter_network(j, &maker, report);
	report->cgroup_joined &= wait_to_join(j);
	native_namespace_inodes_in(namespaces, report->namespaces);
	if (!init.user_namespace && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || (become(j), false)))
		die(j, "keeping capabilities");
	umask(022);
	if (init_open_work(&j->init) < 0)
		die(j, "opening /dev/null");
	if (lockdown_capabilities((init.net_bind_service ? LOCKDOWN_NET_BIND : 0) | (j->layers ? LOCKDOWN_FAKE_ROOT : 0)) < 0)
		die(j, "dropping capabilities");
	if (lockdown_landlock(j->layers ? everywhere : lockdown_writable, &report->landlock) < 0)
		die(j, "restricting itself by Landlock");
	if (init.observe)
		report->observing = init_observe_try(&j->init, report->not_observing) == 0;
	/* last, for a change of credentials undoes both */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		die(j, "tying the init process to the runner");
	if (lockdown_filter_load(j->init.observing ? LOCKDOWN_INIT : LOCKDOWN_PLAIN) < 0)
		die(j, "loading the seccomp filter");
	if (j->layers && lockdown_pretend_ownership() < 0)
		die(j, "loading the filter of the fake root");
	report->uid = getuid();
	report->gid = getgid();
	report->foreign_groups = foreign_groups(getgid());
	check_limits(&j->init, report);
	tmp_fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (wire_send(j->sock, &ready, (int[]){ j->init.work_fd, tmp_fd }, tmp_fd < 0 ? 1 : 2) < 0)
		_exit(1);
}

/* ---- orders */

static void on_ended(struct init *init, const struct init_ended *ended)
{
	struct jail *j = (struct jail *)init;
	struct wire m = { .kind = WIRE_ENDED, .ended = *ended };

	if (wire_send(j->sock, &m, NULL, 0) < 0)
		_exit(1);
}

static void on_events(struct init *init, const char *packed, size_t len)
{
	struct jail *j = (struct jail *)init;
	struct wire m = { .kind = WIRE_EVENT, .text_len = (uint32_t)len };

	memcpy(m.text, packed, len);
	if (wire_send(j->sock, &m, NULL, 0) < 0)
		_exit(1);
}

/* The runner keeps one end, the command has the other. */
static int send_tty(struct jail *j, struct init_command *command)
{
	struct wire m = { .kind = WIRE_TTY };
	int master = -1, slave = -1;

	if (init_open_tty(&master, &slave) < 0)
		return -1;
	if (wire_send(j->sock, &m, &master, 1) < 0)
		_exit(1);
	close(master);
	command->in = command->out = command->err = slave;
	return 0;
}

static void start(struct jail *j, const struct wire *m, const int fds[WIRE_FDS])
{
	struct init_command command = { .out = fds[1], .err = fds[2], .in = fds[3] > 0 ? fds[3] : 0, .tty = m->exec.tty };
	char *strings = mmap(NULL, m->exec.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[0], 0);

	if (strings == MAP_FAILED || init_unpack(strings, m->exec.bytes, m->exec.argc, m->exec.envc, &command) < 0)
		_exit(1);
	if (m->exec.tty && send_tty(j, &command) < 0)
		command.out = command.err = j->init.null_fd;	/* it cannot become its terminal, and that is told */
	init_start(&j->init, &command);
	if (command.in > 0 && command.in == command.out)
		close(command.in);
	free(command.argv);
	munmap(strings, m->exec.bytes);
	for (size_t i = 0; i < WIRE_FDS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void put(struct jail *j, struct wire *m, int fd)
{
	struct wire done = { .kind = WIRE_DONE };

	/* path and target, each with its NUL */
	if (m->put.path_len >= m->text_len || m->text[m->put.path_len] || m->text[m->text_len - 1])
		_exit(1);
	if (init_put(&j->init, &m->put.file, m->text, m->text + m->put.path_len + 1, fd) < 0)
		done.error = errno;
	if (fd >= 0)
		close(fd);
	if (wire_send(j->sock, &done, NULL, 0) < 0)
		_exit(1);
}

static int write_pipe(void *fd, const void *data, size_t len)
{
	return write_all(*(int *)fd, data, len);
}

static void walk(struct jail *j, const struct wire *m, int fd)
{
	struct wire done = { .kind = WIRE_DONE };
	const struct init_sink sink = { .write = write_pipe, .arg = &fd };

	if (init_walk(&j->init, j->layers, &m->walk, &j->walked, &sink) < 0)
		done.error = errno;
	close(fd);
	if (wire_send(j->sock, &done, NULL, 0) < 0)
		_exit(1);
}

static void get(struct jail *j, struct wire *m)
{
	struct wire done = { .kind = WIRE_DONE };
	int fd;

	m->text[sizeof(m->text) - 1] = '\0';
	fd = init_open(&j->init, j->layers, (enum sandbox_tree)m->get.tree, m->text);
	if (fd < 0)
		done.error = errno;
	if (wire_send(j->sock, &done, &fd, fd >= 0) < 0)
		_exit(1);
	if (fd >= 0)
		close(fd);
}

static void obey(struct jail *j)
{
	int fds[WIRE_FDS];
	struct wire m;

	if (wire_recv(j->sock, &m, fds) != 1)
		_exit(0);
	switch (m.kind) {
	case WIRE_EXEC:
		start(j, &m, fds);
		break;
	case WIRE_TERMINATE:
		j->init.stopping = true;
		init_terminate();
		break;
	case WIRE_KILL:
		j->init.stopping = true;
		init_kill();
		break;
	case WIRE_PUT:
		put(j, &m, fds[0]);
		break;
	case WIRE_WALK:
		walk(j, &m, fds[0]);
		break;
	case WIRE_GET:
		get(j, &m);
		break;
	default:
		_exit(1);
	}
}

_Noreturn void native_init_main(const struct native_init *init, int sock)
{
	struct jail j = { .init = INIT_EMPTY, .spec = init, .sock = sock };
	int keep[] = { sock, init->forwarder };

	j.layers = init->root.layers;
	j.init.on_ended = on_ended;
	j.init.on_events = on_events;
	setsid();
	/* whatever our parent had open is not ours; 0 to 2 are replaced after the change of root */
	init_close_others(keep, init->network ? 2 : 1);
	if (init_reset_signals(&j.init) < 0)
		die(&j, "watching for ended processes");
	set_up(&j);
	for (;;) {
		struct pollfd p[] = {
			{ .fd = sock, .events = POLLIN }, { .fd = j.init.sigchld_fd, .events = POLLIN },
			{ .fd = j.init.listener, .events = POLLIN }, { .fd = j.init.dns_fd, .events = POLLIN },
		};

		if (poll(p, ARRAY_SIZE(p), init_observe_wait(&j.init, init_watch(&j.init, false))) < 0 && errno != EINTR)
			_exit(1);
		if (p[2].revents)
			init_observe(&j.init);
		if (p[3].revents)
			init_observe_dns(&j.init);
		if (p[1].revents)
			init_reap(&j.init);
		if (p[0].revents)
			obey(&j);
	}
}
