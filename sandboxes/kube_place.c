/* SPDX-License-Identifier: Apache-2.0
 * A namespace with its controls. There is no rollback here: removing the namespace removes all of it. */
#include "sandboxes/kube_place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define DAY_NS (24 * 3600 * NS_PER_SEC)
#define SETTLE_NS (30 * NS_PER_SEC)	/* for controllers to notice what was made */
#define PODS 10

/* ---- the handle */

struct kube_sandbox *kube_sandbox_new(const struct sandbox_backend *backend, const struct sandbox_ref *ref, const struct sandbox_spec *spec)
{
	struct kube_sandbox *ks = xcalloc(1, sizeof(*ks));
	const struct sandbox_cluster_spec *c = &spec->cluster;

	ks->base.backend = backend;
	ks->base.ref = *ref;
	ks->state_fd = ks->cluster_fd = -1;
	ks->limits = spec->limits;
	ks->net_bind_service = spec->net_bind_service;
	snprintf(ks->hostname, sizeof(ks->hostname), "%s", spec->hostname && *spec->hostname ? spec->hostname : "sandbox");
	snprintf(ks->image, sizeof(ks->image), "%s", c->default_image ? c->default_image : KUBE_DEFAULT_IMAGE);
	snprintf(ks->runtime_class, sizeof(ks->runtime_class), "%s", c->runtime_class ? c->runtime_class : "");
	return ks;
}

void kube_sandbox_close(struct sandbox *sb)
{
	struct kube_sandbox *ks = (struct kube_sandbox *)sb;

	kube_close(ks->kube);
	kube_close(ks->logs);
	if (ks->state_fd >= 0)
		close(ks->state_fd);
	if (ks->cluster_fd >= 0)
		close(ks->cluster_fd);
	for (size_t i = 0; i < ks->files_len; i++) {
		free(ks->files[i].path);
		free(ks->files[i].target);
		strbuf_release(&ks->files[i].content);
	}
	for (size_t i = 0; i < ks->cluster.permissions_len; i++)
		free((char *)ks->permissions[i].declared);
	free(ks->permissions);
	free(ks->files);
	free(ks);
}

int kube_sandbox_connect(struct kube_sandbox *ks, const struct kube_config *cfg, uint64_t timeout_ns, struct error *err)
{
	const struct kube_call hello = { .method = "GET", .target = "/version", .timeout_ns = timeout_ns };

	ks->kube = kube_open(cfg, err);
	ks->logs = ks->kube ? kube_open(cfg, err) : NULL;
	if (!ks->logs)
		return -1;
	if (kube_call(ks->kube, &hello, NULL, err) == 0)
		return 0;
	if (err && (err->code == ERR_REMOTE || err->code == ERR_DEADLINE_EXCEEDED))
		err->code = ERR_UNAVAILABLE;
	return error_prefix(err, "the cluster at '%s' cannot be used", kube_server(ks->kube));
}

int kube_keep_going(const struct sandbox_spec *spec, const char *line, struct error *err)
{
	if (!spec->progress || spec->progress(spec->progress_arg, line))
		return 0;
	return error_set(err, ERR_CANCELLED, "cancelled while the sandbox was made");
}

/* ---- objects */

json_t *kube_manifest(const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *object = NULL;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	for (char *p = text.buf; (p = strchr(p, '\'')) != NULL;)
		*p = '"';
	if (json_parse(text.buf, text.len, "manifest", &object, NULL) < 0)
		return json_object();	/* which every server refuses */
	return object;
}

int kube_post(struct kube_sandbox *ks, const char *path, json_t *object, json_t **ret, struct error *err)
{
	const struct kube_call call = { .method = "POST", .target = path, .body = object };
	int r = kube_call(ks->kube, &call, ret, err);

	json_decref(object);
	return r;
}

/* In our namespace, with our label. `path` is "/api/v1/namespaces/%s/…". */
static int make(struct kube_sandbox *ks, const char *api, const char *plural, json_t *object, struct error *err)
{
	autofree char *path = xasprintf("%s/namespaces/%s/%s", api, ks->namespace, plural);
	const char *name = json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
	autofree char *what = xasprintf("%s '%s'", plural, name ? name : "");
	json_t *labels = json_object();

	json_put_text(labels, SANDBOX_LABEL_RUN, ks->base.ref.id);
	json_put_text(labels, KUBE_LABEL_MANAGED, KUBE_MANAGER);
	json_put(json_object_get(object, "metadata"), "labels", labels);
	if (kube_post(ks, path, object, NULL, err) == 0)
		return 0;
	return error_prefix(err, "making %s", what);
}

