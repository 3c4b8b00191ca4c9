/* SPDX-License-Identifier: Apache-2.0
 * control: names are stable, complete and lead back; texts are cut, not overflown. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "sandboxes/control.h"

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < CONTROL_COUNT; i++) {
		enum control_id back = CONTROL_COUNT;

		assert_non_null(control_name((enum control_id)i));
		assert_true(strspn(control_name((enum control_id)i), "abcdefghijklmnopqrstuvwxyz_") ==
			    strlen(control_name((enum control_id)i)));
		assert_true(control_from_name(control_name((enum control_id)i), &back));
		assert_int_equal(back, i);
	}
	assert_string_equal(control_name(CONTROL_COUNT), "unknown");
	assert_string_equal(control_name(CONTROL_READ_ONLY_ROOT), "read_only_root");
	assert_false(control_from_name("no_such", &(enum control_id){ CONTROL_CPU }));
	assert_false(control_from_name("", &(enum control_id){ CONTROL_CPU }));
}

static void test_set(void **state)
{
	struct control_table t;
	char longer[400];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	memset(&t, 0x55, sizeof(t));
	control_set(&t, CONTROL_MEMORY, CONTROL_DEGRADED, longer, longer, "%s", longer);
	assert_int_equal(t.items[CONTROL_MEMORY].state, CONTROL_DEGRADED);
	assert_int_equal(strlen(t.items[CONTROL_MEMORY].requested), 63);
	assert_int_equal(strlen(t.items[CONTROL_MEMORY].mechanism), 63);
	assert_int_equal(strlen(t.items[CONTROL_MEMORY].detail), 159);
	control_set(&t, CONTROL_MEMORY, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	assert_string_equal(t.items[CONTROL_MEMORY].requested, "");
	assert_string_equal(t.items[CONTROL_MEMORY].detail, "");
	assert_string_equal(control_state_to_string(CONTROL_NOT_REQUESTED), "not_requested");
	assert_string_equal(control_state_to_string(CONTROL_ENFORCED), "enforced");
	assert_string_equal(control_state_to_string(CONTROL_DEGRADED), "degraded");
	assert_string_equal(control_state_to_string(CONTROL_UNAVAILABLE), "unavailable");
	assert_string_equal(control_state_to_string((enum control_state)77), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_names), cmocka_unit_test(test_set) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
