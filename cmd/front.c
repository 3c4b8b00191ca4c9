/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/front.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

/* What the terminal sends reaches the child too; what somebody sends to us alone has to be passed on. */
static void pass_on(int signals, pid_t child)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_code <= 0)		/* by a process */
			kill(child, (int)info.ssi_signo);
}

static int status_of(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_BUG;
	return WIFSIGNALED(status) ? EXIT_SIGNAL_BASE + WTERMSIG(status) : WEXITSTATUS(status);
}

static void stand_in_front(pid_t child, int report_fd, struct run_summary *ret)
{
	autoclose int signals = -1;
	sigset_t set, before;
	ssize_t n;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &before);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (;;) {
		struct pollfd p[] = { { .fd = report_fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			pass_on(signals, child);
		if (p[0].revents)
			break;
	}
	while ((n = read(report_fd, ret, sizeof(*ret))) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(*ret)) {
		*ret = (struct run_summary){ .run_id = "" };
		ret->status = status_of(child);
	}
	pass_on(signals, child);	/* came after the report: it is for whoever is still there */
	sigprocmask(SIG_SETMASK, &before, NULL);
}

int front_start(struct front *f, struct run_summary *ret, struct error *err)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start a process that keeps the sandbox");
	pid = fork();
	if (pid < 0) {
		error_sys(err, ERR_UNAVAILABLE, "cannot start a process that keeps the sandbox");
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (pid == 0) {
		close(fds[0]);
		*f = (struct front){ .child = true, .report_fd = fds[1] };
		return 0;
	}
	close(fds[1]);
	stand_in_front(pid, fds[0], ret);
	close(fds[0]);
	return 1;
}

/* All of ours are close-on-exec; what is not came from whoever started us, and may be a lock or a pipe that somebody waits for. */
static void close_foreign(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (fd > STDERR_FILENO && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

void front_report(struct front *f, const struct run_summary *summary)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_NAME, "sbx-keeper");
	setsid();
	if (chdir("/") < 0) { /* then it keeps a folder busy, no more */ }
	close_foreign();
	for (int fd = 0; fd <= STDERR_FILENO && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	if (null_fd > STDERR_FILENO)
		close(null_fd);
	if (write_all(f->report_fd, summary, sizeof(*summary)) < 0) { /* nobody waits any more */ }
	close(steal_fd(&f->report_fd));
}
