/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "validators/schema.h"

struct inner { uint64_t count; };
struct target {
	const char *text;
	bool flag;
	uint64_t duration_ns, size_bytes, cpu_millis;
	int color;
	const struct node *any, *map, *list;
	struct inner inner;
};

static const struct enum_name colors[] = { { "red", 1 }, { "green", 2 }, { NULL, 0 } };
static const struct field inner_rows[] = { { .key = "count", .decode = decode_count, .offset = offsetof(struct inner, count) } };
static const struct field_table inner_table = FIELD_TABLE(inner_rows);
static const struct field item = { .decode = decode_text };
static const struct field rows[] = {
	{ .key = "text", .decode = decode_text, .offset = offsetof(struct target, text), .need = FIELD_REQUIRED, .help = "text: x" },
	{ .key = "flag", .decode = decode_bool, .offset = offsetof(struct target, flag), .need = FIELD_WANTED },
	{ .key = "duration", .decode = decode_duration, .offset = offsetof(struct target, duration_ns) },
	{ .key = "size", .decode = decode_size, .offset = offsetof(struct target, size_bytes) },
	{ .key = "cpu", .decode = decode_cpu, .offset = offsetof(struct target, cpu_millis) },
	{ .key = "color", .decode = decode_enum, .offset = offsetof(struct target, color), .extra = colors },
	{ .key = "word", .decode = decode_word, .offset = offsetof(struct target, color), .extra = colors },
	{ .key = "any", .decode = decode_node, .offset = offsetof(struct target, any) },
	{ .key = "map", .decode = decode_mapping, .offset = offsetof(struct target, map) },
	{ .key = "list", .decode = decode_list, .offset = offsetof(struct target, list), .extra = &item },
	{ .key = "inner", .decode = decode_fields, .offset = offsetof(struct target, inner), .extra = &inner_table, .help = "inner: y" },
	{ .key = "checked", .decode = decode_duration, .offset = FIELD_CHECK },
	{ .key = "ignored", .offset = FIELD_CHECK },
};
static const struct field_table table = FIELD_TABLE(rows);

/* Findings as "level path: message [help]" lines. */
static void decode(const char *text, struct target *target, struct document **doc, struct strbuf *out)
{
	struct finding_list findings;
	struct error err = { 0 };
	struct decode d;

	assert_int_equal(document_parse(text, strlen(text), "t.yaml", &yaml_default_limits, doc, &err), 0);
	finding_list_init(&findings, "t.yaml");
	d = (struct decode){ .doc = *doc, .findings = &findings };
	schema_decode(&d, &table, (*doc)->root, "at", target);
	for (size_t i = 0; i < findings.len; i++) {
		const struct finding *f = &findings.items[i];

		strbuf_addf(out, "%s %s: %s%s%s%s\n", finding_level_to_string(f->level), f->path ? f->path : "-", f->message,
			    f->suggestion ? " [" : "", f->suggestion ? f->suggestion : "", f->suggestion ? "]" : "");
	}
	finding_list_release(&findings);
}

static void values(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct document *doc = NULL;
	struct target t = { 0 };
	(void)state;

	decode("{text: 5, flag: yes, duration: 1m, size: 1Ki, cpu: 500m, color: green, any: [x], map: {}, list: [a, 1], "
	       "inner: {count: 7}, checked: 1s, ignored: {a: b}, x-own: 1}", &t, &doc, &out);
	assert_string_equal(out.buf, "");
	assert_string_equal(t.text, "5");
	assert_true(t.flag);
	assert_true(t.duration_ns == 60 * NS_PER_SEC);
	assert_int_equal(t.size_bytes, 1024);
	assert_int_equal(t.cpu_millis, 500);
	assert_int_equal(t.color, 2);
	assert_int_equal(t.any->len, 1);
	assert_non_null(t.map);
	assert_int_equal(t.list->len, 2);
	assert_int_equal(t.inner.count, 7);
	document_free(doc);
}

static void complaints(void **state)
{
	static const struct { const char *text, *said; } cases[] = {
		{ "[]", "error at: 'at' must be a mapping, not a list\n" },
		{ "{}", "error at: 'at' has no 'text' [text: x]\nwarning at: 'at' has no 'flag'\n" },
		{ "{text: ~, flag: }", "error at.text: 'at.text' is empty [text: x]\nwarning at.flag: 'at.flag' is empty\n" },
		{ "{txet: a, flagg: no}", "error at.txet: unknown key 'txet', and 'text' is missing [did you mean 'text'?]\n"
		  "warning at.flagg: unknown key 'flagg', and 'flag' is missing [did you mean 'flag'?]\n" },
		{ "{text: a, flag: no, txet: b}", "warning at.txet: unknown key 'txet' is ignored [did you mean 'text'?]\n" },
		{ "{text: a, flag: no, [x]: b, ? {y: z} : c}", "warning at: this key is a list, keys are text\n"
		  "warning at: this key is a mapping, keys are text\n" },
		{ "{text: a, flag: no, \"odd key\\e\": 1}", "warning at['odd key\\x1b']: unknown key 'odd key\\x1b' is ignored\n" },
		{ "{text: a, flag: \"TRUE\"}", "warning at.flag: 'at.flag' is text, read as a boolean [write true or false without quotes]\n" },
		{ "{text: a, flag: no, color: Red}", "error at.color: 'at.color' is 'Red', which is not known [did you mean 'red'?]\n" },
		{ "{text: a, flag: no, word: Red}", "" },
		{ "{text: a, flag: no, word: blue}", "warning at.word: 'at.word' is 'blue', which is not known [known are: red, green]\n" },
		{ "{text: a, flag: no, list: [a, [b], ~]}", "error at.list[1]: 'at.list[1]' must be text, not a list\n"
		  "error at.list[2]: 'at.list[2]' must be a value, not null\n" },
		{ "{text: a, flag: no, inner: 3}", "error at.inner: 'at.inner' must be a mapping, not a number [inner: y]\n" },
		{ "{text: a, flag: no, inner: {count: 1.5}}", "error at.inner.count: number '1.5' is not a whole number "
		  "[write a whole number, 0 or more]\n" },
		{ "{text: a, flag: no, checked: soon}", "error at.checked: duration 'soon' does not begin with a number "
		  "[write a duration as '30s', '5m' or '1h30m'; bare digits are seconds]\n" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct document *doc = NULL;
		struct target t = { 0 };

		decode(cases[i].text, &t, &doc, &out);
		if (strcmp(out.buf, cases[i].said))
			fail_msg("%s:\n%s", cases[i].text, out.buf);
		document_free(doc);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(values), cmocka_unit_test(complaints) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
