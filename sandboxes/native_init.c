/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/native_init.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define WORKDIR "/" SANDBOX_WORKDIR_RELATIVE

struct jail {
	const struct native_init *init;
	int sock;
	int sigchld_fd;
	int oom_fd;		/* our own oom_score_adj: raised while a step is forked, which inherits it */
	int null_fd;
	int work_fd;
	pid_t step;		/* main process of the running step; 0: none */
	uint64_t cpu_before_ns;
};

/* What the vforked child of a step uses and leaves: it shares our memory until it executes. */
struct step {
	char **argv, **env;
	int out, err;
	volatile int exec_errno;
};

static _Noreturn void die(struct jail *j, const char *stage)
{
	struct wire m = { .kind = WIRE_FAILED, .error = errno };

	m.text_len = (uint32_t)snprintf(m.text, sizeof(m.text), "%s", stage) + 1;
	wire_send(j->sock, &m, NULL, 0);
	_exit(1);
}

/* The runner's command line and environment would show in /proc/1/cmdline; they are in our copy of its stack. */
static void wipe_arguments(void)
{
	static const char name[] = "sandbox-init";
	unsigned long at[4] = { 0 };
	autoclose int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	char text[2048], *p;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

	prctl(PR_SET_NAME, name);
	text[n > 0 ? n : 0] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 48; field++) {
		p = strchr(p + 1, ' ');
	}
	if (!p || sscanf(p, "%lu %lu %lu %lu", &at[0], &at[1], &at[2], &at[3]) != 4)
		return;
	if (at[0] && at[1] > at[0]) {
		memset((void *)at[0], 0, at[1] - at[0]);
		memcpy((void *)at[0], name, at[1] - at[0] < sizeof(name) ? at[1] - at[0] - 1 : sizeof(name));
	}
	if (at[2] && at[3] > at[2])
		memset((void *)at[2], 0, at[3] - at[2]);
	environ = NULL;
}

static void close_range_compat(unsigned int first, unsigned int last)
{
	struct rlimit limit;

	if (first > last || syscall(436 /* close_range */, first, last, 0) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned int fd = first; fd <= last && fd < limit.rlim_cur && fd < 65536; fd++)
		close((int)fd);
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Whatever our parent had open is not ours. 0-2 stay for the moment; they are replaced after the change of root. */
static void close_others(const struct native_init *init, int sock)
{
	int keep[NATIVE_JOINS + 1];
	size_t n = 0;
	int next = 3;

	keep[n++] = sock;
	for (size_t i = 0; i < init->joins_len; i++)
		keep[n++] = init->joins[i];
	qsort(keep, n, sizeof(keep[0]), compare_ints);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > next)
			close_range_compat((unsigned int)next, (unsigned int)keep[i] - 1);
		if (keep[i] >= next)
			next = keep[i] + 1;
	}
	close_range_compat((unsigned int)next, ~0U);
}

static void reset_signals(struct jail *j)
{
	static const unsigned long default_action[8];	/* the kernel's struct sigaction: SIG_DFL, no flags, empty mask */
	sigset_t set;

	/* not by signal(): glibc keeps 32 and 33 to itself, but a parent may have them ignored */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, (size_t)NSIG / 8);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	j->sigchld_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (j->sigchld_fd < 0)
		die(j, "watching for ended processes");
}

/* A single-threaded process that writes "0" moves itself without the lock that makes writing a pid slow. */
static bool join_cgroups(const struct native_init *init)
{
	bool joined = true;

	for (size_t i = 0; i < init->joins_len; i++) {
		joined = write(init->joins[i], "0", 1) == 1 && joined;
		close(init->joins[i]);
	}
	return joined;
}

static uint32_t bring_up_loopback(void)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_name = "lo" };
	uint32_t up = 0;

	if (fd < 0)
		return 0;
	if (ioctl(fd, SIOCGIFFLAGS, &req) == 0) {
		req.ifr_flags |= IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &req);
	}
	for (int i = 1; i <= 16; i++) {
		req = (struct ifreq){ .ifr_ifindex = i };
		if (ioctl(fd, SIOCGIFNAME, &req) == 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0 && (req.ifr_flags & IFF_UP))
			up++;
	}
	return up;
}

