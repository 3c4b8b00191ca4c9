/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_step.h"

#include <stdio.h>
#include <string.h>

#include "runner/attempts.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/k8s_action.h"

#define NO_TIMEOUT_NS (600 * NS_PER_SEC)	/* of an attempt, where the handler says nothing */
#define WHERE_SIZE 256

/* ---- names of the package's own world */

static bool is_value(const struct k8s_fixtures *f, const struct wpk *wpk, const struct wpk_step *step, const char *text)
{
	(void)wpk;
	(void)step;
	return k8s_value_of(f, text);
}

/* `template: original_job`: given as a value, or the Job itself that event or fixtures tell of. */
static bool is_template(const struct k8s_fixtures *f, const struct wpk *wpk, const struct wpk_step *step, const char *text)
{
	const char *type = k8s_type_of(wpk, step);
	struct k8s_object_name name;

	if (k8s_value_of(f, text))
		return true;
	return !strncmp(text, "original_", 9) && type && k8s_kind_is(text + 9, type) &&
	       (k8s_config_text(step, "name") || k8s_fixtures_have(f, type, &name));
}

static bool is_condition(const struct k8s_fixtures *f, const struct wpk *wpk, const struct wpk_step *step, const char *text)
{
	const char *means = json_string_value(k8s_value_of(f, text));

	(void)wpk;
	(void)step;
	return k8s_condition_is_known(text) || (means && k8s_condition_is_known(means));
}

static const struct k8s_action actions[] = {
	{ "annotate", ACTION_CHANGES | ACTION_TYPE | ACTION_TARGET, NULL, NULL, k8s_action_annotate },
	{ "apply", ACTION_CHANGES, "manifest", is_value, k8s_action_apply },
	{ "create", ACTION_CHANGES | ACTION_TYPE, "template", is_template, k8s_action_create },
	{ "delete", ACTION_CHANGES | ACTION_TYPE | ACTION_TARGET, NULL, NULL, k8s_action_delete },
	{ "events", 0, NULL, NULL, k8s_action_events },
	{ "get", ACTION_TYPE | ACTION_TARGET, NULL, NULL, k8s_action_get },
	{ "logs", ACTION_TYPE | ACTION_TARGET | ACTION_WORKLOAD, NULL, NULL, k8s_action_logs },
	{ "metrics", 0, NULL, NULL, k8s_action_metrics },
	{ "patch", ACTION_CHANGES | ACTION_TYPE | ACTION_TARGET, "data", is_value, k8s_action_patch },
	{ "restart", ACTION_CHANGES | ACTION_TYPE | ACTION_TARGET, NULL, NULL, k8s_action_restart },
	{ "rollback", ACTION_CHANGES | ACTION_TYPE | ACTION_TARGET, NULL, NULL, k8s_action_rollback },
	{ "scale", ACTION_CHANGES | ACTION_TYPE | ACTION_TARGET, NULL, NULL, k8s_action_scale },
	{ "test", 0, NULL, NULL, k8s_action_test },
	{ "wait", ACTION_TYPE | ACTION_TARGET, "condition", is_condition, k8s_action_wait },
	{ "copy", 0, NULL, NULL, NULL },
	{ "restore", 0, NULL, NULL, NULL },
};
static const struct k8s_action manifest_action = { "kubernetes", ACTION_CHANGES, NULL, NULL, k8s_action_manifest };

const struct k8s_action *k8s_action_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, name))
			return &actions[i];
	return NULL;
}

/* ---- what stays simulated */

static char *symbol_reason(const struct k8s_action *action, const struct wpk *wpk, const struct wpk_step *step, const struct k8s_fixtures *f)
{
	const char *text = action->symbol_key ? k8s_config_text(step, action->symbol_key) : NULL;

	/* a text with line ends is a manifest */
	if (!text || strpbrk(text, "\n{") || action->symbol_is_real(f, wpk, step, text))
		return NULL;
	return xasprintf("%s '%s' is a name of the package's own world: say what it stands for in the event, 'values: {%s: …}'",
			 action->symbol_key, text, text);
}

