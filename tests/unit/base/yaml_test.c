/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "runner/base/yaml.h"

static struct document *parse_bytes(const char *bytes, size_t len)
{
	struct document *doc = NULL;
	struct error err = { 0 };

	if (document_parse(bytes, len, "t.yaml", &yaml_default_limits, &doc, &err) < 0)
		fail_msg("document_parse: %s", err.text);
	return doc;
}

static struct document *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* The tree in one line: {key: value}, [item], scalars as written by their text. */
static void dump(const struct node *node, struct strbuf *out)
{
	if (node->kind == NODE_SCALAR) {
		strbuf_add(out, node->text, node->len);
		return;
	}
	strbuf_addch(out, node->kind == NODE_MAPPING ? '{' : '[');
	for (size_t i = 0; i < node->len; i++) {
		if (i)
			strbuf_addch(out, ' ');
		if (node->kind == NODE_MAPPING) {
			dump(node->pairs[i].key, out);
			strbuf_addch(out, ':');
			dump(node->pairs[i].value, out);
		} else {
			dump(node->items[i], out);
		}
	}
	strbuf_addch(out, node->kind == NODE_MAPPING ? '}' : ']');
}

struct problem_case {
	const char *text;
	const char *tree;	/* NULL: none */
	const char *problems;	/* "line:column message\n"…; messages may be beginnings, ended by "*" */
	const char *comment;
};

static bool problems_match(const struct document *doc, const char *expected)
{
	for (size_t i = 0; i < doc->problems_len; i++) {
		autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
		size_t len = strcspn(expected, "\n");

		strbuf_addf(&line, "%u:%u %s", doc->problems[i].position.line, doc->problems[i].position.column,
			    doc->problems[i].message);
		if (len && expected[len - 1] == '*' ? strncmp(line.buf, expected, len - 1) != 0 :
						      line.len != len || memcmp(line.buf, expected, len) != 0)
			return false;
		expected += len + (expected[len] == '\n');
	}
	return !*expected;
}

static void check_problems(const struct problem_case *c)
{
	struct document *doc = parse(c->text);
	autostrbuf struct strbuf tree = STRBUF_INIT(STRBUF_NO_MAX);

	if (doc->root)
		dump(doc->root, &tree);
	if (!problems_match(doc, c->problems) || (doc->root == NULL) != (c->tree == NULL) ||
	    (c->tree && strcmp(tree.buf, c->tree))) {
		for (size_t i = 0; i < doc->problems_len; i++)
			print_error("  %u:%u %s\n", doc->problems[i].position.line, doc->problems[i].position.column,
				    doc->problems[i].message);
		fail_msg("%s: tree '%s'", c->comment, doc->root ? tree.buf : "(none)");
	}
	document_free(doc);
}

