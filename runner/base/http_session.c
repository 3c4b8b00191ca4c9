/* SPDX-License-Identifier: Apache-2.0
 * One server, on a socket of this host or by its URL, and a connection to it that is kept from call to call. */
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
#include "runner/base/http_private.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define HEAD_MAX (64u << 10)	/* of an answer that may become a stream; also its body when it does not */

struct http_session {
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)];	/* "": a peer */
	char *base;		/* what targets are appended to */
	char *display;		/* who it is, for messages */
	void *handle;
	/* of a peer only; NULL: not given */
	char *ca_pem, *cert_pem, *key_pem;
	char *proxy_url;
	char *connect_to;	/* the name in `base` is the one its certificate is for; this says where it is */
	char *host_header;	/* "Host: …" as it would be without that */
	bool insecure;
};

struct http_session *http_session_open(const char *socket_path, struct error *err)
{
	struct http_session *s;

	if (strlen(socket_path) >= sizeof(s->socket)) {
		error_set(err, ERR_UNAVAILABLE, "the path of a socket has at most %zu characters: '%s'", sizeof(s->socket) - 1, socket_path);
		return NULL;
	}
	if (http_load(err) < 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	memcpy(s->socket, socket_path, strlen(socket_path));
	s->base = xstrdup("http://engine");
	s->display = xstrdup(socket_path);
	return s;
}

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void http_session_close(struct http_session *s)
{
	if (!s)
		return;
	if (s->handle)
		http_library.easy_cleanup(s->handle);
	wipe(s->key_pem);
	wipe(s->proxy_url);
	free(s->cert_pem);
	free(s->ca_pem);
	free(s->connect_to);
	free(s->host_header);
	free(s->base);
	free(s->display);
	free(s);
}

/* The URL gets the name that the certificate must be for, and libcurl is told where that is. */
static void rename_server(struct http_session *s, const char *name)
{
	const char *start = strstr(s->base, "://") + 3;
	const size_t len = strcspn(start, "/?#");
	const char *port = memrchr(start, ':', len);
	autofree char *old = s->base;

	if (port && memchr(port, ']', len - (size_t)(port - start)))
		port = NULL;		/* a colon of an IPv6 address */
	s->connect_to = xasprintf("::%.*s%s", (int)len, start, port ? "" : ":443");
	s->host_header = xasprintf("Host: %.*s", (int)len, start);
	s->base = xasprintf("%.*s%s%s%s", (int)(start - old), old, name, port ? port : "", port ? "" : start + len);
}

static CURLcode set_blob(void *handle, CURLoption option, char *pem)
{
	struct curl_blob blob = { .data = pem, .len = pem ? strlen(pem) : 0, .flags = CURL_BLOB_NOCOPY };

	return pem ? http_library.easy_setopt(handle, option, &blob) : CURLE_OK;
}

/* Only its authorities: neither the system's files nor its folder. */
static CURLcode set_trust(void *handle, const struct http_session *s)
{
	const struct { CURLoption option; long value; } numbers[] = {
		{ CURLOPT_SSL_VERIFYPEER, !s->insecure }, { CURLOPT_SSL_VERIFYHOST, s->insecure ? 0 : 2 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },	/* a stream that breaks is seen to break, and nothing else with it */
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED }, { CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_TCP_KEEPALIVE, 1 }, { CURLOPT_TCP_KEEPIDLE, 20 }, { CURLOPT_TCP_KEEPINTVL, 10 },
	};
	CURLcode rc = CURLE_OK;

	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(numbers); i++)
		rc = http_library.easy_setopt(handle, numbers[i].option, numbers[i].value);
	if (rc == CURLE_OK && s->ca_pem) {
		rc = http_library.easy_setopt(handle, CURLOPT_CAINFO, NULL);
		if (rc == CURLE_OK)
			rc = http_library.easy_setopt(handle, CURLOPT_CAPATH, NULL);
	}
	if (rc == CURLE_OK)
		rc = set_blob(handle, CURLOPT_CAINFO_BLOB, s->ca_pem);
	if (rc == CURLE_OK)
		rc = set_blob(handle, CURLOPT_SSLCERT_BLOB, s->cert_pem);
	return rc == CURLE_OK ? set_blob(handle, CURLOPT_SSLKEY_BLOB, s->key_pem) : rc;
}

