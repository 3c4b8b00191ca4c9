/* SPDX-License-Identifier: Apache-2.0
 * fault: dies exactly where it was told to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

/* The variable is read once a process, so every case is a child: three points, exit 0. Returns the wait status. */
static int run_child(const char *spec, const char *count, pid_t reaper)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		setenv("SANDBOX_RUNNER_TEST_KILL", spec, 1);
		setenv("SANDBOX_RUNNER_TEST_COUNT", count, 1);
		if (!*spec)
			unsetenv("SANDBOX_RUNNER_TEST_KILL");
		fault_set_reaper(reaper);
		fault_point("one");
		if (fork() == 0) {		/* a child's points are its own business */
			fault_point("child");
			fault_point("child");
			_exit(0);
		}
		wait(NULL);
		fault_point("two");
		fault_write_count();
		fault_point("three");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_kills(void **state)
{
	static const struct { const char *spec; int signal; } cases[] = {
		{ "", 0 },
		{ "0:9", 0 },
		{ "1:9", SIGKILL },
		{ "2:15", SIGTERM },
		{ "3:2", SIGINT },
		{ "4:9", 0 },		/* past the last */
		{ "2", 0 },		/* nonsense does nothing */
		{ "2:", 0 },
		{ "x:9", 0 },
		{ "2:9:other", 0 },
		{ "2:999", 0 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = run_child(cases[i].spec, "/nonexistent/count", 0);

		assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, cases[i].signal);
	}
}

static void test_kills_reaper_first(void **state)
{
	int status = 0;
	pid_t reaper = fork();
	(void)state;

	if (reaper == 0) {
		pause();
		_exit(0);
	}
	assert_true(reaper > 0);
	status = run_child("1:9", "/nonexistent/count", reaper);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(waitpid(reaper, &status, WNOHANG), 0);	/* not asked: still there */
	status = run_child("1:9:reaper", "/nonexistent/count", reaper);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(waitpid(reaper, &status, 0), reaper);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void test_counts(void **state)
{
	char path[] = "/tmp/sbx-fault-XXXXXX";
	autostrbuf struct strbuf text = STRBUF_INIT(100);
	int fd = mkostemp(path, O_CLOEXEC);
	(void)state;

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(run_child("0:0", path, 0), 0);
	assert_int_equal(file_read(path, &text, NULL), 0);
	assert_string_equal(text.buf, "2\none\ntwo\n");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_kills_reaper_first),
		cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
