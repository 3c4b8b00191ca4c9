/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to look in a package. The walk goes over the nodes and not over the typed package, so that a handler with a
 * mistake in it is looked at like any other; what counts as shell text, container or manifest follows wpk_handler.c
 * and wpk_step.c, generously. */
#include "validators/scan.h"

#include <string.h>
#include <strings.h>

#include "runner/base/mem.h"
#include "validators/scan_index.h"
#include "validators/scan_match.h"

void scan_index_make(struct arena *arena, const struct rule_set *rules, struct scan_index *ret)
{
	ret->shell = shell_entries_make(arena, rules);
	for (int scope = SCOPE_CONTAINER; scope <= SCOPE_PACKAGE; scope++)
		ret->structures[scope] = structure_entries_make(arena, rules, (enum rule_scope)scope);
	text_scopes_make(arena, rules, ret);
}

static const struct scan_index *make_index(struct arena *arena, const struct rule_set *rules)
{
	struct scan_index *index = arena_alloc(arena, sizeof(*index));

	scan_index_make(arena, rules, index);
	return index;
}

struct scanner *scanner_new(const struct rule_set *rules)
{
	struct scanner *s = xcalloc(1, sizeof(*s));

	s->rules = rules;
	s->states = xcalloc(rules->len + 1, sizeof(*s->states));
	s->index = rules_index(rules);
	if (!s->index)
		s->index = make_index(&s->arena, rules);
	s->shell = shell_index_new(&s->arena, &s->index->shell);
	s->text = text_index_new(&s->arena, s->index);
	return s;
}

void scanner_free(struct scanner *s)
{
	if (!s)
		return;
	shell_index_free(s->shell);
	text_index_free(s->text);
	arena_release(&s->arena);
	arena_release(&s->scripts);
	free(s->states);
	free(s);
}

void scan_begin(struct scan *sc, struct scanner *s, const struct document *doc, struct finding_list *findings)
{
	*sc = (struct scan){ .scanner = s, .doc = doc, .findings = findings };
	memset(s->states, 0, s->rules->len * sizeof(*s->states));
}

void scan_end(struct scan *sc)
{
	scan_hide_secrets(sc);
	scan_embedded_release(sc);
	free(sc->secrets);
	key_set_release(&sc->nodes);
	key_set_release(&sc->structures);
}

/* ---- children: a node below a key or an index, with the frame of its path */

static struct scan_path below_key(const struct scan_path *up, const char *key)
{
	return (struct scan_path){ .up = up, .key = key, .key_len = strlen(key) };
}

static struct scan_path below_pair(const struct scan_path *up, const struct node *key)
{
	bool scalar = key->kind == NODE_SCALAR;

	return (struct scan_path){ .up = up, .key = scalar ? key->text : "?", .key_len = scalar ? key->len : 1 };
}

typedef void node_scanner(struct scan *sc, const struct node *node, const struct scan_path *path);

/* Every item of the list below a key; a mapping where a list was meant is its one item. */
static void each_item(struct scan *sc, const struct node *mapping, const char *key, const struct scan_path *up,
		      node_scanner *each)
{
	const struct node *list = node_get(mapping, key);
	const struct scan_path path = below_key(up, key);

	if (list && list->kind == NODE_MAPPING)
		each(sc, list, &path);
	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++) {
		const struct scan_path item = { .up = &path, .index = i };

		each(sc, list->items[i], &item);
	}
}

/* ---- containers and pods */

static void scan_command_of(struct scan *sc, const struct node *owner, const struct scan_path *path)
{
	const struct scan_path command = below_key(path, "command"), args = below_key(path, "args");

	scan_argv(sc, node_get(owner, "command"), &command, node_get(owner, "args"), &args);
}

static void scan_exec(struct scan *sc, const struct node *hook, const struct scan_path *path)
{
	const struct scan_path exec = below_key(path, "exec");

	scan_command_of(sc, node_get(hook, "exec"), &exec);
}

void scan_container(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	static const char *const probes[] = { "livenessProbe", "readinessProbe", "startupProbe" };
	static const char *const hooks[] = { "postStart", "preStop" };
	const struct node *lifecycle = node_get(node, "lifecycle");
	const struct scan_path lifecycle_path = below_key(path, "lifecycle");

	if (node->kind != NODE_MAPPING || !key_set_add(&sc->nodes, key_of(node, SCOPE_CONTAINER)))
		return;
	scan_mapping(sc, SCOPE_CONTAINER, node, path);
	scan_command_of(sc, node, path);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		const struct scan_path probe = below_key(path, probes[i]);

		scan_exec(sc, node_get(node, probes[i]), &probe);
	}
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		const struct scan_path hook = below_key(&lifecycle_path, hooks[i]);

		scan_exec(sc, node_get(lifecycle, hooks[i]), &hook);
	}
}