static void trees_and_problems(void **state)
{
	static const struct problem_case cases[] = {
		{ "", NULL, "", "empty" },
		{ "# only a comment\n", NULL, "", "comments only" },
		{ "---\n...\n", "", "", "an empty document" },
		{ "a: 1\nb: [x, 'y']\n", "{a:1 b:[x y]}", "", "plain" },
		{ "{\"a\": 1, \"b\":[true]}", "{a:1 b:[true]}", "", "JSON" },
		{ "{\n\t\"a\":\t1\n}\n", "{a:1}", "", "JSON indented by tabs" },
		{ "a: 1\r\nb:\r\n  - 2\r\n", "{a:1 b:[2]}", "", "CRLF" },
		{ "a:\n\tb: c\n", NULL, "2:1 a tab is used for indentation, YAML wants spaces", "tab" },
		{ "a:\n  b: c\n  \td: e\n", NULL, "3:3 a tab is used for indentation, YAML wants spaces", "tab after spaces" },
		{ "a: |\n  x\n\ty\n", NULL, "3:1 a tab is used for indentation, YAML wants spaces", "tab in a block" },
		{ "{\n\t\"a\": 1\n\t\"b\": 2\n}\n", NULL, "3:5 the mapping that begins on line 1 is not closed by '}'*",
		  "a comma is missing between tabs" },
		{ "a: 1\nb: 2\na: 3\n", "{b:2 a:3}", "3:1 key 'a' appears twice, first on line 1", "duplicate key" },
		{ "a: 1\na: 2\na: 3\nb: {c: 1, c: 2}\n", "{a:3 b:{c:2}}",
		  "4:11 key 'c' appears twice, first on line 4\n2:1 key 'a' appears twice, first on line 1\n"
		  "3:1 key 'a' appears twice, first on line 1", "parsing goes on after duplicates" },
		{ "a: 1\n---\nb: 2\n", "{a:1}", "2:1 a second document begins here, one file holds one document",
		  "two documents" },
		{ "a: 1\n...\n", "{a:1}", "", "end of document" },
		{ "a: &x {b: 1}\nc: *x\n", "{a:{b:1} c:{b:1}}", "", "alias" },
		{ "a: *x\nb: 1\n", "{a: b:1}", "1:4 alias 'x' has no anchor before it", "unknown alias" },
		{ "a: &x [1, *x]\n", "{a:[1 ]}", "1:11 alias 'x' stands inside what it stands for", "circle" },
		{ "a: &x 1\nb: &x 2\nc: *x\n", "{a:1 b:2 c:2}", "", "an anchor may be set again" },
		{ "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n", "{a:{k:1 l:2} b:{l:3 k:1}}", "", "merge: own keys win" },
		{ "b: {<<: [{k: 1}, {k: 2, m: 3}]}\n", "{b:{k:1 m:3}}", "", "merge: earlier ones win" },
		{ "b: {'<<': {k: 1}}\n", "{b:{<<:{k:1}}}", "", "a quoted << is a key" },
		{ "b: {<<: 5}\n", "{b:{}}", "1:5 the merge key '<<' wants a mapping or a list of mappings", "merge of a number" },
		{ "b: {<<: [5]}\n", "{b:{}}", "1:5 the merge key '<<' wants a mapping or a list of mappings", "merge of numbers" },
		{ "a: b: c\n", NULL, "1:5 a ':' cannot stand here*", "two colons" },
		{ "a: [1, 2\nb: 3\n", NULL, "2:2 the list that begins on line 1 is not closed by ']'*", "open list" },
		{ "a: [1, 2\n", NULL, "1:4 the list that begins on line 1 is not closed by ']'*", "open list at the end" },
		{ "a: \"x\nb: 1\n", NULL, "1:4 the quoted text that begins here is not closed", "open quote" },
		{ "a: @x\n", NULL, "1:4 this character cannot begin a value, put the text in quotes", "@" },
		{ "a: 'it's'\n", NULL, "1:8 a key is expected here*", "quote inside" },
		{ "a: !include x\n", "{a:x}", "1:4 tag '!include' is not supported", "tag" },
		{ "a: !!str 1\n", "{a:1}", "", "known tag" },
		{ "a: \"x\\0y\"\n", NULL, "", NULL },	/* looked at below: a NUL cannot be compared here */
		{ "%YAML 1.3\n---\na: 1\n", NULL, "1:1 this version of YAML is not known, 1.1 and 1.2 are", "version" },
		{ "a: \x1b[31m\n", NULL, "1:4 the control character U+001B is not allowed in YAML", "escape sequence" },
		{ "a: caf\xc3\xa9 \xff\n", NULL, "1:9 the byte 0xff is not UTF-8 text", "not UTF-8" },
		{ "\x7f" "ELF\x02\x01", NULL, "1:1 this is not text, it looks like a program (ELF)", "program" },
		{ "\x1f\x8b\x08", NULL, "1:1 this is not text, it looks like gzip data", "gzip" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].comment)
			check_problems(&cases[i]);
	}
}

/* ---- encodings */

