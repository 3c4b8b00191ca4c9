/* SPDX-License-Identifier: Apache-2.0
 * cluster_run: the part of a run that only a cluster has: fixtures before the steps, steps that act on objects, what became of the objects,
 * what the namespace used, and what helps to understand a failure. Private to runner/. */
#pragma once

#include "runner/k8s_effects.h"
#include "runner/k8s_fixtures.h"
#include "runner/k8s_monitor.h"
#include "runner/run.h"

struct cluster_run {
	const struct plan *plan;		/* these are borrowed */
	const struct run_options *options;
	struct events *events;
	struct result *result;
	struct sandbox *sandbox;
	const struct sandbox_cluster *cluster;
	struct k8s_fixtures *fixtures, none;	/* given ones, or `none` */
	struct k8s_tracker *objects;
	struct k8s_monitor *monitor;
	uint64_t began_ns;			/* the first stand-in, if before the sandbox was ready */
	uint64_t ready_objects_ns;		/* how long applying the fixtures took */
};

/* Before the sandbox is made: stand-ins are begun while it is looked at. */
void cluster_run_prepare(struct cluster_run *c, struct sandbox_spec *spec);
/* Apply the fixtures, look for the first time. Does nothing where the sandbox is no cluster. */
int cluster_run_begin(struct cluster_run *c, struct error *err);
/* Is this a step that cluster_run_step() has to carry out? Shell steps are for step_run(), with c->objects. */
bool cluster_run_takes(const struct cluster_run *c, const struct step_result *step);
int cluster_run_step(struct cluster_run *c, struct step_result *step, struct error *err);
/* After each step, and while a command runs: warnings about the namespace, and what it uses. `arg` is a struct cluster_run. */
void cluster_run_look(void *arg);
/* After the last step: effects of the run, usage; `failed`: also what helps to understand why. */
void cluster_run_end(struct cluster_run *c, bool failed);
