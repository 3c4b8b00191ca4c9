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
/* `provider`: "docker" or "podman"; NULL: what kind's own variable says, or the first that answers. ERR_UNAVAILABLE says what is missing and
 * what to do. `timeout_ns` is for the engine to answer. */
int kind_find(struct kind_tools *ret, const char *provider, uint64_t timeout_ns, struct error *err);
void kind_tools_release(struct kind_tools *t);

/* ---- kind_state.c: the record, "kind-<id>" in the scratch folder, and the folder beside it */

struct kind_state {
	char path[640];			/* of the record */
	char files[656];		/* folder: kubeconfig, configuration, temporary files of kind */
	char kubeconfig[672];
	char name[96];			/* of the cluster */
	char provider[16];		/* "docker", "podman" */
	char socket[112];
	char warm[640];			/* record of a cluster that stays, in which ours is only a namespace; "": our own */
	char namespace[96];		/* there */
	char named[96];			/* the name of the cluster that the record was written for; "": it was not */
	bool made;			/* kind has come to its end */
	int fd;				/* locked; -1: not open */
};
/* What the ref says. */
void kind_state_init(struct kind_state *s, const struct sandbox_ref *ref);
/* Make record and folder, locked and on disk. */
int kind_state_make(struct kind_state *s, const struct kind_tools *tools, struct error *err);
int kind_state_made(struct kind_state *s, struct error *err);
/* 1; 0: there is none; -1. */
int kind_state_read(struct kind_state *s, struct error *err);
void kind_state_release(struct kind_state *s);

/* ---- kind_network.c */

/* The network of the cluster, with labels that say whose it is. */
int kind_network_make(struct engine *e, const struct kind_state *s, const char *id, uint64_t deadline_ns, struct error *err);

/* ---- kind_run.c: the program kind */

/* `kind create cluster`, its lines to the spec's progress. ERR_UNAVAILABLE with kind's own words, ERR_CANCELLED, or ERR_UNAVAILABLE at the deadline. */
int kind_run(const struct kind_tools *tools, const struct kind_state *s, const struct sandbox_spec *spec, uint64_t timeout_ns, struct error *err);
/* Kill what kind started and is still running, wherever it was moved to; true when nothing is left. *found gets how many it were. */
bool kind_kill(const char *name, unsigned int *found);

/* ---- kind_destroy.c */
int kind_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err);
int kind_sweep(struct cleanup_list *list, struct error *err);
