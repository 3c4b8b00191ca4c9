/* SPDX-License-Identifier: Apache-2.0
 * Addresses that steps connect and send to. See init_observe.h. */
#include "sandboxes/init_observe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runner/base/mem.h"

enum { ADDRESS_TEXT = 256, MESSAGES_MAX = 1024 /* as the kernel has it */ };

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	char room[128];
};

/* Sockets of those who make containers or run services as root, and addresses where clouds keep credentials. */
static const char *const engine_sockets[] = {
	"docker.sock", "containerd.sock", "crio.sock", "podman.sock", "buildkitd.sock", "system_bus_socket", "systemd/private",
	"containerd-shim", "kubelet.sock", "lxd/unix.socket", "incus/unix.socket", "snapd.socket",
};
static const char *const metadata_addresses[] = {
	"169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.169.253", "100.100.100.200", "192.0.0.192", "168.63.129.16",
	"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
};

static bool is_listed(const char *const *list, size_t n, const char *text, bool part)
{
	for (size_t i = 0; i < n; i++)
		if (part ? strstr(text, list[i]) != NULL : !strcmp(text, list[i]))
			return true;
	return false;
}

static void describe_internet(const union address *a, char out[ADDRESS_TEXT], struct sandbox_event *e)
{
	const struct in6_addr *six = &a->in6.sin6_addr;
	bool mapped = a->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six);
	bool four = a->any.sa_family == AF_INET || mapped;
	char text[INET6_ADDRSTRLEN] = "";
	uint32_t address = a->in.sin_addr.s_addr;

	if (mapped)
		memcpy(&address, six->s6_addr + 12, 4);
	inet_ntop(four ? AF_INET : AF_INET6, four ? (const void *)&address : (const void *)six, text, sizeof(text));
	snprintf(out, ADDRESS_TEXT, four ? "%s:%u" : "[%s]:%u", text, ntohs(a->in.sin_port));
	/* there is a loopback interface and nothing else */
	e->allowed = four ? ntohl(address) >> 24 == 127 || address == 0 :
			    IN6_IS_ADDR_LOOPBACK(six) || IN6_IS_ADDR_UNSPECIFIED(six);
	if (is_listed(metadata_addresses, ARRAY_SIZE(metadata_addresses), text, false))
		e->severity = SANDBOX_HIGH;
}

/* The C library looks for a cache of names before it looks into /etc/passwd: nobody's intent, and there is none. */
static bool is_library_cache(const char *path)
{
	return !strcmp(path, "/var/run/nscd/socket") || !strcmp(path, "/run/nscd/socket");
}

static bool describe_unix(const struct caller *c, const union address *a, size_t len, char out[ADDRESS_TEXT], struct sandbox_event *e)
{
	size_t n = len - offsetof(struct sockaddr_un, sun_path);
	struct stat st;

	if (a->un.sun_path[0] == '\0') {
		snprintf(out, ADDRESS_TEXT, "unix:@%.*s", (int)(n - 1), a->un.sun_path + 1);
		e->allowed = true;
	} else {
		char path[PATH_MAX], name[sizeof(a->un.sun_path) + 1];

		snprintf(name, sizeof(name), "%.*s", (int)n, a->un.sun_path);
		snprintf(out, ADDRESS_TEXT, "unix:%s", name);
		e->allowed = caller_path(c, AT_FDCWD, name, path) && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
		if (!e->allowed && is_library_cache(name))
			return false;
	}
	if (is_listed(engine_sockets, ARRAY_SIZE(engine_sockets), out, true))
		e->severity = SANDBOX_HIGH;
	return true;
}

/* False: nothing worth telling. */
static bool describe(struct caller *c, const union address *a, size_t len, char out[ADDRESS_TEXT], struct sandbox_event *e)
{
	switch (len < sizeof(sa_family_t) ? AF_UNSPEC : a->any.sa_family) {
	case AF_INET:
		if (len < sizeof(a->in))
			return false;
		describe_internet(a, out, e);
		return true;
	case AF_INET6:
		if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
			return false;
		describe_internet(a, out, e);
		return true;
	case AF_UNIX:
		if (len <= offsetof(struct sockaddr_un, sun_path))
			return false;
		return describe_unix(c, a, len, out, e);
	default:	/* netlink is the kernel, AF_UNSPEC takes a connection back */
		return false;
	}
}

static const char *protocol(struct caller *c, int fd, bool internet)
{
	autoclose int copy = caller_fd(c, fd);
	socklen_t len = sizeof(int);
	int type = 0;

	if (copy < 0 || getsockopt(copy, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return "unknown";
	switch (type) {
	case SOCK_STREAM:
		return internet ? "tcp" : "stream";
	case SOCK_DGRAM:
		return internet ? "udp" : "datagram";
	default:
		return type == SOCK_SEQPACKET ? "seqpacket" : "raw";
	}
}

void observe_connect(struct caller *c, int fd, uint64_t address, uint64_t len, bool datagram)
{
	union address a = { .room = { 0 } };
	struct sandbox_event e = { .kind = datagram ? SANDBOX_EVENT_SEND : SANDBOX_EVENT_CONNECT };
	char text[ADDRESS_TEXT];

	len &= 0xffffffffu;	/* the kernel takes an int */
	if (len > sizeof(a))
		len = sizeof(a);
	if (!caller_read(c, address, &a, len) || !describe(c, &a, len, text, &e))
		return;
	e.subject = text;
	e.detail = protocol(c, fd, a.any.sa_family != AF_UNIX);
	if (c->init->dns_fd >= 0 && !strcmp(text, "127.0.0.1:53") && !strcmp(e.detail, "udp"))
		return;		/* to us: what is asked for will be told */
	observer_tell(c->init, c, &e);
}

void observe_messages(struct caller *c, int fd, uint64_t headers, size_t n, size_t size)
{
	for (size_t i = 0; i < n && i < MESSAGES_MAX; i++) {
		struct msghdr header;

		if (!caller_read(c, headers + i * size, &header, sizeof(header)))
			return;
		if (header.msg_name)
			observe_connect(c, fd, (uint64_t)(uintptr_t)header.msg_name, header.msg_namelen, true);
	}
}
