/* SPDX-License-Identifier: Apache-2.0
 * run_invocation: one package on its way through `run`: checked options, package, plan, sandbox, result. What is wrong with the
 * command line or the package is found before anything is made; from the journal on, run_plan() sees to it that nothing is left. */
#pragma once

#include <signal.h>
#include <unistd.h>

#include "cmd/front.h"
#include "cmd/output.h"
#include "cmd/package.h"
#include "cmd/report_target.h"
#include "cmd/run_turn.h"
#include "cmd/scan_file.h"
#include "cmd/scratch.h"
#include "cmd/settings.h"
#include "runner/cancel.h"
#include "runner/run.h"

struct run_command_options {
	struct settings settings;	/* first: the shared rows write here */
	struct strvec packages;		/* --wpk and operands */
	const char *wpk;		/* the one of this invocation */
	const char *format, *save_logs, *save_artifacts;
	uint64_t keep_ns, keep_on_failure_ns;	/* 0: not wanted */
	const char *override;		/* why a blocked package is run all the same; NULL: it is not */
	uint64_t timeout_ns;		/* 0: as the profile says */
	struct strvec files, require, report;
	struct scan_options scan;
	bool exit_zero, no_history, monitor, diff;
	const char *fail_on_security;
	const char *run_id, *notify;	/* NULL: not given */
	uint64_t events_fd;		/* 0: not given */
};

/* Everything that a run holds, released in one place. */
struct invocation {
	struct run_command_options opt;
	struct report_targets reports;
	struct run_file *files;		/* strings are owned */
	size_t files_len;
	bool require[CONTROL_COUNT], require_all;
	struct parameters parameters;
	struct scan_judge judge;
	struct package package;
	struct plan *plan;
	struct cancel *cancel;
	struct scratch scratch;
	char *state_dir;		/* owned */
	char *rootfs;			/* owned: absolute path of the root to use; NULL: the host's */
	struct strvec warnings;		/* from before the run */
	struct artifacts *artifacts;	/* NULL: not wanted */
	struct event_sink *logs, *ndjson;	/* borrowed from the events; NULL: not wanted */
	struct front front;
	bool of_several;		/* packages, so it does not own stdout */
	struct reaper *reaper;		/* of several packages; NULL: each has its own */
	struct scan_judge *shared_judge;	/* the same; NULL: judge */
	struct backend_memo *backend;		/* the same; NULL: one is chosen for it alone */
	bool hooks_checked;		/* --run-id, --events-fd and --notify are good */
	bool cleaned;			/* after other runs, which happens once */
	struct run_turn *turn;		/* among several packages that overlap; NULL: one after another */
	bool left;			/* something of it is still there */
	const char *lead;		/* printed before a JSON document; NULL: nothing */
	sigset_t *unblocked;		/* the signals of several packages, while nothing is at stake; NULL: they are not blocked */
	struct output out;		/* stdout */
	struct output narrative;	/* stderr, when stdout is taken */
};

#define INVOCATION_INIT(options) { .opt = (options), .scratch = SCRATCH_INIT, .front = FRONT_INIT, \
				   .out = OUTPUT_INIT(STDOUT_FILENO), .narrative = OUTPUT_INIT(STDERR_FILENO) }

/* What the command line says; part of invocation_run(). */
int invocation_check(struct invocation *v, struct error *err);

/* Carry it out: opt, out and narrative are set. Returns the exit status; *ret tells more. With --keep this returns twice: in front, and
 * in the keeper (v->front.child), which has nothing more to do. With a turn nothing is told before all is told of the package before, and where
 * the turn is refused, nothing at all: then neither the status nor *ret means anything. */
int invocation_run(struct invocation *v, struct run_summary *ret);
/* It was not reached any more: its result says so, in the same form. */
void invocation_skip(struct invocation *v, const char *why);
/* Its process ended so (as waitpid() says) before it could tell: see to it that nothing of it goes on, then tell. */
void invocation_lost(struct invocation *v, int died, struct run_summary *ret);
void invocation_release(struct invocation *v);
