/* SPDX-License-Identifier: Apache-2.0
 * plan: a decision becomes an ordered list of steps, each with where it runs and in which mode. The only place where a package
 * becomes a sandbox_spec. `plan` prints it, `run` runs it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/backend_choice.h"
#include "runner/base/json.h"
#include "runner/parameters.h"
#include "runner/profile.h"
#include "sandboxes/sandbox.h"
#include "validators/policy.h"

enum step_mode {
	STEP_MODE_EXECUTED,	/* really runs, in the sandbox */
	STEP_MODE_DRY_RUN,	/* a real API server judges it with dryRun=All */
	STEP_MODE_EMULATED,	/* runs against the built-in emulation */
	STEP_MODE_SIMULATED,	/* not run; says why */
	STEP_MODE_SKIPPED,	/* not reached, or not wanted */
};
const char *step_mode_to_string(enum step_mode mode);	/* "executed", "dry-run", "emulated", "simulated", "skipped" */

enum step_phase { PHASE_MAIN, PHASE_ROLLBACK };
const char *step_phase_to_string(enum step_phase phase);	/* "main", "rollback" */

struct k8s_fixtures;

struct plan_step {
	unsigned int number;		/* from 1, within its phase */
	enum step_phase phase;
	const struct wpk_handler *handler;
	const struct wpk_step *step;
	enum step_mode mode;		/* EXECUTED or SIMULATED at this point */
	char *reason;			/* owned; why simulated; NULL for executed */
	const char *where;		/* borrowed: "container (native)" or "nowhere" */
	char *title;			/* owned: "handler" or "handler / step" */
	char *summary;			/* owned: what it would do in a line: the command, "GET https://…", "restart deployment" */
};

/* A ${NAME} of the package. */
struct plan_need {
	char *name;			/* owned */
	char *fallback;			/* owned; NULL: none */
	const struct parameter *given;	/* NULL: not given */
	struct position position;	/* of the first use */
	char *path;			/* owned; YAML path of the first use */
	bool blocking;			/* unset, no default, and used by a step that would be executed */
};

struct plan {
	const struct decision *decision;
	const struct profile *profile;
	const char *type, *runtime;	/* chosen backend: "container", "native" */
	char *where;			/* owned: "container (native)" */
	const char *image_runtime;	/* where container steps run their image: "docker"; NULL: nowhere */
	char *image_where;		/* owned: "container (docker)"; NULL */
	char no_images_because[256];	/* why container steps run nowhere */
	char *chosen_because;		/* owned; for --type/--runtime=auto; NULL when asked for by name */
	bool cluster;			/* the sandbox is one: k8s and manifest steps are executed */
	bool server_dry_run;		/* what would change something there is only judged by it: --dry-run=server */
	struct strvec permissions;	/* declared ones, NULL-terminated: spec.cluster.permissions */
	struct sandbox_spec spec;
	struct plan_step *steps;	/* main phase, then rollback phase */
	size_t steps_len;
	struct plan_need *needs;
	size_t needs_len;
	size_t executable;		/* steps of the main phase that will be executed */
};

struct plan_options {
	const char *type, *runtime;		/* NULL or "auto" */
	struct backend_memo *memo;		/* of several plans; NULL: none */
	const struct profile *profile;
	const struct sandbox_limits *limits;	/* overrides; members that are 0 are taken from the profile */
	const char *rootfs;			/* folder; NULL: host view */
	const char *image;			/* for engines, instead; NULL: none */
	enum sandbox_pull pull;
	bool net_bind_service;
	struct sandbox_network network;		/* borrowed */
	bool writable_root;
	struct sandbox_cluster_spec cluster;	/* for types that are a cluster; permissions are the package's */
	const struct k8s_fixtures *fixtures;	/* loaded: they may say what the package leaves out; NULL: none were given */
	bool server_dry_run;
	bool observe;				/* tell what steps do, where that can be had */
	struct parameters *parameters;		/* those that the package refers to are marked `used`; NULL: none given */
};

/* ERR_PERMISSION_DENIED for a blocked decision, ERR_UNAVAILABLE for a type or runtime that is not there, ERR_USAGE for one that
 * does not exist. Unset parameters are no error here: `plan` lists them as needs, `run` asks plan_unset(). */
int plan_make(const struct decision *decision, const struct plan_options *options, struct plan **ret,
	      struct error *err);
void plan_free(struct plan *plan);

/* Are there rollback handlers, and does the package want them to run on failure? */
bool plan_has_rollback(const struct plan *plan);

/* Add an error finding for each parameter that a step to be executed needs and nobody set; returns how many. */
size_t plan_unset(const struct plan *plan, struct finding_list *findings);

void plan_print(const struct plan *plan, bool color, struct strbuf *out);
json_t *plan_to_json(const struct plan *plan);
