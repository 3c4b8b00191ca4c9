/* SPDX-License-Identifier: Apache-2.0
 * httpd with clients that are sockets in the same loop, and a service of five routes that is defined here. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/httpd.h"
#include "cmd/serve/route.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define BODY_MAX 1000
#define PATIENCE_NS (20 * NS_PER_SEC)

/* ---- the service */

static struct {
	struct loop *loop;
	struct httpd *httpd;
	unsigned int accepted, dispatched, finished, abandoned, closed;
	struct request *later;		/* /later: answered by the test */
	struct stream_source *streams;	/* /stream: the newest */
	struct peer peer;
	size_t body_len, fields_len;
	char fields[256];
} t;

struct stream_source {
	struct body_source base;
	const char *text;	/* what is there to send; NULL: nothing for now */
	bool end, wake_within_read;
	struct stream_source *next;
};

struct response *route_accept(struct service *s, struct request *rq, size_t *body_max)
{
	(void)s;
	t.accepted++;
	*body_max = BODY_MAX;
	if (!request_target_is_good(rq))
		return response_problem(400, "bad_target", NULL, "the path is none of ours");
	if (!strcmp(rq->target, "/refused"))
		return response_problem(403, "refused", NULL, "refused before the body");
	return NULL;
}

static ssize_t stream_read(struct body_source *s, char *buf, size_t max)
{
	struct stream_source *src = (struct stream_source *)s;
	size_t n;

	if (src->end)
		return -1;
	if (!src->text) {
		if (src->wake_within_read) {
			src->wake_within_read = false;
			src->text = "woken ";
			body_source_wake(s);
		}
		return 0;
	}
	n = strlen(src->text);
	assert_true(n <= max);
	memcpy(buf, src->text, n);
	src->text = NULL;
	return (ssize_t)n;
}

static void stream_close(struct body_source *s)
{
	struct stream_source **at = &t.streams;

	while (*at != (struct stream_source *)s)
		at = &(*at)->next;
	*at = (*at)->next;
	t.closed++;
	free(s);
}

static void abandoned(struct request *rq)
{
	assert_ptr_equal(rq, t.later);
	t.later = NULL;
	t.abandoned++;
}

static void reply_stream(struct request *rq)
{
	struct response *r = response_new(200);
	struct stream_source *s = xcalloc(1, sizeof(*s));

	s->base = (struct body_source){ .read = stream_read, .close = stream_close };
	s->text = "first ";
	s->wake_within_read = request_query(rq, "wake");
	s->next = t.streams;
	t.streams = s;
	response_header(r, "Content-Type", "text/event-stream");
	r->source = &s->base;
	request_reply(rq, r);
}

