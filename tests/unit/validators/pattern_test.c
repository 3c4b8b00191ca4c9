/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "validators/pattern.h"

static struct pattern *must(const char *text)
{
	struct pattern *p = NULL;
	struct error err = { 0 };
	size_t offset;

	if (pattern_new(text, strlen(text), &p, &offset, &err) < 0)
		fail_msg("%s: at %zu: %s", text, offset, err.text);
	return p;
}

static void matches(void **state)
{
	static const struct {
		const char *pattern, *text;
		int offset, len;	/* -1: none */
	} cases[] = {
		{ "b+", "abbbc", 1, 3 },
		{ "^b", "a\nb", 2, 1 },			/* ^ and $ at every line */
		{ "a$", "a\nb", 0, 1 },
		{ "^a.b$", "a\rb\n", 0, 3 },		/* only LF ends a line */
		{ "a.c", "a\nc", -1, 0 },
		{ "a\\Rc", "a\r\nc", 0, 4 },
		{ "(?i)CURL", "x curl", 2, 4 },
		{ "CURL", "x curl", -1, 0 },
		{ "x(?<at>\\d+)y", "ax12y", 2, 2 },
		{ "x(?<at>\\d+)?y", "axy", 1, 2 },	/* the group took no part */
		{ "a..b", "a\xc3\xa9""b", 0, 4 },	/* bytes */
		{ "a.b", "a\xff""b", 0, 3 },
		{ "^\\w+$", "caf\xc3\xa9", -1, 0 },	/* \w is ASCII */
		{ "a\\S+b", "xa\xc3\xa9\xff""b", 1, 5 },
		{ "a\xc3\xa9.$", "a\xc3\xa9\xe2\x82\xac", 0, 6 },	/* characters, as the pattern has one */
		{ "\xc3\xa9\\S\\W\\D$", "\xc3\xa9\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 0, 11 },
		{ "\xc3\xa9.b", "\xc3\xa9\xff""b", -1, 0 },	/* then bytes that are not UTF-8 match nothing … */
		{ "b+|\\x{430}", "\xff\xc3""bb\x80", 2, 2 },	/* … what stands around them does */
		{ "\\p{Cyrillic}+", "\xffx\xd0\xb0\xd0\xb1", 2, 4 },
		{ "[\\x{200b}-\\x{200f}]", "rm\xe2\x80\x8b -rf", 2, 3 },
		{ "^$", "", 0, 0 },
		{ "foo\\Kbar", "foobar", 3, 3 },
		{ "\\x{430}", "x\xd0\xb0", 1, 2 },	/* Cyrillic a */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int jit = PATTERN_JIT_AUTO; jit <= PATTERN_JIT_NOW; jit++) {
			struct pattern *p = must(cases[i].pattern);
			struct span span = { 77, 77, 77 };
			enum pattern_result r;

			pattern_set_jit(p, (enum pattern_jit)jit);
			r = pattern_match(p, cases[i].text, strlen(cases[i].text), 0, &span);
			if (r != (cases[i].offset < 0 ? PATTERN_NO : PATTERN_YES))
				fail_msg("%s on '%s': %d", cases[i].pattern, cases[i].text, (int)r);
			if (r == PATTERN_YES && (span.offset != (size_t)cases[i].offset || span.len != (size_t)cases[i].len))
				fail_msg("%s on '%s': %zu+%zu", cases[i].pattern, cases[i].text, span.offset, span.len);
			assert_int_equal(pattern_is_jitted(p), jit == PATTERN_JIT_NOW && !strstr(cases[i].pattern, "\xa9\\S"));
			pattern_free(p);
		}
}

static void says_what_is_wrong_with_a_pattern(void **state)
{
	static const struct {
		const char *pattern;
		size_t offset;
		const char *words;
	} cases[] = {
		{ "ab(c", 4, "missing closing parenthesis" },
		{ "a|b)", 3, "unmatched closing parenthesis" },
		{ "[z-a]", 3, "range out of order" },
		{ "a\\C", 3, "using \\C is disabled" },
		{ "(?<at>a)(?<at>b)", 14, "two named subpatterns have the same name" },
		{ "(?<=a+)b", 0, "lookbehind assertion" /* later versions say it in other words */ },
		{ "a\xff", 1, "UTF-8 error" },
		{ "(?:(?:(?:a{999}){999}){999})", 0, "too large" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };
		struct pattern *p = NULL;
		size_t offset = 999;

		assert_int_equal(pattern_new(cases[i].pattern, strlen(cases[i].pattern), &p, &offset, &err), -1);
		assert_null(p);
		assert_int_equal(err.code, ERR_INVALID_INPUT);
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s: %s", cases[i].pattern, err.text);
		if (cases[i].offset && offset != cases[i].offset)
			fail_msg("%s: at %zu", cases[i].pattern, offset);
		assert_true(offset <= strlen(cases[i].pattern));
	}
}

static void too_long_a_pattern_is_refused(void **state)
{
	autofree char *text = xmalloc(PATTERN_MAX_BYTES + 2);
	struct error err = { 0 };
	struct pattern *p = NULL;
	size_t offset;

	(void)state;
	memset(text, 'a', PATTERN_MAX_BYTES + 1);
	assert_int_equal(pattern_new(text, PATTERN_MAX_BYTES + 1, &p, &offset, &err), -1);
}

static void lazy_ones_cost_nothing_and_wrong_ones_are_a_limit(void **state)
{
	struct pattern *p = pattern_new_lazy("a|b"), *wrong = pattern_new_lazy("a(");

	(void)state;
	assert_int_equal(pattern_match(p, "xb", 2, 0, NULL), PATTERN_YES);
	assert_int_equal(pattern_match(p, "xb", 2, 3, NULL), PATTERN_NO);	/* from past the end */
	assert_int_equal(pattern_match(wrong, "xb", 2, 0, NULL), PATTERN_LIMIT);
	assert_int_equal(pattern_match(wrong, "xb", 2, 0, NULL), PATTERN_LIMIT);
	pattern_free(p);
	pattern_free(wrong);
	pattern_free(NULL);
}

static void the_jit_takes_over_when_it_pays(void **state)
{
	struct pattern *p = must("a|b");
	char text[9000];
	int n = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	while (!pattern_is_jitted(p) && n < 1000) {
		pattern_match(p, text, 10, 0, NULL);
		n++;
	}
	assert_in_range(n, 2, 200);
	pattern_free(p);
	p = must("a|b");
	pattern_match(p, text, sizeof(text), 0, NULL);
	assert_true(pattern_is_jitted(p));
	pattern_free(p);
}

/* Whoever goes on at `next` ends, whatever the pattern. */
static void no_caller_loops(void **state)
{
	static const char *const patterns[] = {
		"", "a*", "^", "$", "\\b", "(?=b)", "(?<=(?<at>a))", "a\\K", "(?<at>)", "x?|\\xff", ".", "(?<at>a)(?=b)",
	};
	static const char text[] = "aab\n\xc3\xa9\xff\xc3 ab\n\n";
	const size_t len = sizeof(text) - 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		for (int jit = PATTERN_JIT_NEVER; jit <= PATTERN_JIT_NOW; jit++) {
			struct pattern *p = must(patterns[i]);
			size_t from = 0, n = 0;
			struct span span;

			pattern_set_jit(p, (enum pattern_jit)jit);
			while (pattern_match(p, text, len, from, &span) == PATTERN_YES) {
				assert_true(span.next > from);
				assert_true(span.offset <= len && span.len <= len - span.offset);
				from = span.next;
				assert_true(n++ <= len);
			}
			for (from = 0; from <= len; from++)	/* also from inside of a character */
				assert_int_not_equal(pattern_match(p, text, len, from, &span), PATTERN_LIMIT);
			pattern_free(p);
		}
}

static char *filled(const char *unit, size_t len)
{
	char *text = xmalloc(len + 1);
	size_t n = strlen(unit);

	for (size_t i = 0; i < len; i++)
		text[i] = unit[i % n];
	text[len] = '\0';
	return text;
}

/* The processor time that one match takes, on a machine that has other things to do, too. */
static enum pattern_result match_timed(const char *pattern, enum pattern_jit jit, const char *text, size_t len, unsigned int *ret_ms)
{
	struct pattern *p = must(pattern);
	clock_t start = clock();
	enum pattern_result r;

	pattern_set_jit(p, jit);
	r = pattern_match(p, text, len, 0, NULL);
	*ret_ms = (unsigned int)((clock() - start) / (CLOCKS_PER_SEC / 1000));
	assert_int_equal(pattern_is_jitted(p), jit == PATTERN_JIT_NOW);
	pattern_free(p);
	return r;
}

/* Each answers PATTERN_LIMIT in bounded time, with and without the JIT. */
static void catastrophes_are_bounded(void **state)
{
	static const struct {
		const char *pattern, *unit;
		size_t len;
		const char *tail;	/* so that the pattern cannot be refused by looking for a character that is not there */
	} cases[] = {
		{ "(a+)+$", "a", 100000, "!" },
		{ "(a|aa)+$", "a", 100000, "!" },
		{ "(a|aa)+$", "a", 60, "!" },
		{ "^(([a-z])+.)+[A-Z]([a-z])+$", "a", 100000, "!" },
		{ "((a*)*)*[bc]$", "a", 100000, "b!" },
		{ "^(a?){40}a{40}$", "a", 60, "!" },
		{ "a*a*a*a*a*a*[bc]$", "a", 3000, "b!" },
		{ "^(\\((?:[^()]|(?1))*\\))$", "(", 1000000, ")!" },	/* recursion */
		{ "(?:(?=(a+))\\1?a?)+[bc]$", "a", 5000, "b!" },
		{ "(x+x+)+y$", "x", 5000, "y!" },
		{ "(?<![a-z]{200}|q)(?:a|aa)+[bc]$", "a", 5000, "b!" },	/* lookbehind */
		{ "^(.*?,){11}P", "1,", 2000, "xP" },
		{ "(?:\\s*,?\\s*)*;$", " ", 5000, ";!" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int jit = PATTERN_JIT_NEVER; jit <= PATTERN_JIT_NOW; jit++) {
			autofree char *body = filled(cases[i].unit, cases[i].len);
			autofree char *text = xasprintf("%s%s", body, cases[i].tail);
			unsigned int ms;
			enum pattern_result r = match_timed(cases[i].pattern, (enum pattern_jit)jit, text, strlen(text), &ms);

			if (r != PATTERN_LIMIT || ms > 3000)
				fail_msg("%s, jit %d: %d after %u ms", cases[i].pattern, jit, (int)r, ms);
		}
}

/* What never meets a match limit: quadratic over the places to start from. */
static void quadratic_searches_are_bounded(void **state)
{
	static const char *const patterns[] = {
		"x[^y]*+[zq]$", "x.*[zq]!", "\\w+\\s*[zq]!", "x[^y]*x[^Q]*Q\\w", "(?:(?=(x+))\\1?x?)+[qc]$", "(?:(?!.*yes)x)+[zq]!",
	};
	static const size_t lens[] = { 700, 5000, 60000, 1000000 };

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(lens) * ARRAY_SIZE(patterns); l++) {
		const char *pattern = patterns[l % ARRAY_SIZE(patterns)];
		const size_t len = lens[l / ARRAY_SIZE(patterns)];
		autofree char *text = filled("x", len);

		memcpy(text + len - 6, "z.!noQ", 6);
		for (int jit = PATTERN_JIT_NEVER; jit <= PATTERN_JIT_NOW; jit++) {
			unsigned int ms;
			enum pattern_result r = match_timed(pattern, (enum pattern_jit)jit, text, len, &ms);

			if (r == PATTERN_YES || (len > 100000 && r != PATTERN_LIMIT) || ms > 3000)
				fail_msg("%s, jit %d, %zu bytes: %d after %u ms", pattern, jit, len, (int)r, ms);
		}
	}
}

/* No place to start from falls between two slices. */
static void every_place_is_tried(void **state)
{
	static const struct {
		const char *pattern, *unit, *needle;
	} cases[] = { { "z", "a", "z" }, { "\\x{e9}", "\xc3\xa8", "\xc3\xa9" } };
	const size_t len = 5000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		const char *unit = cases[i / 2].unit, *needle = cases[i / 2].needle;
		autofree char *text = filled(unit, len);
		struct pattern *p = must(cases[i / 2].pattern);

		pattern_set_jit(p, i % 2 ? PATTERN_JIT_NEVER : PATTERN_JIT_NOW);
		for (size_t at = 0; at < len; at += strlen(unit)) {
			struct span span = { 0 };

			memcpy(text + at, needle, strlen(needle));
			assert_int_equal(pattern_match(p, text, len, 0, &span), PATTERN_YES);
			assert_int_equal(span.offset, at);
			memcpy(text + at, unit, strlen(unit));
		}
		pattern_free(p);
	}
}