static void scan_pod(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	if (!key_set_add(&sc->nodes, key_of(node, SCOPE_POD)))
		return;
	scan_mapping(sc, SCOPE_POD, node, path);
	each_item(sc, node, "initContainers", path, scan_container);
	each_item(sc, node, "containers", path, scan_container);
	each_item(sc, node, "ephemeralContainers", path, scan_container);
}

static bool is_text(const struct node *node)
{
	return node && node->kind == NODE_SCALAR && !node_is_null(node);
}

static bool is_manifest(const struct node *node)
{
	return is_text(node_get(node, "apiVersion")) && is_text(node_get(node, "kind"));
}

/* A container on its own, as workflow engines have it below `container` or in a list of steps. */
static bool is_lone_container(const struct node *node, const struct scan_path *path)
{
	static const char *const keys[] = {
		"container", "script", "steps", "sidecars", "containers", "initContainers"
	};
	const struct scan_path *named = path && !path->key ? path->up : path;

	if (!named || !named->key || !is_text(node_get(node, "image")))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i]) == named->key_len && !memcmp(named->key, keys[i], named->key_len))
			return true;
	}
	return false;
}

/* Is the text a script for a shell? With `plain` also one that does not say for what it is. */
static bool is_shell_script(const struct node *node, bool plain)
{
	size_t line;

	if (!is_text(node))
		return false;
	if (strncmp(node->text, "#!", 2) != 0)
		return plain;
	line = strcspn(node->text, "\n");
	for (size_t i = 2; i + 2 <= line; i++) {
		if (!memcmp(node->text + i, "sh", 2) && (i + 2 == line || strchr(" \t\r", node->text[i + 2])))
			return true;
	}
	return false;
}

static void scan_script_below(struct scan *sc, const struct node *mapping, const char *key, const struct scan_path *up,
			      bool plain)
{
	const struct scan_path path = below_key(up, key);
	const struct node *text = node_get(mapping, key);

	if (is_shell_script(text, plain))
		scan_script(sc, text, &path);
}

/* Scripts that a ConfigMap brings for others to run. */
static void scan_config_map(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	const struct scan_path data_path = below_key(path, "data");
	const struct node *data = node_get(node, "data");

	for (size_t i = 0; data && data->kind == NODE_MAPPING && i < data->len; i++) {
		const struct scan_path item = below_pair(&data_path, data->pairs[i].key);

		if (is_shell_script(data->pairs[i].value, false))
			scan_script(sc, data->pairs[i].value, &item);
	}
}

static void scan_lone_container(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	scan_container(sc, node, path);
	scan_script_below(sc, node, "script", path, true);
	scan_script_below(sc, node, "source", path, true);
}

static bool is_list_of_mappings(const struct node *node)
{
	return node && node->kind == NODE_SEQUENCE && node->len && node->items[0]->kind == NODE_MAPPING;
}

void scan_structure(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	if (node->kind == NODE_SCALAR || !key_set_add(&sc->nodes, key_of(node, SCOPE_PACKAGE + 1)))
		return;
	for (size_t i = 0; node->kind == NODE_SEQUENCE && i < node->len; i++) {
		const struct scan_path item = { .up = path, .index = i };

		scan_structure(sc, node->items[i], &item);
	}
	if (node->kind != NODE_MAPPING)
		return;
	if (is_manifest(node) && key_set_add(&sc->nodes, key_of(node, SCOPE_MANIFEST)))
		scan_mapping(sc, SCOPE_MANIFEST, node, path);
	if (is_list_of_mappings(node_get(node, "containers")))
		scan_pod(sc, node, path);
	else if (is_lone_container(node, path))
		scan_lone_container(sc, node, path);
	if (is_text(node_get(node, "kind")) && !strcmp(node_get(node, "kind")->text, "ConfigMap"))
		scan_config_map(sc, node, path);
	for (size_t i = 0; i < node->len; i++) {
		const struct scan_path child = below_pair(path, node->pairs[i].key);

		scan_structure(sc, node->pairs[i].value, &child);
	}
}

/* ---- handlers */

static void scan_manifest_text(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	const struct scan_place place = { .node = node, .path = path, .whole = true };

	if (node && node->kind == NODE_SCALAR)
		scan_embedded(sc, node->text, node->len, &place);
}

static void scan_manifest(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	scan_manifest_text(sc, node, path);
	/* also one that forgot apiVersion or kind; the items of a List are found below */
	if (node->kind == NODE_MAPPING && key_set_add(&sc->nodes, key_of(node, SCOPE_MANIFEST)))
		scan_mapping(sc, SCOPE_MANIFEST, node, path);
	scan_structure(sc, node, path);
}

