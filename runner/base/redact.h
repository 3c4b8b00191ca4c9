/* SPDX-License-Identifier: Apache-2.0
 * redact: secrets are replaced by "***" at one point, before any sink sees them.
 *
 * A redactor holds the secret values of a run (parameters given by --param-secret; later Secret data). Whole texts go
 * through redact_text(); streams through a redact_stream, which holds back just enough bytes that a secret cut in two
 * by a read() is still found. Also matched: each line of a multi-line secret, and its base64 forms (both alphabets, inside a
 * longer encoded text too, and broken into lines of 76). Values shorter than 4 bytes are refused by redactor_add (they would
 * turn every result into stars). Secrets that overlap or touch become one "***". Time is linear in the text whatever the secrets are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/strbuf.h"

struct redactor;

struct redactor *redactor_new(void);
void redactor_free(struct redactor *r);		/* wipes the values; NULL is a no-op */
bool redactor_add(struct redactor *r, const char *secret, size_t len);	/* false: too short to hide */
bool redactor_is_empty(const struct redactor *r);

/* Append `len` bytes of text with secrets replaced. `r` may be NULL. */
void redact_text(const struct redactor *r, const char *text, size_t len, struct strbuf *out);

struct redact_stream {
	const struct redactor *redactor;	/* borrowed; may be NULL */
	/* private: the bytes that may yet turn out to belong to a secret, from `start` on, and which of them surely do */
	struct strbuf held, covered;
	size_t start;
	uint32_t state;
	bool starred;		/* the last thing written was "***" */
};
void redact_stream_init(struct redact_stream *s, const struct redactor *r);
/* Append to `out` what is certain by now. */
void redact_stream_feed(struct redact_stream *s, const char *data, size_t len, struct strbuf *out);
void redact_stream_end(struct redact_stream *s, struct strbuf *out);	/* the rest; frees */