/* Can this libcurl do it? The flavour with GnuTLS takes certificates from files only, and says so for authorities alone. */
static int check_blobs(const struct http_session *s, struct error *err)
{
	static char probe[] = "-----BEGIN CERTIFICATE-----";
	void *handle = http_library.easy_init();
	CURLcode rc = handle ? set_blob(handle, CURLOPT_CAINFO_BLOB, s->ca_pem || s->cert_pem ? probe : NULL) : CURLE_OUT_OF_MEMORY;

	if (rc == CURLE_OK)
		rc = set_trust(handle, s);
	http_library.easy_cleanup(handle);
	if (rc == CURLE_NOT_BUILT_IN || rc == CURLE_UNKNOWN_OPTION)
		return error_set(err, ERR_UNAVAILABLE, "this libcurl cannot take certificates from memory: install libcurl 7.77 or later "
				 "with OpenSSL (Debian package libcurl4)");
	return rc == CURLE_OK ? 0 : error_set(err, ERR_UNAVAILABLE, "libcurl: %s", http_library.easy_strerror(rc));
}

struct http_session *http_session_open_peer(const struct http_peer *peer, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(1000);
	struct http_session *s;

	http_url_display(&shown, peer->url);
	if ((strncasecmp(peer->url, "https://", 8) && strncasecmp(peer->url, "http://", 7)) || strpbrk(peer->url, "?#@ ")) {
		error_set(err, ERR_INVALID_INPUT, "'%s' is no URL of a server: https://HOST:PORT[/PATH]", shown.buf);
		return NULL;
	}
	if (http_load(err) < 0)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->base = xstrdup(peer->url);
	for (size_t len = strlen(s->base); s->base[len - 1] == '/'; len--)
		s->base[len - 1] = '\0';
	s->display = strbuf_detach(&shown);
	s->ca_pem = xstrdup_or_null(peer->ca_pem);
	s->cert_pem = xstrdup_or_null(peer->cert_pem);
	s->key_pem = xstrdup_or_null(peer->key_pem);
	s->proxy_url = xstrdup_or_null(peer->proxy_url);
	s->insecure = peer->insecure;
	if (peer->server_name && *peer->server_name)
		rename_server(s, peer->server_name);
	if (check_blobs(s, err) < 0) {
		http_session_close(s);
		return NULL;
	}
	return s;
}

struct exchange {
	void *handle;
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
	long status = 0;

	http_library.easy_getinfo(x->handle, CURLINFO_RESPONSE_CODE, &status);
	x->answer->status = (int)status;
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
		{ CURLOPT_URL, url }, { CURLOPT_ERRORBUFFER, message }, { CURLOPT_USERAGENT, HTTP_USER_AGENT },
		{ CURLOPT_PROXY, s->proxy_url ? s->proxy_url : "" }, { CURLOPT_NOPROXY, "" },
		{ CURLOPT_UNIX_SOCKET_PATH, *s->socket ? s->socket : NULL },
	};
	CURLcode rc = http_library.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);

	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(pointers); i++)
		rc = http_library.easy_setopt(handle, pointers[i].option, pointers[i].value);
	return rc == CURLE_OK && !*s->socket ? set_trust(handle, s) : rc;
}

static long timeout_ms(uint64_t timeout_ns)
{
	return timeout_ns == CLOCK_NEVER ? 0 : (long)(timeout_ns / NS_PER_MS) + 1;
}

/* What goes along with one call: freed when it is over. */
struct call_lists {
	struct curl_slist *headers, *connect_to;
};

static bool append(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = http_library.slist_append(*list, text);

	if (longer)
		*list = longer;
	return longer;
}

