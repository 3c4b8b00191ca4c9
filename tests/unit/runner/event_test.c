/* SPDX-License-Identifier: Apache-2.0
 * event: numbering and fan-out, whole characters, the JSON of every type, sinks whose reader went away. */
#include "tests/unit/runner/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "runner/event.h"

static const struct row rows[] = {
	{ .name = "say", .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED, .out = "hello\n" },
	{ .name = NULL },
};

/* ---- a sink that writes down what it sees */

struct recorder {
	struct event_sink base;
	struct strbuf *log;
	const char *name;
};

static void record(struct event_sink *sink, const struct event *e)
{
	struct recorder *self = (struct recorder *)sink;

	strbuf_addf(self->log, "%s%llu:%s", self->name, (unsigned long long)e->seq, event_type_to_string(e->type));
	if (e->type == EVENT_STEP_OUTPUT)
		strbuf_addf(self->log, "[%.*s]", (int)e->len, e->data);
	strbuf_addstr(self->log, e->result ? " " : "! ");
}

static void recorder_close(struct event_sink *sink)
{
	struct recorder *self = (struct recorder *)sink;

	strbuf_addf(self->log, "%s closed ", self->name);
	free(self);
}

static struct event_sink *recorder_new(struct strbuf *log, const char *name)
{
	struct recorder *self = xcalloc(1, sizeof(*self));

	self->base = (struct event_sink){ .on_event = record, .close = recorder_close };
	self->log = log;
	self->name = name;
	return &self->base;
}

static void emit_output(struct events *ev, const struct step_result *step, enum sandbox_stream stream, const char *data, size_t len)
{
	event_emit(ev, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = step, .stream = stream, .data = data, .len = len });
}

static void test_fan_out(void **state)
{
	autostrbuf struct strbuf log = STRBUF_INIT(STRBUF_NO_MAX);
	struct events ev = { .sinks = NULL };
	struct result result;

	(void)state;
	result_init(&result);
	events_add_take(&ev, recorder_new(&log, "a"));
	events_add_take(&ev, recorder_new(&log, "b"));
	event_emit(&ev, &(struct event){ .type = EVENT_WARNING, .text = "early" });
	event_emit(&ev, &(struct event){ .type = EVENT_CLEANUP_START, .result = &result });
	event_emit(&ev, &(struct event){ .type = EVENT_WARNING, .text = "knows the run now" });
	events_release(&ev);
	assert_string_equal(log.buf, "a1:warning! b1:warning! a2:cleanup.start b2:cleanup.start a3:warning b3:warning a closed b closed ");
}

