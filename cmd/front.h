/* SPDX-License-Identifier: Apache-2.0
 * front: with --keep the run goes on in a child, which becomes the keeper; the process that was started stands in front, passes signals
 * on, and ends with the status of the run as soon as the child reports it. Forked before anything is made, so the child is the
 * parent of all there is. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "runner/result.h"

/* What the caller of a run wants to know of it. Goes through a pipe as it is. */
struct run_summary {
	int status;			/* exit status */
	char run_id[RUN_ID_SIZE];	/* "": there was no run */
	char package[128];
	char verdict[24];
	uint64_t duration_ns;
	bool cancelled, kept;
};

struct front {
	bool child;
	int report_fd;	/* of the child; -1: has reported */
};
#define FRONT_INIT { .child = false, .report_fd = -1 }

/* 0 in the child. 1 in front, when the child has reported or is gone; *ret says how. -1: it cannot be forked. */
int front_start(struct front *f, struct run_summary *ret, struct error *err);

/* The child: tell the front and let it go; from then on nothing is shared with whoever started us: no terminal, no pipe, no
 * session. */
void front_report(struct front *f, const struct run_summary *summary);
