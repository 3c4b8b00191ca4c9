/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that make, change or remove objects. */
#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/k8s_action.h"

static const char *done(const struct k8s_act *a, const char *word)
{
	static const struct { const char *word, *dry; } words[] = {
		{ "created", "would be created" }, { "changed", "would be changed" }, { "deleted", "would be deleted" },
		{ "annotated", "would be annotated" },
	};

	for (size_t i = 0; a->ctx->dry_run && i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].word, word))
			return words[i].dry;
	return word;
}

/* ---- annotate */

static int incremented(const json_t *object, const char *annotation, char ret[24], struct error *err)
{
	const char *now = json_string_value(json_object_get(k8s_at(object, "metadata.annotations"), annotation));
	uint64_t count = 0;

	if (now && integer_parse(now, strlen(now), 0, INT32_MAX, &count, err) < 0)
		return error_prefix(err, "annotation '%s' is '%.40s', and only a number can be incremented", annotation, now);
	snprintf(ret, 24, "%llu", (unsigned long long)count + 1);
	return 0;
}

static int annotate_one(struct k8s_act *a, json_t *object, const json_t *wanted, struct error *err)
{
	const char *name = k8s_text(object, "metadata.name", "");
	const struct kube_target where = k8s_place_as_user(a, a->type, name);
	json_auto_t *patch = json_object();
	json_t *annotations = json_object(), *metadata = json_object();
	const char *key;
	json_t *value;

	json_put(patch, "metadata", metadata);
	json_put(metadata, "annotations", annotations);
	json_object_foreach((json_t *)wanted, key, value) {
		char number[24];

		if (json_is_string(value) && !strcmp(json_string_value(value), "increment")) {
			if (incremented(object, key, number, err) < 0)
				return -1;
			json_put_text(annotations, key, number);
		} else {
			json_put(annotations, key, json_incref(value));
		}
	}
	if (k8s_patch(a, &where, KUBE_PATCH_MERGE, patch, NULL, err) < 0)
		return error_prefix(err, "annotating %s '%s'", a->type->singular, name);
	json_object_foreach(annotations, key, value)
		k8s_say(a, "%s/%s %s: %s=%s", a->type->singular, name, done(a, "annotated"), key, json_is_string(value) ? json_string_value(value) : "(removed)");
	return 0;
}

/* `annotations` or `annotation` as a mapping, `annotation` and `value`, or the one text "key=value". Values become texts. */
static json_t *wanted_annotations(const struct k8s_act *a, struct error *err)
{
	const struct k8s_values values = { .parameters = a->ctx->parameters };
	const struct node *node = k8s_config(a->config, "annotations");
	json_auto_t *wanted = NULL;
	const char *key, *equals;
	json_t *value;
	void *next;

	if (!node)
		node = k8s_config(a->config, "annotation");
	if (!node || !(wanted = k8s_json_of_node(node, &values, err))) {
		if (!err->code)
			error_set(err, ERR_INVALID_INPUT, "it has no 'annotation' to set");
		return NULL;
	}
	if (json_is_string(wanted)) {
		autofree char *word = xstrdup(json_string_value(wanted));
		autofree char *given = k8s_config_value(a, "value", err);

		if (err->code)
			return NULL;
		json_decref(wanted);
		wanted = json_object();
		equals = strchr(word, '=');
		if (!given && equals)
			word[equals - word] = '\0';
		json_put_text(wanted, word, given ? given : equals ? equals + 1 : "");
	}
	json_object_foreach_safe(wanted, next, key, value) {
		autostrbuf struct strbuf text = STRBUF_INIT(1 << 16);

		if (json_is_string(value) || json_is_null(value))
			continue;
		json_write(value, 0, &text);
		json_put_text(wanted, key, text.buf);
	}
	if (json_object_size(wanted))
		return json_incref(wanted);
	error_set(err, ERR_INVALID_INPUT, "it has no 'annotation' to set");
	return NULL;
}

