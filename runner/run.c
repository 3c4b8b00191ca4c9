/* SPDX-License-Identifier: Apache-2.0
 * run: the order of things that makes the clean-up promise hold:
 *
 *	journal (locked) > reaper > intent on disk > sandbox > files > steps > rollback > destroy > gone > scratch removed > verdict
 *
 * From the intent on every way out goes through finish(). Nothing here unwinds what a backend made: sandbox_destroy() does. */
#include "runner/run.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "runner/base/mem.h"
#include "runner/cluster_run.h"
#include "runner/files.h"
#include "runner/image_step.h"
#include "runner/reaper.h"
#include "runner/step.h"

#define AFTERWARDS_NS (600 * NS_PER_SEC)	/* looking at many large files on a busy machine, saving what was made, cleaning up */

struct run {
	const struct plan *plan;
	const struct run_options *options;
	struct events *events;
	struct result *result;
	struct journal *journal;
	struct reaper reaper;
	struct sandbox *sandbox;
	struct effects_tracker *effects;
	struct cluster_run cluster;
	uint64_t waited_ns;		/* for other runs */
	struct { bool done; size_t first, end; } meanwhile;	/* its warnings */
};

static void emit(struct run *run, struct event event)
{
	event.result = run->result;
	event_emit(run->events, &event);
}

/* ---- before the steps */

static int check_required(const struct run *run, struct error *err)
{
	for (int i = 0; i < CONTROL_COUNT; i++) {
		const struct control *c = &run->result->controls.items[i];
		bool named = run->options->require && run->options->require[i];
		bool wanted = named || (run->options->require_all && c->state != CONTROL_NOT_REQUESTED);

		if (!wanted || c->state == CONTROL_ENFORCED)
			continue;
		if (c->state == CONTROL_NOT_REQUESTED)
			return error_set(err, ERR_UNAVAILABLE, "control '%s' is required but nothing was asked of it; give it a limit",
					 control_name((enum control_id)i));
		return error_set(err, ERR_UNAVAILABLE, "control '%s' is required but %s here%s%s", control_name((enum control_id)i),
				 control_state_to_string(c->state), c->detail[0] ? ": " : "", c->detail);
	}
	return 0;
}

static bool on_progress(void *arg, const char *line)
{
	struct run *run = arg;

	if (line)
		emit(run, (struct event){ .type = EVENT_SANDBOX_PROGRESS, .text = line });
	else
		events_tick(run->events);
	return !run->options->cancel || !cancel_requested(run->options->cancel);
}

uint64_t run_life_ns(const struct cancel *cancel, uint64_t keep_ns)
{
	const uint64_t deadline = cancel ? cancel_deadline_ns(cancel) : CLOCK_NEVER, now = clock_monotonic_ns();

	if (deadline == CLOCK_NEVER)
		return 0;
	return (deadline > now ? deadline - now : 0) + AFTERWARDS_NS + keep_ns;
}

static void warn(struct run *run, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		emit(run, (struct event){ .type = EVENT_WARNING, .text = run->result->warnings.items[i] });
}

static void meanwhile(void *arg)
{
	struct run *run = arg;

	if (!run->options->meanwhile || run->meanwhile.done)
		return;
	run->meanwhile.done = true;
	run->meanwhile.first = run->result->warnings.len;
	run->options->meanwhile(run->options->meanwhile_arg, &run->result->warnings);
	run->meanwhile.end = run->result->warnings.len;
}

