/* SPDX-License-Identifier: Apache-2.0
 * What every answer gets on its way out. */
#include "cmd/serve/route_private.h"

#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "runner/base/mem.h"

/* ---- ids */

static void random_hex(char *out, size_t bytes)
{
	unsigned char random[16];

	if (getrandom(random, bytes, 0) != (ssize_t)bytes)
		abort();	/* cannot fail for so little */
	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = "0123456789abcdef"[random[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
	}
	out[2 * bytes] = '\0';
}

static bool is_plain_word(const char *s)
{
	size_t len = strlen(s);

	return len && len < REQUEST_ID_SIZE &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool is_hex(const char *s, size_t len)
{
	bool any = false;

	for (size_t i = 0; i < len; i++) {
		if (!s[i] || !strchr("0123456789abcdef", s[i]))
			return false;
		any |= s[i] != '0';
	}
	return any;
}

/* W3C Trace Context: "00-<trace id>-<span id>-<flags>"; a later version may have more behind it. */
#define TRACEPARENT_LEN 55
static bool is_traceparent(const char *s)
{
	size_t len = strlen(s);

	if (len < TRACEPARENT_LEN || s[2] != '-' || s[35] != '-' || s[52] != '-')
		return false;
	if (!is_hex(s + 3, 32) || !is_hex(s + 36, 16) || strspn(s + 53, "0123456789abcdef") != 2)
		return false;
	if (!strncmp(s, "00", 2))
		return len == TRACEPARENT_LEN;
	return is_hex(s, 2) && strncmp(s, "ff", 2) && (len == TRACEPARENT_LEN || s[TRACEPARENT_LEN] == '-');
}

void route_identify(struct request *rq)
{
	const char *id = request_header(rq, "X-Request-Id");
	const char *trace = request_header(rq, "traceparent");

	if (rq->id[0])
		return;
	if (id && is_plain_word(id))
		memcpy(rq->id, id, strlen(id) + 1);
	else
		random_hex(rq->id, 16);
	if (!trace || !is_traceparent(trace))
		return;
	memcpy(rq->trace, "00", 2);
	memcpy(rq->trace + 2, trace + 2, TRACEPARENT_LEN - 2);
	rq->trace[53] = '0';	/* of the flags, "sampled" goes on */
	rq->trace[54] = strchr("13579bdf", trace[54]) ? '1' : '0';
	random_hex(rq->trace + 36, 8);
	rq->trace[52] = '-';
}

/* ---- headers */

static void header_unless_set(struct response *r, const char *name, const char *value)
{
	if (!pairs_get_header(&r->headers, name))
		response_header(r, name, "%s", value);
}

/* A problem is an object in text by now: its last members are added before the bracket that closes it. */
static void complete_problem(const struct request *rq, struct response *r)
{
	const char *type = pairs_get_header(&r->headers, "Content-Type");
	autofree char *path = NULL;

	if (!type || strcasecmp(type, "application/problem+json"))
		return;
	while (r->body.len && r->body.buf[r->body.len - 1] == '\n')
		r->body.buf[--r->body.len] = '\0';
	if (!r->body.len || r->body.buf[r->body.len - 1] != '}')
		return;
	r->body.buf[--r->body.len] = '\0';
	if (rq->target && rq->target[0] == '/') {
		path = xstrndup(rq->target, strcspn(rq->target, "?#"));
		json_add_text(&r->body, "instance", path);
	}
	json_add_text(&r->body, "request_id", rq->id);
	strbuf_addstr(&r->body, "}\n");
}

static void add_headers(const struct request *rq, struct response *r)
{
	response_header(r, "X-Request-Id", "%s", rq->id);
	if (rq->trace[0])
		response_header(r, "traceparent", "%s", rq->trace);
	header_unless_set(r, "X-Content-Type-Options", "nosniff");
	header_unless_set(r, "Cache-Control", "no-store");
	header_unless_set(r, "Referrer-Policy", "no-referrer");
	header_unless_set(r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	header_unless_set(r, "Cross-Origin-Resource-Policy", "same-origin");
}

/* Labels must be few, whatever clients send. */
static const char *method_label(const char *method)
{
	static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };

	for (size_t i = 0; method && i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i], method))
			return known[i];
	return "other";
}

static uint64_t duration_of(const struct request *rq)
{
	uint64_t now = clock_monotonic_ns();

	return rq->started_ns && now > rq->started_ns ? now - rq->started_ns : 0;
}

void route_finish(struct service *s, struct request *rq, struct response *r)
{
	uint64_t duration_ns = duration_of(rq);

	route_identify(rq);	/* httpd may have refused it before anybody looked */
	complete_problem(rq, r);
	if (!s)
		return add_headers(rq, r);
	route_idempotency_end(s, rq, r);	/* without the headers that are of this answer only */
	add_headers(rq, r);
	route_audit(s, rq, r);
	route_log(s, rq, r, duration_ns);
	if (s->metrics)
		metrics_http(s->metrics, method_label(rq->method), rq->route ? rq->route->name : "none", r->status, duration_ns);
}

#define STATUS_CLIENT_GONE 499	/* as others call it; nobody sees it but log and metrics */
void route_abandon(struct service *s, struct request *rq)
{
	const struct response gone = { .status = STATUS_CLIENT_GONE, .fd = -1 };
	uint64_t duration_ns = duration_of(rq);

	route_identify(rq);
	if (!s)
		return;
	route_idempotency_forget(s, rq);
	route_audit(s, rq, &gone);
	route_log(s, rq, &gone, duration_ns);
	if (s->metrics)
		metrics_http(s->metrics, method_label(rq->method), rq->route ? rq->route->name : "none", STATUS_CLIENT_GONE, duration_ns);
}
