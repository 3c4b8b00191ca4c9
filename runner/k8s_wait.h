/* SPDX-License-Identifier: Apache-2.0
 * k8s_wait: what it means that an object is ready, and waiting for it by watching. Private to runner/. */
#pragma once

#include "runner/cancel.h"
#include "runner/event.h"
#include "sandboxes/sandbox.h"

/* "ready", "available", "complete", "deleted" …, or a type of status.conditions, which begins with a capital or is written
 * "condition=Type[=Status]". Anything else is a name of the package's own world. */
bool k8s_condition_is_known(const char *condition);

enum k8s_state { K8S_NOT_YET, K8S_HOLDS, K8S_NEVER };
/* Does the condition hold? `why` says what is missing otherwise: "1 of 2 replicas are ready". Pure. */
enum k8s_state k8s_state_of(const json_t *object, const char *condition, char why[160]);

struct k8s_waiter {			/* all borrowed */
	const struct sandbox_cluster *cluster;
	struct cancel *cancel;		/* may be NULL */
	struct events *events;		/* may be NULL */
};
/* 0 when it holds. ERR_DEADLINE_EXCEEDED at the deadline (monotonic), ERR_CANCELLED, ERR_REMOTE when it can never hold (a Job that failed) or
 * the object is gone; the text says what is missing and, where that can be found out, why. */
int k8s_wait_for(const struct k8s_waiter *w, const struct kube_type *type, const char *name, const char *condition, uint64_t deadline_ns,
		 struct error *err);
