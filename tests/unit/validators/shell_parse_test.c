/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "validators/shell/parse.h"

/* ---- a tree in one line
 * words: text, 'quoted', odd?, $name, {alternative|alternative}, ${name kind operand operand2}; what is quoted and no text stands in "…"
 * commands: [name=value words redirects]; compound ones (kind body, body). Pipelines: a | b; lists: a; b & c && d */

static void dump_list(struct strbuf *sb, const struct shell_list *list);
static void dump_word(struct strbuf *sb, const struct shell_word *word);

static const char *const expansion_names[] = {
	[EXPAND_PLAIN] = "", [EXPAND_DEFAULT] = "default", [EXPAND_ASSIGN] = "assign", [EXPAND_ERROR] = "error",
	[EXPAND_ALTERNATIVE] = "alternative", [EXPAND_LENGTH] = "length", [EXPAND_PREFIX] = "prefix",
	[EXPAND_PREFIX_LONG] = "prefix-long", [EXPAND_SUFFIX] = "suffix", [EXPAND_SUFFIX_LONG] = "suffix-long",
	[EXPAND_REPLACE] = "replace", [EXPAND_REPLACE_ALL] = "replace-all", [EXPAND_SUBSTRING] = "substring",
	[EXPAND_INDIRECT] = "indirect", [EXPAND_UPPER] = "upper", [EXPAND_LOWER] = "lower", [EXPAND_OTHER] = "other",
};

static void dump_bytes(struct strbuf *sb, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			strbuf_addstr(sb, "\\n");
		else if (text[i] == '\t')
			strbuf_addstr(sb, "\\t");
		else if ((unsigned char)text[i] < 0x20)
			strbuf_addf(sb, "\\x%02x", text[i]);
		else
			strbuf_addch(sb, text[i]);
	}
}

static void dump_variable(struct strbuf *sb, const struct shell_part *part)
{
	if (part->expansion == EXPAND_PLAIN && !part->index) {
		strbuf_addf(sb, "$%s", part->text);
		return;
	}
	strbuf_addf(sb, "${%s", part->text);
	if (part->index)
		strbuf_addf(sb, "[%s]", part->index);
	if (part->expansion != EXPAND_PLAIN)
		strbuf_addf(sb, " %s", expansion_names[part->expansion]);
	for (size_t i = 0; i < 2; i++) {
		const struct shell_word *operand = i ? part->operand2 : part->operand;

		if (operand)
			strbuf_addch(sb, ' ');
		if (operand)
			dump_word(sb, operand);
	}
	strbuf_addch(sb, '}');
}

static void dump_brace(struct strbuf *sb, const struct shell_part *part)
{
	for (size_t i = 0; i < part->alternatives_len; i++) {
		strbuf_addch(sb, i ? '|' : '{');
		dump_word(sb, &part->alternatives[i]);
	}
	strbuf_addch(sb, '}');
}

static void dump_part(struct strbuf *sb, const struct shell_part *part)
{
	if (part->quoted)
		strbuf_addch(sb, part->kind == PART_TEXT ? '\'' : '"');
	switch (part->kind) {
	case PART_TEXT:
		assert_int_equal(part->text[part->len], '\0');
		dump_bytes(sb, part->text, part->len);
		break;
	case PART_VARIABLE:
		dump_variable(sb, part);
		break;
	case PART_COMMAND:
	case PART_PROCESS:
		strbuf_addstr(sb, part->kind == PART_COMMAND ? "$(" : part->output ? ">(" : "<(");
		dump_list(sb, part->body);
		strbuf_addch(sb, ')');
		break;
	case PART_ARITHMETIC:
		strbuf_addf(sb, "$((%s))", part->text);
		break;
	case PART_BRACE:
		dump_brace(sb, part);
		break;
	}
	if (part->quoted)
		strbuf_addch(sb, part->kind == PART_TEXT ? '\'' : '"');
	if (part->odd_quoting)
		strbuf_addch(sb, '?');
}

static void dump_word(struct strbuf *sb, const struct shell_word *word)
{
	for (size_t i = 0; i < word->len; i++)
		dump_part(sb, &word->parts[i]);
}

