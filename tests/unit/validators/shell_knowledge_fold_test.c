/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "validators/shell/knowledge.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void folds(void **state)
{
	static const struct {
		const char *text, *folded;	/* NULL: unchanged */
	} rows[] = {
		{ "rm", NULL }, { "", NULL }, { "curl -x \t\n", NULL }, { "\x01\x7f", NULL },
		{ "сurl", "curl" }, { "ѕudo", "sudo" }, { "еvаl", "eval" }, { "рython", "python" }, { "ЅUDO", "SUDO" }, { "һeaԁ", "head" },	/* Cyrillic */
		{ "гm", "rm" }, { "сһmоԁ", "chmod" }, { "ԝget", "wget" }, { "Ӏs", "Is" },
		{ "ϲurl", "curl" }, { "νi", "vi" }, { "Ρ", "P" }, { "οd", "od" },				/* Greek */
		{ "օd", "od" }, { "ոс", "nc" }, { "ցit", "git" }, { "սnlink", "unlink" },			/* Armenian */
		{ "ｒｍ", "rm" }, { "ＣＵＲＬ", "CURL" }, { "／ｅｔｃ", "/etc" }, { "－ｒｆ", "-rf" },			/* full-width */
		{ "𝐫𝐦", "rm" }, { "𝘳𝘮", "rm" }, { "𝓻𝓶", "rm" }, { "𝔯𝔪", "rm" }, { "𝚛𝚖", "rm" }, { "𝗿𝗺", "rm" }, { "𝕣𝕞", "rm" }, { "𝟏𝟘", "10" }, { "𝛂𝚸", "aP" },
		{ "ℯval", "eval" }, { "ⅽurl", "curl" }, { "ⅾd", "dd" }, { "ⅿv", "mv" }, { "ℓs", "ls" }, { "ⓡⓜ", "rm" }, { "ʀᴍ", "rm" },
		{ "r\xe2\x80\x8bm", "rm" }, { "r\xc2\xadm", "rm" }, { "\xef\xbb\xbfrm", "rm" }, { "r\xe2\x80\xaem", "rm" },	/* invisible */
		{ "r\xe2\x81\xa0m", "rm" }, { "rm\xef\xb8\x8f", "rm" }, { "r\xf3\xa0\x81\xad" "m", "rm" }, { "r\xe2\x81\xa6m\xe2\x81\xa9", "rm" }, { "r\xcd\x8fm", "rm" },
		{ "rm\xc2\xa0-rf", "rm -rf" }, { "rm\xe3\x80\x80x", "rm x" }, { "rm –rf", "rm -rf" }, { "∕etc", "/etc" },
		{ "größe", NULL }, { "日本", NULL }, { "é", NULL }, { "\xff\xfe", NULL }, { "r\xe2\x80m", NULL }, { "жщ", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		const char *want = rows[i].folded ? rows[i].folded : rows[i].text;
		bool changed;
		size_t len;
		const char *s = knowledge_fold(&arena, rows[i].text, strlen(rows[i].text), &len, &changed);

		if (strcmp(s, want) || len != strlen(want) || changed != (rows[i].folded != NULL))
			fail_msg("'%s' is '%s', not '%s'; changed %d", rows[i].text, s, want, changed);
	}
}

static void folds_whole_alphabets(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	autoarena struct arena arena = ARENA_INIT;

	(void)state;
	for (uint32_t c = 0x1d400; c <= 0x1d6a3; c++) {
		char text[5] = { (char)(0xf0), (char)(0x80 | (c >> 12 & 0x3f)), (char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)), 0 };
		bool changed;
		size_t len;
		const char *s = knowledge_fold(&arena, text, 4, &len, &changed);

		assert_true(changed);
		assert_int_equal(len, 1);
		assert_int_equal(s[0], letters[(c - 0x1d400) % 52]);
	}
}

static void reads_no_further(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	bool changed;
	size_t len;

	(void)state;
	assert_string_equal(knowledge_fold(&arena, "сurl", 1, &len, &changed), "\xd1");
	assert_int_equal(len, 1);
	assert_false(changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds), cmocka_unit_test(folds_whole_alphabets), cmocka_unit_test(reads_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
