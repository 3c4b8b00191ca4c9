/* SPDX-License-Identifier: Apache-2.0
 *
 * Actions that change nothing: done as the user, because what a package may see was declared, too. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/http.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/k8s_action.h"
#include "runner/k8s_field.h"

enum { PODS_MAX = 20, EVENTS_MAX = 100, NODES_MAX = 50, OBJECTS_MAX = 50, TEXT_MAX = 64 << 10 };
#define LOG_BYTES_MAX (UINT64_C(1) << 20)	/* of one container */
#define START_NS (20 * NS_PER_SEC)	/* that a container may take to start */

int k8s_action_test(struct k8s_act *a, struct error *err)
{
	(void)err;
	k8s_say(a, "nothing to do: 'test' is for trying packages out");
	return 0;
}

/* ---- logs */

struct log_arg {
	struct k8s_act *a;
	char last;
};

static bool on_log(void *arg, const char *data, size_t len)
{
	struct log_arg *log = arg;

	if (log->a->ctx->cancel && cancel_requested(log->a->ctx->cancel))
		return false;
	if (!len) {
		events_tick(log->a->ctx->events);
		return true;
	}
	log->last = data[len - 1];
	k8s_output(log->a, data, len);
	return true;
}

/* A container that is about to start will have some in a moment. */
static bool comes_soon(struct k8s_act *a, uint64_t deadline_ns)
{
	static const char *const reasons[] = { "ContainerCreating", "PodInitializing" };
	const struct kube_failure *failure = kube_failure(a->ctx->cluster->kube);

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (failure->status == 400 && strstr(failure->message, reasons[i]) && clock_monotonic_ns() < deadline_ns &&
		    !(a->ctx->cancel && cancel_requested(a->ctx->cancel)))
			return nanosleep(&(struct timespec){ .tv_nsec = 300 * 1000 * 1000 }, NULL) == 0;
	return false;
}

static int read_log(struct k8s_act *a, struct kube_logs *what, struct error *err)
{
	uint64_t deadline_ns = clock_deadline(START_NS);
	struct kube *kube = a->ctx->cluster->kube;
	const struct kube_type *pods = kube_type_named(kube, "pods", err);
	struct log_arg log = { .a = a, .last = '\n' };

	if (!pods)
		return -1;
	while (kube_logs(kube, what, on_log, &log, err) < 0) {
		if (what->as_user && k8s_look_anyway(a, pods, "log", "get", err))
			what->as_user = NULL;
		else if (!comes_soon(a, deadline_ns < a->deadline_ns ? deadline_ns : a->deadline_ns))
			return -1;
	}
	*err = (struct error){ 0 };
	if (log.last != '\n')
		k8s_output(a, "\n", 1);
	return 0;
}

static int log_of_container(struct k8s_act *a, const char *pod, const char *container, int64_t lines, struct error *err)
{
	struct kube_logs what = {
		.namespace = a->ctx->cluster->namespace, .pod = pod, .container = container, .as_user = a->ctx->cluster->user,
		.previous = k8s_config_is(a->config, "previous"), .tail_lines = lines, .limit_bytes = LOG_BYTES_MAX, .timeout_ns = k8s_left_ns(a),
	};
	const struct kube_failure *failure = kube_failure(a->ctx->cluster->kube);

	k8s_say(a, "== logs of pod/%s, container %s%s", pod, container, what.previous ? ", before it was started again" : "");
	if (read_log(a, &what, err) == 0)
		return 0;
	if (failure->status != 400)	/* it has none, or not yet: that is an answer */
		return error_prefix(err, "logs of pod '%s'", pod);
	k8s_say(a, "there are none: %s", failure->message);
	*err = (struct error){ 0 };
	return 0;
}

static int log_of_pod(struct k8s_act *a, const json_t *pod, const char *only, int64_t lines, struct error *err)
{
	const char *name = k8s_text(pod, "metadata.name", "");
	json_t *container;
	size_t i;

	json_array_foreach(k8s_at(pod, "spec.containers"), i, container) {
		const char *container_name = k8s_text(container, "name", "");

		if ((!only || !strcmp(only, container_name)) && log_of_container(a, name, container_name, lines, err) < 0)
			return -1;
	}
	return 0;
}

