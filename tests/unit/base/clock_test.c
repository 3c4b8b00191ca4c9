/* SPDX-License-Identifier: Apache-2.0
 * clock: saturation, rounding and the text form. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

static void test_deadline(void **state)
{
	uint64_t now = clock_monotonic_ns();
	(void)state;

	assert_in_range(clock_deadline(0), now, now + NS_PER_SEC);
	assert_in_range(clock_deadline(NS_PER_SEC), now + NS_PER_SEC, now + 2 * NS_PER_SEC);
	assert_true(clock_deadline(CLOCK_NEVER) == CLOCK_NEVER);
	assert_true(clock_deadline(CLOCK_NEVER - 1) == CLOCK_NEVER);	/* no wrapping into the past */
}

static void test_poll_timeout(void **state)
{
	(void)state;
	assert_int_equal(clock_poll_timeout(CLOCK_NEVER), -1);
	assert_int_equal(clock_poll_timeout(0), 0);
	assert_int_equal(clock_poll_timeout(clock_monotonic_ns()), 0);
	assert_int_equal(clock_poll_timeout(clock_deadline(CLOCK_NEVER / 2)), INT_MAX);
	/* rounded up: poll must not wake before the deadline and spin */
	assert_in_range(clock_poll_timeout(clock_deadline(NS_PER_SEC)), 900, 1000);
	assert_in_range(clock_poll_timeout(clock_monotonic_ns() + NS_PER_MS), 1, 1);
}

static void test_rfc3339(void **state)
{
	static const struct { uint64_t ns; const char *text; } cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ UINT64_C(1795235370123456789), "2026-11-21T04:29:30.123Z" },
		{ UINT64_C(1709209599999999999), "2024-02-29T12:26:39.999Z" },
		{ UINT64_C(4102444800) * NS_PER_SEC, "2100-01-01T00:00:00.000Z" },
	};
	char out[CLOCK_RFC3339_SIZE];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		clock_rfc3339(cases[i].ns, out);
		assert_string_equal(out, cases[i].text);
	}
	clock_rfc3339(UINT64_MAX, out);		/* five hundred years on: still fits */
	assert_string_equal(out, "2554-07-21T23:34:33.709Z");
}

static void test_fixed_time(void **state)
{
	(void)state;
	assert_int_equal(setenv("SANDBOX_RUNNER_TEST_TIME", "1795235370", 1), 0);
	assert_true(clock_realtime_ns() == UINT64_C(1795235370) * NS_PER_SEC);
	assert_int_equal(setenv("SANDBOX_RUNNER_TEST_TIME", "", 1), 0);
	assert_true(clock_realtime_ns() > UINT64_C(1700000000) * NS_PER_SEC);
	assert_int_equal(unsetenv("SANDBOX_RUNNER_TEST_TIME"), 0);
	assert_true(clock_realtime_ns() > UINT64_C(1700000000) * NS_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_poll_timeout),
		cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_fixed_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
