/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/http.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "runner/base/clock.h"
#include "runner/base/library.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define MAX_REDIRECTS 5
#define CONNECT_NS (15 * NS_PER_SEC)

#define FUNCTIONS(X) X(global_init) X(easy_init) X(easy_cleanup) X(easy_setopt) X(easy_perform) X(easy_getinfo) X(easy_strerror) \
	X(easy_reset) X(slist_append) X(slist_free_all)
#define POINTER(f) __typeof__(curl_##f) *f;
static struct { FUNCTIONS(POINTER) } lib;	/* filled in once, constant from then on */
#undef POINTER

static int load(struct error *err)
{
#define SYMBOL(f) { "curl_" #f, &lib.f },
	static const struct library_symbol symbols[] = { FUNCTIONS(SYMBOL) };
#undef SYMBOL
	static bool loaded;

	if (loaded)
		return 0;
	/* the other flavour, which git and apt bring along, will do as well */
	if (library_load("libcurl.so.4", "libcurl4", symbols, ARRAY_SIZE(symbols), err) < 0 &&
	    library_load("libcurl-gnutls.so.4", "libcurl3-gnutls", symbols, ARRAY_SIZE(symbols), NULL) < 0)
		return -1;
	if (lib.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		return error_set(err, ERR_INTERNAL, "libcurl cannot be initialised");
	loaded = true;
	return 0;
}

static bool is_secure(const char *url)
{
	return !strncasecmp(url, "https://", 8);
}

static bool is_http(const char *url)
{
	return is_secure(url) || !strncasecmp(url, "http://", 7);
}

/* Where user:password@ ends in the authority, or NULL. */
static const char *credentials_end(const char *url)
{
	const char *start = strstr(url, "://") + 3;
	const char *end = start + strcspn(start, "/?#");

	return memrchr(start, '@', (size_t)(end - start));
}

void http_url_display(struct strbuf *out, const char *url)
{
	const char *at = is_http(url) ? credentials_end(url) : NULL;
	size_t scheme = at ? (size_t)(strstr(url, "://") + 3 - url) : 0, end = strcspn(url, "?#");

	utf8_escape(out, url, scheme);
	if (at)
		strbuf_addstr(out, "***@");
	at = at ? at + 1 : url;
	utf8_escape(out, at, url + end > at ? (size_t)(url + end - at) : 0);
	if (url[end] == '?')
		strbuf_addstr(out, "?***");
}

struct transfer {
	void *handle;
	uint64_t deadline_ns;
	struct strbuf *body;
	size_t before;			/* length of `body` when we came */
	char message[CURL_ERROR_SIZE];
};

static size_t take_data(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	strbuf_add(t->body, data, size * n);
	return t->body->overflow ? 0 : size * n;
}

static void drop_body(struct transfer *t)
{
	t->body->len = t->before;
	if (t->body->alloc)
		t->body->buf[t->before] = '\0';
}

static int check_credentials(const char *url, enum error_code code, struct error *err)
{
	return credentials_end(url) ? error_set(err, code, "a URL must not hold a user name or password") : 0;
}

int http_check_redirect(const char *from, const char *to, struct error *err)
{
	if (!is_http(to))
		return error_set(err, ERR_REMOTE, "only http:// and https:// are followed");
	if (is_secure(from) && !is_secure(to))
		return error_set(err, ERR_REMOTE, "it redirects from https to http");
	return check_credentials(to, ERR_REMOTE, err);
}

static CURLcode prepare(struct transfer *t, const char *url)
{
	const uint64_t now = clock_monotonic_ns(), left = t->deadline_ns > now ? t->deadline_ns - now : 0;
	const uint64_t connect = left < CONNECT_NS ? left : CONNECT_NS;
	const struct { CURLoption option; long value; } numbers[] = {
		{ CURLOPT_FOLLOWLOCATION, 0 },		/* every hop is judged here */
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_TIMEOUT_MS, (long)(left / NS_PER_MS) + 1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / NS_PER_MS) + 1 },
	};
	const struct { CURLoption option; const void *value; } pointers[] = {
		{ CURLOPT_URL, url },
		{ CURLOPT_USERAGENT, "sandbox_runner/" SANDBOX_RUNNER_VERSION },
#if LIBCURL_VERSION_NUM >= 0x075500
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
#endif
		{ CURLOPT_ERRORBUFFER, t->message },
		{ CURLOPT_WRITEDATA, t },
	};
	CURLcode rc = lib.easy_setopt(t->handle, CURLOPT_WRITEFUNCTION, take_data);

