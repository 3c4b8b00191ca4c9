/* SPDX-License-Identifier: Apache-2.0
 * network: sockets a step must not have, and places it must not reach. */
#pragma once

#include <arpa/inet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attempt.h"

static const char *abstract_name, *unix_path;
static int port;

static const struct { const char *name; int family, type, protocol; bool wanted; } sockets[] = {
	{ "raw", AF_INET, SOCK_RAW, IPPROTO_ICMP, false }, { "raw with flags", AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP, false },
	{ "raw 6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, false },
	{ "packet", AF_PACKET, SOCK_DGRAM, 0, false },
	{ "obsolete packet", AF_INET, SOCK_PACKET, 0, false },
	{ "vsock", AF_VSOCK, SOCK_STREAM, 0, false },
	{ "alg", AF_ALG, SOCK_SEQPACKET, 0, false },
	{ "tipc", AF_TIPC, SOCK_STREAM, 0, false },
	{ "bluetooth", AF_BLUETOOTH, SOCK_RAW, 1, false },
	{ "can", AF_CAN, SOCK_RAW, 1, false },
	{ "xdp", 44, SOCK_RAW, 0, false },
	{ "sctp", AF_INET, SOCK_STREAM, 132, false },
	{ "netlink audit", AF_NETLINK, SOCK_RAW, 9, false },
	{ "netlink netfilter", AF_NETLINK, SOCK_RAW, 12, false },
	{ "netlink uevent", AF_NETLINK, SOCK_DGRAM, 15, false },
	{ "netlink route", AF_NETLINK, SOCK_RAW, 0, true },
	{ "unix", AF_UNIX, SOCK_STREAM, 0, true },
	{ "tcp", AF_INET, SOCK_STREAM, 0, true },
	{ "udp 6", AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0, true },
};

static void try_sockets(const void *arg)
{
	char list[300] = "";

	(void)arg;
	for (size_t i = 0; i < COUNT(sockets); i++) {
		bool got = socket(sockets[i].family, sockets[i].type, sockets[i].protocol) >= 0;

		if (got != sockets[i].wanted && strlen(list) < 250)
			sprintf(list + strlen(list), " %s%s", sockets[i].name, got ? "" : " (refused)");
	}
	end(*list != '\0', "%s", *list ? list : "only unix, internet streams and datagrams, and netlink route");
}

/* Every family and kind there is, with the few exceptions; netlink of every protocol but route. */
static void try_families(const void *arg)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET };
	static const int protocols[] = { 1, 2, 4, 6, 17, 33, 41, 47, 50, 58, 94, 103, 115, 132, 136, 137, 255, 262 };
	int tried = 0;

	(void)arg;
	for (int family = 0; family < 48; family++) {
		for (size_t i = 0; i < COUNT(types); i++) {
			if (family == AF_UNIX || family == AF_NETLINK)
				continue;
			if ((family == AF_INET || family == AF_INET6) && (types[i] == SOCK_STREAM || types[i] == SOCK_DGRAM))
				continue;
			if (socket(family, types[i], 0) >= 0 || (errno != EPERM && errno != ENOSYS && errno != EACCES))
				end(1, "family %d, type %d: %s", family, types[i], strerror(errno));
			tried++;
		}
	}
	for (int protocol = 1; protocol < 32; protocol++)
		if (socket(AF_NETLINK, SOCK_RAW, protocol) >= 0 || (errno != EPERM && errno != ENOSYS))
			end(1, "netlink %d: %s", protocol, strerror(errno));
	for (size_t i = 0; i < COUNT(protocols); i++)
		for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++)
			if (protocols[i] != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP) &&
			    (socket(AF_INET, type, protocols[i]) >= 0 || socket(AF_INET6, type, protocols[i]) >= 0))
				end(1, "internet protocol %d", protocols[i]);
	end(tried == 0, "%d kinds do not exist", tried);
}

static void try_interfaces(const void *arg)
{
	char name[IF_NAMESIZE] = "";
	int others = 0;

	(void)arg;
	for (unsigned int i = 1; i < 64; i++)
		if (if_indextoname(i, name) && strcmp(name, "lo") != 0) {
			struct ifreq r = { .ifr_ifindex = 0 };

			/* fallback tunnels of the kernel show in every new namespace; none of them can be switched on */
			snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
			others++;
			if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP))
				end(1, "%s is up", name);
			r.ifr_flags |= IFF_UP;
			if (ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &r) == 0)
				end(1, "%s was switched on", name);
		}
	end(0, "lo, and %d that are down and stay so", others);
}

static void try_route(const void *arg)
{
	static const char *const addresses[] = { "203.0.113.7", "10.0.0.1", "192.168.1.1", "169.254.169.254", "172.17.0.1" };
	static const char *const addresses_6[] = { "2001:db8::7", "fd00:ec2::254", "fe80::1", "ff02::1", "64:ff9b::7f00:1" };

	(void)arg;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(53) };
		int s = socket(AF_INET, SOCK_DGRAM, 0);

		inet_pton(AF_INET, addresses[i], &a.sin_addr);
		if (connect(s, (struct sockaddr *)&a, sizeof(a)) == 0 || errno != ENETUNREACH)
			end(1, "%s: %s", addresses[i], strerror(errno));
		close(s);
	}
	for (size_t i = 0; i < COUNT(addresses_6); i++) {
		struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_scope_id = 2 };
		int s = socket(AF_INET6, SOCK_DGRAM, 0);

		inet_pton(AF_INET6, addresses_6[i], &a.sin6_addr);
		if (connect(s, (struct sockaddr *)&a, sizeof(a)) == 0)
			end(1, "%s", addresses_6[i]);
		close(s);
	}
	end(0, "no route");
}

static void try_loopback(const void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)arg;
	end(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)) == 0, "%s", strerror(errno));
}

static void try_unix(const void *arg)
{
	const char *names[] = { unix_path, abstract_name, "/run/docker.sock", "/var/run/docker.sock", "/run/dbus/system_bus_socket",
				"/run/systemd/private", "/run/containerd/containerd.sock" };

	(void)arg;
	for (size_t i = 0; i < COUNT(names); i++) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };
		size_t skip = names[i] == abstract_name;	/* its first byte is 0 */

		if (!names[i])
			continue;
		snprintf(a.sun_path + skip, sizeof(a.sun_path) - skip, "%s", names[i]);
		if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + skip + strlen(names[i]))) == 0)
			end(1, "connected to %s", names[i]);
	}
	end(0, "nobody answers");
}
