/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/exec_once.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "runner/observation.h"
#include "runner/reaper.h"
#include "runner/step.h"

#define GRACE_NS (1 * NS_PER_SEC)
#define LOOK_NS (10 * NS_PER_SEC)
enum { LANGUAGES_MAX = 8, SECURITY_EVENTS_MAX = 100 };

struct exec_once {
	char run_id[RUN_ID_SIZE];
	struct journal *journal;
	struct reaper reaper;
	struct sandbox *sandbox;
	struct sandbox_limits limits;
	struct cancel *cancel;
	bool observed;
	bool has[LANGUAGES_MAX];
};

struct running {	/* what comes of a command while it runs */
	struct strbuf out[2];
	struct observation *observation;
};

static void on_output(void *arg, enum sandbox_stream stream, const char *data, size_t len)
{
	struct running *r = arg;

	strbuf_add(&r->out[stream], data, len);
}

static void on_seen(void *arg, const struct sandbox_event *event)
{
	struct running *r = arg;

	observation_add(r->observation, event);
}

static void running_init(struct running *r, bool observed)
{
	for (int i = 0; i < 2; i++)
		strbuf_init(&r->out[i], EXEC_OUTPUT_MAX);
	r->observation = observation_new(observed);
}

static void running_release(struct running *r)
{
	for (int i = 0; i < 2; i++)
		strbuf_release(&r->out[i]);
	observation_free(r->observation);
}

/* ---- making it */

static bool on_progress(void *arg, const char *line)
{
	struct exec_once *x = arg;

	(void)line;
	return !x->cancel || !cancel_requested(x->cancel);
}

static int make_sandbox(struct exec_once *x, struct error *err)
{
	autofree char *state = journal_state(x->journal);
	const char *const masks[] = { state, NULL };	/* our own state must not show, wherever it lies */
	const struct sandbox_spec spec = {
		.hostname = "sandbox", .limits = x->limits, .observe = true, .masks = masks, .progress = on_progress, .progress_arg = x,
	};
	struct control_table controls = { 0 };
	struct sandbox_ref ref = { .backend = "native" };

	snprintf(ref.id, sizeof(ref.id), "%s", x->run_id);
	if (snprintf(ref.endpoint, sizeof(ref.endpoint), "%s", journal_scratch(x->journal)) >= (int)sizeof(ref.endpoint))
		return error_set(err, ERR_UNAVAILABLE, "the path of the state folder is too long");
	if (reaper_start(x->journal, &x->reaper, err) < 0 || journal_intent(x->journal, &ref, err) < 0)
		return -1;
	if (sandbox_create(&ref, &spec, &x->sandbox, &controls, err) < 0)
		return error_prefix(err, "creating the sandbox");
	x->observed = controls.items[CONTROL_OBSERVATION].state == CONTROL_ENFORCED;
	return 0;
}

static int command(struct exec_once *x, const struct strvec *argv, uint64_t timeout_ns, int input_fd, struct running *r, struct sandbox_exit *ret, struct error *err)
{
	autostrvec struct strvec env = STRVEC_INIT;
	const struct sandbox_command cmd = {
		.argv = (const char *const *)argv->items, .timeout_ns = timeout_ns, .grace_ns = GRACE_NS, .input_fd = input_fd,
		.cancel_fd = x->cancel ? cancel_fd(x->cancel) : -1, .output = on_output, .output_arg = r,
		.observer = x->observed ? on_seen : NULL, .observer_arg = r,
	};
	struct sandbox_command with_env = cmd;

	step_environment(NULL, "", false, &env);
	strvec_push(&env, "GOCACHE=" SANDBOX_WORKDIR "/.cache");	/* what Go builds is executed, which /tmp does not let it */
	strvec_push(&env, "GOTMPDIR=" SANDBOX_WORKDIR);
	with_env.env = (const char *const *)env.items;
	return sandbox_exec(x->sandbox, &with_env, ret, err);
}

