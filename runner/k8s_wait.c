/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_wait.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/k8s_kind.h"
#include "runner/k8s_manifest.h"
#include "runner/k8s_monitor.h"

enum { WHY_SIZE = 160, REASONS_MAX = 4 };

/* ---- when is what ready */

static const json_t *condition_of(const json_t *object, const char *type)
{
	const json_t *item;
	size_t i;

	json_array_foreach(k8s_at(object, "status.conditions"), i, item)
		if (!strcasecmp(k8s_text(item, "type", ""), type))
			return item;
	return NULL;
}

static bool condition_is(const json_t *object, const char *type, const char *status)
{
	return !strcasecmp(k8s_text(condition_of(object, type), "status", "Unknown"), status);
}

static enum k8s_state state_of_condition(const json_t *object, const char *type, const char *status, char *why)
{
	const json_t *c = condition_of(object, type);

	if (condition_is(object, type, status))
		return K8S_HOLDS;
	snprintf(why, WHY_SIZE, "its condition '%s' is %s%s%.80s", type, c ? k8s_text(c, "status", "Unknown") : "not there",
		 c && *k8s_text(c, "reason", "") ? ": " : "", k8s_text(c, "reason", ""));
	return K8S_NOT_YET;
}

/* A controller that has not looked yet speaks of the object as it was. */
static bool is_seen(const json_t *object, char *why)
{
	if (k8s_number(object, "status.observedGeneration", 0) >= k8s_number(object, "metadata.generation", 0))
		return true;
	snprintf(why, WHY_SIZE, "its controller has not looked at it yet");
	return false;
}

static enum k8s_state counted(int64_t have, int64_t want, const char *what, char *why)
{
	if (have >= want)
		return K8S_HOLDS;
	snprintf(why, WHY_SIZE, "%lld of %lld replicas are %s", (long long)have, (long long)want, what);
	return K8S_NOT_YET;
}

static enum k8s_state deployment_ready(const json_t *o, char *why)
{
	int64_t want = k8s_number(o, "spec.replicas", 1), old;

	if (!is_seen(o, why))
		return K8S_NOT_YET;
	if (!strcmp(k8s_text(condition_of(o, "Progressing"), "reason", ""), "ProgressDeadlineExceeded")) {
		snprintf(why, WHY_SIZE, "it made no progress within its 'progressDeadlineSeconds'");
		return K8S_NEVER;
	}
	if (counted(k8s_number(o, "status.updatedReplicas", 0), want, "of the new revision", why) != K8S_HOLDS)
		return K8S_NOT_YET;
	old = k8s_number(o, "status.replicas", 0) - k8s_number(o, "status.updatedReplicas", 0);
	if (old > 0) {
		snprintf(why, WHY_SIZE, "%lld replicas of the old revision are not gone", (long long)old);
		return K8S_NOT_YET;
	}
	return counted(k8s_number(o, "status.availableReplicas", 0), want, "available", why);
}

static enum k8s_state statefulset_ready(const json_t *o, char *why)
{
	const char *update = k8s_text(o, "status.updateRevision", ""), *current = k8s_text(o, "status.currentRevision", "");
	int64_t want = k8s_number(o, "spec.replicas", 1);

	if (!is_seen(o, why))
		return K8S_NOT_YET;
	if (strcmp(update, current) != 0 && counted(k8s_number(o, "status.updatedReplicas", 0), want, "of the new revision", why) != K8S_HOLDS)
		return K8S_NOT_YET;
	return counted(k8s_number(o, "status.readyReplicas", 0), want, "ready", why);
}

static enum k8s_state daemonset_ready(const json_t *o, char *why)
{
	int64_t want = k8s_number(o, "status.desiredNumberScheduled", 0);

	if (!is_seen(o, why))
		return K8S_NOT_YET;
	if (counted(k8s_number(o, "status.updatedNumberScheduled", 0), want, "of the new revision", why) != K8S_HOLDS)
		return K8S_NOT_YET;
	return counted(k8s_number(o, "status.numberAvailable", 0), want, "available", why);
}

static enum k8s_state replicas_ready(const json_t *o, char *why)
{
	return is_seen(o, why) ? counted(k8s_number(o, "status.readyReplicas", 0), k8s_number(o, "spec.replicas", 1), "ready", why) : K8S_NOT_YET;
}

static enum k8s_state pod_ready(const json_t *o, char *why)
{
	const char *phase = k8s_text(o, "status.phase", "Pending");