int k8s_action_annotate(struct k8s_act *a, struct error *err)
{
	json_auto_t *wanted = wanted_annotations(a, err);
	json_auto_t *objects = NULL;
	json_t *object;
	size_t i;

	if (!wanted || k8s_find(a, &objects, err) < 0)
		return -1;
	json_array_foreach(objects, i, object)
		if (annotate_one(a, object, wanted, err) < 0)
			return -1;
	return 0;
}

/* ---- patch */

/* Strategic merging is known for the kinds that Kubernetes itself has. */
static enum kube_patch way_of(const struct kube_type *type)
{
	const char *end = strstr(type->group, ".k8s.io");

	return !strchr(type->group, '.') || (end && !end[7]) ? KUBE_PATCH_STRATEGIC : KUBE_PATCH_MERGE;
}

/* `data`: the mapping of a Secret or ConfigMap; for other kinds what it says. */
static json_t *patch_of_data(const struct k8s_act *a, json_t *data)
{
	json_t *patch = json_object();
	const char *key = "data";

	if (!strcmp(a->type->kind, "Secret"))
		key = "stringData";
	else if (strcmp(a->type->kind, "ConfigMap") != 0)
		return json_decref(patch), json_incref(data);
	json_put(patch, key, json_incref(data));
	return patch;
}

static void learn_secrets(const struct k8s_act *a, const json_t *data)
{
	const char *key;
	json_t *value;

	if (strcmp(a->type->kind, "Secret") != 0 || !a->ctx->parameters || !a->ctx->parameters->redactor)
		return;
	json_object_foreach((json_t *)data, key, value)
		if (json_is_string(value))
			redactor_add(a->ctx->parameters->redactor, json_string_value(value), json_string_length(value));
}

static json_t *config_json(const struct k8s_act *a, const char *key, struct error *err)
{
	const struct k8s_values values = { .parameters = a->ctx->parameters };
	const struct node *node = k8s_config(a->config, key);

	return node ? k8s_json_of_node(node, &values, err) : NULL;
}

static json_t *parsed(json_t *value, const char *what, struct error *err)
{
	json_auto_t *text = value;
	json_t *ret = NULL;

	if (!json_is_string(value))
		return json_incref(text);
	json_parse(json_string_value(value), json_string_length(value), what, &ret, err);
	return ret;
}

static json_t *wanted_patch(const struct k8s_act *a, struct error *err)
{
	static const char *const metadata_keys[] = { "labels", "annotations" };
	json_auto_t *data = config_json(a, "data", err);
	json_t *patch = err->code ? NULL : config_json(a, "patch", err);
	json_t *metadata = json_object();

	if (json_is_string(data)) {
		json_t *value = k8s_value_of(a->ctx->fixtures, json_string_value(data));

		value = value ? json_deep_copy(value) : parsed(json_incref(data), "data", err);
		json_decref(data);
		data = value;
	}
	if (patch)
		patch = parsed(patch, "patch", err);
	else if (json_is_object(data))
		patch = patch_of_data(a, data);
	learn_secrets(a, data);
	for (size_t i = 0; !err->code && i < ARRAY_SIZE(metadata_keys); i++) {
		json_t *value = config_json(a, metadata_keys[i], err);

		if (value)
			json_put(metadata, metadata_keys[i], value);
	}
	if (!err->code && json_object_size(metadata)) {
		patch = patch ? patch : json_object();
		json_put(patch, "metadata", json_incref(metadata));
	}
	json_decref(metadata);
	if (!patch && !err->code)
		error_set(err, ERR_INVALID_INPUT, "it says nothing to patch: 'patch', 'data', 'labels' or 'annotations' as a mapping");
	return patch;
}

