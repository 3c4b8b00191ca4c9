/* SPDX-License-Identifier: Apache-2.0
 * Inside the sandbox's network namespace, once, by code of ours that still has rights over it: addresses and listening sockets. */
#include "sandboxes/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/network_private.h"

#define BACKLOG 64

/* RTM_NEWADDR with all that it takes here. */
struct v6_request {
	struct nlmsghdr header;
	struct ifaddrmsg message;
	struct rtattr local;
	unsigned char address[16];
	struct rtattr flags;
	uint32_t flags_value;
};

/* The interface takes `address` (and, of the whole range, all of it: for a loopback interface a prefix is local). */
static int take_v4(int fd, unsigned int alias, const unsigned char *address, const char *mask)
{
	struct ifreq req = { .ifr_name = "" };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "lo:%u", alias);
	memcpy(&sin.sin_addr, address, 4);
	memcpy(&req.ifr_addr, &sin, sizeof(sin));
	if (ioctl(fd, SIOCSIFADDR, &req) < 0)
		return -1;
	inet_pton(AF_INET, mask, &sin.sin_addr);
	memcpy(&req.ifr_netmask, &sin, sizeof(sin));
	return ioctl(fd, SIOCSIFNETMASK, &req);
}

/* By rtnetlink, for the older ioctl cannot say "no duplicate address detection": the kernel then does it later, also for loopback, and
 * an address is not usable before. */
static int take_v6(const unsigned char *address)
{
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct v6_request req = {
		.header = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_NEWADDR, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
		.message = { .ifa_family = AF_INET6, .ifa_prefixlen = 128, .ifa_index = if_nametoindex("lo") },
		.local = { .rta_len = RTA_LENGTH(16), .rta_type = IFA_LOCAL },
		.flags = { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = IFA_FLAGS },
		.flags_value = IFA_F_NODAD | IFA_F_PERMANENT,
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char room[1024];	/* the request again */
	} answer;

	memcpy(req.address, address, sizeof(req.address));
	if (fd < 0 || send(fd, &req, sizeof(req), 0) != (ssize_t)sizeof(req))
		return -1;
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(int)) || answer.header.nlmsg_type != NLMSG_ERROR) {
		errno = EPROTO;
		return -1;
	}
	errno = -answer.error.error;
	return errno == 0 || errno == EEXIST ? 0 : -1;
}

static int take_addresses(const struct network_plan *plan)
{
	static const unsigned char own[4] = { 198, 18, 0, 1 };
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int alias = 1;

	if (fd < 0 || take_v4(fd, alias++, own, "255.254.0.0") < 0)
		return -1;
	for (size_t i = 0; i < plan->names_len; i++) {
		const struct network_address *a = &plan->names[i].inside;

		if (!plan->names[i].literal)
			continue;
		if (a->family == AF_INET ? take_v4(fd, alias++, a->bytes, "255.255.255.255") < 0 : take_v6(a->bytes) < 0)
			return -1;
	}
	return 0;
}

static int bind_to(int fd, const struct network_address *a, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (a->family == AF_INET) {
		memcpy(&v4.sin_addr, a->bytes, 4);
		return bind(fd, (struct sockaddr *)&v4, sizeof(v4));
	}
	memcpy(&v6.sin6_addr, a->bytes, 16);
	return bind(fd, (struct sockaddr *)&v6, sizeof(v6));
}

static int listen_at(const struct network_address *a, uint16_t port)
{
	int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind_to(fd, a, port) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_dns(void)
{
	static const struct network_address own = { .family = AF_INET, .bytes = { 127, 0, 0, 1 } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind_to(fd, &own, 53) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* One message of descriptors; they are closed here in any case. */
static int send_all(int sock, int *fds, size_t len)
{
	int r = network_send_fds(sock, fds, len);

	for (size_t i = 0; i < len; i++)
		close(fds[i]);
	return r;
}

int network_listen(const struct network_plan *plan, int forwarder)
{
	int fds[NETWORK_FDS];
	size_t n = 0;

	if (take_addresses(plan) < 0)
		return -1;
	fds[n++] = open_dns();
	for (size_t i = 0; i < plan->ports_len && fds[n - 1] >= 0; i++) {
		if (n == NETWORK_FDS) {
			if (send_all(forwarder, fds, n) < 0)
				return -1;
			n = 0;
		}
		fds[n++] = listen_at(&plan->names[plan->ports[i].name].inside, plan->ports[i].port);
	}
	if (fds[n - 1] < 0) {
		int saved = errno;

		send_all(forwarder, fds, n - 1);
		errno = saved;
		return -1;
	}
	return send_all(forwarder, fds, n);
}
