/* SPDX-License-Identifier: Apache-2.0
 * httpd: owner of libmicrohttpd (loaded at first use): listens, reads requests, sends answers, in the service's loop and without threads.
 * Nothing a client does or leaves undone can hold more than its share: connections (all, and per address), head, body, time for head and
 * body together, idle time, time without progress while we send.
 */
#pragma once

#include "cmd/serve/loop.h"
#include "cmd/serve/request.h"

struct httpd_limits {
	unsigned int connections, connections_per_address;
	size_t head_bytes;		/* also the memory a connection has */
	uint64_t request_ns;		/* from the connection, or on a kept one from the request line, to the complete request */
	uint64_t idle_ns;		/* kept-alive, or no progress while sending */
};
#define HTTPD_LIMITS { .connections = 2048, .connections_per_address = 1500, .head_bytes = 16 << 10, \
		       .request_ns = 15 * NS_PER_SEC, .idle_ns = 60 * NS_PER_SEC }

struct httpd_address {
	const char *text;		/* "127.0.0.1:8000", "[::1]:8000", "localhost:8000", "unix:/run/x.sock"; port 0: any. NULL: nowhere, see httpd_adopt() */
	const char *certificate, *key;	/* PEM texts; NULL: no TLS */
};
bool httpd_address_is_loopback(const char *text);	/* or a unix socket */
/* Is it an address at all? -1: ERR_USAGE with the way to write one. */
int httpd_address_check(const char *text, struct error *err);

struct httpd;
/* Listen on one more address. A unix socket of a dead server is replaced, one of a living server refused; mode 0660. */
int httpd_open(struct service *s, struct loop *l, const struct httpd_address *address, const struct httpd_limits *limits, struct httpd **ret, struct error *err);
const char *httpd_shown(const struct httpd *h);	/* "http://127.0.0.1:43211", "unix:/run/x.sock" */
void httpd_stop_accepting(struct httpd *h);
size_t httpd_connections(const struct httpd *h);
void httpd_close(struct httpd *h);	/* ends all connections; abandons what is pending. Not from within a handler */

/* For request_reply() and body_source_wake(). */
void httpd_answer(struct httpd_exchange *x, struct response *r);
void httpd_wake(struct httpd_exchange *x);

/* A connection that somebody else has accepted (tests and the fuzzer: one end of a socket pair). `fd` is owned. */
int httpd_adopt(struct httpd *h, int fd, struct error *err);
