/* SPDX-License-Identifier: Apache-2.0
 * loop: one thread, one epoll: descriptors, deadlines, children, signals. Everything in the service runs in a callback of it; none may
 * block. A callback may add and remove anything, itself too.
 */
#pragma once

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "runner/base/error.h"

struct loop;
struct loop_watch;
struct loop_timer;
struct loop_child;

int loop_new(struct loop **ret, struct error *err);
void loop_free(struct loop *l);		/* what is still watched is forgotten, no descriptor of others is closed */

/* `fd` is borrowed and must be unwatched before it is closed; one watch a descriptor. `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP. NULL, with errno:
 * the kernel refuses (a regular file, no memory). */
struct loop_watch *loop_watch(struct loop *l, int fd, uint32_t events, void (*on_ready)(void *data, uint32_t events), void *data);
void loop_unwatch(struct loop_watch *w);	/* NULL is fine */

/* Not armed until set; fires once. Times are clock_monotonic_ns(); CLOCK_NEVER disarms; 0: as soon as possible, after what is ready now. */
struct loop_timer *loop_timer_new(struct loop *l, void (*on_time)(void *data), void *data);
void loop_timer_set(struct loop_timer *t, uint64_t at_ns);
void loop_timer_free(struct loop_timer *t);	/* NULL is fine */

/* A child of ours, by pidfd: reaped here, nobody else may wait for it. `wait_status` as of waitpid(). The watch ends by itself after the call. */
struct loop_child *loop_child(struct loop *l, pid_t pid, void (*on_exit)(void *data, int wait_status), void *data, struct error *err);
void loop_child_signal(struct loop_child *c, int sig);	/* never another process that has got the number since */

/* The signals of `set` are blocked and come here. */
int loop_signals(struct loop *l, const sigset_t *set, void (*on_signal)(void *data, int sig), void *data, struct error *err);

int loop_run(struct loop *l, struct error *err);	/* until loop_stop() */
void loop_stop(struct loop *l);
