/* SPDX-License-Identifier: Apache-2.0
 * The table that the build makes of all tables says what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_effects.h"
#include "validators/shell/knowledge_output.h"
#include "validators/shell/knowledge_programs.h"

static size_t compared;

static bool same(const struct known_program *a, const struct known_program *b)
{
	return a->effects == b->effects && a->wrapper == b->wrapper && a->interpreter == b->interpreter && a->maker == b->maker &&
	       a->dry == b->dry && a->builtin == b->builtin && a->kinds == b->kinds && !memcmp(a->outputs, b->outputs, sizeof(a->outputs));
}

static void compare_word(const char *word, const char *name, bool is_known)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value argv0 = { .text = word, .len = strlen(word), .known = is_known };
	struct known_program found = program_known(&arena, &argv0, name), searched = program_search(&arena, &argv0, name);

	if (!same(&found, &searched))
		fail_msg("'%s' (%s): what is found at once is not what is searched for", word, is_known ? "known" : "not known");
	compared++;
}

static void compare(const char *name)
{
	static const char *const before[] = { "", "/usr/bin/", "./", "-" }, *const behind[] = { "", ".exe", "-9", "3.11", ".ext9", "x" };

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(behind); k++) {
			char word[256];

			snprintf(word, sizeof(word), "%s%s%s", before[i], name, behind[k]);
			compare_word(word, i == 1 || i == 2 ? word + strlen(before[i]) : word, true);
			compare_word(word, "", false);
		}
	}
}

static void finds_what_the_tables_say(void **state)
{
	const char *name, *row;

	(void)state;
	for (size_t i = 0; effects_program_at(i); i++)
		compare(effects_program_at(i)->name);
	for (size_t i = 0; (name = effects_alias_at(i, &row)); i++)
		compare(name);
	for (size_t i = 0; wrapper_row_at(i, &name); i++)
		compare(name);
	for (size_t i = 0; interpreter_at(i, &name); i++)
		compare(name);
	for (size_t table = 0; table < OUTPUT_TABLES; table++)
		for (size_t i = 0; output_at(table, i, &name); i++)
			compare(name);
	for (size_t i = 0; dry_at(i, &name); i++)
		compare(name);
	for (size_t i = 0; builtin_at(i, &name); i++)
		compare(name);
	assert_true(compared > 50000);
}

static void knows_each_name_by_itself(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value rm = { .text = "/bin/rm", .len = 7, .known = true }, other = { .text = "frobnicate", .len = 10, .known = true };
	struct known_program found = program_known(&arena, &rm, "rm");

	(void)state;
	assert_string_equal(found.effects->name, "rm");
	assert_ptr_equal(found.builtin, builtin_find("rm"));
	found = program_known(&arena, &other, "frobnicate");
	assert_true(same(&found, &(struct known_program){ .kinds = 0 }));
	assert_int_equal(program_kinds("echo"), KIND_INERT | KIND_TEXT);
	assert_int_equal(program_kinds(":"), KIND_INERT | KIND_TEXT);
	assert_int_equal(program_kinds("rm"), 0);
	assert_int_equal(program_kinds(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_tables_say),
		cmocka_unit_test(knows_each_name_by_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
