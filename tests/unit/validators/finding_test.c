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
	assert_string_equal(list.items[104].rule_id, "finding/more");
	assert_string_equal(list.items[104].matched, "many 150");
	assert_int_equal(finding_count(&list, FINDING_ERROR), 253);
	assert_int_equal(finding_count(&list, FINDING_NOTE), 254);
	assert_int_equal(list.counts[SEVERITY_HIGH], 253);
	assert_int_equal(list.counts[SEVERITY_LOW], 1);
	assert_int_equal(list.counts[SEVERITY_INFO], 0);	/* the note does not count */
	finding_sort(&list);	/* changes nothing */
	assert_int_equal(list.len, 105);
	assert_int_equal(list.counts[SEVERITY_HIGH], 253);
	finding_settle(&list);
	assert_int_equal(finding_count(&list, FINDING_ERROR), 253);
	finding_list_release(&list);
	finding_sort(&list);
	assert_int_equal(list.len, 0);
}

/* Bounded at every moment, whatever the order; the first ones stay; counts are exact. */
static void a_million(void **state)
{
	static const char *const ids[] = { "a/a", "b/b", "c/c" };
	struct finding_list list;
	size_t most = 0;
	(void)state;

	finding_list_init(&list, "t.yaml");
	for (uint32_t i = 0; i < 1000000; i++) {
		finding_of_rule(&list, i % 2 ? SEVERITY_HIGH : SEVERITY_LOW, ids[i % 3], (struct position){ 1 + i * 7919 % 1000003, 1 }, "m");
		most = list.len > most ? list.len : most;
	}
	assert_true(most <= ARRAY_SIZE(ids) * 2 * FINDINGS_PER_RULE);
	finding_sort(&list);
	assert_int_equal(list.len, 3 * FINDINGS_PER_RULE + 3);
	assert_int_equal(list.counts[SEVERITY_HIGH], 500000);
	assert_int_equal(list.counts[SEVERITY_LOW], 500000);
	assert_int_equal(list.counts[SEVERITY_INFO], 0);
	for (size_t i = 0; i < list.len; i++) {
		assert_true(list.items[i].position.line < 1000);	/* about 3 x 100 of the smallest lines */
		assert_true(!i || list.items[i].position.line >= list.items[i - 1].position.line);
	}
	finding_list_release(&list);
}

static struct finding *note_about(struct finding_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->items[i].rule_id, "finding/more"))
			return &list->items[i];
	return NULL;
}

/* What is done to the kept ones later: other severities, suppressions, removal. */
static void later_changes_are_counted(void **state)
{
	struct finding_list list;
	(void)state;

	finding_list_init(&list, "t.yaml");
	for (uint32_t i = 0; i < 350; i++)
		finding_of_rule(&list, SEVERITY_HIGH, "a/a", (struct position){ i + 1, 1 }, "m");
	finding_of_rule(&list, SEVERITY_CRITICAL, "b/b", (struct position){ 1, 1 }, "m");
	finding_sort(&list);
	assert_int_equal(list.counts[SEVERITY_HIGH], 350);
	for (size_t i = 0; i < list.len; i++)
		if (!strcmp(list.items[i].rule_id, "a/a"))
			list.items[i].severity = SEVERITY_LOW;
	finding_sort(&list);
	assert_int_equal(list.counts[SEVERITY_HIGH], 0);	/* those not kept follow */
	assert_int_equal(list.counts[SEVERITY_LOW], 350);
	for (size_t i = 0; i < list.len; i++)
		list.items[i].suppressed = list.items[i].severity == SEVERITY_LOW;
	finding_sort(&list);
	assert_int_equal(list.counts[SEVERITY_LOW], 250);	/* nobody has said anything about those not kept */
	assert_int_equal(list.suppressed_count, 100);
	note_about(&list)->suppressed = true;
	finding_sort(&list);
	assert_int_equal(list.counts[SEVERITY_LOW], 0);
	assert_int_equal(list.suppressed_count, 350);
	assert_int_equal(list.counts[SEVERITY_CRITICAL], 1);
	assert_true(note_about(&list)->suppressed);
	finding_list_release(&list);
}

static void fingerprints(void **state)
{
	static const char one[] = "h:\n- name: a\n  c: rm\n- name: b\n  c: rm\n", two[] = "# moved\nh:\n- name: b\n  c: rm\n- name: a\n  c: rm\n";
	struct document *docs[] = { parse(one, sizeof(one) - 1), parse(two, sizeof(two) - 1) };
	static const char *const paths[][2] = { { "h[0].c", "h[1].c" }, { "h[1].c", "h[0].c" } };
	struct finding_list lists[2];
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		finding_list_init(&lists[i], "t.yaml");
		for (size_t j = 0; j < 3; j++) {	/* a, b, and b once more */
			struct finding *f = finding_of_rule(&lists[i], SEVERITY_HIGH, "a/a", (struct position){ (uint32_t)(3 + i + j), 1 }, "m");

			f->path = xstrdup(paths[i][j > 0]);
			f->matched = xstrdup("rm");
		}
		finding_sort(&lists[i]);
		finding_fingerprints(&lists[i], docs[i]);
	}
	for (size_t j = 0; j < 3; j++) {
		assert_int_equal(strlen(lists[0].items[j].fingerprint), 16);
		assert_string_equal(lists[0].items[j].fingerprint, lists[1].items[j].fingerprint);	/* lines and order have changed */
	}
	assert_string_not_equal(lists[0].items[0].fingerprint, lists[0].items[1].fingerprint);
	assert_string_not_equal(lists[0].items[1].fingerprint, lists[0].items[2].fingerprint);	/* equal, but a second one */
	for (size_t i = 0; i < 2; i++) {
		finding_list_release(&lists[i]);
		document_free(docs[i]);
	}
}

