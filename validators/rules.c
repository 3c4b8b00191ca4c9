/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/rules.h"

#include <string.h>

#include "runner/base/arena.h"
#include "runner/base/digest.h"
#include "runner/base/mem.h"

struct rule_set *rules_builtin(enum rule_pack pack)
{
	(void)pack;
	return xcalloc(1, sizeof(struct rule_set));
}

int rules_load_folder(struct rule_set *set, const char *folder, struct finding_list *findings, struct error *err)
{
	(void)set;
	(void)findings;
	return error_set(err, ERR_UNAVAILABLE, "'%s' cannot be read as rules yet", folder);
}

void rules_load(struct rule_set *set, const struct document *doc, struct finding_list *findings)
{
	(void)set;
	finding_add(findings, FINDING_ERROR, "rules/unreadable", (struct position){ 0 }, "'%s' cannot be read as rules yet", doc->name);
}

void rules_free(struct rule_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->patterns_len; i++)
		pattern_free(set->patterns[i]);
	free(set->patterns);
	free(set);
}

const struct rule *rules_find(const struct rule_set *set, const char *id)
{
	for (size_t i = 0; i < set->len; i++)
		if (!strcmp(set->rules[i].id, id))
			return &set->rules[i];
	return NULL;
}

struct pattern *rule_pattern(const struct rule_set *set, const struct rule_condition *c)
{
	if (c->pattern == UINT32_MAX)
		return NULL;
	if (!set->patterns[c->pattern])
		set->patterns[c->pattern] = pattern_new_lazy(c->text);
	return set->patterns[c->pattern];
}

static const char *const scope_names[] = {
	[SCOPE_SHELL] = "shell", [SCOPE_SCRIPT] = "script", [SCOPE_TEXT] = "text", [SCOPE_CONTAINER] = "container", [SCOPE_POD] = "pod",
	[SCOPE_MANIFEST] = "manifest", [SCOPE_API] = "api", [SCOPE_ACTION] = "action", [SCOPE_PACKAGE] = "package",
};

const char *rule_scope_to_string(enum rule_scope scope)
{
	return scope_names[scope];
}

json_t *rule_to_json(const struct rule *rule)
{
	json_t *o = json_object();

	json_put_text(o, "id", rule->id);
	json_put_text(o, "title", rule->title);
	json_put_text(o, "severity", severity_to_string(rule->severity));
	json_put_text(o, "scope", rule_scope_to_string(rule->scope));
	json_put_text(o, "category", rule->category);
	json_put_text(o, "cwe", rule->cwe);
	json_put_text(o, "help", rule->help);
	json_put_text(o, "suggestion", rule->suggestion);
	json_put_bool(o, "enabled", !rule->disabled);
	json_put_text(o, "file", rule->file);
	json_put_int(o, "line", rule->line);
	return o;
}

void rules_digest(const struct rule_set *set, char hex[65])
{
	autostrbuf struct strbuf all = STRBUF_INIT(STRBUF_NO_MAX);

	for (size_t i = 0; i < set->len; i++)
		strbuf_addf(&all, "%s\n", set->rules[i].id);
	sha256_hex(all.buf, all.len, hex);
}