static int make_namespace(struct kube_sandbox *ks, const struct sandbox_spec *spec, struct error *err)
{
	static const char *const levels[] = { "enforce", "audit", "warn" };
	const uint64_t until = spec->cluster.deadline_ns ? spec->cluster.deadline_ns : clock_realtime_ns() + DAY_NS;
	json_t *object = kube_manifest("{'apiVersion':'v1','kind':'Namespace','metadata':{'name':'%s','labels':{'" SANDBOX_LABEL_RUN "':'%s','"
				       KUBE_LABEL_MANAGED "':'" KUBE_MANAGER "'},'annotations':{'" SANDBOX_ANNOTATION_LEASE "':'%llu'}}}",
				       ks->namespace, ks->base.ref.id, (unsigned long long)(until / NS_PER_SEC));
	json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		autofree char *key = xasprintf("pod-security.kubernetes.io/%s", levels[i]);

		json_put_text(labels, key, "restricted");
	}
	if (kube_post(ks, "/api/v1/namespaces", object, NULL, err) == 0)
		return 0;
	if (kube_is(ks->kube, "AlreadyExists"))		/* an id cannot be guessed: this one is not ours */
		return error_set(err, ERR_UNAVAILABLE, "there is a namespace '%s' already, which is not ours", ks->namespace);
	return error_prefix(err, "making namespace '%s'", ks->namespace);
}

/* ---- how much */

static void put_amount(json_t *object, const char *key, uint64_t n, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu%s", (unsigned long long)n, unit);
	if (n)
		json_put_text(object, key, text);
}

static uint64_t writable_bytes(const struct sandbox_limits *l)
{
	return l->storage_bytes ? l->storage_bytes + l->tmp_bytes : 0;
}

static int make_quota(struct kube_sandbox *ks, unsigned int pods, struct error *err)
{
	static const struct { const char *what; unsigned int most; } counts[] = {
		{ "services", 20 }, { "services.loadbalancers", 0 }, { "services.nodeports", 0 }, { "persistentvolumeclaims", 5 },
		{ "count/configmaps", 100 }, { "count/secrets", 100 }, { "count/deployments.apps", 20 }, { "count/replicasets.apps", 200 },
		{ "count/statefulsets.apps", 20 }, { "count/daemonsets.apps", 20 }, { "count/jobs.batch", 100 }, { "count/cronjobs.batch", 20 },
	};
	const struct sandbox_limits *l = &ks->limits;
	json_t *object = kube_manifest("{'apiVersion':'v1','kind':'ResourceQuota','metadata':{'name':'sandbox-quota'},'spec':{'hard':{'pods':'%u'}}}", pods);
	json_t *hard = json_object_get(json_object_get(object, "spec"), "hard");

	put_amount(hard, "requests.cpu", l->cpu_millis, "m");
	put_amount(hard, "limits.cpu", l->cpu_millis, "m");
	put_amount(hard, "requests.memory", l->memory_bytes, "");
	put_amount(hard, "limits.memory", l->memory_bytes, "");
	put_amount(hard, "requests.ephemeral-storage", writable_bytes(l), "");
	put_amount(hard, "limits.ephemeral-storage", writable_bytes(l), "");
	put_amount(hard, "requests.storage", l->storage_bytes, "");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		json_put_int(hard, counts[i].what, counts[i].most);
	return make(ks, "/api/v1", "resourcequotas", object, err);
}

static uint64_t share(uint64_t total, uint64_t parts, uint64_t least, uint64_t most)
{
	const uint64_t part = total / parts;

	return !total ? 0 : part < least ? (least < total ? least : total) : part > most ? most : part;
}

/* What a container gets that says nothing: a part of the whole, so that as many as may be fit in it, and little that is set aside. */
static int make_limit_range(struct kube_sandbox *ks, unsigned int pods, struct error *err)
{
	const struct sandbox_limits *l = &ks->limits;
	json_t *object = kube_manifest("{'apiVersion':'v1','kind':'LimitRange','metadata':{'name':'sandbox-limits'},"
				       "'spec':{'limits':[{'type':'Container','default':{},'defaultRequest':{},'max':{}}]}}");
	json_t *range = json_array_get(json_object_get(json_object_get(object, "spec"), "limits"), 0);
	json_t *limit = json_object_get(range, "default"), *request = json_object_get(range, "defaultRequest"), *max = json_object_get(range, "max");

	put_amount(limit, "cpu", share(l->cpu_millis, pods, 50, 500), "m");
	put_amount(request, "cpu", share(l->cpu_millis, 10 * pods, 5, 20), "m");
	put_amount(max, "cpu", l->cpu_millis, "m");
	put_amount(limit, "memory", share(l->memory_bytes, pods, 16 << 20, 512 << 20), "");
	put_amount(request, "memory", share(l->memory_bytes, 4 * pods, 8 << 20, 32 << 20), "");
	put_amount(max, "memory", l->memory_bytes, "");
	put_amount(limit, "ephemeral-storage", share(writable_bytes(l), pods, 16 << 20, 1 << 30), "");
	put_amount(request, "ephemeral-storage", share(writable_bytes(l), 16 * pods, 1 << 20, 16 << 20), "");
	put_amount(max, "ephemeral-storage", writable_bytes(l), "");
	return make(ks, "/api/v1", "limitranges", object, err);
}

/* ---- who may do what */

