/* SPDX-License-Identifier: Apache-2.0
 * run: attempts, waits, rollback, skipping, judgement and the clean-up order, against a scripted sandbox (defined here in place of
 * libsandboxes): the faults it shows cannot be had from a real one on demand. Journal and reaper are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/run.h"

/* ---- the scripted sandbox */

struct script_line {
	struct sandbox_exit exit;
	const char *out;
	const struct sandbox_event *events;	/* ends in one without subject */
};

static struct {
	const struct script_line *lines;	/* answers of sandbox_exec, in order */
	size_t next, len;
	bool create_fails, destroy_fails, waits;	/* waits: creating leaves time for other work */
	enum control_state memory_state;
	struct strvec log;			/* what was asked: "create", "exec <script>", "destroy" */
	struct strvec env;			/* of the last exec */
} fake;

bool sandbox_backend_info(size_t i, struct backend_info *ret)
{
	*ret = (struct backend_info){ .type = "container", .runtime = "native", .summary = "fake", .available = true };
	return i == 0;
}

void sandbox_backend_probe(size_t i, struct backend_info *info)
{
	info->available = i == 0;
}

int sandbox_create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		   struct control_table *controls, struct error *err)
{
	(void)ref;
	if (fake.waits && spec->meanwhile)
		spec->meanwhile(spec->progress_arg);
	strvec_push(&fake.log, "create");
	if (fake.create_fails)
		return error_set(err, ERR_UNAVAILABLE, "no namespaces");
	if (spec->observe)
		control_set(controls, CONTROL_OBSERVATION, CONTROL_ENFORCED, "all", "fake", "%s", "");
	control_set(controls, CONTROL_MEMORY, fake.memory_state, "1Gi", "fake", "%s", "no cgroup");
	*ret = (struct sandbox *)&fake;
	return 0;
}

int sandbox_put(struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	(void)sb;
	(void)err;
	strvec_pushf(&fake.log, "put %s", file->path);
	return 0;
}

int sandbox_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	const struct script_line *line = &fake.lines[fake.next++];

	(void)sb;
	assert_true(fake.next <= fake.len);
	strvec_pushf(&fake.log, "exec %s", cmd->argv[2]);
	strvec_release(&fake.env);
	for (size_t i = 0; cmd->env[i]; i++)
		strvec_push(&fake.env, cmd->env[i]);
	if (line->exit.status == -1)
		return error_set(err, ERR_INTERNAL, "sandbox is gone");
	for (size_t i = 0; cmd->observer && line->events && line->events[i].subject; i++)
		cmd->observer(cmd->observer_arg, &line->events[i]);
	if (line->out)
		cmd->output(cmd->output_arg, SANDBOX_STDOUT, line->out, strlen(line->out));
	*ret = line->exit;
	if (line->out && !ret->output_bytes[0])
		ret->output_bytes[0] = strlen(line->out);
	return 0;
}

const struct sandbox_image_defaults *sandbox_image_defaults(const struct sandbox *sb)
{
	static const struct sandbox_image_defaults none;

	(void)sb;
	return &none;
}

void sandbox_usage(struct sandbox *sb, struct sandbox_usage *ret)
{
	(void)sb;
	*ret = (struct sandbox_usage){ .known = USAGE_CPU, .cpu_ns = 1000 };
}

/* A world without files. */
int sandbox_walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err)
{
	(void)sb;
	(void)err;
	walk->left_out = 0;
	return 0;
}

int sandbox_get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret, struct error *err)
{
	(void)sb;
	(void)tree;
	(void)max_bytes;
	(void)fd;
	(void)ret;
	return error_set(err, ERR_INVALID_INPUT, "there is no '%s'", path);
}

void sandbox_close(struct sandbox *sb)
{
	(void)sb;
}

int sandbox_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err)
{
	strvec_push(&fake.log, "destroy");
	cleanup_add(list, "fake", ref->id, !fake.destroy_fails, "asked");
	return fake.destroy_fails ? error_set(err, ERR_CLEANUP, "still there") : 0;
}

bool sandbox_starts_empty(const struct sandbox *sb)
{
	(void)sb;
	return false;
}

const struct sandbox_cluster *sandbox_cluster(const struct sandbox *sb)
{
	(void)sb;
	return NULL;
}

const char *sandbox_image(const struct sandbox *sb)
{
	(void)sb;
	return NULL;
}