static int create_sandbox(struct run *run, struct error *err)
{
	autofree char *state = journal_state(run->journal);
	const char *const masks[] = { state, NULL };	/* our own state must not show, wherever it lies */
	struct sandbox_spec spec = run->plan->spec;
	const char *scratch = journal_scratch(run->journal);
	struct sandbox_ref ref = { 0 };
	uint64_t started = clock_monotonic_ns();

	spec.masks = masks;
	spec.progress = on_progress;
	spec.progress_arg = run;
	spec.meanwhile = meanwhile;
	spec.life_ns = run_life_ns(run->options->cancel, run->options->keep ? run->options->keep_ns : 0);
	snprintf(ref.backend, sizeof(ref.backend), "%s", run->plan->runtime);
	snprintf(ref.id, sizeof(ref.id), "%s", run->result->run_id);
	if (snprintf(ref.endpoint, sizeof(ref.endpoint), "%s", scratch) >= (int)sizeof(ref.endpoint))
		return error_set(err, ERR_UNAVAILABLE, "the path of the state folder is too long (more than %zu bytes); use --state-dir",
				 sizeof(ref.endpoint) - 1);
	if (reaper_follow(run->options->reaper ? run->options->reaper : &run->reaper, run->journal, err) < 0 || journal_intent(run->journal, &ref, err) < 0)
		return -1;
	emit(run, (struct event){ .type = EVENT_SANDBOX_CREATE, .ref = &ref });
	run->cluster = (struct cluster_run){ .plan = run->plan, .options = run->options, .events = run->events, .result = run->result,
					     .none = K8S_FIXTURES_EMPTY };
	cluster_run_prepare(&run->cluster, &spec);
	if (sandbox_create(&ref, &spec, &run->sandbox, &run->result->controls, err) < 0)
		return error_prefix(err, "creating the sandbox");
	run->result->setup_ns = clock_monotonic_ns() - started;
	run->result->image = xstrdup_or_null(sandbox_image(run->sandbox));
	emit(run, (struct event){ .type = EVENT_SANDBOX_READY, .ref = &ref });
	if (check_required(run, err) < 0)
		return -1;
	for (size_t i = 0; i < run->options->files_len; i++)
		if (files_put(run->sandbox, &run->options->files[i], err) < 0)
			return -1;
	run->cluster.sandbox = run->sandbox;
	return cluster_run_begin(&run->cluster, err);
}

/* ---- the steps */

static void skip(struct run *run, struct step_result *step, const char *reason)
{
	step->mode = STEP_MODE_SKIPPED;
	step->status = STEP_NOT_EXECUTED;
	free(step->reason);
	step->reason = xstrdup(reason);
	emit(run, (struct event){ .type = EVENT_STEP_END, .step = step });
}

static bool is_failure(const struct step_result *step)
{
	return step->status != STEP_PASSED && step->status != STEP_NOT_EXECUTED;
}

static bool is_observed(const struct run *run)
{
	return run->result->controls.items[CONTROL_OBSERVATION].state == CONTROL_ENFORCED;
}

/* A container step has a sandbox of its own, made of its image. That it cannot be had is the step's failure, not the run's. */
static int run_image_step(struct run *run, struct step_result *step, struct error *err)
{
	const struct image_run context = {
		.plan = run->plan, .parameters = run->options->parameters, .cancel = run->options->cancel, .events = run->events,
		.journal = run->journal, .result = run->result, .files = run->options->files, .files_len = run->options->files_len,
		.diff = run->options->diff, .monitor = run->options->monitor,
	};

	image_step_run(&context, step);
	return check_required(run, err);
}

static int run_one(struct run *run, const struct step_context *ctx, struct step_result *step, struct error *err)
{
	if (cluster_run_takes(&run->cluster, step))
		return cluster_run_step(&run->cluster, step, err);
	return step->plan->step->kind == WPK_STEP_CONTAINER ? run_image_step(run, step, err) : step_run(ctx, step, err);
}

/* Run the steps of a phase in order; after the first failure the rest is skipped. Returns that step, or NULL. -1 in *fatal: the
 * sandbox cannot be used any more. */
static struct step_result *run_phase(struct run *run, enum step_phase phase, int *fatal, struct error *err)
{
	const struct step_context ctx = { .plan = run->plan, .parameters = run->options->parameters, .sandbox = run->sandbox,
					  .cancel = run->options->cancel, .events = run->events,
					  .observed = is_observed(run), .monitor = run->options->monitor,
					  .effects = run->effects, .objects = run->cluster.objects,
					  .beat = cluster_run_look, .beat_arg = &run->cluster };
	struct step_result *failed = NULL;

	for (size_t i = 0; i < run->result->steps_len; i++) {
		struct step_result *step = &run->result->steps[i];

		if (step->plan->phase != phase)
			continue;
		if (failed) {
			skip(run, step, "an earlier step did not pass");
		} else if (run->options->cancel && cancel_requested(run->options->cancel)) {
			skip(run, step, cancel_signal(run->options->cancel) ? "the run was cancelled" : "the run deadline was reached");
		} else if (step->plan->mode == STEP_MODE_EXECUTED) {
			*fatal = run_one(run, &ctx, step, err);
			cluster_run_look(&run->cluster);
			if (is_failure(step))
				failed = step;
		} else {
			step->mode = step->plan->mode;
			step->reason = xstrdup_or_null(step->plan->reason);
			emit(run, (struct event){ .type = EVENT_STEP_END, .step = step });
		}
	}
	return failed;
}

