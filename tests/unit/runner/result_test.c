/* SPDX-License-Identifier: Apache-2.0
 * result: the verdict for every way a run can end, the JSON against its schema and a golden file, redaction, the closing text. */
#include "tests/unit/runner/fixture.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "tests/unit/runner/json_schema.h"

extern char **environ;
extern const char result_schema_json[];

#define RAN STEP_MODE_EXECUTED
#define PASS(n) { .name = n, .mode = RAN, .status = STEP_PASSED }
#define SIMULATED(n) { .name = n, .kind = WPK_STEP_K8S, .mode = STEP_MODE_SIMULATED, .status = STEP_NOT_EXECUTED, .reason = "no cluster" }
#define SKIPPED(n) { .name = n, .mode = STEP_MODE_SKIPPED, .status = STEP_NOT_EXECUTED, .reason = "an earlier step did not pass" }
#define FAIL(n, why) { .name = n, .mode = RAN, .status = STEP_FAILED, .reason = why, .exit = { .status = 1 } }
#define LIMIT(n, which, why) { .name = n, .mode = RAN, .status = STEP_LIMIT, .limit = which, .reason = why }
#define CANCELLED(n) { .name = n, .mode = RAN, .status = STEP_CANCELLED, .reason = "cancelled by a signal", .exit = { .end = SANDBOX_CANCELLED } }
#define UNDO(...) { .phase = PHASE_ROLLBACK, __VA_ARGS__ }
#define UNDO_PASS(n) UNDO(.name = n, .mode = RAN, .status = STEP_PASSED)
#define UNDO_FAIL(n) UNDO(.name = n, .mode = RAN, .status = STEP_FAILED, .reason = "exit status 9", .exit = { .status = 9 })
#define UNDO_SIMULATED(n) UNDO(.name = n, .mode = STEP_MODE_SIMULATED, .status = STEP_NOT_EXECUTED, .reason = "no cluster")
#define UNDO_SKIPPED(n) UNDO(.name = n, .mode = STEP_MODE_SKIPPED, .status = STEP_NOT_EXECUTED, .reason = "no step failed")

