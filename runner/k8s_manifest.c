/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_manifest.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_fixtures.h"
#include "runner/k8s_kind.h"
#include "validators/template.h"
#include "validators/wpk.h"

enum { OBJECTS_MAX = 1000, LIST_DEPTH_MAX = 4 };

/* ---- short ways into JSON */

json_t *k8s_at(const json_t *object, const char *dotted)
{
	char key[64];

	while (object && *dotted) {
		size_t len = strcspn(dotted, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, dotted, len);
		key[len] = '\0';
		object = json_object_get(object, key);
		dotted += len + (dotted[len] == '.');
	}
	return (json_t *)object;
}

const char *k8s_text(const json_t *object, const char *dotted, const char *otherwise)
{
	const char *text = json_string_value(k8s_at(object, dotted));

	return text ? text : otherwise;
}

int64_t k8s_number(const json_t *object, const char *dotted, int64_t otherwise)
{
	const json_t *value = k8s_at(object, dotted);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* ---- YAML to JSON */

static const char *value_of(void *arg, const char *name)
{
	const struct parameters *parameters = arg;
	const struct parameter *p = parameters ? parameters_find(parameters, name) : NULL;

	return p ? p->value : NULL;
}

char *k8s_expand(const char *text, size_t len, const struct parameters *parameters, struct error *err)
{
	autostrbuf struct strbuf out = STRBUF_INIT(1 << 20);

	if (template_expand(text, len, value_of, (void *)parameters, &out, err) < 0)
		return NULL;
	if (out.overflow) {
		error_set(err, ERR_INVALID_INPUT, "a text with its parameters is larger than 1 MiB");
		return NULL;
	}
	return strbuf_detach(&out);
}

/* Octal and hexadecimal as YAML 1.1 has them: file modes are written so. */
static json_t *other_base(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	char *end;
	long long value;

	if (digits[0] != '0' || !digits[1] || strspn(digits + (hex ? 2 : 1), hex ? "0123456789abcdefABCDEF" : "01234567") + (hex ? 2u : 1u) != strlen(digits))
		return NULL;
	errno = 0;
	value = strtoll(text, &end, hex ? 16 : 8);
	return errno || *end ? NULL : json_integer(value);
}

static json_t *scalar(const struct node *node, struct error *err)
{
	json_t *other;
	int64_t integer;
	double number;
	bool truth;

	if (node_is_null(node))
		return json_null();
	if (node_is_bool(node, &truth))
		return json_boolean(truth);
	if (node_is_int(node, &integer))
		return json_integer(integer);
	if (node->implicit && node->style == STYLE_PLAIN && (other = other_base(node->text)))
		return other;
	if (!node_is_number(node, &number))
		return json_textn(node->text, node->len);
	if (isfinite(number))
		return json_real(number);
	error_set(err, ERR_INVALID_INPUT, "line %u: '%s' is no number that can be had", node->start.line, node->text);
	return NULL;
}

static bool is_one_reference(const struct node *node)
{
	return node->implicit && node->style == STYLE_PLAIN && node->len > 3 && !strncmp(node->text, "${", 2) &&
	       strcspn(node->text, "}") == node->len - 1;
}

static json_t *expanded(const struct node *node, const struct k8s_values *values, struct error *err)
{
	struct node as = *node;
	autofree char *text = NULL;

	if (!memmem(node->text, node->len, "${", 2))
		return scalar(node, err);
	text = k8s_expand(node->text, node->len, values->parameters, err);
	if (!text) {
		error_prefix(err, "line %u", node->start.line);
		return NULL;
	}
	if (!is_one_reference(node))
		return json_text(text);
	as.text = text;
	as.len = strlen(text);
	return as.len ? scalar(&as, err) : json_text("");
}

struct converter { const struct k8s_values *values; struct error *err; };

static json_t *convert(const struct converter *c, const struct node *node);

/* `owner` is the mapping whose arguments these are: scripts among them belong to a shell. */
static json_t *convert_list(const struct converter *c, const struct node *list, const struct node *owner)
{
	json_auto_t *array = json_array();

	for (size_t i = 0; i < list->len; i++) {
		const struct node *item = list->items[i];
		bool script = owner && item->kind == NODE_SCALAR && wpk_argument_is_script(owner, list, i);
		json_t *value = script ? json_textn(item->text, item->len) : convert(c, item);

		if (!value)
			return NULL;
		json_push(array, value);
	}
	return json_incref(array);
}

static json_t *convert_mapping(const struct converter *c, const struct node *map)
{
	json_auto_t *object = json_object();

	for (size_t i = 0; i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		json_t *converted;

		if (key->kind != NODE_SCALAR) {
			error_set(c->err, ERR_INVALID_INPUT, "line %u: a key that is no text", key->start.line);
			return NULL;
		}
		if (value->kind == NODE_SEQUENCE && (!strcmp(key->text, "command") || !strcmp(key->text, "args")))
			converted = convert_list(c, value, map);
		else
			converted = convert(c, value);
		if (!converted)
			return NULL;
		json_put(object, key->text, converted);
	}
	return json_incref(object);
}

static json_t *convert(const struct converter *c, const struct node *node)
{
	switch (node->kind) {
	case NODE_MAPPING: return convert_mapping(c, node);
	case NODE_SEQUENCE: return convert_list(c, node, NULL);
	default: return c->values ? expanded(node, c->values, c->err) : scalar(node, c->err);
	}
}

json_t *k8s_json_of_node(const struct node *node, const struct k8s_values *values, struct error *err)
{
	const struct converter c = { .values = values, .err = err };

	return node ? convert(&c, node) : json_null();
}

/* ---- may it be applied? */

static const char *scope_trouble(const char *kind)
{
	if (k8s_kind_has(kind, K8S_CLUSTER_SCOPED))
		return "belongs to the whole cluster, and only the sandbox's namespace is ours";
	if (k8s_kind_has(kind, K8S_CONTROL))
		return "steers what holds the sandbox, or opens it to the outside: it cannot be part of what is tried out";
	return NULL;
}

/* What would reach out of the cluster. */
static const char *outside_trouble(const json_t *object, const char *kind)
{
	const char *type = k8s_text(object, "spec.type", "");

	if (strcasecmp(kind, "Service") != 0)
		return NULL;
	if (!strcmp(type, "LoadBalancer") || !strcmp(type, "NodePort"))
		return "opens a door to the outside: use type ClusterIP";
	return json_array_size(k8s_at(object, "spec.externalIPs")) ? "takes an address of the outside ('externalIPs')" : NULL;
}

static int check_one(const json_t *object, const char *where, struct error *err)
{
	const char *kind = k8s_text(object, "kind", NULL), *version = k8s_text(object, "apiVersion", NULL);
	const char *name = k8s_text(object, "metadata.name", NULL), *prefix = k8s_text(object, "metadata.generateName", NULL);
	const json_t *namespace = k8s_at(object, "metadata.namespace");
	const char *trouble;

	if (!json_is_object(object))
		return error_set(err, ERR_INVALID_INPUT, "%s: a manifest is a mapping with 'apiVersion', 'kind' and 'metadata'", where);
	if (!kind || !*kind || !version || !*version)
		return error_set(err, ERR_INVALID_INPUT, "%s: the manifest has no '%s'", where, kind && *kind ? "apiVersion" : "kind");
	if ((trouble = scope_trouble(kind)) || (trouble = outside_trouble(object, kind)))
		return error_set(err, ERR_INVALID_INPUT, "%s: %s '%s' %s", where, kind, name ? name : prefix ? prefix : "", trouble);
	if (!name && !prefix)
		return error_set(err, ERR_INVALID_INPUT, "%s: the %s has no 'metadata.name'", where, kind);
	if (name && !kube_name_is_valid(name))
		return error_set(err, ERR_INVALID_INPUT, "%s: '%s' is no name of an object (lower-case letters, digits, '-' and '.')", where, name);
	if (namespace && !json_is_null(namespace))
		return error_set(err, ERR_INVALID_INPUT, "%s: %s '%s' names the namespace '%s', and everything happens in the sandbox's own: leave it out",
				 where, kind, name ? name : prefix, json_is_string(namespace) ? json_string_value(namespace) : "?");
	return 0;
}

static bool is_list(const json_t *object)
{
	const char *kind = k8s_text(object, "kind", "");
	size_t len = strlen(kind);

	return len >= 4 && !strcmp(kind + len - 4, "List") && json_is_array(json_object_get(object, "items"));
}

static int unfold(json_t *manifest, const char *where, unsigned int depth, json_t *ret, struct error *err)
{
	json_t *item;
	size_t i;

	if (!is_list(manifest)) {
		if (check_one(manifest, where, err) < 0)
			return -1;
		if (json_array_size(ret) >= OBJECTS_MAX)
			return error_set(err, ERR_INVALID_INPUT, "%s: more than %d objects", where, OBJECTS_MAX);
		json_push(ret, json_deep_copy(manifest));
		return 0;
	}
	if (depth >= LIST_DEPTH_MAX)
		return error_set(err, ERR_INVALID_INPUT, "%s: lists in lists, more than %d deep", where, LIST_DEPTH_MAX);
	json_array_foreach(json_object_get(manifest, "items"), i, item)
		if (unfold(item, where, depth + 1, ret, err) < 0)
			return -1;
	return 0;
}

json_t *k8s_manifest_check(json_t *manifest, const char *where, struct error *err)
{
	json_auto_t *objects = json_array();
	json_t *object;
	size_t i;

	if (unfold(manifest, where, 0, objects, err) < 0)
		return NULL;
	json_array_foreach(objects, i, object)
		if (k8s_manifest_harden(object, NULL, err) < 0) {
			error_prefix(err, "%s", where);
			return NULL;
		}
	return json_incref(objects);
}
