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

/* Every match holds all of `all`, and all of at least one of the ways. */
struct pattern_needs {
	struct text_marks all;
	const struct text_marks *ways;
	size_t len;		/* at least 1 */
};

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
	for (size_t i = 0; i < n->len; i++)
		if (marks_have(there, &n->ways[i]))
			return true;
	return false;
}