/* Which interpreters are there is a question for the sandbox, not for the host. */
static int look_for_languages(struct exec_once *x, struct error *err)
{
	autostrvec struct strvec argv = STRVEC_INIT;
	struct sandbox_exit end;
	struct running r;
	int rc;

	strvec_push(&argv, "/bin/sh");
	strvec_push(&argv, "-c");
	strvec_push(&argv, "for p; do command -v \"$p\" > /dev/null && echo \"$p\"; done; :");
	strvec_push(&argv, "sh");
	for (size_t i = 0; exec_language_at(i); i++)
		strvec_push(&argv, exec_language_at(i)->program);
	running_init(&r, x->observed);
	rc = command(x, &argv, LOOK_NS, 0, &r, &end, err);
	if (rc == 0 && (end.end != SANDBOX_EXITED || end.status))
		rc = error_set(err, ERR_UNAVAILABLE, "looking for interpreters in the sandbox failed: %s", end.why[0] ? end.why : "its shell did not end well");
	for (size_t i = 0; exec_language_at(i) && i < LANGUAGES_MAX; i++) {
		autofree char *line = xasprintf("%s\n", exec_language_at(i)->program);

		for (const char *at = r.out[0].buf; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
			x->has[i] = x->has[i] || !strncmp(at, line, strlen(line));
	}
	running_release(&r);
	return rc;
}

int exec_once_prepare(const char *state_dir, const struct sandbox_limits *limits, struct cancel *cancel, struct exec_once **ret, struct error *err)
{
	struct exec_once *x = xcalloc(1, sizeof(*x));

	x->reaper = (struct reaper)REAPER_INIT;
	x->limits = *limits;
	x->cancel = cancel;
	run_id_make(x->run_id);
	if (journal_create(state_dir, x->run_id, &x->journal, err) < 0) {
		free(x);
		return -1;
	}
	*ret = x;
	return make_sandbox(x, err) < 0 ? -1 : look_for_languages(x, err);
}

const char *exec_once_id(const struct exec_once *x)
{
	return x->run_id;
}

bool exec_once_has(const struct exec_once *x, const struct exec_language *language)
{
	for (size_t i = 0; exec_language_at(i); i++)
		if (exec_language_at(i) == language)
			return x->has[i];
	return false;
}

/* ---- the code */

/* A file of ours without a name, at its start. */
static int text_fd(const char *text, size_t len, struct error *err)
{
	autoclose int fd = memfd_create("order", MFD_CLOEXEC);

	if (fd < 0 || write_all(fd, text, len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "keeping the order");
	return steal_fd(&fd);
}

static int put(struct exec_once *x, const char *path, const char *text, size_t len, struct error *err)
{
	autoclose int fd = text_fd(text, len, err);
	const struct sandbox_file file = { .kind = SANDBOX_FILE, .path = path, .mode = 0644, .fd = fd };

	return fd < 0 ? -1 : sandbox_put(x->sandbox, &file, err);
}

static int put_all(struct exec_once *x, const struct exec_order *order, struct error *err)
{
	const char *path;
	json_t *text;

	json_object_foreach((json_t *)(uintptr_t)order->files, path, text)
		if (put(x, path, json_string_value(text), json_string_length(text), err) < 0)
			return error_prefix(err, "file '%s'", path);
	return put(x, order->language->file, order->code, order->code_len, err);
}

static void add_event(json_t *list, const struct thing_seen *thing, unsigned int *n)
{
	if ((*n)++ < SECURITY_EVENTS_MAX)
		json_push(list, thing_to_json(thing));
}

/* What smells, and what the network refused. */
static json_t *security_events(const struct observation *o)
{
	json_t *list = json_array();
	unsigned int n = 0;

	for (size_t i = 0; i < o->security.len; i++)
		add_event(list, &o->security.items[i], &n);
	for (size_t i = 0; i < o->network.len; i++)
		if (!o->network.items[i].allowed)
			add_event(list, &o->network.items[i], &n);
	return list;
}

static const char *status_of(const struct sandbox_exit *e, const char *limit)
{
	if (e->end == SANDBOX_CANCELLED)
		return "cancelled";
	if (limit)
		return "limit";
	if (e->end == SANDBOX_TIMED_OUT)
		return "timed_out";
	if (e->end == SANDBOX_LOST)
		return "error";
	return e->end == SANDBOX_EXITED && !e->status ? "completed" : "failed";
}

static json_t *outcome(const struct exec_once *x, const struct exec_order *order, const struct sandbox_exit *e, const struct running *r)
{
	const char *limit = step_limit(e, &x->limits), *status = status_of(e, limit);
	autofree char *sentence = !strcmp(status, "failed") ? step_exit_sentence(e) : NULL;
	json_t *o = json_object();

	if (!strcmp(status, "timed_out"))
		sentence = xasprintf("did not end within %llu ms", (unsigned long long)(order->timeout_ns / NS_PER_MS));
	else if (limit)
		sentence = xasprintf("the limit of %s was reached", limit);
	else if (e->end == SANDBOX_LOST)
		sentence = xstrdup("the sandbox ended under it");
	json_put_text(o, "status", status);
	json_put_text(o, "reason", sentence);
	json_put(o, "exit_code", e->end == SANDBOX_EXITED ? json_integer(e->status) : json_null());
	json_put(o, "signal", e->end == SANDBOX_SIGNALED ? json_integer(e->status) : json_null());
	json_put(o, "stdout", json_textn(r->out[0].buf, r->out[0].len));
	json_put(o, "stderr", json_textn(r->out[1].buf, r->out[1].len));
	json_put_bool(o, "truncated", e->output_truncated || r->out[0].overflow || r->out[1].overflow);
	json_put_int(o, "duration_ms", (int64_t)(e->duration_ns / NS_PER_MS));
	json_put_int(o, "cpu_ms", (int64_t)(e->cpu_ns / NS_PER_MS));
	json_put(o, "memory_peak_bytes", e->memory_peak_bytes ? json_integer((json_int_t)e->memory_peak_bytes) : json_null());
	json_put_text(o, "limit", limit);
	json_put(o, "security_events", security_events(r->observation));
	return o;
}

int exec_once_run(struct exec_once *x, const struct exec_order *order, json_t **ret, struct error *err)
{
	autostrvec struct strvec argv = STRVEC_INIT;
	autoclose int input = text_fd(order->input, order->input_len, err);
	struct sandbox_exit end = { 0 };
	struct running r;
	int rc;

	if (input < 0 || put_all(x, order, err) < 0)
		return -1;
	strvec_push(&argv, order->language->program);
	if (order->language->argument)
		strvec_push(&argv, order->language->argument);
	strvec_push(&argv, order->language->file);
	running_init(&r, x->observed);
	rc = command(x, &argv, order->timeout_ns, input, &r, &end, err);
	if (rc == 0)
		*ret = outcome(x, order, &end, &r);
	running_release(&r);
	return rc;
}

int exec_once_finish(struct exec_once *x, struct cleanup_list *list, struct error *err)
{
	int rc;

	if (!x)
		return 0;
	sandbox_close(x->sandbox);
	rc = journal_finish(x->journal, list, err);
	reaper_dismiss(&x->reaper);
	free(x);
	return rc;
}
