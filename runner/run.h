/* SPDX-License-Identifier: Apache-2.0
 * run: a plan becomes a result. Journal, reaper, sandbox, steps, rollback and clean-up in this order, whatever happens. */
#pragma once

#include "runner/cancel.h"
#include "runner/event.h"
#include "runner/k8s_fixtures.h"
#include "runner/keep.h"
#include "runner/plan.h"
#include "runner/result.h"

struct run_file {		/* --files, or the package's own files */
	const char *source;	/* host path: a file or a folder whose content is taken */
	const char *dest;	/* below the work folder; "" for its top */
	const char *except;	/* name directly below source to leave out; NULL */
};

struct run_options {
	const struct run_file *files;
	size_t files_len;
	const struct parameters *parameters;
	const bool *require;		/* CONTROL_COUNT flags: refuse to start unless enforced; NULL: none */
	bool require_all;		/* the same for every control of which something is asked */
	struct cancel *cancel;
	enum run_keep { RUN_KEEP_NEVER, RUN_KEEP_ON_FAILURE, RUN_KEEP_ALWAYS } keep;	/* the sandbox after its verdict */
	uint64_t keep_ns;
	struct reaper *reaper;		/* of several runs, dismissed by the caller; NULL: one of its own */
	struct kept_run *kept;		/* where it goes then; its journal stays NULL when it was not kept */
	bool monitor;			/* events and warnings about resources */
	enum sandbox_severity escape_severity;	/* as in struct result */
	struct artifacts *artifacts;	/* where to save what steps made; NULL: nowhere */
	struct k8s_fixtures *fixtures;	/* on a cluster: what stands there before the first step; NULL: nothing was given */
	bool diff;			/* tell what changed in text files */
	/* Of several runs that overlap; NULL: none. Steps begin when before_steps() returns 0, and it has to look at `cancel` while it waits:
	 * neither the deadline nor the duration counts that. -1: they do not begin. after_steps(): these are over, rollback included. */
	int (*before_steps)(void *arg, struct error *err);
	void (*after_steps)(void *arg);
	void *steps_arg;
	/* Called once, while the sandbox comes up if it can be then: what the start of a run does for others. May add warnings. NULL: nothing */
	void (*meanwhile)(void *arg, struct strvec *warnings);
	void *meanwhile_arg;
};

/* How long a sandbox may live that somebody else keeps for us: until the deadline, then what is looked at and cleaned up after it, and
 * as long as it is kept. 0: there is no deadline. */
uint64_t run_life_ns(const struct cancel *cancel, uint64_t keep_ns);

/* Fills `result` (initialised, run_id and source set) and emits the events. The journal is open and locked; it is finished and freed
 * here. There always is a result to report, if only RUN_ERROR with its reason. */
void run_plan(const struct plan *plan, struct journal *journal, const struct run_options *options,
	      struct events *events, struct result *result);
