/* SPDX-License-Identifier: Apache-2.0
 * image_step: a container step: a sandbox of its image, the package's files in it, the step, its end. Private to runner/. */
#pragma once

#include "runner/cancel.h"
#include "runner/event.h"
#include "runner/journal.h"
#include "runner/run.h"

struct image_run {			/* all borrowed */
	const struct plan *plan;
	const struct parameters *parameters;
	struct cancel *cancel;
	struct events *events;
	struct journal *journal;
	struct result *result;		/* gets the certificate, and where a control holds less than in the run's own sandbox, that */
	const struct run_file *files;
	size_t files_len;
	bool diff, monitor;
};

/* Fills in the step, whatever happens. */
void image_step_run(const struct image_run *run, struct step_result *step);
