/* SPDX-License-Identifier: Apache-2.0
 * What every first process of a sandbox does, whoever made it: starts commands, reaps, kills what they leave behind. See init.h. */
#include "sandboxes/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define WORKDIR "/" SANDBOX_WORKDIR_RELATIVE

/* What the vforked child of a step uses and leaves: it shares our memory until it executes. */
struct step {
	const struct init *init;
	const struct init_command *command;
	volatile int exec_errno;
	volatile bool no_dir;		/* it was the folder to start in */
};

/* ---- coming up */

void init_wipe_arguments(void)
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

void init_close_others(int *keep, size_t n)
{
	int next = 3;

	qsort(keep, n, sizeof(keep[0]), compare_ints);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] > next)
			close_range_compat((unsigned int)next, (unsigned int)keep[i] - 1);
		if (keep[i] >= next)
			next = keep[i] + 1;
	}
	close_range_compat((unsigned int)next, ~0U);
}

int init_reset_signals(struct init *init)
{
	static const unsigned long default_action[8];	/* the kernel's struct sigaction: SIG_DFL, no flags, empty mask */
	sigset_t set;

	/* not by signal(): glibc keeps 32 and 33 to itself, but a parent may have them ignored */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, (size_t)NSIG / 8);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	init->sigchld_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return init->sigchld_fd < 0 ? -1 : 0;
}

/* Apply a step's limits in a child and read them back: shared memory carries the answer. Not to be inlined, for a compiler that
 * sees both sides of vfork() takes it that nothing was written on the parent's. */
__attribute__((noinline)) void init_try_limits(const struct lockdown_limits *limits, struct lockdown_limits *ret)
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

int init_open_work(struct init *init)
{
	init->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	init->work_fd = open(WORKDIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (init->null_fd < 0 || init->work_fd < 0)
		return -1;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(init->null_fd, fd) < 0)
			return -1;
	return 0;
}

/* ---- commands */

static uint64_t children_cpu_ns(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) < 0)
		return 0;
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_SEC +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

/* In the new process, which shares our memory if it was vforked: nothing may be touched that the parent goes on to use. Returns only
 * if the command cannot be executed: the errno. */
static int step_main(void *arg)
{
	struct step *s = arg;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setsid() < 0 || (s->command->tty && ioctl(s->command->out, TIOCSCTTY, 0) < 0) ||
	    dup2(s->command->in > 0 ? s->command->in : s->init->null_fd, 0) < 0 || dup2(s->command->out, 1) < 0 || dup2(s->command->err, 2) < 0 ||
	    chdir(WORKDIR) < 0)
		return errno;
	if (s->command->dir && chdir(s->command->dir) < 0) {
		s->no_dir = true;
		return errno;
	}
	lockdown_limits_apply(&s->init->limits);
	environ = s->command->env;
	execvp(s->command->argv[0], s->command->argv);
	return errno;
}

static __attribute__((noinline)) pid_t fork_step(struct step *s)
{
	pid_t pid = vfork();

	if (pid == 0) {
		s->exec_errno = step_main(s);
		_exit(127);
	}
	return pid;
}

int init_unpack(char *strings, uint64_t bytes, size_t argc, size_t envc, struct init_command *ret)
{
	char **pointers = xcalloc(argc + envc + 2, sizeof(*pointers));
	char *p = strings, *end = strings + bytes;

	for (size_t i = 0; i < argc + envc; i++) {
		size_t len = strnlen(p, (size_t)(end - p));

		if (p + len == end) {
			free(pointers);
			return -1;
		}
		pointers[i < argc ? i : i + 1] = p;
		p += len + 1;
	}
	if (p < end && end[-1])
		return free(pointers), -1;
	ret->dir = p < end ? p : NULL;
	ret->argv = pointers;
	ret->env = pointers + argc + 1;
	return 0;
}

static void answer(struct init *init, struct init_ended *ended)
{
	if (init->observing)
		init_observe_end(init);
	init_watch(init, true);
	ended->storage_full = init->storage_full;
	ended->fork_refused |= init->fork_refused;
	ended->cpu_ns = children_cpu_ns() - init->cpu_before_ns;
	init->step = 0;
	init->on_ended(init, ended);
}

/* Say why it was not run, and what its exit status is made of: only a program that is not there is "not found". */
static int explain(const struct step *s, int error)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "sandbox: cannot %s '%.300s': %s\n", s->no_dir ? "start in" : "run",
			 s->no_dir ? s->command->dir : s->command->argv[0], strerror(error));

	if (write(s->command->err, text, (size_t)n) < 0) { /* nobody to tell */ }
	return s->no_dir ? EACCES : error;
}

/* The same for a process of its own, whose error is found when it has ended. */
static int observed_main(void *arg)
{
	return explain(arg, step_main(arg));
}

void init_start(struct init *init, const struct init_command *command)
{
	struct step step = { .init = init, .command = command };
	struct init_ended ended = { 0 };
	pid_t pid;

	init->cpu_before_ns = children_cpu_ns();
	init->room_seen = init->storage_full = init->fork_refused = false;
	init->looks_at_limit = 0;
	init->look_ns = 0;
	/* when memory runs out it is a step that goes, not we */
	if (init->oom_fd >= 0 && write(init->oom_fd, "1000", 4) < 0) { /* then sizes decide */ }
	init->stopping = false;
	pid = init->observing ? init_observe_fork(init, observed_main, &step) : fork_step(&step);
	if (init->oom_fd >= 0 && write(init->oom_fd, "0", 1) < 0) { /* as above */ }
	environ = NULL;
	if (pid < 0) {
		ended.exec_errno = errno;
		ended.fork_refused = errno == EAGAIN;
	} else if (step.exec_errno) {
		ended.exec_errno = step.exec_errno;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	if (!ended.exec_errno) {
		init->step = pid;
		return;
	}
	ended.exec_errno = explain(&step, ended.exec_errno);
	answer(init, &ended);
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

void init_reap(struct init *init)
{
	struct init_ended ended = { 0 };
	struct signalfd_siginfo info;
	bool over = false;
	pid_t pid;
	int status;

	while (read(init->sigchld_fd, &info, sizeof(info)) > 0) {}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == init->step) {
			ended.wait_status = status;
			over = true;
		}
	}
	if (!over)
		return;
	if (init->observing) {
		ended.exec_errno = init_observe_error(init);
		if (!init->stopping)
			init_observe_outlived(init);
	}
	ended.outlived = end_all();
	answer(init, &ended);
}

void init_terminate(void)
{
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
}

void init_kill(void)
{
	kill(-1, SIGKILL);
}
