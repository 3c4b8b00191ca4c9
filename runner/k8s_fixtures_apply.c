/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixtures meet the cluster: applied as ourselves, in order, then waited for; stand-ins for what nobody gave. */
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/k8s_action.h"

#define CALL_NS (30 * NS_PER_SEC)
#define EARLY_STAND_INS 4	/* which fit into half of a quota that is not small */
#define PAUSE_IMAGE "registry.k8s.io/pause:3.9"

struct applier {
	struct k8s_fixtures *f;
	const struct plan *plan;
	const struct parameters *parameters;
	const struct sandbox_cluster *cluster;
	uint64_t deadline_ns;
	char *pause;		/* owned: image of stand-ins; NULL: not looked for yet */
};

static struct kube_target place(const struct applier *a, const struct kube_type *type, const char *name)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t left = a->deadline_ns > now ? a->deadline_ns - now : NS_PER_MS;

	return (struct kube_target){ .type = type, .namespace = a->cluster->namespace, .name = name, .timeout_ns = left < CALL_NS ? left : CALL_NS };
}

static int apply(const struct applier *a, json_t *object, struct error *err)
{
	const char *kind = k8s_text(object, "kind", ""), *name = k8s_text(object, "metadata.name", NULL);
	const struct kube_type *type = kube_type_of(a->cluster->kube, k8s_text(object, "apiVersion", ""), kind, err);
	json_auto_t *made = NULL;
	struct kube_target where;

	if (!type)
		return error_prefix(err, "fixture %s '%s'", kind, name ? name : "");
	if (!type->namespaced)
		return error_set(err, ERR_INVALID_INPUT, "fixture %s '%s' belongs to the whole cluster, and only the sandbox's namespace is ours", kind,
				 name ? name : "");
	where = place(a, type, name);
	if (name ? kube_patch(a->cluster->kube, &where, KUBE_PATCH_APPLY, object, &made, err) < 0 : kube_create(a->cluster->kube, &where, object, &made, err) < 0)
		return error_prefix(err, "fixture %s '%s'", kind, name ? name : "");
	/* whoever waits for it must know what it is called */
	if (!name)
		json_put_text(json_object_get(object, "metadata"), "name", k8s_text(made, "metadata.name", ""));
	return 0;
}

/* What runs is waited for; the rest is there when it is stored. */
static int wait_for(const struct applier *a, const json_t *object, struct error *err)
{
	const struct k8s_waiter waiter = { .cluster = a->cluster };
	const char *kind = k8s_text(object, "kind", "");
	const struct kube_type *type;

	if (!k8s_kind_has(kind, K8S_WORKLOAD))
		return 0;
	type = kube_type_of(a->cluster->kube, k8s_text(object, "apiVersion", ""), kind, err);
	if (!type || k8s_wait_for(&waiter, type, k8s_text(object, "metadata.name", ""), "ready", a->deadline_ns, err) < 0)
		return error_prefix(err, "fixture");
	return 0;
}

/* ---- stand-ins */

/* Where the node keeps a pause image nothing has to be pulled. */
static bool find_pause(void *arg, json_t *node, bool restarted)
{
	struct applier *a = arg;
	const json_t *image, *name;
	size_t i, j;

	(void)restarted;
	json_array_foreach(k8s_at(node, "status.images"), i, image)
		json_array_foreach(json_object_get(image, "names"), j, name) {
			const char *text = json_string_value(name);

			if (text && strstr(text, "/pause:") && !a->pause)
				a->pause = xstrdup(text);
		}
	return !a->pause;
}

static const char *pause_image(struct applier *a)
{
	struct error err = { 0 };
	const struct kube_type *type;
	struct kube_target where;

	if (a->pause)
		return a->pause;
	type = kube_type_of(a->cluster->kube, "v1", "Node", &err);
	if (type) {
		where = place(a, type, NULL);
		where.namespace = NULL;
		kube_list(a->cluster->kube, &where, &(struct kube_selection){ .page = 0 }, find_pause, a, NULL, &err);
	}
	if (!a->pause)
		a->pause = xstrdup(PAUSE_IMAGE);
	return a->pause;
}

