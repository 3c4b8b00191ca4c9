/* SPDX-License-Identifier: Apache-2.0
 * httpd: what is sent, and what comes back. */
#include "tests/unit/serve/httpd_clients.h"

#include <errno.h>

/* ---- requests and answers */

#define HOST "Host: x\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
#define FORM "POST / HTTP/1.1\r\n" HOST "Content-Type: multipart/form-data; boundary=B\r\n"
#define ENDS true
#define STAYS false

/* What is sent at once, how the answer begins, what else is in it, and whether the connection is then over. */
static const struct {
	const char *name, *sent, *begins, *has;
	bool ends;
	unsigned int dispatched;
} talks[] = {
	{ "plain",		"GET /a?b=c HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 OK\r\n", "hello", STAYS, 1 },
	{ "1.0 ends",		"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "hello", ENDS, 1 },
	{ "asked to end",	"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "HTTP/1.1 200 ", "hello", ENDS, 1 },
	{ "a proxy's form",	"GET http://x/a HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 200 ", "hello", STAYS, 1 },
	{ "HEAD",		"HEAD / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "HTTP/1.1 200 ", "Content-Length: 5\r\n", ENDS, 1 },
	{ "body",		"POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", "HTTP/1.1 200 ", "body", STAYS, 1 },
	{ "chunks",		CHUNKED "2\r\nbo\r\n2\r\ndy\r\n0\r\nTrailer: t\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nbody", STAYS, 1 },
	{ "refused, no body",	"GET /refused HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 403 ", "before the body", STAYS, 0 },
	{ "refused, body",	"POST /refused HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nbody", "HTTP/1.1 403 ", "before the body", ENDS, 0 },
	{ "refused, continue",	"POST /refused HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 403 ", "X-Finished", ENDS, 0 },
	{ "pipelined",		"GET / HTTP/1.1\r\n" HOST "\r\nPOST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\ntwo"
				"GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "HTTP/1.1 200 ", "two", ENDS, 3 },
	{ "announced too much",	"POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 413 ", "at most 1000 bytes", ENDS, 0 },
	{ "beyond numbers",	"POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 413 ", "", ENDS, 0 },
	{ "no number",		"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "two lengths",	"POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "smuggled",		"POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "other coding",	"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 ", "Transfer-Encoding", ENDS, 0 },
	{ "bad chunk",		CHUNKED "zz\r\n", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "endless chunk",	CHUNKED "fffffffffffffffff\r\n", "HTTP/1.1 413 ", "", ENDS, 0 },
	{ "no host",		"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "HTTP of tomorrow",	"GET / HTTP/3.0\r\n" HOST "\r\n", "HTTP/1.1 505 ", "", ENDS, 0 },
	{ "HTTP of yesterday",	"GET / HTTP/0.9\r\n\r\n", "HTTP/1.1 505 ", "", ENDS, 0 },
	{ "no header",		"GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "blank in a name",	"POST / HTTP/1.1\r\n" HOST "Content-Length : 4\r\n\r\nbody", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "half a line end",	"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", "HTTP/1.1 400 ", "", ENDS, 0 },
	{ "bell",		"GET / HTTP/1.1\r\n" HOST "X: \a\r\n\r\n", "HTTP/1.1 400 ", "bad_header", ENDS, 0 },
	{ "bad target",		"GET /a/%2e%2e/b HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400 ", "none of ours", STAYS, 0 },
	{ "TLS",		"\x16\x03\x01\x02\r\n\r\n", "", "", ENDS, 0 },
	{ "one word",		"GET\r\n\r\n", "", "", ENDS, 0 },
	{ "form",		FORM "Content-Length: 141\r\n\r\n--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n12\r\n"
				"--B\r\nContent-Disposition: form-data; name=a; filename=\"f\"\r\nContent-Type: t\r\n\r\n3\r\n--B--\r\n",
				"HTTP/1.1 200 ", "hello", STAYS, 1 },
	{ "no form",		FORM "Content-Length: 4\r\n\r\nbody", "HTTP/1.1 400 ", "boundary is nowhere", STAYS, 0 },
};

static void talks_http(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		struct client c;

		t.dispatched = t.accepted = t.finished = 0;
		client_open(&c);
		client_send(&c, talks[i].sent);
		if (talks[i].ends)
			client_wait_end(&c);
		else
			client_wait(&c, talks[i].has);
		if (strncmp(c.got.buf, talks[i].begins, strlen(talks[i].begins)) || !strstr(c.got.buf, talks[i].has) || c.eof != talks[i].ends ||
		    t.dispatched != talks[i].dispatched)
			fail_msg("%s: dispatched %u, %s: %s", talks[i].name, t.dispatched, c.eof ? "ended" : "open", c.got.buf);
		client_close(&c);
	}
}

static void asks_for_the_body(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
	client_wait(&c, "HTTP/1.1 100 Continue\r\n\r\n");
	client_send(&c, "body");
	client_wait(&c, "\r\n\r\nbody");
	client_close(&c);
}

static void hears_byte_by_byte(void **state)
{
	const char *sent = "POST /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n5\r\n body\r\n0\r\n\r\n";
	struct client c;

	(void)state;
	client_open(&c);
	for (size_t i = 0; sent[i]; i++) {
		assert_int_equal(send(c.fd, sent + i, 1, MSG_NOSIGNAL), 1);
		if (sent[i + 1])
			run_for(NS_PER_MS);
	}
	client_wait(&c, "the body");
	client_close(&c);
}

static void takes_forms(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, talks[ARRAY_SIZE(talks) - 2].sent);
	client_wait(&c, "hello");
	assert_string_equal(t.fields, "a(,)=2;a(f,t)=1;");
	assert_int_equal(t.body_len, 0);
	client_close(&c);
}

static void bounds_heads(void **state)
{
	static const struct { const char *before, *after, *status; } rows[] = {
		{ "GET /", " HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 414 " },
		{ "GET / HTTP/1.1\r\n" HOST "X: ", "\r\n\r\n", "HTTP/1.1 431 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct client c;

		strbuf_addstr(&text, rows[i].before);
		for (int n = 0; n < 40000; n++)
			strbuf_addch(&text, 'a');
		strbuf_addstr(&text, rows[i].after);
		client_open(&c);
		client_send(&c, text.buf);
		client_wait_end(&c);
		assert_memory_equal(c.got.buf, rows[i].status, strlen(rows[i].status));
		client_close(&c);
	}
	assert_int_equal(t.accepted, 0);
}

/* MHD has refused it by itself, and more of it comes then: no reset. */
static void large_heads_may_go_on(void **state)
{
	const struct httpd_limits limits = HTTPD_LIMITS;
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct client c;

	(void)state;
	set_up_with("127.0.0.1:0", &limits);
	client_connect(&c);
	strbuf_addstr(&text, "GET /");
	while (text.len < 16384)
		strbuf_addch(&text, 'a');
	for (int i = 0; i < 200 && !c.got.len; i++) {
		client_send(&c, i ? "a" : text.buf);
		run_for(NS_PER_MS);
	}
	for (int i = 0; i < 50; i++) {
		client_send(&c, text.buf);
		run_for(NS_PER_MS);
	}
	client_wait_end(&c);
	assert_memory_equal(c.got.buf, "HTTP/1.1 414 ", 13);
	client_close(&c);
	tear_down(NULL);
}

static void bounds_chunked_bodies(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct client c;

	(void)state;
	strbuf_addstr(&text, CHUNKED);
	for (int n = 0; n < 200; n++)
		strbuf_addstr(&text, "a\r\n0123456789\r\n");
	client_open(&c);
	client_send(&c, text.buf);
	client_wait_end(&c);
	assert_memory_equal(c.got.buf, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n", 51);
	assert_non_null(strstr(c.got.buf, "at most 1000 bytes"));
	assert_non_null(strstr(c.got.buf, "X-Finished"));
	assert_int_equal(t.dispatched, 0);
	assert_int_equal(t.finished, 1);
	client_close(&c);
}

static void send_megabytes(struct client *c, size_t n)
{
	autofree char *block = xcalloc(1, 64 << 10);

	for (size_t sent = 0; sent < n << 20;) {
		ssize_t rc = send(c->fd, block, 64 << 10, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (rc < 0 && errno != EAGAIN)
			fail_msg("after %zu bytes: %s", sent, strerror(errno));
		if (rc < 0)
			run_for(NS_PER_MS);
		else
			sent += (size_t)rc;
	}
}

/* Who sends five megabytes without looking, and only then reads, still learns why; whoever sends on after the answer is not reset, either. */
static void refusals_are_heard(void **state)
{
	static const char *const heads[] = { "Content-Length: 5242880\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n500000\r\n" };
	const struct httpd_limits limits = HTTPD_LIMITS;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(heads); i++) {
		struct client c;

		set_up_with("127.0.0.1:0", &limits);
		client_connect(&c);
		client_send(&c, "POST / HTTP/1.1\r\n" HOST);
		client_send(&c, heads[i / 2]);
		if (i % 2) {
			if (i / 2)
				for (int n = 0; n < 20; n++)	/* more than a route takes */
					client_send(&c, "0123456789012345678901234567890123456789012345678901234567890123");
			client_wait(&c, "body_too_large");
		}
		loop_unwatch(c.watch);	/* does not read */
		for (int n = 0; n < 5; n++) {
			send_megabytes(&c, 1);
			run_for(NS_PER_MS);
		}
		shutdown(c.fd, SHUT_WR);
		client_watch(&c);
		client_wait_end(&c);
		assert_memory_equal(c.got.buf, "HTTP/1.1 413 ", 13);
		client_close(&c);
		tear_down(NULL);
	}
}

/* ---- later */

static void answers_later(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
	wait_for_dispatch(1);
	assert_false(run_for(NS_PER_SEC / 5));
	assert_int_equal(c.got.len, 0);
	request_reply(t.later, response_text(200, "text/plain", "at last", 7));
	client_wait(&c, "at last");
	client_wait(&c, "hello");
	assert_int_equal(t.abandoned, 0);
	client_close(&c);
}

static void notices_who_leaves(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for_dispatch(1);
	client_close(&c);
	for (int i = 0; i < 100 && httpd_connections(t.httpd); i++)
		run_for(NS_PER_SEC / 20);
	assert_int_equal(httpd_connections(t.httpd), 0);
	assert_int_equal(t.abandoned, 1);
}

/* A handler that cannot be told answers into the void. */
static void lets_the_stubborn_answer(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /stubborn HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for_dispatch(1);
	client_close(&c);
	for (int i = 0; i < 100 && httpd_connections(t.httpd); i++)
		run_for(NS_PER_SEC / 20);
	assert_int_equal(httpd_connections(t.httpd), 0);
	request_reply(t.stubborn, response_text(200, "text/plain", "at last", 7));
	assert_int_equal(t.finished, 1);
}

static void closes_with_everything_open(void **state)
{
	struct client c[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(c); i++) {
		static const char *const sent[] = { "GET /later", "GET /stream", "GET /stubborn", "GET /a" };

		client_open(&c[i]);
		client_send(&c[i], sent[i]);
		client_send(&c[i], i < 3 ? " HTTP/1.1\r\n" HOST "\r\n" : " HTTP");
		run_for(NS_PER_SEC / 20);
	}
	wait_for_dispatch(3);
	httpd_close(t.httpd);
	t.httpd = NULL;
	assert_int_equal(t.closed, 1);
	assert_int_equal(t.abandoned, 1);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		client_close(&c[i]);
}

/* ---- in pieces */

static void streams(void **state)
{
	struct client c;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /stream?wake=1 HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&c, "first ");
	client_wait(&c, "woken ");
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

static void streams_end(void **state)
{
	static const char *const requests[] = { "HEAD /stream HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "GET /stream HTTP/1.0\r\n\r\n", "GET /stream HTTP/1.1\r\n" HOST "\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct client c;

		client_open(&c);
		client_send(&c, requests[i]);
		if (i == 0) {
			client_wait_end(&c);
			assert_null(strstr(c.got.buf, "first"));
		} else if (i == 1) {
			client_wait(&c, "first ");
			t.streams->end = true;
			body_source_wake(&t.streams->base);
			client_wait_end(&c);
		} else {
			client_wait(&c, "first ");
		}
		client_close(&c);	/* the last one just leaves */
		for (int n = 0; n < 100 && httpd_connections(t.httpd); n++)
			run_for(NS_PER_SEC / 20);
		assert_int_equal(t.closed, i + 1);
	}
}

static void sends_files(void **state)
{
	struct client c;
	const char *body;

	(void)state;
	client_open(&c);
	client_send(&c, "GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	client_wait_end(&c);
	body = strstr(c.got.buf, "\r\n\r\n");
	assert_int_equal(strspn(body + 4, "f"), 300000);
	assert_non_null(strstr(c.got.buf, "Content-Length: 300000\r\n"));
	client_close(&c);
}

int main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(talks_http), WITH(asks_for_the_body), WITH(hears_byte_by_byte), WITH(takes_forms), WITH(bounds_heads), WITH(bounds_chunked_bodies),
		cmocka_unit_test(refusals_are_heard), cmocka_unit_test(large_heads_may_go_on),
		WITH(answers_later), WITH(notices_who_leaves), WITH(lets_the_stubborn_answer), WITH(closes_with_everything_open),
		WITH(streams), WITH(streams_end), WITH(sends_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