static char *target_reason(const struct k8s_action *action, const struct wpk *wpk, const struct wpk_step *step, const struct k8s_fixtures *f)
{
	const struct plan_step as_planned = { .step = step };
	const char *type = k8s_type_of(wpk, step);
	struct k8s_object_name name;
	char selector[WHERE_SIZE], why[WHERE_SIZE];

	if (!type)
		return xasprintf("'%s' does not say of what: it has no resource_type", action->name);
	if (!(action->flags & ACTION_TARGET) || k8s_config(step, "name") || k8s_config(step, "resource_name") || k8s_config(step, "selector") ||
	    strchr(type, '/'))
		return NULL;
	if (k8s_target_of(f, &as_planned, NULL, type, &name, selector, why) || !strcmp(action->name, "get"))
		return NULL;
	/* of what nobody gives a stand-in is made; of several nobody knows which is meant */
	if (k8s_kind_has(type, K8S_STAND_IN) && strstr(why, "no fixture"))
		return NULL;
	return xstrdup(why);
}

static char *manifest_reason(const struct wpk_step *step)
{
	return step->node ? NULL : xstrdup("the manifest is empty");
}

char *k8s_step_simulated(const struct wpk *wpk, const struct wpk_step *step, const struct k8s_fixtures *fixtures)
{
	const struct k8s_action *action = k8s_action_find(step->action);
	char *reason;

	if (step->kind == WPK_STEP_MANIFEST)
		return manifest_reason(step);
	if (!action)
		return xasprintf("'%s' is no action that a cluster knows", step->action ? step->action : "");
	if (!action->run)
		return xasprintf("'%s' is an action of a storage system, not of a cluster", action->name);
	reason = symbol_reason(action, wpk, step, fixtures);
	if (!reason && (action->flags & ACTION_TYPE) && !(action->run == k8s_action_create && k8s_config(step, "manifest")))
		reason = target_reason(action, wpk, step, fixtures);
	return reason;
}

/* ---- one attempt */

void k8s_output(struct k8s_act *a, const char *data, size_t len)
{
	a->out_bytes += len;
	redact_stream_feed(&a->out.redact, data, len, &a->clean);
	if (!a->clean.len)
		return;
	output_capture_add(&a->out, a->clean.buf, a->clean.len);
	event_emit(a->ctx->events, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = a->step, .stream = SANDBOX_STDOUT,
						    .data = a->clean.buf, .len = a->clean.len });
	strbuf_clear(&a->clean);
}

void k8s_say(struct k8s_act *a, const char *fmt, ...)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	strbuf_addch(&line, '\n');
	k8s_output(a, line.buf, line.len);
}

static void finish_output(struct k8s_act *a)
{
	redact_stream_end(&a->out.redact, &a->clean);
	if (a->clean.len) {
		output_capture_add(&a->out, a->clean.buf, a->clean.len);
		event_emit(a->ctx->events, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = a->step, .stream = SANDBOX_STDOUT,
							    .data = a->clean.buf, .len = a->clean.len });
	}
	strbuf_release(&a->clean);
	captured_release(&a->step->out[SANDBOX_STDOUT]);
	output_capture_finish(&a->out, a->out_bytes, false, &a->step->out[SANDBOX_STDOUT]);
}

/* What the step is about: type and target. A type word of the form deployment/web names both. */
static int find_target(struct k8s_act *a, struct error *err)
{
	const struct wpk *wpk = decision_wpk(a->ctx->plan->decision);
	const char *type = k8s_type_of(wpk, a->config);
	char plain[64], why[WHERE_SIZE] = "";
	bool known = false;

	if (!(a->action->flags & ACTION_TYPE) || !type || !*type)
		return 0;
	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(type, "/"), type);
	if (a->action->flags & ACTION_TARGET) {
		known = k8s_target_of(a->ctx->fixtures, a->step->plan, a->ctx->parameters, type, &a->target, a->selector, why);
		if (!known && (a->action->flags & ACTION_WORKLOAD) && k8s_kind_is("Pod", plain))
			known = k8s_fixtures_have(a->ctx->fixtures, "deployment", &a->target) ||
				k8s_fixtures_have(a->ctx->fixtures, "statefulset", &a->target) ||
				k8s_target_of(a->ctx->fixtures, a->step->plan, a->ctx->parameters, "deployment", &a->target, a->selector, why);
		if (!known && strcmp(a->action->name, "get") != 0)
			return error_set(err, ERR_INVALID_INPUT, "%s", why);
	}
	a->type = kube_type_named(a->ctx->cluster->kube, known && *a->target.kind ? a->target.kind : plain, err);
	if (!a->type)
		return -1;
	if (!a->type->namespaced)
		return error_set(err, ERR_INVALID_INPUT, "%s belong to the whole cluster, and only the sandbox's namespace is ours", a->type->plural);
	return 0;
}

