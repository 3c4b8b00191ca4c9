/* SPDX-License-Identifier: Apache-2.0
 * One version of an object, reduced to what a person would call it: no bookkeeping of the server, no status, no secret. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_effects_private.h"

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(s, *list))
			return true;
	}
	return false;
}

/* ---- what matters */

static void drop(json_t *o, const char *const *keys)
{
	for (; *keys; keys++)
		json_object_del(o, *keys);
}

/* Annotations that controllers and clients keep their books in. */
static bool is_bookkeeping(const char *annotation)
{
	static const char *const prefixes[] = {
		"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/", "deprecated.daemonset.template.generation",
		"endpoints.kubernetes.io/last-change-trigger-time", "control-plane.alpha.kubernetes.io/", "autoscaling.alpha.kubernetes.io/",
		"pv.kubernetes.io/", "batch.kubernetes.io/job-tracking",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (starts_with(annotation, prefixes[i]))
			return true;
	}
	return false;
}

/* A shallow copy of the object below `key`, put in the place of the original; NULL when there is none. Borrowed. */
static json_t *own_copy(json_t *o, const char *key)
{
	const json_t *old = json_object_get(o, key);

	if (!json_is_object(old))
		return NULL;
	json_put(o, key, json_copy((json_t *)old));
	return json_object_get(o, key);
}

/* Finalizers that only say how its dependents go do not hold an object back. */
static bool is_held_back(const json_t *metadata)
{
	const json_t *finalizers = json_object_get(metadata, "finalizers");
	json_t *value;
	size_t i;

	json_array_foreach((json_t *)finalizers, i, value) {
		const char *s = json_string_value(value);

		if (s && strcmp(s, "foregroundDeletion") != 0 && strcmp(s, "orphan") != 0)
			return true;
	}
	return false;
}

static void clean_metadata(json_t *metadata)
{
	static const char *const noise[] = { "managedFields", "resourceVersion", "generation", "uid", "selfLink", "creationTimestamp",
					     "deletionTimestamp", "deletionGracePeriodSeconds", "namespace", NULL };
	const bool deleted = json_is_string(json_object_get(metadata, "deletionTimestamp"));
	json_t *annotations = own_copy(metadata, "annotations");
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(annotations, next, key, value) {
		if (is_bookkeeping(key))
			json_object_del(annotations, key);
	}
	if (annotations && !json_object_size(annotations))
		json_object_del(metadata, "annotations");
	drop(metadata, noise);
	if (deleted)
		json_put_text(metadata, "deletionTimestamp", "set: waits for its finalizers");
}

static void mask(json_t *o, const char *key)
{
	json_t *data = own_copy(o, key), *value;
	const char *name;
	void *next;

	if (!data && json_object_get(o, key)) {		/* not what a Secret has: nothing of it is kept */
		json_object_del(o, key);
		return;
	}
	json_object_foreach_safe(data, next, name, value) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		char hex[DIGEST_HEX_SIZE];

		json_write(value, 0, &text);
		sha256_hex(text.buf, text.len, hex);
		explicit_bzero(text.buf, text.len);
		json_put_text(data, name, hex);
	}
}

/* All of a status is noise but how a pod or a job ended. */
static void clean_status(json_t *o, const char *kind)
{
	const json_t *status = json_object_get(o, "status");
	const char *phase = text_of(status, "phase");
	char ended[128] = "";
	json_t *condition;
	size_t i;

	if (!strcmp(kind, "Pod") && (!strcmp(phase, "Failed") || !strcmp(phase, "Succeeded"))) {
		const char *reason = text_of(status, "reason");

		snprintf(ended, sizeof(ended), "%s%s%s%s", phase, *reason ? " (" : "", reason, *reason ? ")" : "");
	}
	json_array_foreach(!strcmp(kind, "Job") ? json_object_get(status, "conditions") : NULL, i, condition) {
		const char *type = text_of(condition, "type"), *reason = text_of(condition, "reason");

		if (strcmp(text_of(condition, "status"), "True") != 0 || (strcmp(type, "Failed") != 0 && strcmp(type, "Complete") != 0))
			continue;
		snprintf(ended, sizeof(ended), "%s%s%s%s", type, *reason ? " (" : "", reason, *reason ? ")" : "");
	}
	json_object_del(o, "status");
	if (*ended)
		json_put_text(o, "status", ended);
}

/* The tokens that the cluster makes for an account. */
static void clean_account(json_t *o)
{
	const json_t *secrets = json_object_get(o, "secrets");
	autofree char *prefix = xasprintf("%s-token-", text_of(json_object_get(o, "metadata"), "name"));
	json_t *kept, *item;
	size_t i;

	if (!json_is_array(secrets))
		return;
	kept = json_array();
	json_array_foreach((json_t *)secrets, i, item) {
		if (!starts_with(text_of(item, "name"), prefix))
			json_array_append(kept, item);
	}
	if (json_array_size(kept))
		json_put(o, "secrets", kept);
	else {
		json_decref(kept);
		json_object_del(o, "secrets");
	}
}

