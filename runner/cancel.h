/* SPDX-License-Identifier: Apache-2.0
 * cancel: signals and the run deadline as one descriptor in the loop; no work is done in a handler.
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT are blocked and read through a signalfd; a second one shortens the grace. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runner/base/error.h"

struct cancel;

/* Blocks the signals for this process; deadline_ns is monotonic (CLOCK_NEVER: none). */
int cancel_new(uint64_t deadline_ns, struct cancel **ret, struct error *err);
uint64_t cancel_deadline_ns(const struct cancel *c);	/* as it was given, and later by what was paused */
void cancel_free(struct cancel *c);	/* restores the signal mask */
int cancel_fd(const struct cancel *c);	/* readable for ever once cancelled: an epoll fd over both */
/* Look without blocking. */
bool cancel_requested(struct cancel *c);
int cancel_signal(const struct cancel *c);	/* the signal that asked, or 0 (then it was the deadline) */
unsigned int cancel_count(const struct cancel *c);	/* how many signals came */
/* The deadline stands still from pause to resume, and is that much later then: somebody else is waited for. Signals count all the same. */
void cancel_pause(struct cancel *c);
void cancel_resume(struct cancel *c);
/* While rollback and clean-up run: what came so far is remembered but the fd becomes quiet; another signal wakes it again. */
void cancel_acknowledge(struct cancel *c);
