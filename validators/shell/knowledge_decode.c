/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_decode.h"

#include <ctype.h>
#include <string.h>

struct text_out out_init(struct arena *arena, size_t expected)
{
	struct text_out out = { .arena = arena, .max = SHELL_MAX_VALUE, .room = expected < SHELL_MAX_VALUE ? expected : SHELL_MAX_VALUE };

	out.text = arena_take(arena, out.room + 1);
	out.text[0] = '\0';
	return out;
}

static void make_room(struct text_out *out, size_t more)
{
	size_t room = 2 * out->room + more;
	char *text;

	if (room > out->max)
		room = out->max;
	text = arena_take(out->arena, room + 1);
	memcpy(text, out->text, out->len);
	out->text = text;
	out->room = room;
}

void out_add_slowly(struct text_out *out, const void *data, size_t len)
{
	if (len > out->max - out->len) {
		len = out->max - out->len;
		out->cut = true;
	}
	if (!len)
		return;
	if (len > out->room - out->len)
		make_room(out, len);
	memcpy(out->text + out->len, data, len);
	out->len += len;
}

void out_addstr(struct text_out *out, const char *s)
{
	out_add(out, s, strlen(s));
}

void out_add_utf8(struct text_out *out, unsigned long code)
{
	if (code < 0x80) {
		out_addch(out, (char)code);
	} else if (code < 0x800) {
		out_addch(out, (char)(0xc0 | code >> 6));
		out_addch(out, (char)(0x80 | (code & 0x3f)));
	} else if (code < 0x10000) {
		out_addch(out, (char)(0xe0 | code >> 12));
		out_addch(out, (char)(0x80 | (code >> 6 & 0x3f)));
		out_addch(out, (char)(0x80 | (code & 0x3f)));
	} else if (code < 0x110000) {
		out_addch(out, (char)(0xf0 | code >> 18));
		out_addch(out, (char)(0x80 | (code >> 12 & 0x3f)));
		out_addch(out, (char)(0x80 | (code >> 6 & 0x3f)));
		out_addch(out, (char)(0x80 | (code & 0x3f)));
	}
}

const char *out_text(struct text_out *out, size_t *ret_len)
{
	out->text[out->len] = '\0';
	*ret_len = out->len;
	return out->text;
}

int decode_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static int base32_digit(char c)
{
	if ((c | 32) >= 'a' && (c | 32) <= 'z')
		return (c | 32) - 'a';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* Digits of `bits` each become bytes; padding ends one text and the next may begin. */
static bool decode_digits(struct text_out *out, const char *text, size_t len, unsigned int bits, int (*digit)(char))
{
	unsigned int held = 0, n = 0;
	bool any = false;

	for (size_t i = 0; i < len; i++) {
		int d = digit(text[i]);

		if (d < 0) {
			if (text[i] == '=')
				held = n = 0;
			else if (!isspace((unsigned char)text[i]) && text[i])
				return any;
			continue;
		}
		any = true;
		held = (held << bits | (unsigned int)d) & 0xffffff;
		n += bits;
		if (n >= 8) {
			n -= 8;
			out_addch(out, (char)(held >> n & 0xff));
		}
	}
	return any;
}

bool decode_base64(struct text_out *out, const char *text, size_t len)
{
	return decode_digits(out, text, len, 6, base64_digit);
}

bool decode_base32(struct text_out *out, const char *text, size_t len)
{
	return decode_digits(out, text, len, 5, base32_digit);
}

bool decode_hex(struct text_out *out, const char *text, size_t len)
{
	int high = -1;
	bool any = false;

	for (size_t i = 0; i < len; i++) {
		int d = decode_hex_digit(text[i]);

		if (i + 1 < len && (text[i + 1] | 32) == 'x' && (text[i] == '0' || text[i] == '\\') && high < 0) {
			i++;
			continue;
		}
		if (d < 0) {
			if (!isspace((unsigned char)text[i]) && !strchr(":,-", text[i]))
				return any;
			continue;
		}
		if (high < 0) {
			high = d;
			continue;
		}
		out_addch(out, (char)(high << 4 | d));
		high = -1;
		any = true;
	}
	return any;
}

bool decode_uu(struct text_out *out, const char *text, size_t len)
{
	const char *end = text + len, *line = text;
	bool body = false;

	while (line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);
		int left = n ? (line[0] - ' ') & 0x3f : 0;

		if (n >= 6 && !memcmp(line, "begin ", 6)) {
			body = true;
		} else if (body && !left) {
			break;
		} else if (body) {
			for (size_t i = 1; i < n && left > 0; i += 4) {
				unsigned int held = 0;

				for (size_t k = 0; k < 4; k++)
					held = held << 6 | (i + k < n ? (unsigned int)((line[i + k] - ' ') & 0x3f) : 0);
				for (int shift = 16; shift >= 0 && left > 0; shift -= 8, left--)
					out_addch(out, (char)(held >> shift & 0xff));
			}
		}
		line = stop ? stop + 1 : end;
	}
	return body;
}

