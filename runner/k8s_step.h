/* SPDX-License-Identifier: Apache-2.0
 * k8s_step: carry out one k8s or manifest step of a plan on the cluster of its sandbox: every action of the package format that has a
 * meaning there. Private to runner/. What the package may do is done as the sandbox's user; looking whether it came true as ourselves. */
#pragma once

#include "runner/cancel.h"
#include "runner/event.h"
#include "runner/k8s_fixtures.h"
#include "runner/parameters.h"
#include "runner/result.h"

/* Would a cluster execute this step? NULL: yes. Otherwise why it stays simulated, owned by the caller: a symbolic payload, an action of a
 * storage system, no target … Pure: `plan` asks it without a cluster. `fixtures` (loaded, not applied; NULL: none were given) may say what
 * the package leaves out. */
char *k8s_step_simulated(const struct wpk *wpk, const struct wpk_step *step, const struct k8s_fixtures *fixtures);

struct k8s_context {			/* all borrowed */
	const struct plan *plan;
	const struct parameters *parameters;	/* may be NULL */
	const struct sandbox_cluster *cluster;
	const struct k8s_fixtures *fixtures;	/* targets that the package leaves out */
	struct cancel *cancel;			/* may be NULL */
	struct events *events;
	bool dry_run;				/* --dry-run=server: dryRun=All for all that changes something */
};

/* Fills in `step` (its plan is set): status, mode (EXECUTED, DRY_RUN, or SIMULATED with its reason when that is known only now), what was done
 * as lines in out[0] (through EVENT_STEP_OUTPUT too), attempts with the handler's retry and timeout. EVENT_STEP_END is the caller's, who
 * looks at the objects first. -1 only when the cluster cannot be spoken to at all. */
int k8s_step_run(const struct k8s_context *ctx, struct step_result *step, struct error *err);
