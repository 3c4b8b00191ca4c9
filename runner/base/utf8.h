/* SPDX-License-Identifier: Apache-2.0
 * utf8: characters of untrusted text: decode them, know how wide they are, and make them safe to show. Independent of
 * the locale. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/strbuf.h"

#define UTF8_INVALID UINT32_MAX

/* The character at `s`; returns its bytes, 0 only when len is 0. A byte that belongs to no valid character
 * (overlong forms and surrogates included) is UTF8_INVALID and one byte long. */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);
size_t utf8_encode(uint32_t c, char out[4]);

/* Must it never reach a terminal or a log line as it is? C0, DEL, C1, line separators, bidirectional and
 * invisible format characters. */
bool utf8_is_unsafe(uint32_t c);

/* Columns on a terminal: 0 (combining), 1, or 2 (wide). */
unsigned int utf8_width(uint32_t c);

/* Append text with unsafe characters as \n, \t, \x1b, \u202e and invalid bytes as \xff. */
void utf8_escape(struct strbuf *out, const char *s, size_t len);

/* "'text'" for messages: escaped, and cut after UTF8_QUOTE_CHARS characters with "…". Returns `out`. */
#define UTF8_QUOTE_CHARS 60
#define UTF8_QUOTE_SIZE (UTF8_QUOTE_CHARS * 10 + 16)
const char *utf8_quote(char out[UTF8_QUOTE_SIZE], const char *s, size_t len);
