/* SPDX-License-Identifier: Apache-2.0
 * What statuses and events say, as sentences that tell a person what is wrong. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/k8s_monitor_private.h"

void k8s_troubles_release(struct k8s_troubles *t)
{
	for (size_t i = 0; i < t->len; i++) {
		free(t->items[i].key);
		free(t->items[i].text);
	}
	free(t->items);
	*t = (struct k8s_troubles){ 0 };
}

const char *k8s_string(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static void add_bounded(const char *s, struct strbuf *out)
{
	size_t len = strlen(s);

	if (len > K8S_MESSAGE_MAX) {	/* between words, so that no secret is halved before it can be hidden */
		for (len = K8S_MESSAGE_MAX; len && s[len] != ' ' && s[len] != '\n'; len--)
			;
	}
	printable_add(out, s, len);
	if (s[len])
		strbuf_addstr(out, " …");
}

void k8s_add_text(const json_t *object, const char *key, struct strbuf *out)
{
	add_bounded(k8s_string(object, key), out);
}

/* One trouble: the text is "WHO: WHAT", both printable. Takes both strings. */
static void add(struct k8s_troubles *t, enum k8s_trouble_class class, char *key, char *text)
{
	for (size_t i = 0; i < t->len; i++) {
		if (strcmp(t->items[i].key, key) != 0 && strcmp(t->items[i].text, text) != 0)
			continue;
		free(key);
		free(text);
		return;
	}
	if (t->len >= K8S_TROUBLES_MAX) {
		t->left_out++;
		free(key);
		free(text);
		return;
	}
	ARRAY_GROW(t->items, t->len, t->alloc);
	t->items[t->len++] = (struct k8s_trouble){ class, key, text };
}

static const char *name_of(const json_t *object)
{
	return k8s_string(json_object_get(object, "metadata"), "name");
}

/* ---- pods */

struct subject { const char *pod, *container, *image; const json_t *spec, *events; };

static char *key_of(enum k8s_trouble_class class, const struct subject *s)
{
	return xasprintf("%d pod %s %s", class, s->pod, s->container);
}

static void begin(const struct subject *s, struct strbuf *out)
{
	strbuf_addstr(out, "pod ");
	printable_addstr(out, s->pod);
	strbuf_addstr(out, ": ");
}

static void add_quoted(const char *s, struct strbuf *out)
{
	strbuf_addch(out, '\'');
	printable_addstr(out, s);
	strbuf_addch(out, '\'');
}

static const json_t *item_named(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item) {
		if (!strcmp(k8s_string(item, "name"), name))
			return item;
	}
	return NULL;
}

/* The newest message of an event about this pod that begins so: statuses soon say no more than "Back-off". */
static const char *event_of(const struct subject *s, const char *prefix)
{
	const char *found = "";
	json_t *event;
	size_t i;

	json_array_foreach((json_t *)s->events, i, event) {
		const json_t *about = json_object_get(event, "involvedObject");
		const char *message = k8s_string(event, "message");

		if (!strcmp(k8s_string(about, "name"), s->pod) && !strncmp(message, prefix, strlen(prefix)))
			found = message;
	}
	return found;
}

static void image_trouble(const struct subject *s, const char *message, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const char *why = event_of(s, "Failed to pull image");

	begin(s, &text);
	strbuf_addstr(&text, "image ");
	add_quoted(s->image, &text);
	strbuf_addstr(&text, " of container ");
	add_quoted(s->container, &text);
	strbuf_addstr(&text, " cannot be pulled: ");
	add_bounded(*why ? why : message, &text);
	add(ret, K8S_IMAGE, key_of(K8S_IMAGE, s), strbuf_detach(&text));
}

static void crash_trouble(const struct subject *s, const json_t *status, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const json_t *last = json_object_get(json_object_get(status, "lastState"), "terminated");

	begin(s, &text);
	strbuf_addstr(&text, "container ");
	add_quoted(s->container, &text);
	const long long restarts = (long long)json_integer_value(json_object_get(status, "restartCount"));

	strbuf_addf(&text, " ends again and again: %lld restart%s", restarts, restarts == 1 ? "" : "s");
	if (last) {
		strbuf_addf(&text, ", last with exit status %lld", (long long)json_integer_value(json_object_get(last, "exitCode")));
		if (*k8s_string(last, "message")) {
			strbuf_addstr(&text, ": ");
			k8s_add_text(last, "message", &text);
		}
	}
	add(ret, K8S_CRASH_LOOP, key_of(K8S_CRASH_LOOP, s), strbuf_detach(&text));
}

