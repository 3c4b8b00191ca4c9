/* SPDX-License-Identifier: Apache-2.0
 * httpd: any bytes from a client, over a real socket. The first byte chooses: 't' is a target, 'f' a multipart body with the boundary "b",
 * anything else a conversation, sent in pieces of that many bytes (0: all at once). Afterwards the client sends nothing more, and then the
 * connection ends, every request has been answered or abandoned, every stream is closed, and what came back begins as an answer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/serve/httpd_private.h"
#include "cmd/serve/route.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define BODY_MAX 2000
#define ROUNDS 200

static struct { struct loop *loop; struct loop_timer *round; struct httpd *httpd; unsigned int dispatched, streams, rounds; } s;

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* ---- what must hold of every request */

static void check_request(const struct request *rq)
{
	for (size_t i = 0; request_target_is_good(rq) && i < rq->segments.len; i++) {
		const char *segment = rq->segments.items[i];

		check(*segment && strcmp(segment, ".") && strcmp(segment, "..") && !strpbrk(segment, "/\\\n\r\t\x7f"));
	}
	check(rq->fields_len <= FORM_FIELDS && rq->query.len <= 64);
	for (size_t i = 0; i < rq->fields_len; i++)
		check(rq->fields[i].name && *rq->fields[i].name);
	for (size_t i = 0; i < rq->headers.len; i++)
		check(!strpbrk(rq->headers.items[i].name, "\r\n:") && !strpbrk(rq->headers.items[i].value, "\r\n"));
}

/* ---- the service */

struct response *route_accept(struct service *service, struct request *rq, size_t *body_max)
{
	(void)service;
	check_request(rq);
	*body_max = BODY_MAX;
	request_prefers_async(rq);
	request_accepts(rq, "text/event-stream");
	return request_target_is_good(rq) ? NULL : response_problem(400, "bad_target", NULL, "'%s' is none of ours", rq->target);
}

static ssize_t stream_read(struct body_source *source, char *buf, size_t max)
{
	(void)source;
	check(max > 0);
	buf[0] = '.';
	return s.rounds % 3 == 0 ? 1 : 0;
}

static void stream_close(struct body_source *source)
{
	s.streams--;
	free(source);
}

static void abandoned(struct request *rq)
{
	check(rq->exchange != NULL);
}

void route_dispatch(struct service *service, struct request *rq)
{
	const char *what = rq->segments.len ? rq->segments.items[0] : "";
	struct response *r;

	(void)service;
	check_request(rq);
	check(rq->body.len <= BODY_MAX);
	s.dispatched++;
	rq->pending = &s;
	if (!strcmp(what, "l")) {
		rq->abandon = abandoned;
		return;
	}
	r = response_text(200, "text/plain", rq->body.buf, rq->body.len);
	if (!strcmp(what, "s")) {
		r->source = xcalloc(1, sizeof(*r->source));
		*r->source = (struct body_source){ .read = stream_read, .close = stream_close };
		s.streams++;
	}
	request_reply(rq, r);
}

void route_finish(struct service *service, struct request *rq, struct response *r)
{
	(void)service;
	response_header(r, "X-Target", "%s", rq->target);
	s.dispatched -= rq->pending == &s;
}

void route_abandon(struct service *service, struct request *rq)
{
	(void)service;
	check(rq->pending == &s);
	s.dispatched--;
}

/* ---- driving it */

static void on_round(void *data)
{
	(void)data;
	loop_stop(s.loop);
}

/* What is ready now, and what follows from it at once; nothing is waited for. */
static void run_round(void)
{
	s.rounds++;
	loop_timer_set(s.round, 0);
	check(loop_run(s.loop, NULL) == 0);
}

static void start(void)
{
	const struct httpd_address nowhere = { 0 };
	const struct httpd_limits limits = HTTPD_LIMITS;

	check(loop_new(&s.loop, NULL) == 0);
	s.round = loop_timer_new(s.loop, on_round, NULL);
	check(httpd_open((struct service *)&s, s.loop, &nowhere, &limits, &s.httpd, NULL) == 0);
}

static void collect(int fd, struct strbuf *got)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		strbuf_add(got, buf, (size_t)n);
}

static void converse(const char *data, size_t size, size_t piece)
{
	autostrbuf struct strbuf got = STRBUF_INIT(20);
	int pair[2];

	if (!s.loop)
		start();
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	check(httpd_adopt(s.httpd, pair[1], NULL) == 0);
	s.rounds = 0;
	for (size_t i = 0; i < size;) {
		size_t n = piece && piece < size - i ? piece : size - i;
		ssize_t sent = send(pair[0], data + i, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		i += sent > 0 ? (size_t)sent : size;
		run_round();
		collect(pair[0], &got);
	}
	for (int i = 0; i < 4; i++)
		run_round();
	shutdown(pair[0], SHUT_WR);
	for (int i = 0; i < ROUNDS && httpd_connections(s.httpd); i++) {
		run_round();
		collect(pair[0], &got);
	}
	check(httpd_connections(s.httpd) == 0);
	check(s.streams == 0 && s.dispatched == 0);
	check(got.len < 9 || !memcmp(got.buf, "HTTP/1.1 ", 9));
	close(pair[0]);
	run_round();
	run_round();
	check(!s.httpd->lingering && !s.httpd->pending.head && !s.httpd->orphans.head);
}

static void parse_form(const char *data, size_t size)
{
	struct request *rq = request_new("POST", "/");
	struct error err = { 0 };
	size_t bytes = 0;
	int rc = form_parse("multipart/form-data; boundary=b", data, size, rq, &err);

	check((rc < 0) == (err.code == ERR_INVALID_INPUT));
	for (size_t i = 0; i < rq->fields_len; i++)
		bytes += rq->fields[i].value.len;
	check(bytes <= size);
	if (!rc)
		check_request(rq);
	request_free(rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *rest = size ? (const char *)data + 1 : "";

	if (!size || size > 64 << 10)
		return 0;
	if (data[0] == 't') {
		autofree char *target = xstrndup(rest, size - 1);
		struct request *rq = request_new("GET", target);

		check_request(rq);
		request_free(rq);
	} else if (data[0] == 'f') {
		parse_form(rest, size - 1);
	} else {
		converse(rest, size - 1, data[0]);
	}
	return 0;
}
