/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_refused_urls),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_display),
		cmocka_unit_test(test_slow),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
