/* SPDX-License-Identifier: Apache-2.0
 * value: text with known and unknown parts, and what parameter expansion does to text. Pure. */
#pragma once

#include "runner/base/arena.h"
#include "runner/base/strbuf.h"
#include "validators/shell/analysis.h"

/* Letters, digits and _ at the begin of a text: of a name, if the first is no digit. */
static inline size_t value_name_len(const char *s)
{
	size_t n = 0;

	while (((s[n] | 0x20) >= 'a' && (s[n] | 0x20) <= 'z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '_')
		n++;
	return n;
}

#define VALUE_PATTERN_MAX 1024	/* bytes of a text that globs are tried on */

struct shell_value value_text(const char *text, size_t len, unsigned int origin);	/* borrowed, NUL-terminated */
struct shell_value value_copy(struct arena *a, const char *text, size_t len, unsigned int origin);
struct shell_value value_unknown(struct arena *a, const char *name, size_t len, unsigned int origin);	/* ${name} */
struct shell_value value_number(struct arena *a, int64_t n);

/* Without the NUL bytes that may be in it: a shell drops them. */
struct shell_value value_without_nul(struct arena *a, struct shell_value v);

/* Length of the unknown part ("${…}", "$(…)", "<(…)") that begins at `s`; 0: none does. */
size_t value_unknown_len(const char *s, size_t len);
/* Is it nothing but one unknown part? */
bool value_is_unknown(const struct shell_value *v);

/* *, ?, [set], \x; linear in len * pattern length. */
bool value_glob(const char *pattern, size_t pattern_len, const char *text, size_t len);
/* ${v#p} ${v##p} ${v%p} ${v%%p}: what is left. */
struct shell_value value_strip_prefix(struct arena *a, struct shell_value v, const char *pattern, bool longest);
struct shell_value value_strip_suffix(struct arena *a, struct shell_value v, const char *pattern, bool longest);
/* ${v/p/r} ${v//p/r}. */
struct shell_value value_replace(struct arena *a, struct shell_value v, const char *pattern, const char *with, bool all);
struct shell_value value_substring(struct arena *a, struct shell_value v, int64_t offset, int64_t len);
struct shell_value value_case(struct arena *a, struct shell_value v, bool upper, bool all);
