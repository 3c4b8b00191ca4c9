/* SPDX-License-Identifier: Apache-2.0
 * host, private: what the two halves share, host.c (whose is a host) and host_text.c (where is one). */
#pragma once

#include "runner/base/host.h"

/* An address in any spelling; IPv6 without brackets, a zone may follow. */
bool host_read_address4(const char *s, size_t len, uint32_t *ret);
bool host_read_address6(const char *s, size_t len, unsigned char ret[16]);

/* Length of the part that cannot be known at `s`: "${NAME}", "$(…)", "$NAME", "{{…}}", "`…`"; 0: none begins there. */
size_t host_unknown_len(const char *s, size_t len);
/* Where what is known of the end of a host begins: 0 when all of it is, len when nothing is. */
size_t host_known_tail(const char *host, size_t len);

/* ---- letters; ctype.h depends on the locale */
static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool is_name_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

static inline char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static inline int hex_value(char c)
{
	return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static inline bool is_numeric(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_digit(s[i]))
			return false;
	return len > 0;
}
