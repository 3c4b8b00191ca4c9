/* SPDX-License-Identifier: Apache-2.0
 *
 * From the document to analysed commands: scripts as they stand, and the argument lists of containers. A script that
 * is an argument (sh -c '…') is analysed on its own as well as a shell step is, so that places in it are exact. */
#include <limits.h>
#include <string.h>

#include "validators/scan_match.h"

/* The room of the analysis before; one inside another has its own. */
static struct arena take_room(struct scan *sc)
{
	struct arena room = sc->scanner->scripts;

	sc->scanner->scripts = (struct arena)ARENA_INIT;
	return room;
}

static void give_room_back(struct scan *sc, struct arena *room)
{
	arena_reset(room);
	arena_release(&sc->scanner->scripts);
	sc->scanner->scripts = *room;
}

static void analyse_script(struct scan *sc, const struct node *text, const struct scan_path *path)
{
	const struct shell_source source = { .node = text, .path = path, .max_depth = UINT_MAX };
	struct shell_analysis analysis = { 0 };
	struct arena arena;

	if (!key_set_add(&sc->nodes, key_of(text, SCOPE_SHELL)))
		return;
	arena = take_room(sc);
	shell_analyse(&arena, text->text, text->len, &analysis);
	scan_commands(sc, &analysis, &source);
	give_room_back(sc, &arena);
	scan_text(sc, SCOPE_SCRIPT, text, path, "", 0);
}

void scan_script(struct scan *sc, const struct node *text, const struct scan_path *path)
{
	if (!text || node_is_null(text))
		return;
	if (text->kind == NODE_SCALAR) {
		analyse_script(sc, text, path);
		return;
	}
	/* commands as a list are none, but somebody may run them */
	for (size_t i = 0; text->kind == NODE_SEQUENCE && i < text->len; i++) {
		struct scan_path item = { .up = path, .index = i };

		if (text->items[i]->kind == NODE_SCALAR)
			analyse_script(sc, text->items[i], &item);
	}
}

/* ---- argument lists */

struct argument_list {
	struct arena *arena;
	struct shell_value *values;
	struct shell_argument *arguments;
	size_t len, bytes;
};

static void add_arguments(struct argument_list *list, const struct node *node, const struct scan_path *path)
{
	for (size_t i = 0; node && node->kind == NODE_SEQUENCE && i < node->len; i++) {
		const struct node *item = node->items[i];

		if (item->kind != NODE_SCALAR)
			continue;
		list->values = arena_append(list->arena, list->values, list->len, sizeof(*list->values));
		list->arguments = arena_append(list->arena, list->arguments, list->len, sizeof(*list->arguments));
		list->values[list->len] = (struct shell_value){
			.text = item->text,
			.len = item->len,
			.known = true,
			.origin = ORIGIN_LITERAL,
			.offset = list->bytes,
			.source_len = item->len,
		};
		list->arguments[list->len++] = (struct shell_argument){ item, { .up = path, .index = i }, list->bytes };
		list->bytes += item->len + 1;
	}
}

static bool is_shell(const char *name)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash", "busybox" };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (name && !strcmp(name, shells[i]))
			return true;
	}
	return false;
}

/* The argument that a shell among the commands runs as its script; NULL: there is none. */
static const struct shell_argument *script_argument(const struct argument_list *list,
						    const struct shell_analysis *analysis)
{
	for (size_t i = 0; i < analysis->len; i++) {
		const struct shell_command *c = &analysis->commands[i];

		if (c->depth || !is_shell(c->name) || !c->code.len)
			continue;
		for (size_t j = 0; j < list->len; j++) {
			const struct node *node = list->arguments[j].node;

			if (list->arguments[j].offset == c->code.offset && node->len == c->code.len &&
			    !memcmp(node->text, c->code.text, node->len))
				return &list->arguments[j];
		}
	}
	return NULL;
}

void scan_argv(struct scan *sc, const struct node *command, const struct scan_path *command_path, const struct node *args,
	       const struct scan_path *args_path)
{
	autoarena struct arena arena = ARENA_INIT;
	struct argument_list list = { .arena = &arena };
	struct shell_source source = { .max_depth = UINT_MAX };
	const struct shell_argument *script;
	struct shell_analysis analysis = { 0 };

	if (command && command->kind == NODE_SCALAR)	/* no list: a shell will take it apart */
		scan_script(sc, command, command_path);
	add_arguments(&list, command, command_path);
	add_arguments(&list, args, args_path);
	if (!list.len || !key_set_add(&sc->nodes, key_of(list.arguments[0].node, SCOPE_SHELL)))
		return;
	shell_analyse_argv(&arena, list.values, list.len, &analysis);
	source.arguments = list.arguments;
	source.arguments_len = list.len;
	script = script_argument(&list, &analysis);
	source.max_depth = script ? 0 : UINT_MAX;
	scan_commands(sc, &analysis, &source);
	if (script)
		analyse_script(sc, script->node, &script->path);
}
