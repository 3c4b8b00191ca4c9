/* SPDX-License-Identifier: Apache-2.0
 * printable: text of others on one line of ours. Whatever comes from a package, a step, an archive or the network goes through
 * here before it is shown; what is not safe is decided in one place, utf8_is_unsafe(): C0 and C1 controls, DEL, line separators,
 * bidirectional and invisible characters, bytes that are not UTF-8. Newlines and tabs are escaped too (\n, \t, \x1b, \u202e, \xff), so
 * the result is one line. Backslashes are left alone, as shell text is full of them: it is for eyes and cannot be turned back.
 */
#pragma once

#include <stddef.h>

#include "runner/base/strbuf.h"

void printable_add(struct strbuf *out, const char *s, size_t len);
void printable_addstr(struct strbuf *out, const char *s);

/* The same, cut to at most `columns` (at least 1) with a final "…" when something had to go; an escape is never cut in two.
 * Returns the columns it takes. */
size_t printable_add_cut(struct strbuf *out, const char *s, size_t len, size_t columns);

/* Columns that `len` bytes of printable text take. */
size_t printable_width(const char *s, size_t len);
