/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions on what has replicas and revisions. */
#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/k8s_action.h"

#define REPLICAS_MAX 100000

/* ---- wait */

static int wait_ready(struct k8s_act *a, const char *name, const char *condition, uint64_t deadline_ns, struct error *err)
{
	const struct k8s_waiter waiter = k8s_waiter_of(a);
	uint64_t began = clock_monotonic_ns();
	autostrbuf struct strbuf took = STRBUF_INIT(64);

	if (k8s_wait_for(&waiter, a->type, name, condition, deadline_ns, err) < 0)
		return -1;
	duration_format(&took, clock_monotonic_ns() - began);
	k8s_say(a, "%s/%s is %s (waited %s)", a->type->singular, name, condition, took.buf);
	return 0;
}

/* The condition of the package, or what event or fixtures say that it stands for. */
static const char *condition_of(const struct k8s_act *a)
{
	const char *condition = k8s_config_text(a->config, "condition");
	const char *means = json_string_value(k8s_value_of(a->ctx->fixtures, condition));

	if (!condition)
		return "ready";
	return means && !k8s_condition_is_known(condition) ? means : condition;
}

int k8s_action_wait(struct k8s_act *a, struct error *err)
{
	const char *condition = condition_of(a), *written = k8s_config_text(a->config, "condition");
	uint64_t deadline_ns = a->deadline_ns;
	json_auto_t *objects = NULL;
	int64_t seconds;
	json_t *object;
	size_t i;

	if (k8s_config_seconds(a, "timeout", 0, &seconds, err) < 0)
		return -1;
	if (seconds && clock_deadline((uint64_t)seconds * NS_PER_SEC) < deadline_ns)
		deadline_ns = clock_deadline((uint64_t)seconds * NS_PER_SEC);
	if (k8s_find(a, &objects, err) < 0)	/* what is gone already need not be waited for */
		return !strcmp(condition, "deleted") && err->code == ERR_INVALID_INPUT ? (*err = (struct error){ 0 }, k8s_say(a, "it is gone"), 0) : -1;
	if (written && strcmp(condition, written) != 0)
		k8s_say(a, "condition '%s' stands for '%s' here", written, condition);
	json_array_foreach(objects, i, object)
		if (wait_ready(a, k8s_text(object, "metadata.name", ""), condition, deadline_ns, err) < 0)
			return -1;
	return 0;
}

/* ---- restart */

static json_t *restart_patch(void)
{
	char now[CLOCK_RFC3339_SIZE];

	clock_rfc3339(clock_realtime_ns(), now);
	return json_pack("{s:{s:{s:{s:{s:s}}}}}", "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt", now);
}

static int restart_template(struct k8s_act *a, const char *name, struct error *err)
{
	const struct kube_target where = k8s_place_as_user(a, a->type, name);
	json_auto_t *patch = restart_patch();

	if (k8s_patch(a, &where, KUBE_PATCH_STRATEGIC, patch, NULL, err) < 0)
		return error_prefix(err, "restarting %s '%s'", a->type->singular, name);
	k8s_say(a, "%s/%s %s", a->type->singular, name, a->ctx->dry_run ? "would be restarted" : "restarted");
	return a->ctx->dry_run ? 0 : wait_ready(a, name, "ready", a->deadline_ns, err);
}

static int restart_pod(struct k8s_act *a, const json_t *pod, int64_t grace, struct error *err)
{
	const char *name = k8s_text(pod, "metadata.name", "");

	if (!json_array_size(k8s_at(pod, "metadata.ownerReferences")))
		return error_set(err, ERR_INVALID_INPUT, "pod '%s' belongs to nothing that would start it again", name);
	if (k8s_delete(a, a->type, name, grace, err) < 0)
		return error_prefix(err, "restarting pod '%s'", name);
	k8s_say(a, "pod/%s %s", name, a->ctx->dry_run ? "would be deleted, to be made again" : "deleted, to be made again");
	return 0;
}

int k8s_action_restart(struct k8s_act *a, struct error *err)
{
	bool pods = !strcmp(a->type->kind, "Pod");
	json_auto_t *objects = NULL;
	int64_t grace;
	json_t *object;
	size_t i;

	if (!pods && !k8s_kind_is(a->type->kind, "deployment") && !k8s_kind_is(a->type->kind, "statefulset") && !k8s_kind_is(a->type->kind, "daemonset"))
		return error_set(err, ERR_INVALID_INPUT, "%s cannot be restarted: only pods, deployments, statefulsets and daemonsets can", a->type->plural);
	if (k8s_config_seconds(a, "grace_period", -1, &grace, err) < 0 || k8s_find(a, &objects, err) < 0)
		return -1;
	json_array_foreach(objects, i, object)
		if ((pods ? restart_pod(a, object, grace, err) : restart_template(a, k8s_text(object, "metadata.name", ""), err)) < 0)
			return -1;
	return 0;
}

