/* SPDX-License-Identifier: Apache-2.0
 * dry_run: what the answer says, from literals: who is valid, what was executed, what is never called a success; parameters that are taken and that are not; and
 * how far an agent's execution is, from events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "cmd/serve/agent_progress.h"
#include "cmd/serve/dry_run.h"
#include "cmd/serve/dry_run_parameters.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define NOW_NS UINT64_C(1763700000000000000)

static json_t *parse(const char *text)
{
	json_t *v = NULL;
	struct error err;

	if (json_parse(text, strlen(text), "literal", &v, &err) < 0)
		fail_msg("%s: %s", err.text, text);
	return v;
}

static const char *text_at(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* facts by validity, the registry's word and ours */
static json_t *facts(bool valid, const char *registry, const char *ours)
{
	autofree char *text = xasprintf(
		"{\"valid\":%s,\"package\":%s,\"validation\":{\"valid\":%s,\"risk_score\":30,\"issues\":[{}],\"policy_decision\":\"%s\","
		"\"approval_required\":%s,\"errors\":[],\"warnings\":[]},\"category\":null,\"findings\":[],\"decision\":%s,\"parse_errors\":[%s]}",
		valid ? "true" : "false", valid ? "{\"safety_mode\":\"AUTO\"}" : "null", strcmp(registry, "block") ? "true" : "false", registry,
		strcmp(registry, "approve") ? "true" : "false", valid ? ours : "null", valid ? "" : "\"f:1:2: no\"");

	return parse(text);
}

static void who_is_valid(void **state)
{
	static const char approve[] = "{\"policy_decision\":\"approve\",\"score\":0}", block[] = "{\"policy_decision\":\"block\",\"score\":80}",
			  review[] = "{\"policy_decision\":\"review\",\"score\":40}";
	static const struct {
		bool parsed;
		const char *registry, *ours;
		int state, exit_status;		/* state -1: there is no run */
		const char *valid;		/* "true", "false", "null" */
		bool can_execute;
		const char *status;		/* of dry_run_result; "": null */
	} cases[] = {
		{ true, "approve", approve, -1, -1, "true", true, "" },
		{ true, "approve", review, -1, -1, "true", true, "" },
		{ true, "approve", block, -1, -1, "false", false, "" },		/* static */
		{ true, "review", approve, -1, -1, "true", false, "" },
		{ true, "block", approve, -1, -1, "false", false, "" },
		{ false, "block", approve, -1, -1, "false", false, "" },
		{ true, "approve", approve, RUN_QUEUED, -1, "null", true, "queued" },
		{ true, "approve", approve, RUN_RUNNING, -1, "null", true, "running" },
		{ true, "approve", approve, RUN_ENDED, 0, "true", true, "success" },
		{ true, "block", approve, RUN_ENDED, 0, "false", false, "success" },	/* executed by our policy, not valid by the registry's */
		{ true, "approve", approve, RUN_ENDED, 1, "false", true, "error" },
		{ true, "approve", approve, RUN_ENDED, 6, "false", true, "error" },	/* something is left */
		{ true, "approve", approve, RUN_ENDED, 124, "false", true, "error" },
		{ true, "approve", approve, RUN_ENDED, -1, "false", true, "error" },	/* it never began */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_row run = { .id = "r-1", .state = (enum run_state)(cases[i].state < 0 ? 0 : cases[i].state), .exit_status = cases[i].exit_status,
				       .verdict = (char *)"word", .sandbox = (char *)"container" };
		json_auto_t *f = facts(cases[i].parsed, cases[i].registry, cases[i].ours);
		json_auto_t *o = dry_run_to_json(&(struct dry_run_view){ .workflow_id = "a-1.0.0", .requested_by = "me", .now_ns = NOW_NS, .facts = f,
									 .run = cases[i].state < 0 ? NULL : &run });
		const json_t *valid = json_object_get(o, "valid"), *recommendation = json_object_get(o, "recommendation");

		print_message("case %zu\n", i);
		assert_string_equal(json_is_null(valid) ? "null" : json_is_true(valid) ? "true" : "false", cases[i].valid);
		assert_int_equal(json_is_true(json_object_get(recommendation, "can_execute")), cases[i].can_execute);
		assert_string_equal(text_at(json_object_get(o, "dry_run_result"), "status"), cases[i].status);
		assert_string_equal(text_at(o, "dry_run_id"), "dryrun-a-1.0.0-1763700000");
		assert_string_equal(text_at(recommendation, "safety_mode"), cases[i].parsed ? "auto" : "manual");
		assert_int_equal(json_is_object(json_object_get(o, "approval_request")), strcmp(cases[i].registry, "approve") != 0);
	}
}