	if (!strcmp(phase, "Succeeded"))
		return K8S_HOLDS;
	if (!strcmp(phase, "Failed")) {
		snprintf(why, WHY_SIZE, "it failed: %.100s", k8s_text(o, "status.reason", "a container ended with an error"));
		return K8S_NEVER;
	}
	return state_of_condition(o, "Ready", "True", why);
}

static enum k8s_state job_complete(const json_t *o, char *why)
{
	if (condition_is(o, "Complete", "True"))
		return K8S_HOLDS;
	if (condition_is(o, "Failed", "True")) {
		snprintf(why, WHY_SIZE, "it failed: %.100s", k8s_text(condition_of(o, "Failed"), "message", "no reason given"));
		return K8S_NEVER;
	}
	snprintf(why, WHY_SIZE, "it is not complete: %lld succeeded, %lld active, %lld failed", (long long)k8s_number(o, "status.succeeded", 0),
		 (long long)k8s_number(o, "status.active", 0), (long long)k8s_number(o, "status.failed", 0));
	return K8S_NOT_YET;
}

/* A Job is there to be worked with when it has begun, whatever became of it. */
static enum k8s_state job_ready(const json_t *o, char *why)
{
	if (k8s_number(o, "status.active", 0) || k8s_number(o, "status.succeeded", 0) || k8s_number(o, "status.failed", 0) ||
	    json_is_true(k8s_at(o, "spec.suspend")))
		return K8S_HOLDS;
	snprintf(why, WHY_SIZE, "it has not begun");
	return K8S_NOT_YET;
}

static enum k8s_state job_failed(const json_t *o, char *why)
{
	if (!condition_is(o, "Complete", "True"))
		return state_of_condition(o, "Failed", "True", why);
	snprintf(why, WHY_SIZE, "it is complete");
	return K8S_NEVER;
}

/* Custom kinds say Ready or Available by convention; what says nothing at all is ready by being there. */
static enum k8s_state anything_ready(const json_t *o, char *why)
{
	static const char *const types[] = { "Ready", "Available" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (condition_of(o, types[i]))
			return state_of_condition(o, types[i], "True", why);
	return K8S_HOLDS;
}

static enum k8s_state pod_complete(const json_t *o, char *why)
{
	const char *phase = k8s_text(o, "status.phase", "Pending");

	if (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"))
		return pod_ready(o, why);
	snprintf(why, WHY_SIZE, "it is %.40s", phase);
	return K8S_NOT_YET;
}

static enum k8s_state is_there(const json_t *o, char *why)
{
	(void)o;
	(void)why;
	return K8S_HOLDS;
}

static enum k8s_state is_gone(const json_t *o, char *why)
{
	snprintf(why, WHY_SIZE, "it is still there%s", k8s_at(o, "metadata.deletionTimestamp") ? ", being deleted" : "");
	return K8S_NOT_YET;
}

static const struct readiness {
	const char *word, *kind;	/* kind NULL: any other */
	enum k8s_state (*judge)(const json_t *object, char *why);
} readiness[] = {
	{ "ready", "Deployment", deployment_ready }, { "ready", "StatefulSet", statefulset_ready }, { "ready", "DaemonSet", daemonset_ready },
	{ "ready", "ReplicaSet", replicas_ready }, { "ready", "ReplicationController", replicas_ready }, { "ready", "Pod", pod_ready },
	{ "ready", "Job", job_ready }, { "ready", NULL, anything_ready },
	{ "complete", "Job", job_complete }, { "complete", "Pod", pod_complete }, { "complete", "Deployment", deployment_ready },
	{ "complete", NULL, anything_ready },
	{ "failed", "Job", job_failed }, { "exists", NULL, is_there }, { "deleted", NULL, is_gone },
};
static const struct { const char *word, *means; } synonyms[] = {
	{ "ready", "ready" }, { "available", "ready" }, { "healthy", "ready" }, { "running", "ready" }, { "rollout", "ready" },
	{ "rolled_out", "ready" }, { "complete", "complete" }, { "completed", "complete" }, { "succeeded", "complete" }, { "finished", "complete" },
	{ "failed", "failed" }, { "exists", "exists" }, { "created", "exists" }, { "deleted", "deleted" }, { "delete", "deleted" }, { "gone", "deleted" },
};

static const char *meaning(const char *condition)
{
	for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++)
		if (!strcasecmp(synonyms[i].word, condition))
			return synonyms[i].means;
	return NULL;
}

static bool is_type_name(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t len = strspn(text, letters);

	return len && len < 64 && !text[len] && text[0] >= 'A' && text[0] <= 'Z';
}

bool k8s_condition_is_known(const char *condition)
{
	return meaning(condition) || !strncasecmp(condition, "condition=", 10) || is_type_name(condition);
}

enum k8s_state k8s_state_of(const json_t *object, const char *condition, char why[160])
{
	const char *word = meaning(condition), *kind = k8s_text(object, "kind", "");
	char type[96];
	const char *status;