/* ---- scale */

static int factor_of(const struct k8s_act *a, double *ret, struct error *err)
{
	autofree char *text = k8s_config_value(a, "scale_factor", err);
	char *end;

	*ret = 0;
	if (!text)
		return err->code ? -1 : 0;
	*ret = strtod(text, &end);
	if (*end || end == text || !(*ret > 0) || *ret > 1000)
		return error_set(err, ERR_INVALID_INPUT, "scale_factor '%.40s' is no number above 0", text);
	return 0;
}

static int original_replicas(const struct k8s_act *a, const char *name, int64_t *ret, struct error *err)
{
	autofree char *key = xasprintf("%s/%s", a->type->kind, name);
	const json_t *value = json_object_get(a->ctx->fixtures ? a->ctx->fixtures->originals : NULL, key);

	if (!json_is_integer(value))
		return error_set(err, ERR_INVALID_INPUT, "nobody knows how many replicas %s '%s' had before the first step", a->type->singular, name);
	*ret = json_integer_value(value);
	return 0;
}

/* `replicas` (a number, or "original"), else `scale_factor`, within min_replicas and max_replicas of the step. */
/* ceil() would want a library of its own. */
static int64_t rounded_up(double d)
{
	int64_t n = (int64_t)d;

	return n + ((double)n < d);
}

static int wanted_replicas(const struct k8s_act *a, const char *name, int64_t now, int64_t *ret, struct error *err)
{
	autofree char *text = k8s_config_value(a, "replicas", err);
	double factor;
	int64_t least, most;

	if (err->code || factor_of(a, &factor, err) < 0 || k8s_config_number(a, "min_replicas", 0, &least, err) < 0 ||
	    k8s_config_number(a, "max_replicas", REPLICAS_MAX, &most, err) < 0)
		return -1;
	if (text && !strcmp(text, "original"))
		return original_replicas(a, name, ret, err);
	if (text && k8s_config_number(a, "replicas", 0, ret, err) < 0)
		return -1;
	if (!text && factor == 0)
		return error_set(err, ERR_INVALID_INPUT, "it does not say how far: 'replicas' or 'scale_factor'");
	if (!text)
		*ret = rounded_up((double)now * factor - 1e-9);
	if (*ret < least)
		*ret = least;
	if (*ret > most)
		*ret = most;
	return 0;
}

static int scale_one(struct k8s_act *a, const json_t *object, struct error *err)
{
	const char *name = k8s_text(object, "metadata.name", "");
	int64_t now = k8s_number(object, "spec.replicas", 1), wanted;
	struct kube_target where = k8s_place_as_user(a, a->type, name);
	json_auto_t *patch = NULL;

	if (wanted_replicas(a, name, now, &wanted, err) < 0 || k8s_check_limit(a, "max_replicas", wanted, err) < 0 ||
	    k8s_check_pods(a, wanted - now, err) < 0)
		return -1;
	where.subresource = "scale";
	patch = json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)wanted);
	if (k8s_patch(a, &where, KUBE_PATCH_MERGE, patch, NULL, err) < 0)
		return error_prefix(err, "scaling %s '%s'", a->type->singular, name);
	k8s_say(a, "%s/%s %s from %lld to %lld", a->type->singular, name, a->ctx->dry_run ? "would be scaled" : "scaled", (long long)now, (long long)wanted);
	return a->ctx->dry_run ? 0 : wait_ready(a, name, "ready", a->deadline_ns, err);
}

int k8s_action_scale(struct k8s_act *a, struct error *err)
{
	json_auto_t *objects = NULL;
	json_t *object;
	size_t i;

	if (!k8s_kind_has(a->type->kind, K8S_SCALABLE) && k8s_kind_named(a->type->kind))
		return error_set(err, ERR_INVALID_INPUT, "%s have no replicas to scale", a->type->plural);
	if (k8s_find(a, &objects, err) < 0)
		return -1;
	json_array_foreach(objects, i, object)
		if (scale_one(a, object, err) < 0)
			return -1;
	return 0;
}

/* ---- rollback: Deployments keep their revisions as ReplicaSets, the others as ControllerRevisions */

static int64_t revision_of(const json_t *object)
{
	const char *text = json_string_value(json_object_get(k8s_at(object, "metadata.annotations"), "deployment.kubernetes.io/revision"));
	uint64_t revision = 0;

	if (text)
		integer_parse(text, strlen(text), 0, INT64_MAX, &revision, NULL);
	return text ? (int64_t)revision : k8s_number(object, "revision", 0);
}

