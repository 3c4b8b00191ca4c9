/* SPDX-License-Identifier: Apache-2.0
 * exec_pool: sandboxes that wait, warm, for one piece of code each. A worker is a process (`sandbox_runner exec-worker`) with its own journal,
 * reaper and sandbox; it takes one order on its standard input, answers on its standard output, destroys the sandbox and ends. None is ever
 * used twice. What dies is replaced, what idles for long is given back.
 *
 *	STARTING --ready--> WARM --order--> BUSY --answer--> ENDING --exit--> replaced
 */
#pragma once

#include "cmd/serve/loop.h"
#include "runner/base/json.h"
#include "runner/exec_order.h"

struct metrics;
struct exec_pool;
struct exec_pool_options {
	const char *program;		/* what to start: /proc/self/exe resolved at start */
	const char *state_dir;
	unsigned int warm;		/* how many wait; 0: each order gets a cold one */
	unsigned int at_once;		/* orders that run; 0: as many as fit the processors */
	uint64_t idle_ns;		/* without an order for so long, all but one are given back; 0: five minutes */
	struct metrics *metrics;	/* NULL: none */
};
enum { EXEC_POOL_MAX = 64 };
int exec_pool_new(struct loop *l, const struct exec_pool_options *o, struct exec_pool **ret, struct error *err);
/* Ends all, and waits for them, a few seconds at most: a worker that takes longer cleans up on its own. */
void exec_pool_free(struct exec_pool *p);

struct exec_answer {
	const struct error *failure;	/* it was not run: whose fault that is says the code. NULL: it was */
	const json_t *outcome;		/* as exec_once_run() has it; borrowed */
	bool warm;			/* the sandbox had been waiting */
};
/* `json` is what was parsed into `order`. Answered later, in the loop. NULL: err says why it is not taken (ERR_RESOURCE_EXHAUSTED: too many wait;
 * ERR_INVALID_INPUT: the sandboxes here do not have the language). */
struct exec_ticket;
struct exec_ticket *exec_pool_submit(struct exec_pool *p, const struct exec_order *order, const json_t *json,
				     void (*on_answer)(void *data, const struct exec_answer *a), void *data, struct error *err);
void exec_pool_forget(struct exec_ticket *t);	/* no answer is wanted: what runs is ended */

/* Take nothing more, give back what is warm, and give what runs or waits this long before it is cancelled; call when none is left. */
void exec_pool_drain(struct exec_pool *p, uint64_t grace_ns, void (*on_empty)(void *data), void *data);

void exec_pool_resize(struct exec_pool *p, unsigned int warm);
struct exec_pool_counts { unsigned int warm, starting, busy, waiting; };
struct exec_pool_counts exec_pool_counts(const struct exec_pool *p);
/* {size, warm, starting, busy, waiting, at_once, shrunk, languages, orders: {warm, cold, failed, forgotten}, workers: {started, died, unclean}, last_error} */
json_t *exec_pool_to_json(const struct exec_pool *p);
