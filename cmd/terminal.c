/* SPDX-License-Identifier: Apache-2.0
 * A thing that takes time is one line, "what ... how it ended". The first half is written when it begins, unless a live progress
 * line shows it; when output of a step comes in between, the whole line is written again at the end. */
#include "cmd/terminal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/base/utf8.h"
#include "runner/observation_text.h"

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RESET "\033[0m"
#define QUIET_TAIL_LINES 20	/* of a failed step's output, with --quiet */
#define PROGRESS_COLUMNS 79
#define USAGE_COLUMNS 40	/* " · cpu 1.2, memory 120.5Mi, 12 processes" */
#define SEEN_LINES 5	/* of each kind, after a step */
#define EFFECT_LINES 6		/* files that a step changed */
#define EFFECT_LINES_VERBOSE 100
#define HEARTBEAT_NS (30 * NS_PER_SEC)	/* without a live line, a word now and then: CI ends jobs that say nothing */

struct partial {		/* the line a stream is in the middle of */
	struct strbuf text;	/* its first TERMINAL_LINE_BYTES */
	size_t cut;		/* bytes that followed */
};

struct terminal {
	struct event_sink base;		/* first member */
	struct terminal_options opt;
	const struct result *result;
	struct strbuf text;		/* written at the end of each event */
	struct strbuf pending;		/* what has begun: "Step 1/3: checking"; empty: nothing */
	uint64_t pending_since_ns;
	uint64_t spoken_ns;		/* when the last line was written */
	bool open;			/* the pending text stands at the end of the output, without newline */
	bool announced;			/* the pending text has been written */
	bool progress_shown;
	struct partial partial[2];
	unsigned long shown, hidden;	/* lines of the current attempt */
	struct strbuf usage;		/* of the running step, as last told; empty: not told */
	size_t left;			/* things that the clean-up could not remove */
};

static const char *sgr(const struct terminal *t, const char *code)
{
	return t->opt.color ? code : "";
}

/* ---- the live line */

static void progress_erase(struct terminal *t)
{
	static const char erase[] = "\r\033[K";

	if (t->progress_shown && write_all(t->opt.progress_fd, erase, sizeof(erase) - 1) < 0)
		t->opt.progress_fd = -1;
	t->progress_shown = false;
}

static void progress_draw(struct terminal *t)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	uint64_t elapsed = clock_monotonic_ns() - t->pending_since_ns;

	struct pollfd pfd = { .fd = t->opt.progress_fd, .events = POLLOUT };

	/* a terminal that is stopped (^S) must not stop the run */
	if (t->opt.progress_fd < 0 || !t->pending.len || poll(&pfd, 1, 0) != 1)
		return;
	strbuf_addstr(&line, "\r\033[K");
	printable_add_cut(&line, t->pending.buf, t->pending.len, PROGRESS_COLUMNS - 16 - (t->usage.len ? USAGE_COLUMNS : 0));
	strbuf_addstr(&line, " ...");
	if (elapsed >= NS_PER_SEC) {
		strbuf_addch(&line, ' ');
		duration_format(&line, elapsed / NS_PER_SEC * NS_PER_SEC);
	}
	if (t->usage.len)
		strbuf_addf(&line, " · %s", t->usage.buf);
	if (write_all(t->opt.progress_fd, line.buf, line.len) < 0)
		t->opt.progress_fd = -1;
	t->progress_shown = true;
}

/* ---- lines that begin and end */

/* What follows starts on a line of its own. */
static void fresh_line(struct terminal *t)
{
	if (t->open)
		strbuf_addch(&t->text, '\n');
	t->open = false;
}

static void begin(struct terminal *t, struct strbuf *what)
{
	fresh_line(t);
	strbuf_clear(&t->pending);
	strbuf_add(&t->pending, what->buf, what->len);
	t->pending_since_ns = clock_monotonic_ns();
	t->announced = false;
	if (t->opt.progress_fd >= 0 || t->opt.verbosity < 0)
		return;
	strbuf_addf(&t->text, "%s ...", t->pending.buf);
	t->open = t->announced = true;
}

