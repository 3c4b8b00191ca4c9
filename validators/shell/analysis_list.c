/* SPDX-License-Identifier: Apache-2.0
 * analysis_list: lists, pipelines and compound commands. */
#include <string.h>

#include "validators/shell/analysis_steps.h"

static void walk_node(struct walker *w, const struct shell_node *node);

/* ---- pipelines */
static void walk_stages(struct walker *w, const struct shell_pipeline *p)
{
	struct capture *out = w->out;
	struct stream *in = NULL;

	w->spawning++;
	for (size_t i = 0; i < p->len; i++) {
		struct capture cap = CAPTURE_INIT;
		struct snapshot s = scope_enter(w);
		bool last = i + 1 == p->len;
		size_t first = w->len;

		if (in)
			w->fds[0] = in;
		w->out = last ? out : &cap;
		walk_node(w, &p->nodes[i]);
		w->out = out;
		scope_leave(w, &s);
		if (!last)
			in = stream_new(w, capture_value(w, &cap), w->len > first ? w->len - 1 : SHELL_NO_COMMAND);
	}
	w->spawning--;
}

/* Commands that practically always succeed: what follows them after && is not held back. */
static bool always_succeeds(const struct shell_pipeline *p)
{
	static const char *const names[] = { ":", "true", "echo", "printf", "sleep" };
	const struct shell_node *node = &p->nodes[0];

	if (p->len != 1 || p->negated || node->kind != COMMAND_SIMPLE || !node->words_len || node->words[0].len != 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (node->words[0].parts[0].kind == PART_TEXT && !strcmp(node->words[0].parts[0].text, names[i]))
			return true;
	return false;
}

static void walk_pipeline(struct walker *w, const struct shell_pipeline *p, bool conditional)
{
	unsigned int traits = w->traits;

	w->conditional += conditional;
	if (p->negated)
		w->traits |= TRAIT_NEGATED;
	if (p->background)
		w->traits |= TRAIT_BACKGROUND;
	w->spawning += p->background;
	if (p->len > 1) {
		walk_stages(w, p);
	} else if (p->background) {
		struct snapshot s = scope_enter(w);

		walk_node(w, &p->nodes[0]);
		scope_leave(w, &s);
	} else if (p->len) {
		walk_node(w, &p->nodes[0]);
	}
	w->spawning -= p->background;
	w->traits = traits;
	w->conditional -= conditional;
}

void walk_list(struct walker *w, const struct shell_list *list)
{
	struct branches ways = { .after = NULL };

	for (size_t i = 0; i < list->len; i++) {
		const struct shell_pipeline *p = &list->pipelines[i];
		bool follows = p->after_and || p->after_or;
		size_t mark;

		if (!follows) {
			walk_pipeline(w, p, false);
			continue;
		}
		mark = undo_mark(w);
		walk_pipeline(w, p, p->after_or || (i && !always_succeeds(p - 1)));
		branch_end(w, mark, &ways);
		branches_merge(w, &ways, false);
	}
}

/* ---- compound commands */
static void walk_condition(struct walker *w, const struct shell_list *list)
{
	unsigned int traits = w->traits;

	w->traits |= TRAIT_TEST;
	walk_list(w, list);
	w->traits = traits;
}

static void walk_branch(struct walker *w, const struct shell_list *body, struct branches *ways)
{
	size_t mark = undo_mark(w);

	w->conditional++;
	walk_list(w, body);
	w->conditional--;
	branch_end(w, mark, ways);
}

static void walk_if(struct walker *w, const struct shell_node *node)
{
	struct branches ways = { .after = NULL };

	for (size_t i = 0; i + 1 < node->bodies_len; i += 2) {
		walk_condition(w, node->bodies[i]);
		walk_branch(w, node->bodies[i + 1], &ways);
	}
	if (node->bodies_len % 2)
		walk_branch(w, node->bodies[node->bodies_len - 1], &ways);
	branches_merge(w, &ways, node->bodies_len % 2);
}

static void walk_case(struct walker *w, const struct shell_node *node)
{
	struct branches ways = { .after = NULL };
	bool odd;

	for (size_t i = 0; i < node->words_len; i++)	/* for the commands in it */
		expand_single(w, &node->words[i], &odd);
	for (size_t i = 0; i < node->bodies_len; i++)
		walk_branch(w, node->bodies[i], &ways);
	branches_merge(w, &ways, false);
}

/* Is it `true`, `:`, `[ 1 ]`, `((1))`: something that never changes? */
static bool is_constant(const struct shell_list *condition, bool wanted)
{
	static const char *const yes[] = { ":", "true", "sleep", "echo", "[", "test" };
	const struct shell_pipeline *p = condition->len ? &condition->pipelines[condition->len - 1] : NULL;
	const struct shell_node *node;

	if (!p || p->len != 1 || p->after_and || p->after_or)
		return false;
	node = &p->nodes[0];
	wanted ^= p->negated;
	for (size_t i = 0; i < node->words_len; i++)
		if (node->words[i].len != 1 || node->words[i].parts[0].kind != PART_TEXT)
			return false;
	if (!node->words_len)
		return false;
	if (node->kind == COMMAND_TEST || node->kind == COMMAND_ARITHMETIC_COMMAND)
		return node->words_len == 1 && wanted == (strcmp(node->words[0].parts[0].text, "0") != 0) &&
		       strspn(node->words[0].parts[0].text, "0123456789 ") == node->words[0].parts[0].len;
	if (!strcmp(node->words[0].parts[0].text, "false"))
		return !wanted;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!strcmp(node->words[0].parts[0].text, yes[i]))
			return wanted && (i < 4 || node->words_len <= 3 ||	/* [ x ], [ 1 = 1 ] */
					  (node->words_len == 5 && !strcmp(node->words[1].parts[0].text, node->words[3].parts[0].text)));
	return false;
}

