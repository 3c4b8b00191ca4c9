/* SPDX-License-Identifier: Apache-2.0
 * What helps to understand a failure, as text: everything in the namespace that is not well, described, with the events about it and the last
 * lines of its logs. Specs are not shown, so neither are values of environments; data of ConfigMaps and Secrets is not asked for. */
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/k8s_monitor_private.h"

enum { OBJECTS_MAX = 500, DESCRIBED_MAX = 20, EVENTS_SHOWN = 8, LOG_LINES = 50, LOG_BYTES = 64 << 10 };
#define LOG_TIMEOUT_NS (5 * NS_PER_SEC)

struct collection {
	const struct sandbox_cluster *cluster;
	const json_t *events;
	struct strbuf *out;
	size_t max, described;
	uint64_t left_out;
};

static const char *name_of(const json_t *object)
{
	return k8s_string(json_object_get(object, "metadata"), "name");
}

/* A block goes in whole or not at all: what is cut in the middle could be half a secret. */
static void add_block(struct collection *c, const struct strbuf *block)
{
	if (c->out->len + block->len > c->max) {
		c->left_out++;
		return;
	}
	strbuf_add(c->out, block->buf, block->len);
}

/* ---- events */

static void add_events(const struct collection *c, const char *kind, const char *name, struct strbuf *out)
{
	const size_t n = json_array_size(c->events);
	unsigned int shown = 0;

	for (size_t i = n; i-- > 0 && shown < EVENTS_SHOWN;) {
		const json_t *event = json_array_get(c->events, i), *about = json_object_get(event, "involvedObject");
		const long long count = (long long)json_integer_value(json_object_get(event, "count"));

		if (strcmp(k8s_string(about, "kind"), kind) != 0 || strcmp(k8s_string(about, "name"), name) != 0)
			continue;
		strbuf_addstr(out, shown++ ? "    " : "  events, newest first:\n    ");
		k8s_add_text(event, "type", out);
		strbuf_addch(out, ' ');
		k8s_add_text(event, "reason", out);
		if (count > 1)
			strbuf_addf(out, " (%lld times)", count);
		strbuf_addstr(out, ": ");
		k8s_add_text(event, "message", out);
		strbuf_addch(out, '\n');
	}
}

/* ---- logs */

static bool add_bytes(void *arg, const char *data, size_t len)
{
	strbuf_add(arg, data, len);
	return true;
}

static void add_log(const struct collection *c, const char *pod, const char *container, bool previous, struct strbuf *out)
{
	autostrbuf struct strbuf log = STRBUF_INIT(LOG_BYTES + 1);
	const struct kube_logs what = { .namespace = c->cluster->namespace, .pod = pod, .container = container, .previous = previous,
					.tail_lines = LOG_LINES, .limit_bytes = LOG_BYTES, .timeout_ns = LOG_TIMEOUT_NS };
	struct error err;

	if (kube_logs(c->cluster->kube, &what, add_bytes, &log, &err) < 0 || !log.len)
		return;
	strbuf_addstr(out, "  last lines of container ");
	printable_addstr(out, container);
	strbuf_addstr(out, previous ? " before it was started again:\n" : ":\n");
	for (const char *line = log.buf, *end; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (!*end && log.len >= LOG_BYTES)
			break;		/* the limit cut it */
		strbuf_addstr(out, "    | ");
		printable_add(out, line, (size_t)(end - line));
		strbuf_addch(out, '\n');
	}
}

/* ---- pods */

static bool is_well(const json_t *pod)
{
	const json_t *status = json_object_get(pod, "status");
	const char *phase = k8s_string(status, "phase");
	json_t *container;
	size_t i;

	if (!strcmp(phase, "Succeeded"))
		return true;
	if (strcmp(phase, "Running") != 0)
		return false;
	json_array_foreach(json_object_get(status, "containerStatuses"), i, container) {
		if (!json_is_true(json_object_get(container, "ready")) || json_integer_value(json_object_get(container, "restartCount")))
			return false;
	}
	return true;
}

static void add_state(const json_t *container, struct strbuf *out)
{
	const char *state;
	json_t *detail;

	json_object_foreach(json_object_get(container, "state"), state, detail) {
		const json_t *code = json_object_get(detail, "exitCode");

		printable_addstr(out, state);
		if (*k8s_string(detail, "reason")) {
			strbuf_addstr(out, ", ");
			k8s_add_text(detail, "reason", out);
		}
		if (json_is_integer(code))
			strbuf_addf(out, ", exit status %lld", (long long)json_integer_value(code));
		if (*k8s_string(detail, "message")) {
			strbuf_addstr(out, ": ");
			k8s_add_text(detail, "message", out);
		}
	}
}

