/* SPDX-License-Identifier: Apache-2.0
 * k8s_monitor: what the namespace uses over time (kubelet stats summary, quota), and why things in it do not work: OOM kills, evictions,
 * images that cannot be pulled, pods that cannot be scheduled. */
#pragma once

#include "runner/base/json.h"
#include "runner/base/strvec.h"
#include "sandboxes/sandbox.h"

struct k8s_usage { uint64_t cpu_millis, memory_bytes, pods; bool known; };	/* of the namespace now */
struct k8s_monitor;
/* `since_ns`, monotonic: when the first pods were made. */
struct k8s_monitor *k8s_monitor_start(const struct sandbox_cluster *cluster, uint64_t since_ns);
/* Look, at most every few seconds: warnings (above 80 % of a quota, OOM kill, eviction, image pull …) go to `warnings`, each once. Not from
 * within a call to the cluster's client. */
void k8s_monitor_look(struct k8s_monitor *m, struct strvec *warnings);
/* The last look, whenever the one before was: what failed a moment ago is told. */
void k8s_monitor_end(struct k8s_monitor *m, struct strvec *warnings);
struct k8s_usage k8s_monitor_now(const struct k8s_monitor *m);
/* "k8s": peaks, quota use, series. */
json_t *k8s_monitor_to_json(const struct k8s_monitor *m);
void k8s_monitor_free(struct k8s_monitor *m);

/* Why an object is not ready, in sentences from its status, its pods' and their events: "pod web-1: image 'x' cannot be pulled: …". */
void k8s_explain(const struct sandbox_cluster *cluster, const char *kind, const char *name, struct strvec *reasons);
/* What helps to understand a failure: descriptions, events and last logs (previous ones too) of what is not well in the namespace. As
 * text, bounded by `max_bytes`. */
void k8s_collect(const struct sandbox_cluster *cluster, size_t max_bytes, struct strbuf *out);