static const struct verdict_case {
	const char *what;
	struct row rows[FIXTURE_STEPS];
	enum run_verdict set;		/* by run.c before; RUN_VERIFIED: nothing */
	int signal;
	bool rolled_back;
	const char *error;
	enum run_verdict want;
	const char *reason;
} verdict_cases[] = {
	{ "all passed", { PASS("a"), PASS("b"), PASS("c") }, .want = RUN_VERIFIED, .reason = "3 of 3 steps executed, all passed" },
	{ "a single step", { PASS("a") }, .want = RUN_VERIFIED, .reason = "its only step was executed and passed" },
	{ "a rollback that was not needed", { PASS("a"), UNDO_SKIPPED("u") }, .want = RUN_VERIFIED,
	  .reason = "its only step was executed and passed" },
	{ "a rollback that could only be simulated and was not needed", { PASS("a"), PASS("b"), UNDO_SIMULATED("u") },
	  .want = RUN_VERIFIED, .reason = "2 of 2 steps executed, all passed" },
	{ "some simulated", { PASS("a"), SIMULATED("b"), SIMULATED("c"), SIMULATED("d") }, .want = RUN_PARTIAL,
	  .reason = "1 of 4 steps executed and passed; 3 only simulated" },
	{ "some skipped", { PASS("a"), SKIPPED("b") }, .want = RUN_PARTIAL, .reason = "1 of 2 steps executed and passed; 1 skipped" },
	{ "all simulated", { SIMULATED("a"), SIMULATED("b") }, .want = RUN_NOTHING_EXECUTED,
	  .reason = "this dry run proves nothing about the package: 0 of 2 steps executed; 2 only simulated" },
	{ "no step at all", { { .name = NULL } }, .want = RUN_NOTHING_EXECUTED,
	  .reason = "this dry run proves nothing about the package: it has no steps" },
	{ "a simulated step that somebody marked as passed", { { .name = "a", .mode = STEP_MODE_SIMULATED, .status = STEP_PASSED } },
	  .want = RUN_NOTHING_EXECUTED,
	  .reason = "this dry run proves nothing about the package: 0 of 1 steps executed; 1 only simulated" },
	{ "a step to be executed that was never reached", { { .name = "a", .mode = RAN, .status = STEP_NOT_EXECUTED } },
	  .want = RUN_NOTHING_EXECUTED, .reason = "this dry run proves nothing about the package: 0 of 1 steps executed; 1 skipped" },
	{ "emulated is neither executed nor nothing", { { .name = "a", .mode = STEP_MODE_EMULATED, .status = STEP_PASSED } },
	  .want = RUN_PARTIAL, .reason = "0 of 1 steps executed and passed; 1 run against the emulation" },
	{ "a step failed", { PASS("a"), FAIL("b / x", "exit status 1"), SKIPPED("c") }, .want = RUN_FAILED,
	  .reason = "step 2 'b / x': exit status 1" },
	{ "a step timed out", { { .name = "a", .mode = RAN, .status = STEP_TIMED_OUT, .reason = "did not end within its timeout of 1s",
				  .exit = { .end = SANDBOX_TIMED_OUT } } }, .want = RUN_FAILED,
	  .reason = "step 1 'a': did not end within its timeout of 1s" },
	{ "failed without a reason", { FAIL("a", NULL) }, .want = RUN_FAILED, .reason = "step 1 'a': failed" },
	{ "failed and rolled back", { FAIL("a", "exit status 1"), UNDO_PASS("u"), UNDO_PASS("v") }, .rolled_back = true, .want = RUN_FAILED,
	  .reason = "step 1 'a': exit status 1; rolled back: 2 of 2 steps passed" },
	{ "rolled back in part", { FAIL("a", "exit status 1"), UNDO_PASS("u"), UNDO_SIMULATED("v") }, .rolled_back = true,
	  .want = RUN_FAILED, .reason = "step 1 'a': exit status 1; rolled back: 1 of 2 steps passed, 1 only simulated" },
	{ "rollback could not be executed", { FAIL("a", "exit status 1"), UNDO_SIMULATED("u") }, .rolled_back = true, .want = RUN_FAILED,
	  .reason = "step 1 'a': exit status 1; of its rollback nothing could be executed" },
	{ "rollback failed too", { FAIL("a", "exit status 1"), UNDO_FAIL("u") }, .rolled_back = true, .want = RUN_FAILED,
	  .reason = "step 1 'a': exit status 1; the rollback failed too, at step 1 'u': exit status 9" },
	{ "memory", { LIMIT("a", "memory", "ran out of memory") }, .want = RUN_LIMIT,
	  .reason = "step 1 'a' hit the memory limit of 512Mi: ran out of memory" },
	{ "pids", { LIMIT("a", "pids", "was refused a process") }, .want = RUN_LIMIT,
	  .reason = "step 1 'a' hit the process limit of 100: was refused a process" },
	{ "storage", { LIMIT("a", "storage", "filled it") }, .want = RUN_LIMIT,
	  .reason = "step 1 'a' hit the storage limit of 1Gi: filled it" },
	{ "a limit without amount", { LIMIT("a", "output", "wrote more") }, .want = RUN_LIMIT,
	  .reason = "step 1 'a' hit the output limit: wrote more" },
	{ "failed because of a limit is a limit", { { .name = "a", .mode = RAN, .status = STEP_FAILED, .limit = "fsize", .reason = "SIGXFSZ" } },
	  .want = RUN_LIMIT, .reason = "step 1 'a' hit the file size limit: SIGXFSZ" },
	{ "cpu time", { LIMIT("a", "cpu_time", "used it up") }, .want = RUN_LIMIT, .reason = "step 1 'a' hit the cpu time limit: used it up" },
	{ "a failure whose rollback hits a limit stays a failure",
	  { FAIL("a", "exit status 1"), UNDO(.name = "u", .mode = RAN, .status = STEP_LIMIT, .limit = "pids", .reason = "refused") },
	  .rolled_back = true, .want = RUN_FAILED,
	  .reason = "step 1 'a': exit status 1; the rollback failed too, at step 1 'u' hit the process limit of 100: refused" },
	{ "deadline during a step", { PASS("a"), CANCELLED("b") }, .set = RUN_DEADLINE, .want = RUN_DEADLINE,
	  .reason = "the run deadline was reached during step 2 'b'" },
	{ "signal during a step", { CANCELLED("a") }, .set = RUN_CANCELLED, .signal = SIGTERM, .want = RUN_CANCELLED,
	  .reason = "stopped by SIGTERM during step 1 'a'" },
	{ "signal before", { SKIPPED("a") }, .set = RUN_CANCELLED, .signal = SIGINT, .want = RUN_CANCELLED,
	  .reason = "stopped by SIGINT before any step was executed" },
	{ "signal between", { PASS("a"), SKIPPED("b") }, .set = RUN_CANCELLED, .signal = SIGINT, .want = RUN_CANCELLED,
	  .reason = "stopped by SIGINT after 1 of 2 steps had been executed" },
	{ "signal in the rollback", { FAIL("a", "exit status 1"), UNDO_PASS("u") }, .set = RUN_CANCELLED, .signal = SIGINT,
	  .rolled_back = true, .want = RUN_CANCELLED, .reason = "stopped by SIGINT after step 1 'a': exit status 1" },
	{ "a cancelled step and no word of who did it", { CANCELLED("a") }, .want = RUN_DEADLINE,
	  .reason = "the run deadline was reached during step 1 'a'" },
	{ "no sandbox", { SKIPPED("a") }, .error = "creating the sandbox: no user namespaces", .want = RUN_ERROR,
	  .reason = "creating the sandbox: no user namespaces" },
	{ "an error wins over a failed step", { PASS("a"), FAIL("b", "could not be run") }, .error = "sandbox is gone", .want = RUN_ERROR,
	  .reason = "sandbox is gone; 2 of 2 steps had been executed" },
	{ "an error wins over a signal", { SKIPPED("a") }, .set = RUN_CANCELLED, .signal = SIGINT, .error = "broken", .want = RUN_ERROR,
	  .reason = "broken" },
};

