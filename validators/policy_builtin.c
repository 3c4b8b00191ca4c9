/* SPDX-License-Identifier: Apache-2.0
 * The policies that come with the program. Ours: one critical finding blocks, one high one wants a review where nobody looks, two block there;
 * many small ones add up. The registry's: section "Score and decision" of its published engine, number by number. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/policy.h"

static const struct policy_multiplier registry_multipliers[] = {
	{ "privileged_container", 150 },
	{ "external_network", 120 },
	{ "cluster_permissions", 130 },
	{ "hardcoded_secrets", 140 },
};

static const struct policy policies[] = {
	{ .name = (char *)"default", .pack = RULES_DEFAULT,
	  .weights = { [SEVERITY_LOW] = 1, [SEVERITY_MEDIUM] = 5, [SEVERITY_HIGH] = 25, [SEVERITY_CRITICAL] = 75 },
	  .repeat_percent = 20, .automatic = { 25, 50 }, .manual = { 50, 75 }, .stated_approval = true, .allow_suppressions = true },
	{ .name = (char *)"registry-compat", .pack = RULES_REGISTRY_COMPAT,
	  .weights = { [SEVERITY_LOW] = 5, [SEVERITY_MEDIUM] = 10, [SEVERITY_HIGH] = 15, [SEVERITY_CRITICAL] = 25 },
	  .repeat_percent = 100, .automatic = { 25, 50 }, .manual = { 50, 75 },
	  .multipliers = (struct policy_multiplier *)registry_multipliers, .multipliers_len = ARRAY_SIZE(registry_multipliers) },
};

static const struct policy *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i].name, name))
			return &policies[i];
	return NULL;
}

struct policy *policy_builtin(const char *name)
{
	const struct policy *known = find(name);
	struct policy *p;

	if (!known)
		return NULL;
	p = xmalloc(sizeof(*p));
	*p = *known;
	p->name = xstrdup(known->name);
	p->multipliers = xcalloc(known->multipliers_len, sizeof(*p->multipliers));
	for (size_t i = 0; i < known->multipliers_len; i++)
		p->multipliers[i] = (struct policy_multiplier){ xstrdup(known->multipliers[i].rule_id), known->multipliers[i].percent };
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->multipliers_len; i++)
		free((char *)p->multipliers[i].rule_id);
	for (size_t i = 0; i < p->severities_len; i++)
		free(p->severities[i].rule_id);
	free(p->multipliers);
	free(p->severities);
	strvec_release(&p->hosts);
	strvec_release(&p->registries);
	strvec_release(&p->images);
	strvec_release(&p->capabilities);
	strvec_release(&p->required_metadata);
	free(p->name);
	free(p);
}
