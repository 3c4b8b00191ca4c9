/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/http.h"
#include "runner/base/mem.h"

/* A scripted server: a path and what it gets, byte for byte. %d is the port. */
static const struct { const char *path, *answer; } script[] = {
	{ "/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
	{ "/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" },
	{ "/big", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n01234567890123456789012345678901234567890123456789" },
	{ "/big-unsaid", "HTTP/1.1 200 OK\r\n\r\n01234567890123456789012345678901234567890123456789" },
	{ "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n0123" },
	{ "/missing", "HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\nsorry!" },
	{ "/empty-answer", "" },
	{ "/no-http", "SSH-2.0-OpenSSH\r\n" },
	{ "/hop", "HTTP/1.1 302 Go\r\nLocation: /ok\r\nContent-Length: 4\r\n\r\njunk" },
	{ "/5-hops", "HTTP/1.1 301 Go\r\nLocation: /4-hops\r\nContent-Length: 0\r\n\r\n" },
	{ "/4-hops", "HTTP/1.1 307 Go\r\nLocation: 3-hops\r\nContent-Length: 0\r\n\r\n" },
	{ "/6-hops", "HTTP/1.1 301 Go\r\nLocation: /5-hops\r\nContent-Length: 0\r\n\r\n" },
	{ "/2-hops", "HTTP/1.1 303 Go\r\nLocation: /hop\r\nContent-Length: 0\r\n\r\n" },
	{ "/3-hops", "HTTP/1.1 308 Go\r\nLocation: ./2-hops?x\r\nContent-Length: 0\r\n\r\n" },
	{ "/loop", "HTTP/1.1 302 Go\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n" },
	{ "/to-file", "HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" },
	{ "/to-credentials", "HTTP/1.1 302 Go\r\nLocation: http://me:hunter22@127.0.0.1/\r\nContent-Length: 0\r\n\r\n" },
	{ "/not-modified", "HTTP/1.1 304 Same\r\n\r\n" },
	{ "/slow", NULL },
};

static pid_t server;
static int port;

static void serve(int fd)
{
	char request[2048];
	ssize_t n = read(fd, request, sizeof(request) - 1);

	request[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(script); i++) {
		size_t len = strlen(script[i].path);

		if (strncmp(request, "GET ", 4) || strncmp(request + 4, script[i].path, len) || !strchr(" ?", request[4 + len]))
			continue;
		if (!script[i].answer)
			pause();
		if (write(fd, script[i].answer, strlen(script[i].answer)) < 0)
			_exit(1);
	}
	shutdown(fd, SHUT_WR);
	close(fd);
}

static int start(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	if (bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 8) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	port = ntohs(address.sin_port);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			serve(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	}
	close(listener);
	return server < 0 ? -1 : 0;
}

static int stop(void **state)
{
	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}

static int get(const char *path, uint64_t timeout_ns, struct strbuf *body, struct error *err)
{
	autofree char *url = xasprintf("http://127.0.0.1:%d%s", port, path);

	return http_get(url, timeout_ns, body, err);
}

static void test_answers(void **state)
{
	static const struct {
		const char *path, *want;	/* of the body, or of the message */
		enum error_code code;
	} cases[] = {
		{ "/ok", "hello", ERR_OK },
		{ "/ok?token=hunter22", "hello", ERR_OK },
		{ "/chunked", "hello", ERR_OK },
		{ "/hop", "hello", ERR_OK },
		{ "/5-hops", "hello", ERR_OK },
		{ "/6-hops", "more than 5 redirects", ERR_REMOTE },
		{ "/big", "larger than the limit of 20 bytes", ERR_INVALID_INPUT },
		{ "/big-unsaid", "larger than the limit of 20 bytes", ERR_INVALID_INPUT },
		{ "/cut", "cannot get", ERR_REMOTE },
		{ "/missing", "the server answered 404", ERR_REMOTE },
		{ "/missing?token=hunter22", "/missing?***': the server answered 404", ERR_REMOTE },
		{ "/not-modified", "the server answered 304", ERR_REMOTE },
		{ "/empty-answer", "cannot get", ERR_REMOTE },
		{ "/no-http", "cannot get", ERR_REMOTE },
		{ "/loop", "more than 5 redirects", ERR_REMOTE },
		{ "/to-file", "only http:// and https:// are followed", ERR_REMOTE },
		{ "/to-credentials", "must not hold a user name", ERR_REMOTE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf body = STRBUF_INIT(25);
		struct error err = { 0 };
		int rc;

		strbuf_addstr(&body, "kept:");
		rc = get(cases[i].path, 5 * NS_PER_SEC, &body, &err);
		if (rc != (cases[i].code ? -1 : 0) || err.code != cases[i].code)
			fail_msg("%s: %d, %d '%s'", cases[i].path, rc, err.code, err.text);
		if (strncmp(body.buf, "kept:", 5) || strcmp(body.buf + 5, rc ? "" : cases[i].want))
			fail_msg("%s: body is '%s'", cases[i].path, body.buf);
		if (rc && !strstr(err.text, cases[i].want))
			fail_msg("%s: message is '%s'", cases[i].path, err.text);
		assert_null(strstr(err.text, "hunter22"));
	}
}

static void test_refused_urls(void **state)
{
	static const struct { const char *url, *want; enum error_code code; } cases[] = {
		{ "ftp://127.0.0.1/", "is no http:// or https:// URL", ERR_USAGE },
		{ "file:///etc/passwd", "is no http:// or https:// URL", ERR_USAGE },
		{ "http:/x", "is no http:// or https:// URL", ERR_USAGE },
		{ "http://me:hunter22@127.0.0.1/x", "'http://***@127.0.0.1/x': a URL must not hold a user name", ERR_USAGE },
		{ "http://a/@", "cannot get", ERR_REMOTE },
		{ "http://127.0.0.1:1/", "cannot get 'http://127.0.0.1:1/'", ERR_REMOTE },
		{ "https://127.0.0.1:1/", "cannot get", ERR_REMOTE },
		{ "http://no-such-host.invalid/", "cannot get", ERR_REMOTE },
		{ "http://", "cannot get", ERR_REMOTE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf body = STRBUF_INIT(100);
		struct error err = { 0 };

		if (http_get(cases[i].url, 5 * NS_PER_SEC, &body, &err) != -1 || err.code != cases[i].code || !strstr(err.text, cases[i].want))
			fail_msg("%s: %d '%s'", cases[i].url, err.code, err.text);
		assert_null(strstr(err.text, "hunter22"));
	}
}

static void test_redirects(void **state)
{
	static const struct { const char *from, *to, *want; } cases[] = {	/* want NULL: followed */
		{ "http://a/", "http://b/", NULL },
		{ "http://a/", "https://b/", NULL },
		{ "https://a/", "HTTPS://b/", NULL },
		{ "https://a/", "http://a/", "from https to http" },
		{ "HTTPS://a/", "http://a/", "from https to http" },
		{ "http://a/", "file:///etc/passwd", "only http:// and https://" },
		{ "http://a/", "gopher://b/", "only http:// and https://" },
		{ "http://a/", "http://u@b/", "user name" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };

		assert_int_equal(http_check_redirect(cases[i].from, cases[i].to, &err), cases[i].want ? -1 : 0);
		assert_true(!cases[i].want || (err.code == ERR_REMOTE && strstr(err.text, cases[i].want)));
	}
}

static void test_display(void **state)
{
	static const struct { const char *url, *want; } cases[] = {
		{ "http://h/p", "http://h/p" },
		{ "https://u:p@h:1/p?q#f", "https://***@h:1/p?***" },
		{ "http://u:p@x@h", "http://***@h" },
		{ "http://h?a@b", "http://h?***" },
		{ "http://h/p#f?x", "http://h/p" },
		{ "http://h/\x1b[2J", "http://h/\\x1b[2J" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(100);

		http_url_display(&out, cases[i].url);
		assert_string_equal(out.buf, cases[i].want);
	}
}

/* Last: the server never wakes up from it. */
static void test_slow(void **state)
{
	autostrbuf struct strbuf body = STRBUF_INIT(100);
	struct error err = { 0 };
	uint64_t before = clock_monotonic_ns();

	(void)state;
	assert_int_equal(get("/slow", 300 * NS_PER_MS, &body, &err), -1);
	assert_int_equal(err.code, ERR_REMOTE);
	assert_non_null(strstr(err.text, "no complete answer in time"));
	assert_true(clock_monotonic_ns() - before < 3 * NS_PER_SEC);
}

/* ---- unix sockets */

static char folder[] = "/tmp/http_test.XXXXXX";
static char socket_path[64], dead_path[64], garbage_path[64];
static pid_t engine;

/* Answers requests on one connection until it ends, the way container engines do. */
static void serve_engine(int fd, unsigned int connection)
{
	char request[4096], answer[512];
	ssize_t n;

	while ((n = read(fd, request, sizeof(request) - 1)) > 0) {
		const char *body;

		request[n] = '\0';
		body = strstr(request, "\r\n\r\n") + 4;
		if (!strncmp(request, "GET /ping ", 10))
			snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\napi-version:  1.41 \r\nContent-Length: 1\r\n\r\n%u", connection);
		else if (!strncmp(request, "POST /echo ", 11) && strstr(request, "Content-Type: application/json\r\n"))
			snprintf(answer, sizeof(answer), "HTTP/1.1 201 Made\r\nContent-Length: %zu\r\n\r\n%.256s", strlen(body), body);
		else if (!strncmp(request, "DELETE /gone ", 13))
			snprintf(answer, sizeof(answer), "HTTP/1.1 204 Gone\r\n\r\n");
		else if (!strncmp(request, "POST /stream ", 13) && strstr(request, "Upgrade: tcp\r\n"))
			snprintf(answer, sizeof(answer), "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\nfirst");
		else if (!strncmp(request, "POST /old-stream ", 17))
			snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n\r\n");
		else if (!strncmp(request, "GET /slow ", 10) || !strncmp(request, "POST /slow ", 11))
			pause();
		else
			snprintf(answer, sizeof(answer), "HTTP/1.1 404 No\r\nContent-Length: 15\r\n\r\n{\"message\":\"x\"}");
		/* in two pieces, so that the end of the head is cut in the middle */
		n = strstr(answer, "\r\n\r\n") + 2 - answer;
		if (write(fd, answer, (size_t)n) < 0 || usleep(2000) < 0 || write(fd, answer + n, strlen(answer + n)) < 0)
			_exit(1);
		if (strstr(request, "stream ")) {
			while ((n = read(fd, request, sizeof(request))) > 0 && write(fd, request, (size_t)n) == n) {}
			break;
		}
	}
	close(fd);
}

static int listen_at(char path[64], const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, 64, "%s/%s", folder, name);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0 ? -1 : fd;
}

static int start_engine(void **state)
{
	int listener, garbage;

	(void)state;
	if (!mkdtemp(folder) || (listener = listen_at(socket_path, "engine")) < 0 || (garbage = listen_at(garbage_path, "garbage")) < 0)
		return -1;
	close(listen_at(dead_path, "dead"));
	engine = fork();
	if (engine == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned int n = 1;; n++) {
			struct pollfd p[2] = { { .fd = listener, .events = POLLIN }, { .fd = garbage, .events = POLLIN } };
			int fd;

			poll(p, 2, -1);
			fd = accept4(p[0].revents ? listener : garbage, NULL, NULL, SOCK_CLOEXEC);
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				if (p[0].revents)
					serve_engine(fd, n);
				else if (write(fd, "SSH-2.0-OpenSSH\r\n\r\n", 19) < 0 || read(fd, p, sizeof(p)) < 0)
					_exit(1);
				_exit(0);
			}
			close(fd);
		}
	}
	close(listener);
	close(garbage);
	return engine < 0 ? -1 : 0;
}

static int stop_engine(void **state)
{
	(void)state;
	kill(engine, SIGKILL);
	waitpid(engine, NULL, 0);
	unlink(socket_path);
	unlink(dead_path);
	unlink(garbage_path);
	return rmdir(folder);
}

static void test_calls(void **state)
{
	static const struct { const char *method, *target, *body, *want, *header; int status;
	} cases[] = {
		{ "GET", "/ping", NULL, "1", "1.41", 200 },
		{ "POST", "/echo", "{\"a\":1}", "{\"a\":1}", "", 201 },
		{ "DELETE", "/gone", NULL, "", "", 204 },
		{ "GET", "/nothing", NULL, "{\"message\":\"x\"}", "", 404 },
		{ "GET", "/ping", NULL, "1", "1.41", 200 },	/* the same connection as at first */
	};
	struct http_session *s = http_session_open(socket_path, NULL);

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf body = STRBUF_INIT(100);
		struct http_call call = { .method = cases[i].method, .target = cases[i].target, .body = cases[i].body,
			.body_len = cases[i].body ? strlen(cases[i].body) : 0, .want_header = "Api-Version", .timeout_ns = 5 * NS_PER_SEC };
		struct http_answer answer;
		struct error err = { .code = ERR_OK };

		strbuf_addstr(&body, "+");
		if (http_call(s, &call, &answer, &body, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(answer.status, cases[i].status);
		assert_string_equal(answer.header, cases[i].header);
		assert_string_equal(body.buf + 1, cases[i].want);
	}
	http_session_close(s);
}

static void test_no_answers(void **state)
{
	char missing[80];
	const struct { const char *socket, *target, *want; enum error_code code; int sys; size_t max;
	} cases[] = {
		{ missing, "/ping", "cannot connect to", ERR_UNAVAILABLE, ENOENT, 100 },
		{ dead_path, "/ping", "cannot connect to", ERR_UNAVAILABLE, ECONNREFUSED, 100 },
		{ garbage_path, "/ping", "garbage': ", ERR_REMOTE, 0, 100 },
		{ socket_path, "/slow", "in time", ERR_REMOTE, 0, 100 },
		{ socket_path, "/nothing", "longer than 14 bytes", ERR_REMOTE, 0, 15 },
	};

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", folder);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf body = STRBUF_INIT(cases[i].max);
		struct http_session *s = http_session_open(cases[i].socket, NULL);
		struct http_call call = { .method = "GET", .target = cases[i].target, .timeout_ns = 300 * NS_PER_MS };
		struct http_answer answer;
		struct error err = { .code = ERR_OK };

		strbuf_addstr(&body, "+");
		if (http_call(s, &call, &answer, &body, &err) == 0 || err.code != cases[i].code || err.sys != cases[i].sys ||
		    !strstr(err.text, cases[i].want))
			fail_msg("case %zu: %d %d %s", i, err.code, err.sys, err.text);
		assert_string_equal(body.buf, "+");
		http_session_close(s);
	}
}

static bool collect(void *arg, const char *data, size_t len)
{
	struct strbuf *out = arg;

	strbuf_add(out, data, len);
	return !out->overflow;
}

static void test_pieces(void **state)
{
	autostrbuf struct strbuf got = STRBUF_INIT(15), little = STRBUF_INIT(3);
	struct http_session *s = http_session_open(socket_path, NULL);
	struct http_call call = { .method = "GET", .target = "/nothing", .timeout_ns = 5 * NS_PER_SEC, .data = collect, .arg = &got };
	struct http_answer answer;
	struct error err = { .code = ERR_OK };

	(void)state;
	if (http_call(s, &call, &answer, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(got.buf, "{\"message\":\"x\"}");
	call.arg = &little;
	assert_int_equal(http_call(s, &call, &answer, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	http_session_close(s);
}

static void test_upgrade(void **state)
{
	static const struct { const char *target, *first, *body; int status; bool stream;
	} cases[] = {
		{ "/stream", "first", "", 101, true },
		{ "/old-stream", "", "", 200, true },
		{ "/nothing", "", "{\"message\":\"x\"}", 404, false },
	};
	struct http_session *s = http_session_open(socket_path, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf body = STRBUF_INIT(100);
		autoclose int fd = -1;
		struct http_answer answer;
		struct error err = { .code = ERR_OK };
		char data[16] = "";

		if (http_upgrade(s, cases[i].target, 5 * NS_PER_SEC, &answer, &fd, &body, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_int_equal(answer.status, cases[i].status);
		assert_string_equal(body.buf, cases[i].body);
		assert_int_equal(fd >= 0, cases[i].stream);
		if (fd < 0)
			continue;
		assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		if (*cases[i].first)	/* not a byte of it was taken with the head */
			assert_int_equal(recv(fd, data, strlen(cases[i].first), MSG_WAITALL), (int)strlen(cases[i].first));
		assert_string_equal(data, cases[i].first);
		assert_int_equal(write(fd, "ping", 4), 4);
		assert_int_equal(recv(fd, data, 4, MSG_WAITALL), 4);
		assert_memory_equal(data, "ping", 4);
	}
	http_session_close(s);
}

static void test_no_upgrade(void **state)
{
	const struct { const char *socket, *target; enum error_code code;
	} cases[] = {
		{ dead_path, "/stream", ERR_UNAVAILABLE }, { garbage_path, "/stream", ERR_REMOTE }, { socket_path, "/slow", ERR_REMOTE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf body = STRBUF_INIT(100);
		struct http_session *s = http_session_open(cases[i].socket, NULL);
		struct http_answer answer;
		struct error err = { .code = ERR_OK };
		int fd;

		assert_int_equal(http_upgrade(s, cases[i].target, 300 * NS_PER_MS, &answer, &fd, &body, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(fd, -1);
		http_session_close(s);
	}
}

static void test_escape(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(100);
	struct error err = { .code = ERR_OK };
	char longest[200];

	(void)state;
	http_escape(&out, "a-Z_0.~ /?&%\xc3\xa4{\"");
	assert_string_equal(out.buf, "a-Z_0.~%20%2F%3F%26%25%C3%A4%7B%22");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(http_session_open(longest, &err));
	assert_int_equal(err.code, ERR_UNAVAILABLE);
}

static int start_both(void **state)
{
	return start(state) < 0 ? -1 : start_engine(state);
}

static int stop_both(void **state)
{
	stop(state);
	return stop_engine(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_refused_urls), cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_display), cmocka_unit_test(test_slow),	   cmocka_unit_test(test_calls),
		cmocka_unit_test(test_no_answers), cmocka_unit_test(test_pieces),  cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_no_upgrade), cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, start_both, stop_both);
}
