/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "validators/rules_loader.h"
#include "validators/shell/analysis.h"

static const char folder[] = "validators/rules";

static struct rule_set *loaded(void)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	struct finding_list findings;
	struct error err = { 0 };

	finding_list_init(&findings, folder);
	assert_int_equal(rules_load_folder(set, folder, &findings, &err), 0);
	assert_int_equal(findings.len, 0);
	finding_list_release(&findings);
	return set;
}

static void same_text(const char *a, const char *b)
{
	if (!a || !b)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void same_rule(const struct rule *a, const struct rule *b)
{
	autostrbuf struct strbuf x = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf y = STRBUF_INIT(STRBUF_NO_MAX);

	rules_text(a, &x);
	rules_text(b, &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.buf, y.buf, x.len);
	same_text(a->file, b->file);
	assert_int_equal(a->line, b->line);
	assert_int_equal(a->samples_len, b->samples_len);
	for (size_t i = 0; i < a->samples_len; i++)
		assert_int_equal(a->samples[i].line, b->samples[i].line);
}

/* What the build made of the files is what the loader makes of them. */
static void built_in_is_as_loaded(void **state)
{
	(void)state;
	if (access(folder, R_OK) < 0)
		skip();		/* not in the source tree */

	struct rule_set *built_in = rules_builtin(RULES_DEFAULT), *files = loaded();
	char a[65], b[65];

	assert_int_equal(built_in->len, files->len);
	for (size_t i = 0; i < built_in->len; i++)
		same_rule(rules_at(built_in, i), rules_at(files, i));
	rules_digest(built_in, a);
	rules_digest(files, b);
	assert_string_equal(a, b);
	rules_free(built_in);
	rules_free(files);
}

/* Code finds them (policy_registry.c), so there are no conditions; but they are shown, switched off and added to like others. */
static void those_of_the_registry(void **state)
{
	struct rule_set *set = rules_builtin(RULES_REGISTRY_COMPAT);
	char registry[65], ours[65];

	(void)state;
	assert_int_equal(set->len, 9);
	for (size_t i = 0; i < set->len; i++) {
		const struct rule *rule = rules_at(set, i);

		assert_ptr_equal(rules_find(set, rule->id), rule);
		assert_true(rule->title && rule->message && rule->help && rule->suggestion && rule->cwe && rule->category && rule->line);
		assert_int_equal(rule->matches_len, 0);
	}
	rules_digest(set, registry);
	rules_free(set);
	set = rules_builtin(RULES_DEFAULT);
	rules_digest(set, ours);
	assert_string_not_equal(registry, ours);
	rules_free(set);
}

static void there_are_rules(void **state)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT);

	(void)state;
	assert_true(set->len > 0);
	for (size_t i = 0; i < set->len; i++) {
		assert_ptr_equal(rules_find(set, rules_id(set, i)), rules_at(set, i));
		assert_string_equal(rules_at(set, i)->id, rules_id(set, i));
		assert_false(rules_at(set, i)->disabled);
	}
	assert_null(rules_find(set, "no/such-rule"));
	rules_free(set);
}

/* Every pattern of the tables is the one of its condition and compiles. */
static void patterns_are_those_of_the_conditions(void **state)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT);

	(void)state;
	for (size_t i = 0; i < set->len; i++)
		for (size_t m = 0; m < rules_at(set, i)->matches_len; m++)
			for (size_t c = 0; c < rules_at(set, i)->matches[m].conditions_len; c++) {
				const struct rule_condition *condition = &rules_at(set, i)->matches[m].conditions[c];
				struct pattern *p = rule_pattern(set, condition), *own;
				size_t offset;
				struct error err = { 0 };

				assert_int_equal(condition->test == TEST_MATCHES, p != NULL);
				if (!p)
					continue;
				assert_true(condition->pattern < set->patterns_len);
				assert_int_not_equal(pattern_match(p, "x", 1, 0, NULL), PATTERN_LIMIT);
				assert_int_equal(pattern_new(condition->text, strlen(condition->text), &own, &offset, &err), 0);
				assert_int_equal(pattern_match(p, "rm", 2, 0, NULL), pattern_match(own, "rm", 2, 0, NULL));
				pattern_free(own);
			}
	rules_free(set);
}

/* Starting parses nothing and makes nothing for each rule. */
static void starting_costs_nothing(void **state)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT);
	size_t before = mallinfo2().uordblks, made;
	uint64_t start = clock_monotonic_ns();
	struct rule_set *sets[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		sets[i] = rules_builtin(RULES_DEFAULT);
	assert_true((clock_monotonic_ns() - start) / ARRAY_SIZE(sets) < NS_PER_MS / 4);
	made = (mallinfo2().uordblks - before) / ARRAY_SIZE(sets);
	/* the slots of patterns and rules, and little else */
	assert_true(made <= set->patterns_len * sizeof(*set->patterns) + set->len * sizeof(struct rule *) + 1024);
	for (size_t i = 0; i < set->patterns_len; i++)
		assert_null(set->patterns[i]);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		rules_free(sets[i]);
	rules_free(set);
}

