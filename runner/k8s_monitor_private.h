/* SPDX-License-Identifier: Apache-2.0
 * k8s_monitor_private: what is wrong with objects, in sentences, from their JSON alone. Private to k8s_monitor*.c. */
#pragma once

#include "runner/k8s_monitor.h"
#include "runner/usage_series.h"

enum k8s_trouble_class {
	K8S_OOM_KILLED, K8S_EVICTED, K8S_IMAGE, K8S_CRASH_LOOP, K8S_UNSCHEDULABLE, K8S_CONFIG, K8S_FAILED, K8S_REFUSED, K8S_SCARCE, K8S_OTHER,
	K8S_TROUBLE_CLASSES
};

struct k8s_troubles {			/* bounded: K8S_TROUBLES_MAX */
	struct k8s_trouble {
		enum k8s_trouble_class class;
		char *key;		/* the same trouble of the same thing has the same one */
		char *text;		/* printable */
	} *items;
	size_t len, alloc;
	uint64_t left_out;
};
enum { K8S_TROUBLES_MAX = 500, K8S_MESSAGE_MAX = 2000 };
void k8s_troubles_release(struct k8s_troubles *t);

/* `events` is an array of Event objects, oldest first, or NULL: messages there say more than those of a status. */
void k8s_troubles_of_pod(const json_t *pod, const json_t *events, struct k8s_troubles *ret);
/* Conditions of deployments, jobs and others. `kind` as people write it. */
void k8s_troubles_of_object(const char *kind, const json_t *object, struct k8s_troubles *ret);
/* Warnings that no status tells: pods that may not be made, volumes that cannot be mounted, probes that fail. `about`: only those whose
 * object is in this JSON object's keys, "Kind/name"; NULL: all. */
void k8s_troubles_of_events(const json_t *events, const json_t *about, struct k8s_troubles *ret);
void k8s_troubles_of_quota(const json_t *quota, struct k8s_troubles *ret);

/* "cpu" in thousandths, sizes in bytes, anything else as a number. */
int k8s_amount(const char *resource, const char *text, uint64_t *ret);

/* Add what a kubelet's summary says of the pods of a namespace; containers near their memory limit are troubles. `pods` is an array. */
void k8s_usage_of_summary(const json_t *summary, const char *namespace, const json_t *pods, struct k8s_usage *usage, struct k8s_troubles *ret);

/* All of a type in the namespace, at most `max`; NULL when it cannot be listed. */
json_t *k8s_list_of(const struct sandbox_cluster *cluster, const char *type, const char *labels, size_t max);
json_t *k8s_events_of(const struct sandbox_cluster *cluster);	/* oldest first; NULL */
void k8s_add_text(const json_t *object, const char *key, struct strbuf *out);	/* printable; cut between words */
const char *k8s_string(const json_t *object, const char *key);	/* "" when there is none */
