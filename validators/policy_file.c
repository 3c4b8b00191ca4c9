/* SPDX-License-Identifier: Apache-2.0
 * A policy as YAML: what it does not say is as in its base. Every mistake is a finding at its place. */
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/policy.h"
#include "validators/schema.h"

#define PERCENT_MAX 1000
#define POINTS_MAX 100

/* The file, decoded; texts are borrowed from the document. */
struct policy_file {
	const char *name, *base;
	const struct node *weights, *thresholds, *multipliers, *severities, *metadata;
	const struct node *hosts, *registries, *images, *capabilities;
	uint64_t repeat_percent;
	int suppressions;
	bool stated_approval;
};

static const struct enum_name suppression_words[] = { { "allow", 1 }, { "deny", 0 }, { NULL, 0 } };
static const struct field text_item = { .decode = decode_text };

static const struct field allow_fields[] = {
	{ .key = "hosts", .decode = decode_list, .offset = offsetof(struct policy_file, hosts), .extra = &text_item,
	  .help = "hosts that may be talked to, as globs" },
	{ .key = "registries", .decode = decode_list, .offset = offsetof(struct policy_file, registries), .extra = &text_item,
	  .help = "registries from which any image may come, as globs, with or without a path" },
	{ .key = "images", .decode = decode_list, .offset = offsetof(struct policy_file, images), .extra = &text_item,
	  .help = "images that may be used, as globs" },
	{ .key = "capabilities", .decode = decode_list, .offset = offsetof(struct policy_file, capabilities), .extra = &text_item,
	  .help = "capabilities that may be added, in either spelling" },
};
static const struct field_table allow_table = FIELD_TABLE(allow_fields);

/* offset 0 of the nested table counts from this member: the whole file is the target */
static const struct field policy_fields[] = {
	{ .key = "policy", .decode = decode_text, .offset = offsetof(struct policy_file, name), .need = FIELD_REQUIRED,
	  .help = "its name, for reports" },
	{ .key = "base", .decode = decode_text, .offset = offsetof(struct policy_file, base),
	  .help = "default or registry-compat: where everything comes from that is not said here" },
	{ .key = "weights", .decode = decode_mapping, .offset = offsetof(struct policy_file, weights),
	  .help = "points of one finding by severity" },
	{ .key = "repeat_percent", .decode = decode_count, .offset = offsetof(struct policy_file, repeat_percent),
	  .help = "part of the points that further findings of the same rule count" },
	{ .key = "thresholds", .decode = decode_mapping, .offset = offsetof(struct policy_file, thresholds),
	  .help = "scores from which on a package is reviewed or blocked, by safety mode" },
	{ .key = "multipliers", .decode = decode_mapping, .offset = offsetof(struct policy_file, multipliers),
	  .help = "percent by which the score is multiplied when a rule has found something" },
	{ .key = "severities", .decode = decode_mapping, .offset = offsetof(struct policy_file, severities),
	  .help = "other severities for rules (globs); off switches them off" },
	{ .key = "required_metadata", .decode = decode_list, .offset = offsetof(struct policy_file, metadata), .extra = &text_item,
	  .help = "keys of metadata that must be there" },
	{ .key = "suppressions", .decode = decode_enum, .offset = offsetof(struct policy_file, suppressions), .extra = suppression_words,
	  .help = "allow or deny those in a package and beside it" },
	{ .key = "stated_approval", .decode = decode_bool, .offset = offsetof(struct policy_file, stated_approval),
	  .help = "whether approval_required of the package counts" },
	{ .key = "allow", .decode = decode_fields, .offset = 0, .extra = &allow_table, .help = "what findings do not count about" },
};
static const struct field_table policy_table = FIELD_TABLE(policy_fields);

/* ---- numbers in mappings whose keys are words */

struct number_field {
	const char *key;
	unsigned int *target;
	unsigned int max;
};

static void wrong_number(struct finding_list *findings, const struct node *node, const char *path, const char *key, unsigned int max)
{
	finding_at(findings, FINDING_ERROR, "policy/wrong-number", node, path, "'%s.%s' must be a whole number from 0 to %u", path, key, max);
}

static void read_numbers(const struct node *map, const char *path, const struct number_field *fields, size_t n,
			 struct finding_list *findings)
{
	for (size_t i = 0; map && i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		const struct number_field *field = NULL;
		int64_t number;

		for (size_t k = 0; k < n && key->kind == NODE_SCALAR; k++)
			if (!strcmp(fields[k].key, key->text))
				field = &fields[k];
		if (!field)
			finding_at(findings, FINDING_ERROR, "policy/unknown-key", key, path, "'%s' has no '%s'", path,
				   key->kind == NODE_SCALAR ? key->text : "…");
		else if (!node_is_int(value, &number) || number < 0 || number > field->max)
			wrong_number(findings, value, path, field->key, field->max);
		else
			*field->target = (unsigned int)number;
	}
}

