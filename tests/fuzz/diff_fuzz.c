/* SPDX-License-Identifier: Apache-2.0
 * diff: the difference of two texts, applied to the first, gives the second. The texts are what comes before and after the first NUL. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/diff.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const char *next_line(const char *s, const char *end)
{
	const char *newline = memchr(s, '\n', (size_t)(end - s));

	return newline ? newline + 1 : end;
}

/* Lines of the old text until `line` (from 1). */
static const char *copy_until(const char *a, const char *end, unsigned long *at, unsigned long line, struct strbuf *out)
{
	for (; *at < line; ++*at) {
		const char *next = next_line(a, end);

		check(a < end);
		strbuf_add(out, a, (size_t)(next - a));
		a = next;
	}
	return a;
}

static void apply(const char *a, size_t a_len, const char *d, struct strbuf *out)
{
	const char *a_end = a + a_len, *end = d + strlen(d);
	unsigned long at = 1;

	d = next_line(next_line(d, end), end);
	while (d < end) {
		unsigned long line = 0, count = 1;

		check(sscanf(d, "@@ -%lu,%lu ", &line, &count) >= 1);
		a = copy_until(a, a_end, &at, count ? line : line + 1, out);
		for (d = next_line(d, end); d < end && *d != '@'; ) {
			const char *next = next_line(d, end);
			bool bare = next < end && *next == '\\';
			size_t len = (size_t)(next - d) - 1 - bare;

			if (*d != '+') {
				check(a + len <= a_end && !memcmp(a, d + 1, len));
				a += len;
				at++;
			}
			if (*d != '-')
				strbuf_add(out, d + 1, len);
			d = bare ? next_line(next, end) : next;
		}
	}
	strbuf_add(out, a, (size_t)(a_end - a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *a = (const char *)data, *nul = size ? memchr(data, 0, size) : NULL;
	size_t a_len = nul ? (size_t)(nul - a) : size, b_len = nul ? size - a_len - 1 : 0;
	const char *b = nul ? nul + 1 : "";
	autostrbuf struct strbuf d = STRBUF_INIT(STRBUF_NO_MAX), got = STRBUF_INIT(STRBUF_NO_MAX);

	if (b_len && memchr(b, 0, b_len))
		return 0;	/* no text: nobody asks for its lines */
	diff_unified(&(struct diff_side){ "a", a, a_len }, &(struct diff_side){ "b", b, b_len }, &d);
	check(!d.len == (a_len == b_len && !memcmp(a, b, a_len)));
	if (d.len)
		apply(a, a_len, d.buf, &got);
	check(!d.len || (got.len == b_len && !memcmp(got.buf, b, b_len)));
	return 0;
}
