/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/step.h"

#include <signal.h>
#include <string.h>

#include "runner/attempts.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "runner/output_capture.h"

#define GRACE_NS (3 * NS_PER_SEC)	/* between SIGTERM and SIGKILL */

struct output_arg {
	const struct step_context *ctx;
	struct step_result *step;
	struct output_capture capture[2];
	struct strbuf clean;	/* scratch: redacted bytes of one chunk */
	unsigned int warned;	/* of resources */
};

static void pass_on(struct output_arg *arg, enum sandbox_stream stream)
{
	if (!arg->clean.len)
		return;
	output_capture_add(&arg->capture[stream], arg->clean.buf, arg->clean.len);
	event_emit(arg->ctx->events, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = arg->step, .stream = stream,
						      .data = arg->clean.buf, .len = arg->clean.len });
	strbuf_clear(&arg->clean);
}

static void on_output(void *p, enum sandbox_stream stream, const char *data, size_t len)
{
	struct output_arg *arg = p;

	if (arg->ctx->beat)
		arg->ctx->beat(arg->ctx->beat_arg);
	if (!len) {
		events_tick(arg->ctx->events);
		return;
	}
	redact_stream_feed(&arg->capture[stream].redact, data, len, &arg->clean);
	pass_on(arg, stream);
}

/* ---- what it was seen to do */

static void on_seen(void *p, const struct sandbox_event *event)
{
	struct output_arg *arg = p;
	const struct thing_seen *thing = observation_add(arg->step->observation, event);

	if (thing)
		event_emit(arg->ctx->events, &(struct event){ .type = EVENT_STEP_SEEN, .step = arg->step, .thing = thing });
}

static const struct sandbox_limits *limits_of(const struct step_context *ctx)
{
	return ctx->limits ? ctx->limits : &ctx->plan->spec.limits;
}

/* Once a step for each resource; what was warned of is in *warned. */
static void warn_scarce(const struct output_arg *arg, const struct usage_series *s, unsigned int *warned)
{
	const struct sandbox_limits *l = limits_of(arg->ctx);
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
		output_capture_init(&arg.capture[i], ctx->parameters ? ctx->parameters->redactor : NULL);
		captured_release(&step->out[i]);
	}
	command = (struct sandbox_command){
		.argv = (const char *const *)(own ? own->argv : &argv)->items,
		.env = (const char *const *)(own ? own->env : &env)->items,
		.image = own ? own->image : NULL,
		.dir = own ? own->dir : NULL,
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
		output_capture_finish(&arg.capture[i], step->exit.output_bytes[i], step->exit.output_truncated, &step->out[i]);
	}
	strbuf_release(&arg.clean);
	return r;
}

/* ---- judgement */

/* Shells report a child killed by signal n as exit status 128 + n. */
static bool ended_by(const struct sandbox_exit *e, int signal)
{
	return (e->end == SANDBOX_SIGNALED && e->status == signal) || (e->end == SANDBOX_EXITED && e->status == 128 + signal);
}

const char *step_limit(const struct sandbox_exit *e, const struct sandbox_limits *limits)
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

char *step_exit_sentence(const struct sandbox_exit *e)
{
	if (e->end == SANDBOX_SIGNALED)
		return xasprintf("killed by signal %d (%s)", e->status, strsignal(e->status));
	if (*e->why)
		return xstrdup(e->why);
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
	const char *limit = step_limit(e, limits_of(ctx));

	if (e->end == SANDBOX_CANCELLED) {
		step_conclude(step, STEP_CANCELLED, NULL, xstrdup(cancel_signal(ctx->cancel) ? "cancelled by a signal" : "stopped at the run deadline"));
	} else if (e->end == SANDBOX_TIMED_OUT) {
		char *sentence = step_timeout_sentence(step->plan->handler->timeout_ns);

		if (e->pids_limit_hit) {	/* a fork bomb does not end by itself: the limit is what it was */
			step_conclude(step, STEP_LIMIT, "pids", xasprintf("was refused a process: the process limit was reached, and it %s", sentence));
			free(sentence);
		} else {
			step_conclude(step, STEP_TIMED_OUT, NULL, sentence);
		}
	} else if (limit) {
		for (size_t i = 0; i < ARRAY_SIZE(sentences); i++)
			if (!strcmp(sentences[i].limit, limit))
				step_conclude(step, STEP_LIMIT, sentences[i].limit, xstrdup(sentences[i].sentence));
	} else if (e->end == SANDBOX_LOST) {
		step_conclude(step, STEP_FAILED, NULL, xstrdup("the sandbox ended under it"));
	} else if (e->end == SANDBOX_EXITED && e->status == 0) {
		step_conclude(step, STEP_PASSED, NULL, NULL);
	} else {
		step_conclude(step, STEP_FAILED, NULL, step_exit_sentence(e));
	}
}

static int try_once(void *arg, struct step_result *step, struct error *err)
{
	const struct step_context *ctx = arg;

	if (attempt(ctx, step, err) < 0)
		return -1;
	judge(ctx, step);
	return 0;
}

int step_run(const struct step_context *ctx, struct step_result *step, struct error *err)
{
	struct step_context context = *ctx;
	const struct attempts attempts = { .cancel = ctx->cancel, .events = ctx->events, .once = try_once, .arg = &context };
	int r = attempts_run(&attempts, step, err);

	usage_series_end(&step->observation->usage);
	if (ctx->effects)
		effects_after_step(ctx->effects, &step->effects);
	if (ctx->objects) {
		k8s_tracker_after_step(ctx->objects, &step->objects);
		object_effects_redact(&step->objects, ctx->parameters ? ctx->parameters->redactor : NULL);
	}
	event_emit(ctx->events, &(struct event){ .type = EVENT_STEP_END, .step = step });
	return r;
}
