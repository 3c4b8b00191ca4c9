/* SPDX-License-Identifier: Apache-2.0
 * diff: what changed in a text, as `diff -u` says it. Myers' algorithm in linear space; on texts that have little in common it stops looking
 * for the shortest answer in time, so the work is bounded for any input, and the answer always is one that patch(1) accepts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/strbuf.h"

struct diff_side {
	const char *name;	/* in the head, as it is; NULL: there is no such file ("/dev/null") */
	const char *text;
	size_t len;
};

/* UTF-8 without NUL; nothing else has lines that can be shown. */
bool diff_is_text(const char *text, size_t len);

/* Append the difference; nothing when there is none. At most 64 Mi lines a side. */
void diff_unified(const struct diff_side *before, const struct diff_side *after, struct strbuf *out);