static void config_trouble(const struct subject *s, const json_t *waiting, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	begin(s, &text);
	strbuf_addstr(&text, "container ");
	add_quoted(s->container, &text);
	strbuf_addstr(&text, " cannot be started: ");
	k8s_add_text(waiting, *k8s_string(waiting, "message") ? "message" : "reason", &text);
	add(ret, K8S_CONFIG, key_of(K8S_CONFIG, s), strbuf_detach(&text));
}

static void waiting_trouble(const struct subject *s, const json_t *status, struct k8s_troubles *ret)
{
	static const char *const image[] = { "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
					     "RegistryUnavailable" };
	static const char *const config[] = { "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError" };
	const json_t *waiting = json_object_get(json_object_get(status, "state"), "waiting");
	const char *reason = k8s_string(waiting, "reason"), *message = k8s_string(waiting, "message");

	for (size_t i = 0; i < ARRAY_SIZE(image); i++) {
		if (!strcmp(reason, image[i]))
			image_trouble(s, *message ? message : reason, ret);
	}
	for (size_t i = 0; i < ARRAY_SIZE(config); i++) {
		if (!strcmp(reason, config[i]))
			config_trouble(s, waiting, ret);
	}
	if (!strcmp(reason, "CrashLoopBackOff"))
		crash_trouble(s, status, ret);
}

static bool was_oom_killed(const json_t *status)
{
	static const char *const states[] = { "state", "lastState" };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		const json_t *terminated = json_object_get(json_object_get(status, states[i]), "terminated");

		if (!strcmp(k8s_string(terminated, "reason"), "OOMKilled"))
			return true;
	}
	return false;
}

static void oom_trouble(const struct subject *s, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const json_t *limits = json_object_get(json_object_get(s->spec, "resources"), "limits");
	const char *limit = k8s_string(limits, "memory");

	begin(s, &text);
	strbuf_addstr(&text, "container ");
	add_quoted(s->container, &text);
	strbuf_addstr(&text, " was killed: it needed more memory than ");
	if (*limit) {
		strbuf_addstr(&text, "its limit of ");
		printable_addstr(&text, limit);
	} else {
		strbuf_addstr(&text, "there was");
	}
	add(ret, K8S_OOM_KILLED, key_of(K8S_OOM_KILLED, s), strbuf_detach(&text));
}

static void terminated_trouble(const struct subject *s, const json_t *status, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const json_t *terminated = json_object_get(json_object_get(status, "state"), "terminated");
	const long long code = (long long)json_integer_value(json_object_get(terminated, "exitCode"));

	if (!terminated || !code || was_oom_killed(status))
		return;
	begin(s, &text);
	strbuf_addstr(&text, "container ");
	add_quoted(s->container, &text);
	strbuf_addf(&text, " ended with exit status %lld", code);
	if (*k8s_string(terminated, "message")) {
		strbuf_addstr(&text, ": ");
		k8s_add_text(terminated, "message", &text);
	}
	add(ret, K8S_FAILED, key_of(K8S_FAILED, s), strbuf_detach(&text));
}

static void containers_troubles(const json_t *pod, const char *statuses, const char *specs, const json_t *events, struct k8s_troubles *ret)
{
	const json_t *list = json_object_get(json_object_get(pod, "spec"), specs);
	json_t *status;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(pod, "status"), statuses), i, status) {
		const json_t *spec = item_named(list, k8s_string(status, "name"));
		const struct subject s = {
			.pod = name_of(pod), .container = k8s_string(status, "name"), .spec = spec, .events = events,
			.image = *k8s_string(spec, "image") ? k8s_string(spec, "image") : k8s_string(status, "image"),
		};

		if (was_oom_killed(status))
			oom_trouble(&s, ret);
		waiting_trouble(&s, status, ret);
		terminated_trouble(&s, status, ret);
	}
}

/* "pod NAME: SENTENCE: MESSAGE", of the pod as a whole. */
static void pod_trouble(const json_t *pod, enum k8s_trouble_class class, const char *sentence, const json_t *said_by, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const struct subject s = { .pod = name_of(pod), .container = "" };

	begin(&s, &text);
	strbuf_addstr(&text, sentence);
	if (*k8s_string(said_by, "message")) {
		strbuf_addstr(&text, ": ");
		k8s_add_text(said_by, "message", &text);
	}
	add(ret, class, key_of(class, &s), strbuf_detach(&text));
}

