/* SPDX-License-Identifier: Apache-2.0
 * dry_run_report: a dry run in the union of the shapes that clients of the registry know: the static validation of its newer versions, the
 * execution of the first design, and what we have to say besides. A pure function. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cmd/serve/dry_run.h"
#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define APPROVAL_NS (24 * 3600 * NS_PER_SEC)
#define OUTPUT_BYTES_MAX 4096		/* of one stream of a step */
#define OUTPUTS_BYTES_MAX (256 << 10)	/* of all of them: the whole is at /v1/runs/{id}/logs */

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static json_t *value_at(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	return v ? json_incref(v) : json_null();
}

static void put_time(json_t *o, const char *key, uint64_t wall_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(wall_ns, text);
	json_put_text(o, key, text);
}

/* ---- may it be executed? */

const char *dry_run_refusal(const json_t *facts, char *buf, size_t size)
{
	const json_t *decision = json_object_get(facts, "decision"), *errors = json_object_get(facts, "parse_errors");
	const char *verdict = text_at(decision, "policy_decision");

	if (!json_is_true(json_object_get(facts, "valid"))) {
		const char *first = json_string_value(json_array_get(errors, 0));

		snprintf(buf, size, "the package is invalid, nothing was executed: %s", first ? first : "see validation.errors");
		return buf;
	}
	if (!verdict || !strcmp(verdict, "block")) {
		snprintf(buf, size, "the policy refuses the package, nothing was executed: its score is %lld of 100, see decision.reasons",
			 (long long)json_integer_value(json_object_get(decision, "score")));
		return buf;
	}
	return NULL;
}

/* ---- why was it not acceptable? */

#define REASONS_MAX 5

/* What kept it from running stands in its findings, by name: parameters without a value above all. */
char *dry_run_reason(const struct run_row *run, const json_t *result)
{
	const json_t *findings = json_object_get(result, "findings");
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	size_t n = 0;

	if (run->exit_status == 0)
		return NULL;
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *f = json_array_get(findings, i);

		if (strcmp(text_at(f, "level") ? text_at(f, "level") : "", "error") || !text_at(f, "message") || ++n > REASONS_MAX)
			continue;
		strbuf_addf(&text, "%s%s", n > 1 ? "; " : "nothing was executed: ", text_at(f, "message"));
	}
	if (n > REASONS_MAX)
		strbuf_addf(&text, " (and %zu more)", n - REASONS_MAX);
	return n ? strbuf_detach(&text) : xstrdup_or_null(run->detail ? run->detail : run->verdict);
}

/* ---- the static part */

static const char *safety_mode(const json_t *facts)
{
	const char *mode = text_at(json_object_get(facts, "package"), "safety_mode");

	return mode && !strcasecmp(mode, "auto") ? "auto" : "manual";
}

static json_t *approval_request(const struct dry_run_view *v, const json_t *validation)
{
	const json_t *issues = json_object_get(validation, "issues");
	char why[160];
	json_t *o;

	if (!json_is_true(json_object_get(validation, "approval_required")))
		return json_null();
	o = json_object();
	snprintf(why, sizeof(why), "risk score %lld of 100 (%s), %zu issue%s: a person has to look at it",
		 (long long)json_integer_value(json_object_get(validation, "risk_score")), text_at(validation, "policy_decision"),
		 json_array_size(issues), json_array_size(issues) == 1 ? "" : "s");
	json_put_text(o, "workflow_id", v->workflow_id);
	json_put(o, "risk_score", value_at(validation, "risk_score"));
	json_put(o, "issues", value_at(validation, "issues"));
	json_put_text(o, "justification", why);
	json_put_text(o, "requested_by", v->requested_by);
	put_time(o, "requested_at", v->now_ns);
	put_time(o, "expires_at", v->now_ns + APPROVAL_NS);
	return o;
}

/* can_execute is the registry's word, but never against our own policy. */
static json_t *recommendation(const struct dry_run_view *v, const json_t *validation)
{
	const char *decision = text_at(validation, "policy_decision");
	bool approval = json_is_true(json_object_get(validation, "approval_required"));
	json_t *o = json_object();
	char buf[1];

	json_put_bool(o, "can_execute", decision && !strcmp(decision, "approve") && !approval && !dry_run_refusal(v->facts, buf, sizeof(buf)));
	json_put_bool(o, "requires_approval", approval);
	json_put_text(o, "safety_mode", safety_mode(v->facts));
	return o;
}

/* ---- what was executed */

/* The beginning of a stream, as far as `room` goes. */
static void put_output(json_t *o, const char *key, const json_t *captured, size_t *room)
{
	const json_t *v = json_object_get(captured, "text");
	const char *text = json_string_value(v);
	size_t len = json_string_length(v), max = *room < OUTPUT_BYTES_MAX ? *room : OUTPUT_BYTES_MAX;
	bool cut = len > max;

	if (!text) {
		json_put(o, key, json_null());
		return;
	}
	for (len = cut ? max : len; cut && len && ((unsigned char)text[len] & 0xc0) == 0x80; len--) {}	/* whole characters */
	*room -= len;
	json_put(o, key, json_textn(text, len));
	if (cut || json_is_true(json_object_get(captured, "truncated")))
		json_put_bool(o, "truncated", true);
}

/* The words of the agent's adapters; what was only simulated or skipped is never a success. */
static const char *step_status(const json_t *step)
{
	const char *mode = text_at(step, "mode"), *status = text_at(step, "status");

	if (!mode || !status || !strcmp(mode, "skipped") || !strcmp(mode, "simulated"))
		return mode ? mode : "skipped";
	return !strcmp(status, "passed") ? "success" : "error";
}

