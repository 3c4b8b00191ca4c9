/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/step.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/base/strvec.h"

#define GRACE_NS (3 * NS_PER_SEC)	/* between SIGTERM and SIGKILL */
#define BACKOFF_MAX_NS (UINT64_C(3600) * NS_PER_SEC)

/* ---- capture: the head and the tail of a stream, in flat memory */

struct capture {
	struct redact_stream redact;
	struct strbuf head;	/* the first CAPTURE_MAX bytes */
	struct strbuf rest;	/* what follows; only its end is kept */
	bool cut;		/* something between head and tail is gone */
};

struct output_arg {
	const struct step_context *ctx;
	struct step_result *step;
	struct capture capture[2];
	struct strbuf clean;	/* scratch: redacted bytes of one chunk */
	unsigned int warned;	/* of resources */
};

static void capture_init(struct capture *c, const struct redactor *redactor)
{
	redact_stream_init(&c->redact, redactor);
	strbuf_init(&c->head, CAPTURE_MAX);
	strbuf_init(&c->rest, 64 * CAPTURE_TAIL);
	c->cut = false;
}

static void capture_add(struct capture *c, const char *data, size_t len)
{
	size_t first = CAPTURE_MAX - c->head.len;

	if (first > len)
		first = len;
	strbuf_add(&c->head, data, first);
	data += first;
	len -= first;
	if (len > CAPTURE_TAIL) {
		data += len - CAPTURE_TAIL;
		len = CAPTURE_TAIL;
		c->cut = true;
	}
	strbuf_add(&c->rest, data, len);
	if (c->rest.len > 32 * CAPTURE_TAIL) {	/* keep the end; amortised over many chunks */
		memmove(c->rest.buf, c->rest.buf + c->rest.len - CAPTURE_TAIL, CAPTURE_TAIL);
		c->rest.len = CAPTURE_TAIL;
		c->cut = true;
	}
}

static void capture_finish(struct capture *c, uint64_t total_bytes, bool truncated, struct captured *ret)
{
	size_t rest = c->rest.len > CAPTURE_TAIL ? CAPTURE_TAIL : c->rest.len;

	ret->total_bytes = total_bytes;
	ret->truncated = truncated || c->cut || rest < c->rest.len;
	if (ret->truncated && rest) {
		ret->tail = xstrndup(c->rest.buf + c->rest.len - rest, rest);
		ret->tail_len = rest;
	} else {
		c->head.max += CAPTURE_TAIL;
		strbuf_add(&c->head, c->rest.buf, rest);
	}
	ret->len = c->head.len;
	ret->text = strbuf_detach(&c->head);
	strbuf_release(&c->rest);
}

static void pass_on(struct output_arg *arg, enum sandbox_stream stream)
{
	if (!arg->clean.len)
		return;
	capture_add(&arg->capture[stream], arg->clean.buf, arg->clean.len);
	event_emit(arg->ctx->events, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = arg->step, .stream = stream,
						      .data = arg->clean.buf, .len = arg->clean.len });
	strbuf_clear(&arg->clean);
}

static void on_output(void *p, enum sandbox_stream stream, const char *data, size_t len)
{
	struct output_arg *arg = p;

	if (!len) {
		events_tick(arg->ctx->events);
		return;
	}
	redact_stream_feed(&arg->capture[stream].redact, data, len, &arg->clean);
	pass_on(arg, stream);
}

static void captured_release(struct captured *c)
{
	free(c->text);
	free(c->tail);
	*c = (struct captured){ 0 };
}

/* ---- what it was seen to do */

static void on_seen(void *p, const struct sandbox_event *event)
{
	struct output_arg *arg = p;
	const struct thing_seen *thing = observation_add(arg->step->observation, event);

	if (thing)
		event_emit(arg->ctx->events, &(struct event){ .type = EVENT_STEP_SEEN, .step = arg->step, .thing = thing });
}