static bool fill_lists(struct call_lists *l, const struct http_session *s, const struct http_call *call)
{
	autofree char *type = xasprintf("Content-Type: %s", call->content_type ? call->content_type : "application/json");
	bool ok = append(&l->headers, "Expect:");

	ok = ok && (!call->body || append(&l->headers, type));
	ok = ok && (!s->host_header || append(&l->headers, s->host_header));
	ok = ok && (!s->connect_to || append(&l->connect_to, s->connect_to));
	for (const char *const *h = call->headers; ok && h && *h; h++)
		ok = append(&l->headers, *h);
	return ok;
}

static void release_lists(struct call_lists *l)
{
	for (struct curl_slist *h = l->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));	/* there may be a token in it */
	http_library.slist_free_all(l->headers);
	http_library.slist_free_all(l->connect_to);
}

static CURLcode set_call(void *handle, struct exchange *x, const struct call_lists *lists)
{
	const struct http_call *call = x->call;
	CURLcode rc = http_library.easy_setopt(handle, CURLOPT_HTTPHEADER, lists->headers);
	const struct { CURLoption option; const void *value; } pointers[] = {
		{ CURLOPT_CUSTOMREQUEST, call->method }, { CURLOPT_WRITEDATA, x }, { CURLOPT_XFERINFODATA, x },
	};

	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(pointers); i++)
		rc = http_library.easy_setopt(handle, pointers[i].option, pointers[i].value);
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms(call->timeout_ns));
	if (rc == CURLE_OK && lists->connect_to)
		rc = http_library.easy_setopt(handle, CURLOPT_CONNECT_TO, lists->connect_to);
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_piece);
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, take_pulse);
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(handle, CURLOPT_NOPROGRESS, call->data ? 0L : 1L);
	/* only together: without a function for them, headers with a destination go where the body goes */
	if (rc == CURLE_OK && call->want_header)
		rc = http_library.easy_setopt(handle, CURLOPT_HEADERDATA, x);
	if (rc == CURLE_OK && call->want_header)
		rc = http_library.easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
	if (rc == CURLE_OK && call->body)
		rc = http_library.easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
	return rc == CURLE_OK && call->body ? http_library.easy_setopt(handle, CURLOPT_POSTFIELDS, call->body) : rc;
}

/* libcurl's words, or ours where they help more. */
static const struct { CURLcode rc; const char *text; bool broken; } troubles[] = {
	{ CURLE_PEER_FAILED_VERIFICATION, "its certificate is not to be trusted: ", false },
	{ CURLE_SSL_CACERT_BADFILE, "the certificates of its authority cannot be used: ", false },
	{ CURLE_SSL_CERTPROBLEM, "our certificate or key cannot be used: ", false },
	{ CURLE_COULDNT_CONNECT, "", true }, { CURLE_SEND_ERROR, "", true }, { CURLE_RECV_ERROR, "", true },
	{ CURLE_GOT_NOTHING, "", true }, { CURLE_PARTIAL_FILE, "", true }, { CURLE_SSL_CONNECT_ERROR, "", true },
};

static const char *trouble(CURLcode rc, bool *broken)
{
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (troubles[i].rc == rc) {
			*broken = troubles[i].broken;
			return troubles[i].text;
		}
	}
	*broken = false;
	return "";
}

/* Why there was no answer. */
static int session_error(const struct http_session *s, void *handle, CURLcode rc, const char *message, struct http_answer *ret,
			 struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(400);
	const char *text = trouble(rc, &ret->broken);
	long number = 0;

	if (rc == CURLE_COULDNT_CONNECT) {
		http_library.easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
		errno = number ? (int)number : ECONNREFUSED;
		return error_sys(err, ERR_UNAVAILABLE, "cannot connect to '%s'", s->display);
	}
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, ERR_REMOTE, "no complete answer from '%s' in time", s->display);
	if (!*message)
		message = http_library.easy_strerror(rc);
	utf8_escape(&shown, message, strlen(message));
	return error_set(err, ERR_REMOTE, "'%s': %s%s", s->display, text, shown.buf);
}