static void prepare(struct fixture *f, const struct verdict_case *c)
{
	fixture_init(f, c->rows);
	if (c->set != RUN_VERIFIED)
		f->result.verdict = c->set;
	f->result.signal = c->signal;
	f->result.rolled_back = c->rolled_back;
	if (c->error)
		error_set(&f->result.error, ERR_UNAVAILABLE, "%s", c->error);
	result_decide(&f->result);
}

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdict_cases); i++) {
		const struct verdict_case *c = &verdict_cases[i];
		struct fixture f;

		prepare(&f, c);
		for (int again = 0; again < 2; again++) {	/* deciding twice changes nothing */
			if (f.result.verdict != c->want || strcmp(f.result.verdict_reason, c->reason) != 0)
				fail_msg("%s: got %s, '%s'", c->what, run_verdict_to_string(f.result.verdict), f.result.verdict_reason);
			result_decide(&f.result);
		}
		fixture_release(&f);
	}
}

static void test_undecided_is_not_verified(void **state)
{
	struct result r;

	(void)state;
	result_init(&r);
	assert_int_equal(r.verdict, RUN_NOTHING_EXECUTED);
	result_release(&r);
}

static void test_counts(void **state)
{
	static const struct row rows[] = { PASS("a"), FAIL("b", "exit status 1"), SIMULATED("c"), SKIPPED("d"), UNDO_PASS("u"),
					   UNDO_SIMULATED("v"), { .name = NULL } };
	struct fixture f;
	struct step_counts c;

	(void)state;
	fixture_init(&f, rows);
	c = result_count(&f.result, PHASE_MAIN);
	assert_int_equal(c.steps, 4);
	assert_int_equal(c.executed, 2);
	assert_int_equal(c.passed, 1);
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.simulated, 1);
	assert_int_equal(c.skipped, 1);
	c = result_count(&f.result, PHASE_ROLLBACK);
	assert_int_equal(c.steps, 2);
	assert_int_equal(c.passed, 1);
	assert_int_equal(result_observed(&f.result).memory_peak_bytes, 3 << 20);
	assert_int_equal(result_observed(&f.result).cpu_millis, 0);	/* too short to tell */
	f.result.steps[0].exit.duration_ns = 2 * NS_PER_SEC;
	f.result.steps[0].exit.cpu_ns = 500 * NS_PER_MS;
	assert_int_equal(result_observed(&f.result).cpu_millis, 250);
	fixture_release(&f);
}

