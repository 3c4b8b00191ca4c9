/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis: the interface: commands without a shell, names of bits, a command as a line, where values and code stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "validators/shell/analysis.h"

static struct shell_value word(const char *text, size_t offset)
{
	return (struct shell_value){ .text = text, .len = strlen(text), .known = true, .origin = ORIGIN_LITERAL, .offset = offset,
				     .source_len = strlen(text) };
}

static void takes_commands_without_a_shell(void **state)
{
	const struct shell_value argv[] = { word("sudo", 0), word("sh", 10), word("-c", 20), word("cd /; rm -rf *", 30) };
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	(void)state;
	shell_analyse_argv(&arena, argv, ARRAY_SIZE(argv), &got);
	assert_int_equal(got.len, 4);
	assert_string_equal(got.commands[0].name, "sudo");
	assert_string_equal(got.commands[1].name, "sh");
	assert_string_equal(got.commands[3].name, "rm");
	assert_int_equal(got.commands[3].depth, 1);
	assert_int_equal(got.commands[3].offset, 36);
	assert_int_equal(got.commands[3].source_len, 8);
	assert_true(got.commands[3].traits & TRAIT_PRIVILEGED);
	assert_string_equal(got.commands[3].cwd, "/");
	assert_int_equal(got.commands[0].offset, 0);
	assert_int_equal(got.commands[0].source_len, 44);
}

/* A word that says `$HOME; rm` is no variable and no second command there. */
static void does_not_expand_without_a_shell(void **state)
{
	const struct shell_value argv[] = { word("echo", 0), word("$HOME; rm -rf /", 5) };
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	(void)state;
	shell_analyse_argv(&arena, argv, ARRAY_SIZE(argv), &got);
	assert_int_equal(got.len, 1);
	assert_string_equal(got.commands[0].argv[1].text, "$HOME; rm -rf /");
	shell_analyse_argv(&arena, NULL, 0, &got);
	assert_int_equal(got.len, 0);
}

static void knows_the_names_of_bits(void **state)
{
	(void)state;
	assert_int_equal(shell_origin_from_name("network"), ORIGIN_NETWORK_EXTERNAL);
	assert_int_equal(shell_origin_from_name("network-own"), ORIGIN_NETWORK_OWN);
	assert_int_equal(shell_origin_from_name("literal"), ORIGIN_LITERAL);
	assert_int_equal(shell_origin_from_name("net"), 0);
	assert_int_equal(shell_trait_from_name("fork-bomb"), TRAIT_FORK_BOMB);
	assert_int_equal(shell_trait_from_name("unknown-name"), TRAIT_UNKNOWN_NAME);
	assert_int_equal(shell_trait_from_name("privileged"), TRAIT_PRIVILEGED);
	assert_int_equal(shell_trait_from_name(""), 0);
}

static void writes_a_command_as_a_line(void **state)
{
	static const char text[] = "A=1 B='x y'\nrm  -rf \"$HOME\"/{a,b} $(date)";
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	(void)state;
	shell_analyse(&arena, text, strlen(text), &got);
	assert_int_equal(got.len, 3);
	shell_command_text(&got.commands[0], &line);
	strbuf_addch(&line, '|');
	shell_command_text(&got.commands[2], &line);
	assert_string_equal(line.buf, "A=1 B=x y|rm -rf ~/a ~/b $(date)");
}

static bool is_at(const char *text, size_t offset, size_t len, const char *expected)
{
	return len == strlen(expected) && !strncmp(text + offset, expected, len);
}

/* The place of a value is the word as written, of nested code the very characters where they stand verbatim. */
static void tells_places(void **state)
{
	static const struct {
		const char *text;
		size_t command, argument;
		const char *command_at, *argument_at;
	} rows[] = {
		{ "  rm -rf \"/etc\" # x", 0, 2, "rm -rf \"/etc\"", "\"/etc\"" },
		{ "sh -c 'cd /; rm -rf /etc'", 2, 2, "rm -rf /etc", "/etc" },
		{ "sh -c \"sh -c 'rm /etc'\"", 2, 1, "rm /etc", "/etc" },
		{ "bash <<'E'\ncd /\nrm -rf etc\nE\n", 2, 2, "rm -rf etc", "etc" },
		{ "echo 'rm /etc' | sh", 2, 1, "rm /etc", "/etc" },
		{ "cat <<E | sh\nrm /etc\nE\n", 2, 1, "rm /etc", "/etc" },
		{ "X=/etc; rm $X", 1, 1, "rm $X", "$X" },
		{ "sh -c \"rm \\\"/etc\\\"\"", 1, 1, "\"rm \\\"/etc\\\"\"", "\"rm \\\"/etc\\\"\"" },
		{ "echo cm0gL2V0Yw== | base64 -d | sh", 3, 1, "base64 -d", "base64 -d" },
		{ "eval rm x /etc", 1, 2, "rm x /etc", "/etc" },
		{ "eval rm $Y /etc", 1, 2, "rm $Y /etc", "rm $Y /etc" },
		{ "f() { rm \"$1\"; }\nf /etc", 1, 1, "rm \"$1\"", "\"$1\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		const struct shell_command *c;
		const struct shell_value *v;
		struct shell_analysis got;

		shell_analyse(&arena, rows[i].text, strlen(rows[i].text), &got);
		assert_true(got.len > rows[i].command);
		c = &got.commands[rows[i].command];
		v = &c->argv[rows[i].argument];
		if (!is_at(rows[i].text, c->offset, c->source_len, rows[i].command_at))
			fail_msg("%s: command at '%.*s'", rows[i].text, (int)c->source_len, rows[i].text + c->offset);
		if (!is_at(rows[i].text, v->offset, v->source_len, rows[i].argument_at))
			fail_msg("%s: argument at '%.*s'", rows[i].text, (int)v->source_len, rows[i].text + v->offset);
	}
}

static void tells_what_a_command_reads_from(void **state)
{
	static const char text[] = "a | sudo b | (c; d) | e";
	autoarena struct arena arena = ARENA_INIT;
	struct shell_analysis got;

	(void)state;
	shell_analyse(&arena, text, strlen(text), &got);
	assert_int_equal(got.len, 6);
	assert_int_equal(got.commands[0].input_from, SHELL_NO_COMMAND);
	assert_int_equal(got.commands[1].input_from, 0);	/* sudo */
	assert_int_equal(got.commands[2].input_from, 0);	/* b */
	assert_int_equal(got.commands[3].input_from, 2);
	assert_int_equal(got.commands[4].input_from, 2);
	assert_int_equal(got.commands[5].input_from, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_commands_without_a_shell),
		cmocka_unit_test(does_not_expand_without_a_shell),
		cmocka_unit_test(knows_the_names_of_bits),
		cmocka_unit_test(writes_a_command_as_a_line),
		cmocka_unit_test(tells_places),
		cmocka_unit_test(tells_what_a_command_reads_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
