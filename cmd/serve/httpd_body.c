/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "cmd/serve/httpd_private.h"
#include "runner/base/mem.h"

/* How often a header is there. */
static size_t count(const struct request *rq, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < rq->headers.len; i++)
		n += !strcasecmp(rq->headers.items[i].name, name);
	return n;
}

/* Whatever two readers of the same bytes could read as two different requests is none. */
struct response *body_framing_refused(const struct request *rq)
{
	const char *coding = request_header(rq, "Transfer-Encoding"), *length = request_header(rq, "Content-Length");

	if (coding && (length || count(rq, "Transfer-Encoding") > 1))
		return response_problem(400, "bad_framing", NULL, "Transfer-Encoding stands alone: no Content-Length, and only once");
	if (coding && strcasecmp(coding, "chunked"))
		return response_problem(501, "bad_framing", NULL, "the only Transfer-Encoding here is 'chunked'");
	if (length && (count(rq, "Content-Length") > 1 || !*length || strspn(length, "0123456789") != strlen(length)))
		return response_problem(400, "bad_framing", NULL, "Content-Length is one decimal number");
	return NULL;
}

bool body_is_announced(const struct request *rq, uint64_t *ret_len)
{
	const char *length = request_header(rq, "Content-Length");

	*ret_len = UINT64_MAX;
	if (request_header(rq, "Transfer-Encoding"))
		return true;
	*ret_len = length ? strtoull(length, NULL, 10) : 0;
	return *ret_len > 0;
}

static struct response *too_large(const struct httpd_exchange *x)
{
	return response_problem(413, "body_too_large", NULL, "the body may have at most %zu bytes", x->body_max);
}

struct response *body_begin(struct httpd_exchange *x)
{
	uint64_t len;

	body_is_announced(x->rq, &len);
	x->rq->body.max = x->body_max < STRBUF_NO_MAX ? x->body_max : STRBUF_NO_MAX;
	return len != UINT64_MAX && len > x->body_max ? too_large(x) : NULL;
}

struct response *body_add(struct httpd_exchange *x, const char *data, size_t len)
{
	struct httpd *h = x->httpd;
	struct response *r;

	if (len > BODIES_MAX - h->bodies) {	/* each may be one that we take, all of them together are not */
		r = response_problem(503, "too_busy", NULL, "too many requests with large bodies at once: try again later");
		response_header(r, "Retry-After", "1");
		return r;
	}
	strbuf_add(&x->rq->body, data, len);
	if (x->rq->body.overflow)
		return too_large(x);
	x->held += len;
	h->bodies += len;
	return NULL;
}

void body_release(struct httpd_exchange *x)
{
	x->httpd->bodies -= x->held;
	x->held = 0;
}

struct response *body_end(struct httpd_exchange *x)
{
	struct request *rq = x->rq;
	const char *type = request_header(rq, "Content-Type");
	struct error err = { 0 };

	if (!form_is_announced(type))
		return NULL;
	if (form_parse(type, rq->body.buf, rq->body.len, rq, &err) < 0)
		return response_problem(400, "bad_form", NULL, "%s", err.text);
	strbuf_release(&rq->body);
	return NULL;
}