/* ---- JSON */

static json_t *load_schema(void)
{
	struct error err = { 0 };
	json_t *schema = NULL;

	if (json_parse(result_schema_json, strlen(result_schema_json), "schema", &schema, &err) < 0)
		fail_msg("%s", err.text);
	return schema;
}

static void check_against_schema(const json_t *schema, const json_t *value, const char *what)
{
	struct schema_check c = { .root = schema };

	if (schema_check(&c, schema, value, "result") < 0)
		fail_msg("%s: %s", what, c.error);
}

static void test_every_verdict_fits_the_schema(void **state)
{
	json_auto_t *schema = load_schema();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdict_cases); i++) {
		json_auto_t *json = NULL;
		struct fixture f;

		prepare(&f, &verdict_cases[i]);
		json = result_to_json(&f.result);
		check_against_schema(schema, json, verdict_cases[i].what);
		fixture_release(&f);
	}
}

static void test_schema_check_can_fail(void **state)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
		{ "{}", "result: $schema" },
		{ "{\"surprise\":1}", "result: $schema" },
		{ "[]", "result: wrong type" },
	};
	json_auto_t *schema = load_schema();
	static const struct row one[] = { PASS("a"), { .name = NULL } };
	struct schema_check c = { .root = schema };
	json_auto_t *json = NULL;
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct schema_check check = { .root = schema };
		json_auto_t *value = json_loads(rows[i].json, 0, NULL);

		assert_int_equal(schema_check(&check, schema, value, "result"), -1);
		assert_string_equal(check.error, rows[i].want);
	}
	fixture_init(&f, one);
	result_decide(&f.result);
	json = result_to_json(&f.result);
	json_put_int(json_array_get(json_object_get(json, "steps"), 0), "extra", 1);
	assert_int_equal(schema_check(&c, schema, json, "result"), -1);
	assert_string_equal(c.error, "result.steps[0].extra: not described");
	fixture_release(&f);
}

/* A result from before there is a plan, as when the sandbox could not even be planned. */
static void test_empty_result(void **state)
{
	json_auto_t *schema = load_schema();
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *json = NULL;
	struct result r;

	(void)state;
	result_init(&r);
	error_set(&r.error, ERR_UNAVAILABLE, "nothing works");
	result_decide(&r);
	json = result_to_json(&r);
	check_against_schema(schema, json, "empty");
	result_print(&r, true, false, &text);
	assert_non_null(strstr(text.buf, "Enforcement: no sandbox was made\n"));
	assert_non_null(strstr(text.buf, "Verdict: ERROR – nothing works\n"));
	result_release(&r);
}

static const struct row golden_rows[] = {
	{ .name = "verify checksum", .mode = RAN, .status = STEP_PASSED, .out = "backup.tar: OK\n",
	  .exit = { .duration_ns = UINT64_C(1200000000), .cpu_ns = 900000000, .memory_peak_bytes = 3 << 20, .pids_peak = 2 } },
	{ .name = "check \"size\"\n\x1b[31mred\x1b[0m", .mode = RAN, .status = STEP_FAILED, .reason = "killed by signal 11 (Segmentation fault)",
	  .err = "bad \xff byte\n", .exit = { .end = SANDBOX_SIGNALED, .status = SIGSEGV, .duration_ns = 100, .outlived = 1 } },
	{ .name = "scale", .kind = WPK_STEP_K8S, .mode = STEP_MODE_SIMULATED, .status = STEP_NOT_EXECUTED,
	  .reason = "no cluster: it needs one; --type=kind makes one for the run" },
	{ .name = "notify", .kind = WPK_STEP_API, .mode = STEP_MODE_SKIPPED, .status = STEP_NOT_EXECUTED,
	  .reason = "an earlier step did not pass" },
	UNDO_PASS("undo"),
	{ .name = NULL },
};