/* Long texts without tricks are searched to the end, whether they are one slice or many; a match may span slices. */
static void long_texts_are_searched_to_the_end(void **state)
{
	const size_t len = (size_t)10 << 20;
	autofree char *text = filled("echo hello; ", len);

	(void)state;
	memcpy(text + len - 20, "curl \xc3\xa9vil", 10);
	for (int jit = PATTERN_JIT_NEVER; jit <= PATTERN_JIT_NOW; jit++) {
		struct pattern *p = must("curl \\S+"), *all = must("(?s)^echo.*curl"), *none = must("wget|nc\\b");
		struct span span = { 0 };

		pattern_set_jit(p, (enum pattern_jit)jit);
		pattern_set_jit(all, (enum pattern_jit)jit);
		pattern_set_jit(none, (enum pattern_jit)jit);
		assert_int_equal(pattern_match(p, text, len, 0, &span), PATTERN_YES);
		assert_int_equal(span.offset, len - 20);
		assert_int_equal(pattern_match(all, text, len, 0, &span), PATTERN_YES);
		assert_int_equal(span.len, len - 16);
		assert_int_equal(pattern_match(none, text, len, 0, &span), PATTERN_NO);
		pattern_free(p);
		pattern_free(all);
		pattern_free(none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(says_what_is_wrong_with_a_pattern),
		cmocka_unit_test(too_long_a_pattern_is_refused),
		cmocka_unit_test(lazy_ones_cost_nothing_and_wrong_ones_are_a_limit),
		cmocka_unit_test(the_jit_takes_over_when_it_pays),
		cmocka_unit_test(no_caller_loops),
		cmocka_unit_test(catastrophes_are_bounded),
		cmocka_unit_test(quadratic_searches_are_bounded),
		cmocka_unit_test(every_place_is_tried),
		cmocka_unit_test(long_texts_are_searched_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
