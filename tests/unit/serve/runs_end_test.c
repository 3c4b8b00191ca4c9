/* SPDX-License-Identifier: Apache-2.0
 * runs: what their processes inherit, what becomes of their ends, also after the death of the service. */
#include "tests/unit/serve/runs_world.h"

/* ---- what a child inherits */

static void put_script(const char *path, const char *text)
{
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0700, NULL), 0);
}

static void a_child_has_nothing_of_ours(void **state)
{
	struct world *w = *state;
	autofree char *script = xasprintf("%s/script", w->dir), *said = NULL;
	struct strvec environment = STRVEC_INIT;
	char id[RUN_ID_SIZE];
	bool kept = false;
	int leak = open("/dev/zero", O_RDONLY);

	assert_true(leak >= 0);
	put_script(script, "#!/bin/sh\nls -l /proc/$$/fd >&2\ngrep -E '^(SigBlk|SigIgn)' /proc/self/status >&2\n"
			   "echo group $(ps -o pgid= -p $$ 2> /dev/null || echo $$) is $$ >&2\nenv >&2\nexit 2\n");
	setenv("SANDBOX_RUNNER_TOKENS", "secret-of-ours", 1);
	setenv("SANDBOX_RUNNER_NOTIFY_TOKEN", "for-the-run", 1);
	start_runs(w, (struct runs_options){ .program = script });
	submit(w, "true", id);
	wait_for(w, id);
	close(leak);
	said = text_of(w, id, "stderr.txt");
	assert_null(strstr(said, "/dev/zero"));
	assert_null(strstr(said, "service.db"));
	assert_null(strstr(said, "secret-of-ours"));
	assert_non_null(strstr(said, "for-the-run"));
	assert_non_null(strstr(said, " 0 -> /dev/null"));
	assert_non_null(strstr(said, " 3 -> "));
	assert_non_null(strstr(said, "SigBlk:\t0000000000000000"));
	ends(w, id, "error", 2, "its process ended with status 2 and no result: ");
	runs_environment(&environment);
	for (size_t i = 0; i < environment.len; i++) {
		assert_null(strstr(environment.items[i], "secret-of-ours"));
		kept = kept || strstr(environment.items[i], "for-the-run");
	}
	assert_true(kept);
	strvec_release(&environment);
	unsetenv("SANDBOX_RUNNER_TOKENS");
	unsetenv("SANDBOX_RUNNER_NOTIFY_TOKEN");
}

static void what_a_child_says_is_bounded(void **state)
{
	struct world *w = *state;
	autofree char *script = xasprintf("%s/script", w->dir), *said = NULL;
	char id[RUN_ID_SIZE];

	put_script(script, "#!/bin/sh\necho 'sandbox_runner: warning: w' >&2\necho 'sandbox_runner: error: the reason' >&2\n"
			   "head -c 300000 /dev/zero | tr '\\0' x >&2\necho '{\"verdict\":\"verified\",'\nexit 1\n");
	start_runs(w, (struct runs_options){ .program = script });
	submit(w, "true", id);
	wait_for(w, id);
	said = text_of(w, id, "stderr.txt");
	assert_int_equal(strlen(said), RUNS_STDERR_MAX_BYTES);
	ends(w, id, "error", 1, "no result: the reason");	/* half a result is none */
}

/* ---- after a death */

