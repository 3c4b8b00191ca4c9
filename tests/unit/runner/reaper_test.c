/* SPDX-License-Identifier: Apache-2.0
 * reaper: wakes when the runner is gone, never before, and holds nothing meanwhile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "runner/base/clock.h"
#include "runner/reaper.h"
#include "tests/unit/runner/fake_world.h"

extern char **environ;

/* What the runner of a test tells it, in shared memory: the runner is killed before it could say goodbye. */
struct told {
	pid_t reaper;
	pid_t step;		/* a process that outlives the runner */
	volatile bool ready;
};

static struct told *told_new(void)
{
	struct told *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(t != MAP_FAILED);
	return t;
}

static bool wait_until_zero(int (*count)(void), uint64_t within_ns)
{
	uint64_t deadline = clock_deadline(within_ns);

	while (count() > 0) {
		if (clock_monotonic_ns() >= deadline)
			return false;
		poll(NULL, 0, 2);
	}
	return true;
}

static void runner_that_waits(void *arg)
{
	struct told *told = arg;
	char *argv[] = { (char[]){ "sleep" }, (char[]){ "20" }, NULL };
	struct error err = { .code = ERR_OK };
	struct reaper reaper;
	struct journal *j = NULL;
	struct sandbox_ref ref;

	must(journal_create(state, "r-1", &j, &err) == 0);
	must(reaper_start(j, &reaper, &err) == 0);
	told->reaper = reaper.pid;
	ref = ref_of(j, "box");
	must(journal_intent(j, &ref, &err) == 0);
	world_add("box");
	put_in_scratch(j, "file");
	must(posix_spawnp(&told->step, "sleep", NULL, NULL, argv, environ) == 0);
	told->ready = true;
	for (;;)
		pause();
}

static pid_t start_runner(struct told *told)
{
	uint64_t deadline = clock_deadline(5 * NS_PER_SEC);
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);	/* so that we, and nobody else, see the reaper end */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		in_child = true;
		runner_that_waits(told);
	}
	while (!told->ready && clock_monotonic_ns() < deadline)
		poll(NULL, 0, 1);
	assert_true(told->ready);
	return pid;
}

static void end_step(struct told *told)
{
	kill(told->step, SIGKILL);
	assert_int_equal(waitpid(told->step, NULL, 0), told->step);
	munmap(told, sizeof(*told));
}

/* Also while a step still runs: nobody but the runner holds the other end. */
static void test_wakes_on_sigkill(void **unused)
{
	struct told *told = told_new();
	pid_t runner = start_runner(told);
	int status = -1;
	(void)unused;

	assert_int_equal(kill(runner, SIGKILL), 0);
	assert_int_equal(waitpid(runner, NULL, 0), runner);
	assert_true(wait_until_zero(count_runs, NS_PER_SEC));
	assert_int_equal(count_in(world), 0);
	assert_int_equal(kill(told->step, 0), 0);		/* the step is still there: it was not what woke the reaper */
	assert_int_equal(waitpid(told->reaper, &status, 0), told->reaper);
	assert_int_equal(status, 0);
	end_step(told);
}

/* The lock passes to the reaper: nobody else cleans up while it is at it, or while it is stopped. */
static void test_lock_passes_on(void **unused)
{
	struct told *told = told_new();
	pid_t runner = start_runner(told);
	struct replay_stats stats = { 0 };
	struct error err = { .code = ERR_OK };
	(void)unused;

	assert_int_equal(kill(told->reaper, SIGSTOP), 0);
	assert_int_equal(kill(runner, SIGKILL), 0);
	assert_int_equal(waitpid(runner, NULL, 0), runner);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_int_equal(stats.alive, 1);
	assert_int_equal(count_in(world), 1);
	assert_int_equal(kill(told->reaper, SIGKILL), 0);	/* now both are gone, and the next start cleans up */
	assert_int_equal(waitpid(told->reaper, NULL, 0), told->reaper);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_int_equal(stats.cleaned, 1);
	assert_int_equal(count_in(world), 0);
	end_step(told);
}

static void read_proc(pid_t pid, const char *name, struct strbuf *out)
{
	autofree char *path = xasprintf("/proc/%d/%s", (int)pid, name);

	strbuf_clear(out);
	assert_int_equal(file_read(path, out, NULL), 0);
}

static bool ignores(const char *status_text, int sig)
{
	const char *mask = strstr(status_text, "SigIgn:");

	assert_non_null(mask);
	return strtoull(mask + strlen("SigIgn:"), NULL, 16) >> (sig - 1) & 1;
}