/* Chunks as read() cuts them, and what the sinks get. */
static void test_whole_characters(void **state)
{
	static const struct {
		const char *what;
		const char *chunks[4];
		const char *want;
	} cases[] = {
		{ "ASCII passes", { "ab", "c" }, "1:step.output[ab] 2:step.output[c] 3:step.end " },
		{ "two bytes, cut", { "a\xc3", "\xa9z" }, "1:step.output[a] 2:step.output[\xc3\xa9z] 3:step.end " },
		{ "four bytes, one by one", { "\xf0", "\x9f", "\x98", "\x80" }, "1:step.output[\xf0\x9f\x98\x80] 2:step.end " },
		{ "never completed", { "a\xe2\x82" }, "1:step.output[a] 2:step.output[\xe2\x82] 3:step.end " },
		{ "completed by nonsense", { "\xe2", "x" }, "1:step.output[\xe2x] 2:step.end " },
		{ "lone continuation bytes pass", { "\x80\x80" }, "1:step.output[\x80\x80] 2:step.end " },
		{ "no lead byte passes", { "\xff" }, "1:step.output[\xff] 2:step.end " },
		{ "complete at the end passes", { "\xe2\x82\xac" }, "1:step.output[\xe2\x82\xac] 2:step.end " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf log = STRBUF_INIT(STRBUF_NO_MAX);
		struct events ev = { .sinks = NULL };
		struct fixture f;

		fixture_init(&f, rows);
		ev.result = &f.result;
		events_add_take(&ev, recorder_new(&log, ""));
		for (size_t k = 0; k < 4 && cases[i].chunks[k]; k++)
			emit_output(&ev, f.result.steps, SANDBOX_STDOUT, cases[i].chunks[k], strlen(cases[i].chunks[k]));
		event_emit(&ev, &(struct event){ .type = EVENT_STEP_END, .step = f.result.steps });
		if (strcmp(log.buf, cases[i].want) != 0)
			fail_msg("%s: got '%s'", cases[i].what, log.buf);
		events_release(&ev);
		fixture_release(&f);
	}
}

static void test_streams_are_held_apart(void **state)
{
	autostrbuf struct strbuf log = STRBUF_INIT(STRBUF_NO_MAX);
	struct events ev = { .sinks = NULL };
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	ev.result = &f.result;
	events_add_take(&ev, recorder_new(&log, ""));
	emit_output(&ev, f.result.steps, SANDBOX_STDOUT, "\xc3", 1);
	emit_output(&ev, f.result.steps, SANDBOX_STDERR, "\xc3", 1);
	emit_output(&ev, f.result.steps, SANDBOX_STDERR, "\xa4", 1);
	emit_output(&ev, f.result.steps, SANDBOX_STDOUT, "\xb6", 1);
	assert_string_equal(log.buf, "1:step.output[\xc3\xa4] 2:step.output[\xc3\xb6] ");
	/* a retry ends the attempt as well */
	emit_output(&ev, f.result.steps, SANDBOX_STDOUT, "\xc3", 1);
	event_emit(&ev, &(struct event){ .type = EVENT_STEP_RETRY, .step = f.result.steps, .attempt = 1 });
	emit_output(&ev, f.result.steps, SANDBOX_STDOUT, "x", 1);
	assert_non_null(strstr(log.buf, "3:step.output[\xc3] 4:step.retry 5:step.output[x] "));
	events_release(&ev);
	fixture_release(&f);
}

/* ---- JSON */

static void emit_every_type(struct events *ev, struct fixture *f)
{
	static const struct sandbox_ref ref = { .backend = "native", .endpoint = "/state", .id = "r-x" };
	struct result *r = &f->result;
	struct step_result *step = r->steps;

	event_emit(ev, &(struct event){ .type = EVENT_RUN_START, .result = r });
	event_emit(ev, &(struct event){ .type = EVENT_WARNING, .text = "a hunter22 warning" });
	event_emit(ev, &(struct event){ .type = EVENT_SANDBOX_CREATE, .ref = &ref });
	event_emit(ev, &(struct event){ .type = EVENT_SANDBOX_PROGRESS, .text = "pulling image 'demo'" });
	event_emit(ev, &(struct event){ .type = EVENT_SANDBOX_READY });
	event_emit(ev, &(struct event){ .type = EVENT_STEP_START, .step = step, .attempt = 1 });
	emit_output(ev, step, SANDBOX_STDERR, "bad \xff\n", 6);
	event_emit(ev, &(struct event){ .type = EVENT_STEP_SEEN, .step = step, .thing = step->observation->network.items });
	event_emit(ev, &(struct event){ .type = EVENT_STEP_USAGE, .step = step, .usage = &step->observation->usage });
	event_emit(ev, &(struct event){ .type = EVENT_STEP_RETRY, .step = step, .attempt = 1, .text = "exit status 1",
					.wait_ns = 2 * NS_PER_SEC });
	event_emit(ev, &(struct event){ .type = EVENT_STEP_END, .step = step });
	event_emit(ev, &(struct event){ .type = EVENT_ROLLBACK_START, .step = step, .text = "exit status 1" });
	event_emit(ev, &(struct event){ .type = EVENT_CLEANUP_START });
	event_emit(ev, &(struct event){ .type = EVENT_CLEANUP_ITEM, .item = r->cleanup.items });
	event_emit(ev, &(struct event){ .type = EVENT_VERDICT });
}

static void test_golden_ndjson(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	FILE *file = tmpfile();
	struct events ev = { .sinks = NULL };
	struct fixture f;

	(void)state;
	fixture_init(&f, rows);
	f.result.redactor = redactor_new();
	redactor_add((struct redactor *)f.result.redactor, "hunter22", 8);
	result_decide(&f.result);
	setenv("SANDBOX_RUNNER_TEST_TIME", "1795234170", 1);
	events_add_take(&ev, sink_ndjson_new(fileno(file), -1));
	emit_every_type(&ev, &f);
	unsetenv("SANDBOX_RUNNER_TEST_TIME");
	assert_int_equal(ev.sinks->error, 0);
	rewind(file);
	assert_int_equal(file_read_fd(fileno(file), "events", &text, NULL), 0);
	assert_golden("events.ndjson", text.buf);
	assert_null(strstr(text.buf, "hunter22"));
	events_release(&ev);
	redactor_free((struct redactor *)f.result.redactor);
	fixture_release(&f);
	fclose(file);
}

/* Every line is one object with seq, time, type and run_id first, and the last is the verdict. */
static void test_every_line_parses(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	json_int_t seq = 0;
	char *save = NULL;

	(void)state;
	assert_int_equal(file_read("tests/unit/runner/golden/events.ndjson", &text, NULL), 0);
	for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		json_auto_t *json = NULL;
		struct error err = { 0 };

		if (json_parse(line, strlen(line), "line", &json, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(json_integer_value(json_object_get(json, "seq")), ++seq);
		assert_true(json_is_string(json_object_get(json, "type")));
		assert_string_equal(json_string_value(json_object_get(json, "run_id")), FIXTURE_RUN_ID);
		if (seq == EVENT_VERDICT + 1)
			assert_string_equal(json_string_value(json_object_get(json, "verdict")), "verified");
	}
	assert_int_equal(seq, EVENT_VERDICT + 1);
}

/* ---- readers that are gone, full disks, slow pipes */

static void check_error(int fd, int want)
{
	struct events ev = { .sinks = NULL };
	struct result result;

	result_init(&result);
	events_add_take(&ev, sink_ndjson_new(fd, -1));
	for (int i = 0; i < 3; i++)
		event_emit(&ev, &(struct event){ .type = EVENT_WARNING, .result = &result, .text = "x" });
	assert_int_equal(ev.sinks->error, want);
	events_release(&ev);
}

static void test_write_errors_are_remembered(void **state)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	int fds[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	close(fds[0]);
	check_error(fds[1], EPIPE);
	close(fds[1]);
	check_error(full, ENOSPC);
	close(full);
	signal(SIGPIPE, old);
}

static void test_non_blocking_pipe(void **state)
{
	struct events ev = { .sinks = NULL };
	struct result result;
	unsigned int lines = 0;
	char chunk[4096];
	int fds[2];
	pid_t pid;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	result_init(&result);
	pid = fork();
	if (pid == 0) {		/* more than the pipe holds; waits for its reader each time */
		events_add_take(&ev, sink_ndjson_new(fds[1], -1));
		for (int i = 0; i < 500; i++)
			event_emit(&ev, &(struct event){ .type = EVENT_WARNING, .result = &result, .text = "a line of some length" });
		_exit(ev.sinks->error);
	}
	close(fds[1]);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += chunk[i] == '\n';
	}
	close(fds[0]);
	assert_int_equal(lines, 500);
}

/* Nobody reads, and the run is cancelled: the sink gives up instead of waiting for ever. */
static void test_cancel_ends_the_wait(void **state)
{
	struct events ev = { .sinks = NULL };
	struct result result;
	int fds[2], cancel[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	result_init(&result);
	events_add_take(&ev, sink_ndjson_new(fds[1], cancel[0]));
	for (int i = 0; i < 500; i++)
		event_emit(&ev, &(struct event){ .type = EVENT_WARNING, .result = &result, .text = "a line of some length" });
	assert_int_equal(ev.sinks->error, ECANCELED);
	events_release(&ev);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(cancel[i]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fan_out),
		cmocka_unit_test(test_whole_characters),
		cmocka_unit_test(test_streams_are_held_apart),
		cmocka_unit_test(test_golden_ndjson),
		cmocka_unit_test(test_every_line_parses),
		cmocka_unit_test(test_write_errors_are_remembered),
		cmocka_unit_test(test_non_blocking_pipe),
		cmocka_unit_test(test_cancel_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
