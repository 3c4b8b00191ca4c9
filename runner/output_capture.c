/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/output_capture.h"

#include <string.h>

#include "runner/base/mem.h"

void output_capture_init(struct output_capture *c, const struct redactor *redactor)
{
	redact_stream_init(&c->redact, redactor);
	strbuf_init(&c->head, CAPTURE_MAX);
	strbuf_init(&c->rest, 64 * CAPTURE_TAIL);
	c->cut = false;
}

void output_capture_add(struct output_capture *c, const char *data, size_t len)
{
	size_t first = CAPTURE_MAX - c->head.len;

	if (first > len)
		first = len;
	strbuf_add(&c->head, data, first);
	data += first;
	len -= first;
	if (len > CAPTURE_TAIL) {
		data += len - CAPTURE_TAIL;
		len = CAPTURE_TAIL;
		c->cut = true;
	}
	strbuf_add(&c->rest, data, len);
	if (c->rest.len > 32 * CAPTURE_TAIL) {	/* keep the end; amortised over many chunks */
		memmove(c->rest.buf, c->rest.buf + c->rest.len - CAPTURE_TAIL, CAPTURE_TAIL);
		c->rest.len = CAPTURE_TAIL;
		c->cut = true;
	}
}

void output_capture_finish(struct output_capture *c, uint64_t total_bytes, bool truncated, struct captured *ret)
{
	size_t rest = c->rest.len > CAPTURE_TAIL ? CAPTURE_TAIL : c->rest.len;

	ret->total_bytes = total_bytes;
	ret->truncated = truncated || c->cut || rest < c->rest.len;
	if (ret->truncated && rest) {
		ret->tail = xstrndup(c->rest.buf + c->rest.len - rest, rest);
		ret->tail_len = rest;
	} else {
		c->head.max += CAPTURE_TAIL;
		strbuf_add(&c->head, c->rest.buf, rest);
	}
	ret->len = c->head.len;
	ret->text = strbuf_detach(&c->head);
	strbuf_release(&c->rest);
}

void captured_release(struct captured *c)
{
	free(c->text);
	free(c->tail);
	*c = (struct captured){ 0 };
}