/* The start of the second half; the caller adds how it ended and a newline. */
static void end(struct terminal *t)
{
	if (!t->open)
		strbuf_addf(&t->text, "%s ...", t->pending.buf);
	strbuf_addch(&t->text, ' ');
	t->open = false;
	strbuf_clear(&t->pending);
}

static void add_duration(struct terminal *t, uint64_t ns)
{
	strbuf_addstr(&t->text, " (");
	duration_format(&t->text, ns);
	strbuf_addch(&t->text, ')');
}

static void add_cost(struct terminal *t, const struct step_result *step)
{
	strbuf_addstr(&t->text, " (");
	duration_format(&t->text, step->duration_ns);
	if (step->attempts > 1)
		strbuf_addf(&t->text, ", attempt %u of %llu", step->attempts,
			    (unsigned long long)step->plan->handler->retry.max_attempts);
	strbuf_addch(&t->text, ')');
}

/* ---- output of steps */

static void show_line(struct terminal *t, enum sandbox_stream stream, const char *line, size_t len, size_t cut)
{
	if (len && !cut && line[len - 1] == '\r')
		len--;
	if (t->opt.verbosity < 1 && t->shown >= TERMINAL_LINES_MAX) {
		t->hidden++;
		return;
	}
	t->shown++;
	fresh_line(t);
	if (!t->announced && t->pending.len) {
		strbuf_addf(&t->text, "%s ...\n", t->pending.buf);
		t->announced = true;
	}
	strbuf_addf(&t->text, "    %s%c%s ", sgr(t, DIM), stream == SANDBOX_STDERR ? '!' : '|', sgr(t, RESET));
	while (len) {
		const char *tab = memchr(line, '\t', len);
		size_t n = tab ? (size_t)(tab - line) : len;

		printable_add(&t->text, line, n);
		if (tab) {
			strbuf_addstr(&t->text, "    ");
			n++;
		}
		line += n;
		len -= n;
	}
	if (cut)
		strbuf_addf(&t->text, "%s … %zu more bytes%s", sgr(t, DIM), cut, sgr(t, RESET));
	strbuf_addch(&t->text, '\n');
}

static void flush_partial(struct terminal *t, enum sandbox_stream stream)
{
	struct partial *p = &t->partial[stream];
	size_t len = p->text.len;
	uint32_t c;

	/* do not end in half a character */
	for (size_t back = 1; p->cut && back <= 3 && back <= len; back++) {
		const char *s = p->text.buf + len - back;

		if ((*s & 0xc0) == 0xc0 && utf8_decode(s, back, &c) == 1) {
			p->cut += back;
			len -= back;
			break;
		}
	}
	show_line(t, stream, p->text.buf, len, p->cut);
	strbuf_clear(&p->text);
	p->cut = 0;
}

static void add_partial(struct partial *p, const char *data, size_t len)
{
	size_t room = TERMINAL_LINE_BYTES - p->text.len;
	size_t n = len < room ? len : room;

	strbuf_add(&p->text, data, n);
	p->cut += len - n;
}

static void add_output(struct terminal *t, enum sandbox_stream stream, const char *data, size_t len)
{
	while (len) {
		const char *newline = memchr(data, '\n', len);
		size_t n = newline ? (size_t)(newline - data) : len;

		add_partial(&t->partial[stream], data, n);
		if (newline) {
			flush_partial(t, stream);
			n++;
		}
		data += n;
		len -= n;
	}
}

static void end_output(struct terminal *t)
{
	for (int i = 0; i < 2; i++)
		if (t->partial[i].text.len || t->partial[i].cut)
			flush_partial(t, (enum sandbox_stream)i);
	if (t->hidden)
		strbuf_addf(&t->text, "    %s… %lu more lines (-v shows all, --save-logs keeps them)%s\n", sgr(t, DIM), t->hidden,
			    sgr(t, RESET));
	t->shown = t->hidden = 0;
}

