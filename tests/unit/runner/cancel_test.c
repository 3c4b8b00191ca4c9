/* SPDX-License-Identifier: Apache-2.0
 * cancel: one descriptor for signals and the deadline. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/cancel.h"
#include "tests/unit/must.h"

static bool readable(const struct cancel *c, int within_ms)
{
	struct pollfd pfd = { .fd = cancel_fd(c), .events = POLLIN };

	return poll(&pfd, 1, within_ms) == 1;
}

static struct cancel *start(uint64_t deadline_ns)
{
	struct error err = { .code = ERR_OK };
	struct cancel *c = NULL;

	must(cancel_new(deadline_ns, &c, &err) == 0);
	return c;
}

static void test_quiet(void **unused)
{
	struct cancel *c = start(CLOCK_NEVER);
	(void)unused;

	assert_false(readable(c, 20));
	assert_false(cancel_requested(c));
	assert_int_equal(cancel_signal(c), 0);
	assert_int_equal(cancel_count(c), 0);
	cancel_free(c);
	cancel_free(NULL);
}

static void test_signals(void **unused)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct cancel *c = start(clock_deadline(60 * NS_PER_SEC));

		assert_int_equal(kill(getpid(), signals[i]), 0);
		assert_true(readable(c, 1000));
		assert_true(readable(c, 0));		/* before and after it was looked at, for ever */
		assert_true(cancel_requested(c));
		assert_true(readable(c, 0));
		assert_true(cancel_requested(c));
		assert_true(readable(c, 0));
		assert_int_equal(cancel_signal(c), signals[i]);
		assert_int_equal(cancel_count(c), 1);
		cancel_free(c);
	}
}

static void test_deadline(void **unused)
{
	struct cancel *c = start(clock_deadline(30 * NS_PER_MS));
	uint64_t before = clock_monotonic_ns();
	(void)unused;

	assert_false(cancel_requested(c));
	assert_true(readable(c, 2000));
	assert_in_range((clock_monotonic_ns() - before) / NS_PER_MS, 20, 1000);
	assert_true(cancel_requested(c));
	assert_true(readable(c, 0));
	assert_int_equal(cancel_signal(c), 0);
	kill(getpid(), SIGTERM);			/* came after: the deadline remains the reason */
	assert_true(cancel_requested(c));
	assert_int_equal(cancel_signal(c), 0);
	assert_int_equal(cancel_count(c), 1);
	cancel_free(c);
}

static void test_deadline_in_the_past(void **unused)
{
	static const uint64_t past[] = { 0, 1, NS_PER_SEC };
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(past); i++) {
		struct cancel *c = start(past[i]);

		assert_true(readable(c, 1000));
		assert_true(cancel_requested(c));
		cancel_free(c);
	}
}

static void test_pause(void **unused)
{
	const uint64_t deadline = clock_deadline(50 * NS_PER_MS);
	struct cancel *c = start(deadline);
	(void)unused;

	cancel_pause(c);
	assert_false(readable(c, 200));			/* the deadline stands still */
	cancel_resume(c);
	assert_in_range(cancel_deadline_ns(c) - deadline, 190 * NS_PER_MS, 60 * NS_PER_SEC);
	assert_true(readable(c, 2000));			/* and goes on */
	assert_true(cancel_requested(c));
	cancel_pause(c);
	assert_true(readable(c, 0));			/* what was asked for is not taken back */
	cancel_resume(c);
	assert_true(readable(c, 0));
	cancel_free(c);

	c = start(CLOCK_NEVER);
	cancel_pause(c);
	kill(getpid(), SIGINT);
	assert_true(readable(c, 1000));			/* a signal counts in between */
	assert_true(cancel_requested(c));
	cancel_resume(c);
	assert_true(readable(c, 0));
	assert_int_equal(cancel_deadline_ns(c), CLOCK_NEVER);
	cancel_free(c);
}

static void test_acknowledge(void **unused)
{
	struct cancel *c = start(clock_deadline(100 * NS_PER_MS));
	(void)unused;

	kill(getpid(), SIGINT);
	assert_true(cancel_requested(c));
	cancel_acknowledge(c);
	assert_false(readable(c, 200));			/* the deadline does not wake the clean-up either */
	assert_false(cancel_requested(c));
	assert_int_equal(cancel_signal(c), SIGINT);	/* remembered */
	kill(getpid(), SIGTERM);
	assert_true(readable(c, 1000));
	assert_true(cancel_requested(c));
	assert_true(readable(c, 0));
	assert_int_equal(cancel_signal(c), SIGINT);	/* the first is the one that asked */
	assert_int_equal(cancel_count(c), 2);
	cancel_free(c);
}

static void test_acknowledge_unseen(void **unused)	/* what came before counts, also when nobody looked */
{
	struct cancel *c = start(CLOCK_NEVER);
	(void)unused;

	kill(getpid(), SIGTERM);
	cancel_acknowledge(c);
	assert_int_equal(cancel_signal(c), SIGTERM);
	assert_false(readable(c, 0));
	cancel_free(c);
}

/* ---- the signal mask: in children, because the default action is to die */

static void expect(void (*fn)(void), int want_status)
{
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		in_child = true;
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), want_status);
}

static void free_with_pending(void)	/* a second ^C during clean-up must not kill us at the end */
{
	struct cancel *c = start(CLOCK_NEVER);

	kill(getpid(), SIGINT);
	must(cancel_requested(c));
	cancel_acknowledge(c);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	cancel_free(c);
	_exit(42);
}

static void die_after_free(void)	/* the mask is as before */
{
	cancel_free(start(CLOCK_NEVER));
	kill(getpid(), SIGTERM);
	_exit(42);
}

static void nohup(void)
{
	struct cancel *c;

	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);	/* as a shell does for `command &` */
	c = start(CLOCK_NEVER);
	kill(getpid(), SIGHUP);
	must(!cancel_requested(c));
	kill(getpid(), SIGINT);
	must(cancel_requested(c));
	must(cancel_signal(c) == SIGINT);
	cancel_free(c);
	_exit(42);
}

static void test_mask(void **unused)
{
	(void)unused;
	expect(free_with_pending, 42);
	expect(die_after_free, SIGTERM);
	expect(nohup, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_deadline_in_the_past),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_acknowledge),
		cmocka_unit_test(test_acknowledge_unseen),
		cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