static json_t *pod_template(struct applier *a, const json_t *labels)
{
	return json_pack("{s:{s:O},s:{s:i,s:[{s:s,s:s,s:s,s:{s:{s:s,s:s}}}]}}", "metadata", "labels", labels, "spec", "terminationGracePeriodSeconds", 1,
			 "containers", "name", "pause", "image", pause_image(a), "imagePullPolicy", "IfNotPresent", "resources", "limits", "cpu", "50m",
			 "memory", "32Mi");
}

static void with_replicas(struct applier *a, json_t *object, const json_t *labels)
{
	json_put(object, "spec", json_pack("{s:i,s:{s:O},s:o}", "replicas", 1, "selector", "matchLabels", labels, "template", pod_template(a, labels)));
}

static void stand_deployment(struct applier *a, json_t *object, const json_t *labels)
{
	with_replicas(a, object, labels);
}

static void stand_statefulset(struct applier *a, json_t *object, const json_t *labels)
{
	with_replicas(a, object, labels);
	json_put_text(json_object_get(object, "spec"), "serviceName", k8s_text(object, "metadata.name", ""));
}

static void stand_daemonset(struct applier *a, json_t *object, const json_t *labels)
{
	with_replicas(a, object, labels);
	json_object_del(json_object_get(object, "spec"), "replicas");
}

static void stand_pod(struct applier *a, json_t *object, const json_t *labels)
{
	json_auto_t *template = pod_template(a, labels);

	json_put(object, "spec", json_incref(json_object_get(template, "spec")));
}

static void stand_job(struct applier *a, json_t *object, const json_t *labels)
{
	json_t *template = pod_template(a, labels);

	json_put_text(json_object_get(template, "spec"), "restartPolicy", "Never");
	json_put(object, "spec", json_pack("{s:i,s:o}", "backoffLimit", 0, "template", template));
}

static void stand_cronjob(struct applier *a, json_t *object, const json_t *labels)
{
	json_auto_t *job = json_object();

	stand_job(a, job, labels);
	json_put(object, "spec", json_pack("{s:s,s:b,s:{s:O}}", "schedule", "0 0 1 1 *", "suspend", 1, "jobTemplate", "spec", json_object_get(job, "spec")));
}

static void stand_service(struct applier *a, json_t *object, const json_t *labels)
{
	(void)a;
	json_put(object, "spec", json_pack("{s:O,s:[{s:i}]}", "selector", labels, "ports", "port", 80));
}

static void stand_data(struct applier *a, json_t *object, const json_t *labels)
{
	(void)a;
	(void)labels;
	json_put(object, strcmp(k8s_text(object, "kind", ""), "Secret") ? "data" : "stringData", json_pack("{s:s}", "stand-in", "nothing"));
}

static const struct stand_in {
	const char *kind;
	void (*fill)(struct applier *a, json_t *object, const json_t *labels);
} stand_in_rows[] = {
	{ "Deployment", stand_deployment }, { "ReplicaSet", stand_deployment }, { "StatefulSet", stand_statefulset }, { "DaemonSet", stand_daemonset },
	{ "Pod", stand_pod }, { "Job", stand_job }, { "CronJob", stand_cronjob }, { "Service", stand_service }, { "Secret", stand_data },
	{ "ConfigMap", stand_data },
};

/* "app=web,tier=x" as a mapping; what is no equality is left out, and the step will tell that it finds nothing. */
static json_t *labels_of(const char *selector, const char *name)
{
	json_t *labels = json_object();
	autofree char *copy = xstrdup(selector);
	char *rest = NULL;

	for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
		char *equals = strchr(item, '=');

		if (!equals || equals == item || equals[-1] == '!')
			continue;
		*equals++ = '\0';
		json_put_text(labels, item, equals + (*equals == '='));
	}
	if (!json_object_size(labels))
		json_put_text(labels, "app", name);
	return labels;
}

/* The name for what a selector finds: that of its first label. */
static void name_of(const struct k8s_object_name *target, const char *selector, char ret[254])
{
	const char *equals = strchr(selector, '=');
	size_t len = 0;

	if (*target->name || !equals)
		len = (size_t)snprintf(ret, 254, "%s", *target->name ? target->name : "stand-in");
	else
		for (equals += strspn(equals, "="); *equals && *equals != ',' && len < 60; equals++)
			ret[len++] = *equals;
	ret[len] = '\0';
	if (!kube_name_is_valid(ret))
		snprintf(ret, 254, "stand-in");
}

static bool is_served_kind(const struct applier *a, const char *kind, const struct kube_type **type)
{
	*type = kube_type_named(a->cluster->kube, kind, NULL);
	return *type && (*type)->namespaced;
}

