/* SPDX-License-Identifier: Apache-2.0
 * attempts: try a step as often as its handler's retry policy says, with the waits in between and the events of it. What one attempt is
 * the caller knows. Private to runner/. */
#pragma once

#include "runner/cancel.h"
#include "runner/event.h"
#include "runner/result.h"

struct attempts {			/* all borrowed */
	struct cancel *cancel;		/* may be NULL */
	struct events *events;
	/* One attempt, judged: step->status is set. -1: it could not be made at all, which ends the step. */
	int (*once)(void *arg, struct step_result *step, struct error *err);
	void *arg;
};

/* Until one passes, is cancelled or is the last. Fills in attempts and duration_ns. The result of the last once(). */
int attempts_run(const struct attempts *a, struct step_result *step, struct error *err);

/* How an attempt ended. `limit` is static or NULL, `reason` is owned from now on. */
void step_conclude(struct step_result *step, enum step_status status, const char *limit, char *reason);
char *step_timeout_sentence(uint64_t timeout_ns);	/* owned by the caller */
