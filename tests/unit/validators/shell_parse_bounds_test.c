/* SPDX-License-Identifier: Apache-2.0
 * What text of any size and depth may cost the reader of shell text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "validators/shell/parse.h"

static const char *const repeated[] = {
	"(", "((", "$(", "$((", "\"", "'", "\\", "`", "\\`", "{a,", "{", "${", "${x:-", "\"${x:-", "\"$(", "<<A ", "<<A\n",
	"cat <<A <<B\n", "<(", "[[ ", "if ", "while ", "case x in ", "case x in a) ", "f() ", "function f ", "a[", "a[b", "x=(", "x[1",
	";", ";;", "&", "|", "! ", "{ ", "}", ")", "a", "a ", "\n", "\\\n", "\r\n", "\r", "$", "$x", "$[", "${x[", "${x//", "$'",
	"$'\\x41", "@(", "=(", "for ", "time ", "coproc ", "a&&", ">", ">a ", "<<<", "{1..200}", "{a,b}", "1", "{x}>", "a=", "#", " #",
	"x[;", "x[ y ", "$(a;", "`\\`", "((a) ", "then ", "(a)", "(a", "\"$x\"", "''", "a''", "$(cat <<A\n", "\"a", "$\\\n", "x\\\n", "{,",
	"${#", "${!", "<<\"A", "\\$", "a(", "a()", "[[ a =~ (", "$(($(", "${ ", "${ a;", "x[]=", "$((\\", "$(('", "x[$(x[", "{a,{",
	"<<\\A\n\\\n", "a <<-A\n\t", "$((`", "`$((", "\"`",
};

static char *repeat(const char *text, size_t len)
{
	char *s = xmalloc(len);

	for (size_t i = 0, n = strlen(text); i < len; i++)
		s[i] = text[i % n];
	return s;
}

static size_t work(const char *text, size_t len)
{
	autoarena struct arena a = ARENA_INIT;
	autofree char *s = repeat(text, len);

	shell_parse(&a, s, len);
	return a.bytes;
}

static void takes_memory_in_proportion(void **state)
{
	const size_t len = (size_t)64 << 10;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(repeated); i++) {
		size_t once = work(repeated[i], len), twice = work(repeated[i], 2 * len);

		if (twice > 2 * once + once / 10 + 65536 || once > 200 * len)
			fail_msg("'%s': %zu bytes of memory, %zu for twice as much", repeated[i], once, twice);
	}
}

/* Looking ahead has a budget; without it this would read for hours. */
static void does_not_look_ahead_forever(void **state)
{
	(void)state;
	assert_true(work("$((a ", (size_t)2 << 20) < (size_t)600 << 20);
	assert_true(work("((", (size_t)2 << 20) < (size_t)600 << 20);
	assert_true(work("a[b ", (size_t)2 << 20) < (size_t)600 << 20);
}

static size_t list_depth(const struct shell_list *list);

static size_t max(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t word_depth(const struct shell_word *word)
{
	size_t deepest = 0;

	for (size_t i = 0; word && i < word->len; i++) {
		const struct shell_part *part = &word->parts[i];
		size_t depth = max(part->body ? list_depth(part->body) : 0, word_depth(part->operand));

		for (size_t k = 0; k < part->alternatives_len; k++)
			depth = max(depth, word_depth(&part->alternatives[k]));
		deepest = max(deepest, depth + (part->kind != PART_TEXT));
	}
	return deepest;
}

static size_t list_depth(const struct shell_list *list)
{
	size_t deepest = 0;

	for (size_t i = 0; i < list->len; i++)
		for (size_t n = 0; n < list->pipelines[i].len; n++) {
			const struct shell_node *node = &list->pipelines[i].nodes[n];

			for (size_t k = 0; k < node->bodies_len; k++)
				deepest = max(deepest, list_depth(node->bodies[k]) + 1);
			for (size_t k = 0; k < node->words_len; k++)
				deepest = max(deepest, word_depth(&node->words[k]));
		}
	return deepest;
}

static bool has_command(const struct shell_list *list, const char *name);

static bool is_command(const struct shell_node *node, const char *name)
{
	for (size_t i = 0; i < node->bodies_len; i++)
		if (has_command(node->bodies[i], name))
			return true;
	for (size_t i = 0; i < node->words_len; i++)
		for (size_t k = 0; k < node->words[i].len; k++)
			if (node->words[i].parts[k].body && has_command(node->words[i].parts[k].body, name))
				return true;
	return node->words_len && node->words[0].len && node->words[0].parts[0].text && !strcmp(node->words[0].parts[0].text, name);
}

static bool has_command(const struct shell_list *list, const char *name)
{
	for (size_t i = 0; i < list->len; i++)
		for (size_t n = 0; n < list->pipelines[i].len; n++)
			if (is_command(&list->pipelines[i].nodes[n], name))
				return true;
	return false;
}

/* What opens levels, and whether what stands inside of too many is still read as commands. */
static const struct { const char *open; size_t levels; } deep[] = {
	{ "(", 100 }, { "{ ", 100 }, { "a $(", 100 }, { "if ", 100 }, { "a <(", 100 }, { "while ", 100 }, { "case x in a) ", 100 },
	{ "f() { ", 100 }, { "a \"$(", 50 },
};

static void stops_at_the_ceiling(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(deep); i++) {
		autoarena struct arena a = ARENA_INIT;
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_script script;
		bool said = false;

		for (size_t k = 0; k < 5000; k++)
			strbuf_addstr(&sb, deep[i].open);
		strbuf_addstr(&sb, "; inside; ");
		script = shell_parse(&a, sb.buf, sb.len);
		for (size_t k = 0; k < script.problems_len; k++)
			said |= script.problems[k].kind == SHELL_TOO_DEEP;
		assert_true(said);
		assert_int_equal(script.problems_len <= SHELL_MAX_PROBLEMS, true);
		assert_true(list_depth(script.body) <= SHELL_MAX_DEPTH);
		assert_true(list_depth(script.body) >= deep[i].levels / 2);
		assert_true(has_command(script.body, "inside"));
	}
}

