/* SPDX-License-Identifier: Apache-2.0
 * The verbs: a type, a namespace and a name become a path. */
#include <stdio.h>
#include <string.h>

#include "runner/base/kube_private.h"
#include "runner/base/mem.h"

#define PAGE 500
#define PATH_LIMIT (64u << 10)

static void add_parameter(struct strbuf *query, const char *name, const char *value)
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
		add_parameter(out, "labelSelector", which->labels);
	if (which && which->fields && *which->fields)
		add_parameter(out, "fieldSelector", which->fields);
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

/* ---- lists */

struct pages {
	char *token;		/* of the next page; NULL: the first */
	unsigned int size;
	bool restarted;		/* the token had expired */
};

/* Items get kind and apiVersion, which servers leave out in lists. */
static void complete_item(json_t *item, const struct kube_type *type)
{
	if (!json_object_get(item, "kind"))
		json_put_text(item, "kind", type->kind);
	if (!json_object_get(item, "apiVersion"))
		json_put_text(item, "apiVersion", type->api_version);
}

/* 1: `each` wants no more. */
static int take_page(json_t *page, const struct kube_target *t, bool restarted, bool (*each)(void *arg, json_t *item, bool restarted), void *arg)
{
	json_t *items = json_object_get(page, "items");

	for (size_t i = 0; i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);

		if (!json_is_object(item))
			continue;
		complete_item(item, t->type);
		if (!each(arg, item, restarted && i == 0))
			return 1;
	}
	return 0;
}

static int get_page(struct kube *k, const struct kube_target *t, const struct kube_selection *which, struct pages *p, json_t **ret,
		    struct error *err)
{
	autostrbuf struct strbuf query = STRBUF_INIT(PATH_LIMIT);

	kube_selection_query(which, &query);
	strbuf_addf(&query, "%slimit=%u", query.len ? "&" : "", p->size);
	if (p->token)
		add_parameter(&query, "continue", p->token);
	return call_target(k, t, query.buf, &(struct kube_call){ .method = "GET" }, ret, err);
}

int kube_list(struct kube *k, const struct kube_target *t, const struct kube_selection *which,
	      bool (*each)(void *arg, json_t *item, bool restarted), void *arg, char **ret_resource_version, struct error *err)
{
	struct kube_target plain = *t;
	struct pages p = { .size = which && which->page ? which->page : PAGE };
	unsigned int restarts = 0;
	autofree char *token = NULL;

	plain.dry_run = false;
	for (;;) {
		json_auto_t *page = NULL;
		const json_t *meta;
		const char *next;

		p.token = token;
		if (get_page(k, &plain, which, &p, &page, err) < 0) {
			if (!token || k->failure.status != 410 || ++restarts > 3)
				return -1;
			free(steal_ptr(&token));
			p.restarted = true;
			continue;
		}
		meta = json_object_get(page, "metadata");
		if (!json_is_array(json_object_get(page, "items")) && !json_is_null(json_object_get(page, "items")))
			return error_set(err, ERR_REMOTE, "'%s' answers what is no list", k->cfg.server);
		if (take_page(page, t, p.restarted, each, arg))
			return 0;
		p.restarted = false;
		next = json_string_value(json_object_get(meta, "continue"));
		free(steal_ptr(&token));
		if (!next || !*next) {
			const char *version = json_string_value(json_object_get(meta, "resourceVersion"));

			if (ret_resource_version)
				*ret_resource_version = xstrdup(version ? version : "");
			return 0;
		}
		token = xstrdup(next);
	}
}
