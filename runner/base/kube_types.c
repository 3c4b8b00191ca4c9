/* SPDX-License-Identifier: Apache-2.0
 * Discovery: which types the server has, under which names. Group versions are asked once each; all of them only when somebody wants
 * to see all, or names a type without its group. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "runner/base/arena.h"
#include "runner/base/kube_private.h"
#include "runner/base/mem.h"
#include "runner/base/nearest.h"
#include "runner/base/utf8.h"

#define GROUPS_MAX 2000
#define TYPES_MAX 20000

struct group_version {
	char *api_version;	/* "apps/v1" */
	struct kube_type *types;
	size_t len, alloc;
};

struct kube_discovery {
	struct arena arena;
	struct group_version **versions;	/* stable: types are handed out */
	size_t len, alloc;
	struct kube_type *all;		/* in their preferred version */
	size_t all_len, all_alloc;
	bool complete;
};

void kube_discovery_free(struct kube_discovery *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->len; i++) {
		free(d->versions[i]->types);
		free(d->versions[i]);
	}
	free(d->versions);
	free(d->all);
	arena_release(&d->arena);
	free(d);
}

static const char *copy(struct kube_discovery *d, const char *text)
{
	return arena_strndup(&d->arena, text ? text : "", text ? strlen(text) : 0);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static const char *const *copy_list(struct kube_discovery *d, const json_t *list)
{
	const size_t n = json_array_size(list);
	const char **ret = arena_alloc(&d->arena, (n + 1) * sizeof(*ret));

	for (size_t i = 0, out = 0; i < n; i++)
		if (json_is_string(json_array_get(list, i)))
			ret[out++] = copy(d, json_string_value(json_array_get(list, i)));
	return ret;
}

static unsigned int verbs_of(const json_t *list)
{
	static const struct { const char *name; enum kube_verb verb; } names[] = {
		{ "get", KUBE_GET }, { "list", KUBE_LIST }, { "watch", KUBE_WATCH }, { "create", KUBE_CREATE },
		{ "update", KUBE_UPDATE }, { "patch", KUBE_PATCH }, { "delete", KUBE_DELETE },
	};
	unsigned int ret = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		for (size_t j = 0; s && j < ARRAY_SIZE(names); j++)
			ret |= strcmp(s, names[j].name) ? 0 : names[j].verb;
	}
	return ret;
}