static void become(struct jail *j)
{
	const struct native_init *init = j->init;

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

/* Apply a step's limits in a child and read them back: shared memory carries the answer. Not to be inlined, for a compiler that
 * sees both sides of vfork() takes it that nothing was written on the parent's. */
static __attribute__((noinline)) void try_limits(const struct lockdown_limits *limits, struct lockdown_limits *ret)
{
	pid_t pid = vfork();

	if (pid == 0) {
		lockdown_limits_apply(limits);
		lockdown_limits_read(ret);
		_exit(0);
	}
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

static void check_limits(const struct native_init *init, struct wire_report *report)
{
	struct lockdown_limits got = { 0 };

	try_limits(&init->limits, &got);
	report->nofile = got.nofile;
	report->fsize = got.fsize;
	report->cpu_seconds = got.cpu_seconds;
	report->nproc = got.nproc;
	report->data = got.data;
}

static void wait_for(struct jail *j, enum wire_kind kind, int fds[WIRE_FDS])
{
	struct wire m;

	if (wire_recv(j->sock, &m, fds) != 1 || m.kind != kind)
		_exit(1);
}

static void set_up(struct jail *j)
{
	struct native_init init = *j->init;
	struct wire ready = { .kind = WIRE_READY };
	struct wire_report *report = &ready.report;
	struct native_stage stage = { "" };
	int fds[WIRE_FDS];

	report->cgroup_joined = join_cgroups(&init);
	if (init.rootfs) {
		init.root.rootfs_fd = open(init.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (init.root.rootfs_fd < 0)
			die(j, "opening the root folder");
	}
	wait_for(j, WIRE_GO, fds);
	if (unshare(CLONE_NEWCGROUP) < 0) { /* the report compares the namespaces */ }
	j->oom_fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	wipe_arguments();
	native_namespace_inodes(report->namespaces);
	if (init.user_namespace)
		become(j);
	if (sethostname(init.root.hostname, strlen(init.root.hostname)) < 0)
		die(j, "setting the host name");
	report->interfaces = bring_up_loopback();
	if (native_root_enter(&init.root, report, &stage) < 0)
		die(j, stage.text);
	if (init.root.rootfs_fd >= 0)
		close(init.root.rootfs_fd);
	if (!init.user_namespace && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || (become(j), false)))
		die(j, "keeping capabilities");
	umask(022);
	j->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	j->work_fd = open(WORKDIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (j->null_fd < 0 || j->work_fd < 0 || dup2(j->null_fd, 0) < 0 || dup2(j->null_fd, 1) < 0 ||
	    dup2(j->null_fd, 2) < 0)
		die(j, "opening /dev/null");
	if (lockdown_capabilities(init.net_bind_service) < 0)
		die(j, "dropping capabilities");
	/* last, for a change of credentials undoes both */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		die(j, "tying the init process to the runner");
	if (lockdown_filter_load() < 0)
		die(j, "loading the seccomp filter");
	report->uid = getuid();
	report->gid = getgid();
	report->foreign_groups = foreign_groups(getgid());
	check_limits(&init, report);
	if (wire_send(j->sock, &ready, NULL, 0) < 0)
		_exit(1);
}

/* ---- steps */

static uint64_t children_cpu_ns(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) < 0)
		return 0;
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_SEC +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static bool is_full(const char *path)
{
	struct statvfs v;

	return statvfs(path, &v) == 0 && ((v.f_blocks && v.f_bavail == 0) || (v.f_files && v.f_favail == 0));
}

static void answer_ended(struct jail *j, const struct wire_ended *ended)
{
	struct wire m = { .kind = WIRE_ENDED, .ended = *ended };

	m.ended.storage_full = is_full(WORKDIR) || is_full("/tmp");
	m.ended.cpu_ns = children_cpu_ns() - j->cpu_before_ns;
	j->step = 0;
	if (wire_send(j->sock, &m, NULL, 0) < 0)
		_exit(1);
}

/* In the vforked child: nothing here may return or touch what the parent goes on to use, but exec_errno. */
static _Noreturn void step_main(const struct jail *j, struct step *s)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setsid() < 0 || dup2(j->null_fd, 0) < 0 || dup2(s->out, 1) < 0 || dup2(s->err, 2) < 0 ||
	    chdir(WORKDIR) < 0) {
		s->exec_errno = errno;
		_exit(126);
	}
	lockdown_limits_apply(&j->init->limits);
	environ = s->env;
	execvp(s->argv[0], s->argv);
	s->exec_errno = errno;
	_exit(127);
}

static __attribute__((noinline)) pid_t fork_step(const struct jail *j, struct step *s)
{
	pid_t pid = vfork();

	if (pid == 0)
		step_main(j, s);
	return pid;
}

