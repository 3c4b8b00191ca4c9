/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/judge_template.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/mem.h"

#define ANSWER_SEC 5	/* it has nothing else to do: this long means that it never will */

/* One descriptor with one byte. */
union passed_fd {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_fd(int socket, int fd)
{
	union passed_fd control = { .bytes = "" };
	struct iovec byte = { .iov_base = (char[]){ 'w' }, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

/* -1: the service is gone, or has none to give. */
static int receive_fd(int socket)
{
	union passed_fd control = { .bytes = "" };
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* ---- the template itself */

static _Noreturn void serve_copies(struct judge_bench *b, int socket, pid_t service)
{
	int fd;

	judge_settle(&socket, "judge-template");
	while ((fd = receive_fd(socket)) >= 0) {
		/* fork() cannot say whose child it is to be. There are no threads here and no handlers, which are what fork() is there for */
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != service)
				_exit(EXIT_UNAVAILABLE);
			judge_work(b, fd);
		}
		close(fd);
		if (write(socket, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
			break;
	}
	_exit(EXIT_OK);
}

/* ---- the service's side */

int judge_template_start(struct judge_template *t, struct judge_bench *b, struct error *err)
{
	struct timeval patience = { .tv_sec = ANSWER_SEC };
	pid_t service = getpid();
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start a process that judges packages");
	t->pid = fork();
	if (t->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != service)
			_exit(EXIT_UNAVAILABLE);
		serve_copies(b, fds[1], service);
	}
	close(fds[1]);
	t->fd = fds[0];
	if (t->pid < 0 || setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0) {
		error_sys(err, ERR_UNAVAILABLE, "cannot start a process that judges packages");
		judge_template_end(t);
		return -1;
	}
	return 0;
}

pid_t judge_template_spawn(struct judge_template *t, int fd)
{
	pid_t pid = -1;
	ssize_t n = -1;

	if (t->pid >= 0 && send_fd(t->fd, fd) == 0)
		do
			n = recv(t->fd, &pid, sizeof(pid), 0);
		while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(pid) && pid > 0)
		return pid;
	judge_template_end(t);
	return -1;
}

void judge_template_end(struct judge_template *t)
{
	if (t->fd >= 0)
		close(steal_fd(&t->fd));
	if (t->pid >= 0) {
		kill(t->pid, SIGKILL);
		while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	t->pid = -1;
}
