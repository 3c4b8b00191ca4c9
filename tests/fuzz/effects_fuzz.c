/* SPDX-License-Identifier: Apache-2.0
 * effects: a command, one word a line, in whatever folder the first line says. Every path is normalised, terminated and no larger than its
 * words and the folder make it; files that a command makes are among those that it writes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validators/shell/knowledge.h"

#define WORDS 200
#define MADE 8

static void check(bool holds)
{
	if (!holds)
		abort();
}

static size_t split(struct arena *arena, const char *text, size_t size, struct shell_value *argv)
{
	size_t n = 0;

	for (size_t i = 0; i < size && n < WORDS; n++) {
		const char *end = memchr(text + i, '\n', size - i);
		size_t len = end ? (size_t)(end - text) - i : size - i;

		argv[n] = (struct shell_value){ .text = arena_strndup(arena, text + i, len), .len = len, .known = true, .offset = i, .source_len = len };
		i += len + 1;
	}
	return n;
}

static void check_path(struct arena *arena, const struct shell_value *path, size_t size)
{
	size_t len;
	const char *again = knowledge_path(arena, NULL, path->text, path->len, &len);

	check(path->len > 0 && path->text[path->len] == 0);
	check(path->offset <= size);
	check(len <= path->len + 8 && again[len] == 0);
	knowledge_file_origin(path->text, path->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value words[WORDS], *argv = words + 1;
	struct shell_effect *effects = NULL;
	struct made_file made[MADE];
	size_t n = split(&arena, (const char *)data, size, words), len = 0;

	if (n < 2)
		return 0;
	const char *cwd = words[0].len ? words[0].text : NULL;

	knowledge_effects(&arena, argv, n - 1, cwd, &effects, &len);
	for (size_t i = 0; i < len; i++) {
		check(effects[i].access <= ACCESS_LINK);
		check_path(&arena, &effects[i].path, size);
	}
	size_t files = knowledge_made_files(&arena, argv, n - 1, cwd, made, MADE);

	check(files <= MADE);
	for (size_t i = 0; i < files; i++)
		check_path(&arena, &made[i].path, size);
	knowledge_is_dry(&arena, argv, n - 1);
	for (size_t i = 0; i < n; i++) {
		char *exact = malloc(words[i].len ? words[i].len : 1);	/* no NUL behind it: reading past the end is seen */
		size_t folded;
		bool changed;

		check(exact != NULL);
		memcpy(exact, words[i].text, words[i].len);
		knowledge_fold(&arena, exact, words[i].len, &folded, &changed);
		check(folded <= words[i].len);
		free(exact);
		exact = calloc(1, words[i].len + 1);	/* and here past the one NUL */
		check(exact != NULL);
		memcpy(exact, words[i].text, words[i].len);
		knowledge_path(&arena, cwd, exact, words[i].len, &folded);
		knowledge_file_origin(exact, words[i].len);
		knowledge_variable_origin(words[i].text);
		free(exact);
	}
	return 0;
}
