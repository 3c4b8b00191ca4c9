/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_kind.h"
#include "runner/k8s_manifest.h"
#include "runner/k8s_target.h"

enum { SELECTOR_SIZE = 256, WHY_SIZE = 256 };

/* ---- the words of a step */

const struct node *k8s_config(const struct wpk_step *step, const char *key)
{
	const struct node *value = node_get(step->node, key);

	return node_is_null(value) ? NULL : value;
}

const char *k8s_config_text(const struct wpk_step *step, const char *key)
{
	const struct node *value = k8s_config(step, key);

	return value && value->kind == NODE_SCALAR && value->len ? value->text : NULL;
}

bool k8s_config_is(const struct wpk_step *step, const char *key)
{
	const struct node *value = k8s_config(step, key);
	bool truth;

	return value && node_is_bool(value, &truth) && truth;
}

static const char *own_type(const struct wpk_step *step)
{
	const char *type = k8s_config_text(step, "resource_type");
	const char *resource = k8s_config_text(step, "resource");

	if (!type && resource && !strchr(resource, '/'))
		return resource;
	return type;
}

/* Actions that are about something that others of the package act on. */
static bool follows_others(const char *action)
{
	static const char *const actions[] = { "wait", "rollback", "restart", "scale", "test" };

	for (size_t i = 0; action && i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i], action))
			return true;
	return false;
}

static const char *type_in_list(const struct wpk_handler_list *list, const struct wpk_step *except)
{
	for (size_t i = 0; i < list->len; i++)
		for (size_t j = 0; j < list->items[i].steps_len; j++) {
			const struct wpk_step *step = &list->items[i].steps[j];

			if (step != except && step->kind == WPK_STEP_K8S && follows_others(step->action) && own_type(step))
				return own_type(step);
		}
	return NULL;
}

const char *k8s_type_of(const struct wpk *wpk, const struct wpk_step *step)
{
	static const struct { const char *action, *type; } rows[] = { { "logs", "pod" }, { "metrics", "pod" }, { "events", "" } };
	const char *type = own_type(step);
	const char *resource = k8s_config_text(step, "resource");

	if (type)
		return type;
	if (resource && strchr(resource, '/'))
		return resource;	/* deployment/web: k8s_kind_named() and the cluster are asked for what stands before the slash */
	for (size_t i = 0; step->action && i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].action, step->action))
			return rows[i].type;
	if (follows_others(step->action) && wpk) {
		type = type_in_list(&wpk->handlers, step);
		return type ? type : type_in_list(&wpk->rollback, step);
	}
	return NULL;
}

/* ---- what event and fixtures say */

json_t *k8s_value_of(const struct k8s_fixtures *f, const char *name)
{
	json_t *value = f && name ? json_object_get(json_object_get(f->event, "values"), name) : NULL;

	return json_is_null(value) ? NULL : value;
}

static bool take_name(const char *kind, const char *name, struct k8s_object_name *ret)
{
	if (!name || !kube_name_is_valid(name) || strlen(kind) >= sizeof(ret->kind))
		return false;
	snprintf(ret->kind, sizeof(ret->kind), "%s", kind);
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	return true;
}

static bool is_meant(const json_t *object, const char *type, struct k8s_object_name *ret)
{
	const char *kind = k8s_text(object, "kind", NULL);

	return kind && k8s_kind_is(kind, type) && take_name(kind, k8s_text(object, "name", k8s_text(object, "metadata.name", NULL)), ret);
}

/* Prometheus names what it knows by lower-case kinds. */
static bool label_meant(const json_t *labels, const char *type, struct k8s_object_name *ret)
{
	const struct k8s_kind *known = k8s_kind_named(type);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)labels, key, value)
		if (known && k8s_kind_is(known->kind, key) && strcmp(key, "job") != 0 && take_name(known->kind, json_string_value(value), ret))
			return true;
	/* there `job` is the scrape job, unless it is what was asked for */
	return known && !strcmp(known->kind, "Job") &&
	       take_name(known->kind, k8s_text(labels, "job_name", k8s_text(labels, "job", NULL)), ret);
}

static bool event_says(const json_t *event, const char *type, struct k8s_object_name *ret)
{
	static const char *const objects[] = { "object", "involvedObject", "regarding" };
	static const char *const labels[] = { "labels", "commonLabels" };
	const json_t *item;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(objects); i++)
		if (is_meant(json_object_get(event, objects[i]), type, ret))
			return true;
	json_array_foreach(json_object_get(event, "objects"), i, item)
		if (is_meant(item, type, ret))
			return true;
	for (i = 0; i < ARRAY_SIZE(labels); i++)
		if (label_meant(json_object_get(event, labels[i]), type, ret))
			return true;
	return label_meant(json_object_get(json_array_get(json_object_get(event, "alerts"), 0), "labels"), type, ret);
}