bool sandbox_ends_with_host(const struct sandbox_ref *ref)
{
	(void)ref;
	return false;
}

int sandbox_sweep(bool thorough, struct cleanup_list *list, struct error *err)
{
	(void)thorough;
	(void)list;
	(void)err;
	return 0;
}

void cleanup_add(struct cleanup_list *list, const char *kind, const char *name, bool gone, const char *proof)
{
	struct cleanup_item *item;

	if (!list)
		return;
	ARRAY_GROW(list->items, list->len, list->alloc);
	item = &list->items[list->len++];
	*item = (struct cleanup_item){ .gone = gone };
	snprintf(item->kind, sizeof(item->kind), "%s", kind);
	snprintf(item->name, sizeof(item->name), "%s", name);
	snprintf(item->proof, sizeof(item->proof), "%s", proof);
}

void cleanup_list_release(struct cleanup_list *list)
{
	free(list->items);
	*list = (struct cleanup_list){ 0 };
}

/* ---- a run of a package text against it */

struct fixture {
	bool observe;
	enum sandbox_severity escape_severity;
	char state[64];
	struct document *doc;
	struct finding_list findings;
	struct wpk *wpk;
	struct decision *decision;
	struct plan *plan;
	struct parameters parameters;
	struct result result;
	struct strvec events;		/* "type title" */
	bool require[CONTROL_COUNT];
	bool use_require;
	bool cleans;			/* has something to do while the sandbox comes up */
	const char *turn;		/* of several: what comes of waiting for it; NULL: there are no others */
};

struct recorder {
	struct event_sink base;
	struct strvec *log;
};

static void record(struct event_sink *sink, const struct event *event)
{
	struct recorder *r = (struct recorder *)sink;

	strvec_pushf(r->log, "%s%s%s", event_type_to_string(event->type), event->step ? " " : "", event->step ? event->step->plan->title : "");
}

static void forget(struct event_sink *sink)
{
	free(sink);
}

#define HEAD "apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: t, version: '1.0.0', description: d, author: a}\n" \
	     "spec:\n  runtime: {type: shell}\n  safety: {mode: auto, rollback_enabled: true}\n"

static void plan_fixture(struct fixture *f, const char *yaml)
{
	struct plan_options options = { .parameters = &f->parameters, .observe = f->observe };
	struct error err = { 0 };

	assert_int_equal(document_parse(yaml, strlen(yaml), "t.yaml", &yaml_default_limits, &f->doc, &err), 0);
	finding_list_init(&f->findings, "t.yaml");
	assert_int_equal(wpk_decode(f->doc, &f->wpk, &f->findings, &err), 0);
	assert_int_equal(finding_count(&f->findings, FINDING_ERROR), 0);
	assert_int_equal(policy_decide(NULL, f->wpk, &f->findings, &f->decision, &err), 0);
	assert_int_equal(plan_make(f->decision, &options, &f->plan, &err), 0);
}

static int await_turn(void *arg, struct error *err)
{
	struct fixture *f = arg;

	strvec_push(&f->events, "turn");
	usleep(50000);
	return strcmp(f->turn, "comes") ? error_set(err, ERR_CANCELLED, "%s", f->turn) : 0;
}

static void end_turn(void *arg)
{
	struct fixture *f = arg;

	strvec_push(&f->events, "over");
}

static void clean(void *arg, struct strvec *warnings)
{
	(void)arg;
	strvec_push(&fake.log, "clean");
	strvec_push(warnings, "cleaned");
}

