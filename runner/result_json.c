/* SPDX-License-Identifier: Apache-2.0
 * The tree is built from what is known and redacted as a whole at the end, so no text can be forgotten. What is not known is null, never
 * left out and never 0. Keys keep their order. runner/result.schema.json describes all of it, and the tests hold the two together. */
#include "runner/result_json.h"

#include <signal.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/cleanup_json.h"

static void put_known(json_t *o, const char *key, uint64_t n)
{
	json_put(o, key, n ? json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n) : json_null());
}

static void put_known_seconds(json_t *o, const char *key, uint64_t ns)
{
	if (ns)
		json_put_seconds(o, key, ns);
	else
		json_put(o, key, json_null());
}

static void put_nonempty(json_t *o, const char *key, const char *s)
{
	json_put_text(o, key, s && *s ? s : NULL);
}

void json_put_time(json_t *o, const char *key, uint64_t realtime_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(realtime_ns, text);
	json_put_text(o, key, realtime_ns ? text : NULL);
}

/* ---- redaction */

/* Keys whose values we make: words, identifiers and times. */
static bool is_own_word(const char *key)
{
	static const char *const keys[] = {
		"$schema", "schema", "run_id", "started", "ended", "until", "time", "sha256", "safety_mode", "type", "runtime",
		"policy_decision", "profile", "phase", "kind", "mode", "status", "limit", "end", "signal_name", "control", "state",
		"verdict", "code", "rule_id", "level", "severity", "stream", "observation", "category", "cwe", "fingerprint", "risk_level",
		"complexity", "automation_level", "change", "area",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i], key))
			return true;
	}
	return false;
}

static json_t *redacted(const json_t *text, const struct redactor *redactor)
{
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(redactor, json_string_value(text), json_string_length(text), &sb);
	return json_textn(sb.buf, sb.len);
}

void json_redact(json_t *tree, const struct redactor *redactor)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!redactor || redactor_is_empty(redactor))
		return;
	json_object_foreach(tree, key, value) {
		if (!json_is_string(value))
			json_redact(value, redactor);
		else if (!is_own_word(key))
			json_object_set_new(tree, key, redacted(value, redactor));	/* keeps its place */
	}
	json_array_foreach(tree, i, value) {
		if (!json_is_string(value))
			json_redact(value, redactor);
		else
			json_array_set_new(tree, i, redacted(value, redactor));
	}
}

/* ---- steps */

static const char *end_to_string(enum sandbox_end end)
{
	static const char *const names[] = {
		[SANDBOX_EXITED] = "exited",	   [SANDBOX_SIGNALED] = "signaled",	      [SANDBOX_TIMED_OUT] = "timed_out",
		[SANDBOX_CANCELLED] = "cancelled", [SANDBOX_OUT_OF_MEMORY] = "out_of_memory", [SANDBOX_LOST] = "lost",
	};

	return names[end];
}

static json_t *exit_to_json(const struct sandbox_exit *e)
{
	json_t *o = json_object();
	bool signaled = e->end == SANDBOX_SIGNALED;
	const char *name = signaled ? sigabbrev_np(e->status) : NULL;
	autofree char *full = name ? xasprintf("SIG%s", name) : NULL;

	json_put_text(o, "end", end_to_string(e->end));
	json_put(o, "status", e->end == SANDBOX_EXITED ? json_integer(e->status) : json_null());
	json_put(o, "signal", signaled ? json_integer(e->status) : json_null());
	json_put_text(o, "signal_name", full);
	return o;
}

static json_t *captured_to_json(const struct captured *c)
{
	json_t *o = json_object();

	json_put(o, "text", json_textn(c->text ? c->text : "", c->len));
	json_put(o, "tail", json_textn(c->tail, c->tail_len));
	json_put_int(o, "total_bytes", (int64_t)c->total_bytes);
	json_put_bool(o, "truncated", c->truncated);
	return o;
}

static const struct node *node_of(const struct plan_step *plan)
{
	return plan->step->node ? plan->step->node : plan->handler->node;
}

/* What only a step that ran can have; null for all others. */
static void put_execution(json_t *o, const struct step_result *step, bool with_output)
{
	static const char *const keys[] = { "exit", "duration_seconds", "cpu_seconds", "memory_peak_bytes", "pids_peak",
					    "outlived_processes", "observation", "stdout", "stderr" };
	const struct sandbox_exit *e = &step->exit;
	size_t n = ARRAY_SIZE(keys) - (with_output ? 0 : 3);

	if (step->status == STEP_NOT_EXECUTED) {
		for (size_t i = 0; i < n; i++)
			json_put(o, keys[i], json_null());
		return;
	}
	json_put(o, "exit", exit_to_json(e));
	json_put_seconds(o, "duration_seconds", step->duration_ns);
	json_put_seconds(o, "cpu_seconds", e->cpu_ns);
	put_known(o, "memory_peak_bytes", e->memory_peak_bytes);
	put_known(o, "pids_peak", e->pids_peak);
	json_put_int(o, "outlived_processes", e->outlived);
	if (with_output)
		json_put(o, "observation", observation_to_json(step->observation));
	for (int i = 0; with_output && i < 2; i++)
		json_put(o, i == SANDBOX_STDOUT ? "stdout" : "stderr", captured_to_json(&step->out[i]));
}