void k8s_troubles_of_pod(const json_t *pod, const json_t *events, struct k8s_troubles *ret)
{
	const json_t *status = json_object_get(pod, "status");
	const char *phase = k8s_string(status, "phase"), *reason = k8s_string(status, "reason");
	json_t *condition;
	size_t i;

	if (!strcmp(reason, "Evicted") || !strcmp(reason, "Preempting"))
		pod_trouble(pod, K8S_EVICTED, "evicted", status, ret);
	else if (!strcmp(reason, "DeadlineExceeded"))
		pod_trouble(pod, K8S_FAILED, "stopped at its deadline", status, ret);
	else if (!strcmp(phase, "Failed") && *reason)
		pod_trouble(pod, K8S_FAILED, "failed", status, ret);
	else if (!strcmp(reason, "NodeLost") || !strcmp(phase, "Unknown"))
		pod_trouble(pod, K8S_OTHER, "its node does not answer", status, ret);
	json_array_foreach(json_object_get(status, "conditions"), i, condition) {
		if (!strcmp(k8s_string(condition, "type"), "PodScheduled") && !strcmp(k8s_string(condition, "status"), "False"))
			pod_trouble(pod, K8S_UNSCHEDULABLE, "cannot be scheduled", condition, ret);
	}
	containers_troubles(pod, "initContainerStatuses", "initContainers", events, ret);
	containers_troubles(pod, "containerStatuses", "containers", events, ret);
}

/* ---- what stands above pods */

void k8s_troubles_of_object(const char *kind, const json_t *object, struct k8s_troubles *ret)
{
	/* what a condition says when it has this status */
	static const struct { const char *type, *status, *sentence; } rows[] = {
		{ "ReplicaFailure", "True", "its pods cannot be made" },	{ "Progressing", "False", "does not get on" },
		{ "Failed", "True", "failed" },				{ "FailureTarget", "True", "failed" },
		{ "ScalingActive", "False", "cannot scale" },		{ "AbleToScale", "False", "cannot scale" },
		{ "Available", "False", "is not available" },		{ "Ready", "False", "is not ready" },
	};
	json_t *condition;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(object, "status"), "conditions"), i, condition) {
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
			const char *message = k8s_string(condition, "message");

			if (strcmp(k8s_string(condition, "type"), rows[k].type) != 0 || strcmp(k8s_string(condition, "status"), rows[k].status) != 0)
				continue;
			printable_addstr(&text, kind);
			strbuf_addch(&text, ' ');
			printable_addstr(&text, name_of(object));
			strbuf_addf(&text, ": %s", rows[k].sentence);
			if (*message || *k8s_string(condition, "reason")) {
				strbuf_addstr(&text, ": ");
				k8s_add_text(condition, *message ? "message" : "reason", &text);
			}
			add(ret, K8S_OTHER, xasprintf("%d %s %s %s", K8S_OTHER, kind, name_of(object), rows[k].type), strbuf_detach(&text));
		}
	}
}

/* ---- events */

static void event_trouble(const json_t *event, enum k8s_trouble_class class, const char *sentence, struct k8s_troubles *ret)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	const json_t *about = json_object_get(event, "involvedObject");
	autofree char *kind = xstrdup(k8s_string(about, "kind"));

	for (char *p = kind; *p; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
	printable_addstr(&text, kind);
	strbuf_addch(&text, ' ');
	printable_addstr(&text, k8s_string(about, "name"));
	strbuf_addf(&text, ": %s: ", sentence);
	k8s_add_text(event, "message", &text);
	add(ret, class, xasprintf("%d %s %s %s", class, kind, k8s_string(about, "name"), sentence), strbuf_detach(&text));
}

static bool is_about(const json_t *event, const json_t *about)
{
	const json_t *object = json_object_get(event, "involvedObject");
	autofree char *key = about ? xasprintf("%s/%s", k8s_string(object, "kind"), k8s_string(object, "name")) : NULL;

	return !about || json_object_get(about, key);
}

void k8s_troubles_of_events(const json_t *events, const json_t *about, struct k8s_troubles *ret)
{
	static const struct { const char *reason; enum k8s_trouble_class class; const char *sentence; } rows[] = {
		{ "FailedCreate", K8S_REFUSED, "a pod of it cannot be made" },
		{ "FailedMount", K8S_CONFIG, "a volume cannot be mounted" },
		{ "FailedAttachVolume", K8S_CONFIG, "a volume cannot be attached" },
		{ "FailedCreatePodSandBox", K8S_CONFIG, "it cannot be started" },
		{ "Unhealthy", K8S_OTHER, "a probe fails" },
		{ "Evicted", K8S_EVICTED, "evicted" },
		{ "NodeNotReady", K8S_OTHER, "the node is not ready" },
		{ "FailedToUpdateEndpoint", K8S_OTHER, "its endpoints are out of date" },
		{ "FailedGetScale", K8S_OTHER, "cannot scale" },
		{ "ProvisioningFailed", K8S_CONFIG, "no volume can be made" },
	};
	json_t *event;
	size_t i;

	json_array_foreach((json_t *)events, i, event) {
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			if (!strcmp(k8s_string(event, "type"), "Warning") && !strcmp(k8s_string(event, "reason"), rows[k].reason) &&
			    is_about(event, about))
				event_trouble(event, rows[k].class, rows[k].sentence, ret);
		}
	}
}