static void add_containers(const struct collection *c, const json_t *pod, const char *statuses, struct strbuf *out)
{
	json_t *container;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(pod, "status"), statuses), i, container) {
		const long long restarts = (long long)json_integer_value(json_object_get(container, "restartCount"));
		const bool waiting = json_object_get(json_object_get(container, "state"), "waiting") != NULL;

		strbuf_addstr(out, "  container ");
		k8s_add_text(container, "name", out);
		strbuf_addstr(out, " (");
		k8s_add_text(container, "image", out);
		strbuf_addf(out, "), %sready, %lld restart%s: ", json_is_true(json_object_get(container, "ready")) ? "" : "not ",
			    restarts, restarts == 1 ? "" : "s");
		add_state(container, out);
		strbuf_addch(out, '\n');
		if (!waiting)
			add_log(c, name_of(pod), k8s_string(container, "name"), false, out);
		if (restarts)
			add_log(c, name_of(pod), k8s_string(container, "name"), true, out);
	}
}

static void describe_pod(struct collection *c, const json_t *pod)
{
	autostrbuf struct strbuf block = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_troubles found = { 0 };

	strbuf_addstr(&block, "pod/");
	printable_addstr(&block, name_of(pod));
	strbuf_addstr(&block, ": ");
	k8s_add_text(json_object_get(pod, "status"), "phase", &block);
	if (*k8s_string(json_object_get(pod, "spec"), "nodeName")) {
		strbuf_addstr(&block, " on ");
		k8s_add_text(json_object_get(pod, "spec"), "nodeName", &block);
	}
	strbuf_addch(&block, '\n');
	k8s_troubles_of_pod(pod, c->events, &found);
	for (size_t i = 0; i < found.len; i++)
		strbuf_addf(&block, "  %s\n", found.items[i].text);
	k8s_troubles_release(&found);
	add_containers(c, pod, "initContainerStatuses", &block);
	add_containers(c, pod, "containerStatuses", &block);
	add_events(c, "Pod", name_of(pod), &block);
	add_block(c, &block);
}

/* ---- what stands above pods */

/* Fewer than it wants, or a condition that complains. */
static void describe_object(struct collection *c, const char *kind, const char *label, const json_t *object)
{
	static const char *const counts[] = { "replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "unavailableReplicas",
					      "desiredNumberScheduled", "numberReady", "active", "succeeded", "failed" };
	const json_t *status = json_object_get(object, "status"), *spec = json_object_get(object, "spec");
	const json_t *wanted = json_object_get(status, "desiredNumberScheduled");
	autostrbuf struct strbuf block = STRBUF_INIT(STRBUF_NO_MAX);
	struct k8s_troubles found = { 0 };

	k8s_troubles_of_object(label, object, &found);
	wanted = wanted ? wanted : json_object_get(spec, "replicas");
	const bool short_of_pods = json_is_integer(wanted) && json_integer_value(wanted) > json_integer_value(json_object_get(status, "readyReplicas")) +
										json_integer_value(json_object_get(status, "numberReady"));

	if (!found.len && !short_of_pods && !json_integer_value(json_object_get(status, "failed")))
		return;
	if (c->described++ >= DESCRIBED_MAX) {
		c->left_out++;
		k8s_troubles_release(&found);
		return;
	}
	strbuf_addf(&block, "%s/", label);
	printable_addstr(&block, name_of(object));
	strbuf_addch(&block, ':');
	if (json_is_integer(json_object_get(spec, "replicas")))
		strbuf_addf(&block, " %lld wanted;", (long long)json_integer_value(json_object_get(spec, "replicas")));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		const json_t *n = json_object_get(status, counts[i]);

		if (json_is_integer(n))
			strbuf_addf(&block, " %s=%lld", counts[i], (long long)json_integer_value(n));
	}
	strbuf_addch(&block, '\n');
	for (size_t i = 0; i < found.len; i++)
		strbuf_addf(&block, "  %s\n", found.items[i].text);
	k8s_troubles_release(&found);
	add_events(c, kind, name_of(object), &block);
	add_block(c, &block);
}

static void describe_all(struct collection *c, const char *type, const char *kind, const char *label)
{
	json_auto_t *list = k8s_list_of(c->cluster, type, NULL, OBJECTS_MAX);
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		if (label)
			describe_object(c, kind, label, item);
		else if (!is_well(item) && c->described++ < DESCRIBED_MAX)
			describe_pod(c, item);
		else if (!is_well(item))
			c->left_out++;
	}
}

void k8s_collect(const struct sandbox_cluster *cluster, size_t max_bytes, struct strbuf *out)
{
	json_auto_t *events = k8s_events_of(cluster);
	struct collection c = { .cluster = cluster, .events = events, .out = out, .max = out->len + max_bytes };

	describe_all(&c, "pods", "Pod", NULL);
	describe_all(&c, "jobs.batch", "Job", "job");
	describe_all(&c, "deployments.apps", "Deployment", "deployment");
	describe_all(&c, "statefulsets.apps", "StatefulSet", "statefulset");
	describe_all(&c, "daemonsets.apps", "DaemonSet", "daemonset");
	describe_all(&c, "replicasets.apps", "ReplicaSet", "replicaset");
	if (c.left_out && out->len + 64 <= c.max)
		strbuf_addf(out, "… and %llu more that are not well\n", (unsigned long long)c.left_out);
}
