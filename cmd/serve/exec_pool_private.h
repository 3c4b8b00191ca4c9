/* SPDX-License-Identifier: Apache-2.0
 * Private to exec_pool*.c: the pool decides who works for whom, a worker is a process and its two pipes.
 */
#pragma once

#include "cmd/serve/exec_pool.h"
#include "runner/base/strvec.h"

enum worker_state { WORKER_STARTING, WORKER_WARM, WORKER_BUSY, WORKER_ENDING };

struct exec_ticket {
	struct exec_pool *pool;
	struct exec_ticket *next;	/* who waits behind it */
	struct exec_worker *worker;	/* that is made for it, or works on it; NULL: it waits */
	struct strbuf line;		/* the order, as it goes to the worker */
	uint64_t timeout_ns, memory_bytes, cpu_millis;
	bool warm;
	void (*on_answer)(void *data, const struct exec_answer *a);
	void *data;
};

struct exec_worker {
	struct exec_pool *pool;
	struct exec_worker *next;
	enum worker_state state;
	pid_t pid;
	int in, out;			/* its standard input and output; -1: closed */
	struct loop_child *child;
	struct loop_watch *reads, *writes;
	struct loop_timer *timer;	/* past it, it is ended: first with SIGTERM, then with SIGKILL */
	bool asked_to_end;
	struct strbuf line;		/* of its output, so far */
	size_t sent;			/* of the ticket's line */
	struct exec_ticket *ticket;
};

struct exec_pool {
	struct loop *loop;
	char *program, *state_dir;
	struct metrics *metrics;
	struct strvec environment;
	unsigned int size, at_once;
	uint64_t idle_ns;
	bool shrunk;
	struct loop_timer *idle, *again;	/* nobody came for long; starting may be tried again */
	uint64_t retry_ns;			/* not before */
	unsigned int failures;			/* to start, one after another */
	bool draining;
	void (*on_empty)(void *data);
	void *on_empty_data;
	struct exec_worker *workers;
	struct exec_ticket *waiting;
	unsigned int waiting_len;
	unsigned int languages;			/* bits: what the last one that got ready had */
	bool languages_known;
	uint64_t warm_orders, cold_orders, failed_orders, forgotten_orders, started, died, unclean;
	char last_error[1024];			/* "": none */
};

/* exec_worker.c: NULL: err. The ticket, if it is made for one, is set by the caller. */
struct exec_worker *exec_worker_start(struct exec_pool *p, uint64_t memory_bytes, uint64_t cpu_millis, struct error *err);
void exec_worker_give(struct exec_worker *w, struct exec_ticket *t);
void exec_worker_hurry(struct exec_worker *w);		/* what runs is cancelled, and answers that */
void exec_worker_end(struct exec_worker *w);		/* nothing more is wanted of it: it ends by itself, or its time does */
void exec_worker_dismiss(struct exec_worker *w);	/* the same, and what runs is ended */
void exec_worker_free(struct exec_worker *w);		/* the handle */

/* exec_pool.c, called by a worker */
void exec_pool_on_ready(struct exec_worker *w, const json_t *languages);
void exec_pool_on_failure(struct exec_worker *w, enum error_code code, const char *why);	/* of its start, or of its order */
void exec_pool_on_outcome(struct exec_worker *w, const json_t *outcome);
void exec_pool_on_cleanup(struct exec_worker *w, bool complete, unsigned int left);
void exec_pool_on_exit(struct exec_worker *w);		/* frees it */