void decode_rot13(struct text_out *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i], low = c | 32;

		out_addch(out, low >= 'a' && low <= 'm' ? c + 13 : low >= 'n' && low <= 'z' ? c - 13 : c);
	}
}

void decode_utf16le(struct text_out *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i + 1 < len; i += 2) {
		unsigned long code = p[i] | (unsigned long)p[i + 1] << 8;

		if (code >= 0xd800 && code < 0xdc00 && i + 3 < len) {
			code = 0x10000 + ((code & 0x3ff) << 10) + ((p[i + 2] | (unsigned long)p[i + 3] << 8) & 0x3ff);
			i += 2;
		}
		out_add_utf8(out, code);
	}
}

void decode_percent(struct text_out *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len && decode_hex_digit(text[i + 1]) >= 0 && decode_hex_digit(text[i + 2]) >= 0) {
			out_addch(out, (char)(decode_hex_digit(text[i + 1]) << 4 | decode_hex_digit(text[i + 2])));
			i += 2;
		} else {
			out_addch(out, text[i]);
		}
	}
}

/* Up to `max` digits of a base from *at on. */
static unsigned long number(const char *text, size_t len, size_t *at, unsigned int max, int base)
{
	unsigned long value = 0;

	for (; max && *at < len; max--, (*at)++) {
		int d = decode_hex_digit(text[*at]);

		if (d < 0 || d >= base)
			break;
		value = value * (unsigned long)base + (unsigned long)d;
	}
	return value;
}

bool decode_escape(struct text_out *out, const char *text, size_t len, size_t *at, bool zero_octal, bool *numeric, bool *stop)
{
	static const char from[] = "abefnrtv\\\"'?E", to[] = "\a\b\033\f\n\r\t\v\\\"'?\033";
	const char *simple;
	char c;

	if (*at >= len || !text[*at])
		return false;
	c = text[*at];
	simple = strchr(from, c);
	if (simple && (c != '?' || !zero_octal)) {
		out_addch(out, to[simple - from]);
		(*at)++;
	} else if (c == 'c') {
		*stop = true;
		(*at)++;
	} else if (c == 'x' && *at + 1 < len && decode_hex_digit(text[*at + 1]) >= 0) {
		(*at)++;
		out_addch(out, (char)number(text, len, at, 2, 16));
		*numeric = true;
	} else if ((c == 'u' || c == 'U') && *at + 1 < len && decode_hex_digit(text[*at + 1]) >= 0) {
		(*at)++;
		out_add_utf8(out, number(text, len, at, c == 'u' ? 4 : 8, 16));
		*numeric = true;
	} else if (c >= '0' && c <= '7') {	/* some want a zero first, bash's %b and others take both */
		*at += zero_octal && c == '0';
		out_addch(out, (char)number(text, len, at, 3, 8));
		*numeric = true;
	} else {
		return false;
	}
	return true;
}

bool decode_is_text(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0; i < len;) {
		unsigned int more = p[i] < 0x80 ? 0 : p[i] >= 0xc2 && p[i] < 0xe0 ? 1 : p[i] >= 0xe0 && p[i] < 0xf0 ? 2 : p[i] >= 0xf0 && p[i] < 0xf5 ? 3 : 9;

		if (more > 3 || i + more >= len + (more == 0))
			return false;
		if (!more && (p[i] < ' ' || p[i] == 0x7f) && !strchr("\a\b\t\n\v\f\r\033", p[i]))
			return false;
		if (!more && !p[i])
			return false;
		for (unsigned int k = 1; k <= more; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		i += more + 1;
	}
	return true;
}
