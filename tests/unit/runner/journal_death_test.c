/* SPDX-License-Identifier: Apache-2.0
 * journal: dying anywhere loses nothing, and many at once do not hurt each other. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>

#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "tests/unit/runner/fake_world.h"

/* ---- dying anywhere */

static void whole_run(void *arg)
{
	struct error err = { .code = ERR_OK };
	struct journal *j;

	(void)arg;
	j = run_begin("r-1", "one");
	put_in_scratch(j, "file");
	must(journal_finish(j, NULL, &err) == 0);
	fault_write_count();
}

static void whole_gc(void *arg)
{
	struct error err = { .code = ERR_OK };

	(void)arg;
	must(journal_replay_all(state, NULL, NULL, &err) == 0);
	fault_write_count();
}

static unsigned int count_points(void (*fn)(void *arg), char *count_path)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4096);

	setenv("SANDBOX_RUNNER_TEST_KILL", "0:0", 1);
	setenv("SANDBOX_RUNNER_TEST_COUNT", count_path, 1);
	assert_int_equal(in_fork(fn, NULL), 0);
	assert_int_equal(file_read(count_path, &text, NULL), 0);
	unlink(count_path);
	return (unsigned int)strtoul(text.buf, NULL, 10);
}

static void assert_gc_finishes(void)
{
	struct error err = { .code = ERR_OK };
	struct replay_stats stats = { 0 };

	unsetenv("SANDBOX_RUNNER_TEST_KILL");
	if (journal_replay_all(state, &stats, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(stats.failed == 0 && stats.alive == 0);
	assert_int_equal(count_in(world), 0);
	assert_true(count_runs() <= 0);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_int_equal(stats.cleaned, 0);
}

static void test_killed_anywhere(void **unused)
{
	autofree char *count_path = xasprintf("%s/count", base);
	unsigned int points = count_points(whole_run, count_path);
	(void)unused;

	assert_in_range(points, 10, 20);
	for (unsigned int i = 1; i <= points; i++) {
		char spec[32];
		int status;

		snprintf(spec, sizeof(spec), "%u:9", i);
		setenv("SANDBOX_RUNNER_TEST_KILL", spec, 1);
		status = in_fork(whole_run, NULL);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_gc_finishes();
	}
}

static void die_with_sandboxes(void *arg)
{
	struct journal *j;

	(void)arg;
	unsetenv("SANDBOX_RUNNER_TEST_KILL");
	j = run_begin("r-1", "one");
	put_in_scratch(j, "file");
	run_begin("r-2", "two");
}

static void test_gc_killed_anywhere(void **unused)
{
	autofree char *count_path = xasprintf("%s/count", base);
	unsigned int points;
	(void)unused;

	assert_int_equal(in_fork(die_with_sandboxes, NULL), 0);
	points = count_points(whole_gc, count_path);
	assert_in_range(points, 8, 20);
	for (unsigned int i = 1; i <= points; i++) {
		char spec[32];
		int status;

		assert_int_equal(in_fork(die_with_sandboxes, NULL), 0);
		snprintf(spec, sizeof(spec), "%u:9", i);
		setenv("SANDBOX_RUNNER_TEST_KILL", spec, 1);
		status = in_fork(whole_gc, NULL);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_gc_finishes();
	}
}

/* ---- many at once: nobody's run is hurt, however often others clean up */

static void run_again_and_again(void *arg)
{
	uint64_t end = clock_deadline(NS_PER_SEC);
	char run_id[RUN_ID_SIZE];

	(void)arg;
	while (clock_monotonic_ns() < end) {
		struct error err = { .code = ERR_OK };
		autofree char *path = NULL;
		struct journal *j;

		run_id_make(run_id);
		j = run_begin(run_id, run_id);
		path = xasprintf("%s/%s", world, run_id);
		poll(NULL, 0, 2);
		must(access(path, F_OK) == 0);		/* nobody destroyed it behind our back */
		put_in_scratch(j, "file");
		must(journal_finish(j, NULL, &err) == 0);
	}
}

static void clean_again_and_again(void *arg)
{
	uint64_t end = clock_deadline(NS_PER_SEC);
	struct error err = { .code = ERR_OK };

	(void)arg;
	while (clock_monotonic_ns() < end) {
		int rc = journal_replay_all(state, NULL, NULL, &err);

		if (rc < 0)
			print_error("%s\n", err.text);
		must(rc == 0);
	}
	must(fake.destroyed.len == 0);		/* every run was alive: there was nothing to destroy */
}

static void test_concurrent(void **unused)
{
	pid_t pids[6];
	(void)unused;

	assert_int_equal(mkdir(state, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			in_child = true;
			(i < 4 ? run_again_and_again : clean_again_and_again)(NULL);
			_exit(0);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_runs(), 0);
	assert_int_equal(count_in(world), 0);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_killed_anywhere),
		world_test(test_gc_killed_anywhere),
		world_test(test_concurrent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