/* null: there was no cluster to look at. */
static json_t *objects_to_json(const struct object_effects *e)
{
	return e->known || e->unknown_because ? object_effects_to_json(e) : json_null();
}

json_t *step_result_to_json(const struct step_result *step, const struct redactor *redactor, bool with_output)
{
	const struct plan_step *plan = step->plan;
	const struct node *node = node_of(plan);
	json_t *o = json_object();

	json_put_int(o, "number", plan->number);
	json_put_text(o, "phase", step_phase_to_string(plan->phase));
	json_put_text(o, "handler", plan->handler->name);
	json_put_text(o, "name", plan->step->name);
	json_put_text(o, "kind", wpk_step_kind_to_string(plan->step->kind));
	json_put_text(o, "summary", plan->summary);
	json_put_text(o, "mode", step_mode_to_string(step->mode));
	json_put_text(o, "where", step->status == STEP_NOT_EXECUTED ? NULL : plan->where);
	json_put_text(o, "status", step_status_to_string(step->status));
	json_put_text(o, "reason", step->reason);
	json_put_text(o, "limit", step->limit);
	json_put_int(o, "attempts", step->attempts);
	json_put_int(o, "max_attempts", (int64_t)plan->handler->retry.max_attempts);
	put_known_seconds(o, "timeout_seconds", plan->handler->timeout_ns);
	put_execution(o, step, with_output);
	json_put(o, "files", effects_to_json(&step->effects, redactor, with_output));
	json_put(o, "objects", objects_to_json(&step->objects));
	json_put_bool(o, "approval_required", plan->handler->approval_required || plan->step->approval_required);
	json_put_bool(o, "manual", plan->step->manual);
	json_put_text(o, "path", plan->step->path);
	put_known(o, "line", node ? node->start.line : 0);
	return o;
}

json_t *step_counts_to_json(const struct step_counts *c)
{
	json_t *o = json_object();

	json_put_int(o, "steps", c->steps);
	json_put_int(o, "executed", c->executed);
	json_put_int(o, "dry_run", c->dry_run);
	json_put_int(o, "emulated", c->emulated);
	json_put_int(o, "simulated", c->simulated);
	json_put_int(o, "skipped", c->skipped);
	json_put_int(o, "passed", c->passed);
	json_put_int(o, "failed", c->failed);
	return o;
}

/* ---- the sandbox */

json_t *enforcement_to_json(const struct control_table *controls)
{
	json_t *list = json_array();

	for (int i = 0; i < CONTROL_COUNT; i++) {
		const struct control *c = &controls->items[i];
		json_t *o = json_object();

		json_put_text(o, "control", control_name((enum control_id)i));
		put_nonempty(o, "requested", c->requested);
		json_put_text(o, "state", control_state_to_string(c->state));
		put_nonempty(o, "mechanism", c->mechanism);
		put_nonempty(o, "detail", c->detail);
		json_push(list, o);
	}
	return list;
}

static json_t *kept_to_json(const struct result *r)
{
	json_t *o;

	if (!r->kept_until_ns)
		return json_null();
	o = json_object();
	json_put_time(o, "until", r->kept_until_ns);
	json_put_time(o, "ended", r->kept_ended_ns);
	json_put_text(o, "ended_by", r->kept_ended_by);
	return o;
}

static json_t *limits_to_json(const struct sandbox_limits *l)
{
	json_t *o = json_object();

	put_known(o, "memory_bytes", l->memory_bytes);
	put_known(o, "cpu_millis", l->cpu_millis);
	put_known(o, "pids", l->pids);
	put_known(o, "storage_bytes", l->storage_bytes);
	put_known(o, "storage_files", l->storage_files);
	put_known(o, "tmp_bytes", l->tmp_bytes);
	put_known(o, "nofile", l->nofile);
	put_known(o, "fsize_bytes", l->fsize_bytes);
	put_known_seconds(o, "cpu_time_seconds", l->cpu_time_ns);
	put_known(o, "output_bytes", l->output_bytes);
	return o;
}

static json_t *backend_to_json(const struct plan *plan, const char *image)
{
	json_t *o = json_object();

	json_put_text(o, "type", plan->type);
	json_put_text(o, "runtime", plan->runtime);
	json_put_text(o, "chosen_because", plan->chosen_because);
	json_put_text(o, "image", image);
	return o;
}

/* ---- the package */

