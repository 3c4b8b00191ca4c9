/* SPDX-License-Identifier: Apache-2.0
 * The network namespace of a container that somebody else made: a child of ours enters it, listens there for the forwarder, and is gone.
 * Nothing of ours stays inside but the sockets, and nothing of the container runs meanwhile but its first process. */
#include "sandboxes/network.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define ENTER_NS (10 * NS_PER_SEC)

struct outcome {
	bool inside;	/* got in; what failed is listening */
	int error;
};

static int open_namespace(pid_t pid, const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* A namespace of a user's own container belongs to the user namespace that holds it, and whoever made that may enter it first. */
static int enter(int net, int user)
{
	if (setns(net, CLONE_NEWNET) == 0)
		return 0;
	if (errno != EPERM || user < 0 || setns(user, CLONE_NEWUSER) < 0)
		return -1;
	return setns(net, CLONE_NEWNET);
}

static int bring_up_loopback(void)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return -1;
	if (req.ifr_flags & IFF_UP)
		return 0;
	req.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &req);
}

static _Noreturn void visit(const struct network_plan *plan, int forwarder, int net, int user, int answer)
{
	struct outcome o = { .inside = enter(net, user) == 0 };

	if (!o.inside || bring_up_loopback() < 0 || network_listen(plan, forwarder) < 0)
		o.error = errno ? errno : EIO;
	_exit(write(answer, &o, sizeof(o)) != (ssize_t)sizeof(o));
}

static struct outcome hear(pid_t child, int answer)
{
	const uint64_t deadline = clock_deadline(ENTER_NS);
	struct pollfd p = { .fd = answer, .events = POLLIN };
	struct outcome o = { .error = ETIMEDOUT };
	int r;

	do {
		r = poll(&p, 1, clock_poll_timeout(deadline));
	} while (r < 0 && errno == EINTR);
	if (r > 0 && read(answer, &o, sizeof(o)) != (ssize_t)sizeof(o))
		o = (struct outcome){ .error = EIO };
	if (o.error)
		kill(child, SIGKILL);	/* it may not have ended */
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
	return o;
}

/* Is this descriptor the namespace that was meant, and not the one we are in? */
static bool is_meant(int net, uint64_t inode)
{
	struct stat there, here;

	return fstat(net, &there) == 0 && there.st_ino == inode && stat("/proc/self/ns/net", &here) == 0 && here.st_ino != inode;
}

int network_enter(const struct network_plan *plan, int forwarder, pid_t pid, uint64_t inode, struct error *err)
{
	autoclose int net = open_namespace(pid, "net"), user = open_namespace(pid, "user");
	int answer[2];
	struct outcome o;
	pid_t child;

	if (net < 0)
		return error_sys(err, ERR_UNAVAILABLE, "the container's network namespace cannot be opened");
	if (!is_meant(net, inode))
		return error_set(err, ERR_UNAVAILABLE, "the container has no network namespace of its own that can be seen from here");
	if (pipe2(answer, O_CLOEXEC) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	child = fork();
	if (child == 0)
		visit(plan, forwarder, net, user, answer[1]);
	close(answer[1]);
	o = child < 0 ? (struct outcome){ .error = errno } : hear(child, answer[0]);
	close(answer[0]);
	if (!o.error)
		return 0;
	errno = o.error;
	return error_sys(err, ERR_UNAVAILABLE, o.inside ? "listening in the container's network namespace" :
			 "the container's network namespace cannot be entered");
}