static void skip_rollback(struct run *run, const char *reason)
{
	for (size_t i = 0; i < run->result->steps_len; i++)
		if (run->result->steps[i].plan->phase == PHASE_ROLLBACK)
			skip(run, &run->result->steps[i], reason);
}

static void start_effects(struct run *run)
{
	const struct effects_options options = {
		.system = run->plan->spec.writable_root, .diff = run->options->diff, .scratch = journal_scratch(run->journal),
		.empty = sandbox_starts_empty(run->sandbox) && !run->options->files_len && !run->plan->spec.writable_root,
		.redactor = run->result->redactor,
	};

	for (size_t i = 0; i < run->result->steps_len && !run->effects && !run->plan->cluster; i++)
		if (run->result->steps[i].plan->mode == STEP_MODE_EXECUTED)
			run->effects = effects_start(run->sandbox, &options);
}

static void save_artifacts(struct run *run)
{
	static const struct artifacts_limits limits = ARTIFACTS_LIMITS;
	struct artifacts_summary *saved = &run->result->artifacts;

	artifacts_collect(run->options->artifacts, run->sandbox, &run->result->effects, run->result->run_id, &limits, run->options->cancel, saved);
	if (saved->problem)
		strvec_pushf(&run->result->warnings, "not all artifacts were saved (%llu left out): %s", (unsigned long long)saved->left_out,
			     saved->problem);
}

/* Ready, and maybe before its turn. */
static int await_turn(struct run *run, struct error *err)
{
	const struct run_options *o = run->options;
	uint64_t started = clock_monotonic_ns();
	int r;

	if (!o->before_steps)
		return 0;
	if (o->cancel)
		cancel_pause(o->cancel);
	r = o->before_steps(o->steps_arg, err);
	if (o->cancel)
		cancel_resume(o->cancel);
	run->waited_ns = clock_monotonic_ns() - started;
	return r;
}

static void run_steps(struct run *run)
{
	struct result *result = run->result;
	struct error *err = &result->error;
	struct step_result *failed;
	const char *text;
	int fatal = 0;

	start_effects(run);
	failed = run_phase(run, PHASE_MAIN, &fatal, err);
	text = failed && failed->reason ? failed->reason : NULL;
	if (fatal < 0) {
		result->verdict = RUN_ERROR;
		skip_rollback(run, "the sandbox cannot be used any more");
	} else if (!failed) {
		skip_rollback(run, "no step failed");
	} else if (failed->status == STEP_CANCELLED) {
		skip_rollback(run, "the run was stopped");
	} else if (failed->exit.end == SANDBOX_LOST) {
		skip_rollback(run, "the sandbox ended");
	} else if (plan_has_rollback(run->plan)) {
		emit(run, (struct event){ .type = EVENT_ROLLBACK_START, .step = failed, .text = text });
		result->rolled_back = true;
		run_phase(run, PHASE_ROLLBACK, &fatal, err);
		if (fatal < 0)
			result->verdict = RUN_ERROR;
	}
	cluster_run_end(&run->cluster, failed != NULL);
	if (run->effects)
		effects_of_run(run->effects, &result->effects);
	if (run->options->artifacts)
		save_artifacts(run);
}

/* ---- after the steps */

static void note_cancel(struct run *run)
{
	struct cancel *cancel = run->options->cancel;

	if (!cancel || !cancel_requested(cancel) || run->result->verdict == RUN_ERROR)
		return;
	run->result->signal = cancel_signal(cancel);
	run->result->verdict = run->result->signal ? RUN_CANCELLED : RUN_DEADLINE;
}

/* Only what can still be used is worth keeping, and only for who has not just asked to stop. */
static bool shall_keep(const struct run *run)
{
	const struct result *r = run->result;
	bool good = r->verdict == RUN_VERIFIED || r->verdict == RUN_PARTIAL || r->verdict == RUN_NOTHING_EXECUTED;

	for (size_t i = 0; i < r->steps_len; i++)
		if (r->steps[i].exit.end == SANDBOX_LOST)
			return false;
	return run->sandbox && run->options->keep && r->verdict != RUN_ERROR && r->verdict != RUN_CANCELLED &&
	       (run->options->keep == RUN_KEEP_ALWAYS || !good);
}