static void put_row(struct world *w, const char *id, enum run_state run_state, const char *result, const char *events)
{
	struct run_row row = { .state = run_state, .exit_status = -1, .created_ns = clock_realtime_ns(), .files = true };
	/* as the kernel may stamp what is written at once */
	const uint64_t tick_ns = row.created_ns - 4 * NS_PER_MS;
	const struct timespec stamp = { .tv_sec = (time_t)(tick_ns / NS_PER_SEC), .tv_nsec = (long)(tick_ns % NS_PER_SEC) };
	const struct timespec tick_before[] = { stamp, stamp };
	autofree char *folder = xasprintf("%s/runs/%s", w->data, id);
	struct error err = { 0 };

	row.origin = (char *)(uintptr_t)"v1";
	snprintf(row.id, sizeof(row.id), "%s", id);
	row.started_ns = run_state == RUN_QUEUED ? 0 : row.created_ns;
	if (store_run_add(w->store, &row, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(make_dirs(folder, 0700, NULL), 0);
	assert_int_equal(chdir(folder), 0);
	if (result)
		put_script("result.json", result);
	if (events) {
		put_script("events.ndjson", events);
		assert_int_equal(utimensat(AT_FDCWD, "events.ndjson", tick_before, 0), 0);
	}
	assert_int_equal(chdir(w->here), 0);
}

static void another_service_ends_what_is_open(void **state)
{
	static const char whole[] = "{\"verdict\":\"failed\",\"verdict_reason\":\"step x did not\",\"summary\":{\"steps\":2,\"passed\":1,\"failed\":1},"
				    "\"duration_seconds\":1.5}";
	static const char stopped[] = "{\"verdict\":\"cancelled\",\"verdict_reason\":\"signal 15\",\"signal\":15}";
	static const char event[] = "{\"type\":\"x\"}\n{\"type\":\"verdict\",\"verdict\":\"verified\",\"verdict_reason\":\"good\",\"summary\":{\"passed\":3},"
				    "\"cleanup_complete\":true}\n";
	const char *q = "r-aaaaaaaaaaaaaaaaaaaaaaaaaa", *f = "r-baaaaaaaaaaaaaaaaaaaaaaaaa", *c = "r-caaaaaaaaaaaaaaaaaaaaaaaaa",
		   *t = "r-daaaaaaaaaaaaaaaaaaaaaaaaa", *e = "r-eaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct world *w = *state;
	autofree char *orphan = xasprintf("%s/runs/r-zzzzzzzzzzzzzzzzzzzzzzzzzz", w->data), *other = xasprintf("%s/runs/keep", w->data);
	struct run_row row;
	unsigned int n = 0;
	struct error err = { 0 };

	start_runs(w, (struct runs_options){ .keep = 0 });
	put_row(w, q, RUN_QUEUED, NULL, NULL);
	put_row(w, f, RUN_RUNNING, whole, "{}\n");
	put_row(w, c, RUN_RUNNING, stopped, "{}\n");
	put_row(w, t, RUN_RUNNING, "{\"verdict\":\"verified\",", "{\"half");
	put_row(w, e, RUN_RUNNING, NULL, event);
	assert_int_equal(make_dirs(orphan, 0700, NULL) | make_dirs(other, 0700, NULL), 0);
	if (runs_recover(w->runs, &n, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 5);
	ends(w, q, "interrupted", -1, "never began");
	ends(w, f, "failed", -1, "step x did not");
	ends(w, c, "interrupted", -1, "at work (last heard of at 20");
	ends(w, t, "interrupted", -1, "started again at 20");
	ends(w, e, "verified", -1, "good");
	row = row_of(w, f);
	assert_int_equal(row.duration_ms, 1500);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(row.summary, "steps"), "failed")), 1);
	run_row_release(&row);
	assert_int_equal(access(orphan, F_OK), -1);
	assert_int_equal(access(other, F_OK), 0);	/* is none of ours */
	if (runs_recover(w->runs, &n, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 0);
}

static void ends_are_in_the_audit_log(void **state)
{
	struct world *w = *state;
	char good[RUN_ID_SIZE], bad[RUN_ID_SIZE], digest[DIGEST_HEX_SIZE];
	autofree char *result = NULL;
	json_auto_t *list = NULL;
	const json_t *first, *second;
	struct error err = { 0 };

	start_runs(w, (struct runs_options){ .keep = 0 });
	submit(w, "true", good);
	wait_for(w, good);
	submit(w, "exit 9", bad);
	wait_for(w, bad);
	result = text_of(w, good, "result.json");
	sha256_hex(result, strlen(result), digest);
	if (store_audit_list(w->store, 0, 10, &list, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(json_array_size(list), 2);
	first = json_array_get(list, 0);
	second = json_array_get(list, 1);
	assert_string_equal(json_string_value(json_object_get(first, "event_type")), "workflow_completed");
	assert_string_equal(json_string_value(json_object_get(first, "workflow_run_id")), good);
	assert_string_equal(json_string_value(json_object_get(first, "user_id")), "tester");
	assert_string_equal(json_string_value(json_object_get(json_object_get(first, "event_data"), "result_sha256")), digest);
	assert_string_equal(json_string_value(json_object_get(second, "event_type")), "workflow_failed");
	assert_string_equal(json_string_value(json_object_get(json_object_get(second, "event_data"), "verdict")), "failed");
}

/* Read by the loop are 8 MiB of it: the last event tells the rest. */
static void a_result_that_is_too_large(void **state)
{
	struct world *w = *state;
	autofree char *script = xasprintf("%s/script", w->dir);
	struct run_row row;
	char id[RUN_ID_SIZE];

	put_script(script, "#!/bin/sh\nprintf '{\"verdict\":\"verified\",\"x\":\"'\nhead -c 9000000 /dev/zero | tr '\\0' x\necho '\"}'\n"
			   "echo '{\"type\":\"step.end\"}' >&3\n"
			   "echo '{\"type\":\"verdict\",\"verdict\":\"verified\",\"verdict_reason\":\"all good\",\"summary\":{\"passed\":4},\"cleanup_complete\":true}' >&3\n");
	start_runs(w, (struct runs_options){ .program = script });
	submit(w, "true", id);
	wait_for(w, id);
	ends(w, id, "verified", 0, "all good");
	row = row_of(w, id);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(row.summary, "steps"), "passed")), 4);
	assert_true(json_is_true(json_object_get(row.summary, "cleanup_complete")));
	run_row_release(&row);
}

static void old_runs_lose_their_files(void **state)
{
	struct world *w = *state;
	struct run_order order = order_of("a: [");
	char ids[18][RUN_ID_SIZE];
	unsigned int open = ARRAY_SIZE(ids);
	struct seen s = { .world = w, .open = &open };
	struct run_row row;
	autofree char *gone = NULL;

	start_runs(w, (struct runs_options){ .keep = 4, .at_once = 1, .queue = 100 });
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(runs_submit(w->runs, &order, ids[i], NULL), 0);
		runs_watch(w->runs, ids[i], on_change, &s);
	}
	turn(w);
	row = row_of(w, ids[0]);
	assert_false(row.files);
	run_row_release(&row);
	row = row_of(w, ids[ARRAY_SIZE(ids) - 1]);
	assert_true(row.files);
	run_row_release(&row);
	gone = xasprintf("%s/runs/%s", w->data, ids[0]);
	assert_int_equal(access(gone, F_OK), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_child_has_nothing_of_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_child_says_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(another_service_ends_what_is_open, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_are_in_the_audit_log, setup, teardown),
		cmocka_unit_test_setup_teardown(a_result_that_is_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(old_runs_lose_their_files, setup, teardown),
	};

	unsetenv("SANDBOX_RUNNER_TEST_TIME");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
