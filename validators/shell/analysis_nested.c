/* SPDX-License-Identifier: Apache-2.0
 * analysis_nested: commands and code that a command runs in turn. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

/* Words of shell text as one value. */
struct shell_value join_words(struct walker *w, const struct shell_value *argv, size_t first, size_t last)
{
	struct capture all = CAPTURE_INIT;
	struct shell_value blank = value_text(" ", 1, 0), v;

	if (first == last)
		return argv[first];
	for (size_t i = first; i <= last; i++) {
		if (!strcmp(argv[i].text, ":::"))	/* of parallel */
			continue;
		if (i > first)
			capture_add(w, &all, &blank);
		capture_add(w, &all, &argv[i]);
	}
	v = capture_value(w, &all);
	v.offset = argv[first].offset;
	v.source_len = argv[first].source_len;
	if (argv[last].offset >= v.offset)
		v.source_len = argv[last].offset + argv[last].source_len - v.offset;
	return v;
}

/* The text that a wrapper hands to a shell: whole words, or a part of one (--command=TEXT). */
struct shell_value wrapped_text(struct walker *w, const struct running *r)
{
	const struct wrapper *wr = &r->wrapper;
	bool whole = wr->first <= wr->last && wr->last < r->cmd.argc;
	struct shell_value v = whole ? join_words(w, r->cmd.argv, wr->first, wr->last) : r->cmd.argv[0];

	if (!wr->text.text)
		return whole ? v : value_text("", 0, 0);
	if (v.len == wr->text.len && !memcmp(v.text, wr->text.text, v.len))
		return v;
	v.text = wr->text.text;
	v.len = wr->text.len;
	v.known = wr->text.known;
	v.origin = wr->text.origin;
	return v;
}

static struct source nested_source(const struct walker *w, const struct shell_value *code, const char *text, size_t len)
{
	struct source s = { .text = text, .text_len = len, .offset = code->offset, .len = code->source_len,
			    .has_nul = memchr(text, '\0', len) != NULL };
	const char *at = NULL;

	if (w->text && code->offset <= w->text_len && code->source_len <= w->text_len - code->offset && len)
		at = memmem(w->text + code->offset, code->source_len, text, len);
	if (at) {
		s.exact = true;
		s.base = (size_t)(at - w->text);
	} else if (!w->text && code->source_len == len) {
		s.exact = true;
		s.base = code->offset;
	}
	return s;
}

void analyse_text(struct walker *w, const struct shell_value *code, unsigned int traits)
{
	struct source source = w->source;
	unsigned int old_traits = w->traits;
	size_t len = code->len;
	struct shell_script script;

	while (len && code->text[len - 1] == '\n')
		len--;
	w->truncated |= w->values_cut && !code->known;
	if (!len || value_is_unknown(code))
		return;
	if (w->depth >= SHELL_MAX_NESTING || w->levels >= LEVELS_MAX) {
		w->truncated = true;
		return;
	}
	if (!affordable(w, len))
		return;
	spend(w, len + code->source_len);
	w->source = nested_source(w, code, code->text, len);
	w->traits |= TRAIT_NESTED | traits | (code->origin & ORIGIN_DECODED ? TRAIT_DECODED : 0);
	w->depth++;
	w->levels += 4;
	script = shell_parse(w->arena, code->text, len);
	walk_list(w, script.body);
	w->levels -= 4;
	w->depth--;
	w->traits = old_traits;
	w->source = source;
}

static void set_environment(struct walker *w, const struct shell_value *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *equals = memchr(words[i].text, '=', words[i].len);
		struct shell_value v = words[i];
		size_t len;

		if (!equals)
			continue;
		len = (size_t)(equals - v.text);
		v.text = equals + 1;
		v.len -= len + 1;
		variable_assign(w, words[i].text, len, v, false);
		variable_export(w, words[i].text, len);
	}
}

static bool same_shell(const char *name)
{
	return !strcmp(name, "eval") || !strcmp(name, "source") || !strcmp(name, ".") || !strcmp(name, "trap");
}

/* A shell of its own, or this one. `first`: the word that becomes $0 there. */
static void analyse_in_shell(struct walker *w, const struct running *r, const struct shell_value *code, size_t first)
{
	const struct call *c = r->call;
	struct frame frame = { .outer = w->frame, .name = r->path, .conditional = w->conditional, .spawning = w->spawning };
	struct snapshot s;

	if (same_shell(r->cmd.name)) {
		set_environment(w, c->assignments, c->assignments_len);
		analyse_text(w, code, r->wrapper.traits);
		return;
	}
	if (r->runs_again)
		return;
	s = scope_enter(w);
	w->frame = r->path ? &frame : w->frame;
	set_environment(w, c->assignments, c->assignments_len);
	if (r->wraps && r->wrapper.kind == WRAPPER_SHELL_INPUT)
		w->fds[0] = NULL;	/* it was read as the script */
	w->process++;
	w->args_known = true;
	w->args = c->argv + (first < c->argc ? first : c->argc);
	w->args_len = first < c->argc ? c->argc - first : 0;
	if (r->wraps && r->wrapper.arguments_len) {
		w->args = r->wrapper.arguments;
		w->args_len = r->wrapper.arguments_len;
	}
	analyse_text(w, code, r->wrapper.traits);
	w->frame = frame.outer;
	scope_leave(w, &s);
}