static int count_fds(pid_t pid)
{
	autofree char *path = xasprintf("/proc/%d/fd", (int)pid);

	return count_in(path);
}

static void test_keeps_to_itself(void **unused)
{
	static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	autostrbuf struct strbuf text = STRBUF_INIT(8192);
	struct told *told = told_new();
	int noise[20];
	pid_t runner;
	char link[64], target[64] = "";
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)	/* descriptors that a bad parent left open */
		noise[i] = dup(STDERR_FILENO);
	runner = start_runner(told);
	poll(NULL, 0, 50);				/* it tidies itself up while the runner goes on */
	assert_int_equal(getsid(told->reaper), told->reaper);
	read_proc(told->reaper, "comm", &text);
	assert_string_equal(text.buf, "sbx-reaper\n");
	assert_int_equal(count_fds(told->reaper), 5);	/* 0, 1, 2, pipe, journal */
	for (int fd = 0; fd < 3; fd++) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)told->reaper, fd);
		assert_int_equal(readlink(link, target, sizeof(target) - 1), strlen("/dev/null"));
	}
	snprintf(link, sizeof(link), "/proc/%d/cwd", (int)told->reaper);
	assert_int_equal(readlink(link, target, sizeof(target) - 1), 1);
	read_proc(told->reaper, "status", &text);
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
		assert_true(ignores(text.buf, deadly[i]));
		assert_int_equal(kill(told->reaper, deadly[i]), 0);
	}
	assert_int_equal(count_in(world), 1);		/* none of which made it act */
	assert_int_equal(kill(runner, SIGTERM), 0);
	assert_int_equal(waitpid(runner, NULL, 0), runner);
	assert_true(wait_until_zero(count_runs, NS_PER_SEC));
	assert_int_equal(count_in(world), 0);
	assert_int_equal(waitpid(told->reaper, NULL, 0), told->reaper);
	end_step(told);
	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		close(noise[i]);
}

static void test_dismiss(void **unused)
{
	struct error err = { .code = ERR_OK };
	struct journal *j = run_begin("r-1", "box");
	struct reaper reaper = { .pid = -1, .pipe_fd = -1 };
	(void)unused;

	reaper_dismiss(&reaper);			/* was never started */
	assert_int_equal(reaper_start(j, &reaper, &err), 0);
	assert_true(fcntl(reaper.pipe_fd, F_GETFD) & FD_CLOEXEC);
	reaper_dismiss(&reaper);
	assert_int_equal(reaper.pid, -1);
	reaper_dismiss(&reaper);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);	/* no zombie */
	assert_int_equal(errno, ECHILD);
	assert_int_equal(count_in(world), 1);		/* dismissed is not "the runner is gone" */
	assert_int_equal(count_runs(), 1);
	assert_int_equal(journal_finish(j, NULL, &err), 0);
}

static void test_dismiss_a_dead_one(void **unused)
{
	struct error err = { .code = ERR_OK };
	struct journal *j = run_begin("r-1", "box");
	struct reaper reaper;
	(void)unused;

	assert_int_equal(reaper_start(j, &reaper, &err), 0);
	assert_int_equal(kill(reaper.pid, SIGKILL), 0);
	poll(NULL, 0, 20);
	reaper_dismiss(&reaper);			/* no SIGPIPE, no waiting */
	assert_int_equal(journal_finish(j, NULL, &err), 0);
}

/* The runner finished its journal and died before it could dismiss: there is nothing to do and nothing to break. */
static void test_nothing_left_to_do(void **unused)
{
	struct error err = { .code = ERR_OK };
	struct journal *j = run_begin("r-1", "box");
	struct reaper reaper;
	int status = -1;
	(void)unused;

	assert_int_equal(reaper_start(j, &reaper, &err), 0);
	assert_int_equal(journal_finish(j, NULL, &err), 0);
	j = run_begin("r-1", "box");			/* the same names, alive: not the reaper's business */
	close(reaper.pipe_fd);
	assert_int_equal(waitpid(reaper.pid, &status, 0), reaper.pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_in(world), 1);
	assert_int_equal(count_runs(), 1);
	assert_int_equal(journal_finish(j, NULL, &err), 0);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_wakes_on_sigkill),
		world_test(test_lock_passes_on),
		world_test(test_keeps_to_itself),
		world_test(test_dismiss),
		world_test(test_dismiss_a_dead_one),
		world_test(test_nothing_left_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
