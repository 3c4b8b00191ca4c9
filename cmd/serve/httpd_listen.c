/* SPDX-License-Identifier: Apache-2.0
 * Addresses, listening sockets, and who gets in. We accept, not MHD: it cannot tell peers of a unix socket, count addresses by network, or
 * keep a descriptor back for the time when there is none (a listening socket is then ready for ever, and the loop would turn for ever). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/serve/httpd_private.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define BACKLOG 256
#define ACCEPT_AT_ONCE 32
#define AGAIN_NS (100 * NS_PER_MS)	/* no descriptor left: how long nobody is accepted */
#define UNIX_PREFIX "unix:"

/* ---- addresses */

static int bad_address(struct error *err, const char *text)
{
	return error_set(err, ERR_USAGE, "'%s' is no address to listen on: write '127.0.0.1:8000', '[::1]:8000', 'localhost:8000' or 'unix:/run/name.sock'", text);
}

static int parse_unix(const char *text, const char *path, union address *ret, socklen_t *ret_len, struct error *err)
{
	ret->un.sun_family = AF_UNIX;
	if (path[0] != '/')
		return bad_address(err, text);
	if (strlen(path) >= sizeof(ret->un.sun_path))
		return error_set(err, ERR_USAGE, "'%s': the path of a unix socket has at most %zu characters", text, sizeof(ret->un.sun_path) - 1);
	memcpy(ret->un.sun_path, path, strlen(path) + 1);
	*ret_len = sizeof(ret->un);
	return 0;
}

static int address_parse(const char *text, union address *ret, socklen_t *ret_len, struct error *err)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : "";
	autofree char *host = NULL;
	struct addrinfo *found;
	bool bracketed = text[0] == '[';
	size_t host_len;

	*ret = (union address){ 0 };
	if (!strncmp(text, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1))
		return parse_unix(text, text + sizeof(UNIX_PREFIX) - 1, ret, ret_len, err);
	host_len = colon ? (size_t)(colon - text) : 0;
	if (!*port || strlen(port) > 5 || strspn(port, "0123456789") != strlen(port) || strtoul(port, NULL, 10) > 65535)
		return bad_address(err, text);
	if (bracketed && (host_len < 3 || text[host_len - 1] != ']'))
		return bad_address(err, text);
	host = bracketed ? xstrndup(text + 1, host_len - 2) : xstrndup(text, host_len);
	/* an address with colons and without brackets has a port that somebody only thinks is one */
	if (!*host || (strchr(host, ':') != NULL) != bracketed)
		return bad_address(err, text);
	if (getaddrinfo(!strcasecmp(host, "localhost") ? "127.0.0.1" : host, port, &hints, &found))
		return bad_address(err, text);
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

int httpd_address_check(const char *text, struct error *err)
{
	union address a;
	socklen_t len;

	return address_parse(text, &a, &len, err);
}

bool httpd_address_is_loopback(const char *text)
{
	union address a;
	socklen_t len;

	if (address_parse(text, &a, &len, NULL) < 0)
		return false;
	if (a.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr);
	return a.any.sa_family == AF_UNIX || ntohl(a.in.sin_addr.s_addr) >> 24 == 127;
}

static char *address_shown(const union address *a, bool tls)
{
	char host[INET6_ADDRSTRLEN] = "";
	const char *scheme = tls ? "https" : "http";

	if (a->any.sa_family == AF_UNIX)
		return xasprintf(UNIX_PREFIX "%s", a->un.sun_path);
	if (a->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		return xasprintf("%s://[%s]:%u", scheme, host, ntohs(a->in6.sin6_port));
	}
	inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
	return xasprintf("%s://%s:%u", scheme, host, ntohs(a->in.sin_port));
}

/* ---- peers */

static void peer_of(int fd, const union address *a, struct peer *ret)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	*ret = (struct peer){ .uid = (uid_t)-1 };
	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->in.sin_addr, ret->address, sizeof(ret->address));
	else if (a->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, ret->address, sizeof(ret->address));
	else
		snprintf(ret->address, sizeof(ret->address), "%s", a->any.sa_family == AF_UNIX ? "unix" : "unknown");
	if (a->any.sa_family != AF_UNIX || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	ret->local = true;
	ret->uid = cred.uid;
	ret->pid = cred.pid;
}