/* An alias is text in front of the words. */
bool run_alias(struct walker *w, const struct running *r)
{
	autostrbuf struct strbuf name = STRBUF_INIT(1024);
	const struct shell_command *c = &r->cmd;
	struct capture all = CAPTURE_INIT;
	struct shell_value blank = value_text(" ", 1, 0), code;
	struct variable *v;

	strbuf_addf(&name, "alias %s", c->name);
	v = variable_find(w, name.buf, name.len);
	if (!v || memchr(c->argv[0].text, '/', c->argv[0].len))
		return false;
	emit(w, c);
	for (size_t i = 0; i < c->argc; i++) {
		capture_add(w, &all, i ? &c->argv[i] : &v->now.values[v->now.len - 1]);
		capture_add(w, &all, &blank);
	}
	code = capture_value(w, &all);
	w->aliases = false;	/* its first word is no alias again */
	analyse_text(w, &code, 0);
	w->aliases = true;
	return true;
}

/* sudo, env, nohup … : the rest of the words is a command. */
static void run_inner(struct walker *w, const struct running *r)
{
	const struct wrapper *wr = &r->wrapper;
	struct call inner = *r->call;
	struct snapshot s = scope_enter(w);
	unsigned int traits = w->traits;

	if (!wr->argc || !wr->argv)
		goto out;
	set_environment(w, wr->environment, wr->environment_len);
	set_environment(w, r->call->assignments, r->call->assignments_len);
	w->traits |= wr->traits | (wr->appends_input ? TRAIT_NESTED : 0);
	if (wr->changes_root)
		w->cwd = !strcmp(r->cmd.name, "chroot") ? "/" : wr->changes_root;
	inner.effects = NULL;
	for (size_t i = 0; i < r->call->effects_len; i++) {	/* the array grows in place: each command has its own */
		inner.effects = arena_append(w->arena, inner.effects, i, sizeof(*inner.effects));
		inner.effects[i] = r->call->effects[i];
	}
	inner.odd = r->call->odd && wr->argv == r->cmd.argv + wr->first ? r->call->odd + wr->first : NULL;
	inner.argv = wr->argv;
	inner.argc = wr->argc;
	if (wr->appends_input)
		run_appended(w, r, &inner);
	else
		run_call(w, &inner);
out:
	w->traits = traits;
	scope_leave(w, &s);
}

/* bash -s -- x y: the first word that is no option. */
static size_t first_operand(const struct shell_command *c)
{
	size_t i = 1;

	while (i < c->argc && c->argv[i].text[0] == '-')
		if (!strcmp(c->argv[i++].text, "--"))
			break;
	return i;
}

/* True: what it prints was taken from what runs inside. */
bool run_wrapped(struct walker *w, struct running *r)
{
	bool followed = false;

	for (size_t n = 0; r->wraps; n++) {
		struct shell_value code = r->cmd.code;

		switch (r->wrapper.kind) {
		case WRAPPER_ARGV:
			run_inner(w, r);
			followed = true;
			break;
		case WRAPPER_SHELL_TEXT:
			if (n)
				code = wrapped_text(w, r);
			analyse_in_shell(w, r, &code, r->wrapper.last + 1);
			followed |= code.len && !value_is_unknown(&code);
			break;
		case WRAPPER_SHELL_INPUT:
		case WRAPPER_SHELL_FILE:
			if (r->wrapper.kind == WRAPPER_SHELL_FILE)
				analyse_in_shell(w, r, &code, r->wrapper.first);
			else
				analyse_in_shell(w, r, &code, first_operand(&r->cmd) - 1);
			followed |= code.len && !value_is_unknown(&code);
			break;
		case WRAPPER_NONE:
			break;
		}
		spend(w, r->cmd.argc);		/* it looks through all words again */
		if (n && !affordable(w, r->cmd.argc))
			break;
		r->wraps = knowledge_wrapper_by(w->arena, r->known.wrapper, r->cmd.argv, r->cmd.argc, n + 1, &r->wrapper);
	}
	return followed;
}

void run_embedded(struct walker *w, const struct running *r)
{
	struct shell_value texts[SHELL_MAX_EMBEDDED];
	struct snapshot s;
	size_t n;

	if (!r->interpreter.language || !r->cmd.code.len || value_is_unknown(&r->cmd.code))
		return;
	if (!affordable(w, r->cmd.code.len / 16))
		return;
	spend(w, r->cmd.code.len);
	n = knowledge_embedded_shell(w->arena, r->interpreter.language, &r->cmd.code, texts, SHELL_MAX_EMBEDDED);
	s = scope_enter(w);
	w->process++;
	for (size_t i = 0; i < n; i++)
		analyse_text(w, &texts[i], TRAIT_INTERPRETER);
	scope_leave(w, &s);
}

/* ./script that this text wrote: a shell script unless its first line says otherwise. */
bool run_script_file(struct walker *w, struct running *r)
{
	const struct shell_value *code = &r->cmd.code;
	const char *end = memchr(code->text, '\n', code->len);
	size_t len = end ? (size_t)(end - code->text) : code->len;
	static const char *const others[] = { "python", "perl", "ruby", "node", "php", "awk", "lua" };

	if (!r->runs_file || r->interpreter.language || !code->len || code->text[0] == '\x7f')
		return false;
	if (len > 2 && code->text[0] == '#' && code->text[1] == '!') {
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			if (!memmem(code->text, len, others[i], strlen(others[i])))
				continue;
			r->interpreter.language = others[i];
			run_embedded(w, r);
			return false;
		}
	}
	analyse_in_shell(w, r, code, 0);
	return !value_is_unknown(code);
}
