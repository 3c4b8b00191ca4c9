/* SPDX-License-Identifier: Apache-2.0
 * The verbs: a type, a namespace and a name become a path. */
#include <stdio.h>
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define PATH_LIMIT (64u << 10)

void kube_add_parameter(struct strbuf *query, const char *name, const char *value)
{
	strbuf_addf(query, "%s%s=", query->len ? "&" : "", name);
	http_escape(query, value);
}

static void add_part(struct strbuf *out, const char *text)
{
	strbuf_addch(out, '/');
	http_escape(out, text);
}

int kube_target_path(const struct kube_target *t, const char *query, struct strbuf *out, struct error *err)
{
	if (!t->type)
		return error_set(err, ERR_INTERNAL, "no type of object is given");
	if (t->type->namespaced && !t->namespace && t->name)
		return error_set(err, ERR_INVALID_INPUT, "%s '%s' needs a namespace", t->type->kind, t->name);
	/* "." and ".." are parts of paths that servers and proxies take out */
	if ((t->name && (!*t->name || !strcmp(t->name, ".") || !strcmp(t->name, ".."))) ||
	    (t->namespace && (!*t->namespace || !strcmp(t->namespace, ".") || !strcmp(t->namespace, ".."))))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is no name", t->name && strspn(t->name, ".") == strlen(t->name) ? t->name : t->namespace);
	strbuf_addstr(out, *t->type->group ? "/apis/" : "/api/");
	strbuf_addstr(out, t->type->api_version);
	if (t->type->namespaced && t->namespace) {
		strbuf_addstr(out, "/namespaces");
		add_part(out, t->namespace);
	}
	add_part(out, t->type->plural);
	if (t->name)
		add_part(out, t->name);
	if (t->subresource)
		add_part(out, t->subresource);
	if (query && *query)
		strbuf_addf(out, "?%s", query);
	if (t->dry_run)
		strbuf_addf(out, "%sdryRun=All", query && *query ? "&" : "?");
	return out->overflow ? error_set(err, ERR_INVALID_INPUT, "the name or selection is too long") : 0;
}

void kube_selection_query(const struct kube_selection *which, struct strbuf *out)
{
	if (which && which->labels && *which->labels)
		kube_add_parameter(out, "labelSelector", which->labels);
	if (which && which->fields && *which->fields)
		kube_add_parameter(out, "fieldSelector", which->fields);
}

static int call_target(struct kube *k, const struct kube_target *t, const char *query, struct kube_call *call, json_t **ret,
		       struct error *err)
{
	autostrbuf struct strbuf path = STRBUF_INIT(PATH_LIMIT);

	if (kube_target_path(t, query, &path, err) < 0)
		return -1;
	call->target = path.buf;
	call->as_user = t->as_user;
	call->timeout_ns = t->timeout_ns;
	return kube_call(k, call, ret, err);
}

int kube_get(struct kube *k, const struct kube_target *t, json_t **ret, struct error *err)
{
	struct kube_target plain = *t;

	plain.dry_run = false;
	return call_target(k, &plain, NULL, &(struct kube_call){ .method = "GET" }, ret, err);
}

int kube_create(struct kube *k, const struct kube_target *t, json_t *object, json_t **ret, struct error *err)
{
	struct kube_target collection = *t;

	if (!t->subresource)
		collection.name = NULL;
	return call_target(k, &collection, "fieldManager=sandbox_runner", &(struct kube_call){ .method = "POST", .body = object }, ret, err);
}

int kube_update(struct kube *k, const struct kube_target *t, json_t *object, json_t **ret, struct error *err)
{
	return call_target(k, t, "fieldManager=sandbox_runner", &(struct kube_call){ .method = "PUT", .body = object }, ret, err);
}

int kube_patch(struct kube *k, const struct kube_target *t, enum kube_patch how, json_t *patch, json_t **ret, struct error *err)
{
	static const char *const types[] = {
		[KUBE_PATCH_MERGE] = "application/merge-patch+json",
		[KUBE_PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
		[KUBE_PATCH_JSON] = "application/json-patch+json",
		[KUBE_PATCH_APPLY] = "application/apply-patch+yaml",
	};

	return call_target(k, t, how == KUBE_PATCH_APPLY ? "fieldManager=sandbox_runner&force=true" : "fieldManager=sandbox_runner",
			   &(struct kube_call){ .method = "PATCH", .body = patch, .content_type = types[how] }, ret, err);
}

int kube_delete(struct kube *k, const struct kube_target *t, const struct kube_delete *how, struct error *err)
{
	json_auto_t *options = json_object();

	json_put_text(options, "kind", "DeleteOptions");
	json_put_text(options, "apiVersion", "v1");
	json_put_text(options, "propagationPolicy", how && how->propagation ? how->propagation : "Background");
	if (how && how->grace_seconds >= 0)
		json_put_int(options, "gracePeriodSeconds", how->grace_seconds);
	if (how && how->uid) {
		json_t *preconditions = json_object();

		json_put_text(preconditions, "uid", how->uid);
		json_put(options, "preconditions", preconditions);
	}
	if (call_target(k, t, NULL, &(struct kube_call){ .method = "DELETE", .body = options }, NULL, err) == 0)
		return 0;
	if (!kube_is(k, "NotFound"))
		return -1;
	if (err)
		*err = (struct error){ .code = ERR_OK };
	return 0;
}

int kube_evict(struct kube *k, const char *namespace, const char *pod, int64_t grace_seconds, struct error *err)
{
	static const char *const none[] = { NULL };
	static const struct kube_type pods = { .group = "", .version = "v1", .api_version = "v1", .kind = "Pod", .plural = "pods",
		.singular = "pod", .short_names = none, .subresources = none, .namespaced = true };
	const struct kube_type *eviction = NULL;
	const struct kube_target t = { .type = &pods, .namespace = namespace, .name = pod, .subresource = "eviction" };
	json_auto_t *body = json_object();
	json_t *meta = json_object(), *options = json_object();

	/* policy/v1 since 1.22, v1beta1 until 1.24 */
	eviction = kube_type_of(k, "policy/v1", "PodDisruptionBudget", NULL);
	json_put_text(body, "apiVersion", eviction ? "policy/v1" : "policy/v1beta1");
	json_put_text(body, "kind", "Eviction");
	json_put_text(meta, "name", pod);
	json_put_text(meta, "namespace", namespace);
	json_put(body, "metadata", meta);
	if (grace_seconds >= 0)
		json_put_int(options, "gracePeriodSeconds", grace_seconds);
	json_put(body, "deleteOptions", options);
	return kube_create(k, &t, body, NULL, err);
}