static void say_keys(struct k8s_act *a, const char *name, const json_t *patch)
{
	autostrbuf struct strbuf keys = STRBUF_INIT(512);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)patch, key, value) {
		const char *inner;
		json_t *below;

		if (json_is_object(value))
			json_object_foreach(value, inner, below)
				strbuf_addf(&keys, "%s%s.%s", keys.len ? ", " : "", key, inner);
		else
			strbuf_addf(&keys, "%s%s", keys.len ? ", " : "", key);
	}
	k8s_say(a, "%s/%s %s: %s", a->type->singular, name, done(a, "changed"), json_is_array(patch) ? "by a JSON patch" : keys.buf);
}

int k8s_action_patch(struct k8s_act *a, struct error *err)
{
	json_auto_t *patch = wanted_patch(a, err);
	json_auto_t *objects = NULL;
	json_t *object;
	size_t i;

	if (!patch || k8s_find(a, &objects, err) < 0)
		return -1;
	if (!strcmp(a->type->kind, "Secret") && k8s_check_limit(a, "max_secrets", (int64_t)json_array_size(objects), err) < 0)
		return -1;
	json_array_foreach(objects, i, object) {
		const char *name = k8s_text(object, "metadata.name", "");
		const struct kube_target where = k8s_place_as_user(a, a->type, name);

		if (k8s_patch(a, &where, json_is_array(patch) ? KUBE_PATCH_JSON : way_of(a->type), patch, NULL, err) < 0)
			return error_prefix(err, "patching %s '%s'", a->type->singular, name);
		say_keys(a, name, patch);
	}
	return 0;
}

/* ---- create and apply */

