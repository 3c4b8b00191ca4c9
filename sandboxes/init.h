/* SPDX-License-Identifier: Apache-2.0
 * init: what the first process of every sandbox does, whoever made the sandbox: it starts commands, reaps, kills what they leave
 * behind, puts files, looks at them. Private to sandboxes/. Runs with a step's rights; native_init.c (the built-in jail,
 * forked) and guest_init.c (a small static program for engines and runtimes) are its two hosts: they say how orders and answers travel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandboxes/lockdown.h"

#define SANDBOX_WORKDIR_RELATIVE "work"	/* SANDBOX_WORKDIR without its slash */

/* How a command ended: nothing of it is alive. Goes over the wire as it is. */
struct init_ended {
	int wait_status;		/* of the command's main process */
	int exec_errno;			/* not 0: it was never run */
	bool fork_refused;
	bool storage_full;
	uint32_t outlived;
	uint64_t cpu_ns;
};

struct init {
	struct lockdown_limits limits;	/* of a step */
	struct lockdown_limits tried;	/* what the child of init_observe_try() had of them */
	int sigchld_fd;			/* readable: call init_reap() */
	int oom_fd;			/* our own oom_score_adj: raised while a step is forked, which inherits it; -1: none */
	int null_fd;
	int work_fd;			/* O_PATH */
	pid_t step;			/* main process of the running command; 0: none */
	bool room_seen, storage_full, fork_refused;	/* seen since the step was started, by init_watch() */
	unsigned int looks_at_limit;
	uint64_t counted_ns, look_ns;	/* look_ns: of the next look */
	uint64_t cpu_before_ns;
	void (*on_ended)(struct init *init, const struct init_ended *ended);
	/* observation, see init_observe.h */
	bool observing;			/* commands are observed: LOCKDOWN_INIT is in force, and only with this set */
	bool stopping;			/* by the host: the running command was told to end, so nothing outlives it */
	bool links_lead_out;		/* a symbolic link below the writable folders may lead to elsewhere */
	int listener;			/* readable: call init_observe(); -1: none */
	int dns_fd;			/* readable: call init_observe_dns(); a socket on port 53 to answer from; -1: none */
	struct observer *observer;
	struct init_shared *shared;	/* with the process that is about to execute a command */
	void (*on_events)(struct init *init, const char *packed, size_t len);	/* see event.h; at most INIT_EVENTS_MAX bytes */
};
#define INIT_EMPTY { .sigchld_fd = -1, .oom_fd = -1, .null_fd = -1, .work_fd = -1, .listener = -1, .dns_fd = -1 }
enum { INIT_EVENTS_MAX = 8384 };

/* ---- coming up, in this order */

/* Close every descriptor from 3 on but those in `keep`, which is sorted. */
void init_close_others(int *keep, size_t n);
/* All signals as they are by default and unblocked, but SIGCHLD, which goes to sigchld_fd. 0, or -1 with errno. */
int init_reset_signals(struct init *init);
/* For one that was forked: take the runner's command line and environment off its stack, where /proc/1/cmdline would show them. */
void init_wipe_arguments(void);
/* /dev/null for 0 to 2 and for steps, and the work folder. -1 with errno. */
int init_open_work(struct init *init);
/* The limits a step will have, read back in a child. */
void init_try_limits(const struct lockdown_limits *limits, struct lockdown_limits *ret);

/* ---- commands, one at a time */

struct init_command {
	char **argv, **env;	/* NULL-terminated */
	const char *dir;	/* to start in, seen from the work folder; NULL: that */
	int out, err;		/* of the command; the caller closes them after init_start() */
	int in;			/* 0: /dev/null */
	bool tty;		/* `out` is the terminal that becomes its own */
};
/* A new terminal: both ends close-on-exec. -1 with errno. */
int init_open_tty(int *ret_master, int *ret_slave);
enum { INIT_STRINGS_MAX = 8 << 20 };
/* `strings` holds argc + envc texts, and one more for `dir` if there is more, each with its NUL: fill in argv, env and dir, which
 * free(argv) frees. -1: it is no such thing. */
int init_unpack(char *strings, uint64_t bytes, size_t argc, size_t envc, struct init_command *ret);
/* Start it. on_ended() is called from here if it cannot be run, otherwise from init_reap(). */
void init_start(struct init *init, const struct init_command *command);
void init_reap(struct init *init);
/* Call before every wait for events: sees whether a limit was reached, and tells in how many milliseconds it wants to look again (-1:
 * not before something happens). */
int init_watch(struct init *init, bool at_end);
/* Look at the storage at once: something may be removed in a moment. */
void init_watch_storage(struct init *init);
void init_terminate(void);	/* SIGTERM to everything, stopped ones too */
void init_kill(void);

/* ---- observing commands */

/* Can it be done here? Tried out with a child of our own, which tries the limits of a step, too. Call it when privileges are gone and no filter is in force, and load
 * LOCKDOWN_INIT if it says yes (init->observing), LOCKDOWN_PLAIN otherwise. -1: `why_not` is a sentence. Leaves us dumpable. */
enum { INIT_WHY_MAX = 128 };
int init_observe_try(struct init *init, char why_not[INIT_WHY_MAX]);
/* With the right to bind to port 53: have a socket there, so that every name asked for is told and refused. */
void init_observe_names(struct init *init);
void init_observe(struct init *init);		/* `listener` is readable */
void init_observe_dns(struct init *init);	/* `dns_fd` is readable */
/* Events travel together: send those that waited long enough, and return how long poll() may wait, at most `timeout_ms`. */
int init_observe_wait(struct init *init, int timeout_ms);

/* For init.c only: run `child` in a new process that is observed. The pid, or -1 with errno; what `child` returns, which it does only
 * if it cannot execute, is found by init_observe_error() when that process has ended. */
pid_t init_observe_fork(struct init *init, int (*child)(void *arg), void *arg);
int init_observe_error(const struct init *init);
void init_observe_outlived(struct init *init);	/* before they are killed */
void init_observe_end(struct init *init);	/* nothing is alive: tell what is left to tell */

/* ---- files */

enum { INIT_PATH_MAX = 4096 };
struct init_put {
	uint32_t kind;		/* enum sandbox_file_kind */
	uint32_t mode;
};
/* Below the work folder. `path` is changed; `from` is read to its end for a file. 0, or -1 with errno. */
int init_put(struct init *init, const struct init_put *put, char *path, const char *target, int from);
