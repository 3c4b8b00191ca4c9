/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"

char strbuf_empty[1];

void strbuf_init(struct strbuf *sb, size_t max)
{
	*sb = (struct strbuf)STRBUF_INIT(max);
}

void strbuf_release(struct strbuf *sb)
{
	if (sb->alloc)
		free(sb->buf);
	strbuf_init(sb, sb->max);
}

void strbuf_clear(struct strbuf *sb)
{
	sb->len = 0;
	sb->overflow = false;
	if (sb->alloc)
		sb->buf[0] = '\0';
}

char *strbuf_detach(struct strbuf *sb)
{
	char *s = sb->alloc ? sb->buf : xstrdup("");

	strbuf_init(sb, sb->max);
	return s;
}

/* Make room for `len` more bytes, or for as many as the ceiling allows; returns how many. */
static size_t strbuf_grow(struct strbuf *sb, size_t len)
{
	size_t want;

	if (len > sb->max - sb->len) {
		len = sb->max - sb->len;
		sb->overflow = true;
	}
	want = sb->len + len + 1;
	if (want > sb->alloc) {
		size_t alloc = sb->alloc ? sb->alloc : 64;

		while (alloc < want)
			alloc *= 2;
		sb->buf = xrealloc(sb->alloc ? sb->buf : NULL, alloc, 1);
		sb->alloc = alloc;
	}
	return len;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (!len)
		return;
	len = strbuf_grow(sb, len);
	memcpy(sb->buf + sb->len, data, len);
	sb->len += len;
	sb->buf[sb->len] = '\0';
}

void strbuf_addstr(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_addch(struct strbuf *sb, char c)
{
	if (sb->len + 1 < sb->alloc && sb->len < sb->max) {
		sb->buf[sb->len++] = c;
		sb->buf[sb->len] = '\0';
		return;
	}
	strbuf_add(sb, &c, 1);
}

void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	int len;

	va_copy(again, ap);
	len = vsnprintf(small, sizeof(small), fmt, ap);
	if (len >= 0 && (size_t)len < sizeof(small)) {
		strbuf_add(sb, small, (size_t)len);
	} else if (len >= 0) {
		autofree char *big = xmalloc((size_t)len + 1);

		vsnprintf(big, (size_t)len + 1, fmt, again);
		strbuf_add(sb, big, (size_t)len);
	}
	va_end(again);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(sb, fmt, ap);
	va_end(ap);
}
