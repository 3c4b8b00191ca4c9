/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/serve/loop.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

static struct loop *loop;

static int set_up(void **state)
{
	(void)state;
	return loop_new(&loop, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void stop(void *data)
{
	(void)data;
	loop_stop(loop);
}

static void run_until(uint64_t at_ns)
{
	struct loop_timer *t = loop_timer_new(loop, stop, NULL);

	loop_timer_set(t, at_ns);
	assert_int_equal(loop_run(loop, NULL), 0);
	loop_timer_free(t);
}

/* ---- timers */

struct tick { struct loop_timer *timer; int number; };

static int order[2000];
static size_t ticks;

static void on_tick(void *data)
{
	order[ticks++] = ((struct tick *)data)->number;
}

static void timers_fire_in_order(void **state)
{
	enum { TIMERS = 1000 };
	static struct tick all[TIMERS];
	uint64_t base = clock_monotonic_ns();
	size_t armed = 0;
	int last = -1;

	(void)state;
	ticks = 0;
	srand(7);
	for (int i = 0; i < TIMERS; i++) {
		all[i] = (struct tick){ .number = (rand() % 500) * TIMERS + i };	/* equal times: in the order in which they were set */
		all[i].timer = loop_timer_new(loop, on_tick, &all[i]);
		loop_timer_set(all[i].timer, base + (uint64_t)(all[i].number / TIMERS) * 1000);
	}
	for (int i = 0; i < TIMERS; i += 3)
		loop_timer_set(all[i].timer, CLOCK_NEVER);
	for (int i = 1; i < TIMERS; i += 3)
		loop_timer_free(steal_ptr(&all[i].timer));
	for (int i = 2; i < TIMERS; i += 3)
		armed++;
	run_until(clock_deadline(NS_PER_SEC / 10));
	assert_int_equal(ticks, armed);
	for (size_t i = 0; i < ticks; i++) {
		assert_true(order[i] > last && order[i] % TIMERS % 3 == 2);
		last = order[i];
	}
	for (int i = 0; i < TIMERS; i++)
		loop_timer_free(all[i].timer);
}

static struct { struct loop_timer *a, *b; int a_fired, b_fired; } pair;

static void free_both(void *data)
{
	(void)data;
	pair.a_fired++;
	loop_timer_free(steal_ptr(&pair.a));
	loop_timer_free(steal_ptr(&pair.b));
}

static void count_b(void *data)
{
	(void)data;
	pair.b_fired++;
}

/* One that is due in the same round and is freed before its turn stays silent. */
static void a_timer_may_free_itself_and_others(void **state)
{
	(void)state;
	memset(&pair, 0, sizeof(pair));
	pair.a = loop_timer_new(loop, free_both, NULL);
	pair.b = loop_timer_new(loop, count_b, NULL);
	loop_timer_set(pair.a, 0);
	loop_timer_set(pair.b, 0);
	run_until(clock_deadline(NS_PER_SEC / 50));
	assert_int_equal(pair.a_fired, 1);
	assert_int_equal(pair.b_fired, 0);
}

static struct { struct loop_timer *timer; int rounds, ready; } greedy;

static void set_again(void *data)
{
	(void)data;
	greedy.rounds++;
	loop_timer_set(greedy.timer, 0);
}

static void on_greedy_ready(void *data, uint32_t events)
{
	(void)data;
	(void)events;
	greedy.ready++;
	loop_stop(loop);
}

static void a_timer_set_to_now_starves_nobody(void **state)
{
	int fds[2];
	struct loop_watch *w;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	memset(&greedy, 0, sizeof(greedy));
	greedy.timer = loop_timer_new(loop, set_again, NULL);
	loop_timer_set(greedy.timer, 0);
	w = loop_watch(loop, fds[0], EPOLLIN, on_greedy_ready, NULL);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(loop_run(loop, NULL), 0);
	assert_int_equal(greedy.ready, 1);
	loop_timer_free(greedy.timer);
	loop_unwatch(w);
	close(fds[0]);
	close(fds[1]);
}

/* ---- descriptors */

struct pipe_end { int fds[2]; struct loop_watch *watch; };
static struct { struct pipe_end *all; size_t len, calls; } pipes;

static void unwatch_all(void *data, uint32_t events)
{
	(void)data;
	assert_true(events & EPOLLIN);
	pipes.calls++;
	for (size_t i = 0; i < pipes.len; i++) {
		loop_unwatch(pipes.all[i].watch);
		pipes.all[i].watch = NULL;
	}
}

static void count_and_read(void *data, uint32_t events)
{
	struct pipe_end *p = data;
	char c;

	(void)events;
	assert_int_equal(read(p->fds[0], &c, 1), 1);
	if (++pipes.calls == pipes.len)
		loop_stop(loop);
}

/* Two thousand descriptors are ready at once. All are heard; and when the first callback removes them all, no other comes. */
static void many_descriptors(void **state)
{
	struct rlimit files;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	pipes.len = files.rlim_cur < 4100 ? files.rlim_cur / 2 - 20 : 2000;
	pipes.all = xcalloc(pipes.len, sizeof(*pipes.all));
	for (size_t i = 0; i < pipes.len; i++)
		assert_int_equal(pipe2(pipes.all[i].fds, O_CLOEXEC), 0);
	for (int round = 0; round < 2; round++) {
		pipes.calls = 0;
		for (size_t i = 0; i < pipes.len; i++) {
			assert_int_equal(write(pipes.all[i].fds[1], "x", 1), 1);
			pipes.all[i].watch = loop_watch(loop, pipes.all[i].fds[0], EPOLLIN, round ? unwatch_all : count_and_read, &pipes.all[i]);
			assert_non_null(pipes.all[i].watch);
		}
		run_until(round ? clock_deadline(NS_PER_SEC / 10) : clock_deadline(20 * NS_PER_SEC));
		assert_int_equal(pipes.calls, round ? 1 : pipes.len);
		for (size_t i = 0; i < pipes.len; i++)
			loop_unwatch(pipes.all[i].watch);
	}
	for (size_t i = 0; i < pipes.len; i++) {
		close(pipes.all[i].fds[0]);
		close(pipes.all[i].fds[1]);
	}
	free(pipes.all);
}

static void some_cannot_be_watched(void **state)
{
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_null(loop_watch(loop, fd, EPOLLIN, unwatch_all, NULL));
	assert_int_equal(errno, EPERM);
	loop_unwatch(NULL);
}

/* ---- children and signals */

static int status_seen;
static unsigned int exits;

static void on_exit_(void *data, int wait_status)
{
	assert_ptr_equal(data, &status_seen);
	status_seen = wait_status;
	exits++;
	loop_stop(loop);
}

static pid_t child(int sig, int status)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (sig == SIGSTOP)
		for (;;)
			pause();
	if (sig)
		raise(sig);
	_exit(status);
}

static void children_are_reaped(void **state)
{
	struct loop_child *c;

	(void)state;
	exits = 0;
	assert_non_null(loop_child(loop, child(0, 7), on_exit_, &status_seen, NULL));
	run_until(clock_deadline(20 * NS_PER_SEC));
	assert_true(WIFEXITED(status_seen) && WEXITSTATUS(status_seen) == 7);
	assert_non_null(loop_child(loop, child(SIGTERM, 0), on_exit_, &status_seen, NULL));
	run_until(clock_deadline(20 * NS_PER_SEC));
	assert_true(WIFSIGNALED(status_seen) && WTERMSIG(status_seen) == SIGTERM);
	c = loop_child(loop, child(SIGSTOP, 0), on_exit_, &status_seen, NULL);
	loop_child_signal(c, SIGKILL);
	run_until(clock_deadline(20 * NS_PER_SEC));
	assert_true(WIFSIGNALED(status_seen) && WTERMSIG(status_seen) == SIGKILL);
	assert_int_equal(exits, 3);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void nobodys_child(void **state)
{
	struct error err = { 0 };
	pid_t pid = child(0, 0);

	(void)state;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_null(loop_child(loop, pid, on_exit_, &status_seen, &err));
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(err.sys, ESRCH);
}

static int signals_seen[8];
static size_t signals_len;

static void on_signal(void *data, int sig)
{
	(void)data;
	signals_seen[signals_len++] = sig;
	if (signals_len == 2)
		loop_stop(loop);
}

static void signals_come_here(void **state)
{
	sigset_t set, before;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(loop_signals(loop, &set, on_signal, NULL, NULL), 0);
	raise(SIGUSR1);
	raise(SIGUSR2);
	run_until(clock_deadline(20 * NS_PER_SEC));
	assert_int_equal(signals_len, 2);
	assert_int_equal(signals_seen[0], SIGUSR1);
	assert_int_equal(signals_seen[1], SIGUSR2);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

int main(void)
{
#define WITH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(timers_fire_in_order), WITH(a_timer_may_free_itself_and_others), WITH(a_timer_set_to_now_starves_nobody),
		WITH(many_descriptors), WITH(some_cannot_be_watched),
		WITH(children_are_reaped), WITH(nobodys_child), WITH(signals_come_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