static void refusals(void **state)
{
	json_auto_t *invalid = facts(false, "block", ""), *blocked = facts(true, "approve", "{\"policy_decision\":\"block\",\"score\":80}");
	json_auto_t *fine = facts(true, "block", "{\"policy_decision\":\"approve\",\"score\":0}"), *none = parse("{\"valid\":true}");
	char buf[200];
	json_t *o;

	(void)state;
	assert_non_null(strstr(dry_run_refusal(invalid, buf, sizeof(buf)), "f:1:2: no"));
	assert_non_null(strstr(dry_run_refusal(blocked, buf, sizeof(buf)), "80 of 100"));
	assert_non_null(dry_run_refusal(none, buf, sizeof(buf)));	/* without a decision nothing is executed */
	assert_null(dry_run_refusal(fine, buf, sizeof(buf)));
	o = dry_run_to_json(&(struct dry_run_view){ .workflow_id = "a", .requested_by = "me", .facts = fine, .refusal = "because" });
	assert_true(json_is_false(json_object_get(o, "valid")));
	assert_string_equal(text_at(o, "detail"), "because");
	assert_string_equal(text_at(json_object_get(o, "dry_run_result"), "error"), "because");
	json_decref(o);
}

static void steps(void **state)
{
	static const struct { const char *mode, *status, *shown; bool executed; } cases[] = {
		{ "executed", "passed", "success", true }, { "executed", "failed", "error", true }, { "executed", "timed_out", "error", true },
		{ "simulated", "not_executed", "simulated", false }, { "skipped", "not_executed", "skipped", false },
		{ "emulated", "passed", "success", false }, { "dry-run", "failed", "error", false }, { "dry-run", "not_executed", "error", false },
	};
	struct run_row run = { .id = "r-1", .state = RUN_ENDED, .exit_status = 0 };
	json_auto_t *f = facts(true, "approve", "{\"policy_decision\":\"approve\"}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = xasprintf("{\"steps\":[{\"name\":\"s\",\"handler\":\"h\",\"mode\":\"%s\",\"status\":\"%s\",\"reason\":\"why\",\"exit\":{\"status\":3},"
						"\"cpu_seconds\":0.5,\"memory_peak_bytes\":7},{\"cpu_seconds\":0.25,\"memory_peak_bytes\":9}]}", cases[i].mode, cases[i].status);
		json_auto_t *result = parse(text);
		json_auto_t *o = dry_run_to_json(&(struct dry_run_view){ .workflow_id = "a", .requested_by = "me", .facts = f, .run = &run, .result = result });
		const json_t *step = json_array_get(json_object_get(json_object_get(o, "dry_run_result"), "results"), 0);
		const json_t *usage = json_object_get(o, "resource_usage");

		assert_string_equal(text_at(step, "status"), cases[i].shown);
		assert_int_equal(json_is_true(json_object_get(step, "executed")), cases[i].executed);
		assert_int_equal(strncmp(text_at(step, "message"), cases[i].mode, strlen(cases[i].mode)), 0);
		assert_int_equal(json_integer_value(json_object_get(step, "returncode")), 3);
		assert_true(json_real_value(json_object_get(usage, "cpu_seconds")) > 0.74 && json_real_value(json_object_get(usage, "cpu_seconds")) < 0.76);
		assert_int_equal(json_integer_value(json_object_get(usage, "memory_peak_bytes")), 9);
		assert_true(json_is_null(json_object_get(usage, "pids_peak")));
	}
}

