/* SPDX-License-Identifier: Apache-2.0
 * k8s_fixtures: what stands in the namespace before the first step: the manifests of --fixtures, or stand-ins for the targets that the package
 * names; and which object a step means that names none (the trigger event would have said). */
#pragma once

#include "runner/base/json.h"
#include "runner/parameters.h"
#include "runner/plan.h"
#include "sandboxes/sandbox.h"

struct k8s_object_name { char kind[64], name[254]; };

struct k8s_fixtures {
	json_t *manifests;		/* array, in the order to apply */
	json_t *event;			/* of --event, or of the file event.yaml of the folder; NULL: none */
	json_t *originals;		/* "Deployment/web" to its replicas before the first step; NULL until applied */
	struct k8s_object_name *stand_ins;	/* made because nothing was given; named in the result */
	size_t stand_ins_len;
	size_t steps_seen;		/* of the plan: whether they need a stand-in */
	struct strvec notes;		/* lines for people: what was applied, what stands in */
};
#define K8S_FIXTURES_EMPTY { .notes = STRVEC_INIT }

/* Read a file or the *.yaml, *.yml and *.json of a folder (several documents a file). ERR_INVALID_INPUT with file:line for what is no
 * manifest, is not namespaced or names another namespace. `path` and `event_path` may be NULL. Nothing is asked of a cluster. */
int k8s_fixtures_load(const char *path, const char *event_path, struct k8s_fixtures *ret, struct error *err);
/* A manifest of the package or of a fixture against the same rules: a new array of its objects (a List is unfolded), borrowing nothing, or
 * NULL. `where` begins the message. */
json_t *k8s_manifest_check(json_t *manifest, const char *where, struct error *err);
/* Begin with a few stand-ins, where there are no manifests, and wait for nothing. What fails is tried again by the next. */
void k8s_fixtures_begin(struct k8s_fixtures *f, const struct plan *plan, const struct parameters *parameters,
			const struct sandbox_cluster *cluster, uint64_t deadline_ns);
/* Apply them as ourselves, then stand-ins for the targets of the plan's steps that are not there, and wait until all are ready. */
int k8s_fixtures_apply(struct k8s_fixtures *f, const struct plan *plan, const struct parameters *parameters,
		       const struct sandbox_cluster *cluster, uint64_t deadline_ns, struct error *err);
/* Whom a step means: its own name or selector, else the event's object, else the only one of that type among the fixtures. `selector` gets
 * its label selector or "". False: nobody can tell; `why` says what to give. */
bool k8s_target_of(const struct k8s_fixtures *f, const struct plan_step *step, const struct parameters *parameters, const char *type,
		   struct k8s_object_name *ret, char selector[256], char why[256]);
void k8s_fixtures_release(struct k8s_fixtures *f);
