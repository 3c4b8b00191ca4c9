/* SPDX-License-Identifier: Apache-2.0
 * The forwarder: a process outside the sandbox that serves the sockets listening inside. One poll loop; per connection two flows of a
 * buffer each, filled only as far as the bandwidth allows, so that whoever is too fast waits.
 *
 *	accepted --child answers--> carrying --both ends closed, or one failed--> gone
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "sandboxes/dns.h"
#include "sandboxes/event.h"
#include "sandboxes/init.h"
#include "sandboxes/network_private.h"

enum { CONNECTIONS = 256, CONNECTING = 32, FLOW_BYTES = 32 << 10, DNS_AT_ONCE = 16 };
#define DNS_TTL_SECONDS 5	/* ask again: every question is told */

struct flow {			/* one direction */
	char *bytes;		/* FLOW_BYTES */
	size_t start, len;
	bool ended;		/* nothing more to read */
	bool shut;		/* and that was passed on */
};

struct connection {
	int inside, outside;		/* outside -1: not yet */
	int answer;			/* from the child that connects; -1: carrying */
	const struct network_name *name;
	uint16_t port;
	struct flow out, in;		/* from the sandbox, and to it */
};

struct forwarder {
	struct network_plan *plan;
	int events, dns;
	struct network_bucket bucket;
	struct connection *connections[CONNECTIONS];
	size_t len, connecting;
	uint64_t lost;			/* events that nobody took */
};

/* ---- telling */

