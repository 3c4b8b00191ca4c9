/* SPDX-License-Identifier: Apache-2.0
 * What a pod says of itself, and what that means for a command. */
#include "sandboxes/kube_place.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/base/utf8.h"

#define COUNT_NS (3 * NS_PER_SEC)
#define UNKNOWN_STATUS 137

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Somebody else's words: one line, printable, without the full stop. */
static void say(struct kube_pod_state *s, const char *prefix, const char *text)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(sizeof(s->message) - 80);

	utf8_escape(&clean, text, strcspn(text, "\n"));
	while (clean.len && clean.buf[clean.len - 1] == '.')
		clean.buf[--clean.len] = '\0';
	snprintf(s->message, sizeof(s->message), "%s%s%s", prefix, *prefix && clean.len ? ": " : "", clean.buf);
}

/* Reasons to wait that do not go by themselves, or not before a person has lost patience. */
static const struct { const char *reason, *sentence; bool may_pass; } stuck[] = {
	{ "ErrImagePull", "the image cannot be pulled", false },
	{ "ImagePullBackOff", "the image cannot be pulled", false },
	{ "ErrImageNeverPull", "the image is not there, and pulling is not allowed", false },
	{ "InvalidImageName", "the image's name is wrong", false },
	{ "ImageInspectError", "the image cannot be used", false },
	{ "RegistryUnavailable", "the image's registry cannot be reached", false },
	/* a node under load has not got the pod's Secret yet */
	{ "CreateContainerConfigError", "the container cannot be made", true },
	{ "CreateContainerError", "the container cannot be made", true },
	{ "RunContainerError", "the container cannot be started", true },
};

static void read_waiting(struct kube_pod_state *s, const json_t *waiting)
{
	const char *reason = text_of(waiting, "reason");

	for (size_t i = 0; i < ARRAY_SIZE(stuck); i++) {
		if (strcmp(stuck[i].reason, reason))
			continue;
		snprintf(s->reason, sizeof(s->reason), "%s", reason);
		say(s, stuck[i].sentence, text_of(waiting, "message"));
		s->stuck = !stuck[i].may_pass;
		s->may_pass = stuck[i].may_pass;
	}
}

/* What is no exit status is never success. */
static int exit_status(const json_t *code)
{
	const json_int_t n = json_integer_value(code);

	return !json_is_integer(code) ? UNKNOWN_STATUS : n < 0 || n > 255 ? 255 : (int)n;
}

const json_t *kube_own_container(const json_t *pod)
{
	const json_t *statuses = json_object_get(json_object_get(pod, "status"), "containerStatuses"), *status;
	size_t i;

	json_array_foreach(statuses, i, status)
		if (!strcmp(text_of(status, "name"), KUBE_CONTAINER))
			return status;
	return json_array_size(statuses) == 1 ? json_array_get(statuses, 0) : NULL;
}

static void read_container(struct kube_pod_state *s, const json_t *status)
{
	const json_t *state = json_object_get(status, "state"), *ended = json_object_get(state, "terminated");

	if (json_object_get(state, "running"))
		s->started = true;
	if (json_object_get(state, "waiting"))
		read_waiting(s, json_object_get(state, "waiting"));
	if (!ended)
		return;
	s->started = s->ended = true;
	s->status = exit_status(json_object_get(ended, "exitCode"));
	snprintf(s->reason, sizeof(s->reason), "%.63s", text_of(ended, "reason"));
	say(s, "", text_of(ended, "message"));
}

/* Of others: what a cluster puts into every pod may come before ours. */
static void read_init_containers(struct kube_pod_state *s, const json_t *statuses)
{
	const json_t *status;
	size_t i;

	json_array_foreach(statuses, i, status) {
		const json_t *state = json_object_get(status, "state"), *waiting = json_object_get(state, "waiting");
		autofree char *prefix = xasprintf("its init container '%.63s'", text_of(status, "name"));
		autofree char *ends = xasprintf("%s ends again and again", prefix), *goes_on = xasprintf("%s has not ended", prefix);

		if (json_object_get(state, "running"))
			say(s, goes_on, "");
		else if (!strcmp(text_of(waiting, "reason"), "CrashLoopBackOff"))
			say(s, ends, text_of(waiting, "message"));
		else if (waiting)
			read_waiting(s, waiting);
		else
			continue;
		return;
	}
}

static void read_conditions(struct kube_pod_state *s, const json_t *conditions)
{
	const json_t *c;
	size_t i;

	json_array_foreach(conditions, i, c) {
		if (strcmp(text_of(c, "type"), "PodScheduled") || strcmp(text_of(c, "status"), "False") || strcmp(text_of(c, "reason"), "Unschedulable"))
			continue;
		s->may_pass = true;
		say(s, "no node takes the pod", text_of(c, "message"));
	}
}