static bool is_owned_by(const json_t *object, const char *uid)
{
	const json_t *owner;
	size_t i;

	json_array_foreach(k8s_at(object, "metadata.ownerReferences"), i, owner)
		if (!strcmp(k8s_text(owner, "uid", ""), uid))
			return true;
	return false;
}

/* The revision asked for, or the newest before the newest; NULL: there is none. Borrowed from `history`. */
static json_t *pick(const json_t *history, const char *uid, int64_t asked)
{
	json_t *newest = NULL, *before = NULL, *object;
	size_t i;

	json_array_foreach(history, i, object) {
		if (!is_owned_by(object, uid))
			continue;
		if (asked && revision_of(object) == asked)
			return object;
		if (!newest || revision_of(object) > revision_of(newest)) {
			before = newest;
			newest = object;
		} else if (!before || revision_of(object) > revision_of(before)) {
			before = object;
		}
	}
	return asked ? NULL : before;
}

static json_t *undo_patch(const json_t *revision, bool deployment)
{
	json_t *template, *patch;

	if (!deployment)
		return json_incref(json_object_get(revision, "data"));
	template = json_deep_copy(k8s_at(revision, "spec.template"));
	json_object_del(k8s_at(template, "metadata.labels"), "pod-template-hash");
	patch = json_array();
	json_push(patch, json_pack("{s:s,s:s,s:o}", "op", "replace", "path", "/spec/template", "value", template));
	return patch;
}

static int asked_revision(const struct k8s_act *a, int64_t *ret, struct error *err)
{
	autofree char *text = k8s_config_value(a, "revision", err);

	*ret = 0;
	if (err->code)
		return -1;
	if (!text || !strcmp(text, "previous"))
		return 0;
	return k8s_config_number(a, "revision", 0, ret, err);
}

static int undo_one(struct k8s_act *a, const json_t *object, const json_t *history, int64_t asked, struct error *err)
{
	const char *name = k8s_text(object, "metadata.name", "");
	const struct kube_target where = k8s_place_as_user(a, a->type, name);
	bool deployment = !strcmp(a->type->kind, "Deployment");
	const json_t *revision = pick(history, k8s_text(object, "metadata.uid", "?"), asked);
	json_auto_t *patch = NULL;

	if (!revision && asked)
		return error_set(err, ERR_INVALID_INPUT, "%s '%s' has no revision %lld", a->type->singular, name, (long long)asked);
	if (!revision && a->step->plan->phase == PHASE_MAIN)
		return error_set(err, ERR_INVALID_INPUT, "%s '%s' has no revision to go back to", a->type->singular, name);
	if (!revision) {
		k8s_say(a, "%s/%s has one revision only: there is nothing to undo", a->type->singular, name);
		return 0;
	}
	patch = undo_patch(revision, deployment);
	if (k8s_patch(a, &where, deployment ? KUBE_PATCH_JSON : KUBE_PATCH_STRATEGIC, patch, NULL, err) < 0)
		return error_prefix(err, "rolling back %s '%s'", a->type->singular, name);
	k8s_say(a, "%s/%s %s to revision %lld", a->type->singular, name, a->ctx->dry_run ? "would be rolled back" : "rolled back", (long long)revision_of(revision));
	return a->ctx->dry_run ? 0 : wait_ready(a, name, "ready", a->deadline_ns, err);
}

int k8s_action_rollback(struct k8s_act *a, struct error *err)
{
	const char *keeper = !strcmp(a->type->kind, "Deployment") ? "ReplicaSet" : "ControllerRevision";
	const struct kube_type *type = kube_type_of(a->ctx->cluster->kube, "apps/v1", keeper, err);
	json_auto_t *objects = NULL;
	json_auto_t *history = NULL;
	int64_t asked;
	json_t *object;
	size_t i;

	if (!type || asked_revision(a, &asked, err) < 0)
		return -1;
	if (strcmp(a->type->kind, "Deployment") != 0 && strcmp(a->type->kind, "StatefulSet") != 0 && strcmp(a->type->kind, "DaemonSet") != 0)
		return error_set(err, ERR_INVALID_INPUT, "%s keep no revisions", a->type->plural);
	if (k8s_find(a, &objects, err) < 0 || k8s_list(a, type, NULL, &history, err) < 0)
		return -1;
	json_array_foreach(objects, i, object)
		if (undo_one(a, object, history, asked, err) < 0)
			return -1;
	return 0;
}