/* `{{{…a,b}` and "${x:-${x:-…" in words */
static void bounds_words(void **state)
{
	static const char *const opens[] = { "{a,", "${x:-", "\"${x:-", "$((", "`\\`" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		autoarena struct arena a = ARENA_INIT;
		autofree char *s = repeat(opens[i], 3000 * strlen(opens[i]));

		assert_true(list_depth(shell_parse(&a, s, 3000 * strlen(opens[i])).body) <= SHELL_MAX_DEPTH);
	}
}

static void stops_at_too_many_parts(void **state)
{
	autoarena struct arena a = ARENA_INIT;
	const size_t len = 2 * (size_t)SHELL_MAX_PARTS + 100;
	autofree char *s = repeat("a ", len);
	struct shell_script script = shell_parse(&a, s, len);

	(void)state;
	assert_int_equal(script.problems_len, 1);
	assert_int_equal(script.problems[0].kind, SHELL_TOO_LARGE);
	assert_in_range(script.problems[0].offset, len - 110, len);
	assert_in_range(script.body->pipelines[0].nodes[0].words_len, SHELL_MAX_PARTS - 10, SHELL_MAX_PARTS);
}

static void keeps_the_first_problems(void **state)
{
	autoarena struct arena a = ARENA_INIT;
	autofree char *s = repeat(") ", 1000);
	struct shell_script script = shell_parse(&a, s, 1000);

	(void)state;
	assert_int_equal(script.problems_len, SHELL_MAX_PROBLEMS);
	assert_int_equal(script.problems[1].offset, 2);
	assert_int_equal(script.problems[1].kind, SHELL_UNEXPECTED);
}

static void bounds_braces(void **state)
{
	static const char *const rows_of[] = { "echo {a,b", "echo {1..256}", "echo {1..257}" };
	autoarena struct arena a = ARENA_INIT;
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
	struct shell_script script;

	(void)state;
	script = shell_parse(&a, rows_of[1], strlen(rows_of[1]));
	assert_int_equal(script.body->pipelines[0].nodes[0].words[1].parts[0].alternatives_len, 256);
	script = shell_parse(&a, rows_of[2], strlen(rows_of[2]));
	assert_int_equal(script.body->pipelines[0].nodes[0].words[1].parts[0].kind, PART_TEXT);
	for (size_t n = 255; n <= 256; n++) {
		const struct shell_part *part;

		strbuf_clear(&sb);
		strbuf_addstr(&sb, "{");
		for (size_t i = 0; i < n; i++)
			strbuf_addstr(&sb, "a,");
		strbuf_addstr(&sb, "a}");
		script = shell_parse(&a, sb.buf, sb.len);
		part = &script.body->pipelines[0].nodes[0].words[0].parts[0];
		assert_int_equal(part->kind, n == 255 ? PART_BRACE : PART_TEXT);
		assert_int_equal(n == 255 ? part->alternatives_len : part->len, n == 255 ? 256 : sb.len);
	}
}

/* Each level would keep the text of all levels inside of it. */
static void keeps_long_expressions_once(void **state)
{
	static const char *const opens[] = { "${x[", "$((" }, *const closes[] = { "]}", "))" };
	const size_t inside = (size_t)1 << 20, levels = 7;
	autofree char *letters = repeat("a", inside);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		autoarena struct arena a = ARENA_INIT;
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_script script;

		for (size_t k = 0; k < levels; k++)
			strbuf_addstr(&sb, opens[i]);
		strbuf_add(&sb, letters, inside);
		for (size_t k = 0; k < levels; k++)
			strbuf_addstr(&sb, closes[i]);
		script = shell_parse(&a, sb.buf, sb.len);
		assert_int_equal(script.problems_len, 0);
		assert_int_equal(list_depth(script.body), i ? levels : 1);
		assert_true(a.bytes < 3 * inside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_memory_in_proportion),
		cmocka_unit_test(does_not_look_ahead_forever),
		cmocka_unit_test(stops_at_the_ceiling),
		cmocka_unit_test(bounds_words),
		cmocka_unit_test(stops_at_too_many_parts),
		cmocka_unit_test(keeps_the_first_problems),
		cmocka_unit_test(bounds_braces),
		cmocka_unit_test(keeps_long_expressions_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