/* However much the steps printed, the answer has an end, and no character is cut. */
static void outputs(void **state)
{
	struct run_row run = { .id = "r-1", .state = RUN_ENDED, .exit_status = 0 };
	json_auto_t *f = facts(true, "approve", "{\"policy_decision\":\"approve\"}");
	json_auto_t *result = json_object(), *o = NULL;
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *list = json_array();
	size_t all = 0;

	(void)state;
	strbuf_addch(&text, 'x');
	for (int i = 0; i < 5000; i++)
		strbuf_addstr(&text, "é");
	for (int i = 0; i < 300; i++) {
		json_t *step = json_object(), *captured = json_object();

		json_put(captured, "text", json_textn(text.buf, text.len));
		json_put_bool(captured, "truncated", false);
		json_put(step, "stdout", captured);
		json_put_text(step, "mode", "executed");
		json_put_text(step, "status", "passed");
		json_push(list, step);
	}
	json_put(result, "steps", list);
	o = dry_run_to_json(&(struct dry_run_view){ .workflow_id = "a", .requested_by = "me", .facts = f, .run = &run, .result = result });
	list = json_object_get(json_object_get(o, "dry_run_result"), "results");
	assert_int_equal(json_array_size(list), 300);
	for (size_t i = 0; i < 300; i++) {
		const json_t *v = json_object_get(json_array_get(list, i), "stdout");

		all += json_string_length(v);
		assert_true(json_string_length(v) <= 4096);
		assert_int_equal(strspn(json_string_value(v), "x\xc3\xa9"), json_string_length(v));	/* no U+FFFD */
		assert_true(json_is_true(json_object_get(json_array_get(list, i), "truncated")));
	}
	assert_in_range(all, 200 << 10, 256 << 10);
}

