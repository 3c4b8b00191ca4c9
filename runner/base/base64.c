/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/base64.h"

#include <stdint.h>

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int decode(const char *text, size_t len, struct strbuf *out)
{
	unsigned int digits = 0, padding = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < len; i++) {
		int v = value_of(text[i]);

		if (is_blank(text[i]))
			continue;
		if (text[i] == '=' && digits % 4 >= 2 && digits % 4 + padding < 4) {
			padding++;
			continue;
		}
		if (v < 0 || padding)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		if (digits++ % 4 != 0)
			strbuf_addch(out, (char)(bits >> (6 - 2 * ((digits - 1) % 4))));
	}
	return (digits + padding) % 4 ? -1 : 0;
}

int base64_decode(const char *text, size_t len, struct strbuf *out)
{
	const size_t before = out->len;

	if (decode(text, len, out) == 0)
		return 0;
	out->len = before;
	if (out->alloc)
		out->buf[before] = '\0';
	return -1;
}

void base64_encode(const void *data, size_t len, struct strbuf *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		const size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);

		for (size_t j = 0; j < 4; j++)
			strbuf_addch(out, j <= n ? letters[bits >> (18 - 6 * j) & 63] : '=');
	}
}