/* It is handed over as it stands. That its time is not written down is no reason to end it. */
static bool keep(struct run *run)
{
	struct result *result = run->result;
	struct kept_run kept = KEPT_RUN_INIT;
	uint64_t until = clock_realtime_ns() + run->options->keep_ns;
	struct error err = { 0 };

	kept.journal = run->journal;
	if (keep_open(&kept, &err) < 0) {
		strvec_pushf(&result->warnings, "the sandbox cannot be kept: %s", err.text);
		return false;
	}
	kept.sandbox = run->sandbox;
	kept.reaper = run->reaper;
	result->kept_until_ns = until;
	if (journal_kept(run->journal, until, &err) < 0)
		strvec_pushf(&result->warnings, "'ps' cannot tell that the sandbox is kept: %s", err.text);
	*run->options->kept = kept;
	return true;
}

/* Destroy, tell, decide. The clean-up itself cannot be cancelled: a second signal only shortens what is polite. */
static void finish(struct run *run)
{
	struct result *result = run->result;
	uint64_t started = clock_monotonic_ns();
	struct error err = { 0 };

	effects_tracker_free(run->effects);
	note_cancel(run);
	if (run->options->cancel)
		cancel_acknowledge(run->options->cancel);
	result->ended_ns = clock_realtime_ns();
	result_decide(result);
	if (shall_keep(run) && keep(run)) {
		emit(run, (struct event){ .type = EVENT_VERDICT });
		return;
	}
	emit(run, (struct event){ .type = EVENT_CLEANUP_START });
	sandbox_close(run->sandbox);
	run->sandbox = NULL;
	result->cleanup_complete = journal_finish(run->journal, &result->cleanup, &err) == 0;
	run->journal = NULL;
	if (!result->cleanup_complete)
		strvec_pushf(&result->warnings, "clean-up is not complete: %s; run 'sandbox_runner gc'", err.text);
	reaper_dismiss(&run->reaper);
	for (size_t i = 0; i < result->cleanup.len; i++)
		emit(run, (struct event){ .type = EVENT_CLEANUP_ITEM, .item = &result->cleanup.items[i] });
	result->cleanup_ns = clock_monotonic_ns() - started;
	result->ended_ns = clock_realtime_ns();
	emit(run, (struct event){ .type = EVENT_VERDICT });
	fault_write_count();
}

/* Without a sandbox. Being asked to stop while it was made is no failure of it: note_cancel() says what it is. */
static void skip_all(struct run *run)
{
	struct result *result = run->result;
	const char *reason = "the sandbox could not be provided";

	if (result->error.code == ERR_CANCELLED) {
		result->error = (struct error){ .code = ERR_OK };
		reason = cancel_signal(run->options->cancel) ? "the run was cancelled" : "the run deadline was reached";
	} else {
		result->verdict = RUN_ERROR;
	}
	for (size_t i = 0; i < result->steps_len; i++)
		skip(run, &result->steps[i], reason);
	cluster_run_end(&run->cluster, result->verdict == RUN_ERROR);
}

static void prepare_result(struct run *run)
{
	struct result *result = run->result;

	result->plan = run->plan;
	result->escape_severity = run->options->escape_severity;
	result->started_ns = clock_realtime_ns();
	result->steps_len = run->plan->steps_len;
	result->steps = xcalloc(result->steps_len, sizeof(*result->steps));
	for (size_t i = 0; i < result->steps_len; i++) {
		result->steps[i].plan = &run->plan->steps[i];
		result->steps[i].mode = run->plan->steps[i].mode;
		result->steps[i].status = STEP_NOT_EXECUTED;
	}
}

void run_plan(const struct plan *plan, struct journal *journal, const struct run_options *options,
	      struct events *events, struct result *result)
{
	struct run run = { .plan = plan, .options = options, .events = events, .result = result, .journal = journal,
			   .reaper = { .pid = -1, .pipe_fd = -1 } };
	uint64_t started = clock_monotonic_ns();
	int created;

	prepare_result(&run);
	emit(&run, (struct event){ .type = EVENT_RUN_START });
	warn(&run, 0, result->warnings.len);
	created = create_sandbox(&run, &result->error);
	meanwhile(&run);	/* if nobody had to be waited for */
	warn(&run, run.meanwhile.first, run.meanwhile.end);
	if (created == 0 && await_turn(&run, &result->error) == 0)
		run_steps(&run);
	else
		skip_all(&run);
	if (options->after_steps)
		options->after_steps(options->steps_arg);
	result->duration_ns = clock_monotonic_ns() - started - run.waited_ns;
	finish(&run);
}
