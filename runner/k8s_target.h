/* SPDX-License-Identifier: Apache-2.0
 * k8s_target: what a step means that says it in few words or not at all. k8s_target_of() is in k8s_fixtures.h. Private to runner/.
 *
 * The event (--event, or event.yaml beside the fixtures) may say whom it is about in the words of
 *	object: {kind: Deployment, name: web}		our own; also a list `objects`; `name` may stand below `metadata`
 *	involvedObject, regarding: {kind, name}		an Event of Kubernetes
 *	labels, commonLabels: {deployment: web}		an alert of Prometheus; also those of the first of `alerts`
 * and what the names stand for that a package uses for things of its own world:
 *	values:
 *	  new_credentials: {password: x}		for `data`
 *	  original_job: {apiVersion: batch/v1, …}	for `template`; without it, the target itself as it is on the cluster
 *	  latency_improved: available			for `condition`: a condition that Kubernetes knows
 */
#pragma once

#include "runner/k8s_fixtures.h"

/* A scalar of the step's config; NULL: not there, null, or no scalar. */
const struct node *k8s_config(const struct wpk_step *step, const char *key);
const char *k8s_config_text(const struct wpk_step *step, const char *key);
bool k8s_config_is(const struct wpk_step *step, const char *key);	/* a true boolean */

/* The type that a step is about: its own word, that of the step's action, or the one that the package restarts, scales or patches. */
const char *k8s_type_of(const struct wpk *wpk, const struct wpk_step *step);

/* What a name stands for; borrowed; NULL: nobody says. */
json_t *k8s_value_of(const struct k8s_fixtures *f, const char *name);
/* Does the event or a fixture (no stand-in) say which object of this type there is? */
bool k8s_fixtures_have(const struct k8s_fixtures *f, const char *type, struct k8s_object_name *ret);
