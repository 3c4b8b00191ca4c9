/* SPDX-License-Identifier: Apache-2.0
 * exec_once: a sandbox made ahead for one piece of code, in the order of run.c: journal, reaper, intent, sandbox, code, destroy, gone. It is never
 * used for a second one.
 */
#pragma once

#include "runner/cancel.h"
#include "runner/exec_order.h"
#include "runner/journal.h"

struct exec_once;

/* Make it. The handle is set also on failure, when there is something to finish. `cancel` is borrowed. */
int exec_once_prepare(const char *state_dir, const struct sandbox_limits *limits, struct cancel *cancel, struct exec_once **ret, struct error *err);
const char *exec_once_id(const struct exec_once *x);
bool exec_once_has(const struct exec_once *x, const struct exec_language *language);	/* can the sandbox run it? */

/* Run the code of the order. *ret: {status, reason, exit_code, signal, stdout, stderr, truncated, duration_ms, cpu_ms, memory_peak_bytes, limit,
 * security_events}; -1: the sandbox could not be asked. Once only. */
enum { EXEC_OUTPUT_MAX = 256 << 10 };	/* bytes of each stream that are told */
int exec_once_run(struct exec_once *x, const struct exec_order *order, json_t **ret, struct error *err);

/* Destroy everything and free `x` (NULL is fine). -1 when something is still there; `list` names it. */
int exec_once_finish(struct exec_once *x, struct cleanup_list *list, struct error *err);
