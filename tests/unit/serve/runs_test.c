/* SPDX-License-Identifier: Apache-2.0
 * runs, with the real program and a loop of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cmd/serve/runs_private.h"
#include "runner/base/file.h"
#include "runner/live.h"

#define PATIENCE_NS (120 * NS_PER_SEC)
#define HEAD "apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: %s, version: 1.0.0, description: d, author: a}\n" \
	     "spec:\n  runtime: {type: shell}\n  safety: {mode: auto}\n  handlers:\n"
#define SHELL "    - {name: only, type: shell, config: {command: \"%s\"}}\n"

struct world {
	char dir[64], here[4096];
	char *data, *state, *program;
	struct loop *loop;
	struct store *store;
	struct metrics *metrics;
	struct runs *runs;
	struct loop_timer *patience;
	bool late;
};

static void on_late(void *data)
{
	struct world *w = data;

	w->late = true;
	loop_stop(w->loop);
}

static void start_runs(struct world *w, struct runs_options o)
{
	struct error err = { 0 };

	o.program = o.program ? o.program : w->program;
	o.data_dir = w->data;
	o.state_dir = w->state;
	o.timeout_ns = o.timeout_ns ? o.timeout_ns : PATIENCE_NS;
	o.keep = o.keep ? o.keep : 1000;
	o.at_once = o.at_once ? o.at_once : 2;
	o.queue = o.queue ? o.queue : 10;
	if (store_open(w->data, &w->store, &err) < 0 || loop_new(&w->loop, &err) < 0 ||
	    runs_new(w->loop, w->store, w->metrics, &o, &w->runs, &err) < 0)
		fail_msg("%s", err.text);
	w->patience = loop_timer_new(w->loop, on_late, w);
}

static void stop_runs(struct world *w)
{
	loop_timer_free(w->patience);
	runs_free(w->runs);
	loop_free(w->loop);
	store_close(w->store);
	w->runs = NULL;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	*state = w;
	snprintf(w->dir, sizeof(w->dir), "/tmp/runs_test.XXXXXX");
	if (!getcwd(w->here, sizeof(w->here)) || !mkdtemp(w->dir))
		return -1;
	w->data = xasprintf("%s/data", w->dir);
	w->state = xasprintf("%s/state", w->dir);
	w->program = realpath(getenv("SANDBOX_RUNNER") ? getenv("SANDBOX_RUNNER") : "sandbox_runner", NULL);
	w->metrics = metrics_new(false);
	return mkdir(w->data, 0700);
}

static int teardown(void **state)
{
	struct world *w = *state;
	int rc;

	if (w->runs)
		stop_runs(w);
	metrics_free(w->metrics);
	rc = chdir("/") == 0 && remove_tree_at(AT_FDCWD, w->dir, NULL) == 0 && chdir(w->here) == 0 ? 0 : -1;
	free(w->data);
	free(w->state);
	free(w->program);
	free(w);
	return rc;
}

/* ---- ordering and waiting */

static struct run_order order_of(const char *package)
{
	return (struct run_order){ .origin = "v1", .package = package, .package_len = strlen(package), .requested_by = "tester", .request_id = "q" };
}

static void submit(struct world *w, const char *command, char id[RUN_ID_SIZE])
{
	autofree char *package = xasprintf(HEAD SHELL, "one", command);
	struct run_order order = order_of(package);
	struct error err = { 0 };

	if (runs_submit(w->runs, &order, id, &err) < 0)
		fail_msg("%s", err.text);
}

struct seen {
	struct world *world;
	unsigned int grown, ended;
	unsigned int *open;	/* how many are still waited for; the loop stops with the last */
};

static void on_change(void *data, bool ended)
{
	struct seen *s = data;

	s->grown += !ended;
	s->ended += ended;
	if (ended && !--*s->open)
		loop_stop(s->world->loop);
}

static void turn(struct world *w)
{
	struct error err = { 0 };

	w->late = false;
	loop_timer_set(w->patience, clock_deadline(PATIENCE_NS));
	if (loop_run(w->loop, &err) < 0)
		fail_msg("%s", err.text);
	assert_false(w->late);
}

static struct seen wait_for(struct world *w, const char *id)
{
	unsigned int open = 1;
	struct seen s = { .world = w, .open = &open };

	assert_non_null(runs_watch(w->runs, id, on_change, &s));
	turn(w);
	assert_int_equal(s.ended, 1);
	return s;
}

static struct run_row row_of(struct world *w, const char *id)
{
	struct run_row row = { .state = RUN_QUEUED };

	if (store_run_get(w->store, id, &row, NULL) != 1)
		fail_msg("there is no row '%s'", id);
	return row;
}

static void ends(struct world *w, const char *id, const char *verdict, int exit_status, const char *detail)
{
	struct run_row row = row_of(w, id);

	if (row.state != RUN_ENDED || !row.verdict || strcmp(row.verdict, verdict) || row.exit_status != exit_status || !row.detail ||
	    !strstr(row.detail, detail))
		fail_msg("run '%s': %s, verdict '%s', exit status %d: %s", id, run_state_to_string(row.state), row.verdict ? row.verdict : "-",
			 row.exit_status, row.detail ? row.detail : "-");
	assert_true(row.ended_ns >= row.created_ns);
	run_row_release(&row);
}

static char *text_of(struct world *w, const char *id, const char *name)
{
	uint64_t bytes = 0;
	autoclose int fd = runs_open_file(w->runs, id, name, &bytes);
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);

	if (fd < 0)
		return NULL;
	assert_int_equal(file_read_fd(fd, name, &text, NULL), 0);
	assert_int_equal(text.len, bytes);
	return strbuf_detach(&text);
}

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
		{ "--wpk=x", "--wpk" }, { "--format=text", "--format" }, { "--run-id=x", "--run-id" }, { "--keep", "--keep" }, { "--profil=x", "no option" },
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
	if (events)
		put_script("events.ndjson", events);
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
		cmocka_unit_test_setup_teardown(a_run_from_end_to_end, setup, teardown),
		cmocka_unit_test_setup_teardown(files_are_of_the_run_only, setup, teardown),
		cmocka_unit_test_setup_teardown(parameters_timeout_and_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(what_never_runs_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(the_operators_arguments_are_tried, setup, teardown),
		cmocka_unit_test_setup_teardown(the_queue_is_bounded_and_can_be_cancelled, setup, teardown),
		cmocka_unit_test_setup_teardown(a_killed_run_is_explained_and_cleaned_up, setup, teardown),
		cmocka_unit_test_setup_teardown(draining, setup, teardown),
		cmocka_unit_test_setup_teardown(watches_come_and_go, setup, teardown),
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
