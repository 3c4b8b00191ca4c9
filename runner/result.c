/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/result.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/image_command.h"

const char *step_status_to_string(enum step_status s)
{
	static const char *const names[] = {
		[STEP_PASSED] = "passed",	[STEP_FAILED] = "failed",	[STEP_TIMED_OUT] = "timed_out",
		[STEP_LIMIT] = "limit",		[STEP_CANCELLED] = "cancelled",	[STEP_NOT_EXECUTED] = "not_executed",
	};

	return names[s];
}

const char *run_verdict_to_string(enum run_verdict v)
{
	static const char *const names[] = {
		[RUN_VERIFIED] = "verified", [RUN_PARTIAL] = "partial",	  [RUN_NOTHING_EXECUTED] = "nothing_executed",
		[RUN_FAILED] = "failed",     [RUN_LIMIT] = "limit",	  [RUN_DEADLINE] = "deadline",
		[RUN_CANCELLED] = "cancelled", [RUN_ERROR] = "error",
	};

	return names[v];
}

void result_init(struct result *r)
{
	/* until something is known, nothing is: a result that nobody decided must not read "verified" */
	*r = (struct result){ .verdict = RUN_NOTHING_EXECUTED };
}

static void step_result_release(struct step_result *step)
{
	free(step->reason);
	observation_free(step->observation);
	for (int i = 0; i < 2; i++) {
		free(step->out[i].text);
		free(step->out[i].tail);
	}
	effects_release(&step->effects);
	object_effects_release(&step->objects);
}

bool result_is_kept(const struct result *r)
{
	return r->kept_until_ns && !r->kept_ended_ns;
}

void result_release(struct result *r)
{
	for (size_t i = 0; i < r->steps_len; i++)
		step_result_release(&r->steps[i]);
	free(r->steps);
	free(r->image);
	free(r->verdict_reason);
	effects_release(&r->effects);
	object_effects_release(&r->objects);
	json_decref(r->cluster);
	free(r->collected);
	artifacts_summary_release(&r->artifacts);
	cleanup_list_release(&r->cleanup);
	strvec_release(&r->warnings);
	result_init(r);
}

/* ---- counting */

static bool is_failure(const struct step_result *step)
{
	return step->status != STEP_PASSED && step->status != STEP_NOT_EXECUTED;
}

/* A step whose mode says it ran but whose status says it did not was never reached. */
static enum step_mode mode_that_counts(const struct step_result *step)
{
	if (step->mode != STEP_MODE_SIMULATED && step->status == STEP_NOT_EXECUTED)
		return STEP_MODE_SKIPPED;
	return step->mode;
}

struct step_counts result_count(const struct result *r, enum step_phase phase)
{
	struct step_counts c = { 0 };
	unsigned int *const by_mode[] = {
		[STEP_MODE_EXECUTED] = &c.executed,   [STEP_MODE_DRY_RUN] = &c.dry_run, [STEP_MODE_EMULATED] = &c.emulated,
		[STEP_MODE_SIMULATED] = &c.simulated, [STEP_MODE_SKIPPED] = &c.skipped,
	};

	for (size_t i = 0; i < r->steps_len; i++) {
		const struct step_result *step = &r->steps[i];
		enum step_mode mode = mode_that_counts(step);

		if (step->plan->phase != phase)
			continue;
		c.steps++;
		++*by_mode[mode];
		if (mode == STEP_MODE_SIMULATED || mode == STEP_MODE_SKIPPED)
			continue;
		if (is_failure(step))
			c.failed++;
		else
			c.passed++;
	}
	return c;
}

static void observe_storage(const struct observation *seen, struct observed *o)
{
	if (!seen || !(seen->usage.last.known & USAGE_STORAGE))
		return;
	o->storage_known = true;
	if (seen->usage.peak.storage_bytes > o->storage_peak_bytes)
		o->storage_peak_bytes = seen->usage.peak.storage_bytes;
}

bool result_limit_observed(const struct observed *seen, const char *name, const char *declared, uint64_t *ret_declared,
			   uint64_t *ret_observed)
{
	struct error err;

	if (!strcmp(name, "max_storage") && seen->storage_known) {
		*ret_observed = seen->storage_peak_bytes;
		return size_parse(declared, strlen(declared), ret_declared, &err) == 0;
	}
	if (!strcmp(name, "max_retries")) {
		*ret_observed = seen->retries;
		return integer_parse(declared, strlen(declared), 0, UINT32_MAX, ret_declared, &err) == 0;
	}
	return false;
}

struct observed result_observed(const struct result *r)
{
	struct observed o = { 0 };

