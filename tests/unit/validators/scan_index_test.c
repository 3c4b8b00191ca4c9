/* SPDX-License-Identifier: Apache-2.0
 * What the build found out about the built-in rules is what a scanner would find out itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "validators/scan_index.h"

#define SAME(a, b, n) same((a), (b), (n) * sizeof(*(a)))
static void same(const void *a, const void *b, size_t size)
{
	if (size)
		assert_memory_equal(a, b, size);
}

static void same_shell(const struct shell_entries *a, const struct shell_entries *b)
{
	assert_int_equal(a->len, b->len);
	for (size_t i = 0; i < a->len; i++) {	/* there are gaps in them */
		const struct shell_entry *x = &a->items[i], *y = &b->items[i];

		SAME(&x->required, &y->required, 1);
		assert_int_equal(x->need, y->need);
		assert_int_equal(x->feature, y->feature);
		assert_int_equal(x->rule, y->rule);
		assert_int_equal(x->match, y->match);
		assert_int_equal(x->for_any, y->for_any);
		assert_int_equal(x->asks_name, y->asks_name);
	}
	assert_int_equal(a->names_len, b->names_len);
	SAME(a->names, b->names, a->names_len);
	SAME(a->slots, b->slots, NAME_SLOTS);
	assert_int_equal(a->prefixes_len, b->prefixes_len);
	SAME(a->prefixes, b->prefixes, a->prefixes_len);
	assert_int_equal(a->words_len, b->words_len);
	SAME(a->words, b->words, a->words_len);
}

static void same_texts(const struct text_scope *a, const struct text_scope *b)
{
	SAME(a->finder, b->finder, 1);
	assert_int_equal(a->keywords_len, b->keywords_len);
	SAME(a->keywords, b->keywords, a->keywords_len);
	assert_int_equal(a->words_len, b->words_len);
	SAME(a->words, b->words, a->words_len);
	assert_int_equal(a->uses_len, b->uses_len);
	SAME(a->uses, b->uses, a->uses_len);
	assert_int_equal(a->keyed_len, b->keyed_len);
	SAME(a->keyed, b->keyed, a->keyed_len);
}

static void is_as_made(void **state)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT);
	const struct scan_index *built = rules_index(set);
	autoarena struct arena arena = ARENA_INIT;
	struct scan_index made = { .texts_len = 0 };

	(void)state;
	assert_non_null(built);
	scan_index_make(&arena, set, &made);
	assert_true(made.shell.len > 100 && made.texts_len > 10 && made.structures[SCOPE_CONTAINER].len > 10);
	same_shell(&made.shell, &built->shell);
	for (int scope = 0; scope <= SCOPE_PACKAGE; scope++) {
		assert_int_equal(made.structures[scope].len, built->structures[scope].len);
		SAME(made.structures[scope].items, built->structures[scope].items, made.structures[scope].len);
	}
	same_texts(&made.script, &built->script);
	same_texts(&made.text, &built->text);
	assert_int_equal(made.texts_len, built->texts_len);
	SAME(made.texts, built->texts, made.texts_len);
	rules_free(set);
}

/* A set that was added to has another index, or none. */
static void is_not_that_of_a_changed_set(void **state)
{
	static const char text[] = "rules: []\n";
	struct rule_set *set = rules_builtin(RULES_DEFAULT), *registry = rules_builtin(RULES_REGISTRY_COMPAT);
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err = { 0 };

	(void)state;
	assert_null(rules_index(registry));
	assert_int_equal(document_parse(text, strlen(text), "own.yaml", &yaml_default_limits, &doc, &err), 0);
	finding_list_init(&findings, "own.yaml");
	rules_load(set, doc, &findings);
	assert_int_equal(findings.len, 0);
	assert_null(rules_index(set));
	document_free(doc);
	finding_list_release(&findings);
	rules_free(set);
	rules_free(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_as_made),
		cmocka_unit_test(is_not_that_of_a_changed_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
