/* SPDX-License-Identifier: Apache-2.0
 * The client against a server that follows a script: what a real one does only on its bad days. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/kube.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"	/* steps say what matters */

/* ---- the server */

enum how {
	PLAIN,		/* status, headers, body with its length */
	STREAM,		/* chunked; the body is sent, then the end */
	CUT,		/* chunked; the connection breaks within a chunk */
	HELD,		/* chunked; the body is sent, then nothing: neither bytes nor an end */
	RESET,		/* no answer, the connection is closed */
	SILENT,		/* no answer, it stays open */
	RAW,		/* the body is all there is */
	FLOOD,		/* as many bytes as anybody will take */
	BIG_HEADER,
};

struct step {
	const char *expect;	/* the request line begins with it */
	int status;
	const char *body;
	enum how how;
	const char *headers;	/* "Name: value\r\n" */
	const char *also;	/* what must stand in the request, too */
};

static struct {
	pthread_mutex_t lock;
	const struct step *steps;
	size_t len, next;
	char surprise[600];	/* a request that the script does not have */
} script = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int port;

static void say(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void flood(int fd)
{
	char block[65536];

	memset(block, 'x', sizeof(block));
	for (size_t i = 79; i < sizeof(block); i += 80)
		block[i] = '\n';
	for (unsigned int sent = 0; sent < (1u << 14); sent++) {	/* a GiB in all */
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) != (ssize_t)sizeof(block))
			return;
	}
}

static void wait_for_end(int fd)
{
	char c;

	for (int i = 0; i < 600; i++) {		/* never for ever, should the client be wrong */
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 100) > 0 && recv(fd, &c, 1, 0) <= 0)
			return;
	}
}

static void answer(int fd, const struct step *s)
{
	const size_t len = s->body ? strlen(s->body) : 0;
	autofree char *head = xasprintf("HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\n%s", s->status,
					s->headers ? s->headers : "");
	autofree char *chunk = xasprintf("%s%s%zx\r\n", head, "Transfer-Encoding: chunked\r\n\r\n", s->how == CUT ? len + 50 : len);

	switch (s->how) {
	case PLAIN: {
		autofree char *text = xasprintf("%sContent-Length: %zu\r\n\r\n%s", head, len, s->body ? s->body : "");

		say(fd, text, strlen(text));
		break;
	}
	case STREAM:
	case CUT:
	case HELD:
		say(fd, chunk, strlen(chunk));
		say(fd, s->body, len);
		if (s->how != CUT)
			say(fd, "\r\n", 2);
		if (s->how == STREAM)
			say(fd, "0\r\n\r\n", 5);
		if (s->how == HELD)
			wait_for_end(fd);
		break;
	case SILENT:
		wait_for_end(fd);
		break;
	case RAW:
		say(fd, s->body, len);
		break;
	case FLOOD:
		say(fd, head, strlen(head));
		say(fd, "\r\n", 2);
		flood(fd);
		break;
	case BIG_HEADER:
		say(fd, "HTTP/1.1 200 OK\r\nX: ", 20);
		flood(fd);
		break;
	case RESET:
		break;
	}
}

static const struct step *next_step(const char *request)
{
	const struct step *s = NULL;

	pthread_mutex_lock(&script.lock);
	if (script.next < script.len) {
		s = &script.steps[script.next];
		if (strncmp(request, s->expect, strlen(s->expect)) != 0 || (s->also && !strstr(request, s->also)))
			s = NULL;
		else
			script.next++;
	}
	if (!s && !script.surprise[0])
		snprintf(script.surprise, sizeof(script.surprise), "after %zu steps: %.500s", script.next, request);
	pthread_mutex_unlock(&script.lock);
	return s;
}

