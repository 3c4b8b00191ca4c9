/* SPDX-License-Identifier: Apache-2.0
 * The runner's side of the forwarder: starting it with as little as it needs, hearing from it, ending it. */
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/pidfd.h"
#include "sandboxes/event.h"
#include "sandboxes/init.h"
#include "sandboxes/network.h"

static _Noreturn void forwarder_main(struct network_plan *plan, const struct identity *who, int from_inside, int events, pid_t parent)
{
	int keep[2] = { from_inside, events };
	struct init init = INIT_EMPTY;

	setsid();
	init_close_others(keep, 2);
	init_wipe_arguments();
	prctl(PR_SET_NAME, "sandbox-network");
	if (init_reset_signals(&init) < 0)
		_exit(1);
	close(init.sigchld_fd);
	if (who->privileged && (setgroups(0, NULL) < 0 || setresgid(who->outside_gid ^ 1, who->outside_gid ^ 1, who->outside_gid ^ 1) < 0 ||
				setresuid(who->outside_uid ^ 1, who->outside_uid ^ 1, who->outside_uid ^ 1) < 0))
		_exit(1);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent || lockdown_filter_load(LOCKDOWN_PLAIN) < 0)
		_exit(1);
	network_forward(plan, from_inside, events);
}

int network_forwarder_start(const struct network_plan *plan, const struct identity *who, struct network_forwarder *ret, struct error *err)
{
	int inside[2], events[2];
	pid_t parent = getpid();

	*ret = (struct network_forwarder){ .pidfd = -1, .events = -1, .inside = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, inside) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a socket pair");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, events) < 0) {
		close(inside[0]);
		close(inside[1]);
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a socket pair");
	}
	ret->pid = fork();
	if (ret->pid == 0)
		forwarder_main((struct network_plan *)plan, who, inside[0], events[1], parent);	/* its own copy */
	close(inside[0]);
	close(events[1]);
	ret->inside = inside[1];
	ret->events = events[0];
	if (ret->pid < 0) {
		error_sys(err, ERR_UNAVAILABLE, "cannot start the process that carries the network");
		network_forwarder_stop(ret);
		return -1;
	}
	ret->pidfd = (int)syscall(SYS_pidfd_open, ret->pid, 0);
	return 0;
}

bool network_forwarder_read(struct network_forwarder *f, sandbox_observer *observer, void *arg)
{
	char packet[EVENT_BYTES_MAX];

	for (;;) {
		ssize_t n = recv(f->events, packet, sizeof(packet), MSG_DONTWAIT);
		const char *at = packet;
		size_t left = n > 0 ? (size_t)n : 0;
		struct sandbox_event event;

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		while (observer && event_unpack(&at, &left, &event))
			observer(arg, &event);
	}
}

void network_forwarder_stop(struct network_forwarder *f)
{
	siginfo_t info;

	if (f->inside >= 0)
		close(f->inside);
	if (f->events >= 0)
		close(f->events);
	if (f->pid > 0 && f->pidfd >= 0) {
		syscall(SYS_pidfd_send_signal, f->pidfd, SIGKILL, NULL, 0);
		waitid(P_PIDFD, (id_t)f->pidfd, &info, WEXITED);
	} else if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		while (waitpid(f->pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	if (f->pidfd >= 0)
		close(f->pidfd);
	*f = (struct network_forwarder){ .pidfd = -1, .events = -1, .inside = -1 };
}