static void run_fixture(struct fixture *f, const char *yaml, const struct script_line *lines, size_t len)
{
	struct run_options options = { .parameters = &f->parameters, .escape_severity = f->escape_severity, .require = f->use_require ? f->require : NULL };
	struct recorder *recorder = xcalloc(1, sizeof(*recorder));
	struct events events = { 0 };
	struct journal *journal = NULL;
	struct error err = { 0 };

	fake.lines = lines;
	fake.len = len;
	plan_fixture(f, yaml);
	result_init(&f->result);
	run_id_make(f->result.run_id);
	f->result.findings = &f->findings;
	snprintf(f->state, sizeof(f->state), "/tmp/run_test.XXXXXX");
	assert_non_null(mkdtemp(f->state));
	assert_int_equal(journal_create(f->state, f->result.run_id, &journal, &err), 0);
	recorder->base = (struct event_sink){ .on_event = record, .close = forget };
	recorder->log = &f->events;
	events_add_take(&events, &recorder->base);
	if (f->turn) {
		assert_int_equal(cancel_new(clock_deadline(60 * NS_PER_SEC), &options.cancel, &err), 0);
		options.before_steps = await_turn;
		options.after_steps = end_turn;
		options.steps_arg = f;
	}
	if (f->cleans)
		options.meanwhile = clean;
	run_plan(f->plan, journal, &options, &events, &f->result);
	events_release(&events);
	cancel_free(options.cancel);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	fake.memory_state = CONTROL_ENFORCED;
	parameters_init(&f->parameters);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct error err;

	if (f->state[0])
		remove_tree_at(-1, f->state, &err);
	result_release(&f->result);
	plan_free(f->plan);
	decision_free(f->decision);
	wpk_free(f->wpk);
	document_free(f->doc);
	finding_list_release(&f->findings);
	parameters_release(&f->parameters);
	strvec_release(&f->events);
	strvec_release(&fake.log);
	strvec_release(&fake.env);
	free(f);
	return 0;
}

static void assert_log(const struct strvec *log, const char *const *expected)
{
	for (size_t i = 0; expected[i] || i < log->len; i++) {
		assert_non_null(expected[i]);
		assert_true(i < log->len);
		assert_string_equal(log->items[i], expected[i]);
	}
}

static bool has(const struct strvec *v, const char *s)
{
	for (size_t i = 0; i < v->len; i++)
		if (!strcmp(v->items[i], s))
			return true;
	return false;
}

#define OK { .exit = { .end = SANDBOX_EXITED } }
#define FAIL(n) { .exit = { .end = SANDBOX_EXITED, .status = (n) } }

static const char two_steps[] = HEAD "  handlers:\n    - {name: a, type: shell, config: {command: one}}\n"
				     "    - {name: b, type: shell, config: {command: two}}\n";
static const char with_rollback[] = HEAD
	"  handlers:\n    - {name: a, type: shell, config: {command: one}, retry: {max_attempts: 2, backoff: 10ms}}\n"
	"    - {name: b, type: shell, config: {command: two}}\n"
	"  rollback: {enabled: true, handlers: [{name: undo, type: shell, config: {command: back}}]}\n";

static void all_pass(void **state)
{
	struct fixture *f = *state;
	static const struct script_line lines[] = { OK, OK };
	static const char *const asked[] = { "create", "exec one", "exec two", "destroy", NULL };
	static const char *const events[] = { "run.start", "sandbox.create", "sandbox.ready", "step.start a", "step.end a", "step.start b",
					      "step.end b", "cleanup.start", "cleanup.item", "cleanup.item", "verdict", NULL };

	run_fixture(f, two_steps, lines, 2);
	assert_int_equal(f->result.verdict, RUN_VERIFIED);
	assert_true(f->result.cleanup_complete);
	assert_log(&fake.log, asked);
	assert_log(&f->events, events);
}

/* Before the steps, once, and told when the sandbox stands or does not: in the time that creating leaves, or after it. */
static void meanwhile_once(void **state)
{
	static const struct { bool waits, fails; const char *asked[7]; const char *second; } cases[] = {
		{ false, false, { "create", "clean", "exec one", "exec two", "destroy", NULL }, "sandbox.ready" },
		{ true, false, { "clean", "create", "exec one", "exec two", "destroy", NULL }, "sandbox.ready" },
		{ false, true, { "create", "clean", "destroy", NULL }, "sandbox.create" },
		{ true, true, { "clean", "create", "destroy", NULL }, "sandbox.create" },
	};
	static const struct script_line lines[] = { OK, OK };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *f;

		if (i) {
			teardown(state);
			setup(state);
		}
		f = *state;
		fake.waits = cases[i].waits;
		fake.create_fails = cases[i].fails;
		f->cleans = true;
		run_fixture(f, two_steps, lines, 2);
		assert_log(&fake.log, cases[i].asked);
		for (size_t e = 1; e < f->events.len; e++)
			if (!strcmp(f->events.items[e], "warning"))
				assert_string_equal(f->events.items[e - 1], cases[i].second);
		assert_true(has(&f->events, "warning"));
		assert_string_equal(f->result.warnings.items[0], "cleaned");
	}
}

