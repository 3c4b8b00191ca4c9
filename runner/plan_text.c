/* SPDX-License-Identifier: Apache-2.0
 * plan_text: a plan for people and for programs. Nothing has run yet: no word here may sound as if it had. */
#include <string.h>

#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/plan.h"

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RESET "\033[0m"

static void add_safe(struct strbuf *out, const char *text)
{
	printable_add(out, text, strlen(text));
}

static void add_heading(struct strbuf *out, bool color, const char *text)
{
	strbuf_addf(out, "%s%s%s\n", color ? BOLD : "", text, color ? RESET : "");
}

static void print_step(const struct plan_step *s, bool color, struct strbuf *out)
{
	const struct wpk_handler *h = s->handler;

	strbuf_addf(out, "  %2u. ", s->number);
	add_safe(out, s->title);
	strbuf_addf(out, "  [%s] %s%s", wpk_step_kind_to_string(s->step->kind),
		    s->mode == STEP_MODE_EXECUTED ? "would be executed in " : "simulated", s->mode == STEP_MODE_EXECUTED ? s->where : "");
	strbuf_addf(out, "\n      %s", color ? DIM : "");
	add_safe(out, s->summary);
	strbuf_addstr(out, color ? RESET "\n" : "\n");
	if (s->reason) {
		strbuf_addstr(out, "      why: ");
		add_safe(out, s->reason);
		strbuf_addch(out, '\n');
	}
	if (h->timeout_ns || h->retry.max_attempts > 1) {
		strbuf_addstr(out, "      ");
		if (h->timeout_ns) {
			strbuf_addstr(out, "timeout ");
			duration_format(out, h->timeout_ns);
		}
		if (h->retry.max_attempts > 1) {
			strbuf_addf(out, "%sat most %llu attempts, backoff ", h->timeout_ns ? ", " : "",
				    (unsigned long long)h->retry.max_attempts);
			duration_format(out, h->retry.backoff_ns);
		}
		strbuf_addch(out, '\n');
	}
	if (h->approval_required || s->step->approval_required)
		strbuf_addstr(out, "      approval required before this step in production\n");
	if (s->step->manual)
		strbuf_addstr(out, "      manual step\n");
}

static void print_phase(const struct plan *plan, enum step_phase phase, const char *heading, bool color, struct strbuf *out)
{
	bool first = true;

	for (size_t i = 0; i < plan->steps_len; i++) {
		if (plan->steps[i].phase != phase)
			continue;
		if (first)
			add_heading(out, color, heading);
		first = false;
		print_step(&plan->steps[i], color, out);
	}
}

static void print_need(const struct plan_need *need, struct strbuf *out)
{
	strbuf_addstr(out, "  ");
	add_safe(out, need->name);
	if (need->given && need->given->secret)
		strbuf_addstr(out, " = *** (secret)");
	else if (need->given) {
		strbuf_addstr(out, " = ");
		add_safe(out, need->given->value);
		strbuf_addf(out, "  (%s)", need->given->origin);
	} else if (need->fallback) {
		strbuf_addstr(out, " = ");
		add_safe(out, need->fallback);
		strbuf_addstr(out, "  (default of the package)");
	} else {
		strbuf_addstr(out, need->blocking ? "  NOT SET: the run would be refused" : "  not set; only simulated steps use it");
	}
	strbuf_addf(out, "  line %u\n", need->position.line);
}

static void print_permissions(const struct wpk *wpk, bool color, struct strbuf *out)
{
	const struct node *list = wpk->permissions;

	if (!list || list->kind != NODE_SEQUENCE || !list->len)
		return;
	add_heading(out, color, "Permissions the package declares");
	for (size_t i = 0; i < list->len; i++) {
		if (list->items[i]->kind != NODE_SCALAR)
			continue;
		strbuf_addstr(out, "  ");
		add_safe(out, list->items[i]->text);
		strbuf_addch(out, '\n');
	}
}

