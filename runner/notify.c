/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/notify.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/http.h"
#include "runner/base/json.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define ANSWER_MAX_BYTES ((size_t)64 << 10)
#define TOKEN_MAX_BYTES 8192
#define PAUSE_NS (500 * NS_PER_MS)

/* Length of "http://" or "https://"; 0: neither. */
static size_t scheme_length(const char *url)
{
	return !strncasecmp(url, "http://", 7) ? 7 : !strncasecmp(url, "https://", 8) ? 8 : 0;
}

/* It becomes a line of the request. */
static bool is_line(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

int notify_check(const char *url, const char *token, struct error *err)
{
	size_t scheme = scheme_length(url), host = strcspn(url + scheme, "/?#");

	if (!scheme || !host || !is_line(url) || strchr(url, ' '))
		return error_set(err, ERR_USAGE, "'%s' is no URL that can be told: http://HOST/… or https://HOST/…", url);
	if (memchr(url + scheme, '@', host))
		return error_set(err, ERR_USAGE, "the URL holds credentials, which show in lists of processes; a token belongs into SANDBOX_RUNNER_NOTIFY_TOKEN");
	if (token && (!is_line(token) || strlen(token) > TOKEN_MAX_BYTES))
		return error_set(err, ERR_USAGE, "SANDBOX_RUNNER_NOTIFY_TOKEN is no token: one line of at most %d bytes is", TOKEN_MAX_BYTES);
	return 0;
}

/* One try; *again: another may fare better. */
static int try(struct http_session *s, const struct http_call *call, bool *again, struct error *err)
{
	autostrbuf struct strbuf body = STRBUF_INIT(ANSWER_MAX_BYTES);
	struct http_answer answer = { 0 };
	char quoted[UTF8_QUOTE_SIZE];

	*again = true;
	if (http_call(s, call, &answer, &body, err) < 0)
		return -1;
	*again = answer.status >= 500;
	if (answer.status >= 200 && answer.status < 300)
		return 0;
	return error_set(err, ERR_REMOTE, "it answers %d%s%s", answer.status, body.len ? ": " : "",
			 body.len ? utf8_quote(quoted, body.buf, body.len) : "");
}

static int post(const char *url, const char *authorization, const char *text, struct error *err)
{
	const char *const headers[] = { authorization, NULL };
	const uint64_t deadline = clock_deadline(NOTIFY_NS);
	size_t scheme = scheme_length(url), end = scheme + strcspn(url + scheme, "/?#");
	autofree char *base = xstrndup(url, end);
	autofree char *target = xasprintf("%s%.*s", url[end] == '/' ? "" : "/", (int)strcspn(url + end, "#"), url + end);
	const struct http_peer peer = { .url = base };
	struct http_session *s = http_session_open_peer(&peer, err);
	struct http_call call = { .method = "POST", .target = target, .body = text, .body_len = strlen(text),
				  .headers = authorization ? headers : NULL, .timeout_ns = NOTIFY_NS };
	bool again;
	int rc;

	if (!s)
		return -1;
	rc = try(s, &call, &again, err);
	if (rc < 0 && again && clock_monotonic_ns() + PAUSE_NS < deadline) {
		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
		call.timeout_ns = deadline - clock_monotonic_ns();
		rc = try(s, &call, &again, err);
	}
	http_session_close(s);
	return rc;
}

int notify_send(const char *url, const char *token, const char *run_id, bool completed, uint64_t duration_ns, struct error *err)
{
	autofree char *authorization = token && *token ? xasprintf("Authorization: Bearer %s", token) : NULL;
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), shown = STRBUF_INIT(300);
	json_auto_t *o = json_object();

	if (notify_check(url, token, err) < 0)
		return -1;
	json_put_text(o, "run_id", run_id);
	json_put_text(o, "status", completed ? "completed" : "failed");
	json_put_int(o, "duration_ms", (int64_t)(duration_ns / NS_PER_MS));
	json_write(o, 0, &text);
	http_url_display(&shown, url);
	return post(url, authorization, text.buf, err) < 0 ? error_prefix(err, "telling '%s'", shown.buf) : 0;
}
