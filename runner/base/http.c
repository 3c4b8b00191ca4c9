/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/clock.h"
#include "runner/base/http_private.h"
#include "runner/base/library.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define MAX_REDIRECTS 5

struct http_library http_library;

int http_load(struct error *err)
{
#define SYMBOL(f) { "curl_" #f, &http_library.f },
	static const struct library_symbol symbols[] = { HTTP_FUNCTIONS(SYMBOL) };
#undef SYMBOL
	static bool loaded;

	if (loaded)
		return 0;
	/* the other flavour, which git and apt bring along, will do as well */
	if (library_load("libcurl.so.4", "libcurl4", symbols, ARRAY_SIZE(symbols), err) < 0 &&
	    library_load("libcurl-gnutls.so.4", "libcurl3-gnutls", symbols, ARRAY_SIZE(symbols), NULL) < 0)
		return -1;
	if (http_library.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
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
	const uint64_t connect = left < HTTP_CONNECT_NS ? left : HTTP_CONNECT_NS;
	const struct { CURLoption option; long value; } numbers[] = {
		{ CURLOPT_FOLLOWLOCATION, 0 },		/* every hop is judged here */
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
		{ CURLOPT_TIMEOUT_MS, (long)(left / NS_PER_MS) + 1 },
		{ CURLOPT_CONNECTTIMEOUT_MS, (long)(connect / NS_PER_MS) + 1 },
	};
	const struct { CURLoption option; const void *value; } pointers[] = {
		{ CURLOPT_URL, url },
		{ CURLOPT_USERAGENT, HTTP_USER_AGENT },
#if LIBCURL_VERSION_NUM >= 0x075500
		{ CURLOPT_PROTOCOLS_STR, "http,https" },
#endif
		{ CURLOPT_ERRORBUFFER, t->message },
		{ CURLOPT_WRITEDATA, t },
	};
	CURLcode rc = http_library.easy_setopt(t->handle, CURLOPT_WRITEFUNCTION, take_data);

#if LIBCURL_VERSION_NUM < 0x075500
	if (rc == CURLE_OK)
		rc = http_library.easy_setopt(t->handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(numbers); i++)
		rc = http_library.easy_setopt(t->handle, numbers[i].option, numbers[i].value);
	for (size_t i = 0; rc == CURLE_OK && i < ARRAY_SIZE(pointers); i++)
		rc = http_library.easy_setopt(t->handle, pointers[i].option, pointers[i].value);
	return rc == CURLE_OK ? http_library.easy_setopt(t->handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)(t->body->max - t->before)) : rc;
}

static int transfer_error(const struct transfer *t, CURLcode rc, struct error *err)
{
	const char *why = t->message[0] ? t->message : http_library.easy_strerror(rc);
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
		rc = http_library.easy_perform(t->handle);
	if (rc != CURLE_OK)
		return transfer_error(t, rc, err);
	http_library.easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
	http_library.easy_getinfo(t->handle, CURLINFO_REDIRECT_URL, &redirect);
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
	if (check_credentials(url, ERR_USAGE, err) < 0 || http_load(err) < 0)
		return error_prefix(err, "'%s'", shown.buf);
	t.handle = http_library.easy_init();
	rc = t.handle ? get(&t, url, err) : error_set(err, ERR_INTERNAL, "libcurl has no memory");
	http_library.easy_cleanup(t.handle);
	if (rc < 0) {
		drop_body(&t);
		return error_prefix(err, "cannot get '%s'", shown.buf);
	}
	return 0;
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