static void reply_file(struct request *rq)
{
	struct response *r = response_new(200);
	int fd = memfd_create("answer", MFD_CLOEXEC);
	char block[1000];

	memset(block, 'f', sizeof(block));
	for (int i = 0; i < 300; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	r->fd = fd;
	r->fd_len = 300 * sizeof(block);
	request_reply(rq, r);
}

void route_dispatch(struct service *s, struct request *rq)
{
	const char *what = rq->segments.len ? rq->segments.items[0] : "";

	(void)s;
	t.dispatched++;
	t.peer = rq->peer;
	t.body_len = rq->body.len;
	t.fields_len = rq->fields_len;
	t.fields[0] = '\0';
	for (size_t i = 0; i < rq->fields_len; i++) {
		const struct form_field *f = &rq->fields[i];
		size_t n = strlen(t.fields);

		snprintf(t.fields + n, sizeof(t.fields) - n, "%s(%s,%s)=%zu;", f->name, f->filename ? f->filename : "", f->content_type ? f->content_type : "", f->value.len);
	}
	if (!strcmp(what, "later") || !strcmp(what, "stubborn")) {
		t.later = rq;
		rq->abandon = !strcmp(what, "later") ? abandoned : NULL;
	} else if (!strcmp(what, "stream")) {
		reply_stream(rq);
	} else if (!strcmp(what, "file")) {
		reply_file(rq);
	} else {
		request_reply(rq, response_text(200, "text/plain", rq->body.len ? rq->body.buf : "hello", rq->body.len ? rq->body.len : 5));
	}
}

void route_finish(struct service *s, struct request *rq, struct response *r)
{
	(void)s;
	(void)rq;
	t.finished++;
	response_header(r, "X-Finished", "yes");
}

void route_abandon(struct service *s, struct request *rq)
{
	(void)s;
	(void)rq;
}

/* ---- clients */

struct client {
	int fd;
	struct loop_watch *watch;
	struct strbuf got;
	bool eof, reset;
	const char *until;	/* stop the loop when this has come; NULL: at the end */
};

static void on_readable(void *data, uint32_t events)
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

static void out_of_patience(void *data)
{
	*(bool *)data = true;
	loop_stop(t.loop);
}

/* Run the loop until somebody stops it, at most so long. False: nobody has. */
static bool run_for(uint64_t ns)
{
	bool late = false;
	struct loop_timer *timer = loop_timer_new(t.loop, out_of_patience, &late);

	loop_timer_set(timer, clock_deadline(ns));
	assert_int_equal(loop_run(t.loop, NULL), 0);
	loop_timer_free(timer);
	return !late;
}

static void client_watch(struct client *c)
{
	c->watch = loop_watch(t.loop, c->fd, EPOLLIN, on_readable, c);
}

static void client_open(struct client *c)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*c = (struct client){ .fd = pair[0], .got = STRBUF_INIT(1 << 20) };
	assert_int_equal(httpd_adopt(t.httpd, pair[1], NULL), 0);
	client_watch(c);
}

static void client_close(struct client *c)
{
	loop_unwatch(c->watch);
	close(c->fd);
	strbuf_release(&c->got);
}

static void client_send(struct client *c, const char *text)
{
	assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static const char *client_wait(struct client *c, const char *until)
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

__attribute__((unused)) static void client_wait_end(struct client *c)
{
	while (!c->eof && !c->reset)
		assert_true(run_for(PATIENCE_NS));
	assert_true(c->eof);
}

static void set_up_with(const struct httpd_limits *limits)
{
	const struct httpd_address nowhere = { 0 };
	struct error err = { 0 };

	memset(&t, 0, sizeof(t));
	assert_int_equal(loop_new(&t.loop, &err), 0);
	if (httpd_open((struct service *)&t, t.loop, &nowhere, limits, &t.httpd, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;

	(void)state;
	set_up_with(&limits);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	httpd_close(t.httpd);
	loop_free(t.loop);
	assert_null(t.streams);
	return 0;
}

/* ---- requests and answers */

static void answers(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&c, "hello");
	assert_non_null(strstr(c.got.buf, "HTTP/1.1 200 OK"));
	assert_non_null(strstr(c.got.buf, "X-Finished: yes"));
	assert_false(c.eof);
	client_send(&c, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nthe body");
	client_wait(&c, "the bo");
	assert_int_equal(t.body_len, 6);
	client_close(&c);
}

static void answers_later(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_false(run_for(NS_PER_SEC / 5));
	assert_non_null(t.later);
	assert_int_equal(c.got.len, 0);
	request_reply(t.later, response_text(200, "text/plain", "at last", 7));
	client_wait(&c, "at last");
	assert_int_equal(t.abandoned, 0);
	client_close(&c);
}

static void streams(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&c, "first ");
	for (int i = 0; i < 100; i++) {
		char text[20];

		snprintf(text, sizeof(text), "piece %d;", i);
		t.streams->text = text;
		body_source_wake(&t.streams->base);
		client_wait(&c, text);
	}
	t.streams->end = true;
	body_source_wake(&t.streams->base);
	client_wait(&c, "0\r\n\r\n");
	assert_int_equal(t.closed, 1);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(streams, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