/* Do they count as one? A network of IPv6 is given to one customer, so its 2^64 addresses are one; a user of the unix socket is one. */
static bool is_same_client(const struct connection *a, const union address *b, const struct peer *peer)
{
	if (a->address.any.sa_family != b->any.sa_family)
		return false;
	if (b->any.sa_family == AF_INET6)
		return !memcmp(&a->address.in6.sin6_addr, &b->in6.sin6_addr, 8);
	if (b->any.sa_family == AF_INET)
		return a->address.in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return a->peer.uid == peer->uid;
}

static bool is_one_too_many(const struct httpd *h, const union address *a, const struct peer *peer)
{
	size_t n = 0;

	if (h->connections_len >= h->limits.connections)
		return true;
	/* no client can have reached its limit while there are fewer than that altogether */
	if (h->connections_len < h->limits.connections_per_address)
		return false;
	for (const struct connection *c = h->connections; c; c = c->next)
		n += is_same_client(c, a, peer);
	return n >= h->limits.connections_per_address;
}

/* ---- taking connections */

static void turn_away(const struct httpd *h, int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
		"Content-Type: application/problem+json\r\nContent-Length: 128\r\n\r\n"
		"{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"too many connections\",\"code\":\"too_many_connections\"}\n";
	char buf[4096];

	if (!h->tls && send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		shutdown(fd, SHUT_WR);
		while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == sizeof(buf))
			;	/* unread bytes would turn the answer into a reset; who sends much has not waited for one */
	}
	close(fd);
}

static void set_up_tcp(const struct httpd *h, int fd)
{
	unsigned int idle_ms = (unsigned int)(h->limits.idle_ns / NS_PER_MS);

	/* a peer that is gone without a word, or acknowledges nothing any more, is noticed even when we have little to send */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &idle_ms, sizeof(idle_ms));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){ 60 }, sizeof(int));
}

static int take(struct httpd *h, int fd, const union address *a, socklen_t len, struct error *err)
{
	struct peer peer;

	if (h->untold)	/* those that MHD has not told us of are not counted yet */
		httpd_run(h);
	peer_of(fd, a, &peer);
	if (is_one_too_many(h, a, &peer)) {
		turn_away(h, fd);
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "too many connections");
	}
	if (a->any.sa_family != AF_UNIX)
		set_up_tcp(h, fd);
	h->untold++;
	if (mhd->add_connection(h->daemon, fd, &a->any, len) != MHD_YES) {	/* closes it in any case */
		h->untold = 0;
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "taking a connection");
	}
	httpd_kick(h);
	return 0;
}

void listen_introduce(struct connection *c)
{
	socklen_t len = sizeof(c->address);

	if (getpeername(c->fd, &c->address.any, &len) < 0)
		c->address.any.sa_family = AF_UNSPEC;	/* gone already */
	peer_of(c->fd, &c->address, &c->peer);
}

int listen_take(struct httpd *h, int fd, struct error *err)
{
	union address a = { 0 };
	socklen_t len = sizeof(a);

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || getpeername(fd, &a.any, &len) < 0) {
		error_sys(err, ERR_INVALID_INPUT, "no connection");
		close(fd);
		return -1;
	}
	return take(h, fd, &a, sizeof(a.un), err);
}

static int take_in_spite_of_none_left(struct httpd *h)
{
	int fd;

	if (h->reserve >= 0)
		close(h->reserve);
	fd = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		turn_away(h, fd);
	h->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd;
}

static void on_connections(void *data, uint32_t events);

static void on_again(void *data)
{
	struct httpd *h = data;

	h->listen_watch = loop_watch(h->loop, h->listener, EPOLLIN, on_connections, h);
}

static void on_connections(void *data, uint32_t events)
{
	struct httpd *h = data;

	(void)events;
	for (unsigned int i = 0; i < ACCEPT_AT_ONCE; i++) {
		union address a = { 0 };
		socklen_t len = sizeof(a);
		int fd = accept4(h->listener, &a.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			/* the peer of a unix socket has no name; MHD wants to see the whole structure */
			take(h, fd, &a, a.any.sa_family == AF_UNIX ? sizeof(a.un) : len, NULL);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno == EAGAIN)
			return;
		/* EMFILE, ENFILE, ENOBUFS, ENOMEM: the connection waits, and epoll would tell us for ever */
		if (errno == EMFILE || errno == ENFILE)
			take_in_spite_of_none_left(h);
		loop_unwatch(steal_ptr(&h->listen_watch));
		loop_timer_set(h->listen_again, clock_deadline(AGAIN_NS));
		return;
	}
}

