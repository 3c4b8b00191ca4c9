/* SPDX-License-Identifier: Apache-2.0
 * scan_required: what a text must hold for a pattern to have a chance. Of a text two words of bits are kept: which characters
 * stand in it (letters whatever their case, digits as one, each mark of ASCII), and which of them stand side by side (by a
 * hash). A pattern whose characters and pairs do not all stand in a text need not be tried on it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/arena.h"

struct text_marks {
	uint64_t characters, pairs;
};

struct text_way {
	struct text_marks marks;
	bool last;		/* of those with its pivot */
};

/* Every match holds all of `all`, and all of at least one of the ways. Each way waits under its pivot, the rarest of its characters, so
 * that a text is compared with few of them. */
struct pattern_needs {
	struct text_marks all;
	uint64_t pivots;	/* 0: one of the ways needs nothing */
	uint32_t ways;		/* how many bytes behind this they stand: there is no address in it, see rules_tables.h */
	uint32_t len;		/* of them: at least 1, at most 255 */
	unsigned char first[64];	/* by pivot: the first way */
};

static inline const struct text_way *pattern_ways(const struct pattern_needs *n)
{
	return (const struct text_way *)(const void *)((const char *)n + n->ways);
}

/* What is known of a Perl-compatible pattern; less than it could tell, never too much. Lives in the arena. */
const struct pattern_needs *pattern_needs(struct arena *arena, const char *pattern);

struct text_marks text_marks(const char *text, size_t len);
/* "-" and a letter, side by side. */
struct text_marks text_marks_of_option(char letter);

static inline bool marks_have(const struct text_marks *there, const struct text_marks *wanted)
{
	return !((wanted->characters & ~there->characters) | (wanted->pairs & ~there->pairs));
}

static inline void marks_add(struct text_marks *to, struct text_marks more)
{
	to->characters |= more.characters;
	to->pairs |= more.pairs;
}

static inline bool needs_are_met(const struct pattern_needs *n, const struct text_marks *there)
{
	if (!marks_have(there, &n->all))
		return false;
	if (!n->pivots)
		return true;
	for (uint64_t bits = n->pivots & there->characters; bits; bits &= bits - 1)
		for (const struct text_way *way = &pattern_ways(n)[n->first[__builtin_ctzll(bits)]];; way++) {
			if (marks_have(there, &way->marks))
				return true;
			if (way->last)
				break;
		}
	return false;
}