#if LIBCURL_VERSION_NUM < 0x075500
	if (rc == CURLE_OK)
		rc = lib.easy_setopt(t->handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(numbers); i++)
		rc = lib.easy_setopt(t->handle, numbers[i].option, numbers[i].value);
	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(pointers); i++)
		rc = lib.easy_setopt(t->handle, pointers[i].option, pointers[i].value);
	return rc == CURLE_OK ? lib.easy_setopt(t->handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)(t->body->max - t->before)) : rc;
}

static int transfer_error(const struct transfer *t, CURLcode rc, struct error *err)
{
	const char *why = t->message[0] ? t->message : lib.easy_strerror(rc);
	autostrbuf struct strbuf shown = STRBUF_INIT(400);

	if (t->body->overflow || rc == CURLE_FILESIZE_EXCEEDED)
		return error_set(err, ERR_INVALID_INPUT, "it is larger than the limit of %zu bytes", t->body->max - t->before);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, ERR_REMOTE, "no complete answer in time");
	utf8_escape(&shown, why, strlen(why));
	return error_set(err, ERR_REMOTE, "%s", shown.buf);
}

/* One request. *next is set (owned) when it wants to be followed. */
static int request(struct transfer *t, const char *url, char **next, struct error *err)
{
	const char *redirect = NULL;
	long status = 0;
	CURLcode rc;

	drop_body(t);
	t->message[0] = '\0';
	rc = prepare(t, url);
	if (rc == CURLE_OK)
		rc = lib.easy_perform(t->handle);
	if (rc != CURLE_OK)
		return transfer_error(t, rc, err);
	lib.easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
	lib.easy_getinfo(t->handle, CURLINFO_REDIRECT_URL, &redirect);
	if (redirect && status >= 300 && status < 400) {
		if (http_check_redirect(url, redirect, err) < 0)
			return error_prefix(err, "the server answered %ld", status);
		*next = xstrdup(redirect);
		return 0;
	}
	return status == 200 ? 0 : error_set(err, ERR_REMOTE, "the server answered %ld", status);
}

static int get(struct transfer *t, const char *url, struct error *err)
{
	autofree char *current = xstrdup(url);

	for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
		char *next = NULL;

		if (request(t, current, &next, err) < 0)
			return -1;
		if (!next)
			return 0;
		free(current);
		current = next;
	}
	return error_set(err, ERR_REMOTE, "more than %d redirects", MAX_REDIRECTS);
}

int http_get(const char *url, uint64_t timeout_ns, struct strbuf *body, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(200);
	struct transfer t = { .deadline_ns = clock_deadline(timeout_ns), .body = body, .before = body->len };
	int rc;

	http_url_display(&shown, url);
	if (!is_http(url))
		return error_set(err, ERR_USAGE, "'%s' is no http:// or https:// URL", shown.buf);
	if (check_credentials(url, ERR_USAGE, err) < 0 || load(err) < 0)
		return error_prefix(err, "'%s'", shown.buf);
	t.handle = lib.easy_init();
	rc = t.handle ? get(&t, url, err) : error_set(err, ERR_INTERNAL, "libcurl has no memory");
	lib.easy_cleanup(t.handle);
	if (rc < 0) {
		drop_body(&t);
		return error_prefix(err, "cannot get '%s'", shown.buf);
	}
	return 0;
}

/* ---- unix sockets */

#define HEAD_MAX (64u << 10)	/* of an answer that may become a stream; also its body when it does not */

struct http_session {
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	void *handle;
};

struct http_session *http_session_open(const char *socket_path, struct error *err)
{
	struct http_session *s;

	if (strlen(socket_path) >= sizeof(s->socket)) {
		error_set(err, ERR_UNAVAILABLE, "the path of a socket has at most %zu characters: '%s'", sizeof(s->socket) - 1, socket_path);
		return NULL;
	}
	if (load(err) < 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	memcpy(s->socket, socket_path, strlen(socket_path));
	return s;
}

void http_session_close(struct http_session *s)
{
	if (s && s->handle)
		lib.easy_cleanup(s->handle);
	free(s);
}

void http_escape(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (isascii((unsigned char)*text) && (isalnum((unsigned char)*text) || strchr("-._~", *text)))
			strbuf_addch(out, *text);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)*text);
	}
}

struct exchange {
	const struct http_call *call;
	struct http_answer *answer;
	struct strbuf *body;
	size_t before;
	bool stopped;
	char message[CURL_ERROR_SIZE];
};

static size_t take_piece(char *data, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;

	if (x->call->data) {
		x->stopped |= !x->call->data(x->call->arg, data, size * n);
		return x->stopped ? 0 : size * n;
	}
	strbuf_add(x->body, data, size * n);
	return x->body->overflow ? 0 : size * n;
}