/* With --quiet nothing was shown as it came: the end of what a failed step said, from its capture. */
static void show_tail(struct terminal *t, const struct captured *c, enum sandbox_stream stream)
{
	const char *text = c->tail_len ? c->tail : c->text;
	size_t len = c->tail_len ? c->tail_len : c->len;
	const char *start = text + len;
	unsigned int lines = 0;

	while (start > text && !(start[-1] == '\n' && start != text + len && ++lines == QUIET_TAIL_LINES))
		start--;
	if (len)
		add_output(t, stream, start, (size_t)(text + len - start));
	end_output(t);
}

/* ---- events */

static void add_label(const struct terminal *t, const struct step_result *step, struct strbuf *out)
{
	unsigned int total = 0;

	for (size_t i = 0; t->result && i < t->result->steps_len; i++)
		total += t->result->steps[i].plan->phase == step->plan->phase;
	strbuf_addf(out, "%s %u/%u: ", step->plan->phase == PHASE_MAIN ? "Step" : "Rollback step", step->plan->number, total);
	printable_addstr(out, step->plan->title);
}

static void on_run_start(struct terminal *t, const struct event *e)
{
	const struct plan *plan = e->result->plan;
	const struct wpk *wpk = decision_wpk(plan->decision);

	t->result = e->result;
	if (t->opt.verbosity < 0)
		return;
	strbuf_addf(&t->text, "sandbox_runner " SANDBOX_RUNNER_VERSION " · %s", sgr(t, BOLD));
	printable_addstr(&t->text, wpk->name);
	strbuf_addch(&t->text, ' ');
	printable_addstr(&t->text, wpk->version);
	strbuf_addf(&t->text, "%s · %s, profile %s%s\n", sgr(t, RESET), plan->where, plan->profile->name,
		    decision_approval_required(plan->decision) ? " · in production it needs an approval" : "");
}

static void on_warning(struct terminal *t, const struct event *e)
{
	if (t->opt.verbosity >= 0)
		message("warning", "%s", e->text);
}

static void on_create(struct terminal *t, const struct event *e)
{
	autostrbuf struct strbuf what = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&what, "Creating sandbox %s", e->ref->id);
	begin(t, &what);
}

static void on_progress(struct terminal *t, const struct event *e)
{
	if (t->opt.verbosity < 0)
		return;
	fresh_line(t);
	strbuf_addstr(&t->text, "    ");
	utf8_escape(&t->text, e->text, strlen(e->text));
	strbuf_addch(&t->text, '\n');
}

static void on_ready(struct terminal *t, const struct event *e)
{
	if (t->opt.verbosity < 0) {
		strbuf_clear(&t->pending);
		return;
	}
	end(t);
	strbuf_addstr(&t->text, "ready");
	add_duration(t, e->result->setup_ns);
	strbuf_addch(&t->text, '\n');
}

/* The sandbox that was begun did not become ready: what comes next shows it. */
static void note_failed_create(struct terminal *t)
{
	if (!t->pending.len || strncmp(t->pending.buf, "Creating", 8))
		return;
	end(t);
	strbuf_addf(&t->text, "%sfailed%s\n", sgr(t, RED), sgr(t, RESET));
}

static void on_step_start(struct terminal *t, const struct event *e)
{
	autostrbuf struct strbuf what = STRBUF_INIT(STRBUF_NO_MAX);

	add_label(t, e->step, &what);
	begin(t, &what);
}

static void on_step_output(struct terminal *t, const struct event *e)
{
	if (t->opt.verbosity >= 0)
		add_output(t, e->stream, e->data, e->len);
}

static void on_step_usage(struct terminal *t, const struct event *e)
{
	strbuf_clear(&t->usage);
	usage_now_print(e->usage, &t->usage);
}

static void on_step_retry(struct terminal *t, const struct event *e)
{
	end_output(t);
	if (t->opt.verbosity < 0)
		return;
	end(t);
	strbuf_addf(&t->text, "%sattempt %u failed%s: ", sgr(t, YELLOW), e->attempt, sgr(t, RESET));
	printable_addstr(&t->text, e->text ? e->text : "");
	strbuf_addstr(&t->text, "; next in ");
	duration_format(&t->text, e->wait_ns);
	strbuf_addch(&t->text, '\n');
}