static void scan_shell_form(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	const struct scan_path command = below_key(path, "command");

	if (node->kind == NODE_MAPPING)
		scan_script(sc, node_get(node, "command"), &command);
	else
		scan_script(sc, node, path);
}

static void scan_api(struct scan *sc, const struct node *config, const struct scan_path *path)
{
	if (config->kind == NODE_MAPPING && key_set_add(&sc->nodes, key_of(config, SCOPE_API)))
		scan_mapping(sc, SCOPE_API, config, path);
}

static void scan_action(struct scan *sc, const struct node *config, const struct scan_path *path)
{
	if (config->kind == NODE_MAPPING && key_set_add(&sc->nodes, key_of(config, SCOPE_ACTION)))
		scan_mapping(sc, SCOPE_ACTION, config, path);
	scan_command_of(sc, config, path);
	scan_structure(sc, config, path);
	for (size_t i = 0; config->kind == NODE_MAPPING && i < config->len; i++) {
		const struct scan_path child = below_pair(path, config->pairs[i].key);

		scan_manifest_text(sc, config->pairs[i].value, &child);
	}
}

/* By the type; where it is not known, by what the config has. */
static void scan_config(struct scan *sc, const struct node *type, const struct node *config,
			const struct scan_path *path)
{
	const char *name = is_text(type) ? type->text : "";
	bool shell = !strcasecmp(name, "shell"), api = !strcasecmp(name, "api");
	bool action = !strcasecmp(name, "k8s") || !strcasecmp(name, "kubernetes"), known = shell || api || action;

	if (shell || (!known && node_get(config, "command")))
		scan_shell_form(sc, config, path);
	if (api || (!known && node_get(config, "url")))
		scan_api(sc, config, path);
	if (action || (!known && node_get(config, "action")))
		scan_action(sc, config, path);
}

/* Handlers and steps: what a step may not have is not run, but nobody loses when it is looked at. */
static void scan_step(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	static const struct { const char *key; node_scanner *scan; } forms[] = {
		{ "shell", scan_shell_form }, { "container", scan_container }, { "kubernetes", scan_manifest },
	};
	const struct node *config = node_get(node, "config");
	const struct scan_path config_path = below_key(path, "config");

	if (config)
		scan_config(sc, node_get(node, "type"), config, &config_path);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct node *value = node_get(node, forms[i].key);
		const struct scan_path below = below_key(path, forms[i].key);

		if (value)
			forms[i].scan(sc, value, &below);
	}
}

static void scan_handler(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	scan_step(sc, node, path);
	each_item(sc, node, "steps", path, scan_step);
}

/* ---- texts */

static void scan_texts_below(struct scan *sc, const struct node *node, const struct scan_path *path,
			     const struct node *key)
{
	bool named = key && key->kind == NODE_SCALAR;

	if (sc->doc->aliases && !key_set_add(&sc->nodes, key_of(node, SCOPE_TEXT)))
		return;
	switch (node->kind) {
	case NODE_SCALAR:
		scan_text(sc, SCOPE_TEXT, node, path, named ? key->text : "", named ? key->len : 0);
		break;
	case NODE_SEQUENCE:
		for (size_t i = 0; i < node->len; i++) {
			const struct scan_path item = { .up = path, .index = i };

			scan_texts_below(sc, node->items[i], &item, NULL);
		}
		break;
	case NODE_MAPPING:
		for (size_t i = 0; i < node->len; i++) {
			const struct scan_path child = below_pair(path, node->pairs[i].key);

			scan_texts_below(sc, node->pairs[i].value, &child, node->pairs[i].key);
		}
		break;
	}
}

void scan_texts(struct scan *sc, const struct node *node, const struct scan_path *path)
{
	scan_texts_below(sc, node, path, NULL);
}

void scan_package(struct scanner *s, const struct document *doc, const struct wpk *wpk, struct finding_list *findings)
{
	const struct scan_path spec_path = below_key(NULL, "spec"), rollback_path = below_key(&spec_path, "rollback");
	const struct node *spec;
	struct scan sc;

	if (!doc->root)
		return;
	scan_begin(&sc, s, doc, findings);
	spec = node_get(doc->root, "spec");
	scan_texts(&sc, doc->root, NULL);	/* first: its rules know best what kind of secret it is */
	if (wpk) {
		scan_mapping(&sc, SCOPE_PACKAGE, doc->root, NULL);
		each_item(&sc, spec, "handlers", &spec_path, scan_handler);
		each_item(&sc, node_get(spec, "rollback"), "handlers", &rollback_path, scan_handler);
	}
	scan_end(&sc);
}
