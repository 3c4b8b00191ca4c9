/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis_limits: text that would take forever if it were followed literally costs no more than a constant for each
 * byte, and what stands behind it is still seen. Work is counted in commands and bytes of the arena, not in seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "validators/shell/analysis.h"

#define FLOOR_COMMANDS 8000	/* of a text of any size */
#define FLOOR_BYTES ((size_t)24 << 20)

/* `before`, `n` times `unit`, `middle`, `n` times `after`. In a unit @ stands for its number, ^ for the next. */
struct hostile {
	const char *what, *before, *unit;
	size_t n;
	const char *middle, *after;
};

static const struct hostile table[] = {
	{ "calls that double", "", "f@() { f^; f^; };", 40, "f0", "" },
	{ "calls with arguments that double", "", "f@() { f^ a$1; f^ b$1; };", 40, "f0 x", "" },
	{ "functions that start each other", "", "f@() { f^ | f@ & };", 1000, "f0", "" },
	{ "loops in loops", "", "for v@ in 1 2 3 4 5 6 7 8 9; do ", 20, "rm $v0;", " done;" },
	{ "reads in loops", "printf 'a\\nb\\nc\\nd\\n' |", "while read v@; do ", 20, "rm $v0;", " done;" },
	{ "a brace bomb", "echo ", "{a,b}", 40, "", "" },
	{ "wide braces", "", "echo {a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d};", 1000, "", "" },
	{ "braces in braces", "echo ", "{a,", 60, "b", "}" },
	{ "text that doubles", "X=aaaaaaaa;", "X=$X$X;", 200, "echo $X", "" },
	{ "long text again and again",
	  "X=aaaaaaaa;X=$X$X;X=$X$X;X=$X$X;X=$X$X;X=$X$X;X=$X$X;X=$X$X;X=$X$X;", "echo $X;", 3000, "", "" },
	{ "text that grows", "", "X=$X.aaaaaaaaaaaaaaaaaa;", 5000, "", "" },
	{ "text that is added to", "", "X+=.aaaaaaaaaaaaaaaaaa;", 5000, "", "" },
	{ "a list that is added to", "", "a+=(x);", 5000, "", "" },
	{ "a file that is added to", "", "echo aaaaaaaaaaaaaaaaaaaa >> f; cat f | cat;", 3000, "", "" },
	{ "eval of itself", "X='eval \"$X\"; eval \"$X\"';", "eval \"$X\";", 10, "", "" },
	{ "eval that grows", "X='X=\"$X$X\"; eval \"$X\"';", "eval \"$X\";", 10, "", "" },
	{ "shells in here-documents", "", "bash <<E@\n", 30, "rm x\n", "" },
	{ "substitutions in substitutions", "echo ", "$(echo ", 95, "x", ")" },
	{ "sudo of sudo", "", "sudo ", 20000, "rm x", "" }, { "a long pipeline", "a", "|cat", 20000, "", "" },
	{ "patterns that backtrack", "X=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;",
	  "Y=${X##*a*a*a*a*b};Z=${X//a*a*a*b/c};", 2000, "", "" },
	{ "output that is asked for", "", "printf '%1000000000d' 1 | sh; seq 1 1000000000 | sh;", 500, "", "" },
	{ "branches with values", "", "if a; then X=1$X; else X=2$X; fi; echo $X;", 3000, "", "" },
	{ "branches in branches", "", "if a; then ", 90, "X=1;", "else X=2; fi;" },
	{ "arguments that shift", "set -- a b c d e f g h i j k l m n o p q r s t u v w x y z;",
	  "set -- \"$@\" \"$@\"; shift;", 500, "", "" },
	{ "shells of shells", "", "sh <<< 'sh <<< \"sh <<< rm\"';", 2000, "", "" },
	{ "folders in folders", "", "cd aaaa; rm x;", 5000, "", "" },
	{ "arithmetic", "a=1;", "b=$((a+a+(a+(a+(a))))); a=$b;", 3000, "", "" },
	{ "quotes that never end", "echo ", "\"$(`", 5000, "", "" },
};

static void add_unit(struct strbuf *out, const char *unit, size_t i)
{
	for (; *unit; unit++) {
		if (*unit == '@' && unit[1] != '"')
			strbuf_addf(out, "%zu", i);
		else if (*unit == '^')
			strbuf_addf(out, "%zu", i + 1);
		else
			strbuf_addch(out, *unit);
	}
}