static const struct { const char *word, *color; } status_words[] = {
	[STEP_PASSED] = { "OK", GREEN },
	[STEP_FAILED] = { "FAILED", RED },
	[STEP_TIMED_OUT] = { "TIMED OUT", RED },
	[STEP_LIMIT] = { "LIMIT HIT", RED },
	[STEP_CANCELLED] = { "CANCELLED", YELLOW },
	[STEP_NOT_EXECUTED] = { "", YELLOW },
};

static void on_step_end(struct terminal *t, const struct event *e)
{
	const struct step_result *step = e->step;
	bool executed = step->status != STEP_NOT_EXECUTED;
	bool failed = executed && step->status != STEP_PASSED;

	bool idle_rollback = step->plan->phase == PHASE_ROLLBACK && !executed && t->result && !t->result->rolled_back;

	note_failed_create(t);
	end_output(t);
	strbuf_clear(&t->usage);
	if ((t->opt.verbosity < 0 && !failed) || (t->opt.verbosity < 1 && idle_rollback)) {
		strbuf_clear(&t->pending);
		return;
	}
	if (!t->pending.len)
		add_label(t, step, &t->pending);
	end(t);
	strbuf_addf(&t->text, "%s%s%s", sgr(t, status_words[step->status].color),
		    executed ? status_words[step->status].word : step_mode_to_string(step->mode), sgr(t, RESET));
	if (step->reason) {
		strbuf_addstr(&t->text, executed ? ": " : " (");
		printable_addstr(&t->text, step->reason);
		strbuf_addstr(&t->text, executed ? "" : ")");
	}
	if (executed)
		add_cost(t, step);
	strbuf_addch(&t->text, '\n');
	observation_print(step->observation, &(struct observation_style){
		.redactor = t->result ? t->result->redactor : NULL, .color = t->opt.color, .most = SEEN_LINES,
		.processes = t->opt.verbosity > 0, .usage = true,
	}, &t->text);
	if (t->opt.verbosity >= 0)
		object_effects_print(&step->objects, 4, t->opt.verbosity > 0 ? EFFECT_LINES_VERBOSE : EFFECT_LINES, t->opt.color, &t->text);
	if (t->opt.verbosity >= 0)
		effects_print(&step->effects, &(struct effects_print){
			.title = "files", .indent = 4, .max = t->opt.verbosity > 0 ? EFFECT_LINES_VERBOSE : EFFECT_LINES,
			.color = t->opt.color, .diff = true, .tmp = t->opt.verbosity > 0, .redactor = t->result ? t->result->redactor : NULL }, &t->text);
	else
		for (int i = 0; i < 2; i++)
			show_tail(t, &step->out[i], (enum sandbox_stream)i);
}

static void on_rollback(struct terminal *t, const struct event *e)
{
	if (t->opt.verbosity < 0)
		return;
	strbuf_addstr(&t->text, "Rolling back");
	if (e->text) {
		strbuf_addstr(&t->text, ": ");
		printable_addstr(&t->text, e->text);
	}
	strbuf_addch(&t->text, '\n');
}

static void on_cleanup(struct terminal *t, const struct event *e)
{
	autostrbuf struct strbuf what = STRBUF_INIT(STRBUF_NO_MAX);

	(void)e;
	note_failed_create(t);
	strbuf_addstr(&what, "Cleaning up");
	begin(t, &what);
}

static void on_cleanup_item(struct terminal *t, const struct event *e)
{
	t->left += !e->item->gone;
}