/* What schedulers and controllers write into the spec of what is not theirs. */
static void clean_spec(json_t *o, const char *kind)
{
	static const struct { const char *kind; const char *const keys[4]; } noise[] = {
		{ "Pod", { "nodeName", NULL } },
		{ "Lease", { "renewTime", "acquireTime", "leaseTransitions", NULL } },
		{ "PersistentVolumeClaim", { "volumeName", NULL } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++) {
		json_t *spec = strcmp(kind, noise[i].kind) ? NULL : own_copy(o, "spec");

		if (spec)
			drop(spec, noise[i].keys);
	}
}

json_t *k8s_object_clean(const json_t *item, const char *kind)
{
	json_t *o = json_copy((json_t *)item), *metadata = own_copy(o, "metadata");

	json_object_del(o, "kind");
	json_object_del(o, "apiVersion");
	if (!strcmp(kind, "ServiceAccount"))
		clean_account(o);
	if (metadata)
		clean_metadata(metadata);
	clean_spec(o, kind);
	clean_status(o, kind);
	if (!strcmp(kind, "Secret")) {
		mask(o, "data");
		mask(o, "stringData");
	}
	return o;
}

/* ---- whose it is */

static bool is_controller(const char *manager)
{
	static const char *const names[] = { "kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver", "cloud-controller-manager",
					     "k3s", "rke2", "k0s", "openshift-controller-manager", NULL };

	return is_one_of(manager, names);
}

/* Changes exactly when somebody who is no controller writes to it. */
static void touched_by(const json_t *metadata, struct k8s_object *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct sha256 sha;
	json_t *entry;
	size_t i;

	sha256_begin(&sha);
	json_array_foreach(json_object_get(metadata, "managedFields"), i, entry) {
		if (is_controller(text_of(entry, "manager")) || !strcmp(text_of(entry, "subresource"), "status"))
			continue;
		ret->touched_by_others = true;
		strbuf_clear(&text);
		json_write(entry, 0, &text);
		sha256_add(&sha, text.buf, text.len);
	}
	sha256_end(&sha, ret->touched);
}

static void read_owner(const json_t *metadata, struct k8s_object *ret)
{
	json_t *owner;
	size_t i;

	json_array_foreach(json_object_get(metadata, "ownerReferences"), i, owner) {
		const char *kind = text_of(owner, "kind"), *uid = text_of(owner, "uid");

		if (!json_is_true(json_object_get(owner, "controller")) || !*uid || ret->owner)
			continue;
		ret->owner = xstrdup(uid);
		ret->owner_runs_jobs = !strcmp(kind, "Job") || !strcmp(kind, "CronJob");
	}
}

/* Made in every namespace, or for an account. What is made for a service is told when all are known. */
static bool is_of_cluster(const json_t *item, const char *kind, const char *name)
{
	if (!strcmp(kind, "ServiceAccount"))
		return !strcmp(name, "default");
	if (!strcmp(kind, "ConfigMap"))
		return !strcmp(name, "kube-root-ca.crt") || !strcmp(name, "openshift-service-ca.crt");
	if (!strcmp(kind, "Secret"))
		return !strcmp(text_of(item, "type"), "kubernetes.io/service-account-token") && strstr(name, "-token-");
	return !strcmp(kind, "Endpoints") || !strcmp(kind, "EndpointSlice");
}

/* Its controller has something to do that takes milliseconds. */
static bool is_unsettled(const json_t *item, const char *kind, int64_t generation)
{
	static const char *const observed[] = { "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", NULL };
	const json_t *spec = json_object_get(item, "spec"), *status = json_object_get(item, "status");

	if (!strcmp(kind, "Job"))
		return !json_is_true(json_object_get(spec, "suspend")) && !*text_of(status, "startTime");
	if (!is_one_of(kind, observed))
		return false;
	if (json_integer_value(json_object_get(status, "observedGeneration")) < generation)
		return true;
	return starts_with(kind, "Replica") &&
	       json_integer_value(json_object_get(spec, "replicas")) != json_integer_value(json_object_get(status, "replicas"));
}

struct k8s_object *k8s_object_new(const json_t *item, const struct k8s_kind *kind, unsigned int kind_index)
{
	const json_t *metadata = json_object_get(item, "metadata"), *labels = json_object_get(metadata, "labels");
	const char *name = text_of(metadata, "name"), *uid = text_of(metadata, "uid");
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_object *o;
	struct sha256 sha;

	if (!*name || !*uid)
		return NULL;
	o = xcalloc(1, sizeof(*o));
	*o = (struct k8s_object){
		.refs = 1, .kind = kind_index, .name = xstrdup(name), .uid = xstrdup(uid),
		.version = xstrdup(text_of(metadata, "resourceVersion")),
		.generation = json_integer_value(json_object_get(metadata, "generation")),
		.secret = !strcmp(kind->kind, "Secret"),
		.ours = json_object_get(labels, SANDBOX_LABEL_RUN) != NULL,
		.stand_in = json_object_get(labels, SANDBOX_LABEL_STAND_IN) != NULL,
		.of_cluster = is_of_cluster(item, kind->kind, name),
		.going = json_is_string(json_object_get(metadata, "deletionTimestamp")) && !is_held_back(metadata),
	};
	o->follows = o->of_cluster && strcmp(kind->kind, "ServiceAccount") != 0 && strcmp(kind->kind, "ConfigMap") != 0;
	o->unsettled = !o->going && is_unsettled(item, kind->kind, o->generation);
	read_owner(metadata, o);
	touched_by(metadata, o);

	json_auto_t *cleaned = k8s_object_clean(item, kind->kind);

	json_write(cleaned, 0, &text);
	sha256_begin(&sha);
	sha256_add(&sha, text.buf, text.len);
	sha256_end(&sha, o->digest);
	o->text_len = text.len;
	if (text.len <= K8S_OBJECT_TEXT_MAX)
		o->text = xstrndup(text.buf, text.len);
	return o;
}

struct k8s_object *k8s_object_ref(struct k8s_object *o)
{
	o->refs++;
	return o;
}

void k8s_object_unref(struct k8s_object *o)
{
	if (!o || --o->refs)
		return;
	free(o->name);
	free(o->uid);
	free(o->version);
	free(o->owner);
	free(o->text);
	free(o);
}
