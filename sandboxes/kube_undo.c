/* SPDX-License-Identifier: Apache-2.0
 * Removing a namespace of ours, and those whose lease is over. What has not our label is never touched. */
#include "sandboxes/kube_place.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "sandboxes/lease.h"

#define PODS_NS (15 * NS_PER_SEC)	/* for nodes to end them: one that is gone, or pulls an image, would keep the namespace for long */

static const char *member(const json_t *object, const char *outer, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(json_object_get(object, "metadata"), outer), key));

	return text ? text : "";
}

static const char *meta(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, "metadata"), key));

	return text ? text : "";
}

/* Label and name say the same. In a cluster of our own the name is without an id. */
static bool is_ours(const json_t *namespace)
{
	const char *id = member(namespace, "labels", SANDBOX_LABEL_RUN), *name = meta(namespace, "name");
	autofree char *with_id = xasprintf(KUBE_NAMESPACE "-%s", id);

	return *id && !strcmp(member(namespace, "labels", KUBE_LABEL_MANAGED), KUBE_MANAGER) &&
	       (!strcmp(name, KUBE_NAMESPACE) || !strcmp(name, with_id));
}

static void end_pods(struct kube *k, const char *namespace, int grace)
{
	autofree char *pods = xasprintf("/api/v1/namespaces/%s/pods", namespace);
	json_auto_t *options = kube_manifest("{'kind':'DeleteOptions','apiVersion':'v1','gracePeriodSeconds':%d}", grace);
	const struct kube_call call = { .method = "DELETE", .target = pods, .body = options };

	kube_call(k, &call, NULL, NULL);
}

/* This very one, not another that took its name meanwhile. */
static int ask_to_remove(struct kube *k, const json_t *namespace, struct error *err)
{
	autofree char *path = xasprintf("/api/v1/namespaces/%s", meta(namespace, "name"));
	json_auto_t *options = kube_manifest("{'kind':'DeleteOptions','apiVersion':'v1','propagationPolicy':'Background'}");
	json_t *precondition = json_object();
	const struct kube_call call = { .method = "DELETE", .target = path, .body = options };
	struct error why = { .code = ERR_OK };

	json_put_text(precondition, "uid", meta(namespace, "uid"));
	json_put(options, "preconditions", precondition);
	if (kube_call(k, &call, NULL, &why) < 0 && !kube_is(k, "NotFound") && !kube_is(k, "Conflict"))	/* Conflict: it is going */
		return error_set(err, why.code, "%s", why.text);
	/* nobody in there has anything to say any more, and all would be waited for */
	end_pods(k, meta(namespace, "name"), 1);
	return 0;
}

/* 1: it is there; 0: it is not; -1. */
static int look(struct kube *k, const char *namespace, json_t **ret, struct error *err)
{
	autofree char *path = xasprintf("/api/v1/namespaces/%s", namespace);
	const struct kube_call call = { .method = "GET", .target = path };
	struct error why = { .code = ERR_OK };

	*ret = NULL;
	if (kube_call(k, &call, ret, &why) == 0)
		return 1;
	return kube_is(k, "NotFound") ? 0 : error_set(err, why.code, "%s", why.text);
}

/* What keeps it, in the cluster's words. */
static void add_obstacles(const json_t *namespace, struct strbuf *out)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(namespace, "status"), "conditions"), i, c) {
		const char *status = json_string_value(json_object_get(c, "status")), *message = json_string_value(json_object_get(c, "message"));

		if (status && message && !strcmp(status, "True"))
			strbuf_addf(out, "; %.200s", message);
	}
}

/* ---- until it is gone */

#define HEARD_NS (3 * NS_PER_SEC)	/* for kubelets to hear that a pod is to end */

/* A kubelet says soon that containers have ended, and up to ten seconds later that it has tidied up, when the cluster forgets the pod. */
static bool has_ended(const json_t *pod, bool for_long)
{
	static const char *const lists[] = { "initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses" };
	static const char *const failing[] = { "CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName" };
	const json_t *status = json_object_get(pod, "status"), *container;
	size_t i, seen = 0;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		json_array_foreach(json_object_get(status, lists[l]), i, container) {
			const json_t *state = json_object_get(container, "state");
			const char *waits = json_string_value(json_object_get(json_object_get(state, "waiting"), "reason"));
			bool over = json_is_object(json_object_get(state, "terminated"));

			/* its turn would have come after a container that has ended, and kubelets have heard that it will not */
			over |= for_long && seen && waits && !strcmp(waits, "PodInitializing");
			for (size_t f = 0; waits && f < ARRAY_SIZE(failing); f++)
				over |= !strcmp(waits, failing[f]);
			if (!over)
				return false;
			seen++;
		}
	return seen > 0;
}