/* One pass over the body of a loop. */
static void walk_loop(struct walker *w, const struct shell_list *body, bool endless)
{
	unsigned int traits = w->traits, breaks = w->breaks, ends = w->ends;
	size_t first = w->len;

	w->traits |= TRAIT_LOOP;
	w->breaks = 0;
	walk_list(w, body);
	if (endless && !w->breaks && w->ends == ends)
		for (size_t i = first; i < w->len; i++)
			w->commands[i].traits |= TRAIT_ENDLESS;
	w->breaks = breaks;
	w->traits = traits;
}

static void walk_while(struct walker *w, const struct shell_node *node)
{
	bool endless = is_constant(node->bodies[0], node->kind == COMMAND_WHILE);
	unsigned int traits = w->traits;

	w->conditional += !endless;
	for (unsigned int i = 0; i < LOOP_VALUES_MAX; i++) {
		struct stream *in = w->fds[0];
		size_t pos = in ? in->pos : 0;

		w->traits |= TRAIT_LOOP;
		walk_condition(w, node->bodies[0]);
		w->traits = traits;
		walk_loop(w, node->bodies[1], endless);
		/* once more when the condition read a line and there are more */
		if (!in || in->pos == pos || in->pos >= in->value.len || !affordable_again(w, node->source_len))
			break;
	}
	w->conditional -= !endless;
}

static void loop_over(struct walker *w, const struct shell_node *node, const struct shell_value *values, size_t n)
{
	size_t len = strlen(node->name), i = 0;
	struct shell_value rest;

	for (; i < n && i < LOOP_VALUES_MAX && (!i || affordable_again(w, node->source_len)); i++) {
		variable_assign(w, node->name, len, values[i], false);
		walk_loop(w, node->bodies[0], false);
	}
	if (i && (i == n || w->balance == 0))
		return;
	rest = value_unknown(w->arena, node->name, len, n ? 0 : ORIGIN_INPUT);
	for (; i < n; i++)
		rest.origin |= values[i].origin;
	variable_assign(w, node->name, len, rest, false);
	walk_loop(w, node->bodies[0], false);
}

static void walk_for(struct walker *w, const struct shell_node *node)
{
	struct words ws = { .items = NULL };
	unsigned int variant = w->variant, variants = w->variants;

	w->variant = 0;
	if (!node->in_words && w->frame)
		w->frame->uses_args = true;
	if (node->in_words)
		expand_words(w, node->words, node->words_len, &ws);
	else if (w->args_known)
		for (size_t i = 1; i < w->args_len; i++)
			words_push(w, &ws, w->args[i], false);
	w->variant = variant;
	w->variants = variants;
	loop_over(w, node, ws.items, ws.len);
}

