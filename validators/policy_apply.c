/* SPDX-License-Identifier: Apache-2.0
 * What a policy says about single findings, before any of them is counted. */
#include <fnmatch.h>
#include <string.h>

#include "runner/base/host.h"
#include "runner/base/mem.h"
#include "validators/policy.h"

/* ---- severities */

static void set_severity(const struct policy *p, struct finding *f)
{
	static const enum finding_level levels[] = {
		[SEVERITY_INFO] = FINDING_NOTE, [SEVERITY_LOW] = FINDING_WARNING, [SEVERITY_MEDIUM] = FINDING_WARNING,
		[SEVERITY_HIGH] = FINDING_WARNING, [SEVERITY_CRITICAL] = FINDING_WARNING,
	};

	for (size_t i = p->severities_len; i-- > 0;) {
		const struct policy_severity *s = &p->severities[i];

		if (fnmatch(s->rule_id, f->rule_id, 0) != 0)
			continue;
		if (s->off && !f->suppressed) {
			f->suppressed = true;
			f->suppression = SUPPRESSED_BESIDE;
			f->justification = xasprintf("the policy '%s' switches this rule off", p->name);
		} else if (!s->off) {
			f->severity = s->severity;
			f->level = levels[s->severity];
		}
		return;
	}
}

/* ---- allow-lists: each knows the findings that are about its kind of thing, and how to find the thing in what matched */

typedef bool all_allowed(const struct strvec *allowed, const char *matched);

static bool fits(const struct strvec *allowed, const char *text)
{
	for (size_t i = 0; i < allowed->len; i++)
		if (fnmatch(allowed->items[i], text, 0) == 0)
			return true;
	return false;
}

static bool hosts_allowed(const struct strvec *allowed, const char *matched)
{
	size_t len = strlen(matched), from = 0;
	struct host_ref ref;
	bool any = false;

	for (; host_find_url(matched, len, from, &ref); from = ref.offset + ref.len) {
		autofree char *host = xstrndup(matched + ref.offset, ref.len);

		if (!fits(allowed, host))
			return false;
		any = true;
	}
	if (!any && host_of_argument(matched, len, &ref)) {
		autofree char *host = xstrndup(matched + ref.offset, ref.len);

		return fits(allowed, host);
	}
	return any;
}

/* "registry.example.com/team" of "registry.example.com/team/app:1.0" and every shorter beginning: a registry may be allowed with or without a path. */
static bool registry_allowed(const struct strvec *allowed, const char *image)
{
	autofree char *name = xstrdup(image);
	char *slash;

	while ((slash = strrchr(name, '/'))) {
		*slash = '\0';
		if (fits(allowed, name))
			return true;
	}
	return false;
}

static bool image_allowed(const struct strvec *allowed, const char *image)
{
	return fits(allowed, image);
}

static bool capability_allowed(const struct strvec *allowed, const char *capability)
{
	const char *bare = strncasecmp(capability, "CAP_", 4) ? capability : capability + 4;

	for (size_t i = 0; i < allowed->len; i++) {
		const char *name = strncasecmp(allowed->items[i], "CAP_", 4) ? allowed->items[i] : allowed->items[i] + 4;

		if (fnmatch(name, bare, FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

static const struct {
	size_t list;		/* of the member of struct policy */
	const char *rule_id;	/* glob */
	all_allowed *allowed;
	const char *what;
} allowances[] = {
	{ offsetof(struct policy, hosts), "api/*", hosts_allowed, "host" },
	{ offsetof(struct policy, hosts), "shell/run-download*", hosts_allowed, "host" },
	{ offsetof(struct policy, hosts), "shell/send-data", hosts_allowed, "host" },
	{ offsetof(struct policy, hosts), "shell/install-unknown-source", hosts_allowed, "host" },
	{ offsetof(struct policy, hosts), "shell/tls-check-off", hosts_allowed, "host" },
	{ offsetof(struct policy, hosts), "external_network", hosts_allowed, "host" },
	{ offsetof(struct policy, registries), "*image*", registry_allowed, "registry" },
	{ offsetof(struct policy, images), "*image*", image_allowed, "image" },
	{ offsetof(struct policy, capabilities), "*capabilit*", capability_allowed, "capability" },
};

static void allow(const struct policy *p, struct finding *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowances) && !f->suppressed; i++) {
		const struct strvec *list = (const struct strvec *)((const char *)p + allowances[i].list);

		if (!list->len || !f->matched || fnmatch(allowances[i].rule_id, f->rule_id, 0) != 0 ||
		    !allowances[i].allowed(list, f->matched))
			continue;
		f->suppressed = true;
		f->suppression = SUPPRESSED_BESIDE;
		f->justification = xasprintf("the policy '%s' allows this %s", p->name, allowances[i].what);
	}
}

/* ---- metadata that must be there */

static void require_metadata(const struct policy *p, const struct wpk *wpk, struct finding_list *findings)
{
	const struct node *root = wpk->doc ? wpk->doc->root : NULL;
	const struct node *metadata = node_get(root, "metadata");
	struct position at = metadata ? metadata->start : (struct position){ 0 };

	for (size_t i = 0; i < p->required_metadata.len; i++) {
		const char *key = p->required_metadata.items[i];
		const struct node *value = node_get(metadata, key);
		autofree char *message = NULL;
		struct finding *f;

		if (!node_is_null(value) && !(value->kind == NODE_SCALAR && !value->len))
			continue;
		message = xasprintf("the policy '%s' wants metadata.%s, and it is missing or empty", p->name, key);
		f = finding_of_rule(findings, SEVERITY_MEDIUM, "policy/missing-metadata", at, message);
		f->category = "policy";
		f->path = xstrdup("metadata");
		f->suggestion = xasprintf("add '%s:' below metadata", key);
	}
}

void policy_apply(const struct policy *p, const struct wpk *wpk, struct finding_list *findings)
{
	if (wpk)
		require_metadata(p, wpk, findings);
	for (size_t i = 0; i < findings->len; i++) {
		struct finding *f = &findings->items[i];

		if (!f->of_rule)
			continue;
		set_severity(p, f);
		allow(p, f);
	}
	finding_sort(findings);
}
