/* SPDX-License-Identifier: Apache-2.0
 * One connection to outside: resolving blocks, so each is tried by a process of its own that ends with the answer. */
#include "sandboxes/network_private.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define PATIENCE_SECONDS 20	/* for all addresses of a name together */
#define ADDRESS_PATIENCE_MS 5000

int network_send_fds(int sock, const int *fds, size_t len)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * NETWORK_FDS)];
		struct cmsghdr align;
	} space = { .buf = { 0 } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (!len)
		return 0;
	msg.msg_control = space.buf;
	msg.msg_controllen = CMSG_SPACE(sizeof(int) * len);
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * len);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * len);
	while (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

int network_recv_fds(int sock, int *fds, size_t max)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * NETWORK_FDS)];
		struct cmsghdr align;
	} space;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf) };
	struct cmsghdr *c;
	ssize_t n;
	size_t len;

	while ((n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {}
	if (n <= 0)
		return (int)n;
	c = CMSG_FIRSTHDR(&msg);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
		errno = EPROTO;
		return -1;
	}
	len = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = max; i < len; i++) {
		int extra;

		memcpy(&extra, CMSG_DATA(c) + i * sizeof(int), sizeof(extra));
		close(extra);
	}
	len = len < max ? len : max;
	memcpy(fds, CMSG_DATA(c), len * sizeof(int));
	return (int)len;
}

/* ---- in the child */

static void set_port(struct sockaddr *sa, uint16_t port)
{
	if (sa->sa_family == AF_INET)
		((struct sockaddr_in *)(void *)sa)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)(void *)sa)->sin6_port = htons(port);
}

/* A connected socket, or -1 with errno. */
static int connect_one(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0, on = 1;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t error_len = sizeof(error);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, sa, len) == 0)
		return fd;
	if (errno != EINPROGRESS)
		error = errno;
	else if (poll(&p, 1, ADDRESS_PATIENCE_MS) != 1)
		error = ETIMEDOUT;
	else
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
	if (!error)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

/* The first address that may be reached and answers. */
static int connect_any(const struct addrinfo *list, const struct network_plan *plan, uint16_t port, struct network_answer *answer)
{
	answer->forbidden = list != NULL;
	answer->error = EACCES;
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		struct network_address address;
		int fd;

		if (!network_address_of(a->ai_addr, &address) || network_forbidden(&address, plan->private_ranges)) {
			if (answer->forbidden)
				answer->reached = address;
			continue;
		}
		answer->forbidden = false;
		answer->reached = address;
		set_port(a->ai_addr, port);
		fd = connect_one(a->ai_addr, a->ai_addrlen);
		if (fd >= 0) {
			answer->error = 0;
			return fd;
		}
		answer->error = errno;
	}
	return -1;
}

static void reply(int sock, const struct network_answer *answer, int fd)
{
	if (write(sock, answer, sizeof(*answer)) != (ssize_t)sizeof(*answer))
		return;
	if (fd >= 0 && network_send_fds(sock, &fd, 1) < 0) { /* whoever asked is gone */ }
}

_Noreturn void network_connect_child(const struct network_plan *plan, const struct network_name *name, uint16_t port, int sock)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = name->literal ? AI_NUMERICHOST : AI_ADDRCONFIG };
	struct network_answer answer = { .error = EHOSTUNREACH };
	struct addrinfo *list = NULL;
	int fd = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	alarm(PATIENCE_SECONDS);
	if (getaddrinfo(name->name, NULL, &hints, &list) == 0 && list)
		fd = connect_any(list, plan, port, &answer);
	reply(sock, &answer, fd);
	_exit(0);
}

/* ---- bandwidth */

size_t network_bucket_take(struct network_bucket *b, size_t wanted, uint64_t now_ns, uint64_t *again_ns)
{
	const uint64_t most = b->bytes_per_second / 8 + 1;
	uint64_t elapsed_ns = now_ns - b->filled_ns, more;

	if (!b->bytes_per_second)
		return wanted;
	if (elapsed_ns > NS_PER_SEC)
		elapsed_ns = NS_PER_SEC;	/* more does not fit in anyway */
	more = elapsed_ns / 1000 * b->bytes_per_second / 1000000;
	if (more) {
		b->tokens = b->tokens + more > most ? most : b->tokens + more;
		b->filled_ns = now_ns;
	}
	if (!b->tokens) {
		uint64_t when = now_ns + NS_PER_SEC / b->bytes_per_second + NS_PER_MS;

		*again_ns = when < *again_ns ? when : *again_ns;
		return 0;
	}
	if (wanted > b->tokens)
		wanted = (size_t)b->tokens;
	b->tokens -= wanted;
	return wanted;
}

void network_bucket_give_back(struct network_bucket *b, size_t unused)
{
	if (b->bytes_per_second)
		b->tokens += unused;
}
