/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/printable.h"

#include <string.h>

#include "runner/base/utf8.h"

void printable_add(struct strbuf *out, const char *s, size_t len)
{
	utf8_escape(out, s, len);
}

void printable_addstr(struct strbuf *out, const char *s)
{
	utf8_escape(out, s, strlen(s));
}

size_t printable_add_cut(struct strbuf *out, const char *s, size_t len, size_t columns)
{
	size_t used = 0, fit_len = out->len, fit_used = 0, n;
	uint32_t c;

	for (; (n = utf8_decode(s, len, &c)); s += n, len -= n) {
		size_t before = out->len, width;

		utf8_escape(out, s, n);
		width = utf8_is_unsafe(c) ? out->len - before : utf8_width(c);
		if (used + width > columns) {
			/* go back to where the ellipsis still has room */
			out->len = fit_len;
			out->buf[out->len] = '\0';
			strbuf_addstr(out, "…");
			return fit_used + 1;
		}
		used += width;
		if (used < columns) {
			fit_len = out->len;
			fit_used = used;
		}
	}
	return used;
}

size_t printable_width(const char *s, size_t len)
{
	size_t columns = 0, n;
	uint32_t c;

	for (; (n = utf8_decode(s, len, &c)); s += n, len -= n)
		columns += utf8_width(c);
	return columns;
}
