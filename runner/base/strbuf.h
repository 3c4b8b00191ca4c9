/* SPDX-License-Identifier: Apache-2.0
 * strbuf: a growing byte string with a ceiling.
 *
 * `buf` is always NUL-terminated and never NULL. What would go past `max` is dropped and `overflow` is
 * set: bytes from outside can never make us grow without bound. Text of our own uses STRBUF_NO_MAX.
 *
 *	autostrbuf struct strbuf sb = STRBUF_INIT(64 << 10);
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define STRBUF_NO_MAX ((size_t)-1 / 4)

struct strbuf {
	char *buf;
	size_t len;	/* without the NUL */
	size_t alloc;	/* 0: `buf` is the shared empty string */
	size_t max;	/* ceiling of len */
	bool overflow;	/* something was dropped */
};

extern char strbuf_empty[1];
#define STRBUF_INIT(ceiling) { .buf = strbuf_empty, .max = (ceiling) }

void strbuf_init(struct strbuf *sb, size_t max);
void strbuf_release(struct strbuf *sb);		/* frees, ready for use again */
void strbuf_clear(struct strbuf *sb);		/* length 0, keeps the memory, clears overflow */
char *strbuf_detach(struct strbuf *sb);		/* the caller owns the string; sb is empty again */

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addch(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

#define autostrbuf __attribute__((__cleanup__(strbuf_release)))
