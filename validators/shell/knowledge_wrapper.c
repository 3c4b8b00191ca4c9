/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge_wrapper.h"

#include <ctype.h>
#include <string.h>

#define MAX_COMMANDS 64		/* of one wrapper: each is searched for from the front */

bool wrapper_emit(struct wrapper_call *c, const struct wrapper *w)
{
	if (c->wanted) {
		c->wanted--;
		return false;
	}
	*c->ret = *w;
	c->ret->traits |= c->traits;
	return true;
}

bool wrapper_emit_text(struct wrapper_call *c, const struct shell_value *text, size_t first, size_t last, unsigned int traits)
{
	struct wrapper w = { .kind = WRAPPER_SHELL_TEXT, .first = first, .last = last, .traits = traits };

	w.text = text ? *text : value_join(c->arena, c->argv, first, last);
	return wrapper_emit(c, &w);
}

bool wrapper_emit_words(struct wrapper_call *c, size_t first, size_t last, unsigned int traits)
{
	struct wrapper w = { .kind = WRAPPER_ARGV, .first = first, .last = last, .traits = traits,
			     .argv = c->argv + first, .argc = last - first + 1 };

	return wrapper_emit(c, &w);
}

/* What reading the options of one row gave. */
struct reading {
	struct wrapper w;
	struct shell_value program;	/* of --entrypoint */
	struct shell_value *environment;
	bool has_program, shell, nothing;
	bool done;			/* what was asked for came out of an option */
};

static bool is_assignment(const struct shell_value *v)
{
	size_t n = 0;

	while (n < v->len && (v->text[n] == '_' || isalnum((unsigned char)v->text[n])))
		n++;
	return n && n < v->len && v->text[n] == '=' && !isdigit((unsigned char)v->text[0]);
}

static void read_option(struct wrapper_call *c, const struct wrapper_program *p, const struct option *o, struct reading *r)
{
	r->nothing |= option_in(o, p->nothing_letters, p->nothing_names);
	r->shell |= option_in(o, p->shell_letters, p->shell_names);
	if (option_in(o, p->placeholder_letters, p->placeholder_names))
		r->w.placeholder = o->has_value && o->value.len ? o->value.text : "{}";
	if (!o->has_value)
		return;
	if (option_in(o, p->root_letters, p->root_names))
		r->w.changes_root = o->value.text;
	if (option_in(o, NULL, p->program_names)) {
		r->has_program = true;
		r->program = o->value;
	}
	if (option_in(o, p->text_letters, p->text_names)) {
		size_t first = o->value_index ? o->value_index : o->index;
		size_t last = p->text_and_words ? c->argc - 1 : first;
		struct shell_value text = o->value;

		if (last > first) {
			struct shell_value *words = arena_alloc(c->arena, (last - first + 1) * sizeof(*words));

			memcpy(words, c->argv + first, (last - first + 1) * sizeof(*words));
			words[0] = o->value;
			text = value_join(c->arena, words, 0, last - first);
		}
		r->done |= wrapper_emit_text(c, &text, first, last, p->traits);
		r->shell = false;
		r->nothing = true;	/* the text is the command */
	}
}

/* The index of the first word of the command; argc: there is none. */
static size_t read_front(struct wrapper_call *c, const struct wrapper_program *p, size_t start, struct reading *r)
{
	struct option_walk walk = { .spec = &p->options, .argv = c->argv, .argc = c->argc, .next = start };
	unsigned int operands = p->operands;
	struct option o;

	while (!r->done && option_next(&walk, &o)) {
		if (!o.operand) {
			read_option(c, p, &o, r);
			continue;
		}
		if (p->assignments && is_assignment(&o.value)) {
			r->environment = arena_append(c->arena, r->environment, r->w.environment_len, sizeof(*r->environment));
			r->environment[r->w.environment_len++] = o.value;
			continue;
		}
		if (p->assignments && value_is(&o.value, "-"))	/* env - */
			continue;
		if (!operands)
			return o.index;
		operands--;
		if (p->root_operand && !r->w.changes_root)
			r->w.changes_root = o.value.text;
		if (operands || p->late_options)
			continue;
		return walk.next < c->argc && value_is(&c->argv[walk.next], "--") ? walk.next + 1 : walk.next;
	}
	return c->argc;
}

static bool emit_command(struct wrapper_call *c, const struct wrapper_program *p, size_t first, struct reading *r)
{
	struct wrapper *w = &r->w;

	w->environment = r->environment;
	w->first = first < c->argc ? first : c->argc - 1;
	w->last = c->argc - 1;
	w->kind = p->text ? WRAPPER_SHELL_TEXT : WRAPPER_ARGV;
	if (r->has_program && r->program.len) {
		size_t n = c->argc - first;
		struct shell_value *words = arena_alloc(c->arena, (n + 1) * sizeof(*words));

		words[0] = r->program;
		if (n)
			memcpy(words + 1, c->argv + first, n * sizeof(*words));
		w->argv = words;
		w->argc = n + 1;
	} else if (first >= c->argc) {
		if (!r->shell && !p->shell_alone)
			return false;
		w->kind = WRAPPER_SHELL_INPUT;
	} else if (p->text) {
		w->text = value_join(c->arena, c->argv, first, c->argc - 1);
	} else {
		w->argv = c->argv + first;
		w->argc = c->argc - first;
	}
	return wrapper_emit(c, w);
}

bool wrapper_run(struct wrapper_call *c, const struct wrapper_program *p, size_t start)
{
	struct reading r = { .w = { .traits = p->traits, .appends_input = p->appends_input, .placeholder = p->placeholder } };
	size_t first;

	if (p->special)
		return p->special(c, p, start);
	first = read_front(c, p, start, &r);
	if (r.done)
		return true;
	if (r.nothing)
		return false;
	if (!p->subs)
		return emit_command(c, p, first, &r);
	if (first >= c->argc)
		return false;
	for (const struct wrapper_sub *sub = p->subs; sub->names; sub++)
		if (word_in(c->argv[first].text, c->argv[first].len, sub->names))
			return wrapper_run(c, sub->program, first + 1);
	return false;
}

bool knowledge_wrapper_by(struct arena *arena, const struct wrapper_program *program, const struct shell_value *argv, size_t argc,
			  size_t n, struct wrapper *ret)
{
	struct wrapper_call c = { .arena = arena, .argv = argv, .argc = argc, .wanted = n, .ret = ret };
	size_t len;

	c.name = value_base_name(&argv[0], &len);
	return n < MAX_COMMANDS && wrapper_run(&c, program, 1);
}

bool knowledge_wrapper(struct arena *arena, const struct shell_value *argv, size_t argc, size_t n, struct wrapper *ret)
{
	const struct wrapper_program *program = NULL;
	const char *name;
	size_t len;

	if (argc) {
		name = value_base_name(&argv[0], &len);
		program = wrapper_find(name, len);
	}
	return program && knowledge_wrapper_by(arena, program, argv, argc, n, ret);
}