static void failure_skips_the_rest(void **state)
{
	struct fixture *f = *state;
	static const struct script_line lines[] = { FAIL(3) };
	static const char *const asked[] = { "create", "exec one", "destroy", NULL };

	run_fixture(f, two_steps, lines, 1);
	assert_int_equal(f->result.verdict, RUN_FAILED);
	assert_string_equal(f->result.steps[0].reason, "exit status 3");
	assert_int_equal(f->result.steps[1].mode, STEP_MODE_SKIPPED);
	assert_log(&fake.log, asked);
}

static void retry_then_pass(void **state)
{
	struct fixture *f = *state;
	static const struct script_line lines[] = { FAIL(1), OK, OK };

	run_fixture(f, with_rollback, lines, 3);
	assert_int_equal(f->result.verdict, RUN_VERIFIED);
	assert_int_equal(f->result.steps[0].attempts, 2);
	assert_true(f->result.steps[0].duration_ns >= 10 * NS_PER_MS);
	assert_false(f->result.rolled_back);
	assert_int_equal(f->result.steps[2].mode, STEP_MODE_SKIPPED);
}

static void rollback_after_last_attempt(void **state)
{
	struct fixture *f = *state;
	static const struct script_line lines[] = { FAIL(1), FAIL(1), OK };
	static const char *const asked[] = { "create", "exec one", "exec one", "exec back", "destroy", NULL };

	run_fixture(f, with_rollback, lines, 3);
	assert_int_equal(f->result.verdict, RUN_FAILED);
	assert_true(f->result.rolled_back);
	assert_int_equal(f->result.steps[2].status, STEP_PASSED);
	assert_log(&fake.log, asked);
}

