/* SPDX-License-Identifier: Apache-2.0
 * scan_required: what a text must hold for a pattern to have a chance. A set of characters is a word of bits:
 * letters whatever their case, digits as one, each mark of ASCII. Patterns whose characters do not all stand in a
 * text need not be tried on it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bit of a byte; 0 for blanks, control characters and what is beyond ASCII. */
extern const uint64_t character_bits[256];

/* Characters that every match of a Perl-compatible pattern holds; fewer than it could tell, never one too many. 0
 * for what is not understood. */
uint64_t required_characters(const char *pattern);

/* The same for patterns that are alternatives: every match holds all of at least one of the sets. */
#define CHARACTER_NEEDS_MAX 16
struct character_needs {
	size_t len;		/* at least 1 */
	uint64_t sets[CHARACTER_NEEDS_MAX];
};
struct character_needs required_ways(const char *pattern);

static inline bool has_needs(const struct character_needs *n, uint64_t there)
{
	for (size_t i = 0; i < n->len; i++)
		if ((there & n->sets[i]) == n->sets[i])
			return true;
	return false;
}

static inline uint64_t characters_of(const char *text, size_t len)
{
	uint64_t set = 0;

	for (size_t i = 0; i < len; i++)
		set |= character_bits[(unsigned char)text[i]];
	return set;
}
