/* SPDX-License-Identifier: Apache-2.0
 *
 * Where ${NAME} may stand in a step, and who expands it there. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/schema.h"
#include "validators/wpk.h"

const char *wpk_step_kind_to_string(enum wpk_step_kind kind)
{
	static const char *const names[] = {
		[WPK_STEP_SHELL] = "shell", [WPK_STEP_K8S] = "k8s", [WPK_STEP_API] = "api",
		[WPK_STEP_CONTAINER] = "container", [WPK_STEP_MANIFEST] = "kubernetes",
	};

	return names[kind];
}

struct walk {
	const struct wpk_step *step;
	wpk_text_visitor *each;
	void *arg;
	struct strbuf path;
};

static void visit(struct walk *w, const struct node *text, enum template_kind kind)
{
	w->each(w->arg, w->step, text, kind, w->path.buf);
}

/* "-c", "-ec", "-euxc": the next argument of a shell is a script. */
static bool announces_script(const struct node *argument)
{
	return argument->kind == NODE_SCALAR && argument->len > 1 && argument->text[0] == '-' &&
	       argument->text[1] != '-' && argument->text[argument->len - 1] == 'c';
}

static bool is_arguments(const struct node *key)
{
	return key->kind == NODE_SCALAR && (!strcmp(key->text, "command") || !strcmp(key->text, "args"));
}

/* Is the first of the `args` a script, because the `command` beside them ends in -c? */
static bool command_wants_script(const struct node *container)
{
	const struct node *command = node_get(container, "command");

	return command && command->kind == NODE_SEQUENCE && command->len &&
	       announces_script(command->items[command->len - 1]);
}

bool wpk_argument_is_script(const struct node *container, const struct node *list, size_t i)
{
	if (i > 0)
		return announces_script(list->items[i - 1]);
	return list == node_get(container, "args") && command_wants_script(container);
}

/* Every scalar below `node`, keys excepted. Shell scripts among the arguments of a container are not ours to
 * expand. `owner` is the mapping whose `command` or `args` the node is, or NULL. */
static void walk_data(struct walk *w, const struct node *node, const struct node *owner)
{
	bool script = owner && node == node_get(owner, "args") && command_wants_script(owner);
	size_t len = w->path.len;

	switch (node->kind) {
	case NODE_SCALAR:
		visit(w, node, TEMPLATE_DATA);
		break;
	case NODE_SEQUENCE:
		for (size_t i = 0; i < node->len; i++) {
			path_add_index(&w->path, i);
			if (script && node->items[i]->kind == NODE_SCALAR)
				visit(w, node->items[i], TEMPLATE_SHELL);
			else
				walk_data(w, node->items[i], NULL);
			script = owner && announces_script(node->items[i]);
			path_cut(&w->path, len);
		}
		break;
	case NODE_MAPPING:
		for (size_t i = 0; i < node->len; i++) {
			const struct node *key = node->pairs[i].key;

			if (key->kind == NODE_SCALAR)
				path_add_key(&w->path, key->text, key->len);
			walk_data(w, node->pairs[i].value, is_arguments(key) ? node : NULL);
			path_cut(&w->path, len);
		}
		break;
	}
}

void wpk_step_texts(const struct wpk_step *step, wpk_text_visitor *each, void *arg)
{
	struct walk w = { .step = step, .each = each, .arg = arg, .path = STRBUF_INIT(STRBUF_NO_MAX) };
	static const char *const forms[] = {	/* dialect B: the key of the step that holds the node */
		[WPK_STEP_SHELL] = "shell", [WPK_STEP_CONTAINER] = "container", [WPK_STEP_MANIFEST] = "kubernetes",
	};
	bool in_config = strlen(step->path) > 7 && !strcmp(step->path + strlen(step->path) - 7, ".config");

	if (!step->node)
		return;
	strbuf_addstr(&w.path, step->path);
	if (!in_config && step->kind < (int)ARRAY_SIZE(forms) && forms[step->kind])
		path_add_key(&w.path, forms[step->kind], strlen(forms[step->kind]));
	if (step->kind != WPK_STEP_SHELL) {
		walk_data(&w, step->node, NULL);
	} else if (step->command) {
		if (step->command != step->node)
			path_add_key(&w.path, "command", 7);
		visit(&w, step->command, TEMPLATE_SHELL);
	}
	strbuf_release(&w.path);
}
