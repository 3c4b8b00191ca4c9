/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/agent_progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/json.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

#define FIRST_LINE_MAX ((size_t)16 << 10)
#define LOG_COLUMNS 500
#define WORD_COLUMNS 120

struct reading {
	struct agent_progress *p;
	size_t logs_max;
};

static const char *text_at(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static long long number_at(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

/* ---- lines */

static void drop_oldest(struct strvec *v, size_t keep)
{
	size_t gone = v->len > keep ? v->len - keep : 0;

	if (!gone)
		return;
	for (size_t i = 0; i < gone; i++)
		free(v->items[i]);
	memmove(v->items, v->items + gone, (keep + 1) * sizeof(*v->items));
	v->len = keep;
}

/* Past twice of what is kept the older half goes, so that each line is moved once. */
static void add_log(struct reading *r, const json_t *event, const char *text)
{
	struct strvec *logs = &r->p->logs;
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&line, "%s ", text_at(event, "time"));
	printable_add_cut(&line, text, strlen(text), LOG_COLUMNS);
	strvec_push_take(logs, strbuf_detach(&line));
	if (logs->len >= 2 * r->logs_max)
		drop_oldest(logs, r->logs_max);
}

static void add_logf(struct reading *r, const json_t *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add_logf(struct reading *r, const json_t *event, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4096);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	add_log(r, event, text.buf);
}

/* "step 2 'scale'", "rollback step 1 'undo'" */
static void add_step_name(struct strbuf *out, const json_t *event, const char *name)
{
	strbuf_addf(out, "%sstep %lld", strcmp(text_at(event, "phase"), "rollback") ? "" : "rollback ", number_at(event, "step"));
	if (*name) {
		strbuf_addstr(out, " '");
		printable_add_cut(out, name, strlen(name), WORD_COLUMNS);
		strbuf_addch(out, '\'');
	}
}

/* ---- events */

static void on_run_start(struct reading *r, const json_t *e)
{
	r->p->total_steps = (uint64_t)number_at(e, "steps");
	add_logf(r, e, "dry run started: %lld steps, of which %lld can be executed (%s)", number_at(e, "steps"), number_at(e, "executable_steps"),
		 text_at(e, "where"));
}

static void on_warning(struct reading *r, const json_t *e)
{
	add_logf(r, e, "warning: %s", text_at(e, "text"));
}

static void on_sandbox_ready(struct reading *r, const json_t *e)
{
	add_log(r, e, "sandbox ready");
}

static void on_step_start(struct reading *r, const json_t *e)
{
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);

	free(r->p->current_step);
	r->p->current_step = xstrdup(text_at(e, "name"));
	add_step_name(&name, e, text_at(e, "name"));
	if (number_at(e, "attempt") > 1)
		add_logf(r, e, "%s: executing, attempt %lld", name.buf, number_at(e, "attempt"));
	else
		add_logf(r, e, "%s: executing", name.buf);
}

/* Each line of what it printed. */
static void on_step_output(struct reading *r, const json_t *e)
{
	const char *text = text_at(e, "text");
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);

	add_step_name(&name, e, "");
	while (*text) {
		size_t len = strcspn(text, "\n");

		add_logf(r, e, "%s %s: %.*s", name.buf, text_at(e, "stream"), (int)(len < 2 * LOG_COLUMNS ? len : 2 * LOG_COLUMNS), text);
		text += len + (text[len] == '\n');
	}
}

static void on_step_retry(struct reading *r, const json_t *e)
{
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);

	add_step_name(&name, e, "");
	add_logf(r, e, "%s: attempt %lld failed (%s), trying again", name.buf, number_at(e, "attempt"), text_at(e, "reason"));
}

