/* SPDX-License-Identifier: Apache-2.0
 *
 * The "pipe" is a socket pair, so that dismissing a reaper that somebody killed is an error code and not a SIGPIPE.
 * Its runner's end is close-on-exec, and sandboxes close every descriptor before they run anything: a child that kept it would
 * hold the reaper back until that child ends. The reaper shares the runner's open journal and so its lock, which passes on by
 * itself when the runner is gone. */
#include "runner/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/fault.h"
#include "runner/base/mem.h"

enum { FD_PIPE = 3, FD_JOURNAL, FD_FIRST_TO_CLOSE };

/* Keep the two descriptors that matter, at known numbers, and nothing else of the runner's. */
static int keep_only(int pipe_fd, int journal_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* out of the way first: any of them may be at a number that is about to be overwritten */
	int high_pipe = fcntl(pipe_fd, F_DUPFD_CLOEXEC, FD_FIRST_TO_CLOSE);
	int high_journal = fcntl(journal_fd, F_DUPFD_CLOEXEC, FD_FIRST_TO_CLOSE);
	int high_null = fcntl(null_fd, F_DUPFD_CLOEXEC, FD_FIRST_TO_CLOSE);

	if (high_pipe < 0 || high_journal < 0)
		return -1;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (high_null < 0 || dup2(high_null, fd) < 0)
			close(fd);	/* no /dev/null: closed is as good, nothing here writes */
	if (dup3(high_pipe, FD_PIPE, O_CLOEXEC) < 0 || dup3(high_journal, FD_JOURNAL, O_CLOEXEC) < 0)
		return -1;
	if (close_range(FD_FIRST_TO_CLOSE, ~0U, 0) < 0)		/* before Linux 5.9, or filtered */
		for (int fd = FD_FIRST_TO_CLOSE; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
			close(fd);
	return 0;
}

static void leave_the_crowd(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU };
	sigset_t none;

	setsid();
	prctl(PR_SET_NAME, "sbx-reaper");
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/") < 0) { /* then it keeps a folder busy, no more */ }
}

/* What the runner says: a packet with the path of a run's folder, and its journal; "d" is: go. */
union control_space {
	char buf[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* The length of what came, 0 at the end of the runner, -1 with errno. *fd is the journal, or -1. */
static ssize_t hear(char *text, size_t size, int *fd)
{
	union control_space space;
	struct iovec iov = { text, size - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf) };
	struct cmsghdr *c;
	ssize_t n;

	while ((n = recvmsg(FD_PIPE, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	text[n > 0 ? n : 0] = '\0';
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n;
}

static int clean_up(const char *scratch)
{
	struct cleanup_list list = { .items = NULL };
	struct error err;
	int rc = journal_replay(scratch, FD_JOURNAL, &list, &err);

	if (rc == 0 && !list.len)	/* the runner had come that far itself */
		cleanup_add(&list, "directory", scratch, true, "ENOENT");
	if (rc == 0)
		journal_tell_history(scratch, &list);
	cleanup_list_release(&list);
	return rc;
}

static void watch(int pipe_fd, int journal_fd, const char *scratch) __attribute__((noreturn));
static void watch(int pipe_fd, int journal_fd, const char *scratch)
{
	char path[sizeof(((struct sandbox_ref *)NULL)->endpoint)], text[sizeof(path)];
	ssize_t n;
	int fd;

	fault_restart("SANDBOX_RUNNER_TEST_KILL_REAPER");
	leave_the_crowd();
	if (snprintf(path, sizeof(path), "%s", scratch) >= (int)sizeof(path) || keep_only(pipe_fd, journal_fd) < 0)
		_exit(1);
	while ((n = hear(text, sizeof(text), &fd)) > 0 && fd >= 0) {
		if (dup3(fd, FD_JOURNAL, O_CLOEXEC) < 0)	/* lets go of the one before */
			_exit(1);
		close(fd);
		memcpy(path, text, sizeof(path));
	}
	/* only the end of the runner starts the clean-up, not an odd answer: it would tear down a living run */
	if (n > 0 || (n < 0 && errno != ECONNRESET))
		_exit(n < 0);
	n = clean_up(path);
	fault_write_count();
	_exit(n < 0);
}

int reaper_start(const struct journal *j, struct reaper *ret, struct error *err)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start the reaper");
	pid = fork();
	if (pid < 0) {
		error_sys(err, ERR_UNAVAILABLE, "cannot start the reaper");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (pid == 0)
		watch(pair[1], journal_fd(j), journal_scratch(j));
	close(pair[1]);
	*ret = (struct reaper){ .pid = pid, .pipe_fd = pair[0] };
	fault_set_reaper(pid);
	return 0;
}

/* Nothing has to be answered: what was sent is heard before the end. */
int reaper_follow(struct reaper *r, const struct journal *j, struct error *err)
{
	const char *scratch = journal_scratch(j);
	union control_space space = { .buf = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)scratch, strlen(scratch) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf) };
	int fd = journal_fd(j);
	ssize_t n;

	if (r->pid <= 0)
		return reaper_start(j, r, err);
	space.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(fd)) };
	memcpy(CMSG_DATA(&space.align), &fd, sizeof(fd));
	while ((n = sendmsg(r->pipe_fd, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)iov.iov_len)
		return 0;
	reaper_dismiss(r);		/* somebody killed it */
	return reaper_start(j, r, err);
}

void reaper_release(struct reaper *r)
{
	if (r->pipe_fd < 0)
		return;
	fault_point("reaper.dismiss");
	while (send(r->pipe_fd, "d", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;	/* EPIPE: somebody killed it; there is nothing left for it to do */
	close(r->pipe_fd);
	r->pipe_fd = -1;
}

void reaper_dismiss(struct reaper *r)
{
	if (r->pid <= 0)
		return;
	reaper_release(r);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	fault_set_reaper(0);
	*r = (struct reaper){ .pid = -1, .pipe_fd = -1 };
	fault_point("reaper.dismissed");
}
