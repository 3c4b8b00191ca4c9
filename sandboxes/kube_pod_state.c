/* SPDX-License-Identifier: Apache-2.0
 * What a pod says of itself, and what that means for a command. */
#include "sandboxes/kube_place.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "runner/base/utf8.h"

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
static const struct { const char *reason, *sentence; } stuck[] = {
	{ "ErrImagePull", "the image cannot be pulled" },
	{ "ImagePullBackOff", "the image cannot be pulled" },
	{ "ErrImageNeverPull", "the image is not there, and pulling is not allowed" },
	{ "InvalidImageName", "the image's name is wrong" },
	{ "ImageInspectError", "the image cannot be used" },
	{ "RegistryUnavailable", "the image's registry cannot be reached" },
	{ "CreateContainerConfigError", "the container cannot be made" },
	{ "CreateContainerError", "the container cannot be made" },
	{ "RunContainerError", "the container cannot be started" },
};

static void read_waiting(struct kube_pod_state *s, const json_t *waiting)
{
	const char *reason = text_of(waiting, "reason");

	for (size_t i = 0; i < ARRAY_SIZE(stuck); i++) {
		if (strcmp(stuck[i].reason, reason))
			continue;
		snprintf(s->reason, sizeof(s->reason), "%s", reason);
		say(s, stuck[i].sentence, text_of(waiting, "message"));
		s->stuck = true;
	}
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
	s->status = (int)json_integer_value(json_object_get(ended, "exitCode"));
	snprintf(s->reason, sizeof(s->reason), "%.63s", text_of(ended, "reason"));
	say(s, "", text_of(ended, "message"));
}

static void read_conditions(struct kube_pod_state *s, const json_t *conditions)
{
	const json_t *c;
	size_t i;

	json_array_foreach(conditions, i, c) {
		if (strcmp(text_of(c, "type"), "PodScheduled") || strcmp(text_of(c, "status"), "False") || strcmp(text_of(c, "reason"), "Unschedulable"))
			continue;
		s->waiting_for_node = true;
		say(s, "no node takes the pod", text_of(c, "message"));
	}
}

void kube_pod_state(const json_t *pod, struct kube_pod_state *ret)
{
	const json_t *status = json_object_get(pod, "status"), *containers = json_object_get(status, "containerStatuses");
	const char *phase = text_of(status, "phase");

	*ret = (struct kube_pod_state){ .name = "" };
	snprintf(ret->name, sizeof(ret->name), "%.253s", text_of(json_object_get(pod, "metadata"), "name"));
	read_conditions(ret, json_object_get(status, "conditions"));
	if (json_array_size(containers))
		read_container(ret, json_array_get(containers, 0));
	if (!strcmp(phase, "Succeeded") || !strcmp(phase, "Failed"))
		ret->ended = true;
	if (!strcmp(phase, "Failed") && *text_of(status, "reason")) {	/* ended as a whole, which is the better reason */
		snprintf(ret->reason, sizeof(ret->reason), "%.63s", text_of(status, "reason"));
		say(ret, "", text_of(status, "message"));
	}
	if (ret->started || ret->ended)
		ret->stuck = ret->waiting_for_node = false;
}

/* ---- what is left for one */

static bool amount(const json_t *status, const char *which, const char *key, bool cpu, uint64_t *ret)
{
	const char *text = text_of(json_object_get(status, which), key);

	return *text && (cpu ? cpu_parse(text, strlen(text), ret, NULL) : size_parse(text, strlen(text), ret, NULL)) == 0;
}

int kube_pod_size(struct kube_sandbox *ks, struct kube_pod_plan *p, struct error *err)
{
	const struct { const char *key, *name; bool cpu; uint64_t least, *ret; } rows[] = {
		{ "limits.cpu", "processor time", true, 10, &p->cpu_millis },
		{ "limits.memory", "memory", false, 8 << 20, &p->memory_bytes },
		{ "limits.ephemeral-storage", "storage", false, 1 << 20, &p->storage_bytes },
	};
	autofree char *path = xasprintf("/api/v1/namespaces/%s/resourcequotas/sandbox-quota", ks->namespace);
	const struct kube_call call = { .method = "GET", .target = path };
	json_auto_t *quota = NULL;
	const json_t *status;

	p->cpu_millis = p->memory_bytes = p->storage_bytes = 0;
	if (kube_call(ks->kube, &call, &quota, err) < 0)
		return error_prefix(err, "asking for what is left of the quota");
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
