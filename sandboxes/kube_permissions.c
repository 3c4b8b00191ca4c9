/* SPDX-License-Identifier: Apache-2.0
 * What a package declares to need ("deployments/patch") as rules of a Role. Only what Kubernetes has a word for can be granted, only in our
 * namespace, and nothing that would let go of the controls there. */
#include "sandboxes/kube_place.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"

/* The second word: verbs on the resource itself. "deletecollection" and "watch" go with what they are a form of. */
static const struct { const char *word, *verbs; } words[] = {
	{ "get", "get" }, { "list", "list" }, { "watch", "list watch" }, { "create", "create" }, { "update", "update" },
	{ "patch", "patch" }, { "delete", "delete" }, { "deletecollection", "deletecollection" },
};
/* Or a subresource, with the verbs that make sense of it. */
static const struct { const char *word, *verbs; } subresources[] = {
	{ "log", "get" }, { "scale", "get update patch" }, { "status", "get" }, { "eviction", "create" },
};
/* What undoing a roll-out takes. */
#define ROLLBACK_VERBS "get list patch"

/* Whoever may change these may change what holds the package. */
#define POLICIES "networkpolicies"	/* and what network plugins call theirs: any of them can allow what ours denies */
static const char *const guards[] = {
	"resourcequotas", "limitranges", "roles", "rolebindings", "serviceaccounts", "namespaces",
};

static void add_rule(json_t *rules, const char *group, const char *resource, const char *verbs)
{
	json_t *rule = json_object(), *groups = json_array(), *resources = json_array(), *list = json_array();

	json_push(groups, json_text(group));
	json_push(resources, json_text(resource));
	for (const char *p = verbs; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		json_push(list, json_textn(p, len));
		p += len;
	}
	json_put(rule, "apiGroups", groups);
	json_put(rule, "resources", resources);
	json_put(rule, "verbs", list);
	json_push(rules, rule);
}

static bool has_subresource(const struct kube_type *type, const char *name)
{
	for (const char *const *s = type->subresources; s && *s; s++)
		if (!strcmp(*s, name))
			return true;
	return false;
}

static bool is_guard(const struct kube_type *type)
{
	const size_t len = strlen(type->plural);

	if (len >= strlen(POLICIES) && !strcmp(type->plural + len - strlen(POLICIES), POLICIES))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(guards); i++)
		if (!strcmp(guards[i], type->plural))
			return true;
	return false;
}

/* False: `p->why_not` says why. */
static bool grant(struct kube_permission *p, const struct kube_type *type, const char *word, json_t *rules)
{
	autofree char *subresource = xasprintf("%s/%.60s", type->plural, word);

	if (!type->namespaced)
		snprintf(p->why_not, sizeof(p->why_not), "'%.40s' belong to the whole cluster", type->plural);
	else if (is_guard(type))
		snprintf(p->why_not, sizeof(p->why_not), "'%.40s' are what holds the sandbox", type->plural);
	if (*p->why_not)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, word))
			continue;
		add_rule(rules, type->group, type->plural, words[i].verbs);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(subresources); i++) {
		if (strcmp(subresources[i].word, word) || !has_subresource(type, word))
			continue;
		add_rule(rules, type->group, subresource, subresources[i].verbs);
		return true;
	}
	if (!strcmp(word, "rollback") && !strcmp(type->plural, "deployments")) {
		add_rule(rules, type->group, type->plural, ROLLBACK_VERBS);
		add_rule(rules, type->group, "replicasets", "list");
		return true;
	}
	snprintf(p->why_not, sizeof(p->why_not), "Kubernetes has no verb '%.30s' for '%.25s'", word, type->plural);
	return false;
}

static void decide(struct kube_sandbox *ks, struct kube_permission *p, json_t *rules)
{
	const char *slash = strrchr(p->declared, '/');
	autofree char *resource = slash ? xstrndup(p->declared, (size_t)(slash - p->declared)) : NULL;
	const struct kube_type *type;
	struct error why = { .code = ERR_OK };

	if (!slash || slash == p->declared || !slash[1] || strchr(p->declared, '*')) {
		snprintf(p->why_not, sizeof(p->why_not), "not of the form <resource>/<verb>%s", strchr(p->declared, '*') ? ", and '*' is never granted" : "");
		return;
	}
	type = kube_type_named(ks->kube, resource, &why);
	if (!type) {
		snprintf(p->why_not, sizeof(p->why_not), "this cluster has no resource '%.50s'", resource);
		return;
	}
	p->granted = grant(p, type, slash + 1, rules);
}

json_t *kube_permission_rules(struct kube_sandbox *ks, const char *const *declared, struct error *err)
{
	const struct kube_type *types;
	size_t types_len, n = 0;
	json_t *rules;

	while (declared && declared[n])
		n++;
	if (n && kube_types(ks->kube, &types, &types_len, err) < 0)	/* so that not being told is not taken for not being there */
		return NULL;
	rules = json_array();
	ks->permissions = xcalloc(n + 1, sizeof(*ks->permissions));
	for (size_t i = 0; i < n; i++) {
		ks->permissions[i].declared = xstrdup(declared[i]);
		ks->cluster.permissions_len = i + 1;
		decide(ks, &ks->permissions[i], rules);
	}
	return rules;
}
