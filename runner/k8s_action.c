/* SPDX-License-Identifier: Apache-2.0
 *
 * What the actions share: asking as ourselves, changing as the user, limits. */
#include "runner/k8s_action.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

#define CALL_NS (30 * NS_PER_SEC)

/* ---- time and place */

uint64_t k8s_left_ns(const struct k8s_act *a)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t left = a->deadline_ns > now ? a->deadline_ns - now : NS_PER_MS;

	return left < CALL_NS ? left : CALL_NS;
}

struct k8s_waiter k8s_waiter_of(const struct k8s_act *a)
{
	return (struct k8s_waiter){ .cluster = a->ctx->cluster, .cancel = a->ctx->cancel, .events = a->ctx->events };
}

struct kube_target k8s_place(const struct k8s_act *a, const struct kube_type *type, const char *name)
{
	return (struct kube_target){ .type = type, .namespace = a->ctx->cluster->namespace, .name = name, .timeout_ns = k8s_left_ns(a) };
}

struct kube_target k8s_place_as_user(const struct k8s_act *a, const struct kube_type *type, const char *name)
{
	struct kube_target target = k8s_place(a, type, name);

	target.as_user = a->ctx->cluster->user;
	return target;
}

/* ---- config */

char *k8s_config_value(const struct k8s_act *a, const char *key, struct error *err)
{
	const char *text = k8s_config_text(a->config, key);
	char *value;

	if (!text)
		return NULL;
	value = k8s_expand(text, strlen(text), a->ctx->parameters, err);
	if (!value)
		error_prefix(err, "'%s'", key);
	return value;
}

int k8s_config_number(const struct k8s_act *a, const char *key, int64_t otherwise, int64_t *ret, struct error *err)
{
	struct error inner = { 0 };
	autofree char *text = k8s_config_value(a, key, &inner);
	uint64_t value;

	if (!text && inner.code) {
		*err = inner;
		return -1;
	}
	*ret = otherwise;
	if (!text)
		return 0;
	if (integer_parse(text, strlen(text), 0, INT32_MAX, &value, err) < 0)
		return error_prefix(err, "'%s'", key);
	*ret = (int64_t)value;
	return 0;
}

int k8s_config_seconds(const struct k8s_act *a, const char *key, int64_t otherwise, int64_t *ret, struct error *err)
{
	struct error inner = { 0 };
	autofree char *text = k8s_config_value(a, key, &inner);
	uint64_t ns;

	if (!text && inner.code) {
		*err = inner;
		return -1;
	}
	*ret = otherwise;
	if (!text)
		return 0;
	if (duration_parse(text, strlen(text), &ns, err) < 0)
		return error_prefix(err, "'%s'", key);
	*ret = (int64_t)((ns + NS_PER_SEC - 1) / NS_PER_SEC);
	return 0;
}

/* ---- finding */

static bool collect(void *arg, json_t *item, bool restarted)
{
	if (restarted)
		json_array_clear(arg);
	json_push(arg, json_incref(item));
	return true;
}

int k8s_list(struct k8s_act *a, const struct kube_type *type, const char *labels, json_t **ret, struct error *err)
{
	const struct kube_target where = k8s_place(a, type, NULL);
	const struct kube_selection which = { .labels = labels && *labels ? labels : NULL };
	json_auto_t *items = json_array();
	json_t *item;
	size_t i;

	if (kube_list(a->ctx->cluster->kube, &where, &which, collect, items, NULL, err) < 0)
		return -1;
	json_array_foreach(items, i, item) {	/* a list says once what its items are */
		json_put_text(item, "kind", type->kind);
		json_put_text(item, "apiVersion", type->api_version);
	}
	*ret = json_incref(items);
	return 0;
}

int k8s_find(struct k8s_act *a, json_t **ret, struct error *err)
{
	const struct kube_target where = k8s_place(a, a->type, a->target.name);
	json_t *object = NULL;

	if (!*a->target.name) {
		if (k8s_list(a, a->type, a->selector, ret, err) < 0)
			return -1;
		if (json_array_size(*ret))
			return 0;
		json_decref(*ret);
		*ret = NULL;
		return error_set(err, ERR_INVALID_INPUT, "there are no %s%s%s in the sandbox", a->type->plural, *a->selector ? " with " : "", a->selector);
	}
	if (kube_get(a->ctx->cluster->kube, &where, &object, err) < 0)
		return kube_is(a->ctx->cluster->kube, "NotFound")
			? error_set(err, ERR_INVALID_INPUT, "%s '%s' is not there: give it with --fixtures", a->type->singular, a->target.name) : -1;
	*ret = json_array();
	json_push(*ret, object);
	return 0;
}