static void print_header(const struct plan *plan, bool color, struct strbuf *out)
{
	const struct wpk *wpk = decision_wpk(plan->decision);
	const struct sandbox_limits *l = &plan->spec.limits;

	strbuf_addf(out, "%sPlan for %s%s", color ? BOLD : "", wpk->workflow_id, color ? RESET : "");
	strbuf_addf(out, ": %zu step%s, %zu to be executed; safety mode %s%s\n", plan->steps_len, plan->steps_len == 1 ? "" : "s",
		    plan->executable, wpk->safety_mode == WPK_SAFETY_AUTO ? "auto" : "manual",
		    decision_approval_required(plan->decision) ? ", approval required" : "");
	strbuf_addf(out, "Policy: %s, score %u of 100 (%s risk)%s%s\n", verdict_to_string(decision_verdict(plan->decision)),
		    decision_score(plan->decision), decision_risk_level(plan->decision), *decision_findings(plan->decision) ? "; found: " : "",
		    decision_findings(plan->decision));
	strbuf_addf(out, "Sandbox: %s%s%s; memory ", plan->where, plan->chosen_because ? ", because " : "",
		    plan->chosen_because ? plan->chosen_because : "");
	size_format(out, l->memory_bytes);
	strbuf_addf(out, ", %llu.%02llu cpus, %llu processes, storage ", (unsigned long long)(l->cpu_millis / 1000),
		    (unsigned long long)(l->cpu_millis % 1000 / 10), (unsigned long long)l->pids);
	size_format(out, l->storage_bytes + l->tmp_bytes);
	strbuf_addf(out, ", network none (profile %s)\n", plan->profile->name);
	if (!plan->executable)
		strbuf_addstr(out, "Nothing of this package would be executed: a run would prove nothing about it.\n");
}

void plan_print(const struct plan *plan, bool color, struct strbuf *out)
{
	print_header(plan, color, out);
	print_phase(plan, PHASE_MAIN, "Steps", color, out);
	print_phase(plan, PHASE_ROLLBACK, "Rollback, when a step fails", color, out);
	if (plan->needs_len)
		add_heading(out, color, "Parameters");
	for (size_t i = 0; i < plan->needs_len; i++)
		print_need(&plan->needs[i], out);
	print_permissions(decision_wpk(plan->decision), color, out);
}

static json_t *step_to_json(const struct plan_step *s)
{
	json_t *o = json_object();

	json_put_int(o, "number", s->number);
	json_put_text(o, "phase", step_phase_to_string(s->phase));
	json_put_text(o, "handler", s->handler->name);
	json_put_text(o, "name", s->step->name);
	json_put_text(o, "kind", wpk_step_kind_to_string(s->step->kind));
	json_put_text(o, "mode", step_mode_to_string(s->mode));
	json_put_text(o, "where", s->where);
	json_put_text(o, "reason", s->reason);
	json_put_text(o, "summary", s->summary);
	json_put_seconds(o, "timeout_seconds", s->handler->timeout_ns);
	json_put_int(o, "max_attempts", (int64_t)s->handler->retry.max_attempts);
	json_put_seconds(o, "backoff_seconds", s->handler->retry.backoff_ns);
	json_put_bool(o, "approval_required", s->handler->approval_required || s->step->approval_required);
	json_put_bool(o, "manual", s->step->manual);
	json_put_text(o, "path", s->step->path);
	return o;
}

static json_t *need_to_json(const struct plan_need *need)
{
	json_t *o = json_object();
	bool secret = need->given && need->given->secret;

	json_put_text(o, "name", need->name);
	json_put_bool(o, "given", need->given != NULL);
	json_put_bool(o, "secret", secret);
	json_put_text(o, "value", secret ? "***" : need->given ? need->given->value : NULL);
	json_put_text(o, "default", need->fallback);
	json_put_bool(o, "blocking", need->blocking);
	json_put_int(o, "line", need->position.line);
	json_put_int(o, "column", need->position.column);
	json_put_text(o, "path", need->path);
	return o;
}

json_t *plan_to_json(const struct plan *plan)
{
	const struct wpk *wpk = decision_wpk(plan->decision);
	json_t *o = json_object();
	json_t *steps = json_array();
	json_t *needs = json_array();
	json_t *permissions = json_array();

	for (size_t i = 0; i < plan->steps_len; i++)
		json_push(steps, step_to_json(&plan->steps[i]));
	for (size_t i = 0; i < plan->needs_len; i++)
		json_push(needs, need_to_json(&plan->needs[i]));
	for (size_t i = 0; wpk->permissions && wpk->permissions->kind == NODE_SEQUENCE && i < wpk->permissions->len; i++)
		if (wpk->permissions->items[i]->kind == NODE_SCALAR)
			json_push(permissions, json_text(wpk->permissions->items[i]->text));
	json_put_text(o, "workflow_id", wpk->workflow_id);
	json_put(o, "decision", decision_to_json(plan->decision));
	json_put_text(o, "type", plan->type);
	json_put_text(o, "runtime", plan->runtime);
	json_put_text(o, "chosen_because", plan->chosen_because);
	json_put_text(o, "profile", plan->profile->name);
	json_put_int(o, "executable_steps", (int64_t)plan->executable);
	json_put(o, "steps", steps);
	json_put(o, "parameters", needs);
	json_put(o, "required_permissions", permissions);
	return o;
}