static void dump_assignment(struct strbuf *sb, const struct shell_assignment *a)
{
	strbuf_addstr(sb, a->name);
	if (a->index)
		strbuf_addf(sb, "[%s]", a->index);
	strbuf_addstr(sb, a->append ? "+=" : "=");
	if (!a->array) {
		dump_word(sb, &a->value);
		return;
	}
	for (size_t i = 0; i < a->words_len; i++) {
		strbuf_addch(sb, i ? ' ' : '(');
		dump_word(sb, &a->words[i]);
	}
	strbuf_addstr(sb, a->words_len ? ")" : "()");
}

static void dump_redirect(struct strbuf *sb, const struct shell_redirect *r)
{
	static const char *const ops[] = {
		[REDIRECT_READ] = "<", [REDIRECT_WRITE] = ">", [REDIRECT_CLOBBER] = ">|", [REDIRECT_APPEND] = ">>",
		[REDIRECT_READ_WRITE] = "<>", [REDIRECT_DUP_IN] = "<&", [REDIRECT_DUP_OUT] = ">&",
		[REDIRECT_HERE_DOCUMENT] = "<<", [REDIRECT_HERE_STRING] = "<<<",
	};

	strbuf_addf(sb, "%d%s%s", r->fd, r->both ? "&" : "", ops[r->op]);
	dump_word(sb, &r->target);
}

static const char *const node_names[] = {
	[COMMAND_SIMPLE] = "", [COMMAND_SUBSHELL] = "subshell", [COMMAND_GROUP] = "group", [COMMAND_IF] = "if",
	[COMMAND_WHILE] = "while", [COMMAND_UNTIL] = "until", [COMMAND_FOR] = "for", [COMMAND_FOR_ARITHMETIC] = "for((",
	[COMMAND_CASE] = "case", [COMMAND_FUNCTION] = "function", [COMMAND_TEST] = "[[", [COMMAND_ARITHMETIC_COMMAND] = "((",
};

static void blank(struct strbuf *sb)
{
	if (!strchr("[(", sb->buf[sb->len - 1]))
		strbuf_addch(sb, ' ');
}

static void dump_node(struct strbuf *sb, const struct shell_node *node)
{
	bool simple = node->kind == COMMAND_SIMPLE;

	strbuf_addch(sb, simple ? '[' : '(');
	strbuf_addstr(sb, node_names[node->kind]);
	if (node->name)
		strbuf_addf(sb, " %s", node->name);
	if (node->in_words)
		strbuf_addstr(sb, " in");
	for (size_t i = 0; i < node->assignments_len; i++) {
		blank(sb);
		dump_assignment(sb, &node->assignments[i]);
	}
	for (size_t i = 0; i < node->words_len; i++) {
		blank(sb);
		dump_word(sb, &node->words[i]);
	}
	for (size_t i = 0; i < node->redirects_len; i++) {
		blank(sb);
		dump_redirect(sb, &node->redirects[i]);
	}
	for (size_t i = 0; i < node->bodies_len; i++) {
		strbuf_addstr(sb, i ? ", " : ": ");
		dump_list(sb, node->bodies[i]);
	}
	strbuf_addch(sb, simple ? ']' : ')');
}

static void dump_list(struct strbuf *sb, const struct shell_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct shell_pipeline *p = &list->pipelines[i];

		if (i)
			strbuf_addstr(sb, p->after_and ? " && " : p->after_or ? " || " : p[-1].background ? " " : "; ");
		if (p->negated)
			strbuf_addch(sb, '!');
		for (size_t n = 0; n < p->len; n++) {
			if (n)
				strbuf_addstr(sb, p->pipe_stderr ? " |& " : " | ");
			dump_node(sb, &p->nodes[n]);
		}
		if (p->background)
			strbuf_addstr(sb, " &");
	}
}

static const struct { const char *text, *tree; } rows[] = {
	{ "", "" },
	{ "echo a b", "[echo a b]" },
};

static void reads(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena a = ARENA_INIT;
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_script script = shell_parse(&a, rows[i].text, strlen(rows[i].text));

		dump_list(&sb, script.body);
		for (size_t k = 0; k < script.problems_len; k++)
			strbuf_addf(&sb, " !%zu:%s", script.problems[k].offset, script.problems[k].what);
		if (strcmp(sb.buf, rows[i].tree)) {
			print_error("text: %s\n wanted: %s\n    got: %s\n", rows[i].text, rows[i].tree, sb.buf);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