static void add_type(struct kube_discovery *d, struct group_version *gv, const json_t *r, const json_t *resources)
{
	const char *name = text_of(r, "name"), *slash = strchr(gv->api_version, '/');
	const size_t name_len = strlen(name);
	const char **subresources;
	size_t n = 0;
	struct kube_type *t;

	ARRAY_GROW(gv->types, gv->len, gv->alloc);
	t = &gv->types[gv->len++];
	*t = (struct kube_type){
		.group = slash ? arena_strndup(&d->arena, gv->api_version, (size_t)(slash - gv->api_version)) : "",
		.version = slash ? slash + 1 : gv->api_version, .api_version = gv->api_version,
		.kind = copy(d, text_of(r, "kind")), .plural = copy(d, name), .singular = copy(d, text_of(r, "singularName")),
		.short_names = copy_list(d, json_object_get(r, "shortNames")), .namespaced = json_is_true(json_object_get(r, "namespaced")),
		.verbs = verbs_of(json_object_get(r, "verbs")),
	};
	if (!*t->singular) {	/* as servers before 1.27 leave it */
		char *lower = arena_strndup(&d->arena, t->kind, strlen(t->kind));

		for (char *c = lower; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		t->singular = lower;
	}
	subresources = arena_alloc(&d->arena, (json_array_size(resources) + 1) * sizeof(*subresources));
	for (size_t i = 0; i < json_array_size(resources); i++) {
		const char *other = text_of(json_array_get(resources, i), "name");

		if (!strncmp(other, name, name_len) && other[name_len] == '/')
			subresources[n++] = copy(d, other + name_len + 1);
	}
	t->subresources = subresources;
}

static struct kube_discovery *discovery(struct kube *k)
{
	if (!k->discovery)
		k->discovery = xcalloc(1, sizeof(*k->discovery));
	return k->discovery;
}

static struct group_version *known_version(const struct kube_discovery *d, const char *api_version)
{
	for (size_t i = 0; i < d->len; i++)
		if (!strcmp(d->versions[i]->api_version, api_version))
			return d->versions[i];
	return NULL;
}

static int get_document(struct kube *k, const char *target, json_t **ret, struct error *err)
{
	return kube_call(k, &(struct kube_call){ .method = "GET", .target = target }, ret, err);
}

/* *ret stays NULL when there is none such. */
static int load_version(struct kube *k, const char *api_version, struct group_version **ret, struct error *err)
{
	struct kube_discovery *d = discovery(k);
	autostrbuf struct strbuf path = STRBUF_INIT(2000);
	json_auto_t *list = NULL;
	const json_t *resources;
	struct group_version *gv;

	*ret = known_version(d, api_version);
	if (*ret)
		return 0;
	strbuf_addstr(&path, strchr(api_version, '/') ? "/apis" : "/api");
	for (const char *p = api_version; *p; p += strcspn(p, "/"), p += *p == '/') {
		autofree char *part = xstrndup(p, strcspn(p, "/"));

		strbuf_addch(&path, '/');
		http_escape(&path, part);
	}
	if (get_document(k, path.buf, &list, err) < 0)
		return kube_is(k, "NotFound") ? 0 : -1;
	resources = json_object_get(list, "resources");
	gv = xcalloc(1, sizeof(*gv));
	gv->api_version = arena_strndup(&d->arena, api_version, strlen(api_version));
	for (size_t i = 0; i < json_array_size(resources) && i < TYPES_MAX; i++) {
		const json_t *r = json_array_get(resources, i);

		if (*text_of(r, "name") && !strchr(text_of(r, "name"), '/') && *text_of(r, "kind"))
			add_type(d, gv, r, resources);
	}
	ARRAY_GROW(d->versions, d->len, d->alloc);
	d->versions[d->len++] = gv;
	*ret = gv;
	return 0;
}

/* A type that another version of the group has shown already is not added. */
static void add_to_all(struct kube_discovery *d, const struct group_version *gv, size_t group_start)
{
	for (size_t i = 0; i < gv->len; i++) {
		bool known = false;

		for (size_t j = group_start; j < d->all_len; j++)
			known |= !strcmp(d->all[j].plural, gv->types[i].plural);
		if (known || d->all_len >= TYPES_MAX)
			continue;
		ARRAY_GROW(d->all, d->all_len, d->all_alloc);
		d->all[d->all_len++] = gv->types[i];
	}
}

static bool may_be_left_out(const struct kube *k)
{
	return k->failure.status == 503 || k->failure.status == 500 || k->failure.status == 502 || k->failure.status == 404 || k->failure.status == 403;
}

static int add_group(struct kube *k, const json_t *group, struct error *err)
{
	struct kube_discovery *d = k->discovery;
	const size_t start = d->all_len;
	const char *preferred = text_of(json_object_get(group, "preferredVersion"), "groupVersion");
	const json_t *versions = json_object_get(group, "versions");

	for (size_t i = 0; i < json_array_size(versions) + 1; i++) {
		const char *name = i ? text_of(json_array_get(versions, i - 1), "groupVersion") : preferred;
		struct group_version *gv;

		if (!*name || (i && !strcmp(name, preferred)))
			continue;
		if (load_version(k, name, &gv, err) < 0) {
			if (may_be_left_out(k))
				continue;
			return -1;
		}
		if (gv)
			add_to_all(d, gv, start);
	}
	return 0;
}

static int discover_all(struct kube *k, struct error *err)
{
	struct kube_discovery *d = discovery(k);
	json_auto_t *groups = NULL;
	struct group_version *core;
	const json_t *list;

	if (d->complete)
		return 0;
	d->all_len = 0;
	if (load_version(k, "v1", &core, err) < 0 || get_document(k, "/apis", &groups, err) < 0)
		return error_prefix(err, "cannot see what types '%s' has", k->cfg.server);
	if (core)
		add_to_all(d, core, 0);
	list = json_object_get(groups, "groups");
	for (size_t i = 0; i < json_array_size(list) && i < GROUPS_MAX; i++)
		if (add_group(k, json_array_get(list, i), err) < 0)
			return error_prefix(err, "cannot see what types '%s' has", k->cfg.server);
	d->complete = true;
	if (err)
		*err = (struct error){ .code = ERR_OK };	/* what was left out may have said something */
	k->failure = (struct kube_failure){ 0 };
	return 0;
}

int kube_types(struct kube *k, const struct kube_type **ret, size_t *ret_len, struct error *err)
{
	if (discover_all(k, err) < 0)
		return -1;
	*ret = k->discovery->all;
	*ret_len = k->discovery->all_len;
	return 0;
}

/* `group` is "", a group, or VERSION.GROUP. */
static bool is_in_group(const struct kube_type *t, const char *group)
{
	const size_t len = strlen(t->version);

	return !*group || !strcasecmp(t->group, group) || (!strncmp(group, t->version, len) && group[len] == '.' && !strcmp(group + len + 1, t->group));
}

static const struct kube_type *find_type(const struct kube_discovery *d, const char *word, const char *group, bool by_short_name)
{
	for (size_t i = 0; i < d->all_len; i++) {
		const struct kube_type *t = &d->all[i];

		if (!is_in_group(t, group))
			continue;
		if (!by_short_name && (!strcasecmp(word, t->plural) || !strcasecmp(word, t->singular) || !strcasecmp(word, t->kind)))
			return t;
		for (const char *const *s = t->short_names; by_short_name && *s; s++)
			if (!strcasecmp(word, *s))
				return t;
	}
	return NULL;
}

const struct kube_type *kube_type_named(struct kube *k, const char *name, struct error *err)
{
	const size_t len = strcspn(name, ".");
	autofree char *word = xstrndup(name, len);
	const char *group = name[len] ? name + len + 1 : "", *close;
	const struct kube_type *t;
	autofree const char **words = NULL;
	char quoted[UTF8_QUOTE_SIZE];

	if (discover_all(k, err) < 0)
		return NULL;
	t = find_type(k->discovery, word, group, false);
	if (!t)
		t = find_type(k->discovery, word, group, true);
	if (t)
		return t;
	words = xcalloc(2 * k->discovery->all_len + 1, sizeof(*words));
	for (size_t i = 0; i < k->discovery->all_len; i++) {
		words[2 * i] = k->discovery->all[i].plural;
		words[2 * i + 1] = k->discovery->all[i].singular;
	}
	close = nearest(word, words, 2 * k->discovery->all_len);
	utf8_quote(quoted, name, strlen(name));
	if (close)
		error_set(err, ERR_INVALID_INPUT, "the cluster has no type %s; was '%s' meant?", quoted, close);
	else
		error_set(err, ERR_INVALID_INPUT, "the cluster has no type %s", quoted);
	return NULL;
}

const struct kube_type *kube_type_of(struct kube *k, const char *api_version, const char *kind, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE], quoted_kind[UTF8_QUOTE_SIZE];
	struct group_version *gv;

	if (!*api_version || !strcmp(api_version, "/")) {
		error_set(err, ERR_INVALID_INPUT, "there is no apiVersion");
		return NULL;
	}
	if (load_version(k, api_version, &gv, err) < 0)
		return NULL;
	utf8_quote(quoted, api_version, strlen(api_version));
	if (!gv) {
		error_set(err, ERR_INVALID_INPUT, "the cluster has no API %s", quoted);
		return NULL;
	}
	for (size_t i = 0; i < gv->len; i++)
		if (!strcmp(gv->types[i].kind, kind))
			return &gv->types[i];
	error_set(err, ERR_INVALID_INPUT, "the cluster has no %s in API %s", utf8_quote(quoted_kind, kind, strlen(kind)), quoted);
	return NULL;
}