static void conclude_failure(struct k8s_act *a, const struct error *err)
{
	uint64_t timeout_ns = a->step->plan->handler->timeout_ns;
	autofree char *sentence = step_timeout_sentence(timeout_ns ? timeout_ns : NO_TIMEOUT_NS);

	if (err->code == ERR_CANCELLED || (a->ctx->cancel && cancel_requested(a->ctx->cancel)))
		step_conclude(a->step, STEP_CANCELLED, NULL,
			      xstrdup(a->ctx->cancel && cancel_signal(a->ctx->cancel) ? "cancelled by a signal" : "stopped at the run deadline"));
	else if (err->code == ERR_DEADLINE_EXCEEDED && clock_monotonic_ns() >= a->deadline_ns)
		step_conclude(a->step, STEP_TIMED_OUT, NULL, xasprintf("%s: %s", sentence, err->text));
	else if (err->code == ERR_DEADLINE_EXCEEDED)
		step_conclude(a->step, STEP_TIMED_OUT, NULL, xstrdup(err->text));
	else
		step_conclude(a->step, a->limit ? STEP_LIMIT : STEP_FAILED, a->limit, xstrdup(err->text));
}

static int once(void *arg, struct step_result *step, struct error *err)
{
	const struct k8s_context *ctx = arg;
	uint64_t timeout_ns = step->plan->handler->timeout_ns;
	struct k8s_act a = { .ctx = ctx, .step = step, .config = step->plan->step };
	struct error failure = { 0 };

	(void)err;
	a.action = a.config->kind == WPK_STEP_MANIFEST ? &manifest_action : k8s_action_find(a.config->action);
	a.deadline_ns = clock_deadline(timeout_ns ? timeout_ns : NO_TIMEOUT_NS);
	strbuf_init(&a.clean, STRBUF_NO_MAX);
	output_capture_init(&a.out, ctx->parameters ? ctx->parameters->redactor : NULL);
	step_conclude(step, STEP_PASSED, NULL, NULL);
	if (k8s_check_limit(&a, "max_retries", (int64_t)step->plan->handler->retry.max_attempts - 1, &failure) < 0 ||
	    k8s_check_limit(&a, "max_namespaces", 1, &failure) < 0 ||
	    find_target(&a, &failure) < 0 || a.action->run(&a, &failure) < 0) {
		conclude_failure(&a, &failure);
		k8s_say(&a, "failed: %s", failure.text);
	}
	finish_output(&a);
	return 0;
}

/* Is the cluster there at all? What fails because it is not is no result of the step. */
static int still_there(const struct k8s_context *ctx, const struct step_result *step, struct error *err)
{
	const struct kube_call call = { .method = "GET", .target = "/version", .timeout_ns = 10 * NS_PER_SEC };

	if (step->status != STEP_FAILED && step->status != STEP_TIMED_OUT)
		return 0;
	if (kube_call(ctx->cluster->kube, &call, NULL, err) == 0 || kube_failure(ctx->cluster->kube)->status)
		return 0;
	return error_prefix(err, "the cluster does not answer any more");
}

static bool go_on(void *arg)
{
	const struct k8s_context *ctx = arg;

	events_tick(ctx->events);
	return !ctx->cancel || !cancel_requested(ctx->cancel);
}

int k8s_step_run(const struct k8s_context *ctx, struct step_result *step, struct error *err)
{
	const struct wpk *wpk = decision_wpk(ctx->plan->decision);
	struct k8s_context context = *ctx;
	const struct attempts attempts = { .cancel = ctx->cancel, .events = ctx->events, .once = once, .arg = &context };
	const struct k8s_action *action = k8s_action_find(step->plan->step->action);
	char *reason = k8s_step_simulated(wpk, step->plan->step, ctx->fixtures);

	if (reason) {
		step->mode = STEP_MODE_SIMULATED;
		step_conclude(step, STEP_NOT_EXECUTED, NULL, reason);
		return 0;
	}
	if (ctx->dry_run && (!action || (action->flags & ACTION_CHANGES)))
		step->mode = STEP_MODE_DRY_RUN;
	kube_on_wait(ctx->cluster->kube, go_on, &context);
	attempts_run(&attempts, step, err);
	kube_on_wait(ctx->cluster->kube, NULL, NULL);
	return still_there(ctx, step, err);
}