static int exchange_error(const struct http_session *s, const struct exchange *x, CURLcode rc, struct error *err)
{
	if (x->stopped)
		return error_set(err, ERR_CANCELLED, "stopped while waiting for '%s'", s->display);
	if (x->body && x->body->overflow)
		return error_set(err, ERR_REMOTE, "'%s': the answer is longer than %zu bytes", s->display, x->body->max - x->before);
	return session_error(s, s->handle, rc, x->message, x->answer, err);
}

int http_call(struct http_session *s, const struct http_call *call, struct http_answer *ret, struct strbuf *body, struct error *err)
{
	struct exchange x = { .call = call, .answer = ret, .body = body, .before = body ? body->len : 0 };
	autofree char *url = xasprintf("%s%s", s->base, call->target);
	struct call_lists lists = { .headers = NULL };
	CURLcode rc;
	long status = 0;

	*ret = (struct http_answer){ 0 };
	if (s->handle)
		http_library.easy_reset(s->handle);	/* keeps the connection */
	else
		s->handle = http_library.easy_init();
	x.handle = s->handle;
	rc = s->handle && fill_lists(&lists, s, call) ? set_address(s->handle, s, url, x.message) : CURLE_OUT_OF_MEMORY;
	if (rc == CURLE_OK)
		rc = set_call(s->handle, &x, &lists);
	if (rc == CURLE_OK)
		rc = http_library.easy_perform(s->handle);
	release_lists(&lists);
	if (rc != CURLE_OK) {
		ret->status = 0;
		exchange_error(s, &x, rc, err);
		if (body) {
			body->len = x.before;
			body->overflow = false;
			if (body->alloc)
				body->buf[x.before] = '\0';
		}
		return -1;
	}
	http_library.easy_getinfo(s->handle, CURLINFO_RESPONSE_CODE, &status);
	ret->status = (int)status;
	return 0;
}

/* libcurl connects, then it is ours. */
static int connect_stream(struct http_session *s, uint64_t timeout_ns, struct http_answer *ret, struct error *err)
{
	char message[CURL_ERROR_SIZE] = "";
	void *handle = http_library.easy_init();
	curl_socket_t socket = CURL_SOCKET_BAD;
	CURLcode rc = handle ? set_address(handle, s, s->base, message) : CURLE_OUT_OF_MEMORY;
	int fd = -1;

	*ret = (struct http_answer){ 0 };
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms(timeout_ns));
	if (rc == CURLE_OK)
		rc = http_library.easy_perform(handle);
	if (rc == CURLE_OK)
		rc = http_library.easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &socket);
	if (rc != CURLE_OK || socket == CURL_SOCKET_BAD)
		session_error(s, handle, rc, message, ret, err);
	else if ((fd = fcntl(socket, F_DUPFD_CLOEXEC, 3)) < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
		error_sys(err, ERR_INTERNAL, "cannot keep a connection");
	http_library.easy_cleanup(handle);
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
	autoclose int stream = connect_stream(s, timeout_ns, ret, err);
	const char *length;

	*fd = -1;
	if (stream < 0)
		return -1;
	if (send(stream, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request) ||
	    !read_exactly(stream, deadline, "\r\n\r\n", 0, &head))
		return error_set(err, ERR_REMOTE, "no answer from '%s' to '%s'", s->display, target);
	if (sscanf(head.buf, "HTTP/1.%*1[01] %3d", &ret->status) != 1)
		return error_set(err, ERR_REMOTE, "what answers at '%s' does not speak HTTP", s->display);
	if (ret->status == 101 || ret->status == 200) {
		*fd = steal_fd(&stream);
		return 0;
	}
	length = strcasestr(head.buf, "\r\nContent-Length:");
	if (length)
		read_exactly(stream, deadline, NULL, strtoul(length + 17, NULL, 10), body);
	return 0;
}