char *k8s_pods_of(const json_t *object)
{
	const json_t *labels = k8s_at(object, "spec.selector.matchLabels");
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const char *key;
	json_t *value;

	if (!labels && json_is_string(json_object_get(k8s_at(object, "spec.selector"), "app")))
		labels = k8s_at(object, "spec.selector");
	json_object_foreach((json_t *)labels, key, value)
		strbuf_addf(&text, "%s%s=%s", text.len ? "," : "", key, json_is_string(value) ? json_string_value(value) : "");
	return text.len ? strbuf_detach(&text) : NULL;
}

/* ---- changing */

static const struct kube_permission *permission_of(const struct k8s_act *a, const char *needed)
{
	for (size_t i = 0; i < a->ctx->cluster->permissions_len; i++)
		if (!strcmp(a->ctx->cluster->permissions[i].declared, needed))
			return &a->ctx->cluster->permissions[i];
	return NULL;
}

int k8s_refused(const struct k8s_act *a, const struct kube_type *type, const char *subresource, const char *verb, struct error *err)
{
	/* as packages write it: deployments/patch, deployments/scale, pods/log */
	autofree char *needed = xasprintf("%s/%s", type->plural, subresource ? subresource : verb);
	const struct kube_permission *declared;

	if (!kube_is(a->ctx->cluster->kube, "Forbidden"))
		return -1;
	declared = permission_of(a, needed);
	if (!declared)
		return error_set(err, err->code, "declared against observed: needs %s, which required_permissions does not declare", needed);
	return error_prefix(err, "declared against observed: needs %s, which is declared%s%s", needed, *declared->why_not ? " but could not be granted: " : "",
			    declared->why_not);
}

bool k8s_look_anyway(struct k8s_act *a, const struct kube_type *type, const char *subresource, const char *verb, struct error *err)
{
	if (!kube_is(a->ctx->cluster->kube, "Forbidden"))
		return false;
	k8s_refused(a, type, subresource, verb, err);
	if (!strcmp(type->kind, "Secret"))
		return false;
	if (!a->step->reason) {	/* once a step */
		k8s_say(a, "%s; it was looked at all the same", err->text);
		a->step->reason = xasprintf("%s; it was looked at all the same, because nothing changes by that", err->text);
	}
	*err = (struct error){ 0 };
	return true;
}

/* Pods must stay as held in as they are, whatever the cluster's own admission thinks: what a change would come to is judged first. */
static int judge_first(struct k8s_act *a, const struct kube_target *where, enum kube_patch how, json_t *patch, struct error *err)
{
	struct kube_target dry = *where;
	json_auto_t *would_be = NULL;

	dry.dry_run = true;
	if (kube_patch(a->ctx->cluster->kube, &dry, how, patch, &would_be, err) < 0)
		return k8s_refused(a, where->type, where->subresource, "patch", err);
	if (!json_object_get(would_be, "kind"))
		json_put_text(would_be, "kind", where->type->kind);
	return k8s_manifest_is_safe(would_be, err);
}

int k8s_patch(struct k8s_act *a, const struct kube_target *where, enum kube_patch how, json_t *patch, json_t **ret, struct error *err)
{
	struct kube_target target = *where;

	target.dry_run = a->ctx->dry_run;
	if (!where->subresource && k8s_kind_has(where->type->kind, K8S_WORKLOAD) && judge_first(a, where, how, patch, err) < 0)
		return -1;
	if (kube_patch(a->ctx->cluster->kube, &target, how, patch, ret, err) < 0)
		return k8s_refused(a, where->type, where->subresource, "patch", err);
	return 0;
}

int k8s_create(struct k8s_act *a, const struct kube_type *type, json_t *object, json_t **ret, struct error *err)
{
	struct kube_target where = k8s_place_as_user(a, type, NULL);

	where.dry_run = a->ctx->dry_run;
	if (kube_create(a->ctx->cluster->kube, &where, object, ret, err) < 0)
		return k8s_refused(a, type, NULL, "create", err);
	return 0;
}

int k8s_delete(struct k8s_act *a, const struct kube_type *type, const char *name, int64_t grace_seconds, struct error *err)
{
	struct kube_target where = k8s_place_as_user(a, type, name);
	const struct kube_delete how = { .propagation = "Background", .grace_seconds = grace_seconds };

	where.dry_run = a->ctx->dry_run;
	if (kube_delete(a->ctx->cluster->kube, &where, &how, err) < 0)
		return k8s_refused(a, type, NULL, "delete", err);
	return 0;
}

/* ---- limits */

static const char *const limit_names[] = { "max_pods", "max_replicas", "max_jobs", "max_secrets", "max_namespaces", "max_storage", "max_retries" };

static const char *limit_name(const char *limit)
{
	for (size_t i = 0; i < ARRAY_SIZE(limit_names); i++)
		if (!strcmp(limit_names[i], limit))
			return limit_names[i];
	return NULL;
}