static int take_pulse(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct exchange *x = arg;

	(void)a, (void)b, (void)c, (void)d;
	x->stopped |= x->call->data && !x->call->data(x->call->arg, NULL, 0);
	return x->stopped;
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	const size_t len = strlen(x->call->want_header);

	n *= size;
	if (n > len && !strncasecmp(line, x->call->want_header, len) && line[len] == ':') {
		const char *value = line + len + 1, *end = line + n;

		while (value < end && isspace((unsigned char)*value))
			value++;
		while (end > value && isspace((unsigned char)end[-1]))
			end--;
		snprintf(x->answer->header, sizeof(x->answer->header), "%.*s", (int)(end - value), value);
	}
	return n;
}

static CURLcode set_address(void *handle, const struct http_session *s, const char *url, char *message)
{
	const struct { CURLoption option; const void *value; } pointers[] = {
		{ CURLOPT_URL, url }, { CURLOPT_UNIX_SOCKET_PATH, s->socket }, { CURLOPT_ERRORBUFFER, message },
		{ CURLOPT_PROXY, "" }, { CURLOPT_USERAGENT, "sandbox_runner/" SANDBOX_RUNNER_VERSION },
	};
	CURLcode rc = lib.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);

	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(pointers); i++)
		rc = lib.easy_setopt(handle, pointers[i].option, pointers[i].value);
	return rc;
}

static long timeout_ms(uint64_t timeout_ns)
{
	return timeout_ns == CLOCK_NEVER ? 0 : (long)(timeout_ns / NS_PER_MS) + 1;
}

static CURLcode set_call(void *handle, struct exchange *x, struct curl_slist *headers)
{
	const struct http_call *call = x->call;
	CURLcode rc = lib.easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	const struct { CURLoption option; const void *value; } pointers[] = {
		{ CURLOPT_CUSTOMREQUEST, call->method }, { CURLOPT_WRITEDATA, x }, { CURLOPT_XFERINFODATA, x },
	};

	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(pointers); i++)
		rc = lib.easy_setopt(handle, pointers[i].option, pointers[i].value);
	if (rc == CURLE_OK)
		rc = lib.easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms(call->timeout_ns));
	if (rc == CURLE_OK)
		rc = lib.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_piece);
	if (rc == CURLE_OK)
		rc = lib.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, take_pulse);
	if (rc == CURLE_OK)
		rc = lib.easy_setopt(handle, CURLOPT_NOPROGRESS, call->data ? 0L : 1L);
	/* only together: without a function for them, headers with a destination go where the body goes */
	if (rc == CURLE_OK && call->want_header)
		rc = lib.easy_setopt(handle, CURLOPT_HEADERDATA, x);
	if (rc == CURLE_OK && call->want_header)
		rc = lib.easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
	if (rc == CURLE_OK && call->body)
		rc = lib.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
	return rc == CURLE_OK && call->body ? lib.easy_setopt(handle, CURLOPT_POSTFIELDS, call->body) : rc;
}

/* Why there was no answer. */
static int session_error(const struct http_session *s, void *handle, CURLcode rc, const char *message, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(400);
	long number = 0;

	if (rc == CURLE_COULDNT_CONNECT) {
		lib.easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
		errno = number ? (int)number : ECONNREFUSED;
		return error_sys(err, ERR_UNAVAILABLE, "cannot connect to '%s'", s->socket);
	}
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, ERR_REMOTE, "no complete answer from '%s' in time", s->socket);
	if (!*message)
		message = lib.easy_strerror(rc);
	utf8_escape(&shown, message, strlen(message));
	return error_set(err, ERR_REMOTE, "'%s': %s", s->socket, shown.buf);
}

static int exchange_error(const struct http_session *s, const struct exchange *x, CURLcode rc, struct error *err)
{
	if (x->stopped)
		return error_set(err, ERR_CANCELLED, "stopped while waiting for '%s'", s->socket);
	if (x->body && x->body->overflow)
		return error_set(err, ERR_REMOTE, "'%s': the answer is longer than %zu bytes", s->socket, x->body->max - x->before);
	return session_error(s, s->handle, rc, x->message, err);
}

