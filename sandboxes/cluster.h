/* SPDX-License-Identifier: Apache-2.0
 * cluster: sandboxes that are a namespace of a Kubernetes cluster: of one made for the run (kind), or of one that is there (kubernetes).
 * Part of sandbox.h. Commands become Jobs; whoever acts on objects does it through the client here, as the user here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/kube.h"

struct sandbox_cluster;
struct sandbox_cluster_spec {		/* strings are borrowed; ignored by sandboxes that are no cluster */
	const char *kubeconfig;		/* kubernetes: file; NULL: the user's */
	const char *context;		/* kubernetes: by name, mandatory; never the current one */
	bool confirmed;			/* kubernetes: a person said yes to this context (--yes) */
	const char *runtime_class;	/* of all pods; NULL: the cluster's default */
	const char *kind_image, *kind_config;	/* kind: node image; file for `kind create cluster --config` */
	const char *kind_engine;	/* kind: "docker" or "podman"; NULL: KIND_EXPERIMENTAL_PROVIDER, or the first that answers */
	bool reuse;			/* kind: a cluster of ours that stays for the next run, a fresh namespace in it */
	const char *default_image;	/* of commands that name none; NULL: a small Debian */
	const char *const *permissions;	/* "<resource>/<verb>", as declared; NULL-terminated or NULL: what `user` may do, and nothing else */
	unsigned int max_pods;		/* quota; 0: 10 */
	uint64_t deadline_ns;		/* wall clock: lease of what is made, after which anybody's sweep may remove it; 0: in a day */
	/* Called, perhaps, while a pod looks at what holds: begin what takes its time and is not the package's. NULL: there is nothing. */
	void (*meanwhile)(void *arg, const struct sandbox_cluster *cluster);
	void *meanwhile_arg;
};

struct sandbox_cluster {		/* of a sandbox that is ready; as long as its handle */
	struct kube *kube;		/* as ourselves: looking, setting up, tidying up */
	const char *namespace;
	const char *user;		/* what the package may do is done as this one: "system:serviceaccount:NS:NAME" */
	const char *image;		/* of commands that name none */
	const struct kube_permission {
		const char *declared;	/* "deployments/patch" */
		bool granted;
		char why_not[96];	/* "no verb of Kubernetes"; "" */
	} *permissions;
	size_t permissions_len;
};

#define SANDBOX_LABEL_RUN "sandbox-runner/run"		/* on everything we make in a cluster: the id of the ref */
#define SANDBOX_LABEL_STAND_IN "sandbox-runner/stand-in"
#define SANDBOX_ANNOTATION_LEASE "sandbox-runner/lease-until"	/* seconds since 1970 */