/* The pods of what is named: itself, or those that its selector finds. */
static int pods_of(struct k8s_act *a, json_t **ret, struct error *err)
{
	json_auto_t *objects = NULL;
	json_auto_t *pods = json_array();
	const struct kube_type *type = kube_type_named(a->ctx->cluster->kube, "pods", err);
	json_t *object;
	size_t i;

	if (!type || k8s_find(a, &objects, err) < 0)
		return -1;
	json_array_foreach(objects, i, object) {
		autofree char *labels = k8s_pods_of(object);
		json_auto_t *some = NULL;

		if (!strcmp(a->type->kind, "Pod")) {
			json_push(pods, json_incref(object));
		} else if (labels) {
			if (k8s_list(a, type, labels, &some, err) < 0)
				return -1;
			json_array_extend(pods, some);
		}
	}
	*ret = json_incref(pods);
	return 0;
}

int k8s_action_logs(struct k8s_act *a, struct error *err)
{
	json_auto_t *pods = NULL;
	autofree char *container = k8s_config_value(a, "container", err);
	int64_t lines;
	json_t *pod;
	size_t i;

	if (err->code || k8s_config_number(a, "lines", -1, &lines, err) < 0 || pods_of(a, &pods, err) < 0)
		return -1;
	json_array_foreach(pods, i, pod) {
		if (i == PODS_MAX) {
			k8s_say(a, "and %zu pods more", json_array_size(pods) - i);
			break;
		}
		if (log_of_pod(a, pod, container, lines, err) < 0)
			return -1;
	}
	if (!json_array_size(pods))
		k8s_say(a, "%s %s has no pods", a->type->singular, *a->target.name ? a->target.name : a->selector);
	if (k8s_config_text(a->config, "analysis"))
		k8s_say(a, "the analysis '%s' is of the package's own world and was not made", k8s_config_text(a->config, "analysis"));
	return 0;
}

/* ---- events */

static const char *event_time(const json_t *event)
{
	return k8s_text(event, "lastTimestamp", k8s_text(event, "eventTime", k8s_text(event, "metadata.creationTimestamp", "")));
}

static int compare_events(const void *a, const void *b)
{
	return strcmp(event_time(*(json_t *const *)a), event_time(*(json_t *const *)b));
}

static bool is_wanted(const json_t *event, const char *type, const char *name)
{
	const json_t *object = json_object_get(event, "involvedObject");

	return (!*type || k8s_kind_is(k8s_text(object, "kind", ""), type)) && (!*name || !strcmp(k8s_text(object, "name", ""), name));
}

static bool collect(void *arg, json_t *item, bool restarted)
{
	if (restarted)
		json_array_clear(arg);
	json_push(arg, json_incref(item));
	return true;
}

static void say_event(struct k8s_act *a, const json_t *event)
{
	autofree char *times = xasprintf(" (%lld times)", (long long)k8s_number(event, "count", 1));

	k8s_say(a, "%-8s %-20s %s/%s  %s%s", k8s_text(event, "type", "?"), k8s_text(event, "reason", "?"), k8s_text(event, "involvedObject.kind", "?"),
		k8s_text(event, "involvedObject.name", "?"), k8s_text(event, "message", ""), k8s_number(event, "count", 1) > 1 ? times : "");
}

static void say_events(struct k8s_act *a, const json_t *list, const char *type, const char *name)
{
	size_t n = 0, len = json_array_size(list);
	autofree json_t **sorted = xcalloc(len + 1, sizeof(*sorted));
	json_t *event;
	size_t i;

	json_array_foreach(list, i, event)
		if (is_wanted(event, type, name))
			sorted[n++] = event;
	qsort(sorted, n, sizeof(*sorted), compare_events);
	if (n > EVENTS_MAX)
		k8s_say(a, "(%zu earlier ones left out)", n - EVENTS_MAX);
	for (i = n > EVENTS_MAX ? n - EVENTS_MAX : 0; i < n; i++)
		say_event(a, sorted[i]);
	if (!n)
		k8s_say(a, "no events%s%s", *type ? " about " : "", type);
}

