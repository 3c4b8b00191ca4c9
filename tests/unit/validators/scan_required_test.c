/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pattern needs, and that no text that a built-in pattern matches lacks it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/rules.h"
#include "validators/scan_required.h"

static const struct {
	const char *pattern, *needs;
} rows[] = {
	{ "abc", "abc" }, { "(?i)aBc", "abc" }, { "ab?c*d+", "ad" }, { "a{0,3}b{2}c{1,}d{0}", "bc" }, { "a|b", "" }, { "ab|cb", "b" },
	{ "x(?:ab|cb)?y", "xy" }, { "x(?:ab|cb)y", "xby" }, { "(?<at>a)(b)(?>c)", "abc" }, { "(?=a)b(?!c)d(?<=e)(?<!f)", "bd" },
	{ "[abc]d[^]e]f[]g]", "df" }, { "[[:alpha:]]a", "a" }, { "\\d\\.\\-\\w\\/\\bx\\s", "0.-/x" }, { "^--?(?:\\w+-)*pw=", "-pw=" },
	{ "a\\x62", "" }, { "(?x) a b", "" }, { "a(?1)b", "" }, { "(?|a|a)", "" }, { "\\Qab\\E", "" }, { "a\xc3\xa9", "" }, { "a(", "" }, { "a)", "" },
	{ "[a", "" }, { "a{,2}b", "" }, { "a{b", "a{b" }, { "\\p{L}a", "" }, { "(*UTF)a", "" }, { "a\\", "" }, { "", "" }, { "(?i)(?s:a.b)", "ab" },
	{ "a++b*?c??d", "ad" }, { "5", "0" }, { "a(?:)b|", "" }, { "(?#a)b", "" }, { "[\\]a]b", "b" },
	{ "[rR]", "r" }, { "[^r]", "" }, { "[0-9]", "0" }, { "[0-9a]", "" }, { "[\\d5]x", "0x" }, { "[a-a]", "" }, { "[0-z]", "" }, { "[]]", "]" },
	{ "[-]", "-" }, { "[--]", "-" }, { "[\\.]", "." }, { "[\\w]", "" }, { "[[:digit:]0]", "" }, { "[rR]?", "" }, { "[^0-9]", "" },
};

static uint64_t characters(const char *text)
{
	return *text ? text_marks(text, strlen(text)).characters : 0;
}

static bool may_match(const char *pattern, const char *text)
{
	autoarena struct arena arena = ARENA_INIT;
	struct text_marks marks = text_marks(text, strlen(text));

	return needs_are_met(pattern_needs(&arena, pattern), &marks);
}

static void knows_what_patterns_need(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;

		if (pattern_needs(&arena, rows[i].pattern)->all.characters != characters(rows[i].needs))
			fail_msg("%s needs other characters than '%s'", rows[i].pattern, rows[i].needs);
	}
}

static const struct {
	const char *pattern, *text;
	bool possible;
} ways[] = {
	{ "ab|cd", "abd", true }, { "ab|cd", "bd", false }, { "(?:ab|cd)x(?:e|f)", "abxe", true }, { "(?:ab|cd)x(?:e|f)", "abe", false },
	{ "(?:ab|cd)x(?:e|f)", "bcx", false }, { "ab|cd|", "", true }, { "(?:ab|cd)?x", "x", true }, { "a(?:ab|b)", "ab", true },
	{ "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r", "r", true }, { "xa|xb|xc|xd|xe|xf|xg|xh|xi|xj|xk|xl|xm|xn|xo|xp|xq|xr", "r", false },
	{ "xa|xb|xc|xd|xe|xf|xg|xh|xi|xj|xk|xl|xm|xn|xo|xp|xq|xr", "xr", true }, { "ab|\\x61", "", true },
	/* side by side */
	{ "abc", "xABCx", true }, { "abc", "acb", false }, { "abc", "ab c", false }, { "ab?c", "abc", true }, { "ab?c", "ac", true },
	{ "a.c", "abc", true }, { "a\\bc", "a c", true }, { "a(?:b)c", "bca", true }, { "ab+c", "abbbc", true }, { "ab+c", "bac", false },
	{ "ab{2}c", "abbc", true }, { "a{2,}b", "aab", true }, { "a[bc]d", "acd", true }, { "a7b", "a9b", true }, { "a7b", "9ab", false },
	{ "a[0-9]b", "a5b", true }, { "a[0-9]b", "5ab", false }, { "a\\db", "a5b", true }, { "a\\db", "a.b", false }, { "[xX]y", "XY", true },
	{ "(?:ab|cd)?ef", "ef", true }, { "a b", "a b", true }, { "a\\.b", "a.b", true }, { "a\\.b", "b.a", false }, { "-x", "-ax", false },
};

static void knows_what_alternatives_need(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (may_match(ways[i].pattern, ways[i].text) != ways[i].possible)
			fail_msg("'%s' is wrong about '%s'", ways[i].pattern, ways[i].text);
}

static void deep_patterns_say_nothing(void **state)
{
	char deep[4096];

	(void)state;
	memset(deep, '(', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	assert_true(may_match(deep, ""));
}

static void check_pattern(const struct rule_set *set, const struct rule_condition *c, const char *text)
{
	struct text_marks there = text_marks(text, strlen(text));

	if (pattern_match(rule_pattern(set, c), text, strlen(text), 0, NULL) == PATTERN_YES && !needs_are_met(c->needs, &there))
		fail_msg("'%s' matches %s all the same", text, c->text);
}

static void built_in_patterns_hold_what_they_need(void **state)
{
	struct rule_set *set = rules_builtin(RULES_DEFAULT);
	size_t known = 0;

	(void)state;
	for (size_t i = 0; i < set->len; i++) {
		const struct rule *rule = rules_at(set, i);

		for (size_t j = 0; j < rule->matches_len * rule->samples_len; j++) {
			const struct rule_match *m = &rule->matches[j / rule->samples_len];
			const char *text = rule->samples[j % rule->samples_len].text;

			for (size_t k = 0; k < m->conditions_len; k++) {
				if (m->conditions[k].test != TEST_MATCHES || !m->conditions[k].text)
					continue;
				check_pattern(set, &m->conditions[k], text);
				/* as many as are kept: what more there were share only what all have in common, which is next to nothing */
				if (m->conditions[k].needs->len >= 255)
					fail_msg("%s: a pattern has too many alternatives: make two of it", rule->id);
				known += m->conditions[k].needs->all.pairs != 0;
			}
		}
	}
	assert_true(known > 100);
	rules_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_patterns_need),
		cmocka_unit_test(knows_what_alternatives_need),
		cmocka_unit_test(deep_patterns_say_nothing),
		cmocka_unit_test(built_in_patterns_hold_what_they_need),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