int k8s_check_limit(struct k8s_act *a, const char *limit, int64_t would_be, struct error *err)
{
	const struct wpk *wpk = decision_wpk(a->ctx->plan->decision);
	const struct node *node = node_get(wpk->resource_limits, limit);
	uint64_t allowed;

	if (!node || node->kind != NODE_SCALAR || node_is_null(node) || size_parse(node->text, node->len, &allowed, NULL) < 0 ||
	    would_be <= (int64_t)allowed)
		return 0;
	a->limit = limit_name(limit);
	return error_set(err, ERR_RESOURCE_EXHAUSTED, "not done: it would come to %lld, and the package limits %s to %s", (long long)would_be, limit, node->text);
}

static int count(struct k8s_act *a, const char *type_name, int64_t *ret, json_t **items, struct error *err)
{
	const struct kube_type *type = kube_type_named(a->ctx->cluster->kube, type_name, err);
	json_auto_t *list = NULL;

	if (!type || k8s_list(a, type, NULL, &list, err) < 0)
		return error_prefix(err, "counting %s", type_name);
	*ret = (int64_t)json_array_size(list);
	if (items)
		*items = json_incref(list);
	return 0;
}

static bool has_limit(const struct k8s_act *a, const char *limit)
{
	return node_get(decision_wpk(a->ctx->plan->decision)->resource_limits, limit);
}

static bool is_over(const json_t *pod)
{
	const char *phase = k8s_text(pod, "status.phase", "");

	return !strcmp(phase, "Succeeded") || !strcmp(phase, "Failed") || k8s_at(pod, "metadata.deletionTimestamp");
}

int k8s_check_pods(struct k8s_act *a, int64_t more, struct error *err)
{
	json_auto_t *pods = NULL;
	json_t *pod;
	int64_t n;
	size_t i;

	if (more <= 0 || !has_limit(a, "max_pods"))
		return 0;
	if (count(a, "pods", &n, &pods, err) < 0)
		return -1;
	json_array_foreach(pods, i, pod)
		n -= is_over(pod);
	return k8s_check_limit(a, "max_pods", n + more, err);
}

static int64_t storage_of(const json_t *claim)
{
	const char *text = k8s_text(claim, "spec.resources.requests.storage", "0");
	uint64_t bytes = 0;

	size_parse(text, strlen(text), &bytes, NULL);
	return (int64_t)bytes;
}

static int check_storage(struct k8s_act *a, const json_t *object, struct error *err)
{
	json_auto_t *claims = NULL;
	int64_t n, bytes = storage_of(object);
	json_t *claim;
	size_t i;

	if (count(a, "persistentvolumeclaims", &n, &claims, err) < 0)
		return -1;
	json_array_foreach(claims, i, claim)
		if (bytes < INT64_MAX / 2)
			bytes += storage_of(claim);
	return k8s_check_limit(a, "max_storage", bytes, err);
}

/* Tokens of service accounts are nobody's secrets. */
static int check_secrets(struct k8s_act *a, const json_t *object, struct error *err)
{
	json_auto_t *secrets = NULL;
	json_t *secret;
	int64_t n;
	size_t i;

	(void)object;
	if (count(a, "secrets", &n, &secrets, err) < 0)
		return -1;
	json_array_foreach(secrets, i, secret)
		n -= !strcmp(k8s_text(secret, "type", ""), "kubernetes.io/service-account-token");
	return k8s_check_limit(a, "max_secrets", n + 1, err);
}

static int check_jobs(struct k8s_act *a, const json_t *object, struct error *err)
{
	int64_t n;

	(void)object;
	return count(a, "jobs", &n, NULL, err) < 0 ? -1 : k8s_check_limit(a, "max_jobs", n + 1, err);
}

static int check_replicas(struct k8s_act *a, const json_t *object, struct error *err)
{
	return k8s_check_limit(a, "max_replicas", k8s_number(object, "spec.replicas", 1), err);
}

int k8s_check_new(struct k8s_act *a, const json_t *object, struct error *err)
{
	static const struct { const char *kind, *limit; int (*check)(struct k8s_act *a, const json_t *object, struct error *err); } rows[] = {
		{ "Job", "max_jobs", check_jobs }, { "Secret", "max_secrets", check_secrets },
		{ "PersistentVolumeClaim", "max_storage", check_storage }, { "Deployment", "max_replicas", check_replicas },
		{ "StatefulSet", "max_replicas", check_replicas }, { "ReplicaSet", "max_replicas", check_replicas },
	};
	const char *kind = k8s_text(object, "kind", "");

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].kind, kind) && has_limit(a, rows[i].limit) && rows[i].check(a, object, err) < 0)
			return -1;
	if (!k8s_kind_has(kind, K8S_WORKLOAD))
		return 0;
	return k8s_check_pods(a, k8s_number(object, "spec.replicas", k8s_number(object, "spec.parallelism", 1)), err);
}
