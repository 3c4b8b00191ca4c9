/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/runner/fixture.h"

#include "runner/report.h"

static const struct row rows[] = {
	{ .name = "list", .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED, .out = "one\n\ttwo\x1b[0m\nlast without newline" },
	{ .name = "break", .mode = STEP_MODE_EXECUTED, .status = STEP_FAILED, .reason = "exit status 3", .err = "no\n",
	  .exit = { .status = 3, .duration_ns = 5, .outlived = 2 } },
	{ .name = "never", .mode = STEP_MODE_SKIPPED, .status = STEP_NOT_EXECUTED, .reason = "an earlier step did not pass" },
	{ .name = "undo", .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED, .phase = PHASE_ROLLBACK },
	{ .name = NULL },
};

static void test_table(void **state)
{
	(void)state;
	assert_string_equal(report_at(0)->name, "json");
	for (size_t i = 0; report_at(i); i++) {
		assert_ptr_equal(report_find(report_at(i)->name), report_at(i));
		assert_non_null(report_at(i)->suffix);
		assert_non_null(report_at(i)->summary);
	}
	assert_null(report_find("pdf"));
	assert_null(report_find(""));
	assert_null(report_at(100));
}

static void test_golden_text(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	f.result.rolled_back = true;
	strvec_push(&f.result.warnings, "parameter 'X' is not used");
	result_decide(&f.result);
	report_find("text")->write(&f.result, &text);
	assert_golden("report.txt", text.buf);
	fixture_release(&f);
}

static void test_json_is_the_result(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *parsed = NULL, *direct = NULL;
	struct error err = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	result_decide(&f.result);
	report_find("json")->write(&f.result, &text);
	assert_int_equal(text.buf[text.len - 1], '\n');
	assert_int_equal(json_parse(text.buf, text.len, "report", &parsed, &err), 0);
	direct = result_to_json(&f.result);
	assert_true(json_equal(parsed, direct));
	fixture_release(&f);
}

/* Long outputs are cut by lines, and it is said how many are missing; the end that was kept is shown. */
static void test_long_output(void **state)
{
	static const struct row one[] = { { .name = "flood", .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED }, { .name = NULL } };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf flood = STRBUF_INIT(STRBUF_NO_MAX);
	struct captured *c;
	struct fixture f;

	(void)state;
	fixture_init(&f, one);
	for (int i = 0; i < 100000; i++)
		strbuf_addch(&flood, 'x');
	strbuf_addch(&flood, '\n');
	for (int i = 2; i <= 205; i++)
		strbuf_addf(&flood, "line %d\n", i);
	c = &f.result.steps[0].out[SANDBOX_STDOUT];
	free(c->text);
	c->len = flood.len;
	c->text = strbuf_detach(&flood);
	c->tail = xstrdup("the very end\n");
	c->tail_len = strlen(c->tail);
	c->total_bytes = 1 << 30;
	c->truncated = true;
	result_decide(&f.result);
	report_find("text")->write(&f.result, &text);
	assert_non_null(strstr(text.buf, "stdout, 1073741824 bytes, not all kept:\n"));
	assert_non_null(strstr(text.buf, "xxx…\n       | line 2\n"));
	assert_true(text.len < 10000);
	assert_non_null(strstr(text.buf, "| line 200\n       … 5 more lines\n       … cut; the end:\n       | the very end\n"));
	fixture_release(&f);
}

/* A result without a plan still has its report. */
static void test_nothing_known(void **state)
{
	struct result r;

	(void)state;
	for (size_t i = 0; report_at(i); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		result_init(&r);
		error_set(&r.error, ERR_UNAVAILABLE, "no");
		result_decide(&r);
		report_at(i)->write(&r, &text);
		assert_true(text.len > 0);
		result_release(&r);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_golden_text),
		cmocka_unit_test(test_json_is_the_result),
		cmocka_unit_test(test_long_output),
		cmocka_unit_test(test_nothing_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