/* ---- quota, and what pods use */

int k8s_amount(const char *resource, const char *text, uint64_t *ret)
{
	const size_t len = strlen(text);

	if (strstr(resource, "cpu"))
		return cpu_parse(text, len, ret, NULL);
	if (strstr(resource, "memory") || strstr(resource, "storage"))
		return size_parse(text, len, ret, NULL);
	return integer_parse(text, len, 0, INT64_MAX, ret, NULL);
}

void k8s_troubles_of_quota(const json_t *quota, struct k8s_troubles *ret)
{
	const json_t *status = json_object_get(quota, "status"), *used = json_object_get(status, "used");
	const char *resource;
	json_t *value;

	json_object_foreach(json_object_get(status, "hard"), resource, value) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		const char *hard_text = json_is_string(value) ? json_string_value(value) : "", *used_text = k8s_string(used, resource);
		uint64_t hard, is;

		if (k8s_amount(resource, hard_text, &hard) < 0 || k8s_amount(resource, used_text, &is) < 0 || !hard)
			continue;
		if ((double)is * 100 <= (double)hard * USAGE_SCARCE_PERCENT)
			continue;
		strbuf_addstr(&text, "quota ");
		printable_addstr(&text, name_of(quota));
		strbuf_addstr(&text, ": ");
		printable_addstr(&text, used_text);
		strbuf_addstr(&text, " of ");
		printable_addstr(&text, hard_text);
		strbuf_addstr(&text, " of ");
		printable_addstr(&text, resource);
		strbuf_addf(&text, " are in use (%.0f %%)", (double)is * 100 / (double)hard);
		add(ret, K8S_SCARCE, xasprintf("%d quota %s %s", K8S_SCARCE, name_of(quota), resource), strbuf_detach(&text));
	}
}

static uint64_t positive(const json_t *object, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

static void scarce_memory(const json_t *pod, const json_t *stats, struct k8s_troubles *ret)
{
	json_t *container;
	size_t i;

	json_array_foreach(json_object_get(stats, "containers"), i, container) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		const struct subject s = { .pod = name_of(pod), .container = k8s_string(container, "name") };
		const json_t *spec = item_named(json_object_get(json_object_get(pod, "spec"), "containers"), s.container);
		const char *limit = k8s_string(json_object_get(json_object_get(spec, "resources"), "limits"), "memory");
		const uint64_t used = positive(json_object_get(container, "memory"), "workingSetBytes");
		uint64_t max;

		if (k8s_amount("memory", limit, &max) < 0 || !max || (double)used * 100 <= (double)max * USAGE_SCARCE_PERCENT)
			continue;
		begin(&s, &text);
		strbuf_addstr(&text, "container ");
		add_quoted(s.container, &text);
		strbuf_addstr(&text, " uses ");
		size_format(&text, used);
		strbuf_addstr(&text, " of its ");
		size_format(&text, max);
		strbuf_addf(&text, " of memory (%.0f %%)", (double)used * 100 / (double)max);
		add(ret, K8S_SCARCE, key_of(K8S_SCARCE, &s), strbuf_detach(&text));
	}
}

void k8s_usage_of_summary(const json_t *summary, const char *namespace, const json_t *pods, struct k8s_usage *usage, struct k8s_troubles *ret)
{
	json_t *stats, *pod;
	size_t i, k;

	json_array_foreach(json_object_get(summary, "pods"), i, stats) {
		const json_t *ref = json_object_get(stats, "podRef");
		const uint64_t memory = positive(json_object_get(stats, "memory"), "workingSetBytes");

		if (strcmp(k8s_string(ref, "namespace"), namespace) != 0)
			continue;
		usage->cpu_millis += positive(json_object_get(stats, "cpu"), "usageNanoCores") / 1000000;
		usage->memory_bytes += memory < (UINT64_C(1) << 60) ? memory : 0;
		usage->known |= memory > 0;
		json_array_foreach((json_t *)pods, k, pod) {
			if (!strcmp(name_of(pod), k8s_string(ref, "name")))
				scarce_memory(pod, stats, ret);
		}
	}
}
