/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/finding.h"

static struct document *parse(const char *text, size_t len)
{
	struct document *doc = NULL;
	struct error err = { 0 };

	assert_int_equal(document_parse(text, len, "t.yaml", &yaml_default_limits, &doc, &err), 0);
	return doc;
}

struct print_case {
	const char *text;		/* of the document */
	struct position position;
	unsigned int width;
	const char *printed;
	const char *comment;
};

static void printing(void **state)
{
	static const struct print_case cases[] = {
		{ "a: 1\nbb: two\n", { 2, 5 }, 3,
		  "t.yaml:2:5: error: wrong\n"
		  "    2 | bb: two\n"
		  "      |     ^~~\n", "plain" },
		{ "a: 1\n", { 0, 0 }, 1, "t.yaml: error: wrong\n", "the file as a whole" },
		{ "a: 1\n", { 9, 1 }, 1, "t.yaml:9:1: error: wrong\n", "no such line" },
		{ "a: 1\n", { 1, 5 }, 1,
		  "t.yaml:1:5: error: wrong\n"
		  "    1 | a: 1\n"
		  "      |     ^\n", "behind the end of the line" },
		{ "a: 1\n", { 1, 4 }, 50,
		  "t.yaml:1:4: error: wrong\n"
		  "    1 | a: 1\n"
		  "      |    ^\n", "wider than the line" },
		{ "\ta:\tbc\n", { 1, 5 }, 2,
		  "t.yaml:1:5: error: wrong\n"
		  "    1 |         a:      bc\n"
		  "      |                 ^~\n", "tabs" },
		{ "\xe4\xb8\xad\xe6\x96\x87: \xe4\xb8\xad x\n", { 1, 5 }, 1,
		  "t.yaml:1:5: error: wrong\n"
		  "    1 | \xe4\xb8\xad\xe6\x96\x87: \xe4\xb8\xad x\n"
		  "      |       ^~\n", "wide characters" },
		{ "e\xcc\x81te\xcc\x81: x\n", { 1, 8 }, 1,
		  "t.yaml:1:8: error: wrong\n"
		  "    1 | e\xcc\x81te\xcc\x81: x\n"
		  "      |      ^\n", "combining characters take no column" },
		{ "a: \"\xc2\x85\xe2\x80\xae\" x\n", { 1, 9 }, 1,
		  "t.yaml:1:9: error: wrong\n"
		  "    1 | a: \"\\u0085\\u202e\" x\n"
		  "      |                   ^\n", "what must not reach a terminal is escaped" },
		{ "a: \x1b[31mred\x07\n", { 1, 4 }, 1,
		  "t.yaml:1:4: error: wrong\n"
		  "    1 | a: \\x1b[31mred\\x07\n"
		  "      |    ^~~~\n", "escape sequences too" },
		{ "a: \xff\xfe b\n", { 1, 7 }, 1,
		  "t.yaml:1:7: error: wrong\n"
		  "    1 | a: \\xff\\xfe b\n"
		  "      |             ^\n", "bytes that are no text" },
		{ "a: b\r\nc: d\r\n", { 2, 4 }, 1,
		  "t.yaml:2:4: error: wrong\n"
		  "    2 | c: d\n"
		  "      |    ^\n", "CRLF" },
		{ "", { 1, 1 }, 1, "t.yaml:1:1: error: wrong\n", "an empty file has no line to show" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct print_case *c = &cases[i];
		struct document *doc = parse(c->text, strlen(c->text));
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct finding f = { .level = FINDING_ERROR, .message = (char *)"wrong", .position = c->position, .width = c->width };

		finding_print(&f, "t.yaml", doc, false, &out);
		if (strcmp(out.buf, c->printed))
			fail_msg("%s:\n%s", c->comment, out.buf);
		document_free(doc);
	}
}

static void long_lines_are_cut(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), out = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding f = { .level = FINDING_WARNING, .message = (char *)"here", .position = { 1, 500 }, .width = 4 };
	struct document *doc;
	(void)state;

	strbuf_addstr(&text, "k: ");
	for (int i = 0; i < 100; i++)
		strbuf_addf(&text, "%09d ", i);
	doc = parse(text.buf, text.len);
	finding_print(&f, "t.yaml", doc, false, &out);
	assert_string_equal(out.buf,
			    "t.yaml:1:500: warning: here\n"
			    "    1 | …044 000000045 000000046 000000047 000000048 000000049 000000050 000000051 000000052 000000053 00000…\n"
			    "      |                                                    ^~~~\n");
	f.position.column = 1;
	strbuf_clear(&out);
	finding_print(&f, "t.yaml", doc, false, &out);
	assert_string_equal(out.buf,
			    "t.yaml:1:1: warning: here\n"
			    "    1 | k: 000000000 000000001 000000002 000000003 000000004 000000005 000000006 000000007 000000008 0000000…\n"
			    "      | ^~~~\n");
	document_free(doc);
}

