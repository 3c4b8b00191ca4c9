/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"

static void decoding(void **state)
{
	static const struct {
		const char *bytes;
		size_t used;
		uint32_t c;
		const char *comment;
	} cases[] = {
		{ "a", 1, 'a', "ASCII" },
		{ "\xc3\xa9", 2, 0xe9, "two bytes" },
		{ "\xe2\x82\xac", 3, 0x20ac, "three bytes" },
		{ "\xf0\x9f\x98\x80", 4, 0x1f600, "four bytes" },
		{ "\xc0\xaf", 1, UTF8_INVALID, "overlong slash" },
		{ "\xe0\x80\xaf", 1, UTF8_INVALID, "overlong, three bytes" },
		{ "\xed\xa0\x80", 1, UTF8_INVALID, "surrogate" },
		{ "\xf4\x90\x80\x80", 1, UTF8_INVALID, "past the last character" },
		{ "\x80", 1, UTF8_INVALID, "continuation alone" },
		{ "\xe2\x82", 1, UTF8_INVALID, "cut off" },
		{ "\xe2\x28\xa1", 1, UTF8_INVALID, "continuation missing" },
		{ "\xff", 1, UTF8_INVALID, "never a byte of UTF-8" },
	};
	uint32_t c;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t used = utf8_decode(cases[i].bytes, strlen(cases[i].bytes), &c);
		char again[4];

		if (used != cases[i].used || c != cases[i].c)
			fail_msg("%s: %zu bytes, U+%x", cases[i].comment, used, c);
		if (c != UTF8_INVALID) {
			assert_int_equal(utf8_encode(c, again), used);
			assert_memory_equal(again, cases[i].bytes, used);
		}
	}
	assert_int_equal(utf8_decode("", 0, &c), 0);
	assert_int_equal(utf8_decode("\0", 1, &c), 1);
	assert_int_equal(c, 0);
}

static void widths(void **state)
{
	(void)state;
	assert_int_equal(utf8_width('a'), 1);
	assert_int_equal(utf8_width(0xe9), 1);		/* é */
	assert_int_equal(utf8_width(0x301), 0);		/* combining acute */
	assert_int_equal(utf8_width(0x4e2d), 2);	/* 中 */
	assert_int_equal(utf8_width(0xac00), 2);	/* 가 */
	assert_int_equal(utf8_width(0x1f600), 2);	/* emoji */
	assert_int_equal(utf8_width(0x2500), 1);	/* box drawing */
}

static void quoting(void **state)
{
	static const struct {
		const char *text, *quoted, *comment;
	} cases[] = {
		{ "plain", "'plain'", "plain" },
		{ "caf\xc3\xa9", "'caf\xc3\xa9'", "letters stay" },
		{ "a\nb\tc\r", "'a\\nb\\tc\\r'", "usual controls" },
		{ "\x1b[31mred", "'\\x1b[31mred'", "escape sequence" },
		{ "\xc2\x9b" "31m", "'\\u009b31m'", "C1 control sequence introducer" },
		{ "a\xe2\x80\xae" "b", "'a\\u202eb'", "right-to-left override" },
		{ "\xf3\xa0\x81\x81", "'\\U0e0041'", "invisible tag character" },
		{ "\xff\x80", "'\\xff\\x80'", "no text" },
		{ "", "''", "empty" },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "'012345678901234567890123456789012345678901234567890123456789…'", "long" },
	};
	char all_unsafe[1024], out[UTF8_QUOTE_SIZE];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(utf8_quote(out, cases[i].text, strlen(cases[i].text)), cases[i].quoted);
	for (size_t i = 0; i + 4 <= sizeof(all_unsafe); i += 4)
		memcpy(all_unsafe + i, "\xf3\xa0\x81\x81", 4);
	assert_int_equal(strlen(utf8_quote(out, all_unsafe, sizeof(all_unsafe))), 60 * 8 + 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding), cmocka_unit_test(widths), cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