int http_call(struct http_session *s, const struct http_call *call, struct http_answer *ret, struct strbuf *body, struct error *err)
{
	struct exchange x = { .call = call, .answer = ret, .body = body, .before = body ? body->len : 0 };
	autofree char *url = xasprintf("http://engine%s", call->target);
	autofree char *type = xasprintf("Content-Type: %s", call->content_type ? call->content_type : "application/json");
	struct curl_slist *headers = lib.slist_append(NULL, "Expect:");
	CURLcode rc;
	long status = 0;

	*ret = (struct http_answer){ 0 };
	if (s->handle)
		lib.easy_reset(s->handle);	/* keeps the connection */
	else
		s->handle = lib.easy_init();
	if (headers && call->body)
		lib.slist_append(headers, type);
	rc = s->handle && headers ? set_address(s->handle, s, url, x.message) : CURLE_OUT_OF_MEMORY;
	if (rc == CURLE_OK)
		rc = set_call(s->handle, &x, headers);
	if (rc == CURLE_OK)
		rc = lib.easy_perform(s->handle);
	lib.slist_free_all(headers);
	if (rc != CURLE_OK) {
		exchange_error(s, &x, rc, err);
		if (body) {
			body->len = x.before;
			body->overflow = false;
			if (body->alloc)
				body->buf[x.before] = '\0';
		}
		return -1;
	}
	lib.easy_getinfo(s->handle, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	return 0;
}

/* libcurl connects, then it is ours. */
static int connect_stream(struct http_session *s, uint64_t timeout_ns, struct error *err)
{
	char message[CURL_ERROR_SIZE] = "";
	void *handle = lib.easy_init();
	curl_socket_t socket = CURL_SOCKET_BAD;
	CURLcode rc = handle ? set_address(handle, s, "http://engine/", message) : CURLE_OUT_OF_MEMORY;
	int fd = -1;

	if (rc == CURLE_OK)
		rc = lib.easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
	if (rc == CURLE_OK)
		rc = lib.easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms(timeout_ns));
	if (rc == CURLE_OK)
		rc = lib.easy_perform(handle);
	if (rc == CURLE_OK)
		rc = lib.easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &socket);
	if (rc != CURLE_OK || socket == CURL_SOCKET_BAD)
		session_error(s, handle, rc, message, err);
	else if ((fd = fcntl(socket, F_DUPFD_CLOEXEC, 3)) < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
		error_sys(err, ERR_INTERNAL, "cannot keep a connection");
	lib.easy_cleanup(handle);
	return fd;
}

/* Wait for data, look at it without taking it. 0: the end; -1: not in time, or broken. */
static ssize_t peek(int fd, uint64_t deadline_ns, char *data, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	do {
		r = poll(&p, 1, clock_poll_timeout(deadline_ns));
	} while (r < 0 && errno == EINTR);
	return r > 0 ? recv(fd, data, size, MSG_PEEK) : -1;
}

/* Read up to and including `end` (at most four bytes), or `len` bytes when it is NULL, and nothing of what follows. */
static bool read_exactly(int fd, uint64_t deadline_ns, const char *end, size_t len, struct strbuf *out)
{
	const size_t start = out->len;
	char data[4096];

	while (!out->overflow && (end || out->len - start < len)) {
		const size_t before = out->len, left = end ? sizeof(data) : len - (before - start);
		const size_t overlap = end && before - start > 3 ? 3 : before - start;	/* a part of `end` may have come before */
		ssize_t n = peek(fd, deadline_ns, data, left < sizeof(data) ? left : sizeof(data));
		const char *found;

		if (n <= 0)
			return false;
		strbuf_add(out, data, (size_t)n);
		found = end ? strstr(out->buf + before - overlap, end) : NULL;
		if (found) {
			n = found + strlen(end) - (out->buf + before);
			out->len = before + (size_t)n;
			out->buf[out->len] = '\0';
		}
		if (recv(fd, data, (size_t)n, 0) != n)
			return false;
		if (found)
			return true;
	}
	return !out->overflow;
}

int http_upgrade(struct http_session *s, const char *target, uint64_t timeout_ns, struct http_answer *ret, int *fd,
		 struct strbuf *body, struct error *err)
{
	const uint64_t deadline = clock_deadline(timeout_ns);
	autofree char *request = xasprintf("POST %s HTTP/1.1\r\nHost: engine\r\nUser-Agent: sandbox_runner/" SANDBOX_RUNNER_VERSION
					   "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n", target);
	autostrbuf struct strbuf head = STRBUF_INIT(HEAD_MAX);
	autoclose int stream = connect_stream(s, timeout_ns, err);
	const char *length;

	*fd = -1;
	*ret = (struct http_answer){ 0 };
	if (stream < 0)
		return -1;
	if (send(stream, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request) ||
	    !read_exactly(stream, deadline, "\r\n\r\n", 0, &head))
		return error_set(err, ERR_REMOTE, "no answer from '%s' to '%s'", s->socket, target);
	if (sscanf(head.buf, "HTTP/1.%*1[01] %3d", &ret->status) != 1)
		return error_set(err, ERR_REMOTE, "what answers at '%s' does not speak HTTP", s->socket);
	if (ret->status == 101 || ret->status == 200) {
		*fd = steal_fd(&stream);
		return 0;
	}
	length = strcasestr(head.buf, "\r\nContent-Length:");
	if (length)
		read_exactly(stream, deadline, NULL, strtoul(length + 17, NULL, 10), body);
	return 0;
}
