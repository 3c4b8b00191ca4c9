/* SPDX-License-Identifier: Apache-2.0
 * step: carry out one step of a plan in a sandbox: attempts, waits, capture, judgement. Private to runner/. */
#pragma once

#include "runner/cancel.h"
#include "runner/event.h"
#include "runner/k8s_effects.h"
#include "runner/parameters.h"
#include "runner/result.h"

struct step_command {			/* of a container step: what to execute instead of a script; borrowed */
	const struct strvec *argv, *env;
	const char *image;		/* on a cluster; NULL */
	const char *dir;		/* as struct sandbox_command has it */
};

struct step_context {			/* all borrowed */
	const struct plan *plan;
	const struct parameters *parameters;	/* may be NULL */
	struct sandbox *sandbox;
	struct cancel *cancel;			/* may be NULL */
	struct events *events;
	bool observed;				/* the sandbox tells what commands do */
	const struct step_command *command;	/* NULL: the script of the step */
	const struct sandbox_limits *limits;	/* of its own sandbox; NULL: the plan's */
	bool monitor;				/* tell of resources as they are used, and when they become scarce */
	struct effects_tracker *effects;	/* may be NULL */
	struct k8s_tracker *objects;		/* may be NULL */
	void (*beat)(void *arg);		/* called now and then while a command runs; may be NULL */
	void *beat_arg;
};

/* What every command of a run gets: PATH, HOME …, and the parameters; a secret only where `script` names it. `fake_root`: the root of a
 * writable root. */
void step_environment(const struct parameters *parameters, const char *script, bool fake_root, struct strvec *env);

/* The limit that ended or spoiled a command ("memory"); NULL: none did. */
const char *step_limit(const struct sandbox_exit *e, const struct sandbox_limits *limits);
/* "exit status 127: command not found", "killed by signal 9 (Killed)". The caller frees. */
char *step_exit_sentence(const struct sandbox_exit *e);

/* Run a step whose mode is EXECUTED to its end and fill in `step`, whose `plan` is set. -1 only when the sandbox could not be
 * asked at all; a step that fails is a result. */
int step_run(const struct step_context *ctx, struct step_result *step, struct error *err);