static json_t *package_to_json(const struct result *r, const struct wpk *wpk)
{
	json_t *o = json_object();

	json_put_text(o, "source", r->source);
	json_put_text(o, "workflow_id", wpk ? wpk->workflow_id : NULL);
	json_put_text(o, "name", wpk ? wpk->name : NULL);
	json_put_text(o, "version", wpk ? wpk->version : NULL);
	json_put_text(o, "description", wpk ? wpk->description : NULL);
	json_put_text(o, "author", wpk ? wpk->author : NULL);
	put_nonempty(o, "sha256", r->package_sha256);
	json_put_text(o, "safety_mode", !wpk ? NULL : wpk->safety_mode == WPK_SAFETY_AUTO ? "auto" : "manual");
	json_put_bool(o, "approval_required", wpk && wpk->approval_required);
	json_put_bool(o, "dry_run_required", wpk && wpk->dry_run_required);
	return o;
}

static json_t *findings_to_json(const struct finding_list *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; findings && i < findings->len; i++)
		json_push(list, finding_to_json(&findings->items[i], findings->file));
	return list;
}

static json_t *parameters_to_json(const struct plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; plan && i < plan->needs_len; i++) {
		const struct plan_need *need = &plan->needs[i];
		bool secret = need->given && need->given->secret;
		json_t *o = json_object();

		json_put_text(o, "name", need->name);
		json_put_bool(o, "given", need->given != NULL);
		json_put_bool(o, "secret", secret);
		json_put_text(o, "value", secret ? "***" : need->given ? need->given->value : need->fallback);
		json_put_text(o, "origin", need->given ? need->given->origin : need->fallback ? "default of the package" : NULL);
		json_put_text(o, "default", need->fallback);
		json_put_text(o, "path", need->path);
		put_known(o, "line", need->position.line);
		json_push(list, o);
	}
	return list;
}

static json_t *amount_to_json(const char *unit, uint64_t declared, uint64_t observed)
{
	autofree char *declared_key = xasprintf("declared_%s", unit);
	autofree char *observed_key = xasprintf("observed_%s", unit);
	json_t *o = json_object();

	put_known(o, declared_key, declared);
	put_known(o, observed_key, observed);
	json_put(o, "exceeded", declared && observed ? json_boolean(observed > declared) : json_null());
	return o;
}

static json_t *permissions_to_json(const struct node *list)
{
	json_t *names = json_array(), *o = json_object();

	for (size_t i = 0; list && list->kind == NODE_SEQUENCE && i < list->len; i++) {
		if (list->items[i]->kind == NODE_SCALAR)
			json_push(names, json_textn(list->items[i]->text, list->items[i]->len));
	}
	json_put(o, "declared", names);
	json_put(o, "observed", json_null());
	json_put_text(o, "observation", "not_observed");	/* no backend of this version watches an API */
	return o;
}

static json_t *resource_limits_to_json(const struct node *map, const struct observed *seen)
{
	json_t *list = json_array();

	for (size_t i = 0; map && map->kind == NODE_MAPPING && i < map->len; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		uint64_t declared, observed;
		bool known;
		json_t *o;

		if (key->kind != NODE_SCALAR || value->kind != NODE_SCALAR)
			continue;
		o = json_object();
		json_put(o, "name", json_textn(key->text, key->len));
		json_put(o, "declared", json_textn(value->text, value->len));
		known = result_limit_observed(seen, key->text, value->text, &declared, &observed);
		json_put(o, "observed", known ? json_integer((json_int_t)observed) : json_null());
		json_put(o, "exceeded", known ? json_boolean(observed > declared) : json_null());
		json_push(list, o);
	}
	return list;
}

static json_t *rollback_to_json(const struct result *r, const struct wpk *wpk)
{
	struct step_counts c = result_count(r, PHASE_ROLLBACK);
	json_t *o = json_object();

	json_put_int(o, "declared_handlers", (int64_t)wpk->rollback.len);
	json_put_bool(o, "enabled", wpk->rollback_declared_enabled || wpk->rollback_enabled);
	json_put_bool(o, "ran", r->rolled_back);
	json_put(o, "summary", step_counts_to_json(&c));
	return o;
}

static json_t *declared_vs_observed_to_json(const struct result *r, const struct wpk *wpk)
{
	struct observed seen = result_observed(r);
	json_t *o, *requirements;

	if (!wpk)
		return json_null();
	o = json_object();
	requirements = json_object();
	json_put(requirements, "memory", amount_to_json("bytes", wpk->requirements.memory_bytes, seen.memory_peak_bytes));
	json_put(requirements, "cpu", amount_to_json("cpu_millis", wpk->requirements.cpu_millis, seen.cpu_millis));
	json_put(requirements, "storage", amount_to_json("bytes", wpk->requirements.storage_bytes, seen.storage_peak_bytes));
	json_put(o, "requirements", requirements);
	json_put(o, "required_permissions", permissions_to_json(wpk->permissions));
	json_put(o, "resource_limits", resource_limits_to_json(wpk->resource_limits, &seen));
	json_put(o, "rollback", rollback_to_json(r, wpk));
	return o;
}

