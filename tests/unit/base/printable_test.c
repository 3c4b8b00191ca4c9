/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/utf8.h"

#define BYTES(s) s, sizeof(s) - 1

static void test_add(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *want;
	} rows[] = {
		{ BYTES(""), "" },
		{ BYTES("plain text"), "plain text" },
		{ BYTES("grüße 日本 🙂"), "grüße 日本 🙂" },
		{ BYTES("back\\slash stays"), "back\\slash stays" },
		{ BYTES("a\nb\tc\rd"), "a\\nb\\tc\\rd" },
		{ BYTES("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m" },
		{ BYTES("\x1b]0;title\a"), "\\x1b]0;title\\x07" },
		{ BYTES("nul\0here"), "nul\\x00here" },
		{ BYTES("del\x7f"), "del\\x7f" },
		{ BYTES("\xc2\x9b" "31m"), "\\u009b31m" },			/* C1 CSI */
		{ BYTES("\x9b" "31m"), "\\x9b31m" },				/* the same in Latin-1 */
		{ BYTES("x\xe2\x80\xae" "exe"), "x\\u202eexe" },		/* right-to-left override */
		{ BYTES("\xe2\x81\xa6\xe2\x81\xa9"), "\\u2066\\u2069" },	/* isolates */
		{ BYTES("\xd8\x9c"), "\\u061c" },				/* Arabic letter mark */
		{ BYTES("a\xe2\x80\xa8z"), "a\\u2028z" },			/* line separator */
		{ BYTES("a\xe2\x80\x8bz"), "a\\u200bz" },			/* zero width space */
		{ BYTES("\xef\xbb\xbfz"), "\\ufeffz" },			/* byte order mark */
		{ BYTES("\xf3\xa0\x81\x81"), "\\U0e0041" },			/* tag letter */
		{ BYTES("\xe2\x82"), "\\xe2\\x82" },
		{ BYTES("\xff\xfe"), "\\xff\\xfe" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

		printable_add(&sb, rows[i].in, rows[i].len);
		assert_string_equal(sb.buf, rows[i].want);
	}
}

/* Whatever the bytes, the result is one line of valid UTF-8 without anything unsafe, and shown text does not change again. */
static void test_every_pair_of_bytes(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 0x10000; n++) {
		autostrbuf struct strbuf once = STRBUF_INIT(STRBUF_NO_MAX);
		autostrbuf struct strbuf twice = STRBUF_INIT(STRBUF_NO_MAX);
		char in[3] = { (char)(n >> 8), (char)n, 'x' };

		printable_add(&once, in, sizeof(in));
		for (size_t i = 0; i < once.len;) {
			uint32_t cp;

			i += utf8_decode(once.buf + i, once.len - i, &cp);
			assert_false(utf8_is_unsafe(cp));
		}
		printable_add(&twice, once.buf, once.len);
		assert_string_equal(once.buf, twice.buf);
		assert_int_equal(once.buf[once.len - 1], 'x');
	}
}

static void test_cut_and_width(void **state)
{
	static const struct {
		const char *in;
		size_t columns;
		const char *want;
		size_t width;
	} rows[] = {
		{ "short", 10, "short", 5 },
		{ "exactly", 7, "exactly", 7 },
		{ "too long", 7, "too lo…", 7 },
		{ "日本語", 6, "日本語", 6 },
		{ "日本語", 5, "日本…", 5 },
		{ "日本語", 4, "日…", 3 },
		{ "a\x1b[2J", 6, "a\\x1b…", 6 },	/* an escape is never cut in two */
		{ "a\x1b[2J", 4, "a…", 2 },
		{ "\x1b\x1b", 5, "\\x1b…", 5 },
		{ "abc", 1, "…", 1 },
		{ "e\xcc\x81t\xcc\x81", 2, "e\xcc\x81t\xcc\x81", 2 },
		{ "", 3, "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
		size_t got;

		strbuf_addstr(&sb, "> ");
		got = printable_add_cut(&sb, rows[i].in, strlen(rows[i].in), rows[i].columns);
		assert_string_equal(sb.buf + 2, rows[i].want);
		assert_int_equal(got, rows[i].width);
		assert_int_equal(printable_width(sb.buf + 2, sb.len - 2), rows[i].width);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_every_pair_of_bytes),
		cmocka_unit_test(test_cut_and_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
