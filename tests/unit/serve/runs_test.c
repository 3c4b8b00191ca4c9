/* SPDX-License-Identifier: Apache-2.0
 * runs: how they begin, wait, are cancelled, killed and watched. */
#include "tests/unit/serve/runs_world.h"

static size_t journals(struct world *w)
{
	struct live_runs live = { .items = NULL };
	size_t n;

	live_runs_list(w->state, &live, NULL);
	n = live.len;
	live_runs_release(&live);
	return n;
}

/* ---- a run and what is left of it */

static void a_run_from_end_to_end(void **state)
{
	struct world *w = *state;
	char id[RUN_ID_SIZE];
	struct seen s;
	struct run_row row;
	autofree char *events = NULL, *result = NULL, *package = NULL, *none = NULL;

	start_runs(w, (struct runs_options){ .keep = 0 });
	submit(w, "echo made > file; for i in 1 2 3 4 5; do echo $i; sleep 0.05; done", id);
	assert_int_equal(runs_active(w->runs), 1);
	s = wait_for(w, id);
	assert_true(s.grown >= 2);
	assert_int_equal(runs_active(w->runs), 0);
	ends(w, id, "verified", 0, "its only step was executed and passed");
	row = row_of(w, id);
	assert_string_equal(row.sandbox, "container");
	assert_string_equal(row.workflow_id, "one-1.0.0");
	assert_int_equal(strlen(row.sha256), 64);
	assert_true(row.files && row.duration_ms >= 250 && row.started_ns >= row.created_ns && row.ended_ns > row.started_ns);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(row.summary, "steps"), "passed")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(json_object_get(row.summary, "effects"), "files"), "created")), 1);
	assert_true(json_is_true(json_object_get(row.summary, "cleanup_complete")));
	run_row_release(&row);

	events = text_of(w, id, "events.ndjson");
	result = text_of(w, id, "result.json");
	package = text_of(w, id, "package");
	none = text_of(w, id, "stderr.txt");
	assert_non_null(strstr(events, "\"type\":\"verdict\""));
	assert_int_equal(events[strlen(events) - 1], '\n');
	assert_non_null(strstr(result, id));
	assert_non_null(strstr(package, "WorkflowPackage"));
	assert_null(none);
	s = wait_for(w, id);		/* of one that has ended: told once */
	assert_int_equal(s.grown, 0);
	wait_for(w, "r-aaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void files_are_of_the_run_only(void **state)
{
	static const char *const refused[] = {
		"", ".", "..", "/etc/passwd", "../x", "artifacts", "artifacts/", "artifacts/..", "artifacts/../result.json", "artifacts//file", "artifacts/./file",
		"artifacts/link", "artifacts/dirlink/passwd", "artifacts/fifo", "events.ndjson/", "other", "package.exe", "stderr.txt",
	};
	struct world *w = *state;
	char id[RUN_ID_SIZE];
	autofree char *folder = NULL, *text = NULL;

	start_runs(w, (struct runs_options){ .keep = 0 });
	submit(w, "echo x > file", id);
	wait_for(w, id);
	text = text_of(w, id, "artifacts/files/file");
	assert_non_null(text);
	assert_string_equal(text, "x\n");
	folder = xasprintf("%s/runs/%s", w->data, id);
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(symlink("/etc/passwd", "artifacts/link") | symlink("/etc", "artifacts/dirlink") | mkfifo("artifacts/fifo", 0600) |
			 symlink("/etc/passwd", "stderr.txt"), 0);
	assert_int_equal(chdir(w->here), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (runs_open_file(w->runs, id, refused[i], NULL) >= 0)
			fail_msg("'%s' could be opened", refused[i]);
	assert_int_equal(runs_open_file(w->runs, "..", "package", NULL), -1);
	assert_int_equal(runs_open_file(w->runs, "../runs", "package", NULL), -1);
}

static void parameters_timeout_and_arguments(void **state)
{
	struct world *w = *state;
	autofree char *package = xasprintf(HEAD SHELL, "with", "echo got-${NAME}-${N}; sleep 60");
	struct run_order order = order_of(package);
	json_auto_t *parameters = json_object();
	struct strvec arguments = STRVEC_INIT;
	autofree char *events = NULL;
	char id[RUN_ID_SIZE];
	struct error err = { 0 };

	json_put_text(parameters, "NAME", "a b");
	json_put_int(parameters, "N", 7);
	json_put(parameters, "UNSET", json_null());
	order.parameters = parameters;
	order.timeout_ns = 3600 * NS_PER_SEC;
	order.type = "vm";
	order.uuid = true;
	strvec_push(&arguments, "--type=container");	/* the operator wins */
	start_runs(w, (struct runs_options){ .arguments = &arguments, .timeout_ns = NS_PER_SEC });
	strvec_release(&arguments);
	if (runs_submit(w->runs, &order, id, &err) < 0)
		fail_msg("%s", err.text);
	wait_for(w, id);
	ends(w, id, "deadline", 124, "deadline");
	events = text_of(w, id, "events.ndjson");
	assert_non_null(strstr(events, "got-a b-7"));
	free(events);
	events = text_of(w, id, "parameters.json");
	assert_string_equal(events, "{\"NAME\":\"a b\",\"N\":\"7\"}");
}

static void what_never_runs_says_why(void **state)
{
	struct world *w = *state;
	struct run_order order = order_of("a: [");
	struct strvec arguments = STRVEC_INIT;
	char id[RUN_ID_SIZE];

	start_runs(w, (struct runs_options){ .keep = 0 });
	assert_int_equal(runs_submit(w->runs, &order, id, NULL), 0);
	wait_for(w, id);
	ends(w, id, "invalid", 3, "");
	order = (struct run_order){ .origin = "registry", .source = "registry+http://127.0.0.1:1/workflows/x-1.0.0" };
	assert_int_equal(runs_submit(w->runs, &order, id, NULL), 0);
	wait_for(w, id);
	ends(w, id, "error", 8, "127.0.0.1:1");
	stop_runs(w);

	start_runs(w, (struct runs_options){ .program = "/nonexistent/sandbox_runner" });
	submit(w, "true", id);
	ends(w, id, "error", -1, "No such file");
	wait_for(w, id);
	stop_runs(w);
	strvec_release(&arguments);
}

static void the_operators_arguments_are_tried(void **state)
{
	static const char *const refused[][2] = {
		{ "--wpk=x", "--wpk" }, { "--format=text", "--format" }, { "--timeout=1h", "--run-timeout" }, { "--run-id=x", "--run-id" }, { "--keep", "--keep" }, { "--profil=x", "no option" },
		{ "x.wpk.yaml", "no option" }, { "--type=boat", "boat" }, { "--memory=lots", "lots" }, { "--state-dir=x", "--state-dir" }, { "--type", "value" },
	};
	struct world *w = *state;
	struct strvec given = STRVEC_INIT, got = STRVEC_INIT;
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		strvec_push(&given, refused[i][0]);
		if (runs_arguments(&given, &got, &err) != -1 || err.code != ERR_USAGE || !strstr(err.text, refused[i][1]))
			fail_msg("'%s': %s", refused[i][0], err.text);
		strvec_release(&given);
		strvec_release(&got);
	}
	assert_int_equal(chdir(w->dir), 0);
	strvec_push(&given, "--policy=data");
	strvec_push(&given, "--files");
	strvec_push(&given, "data:in");
	strvec_push(&given, "--save-logs=logs");
	strvec_push(&given, "--files=/etc/passwd");
	strvec_push(&given, "-v");
	if (runs_arguments(&given, &got, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(!strncmp(got.items[0], "--policy=/", 10) && strstr(got.items[0], "/data"));
	assert_true(*got.items[2] == '/' && strstr(got.items[2], "/data:in"));
	assert_string_equal(got.items[3], "--save-logs=logs");		/* is to be made: in each run's folder */
	assert_string_equal(got.items[4], "--files=/etc/passwd");
	assert_int_equal(chdir(w->here), 0);
	strvec_release(&given);
	strvec_release(&got);
}

/* ---- the queue, cancelling, killing */

static void the_queue_is_bounded_and_can_be_cancelled(void **state)
{
	struct world *w = *state;
	char first[RUN_ID_SIZE], second[RUN_ID_SIZE], third[RUN_ID_SIZE];
	struct run_order order = order_of("x");
	struct error err = { 0 };
	struct run_row row;

	start_runs(w, (struct runs_options){ .at_once = 1, .queue = 2 });
	submit(w, "sleep 100", first);
	submit(w, "echo second", second);
	submit(w, "echo third", third);
	assert_int_equal(runs_active(w->runs), 1);
	assert_int_equal(runs_queued(w->runs), 2);
	assert_true(runs_retry_after(w->runs) >= 1);
	row = row_of(w, second);
	assert_int_equal(row.state, RUN_QUEUED);
	assert_true(row.started_ns == 0);
	run_row_release(&row);
	assert_int_equal(runs_submit(w->runs, &order, third, &err), -1);
	assert_int_equal(err.code, ERR_RESOURCE_EXHAUSTED);

	assert_int_equal(runs_cancel(w->runs, second, "alice"), 1);
	ends(w, second, "cancelled", -1, "cancelled by alice before it began");
	assert_int_equal(runs_cancel(w->runs, second, "alice"), 0);
	assert_int_equal(runs_cancel(w->runs, "r-aaaaaaaaaaaaaaaaaaaaaaaaaa", "alice"), -1);
	assert_int_equal(runs_cancel(w->runs, first, "bob"), 1);
	assert_int_equal(runs_cancel(w->runs, first, "alice"), 1);
	wait_for(w, first);
	ends(w, first, "cancelled", 143, "cancelled by bob");
	wait_for(w, third);		/* has moved up */
	ends(w, third, "verified", 0, "passed");
	assert_int_equal(journals(w), 0);
}

struct killer {
	struct world *world;
	const char *id;
	bool done;
};

static void kill_when_it_works(void *data, bool ended)
{
	struct killer *k = data;
	struct live_runs live = { .items = NULL };

	if (!ended && !k->done && live_runs_list(k->world->state, &live, NULL) == 0 && live.len == 1 && live.items[0].doing)
		k->done = kill((pid_t)live.items[0].pid, SIGKILL) == 0;
	live_runs_release(&live);
}

static void on_empty(void *data)
{
	loop_stop(((struct world *)data)->loop);
}

static void a_killed_run_is_explained_and_cleaned_up(void **state)
{
	struct world *w = *state;
	char id[RUN_ID_SIZE];
	autofree char *runs = xasprintf("%s/runs", w->state), *left = NULL;
	struct killer k = { .world = w, .id = id };

	start_runs(w, (struct runs_options){ .keep = 0 });
	submit(w, "echo begun; sleep 100", id);
	runs_watch(w->runs, id, kill_when_it_works, &k);
	wait_for(w, id);
	assert_true(k.done);
	ends(w, id, "error", 137, "signal 9");
	runs_drain(w->runs, 0, on_empty, w);	/* with the clean-up after it */
	turn(w);
	left = xasprintf("%s/%s", runs, id);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(journals(w), 0);
}

static void draining(void **state)
{
	struct world *w = *state;
	char first[RUN_ID_SIZE], second[RUN_ID_SIZE];
	struct run_order order = order_of("x");
	struct error err = { 0 };

	start_runs(w, (struct runs_options){ .at_once = 1 });
	submit(w, "sleep 100", first);
	submit(w, "echo second", second);
	runs_drain(w->runs, 300 * NS_PER_MS, on_empty, w);
	ends(w, second, "cancelled", -1, "stopping");
	assert_int_equal(runs_submit(w->runs, &order, second, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	turn(w);
	ends(w, first, "cancelled", 143, "the service, which is stopping");
}

/* ---- who watches may do anything */

struct meddler {
	struct seen seen;
	struct run_watch *self, *other;
};

static void unwatch_both(void *data, bool ended)
{
	struct meddler *m = data;

	runs_unwatch(m->other);
	m->other = NULL;
	runs_unwatch(m->self);
	m->seen.grown += !ended;
	m->seen.ended += ended;
}

static void watches_come_and_go(void **state)
{
	struct world *w = *state;
	char id[RUN_ID_SIZE];
	unsigned int open = 2;
	struct seen never = { .world = w, .open = &open };
	struct meddler at_growth = { .seen.world = w }, at_end = { .seen.world = w };

	start_runs(w, (struct runs_options){ .keep = 0 });
	submit(w, "echo a; sleep 0.2; echo b", id);
	at_growth.other = runs_watch(w->runs, id, on_change, &never);
	at_growth.self = runs_watch(w->runs, id, unwatch_both, &at_growth);
	wait_for(w, id);
	assert_int_equal(at_growth.seen.grown, 1);
	assert_int_equal(at_growth.seen.ended, 0);
	at_end.other = runs_watch(w->runs, id, on_change, &never);
	at_end.self = runs_watch(w->runs, id, unwatch_both, &at_end);
	wait_for(w, id);
	assert_int_equal(at_end.seen.ended, 1);
	assert_int_equal(never.grown + never.ended, 0);
	runs_unwatch(NULL);
	runs_watch(w->runs, id, on_change, &never);	/* freed with the rest */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_from_end_to_end, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_of_the_run_only, setup, teardown),
		cmocka_unit_test_setup_teardown(parameters_timeout_and_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(what_never_runs_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(the_operators_arguments_are_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(the_queue_is_bounded_and_can_be_cancelled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_run_is_explained_and_cleaned_up, setup, teardown),
		cmocka_unit_test_setup_teardown(draining, setup, teardown),
		cmocka_unit_test_setup_teardown(watches_come_and_go, setup, teardown),
	};

	unsetenv("SANDBOX_RUNNER_TEST_TIME");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