	for (size_t i = 0; i < r->steps_len; i++) {
		const struct sandbox_exit *e = &r->steps[i].exit;
		/* starting a program keeps a cpu busy for some milliseconds: that is no load worth comparing */
		uint64_t millis = e->duration_ns >= NS_PER_SEC ? e->cpu_ns / (e->duration_ns / 1000) : 0;

		if (r->steps[i].mode != STEP_MODE_EXECUTED || r->steps[i].status == STEP_NOT_EXECUTED)
			continue;
		if (e->memory_peak_bytes > o.memory_peak_bytes)
			o.memory_peak_bytes = e->memory_peak_bytes;
		if (millis > o.cpu_millis)
			o.cpu_millis = millis;
		if (e->pids_peak > o.pids_peak)
			o.pids_peak = e->pids_peak;
		if (r->steps[i].attempts > o.retries + 1)
			o.retries = r->steps[i].attempts - 1;
		observe_storage(r->steps[i].observation, &o);
	}
	return o;
}

uint64_t result_escape_attempts(const struct result *r)
{
	uint64_t n = 0;

	for (size_t i = 0; r->escape_severity != SANDBOX_INFO && i < r->steps_len; i++)
		n += observation_count(r->steps[i].observation, r->escape_severity);
	return n;
}

/* ---- the verdict and its sentence */

static const struct step_result *first_failure(const struct result *r, enum step_phase phase)
{
	for (size_t i = 0; i < r->steps_len; i++) {
		if (r->steps[i].plan->phase == phase && is_failure(&r->steps[i]))
			return &r->steps[i];
	}
	return NULL;
}

static void add_step_name(struct strbuf *out, const struct step_result *step)
{
	strbuf_addf(out, "step %u '%s'", step->plan->number, step->plan->title ? step->plan->title : "");
}

static struct sandbox_limits limits_of(const struct result *r, const struct wpk_step *step)
{
	struct sandbox_limits l = { .memory_bytes = 0 };

	if (r->plan)
		l = r->plan->spec.limits;
	if (step && step->kind == WPK_STEP_CONTAINER)
		image_limits(step, &l);
	return l;
}

/* "memory limit of 512Mi"; without the amount when none is known. */
static void add_limit(struct strbuf *out, const struct result *r, const struct wpk_step *step, const char *limit)
{
	const struct sandbox_limits own = limits_of(r, step), *l = &own;
	const struct { const char *name, *shown; uint64_t value; void (*format)(struct strbuf *, uint64_t); } rows[] = {
		{ "memory", "memory limit", l->memory_bytes, size_format },
		{ "pids", "process limit", l->pids, NULL },
		{ "storage", "storage limit", l->storage_bytes, size_format },
		{ "output", "output limit", l->output_bytes, size_format },
		{ "cpu_time", "cpu time limit", l->cpu_time_ns, duration_format },
		{ "fsize", "file size limit", l->fsize_bytes, size_format },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, limit) != 0)
			continue;
		strbuf_addstr(out, rows[i].shown);
		if (!rows[i].value)
			return;
		strbuf_addstr(out, " of ");
		if (rows[i].format)
			rows[i].format(out, rows[i].value);
		else
			strbuf_addf(out, "%llu", (unsigned long long)rows[i].value);
		return;
	}
	strbuf_addf(out, "limit '%s'", limit);
}

/* "step 2 'x': exit status 1" */
static void add_failure(struct strbuf *out, const struct result *r, const struct step_result *step)
{
	add_step_name(out, step);
	if (step->limit) {
		strbuf_addstr(out, " hit the ");
		add_limit(out, r, step->plan->step, step->limit);
	}
	strbuf_addf(out, ": %s", step->reason ? step->reason : step_status_to_string(step->status));
}

static void add_rollback(struct strbuf *out, const struct result *r)
{
	struct step_counts c = result_count(r, PHASE_ROLLBACK);
	const struct step_result *failed = first_failure(r, PHASE_ROLLBACK);

	if (!r->rolled_back)
		return;
	if (failed) {
		strbuf_addstr(out, "; the rollback failed too, at ");
		add_failure(out, r, failed);
	} else if (!c.passed) {
		strbuf_addstr(out, "; of its rollback nothing could be executed");
	} else {
		strbuf_addf(out, "; rolled back: %u of %u steps passed", c.passed, c.steps);
		if (c.simulated)
			strbuf_addf(out, ", %u only simulated", c.simulated);
	}
}

/* "2 attempts to get out of the sandbox, first by step 1 'x': refused call mount (proc on /mnt, by mount)" */
static void add_escapes(struct strbuf *out, const struct result *r, uint64_t n)
{
	strbuf_addf(out, "%llu attempt%s to get out of the sandbox", (unsigned long long)n, n == 1 ? "" : "s");
	for (size_t i = 0; i < r->steps_len; i++) {
		const struct observation *o = r->steps[i].observation;

		for (size_t k = 0; o && k < o->security.len; k++) {
			if (o->security.items[k].severity < r->escape_severity)
				continue;
			strbuf_addstr(out, n == 1 ? ", by " : ", first by ");
			add_step_name(out, &r->steps[i]);
			strbuf_addstr(out, ": ");
			thing_describe(&o->security.items[k], out);
			return;
		}
	}
}