struct glance {
	size_t pods, ending;
	bool for_long;		/* since they were asked to end */
};

static bool count_pod(void *arg, json_t *pod, bool restarted)
{
	struct glance *g = arg;

	if (restarted)
		*g = (struct glance){ .for_long = g->for_long };
	g->pods++;
	g->ending += !*meta(pod, "deletionTimestamp") || !has_ended(pod, g->for_long);
	return true;
}

/* The namespace is looked through once, five seconds after it was asked to go, and a pod that is found costs as much again: so what has
 * ended is let go of before. True: there is nothing more to do about pods. */
static bool let_go_of_pods(struct kube *k, const char *namespace, uint64_t since_ns)
{
	static const struct kube_type type = { .group = "", .version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod", .api_version = "v1",
					       .namespaced = true };
	const struct kube_target target = { .type = &type, .namespace = namespace };
	const uint64_t waited_ns = clock_monotonic_ns() - since_ns;
	const bool whatever = waited_ns > PODS_NS;
	struct glance g = { .for_long = waited_ns > HEARD_NS };

	if (!whatever && (kube_list(k, &target, NULL, count_pod, &g, NULL, NULL) < 0 || g.ending))
		return false;
	if (whatever || g.pods)
		end_pods(k, namespace, 0);
	return true;
}

static int wait_until_gone(struct kube *k, const char *namespace, uint64_t timeout_ns, struct strbuf *obstacles, struct error *err)
{
	const uint64_t began = clock_monotonic_ns(), deadline = clock_deadline(timeout_ns);
	unsigned int ms = 20;
	bool pods_done = false;

	for (;;) {
		json_auto_t *object = NULL;
		int r = look(k, namespace, &object, err);

		if (r <= 0)
			return r;
		if (clock_monotonic_ns() > deadline) {
			add_obstacles(object, obstacles);
			return error_set(err, ERR_CLEANUP, "namespace '%s' of the cluster at '%s' does not go%s", namespace, kube_server(k), obstacles->buf);
		}
		pods_done = pods_done || let_go_of_pods(k, namespace, began);
		nanosleep(&(struct timespec){ .tv_nsec = (long)ms * 1000000 }, NULL);
		if (ms < 160)
			ms *= 2;
	}
}

int kube_place_remove(struct kube *k, const char *namespace, const char *id, uint64_t timeout_ns, struct cleanup_list *list, struct error *err)
{
	autostrbuf struct strbuf obstacles = STRBUF_INIT(600);
	json_auto_t *object = NULL;
	int r = look(k, namespace, &object, err);

	if (r == 0)
		cleanup_add(list, "namespace", namespace, true, "the cluster knows it no more");
	if (r == 0)
		return 0;
	if (r > 0 && (!is_ours(object) || strcmp(member(object, "labels", SANDBOX_LABEL_RUN), id))) {
		cleanup_add(list, "namespace", namespace, true, "it has not our label: somebody else's, left alone");
		return 0;
	}
	if (r > 0)
		r = ask_to_remove(k, object, err) < 0 ? -1 : wait_until_gone(k, namespace, timeout_ns, &obstacles, err);
	cleanup_add(list, "namespace", namespace, r == 0, r == 0 ? "deleted; the cluster knows it no more" : "not seen to be gone");
	if (r < 0 && err)
		err->code = ERR_CLEANUP;
	return r;
}

struct sweep {
	json_t *over;		/* names and uids, as the client can do one thing at a time */
	uint64_t now;
};

static bool note_if_over(void *arg, json_t *namespace, bool restarted)
{
	struct sweep *s = arg;

	(void)restarted;
	if (is_ours(namespace) && lease_is_over(member(namespace, "annotations", SANDBOX_ANNOTATION_LEASE), s->now) &&
	    !*meta(namespace, "deletionTimestamp"))
		json_push(s->over, json_incref(namespace));
	return true;
}

void kube_place_sweep(struct kube *k)
{
	static const struct kube_type type = { .group = "", .version = "v1", .kind = "Namespace", .plural = "namespaces", .singular = "namespace",
					       .api_version = "v1" };
	const struct kube_target target = { .type = &type };
	const struct kube_selection which = { .labels = SANDBOX_LABEL_RUN "," KUBE_LABEL_MANAGED "=" KUBE_MANAGER };
	struct sweep s = { .over = json_array(), .now = clock_realtime_ns() / NS_PER_SEC };
	json_t *namespace;
	size_t i;

	/* who may not list namespaces has no sweep, which is no reason not to run */
	kube_list(k, &target, &which, note_if_over, &s, NULL, NULL);
	json_array_foreach(s.over, i, namespace)
		ask_to_remove(k, namespace, NULL);
	json_decref(s.over);
}
