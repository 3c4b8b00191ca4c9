/* SPDX-License-Identifier: Apache-2.0
 * strvec: an argv at every moment. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/strvec.h"

static void test_push(void **state)
{
	autostrvec struct strvec v = STRVEC_INIT;
	char mine[] = "copied";
	(void)state;

	assert_null(v.items);
	strvec_push(&v, mine);
	mine[0] = 'X';
	assert_string_equal(v.items[0], "copied");
	assert_null(v.items[1]);
	strvec_pushf(&v, "%s=%d", "n", 5);
	strvec_push_take(&v, xstrdup("taken"));
	assert_int_equal(v.len, 3);
	assert_string_equal(v.items[1], "n=5");
	assert_string_equal(v.items[2], "taken");
	assert_null(v.items[3]);
}

static void test_terminated_at_every_length(void **state)
{
	autostrvec struct strvec v = STRVEC_INIT;
	(void)state;

	for (size_t i = 0; i < 100; i++) {
		strvec_pushf(&v, "%zu", i);
		assert_int_equal(v.len, i + 1);
		assert_null(v.items[v.len]);
	}
	assert_string_equal(v.items[57], "57");
	strvec_release(&v);
	strvec_release(&v);
	assert_null(v.items);
	strvec_push(&v, "again");
	assert_string_equal(v.items[0], "again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push),
		cmocka_unit_test(test_terminated_at_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
