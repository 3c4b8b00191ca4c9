/* SPDX-License-Identifier: Apache-2.0
 * rules: any bytes as a rule file. Whatever is taken is whole: ids are found, patterns match without trouble, conditions have
 * what their test needs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/rules.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_condition(const struct rule_set *set, const struct rule *rule, const struct rule_condition *c)
{
	struct pattern *p = rule_pattern(set, c);
	struct span span;

	check((c->subject == SUBJECT_NODE) == (rule->scope >= SCOPE_CONTAINER));
	check((c->subject == SUBJECT_NODE) == (c->path != NULL));
	check((c->test == TEST_MATCHES) == (p != NULL));
	check((c->test == TEST_NAMES) == (c->names != NULL));
	check((c->test == TEST_BITS) == (c->bits != 0));
	if (p && pattern_match(p, "/etc/x\n-rf\xff", 11, 0, &span) == PATTERN_YES)
		check(span.offset <= 11 && span.len <= 11 - span.offset && span.next > 0);
}

static void check_rule(const struct rule_set *set, const struct rule *rule)
{
	json_auto_t *o = rule_to_json(rule);

	check(json_is_object(o));
	check(rules_find(set, rule->id) == rule);
	check(*rule->title && *rule->help && *rule->suggestion && *rule->category && rule->matches_len &&
	      rule->samples_len >= 2);
	for (size_t m = 0; m < rule->matches_len; m++) {
		const struct rule_match *match = &rule->matches[m];

		check(match->commands || match->conditions_len);
		for (size_t i = 0; i < match->conditions_len; i++)
			check_condition(set, rule, &match->conditions[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err = { 0 };
	char digest[65];

	finding_list_init(&findings, "f");
	if (document_parse((const char *)data, size, "f", &yaml_default_limits, &doc, &err) == 0) {
		rules_load(set, doc, &findings);
		for (size_t i = 0; i < findings.len; i++)
			check(findings.items[i].level == FINDING_ERROR && findings.items[i].message[0]);
		document_free(doc);
	}
	for (size_t i = 0; i < set->len; i++)
		check_rule(set, &set->rules[i]);
	rules_digest(set, digest);
	finding_list_release(&findings);
	rules_free(set);
	return 0;
}
