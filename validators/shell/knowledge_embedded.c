/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_embedded.h"

#include <string.h>

#include "runner/base/mem.h"

#define VALUES_PER_BYTE 32	/* bytes of values that may be made for a byte of code */

static const struct {
	const char *name;
	enum code_language language;
	const char *interpreter;
} languages[] = {
	{ "python", CODE_PYTHON, "python3" }, { "perl", CODE_PERL, "perl" }, { "ruby", CODE_RUBY, "ruby" }, { "node", CODE_NODE, "node" },
	{ "php", CODE_PHP, "php" }, { "lua", CODE_LUA, "lua" }, { "awk", CODE_AWK, "awk" }, { "r", CODE_R, "Rscript" }, { "julia", CODE_JULIA, "julia" },
	{ "groovy", CODE_GROOVY, "groovy" },
};

static void scan_init(struct code_scan *s, struct arena *arena, const char *language, const struct shell_value *code)
{
	*s = (struct code_scan){ .arena = arena, .language = CODE_OTHER, .interpreter = "sh", .text = code->text, .len = code->len, .source = code };
	s->ceiling = arena->bytes + VALUES_PER_BYTE * code->len + ((size_t)1 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(languages); i++) {
		if (strcmp(languages[i].name, language) != 0)
			continue;
		s->language = languages[i].language;
		s->interpreter = languages[i].interpreter;
	}
}

size_t knowledge_embedded_shell(struct arena *arena, const char *language, const struct shell_value *code,
				struct shell_value *ret, size_t max)
{
	struct code_scan *s = arena_alloc(arena, sizeof(*s));

	scan_init(s, arena, language, code);
	s->found = ret;
	s->found_max = max < SHELL_MAX_EMBEDDED ? max : SHELL_MAX_EMBEDDED;
	if (!code_lines(s, language)) {
		code_run(s);
		code_emit_network_shell(s);
	}
	return s->found_len;
}

bool code_printed(struct arena *arena, const char *language, const struct shell_value *code, struct text_out *out, unsigned int *ret_origin)
{
	struct code_scan *s = arena_alloc(arena, sizeof(*s));

	scan_init(s, arena, language, code);
	if (s->language == CODE_OTHER)
		return false;
	s->printed = out;
	code_run(s);
	*ret_origin = s->printed_origin;
	return !s->printed_unknown && !out->cut && s->at >= s->len && out->len;
}