void kube_pod_state(const json_t *pod, struct kube_pod_state *ret)
{
	const json_t *status = json_object_get(pod, "status"), *container = kube_own_container(pod);
	const char *phase = text_of(status, "phase");

	*ret = (struct kube_pod_state){ .name = "" };
	snprintf(ret->name, sizeof(ret->name), "%.253s", text_of(json_object_get(pod, "metadata"), "name"));
	read_conditions(ret, json_object_get(status, "conditions"));
	if (container)
		read_container(ret, container);
	if (!ret->started)
		read_init_containers(ret, json_object_get(status, "initContainerStatuses"));
	if (!ret->ended && (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"))) {
		ret->ended = true;	/* without a word of the container: refused by its node, or lost with it */
		ret->status = strcmp(phase, "Succeeded") ? UNKNOWN_STATUS : 0;
	}
	if (!strcmp(phase, "Failed") && *text_of(status, "reason")) {	/* ended as a whole, which is the better reason */
		snprintf(ret->reason, sizeof(ret->reason), "%.63s", text_of(status, "reason"));
		say(ret, "", text_of(status, "message"));
	}
	if (ret->started || ret->ended)
		ret->stuck = ret->may_pass = false;
}

/* ---- what is left for one */

static bool amount(const json_t *status, const char *which, const char *key, bool cpu, uint64_t *ret)
{
	const char *text = text_of(json_object_get(status, which), key);

	return *text && (cpu ? cpu_parse(text, strlen(text), ret, NULL) : size_parse(text, strlen(text), ret, NULL)) == 0;
}

static uint64_t count_of(const json_t *status, const char *which)
{
	uint64_t n = 0;

	amount(status, which, "pods", false, &n);
	return n;
}

static bool count_living(void *arg, json_t *pod, bool restarted)
{
	struct kube_pod_state state;

	(void)restarted;
	kube_pod_state(pod, &state);
	*(uint64_t *)arg += !state.ended;
	return true;
}

/* Pods that are gone are counted for a moment longer. */
static bool is_counted(struct kube_sandbox *ks, const json_t *status)
{
	static const struct kube_type pods = { .group = "", .version = "v1", .kind = "Pod", .plural = "pods", .singular = "pod",
					       .api_version = "v1", .namespaced = true };
	const struct kube_target target = { .type = &pods, .namespace = ks->namespace };
	const uint64_t used = count_of(status, "used");
	uint64_t living = 0;

	return used == 0 || kube_list(ks->kube, &target, NULL, count_living, &living, NULL, NULL) < 0 || used <= living;
}

static int ask_quota(struct kube_sandbox *ks, json_t **ret, struct error *err)
{
	autofree char *path = xasprintf("/api/v1/namespaces/%s/resourcequotas/sandbox-quota", ks->namespace);
	const struct kube_call call = { .method = "GET", .target = path };
	const uint64_t deadline = clock_deadline(COUNT_NS);

	for (;;) {
		if (kube_call(ks->kube, &call, ret, err) < 0)
			return error_prefix(err, "asking for what is left of the quota");
		if (is_counted(ks, json_object_get(*ret, "status")) || clock_monotonic_ns() > deadline)
			return 0;
		json_decref(*ret);
		*ret = NULL;
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
}

int kube_pod_size(struct kube_sandbox *ks, struct kube_pod_plan *p, struct error *err)
{
	const struct { const char *key, *name; bool cpu; uint64_t least, *ret; } rows[] = {
		{ "limits.cpu", "processor time", true, 10, &p->cpu_millis },
		{ "limits.memory", "memory", false, 8 << 20, &p->memory_bytes },
		{ "limits.ephemeral-storage", "storage", false, 1 << 20, &p->storage_bytes },
	};
	json_auto_t *quota = NULL;
	const json_t *status;

	p->cpu_millis = p->memory_bytes = p->storage_bytes = 0;
	if (ask_quota(ks, &quota, err) < 0)
		return -1;
	status = json_object_get(quota, "status");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t hard, used = 0;

		if (!amount(status, "hard", rows[i].key, rows[i].cpu, &hard))
			continue;	/* no limit was asked for */
		amount(status, "used", rows[i].key, rows[i].cpu, &used);
		if (used > hard || hard - used < rows[i].least)
			return error_set(err, ERR_RESOURCE_EXHAUSTED, "the pods of namespace '%s' use up all %s of the quota: nothing is left for a command; "
					 "raise the limit, or let them have less", ks->namespace, rows[i].name);
		*rows[i].ret = hard - used;
	}
	return 0;
}