static void say_failed(struct result *r, struct strbuf *out)
{
	const struct step_result *failed = first_failure(r, PHASE_MAIN);
	uint64_t escapes = result_escape_attempts(r);

	if (failed) {
		add_failure(out, r, failed);
		add_rollback(out, r);
		if (escapes)
			strbuf_addstr(out, "; also ");
	}
	if (escapes) {
		add_escapes(out, r, escapes);
	} else if (!failed) {
		strbuf_addstr(out, r->verdict == RUN_LIMIT ? "a limit was hit" : "a step failed");
	}
}

/* Where a run was when it was stopped. */
static void say_stopped(struct result *r, struct strbuf *out)
{
	struct step_counts c = result_count(r, PHASE_MAIN);
	const struct step_result *step = first_failure(r, PHASE_MAIN);

	if (r->verdict == RUN_DEADLINE)
		strbuf_addstr(out, "the run deadline was reached");
	else if (sigabbrev_np(r->signal))
		strbuf_addf(out, "stopped by SIG%s", sigabbrev_np(r->signal));
	else
		strbuf_addstr(out, "stopped by a signal");
	if (step && step->status == STEP_CANCELLED) {
		strbuf_addstr(out, " during ");
		add_step_name(out, step);
	} else if (step) {
		strbuf_addstr(out, " after ");
		add_failure(out, r, step);
	} else if (c.executed) {
		strbuf_addf(out, " after %u of %u steps had been executed", c.executed, c.steps);
	} else {
		strbuf_addstr(out, " before any step was executed");
	}
}

static void say_error(struct result *r, struct strbuf *out)
{
	struct step_counts c = result_count(r, PHASE_MAIN);

	strbuf_addstr(out, r->error.text[0] ? r->error.text : "the run could not be carried out");
	if (c.executed)
		strbuf_addf(out, "; %u of %u steps had been executed", c.executed, c.steps);
}

/* "1 of 4 steps executed and passed; 3 only simulated" */
static void say_passed(struct result *r, struct strbuf *out)
{
	struct step_counts c = result_count(r, PHASE_MAIN);
	const struct { unsigned int n; const char *what; } others[] = {
		{ c.dry_run, "judged by a dry run" },
		{ c.emulated, "run against the emulation" },
		{ c.simulated, "only simulated" },
		{ c.skipped, "skipped" },
	};

	if (r->verdict == RUN_VERIFIED) {
		if (c.steps == 1)
			strbuf_addstr(out, "its only step was executed and passed");
		else
			strbuf_addf(out, "%u of %u steps executed, all passed", c.executed, c.steps);
		return;
	}
	if (r->verdict == RUN_NOTHING_EXECUTED) {
		strbuf_addstr(out, "this dry run proves nothing about the package");
		if (!c.steps)
			strbuf_addstr(out, ": it has no steps");
		else
			strbuf_addf(out, ": 0 of %u steps executed", c.steps);
	} else {
		strbuf_addf(out, "%u of %u steps executed and passed", c.executed, c.steps);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i].n)
			strbuf_addf(out, "; %u %s", others[i].n, others[i].what);
	}
}

static enum run_verdict verdict_of_steps(const struct result *r)
{
	struct step_counts c = result_count(r, PHASE_MAIN);
	const struct step_result *failed = first_failure(r, PHASE_MAIN);

	if (failed && failed->status == STEP_CANCELLED)
		return r->signal ? RUN_CANCELLED : RUN_DEADLINE;
	if (failed)
		return failed->limit || failed->status == STEP_LIMIT ? RUN_LIMIT : RUN_FAILED;
	if (result_escape_attempts(r))
		return RUN_FAILED;
	if (!c.passed)
		return RUN_NOTHING_EXECUTED;
	return c.executed == c.steps ? RUN_VERIFIED : RUN_PARTIAL;
}

void result_decide(struct result *r)
{
	static void (*const say[])(struct result *r, struct strbuf *out) = {
		[RUN_VERIFIED] = say_passed, [RUN_PARTIAL] = say_passed,    [RUN_NOTHING_EXECUTED] = say_passed,
		[RUN_FAILED] = say_failed,   [RUN_LIMIT] = say_failed,	    [RUN_DEADLINE] = say_stopped,
		[RUN_CANCELLED] = say_stopped, [RUN_ERROR] = say_error,
	};
	autostrbuf struct strbuf reason = STRBUF_INIT(STRBUF_NO_MAX);

	if (r->error.code != ERR_OK)
		r->verdict = RUN_ERROR;
	if (r->verdict != RUN_ERROR && r->verdict != RUN_CANCELLED && r->verdict != RUN_DEADLINE && r->verdict != RUN_LIMIT)
		r->verdict = verdict_of_steps(r);
	say[r->verdict](r, &reason);
	free(r->verdict_reason);
	r->verdict_reason = strbuf_detach(&reason);
}
