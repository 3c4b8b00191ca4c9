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
	if (tables->rows)
		owned->unpacked = xcalloc(tables->len, sizeof(const struct rule *));
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
	if (owned) {
		arena_release(&owned->arena);
		free(owned->unpacked);
	}
	free(owned);
	free(set);
}

/* ---- rows become rules when they are asked for */

static const char *text_at(const struct rule_tables *t, uint32_t at)
{
	return at ? t->texts + at : NULL;
}

static const char *const *names_at(struct arena *arena, const struct rule_tables *t, uint32_t at)
{
	const char **names;
	size_t n = 0;

	if (!at)
		return NULL;
	while (t->names[at + n])
		n++;
	names = arena_take(arena, (n + 1) * sizeof(*names));
	for (size_t i = 0; i <= n; i++)
		names[i] = text_at(t, t->names[at + i]);
	return names;
}

static struct rule_condition unpack_condition(struct arena *arena, const struct rule_tables *t, const struct condition_row *row)
{
	return (struct rule_condition){
		.subject = row->subject, .test = row->test, .negated = row->negated, .recursive = row->recursive, .each = row->each,
		.path = text_at(t, row->path), .text = text_at(t, row->text), .pattern = row->pattern,
		.needs = row->text ? &t->needs[row->pattern] : NULL, .names = names_at(arena, t, row->names),
		.bits = row->bits, .number = row->number, .unit = row->unit,
	};
}

static struct rule_match unpack_match(struct arena *arena, const struct rule_tables *t, const struct match_row *row)
{
	struct rule_condition *conditions = arena_take(arena, row->conditions_len * sizeof(*conditions));

	for (uint32_t i = 0; i < row->conditions_len; i++)
		conditions[i] = unpack_condition(arena, t, &t->conditions[row->conditions + i]);
	return (struct rule_match){
		.commands = names_at(arena, t, row->commands), .each = text_at(t, row->each), .conditions = conditions,
		.conditions_len = row->conditions_len, .keywords = names_at(arena, t, row->keywords),
	};
}

static const struct rule *unpack_rule(struct arena *arena, const struct rule_tables *t, const struct rule_row *row)
{
	struct rule_match *matches = arena_take(arena, row->matches_len * sizeof(*matches));
	struct rule_sample *samples = arena_take(arena, row->samples_len * sizeof(*samples));
	struct rule *rule = arena_take(arena, sizeof(*rule));

	for (uint32_t i = 0; i < row->matches_len; i++)
		matches[i] = unpack_match(arena, t, &t->matches[row->matches + i]);
	for (uint32_t i = 0; i < row->samples_len; i++) {
		const struct sample_row *sample = &t->samples[row->samples + i];

		samples[i] = (struct rule_sample){
			.must_match = sample->must_match, .text = text_at(t, sample->text), .line = sample->line,
		};
	}
	*rule = (struct rule){
		.id = text_at(t, row->id), .title = text_at(t, row->title), .message = text_at(t, row->message),
		.help = text_at(t, row->help), .suggestion = text_at(t, row->suggestion), .cwe = text_at(t, row->cwe),
		.category = text_at(t, row->category), .file = text_at(t, row->file), .line = row->line,
		.severity = row->severity, .scope = row->scope, .secret = row->secret, .disabled = row->disabled,
		.matches = matches, .matches_len = row->matches_len, .samples = samples, .samples_len = row->samples_len,
	};
	return rule;
}

const struct rule *rules_at(const struct rule_set *set, size_t i)
{
	struct rules_owned *owned = set->owned;

	if (set->rules)
		return &set->rules[i];
	if (!owned->unpacked[i])
		owned->unpacked[i] = unpack_rule(&owned->arena, owned->tables, &owned->tables->rows[i]);
	return owned->unpacked[i];
}

const char *rules_id(const struct rule_set *set, size_t i)
{
	const struct rules_owned *owned = set->owned;

	return set->rules ? set->rules[i].id : text_at(owned->tables, owned->tables->rows[i].id);
}

const struct scan_index *rules_index(const struct rule_set *set)
{
	const struct rules_owned *owned = set->owned;

	return owned && owned->tables ? owned->tables->index : NULL;
}

const struct rule *rules_find(const struct rule_set *set, const char *id)
{
	for (size_t i = 0; i < set->len; i++)
		if (!strcmp(rules_id(set, i), id))
			return rules_at(set, i);
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
		rules_text(rules_at(set, i), &all);
	sha256_hex(all.buf, all.len, hex);
}