static void on_step_end(struct reading *r, const json_t *e)
{
	static const struct { const char *mode, *text; } not_executed[] = {
		{ "simulated", "simulated, not executed" }, { "skipped", "skipped, not executed" },
		{ "emulated", "emulated, not executed" },   { "dry-run", "judged by a real API server, not carried out" },
	};
	const json_t *result = json_object_get(e, "result");
	const char *mode = text_at(result, "mode"), *status = text_at(result, "status"), *reason = text_at(result, "reason"), *what = status;
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);
	bool failed = strcmp(status, "passed") && strcmp(status, "not_executed");

	add_step_name(&name, e, text_at(result, "name"));
	for (size_t i = 0; i < ARRAY_SIZE(not_executed) && !failed; i++)
		if (!strcmp(mode, not_executed[i].mode))
			what = not_executed[i].text;
	add_logf(r, e, "%s: %s%s%s", name.buf, what, *reason ? ": " : "", reason);
	free(steal_ptr(&r->p->current_step));
	if (!failed && strcmp(mode, "skipped") && strcmp(text_at(e, "phase"), "rollback"))	/* in order, so its number tells, whatever was not read */
		r->p->steps_completed = (uint64_t)number_at(e, "step");
}

static void on_rollback_start(struct reading *r, const json_t *e)
{
	add_logf(r, e, "rolling back in the sandbox: %s", text_at(e, "reason"));
}

static void on_verdict(struct reading *r, const json_t *e)
{
	const json_t *n = json_object_get(e, "summary");

	free(steal_ptr(&r->p->current_step));
	r->p->total_steps = (uint64_t)number_at(n, "steps");
	r->p->steps_completed = (uint64_t)(number_at(n, "steps") - number_at(n, "skipped") - number_at(n, "failed"));
	if (number_at(n, "simulated"))
		add_logf(r, e, "%lld of %lld steps were simulated, not executed", number_at(n, "simulated"), number_at(n, "steps"));
	add_logf(r, e, "verdict: %s%s%s", text_at(e, "verdict"), *text_at(e, "verdict_reason") ? ": " : "", text_at(e, "verdict_reason"));
}

static void take_event(struct reading *r, const char *line, size_t len, bool only_start)
{
	static const struct { const char *type; void (*take)(struct reading *r, const json_t *e); } types[] = {
		{ "run.start", on_run_start }, { "warning", on_warning }, { "sandbox.ready", on_sandbox_ready }, { "step.start", on_step_start },
		{ "step.output", on_step_output }, { "step.retry", on_step_retry }, { "step.end", on_step_end },
		{ "rollback.start", on_rollback_start }, { "verdict", on_verdict },
	};
	json_auto_t *event = NULL;
	struct error err;

	if (json_parse(line, len, "event", &event, &err) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types) && (!only_start || !i); i++)
		if (!strcmp(types[i].type, text_at(event, "type")))
			types[i].take(r, event);
}

/* ---- the file */

static size_t read_at(int fd, char *buf, size_t max, uint64_t at)
{
	size_t got = 0;
	ssize_t n;

	while (got < max && (n = pread(fd, buf + got, max - got, (off_t)(at + got))) > 0)
		got += (size_t)n;
	return got;
}

void agent_progress_read(int fd, uint64_t bytes, size_t tail_bytes, size_t logs_max, struct agent_progress *ret)
{
	size_t max = bytes < tail_bytes ? (size_t)bytes : tail_bytes;
	autofree char *buf = xmalloc((max > FIRST_LINE_MAX ? max : FIRST_LINE_MAX) + 1);
	struct reading r = { .p = ret, .logs_max = logs_max };
	char *at = buf, *end, *stop;

	if (max < bytes) {
		stop = buf + read_at(fd, buf, FIRST_LINE_MAX, 0);
		end = memchr(buf, '\n', (size_t)(stop - buf));
		if (end)
			take_event(&r, buf, (size_t)(end - buf), true);
	}
	stop = buf + read_at(fd, buf, max, bytes - max);
	if (max < bytes) {	/* in the middle of a line */
		end = memchr(buf, '\n', (size_t)(stop - buf));
		at = end ? end + 1 : stop;
	}
	for (; (end = memchr(at, '\n', (size_t)(stop - at))); at = end + 1)
		take_event(&r, at, (size_t)(end - at), false);
	drop_oldest(&ret->logs, logs_max);
}

void agent_progress_release(struct agent_progress *p)
{
	free(p->current_step);
	strvec_release(&p->logs);
	*p = (struct agent_progress)AGENT_PROGRESS_INIT;
}