static void golden_result(struct fixture *f, struct parameter *parameter, struct plan_need *needs)
{
	fixture_init(f, golden_rows);
	*parameter = (struct parameter){ .name = (char *)"TOKEN", .value = (char *)"hunter22", .secret = true, .origin = "--param-secret" };
	needs[0] = (struct plan_need){ .name = (char *)"TOKEN", .given = parameter, .position = { 12, 3 }, .path = (char *)"spec.handlers[0]" };
	needs[1] = (struct plan_need){ .name = (char *)"WHERE", .fallback = (char *)"/tmp", .position = { 13, 3 }, .path = (char *)"spec.handlers[1]" };
	f->plan.needs = needs;
	f->plan.needs_len = 2;
	f->result.rolled_back = true;
	strvec_push(&f->result.warnings, "parameter 'X' is not used");
	result_decide(&f->result);
}

static void test_golden_json(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *schema = load_schema();
	json_auto_t *json = NULL;
	struct parameter parameter;
	struct plan_need needs[2];
	struct fixture f;

	(void)state;
	golden_result(&f, &parameter, needs);
	json = result_to_json(&f.result);
	check_against_schema(schema, json, "golden");
	json_write(json, 2, &text);
	strbuf_addch(&text, '\n');
	assert_golden("result.json", text.buf);
	fixture_release(&f);
}

/* The same by an independent implementation, where there is one. */
static void test_python_agrees(void **state)
{
	static const char script[] =
		"import json,sys\n"
		"try: from jsonschema import Draft202012Validator as v\n"
		"except ImportError: sys.exit(77)\n"	/* not there, or too old (Ubuntu 22.04) */
		"s=json.load(open('runner/result.schema.json'))\n"
		"v.check_schema(s)\n"
		"v(s).validate(json.load(open('tests/unit/runner/golden/result.json')))\n"
		"sys.exit(0)\n";
	char *argv[] = { (char *)"python3", (char *)"-c", (char *)script, NULL };
	int status = 0;
	pid_t pid;

	(void)state;
	if (posix_spawnp(&pid, "python3", NULL, NULL, argv, environ) != 0)
		skip();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void count_strings(const json_t *tree, const char *needle, unsigned int *n)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(tree) && strstr(json_string_value(tree), needle))
		++*n;
	json_object_foreach((json_t *)tree, key, value)
		count_strings(value, needle, n);
	json_array_foreach(tree, i, value)
		count_strings(value, needle, n);
}

/* The secret stands in every text that comes from outside; none of it may leave, and our own words stay readable. */
static void test_redaction(void **state)
{
	static const struct row rows[] = {
		{ .name = "send hunter22", .mode = RAN, .status = STEP_FAILED, .reason = "exit status 1 hunter22", .out = "a hunter22 b",
		  .err = "passed hunter22", .exit = { .status = 1 } },
		{ .name = "b", .mode = STEP_MODE_SIMULATED, .status = STEP_NOT_EXECUTED, .reason = "no hunter22" },
		{ .name = NULL },
	};
	/* weak secrets that are also words of ours */
	static const char *const weak[] = { "passed", "main", "shell", "exited", "auto", "approve", "enforced", "memory", "failed",
					    "simulated", "executed", "warning", "unavailable", "result", "2026", "r-aaaa", "aaaaaaaa" };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *schema = load_schema();
	json_auto_t *json = NULL;
	unsigned int left = 0, stars = 0;
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	f.result.redactor = redactor_new();
	assert_true(redactor_add((struct redactor *)f.result.redactor, "hunter22", 8));
	for (size_t i = 0; i < ARRAY_SIZE(weak); i++)
		assert_true(redactor_add((struct redactor *)f.result.redactor, weak[i], strlen(weak[i])));
	f.result.source = "hunter22.yaml";
	f.wpk.description = "about hunter22";
	strvec_push(&f.result.warnings, "hunter22 is weak");
	finding_add(&f.findings, FINDING_WARNING, "schema/unknown-key", (struct position){ 1, 1 }, "unknown key 'hunter22'");
	cleanup_add(&f.result.cleanup, "directory", "/tmp/hunter22", false, "EBUSY");
	error_set(&f.result.error, ERR_UNAVAILABLE, "hunter22 is in the way");
	result_decide(&f.result);
	json = result_to_json(&f.result);
	count_strings(json, "hunter22", &left);
	count_strings(json, "***", &stars);
	assert_int_equal(left, 0);
	assert_true(stars >= 10);
	check_against_schema(schema, json, "redacted");
	assert_string_equal(json_string_value(json_object_get(json, "run_id")), FIXTURE_RUN_ID);
	result_print(&f.result, true, false, &text);
	assert_null(strstr(text.buf, "hunter22"));
	redactor_free((struct redactor *)f.result.redactor);
	fixture_release(&f);
}

