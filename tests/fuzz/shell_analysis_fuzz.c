/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis: whatever the text, the outcome is well-formed: places lie in the text, texts end in a NUL, commands read
 * from commands before them, and there is no more of it than a constant for each byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/strbuf.h"
#include "validators/shell/analysis.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_value(const struct shell_value *v, size_t len)
{
	check(v->text && v->text[v->len] == '\0');
	check(v->offset <= len && v->source_len <= len - v->offset);
}

static void check_command(const struct shell_command *c, size_t index, size_t len)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);

	check(c->name && (!c->argc || c->argv) && c->depth <= SHELL_MAX_NESTING);
	check(c->offset <= len && c->source_len <= len - c->offset);
	check(c->input_from == SHELL_NO_COMMAND || c->input_from < index);
	for (size_t i = 0; i < c->argc; i++)
		check_value(&c->argv[i], len);
	for (size_t i = 0; i < c->assignments_len; i++)
		check_value(&c->assignments[i], len);
	for (size_t i = 0; i < c->effects_len; i++)
		check_value(&c->effects[i].path, len);
	check_value(&c->input, len);
	check_value(&c->code, len);
	shell_command_text(c, &line);
	check(!(c->traits & TRAIT_UNKNOWN_NAME) || (c->argc && !c->name[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;
	char *text = malloc(size + 1);	/* of exactly this size, so that reading past it shows */

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	shell_analyse(&arena, text, size, &got);
	check(got.len <= SHELL_MAX_COMMANDS && got.len <= 64 * size + 20000);
	check(arena.bytes <= 16000 * size + ((size_t)64 << 20));
	for (size_t i = 0; i < got.len; i++)
		check_command(&got.commands[i], i, size);
	free(text);
	return 0;
}