/* for ((…)) and ((…)): what is assigned in it is not known afterwards. */
static struct shell_value walk_arithmetic(struct walker *w, const struct shell_node *node)
{
	struct shell_value v = value_text("", 0, 0);
	bool odd;

	if (node->words_len)
		v = expand_single(w, &node->words[0], &odd);
	for (size_t i = 0; i < v.len; i++) {
		size_t n = value_name_len(v.text + i), end = i + n + strspn(v.text + i + n, " \t");
		const char *op = v.text + end;

		if (!n)
			continue;
		if ((op[0] == '=' && op[1] != '=') || !strncmp(op, "++", 2) || !strncmp(op, "--", 2) ||
		    (op[0] && strchr("+-*/%|&", op[0]) && op[1] == '='))
			variable_assign(w, v.text + i, n, value_unknown(w->arena, v.text + i, n, 0), false);
		i = end;
	}
	return v;
}

/* for ((;;)) */
static bool has_no_condition(const struct shell_value *source)
{
	const char *first = memchr(source->text, ';', source->len), *second = first ? strchr(first + 1, ';') : NULL;

	return second && strspn(first + 1, " \t1") >= (size_t)(second - first - 1);
}

static void walk_for_arithmetic(struct walker *w, const struct shell_node *node)
{
	struct shell_value source = walk_arithmetic(w, node);

	walk_loop(w, node->bodies[0], has_no_condition(&source));
}

static void walk_subshell(struct walker *w, const struct shell_list *body)
{
	struct snapshot s = scope_enter(w);

	w->spawning++;
	walk_list(w, body);
	w->spawning--;
	scope_leave(w, &s);
}

static void walk_compound(struct walker *w, const struct shell_node *node)
{
	switch (node->kind) {
	case COMMAND_SUBSHELL:
		walk_subshell(w, node->bodies[0]);
		break;
	case COMMAND_GROUP:
		walk_list(w, node->bodies[0]);
		break;
	case COMMAND_IF:
		walk_if(w, node);
		break;
	case COMMAND_WHILE:
	case COMMAND_UNTIL:
		walk_while(w, node);
		break;
	case COMMAND_FOR:
		walk_for(w, node);
		break;
	case COMMAND_FOR_ARITHMETIC:
		walk_for_arithmetic(w, node);
		break;
	case COMMAND_CASE:
		walk_case(w, node);
		break;
	case COMMAND_FUNCTION:
		function_define(w, node);
		break;
	case COMMAND_TEST:
		walk_test(w, node);
		break;
	case COMMAND_ARITHMETIC_COMMAND:
		walk_arithmetic(w, node);
		break;
	case COMMAND_SIMPLE:
		break;
	}
}

static void walk_redirected(struct walker *w, const struct shell_node *node)
{
	struct shell_command c = { .input_from = SHELL_NO_COMMAND, .argv = NULL };
	struct shell_effect *effects = NULL;
	struct redirected r;

	redirect_open(w, node->redirects, node->redirects_len, &r, &effects, &c.effects_len);
	if (c.effects_len) {
		c.name = "";
		c.effects = effects;
		c.offset = node->offset;
		c.source_len = node->source_len;
		emit(w, &c);
	}
	walk_compound(w, node);
	redirect_close(w, &r);
}

/* What was passed for the first time pays for work that goes beyond one pass. */
static void pay(struct walker *w, const struct shell_node *node)
{
	size_t end = node->offset + node->source_len;

	if (w->depth || end <= w->paid)
		return;
	w->balance += (int64_t)(end - w->paid) * WORK_PER_BYTE;
	w->paid = end;
}

static void walk_node(struct walker *w, const struct shell_node *node)
{
	if (w->levels >= LEVELS_MAX || w->len >= SHELL_MAX_COMMANDS) {
		w->truncated = true;
		return;
	}
	w->levels++;
	spend(w, 8);
	if (node->kind == COMMAND_SIMPLE || node->kind == COMMAND_FUNCTION)
		pay(w, node);
	if (node->kind == COMMAND_SIMPLE)
		walk_simple(w, node);
	else if (node->redirects_len && node->kind != COMMAND_FUNCTION)
		walk_redirected(w, node);
	else
		walk_compound(w, node);
	w->levels--;
}