/* What fails the run is the severity that was asked for, and only if somebody watched. */
static void escape_attempts_fail_the_run(void **state)
{
	struct fixture *f = *state;
	static const struct sandbox_event events[] = {
		{ .kind = SANDBOX_EVENT_CALL, .severity = SANDBOX_CRITICAL, .value = 1, .count = 1, .program = "sh", .subject = "mount",
		  .detail = "proc on /mnt" },
		{ .kind = SANDBOX_EVENT_CALL, .severity = SANDBOX_CRITICAL, .value = 1, .count = 41, .program = "sh", .subject = "mount",
		  .detail = "proc on /mnt" },
		{ .kind = SANDBOX_EVENT_DNS, .count = 1, .program = "", .subject = "example.org", .detail = "A" },
		{ .subject = NULL },
	};
	static const struct script_line lines[] = { { .exit = { .end = SANDBOX_EXITED }, .events = events }, OK };
	static const struct { bool observe; enum sandbox_severity severity; enum run_verdict verdict; uint64_t attempts; } cases[] = {
		{ true, SANDBOX_HIGH, RUN_FAILED, 42 },
		{ true, SANDBOX_CRITICAL, RUN_FAILED, 42 },
		{ true, SANDBOX_INFO, RUN_VERIFIED, 0 },
		{ false, SANDBOX_HIGH, RUN_VERIFIED, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		f->observe = cases[i].observe;
		f->escape_severity = cases[i].severity;
		run_fixture(f, two_steps, lines, 2);
		assert_int_equal(f->result.verdict, cases[i].verdict);
		assert_int_equal(result_escape_attempts(&f->result), cases[i].attempts);
		assert_int_equal(has(&f->events, "step.seen a"), cases[i].observe);
		if (cases[i].attempts)
			assert_string_equal(f->result.verdict_reason,
					    "42 attempts to get out of the sandbox, first by step 1 'a': refused call mount "
					    "(proc on /mnt, by sh), 42 times");
		teardown(state);
		setup(state);
		f = *state;
	}
}

static void limits_have_names(void **state)
{
	struct fixture *f = *state;
	static const struct { struct script_line line; const char *limit; } cases[] = {
		{ { .exit = { .end = SANDBOX_OUT_OF_MEMORY } }, "memory" },
		{ { .exit = { .end = SANDBOX_EXITED, .status = 2, .pids_limit_hit = true } }, "pids" },
		{ { .exit = { .end = SANDBOX_EXITED, .status = 1, .storage_limit_hit = true } }, "storage" },
		{ { .exit = { .end = SANDBOX_EXITED, .output_truncated = true } }, "output" },
		{ { .exit = { .end = SANDBOX_SIGNALED, .status = 24 } }, "cpu_time" },
		{ { .exit = { .end = SANDBOX_EXITED, .status = 128 + 25 } }, "fsize" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_fixture(f, two_steps, &cases[i].line, 1);
		assert_int_equal(f->result.verdict, RUN_LIMIT);
		assert_string_equal(f->result.steps[0].limit, cases[i].limit);
		teardown(state);
		setup(state);
		f = *state;
	}
}

static void timeout_and_lost(void **state)
{
	struct fixture *f = *state;
	static const struct script_line late[] = { { .exit = { .end = SANDBOX_TIMED_OUT } } };
	static const struct script_line lost[] = { { .exit = { .end = SANDBOX_LOST } } };

	run_fixture(f, two_steps, late, 1);
	assert_int_equal(f->result.steps[0].status, STEP_TIMED_OUT);
	assert_int_equal(f->result.verdict, RUN_FAILED);
	teardown(state);
	setup(state);
	f = *state;
	run_fixture(f, with_rollback, lost, 1);	/* not retried, not rolled back: there is nowhere to do it */
	assert_int_equal(f->result.verdict, RUN_FAILED);
	assert_false(f->result.rolled_back);
}

static void create_failure_is_cleaned_up(void **state)
{
	struct fixture *f = *state;
	static const char *const asked[] = { "create", "destroy", NULL };

	fake.create_fails = true;
	run_fixture(f, two_steps, NULL, 0);
	assert_int_equal(f->result.verdict, RUN_ERROR);
	assert_int_equal(f->result.error.code, ERR_UNAVAILABLE);
	assert_log(&fake.log, asked);
}

static void leftovers_are_said(void **state)
{
	struct fixture *f = *state;
	static const struct script_line lines[] = { OK, OK };

	fake.destroy_fails = true;
	run_fixture(f, two_steps, lines, 2);
	assert_false(f->result.cleanup_complete);
	assert_false(f->result.cleanup.items[0].gone);
}

static void required_control_refuses(void **state)
{
	struct fixture *f = *state;
	static const char *const asked[] = { "create", "destroy", NULL };

	f->require[CONTROL_MEMORY] = f->use_require = true;
	fake.memory_state = CONTROL_DEGRADED;
	run_fixture(f, two_steps, NULL, 0);
	assert_int_equal(f->result.verdict, RUN_ERROR);
	assert_int_equal(f->result.error.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(f->result.error.text, "memory"));
	assert_log(&fake.log, asked);
}

static void secrets_go_where_they_are_named(void **state)
{
	struct fixture *f = *state;
	static const char yaml[] = HEAD "  handlers:\n    - {name: a, type: shell, config: {command: 'use ${TOKEN}'}}\n"
					"    - {name: b, type: shell, config: {command: 'echo ${APP}'}}\n";
	static const struct script_line first[] = { { .exit = { .end = SANDBOX_EXITED }, .out = "got hunter22\n" }, OK };
	struct error err;

	setenv("RUN_TEST_SECRET", "hunter22", 1);
	assert_int_equal(parameters_add_secret(&f->parameters, "TOKEN=env:RUN_TEST_SECRET", &err), 0);
	assert_int_equal(parameters_add(&f->parameters, "APP=web", &err), 0);
	run_fixture(f, yaml, first, 2);
	assert_string_equal(f->result.steps[0].out[0].text, "got ***\n");
	assert_true(has(&fake.env, "APP=web"));			/* of the second step */
	assert_false(has(&fake.env, "TOKEN=hunter22"));
	assert_true(has(&fake.env, "HOME=/work"));
}

static void capture_keeps_head_and_tail(void **state)
{
	struct fixture *f = *state;
	size_t len = 3 * CAPTURE_MAX;
	autofree char *flood = xmalloc(len + 1);
	struct script_line lines[] = { { .exit = { .end = SANDBOX_EXITED }, .out = flood }, OK };

	memset(flood, 'x', len);
	memcpy(flood, "HEAD", 4);
	memcpy(flood + len - 4, "TAIL", 4);
	flood[len] = '\0';
	run_fixture(f, two_steps, lines, 2);
	assert_true(f->result.steps[0].out[0].truncated);
	assert_int_equal(f->result.steps[0].out[0].len, CAPTURE_MAX);
	assert_int_equal(f->result.steps[0].out[0].tail_len, CAPTURE_TAIL);
	assert_memory_equal(f->result.steps[0].out[0].text, "HEAD", 4);
	assert_memory_equal(f->result.steps[0].out[0].tail + CAPTURE_TAIL - 4, "TAIL", 4);
	assert_int_equal(f->result.steps[0].out[0].total_bytes, len);
}

static void nothing_executed_is_not_verified(void **state)
{
	struct fixture *f = *state;
	static const char yaml[] = HEAD "  handlers:\n    - {name: a, type: k8s, config: {action: restart}}\n";

	run_fixture(f, yaml, NULL, 0);
	assert_int_equal(f->result.verdict, RUN_NOTHING_EXECUTED);
	assert_int_equal(f->result.steps[0].mode, STEP_MODE_SIMULATED);
}

static void unset_parameter_blocks_only_executed_steps(void **state)
{
	struct fixture *f = *state;
	static const char yaml[] = HEAD "  handlers:\n    - {name: a, type: api, config: {url: '${HOOK}', method: GET}}\n"
					"    - {name: b, type: shell, config: {command: 'echo ${APP} ${MODE:-safe}'}}\n";

	plan_fixture(f, yaml);
	assert_int_equal(f->plan->needs_len, 3);
	assert_int_equal(plan_unset(f->plan, &f->findings), 1);
	assert_non_null(strstr(f->findings.items[f->findings.len - 1].message, "APP"));
}

static void steps_wait_for_their_turn(void **state)
{
	struct fixture *f = *state;
	static const struct script_line lines[] = { OK, OK };
	static const char *const events[] = { "run.start", "sandbox.create", "sandbox.ready", "turn", "step.start a", "step.end a", "step.start b",
					      "step.end b", "over", "cleanup.start", "cleanup.item", "cleanup.item", "verdict", NULL };

	const uint64_t started = clock_monotonic_ns();

	f->turn = "comes";
	run_fixture(f, two_steps, lines, 2);
	assert_int_equal(f->result.verdict, RUN_VERIFIED);
	assert_log(&f->events, events);
	assert_true(f->result.duration_ns + 50 * NS_PER_MS <= clock_monotonic_ns() - started);	/* without the waiting */
}

static void a_turn_that_does_not_come(void **state)
{
	struct fixture *f = *state;
	static const char *const asked[] = { "create", "destroy", NULL };
	static const char *const events[] = { "run.start", "sandbox.create", "sandbox.ready", "turn", "step.end a", "step.end b", "over", "cleanup.start",
					      "cleanup.item", "cleanup.item", "verdict", NULL };

	f->turn = "never";
	run_fixture(f, two_steps, NULL, 0);
	assert_log(&fake.log, asked);
	assert_log(&f->events, events);
	assert_int_equal(f->result.steps[0].mode, STEP_MODE_SKIPPED);
	assert_int_equal(f->result.error.code, ERR_OK);
	assert_true(f->result.cleanup_complete);
}

static void a_life_ends_after_the_deadline(void **state)
{
	static const struct { uint64_t deadline_s, keep_s; } cases[] = { { 1, 0 }, { 1800, 0 }, { 1800, 3600 } };
	struct error err = { .code = ERR_OK };
	struct cancel *cancel;

	(void)state;
	assert_int_equal(run_life_ns(NULL, 0), 0);
	assert_int_equal(cancel_new(CLOCK_NEVER, &cancel, &err), 0);
	assert_int_equal(run_life_ns(cancel, NS_PER_SEC), 0);
	cancel_free(cancel);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t least = cases[i].deadline_s + cases[i].keep_s;

		assert_int_equal(cancel_new(clock_deadline(cases[i].deadline_s * NS_PER_SEC), &cancel, &err), 0);
		assert_in_range(run_life_ns(cancel, cases[i].keep_s * NS_PER_SEC), (least + 60) * NS_PER_SEC, (least + 1800) * NS_PER_SEC);
		cancel_free(cancel);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(all_pass), TEST(meanwhile_once), TEST(failure_skips_the_rest), TEST(retry_then_pass), TEST(rollback_after_last_attempt),
		TEST(escape_attempts_fail_the_run), TEST(limits_have_names), TEST(timeout_and_lost), TEST(create_failure_is_cleaned_up), TEST(leftovers_are_said),
		TEST(required_control_refuses), TEST(secrets_go_where_they_are_named), TEST(capture_keeps_head_and_tail),
		TEST(nothing_executed_is_not_verified), TEST(steps_wait_for_their_turn), TEST(a_turn_that_does_not_come),
		 TEST(unset_parameter_blocks_only_executed_steps),
		cmocka_unit_test(a_life_ends_after_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
