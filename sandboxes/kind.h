/* SPDX-License-Identifier: Apache-2.0
 * kind: a Kubernetes cluster of our own for one run, in containers of a container engine, made by the program `kind`. Private to kind*.c.
 *
 *	state file > network with our labels > `kind create cluster` in that network > kubeconfig > namespace, controls > ready
 *
 * The network has the name of the cluster and is ours alone: it carries what kind gives its containers no room for, who made them and
 * where the record is. It is made before anything else and removed last, so a cluster of a dead run is found by it. A cluster without such a
 * network, or of another name, is somebody else's: it is neither used nor removed.
 */
#pragma once

#include "sandboxes/engine.h"

#define KIND_NAME_PREFIX "atom-dryrun-"			/* of clusters and their networks; the id of the ref follows */
#define KIND_LABEL_CLUSTER "io.x-k8s.kind.cluster"	/* kind's own, on every container it makes */
#define KIND_MARK "SANDBOX_RUNNER_KIND_RUN"		/* in the environment of kind and all that it starts */

/* ---- kind_find.c: what is needed, and which of it is here */

struct kind_tools {
	char *program;			/* kind */
	char *client;			/* docker or podman, which kind calls */
	struct engine engine;		/* the same by its API */
};
#define KIND_TOOLS_INIT { .program = NULL }
/* ERR_UNAVAILABLE says what is missing and what to do. `timeout_ns` is for the engine to answer. */
int kind_find(struct kind_tools *ret, uint64_t timeout_ns, struct error *err);
void kind_tools_release(struct kind_tools *t);
