/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/analysis.h"

#include <string.h>

#include "validators/shell/analysis_steps.h"

struct bit_name {
	const char *name;
	unsigned int bit;
};

static const struct bit_name origins[] = {
	{ "network", ORIGIN_NETWORK_EXTERNAL }, { "network-own", ORIGIN_NETWORK_OWN },
	{ "decoded", ORIGIN_DECODED }, { "secret", ORIGIN_SECRET }, { "environment", ORIGIN_ENVIRONMENT },
	{ "file", ORIGIN_FILE }, { "command", ORIGIN_COMMAND }, { "input", ORIGIN_INPUT },
	{ "assembled", ORIGIN_ASSEMBLED }, { "literal", ORIGIN_LITERAL },
};

static const struct bit_name traits[] = {
	{ "background", TRAIT_BACKGROUND }, { "loop", TRAIT_LOOP }, { "endless", TRAIT_ENDLESS },
	{ "fork-bomb", TRAIT_FORK_BOMB }, { "nested", TRAIT_NESTED }, { "decoded", TRAIT_DECODED },
	{ "obfuscated", TRAIT_OBFUSCATED }, { "unknown-name", TRAIT_UNKNOWN_NAME }, { "function", TRAIT_FUNCTION },
	{ "negated", TRAIT_NEGATED }, { "test", TRAIT_TEST }, { "remote", TRAIT_REMOTE },
	{ "interpreter", TRAIT_INTERPRETER }, { "dry", TRAIT_DRY }, { "privileged", TRAIT_PRIVILEGED },
};

static unsigned int bit_of(const struct bit_name *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i].name, name))
			return names[i].bit;
	return 0;
}

unsigned int shell_origin_from_name(const char *name)
{
	return bit_of(origins, ARRAY_SIZE(origins), name);
}

unsigned int shell_trait_from_name(const char *name)
{
	return bit_of(traits, ARRAY_SIZE(traits), name);
}

void shell_command_text(const struct shell_command *c, struct strbuf *out)
{
	const struct shell_value *words = c->argc ? c->argv : c->assignments;
	size_t n = c->argc ? c->argc : c->assignments_len;

	for (size_t i = 0; i < n; i++) {
		strbuf_addstr(out, i ? " " : "");
		strbuf_add(out, words[i].text, words[i].len);
	}
}

/* What nobody calls is looked at once too: it may be called by what we cannot see. */
static void walk_uncalled(struct walker *w)
{
	struct function *f;

	while ((f = w->newest)) {
		w->newest = f->older;
		if (f->called)
			continue;
		w->traits = f->traits | TRAIT_FUNCTION;
		w->args_known = false;
		walk_function_body(w, f);
	}
}

static void finish(const struct walker *w, struct shell_analysis *ret)
{
	ret->commands = w->commands;
	ret->len = w->len;
	ret->truncated = w->truncated;
	ret->values_cut = w->values_cut;
}

void shell_analyse(struct arena *arena, const char *text, size_t len, struct shell_analysis *ret)
{
	struct walker w = { .arena = arena, .text = text, .text_len = len, .balance = WORK_FLOOR };
	struct shell_script script = shell_parse(arena, text, len);

	*ret = (struct shell_analysis){ .problems = script.problems, .problems_len = script.problems_len };
	w.source = (struct source){ .text = text, .text_len = len, .exact = true, .has_nul = len && memchr(text, '\0', len) };
	walk_list(&w, script.body);
	walk_uncalled(&w);
	finish(&w, ret);
	for (size_t i = 0; i < script.problems_len; i++)
		ret->truncated |= script.problems[i].kind == SHELL_TOO_DEEP || script.problems[i].kind == SHELL_TOO_LARGE;
}

void shell_analyse_argv(struct arena *arena, const struct shell_value *argv, size_t argc, struct shell_analysis *ret)
{
	struct walker w = { .arena = arena, .balance = WORK_FLOOR };
	struct call c = { .argv = argv, .argc = argc };

	*ret = (struct shell_analysis){ .commands = NULL };
	if (!argc)
		return;
	w.source.offset = argv[0].offset;
	w.source.len = argv[0].source_len;
	if (argv[argc - 1].offset >= argv[0].offset)
		w.source.len = argv[argc - 1].offset + argv[argc - 1].source_len - argv[0].offset;
	for (size_t i = 0; i < argc; i++)
		w.balance += (int64_t)argv[i].len * WORK_PER_BYTE;
	run_call(&w, &c);
	walk_uncalled(&w);
	finish(&w, ret);
}