static json_t *step_result(const json_t *step, size_t *room)
{
	const char *mode = text_at(step, "mode"), *reason = text_at(step, "reason"), *summary = text_at(step, "summary");
	const json_t *exit = json_object_get(step, "exit");
	autofree char *message = NULL;
	json_t *o = json_object();

	message = xasprintf("%s: %s", mode ? mode : "skipped", reason ? reason : summary ? summary : "");
	json_put(o, "handler", value_at(step, "handler"));
	json_put(o, "step", value_at(step, "name"));
	json_put(o, "type", value_at(step, "kind"));
	json_put(o, "phase", value_at(step, "phase"));
	json_put_text(o, "status", step_status(step));
	json_put_text(o, "message", message);
	json_put_bool(o, "dry_run", true);
	json_put(o, "mode", value_at(step, "mode"));
	json_put_bool(o, "executed", mode && !strcmp(mode, "executed"));
	json_put(o, "action", value_at(step, "summary"));
	json_put(o, "returncode", value_at(exit, "status"));
	json_put(o, "response_code", json_null());
	put_output(o, "stdout", json_object_get(step, "stdout"), room);
	put_output(o, "stderr", json_object_get(step, "stderr"), room);
	json_put(o, "execution_time", value_at(step, "duration_seconds"));
	return o;
}

static json_t *dry_run_result(const struct dry_run_view *v, const char *reason)
{
	const json_t *steps = json_object_get(v->result, "steps");
	size_t room = OUTPUTS_BYTES_MAX;
	json_t *o, *results;

	if (!v->run && !v->refusal)
		return json_null();
	o = json_object();
	results = json_array();
	for (size_t i = 0; i < json_array_size(steps); i++)
		json_push(results, step_result(json_array_get(steps, i), &room));
	json_put_text(o, "status", !v->run ? "error" : v->run->state != RUN_ENDED ? run_state_to_string(v->run->state) :
				   v->run->exit_status == 0 ? "success" : "error");
	json_put(o, "results", results);
	json_put_text(o, "sandbox", v->run ? v->run->sandbox : NULL);
	json_put_text(o, "error", v->run ? reason : v->refusal);
	return o;
}

/* Sums and peaks of the steps; null where none was measured. */
static json_t *resource_usage(const json_t *result)
{
	static const char *const peaks[] = { "memory_peak_bytes", "pids_peak" };
	const json_t *steps = json_object_get(result, "steps");
	json_t *o;
	double cpu = 0;

	if (!steps)
		return json_null();
	o = json_object();
	for (size_t i = 0; i < json_array_size(steps); i++)
		cpu += json_number_value(json_object_get(json_array_get(steps, i), "cpu_seconds"));
	json_put(o, "cpu_seconds", json_real(cpu));
	for (size_t k = 0; k < ARRAY_SIZE(peaks); k++) {
		json_int_t most = -1;

		for (size_t i = 0; i < json_array_size(steps); i++) {
			const json_t *n = json_object_get(json_array_get(steps, i), peaks[k]);

			if (json_is_integer(n) && json_integer_value(n) > most)
				most = json_integer_value(n);
		}
		json_put(o, peaks[k], most >= 0 ? json_integer(most) : json_null());
	}
	return o;
}

/* ---- the whole */

static json_t *is_valid(const struct dry_run_view *v, const json_t *validation)
{
	char buf[1];
	bool statically = json_is_true(json_object_get(validation, "valid")) && !dry_run_refusal(v->facts, buf, sizeof(buf));

	if (v->run && v->run->state != RUN_ENDED)
		return json_null();
	return json_boolean(statically && !v->refusal && (!v->run || v->run->exit_status == 0));
}

static void put_run(json_t *o, const struct dry_run_view *v, const char *reason)
{
	const struct run_row *run = v->run;
	json_auto_t *shown = run ? run_to_json(run) : NULL;

	json_put_text(o, "run_id", run ? run->id : NULL);
	json_put_text(o, "verdict", run ? run->verdict : NULL);
	json_put_text(o, "detail", v->refusal ? v->refusal : reason ? reason : run ? run->detail : NULL);
	json_put(o, "effects", value_at(run ? run->summary : NULL, "effects"));
	json_put(o, "findings", value_at(v->facts, "findings"));
	json_put(o, "decision", value_at(v->facts, "decision"));
	json_put(o, "links", value_at(shown, "links"));
}

json_t *dry_run_to_json(const struct dry_run_view *v)
{
	const json_t *validation = json_object_get(v->facts, "validation");
	autofree char *id = xasprintf("dryrun-%s-%llu", v->workflow_id, (unsigned long long)(v->now_ns / NS_PER_SEC));
	bool ended = v->run && v->run->state == RUN_ENDED;
	autofree char *reason = ended ? dry_run_reason(v->run, v->result) : NULL;
	json_t *o = json_object();

	json_put(o, "valid", is_valid(v, validation));
	json_put_text(o, "workflow_id", v->workflow_id);
	json_put(o, "validation", value_at(v->facts, "validation"));
	json_put(o, "category", value_at(v->facts, "category"));
	json_put(o, "approval_request", approval_request(v, validation));
	json_put(o, "recommendation", recommendation(v, validation));
	put_time(o, "timestamp", v->now_ns);
	json_put_text(o, "dry_run_id", id);
	json_put(o, "dry_run_result", dry_run_result(v, reason));
	json_put_text(o, "sandbox_type", v->run ? v->run->sandbox : NULL);
	json_put(o, "execution_time", ended ? json_real((double)v->run->duration_ms / 1000) : json_null());
	json_put(o, "resource_usage", resource_usage(v->result));
	json_put(o, "score", value_at(validation, "risk_score"));
	put_run(o, v, reason);
	return o;
}
