/* SPDX-License-Identifier: Apache-2.0
 * exec_pool: sandboxes that wait, warm, for one piece of code each. A worker is a process (`sandbox_runner exec-worker`) with its own journal,
 * reaper and sandbox; it takes one order on its standard input, answers on its standard output, destroys the sandbox and ends. None is ever
 * used twice. What dies is replaced, what idles for long is given back.
 */
#pragma once

#include "cmd/serve/loop.h"
#include "runner/base/json.h"

struct exec_pool;
struct exec_pool_options {
	const char *program;		/* what to start: /proc/self/exe resolved at start */
	const char *state_dir;
	unsigned int warm;		/* how many wait; 0: each order gets a cold one */
	unsigned int at_once;		/* orders and warm ones together; 0: as fits the processors */
};
int exec_pool_new(struct loop *l, const struct exec_pool_options *o, struct exec_pool **ret, struct error *err);
void exec_pool_free(struct exec_pool *p);