static int make_accounts(struct kube_sandbox *ks, const struct sandbox_spec *spec, struct error *err)
{
	static const char *const names[] = { KUBE_HANDLER_ACCOUNT, KUBE_STEP_ACCOUNT };
	json_t *rules, *role;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (make(ks, "/api/v1", "serviceaccounts", kube_manifest("{'apiVersion':'v1','kind':'ServiceAccount','metadata':{'name':'%s'},"
			 "'automountServiceAccountToken':false}", names[i]), err) < 0)
			return -1;
	rules = kube_permission_rules(ks, spec->cluster.permissions, err);
	if (!rules)
		return -1;
	role = kube_manifest("{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'Role','metadata':{'name':'" KUBE_HANDLER_ACCOUNT "'}}");
	json_put(role, "rules", rules);
	if (make(ks, "/apis/rbac.authorization.k8s.io/v1", "roles", role, err) < 0)
		return -1;
	return make(ks, "/apis/rbac.authorization.k8s.io/v1", "rolebindings", kube_manifest(
		    "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding','metadata':{'name':'" KUBE_HANDLER_ACCOUNT "'},"
		    "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role','name':'" KUBE_HANDLER_ACCOUNT "'},"
		    "'subjects':[{'kind':'ServiceAccount','name':'" KUBE_HANDLER_ACCOUNT "','namespace':'%s'}]}", ks->namespace), err);
}

static int make_policy(struct kube_sandbox *ks, struct error *err)
{
	return make(ks, "/apis/networking.k8s.io/v1", "networkpolicies", kube_manifest(
		    "{'apiVersion':'networking.k8s.io/v1','kind':'NetworkPolicy','metadata':{'name':'sandbox-default-deny'},"
		    "'spec':{'podSelector':{},'policyTypes':['Ingress','Egress'],'ingress':[],'egress':[]}}"), err);
}

/* ---- until the controllers have seen it */

/* Pods are refused before the quota was counted, and those who then make them (Jobs, ReplicaSets) wait long until the next try. */
static bool quota_is_counted(const json_t *quota)
{
	return json_object_size(json_object_get(json_object_get(quota, "status"), "hard")) > 0;
}

static bool is_there(const json_t *object)
{
	return json_is_object(object);
}

static int wait_for(struct kube_sandbox *ks, const struct sandbox_spec *spec, const char *what, bool (*ready)(const json_t *object), struct error *err)
{
	autofree char *path = xasprintf("/api/v1/namespaces/%s/%s", ks->namespace, what);
	const struct kube_call call = { .method = "GET", .target = path };
	const uint64_t deadline = clock_deadline(SETTLE_NS);
	unsigned int ms = 5;

	for (;;) {
		struct error why = { .code = ERR_OK };
		json_auto_t *object = NULL;
		int r = kube_call(ks->kube, &call, &object, &why);

		if (r < 0 && !kube_is(ks->kube, "NotFound"))
			return error_set(err, why.code, "%s", why.text);
		if (r == 0 && ready(object))
			return 0;
		if (clock_monotonic_ns() > deadline)
			return error_set(err, ERR_UNAVAILABLE, "the cluster's controllers do not act: '%s' of namespace '%s' is not ready after %d s", what,
					 ks->namespace, (int)(SETTLE_NS / NS_PER_SEC));
		if (kube_keep_going(spec, NULL, err) < 0)
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
		if (ms < 40)
			ms *= 2;
	}
}

/* The account of pods that name none: made by the cluster, a moment after the namespace. Without a token, like ours. */
static int tame_default_account(struct kube_sandbox *ks, const struct sandbox_spec *spec, struct error *err)
{
	autofree char *path = xasprintf("/api/v1/namespaces/%s/serviceaccounts/default", ks->namespace);
	json_auto_t *patch = kube_manifest("{'automountServiceAccountToken':false}");
	const struct kube_call call = { .method = "PATCH", .target = path, .body = patch, .content_type = "application/merge-patch+json" };

	if (wait_for(ks, spec, "serviceaccounts/default", is_there, err) < 0)
		return -1;
	return kube_call(ks->kube, &call, NULL, err);
}

int kube_place_make(struct kube_sandbox *ks, const struct sandbox_spec *spec, const char *namespace, struct error *err)
{
	const unsigned int pods = spec->cluster.max_pods ? spec->cluster.max_pods : PODS;

	snprintf(ks->namespace, sizeof(ks->namespace), "%s", namespace);
	snprintf(ks->user, sizeof(ks->user), "system:serviceaccount:%s:" KUBE_HANDLER_ACCOUNT, namespace);
	/* the walls before anything that could stand in them */
	if (make_namespace(ks, spec, err) < 0 || make_policy(ks, err) < 0 || make_quota(ks, pods, err) < 0 || make_limit_range(ks, pods, err) < 0 ||
	    make_accounts(ks, spec, err) < 0 || tame_default_account(ks, spec, err) < 0 ||
	    wait_for(ks, spec, "resourcequotas/sandbox-quota", quota_is_counted, err) < 0)
		return -1;
	ks->cluster.kube = ks->kube;
	ks->cluster.namespace = ks->namespace;
	ks->cluster.user = ks->user;
	ks->cluster.image = ks->image;
	ks->cluster.permissions = ks->permissions;
	ks->base.cluster = &ks->cluster;
	return 0;
}