	why[0] = '\0';
	for (size_t i = 0; word && i < ARRAY_SIZE(readiness); i++)
		if (!strcmp(readiness[i].word, word) && (!readiness[i].kind || !strcmp(readiness[i].kind, kind)))
			return readiness[i].judge(object, why);
	condition += !strncasecmp(condition, "condition=", 10) ? 10 : 0;
	status = strchr(condition, '=');
	snprintf(type, sizeof(type), "%.*s", (int)(status ? status - condition : (long)strlen(condition)), condition);
	return state_of_condition(object, type, status ? status + 1 : "True", why);
}

/* ---- waiting */

struct watching {
	const struct k8s_waiter *w;
	const struct kube_type *type;
	const char *condition;
	bool gone_is_good, seen, cancelled, gone;
	enum k8s_state state;
	char why[WHY_SIZE];
};

static bool look(struct watching *watch, json_t *object)
{
	/* items of a list do not say what they are */
	if (!json_object_get(object, "kind"))
		json_put_text(object, "kind", watch->type->kind);
	watch->seen = true;
	watch->state = k8s_state_of(object, watch->condition, watch->why);
	return watch->state == K8S_NOT_YET;
}

static bool on_change(void *arg, const char *type, json_t *object)
{
	struct watching *watch = arg;

	if (!type) {
		if (watch->w->events)
			events_tick(watch->w->events);
		watch->cancelled = watch->w->cancel && cancel_requested(watch->w->cancel);
		return !watch->cancelled;
	}
	if (!strcmp(type, "BOOKMARK"))
		return true;
	if (!strcmp(type, "LISTED") ? !watch->seen : !strcmp(type, "DELETED")) {
		watch->gone = true;
		watch->state = watch->gone_is_good ? K8S_HOLDS : K8S_NEVER;
		snprintf(watch->why, sizeof(watch->why), "it is not there any more");
		return false;
	}
	return object ? look(watch, object) : true;
}

static int trouble(const struct watching *watch, const char *name, enum error_code code, const char *how, struct error *err)
{
	autostrvec struct strvec reasons = STRVEC_INIT;
	autostrbuf struct strbuf text = STRBUF_INIT(sizeof(err->text) - 1);

	if (!watch->gone)
		k8s_explain(watch->w->cluster, watch->type->kind, name, &reasons);
	for (size_t i = 0; i < reasons.len && i < REASONS_MAX; i++)
		strbuf_addf(&text, "; %s", reasons.items[i]);
	return error_set(err, code, "%s '%s' %s: %s%s", watch->type->singular && *watch->type->singular ? watch->type->singular : watch->type->kind,
			 name, how, *watch->why ? watch->why : "nothing is known of it", text.buf);
}

int k8s_wait_for(const struct k8s_waiter *w, const struct kube_type *type, const char *name, const char *condition, uint64_t deadline_ns,
		 struct error *err)
{
	autofree char *fields = xasprintf("metadata.name=%s", name);
	const struct kube_target target = { .type = type, .namespace = type->namespaced ? w->cluster->namespace : NULL };
	const struct kube_selection which = { .fields = fields };
	const char *word = meaning(condition);
	struct watching watch = { .w = w, .type = type, .condition = condition, .gone_is_good = word && !strcmp(word, "deleted") };
	uint64_t now = clock_monotonic_ns();
	autofree char *how = NULL;
	int r = -1;

	if (deadline_ns <= now)
		error_set(err, ERR_DEADLINE_EXCEEDED, "no time left");
	else
		r = kube_watch(w->cluster->kube, &target, &which, deadline_ns == CLOCK_NEVER ? CLOCK_NEVER : deadline_ns - now, on_change, &watch, err);
	if (watch.cancelled)
		return error_set(err, ERR_CANCELLED, "cancelled while waiting for %s '%s'", type->kind, name);
	if (r < 0 && err->code != ERR_DEADLINE_EXCEEDED)
		return error_prefix(err, "watching %s '%s'", type->kind, name);
	if (watch.state == K8S_HOLDS)
		return 0;
	how = xasprintf(watch.state == K8S_NEVER ? "cannot become %s" : "did not become %s in time", condition);
	return trouble(&watch, name, watch.state == K8S_NEVER ? ERR_REMOTE : ERR_DEADLINE_EXCEEDED, how, err);
}