static void on_verdict(struct terminal *t, const struct event *e)
{
	const struct result *r = e->result;

	if (t->opt.verbosity < 0) {
		strbuf_addf(&t->text, "Verdict: %s", run_verdict_to_string(r->verdict));
		if (r->verdict_reason) {
			strbuf_addstr(&t->text, ": ");
			printable_addstr(&t->text, r->verdict_reason);
		}
		strbuf_addch(&t->text, '\n');
		strbuf_clear(&t->pending);
		return;
	}
	if (result_is_kept(r)) {
		result_print(r, t->opt.verbosity > 0, t->opt.color, &t->text);
		return;
	}
	end(t);
	if (r->cleanup_complete)
		strbuf_addf(&t->text, "nothing left");
	else
		strbuf_addf(&t->text, "%s%zu thing%s left%s", sgr(t, RED), t->left, t->left == 1 ? "" : "s", sgr(t, RESET));
	add_duration(t, r->cleanup_ns);
	strbuf_addch(&t->text, '\n');
	result_print(r, t->opt.verbosity > 0, t->opt.color, &t->text);
}

/* What has been put together leaves. */
static void speak(struct terminal *t)
{
	if (t->text.len && t->opt.out) {
		progress_erase(t);
		output_write(t->opt.out, t->text.buf, t->text.len);
		t->spoken_ns = clock_monotonic_ns();
	}
	strbuf_clear(&t->text);
}

static void terminal_on_event(struct event_sink *sink, const struct event *e)
{
	static void (*const handlers[])(struct terminal *t, const struct event *e) = {
		[EVENT_RUN_START] = on_run_start,	[EVENT_WARNING] = on_warning,
		[EVENT_SANDBOX_CREATE] = on_create,	[EVENT_SANDBOX_READY] = on_ready,
		[EVENT_SANDBOX_PROGRESS] = on_progress,
		[EVENT_STEP_START] = on_step_start,	[EVENT_STEP_OUTPUT] = on_step_output,
		[EVENT_STEP_SEEN] = NULL,		[EVENT_STEP_USAGE] = on_step_usage,
		[EVENT_STEP_RETRY] = on_step_retry,	[EVENT_STEP_END] = on_step_end,
		[EVENT_ROLLBACK_START] = on_rollback,	[EVENT_CLEANUP_START] = on_cleanup,
		[EVENT_CLEANUP_ITEM] = on_cleanup_item,	[EVENT_VERDICT] = on_verdict,
	};
	struct terminal *t = (struct terminal *)sink;

	if (e->type == EVENT_WARNING)
		progress_erase(t);
	if ((size_t)e->type < ARRAY_SIZE(handlers) && handlers[e->type])
		handlers[e->type](t, e);
	speak(t);
	progress_draw(t);
}

static void terminal_on_tick(struct event_sink *sink)
{
	struct terminal *t = (struct terminal *)sink;
	uint64_t now = clock_monotonic_ns();

	progress_draw(t);
	if (t->opt.progress_fd >= 0 || t->opt.verbosity < 0 || !t->pending.len || now - t->spoken_ns < HEARTBEAT_NS)
		return;
	fresh_line(t);
	strbuf_addstr(&t->text, "    … still running");
	add_duration(t, (now - t->pending_since_ns) / NS_PER_SEC * NS_PER_SEC);
	if (t->usage.len)
		strbuf_addf(&t->text, ": %s", t->usage.buf);
	strbuf_addch(&t->text, '\n');
	speak(t);
}

static void terminal_close(struct event_sink *sink)
{
	struct terminal *t = (struct terminal *)sink;

	progress_erase(t);
	for (int i = 0; i < 2; i++)
		strbuf_release(&t->partial[i].text);
	strbuf_release(&t->text);
	strbuf_release(&t->pending);
	strbuf_release(&t->usage);
	free(t);
}

struct event_sink *sink_terminal_new(const struct terminal_options *options)
{
	struct terminal *t = xcalloc(1, sizeof(*t));

	t->base = (struct event_sink){ .on_event = terminal_on_event, .on_tick = terminal_on_tick, .close = terminal_close };
	t->opt = *options;
	strbuf_init(&t->text, STRBUF_NO_MAX);
	strbuf_init(&t->pending, STRBUF_NO_MAX);
	strbuf_init(&t->usage, STRBUF_NO_MAX);
	for (int i = 0; i < 2; i++)
		strbuf_init(&t->partial[i].text, STRBUF_NO_MAX);
	return &t->base;
}
