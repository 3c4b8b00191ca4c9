/* SPDX-License-Identifier: Apache-2.0
 * Idempotency-Key: a client that does not know whether its request arrived sends it again under the same key, and gets the answer of
 * the first. */
#include "cmd/serve/route_private.h"

#include <string.h>
#include <strings.h>

#include "runner/base/digest.h"
#include "runner/base/mem.h"

#define KEY_MAX 255
#define KEPT_MAX ((size_t)1 << 20)

static void add_part(struct sha256 *sha, const char *data, size_t len)
{
	uint64_t n = len;	/* in front, so that no two lists of parts are the same bytes */

	sha256_add(sha, &n, sizeof(n));
	sha256_add(sha, data, len);
}

static void add_text(struct sha256 *sha, const char *text)
{
	add_part(sha, text ? text : "", text ? strlen(text) : 0);
}

void route_digest(struct request *rq)
{
	unsigned char digest[DIGEST_SIZE];
	struct sha256 sha;

	if (!rq->fields_len) {
		sha256_hex(rq->body.buf, rq->body.len, rq->body_digest);
		return;
	}
	sha256_begin(&sha);
	for (size_t i = 0; i < rq->fields_len; i++) {
		add_text(&sha, rq->fields[i].name);
		add_text(&sha, rq->fields[i].filename);
		add_part(&sha, rq->fields[i].value.buf, rq->fields[i].value.len);
	}
	sha256_end(&sha, digest);
	digest_to_hex(digest, rq->body_digest);
}

static void fingerprint_of(const struct request *rq, char out[DIGEST_HEX_SIZE])
{
	unsigned char digest[DIGEST_SIZE];
	struct sha256 sha;

	sha256_begin(&sha);
	add_text(&sha, rq->method);
	add_text(&sha, rq->target);
	add_text(&sha, rq->body_digest);
	sha256_end(&sha, digest);
	digest_to_hex(digest, out);
}

/* The draft writes it as a string in quotes, nearly everybody without. */
static bool key_of(const char *header, char ret[KEY_MAX + 1])
{
	size_t len = strlen(header);

	if (len >= 2 && header[0] == '"' && header[len - 1] == '"') {
		header++;
		len -= 2;
	}
	if (!len || len > KEY_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (header[i] <= ' ' || header[i] > '~' || header[i] == '"' || header[i] == '\\')
			return false;
	memcpy(ret, header, len);
	ret[len] = '\0';
	return true;
}

static struct response *replay(int status, const json_t *headers, const struct strbuf *body)
{
	struct response *r = response_new(status);
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)headers, name, value)
		response_header(r, name, "%s", json_string_value(value));
	response_header(r, "Idempotent-Replayed", "true");
	strbuf_add(&r->body, body->buf, body->len);
	return r;
}

struct response *route_idempotency_begin(struct service *s, struct request *rq)
{
	autostrbuf struct strbuf body = STRBUF_INIT(STRBUF_NO_MAX);
	const char *header = request_header(rq, "Idempotency-Key");
	char key[KEY_MAX + 1], fingerprint[DIGEST_HEX_SIZE];
	json_auto_t *headers = NULL;
	struct error err = { 0 };
	int status = 0;

	if (!header || !s->store)
		return NULL;
	if (!key_of(header, key))
		return response_problem(400, "bad_idempotency_key", NULL, "an Idempotency-Key has 1 to %d visible ASCII characters", KEY_MAX);
	fingerprint_of(rq, fingerprint);
	switch (store_idempotency_begin(s->store, rq->identity.name, key, fingerprint, clock_realtime_ns(), &status, &headers, &body, &err)) {
	case IDEMPOTENCY_NEW:
		rq->idempotency = xstrdup(key);
		return NULL;
	case IDEMPOTENCY_BUSY:
		return response_problem(409, "in_progress", NULL, "the request with this Idempotency-Key is still being answered; try again later");
	case IDEMPOTENCY_OTHER_BODY:
		return response_problem(422, "key_reused", NULL, "this Idempotency-Key came with another request before; use a new one for each");
	case IDEMPOTENCY_REPLAY:
		return replay(status, headers, &body);
	}
	return response_problem_of_error(&err);
}

void route_idempotency_forget(struct service *s, struct request *rq)
{
	if (rq->idempotency && s && s->store)
		store_idempotency_forget(s->store, rq->identity.name, rq->idempotency);
	free(rq->idempotency);
	rq->idempotency = NULL;
}

/* Headers of one answer only: they are added to the replayed one, too, on its way out. */
static bool is_of_the_moment(const char *name)
{
	static const char *const names[] = { "X-Request-Id", "traceparent", "Date", "Connection", "Retry-After" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

void route_idempotency_end(struct service *s, struct request *rq, const struct response *r)
{
	json_auto_t *headers = json_object();
	struct error err = { 0 };

	if (!rq->idempotency)
		return;
	/* what failed on our side may be tried again, and what is not in memory cannot be kept */
	if (r->status >= 500 || r->status == 429 || r->fd >= 0 || r->source || r->body.len > KEPT_MAX) {
		route_idempotency_forget(s, rq);
		return;
	}
	for (size_t i = 0; i < r->headers.len; i++)
		if (!is_of_the_moment(r->headers.items[i].name))
			json_put_text(headers, r->headers.items[i].name, r->headers.items[i].value);
	if (store_idempotency_end(s->store, rq->identity.name, rq->idempotency, r->status, headers, &r->body, &err) < 0)
		route_idempotency_forget(s, rq);
	free(rq->idempotency);
	rq->idempotency = NULL;
}

void route_keep(struct service *s, struct request *rq, struct response *r)
{
	if (s)
		route_idempotency_end(s, rq, r);
	response_free(r);
}
