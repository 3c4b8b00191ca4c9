/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/fault.h"
#include "runner/base/mem.h"

#define TRY_AGAIN_MS 100

enum { UNTOLD = -1 };	/* `died` of a package of which it could not even be told */

struct workers {
	struct run_queue *queue;
	const struct run_crew *crew;
	struct run_turn turn;		/* as each worker gets it */
	sigset_t mask;			/* of a worker */
	int signal_fd;
	bool warned;			/* that there is no process to be had */
	struct {
		pid_t pid;		/* 0: there is none */
		size_t next;		/* package, when there is none */
		int died;		/* how the one before ended while it had that one; 0: it did not */
	} of[RUN_WORKERS];
};

/* ---- a worker */

static void work(struct workers *c, size_t first, int died)
{
	for (size_t i = first; i < c->queue->len; i += RUN_WORKERS, died = 0) {
		bool skip;

		run_turn_begin(&c->turn, i, died != 0);
		skip = run_queue_signal(c->queue) != 0;
		if (died != UNTOLD)
			c->crew->package(c->crew->arg, &c->turn, died, skip);
		if (!skip && !died && !run_turn_come_forward(&c->turn, NULL)) {
			run_turn_forget(&c->turn);
			c->crew->package(c->crew->arg, &c->turn, 0, true);
		}
		run_turn_end(&c->turn);
	}
}

static void worker_main(struct workers *c, size_t w, pid_t parent) __attribute__((noreturn));
static void worker_main(struct workers *c, size_t w, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_BUG);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &c->mask, NULL);
	close(c->signal_fd);
	run_queue_keep_to_oneself(c->queue);
	if (!c->of[w].died)
		fault_restart("SANDBOX_RUNNER_TEST_KILL_WORKER");
	work(c, c->of[w].next, c->of[w].died);
	c->crew->leave(c->crew->arg);
	exit(EXIT_OK);
}

/* ---- their parent */

static bool start(struct workers *c, size_t w)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		worker_main(c, w, parent);
	c->of[w].pid = pid > 0 ? pid : 0;
	return pid > 0;
}

static bool is_missing(const struct workers *c, size_t w)
{
	return !c->of[w].pid && c->of[w].next < c->queue->len;
}

/* Without processes nothing can be run anyway; until there are, it waits. What is not to be run any more can be told here. */
static void replace(struct workers *c)
{
	for (size_t w = 0; w < RUN_WORKERS; w++) {
		if (!is_missing(c, w) || start(c, w))
			continue;
		if (run_queue_signal(c->queue)) {
			work(c, c->of[w].next, c->of[w].died);
			c->of[w].next = c->queue->len;
		} else if (!c->warned) {
			message("warning", "cannot start a process for the next package (%s); trying again", strerror(errno));
			c->warned = true;
		}
	}
}

static void on_end(struct workers *c, size_t w, int status)
{
	size_t at = atomic_load(&c->queue->workers[w].at);
	bool again = c->of[w].died && c->of[w].next == at;

	c->of[w].pid = 0;
	c->of[w].died = 0;
	if (status == 0) {
		c->of[w].next = c->queue->len;
	} else if (atomic_load(&c->queue->told) > at) {
		c->of[w].next = at + RUN_WORKERS;
	} else {
		c->of[w].next = at;
		c->of[w].died = again ? UNTOLD : status;
	}
}

static void reap(struct workers *c)
{
	for (size_t w = 0; w < RUN_WORKERS; w++) {
		int status = 0;

		if (c->of[w].pid && waitpid(c->of[w].pid, &status, WNOHANG) == c->of[w].pid)
			on_end(c, w, status);
	}
}

static void pass_on(struct workers *c, int signal)
{
	run_queue_stop(c->queue, signal);
	for (size_t w = 0; w < RUN_WORKERS; w++)
		if (c->of[w].pid && run_queue_is_present(c->queue, w))
			kill(c->of[w].pid, signal);
}

static void watch(struct workers *c)
{
	for (;;) {
		struct pollfd p = { .fd = c->signal_fd, .events = POLLIN };
		struct signalfd_siginfo info;
		bool alive = false, missing = false;

		for (size_t w = 0; w < RUN_WORKERS; w++) {
			alive = alive || c->of[w].pid;
			missing = missing || is_missing(c, w);
		}
		if (!alive && !missing)
			return;
		poll(&p, 1, missing ? TRY_AGAIN_MS : -1);
		while (read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
			if (info.ssi_signo != SIGCHLD)
				pass_on(c, (int)info.ssi_signo);
		reap(c);
		replace(c);
	}
}

/* -1: not one could be started. */
static int start_all(struct workers *c, size_t first, struct error *err)
{
	bool any = false;

	for (size_t i = first; i < first + RUN_WORKERS; i++)
		c->of[i % RUN_WORKERS].next = i;
	for (size_t i = first; i < first + RUN_WORKERS && i < c->queue->len; i++)
		any = start(c, i % RUN_WORKERS) || any;
	return any ? 0 : error_sys(err, ERR_UNAVAILABLE, "cannot start a process for a package");
}

int run_workers(struct run_queue *q, size_t first, const struct run_crew *crew, const sigset_t *signals, struct error *err)
{
	struct workers c = { .queue = q, .crew = crew, .signal_fd = -1 };
	sigset_t watched = *signals;
	int r = -1;

	if (run_queue_open(q, first, err) < 0 || run_turn_open(&c.turn, q, err) < 0)
		return -1;
	sigaddset(&watched, SIGCHLD);
	sigprocmask(SIG_BLOCK, &watched, &c.mask);
	c.signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c.signal_fd < 0)
		error_sys(err, ERR_UNAVAILABLE, "cannot watch several packages");
	else if ((r = start_all(&c, first, err)) == 0)
		watch(&c);
	if (c.signal_fd >= 0)
		close(c.signal_fd);
	sigprocmask(SIG_SETMASK, &c.mask, NULL);
	run_turn_close(&c.turn);
	return r;
}