static void read_thresholds(const struct node *map, struct policy *p, struct finding_list *findings)
{
	const struct { const char *mode; struct policy_threshold *target; } modes[] = {
		{ "auto", &p->automatic }, { "manual", &p->manual },
	};

	for (size_t i = 0; map && i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		struct policy_threshold *target = NULL;

		for (size_t m = 0; m < ARRAY_SIZE(modes) && key->kind == NODE_SCALAR; m++)
			if (!strcmp(modes[m].mode, key->text))
				target = modes[m].target;
		if (!target || value->kind != NODE_MAPPING) {
			finding_at(findings, FINDING_ERROR, "policy/thresholds", key, "thresholds",
				   "'thresholds' holds 'auto' and 'manual', each with 'review' and 'block'");
			continue;
		}
		const struct number_field fields[] = {
			{ "review", &target->review, POINTS_MAX + 1 }, { "block", &target->block, POINTS_MAX + 1 },
		};
		read_numbers(value, "thresholds", fields, ARRAY_SIZE(fields), findings);
		if (target->review > target->block)
			finding_at(findings, FINDING_ERROR, "policy/thresholds", value, "thresholds",
				   "'review' (%u) must not be above 'block' (%u)", target->review, target->block);
	}
}

static void read_multipliers(const struct node *map, struct policy *p, struct finding_list *findings)
{
	for (size_t i = 0; map && i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		int64_t percent;

		if (key->kind != NODE_SCALAR || !node_is_int(value, &percent) || percent < 0 || percent > PERCENT_MAX) {
			wrong_number(findings, value, "multipliers", key->kind == NODE_SCALAR ? key->text : "…", PERCENT_MAX);
			continue;
		}
		p->multipliers = xrealloc(p->multipliers, p->multipliers_len + 1, sizeof(*p->multipliers));
		p->multipliers[p->multipliers_len++] = (struct policy_multiplier){ xstrdup(key->text), (unsigned int)percent };
	}
}

static void read_severities(const struct node *map, struct policy *p, struct finding_list *findings)
{
	bool off_value;

	for (size_t i = 0; map && i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		struct policy_severity s = { .off = node_is_bool(value, &off_value) && !off_value };

		if (key->kind != NODE_SCALAR || value->kind != NODE_SCALAR ||
		    (!s.off && strcmp(value->text, "off") && !severity_from_string(value->text, &s.severity))) {
			finding_at(findings, FINDING_ERROR, "policy/severity", value, "severities",
				   "a rule's severity is info, low, medium, high, critical or off");
			continue;
		}
		s.off |= !strcmp(value->text, "off");
		s.rule_id = xstrdup(key->text);
		p->severities = xrealloc(p->severities, p->severities_len + 1, sizeof(*p->severities));
		p->severities[p->severities_len++] = s;
	}
}

static void read_texts(const struct node *list, struct strvec *out)
{
	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++)
		if (list->items[i]->kind == NODE_SCALAR)
			strvec_push(out, list->items[i]->text);
}

static void apply(const struct policy_file *file, struct policy *p, struct finding_list *findings)
{
	const struct number_field weights[] = {
		{ "info", &p->weights[SEVERITY_INFO], POINTS_MAX }, { "low", &p->weights[SEVERITY_LOW], POINTS_MAX },
		{ "medium", &p->weights[SEVERITY_MEDIUM], POINTS_MAX }, { "high", &p->weights[SEVERITY_HIGH], POINTS_MAX },
		{ "critical", &p->weights[SEVERITY_CRITICAL], POINTS_MAX },
	};

	if (file->name) {
		free(p->name);
		p->name = xstrdup(file->name);
	}
	read_numbers(file->weights, "weights", weights, ARRAY_SIZE(weights), findings);
	read_thresholds(file->thresholds, p, findings);
	read_multipliers(file->multipliers, p, findings);
	read_severities(file->severities, p, findings);
	read_texts(file->metadata, &p->required_metadata);
	read_texts(file->hosts, &p->hosts);
	read_texts(file->registries, &p->registries);
	read_texts(file->images, &p->images);
	read_texts(file->capabilities, &p->capabilities);
	p->repeat_percent = file->repeat_percent > 100 ? 100 : (unsigned int)file->repeat_percent;
	p->allow_suppressions = file->suppressions;
	p->stated_approval = file->stated_approval;
}

struct policy *policy_from_document(const struct document *doc, struct finding_list *findings)
{
	struct decode d = { .doc = doc, .findings = findings };
	const struct node *base = node_get(doc->root, "base");
	struct policy_file file = { .name = NULL };
	struct policy *p;

	for (size_t i = 0; i < doc->problems_len; i++)
		finding_add(findings, FINDING_ERROR, "yaml/syntax", doc->problems[i].position, "%s", doc->problems[i].message);
	if (!doc->root || doc->root->kind != NODE_MAPPING) {
		if (!doc->problems_len)
			finding_add(findings, FINDING_ERROR, "policy/no-mapping", (struct position){ .line = 1, .column = 1 },
				    "a policy is a mapping with 'policy: NAME'");
		return NULL;
	}
	p = policy_builtin(base && base->kind == NODE_SCALAR ? base->text : "default");
	if (!p) {
		finding_at(findings, FINDING_ERROR, "policy/base", base, "base", "the base is 'default' or 'registry-compat', not '%s'", base->text);
		return NULL;
	}
	file.repeat_percent = p->repeat_percent;
	file.suppressions = p->allow_suppressions;
	file.stated_approval = p->stated_approval;
	schema_decode(&d, &policy_table, doc->root, "", &file);
	apply(&file, p, findings);
	if (!finding_count(findings, FINDING_ERROR))
		return p;
	policy_free(p);
	return NULL;
}