static void *serve(void *arg)
{
	static const struct step unknown = { .status = 418 };
	int fd = (int)(intptr_t)arg;
	char request[16384];
	size_t len = 0;
	ssize_t n;

	do {		/* bodies are small enough to come along */
		n = recv(fd, request + len, sizeof(request) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
		request[len] = '\0';
	} while (n > 0 && !strstr(request, "\r\n\r\n"));
	if (len) {
		const struct step *s = next_step(request);

		answer(fd, s ? s : &unknown);
	}
	shutdown(fd, SHUT_RDWR);
	close(fd);
	return NULL;
}

static void *listen_for_ever(void *arg)
{
	for (;;) {
		int fd = accept4((int)(intptr_t)arg, NULL, NULL, SOCK_CLOEXEC);
		pthread_t t;

		if (fd >= 0 && pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
	}
	return NULL;
}

static int start(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t t;

	(void)state;
	if (bind(listener, (struct sockaddr *)&address, len) < 0 || listen(listener, 16) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		return -1;
	port = ntohs(address.sin_port);
	return pthread_create(&t, NULL, listen_for_ever, (void *)(intptr_t)listener);
}

static struct kube *open_script(const struct step *steps, size_t len)
{
	autofree char *url = xasprintf("http://127.0.0.1:%d", port);
	struct kube_config cfg = { .server = url, .token = (char *)"hunter22" };
	struct error err = { .code = ERR_OK };
	struct kube *k = kube_open(&cfg, &err);

	if (!k)
		fail_msg("%s", err.text);
	pthread_mutex_lock(&script.lock);
	script.steps = steps;
	script.len = len;
	script.next = 0;
	script.surprise[0] = '\0';
	pthread_mutex_unlock(&script.lock);
	return k;
}

static size_t steps_done(void)
{
	size_t n;

	pthread_mutex_lock(&script.lock);
	n = script.next;
	pthread_mutex_unlock(&script.lock);
	return n;
}

static void close_script(struct kube *k, const char *what)
{
	kube_close(k);
	if (script.surprise[0] || steps_done() != script.len)
		fail_msg("%s: %zu of %zu steps; %s", what, steps_done(), script.len, script.surprise);
}

#define OPEN(steps) open_script(steps, ARRAY_SIZE(steps))

static const char *const none[] = { NULL };
static const struct kube_type pods = { .group = "", .version = "v1", .api_version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod",
	.short_names = none, .subresources = none, .namespaced = true };

#define STATUS(code, reason, message) \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"" message "\",\"reason\":\"" reason "\",\"code\":" #code "}"

/* ---- calls and what is tried again */

#define FIRST { "GET /version", 200, "{}" }

static void test_retries(void **state)
{
	static const struct {
		const char *what, *method, *type;
		struct step steps[6];
		size_t len;
		int rc;
		const char *text;
	} cases[] = {
		{ "a failure of the server passes", "GET", NULL, { FIRST, { "GET /x", 500, "boom" }, { "GET /x", 502, "<html>" }, { "GET /x", 200, "{}" } }, 4, 0, NULL },
		{ "a broken connection", "GET", NULL, { FIRST, { "GET /x", .how = RESET }, { "GET /x", 200, "{}" } }, 3, 0, NULL },
		{ "a cut answer", "GET", NULL, { FIRST, { "GET /x", 200, "{\"a\":", CUT }, { "GET /x", 200, "{}" } }, 3, 0, NULL },
		{ "as long as it says", "GET", NULL,
		  { FIRST, { "GET /x", 429, STATUS(429, "TooManyRequests", "slow down"), PLAIN, "Retry-After: 1\r\n" }, { "GET /x", 200, "{}" } }, 3, 0, NULL },
		{ "longer than we have", "GET", NULL,
		  { FIRST, { "GET /x", 429, STATUS(429, "TooManyRequests", "slow down"), PLAIN, "Retry-After: 3600\r\n" } }, 2, -1,
		  "the server asks to try again later: slow down" },
		{ "a creation that was not begun", "POST", NULL,
		  { FIRST, { "POST /x", 429, "", PLAIN }, { "POST /x", 503, "", PLAIN, "Retry-After: 0\r\n" }, { "POST /x", 201, "{}" } }, 4, 0, NULL },
		{ "a creation that may have been done", "POST", NULL, { FIRST, { "POST /x", .how = RESET } }, 2, -1, "127.0.0.1" },
		{ "a creation that failed", "POST", NULL, { FIRST, { "POST /x", 500, "boom" } }, 2, -1, "the server failed: boom" },
		{ "a patch by steps", "PATCH", "application/json-patch+json", { FIRST, { "PATCH /x", .how = RESET } }, 2, -1, "127.0.0.1" },
		{ "a patch that is the same twice", "PATCH", "application/merge-patch+json",
		  { FIRST, { "PATCH /x", .how = RESET }, { "PATCH /x", 200, "{}", PLAIN, NULL, "application/merge-patch+json" } }, 3, 0, NULL },
		{ "a replacement, a deletion", "DELETE", NULL, { FIRST, { "DELETE /x", .how = RESET }, { "DELETE /x", 200, "{}" } }, 3, 0, NULL },
		{ "a refusal is none to argue with", "GET", NULL, { FIRST, { "GET /x", 403, STATUS(403, "Forbidden", "no") } }, 2, -1, "forbidden: no" },
		{ "garbage", "GET", NULL, { FIRST, { "GET /x", 200, "{\"a\":}" } }, 2, -1, "what is no JSON" },
		{ "no HTTP", "GET", NULL, { { "GET /version", .how = RAW, .body = "SSH-2.0-OpenSSH\r\n" } }, 1, -1, "127.0.0.1" },
		{ "a server that never answers", "GET", NULL, { FIRST, { "GET /x", .how = SILENT } }, 2, -1, "in time" },
		{ "a huge header", "GET", NULL, { FIRST, { "GET /x", .how = BIG_HEADER } }, 2, -1, "127.0.0.1" },
		{ "an answer without end", "GET", NULL, { FIRST, { "GET /x", 200, "", FLOOD } }, 2, -1, "longer than 33554432 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		json_auto_t *body = json_object();
		struct kube_call call = { .method = "GET", .target = "/version" };
		struct error err = { .code = ERR_OK };
		json_t *got = NULL;
		int rc = kube_call(k, &call, NULL, &err);

		if (rc == 0) {
			bool writes = !strcmp(cases[i].method, "POST") || !strcmp(cases[i].method, "PATCH");

			call = (struct kube_call){ .method = cases[i].method, .target = "/x", .content_type = cases[i].type, .body = writes ? body : NULL,
				.timeout_ns = strcmp(cases[i].steps[1].expect, "GET /x") || cases[i].steps[1].how != SILENT ? 20 * NS_PER_SEC : NS_PER_SEC };
			rc = kube_call(k, &call, &got, &err);
		}
		if (rc != cases[i].rc || (rc < 0 && (!strstr(err.text, cases[i].text) || err.code != ERR_REMOTE)))
			fail_msg("%s: %d, %d '%s'", cases[i].what, rc, err.code, err.text);
		assert_null(strstr(err.text, "hunter22"));
		assert_true(rc < 0 || json_is_object(got));
		json_decref(got);
		close_script(k, cases[i].what);
	}
}

static void test_headers(void **state)
{
	static const struct step steps[] = {
		{ "GET /a", 200, "{}", PLAIN, NULL, "\r\nAuthorization: Bearer hunter22\r\n" },
		{ "GET /a", 200, "{}", PLAIN, NULL, "\r\nImpersonate-User: system:serviceaccount:a:b\r\n" },
	};
	struct kube *k = OPEN(steps);
	struct error err = { .code = ERR_OK };

	(void)state;
	assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a" }, NULL, &err), 0);
	assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a", .as_user = "system:serviceaccount:a:b" }, NULL, &err), 0);
	assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a", .as_user = "a\r\nX: y" }, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	close_script(k, "headers");
}

/* Once the request is there. */
static bool goes_on(void *arg)
{
	return steps_done() < *(size_t *)arg;
}

static void test_cancel(void **state)
{
	static const struct step steps[] = { { "GET /a", .how = SILENT }, { "GET /a", 429, "", PLAIN, "Retry-After: 20\r\n" } };
	struct kube *k = OPEN(steps);
	struct error err = { .code = ERR_OK };
	size_t i;

	(void)state;
	kube_on_wait(k, goes_on, &i);
	for (i = 1; i <= ARRAY_SIZE(steps); i++) {
		assert_int_equal(kube_call(k, &(struct kube_call){ .method = "GET", .target = "/a" }, NULL, &err), -1);
		assert_int_equal(err.code, ERR_CANCELLED);
	}
	close_script(k, "cancel");
}

/* ---- lists */

#define POD(name, version) "{\"metadata\":{\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define LIST(version, token, items) "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" token "\"},\"items\":[" items "]}"
#define EXPIRED STATUS(410, "Expired", "too old resource version: 1 (9)")

struct seen {
	struct strbuf words;	/* what was heard, in order */
	size_t stop_after;	/* words; 0: never */
	size_t n;
	unsigned int pulses;
	uint64_t largest;
};

static bool see(struct seen *s, const char *word, const json_t *item)
{
	const char *name = json_string_value(json_object_get(json_object_get(item, "metadata"), "name"));

	strbuf_addf(&s->words, "%s%s%s%s", s->words.len ? " " : "", word, name ? ":" : "", name ? name : "");
	return ++s->n != s->stop_after;
}

static bool see_item(void *arg, json_t *item, bool restarted)
{
	assert_string_equal(json_string_value(json_object_get(item, "kind")), "Pod");
	return see(arg, restarted ? "again" : "item", item);
}

static bool see_event(void *arg, const char *type, json_t *item)
{
	if (!type) {
		((struct seen *)arg)->pulses++;
		return true;
	}
	return see(arg, type, item);
}

static void test_lists(void **state)
{
	static const struct {
		struct step steps[5];
		size_t len;
		int rc;
		const char *want;
	} cases[] = {
		{ { { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=2 ", 200, LIST("7", "t1", POD("a", "1") "," POD("b", "2")) },
		    { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=2&continue=t1 ", 200, LIST("7", "", POD("c", "3")) } }, 2, 0, "item:a item:b item:c" },
		{ { { "GET /api", 200, LIST("7", "t1", POD("a", "1")) }, { "GET /api", 410, EXPIRED }, { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=2 ", 200, LIST("9", "", POD("b", "2")) } },
		  3, 0, "item:a again:b" },
		{ { { "GET /api", 200, LIST("7", "", "") } }, 1, 0, "" },
		{ { { "GET /api", 200, "{\"items\":null,\"metadata\":{}}" } }, 1, 0, "" },
		{ { { "GET /api", 200, "{\"kind\":\"Pod\"}" } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "{\"items\":[" POD("a", "1") ",7]}" } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "{\"items\":[" POD("a", "1") } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "{\"items\":[" POD("a", "1") "]} {}" } }, 1, -1, "is no list" },
		{ { { "GET /api", 200, "" } }, 1, -1, "is no list" },
		/* too much at once: half of it */
		{ { { "GET /api", 200, "", FLOOD }, { "GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=1 ", 200, LIST("7", "", POD("a", "1")) } }, 2, 0, "item:a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct seen seen = { .words = STRBUF_INIT(1000) };
		const struct kube_target t = { .type = &pods, .namespace = "n" };
		struct error err = { .code = ERR_OK };
		autofree char *version = NULL;
		int rc = kube_list(k, &t, &(struct kube_selection){ .labels = "a=b", .page = 2 }, see_item, &seen, &version, &err);

		if (rc != cases[i].rc || (rc == 0 ? strcmp(seen.words.buf, cases[i].want) != 0 : !strstr(err.text, cases[i].want)))
			fail_msg("%zu: %d '%s' '%s'", i, rc, err.text, seen.words.buf);
		assert_true(rc < 0 || version);
		strbuf_release(&seen.words);
		close_script(k, "list");
	}
}

/* ---- watches */

#define EVENT(type, item) "{\"type\":\"" type "\",\"object\":" item "}\n"
#define GONE_EVENT "{\"type\":\"ERROR\",\"object\":" EXPIRED "}\n"
#define FIRST_LIST { "GET /api/v1/namespaces/n/pods?limit=100 ", 200, LIST("7", "", POD("a", "1")) }
#define FROM(version) "GET /api/v1/namespaces/n/pods?watch=1&allowWatchBookmarks=true&resourceVersion=" version "&"

static void test_watches(void **state)
{
	static const struct {
		const char *what;
		struct step steps[7];
		size_t len, stop_after;
		int rc;
		const char *want;
	} cases[] = {
		{ "events", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) EVENT("DELETED", POD("b", "9")), STREAM } }, 2, 4, 0,
		  "ADDED:a LISTED ADDED:b DELETED:b" },
		{ "resumed from the last event", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")), STREAM },
		    { FROM("8"), 200, EVENT("BOOKMARK", POD("", "20")), STREAM }, { FROM("20"), 200, EVENT("MODIFIED", POD("b", "21")), HELD } }, 4, 5, 0,
		  "ADDED:a LISTED ADDED:b BOOKMARK: MODIFIED:b" },
		{ "a cut chunk: what is whole counts", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) "{\"type\":\"ADDED\",\"obj", CUT },
		    { FROM("8"), 200, EVENT("ADDED", POD("c", "9")), STREAM } }, 3, 4, 0, "ADDED:a LISTED ADDED:b ADDED:c" },
		{ "410 to the request", { FIRST_LIST, { FROM("7"), 410, EXPIRED }, { "GET /api/v1/namespaces/n/pods?limit=100 ", 200, LIST("30", "", POD("z", "30")) },
		    { FROM("30"), 200, EVENT("ADDED", POD("c", "31")), STREAM } }, 4, 5, 0, "ADDED:a LISTED ADDED:z LISTED ADDED:c" },
		{ "410 in the stream", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) GONE_EVENT, STREAM },
		    { "GET /api/v1/namespaces/n/pods?limit=100 ", 200, LIST("30", "", POD("z", "30")) } }, 3, 5, 0, "ADDED:a LISTED ADDED:b ADDED:z LISTED" },
		{ "the server restarts", { FIRST_LIST, { FROM("7"), .how = RESET }, { FROM("7"), 503, "starting" }, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")), STREAM } }, 4, 3, 0,
		  "ADDED:a LISTED ADDED:b" },
		{ "and while listing", { FIRST_LIST, { FROM("7"), 410, EXPIRED }, { "GET", .how = RESET }, { "GET", 500, "x" }, { "GET", 200, LIST("30", "", POD("z", "30")) } }, 5, 4, 0,
		  "ADDED:a LISTED ADDED:z LISTED" },
		{ "garbage within", { FIRST_LIST, { FROM("7"), 200, EVENT("ADDED", POD("b", "8")) "<html>\n", STREAM }, { FROM("8"), 200, EVENT("ADDED", POD("c", "9")), STREAM } }, 3, 4, 0,
		  "ADDED:a LISTED ADDED:b ADDED:c" },
		{ "refused", { FIRST_LIST, { FROM("7"), 403, STATUS(403, "Forbidden", "pods is forbidden: no watching") } }, 2, 0, -1, "forbidden: pods: no watching" },
		{ "refused at first", { { "GET", 404, "404 page not found\n" } }, 1, 0, -1, "not found: 404 page" },
		{ "an error that stays", { FIRST_LIST, { FROM("7"), 200, "{\"type\":\"ERROR\",\"object\":" STATUS(403, "Forbidden", "gone away") "}\n", STREAM } }, 2, 0, -1, "forbidden: gone away" },
		{ "nobody there", { { "GET", .how = RESET } }, 1, 0, -1, "127.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct seen seen = { .words = STRBUF_INIT(1000), .stop_after = cases[i].stop_after };
		const struct kube_target t = { .type = &pods, .namespace = "n" };
		struct error err = { .code = ERR_OK };
		int rc = kube_watch(k, &t, NULL, 120 * NS_PER_SEC, see_event, &seen, &err);

		if (rc != cases[i].rc || (rc == 0 ? strcmp(seen.words.buf, cases[i].want) != 0 : !strstr(err.text, cases[i].want)))
			fail_msg("%s: %d '%s' '%s' %s", cases[i].what, rc, err.text, seen.words.buf, script.surprise);
		strbuf_release(&seen.words);
		close_script(k, cases[i].what);
	}
}

