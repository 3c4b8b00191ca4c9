/* SPDX-License-Identifier: Apache-2.0
 * shell_knowledge: what is known of programs holds for any words. The first byte chooses: 'e' code of the language in the first line; anything else
 * a command line, a word a line, standard input behind an empty line. Every answer is NUL-terminated, bounded and points into what was given. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validators/shell/knowledge.h"

#define MAX_WORDS 256

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_value(const struct shell_value *v, size_t max)
{
	check(v->text && v->len <= max && v->text[v->len] == '\0');
}

static void check_wrappers(struct arena *arena, const struct shell_value *argv, size_t argc, size_t size)
{
	struct wrapper w;

	for (size_t n = 0; knowledge_wrapper(arena, argv, argc, n, &w); n++) {
		check(n < 64 && w.kind != WRAPPER_NONE && w.first <= w.last && w.last < argc);
		if (w.kind == WRAPPER_ARGV)
			check(w.argc && w.argv);
		for (size_t i = 0; w.kind == WRAPPER_ARGV && i < w.argc; i++)
			check_value(&w.argv[i], size);
		if (w.kind == WRAPPER_SHELL_TEXT)
			check_value(&w.text, SHELL_MAX_VALUE + size);
		check(w.environment_len <= argc && w.arguments_len <= argc);
		for (size_t i = 0; i < w.environment_len; i++)
			check(memchr(w.environment[i].text, '=', w.environment[i].len));
		for (size_t i = 0; i < w.arguments_len; i++)
			check_value(&w.arguments[i], size);
	}
}

static void check_code(struct arena *arena, const char *language, const struct shell_value *code)
{
	struct shell_value found[SHELL_MAX_EMBEDDED];
	size_t n = knowledge_embedded_shell(arena, language, code, found, SHELL_MAX_EMBEDDED);

	check(n <= SHELL_MAX_EMBEDDED);
	for (size_t i = 0; i < n; i++) {
		check_value(&found[i], SHELL_MAX_VALUE + 256);
		check(found[i].len > 0);
	}
}

static void check_command(struct arena *arena, const struct shell_value *argv, size_t argc, const struct shell_value *input, size_t size)
{
	struct shell_value printed;
	struct interpreter it;

	check_wrappers(arena, argv, argc, size);
	if (knowledge_output(arena, argv, argc, input, &printed))
		check_value(&printed, SHELL_MAX_VALUE + size);
	if (knowledge_interpreter(arena, argv, argc, input, &it)) {
		check(it.language && it.file < argc && !(it.file && it.code.len));
		check_value(&it.code, SHELL_MAX_VALUE + size);
		check_code(arena, it.language, &it.code);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value argv[MAX_WORDS], input = { .text = "" };
	const char *at = (const char *)data, *end = at + size;
	bool code = size && *at == 'e', has_input = false;
	size_t argc = 0;

	at += size > 0;
	while (at < end && argc < MAX_WORDS && !has_input) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((stop ? stop : end) - at);
		bool unknown = len && at[0] == '\1';

		argv[argc++] = (struct shell_value){ .text = arena_strndup(&arena, at, len), .len = len, .known = !unknown, .origin = ORIGIN_LITERAL };
		at += len + (stop != NULL);
		has_input = (at < end && *at == '\n') || code;
		if (has_input)
			input = (struct shell_value){ .text = arena_strndup(&arena, at + !code, (size_t)(end - at) - !code), .known = true,
						      .len = (size_t)(end - at) - !code, .origin = ORIGIN_FILE };
	}
	if (code && argc)
		check_code(&arena, argv[0].text, &input);
	else if (argc)
		check_command(&arena, argv, argc, has_input ? &input : NULL, size);
	return 0;
}