/* ---- listening */

/* A socket that nobody listens on any more is in the way after a crash. Anything else in the way stays. */
static int clear_the_way(const char *path, const union address *a, socklen_t len, struct error *err)
{
	autoclose int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_sys(err, ERR_UNAVAILABLE, "listening on 'unix:%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERR_USAGE, "listening on 'unix:%s': there is a file that is no socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_sys(err, ERR_UNAVAILABLE, "listening on 'unix:%s'", path);
	if (connect(fd, &a->any, len) == 0 || errno != ECONNREFUSED)
		return error_set(err, ERR_UNAVAILABLE, "listening on 'unix:%s': another server uses it", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_sys(err, ERR_UNAVAILABLE, "removing the socket of a dead server '%s'", path);
	return 0;
}

static int bind_unix(struct httpd *h, const union address *a, socklen_t len, struct error *err)
{
	const char *path = a->un.sun_path;
	struct stat st;
	mode_t mask;
	int rc;

	if (clear_the_way(path, a, len, err) < 0)
		return -1;
	mask = umask(0117);	/* from its first moment on 0660 */
	rc = bind(h->listener, &a->any, len);
	umask(mask);
	if (rc < 0)
		return error_sys(err, ERR_UNAVAILABLE, "listening on 'unix:%s'", path);
	if (lstat(path, &st) == 0) {
		h->unlink_path = xstrdup(path);
		h->unlink_dev = st.st_dev;
		h->unlink_ino = st.st_ino;
	}
	return 0;
}

static int bind_tcp(struct httpd *h, const char *text, const union address *a, socklen_t len, struct error *err)
{
	setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (a->any.sa_family == AF_INET6)	/* "[::]:80" beside "0.0.0.0:80" */
		setsockopt(h->listener, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
	if (bind(h->listener, &a->any, len) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "listening on '%s'", text);
	return 0;
}

/* Connections must leave descriptors for everything else that the service does. */
static void bound_by_descriptors(struct httpd_limits *l)
{
	struct rlimit have;
	rlim_t most;

	if (getrlimit(RLIMIT_NOFILE, &have) < 0 || have.rlim_cur == RLIM_INFINITY)
		return;
	most = have.rlim_cur > 512 ? have.rlim_cur - 256 : have.rlim_cur / 2;
	if (l->connections > most)
		l->connections = (unsigned int)most;
}

int listen_open(struct httpd *h, const char *text, struct error *err)
{
	union address a;
	socklen_t len;

	if (address_parse(text, &a, &len, err) < 0)
		return -1;
	bound_by_descriptors(&h->limits);
	h->listener = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->listener < 0)
		return error_sys(err, ERR_UNAVAILABLE, "listening on '%s'", text);
	if ((a.any.sa_family == AF_UNIX ? bind_unix(h, &a, len, err) : bind_tcp(h, text, &a, len, err)) < 0)
		return -1;
	if (listen(h->listener, BACKLOG) < 0 || getsockname(h->listener, &a.any, &(socklen_t){ sizeof(a) }) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "listening on '%s'", text);
	h->shown = address_shown(&a, h->tls);
	h->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	h->listen_again = loop_timer_new(h->loop, on_again, h);
	h->listen_watch = loop_watch(h->loop, h->listener, EPOLLIN, on_connections, h);
	return h->listen_watch ? 0 : error_sys(err, ERR_UNAVAILABLE, "listening on '%s'", text);
}

void listen_close(struct httpd *h)
{
	struct stat st;

	loop_unwatch(steal_ptr(&h->listen_watch));
	loop_timer_free(steal_ptr(&h->listen_again));
	if (h->listener >= 0)
		close(steal_fd(&h->listener));
	if (h->reserve >= 0)
		close(steal_fd(&h->reserve));
	/* somebody else's by now? then it stays */
	if (h->unlink_path && lstat(h->unlink_path, &st) == 0 && st.st_dev == h->unlink_dev && st.st_ino == h->unlink_ino)
		unlink(h->unlink_path);
	free(steal_ptr(&h->unlink_path));
}