static void encodings(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *value;	/* of the key "é"; NULL: a problem that begins with `problem` */
		const char *problem;
		const char *comment;
	} cases[] = {
		{ "\xef\xbb\xbf\xc3\xa9: x", 8, "x", NULL, "UTF-8 with byte order mark" },
		{ "\xff\xfe\xe9\0:\0 \0x\0", 10, "x", NULL, "UTF-16 little endian" },
		{ "\xfe\xff\0\xe9\0:\0 \0x", 10, "x", NULL, "UTF-16 big endian" },
		{ "\xff\xfe\xe9\0:\0 \0=\xd8\0\xde", 12, "\xf0\x9f\x98\x80", NULL, "a surrogate pair" },
		{ "\xff\xfe\xe9\0:\0 \0=\xd8", 10, NULL, "1:4 this is not UTF-16 text", "half a pair" },
		{ "\xff\xfe\xe9\0:\0 \0x", 9, NULL, "1:4 this is not UTF-16 text", "half a character" },
		{ "a\0:\0 \0x\0", 8, NULL, "1:1 this is not text, it holds NUL bytes (UTF-16", "no byte order mark" },
		{ "a: \0x", 5, NULL, "1:1 this is not text, it holds NUL bytes", "NUL" },
		{ "\xff\xfe", 2, NULL, NULL, "nothing but the mark" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct document *doc = parse_bytes(cases[i].bytes, cases[i].len);
		const struct node *value = node_get(doc->root, "\xc3\xa9");

		if (cases[i].value && (doc->problems_len || !value || strcmp(value->text, cases[i].value) ||
				       value->start.line != 1 || value->start.column != 4))
			fail_msg("%s: wrong value or position", cases[i].comment);
		if (cases[i].problem) {
			autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);

			assert_int_equal(doc->problems_len, 1);
			strbuf_addf(&line, "%u:%u %s", doc->problems[0].position.line, doc->problems[0].position.column,
				    doc->problems[0].message);
			if (strncmp(line.buf, cases[i].problem, strlen(cases[i].problem)))
				fail_msg("%s: %s", cases[i].comment, line.buf);
		}
		document_free(doc);
	}
}

static void nul_in_text(void **state)
{
	struct document *doc = parse("a: \"x\\0y\"\nb: 1\n");
	(void)state;

	assert_int_equal(doc->problems_len, 1);
	assert_string_equal(doc->problems[0].message, "the text holds a NUL character");
	assert_string_equal(node_get(doc->root, "b")->text, "1");
	document_free(doc);
}

/* ---- positions */

static void positions(void **state)
{
	/*                    1234567890123                                             */
	static const char text[] = "# caf\xc3\xa9\n"
				   "\xc3\xa9t\xc3\xa9: {a: &x !!str  'v'}\r\n"
				   "l:\n"
				   "- &y |\n"
				   "  text\n"
				   "- &z\n"
				   "  # comment\n"
				   "  k: v\n";
	struct document *doc = parse(text);
	const struct node *v = node_get(node_get(doc->root, "\xc3\xa9t\xc3\xa9"), "a");
	const struct node *list = node_get(doc->root, "l");
	const char *line;
	size_t len;
	(void)state;

	assert_int_equal(doc->problems_len, 0);
	assert_int_equal(v->start.line, 2);
	assert_int_equal(v->start.column, 20);	/* the quote, not the anchor; é is one character */
	assert_int_equal(v->end.column, 23);
	assert_int_equal(list->items[0]->start.line, 4);
	assert_int_equal(list->items[0]->start.column, 6);
	assert_int_equal(list->items[1]->start.line, 8);
	assert_int_equal(list->items[1]->start.column, 3);
	assert_true(document_line(doc, 2, &line, &len));
	assert_int_equal(len, 25);
	assert_memory_equal(line, "\xc3\xa9t\xc3\xa9: {", 8);
	assert_true(document_line(doc, 9, &line, &len));
	assert_int_equal(len, 0);
	assert_false(document_line(doc, 10, &line, &len));
	assert_false(document_line(doc, 0, &line, &len));
	document_free(doc);
}

/* Offset of a position in the document's bytes. */
static size_t offset_of(const struct document *doc, struct position p)
{
	const char *line;
	size_t len, i = 0;

	assert_true(document_line(doc, p.line, &line, &len));
	for (uint32_t column = 1; column < p.column; column++) {
		i++;
		while (i < len && (line[i] & 0xc0) == 0x80)
			i++;
	}
	assert_true(i <= len);
	return (size_t)(line - doc->bytes) + i;
}

