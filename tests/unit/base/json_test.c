/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/json.h"
#include "runner/base/mem.h"

static void check_written(json_t *value, int indent, const char *want)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

	json_write(value, indent, &sb);
	assert_string_equal(sb.buf, want);
	json_decref(value);
}

static void test_text(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *want;
	} rows[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "q\"b\\s/", 6, "\"q\\\"b\\\\s/\"" },
		{ "\n\t\x1b", 3, "\"\\n\\t\\u001B\"" },
		{ "grüße", 7, "\"grüße\"" },
		{ "\xff" "a\xe2\x82", 4, "\"\xef\xbf\xbd" "a\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "a\0b", 3, "\"a\xef\xbf\xbd" "b\"" },
		{ "\x7f\xc2\x9b" "0m", 5, "\"\\u007F\\u009B0m\"" },
		{ "\xe2\x80\xae" "exe", 6, "\"\\u202Eexe\"" },
		{ "\xf3\xa0\x81\x81", 4, "\"\\uDB40\\uDC41\"" },
		{ NULL, 0, "null" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_written(json_textn(rows[i].in, rows[i].len), 0, rows[i].want);
}

static void test_object(void **state)
{
	json_t *object = json_object(), *list = json_array();

	(void)state;
	json_put_text(object, "zebra", "first");
	json_put_int(object, "count", INT64_MAX);
	json_put_bool(object, "yes", true);
	json_put_text(object, "none", NULL);
	json_push(list, json_text("a"));
	json_push(list, json_text("b"));
	json_put(object, "list", list);
	json_put_text(object, "bad\xff" "key", "v");
	check_written(json_incref(object), 0,
		      "{\"zebra\":\"first\",\"count\":9223372036854775807,\"yes\":true,\"none\":null,\"list\":[\"a\",\"b\"],"
		      "\"bad\xef\xbf\xbdkey\":\"v\"}");
	check_written(object, 2,
		      "{\n  \"zebra\": \"first\",\n  \"count\": 9223372036854775807,\n  \"yes\": true,\n  \"none\": null,\n"
		      "  \"list\": [\n    \"a\",\n    \"b\"\n  ],\n  \"bad\xef\xbf\xbdkey\": \"v\"\n}");
}

static void test_seconds(void **state)
{
	static const struct {
		uint64_t ns;
		const char *want;
	} rows[] = {
		{ 0, "{\"s\":0.0}" },
		{ 400000000, "{\"s\":0.4}" },
		{ 100000000, "{\"s\":0.1}" },
		{ 1, "{\"s\":0.0}" },
		{ 1500, "{\"s\":2e-6}" },
		{ 1234567891, "{\"s\":1.234568}" },
		{ UINT64_C(1800123456789), "{\"s\":1800.123457}" },
		{ UINT64_C(31536000) * 1000000000, "{\"s\":31536000.0}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *object = json_object();

		json_put_seconds(object, "s", rows[i].ns);
		check_written(object, 0, rows[i].want);
	}
}

static void test_parse_refuses(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "in:1:0: " },
		{ "{", "in:1:1: " },
		{ "{\"a\":1}\n{\"a\":1}", "in:2:1: end of file expected" },
		{ "{\"a\":1,\"a\":2}", "in:1:" },
		{ "{\"a\":\n 01}", "in:2:" },
		{ "\"\xff\"", "in:1:" },
		{ "\"a\\u0000b\"", "in:1:" },
		{ "99999999999999999999", "in:1:20: too big integer" },
		{ "\x1b[31m", "near '\\x1b'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		json_t *value = NULL;

		assert_int_equal(json_parse(rows[i].text, strlen(rows[i].text), "in", &value, &err), -1);
		assert_null(value);
		assert_int_equal(err.code, ERR_INVALID_INPUT);
		if (!strstr(err.text, rows[i].want))
			fail_msg("'%s' does not hold '%s'", err.text, rows[i].want);
	}
}

static int parse_nested(unsigned int depth, struct error *err)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *value = NULL;
	int rc;

	strbuf_addstr(&sb, "[\"[[[\\\"[[[\",");
	for (unsigned int i = 1; i < depth; i++)
		strbuf_addch(&sb, '[');
	for (unsigned int i = 1; i < depth; i++)
		strbuf_addch(&sb, ']');
	strbuf_addch(&sb, ']');
	rc = json_parse(sb.buf, sb.len, "in", &value, err);
	json_decref(value);
	return rc;
}

static void test_depth(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(parse_nested(JSON_MAX_DEPTH, &err), 0);
	assert_int_equal(parse_nested(JSON_MAX_DEPTH + 1, &err), -1);
	assert_string_equal(err.text, "in:1: nested deeper than 64");
	assert_int_equal(parse_nested(1000000, &err), -1);
}

static void test_round_trip(void **state)
{
	static const char text[] = "{\"a\":[1,2.5,true,null,\"\\u202E\"],\"z\":{\"b\":-3}}";
	struct error err = { 0 };
	json_t *value = NULL;

	(void)state;
	assert_int_equal(json_parse(text, sizeof(text) - 1, "in", &value, &err), 0);
	check_written(value, 0, text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
