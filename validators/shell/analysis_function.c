/* SPDX-License-Identifier: Apache-2.0
 * analysis_function: calls of functions, and the ones that never end. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

bool starts_itself(const struct walker *w, const struct frame *f)
{
	return f && !f->idle && !f->may_end && w->conditional == f->conditional && w->spawning > f->spawning;
}

/* `$0 &`, `sh $0 | sh $0`: the script runs itself. */
bool is_script_again(const struct walker *w, const struct running *r)
{
	const struct shell_value *v = &r->cmd.argv[0];

	if (r->wraps && r->wrapper.kind == WRAPPER_SHELL_FILE)
		v = &r->cmd.argv[r->wrapper.first];
	return (!strcmp(v->text, "${0}") || !strcmp(v->text, "${BASH_SOURCE}")) && !w->conditional && w->spawning;
}

const struct frame *running_frame(const struct walker *w, const char *name)
{
	for (const struct frame *f = w->frame; f; f = f->outer)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

void walk_function_body(struct walker *w, struct function *f)
{
	struct frame frame = { .outer = w->frame, .name = f->name, .conditional = w->conditional, .spawning = w->spawning,
			       .idle = !f->called };
	struct source source = w->source;
	unsigned int depth = w->depth, ends = w->ends, breaks = w->breaks;

	f->called = true;
	f->walks++;
	w->source = f->source;
	w->depth = f->depth;
	w->frame = &frame;
	w->calls++;
	w->levels += 4;
	walk_list(w, f->body);
	w->levels -= 4;
	w->calls--;
	w->frame = frame.outer;
	f->uses_args |= frame.uses_args;
	w->depth = depth;
	w->source = source;
	w->ends = ends;
	w->breaks = breaks;
	for (size_t i = frame.locals_len; i-- > 0;)
		frame.locals[i].variable->now = frame.locals[i].before;
}

/* Twice seen, and told nothing new: the body does the same again. */
static bool tells_nothing_new(const struct function *f, const struct call *c)
{
	if (f->walks < 2 || !f->uses_args)
		return f->walks >= 2;
	for (size_t i = 1; i < c->argc; i++)
		if (!value_is_unknown(&c->argv[i]) || c->argv[i].origin & ~(unsigned int)(ORIGIN_INPUT | ORIGIN_COMMAND))
			return false;
	return true;
}

/* False: the body was not walked. */
static bool call_function(struct walker *w, struct function *f, const struct call *c)
{
	const struct shell_value *args = w->args;
	size_t args_len = w->args_len;
	bool args_known = w->args_known;
	struct shell_value *own;

	if (tells_nothing_new(f, c))
		return false;
	/* a body that was never walked is walked at the end */
	if (w->calls >= CALL_DEPTH_MAX || w->levels >= LEVELS_MAX || !affordable_again(w, f->source_len))
		return false;
	own = arena_alloc(w->arena, c->argc * sizeof(*own));
	memcpy(own, c->argv, c->argc * sizeof(*own));
	own[0] = args_len ? args[0] : value_unknown(w->arena, "0", 1, ORIGIN_INPUT);
	w->args = own;
	w->args_len = c->argc;
	w->args_known = true;
	for (size_t i = 1; i < c->argc; i++)
		w->args_known &= strcmp(own[i].text, "${@}") != 0 && strcmp(own[i].text, "${*}") != 0;
	f->called = true;
	walk_function_body(w, f);
	w->args = args;
	w->args_len = args_len;
	w->args_known = args_known;
	return true;
}

bool run_function(struct walker *w, struct running *r)
{
	struct function *f = w->functions.len && !r->wraps ? function_find(w, r->cmd.name, strlen(r->cmd.name)) : NULL;
	const struct frame *active;

	if (!f || memchr(r->cmd.argv[0].text, '/', r->cmd.argv[0].len))
		return false;
	active = running_frame(w, f->name);
	if (starts_itself(w, active))
		r->cmd.traits |= TRAIT_FORK_BOMB;
	emit(w, &r->cmd);
	if (active || !call_function(w, f, r->call))
		give_output(w, r);
	return true;
}