static bool count_one(void *arg, json_t *item, bool restarted)
{
	(void)item;
	(void)restarted;
	*(bool *)arg = true;
	return false;
}

static bool is_there(const struct applier *a, const struct kube_type *type, const char *name, const char *selector)
{
	const struct kube_target where = place(a, type, *selector ? NULL : name);
	const struct kube_selection which = { .labels = selector };
	bool found = false;

	if (!*selector)
		return kube_get(a->cluster->kube, &where, NULL, NULL) == 0;
	kube_list(a->cluster->kube, &where, &which, count_one, &found, NULL, NULL);
	return found;
}

static int stand_in(struct applier *a, const struct kube_type *type, const char *name, const char *selector, const char *title, struct error *err)
{
	json_auto_t *object = json_pack("{s:s,s:s,s:{s:s,s:{s:s}}}", "apiVersion", type->api_version, "kind", type->kind, "metadata", "name", name,
					"labels", SANDBOX_LABEL_STAND_IN, "true");
	json_auto_t *labels = labels_of(selector, name);
	struct k8s_fixtures *f = a->f;

	json_object_update_missing(k8s_at(object, "metadata.labels"), labels);
	for (size_t i = 0; i < ARRAY_SIZE(stand_in_rows); i++)
		if (!strcmp(stand_in_rows[i].kind, type->kind))
			stand_in_rows[i].fill(a, object, labels);
	if (k8s_manifest_harden(object, NULL, err) < 0 || apply(a, object, err) < 0)
		return error_prefix(err, "a stand-in for %s", title);
	f->stand_ins = xrealloc(f->stand_ins, f->stand_ins_len + 1, sizeof(*f->stand_ins));
	f->stand_ins[f->stand_ins_len] = (struct k8s_object_name){ .name = "" };
	snprintf(f->stand_ins[f->stand_ins_len].kind, sizeof(f->stand_ins->kind), "%s", type->kind);
	snprintf(f->stand_ins[f->stand_ins_len++].name, sizeof(f->stand_ins->name), "%s", name);
	strvec_pushf(&f->notes, "%s/%s is a stand-in, made for '%s' because nobody gave one", type->singular, name, title);
	return 0;
}

static bool is_manifest_of(const struct applier *a, const struct node *manifest, const char *kind, const char *name)
{
	const struct node *its_kind = node_get(manifest, "kind"), *its_name = node_get(node_get(manifest, "metadata"), "name");
	autofree char *expanded = NULL;

	if (!its_kind || its_kind->kind != NODE_SCALAR || strcmp(its_kind->text, kind) != 0 || !its_name || its_name->kind != NODE_SCALAR)
		return false;
	expanded = k8s_expand(its_name->text, its_name->len, a->parameters, NULL);
	return expanded && !strcmp(expanded, name);
}

/* The package makes it itself, before `step`. */
static bool is_made_before(const struct applier *a, const struct plan_step *step, const char *kind, const char *name)
{
	for (const struct plan_step *s = a->plan->steps; s < step; s++) {
		const struct node *manifest = s->step->kind == WPK_STEP_MANIFEST ? s->step->node : node_get(s->step->node, "manifest");

		if (is_manifest_of(a, manifest, kind, name))
			return true;
	}
	return false;
}

/* Is there anything of that kind already that the step will find? */
static int stand_in_for(struct applier *a, const struct plan_step *step, struct error *err)
{
	const struct wpk *wpk = decision_wpk(a->plan->decision);
	const struct k8s_action *action = step->step->kind == WPK_STEP_K8S ? k8s_action_find(step->step->action) : NULL;
	const char *word = action && (action->flags & ACTION_TARGET) ? k8s_type_of(wpk, step->step) : NULL;
	char type_word[64], selector[256], why[256], name[254];
	struct k8s_object_name target;
	const struct kube_type *type;
	bool said;

	if (!word || step->mode == STEP_MODE_SIMULATED)
		return 0;
	snprintf(type_word, sizeof(type_word), "%.*s", (int)strcspn(word, "/"), word);
	said = k8s_target_of(a->f, step, a->parameters, word, &target, selector, why);
	if (!said && (action->flags & ACTION_WORKLOAD) && k8s_kind_is("Pod", type_word)) {
		if (k8s_target_of(a->f, step, a->parameters, "deployment", &target, selector, why))
			return 0;
		snprintf(type_word, sizeof(type_word), "deployment");
	}
	if (!said && !strstr(why, "no fixture"))
		return 0;	/* several, or a name that cannot be had: the step will tell */
	if (!k8s_kind_has(type_word, K8S_STAND_IN) || !is_served_kind(a, k8s_kind_named(type_word)->kind, &type))
		return 0;
	if (said && is_there(a, type, target.name, selector))
		return 0;
	name_of(&target, selector, name);
	if (is_made_before(a, step, type->kind, name))
		return 0;
	return stand_in(a, type, name, selector, step->title, err);
}

