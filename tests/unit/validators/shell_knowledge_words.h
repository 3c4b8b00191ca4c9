/* SPDX-License-Identifier: Apache-2.0
 * Command lines for the tests of knowledge.h: words at blanks, '…' holds a word together, a word that begins with ? is not known. */
#pragma once

#include <string.h>

#include "runner/base/arena.h"
#include "validators/shell/knowledge.h"

#define TEST_MAX_WORDS 64

static inline struct shell_value test_value(struct arena *arena, const char *text, size_t len, unsigned int origin)
{
	bool unknown = len && text[0] == '?';

	return (struct shell_value){ .text = arena_strndup(arena, text + unknown, len - unknown), .len = len - unknown, .known = !unknown, .origin = origin };
}

static inline size_t test_words(struct arena *arena, const char *line, struct shell_value *argv)
{
	size_t argc = 0;

	while (*line && argc < TEST_MAX_WORDS) {
		char word[4096];
		size_t len = 0;
		bool quoted = false, any = false;

		line += strspn(line, " ");
		for (; *line && (quoted || *line != ' ') && len < sizeof(word); line++) {
			any = true;
			if (*line == '\'')
				quoted = !quoted;
			else
				word[len++] = *line;
		}
		if (any)
			argv[argc++] = test_value(arena, word, len, ORIGIN_LITERAL);
	}
	return argc;
}
