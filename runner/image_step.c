/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/image_step.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/effects.h"
#include "runner/files.h"
#include "runner/image_command.h"
#include "runner/step.h"

/* The id of the run with the place of the step: a second sandbox of the same run. */
static int make_ref(const struct image_run *run, const struct step_result *step, struct sandbox_ref *ref, struct error *err)
{
	const char *scratch = journal_scratch(run->journal);

	*ref = (struct sandbox_ref){ .backend = "" };
	snprintf(ref->backend, sizeof(ref->backend), "%s", run->plan->image_runtime);
	snprintf(ref->id, sizeof(ref->id), "%s-%s%u", run->result->run_id, step->plan->phase == PHASE_ROLLBACK ? "r" : "s", step->plan->number);
	if (snprintf(ref->endpoint, sizeof(ref->endpoint), "%s", scratch) >= (int)sizeof(ref->endpoint))
		return error_set(err, ERR_UNAVAILABLE, "the path of the state folder is too long");
	return 0;
}

/* The table of a run has one row for each control: the weaker state of all its sandboxes, with where that was. */
static void merge_controls(struct control_table *table, const struct control_table *of_step, const char *image)
{
	for (int i = 0; i < CONTROL_COUNT; i++) {
		struct control *all = &table->items[i];
		const struct control *one = &of_step->items[i];
		bool weaker = one->state > all->state && one->state >= CONTROL_DEGRADED;

		if (!weaker)
			continue;
		*all = *one;
		snprintf(all->detail, sizeof(all->detail), "in image '%.60s': %.80s", image, one->detail);
	}
}

static int set_up(const struct image_run *run, struct sandbox *sandbox, const struct step_result *step, struct strvec *argv,
		  struct strvec *env, struct error *err)
{
	const struct sandbox_image_defaults *image = sandbox_image_defaults(sandbox);
	autostrvec struct strvec usual = STRVEC_INIT;

	/* every parameter that is no secret; those go where they are named */
	step_environment(run->parameters, "", false, &usual);
	if (image_command(step->plan->step, run->parameters, image, argv, err) < 0 ||
	    image_environment(step->plan->step, run->parameters, image, &usual, env, err) < 0)
		return -1;
	for (size_t i = 0; i < run->files_len; i++)
		if (files_put(sandbox, &run->files[i], err) < 0)
			return -1;
	return 0;
}

static int execute(const struct image_run *run, struct sandbox *sandbox, const struct control_table *controls,
		   const struct sandbox_limits *limits, struct step_result *step, struct error *err)
{
	const struct effects_options looks = { .diff = run->diff, .scratch = journal_scratch(run->journal), .redactor = run->result->redactor };
	autostrvec struct strvec argv = STRVEC_INIT, env = STRVEC_INIT;
	autofree char *folder = NULL;
	struct step_command command = { .argv = &argv, .env = &env };
	struct step_context ctx = {
		.plan = run->plan, .parameters = run->parameters, .sandbox = sandbox, .cancel = run->cancel, .events = run->events,
		.observed = controls->items[CONTROL_OBSERVATION].state == CONTROL_ENFORCED, .monitor = run->monitor, .command = &command, .limits = limits,
	};
	int r;

	if (set_up(run, sandbox, step, &argv, &env, err) < 0 || image_folder(step->plan->step, run->parameters, &folder, err) < 0)
		return -1;
	command.dir = folder;
	ctx.effects = effects_start(sandbox, &looks);
	r = step_run(&ctx, step, err);
	effects_tracker_free(ctx.effects);
	return r;
}

/* What fails here is in the journal, and is tried again at the end of the run. */
static void clean_up(const struct image_run *run, const struct sandbox_ref *ref)
{
	struct error err = { 0 };

	if (sandbox_destroy(ref, &run->result->cleanup, &err) < 0 || journal_gone(run->journal, ref, &err) < 0)
		strvec_pushf(&run->result->warnings, "the sandbox of an image is not gone yet: %s", err.text);
}

static int carry_out(const struct image_run *run, const struct sandbox_ref *ref, struct step_result *step, struct error *err)
{
	struct sandbox_spec spec = run->plan->spec;
	struct control_table controls = { 0 };
	struct sandbox *sandbox = NULL;
	int r;

	spec.image = step->plan->step->image;
	image_limits(step->plan->step, &spec.limits);
	image_warnings(step->plan->step, run->result->source, &run->result->warnings);
	if (spec.writable_root)
		strvec_pushf(&run->result->warnings, "step '%s' runs in its image without --writable-root, which '%s' cannot give: its root is read-only",
			     step->plan->title, run->plan->image_runtime);
	spec.rootfs = NULL;
	spec.writable_root = false;
	spec.life_ns = run_life_ns(run->cancel, 0);
	if (sandbox_create(ref, &spec, &sandbox, &controls, err) < 0)
		return -1;
	merge_controls(&run->result->controls, &controls, spec.image);
	r = execute(run, sandbox, &controls, &spec.limits, step, err);
	sandbox_close(sandbox);
	return r;
}

void image_step_run(const struct image_run *run, struct step_result *step)
{
	struct sandbox_ref ref;
	struct error err = { 0 };
	int r = -1;

	if (make_ref(run, step, &ref, &err) == 0 && journal_intent(run->journal, &ref, &err) == 0) {
		r = carry_out(run, &ref, step, &err);
		clean_up(run, &ref);
	}
	if (r == 0 || step->status != STEP_NOT_EXECUTED)
		return;
	step->status = STEP_FAILED;
	free(step->reason);
	step->reason = xasprintf("could not be run: %s", err.text);
	event_emit(run->events, &(struct event){ .type = EVENT_STEP_END, .step = step });
}