static void text_positions(void **state)
{
	static const struct {
		const char *text;	/* the scalar is the value of key k; every letter of it is found at itself */
		const char *comment;
	} cases[] = {
		{ "k: abc def\n", "plain" },
		{ "k: abc\n  def\n\n  ghi  jkl\n", "plain over lines" },
		{ "k: 'abc  def'\n", "single" },
		{ "k: 'ab''c'' d''''e'\n", "doubled quotes" },
		{ "k: 'ab\n  cd\n\n\n  ef'\n", "single over lines" },
		{ "k: \"abc  def\"\n", "double" },
		{ "k: \"a\\tb\\nc\\x41 d \\u20ac e \\U0001f600 f\\\\g\\\"h\\/i\\N\\_\\L\\P\\e\\ j\"\n", "escapes" },
		{ "k: \"ab\\\n  cd \\\n\n  ef\n  g\\\n  \\  h\"\n", "escaped line breaks" },
		{ "k: |\n  abc\n    def\n\n  ghi\n", "literal" },
		{ "k: |\r\n  abc\r\n    def\r\n\r\n  ghi\r\n", "literal with CRLF" },
		{ "k: |2-\n    abc\n  def\n\n", "literal with an indicator" },
		{ "k: |+ # comment\n\n\n    abc\n\n    def\n\n\n", "literal with empty lines first" },
		{ "k: |\n      abc\n\n  \n      def\n", "literal with short blank lines" },
		{ "x:\n  y:\n  - k: &a !!str |\n      abc\n       d\n", "literal, nested, with properties" },
		{ "k: &a :abc\n", "a colon after an anchor" },
		{ "k: !<tag:yaml.org,2002:str> abc\n", "a tag in full" },
		{ "k: &a # &no\n  !!str\n  abc\n", "a comment among the properties" },
		{ "k: &a >\n  abc\n", "folded with an anchor" },
		{ "k: >\n  abc\n  def\n\n    ghi\n    jkl\n\n  mno\n", "folded" },
		{ "k: >-\r\n  abc\r\n  def\r\n", "folded with CRLF" },
		{ "k: |\n  \xc3\xa9t\xc3\xa9 abc\n  \xe2\x82\xac def\n", "characters of several bytes" },
		{ "k: \xc3\xa9t\xc3\xa9 \xe2\x82\xac abc\n", "the same, plain" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct document *doc = parse(cases[i].text);
		const struct node *k = node_get(doc->root, "k");

		if (!k)
			k = node_get(node_get(node_get(doc->root, "x"), "y")->items[0], "k");
		for (size_t j = 0; j < k->len; j++) {
			struct position p = node_text_position(doc, k, j);
			char c = doc->bytes[offset_of(doc, p)];

			if (((k->text[j] & 0x80) == 0 && k->text[j] > ' ' && c != k->text[j] && c != '\\' && c != '\'') ||
			    p.line < k->start.line || (p.line == k->start.line && p.column < k->start.column + (j > 0)))
				fail_msg("%s: byte %zu ('%c') is said to be at %u:%u ('%c')", cases[i].comment, j,
					 k->text[j], p.line, p.column, c);
		}
		document_free(doc);
	}
}

static void literal_positions_are_exact(void **state)
{
	struct document *doc = parse("run: |\n    set -e\n\n      rm -rf \"$X\"\n    done\n");
	const struct node *run = node_get(doc->root, "run");
	static const struct { size_t offset; uint32_t line, column; } cases[] = {
		{ 0, 2, 5 }, { 4, 2, 9 }, { 6, 2, 11 }, { 7, 3, 1 }, { 8, 4, 5 }, { 10, 4, 7 }, { 17, 4, 14 }, { 22, 5, 5 },
		{ 27, 6, 1 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct position p = node_text_position(doc, run, cases[i].offset);

		if (p.line != cases[i].line || p.column != cases[i].column)
			fail_msg("offset %zu is said to be at %u:%u", cases[i].offset, p.line, p.column);
	}
	document_free(doc);
}

/* ---- what scalars mean */

static void meanings(void **state)
{
	static const struct {
		const char *text, *type;
		int64_t integer;	/* INT64_MIN: none */
	} cases[] = {
		{ "~", "null", INT64_MIN }, { "null", "null", INT64_MIN }, { "", "null", INT64_MIN }, { "''", "text", INT64_MIN },
		{ "'null'", "text", INT64_MIN }, { "!!str null", "text", INT64_MIN }, { "nil", "text", INT64_MIN },
		{ "true", "boolean", INT64_MIN }, { "Yes", "boolean", INT64_MIN }, { "off", "boolean", INT64_MIN },
		{ "y", "text", INT64_MIN }, { "tRue", "text", INT64_MIN }, { "'true'", "text", INT64_MIN },
		{ "5", "number", 5 }, { "-5", "number", -5 }, { "+5", "number", 5 }, { "0", "number", 0 },
		{ "'5'", "text", INT64_MIN }, { "!!str 5", "text", INT64_MIN }, { "010", "text", INT64_MIN },
		{ "9223372036854775807", "number", INT64_MAX }, { "9223372036854775808", "number", INT64_MIN },
		{ "1.0", "number", INT64_MIN }, { "1.", "number", INT64_MIN }, { ".5", "number", INT64_MIN },
		{ "1e3", "number", INT64_MIN }, { "1e", "text", INT64_MIN }, { "1.0.0", "text", INT64_MIN },
		{ "1e999", "text", INT64_MIN }, { "0x10", "text", INT64_MIN }, { ".", "text", INT64_MIN }, { "-", "text", INT64_MIN },
		{ "[]", "list", INT64_MIN }, { "{}", "mapping", INT64_MIN },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = xasprintf("k: %s\n", cases[i].text);
		struct document *doc = strcmp(cases[i].text, "-") ? parse(text) : parse("k: \"-\"");
		const struct node *k = node_get(doc->root, "k");
		int64_t value = INT64_MIN;

		if (strcmp(node_type_name(k), cases[i].type))
			fail_msg("'%s' is a %s", cases[i].text, node_type_name(k));
		node_is_int(k, &value);
		assert_int_equal(value, cases[i].integer);
		document_free(doc);
	}
	assert_true(node_is_null(NULL));
	assert_null(node_get(NULL, "k"));
}

/* ---- ceilings: each hostile text ends at once, with a sentence at a place */

static void repeat(struct strbuf *sb, const char *what, size_t bytes)
{
	while (sb->len < bytes)
		strbuf_addstr(sb, what);
}

static void check_bomb(const struct strbuf *text, const char *problem, const char *comment)
{
	uint64_t start = clock_monotonic_ns();
	struct document *doc = parse_bytes(text->buf, text->len);
	uint64_t took = clock_monotonic_ns() - start;

	if (!doc->problems_len || !strstr(doc->problems[doc->problems_len - 1].message, problem))
		fail_msg("%s: %s", comment, doc->problems_len ? doc->problems[doc->problems_len - 1].message : "no problem");
	assert_null(doc->root);
	assert_true(doc->problems[0].position.line > 0);
	/* generous: valgrind and sanitizers are slow; without the ceilings these take many seconds */
	if (took > 2 * NS_PER_SEC)
		fail_msg("%s: %llu ms", comment, (unsigned long long)(took / NS_PER_MS));
	document_free(doc);
}

static void repeated_bombs(void **state)
{
	static const struct {
		const char *start, *again, *problem, *comment;
	} cases[] = {
		{ "", "[", "nested more than 64 deep", "brackets" },
		{ "", "{", "nested more than 64 deep", "braces" },
		{ "", "[{", "nested more than 64 deep", "both" },
		{ "", "[\n", "nested more than 64 deep", "one bracket a line" },
		{ "a:\n  b:\n    c: ", "[[],", "nested more than 64 deep", "inside of block context" },
		{ "", "- ", "nested more than 64 deep", "block lists" },
		{ "", "? ", "nested more than 64 deep", "complex keys" },
		{ "- ", "[a,b],", "expected", "many small lists without end" },
		{ "", "- x\n", "more than 100000 values", "many values" },
		{ "[", "a,", "more than 100000 values", "many values on a line" },
		{ "", "- &a x\n", "more than 1000 anchors", "anchors" },
		{ "- &a x\n", "- *a\n", "more than 1000 aliases", "aliases" },
		{ "", "- &a [*a]\n", "too many problems", "circles" },
		{ "", "a: &a [*a]\n", "too many problems", "circles under one key" },
		{ "", "%TAG !a! tag:x,y:\n", "more than 64 %TAG lines", "directives" },
		{ "", "- *a\n", "too many problems", "unknown aliases" },
		{ "a: '", "\n", "not closed", "an open quote" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		strbuf_addstr(&text, cases[i].start);
		repeat(&text, cases[i].again, (1 << 20) - 100);
		check_bomb(&text, cases[i].problem, cases[i].comment);
	}
}

static void made_bombs(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	(void)state;

	strbuf_addstr(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 20; i++) {
		strbuf_addf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			strbuf_addf(&text, "*a%d, ", i - 1);
		strbuf_addstr(&text, "]\n");
	}
	check_bomb(&text, "more than 100000 values", "a billion laughs");

	strbuf_clear(&text);
	strbuf_addstr(&text, "a0: &a0 {k: v}\n");
	for (int i = 1; i < 500; i++)
		strbuf_addf(&text, "a%d: &a%d {k: *a%d}\n", i, i, i - 1);
	check_bomb(&text, "nested more than 64 deep by alias", "depth by aliases");

	strbuf_clear(&text);
	strbuf_addstr(&text, "base: &b\n");
	for (int i = 0; i < 10000; i++)
		strbuf_addf(&text, "  k%d: v\n", i);
	for (int i = 0; i < 900; i++)
		strbuf_addf(&text, "m%d: {<<: *b}\n", i);
	check_bomb(&text, "more than 100000 values", "merged keys");

	strbuf_clear(&text);
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&text, "%*sa:\n", i, "");
	check_bomb(&text, "nested more than 64 deep", "indentation");

	strbuf_clear(&text);
	for (int i = 0; i < 20000; i++)
		strbuf_addf(&text, "k%d: v\nk%d: w\n", i, i);
	check_bomb(&text, "too many problems", "a wide mapping of duplicates");
}

static void ceilings_are_exact(void **state)
{
	static const struct { const char *start, *again; size_t most; } cases[] = {
		{ "", "[", 64 }, { "", "- ", 64 }, { "- &a x\n", "- *a\n", 1000 }, { "", "- &a x\n", 1000 }, { "", "- x\n", 99999 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t over = 0; over < 2; over++) {
			autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
			struct document *doc;

			strbuf_addstr(&text, cases[i].start);
			for (size_t j = 0; j < cases[i].most + over; j++)
				strbuf_addstr(&text, cases[i].again);
			for (size_t j = 0; *cases[i].again == '[' && j < cases[i].most + over; j++)
				strbuf_addch(&text, ']');
			doc = parse_bytes(text.buf, text.len);
			if ((doc->problems_len == 0) != (over == 0))
				fail_msg("'%s' %zu times", cases[i].again, cases[i].most + over);
			document_free(doc);
		}
	}
}

static void brackets_in_texts_are_no_nesting(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct document *doc;
	(void)state;

	strbuf_addstr(&text, "# ");
	repeat(&text, "[{", 10000);
	strbuf_addstr(&text, "\na: '");
	repeat(&text, "[{", 20000);
	strbuf_addstr(&text, "'\nb: \"");
	repeat(&text, "[{", 30000);
	strbuf_addstr(&text, "\"\nc: x");
	repeat(&text, "[{", 40000);
	strbuf_addstr(&text, "\nd: |\n  ");
	repeat(&text, "[{", 50000);
	doc = parse_bytes(text.buf, text.len);
	assert_int_equal(doc->problems_len, 0);
	assert_int_equal(doc->root->len, 4);
	document_free(doc);
}

static void long_texts_are_fine(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct document *doc;
	(void)state;

	strbuf_addstr(&text, "k: ");
	repeat(&text, "x ", (1 << 20) - 10);
	doc = parse_bytes(text.buf, text.len);
	assert_int_equal(doc->problems_len, 0);
	assert_int_equal(node_text_position(doc, node_get(doc->root, "k"), 1000000).column, 1000004);
	document_free(doc);
}

static void too_many_bytes(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct document *doc = NULL;
	struct error err = { 0 };
	(void)state;

	repeat(&text, "x", (1 << 20) + 1);
	assert_int_equal(document_parse(text.buf, text.len, "big.yaml", &yaml_default_limits, &doc, &err), -1);
	assert_null(doc);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_string_equal(err.text, "'big.yaml' has 1048577 bytes, more than the limit of 1048576");
	document_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_and_problems), cmocka_unit_test(encodings), cmocka_unit_test(nul_in_text),
		cmocka_unit_test(positions), cmocka_unit_test(text_positions), cmocka_unit_test(literal_positions_are_exact),
		cmocka_unit_test(meanings), cmocka_unit_test(repeated_bombs), cmocka_unit_test(made_bombs),
		cmocka_unit_test(ceilings_are_exact), cmocka_unit_test(brackets_in_texts_are_no_nesting), cmocka_unit_test(long_texts_are_fine),
		cmocka_unit_test(too_many_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