static void names_and_messages_are_escaped(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding f = {
		.level = FINDING_NOTE, .message = (char *)"a\nb\x1b[2J", .position = { 1, 2 }, .width = 1,
		.suggestion = (char *)"c\rd",
	};
	(void)state;

	finding_print(&f, "x\n\x1b]0;y\x07.yaml", NULL, false, &out);
	assert_string_equal(out.buf, "x\\n\\x1b]0;y\\x07.yaml:1:2: note: a\\nb\\x1b[2J\n  help: c\\rd\n");
}

static void color_only_when_asked(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding f = { .level = FINDING_ERROR, .message = (char *)"m", .position = { 1, 1 }, .width = 2, .suggestion = (char *)"s" };
	struct document *doc = parse("ab: c", 5);
	(void)state;

	finding_print(&f, "t", doc, true, &out);
	assert_string_equal(out.buf, "\x1b[1mt:1:1:\x1b[0m \x1b[1;31merror:\x1b[0m m\n    1 | ab: c\n"
				     "      | \x1b[1;32m^~\x1b[0m\n  \x1b[1mhelp:\x1b[0m s\n");
	document_free(doc);
}

static void order_and_ceiling(void **state)
{
	struct finding_list list;
	(void)state;

	finding_list_init(&list, "t.yaml");
	finding_add(&list, FINDING_WARNING, "b", (struct position){ 5, 1 }, "warning at %d", 5);
	finding_add(&list, FINDING_ERROR, "b", (struct position){ 5, 1 }, "first error at 5");
	finding_add(&list, FINDING_ERROR, "b", (struct position){ 5, 1 }, "second error at 5");
	for (uint32_t i = 0; i < 250; i++)
		finding_add(&list, FINDING_ERROR, "many", (struct position){ 1000 - i, 1 }, "m");
	finding_add(&list, FINDING_ERROR, "b", (struct position){ 0, 0 }, "of the file");
	finding_sort(&list);
	assert_int_equal(list.len, 4 + 100 + 1);
	assert_string_equal(list.items[0].message, "of the file");
	assert_string_equal(list.items[1].message, "first error at 5");
	assert_string_equal(list.items[2].message, "second error at 5");
	assert_string_equal(list.items[3].message, "warning at 5");
	assert_int_equal(list.items[4].position.line, 751);
	assert_int_equal(list.items[103].position.line, 850);
	assert_string_equal(list.items[104].message, "150 more findings of 'many' from here on are not listed");
	assert_int_equal(list.items[104].position.line, 851);
	assert_int_equal(finding_count(&list, FINDING_ERROR), 103);
	assert_int_equal(finding_count(&list, FINDING_NOTE), 105);
	finding_sort(&list);	/* changes nothing */
	assert_int_equal(list.len, 105);
	finding_list_release(&list);
	finding_sort(&list);
	assert_int_equal(list.len, 0);
}

static void nodes_give_place_and_width(void **state)
{
	struct document *doc = parse("k: value\nm: |\n  x\n", 18);
	struct finding_list list;
	(void)state;

	finding_list_init(&list, "t.yaml");
	assert_int_equal(finding_at(&list, FINDING_ERROR, "r", node_get(doc->root, "k"), "k", "m")->width, 5);
	assert_int_equal(finding_at(&list, FINDING_ERROR, "r", node_get(doc->root, "m"), "", "m")->width, 1);
	assert_string_equal(list.items[0].path, "k");
	assert_null(list.items[1].path);
	assert_int_equal(finding_at(&list, FINDING_ERROR, "r", NULL, NULL, "m")->position.line, 0);
	finding_list_release(&list);
	document_free(doc);
}

static void json(void **state)
{
	struct finding f = {
		.level = FINDING_WARNING, .severity = SEVERITY_LOW, .rule_id = "schema/unknown-key", .message = (char *)"m",
		.position = { 3, 4 }, .path = (char *)"spec.x", .width = 1,
	};
	json_auto_t *o = finding_to_json(&f, "t.yaml");
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	(void)state;

	json_write(o, 0, &out);
	if (out.len && out.buf[out.len - 1] == '\n')
		out.buf[--out.len] = '\0';
	assert_string_equal(out.buf,
			    "{\"rule_id\":\"schema/unknown-key\",\"level\":\"warning\",\"severity\":\"low\",\"message\":\"m\","
			    "\"file\":\"t.yaml\",\"line\":3,\"column\":4,\"path\":\"spec.x\",\"suggestion\":null,\"cwe\":null,"
			    "\"suppressed\":false}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing), cmocka_unit_test(long_lines_are_cut), cmocka_unit_test(names_and_messages_are_escaped),
		cmocka_unit_test(color_only_when_asked), cmocka_unit_test(order_and_ceiling),
		cmocka_unit_test(nodes_give_place_and_width), cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