int k8s_action_events(struct k8s_act *a, struct error *err)
{
	const struct kube_type *type = kube_type_of(a->ctx->cluster->kube, "v1", "Event", err);
	autofree char *name = k8s_config_value(a, "name", err);
	const char *about = k8s_config_text(a->config, "resource_type");
	json_auto_t *list = json_array();
	struct kube_target where;

	if (!type || err->code)
		return -1;
	where = k8s_place_as_user(a, type, NULL);
	while (kube_list(a->ctx->cluster->kube, &where, &(struct kube_selection){ .page = 0 }, collect, list, NULL, err) < 0) {
		if (!where.as_user || !k8s_look_anyway(a, type, NULL, "list", err))
			return -1;
		where.as_user = NULL;
	}
	say_events(a, list, about ? about : "", name ? name : "");
	return 0;
}

/* ---- get */

/* Values of Secrets never leave. */
static void mask(json_t *object)
{
	static const char *const keys[] = { "data", "stringData" };
	const char *key;
	json_t *value;
	void *next;

	if (strcmp(k8s_text(object, "kind", ""), "Secret") != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		json_object_foreach_safe(json_object_get(object, keys[i]), next, key, value)
			json_put_text(json_object_get(object, keys[i]), key, "***");
	json_object_del(k8s_at(object, "metadata.annotations"), "kubectl.kubernetes.io/last-applied-configuration");
}

static void say_field(struct k8s_act *a, const struct k8s_field *field, const char *path, json_t *object)
{
	json_auto_t *found = k8s_field_find(field, object);
	const char *name = k8s_text(object, "metadata.name", "?");
	json_t *value;
	size_t i;

	json_array_foreach(found, i, value) {
		autostrbuf struct strbuf text = STRBUF_INIT(TEXT_MAX);

		if (json_is_string(value))
			strbuf_addstr(&text, json_string_value(value));
		else
			json_write(value, 0, &text);
		k8s_say(a, "%s/%s %s: %s", a->type->singular, name, path, text.buf);
	}
	if (!json_array_size(found))
		k8s_say(a, "%s/%s %s: not there", a->type->singular, name, path);
}

static void say_object(struct k8s_act *a, json_t *object)
{
	autostrbuf struct strbuf text = STRBUF_INIT(TEXT_MAX);

	json_object_del(json_object_get(object, "metadata"), "managedFields");
	json_write(object, 2, &text);
	k8s_say(a, "%s%s", text.buf, text.overflow ? " …" : "");
}

static int fetch(struct k8s_act *a, json_t **ret, struct error *err)
{
	struct kube *kube = a->ctx->cluster->kube;
	struct kube_target where = k8s_place_as_user(a, a->type, *a->target.name ? a->target.name : NULL);
	const struct kube_selection which = { .labels = *a->selector ? a->selector : NULL };
	json_auto_t *list = json_array();
	json_t *object = NULL;

	while (where.name ? kube_get(kube, &where, &object, err) < 0 : kube_list(kube, &where, &which, collect, list, NULL, err) < 0) {
		if (!where.as_user || !k8s_look_anyway(a, a->type, NULL, where.name ? "get" : "list", err))
			return where.name ? error_prefix(err, "%s '%s'", a->type->singular, where.name) : -1;
		where.as_user = NULL;
	}
	if (object)
		json_push(list, object);
	*ret = json_incref(list);
	return 0;
}

int k8s_action_get(struct k8s_act *a, struct error *err)
{
	struct k8s_field field = { .len = 0 };
	autofree char *path = k8s_config_value(a, "field", err);
	json_auto_t *objects = NULL;
	json_t *object;
	size_t i;

	if (err->code)
		return -1;
	if ((path && k8s_field_parse(path, &field, err) < 0) || fetch(a, &objects, err) < 0) {
		k8s_field_release(&field);
		return -1;
	}
	json_array_foreach(objects, i, object) {
		if (i == OBJECTS_MAX) {
			k8s_say(a, "and %zu more", json_array_size(objects) - i);
			break;
		}
		json_put_text(object, "kind", a->type->kind);
		mask(object);
		if (path)
			say_field(a, &field, path, object);
		else
			say_object(a, object);
	}
	if (!json_array_size(objects))
		k8s_say(a, "there are no %s", a->type->plural);
	k8s_field_release(&field);
	return 0;
}

/* ---- metrics: what the kubelets measure, which needs nothing installed */

static void say_pod(struct k8s_act *a, const json_t *pod)
{
	autostrbuf struct strbuf text = STRBUF_INIT(256);
	int64_t cpu = k8s_number(pod, "cpu.usageNanoCores", -1), memory = k8s_number(pod, "memory.workingSetBytes", -1);
	int64_t received = k8s_number(pod, "network.rxBytes", -1), sent = k8s_number(pod, "network.txBytes", -1);

	if (cpu >= 0)
		strbuf_addf(&text, "  cpu %lldm", (long long)cpu / 1000000);
	if (memory >= 0) {
		strbuf_addstr(&text, "  memory ");
		size_format(&text, (uint64_t)memory);
	}
	if (received >= 0 && sent >= 0)
		strbuf_addf(&text, "  received %lld B  sent %lld B", (long long)received, (long long)sent);
	k8s_say(a, "pod/%s%s", k8s_text(pod, "podRef.name", "?"), text.len ? text.buf : "  not measured yet");
}

static void say_usage(struct k8s_act *a, const json_t *summary, size_t *pods)
{
	const json_t *pod;
	size_t i;

	json_array_foreach(json_object_get(summary, "pods"), i, pod) {
		if (strcmp(k8s_text(pod, "podRef.namespace", ""), a->ctx->cluster->namespace) != 0)
			continue;
		say_pod(a, pod);
		++*pods;
	}
}

static int usage_of_node(struct k8s_act *a, const char *node, size_t *pods, struct error *err)
{
	autostrbuf struct strbuf target = STRBUF_INIT(1024);
	json_auto_t *summary = NULL;
	struct kube_call call = { .method = "GET", .timeout_ns = k8s_left_ns(a) };

	strbuf_addstr(&target, "/api/v1/nodes/");
	http_escape(&target, node);
	strbuf_addstr(&target, "/proxy/stats/summary");
	call.target = target.buf;
	if (kube_call(a->ctx->cluster->kube, &call, &summary, err) < 0)
		return error_prefix(err, "what node '%s' measures cannot be read", node);
	say_usage(a, summary, pods);
	return 0;
}

/* Nodes that run something of the namespace. */
static int nodes_of(struct k8s_act *a, json_t **ret, struct error *err)
{
	const struct kube_type *type = kube_type_named(a->ctx->cluster->kube, "pods", err);
	json_auto_t *pods = NULL;
	json_auto_t *nodes = json_object();
	json_t *pod;
	size_t i;

	if (!type || k8s_list(a, type, NULL, &pods, err) < 0)
		return -1;
	json_array_foreach(pods, i, pod)
		if (k8s_at(pod, "spec.nodeName") && json_object_size(nodes) < NODES_MAX)
			json_put(nodes, k8s_text(pod, "spec.nodeName", "?"), json_true());
	*ret = json_incref(nodes);
	return 0;
}

int k8s_action_metrics(struct k8s_act *a, struct error *err)
{
	const char *query = k8s_config_text(a->config, "query");
	json_auto_t *nodes = NULL;
	size_t pods = 0;
	const char *node;
	json_t *value;

	if (nodes_of(a, &nodes, err) < 0)
		return -1;
	if (query)
		k8s_say(a, "the query '%s' is for a Prometheus and was not evaluated; this is what the nodes measure", query);
	json_object_foreach(nodes, node, value)
		if (usage_of_node(a, node, &pods, err) < 0)
			return -1;
	if (!pods)
		k8s_say(a, "nothing of the sandbox has been measured yet");
	if (query)
		a->step->reason = xasprintf("the usage of pods was read; the query '%s' was not evaluated: there is no Prometheus", query);
	return 0;
}