/* Every path that could come, also nonsense: nothing to assert but that it ends. */
static void fingerprints_of_odd_paths(void **state)
{
	static const char *const paths[] = { "", "[", "[0", "[0]", "[99]", "a[18446744073709551616]", "..", "a..b", "['x y']", "a['x]", "]", "a[0][0].b" };
	struct document *doc = parse("a: [[{b: 1}]]", 13);
	struct finding_list list;
	(void)state;

	finding_list_init(&list, "t.yaml");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		finding_add(&list, FINDING_NOTE, "r", (struct position){ 0 }, "m")->path = xstrdup(paths[i]);
	finding_fingerprints(&list, doc);
	finding_fingerprints(&list, NULL);
	finding_list_release(&list);
	document_free(doc);
}

static void of_rules(void **state)
{
	struct document *doc = parse("a: rm -rf /\n", 12);
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list list;
	struct finding *f;
	(void)state;

	finding_list_init(&list, "t.yaml");
	f = finding_of_rule(&list, SEVERITY_HIGH, "shell/x", (struct position){ 1, 4 }, "removes all");
	f->width = 8;
	f->suggestion = xstrdup("do not");
	finding_print(f, "t.yaml", doc, false, &out);
	assert_string_equal(out.buf, "t.yaml:1:4: high: removes all [shell/x]\n    1 | a: rm -rf /\n      |    ^~~~~~~~\n  help: do not\n");
	finding_keep_lines(&list, doc);
	document_free(doc);
	f->suppressed = true;
	f->justification = xstrdup("because\x1b[0m");
	strbuf_clear(&out);
	finding_print(f, "t.yaml", NULL, true, &out);
	assert_string_equal(out.buf, "\x1b[2mt.yaml:1:4: \x1b[2mhigh: removes all [shell/x]\x1b[0m\n    1 | a: rm -rf /\n      |    \x1b[2m^~~~~~~~\x1b[0m\n"
			    "  \x1b[2msuppressed: because\\x1b[0m\x1b[0m\n");
	finding_list_release(&list);
}

/* A kept line shows the same excerpt as the document, however long it is. */
static void kept_lines(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list list;
	struct document *doc;
	(void)state;

	strbuf_addstr(&text, "k: ");
	for (int i = 0; i < 100000; i++)
		strbuf_addstr(&text, i % 10 ? "x" : "\xc3\xa9");
	doc = parse(text.buf, text.len);
	finding_list_init(&list, "t.yaml");
	for (uint32_t column = 1; column < 100000; column += column < 500 ? 7 : 3000)
		finding_of_rule(&list, SEVERITY_LOW, "r/r", (struct position){ 1, column }, "m")->width = 5;
	finding_sort(&list);
	finding_keep_lines(&list, doc);
	for (size_t i = 0; i < list.len; i++) {
		autostrbuf struct strbuf with = STRBUF_INIT(STRBUF_NO_MAX), without = STRBUF_INIT(STRBUF_NO_MAX);

		assert_true(strlen(list.items[i].line_text) <= FINDING_LINE_MAX);
		finding_print(&list.items[i], "t", doc, false, &with);
		finding_print(&list.items[i], "t", NULL, false, &without);
		assert_string_equal(with.buf, without.buf);
	}
	finding_list_release(&list);
	document_free(doc);
}

static void words(void **state)
{
	enum severity s = SEVERITY_INFO;
	(void)state;

	assert_true(severity_from_string("critical", &s));
	assert_int_equal(s, SEVERITY_CRITICAL);
	assert_false(severity_from_string("Critical", &s));
	assert_false(severity_from_string("", &s));
	assert_int_equal(s, SEVERITY_CRITICAL);
	assert_null(suppression_to_string(SUPPRESSED_NOT));
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
			    "{\"rule_id\":\"schema/unknown-key\",\"level\":\"warning\",\"severity\":\"low\",\"category\":null,\"message\":\"m\","
			    "\"file\":\"t.yaml\",\"line\":3,\"column\":4,\"end_column\":5,\"path\":\"spec.x\",\"matched\":null,\"suggestion\":null,"
			    "\"cwe\":null,\"fingerprint\":null,\"suppressed\":false,\"suppression\":null}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing), cmocka_unit_test(long_lines_are_cut), cmocka_unit_test(names_and_messages_are_escaped),
		cmocka_unit_test(color_only_when_asked), cmocka_unit_test(order_and_ceiling),
		cmocka_unit_test(nodes_give_place_and_width), cmocka_unit_test(json), cmocka_unit_test(a_million),
		cmocka_unit_test(later_changes_are_counted), cmocka_unit_test(fingerprints), cmocka_unit_test(fingerprints_of_odd_paths),
		cmocka_unit_test(of_rules), cmocka_unit_test(kept_lines), cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