/* ---- text */

static void test_golden_text(void **state)
{
	static const struct { const char *file; bool verbose, color; } rows[] = {
		{ "closing.txt", false, false }, { "closing-verbose.txt", true, false }, { "closing-color.txt", false, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct parameter parameter;
		struct plan_need needs[2];
		struct fixture f;

		golden_result(&f, &parameter, needs);
		cleanup_add(&f.result.cleanup, "mount_namespace", "4026532000", false, "still held by pid 12");
		f.result.cleanup_complete = false;
		result_print(&f.result, rows[i].verbose, rows[i].color, &text);
		assert_golden(rows[i].file, text.buf);
		fixture_release(&f);
	}
}

static void test_text_is_short_when_all_is_well(void **state)
{
	static const struct row rows[] = { PASS("a"), PASS("b"), { .name = NULL } };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	control_set(&f.result.controls, CONTROL_STORAGE, CONTROL_ENFORCED, "1Gi", "tmpfs", "%s", "");
	result_decide(&f.result);
	result_print(&f.result, false, false, &text);
	assert_string_equal(text.buf, "Seen: 2 programs started, 1 different network attempt (1 denied), security events in 1 step\n"
				      "Declared and observed\n"
				      "  memory      declared 256Mi, observed at most 3Mi\n"
				      "Enforcement: 3 of 3 controls enforced\n"
				      "Cleanup: 2 things made, 2 gone\n"
				      "Verdict: VERIFIED – 2 of 2 steps executed, all passed\n");
	fixture_release(&f);
}

/* Neither a leftover nor an unfinished check may read as clean. */
static void test_cleanup_claims(void **state)
{
	static const struct { bool complete, item_gone; const char *want; } cases[] = {
		{ true, true, "Cleanup: 3 things made, 3 gone\n" },
		{ true, false, "Cleanup: NOT COMPLETE, 1 of 3 things made is still there; run 'sandbox_runner gc'\n" },
		{ false, false, "Cleanup: NOT COMPLETE, 1 of 3 things made is still there; run 'sandbox_runner gc'\n" },
		{ false, true, "Cleanup: NOT COMPLETE, not everything could be checked; run 'sandbox_runner gc'\n" },
	};
	static const struct row rows[] = { PASS("a"), { .name = NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct fixture f;

		fixture_init(&f, rows);
		cleanup_add(&f.result.cleanup, "process", "12", cases[i].item_gone, "asked");
		f.result.cleanup_complete = cases[i].complete;
		result_decide(&f.result);
		result_print(&f.result, false, false, &text);
		if (!strstr(text.buf, cases[i].want))
			fail_msg("%s", text.buf);
		fixture_release(&f);
	}
}

static void test_approval_is_shown(void **state)
{
	static const struct row rows[] = { PASS("a"), { .name = NULL } };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	decision_free(f.decision);
	f.wpk.approval_required = true;
	assert_int_equal(policy_decide(NULL, &f.wpk, &f.findings, &f.decision, NULL), 0);
	f.plan.decision = f.decision;
	result_decide(&f.result);
	result_print(&f.result, false, false, &text);
	if (!strstr(text.buf, "Approval: a person has to approve the package before it is used in production\n"))
		fail_msg("%s", text.buf);
	fixture_release(&f);
}

static void test_cluster(void **state)
{
	static const struct row rows[] = { PASS("a"), { .name = NULL } };
	static const char *const wanted[] = {
		("Cluster: namespace atom-sandbox; stand-ins: deployment/web, secret/db; declared, and nothing that a cluster can grant: vault/generate\n"
		 "    cpu       ▁▁▂█▁ at most 1.5\n    memory    ▁▁██▁ at most 8Mi\n    pods      ▁▂▂█▁ at most 8\n"),
		"Not well in the cluster\n  pod web-1: *** was refused\n  \\x1b[2J\n", "the rest is in the result ('collected')",
	};
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), collected = STRBUF_INIT(STRBUF_NO_MAX);
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	f.result.redactor = redactor_new();
	assert_true(redactor_add((struct redactor *)f.result.redactor, "hunter22", 8));
	f.result.cluster = json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}], s:[{s:s, s:b}, {s:s, s:b}]}", "namespace", "atom-sandbox", "stand_ins", "kind",
				     "deployment", "name", "web", "kind", "secret", "name", "db", "permissions", "declared", "pods/log", "granted", 1,
				     "declared", "vault/generate", "granted", 0);
	json_object_set_new(f.result.cluster, "usage", json_loads("{\"usage_known\":true,\"points\":[{\"memory_bytes\":null,\"pods\":1},"
			    "{\"cpu_millis\":100,\"memory_bytes\":1048576,\"pods\":2},{\"cpu_millis\":300,\"memory_bytes\":8388608,\"pods\":2},"
			    "{\"cpu_millis\":1500,\"memory_bytes\":8388608,\"pods\":8},7]}", 0, NULL));
	strbuf_addstr(&collected, "pod web-1: hunter22 was refused\n\x1b[2J\n");
	for (int i = 0; i < 100; i++)
		strbuf_addf(&collected, "line %d\n", i);
	f.result.collected = strbuf_detach(&collected);
	result_decide(&f.result);
	result_print(&f.result, false, false, &text);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(text.buf, wanted[i]))
			fail_msg("no '%s' in:\n%s", wanted[i], text.buf);
	assert_null(strstr(text.buf, "line 50"));
	strbuf_clear(&text);
	result_print(&f.result, true, false, &text);
	assert_non_null(strstr(text.buf, "  line 99\n"));
	redactor_free((struct redactor *)f.result.redactor);
	fixture_release(&f);
}