/* Once a step for each resource; what was warned of is in *warned. */
static void warn_scarce(const struct output_arg *arg, const struct usage_series *s, unsigned int *warned)
{
	const struct sandbox_limits *l = &arg->ctx->plan->spec.limits;
	const struct { const char *what; uint64_t used, limit; } rows[] = {
		{ "memory", s->now.memory_bytes, l->memory_bytes }, { "cpu", s->now.cpu_millis, l->cpu_millis },
		{ "processes", s->now.pids, l->pids }, { "storage", s->now.storage_bytes, l->storage_bytes + l->tmp_bytes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *text = NULL;
		uint64_t percent;

		if (!rows[i].limit || (*warned & 1u << i))
			continue;
		percent = rows[i].used * 100 / rows[i].limit;
		if (percent <= USAGE_SCARCE_PERCENT)
			continue;
		*warned |= 1u << i;
		text = xasprintf("step %u '%s' uses %llu %% of its %s", arg->step->plan->number, arg->step->plan->title,
				 (unsigned long long)percent, rows[i].what);
		event_emit(arg->ctx->events, &(struct event){ .type = EVENT_WARNING, .text = text });
	}
}

static void on_sample(void *p, const struct sandbox_usage *usage)
{
	struct output_arg *arg = p;
	struct usage_series *s = &arg->step->observation->usage;

	usage_series_add(s, usage, clock_monotonic_ns());
	if (!arg->ctx->monitor)
		return;
	event_emit(arg->ctx->events, &(struct event){ .type = EVENT_STEP_USAGE, .step = arg->step, .usage = s });
	warn_scarce(arg, s, &arg->warned);
}

/* ---- the command */

/* A secret goes only to scripts that name it; other parameters to every script. */
static bool script_wants(const struct parameter *p, const char *script)
{
	return !p->secret || strstr(script, p->name);
}

void step_environment(const struct parameters *parameters, const char *script, bool fake_root, struct strvec *env)
{
	static const char *const fixed[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ("PWD=" SANDBOX_WORKDIR), "TMPDIR=/tmp", "SHELL=/bin/sh",
		"LANG=C.UTF-8",
	};
	static const char *const who[2][3] = {
		{ ("HOME=" SANDBOX_WORKDIR), "USER=sandbox", "LOGNAME=sandbox" }, { "HOME=/root", "USER=root", "LOGNAME=root" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strvec_push(env, fixed[i]);
	for (size_t i = 0; i < ARRAY_SIZE(who[0]); i++)
		strvec_push(env, who[fake_root][i]);
	for (size_t i = 0; parameters && i < parameters->len; i++) {
		const struct parameter *p = &parameters->items[i];

		/* later ones win: skip what is given again further on */
		if (parameters_find(parameters, p->name) == p && script_wants(p, script))
			strvec_pushf(env, "%s=%s", p->name, p->value);
	}
}

/* A script may name its shell on a first line `#!`; everything else is for /bin/sh. */
static void fill_argv(const char *script, struct strvec *argv)
{
	size_t line = strcspn(script, "\n");
	bool bash = !strncmp(script, "#!", 2) && memmem(script, line, "bash", 4);

	strvec_push(argv, bash ? "bash" : "/bin/sh");
	strvec_push(argv, "-c");
	strvec_push(argv, script);
}

/* A second signal: whoever sends it does not want to wait for the grace. */
static bool is_impatient(void *cancel)
{
	return cancel_requested(cancel) && cancel_count(cancel) > 1;
}

static void begin_observation(const struct step_context *ctx, struct step_result *step)
{
	struct sandbox_usage usage;

	step->observation = observation_new(ctx->observed);
	sandbox_usage(ctx->sandbox, &usage);
	usage_series_begin(&step->observation->usage, &usage, clock_monotonic_ns());
}

static int attempt(const struct step_context *ctx, struct step_result *step, struct error *err)
{
	const struct step_command *own = ctx->command;
	struct output_arg arg = { .ctx = ctx, .step = step };
	autostrvec struct strvec argv = STRVEC_INIT;
	autostrvec struct strvec env = STRVEC_INIT;
	struct sandbox_command command;
	int r;

	if (!own) {
		const char *script = step->plan->step->command->text;

		fill_argv(script, &argv);
		step_environment(ctx->parameters, script, ctx->plan->spec.writable_root, &env);
	}
	strbuf_init(&arg.clean, STRBUF_NO_MAX);
	for (int i = 0; i < 2; i++) {
		capture_init(&arg.capture[i], ctx->parameters ? ctx->parameters->redactor : NULL);
		captured_release(&step->out[i]);
	}
	command = (struct sandbox_command){
		.argv = (const char *const *)(own ? own->argv : &argv)->items,
		.env = (const char *const *)(own ? own->env : &env)->items,
		.timeout_ns = step->plan->handler->timeout_ns,
		.grace_ns = GRACE_NS,
		.cancel_fd = ctx->cancel ? cancel_fd(ctx->cancel) : -1,
		.hurry = ctx->cancel ? is_impatient : NULL,
		.hurry_arg = ctx->cancel,
		.output = on_output,
		.output_arg = &arg,
		.observer = ctx->observed ? on_seen : NULL,
		.observer_arg = &arg,
		.sampler = on_sample,
		.sampler_arg = &arg,
		.sample_ns = USAGE_INTERVAL_NS,
	};
	memset(&step->exit, 0, sizeof(step->exit));
	if (!step->observation)
		begin_observation(ctx, step);
	r = sandbox_exec(ctx->sandbox, &command, &step->exit, err);
	for (int i = 0; i < 2; i++) {
		redact_stream_end(&arg.capture[i].redact, &arg.clean);
		pass_on(&arg, (enum sandbox_stream)i);
		capture_finish(&arg.capture[i], step->exit.output_bytes[i], step->exit.output_truncated, &step->out[i]);
	}
	strbuf_release(&arg.clean);
	return r;
}

/* ---- judgement */

static void set_reason(struct step_result *step, enum step_status status, const char *limit, char *reason)
{
	step->status = status;
	step->limit = limit;
	free(step->reason);
	step->reason = reason;
}

/* Shells report a child killed by signal n as exit status 128 + n. */
static bool ended_by(const struct sandbox_exit *e, int signal)
{
	return (e->end == SANDBOX_SIGNALED && e->status == signal) || (e->end == SANDBOX_EXITED && e->status == 128 + signal);
}

static const char *limit_of(const struct sandbox_exit *e, const struct sandbox_limits *limits)
{
	if (e->end == SANDBOX_OUT_OF_MEMORY)
		return "memory";
	if (ended_by(e, SIGXCPU) ||
	    (limits->cpu_time_ns && ended_by(e, SIGKILL) && e->cpu_ns >= limits->cpu_time_ns))
		return "cpu_time";
	if (ended_by(e, SIGXFSZ))
		return "fsize";
	if (e->pids_limit_hit)
		return "pids";
	if (e->storage_limit_hit)
		return "storage";
	if (e->output_truncated)
		return "output";
	return NULL;
}

static char *timeout_sentence(uint64_t timeout_ns)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(&sb, "did not end within its timeout of ");
	duration_format(&sb, timeout_ns);
	return strbuf_detach(&sb);
}

static char *exit_sentence(const struct sandbox_exit *e)
{
	if (e->end == SANDBOX_SIGNALED)
		return xasprintf("killed by signal %d (%s)", e->status, strsignal(e->status));
	if (e->status == 127)
		return xstrdup("exit status 127: command not found");
	if (e->status == 126)
		return xstrdup("exit status 126: command cannot be executed");
	return xasprintf("exit status %d", e->status);
}

static void judge(const struct step_context *ctx, struct step_result *step)
{
	static const struct { const char *limit, *sentence; } sentences[] = {
		{ "memory", "ran out of memory" },
		{ "cpu_time", "used up its cpu time" },
		{ "fsize", "wrote a file larger than allowed" },
		{ "pids", "was refused a process: the process limit was reached" },
		{ "storage", "filled its storage" },
		{ "output", "wrote more output than allowed; the rest was counted, not kept" },
	};
	const struct sandbox_exit *e = &step->exit;
	const char *limit = limit_of(e, &ctx->plan->spec.limits);

	if (e->end == SANDBOX_CANCELLED) {
		set_reason(step, STEP_CANCELLED, NULL, xstrdup(cancel_signal(ctx->cancel) ? "cancelled by a signal" : "stopped at the run deadline"));
	} else if (e->end == SANDBOX_TIMED_OUT) {
		char *sentence = timeout_sentence(step->plan->handler->timeout_ns);

		if (e->pids_limit_hit) {	/* a fork bomb does not end by itself: the limit is what it was */
			set_reason(step, STEP_LIMIT, "pids", xasprintf("was refused a process: the process limit was reached, and it %s", sentence));
			free(sentence);
		} else {
			set_reason(step, STEP_TIMED_OUT, NULL, sentence);
		}
	} else if (limit) {
		for (size_t i = 0; i < ARRAY_SIZE(sentences); i++)
			if (!strcmp(sentences[i].limit, limit))
				set_reason(step, STEP_LIMIT, sentences[i].limit, xstrdup(sentences[i].sentence));
	} else if (e->end == SANDBOX_LOST) {
		set_reason(step, STEP_FAILED, NULL, xstrdup("the sandbox ended under it"));
	} else if (e->end == SANDBOX_EXITED && e->status == 0) {
		set_reason(step, STEP_PASSED, NULL, NULL);
	} else {
		set_reason(step, STEP_FAILED, NULL, exit_sentence(e));
	}
}

/* false: cancelled while waiting */
static bool wait_before_retry(const struct step_context *ctx, uint64_t wait_ns)
{
	struct pollfd pfd = { .fd = ctx->cancel ? cancel_fd(ctx->cancel) : -1, .events = POLLIN };
	uint64_t until = clock_deadline(wait_ns);

	while (clock_monotonic_ns() < until)
		if (poll(&pfd, 1, clock_poll_timeout(until)) > 0)
			return false;
	return true;
}

static uint64_t backoff(const struct wpk_retry *retry, unsigned int failed_attempts)
{
	uint64_t ns = retry->backoff_ns;

	for (unsigned int i = 1; i < failed_attempts && ns < BACKOFF_MAX_NS; i++)
		ns *= 2;
	return ns < BACKOFF_MAX_NS ? ns : BACKOFF_MAX_NS;
}

int step_run(const struct step_context *ctx, struct step_result *step, struct error *err)
{
	const struct wpk_retry *retry = &step->plan->handler->retry;
	uint64_t started = clock_monotonic_ns();
	int r = 0;

	for (;;) {
		uint64_t wait_ns;

		step->attempts++;
		event_emit(ctx->events, &(struct event){ .type = EVENT_STEP_START, .step = step, .attempt = step->attempts });
		r = attempt(ctx, step, err);
		if (r < 0) {
			set_reason(step, STEP_FAILED, NULL, xasprintf("could not be run: %s", err->text));
			break;
		}
		judge(ctx, step);
		if (step->status == STEP_PASSED || step->status == STEP_CANCELLED || step->exit.end == SANDBOX_LOST ||
		    step->attempts >= retry->max_attempts)
			break;
		wait_ns = backoff(retry, step->attempts);
		event_emit(ctx->events, &(struct event){ .type = EVENT_STEP_RETRY, .step = step, .attempt = step->attempts,
							 .text = step->reason, .wait_ns = wait_ns });
		if (!wait_before_retry(ctx, wait_ns)) {
			set_reason(step, STEP_CANCELLED, NULL, xstrdup("cancelled while waiting for the next attempt"));
			break;
		}
	}
	usage_series_end(&step->observation->usage);
	step->duration_ns = clock_monotonic_ns() - started;
	if (ctx->effects)
		effects_after_step(ctx->effects, &step->effects);
	event_emit(ctx->events, &(struct event){ .type = EVENT_STEP_END, .step = step });
	return r;
}
