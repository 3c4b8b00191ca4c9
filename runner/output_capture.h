/* SPDX-License-Identifier: Apache-2.0
 * output_capture: the head and the tail of a stream, in flat memory and without secrets. Private to runner/. */
#pragma once

#include "runner/base/redact.h"
#include "runner/result.h"

struct output_capture {
	struct redact_stream redact;	/* fed by the owner, whose events want the clean bytes, too */
	struct strbuf head;		/* the first CAPTURE_MAX bytes */
	struct strbuf rest;		/* what follows; only its end is kept */
	bool cut;			/* something between head and tail is gone */
};

void output_capture_init(struct output_capture *c, const struct redactor *redactor);
void output_capture_add(struct output_capture *c, const char *data, size_t len);	/* redacted bytes */
/* Hands over what was kept and frees the rest. */
void output_capture_finish(struct output_capture *c, uint64_t total_bytes, bool truncated, struct captured *ret);
void captured_release(struct captured *c);	/* ready again */