static json_t *artifacts_to_json(const struct artifacts_summary *a)
{
	json_t *o;

	if (!a->folder)
		return json_null();
	o = json_object();
	json_put_text(o, "folder", a->folder);
	json_put_int(o, "files", (int64_t)a->files);
	json_put_int(o, "folders", (int64_t)a->folders);
	json_put_int(o, "bytes", (int64_t)a->bytes);
	json_put_int(o, "left_out", (int64_t)a->left_out);
	json_put_text(o, "problem", a->problem);
	return o;
}

/* ---- all of it */

static json_t *error_to_json(const struct error *err)
{
	json_t *o;

	if (err->code == ERR_OK)
		return json_null();
	o = json_object();
	json_put_text(o, "code", error_code_to_string(err->code));
	json_put_text(o, "message", err->text);
	return o;
}

static json_t *tool_to_json(void)
{
	json_t *o = json_object();

	json_put_text(o, "name", "sandbox_runner");
	json_put_text(o, "version", SANDBOX_RUNNER_VERSION);
	return o;
}

static json_t *timings_to_json(const struct result *r)
{
	json_t *o = json_object();

	json_put_seconds(o, "setup_seconds", r->setup_ns);
	json_put_seconds(o, "cleanup_seconds", r->cleanup_ns);
	return o;
}

static void put_head(json_t *o, const struct result *r)
{
	json_put_text(o, "$schema", RESULT_SCHEMA_ID);
	json_put_text(o, "schema", "sandbox_runner/result");
	json_put_int(o, "schema_version", RESULT_SCHEMA_VERSION);
	json_put(o, "tool", tool_to_json());
	put_nonempty(o, "run_id", r->run_id);
	json_put_time(o, "started", r->started_ns);
	json_put_time(o, "ended", r->ended_ns);
	json_put_seconds(o, "duration_seconds", r->duration_ns);
	json_put(o, "timings", timings_to_json(r));
	json_put_text(o, "verdict", run_verdict_to_string(r->verdict));
	json_put_text(o, "verdict_reason", r->verdict_reason);
	json_put(o, "error", error_to_json(&r->error));
	json_put(o, "signal", r->signal ? json_integer(r->signal) : json_null());
}

json_t *result_to_json(const struct result *r)
{
	const struct plan *plan = r->plan;
	const struct decision *decision = plan ? plan->decision : r->decision;
	const struct wpk *wpk = decision ? decision_wpk(decision) : NULL;
	struct step_counts counts = result_count(r, PHASE_MAIN);
	json_t *o = json_object(), *steps = json_array(), *warnings = json_array(), *cleanup = json_object();

	for (size_t i = 0; i < r->steps_len; i++)
		json_push(steps, step_result_to_json(&r->steps[i], r->redactor, true));
	for (size_t i = 0; i < r->warnings.len; i++)
		json_push(warnings, json_text(r->warnings.items[i]));
	put_head(o, r);
	json_put(o, "package", package_to_json(r, wpk));
	json_put(o, "findings", findings_to_json(r->findings));
	json_put(o, "decision", decision ? decision_to_json(decision) : json_null());
	json_put(o, "backend", plan ? backend_to_json(plan, r->image) : json_null());
	json_put_text(o, "profile", plan && plan->profile ? plan->profile->name : NULL);
	json_put(o, "limits", plan ? limits_to_json(&plan->spec.limits) : json_null());
	json_put(o, "parameters", parameters_to_json(plan));
	json_put(o, "summary", step_counts_to_json(&counts));
	json_put_bool(o, "rolled_back", r->rolled_back);
	json_put_int(o, "escape_attempts", (int64_t)result_escape_attempts(r));
	json_put(o, "steps", steps);
	json_put(o, "files", effects_to_json(&r->effects, r->redactor, true));
	json_put(o, "objects", objects_to_json(&r->objects));
	json_put(o, "cluster", r->cluster ? json_deep_copy(r->cluster) : json_null());
	json_put_text(o, "collected", r->collected);
	json_put(o, "artifacts", artifacts_to_json(&r->artifacts));
	json_put(o, "declared_vs_observed", declared_vs_observed_to_json(r, wpk));
	json_put(o, "enforcement", enforcement_to_json(&r->controls));
	cleanup_to_json(&r->cleanup, r->cleanup_complete, cleanup);
	json_put(o, "cleanup", cleanup);
	json_put(o, "kept", kept_to_json(r));
	json_put(o, "warnings", warnings);
	json_redact(o, r->redactor);
	return o;
}
