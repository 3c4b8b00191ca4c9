/* SPDX-License-Identifier: Apache-2.0
 * httpd_clients: clients that are sockets in the loop of the server they talk to. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/serve/httpd_service.h"

struct client {
	int fd;
	struct loop_watch *watch;
	struct strbuf got;
	bool eof, reset;
	const char *until;	/* stop the loop when this has come; NULL: at the end */
};

static inline void on_readable(void *data, uint32_t events)
{
	struct client *c = data;
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)events;
	if (n > 0)
		strbuf_add(&c->got, buf, (size_t)n);
	c->eof = n == 0;
	c->reset = n < 0;
	if (n <= 0) {
		loop_unwatch(c->watch);
		c->watch = NULL;
	}
	if (n <= 0 || (c->until && strstr(c->got.buf, c->until)))
		loop_stop(t.loop);
}

static inline void out_of_patience(void *data)
{
	*(bool *)data = true;
	loop_stop(t.loop);
}

/* Run the loop until somebody stops it, at most so long. False: nobody has. */
static inline bool run_for(uint64_t ns)
{
	bool late = false;
	struct loop_timer *timer = loop_timer_new(t.loop, out_of_patience, &late);

	loop_timer_set(timer, clock_deadline(ns));
	assert_int_equal(loop_run(t.loop, NULL), 0);
	loop_timer_free(timer);
	return !late;
}

/* Until so many requests have come to a handler. */
static inline void wait_for_dispatch(unsigned int n)
{
	for (int i = 0; i < 1000 && t.dispatched < n; i++)
		run_for(NS_PER_SEC / 50);
	assert_int_equal(t.dispatched, n);
}

static inline void client_watch(struct client *c)
{
	c->watch = loop_watch(t.loop, c->fd, EPOLLIN, on_readable, c);
}

static inline void client_open(struct client *c)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*c = (struct client){ .fd = pair[0], .got = STRBUF_INIT(1 << 20) };
	assert_int_equal(httpd_adopt(t.httpd, pair[1], NULL), 0);
	client_watch(c);
}

/* The same over a socket that the service listens on. */
static inline void client_connect(struct client *c)
{
	union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_un un; } a = { 0 };
	const char *shown = httpd_shown(t.httpd);
	socklen_t len;

	if (!strncmp(shown, "unix:", 5)) {
		a.un.sun_family = AF_UNIX;
		snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s", shown + 5);
		len = sizeof(a.un);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a.in.sin_port = htons((uint16_t)strtoul(strrchr(shown, ':') + 1, NULL, 10));
		len = sizeof(a.in);
	}
	*c = (struct client){ .fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), .got = STRBUF_INIT(1 << 20) };
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, &a.any, len), 0);
	client_watch(c);
}

static inline void client_close(struct client *c)
{
	loop_unwatch(c->watch);
	close(c->fd);
	strbuf_release(&c->got);
}

static inline void client_send(struct client *c, const char *text)
{
	assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline const char *client_wait(struct client *c, const char *until)
{
	if (!strstr(c->got.buf, until)) {
		c->until = until;
		assert_true(run_for(PATIENCE_NS));
	}
	if (!strstr(c->got.buf, until))
		fail_msg("wanted '%s', got '%s'", until, c->got.buf);
	c->until = NULL;
	return c->got.buf;
}

static inline void client_wait_end(struct client *c)
{
	while (!c->eof && !c->reset)
		assert_true(run_for(PATIENCE_NS));
	assert_true(c->eof);
}

static inline void set_up_with(const char *address, const struct httpd_limits *limits)
{
	const struct httpd_address where = { .text = address };
	struct error err = { 0 };

	memset(&t, 0, sizeof(t));
	assert_int_equal(loop_new(&t.loop, &err), 0);
	if (httpd_open((struct service *)&t, t.loop, &where, limits, &t.httpd, &err) < 0)
		fail_msg("%s", err.text);
}

static inline int set_up(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;

	(void)state;
	set_up_with(NULL, &limits);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	httpd_close(t.httpd);
	loop_free(t.loop);
	assert_null(t.streams);
	return 0;
}