/* What the cluster made of an object is taken off again, so that another one can be made of it. */
static void unmake(json_t *object)
{
	static const char *const metadata[] = { "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences",
						"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "name", "namespace" };
	static const char *const labels[] = { "controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name",
					      SANDBOX_LABEL_STAND_IN };
	static const char *const labelled[] = { "metadata.labels", "spec.template.metadata.labels" };
	autofree char *prefix = xasprintf("%.50s-", k8s_text(object, "metadata.name", k8s_text(object, "metadata.generateName", "copy")));

	for (size_t i = 0; i < ARRAY_SIZE(metadata); i++)
		json_object_del(json_object_get(object, "metadata"), metadata[i]);
	for (size_t i = 0; i < ARRAY_SIZE(labelled); i++)
		for (size_t j = 0; j < ARRAY_SIZE(labels); j++)
			json_object_del(k8s_at(object, labelled[i]), labels[j]);
	if (!strcmp(k8s_text(object, "kind", ""), "Job") && !json_is_true(k8s_at(object, "spec.manualSelector")))
		json_object_del(json_object_get(object, "spec"), "selector");
	json_object_del(object, "status");
	if (json_is_object(json_object_get(object, "metadata")))
		json_put_text(json_object_get(object, "metadata"), "generateName", prefix);
}

/* `original_job`: the target itself, with one more than as often as it was made already. */
static json_t *original(struct k8s_act *a, struct error *err)
{
	char why[256] = "";
	json_auto_t *objects = NULL;

	if (!k8s_target_of(a->ctx->fixtures, a->step->plan, a->ctx->parameters, a->type->singular, &a->target, a->selector, why) && *why) {
		error_set(err, ERR_INVALID_INPUT, "%s", why);
		return NULL;
	}
	if (k8s_find(a, &objects, err) < 0)
		return NULL;
	return json_deep_copy(json_array_get(objects, 0));
}

static int check_retries(struct k8s_act *a, const json_t *object, struct error *err)
{
	const char *text = json_string_value(json_object_get(k8s_at(object, "metadata.annotations"), "retry-count"));
	uint64_t count = 0;
	int64_t most;

	if (k8s_config_number(a, "max_retries", -1, &most, err) < 0)
		return -1;
	if (most >= 0 && k8s_check_limit(a, "max_retries", most, err) < 0)
		return -1;
	if (most < 0 || !text || integer_parse(text, strlen(text), 0, INT32_MAX, &count, NULL) < 0 || (int64_t)count <= most)
		return 0;
	a->limit = "max_retries";
	return error_set(err, ERR_RESOURCE_EXHAUSTED, "not done: it was tried %llu times, and the step allows max_retries: %lld", (unsigned long long)count,
			 (long long)most);
}

/* A template makes new objects each time; a manifest says what its object is called. */
static json_t *from_template(struct k8s_act *a, struct error *err)
{
	json_auto_t *template = config_json(a, "template", err);
	json_t *value;

	if (!template)
		return NULL;
	if (json_is_string(template)) {
		value = k8s_value_of(a->ctx->fixtures, json_string_value(template));
		value = value ? json_deep_copy(value) : strpbrk(json_string_value(template), "\n{") ? parsed(json_incref(template), "template", err) : original(a, err);
		json_decref(template);
		template = value;
	}
	if (!template || check_retries(a, template, err) < 0)
		return NULL;
	unmake(template);
	return json_incref(template);
}

static json_t *parse_manifest(const char *text, size_t len, struct error *err)
{
	struct document *doc = NULL;
	json_t *ret = NULL;

	if (document_parse(text, len, "manifest", &yaml_default_limits, &doc, err) < 0)
		return NULL;
	if (doc->problems_len)
		error_set(err, ERR_INVALID_INPUT, "manifest:%u: %s", doc->problems[0].position.line, doc->problems[0].message);
	else
		ret = k8s_json_of_node(doc->root, NULL, err);
	document_free(doc);
	return ret;
}

static json_t *from_manifest(struct k8s_act *a, struct error *err)
{
	json_auto_t *manifest = config_json(a, "manifest", err);
	const json_t *value;

	if (!json_is_string(manifest))
		return json_incref(manifest);
	value = k8s_value_of(a->ctx->fixtures, json_string_value(manifest));
	return value ? json_deep_copy(value) : parse_manifest(json_string_value(manifest), json_string_length(manifest), err);
}

static void say_made(struct k8s_act *a, const json_t *made, const char *kind, const char *word)
{
	k8s_say(a, "%s/%s %s", kind, k8s_text(made, "metadata.name", k8s_text(made, "metadata.generateName", "?")), done(a, word));
}

/* Make it, or change what has its name. */
static int make(struct k8s_act *a, const struct kube_type *type, json_t *object, json_t **ret, struct error *err)
{
	struct kube_target where = k8s_place_as_user(a, type, k8s_text(object, "metadata.name", NULL));
	int r = k8s_create(a, type, object, ret, err);

	if (r == 0) {
		say_made(a, *ret, type->singular, "created");
		return 0;
	}
	if (!kube_is(a->ctx->cluster->kube, "AlreadyExists") || !where.name)
		return error_prefix(err, "creating %s '%s'", type->singular, k8s_text(object, "metadata.name", ""));
	*err = (struct error){ 0 };
	if (k8s_patch(a, &where, KUBE_PATCH_APPLY, object, ret, err) < 0)
		return error_prefix(err, "applying %s '%s'", type->singular, where.name);
	say_made(a, *ret, type->singular, "changed");
	return 0;
}

static int judge(struct k8s_act *a, const struct kube_type *type, json_t *object, struct error *err)
{
	struct kube_target where = k8s_place_as_user(a, type, NULL);

	where.dry_run = true;
	if (kube_create(a->ctx->cluster->kube, &where, object, NULL, err) == 0 || kube_is(a->ctx->cluster->kube, "AlreadyExists")) {
		*err = (struct error){ 0 };
		return 0;
	}
	k8s_refused(a, type, NULL, "create", err);
	return error_prefix(err, "%s '%s' is not accepted", type->singular, k8s_text(object, "metadata.name", k8s_text(object, "metadata.generateName", "")));
}

static const char *readiness_of(const char *kind)
{
	return !strcmp(kind, "Job") ? "complete" : "ready";
}

int k8s_apply_object(struct k8s_act *a, json_t *object, bool wait, struct error *err)
{
	const struct k8s_waiter waiter = k8s_waiter_of(a);
	const struct kube_type *type = kube_type_of(a->ctx->cluster->kube, k8s_text(object, "apiVersion", ""), k8s_text(object, "kind", ""), err);
	json_auto_t *made = NULL;

	if (!type)
		return -1;
	if (!type->namespaced)
		return error_set(err, ERR_INVALID_INPUT, "%s '%s' belongs to the whole cluster, and only the sandbox's namespace is ours", type->kind,
				 k8s_text(object, "metadata.name", ""));
	if (k8s_check_new(a, object, err) < 0 || (!a->ctx->dry_run && judge(a, type, object, err) < 0) || make(a, type, object, &made, err) < 0)
		return -1;
	if (!wait || a->ctx->dry_run)
		return 0;
	if (k8s_wait_for(&waiter, type, k8s_text(made, "metadata.name", ""), readiness_of(type->kind), a->deadline_ns, err) < 0)
		return -1;
	if (k8s_kind_has(type->kind, K8S_WORKLOAD))
		k8s_say(a, "%s/%s is %s", type->singular, k8s_text(made, "metadata.name", ""), readiness_of(type->kind));
	return 0;
}

static int apply_all(struct k8s_act *a, json_t *manifest, bool wait, struct error *err)
{
	json_auto_t *objects = k8s_manifest_check(manifest, a->config->path, err);
	json_t *object;
	size_t i;

	if (!objects)
		return -1;
	json_array_foreach(objects, i, object)
		if (k8s_apply_object(a, object, wait, err) < 0)
			return -1;
	return 0;
}

int k8s_action_create(struct k8s_act *a, struct error *err)
{
	json_auto_t *object = k8s_config(a->config, "manifest") ? from_manifest(a, err) : from_template(a, err);

	if (!object)
		return err->code ? -1 : error_set(err, ERR_INVALID_INPUT, "it does not say what to create: give it a 'manifest' or a 'template'");
	if (k8s_config_text(a->config, "delay"))
		k8s_say(a, "the delay '%s' was not waited for", k8s_config_text(a->config, "delay"));
	return apply_all(a, object, false, err);
}

int k8s_action_apply(struct k8s_act *a, struct error *err)
{
	json_auto_t *object = from_manifest(a, err);

	if (!object)
		return err->code ? -1 : error_set(err, ERR_INVALID_INPUT, "it has no 'manifest' to apply");
	return apply_all(a, object, true, err);
}

int k8s_action_manifest(struct k8s_act *a, struct error *err)
{
	const struct k8s_values values = { .parameters = a->ctx->parameters };
	json_auto_t *object = k8s_json_of_node(a->config->node, &values, err);

	return object ? apply_all(a, object, true, err) : -1;
}

/* ---- delete */

int k8s_action_delete(struct k8s_act *a, struct error *err)
{
	const struct k8s_waiter waiter = k8s_waiter_of(a);
	json_auto_t *objects = NULL;
	int64_t grace;
	json_t *object;
	size_t i;

	if (k8s_config_seconds(a, "grace_period", -1, &grace, err) < 0 || k8s_find(a, &objects, err) < 0)
		return -1;
	json_array_foreach(objects, i, object) {
		const char *name = k8s_text(object, "metadata.name", "");

		if (k8s_delete(a, a->type, name, grace, err) < 0)
			return error_prefix(err, "deleting %s '%s'", a->type->singular, name);
		k8s_say(a, "%s/%s %s", a->type->singular, name, done(a, "deleted"));
	}
	json_array_foreach(objects, i, object)
		if (!a->ctx->dry_run && k8s_wait_for(&waiter, a->type, k8s_text(object, "metadata.name", ""), "deleted", a->deadline_ns, err) < 0)
			return -1;
	return 0;
}
