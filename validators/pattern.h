/* SPDX-License-Identifier: Apache-2.0
 * pattern: regular expressions on untrusted text. The only owner of PCRE2.
 *
 * Patterns are Perl-compatible, UTF-8 where the subject is valid UTF-8 (bytes otherwise), caseful unless (?i), and ^ $ match at every
 * line. Match, depth and heap limits hold for every match, with the JIT as well, so neither a hostile pattern nor a hostile text can
 * hang: the answer is then PATTERN_LIMIT, which callers turn into a finding about it. Compiled at first use; handed to the JIT
 * when they are used often. */
#pragma once

#include <stddef.h>

#include "runner/base/error.h"

struct pattern;

enum pattern_result { PATTERN_NO, PATTERN_YES, PATTERN_LIMIT };

struct span {
	size_t offset, len;
};

/* Check and keep; *ret_offset is where in the pattern it is wrong. Borrowed `text` must outlive the pattern. */
int pattern_new(const char *text, size_t len, struct pattern **ret, size_t *ret_offset, struct error *err);
/* The same without checking: for patterns that the build has checked. Costs nothing before the first match. */
struct pattern *pattern_new_lazy(const char *text);
void pattern_free(struct pattern *p);

/* First match at or after `from`. `ret` (may be NULL) gets the whole match, or the group named "at" if the pattern has one and it took part. */
enum pattern_result pattern_match(struct pattern *p, const char *text, size_t len, size_t from, struct span *ret);
