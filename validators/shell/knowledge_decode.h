/* SPDX-License-Identifier: Apache-2.0
 * knowledge_decode: encodings that commands and the languages of interpreters decode, and the bounded text that they decode into.
 * Private to knowledge_*.c; the text also to analysis*.c. */
#pragma once

#include <string.h>

#include "validators/shell/analysis.h"

/* Text that is put together in an arena, at most `max` bytes and never more than SHELL_MAX_VALUE; `cut` says that something was dropped. */
struct text_out {
	struct arena *arena;
	char *text;
	size_t len, room, max;
	bool cut;
};
/* `expected` bytes are made room for at once. */
struct text_out out_init(struct arena *arena, size_t expected);
/* What is there already; it is copied when something is added. Until then out_text() must not be called: it would write. */
static inline struct text_out out_borrow(struct arena *arena, const char *text, size_t len)
{
	return (struct text_out){ .arena = arena, .text = (char *)text, .len = len, .room = len, .max = SHELL_MAX_VALUE };
}
void out_add_slowly(struct text_out *out, const void *data, size_t len);	/* there is no room, or nothing to add */
void out_addstr(struct text_out *out, const char *s);
void out_add_utf8(struct text_out *out, unsigned long code);
/* NUL-terminated; nothing may be added afterwards. */
const char *out_text(struct text_out *out, size_t *ret_len);

static inline void out_add(struct text_out *out, const void *data, size_t len)
{
	if (!len || len > out->room - out->len) {
		out_add_slowly(out, data, len);
		return;
	}
	memcpy(out->text + out->len, data, len);
	out->len += len;
}

static inline void out_addch(struct text_out *out, char c)
{
	if (out->len < out->room)
		out->text[out->len++] = c;
	else
		out_add_slowly(out, &c, 1);
}

/* Each decodes as far as it can and ignores blanks; false: nothing of it looks like the encoding. */
bool decode_base64(struct text_out *out, const char *text, size_t len);		/* both alphabets */
bool decode_base32(struct text_out *out, const char *text, size_t len);
bool decode_hex(struct text_out *out, const char *text, size_t len);		/* also with "0x", "\x", ":" between */
bool decode_uu(struct text_out *out, const char *text, size_t len);
void decode_rot13(struct text_out *out, const char *text, size_t len);
void decode_utf16le(struct text_out *out, const char *text, size_t len);
void decode_percent(struct text_out *out, const char *text, size_t len);

/* One escape at text[*at] (behind the backslash) of printf, echo -e and $'…': false if it is none (nothing was moved). *stop: \c. `zero_octal`: octal
 * needs a 0 in front (echo, %b). */
bool decode_escape(struct text_out *out, const char *text, size_t len, size_t *at, bool zero_octal, bool *numeric, bool *stop);

/* Is it text: valid UTF-8 without control characters but blanks and ESC? */
bool decode_is_text(const char *text, size_t len);
int decode_hex_digit(char c);		/* -1: none */
