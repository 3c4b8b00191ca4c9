/* SPDX-License-Identifier: Apache-2.0
 * k8s_kind: what is known of kinds without asking a cluster: their names as people write them, and what they are good for. Private to
 * runner/. A cluster's own word is kube_type_named(). */
#pragma once

#include <stdbool.h>

enum k8s_kind_flag {
	K8S_CLUSTER_SCOPED = 1,		/* not in any namespace: never ours to touch */
	K8S_CONTROL = 2,		/* steers what holds the sandbox, or opens it to the outside */
	K8S_WORKLOAD = 4,		/* has pods, found by its selector */
	K8S_SCALABLE = 8,
	K8S_STAND_IN = 16,		/* a minimal one can be made */
	K8S_FIRST = 32,			/* what others need: applied before them */
};
struct k8s_kind { const char *kind, *plural, *short_name; unsigned int flags; };

/* "deployment", "Deployments", "deploy", "deployments.apps"; NULL for what is not in the table (a custom kind, a misspelling). */
const struct k8s_kind *k8s_kind_named(const char *type);
/* Is `kind`, of a manifest, what people mean by `type`? */
bool k8s_kind_is(const char *kind, const char *type);
bool k8s_kind_has(const char *type, unsigned int flag);	/* false for what is not in the table */