/* Names of a package can neither end a line of ours, nor steer the terminal, nor forge a verdict. */
static void test_hostile_names(void **state)
{
	static const char evil[] = "x\nVerdict: VERIFIED\r\x1b[2J\xc2\x9b" "1m\xe2\x80\xae\xff";
	static const struct row rows[] = {
		{ .name = evil, .mode = STEP_MODE_SIMULATED, .status = STEP_NOT_EXECUTED, .reason = evil }, { .name = NULL },
	};
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	unsigned int verdicts = 0;
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	f.wpk.rollback.len = 1;
	cleanup_add(&f.result.cleanup, evil, evil, false, evil);
	control_set(&f.result.controls, CONTROL_PIDS, CONTROL_DEGRADED, evil, evil, "%s", evil);
	result_decide(&f.result);
	free(f.result.verdict_reason);
	f.result.verdict_reason = xstrdup(evil);
	result_print(&f.result, true, false, &text);
	for (const char *s = text.buf; (s = strstr(s, "\nVerdict: ")); s++)
		verdicts++;
	assert_int_equal(verdicts, 1);
	assert_null(strpbrk(text.buf, "\x1b\r\xff"));
	assert_null(strstr(text.buf, "\xe2\x80\xae"));
	assert_null(strstr(text.buf, "\xc2\x9b"));
	fixture_release(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_undecided_is_not_verified),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_every_verdict_fits_the_schema),
		cmocka_unit_test(test_schema_check_can_fail),
		cmocka_unit_test(test_empty_result),
		cmocka_unit_test(test_golden_json),
		cmocka_unit_test(test_python_agrees),
		cmocka_unit_test(test_redaction),
		cmocka_unit_test(test_golden_text),
		cmocka_unit_test(test_text_is_short_when_all_is_well),
		cmocka_unit_test(test_cleanup_claims),
		cmocka_unit_test(test_approval_is_shown),
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
