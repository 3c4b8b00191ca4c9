/* SPDX-License-Identifier: Apache-2.0
 * Why an object is not ready, in sentences: from its own status, its pods' and the events about both. */
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/k8s_monitor_private.h"

#define CALL_TIMEOUT_NS (5 * NS_PER_SEC)
enum { PODS_MAX = 200, REASONS_MAX = 12, SELECTOR_MAX = 2048 };

/* "app=web,tier in (a)" of spec.selector: labels alone for old kinds and services. False: it selects nothing. */
static bool selector_of(const json_t *object, struct strbuf *out)
{
	const json_t *selector = json_object_get(json_object_get(object, "spec"), "selector");
	const json_t *labels = json_object_get(selector, "matchLabels");
	const char *key;
	json_t *value;

	if (!labels && !json_object_get(selector, "matchExpressions"))
		labels = selector;
	json_object_foreach((json_t *)labels, key, value) {
		if (json_is_string(value))
			strbuf_addf(out, "%s%s=%s", out->len ? "," : "", key, json_string_value(value));
	}
	return out->len && !out->overflow;
}

static const char *name_of(const json_t *object)
{
	return k8s_string(json_object_get(object, "metadata"), "name");
}

static bool is_owned_by(const json_t *object, const json_t *owners)
{
	json_t *reference;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(object, "metadata"), "ownerReferences"), i, reference) {
		const char *uid = k8s_string(reference, "uid");

		if (*uid && json_object_get(owners, uid))
			return true;
	}
	return false;
}

static void put_about(json_t *about, const char *kind, const char *name)
{
	autofree char *key = xasprintf("%s/%s", kind, name);

	json_put_bool(about, key, true);
}

/* Pods of a CronJob's jobs are found by their owners, all others by the selector. Replica sets are in between: their events matter. */
static json_t *pods_of(const struct sandbox_cluster *cluster, const struct kube_type *type, json_t *object, json_t *about)
{
	autostrbuf struct strbuf selector = STRBUF_INIT(SELECTOR_MAX);
	json_t *pods = json_array();
	json_auto_t *owners = NULL;
	json_auto_t *sets = NULL;
	json_t *item;
	size_t i;

	put_about(about, type->kind, name_of(object));
	if (!strcmp(type->kind, "Pod"))
		json_array_append(pods, object);
	if (!selector_of(object, &selector))
		return pods;
	json_decref(pods);
	pods = k8s_list_of(cluster, "pods", selector.buf, PODS_MAX);
	if (!strcmp(type->kind, "Deployment")) {
		owners = json_object();
		json_put_bool(owners, k8s_string(json_object_get(object, "metadata"), "uid"), true);
		sets = k8s_list_of(cluster, "replicasets.apps", selector.buf, PODS_MAX);
		json_array_foreach(sets, i, item) {
			if (is_owned_by(item, owners))
				put_about(about, "ReplicaSet", name_of(item));
		}
	}
	return pods ? pods : json_array();
}

/* "1 of 3 replicas are ready", when that is what it lacks. */
static void count_replicas(const char *kind, const json_t *object, struct strvec *reasons)
{
	const json_t *spec = json_object_get(object, "spec"), *status = json_object_get(object, "status");
	const bool daemons = json_is_integer(json_object_get(status, "desiredNumberScheduled"));
	const json_t *wanted = daemons ? json_object_get(status, "desiredNumberScheduled") : json_object_get(spec, "replicas");
	const long long ready = (long long)json_integer_value(json_object_get(status, daemons ? "numberReady" : "readyReplicas"));
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	if (!json_is_integer(wanted) || ready >= json_integer_value(wanted))
		return;
	printable_addstr(&text, kind);
	strbuf_addch(&text, ' ');
	printable_addstr(&text, name_of(object));
	strbuf_addf(&text, ": %lld of %lld replicas are ready", ready, (long long)json_integer_value(wanted));
	strvec_push(reasons, text.buf);
}