/* ---- how it was before the first step */

static bool remember(void *arg, json_t *item, bool restarted)
{
	const struct { json_t *originals; const char *kind; } *to = arg;
	autofree char *key = xasprintf("%s/%s", to->kind, k8s_text(item, "metadata.name", ""));

	(void)restarted;
	json_put_int(to->originals, key, k8s_number(item, "spec.replicas", 1));
	return true;
}

static void remember_all(const struct applier *a)
{
	static const char *const kinds[] = { "Deployment", "StatefulSet", "ReplicaSet" };

	json_decref(a->f->originals);
	a->f->originals = json_object();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct { json_t *originals; const char *kind; } to = { a->f->originals, kinds[i] };
		const struct kube_type *type = kube_type_of(a->cluster->kube, "apps/v1", kinds[i], NULL);
		const struct kube_target where = place(a, type, NULL);

		if (type)
			kube_list(a->cluster->kube, &where, &(struct kube_selection){ .page = 0 }, remember, &to, NULL, NULL);
	}
}

static int wait_for_all(const struct applier *a, struct error *err)
{
	const json_t *object;
	size_t i;

	json_array_foreach(a->f->manifests, i, object)
		if (wait_for(a, object, err) < 0)
			return -1;
	for (i = 0; i < a->f->stand_ins_len; i++) {
		const struct k8s_waiter waiter = { .cluster = a->cluster };
		const struct kube_type *type = kube_type_named(a->cluster->kube, a->f->stand_ins[i].kind, err);

		if (!type)
			return -1;
		if (k8s_kind_has(type->kind, K8S_WORKLOAD) &&
		    k8s_wait_for(&waiter, type, a->f->stand_ins[i].name, "ready", a->deadline_ns, err) < 0)
			return error_prefix(err, "stand-in");
	}
	return 0;
}

/* Those that are still to be made, while there are fewer than `most`. */
static int make_stand_ins(struct applier *a, size_t most, struct error *err)
{
	struct k8s_fixtures *f = a->f;

	for (; f->steps_seen < a->plan->steps_len && f->stand_ins_len < most; f->steps_seen++)
		if (stand_in_for(a, &a->plan->steps[f->steps_seen], err) < 0)
			return -1;
	return 0;
}

void k8s_fixtures_begin(struct k8s_fixtures *f, const struct plan *plan, const struct parameters *parameters,
			const struct sandbox_cluster *cluster, uint64_t deadline_ns)
{
	struct applier a = { .f = f, .plan = plan, .parameters = parameters, .cluster = cluster, .deadline_ns = deadline_ns };

	if (!json_array_size(f->manifests))
		make_stand_ins(&a, EARLY_STAND_INS, NULL);
	free(a.pause);
}

int k8s_fixtures_apply(struct k8s_fixtures *f, const struct plan *plan, const struct parameters *parameters,
		       const struct sandbox_cluster *cluster, uint64_t deadline_ns, struct error *err)
{
	struct applier a = { .f = f, .plan = plan, .parameters = parameters, .cluster = cluster, .deadline_ns = deadline_ns };
	json_t *object;
	size_t i;
	int r = 0;

	if (!f->manifests)
		f->manifests = json_array();
	json_array_foreach(f->manifests, i, object) {
		r = apply(&a, object, err);
		if (r < 0)
			break;
		strvec_pushf(&f->notes, "%s/%s was applied from the fixtures", k8s_text(object, "kind", "?"), k8s_text(object, "metadata.name", "?"));
	}
	if (r == 0)
		r = make_stand_ins(&a, SIZE_MAX, err);
	if (r == 0)
		r = wait_for_all(&a, err);
	if (r == 0)
		remember_all(&a);
	free(a.pause);
	return r;
}
