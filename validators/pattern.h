/* SPDX-License-Identifier: Apache-2.0
 * pattern: regular expressions on untrusted text. The only owner of PCRE2.
 *
 * Patterns are Perl-compatible, caseful unless (?i), ^ and $ match at every line (LF). They see bytes, so that invalid UTF-8
 * changes nothing, unless they speak of characters beyond ASCII themselves (written out, \x{…}, \p{…}, \X): then they see
 * characters, and bytes that are not UTF-8 match nothing. Match, depth and heap limits hold for every match, with the JIT as
 * well, and long texts have a time allowance linear in their length, so neither a hostile pattern nor a hostile text can hang:
 * the answer is then PATTERN_LIMIT, which callers turn into a finding about it; they do not ask the same pattern about that
 * document again. Compiled at first use; handed to the JIT when they are used often. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"

struct pattern;

enum pattern_result { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT };

struct span {
	size_t offset, len;
	size_t next;	/* where to look for the next match; always past the `from` of this one, also when it is empty */
};

#define PATTERN_MAX_BYTES ((size_t)64 << 10)

/* Check and keep; *ret_offset is where in the pattern it is wrong. Borrowed `text` must outlive the pattern. */
int pattern_new(const char *text, size_t len, struct pattern **ret, size_t *ret_offset, struct error *err);
/* The same without checking: for patterns that the build has checked. Costs nothing before the first match. */
struct pattern *pattern_new_lazy(const char *text);
void pattern_free(struct pattern *p);

/* First match at or after `from`. `ret` (may be NULL) gets the whole match, or the group named "at" if the pattern has one and
 * it took part. */
enum pattern_result pattern_match(struct pattern *p, const char *text, size_t len, size_t from, struct span *ret);

/* When the JIT takes over. For tests and measurements; PATTERN_JIT_AUTO is the default. */
enum pattern_jit { PATTERN_JIT_AUTO, PATTERN_JIT_NEVER, PATTERN_JIT_NOW };
void pattern_set_jit(struct pattern *p, enum pattern_jit jit);
bool pattern_is_jitted(const struct pattern *p);
