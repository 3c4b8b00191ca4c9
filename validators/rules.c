/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/rules.h"

#include <string.h>

#include "runner/base/digest.h"
#include "runner/base/mem.h"
#include "validators/policy_registry.h"
#include "validators/rules_loader.h"

/* ---- sets */

struct rule_set *rules_builtin(enum rule_pack pack)
{
	const struct rule_tables *tables = pack == RULES_REGISTRY_COMPAT ? &registry_tables : &rules_tables;
	struct rules_owned *owned = xcalloc(1, sizeof(*owned));
	struct rule_set *set = xcalloc(1, sizeof(*set));

	owned->tables = tables;
	*set = (struct rule_set){
		.rules = tables->rules, .len = tables->len, .patterns_len = tables->patterns_len, .owned = owned,
		.patterns = tables->patterns_len ? xcalloc(tables->patterns_len, sizeof(*set->patterns)) : NULL,
	};
	owned->patterns_alloc = set->patterns_len;
	return set;
}

void rules_free(struct rule_set *set)
{
	struct rules_owned *owned;

	if (!set)
		return;
	for (size_t i = 0; i < set->patterns_len; i++)
		pattern_free(set->patterns[i]);
	free(set->patterns);
	owned = set->owned;
	if (owned)
		arena_release(&owned->arena);
	free(owned);
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

/* ---- names */

static const char *const scope_names[] = {
	[SCOPE_SHELL] = "shell", [SCOPE_SCRIPT] = "script", [SCOPE_TEXT] = "text", [SCOPE_CONTAINER] = "container",
	[SCOPE_POD] = "pod", [SCOPE_MANIFEST] = "manifest", [SCOPE_API] = "api", [SCOPE_ACTION] = "action",
	[SCOPE_PACKAGE] = "package",
};

static const char *const subject_names[] = {
	[SUBJECT_COMMAND] = "command", [SUBJECT_ARGS] = "args", [SUBJECT_LINE] = "line", [SUBJECT_CODE] = "code",
	[SUBJECT_INPUT] = "input", [SUBJECT_ASSIGNMENTS] = "assigns", [SUBJECT_READS] = "reads",
	[SUBJECT_WRITES] = "writes", [SUBJECT_APPENDS] = "appends", [SUBJECT_DELETES] = "deletes",
	[SUBJECT_EXECUTES] = "executes", [SUBJECT_MODES] = "modes", [SUBJECT_MOVES] = "moves", [SUBJECT_LINKS] = "links",
	[SUBJECT_HOST] = "host", [SUBJECT_CODE_FROM] = "code_from", [SUBJECT_INPUT_FROM] = "input_from",
	[SUBJECT_DATA_FROM] = "data_from", [SUBJECT_NAME_FROM] = "name_from", [SUBJECT_TRAITS] = "traits",
	[SUBJECT_PIPED_FROM] = "piped_from", [SUBJECT_NODE] = "at", [SUBJECT_TEXT] = "text", [SUBJECT_KEY] = "key",
};

static const char *const test_names[] = {
	[TEST_MATCHES] = "matches", [TEST_EXISTS] = "exists", [TEST_TRUE] = "true", [TEST_FALSE] = "false",
	[TEST_ABOVE] = "above", [TEST_BELOW] = "below", [TEST_BITS] = "bits", [TEST_NAMES] = "is", [TEST_ZERO] = "zero",
};

const char *rule_scope_to_string(enum rule_scope scope)
{
	return scope_names[scope];
}

/* ---- JSON */

static json_t *names_to_json(const char *const *names)
{
	json_t *list = json_array();

	for (; names && *names; names++)
		json_push(list, json_text(*names));
	return list;
}

static json_t *condition_to_json(const struct rule_condition *c)
{
	json_t *o = json_object();

	json_put_text(o, "subject", subject_names[c->subject]);
	json_put_text(o, "test", test_names[c->test]);
	if (c->negated)
		json_put_bool(o, "negated", true);
	if (c->recursive)
		json_put_bool(o, "recursive", true);
	if (c->path)
		json_put_text(o, "path", c->path);
	if (c->each)
		json_put_bool(o, "each", true);
	if (c->text)
		json_put_text(o, "pattern", c->text);
	if (c->names)
		json_put(o, "names", names_to_json(c->names));
	if (c->bits)
		json_put_int(o, "bits", (int64_t)c->bits);
	if (c->unit)
		json_put_int(o, "number", (int64_t)c->number);
	return o;
}

static json_t *match_to_json(const struct rule_match *m)
{
	json_t *o = json_object(), *conditions = json_array();

	if (m->commands)
		json_put(o, "commands", names_to_json(m->commands));
	if (m->each)
		json_put_text(o, "each", m->each);
	if (m->keywords)
		json_put(o, "keywords", names_to_json(m->keywords));
	for (size_t i = 0; i < m->conditions_len; i++)
		json_push(conditions, condition_to_json(&m->conditions[i]));
	json_put(o, "conditions", conditions);
	return o;
}

json_t *rule_to_json(const struct rule *rule)
{
	json_t *o = json_object(), *matches = json_array();

	json_put_text(o, "id", rule->id);
	json_put_text(o, "title", rule->title);
	json_put_text(o, "severity", severity_to_string(rule->severity));
	json_put_text(o, "category", rule->category);
	json_put_text(o, "cwe", rule->cwe);
	json_put_text(o, "applies_to", rule_scope_to_string(rule->scope));
	json_put_text(o, "message", rule->message ? rule->message : rule->title);
	json_put_text(o, "help", rule->help);
	json_put_text(o, "suggestion", rule->suggestion);
	json_put_bool(o, "secret", rule->secret);
	json_put_bool(o, "enabled", !rule->disabled);
	json_put_text(o, "file", rule->file);
	json_put_int(o, "line", rule->line);
	for (size_t i = 0; i < rule->matches_len; i++)
		json_push(matches, match_to_json(&rule->matches[i]));
	json_put(o, "match", matches);
	return o;
}

/* ---- digest */

/* NUL-terminated, so that no two rules have the same text. */
static void add_text(struct strbuf *out, const char *s)
{
	strbuf_addch(out, s ? '+' : '-');
	strbuf_add(out, s ? s : "", s ? strlen(s) + 1 : 1);
}

static void add_names(struct strbuf *out, const char *const *names)
{
	strbuf_addch(out, names ? '[' : '-');
	for (; names && *names; names++)
		add_text(out, *names);
	strbuf_addch(out, ']');
}

static void add_match(struct strbuf *out, const struct rule_match *m)
{
	strbuf_addch(out, '{');
	add_names(out, m->commands);
	add_text(out, m->each);
	add_names(out, m->keywords);
	for (size_t i = 0; i < m->conditions_len; i++) {
		const struct rule_condition *c = &m->conditions[i];

		strbuf_addf(out, "%s %s %d%d%d %llx %llu %c", subject_names[c->subject], test_names[c->test], c->negated,
			    c->recursive, c->each, (unsigned long long)c->bits, (unsigned long long)c->number,
			    c->unit ? c->unit : '-');
		add_text(out, c->path);
		add_text(out, c->text);
		add_names(out, c->names);
	}
	strbuf_addch(out, '}');
}

void rules_text(const struct rule *rule, struct strbuf *out)
{
	const char *const texts[] = {
		rule->id, rule->title, rule->message, rule->help, rule->suggestion, rule->cwe, rule->category,
		severity_to_string(rule->severity), rule_scope_to_string(rule->scope),
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		add_text(out, texts[i]);
	strbuf_addf(out, "%d%d", rule->secret, rule->disabled);
	for (size_t i = 0; i < rule->matches_len; i++)
		add_match(out, &rule->matches[i]);
	for (size_t i = 0; i < rule->samples_len; i++) {
		strbuf_addch(out, rule->samples[i].must_match ? '=' : '!');
		add_text(out, rule->samples[i].text);
	}
	strbuf_addch(out, '\n');
}

void rules_digest(const struct rule_set *set, char hex[65])
{
	autostrbuf struct strbuf all = STRBUF_INIT(STRBUF_NO_MAX);
	const struct rules_owned *owned = set->owned;

	if (owned && owned->tables && owned->tables->digest) {
		memcpy(hex, owned->tables->digest, DIGEST_HEX_SIZE);
		return;
	}
	for (size_t i = 0; i < set->len; i++)
		rules_text(&set->rules[i], &all);
	sha256_hex(all.buf, all.len, hex);
}