/* Causes first: what a pod says explains what stands above it. The same words of many pods are one reason. */
static void push_reasons(const struct k8s_troubles *found, struct strvec *reasons)
{
	uint64_t more = found->left_out;

	for (size_t i = 0; i < found->len; i++) {
		if (i < REASONS_MAX)
			strvec_push(reasons, found->items[i].text);
		else
			more++;
	}
	if (more)
		strvec_pushf(reasons, "and %llu more", (unsigned long long)more);
}

/* One that goes on beside the others. */
static bool is_sidecar(const json_t *pod, const char *name)
{
	const json_t *container;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(pod, "spec"), "initContainers"), i, container)
		if (!strcmp(k8s_string(container, "name"), name))
			return !strcmp(k8s_string(container, "restartPolicy"), "Always");
	return false;
}

/* Nothing is wrong with it, but what comes after it waits. */
static void push_unended(const json_t *pod, struct strvec *reasons)
{
	const json_t *status;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(pod, "status"), "initContainerStatuses"), i, status) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		if (!json_object_get(json_object_get(status, "state"), "running") || reasons->len >= REASONS_MAX ||
		    is_sidecar(pod, k8s_string(status, "name")))
			continue;
		strbuf_addstr(&text, "pod ");
		printable_addstr(&text, name_of(pod));
		strbuf_addstr(&text, ": its init container '");
		printable_addstr(&text, k8s_string(status, "name"));
		strbuf_addstr(&text, "' has not ended");
		strvec_push(reasons, text.buf);
	}
}

static void explain_object(const struct sandbox_cluster *cluster, const struct kube_type *type, const char *kind, json_t *object,
			   struct strvec *reasons)
{
	json_auto_t *about = json_object();
	json_auto_t *pods = pods_of(cluster, type, object, about);
	json_auto_t *events = k8s_events_of(cluster);
	struct k8s_troubles found = { 0 };
	const size_t before = reasons->len;
	json_t *pod;
	size_t i;

	json_array_foreach(pods, i, pod) {
		put_about(about, "Pod", name_of(pod));
		k8s_troubles_of_pod(pod, events, &found);
		push_unended(pod, reasons);
	}
	k8s_troubles_of_events(events, about, &found);
	k8s_troubles_of_object(kind, object, &found);
	count_replicas(kind, object, reasons);
	push_reasons(&found, reasons);
	k8s_troubles_release(&found);
	if (reasons->len == before && !strcmp(type->kind, "Pod")) {
		autostrbuf struct strbuf phase = STRBUF_INIT(STRBUF_NO_MAX);

		k8s_add_text(json_object_get(object, "status"), "phase", &phase);
		strvec_pushf(reasons, "pod %s: %s, and neither its status nor an event says why", name_of(object), phase.buf);
	}
}

void k8s_explain(const struct sandbox_cluster *cluster, const char *kind, const char *name, struct strvec *reasons)
{
	struct error err = { 0 };
	const struct kube_type *type = kube_type_named(cluster->kube, kind, &err);
	const struct kube_target target = { .type = type, .namespace = type && type->namespaced ? cluster->namespace : NULL, .name = name,
					    .timeout_ns = CALL_TIMEOUT_NS };
	autostrbuf struct strbuf quoted = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *object = NULL;

	if (!type) {
		strvec_push(reasons, err.text);
		return;
	}
	printable_addstr(&quoted, name);
	if (kube_get(cluster->kube, &target, &object, &err) == 0)
		explain_object(cluster, type, type->singular && *type->singular ? type->singular : kind, object, reasons);
	else if (kube_is(cluster->kube, "NotFound"))
		strvec_pushf(reasons, "%s '%s' does not exist", kind, quoted.buf);
	else
		strvec_pushf(reasons, "%s '%s' cannot be looked at: %s", kind, quoted.buf, err.text);
}
