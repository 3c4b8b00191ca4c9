/* SPDX-License-Identifier: Apache-2.0
 * strbuf: always terminated, never past its ceiling. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"

static void test_grows(void **state)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
	(void)state;

	assert_string_equal(sb.buf, "");
	strbuf_addstr(&sb, "a");
	strbuf_addch(&sb, 'b');
	strbuf_add(&sb, "c\0d", 3);
	strbuf_addf(&sb, "%d-%s", 7, "x");
	assert_int_equal(sb.len, 8);
	assert_memory_equal(sb.buf, "abc\0d7-x", 9);
	for (int i = 0; i < 100000; i++)
		strbuf_addch(&sb, 'y');
	assert_int_equal(sb.len, 100008);
	assert_int_equal(sb.buf[sb.len], '\0');
	assert_false(sb.overflow);
}

static void test_ceiling(void **state)
{
	static const struct {
		size_t max;
		const char *first, *second, *want;
		bool overflow;
	} cases[] = {
		{ 0, "", "", "", false },
		{ 0, "a", "", "", true },
		{ 3, "ab", "c", "abc", false },	/* exactly full is not over */
		{ 3, "ab", "cd", "abc", true },
		{ 3, "abcd", "", "abc", true },
		{ 3, "abc", "d", "abc", true },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf sb = STRBUF_INIT(cases[i].max);

		strbuf_addstr(&sb, cases[i].first);
		strbuf_addf(&sb, "%s", cases[i].second);
		assert_string_equal(sb.buf, cases[i].want);
		assert_int_equal(sb.len, strlen(cases[i].want));
		assert_int_equal(sb.overflow, cases[i].overflow);
	}
}

static void test_format_sizes(void **state)	/* around the buffer that vaddf keeps on the stack */
{
	static const int sizes[] = { 0, 1, 254, 255, 256, 257, 5000 };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

		strbuf_addf(&sb, "%*s", sizes[i], "");
		assert_int_equal(sb.len, sizes[i]);
		assert_int_equal(strlen(sb.buf), sizes[i]);
	}
}

static void test_clear_detach_release(void **state)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(2);
	autofree char *text = NULL;
	autofree char *nothing = NULL;
	(void)state;

	strbuf_addstr(&sb, "abc");
	strbuf_clear(&sb);
	assert_string_equal(sb.buf, "");
	assert_false(sb.overflow);
	strbuf_addstr(&sb, "de");
	text = strbuf_detach(&sb);
	assert_string_equal(text, "de");
	assert_string_equal(sb.buf, "");
	assert_int_equal(sb.max, 2);
	nothing = strbuf_detach(&sb);
	assert_string_equal(nothing, "");
	strbuf_release(&sb);
	strbuf_release(&sb);
	strbuf_addstr(&sb, "f");	/* ready again */
	assert_string_equal(sb.buf, "f");
	assert_string_equal(strbuf_empty, "");	/* nobody ever wrote into the shared one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_format_sizes),
		cmocka_unit_test(test_clear_detach_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