/* The strings of a command as pointer arrays; one allocation. NULL if the message is no such thing. */
static char **unpack(const struct wire_exec *e, char *strings, char ***ret_env)
{
	size_t total = (size_t)e->argc + e->envc;
	char **pointers = xcalloc(total + 2, sizeof(*pointers));
	char *p = strings, *end = strings + e->bytes;

	for (size_t i = 0; i < total; i++) {
		size_t len = strnlen(p, (size_t)(end - p));

		if (p == end || p + len == end) {
			free(pointers);
			return NULL;
		}
		pointers[i < e->argc ? i : i + 1] = p;
		p += len + 1;
	}
	*ret_env = pointers + e->argc + 1;
	return pointers;
}

static void explain(int fd, const char *name, int error)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "sandbox: cannot run '%.300s': %s\n", name, strerror(error));

	if (write(fd, text, (size_t)n) < 0) { /* nobody to tell */ }
}

static void start_step(struct jail *j, const struct wire *m, const int fds[WIRE_FDS])
{
	struct step step = { .out = fds[1], .err = fds[2] };
	struct wire_ended ended = { 0 };
	char *strings = mmap(NULL, m->exec.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[0], 0);
	pid_t pid;

	if (strings == MAP_FAILED)
		_exit(1);
	step.argv = unpack(&m->exec, strings, &step.env);
	if (!step.argv)
		_exit(1);
	j->cpu_before_ns = children_cpu_ns();
	/* when memory runs out it is a step that goes, not we */
	if (j->oom_fd >= 0 && write(j->oom_fd, "1000", 4) < 0) { /* then sizes decide */ }
	pid = fork_step(j, &step);
	if (j->oom_fd >= 0 && write(j->oom_fd, "0", 1) < 0) { /* as above */ }
	environ = NULL;
	if (pid < 0) {
		ended.exec_errno = errno;
		ended.fork_refused = errno == EAGAIN;
	} else if (step.exec_errno) {
		ended.exec_errno = step.exec_errno;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	if (ended.exec_errno) {
		explain(step.err, step.argv[0], ended.exec_errno);
	}
	free(step.argv);
	munmap(strings, m->exec.bytes);
	for (size_t i = 0; i < WIRE_FDS; i++)
		close(fds[i]);
	if (ended.exec_errno)
		answer_ended(j, &ended);
	else
		j->step = pid;
}

/* One kill(-1) reaches every process there is, also those being forked: a fork with a signal pending does not complete. */
static uint32_t end_all(void)
{
	uint32_t n = 0;

	if (kill(-1, SIGKILL) < 0 && errno == ESRCH)
		return 0;
	for (;;) {
		pid_t pid = waitpid(-1, NULL, 0);

		if (pid > 0)
			n++;
		else if (errno != EINTR)
			return n;
	}
}

static void reap(struct jail *j)
{
	struct wire_ended ended = { 0 };
	struct signalfd_siginfo info;
	bool over = false;
	pid_t pid;
	int status;

	while (read(j->sigchld_fd, &info, sizeof(info)) > 0) {}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == j->step) {
			ended.wait_status = status;
			over = true;
		}
	}
	if (!over)
		return;
	ended.outlived = end_all();
	answer_ended(j, &ended);
}

static void put(struct jail *j, struct wire *m, int fd)
{
	struct wire done = { .kind = WIRE_DONE };

	/* path and target, each with its NUL */
	if (m->put.path_len >= m->text_len || m->text[m->put.path_len] || m->text[m->text_len - 1])
		_exit(1);
	if (native_put(j->work_fd, &m->put, m->text, m->text + m->put.path_len + 1, fd) < 0)
		done.error = errno;
	if (fd >= 0)
		close(fd);
	if (wire_send(j->sock, &done, NULL, 0) < 0)
		_exit(1);
}

static void obey(struct jail *j)
{
	int fds[WIRE_FDS];
	struct wire m;

	if (wire_recv(j->sock, &m, fds) != 1)
		_exit(0);
	switch (m.kind) {
	case WIRE_EXEC:
		start_step(j, &m, fds);
		break;
	case WIRE_TERMINATE:
		kill(-1, SIGTERM);
		kill(-1, SIGCONT);
		break;
	case WIRE_KILL:
		kill(-1, SIGKILL);
		break;
	case WIRE_PUT:
		put(j, &m, fds[0]);
		break;
	default:
		_exit(1);
	}
}

_Noreturn void native_init_main(const struct native_init *init, int sock)
{
	struct jail j = { .init = init, .sock = sock, .oom_fd = -1, .null_fd = -1, .work_fd = -1 };

	setsid();
	close_others(init, sock);
	reset_signals(&j);
	set_up(&j);
	for (;;) {
		struct pollfd p[] = { { .fd = sock, .events = POLLIN }, { .fd = j.sigchld_fd, .events = POLLIN } };

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			_exit(1);
		if (p[1].revents)
			reap(&j);
		if (p[0].revents)
			obey(&j);
	}
}