static void build(struct strbuf *out, const struct hostile *h, size_t n)
{
	strbuf_addstr(out, h->before);
	for (size_t i = 0; i < n; i++)
		add_unit(out, h->unit, i);
	strbuf_addstr(out, h->middle);
	for (size_t i = 0; i < n; i++)
		add_unit(out, h->after, n - i - 1);
}

static void costs_little(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		autoarena struct arena arena = ARENA_INIT;
		struct shell_analysis got;

		build(&text, &table[i], table[i].n);
		shell_analyse(&arena, text.buf, text.len, &got);
		if (got.len > text.len + FLOOR_COMMANDS || arena.bytes > 500 * text.len + FLOOR_BYTES)
			fail_msg("%s: %zu bytes make %zu commands and take %zu bytes", table[i].what, text.len, got.len,
				 arena.bytes);
	}
}

static void is_linear(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t bytes[2];

		if (table[i].after[0] || table[i].n < 500)	/* nesting has ceilings of its own */
			continue;
		for (size_t k = 0; k < 2; k++) {
			autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
			autoarena struct arena arena = ARENA_INIT;
			struct shell_analysis got;

			build(&text, &table[i], table[i].n * (1 + 3 * k));
			shell_analyse(&arena, text.buf, text.len, &got);
			bytes[k] = arena.bytes + 200 * got.len;
		}
		if (bytes[1] > 5 * bytes[0])
			fail_msg("%s: four times the text takes %.1f times as much", table[i].what,
				 (double)bytes[1] / (double)bytes[0]);
	}
}

static bool deletes_root(const struct shell_analysis *a, size_t offset)
{
	for (size_t i = 0; i < a->len; i++)
		if (a->commands[i].offset >= offset && !strcmp(a->commands[i].name, "rm") && a->commands[i].argc == 3 &&
		    !strcmp(a->commands[i].argv[2].text, "/"))
			return true;
	return false;
}

/* What was spent before cannot hide what comes after. */
static void sees_what_comes_after(void **state)
{
	static const char *const ends[] = {
		"\nrm -rf /\n", "\nsh -c 'rm -rf /'\n", "\nX='rm -rf /'\n$X\n", "\nz() { rm -rf \"$1\"; }\nz /\n",
		"\neval \"$(echo cm0gLXJmIC8= | base64 -d)\"\n", "\necho 'rm -rf /' > /tmp/z.sh\nsh /tmp/z.sh\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strstr(table[i].what, "never end") || strstr(table[i].what, "here-doc"))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(ends); k++) {
			autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
			autoarena struct arena arena = ARENA_INIT;
			struct shell_analysis got;
			size_t before;

			build(&text, &table[i], table[i].n);
			before = text.len;
			strbuf_addstr(&text, ends[k]);
			shell_analyse(&arena, text.buf, text.len, &got);
			if (!deletes_root(&got, before))
				fail_msg("behind '%s', not seen: %s", table[i].what, ends[k]);
		}
	}
}

static void large_literals_cost_nothing(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	(void)state;
	strbuf_addstr(&text, "echo ");
	for (size_t i = 0; i < (size_t)10 << 20; i++)
		strbuf_addch(&text, (char)('a' + i % 26));
	shell_analyse(&arena, text.buf, text.len, &got);
	assert_int_equal(got.len, 1);
	assert_int_equal(got.commands[0].argv[1].len, (size_t)10 << 20);
	assert_true(arena.bytes < (size_t)24 << 20);
}

static void says_when_there_is_more(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	(void)state;
	for (size_t i = 0; i < SHELL_MAX_COMMANDS + 10; i++)
		strbuf_addstr(&text, "a;");
	shell_analyse(&arena, text.buf, text.len, &got);
	assert_int_equal(got.len, SHELL_MAX_COMMANDS);
	assert_true(got.truncated);
	shell_analyse(&arena, "a; b", 4, &got);
	assert_int_equal(got.len, 2);
	assert_false(got.truncated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(costs_little),
		cmocka_unit_test(is_linear),
		cmocka_unit_test(sees_what_comes_after),
		cmocka_unit_test(large_literals_cost_nothing),
		cmocka_unit_test(says_when_there_is_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
