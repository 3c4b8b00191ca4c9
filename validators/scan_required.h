/* SPDX-License-Identifier: Apache-2.0
 * scan_required: what a text must hold for a pattern to have a chance. A set of characters is a word of bits:
 * letters whatever their case, digits as one, each mark of ASCII. Patterns whose characters do not all stand in a
 * text need not be tried on it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The bit of a byte; 0 for blanks, control characters and what is beyond ASCII. */
extern const uint64_t character_bits[256];

/* Characters that every match of a Perl-compatible pattern holds; fewer than it could tell, never one too many. 0
 * for what is not understood. */
uint64_t required_characters(const char *pattern);

static inline uint64_t characters_of(const char *text, size_t len)
{
	uint64_t set = 0;

	for (size_t i = 0; i < len; i++)
		set |= character_bits[(unsigned char)text[i]];
	return set;
}
