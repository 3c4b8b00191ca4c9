/* SPDX-License-Identifier: Apache-2.0
 * Wrappers that are shells, or that hand text to one: sh, su, source, trap, alias, at, flock. */
#include <string.h>
#include <strings.h>

#include "validators/shell/knowledge_wrapper.h"

static bool is_stdin_path(const struct shell_value *v)
{
	return value_is(v, "/dev/stdin") || value_is(v, "/dev/fd/0") || value_is(v, "/proc/self/fd/0") || value_is(v, "-");
}

static bool emit_shell(struct wrapper_call *c, enum wrapper_kind kind, size_t first, size_t arguments, unsigned int traits)
{
	struct wrapper w = { .kind = kind, .first = first, .last = first, .traits = traits };

	if (kind == WRAPPER_SHELL_TEXT)
		w.text = c->argv[first];
	if (arguments < c->argc) {
		w.arguments = c->argv + arguments;
		w.arguments_len = c->argc - arguments;
	}
	return wrapper_emit(c, &w);
}

/* sh [options] [-c TEXT [$0 $1 …] | FILE [$1 …] | -s [$1 …]] */
bool wrapper_shell(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	struct option_walk walk = { .spec = &p->options, .argv = c->argv, .argc = c->argc, .next = start };
	bool text = false, input = false, reads_only = false;
	struct option o;

	while (option_next(&walk, &o) && !o.operand) {
		if (option_in(&o, NULL, "command")) {	/* fish --command=TEXT */
			if (o.has_value && wrapper_emit_text(c, &o.value, o.value_index ? o.value_index : o.index,
							     o.value_index ? o.value_index : o.index, 0))
				return true;
			return false;
		}
		if (option_in(&o, NULL, "version help dump-strings dump-po-strings"))
			return false;
		if (o.letter == 'c' && p->options.values && strchr(p->options.values, 'c')) {
			size_t at = o.value_index ? o.value_index : o.index;

			return o.has_value && wrapper_emit_text(c, &o.value, at, at, 0);
		}
		text |= o.letter == 'c' && c->argv[o.index].text[0] == '-';
		input |= o.letter == 's';
		if (o.letter == 'n')		/* noexec: the text is only checked */
			reads_only = c->argv[o.index].text[0] == '-';
	}
	if (reads_only)
		return false;
	if (!o.operand)
		return !text && emit_shell(c, WRAPPER_SHELL_INPUT, c->argc - 1, c->argc, 0);
	if (text && value_is(&o.value, "-")) {		/* sh -c - TEXT */
		if (o.index + 1 >= c->argc)
			return false;
		o.index++;
	}
	if (text)
		return emit_shell(c, WRAPPER_SHELL_TEXT, o.index, o.index + 1, 0);
	if (input)
		return emit_shell(c, WRAPPER_SHELL_INPUT, o.index, o.index - 1, 0);
	if (is_stdin_path(&o.value)) {
		/* "sh - FILE": the dash only ends the options */
		if (value_is(&o.value, "-") && o.index + 1 < c->argc)
			return emit_shell(c, WRAPPER_SHELL_FILE, o.index + 1, o.index + 1, 0);
		return emit_shell(c, WRAPPER_SHELL_INPUT, o.index, o.index, 0);
	}
	return emit_shell(c, WRAPPER_SHELL_FILE, o.index, o.index, 0);
}

/* su [options] [-] [USER [arguments of its shell]]; runuser -u USER COMMAND */
bool wrapper_su(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	static const struct option_spec spec = { .values = "csgGwTu", .long_values = "command session-command shell group supp-group whitelist-environment user" };
	struct option_walk walk = { .spec = &spec, .argv = c->argv, .argc = c->argc, .next = start };
	size_t operands = 0, file = 0;
	bool by_option = false;
	struct option o;

	while (option_next(&walk, &o)) {
		if (o.operand && by_option)
			return wrapper_emit_words(c, o.index, c->argc - 1, p->traits);
		if (o.operand && !value_is(&o.value, "-") && operands++ == 1)
			file = o.index;
		if (option_in(&o, NULL, "help version"))
			return false;
		by_option |= p->options.values && option_is(&o, 'u', "user");
		if (o.has_value && (option_is(&o, 'c', "command") || option_is(&o, 0, "session-command"))) {
			size_t at = o.value_index ? o.value_index : o.index;

			return wrapper_emit_text(c, &o.value, at, at, p->traits);
		}
		/* su root -- -c TEXT: arguments of the shell */
		if (o.operand && walk.ended && value_is(&o.value, "-c") && walk.next < c->argc)
			return wrapper_emit_text(c, NULL, walk.next, walk.next, p->traits);
	}
	if (file)
		return emit_shell(c, WRAPPER_SHELL_FILE, file, file, p->traits);
	return emit_shell(c, WRAPPER_SHELL_INPUT, c->argc - 1, c->argc, p->traits);
}

bool wrapper_source(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	(void)p;
	if (start < c->argc && value_is(&c->argv[start], "--"))
		start++;
	if (start >= c->argc)
		return false;
	return emit_shell(c, is_stdin_path(&c->argv[start]) ? WRAPPER_SHELL_INPUT : WRAPPER_SHELL_FILE, start, start, 0);
}

/* trap TEXT SIGNAL…; "-", "" and a lone signal take a trap away */
bool wrapper_trap(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	(void)p;
	if (start < c->argc && value_is(&c->argv[start], "--"))
		start++;
	if (start + 1 >= c->argc || !c->argv[start].len || c->argv[start].text[0] == '-')
		return false;
	return wrapper_emit_text(c, NULL, start, start, 0);
}

bool wrapper_alias(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	(void)p;
	for (size_t i = start; i < c->argc; i++) {
		const struct shell_value *word = &c->argv[i];
		const char *equals = memchr(word->text, '=', word->len);
		struct shell_value text;

		if (!equals || equals == word->text)
			continue;
		text = value_slice(c->arena, word, (size_t)(equals + 1 - word->text), word->len - (size_t)(equals + 1 - word->text));
		if (wrapper_emit_text(c, &text, i, i, 0))
			return true;
	}
	return false;
}

/* at [-f FILE] TIME: the text is standard input */
bool wrapper_at(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	static const struct option_spec spec = { .values = "qft" };
	struct option_walk walk = { .spec = &spec, .argv = c->argv, .argc = c->argc, .next = start };
	struct option o;

	(void)p;
	while (option_next(&walk, &o)) {
		if (option_in(&o, "lrdcV", NULL))
			return false;
		if (o.letter == 'f' && o.value_index)
			return emit_shell(c, WRAPPER_SHELL_FILE, o.value_index, c->argc, 0);
	}
	return emit_shell(c, WRAPPER_SHELL_INPUT, c->argc - 1, c->argc, 0);
}

/* flock [options] FILE COMMAND…, flock [options] FILE -c TEXT, flock FD */
bool wrapper_flock(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	static const struct option_spec spec = { .values = "wEc", .long_values = "wait timeout conflict-exit-code command" };
	struct option_walk walk = { .spec = &spec, .argv = c->argv, .argc = c->argc, .next = start };
	size_t operands = 0;
	struct option o;

	(void)p;
	while (option_next(&walk, &o)) {
		if (o.operand && ++operands > 1)
			return wrapper_emit_words(c, o.index, c->argc - 1, 0);
		if (option_is(&o, 'c', "command") && o.has_value) {
			size_t at = o.value_index ? o.value_index : o.index;

			return wrapper_emit_text(c, &o.value, at, at, 0);
		}
	}
	return false;
}