static void parameters(void **state)
{
	static const struct { const char *text; size_t wrong; const char *pointer; } cases[] = {
		{ "{}", 0, NULL }, { "{\"A\":\"x\",\"B\":1,\"C\":1.5,\"D\":true,\"E\":\"\"}", 0, NULL },
		{ "[]", 1, "/p" }, { "\"x\"", 1, "/p" }, { "{\"A\":null}", 1, "/p/A" }, { "{\"A\":[]}", 1, "/p/A" }, { "{\"A\":{}}", 1, "/p/A" },
		{ "{\"PATH\":\"x\"}", 1, "/p/PATH" }, { "{\"LD_PRELOAD\":\"x\"}", 1, "/p/LD_PRELOAD" }, { "{\"\":\"x\"}", 1, "/p/" },
		{ "{\"a b\":\"x\"}", 1, "/p/a b" }, { "{\"A=B\":\"x\"}", 1, "/p/A=B" }, { "{\"A\":null,\"B\":[],\"C\":1}", 2, "/p/A" },
		{ "{\"A\":\"a\\u0000b\"}", 1, "/p/A" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct complaints wrong = { NULL };
		json_auto_t *v = NULL;
		struct error err;
		int rc = json_parse(cases[i].text, strlen(cases[i].text), "p", &v, &err);

		if (rc < 0)	/* the reader refuses it before we do */
			continue;
		check_parameters(v, "/p", &wrong);
		print_message("%s\n", cases[i].text);
		assert_int_equal(json_array_size(wrong.list), cases[i].wrong);
		if (cases[i].wrong)
			assert_string_equal(text_at(json_array_get(wrong.list, 0), "pointer"), cases[i].pointer);
		complaints_release(&wrong);
	}
}

static void reasons(void **state)
{
	static const struct { int exit_status; const char *detail, *result, *reason; } cases[] = {
		{ 0, "all passed", "{}", NULL },
		{ 1, "step 1 failed", "{\"findings\":[{\"level\":\"warning\",\"message\":\"w\"}]}", "step 1 failed" },
		{ 3, "1 parameter", "{\"findings\":[{\"level\":\"warning\",\"message\":\"w\"},{\"level\":\"error\",\"message\":\"A\"},{\"level\":\"error\",\"message\":\"B\"}]}",
		  "nothing was executed: A; B" },
		{ 3, NULL, "{\"findings\":[{},[],{\"level\":1},{\"level\":\"error\"}]}", "invalid" },
		{ -1, NULL, "null", "invalid" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_row run = { .state = RUN_ENDED, .exit_status = cases[i].exit_status, .detail = (char *)(uintptr_t)cases[i].detail, .verdict = (char *)"invalid" };
		json_auto_t *result = parse(cases[i].result);
		autofree char *reason = dry_run_reason(&run, result);

		assert_string_equal(reason ? reason : "", cases[i].reason ? cases[i].reason : "");
	}
}

/* ---- agent_progress */

#define EVENT(type, rest) "{\"time\":\"T\",\"type\":\"" type "\"" rest "}\n"
#define START EVENT("run.start", ",\"steps\":3,\"executable_steps\":2,\"where\":\"here\"")
#define BEGIN(n) EVENT("step.start", ",\"phase\":\"main\",\"step\":" #n ",\"name\":\"s" #n "\",\"attempt\":1")
#define END(n, mode, status) EVENT("step.end", ",\"phase\":\"main\",\"step\":" #n ",\"result\":{\"name\":\"s" #n "\",\"mode\":\"" mode "\",\"status\":\"" status "\"}")

static void read_events(const char *text, size_t len, size_t tail, size_t logs, struct agent_progress *ret)
{
	int fd = memfd_create("events", MFD_CLOEXEC);

	assert_true(fd >= 0 && write_all(fd, text, len) == 0);
	*ret = (struct agent_progress)AGENT_PROGRESS_INIT;
	agent_progress_read(fd, len, tail, logs, ret);
	close(fd);
}

static void progress(void **state)
{
	static const struct { const char *events, *current; uint64_t completed, total; const char *last; } cases[] = {
		{ "", NULL, 0, 0, NULL },
		{ "nonsense\n[1]\n{\"type\":3}\n\n", NULL, 0, 0, NULL },
		{ START, NULL, 0, 3, "T dry run started: 3 steps, of which 2 can be executed (here)" },
		{ START BEGIN(1), "s1", 0, 3, "T step 1 's1': executing" },
		{ START BEGIN(1) END(1, "executed", "passed"), NULL, 1, 3, "T step 1 's1': passed" },
		{ START BEGIN(1) END(1, "executed", "failed"), NULL, 0, 3, "T step 1 's1': failed" },
		{ START END(1, "simulated", "not_executed"), NULL, 1, 3, "T step 1 's1': simulated, not executed" },
		{ START END(1, "skipped", "not_executed"), NULL, 0, 3, "T step 1 's1': skipped, not executed" },
		{ START END(1, "emulated", "passed"), NULL, 1, 3, "T step 1 's1': emulated, not executed" },
		{ START END(1, "emulated", "failed"), NULL, 0, 3, "T step 1 's1': failed" },
		{ START "{\"time\":\"T\",\"type\":\"step.sta", NULL, 0, 3, "T dry run started: 3 steps, of which 2 can be executed (here)" },	/* torn */
		{ START EVENT("step.output", ",\"phase\":\"main\",\"step\":1,\"stream\":\"stderr\",\"text\":\"a\\nb\\u001b[31m\\n\""), NULL, 0, 3,
		  "T step 1 stderr: b\\x1b[31m" },
		{ START EVENT("verdict", ",\"verdict\":\"partial\",\"summary\":{\"steps\":2,\"skipped\":0,\"failed\":1,\"simulated\":1}"), NULL, 1, 2, "T verdict: partial" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct agent_progress p;

		read_events(cases[i].events, strlen(cases[i].events), 1 << 20, 100, &p);
		assert_string_equal(p.current_step ? p.current_step : "", cases[i].current ? cases[i].current : "");
		assert_int_equal(p.steps_completed, cases[i].completed);
		assert_int_equal(p.total_steps, cases[i].total);
		assert_string_equal(p.logs.len ? p.logs.items[p.logs.len - 1] : "", cases[i].last ? cases[i].last : "");
		agent_progress_release(&p);
	}
}

/* The end of much, from any place in it: never a wrong line, never more than asked for. */
static void tails(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	(void)state;
	strbuf_addstr(&text, START);
	for (int i = 0; i < 300; i++)
		strbuf_addf(&text, EVENT("step.output", ",\"phase\":\"main\",\"step\":2,\"stream\":\"stdout\",\"text\":\"line %d\\n\""), i);
	strbuf_addstr(&text, END(2, "executed", "passed") BEGIN(3));
	for (size_t tail = 0; tail < text.len + 10; tail += 37) {
		struct agent_progress p;

		read_events(text.buf, text.len, tail, 10, &p);
		assert_int_equal(p.total_steps, 3);	/* the first line is always looked at */
		assert_true(p.logs.len <= 10);
		for (size_t i = 0; i < p.logs.len; i++)
			assert_true(!strncmp(p.logs.items[i], "T step ", 7) || !strncmp(p.logs.items[i], "T dry run", 9));
		if (tail > 400) {
			assert_int_equal(p.steps_completed, 2);
			assert_string_equal(p.current_step, "s3");
			assert_string_equal(p.logs.items[p.logs.len - 1], "T step 3 's3': executing");
		}
		agent_progress_release(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_valid), cmocka_unit_test(refusals), cmocka_unit_test(steps), cmocka_unit_test(outputs),
		cmocka_unit_test(parameters), cmocka_unit_test(reasons), cmocka_unit_test(progress), cmocka_unit_test(tails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