/* How many of that type; `ret` gets the first. */
static size_t manifests_of(const struct k8s_fixtures *f, const char *type, struct k8s_object_name *ret, struct strbuf *names)
{
	const json_t *object;
	size_t i, n = 0;

	json_array_foreach(f->manifests, i, object) {
		struct k8s_object_name name;

		if (!is_meant(object, type, &name))
			continue;
		if (!n++)
			*ret = name;
		if (n <= 4)
			strbuf_addf(names, "%s'%s'", n > 1 ? ", " : "", n < 4 ? name.name : "…");
	}
	return n;
}

bool k8s_fixtures_have(const struct k8s_fixtures *f, const char *type, struct k8s_object_name *ret)
{
	autostrbuf struct strbuf names = STRBUF_INIT(STRBUF_NO_MAX);

	return f && (event_says(f->event, type, ret) || manifests_of(f, type, ret, &names) == 1);
}

static bool fixtures_say(const struct k8s_fixtures *f, const char *type, struct k8s_object_name *ret, char *why)
{
	autostrbuf struct strbuf names = STRBUF_INIT(STRBUF_NO_MAX);
	size_t n;

	if (event_says(f->event, type, ret))
		return true;
	n = manifests_of(f, type, ret, &names);
	if (n == 1)
		return true;
	for (size_t i = 0; n == 0 && i < f->stand_ins_len; i++)
		if (k8s_kind_is(f->stand_ins[i].kind, type)) {
			*ret = f->stand_ins[i];
			return true;
		}
	if (n)
		snprintf(why, WHY_SIZE, "which %s is meant: the fixtures have %zu (%.80s); say it in the event as 'object: {kind, name}'", type, n, names.buf);
	else
		snprintf(why, WHY_SIZE, "it names no %s, and no fixture or event does: give one with --fixtures or --event", type);
	*ret = (struct k8s_object_name){ .name = "" };
	return false;
}

/* ---- a step's own name and selector */

static bool expand_into(const char *text, const struct parameters *parameters, char *out, size_t size, const char *what, char *why)
{
	struct error err = { 0 };
	autofree char *value = k8s_expand(text, strlen(text), parameters, &err);

	if (!value || strlen(value) >= size) {
		snprintf(why, WHY_SIZE, "its %s: %.200s", what, value ? "too long" : err.text);
		return false;
	}
	memcpy(out, value, strlen(value) + 1);
	return true;
}

static bool selector_of_mapping(const struct node *map, const struct parameters *parameters, char selector[SELECTOR_SIZE], char *why)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4 * SELECTOR_SIZE);
	const struct node *match = node_get(map, "matchLabels");

	if (match)
		map = match;
	for (size_t i = 0; map->kind == NODE_MAPPING && i < map->len; i++) {
		const struct node_pair *pair = &map->pairs[i];

		if (pair->key->kind != NODE_SCALAR || pair->value->kind != NODE_SCALAR) {
			snprintf(why, WHY_SIZE, "its selector: labels are texts");
			return false;
		}
		strbuf_addf(&text, "%s%s=%s", i ? "," : "", pair->key->text, pair->value->text);
	}
	return expand_into(text.buf, parameters, selector, SELECTOR_SIZE, "selector", why);
}

bool k8s_target_of(const struct k8s_fixtures *f, const struct plan_step *step, const struct parameters *parameters, const char *type,
		   struct k8s_object_name *ret, char selector[256], char why[256])
{
	static const struct k8s_fixtures nothing = K8S_FIXTURES_EMPTY;
	static const char *const keys[] = { "name", "resource_name" };
	const struct node *labels = k8s_config(step->step, "selector");
	const char *resource = k8s_config_text(step->step, "resource");
	const struct k8s_kind *known;
	char plain[64];
	const char *name = NULL;

	*ret = (struct k8s_object_name){ .name = "" };
	selector[0] = why[0] = '\0';
	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(type, "/"), type);
	known = k8s_kind_named(plain);
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !name; i++)
		name = k8s_config_text(step->step, keys[i]);
	if (!name && resource && strchr(resource, '/'))
		name = strchr(resource, '/') + 1;
	snprintf(ret->kind, sizeof(ret->kind), "%s", known ? known->kind : plain);
	if (name && !expand_into(name, parameters, ret->name, sizeof(ret->name), "name", why))
		return false;
	if (name && !kube_name_is_valid(ret->name)) {
		snprintf(why, WHY_SIZE, "'%.100s' is no name of an object", ret->name);
		return false;
	}
	if (name)
		return true;
	if (labels && labels->kind == NODE_SCALAR)
		return expand_into(labels->text, parameters, selector, SELECTOR_SIZE, "selector", why);
	if (labels)
		return selector_of_mapping(labels, parameters, selector, why);
	return fixtures_say(f ? f : &nothing, plain, ret, why);
}