static void tell(struct forwarder *f, struct sandbox_event event)
{
	autostrbuf struct strbuf packed = STRBUF_INIT(STRBUF_NO_MAX);

	event.time_ns = clock_realtime_ns();
	if (!event.count)
		event.count = 1;
	event.program = event.program ? event.program : "";
	event_pack(&packed, &event);
	if (send(f->events, packed.buf, packed.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EPIPE)
		f->lost++;
}

static void tell_lost(struct forwarder *f)
{
	uint64_t lost = f->lost;

	if (!lost)
		return;
	f->lost = 0;
	tell(f, (struct sandbox_event){ .kind = SANDBOX_EVENT_LOST, .count = lost, .subject = "", .detail = "network events faster than they were read" });
	if (f->lost)
		f->lost = lost;
}

static void tell_forward(struct forwarder *f, const struct connection *c, const struct network_answer *answer)
{
	char subject[NETWORK_NAME_SIZE + 16], detail[128] = "", address[64];

	snprintf(subject, sizeof(subject), "%s:%u", c->name->name, c->port);
	if (answer->reached.family) {
		network_address_format(&answer->reached, address);
		snprintf(detail, sizeof(detail), "%s%s%s", address, answer->forbidden ? ", " : "",
			 answer->forbidden ? network_forbidden(&answer->reached, f->plan->private_ranges) : "");
	}
	tell(f, (struct sandbox_event){ .kind = SANDBOX_EVENT_FORWARD, .allowed = answer->error == 0, .value = answer->error,
					.severity = answer->forbidden ? SANDBOX_MEDIUM : SANDBOX_INFO, .subject = subject, .detail = detail });
}

/* ---- names */

static void answer_one(struct forwarder *f, const unsigned char *message, const struct dns_question *q, const struct sockaddr *from,
		       socklen_t from_len)
{
	unsigned char out[DNS_MESSAGE_MAX];
	bool full;
	const struct network_name *name = q->class == 1 ? network_plan_find(f->plan, q->name, &full) : NULL;
	bool has_address = name && q->type == DNS_A;
	size_t len = dns_answer(message, q, name ? DNS_OK : full ? DNS_SERVER_FAILURE : DNS_REFUSED, has_address ? name->inside.bytes : NULL,
				has_address, DNS_TTL_SECONDS, out, sizeof(out));
	char type[16];

	tell(f, (struct sandbox_event){ .kind = SANDBOX_EVENT_DNS, .allowed = name != NULL, .subject = q->name,
					.detail = dns_type_to_string(q->type, type) });
	if (len && sendto(f->dns, out, len, MSG_DONTWAIT, from, from_len) < 0) { /* it will ask again */ }
}

static void on_dns(struct forwarder *f)
{
	for (int i = 0; i < DNS_AT_ONCE; i++) {
		unsigned char message[DNS_MESSAGE_MAX];
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		struct dns_question q;
		ssize_t n = recvfrom(f->dns, message, sizeof(message), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

		if (n < 0)
			return;
		if (dns_parse(message, (size_t)n, &q))
			answer_one(f, message, &q, (struct sockaddr *)&from, from_len);
	}
}

/* ---- connections */

static void drop(struct forwarder *f, size_t i)
{
	struct connection *c = f->connections[i];

	if (c->answer >= 0) {
		close(c->answer);
		f->connecting--;
	}
	close(c->inside);
	if (c->outside >= 0)
		close(c->outside);
	free(c->out.bytes);
	free(c->in.bytes);
	free(c);
	f->connections[i] = f->connections[--f->len];
}

/* Refused where it was expected to be: by a reset. */
static void reset(int fd)
{
	const struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static int fork_child(struct forwarder *f, const struct network_name *name, uint16_t port)
{
	int socks[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		init_close_others(&socks[1], 1);
		network_connect_child(f->plan, name, port, socks[1]);
	}
	close(socks[1]);
	if (pid > 0)
		return socks[0];
	close(socks[0]);
	return -1;
}

static void on_listener(struct forwarder *f, const struct network_port *port)
{
	int fd = accept4(port->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	const struct network_name *name = &f->plan->names[port->name];
	struct connection *c;

	if (fd < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	*c = (struct connection){ .inside = fd, .outside = -1, .name = name, .port = port->port,
				  .out.bytes = xmalloc(FLOW_BYTES), .in.bytes = xmalloc(FLOW_BYTES) };
	/* a place of a wildcard that no name has taken: its address was guessed */
	c->answer = name->name[0] ? fork_child(f, name, port->port) : -1;
	f->connections[f->len++] = c;
	if (c->answer >= 0) {
		f->connecting++;
	} else {
		reset(fd);
		drop(f, f->len - 1);
	}
}

/* false: it could not be reached */
static bool on_answer(struct forwarder *f, struct connection *c)
{
	struct network_answer answer = { .error = EHOSTUNREACH };
	int fd = -1;

	if (recv(c->answer, &answer, sizeof(answer), MSG_WAITALL) != (ssize_t)sizeof(answer))
		answer = (struct network_answer){ .error = ETIMEDOUT };
	if (!answer.error && network_recv_fds(c->answer, &fd, 1) != 1)
		answer.error = EHOSTUNREACH;
	close(c->answer);
	c->answer = -1;
	f->connecting--;
	tell_forward(f, c, &answer);
	c->outside = fd;
	if (answer.error)
		reset(c->inside);
	return !answer.error;
}

/* -1: the connection failed. Reads what the bandwidth allows, writes what the other end takes. */
static int carry(struct forwarder *f, struct flow *flow, int from, int to, bool readable, uint64_t *again_ns)
{
	ssize_t n;

	if (readable && !flow->ended && !flow->len) {
		size_t room = network_bucket_take(&f->bucket, FLOW_BYTES, clock_monotonic_ns(), again_ns);

		n = room ? recv(from, flow->bytes, room, MSG_DONTWAIT) : -1;
		network_bucket_give_back(&f->bucket, room - (n > 0 ? (size_t)n : 0));
		if (n == 0)
			flow->ended = true;
		else if (n < 0 && room && errno != EAGAIN && errno != EINTR)
			return -1;
		flow->start = 0;
		flow->len = n > 0 ? (size_t)n : 0;
	}
	if (flow->len) {
		n = send(to, flow->bytes + flow->start, flow->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		flow->start += n > 0 ? (size_t)n : 0;
		flow->len -= n > 0 ? (size_t)n : 0;
	}
	if (flow->ended && !flow->len && !flow->shut) {
		shutdown(to, SHUT_WR);
		flow->shut = true;
	}
	return 0;
}

/* ---- the loop */

static short wanted(const struct flow *read, const struct flow *write)
{
	return (short)((!read->ended && !read->len ? POLLIN : 0) | (write->len ? POLLOUT : 0));
}

struct polled {
	struct pollfd items[2 + NETWORK_PORTS + 2 * CONNECTIONS];
	size_t listeners, connections, len;	/* where they begin */
};

/* A descriptor of which nothing is wanted is left out: a hang-up is always told, and would be told again and again. */
static struct pollfd poll_for(int fd, short events)
{
	return (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

static void fill(const struct forwarder *f, struct polled *p, bool throttled)
{
	bool room = f->len < CONNECTIONS && f->connecting < CONNECTING;

	p->items[0] = (struct pollfd){ .fd = f->events, .events = POLLIN };
	p->items[1] = (struct pollfd){ .fd = f->dns, .events = POLLIN };
	p->listeners = p->len = 2;
	for (size_t i = 0; i < f->plan->ports_len; i++)
		p->items[p->len++] = (struct pollfd){ .fd = room ? f->plan->ports[i].fd : -1, .events = POLLIN };
	p->connections = p->len;
	for (size_t i = 0; i < f->len; i++) {
		const struct connection *c = f->connections[i];
		short hidden = throttled ? POLLIN : 0;		/* readable, and we may not: do not spin */

		p->items[p->len++] = c->answer >= 0 ? poll_for(c->answer, POLLIN) :
				     poll_for(c->inside, (short)(wanted(&c->out, &c->in) & ~hidden));
		p->items[p->len++] = poll_for(c->outside, c->answer >= 0 ? 0 : (short)(wanted(&c->in, &c->out) & ~hidden));
	}
}

static bool serve(struct forwarder *f, struct connection *c, const struct pollfd p[2], uint64_t *again_ns)
{
	if (c->answer >= 0)
		return !p[0].revents || on_answer(f, c);
	if (carry(f, &c->out, c->inside, c->outside, p[0].revents & (POLLIN | POLLHUP | POLLERR), again_ns) < 0 ||
	    carry(f, &c->in, c->outside, c->inside, p[1].revents & (POLLIN | POLLHUP | POLLERR), again_ns) < 0)
		return false;
	return !c->out.shut || !c->in.shut;
}

static void turn(struct forwarder *f, struct polled *p, uint64_t *again_ns)
{
	bool throttled = *again_ns > clock_monotonic_ns() && *again_ns != CLOCK_NEVER;
	size_t n = f->len;

	fill(f, p, throttled);
	if (poll(p->items, p->len, clock_poll_timeout(throttled ? *again_ns : CLOCK_NEVER)) < 0)
		return;
	if (p->items[0].revents)
		_exit(0);		/* the runner closed its end: nobody needs us any more */
	*again_ns = CLOCK_NEVER;
	if (p->items[1].revents)
		on_dns(f);
	for (size_t i = n; i > 0; i--)		/* from the end: what is dropped is replaced by the last */
		if (!serve(f, f->connections[i - 1], p->items + p->connections + 2 * (i - 1), again_ns))
			drop(f, i - 1);
	for (size_t i = 0; i < f->plan->ports_len && f->len < CONNECTIONS && f->connecting < CONNECTING; i++)
		if (p->items[p->listeners + i].revents)
			on_listener(f, &f->plan->ports[i]);
	while (waitpid(-1, NULL, WNOHANG) > 0) {}
	tell_lost(f);
}

/* The sockets in the order in which network_listen() made them. */
static void receive_sockets(struct forwarder *f, int from_inside)
{
	int fds[NETWORK_FDS];
	size_t have = 0;

	while (have < f->plan->ports_len + 1) {
		int n = network_recv_fds(from_inside, fds, NETWORK_FDS);

		if (n <= 0)
			_exit(1);
		for (int i = 0; i < n; i++, have++) {
			if (have == 0)
				f->dns = fds[i];
			else if (have <= f->plan->ports_len)
				f->plan->ports[have - 1].fd = fds[i];
		}
	}
	close(from_inside);
}

_Noreturn void network_forward(struct network_plan *plan, int from_inside, int events)
{
	struct forwarder f = { .plan = plan, .events = events, .dns = -1,
			       .bucket = { .bytes_per_second = plan->bits_per_second / 8, .filled_ns = clock_monotonic_ns() } };
	struct polled *p = xcalloc(1, sizeof(*p));
	uint64_t again_ns = CLOCK_NEVER;

	receive_sockets(&f, from_inside);
	for (;;)
		turn(&f, p, &again_ns);
}