static void add(struct rule_set *set, const char *text)
{
	struct document *doc = NULL;
	struct finding_list findings;
	struct error err = { 0 };

	assert_int_equal(document_parse(text, strlen(text), "own.yaml", &yaml_default_limits, &doc, &err), 0);
	finding_list_init(&findings, "own.yaml");
	rules_load(set, doc, &findings);
	if (findings.len)
		fail_msg("%s", findings.items[0].message);
	finding_list_release(&findings);
	document_free(doc);
}

#define OWN(id, title) \
	"rules:\n- {id: " id ", title: " title ", severity: low, category: c, applies_to: shell, help: H, suggestion: S, " \
	"match: [{args: own+}], samples: {match: [a], no_match: [b]}}\n"

/* Own rules are added, replace and switch off; the tables of the build stay as they are. */
static void own_rules_are_added(void **state)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT), *other = rules_builtin(RULES_DEFAULT);
	size_t len = set->len, patterns = set->patterns_len;
	const char *id = rules_id(set, 0);
	autofree char *off = xasprintf("rules: [{id: %s, enabled: false}]", id);
	autofree char *replace = xasprintf(OWN("%s", "Mine"), id);
	char before[65], added[65], switched[65], replaced[65];

	(void)state;
	rules_digest(set, before);
	add(set, OWN("own/x", "X"));
	rules_digest(set, added);
	assert_int_equal(set->len, len + 1);
	assert_int_equal(set->patterns_len, patterns + 1);
	assert_string_equal(set->rules[len].file, "own.yaml");
	assert_int_equal(pattern_match(rule_pattern(set, set->rules[len].matches[0].conditions), "ownn", 4, 0, NULL), PATTERN_YES);
	add(set, OWN("own/x", "Y"));
	assert_int_equal(set->len, len + 1);
	assert_string_equal(rules_find(set, "own/x")->title, "Y");
	rules_digest(set, added);
	add(set, off);
	assert_true(rules_find(set, id)->disabled);
	rules_digest(set, switched);
	assert_string_not_equal(added, switched);
	assert_int_equal(set->rules[0].matches_len, rules_at(other, 0)->matches_len);
	add(set, replace);
	assert_false(rules_find(set, id)->disabled);
	assert_string_equal(set->rules[0].title, "Mine");
	rules_digest(set, replaced);
	assert_string_not_equal(before, added);
	assert_string_not_equal(switched, replaced);
	assert_string_not_equal(rules_at(other, 0)->title, "Mine");
	assert_false(rules_at(other, 0)->disabled);
	rules_free(set);
	rules_free(other);
	rules_free(NULL);
}

/* The words of rule files are those of the analysis. */
static void words_mean_what_the_analysis_means(void **state)
{
	(void)state;
	for (const struct bit_name *b = rule_origin_bits; b->name; b++)
		assert_int_equal(shell_origin_from_name(b->name), b->bit);
	for (const struct bit_name *b = rule_trait_bits; b->name; b++)
		assert_int_equal(shell_trait_from_name(b->name), b->bit);
	assert_int_equal(shell_trait_from_name("nonsense"), 0);
}

static void rules_as_json(void **state)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *o = NULL;

	(void)state;
	add(set, OWN("own/x", "X"));
	o = rule_to_json(&set->rules[0]);
	json_write(o, 0, &text);
	assert_string_equal(text.buf, "{\"id\":\"own/x\",\"title\":\"X\",\"severity\":\"low\",\"category\":\"c\",\"cwe\":null,"
			    "\"applies_to\":\"shell\",\"message\":\"X\",\"help\":\"H\",\"suggestion\":\"S\",\"secret\":false,"
			    "\"enabled\":true,\"file\":\"own.yaml\",\"line\":2,"
			    "\"match\":[{\"conditions\":[{\"subject\":\"args\",\"test\":\"matches\",\"pattern\":\"own+\"}]}]}");
	rules_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_is_as_loaded),
		cmocka_unit_test(those_of_the_registry),
		cmocka_unit_test(there_are_rules),
		cmocka_unit_test(patterns_are_those_of_the_conditions),
		cmocka_unit_test(starting_costs_nothing),
		cmocka_unit_test(own_rules_are_added),
		cmocka_unit_test(words_mean_what_the_analysis_means),
		cmocka_unit_test(rules_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