/* A half-closed or silent stream: the caller hears of the time, and the deadline holds. */
static void test_silent_watch(void **state)
{
	static const struct step steps[] = {
		{ "GET", 200, LIST("7", "", POD("a", "1")) }, { "GET", 200, EVENT("ADDED", POD("b", "8")), HELD },
	};
	struct kube *k = OPEN(steps);
	struct seen seen = { .words = STRBUF_INIT(1000) };
	struct error err = { .code = ERR_OK };

	(void)state;
	assert_int_equal(kube_watch(k, &(struct kube_target){ .type = &pods, .namespace = "n" }, NULL, 3 * NS_PER_SEC, see_event, &seen, &err), -1);
	assert_int_equal(err.code, ERR_DEADLINE_EXCEEDED);
	assert_string_equal(seen.words.buf, "ADDED:a LISTED ADDED:b");
	assert_true(seen.pulses >= 1);
	strbuf_release(&seen.words);
	close_script(k, "silent watch");
}

static bool cancel_at_stream(void *arg)
{
	(void)arg;
	return steps_done() < 2;
}

static void test_cancelled_watch(void **state)
{
	static const struct step steps[] = {
		{ "GET", 200, LIST("7", "", POD("a", "1")) }, { "GET", 200, EVENT("ADDED", POD("b", "8")), HELD },
	};
	struct kube *k = OPEN(steps);
	struct seen seen = { .words = STRBUF_INIT(1000) };
	struct error err = { .code = ERR_OK };

	(void)state;
	kube_on_wait(k, cancel_at_stream, NULL);
	assert_int_equal(kube_watch(k, &(struct kube_target){ .type = &pods, .namespace = "n" }, NULL, 60 * NS_PER_SEC, see_event, &seen, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_ptr_equal(k->waiting, cancel_at_stream);
	strbuf_release(&seen.words);
	close_script(k, "cancelled watch");
}

/* A thousand pods of 12 KB, listed and then changed each: pages and events come and go. */
struct many {
	unsigned int listed, changed;
};

static bool count_event(void *arg, const char *type, json_t *item)
{
	struct many *m = arg;

	m->listed += type && !strcmp(type, "ADDED");
	m->changed += type && !strcmp(type, "MODIFIED");
	assert_true(!item || json_object_size(json_object_get(item, "metadata")) == 3);
	return m->changed < 1000;
}

static void test_many(void **state)
{
	autofree char *filler = xcalloc(1, 12001);
	autofree char *events = NULL;
	autostrbuf struct strbuf items = STRBUF_INIT(STRBUF_NO_MAX), changes = STRBUF_INIT(STRBUF_NO_MAX);
	struct step steps[11] = { { 0 } };
	struct many many = { 0 };
	struct rusage before, after;
	struct error err = { .code = ERR_OK };
	struct kube *k;

	(void)state;
	for (size_t i = 0; i < 12000; i++)		/* as real ones: many small texts */
		filler[i] = "\"aaaaaaaaa\","[i % 12];
	filler[11999] = '\0';
	for (unsigned int i = 0; i < 100; i++) {
		autofree char *pod = xasprintf("{\"metadata\":{\"name\":\"p%u\",\"resourceVersion\":\"8\",\"f\":[%s]}}", i, filler);

		strbuf_addf(&items, "%s%s", i ? "," : "", pod);
		strbuf_addf(&changes, "{\"type\":\"MODIFIED\",\"object\":%s}\n", pod);
	}
	for (size_t i = 0; i < 10; i++)
		steps[i] = (struct step){ "GET", 200, xasprintf("{\"metadata\":{\"resourceVersion\":\"7\",\"continue\":\"%s\"},\"items\":[%s]}", i < 9 ? "t" : "",
								items.buf) };
	events = xasprintf("%s%s%s%s%s%s%s%s%s%s", changes.buf, changes.buf, changes.buf, changes.buf, changes.buf, changes.buf, changes.buf,
			   changes.buf, changes.buf, changes.buf);
	steps[10] = (struct step){ "GET", 200, events, HELD };
	k = OPEN(steps);
	getrusage(RUSAGE_SELF, &before);
	if (kube_watch(k, &(struct kube_target){ .type = &pods, .namespace = "n" }, NULL, 120 * NS_PER_SEC, count_event, &many, &err) < 0)
		fail_msg("%s", err.text);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(many.listed, 1000);
	assert_int_equal(many.changed, 1000);
#ifndef __SANITIZE_ADDRESS__
	if (after.ru_maxrss - before.ru_maxrss > 40 << 10)
		fail_msg("%ld KiB more", after.ru_maxrss - before.ru_maxrss);
#endif
	close_script(k, "many");
	for (size_t i = 0; i < 10; i++)
		free((char *)steps[i].body);
}

/* ---- logs */

struct log {
	struct strbuf text;
	size_t bytes, stop_at;
};

static bool take_log(void *arg, const char *data, size_t len)
{
	struct log *l = arg;

	l->bytes += len;
	if (!l->text.overflow)
		strbuf_add(&l->text, data, len);
	return !l->stop_at || l->bytes < l->stop_at;
}

static void test_logs(void **state)
{
	static const struct {
		const char *what;
		struct step steps[3];
		size_t len;
		struct kube_logs logs;
		size_t stop_at;
		int rc;
		const char *want;
	} cases[] = {
		{ "all", { { "GET /api/v1/namespaces/n/pods/p/log?container=c&follow=false&previous=true&timestamps=false&tailLines=5 ", 200, "one\ntwo\n" } }, 1,
		  { .container = "c", .previous = true, .tail_lines = 5 }, 0, 0, "one\ntwo\n" },
		{ "a limit, kept by us too", { { "GET", 200, "one\ntwo\n", PLAIN, NULL, "limitBytes=5" } }, 1, { .limit_bytes = 5, .tail_lines = -1 }, 0, 0, "one\nt" },
		{ "it breaks off", { { "GET", 200, "one\n", CUT } }, 1, { .follow = true, .tail_lines = -1 }, 0, -1, "the log of 'p' breaks off after 4 bytes" },
		{ "not yet", { { "GET", 503, "x" }, { "GET", 200, "one\n" } }, 2, { .tail_lines = -1 }, 0, 0, "one\n" },
		{ "on no node yet", { { "GET", 204 } }, 1, { .follow = true, .tail_lines = -1 }, 0, -1, "pod 'p' is on no node yet" },
		{ "no log", { { "GET", 400, STATUS(400, "BadRequest", "container is waiting to start") } }, 1, { .tail_lines = -1 }, 0, -1, "not accepted: container is waiting" },
		{ "a gigabyte, of which we want little", { { "GET", 200, "", FLOOD } }, 1, { .limit_bytes = 100, .tail_lines = -1 }, 0, 0, NULL },
		{ "a gigabyte, until the reader has enough", { { "GET", 200, "", FLOOD } }, 1, { .follow = true, .tail_lines = -1 }, 1000000, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct log log = { .text = STRBUF_INIT(4096), .stop_at = cases[i].stop_at };
		struct kube_logs what = cases[i].logs;
		struct error err = { .code = ERR_OK };
		int rc;

		k->answered = true;
		what.namespace = "n";
		what.pod = "p";
		rc = kube_logs(k, &what, take_log, &log, &err);
		if (rc != cases[i].rc || (cases[i].want && !strstr(rc < 0 ? err.text : log.text.buf, cases[i].want)))
			fail_msg("%s: %d '%s' '%s'", cases[i].what, rc, err.text, log.text.buf);
		assert_true(log.bytes < 2000000);
		if (what.limit_bytes)
			assert_int_equal(log.bytes, what.limit_bytes);
		strbuf_release(&log.text);
		close_script(k, cases[i].what);
	}
}

/* ---- discovery, deletion, eviction */

#define RESOURCES(items) "{\"kind\":\"APIResourceList\",\"resources\":[" items "]}"
#define R(name, kind, more) "{\"name\":\"" name "\",\"singularName\":\"\",\"namespaced\":true,\"kind\":\"" kind "\",\"verbs\":[\"get\",\"list\"]" more "}"

static void test_discovery(void **state)
{
	static const struct step steps[] = {
		{ "GET /api/v1 ", 200, RESOURCES(R("pods", "Pod", ",\"shortNames\":[\"po\"]") "," R("pods/log", "Pod", "") "," R("events", "Event", "")) },
		{ "GET /apis ", 200, "{\"groups\":[{\"name\":\"batch\",\"preferredVersion\":{\"groupVersion\":\"batch/v1\"},\"versions\":[{\"groupVersion\":\"batch/v1\"},"
		  "{\"groupVersion\":\"batch/v1beta1\"}]},{\"name\":\"metrics.k8s.io\",\"preferredVersion\":{\"groupVersion\":\"metrics.k8s.io/v1\"},"
		  "\"versions\":[{\"groupVersion\":\"metrics.k8s.io/v1\"}]},{\"name\":\"events.k8s.io\",\"preferredVersion\":{\"groupVersion\":\"events.k8s.io/v1\"}}]}" },
		{ "GET /apis/batch/v1 ", 200, RESOURCES(R("jobs", "Job", "")) },
		{ "GET /apis/batch/v1beta1 ", 200, RESOURCES(R("jobs", "Job", "") "," R("cronjobs", "CronJob", "")) },
		{ "GET /apis/metrics.k8s.io/v1 ", 404, "gone" },	/* a dead aggregated API */
		{ "GET /apis/events.k8s.io/v1 ", 200, RESOURCES(R("events", "Event", "")) },
		{ "GET /apis/none/v1 ", 404, "404 page not found" },
	};
	struct kube *k = OPEN(steps);
	struct error err = { .code = ERR_OK };
	const struct kube_type *all, *t;
	size_t n;

	(void)state;
	assert_int_equal(kube_types(k, &all, &n, &err), 0);
	assert_int_equal(n, 5);
	t = kube_type_named(k, "PO", &err);
	assert_string_equal(t->plural, "pods");
	assert_string_equal(t->singular, "pod");
	assert_string_equal(t->subresources[0], "log");
	assert_int_equal(t->verbs, KUBE_GET | KUBE_LIST);
	assert_string_equal(kube_type_named(k, "events", &err)->api_version, "v1");
	assert_string_equal(kube_type_named(k, "event.events.k8s.io", &err)->api_version, "events.k8s.io/v1");
	assert_string_equal(kube_type_named(k, "cronjob", &err)->api_version, "batch/v1beta1");
	assert_string_equal(kube_type_named(k, "jobs.batch", &err)->api_version, "batch/v1");
	assert_string_equal(kube_type_of(k, "batch/v1beta1", "Job", &err)->api_version, "batch/v1beta1");
	assert_null(kube_type_named(k, "", &err));
	assert_null(kube_type_named(k, "jbos", &err));
	assert_non_null(strstr(err.text, "was 'jobs' meant"));
	assert_null(kube_type_of(k, "none/v1", "X", &err));
	assert_string_equal(err.text, "the cluster has no API 'none/v1'");
	close_script(k, "discovery");
}

static void test_verbs(void **state)
{
	static const struct step steps[] = {
		{ "DELETE /api/v1/namespaces/n/pods/p?dryRun=All ", 200, "{}", PLAIN, NULL, "\"propagationPolicy\":\"Background\"" },
		{ "DELETE /api/v1/namespaces/n/pods/p ", 404, STATUS(404, "NotFound", "pods \\\"p\\\" not found"), PLAIN, NULL,
		  "\"gracePeriodSeconds\":0,\"preconditions\":{\"uid\":\"u\"}" },
		{ "PATCH /api/v1/namespaces/n/pods/a%2Fb/status?fieldManager=sandbox_runner&force=true ", 200, "{}", PLAIN, NULL, "application/apply-patch+yaml" },
		{ "GET /apis/policy/v1 ", 404, "no" },
		{ "POST /api/v1/namespaces/n/pods/p/eviction?", 201, "{}", PLAIN, NULL, "\"apiVersion\":\"policy/v1beta1\"" },
	};
	struct kube *k = OPEN(steps);
	struct kube_target t = { .type = &pods, .namespace = "n", .name = "p", .dry_run = true };
	json_auto_t *patch = json_object();
	struct error err = { .code = ERR_OK };

	(void)state;
	assert_int_equal(kube_delete(k, &t, NULL, &err), 0);
	t.dry_run = false;
	assert_int_equal(kube_delete(k, &t, &(struct kube_delete){ .uid = "u" }, &err), 0);
	assert_true(kube_is(k, "NotFound"));
	t.name = "a/b";
	t.subresource = "status";
	assert_int_equal(kube_patch(k, &t, KUBE_PATCH_APPLY, patch, NULL, &err), 0);
	assert_int_equal(kube_evict(k, "n", "p", 0, &err), 0);
	t.name = "..";
	assert_int_equal(kube_get(k, &t, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	t = (struct kube_target){ .type = &pods, .name = "p" };
	assert_int_equal(kube_get(k, &t, NULL, &err), -1);
	assert_string_equal(err.text, "Pod 'p' needs a namespace");
	close_script(k, "verbs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retries),	cmocka_unit_test(test_headers),	     cmocka_unit_test(test_cancel), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_watches), cmocka_unit_test(test_silent_watch), cmocka_unit_test(test_logs),   cmocka_unit_test(test_discovery),
		cmocka_unit_test(test_verbs),	cmocka_unit_test(test_cancelled_watch), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
