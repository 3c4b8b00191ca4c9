/* SPDX-License-Identifier: Apache-2.0
 * observe, hostile: steps that change, hide, die, flood; what they call must end as without an observer, and what is told stays bounded and
 * true. The step is tests/escape/observed.c. */
#include "tests/unit/sandboxes/observed.h"

#include <libgen.h>

static char helper[4096];	/* path of the static program; "" when it was not built */

static void put_helper(struct jail *j)
{
	autoclose int fd = open(helper, O_RDONLY | O_CLOEXEC);
	const struct sandbox_file file = { .kind = SANDBOX_FILE, .path = "observed", .mode = 0755, .fd = fd };
	struct error err = { .text = "" };

	must(fd >= 0 && sandbox_put(j->sb, &file, &err) == 0);
}

static void run_mode(struct jail *j, const char *mode)
{
	forget();
	jail_run(j, (const char *const[]){ SANDBOX_WORKDIR "/observed", mode, NULL });
	if (getenv("SHOW"))
		print_message("%s: %d %d\n%.3000s%s%s", mode, j->exit.end, j->exit.status, told.buf, j->out[0].buf, j->out[1].buf);
}

static void must_end_well(struct jail *j, const char *mode)
{
	run_mode(j, mode);
	if (j->exit.end != SANDBOX_EXITED || j->exit.status != 0)
		print_error("%s: end %d status %d %s\n", mode, j->exit.end, j->exit.status, j->out[1].buf);
	must(j->exit.end == SANDBOX_EXITED && j->exit.status == 0);
}

static void open_hostile(struct jail *j)
{
	if (!helper[0])
		skip();
	open_observed(j);
	put_helper(j);
}

/* After each of them the jail works as before. */
static void test_hostile(void **state)
{
	static const char *const modes[] = { "race", "die", "stop", "swarm" };
	struct jail j;

	(void)state;
	open_hostile(&j);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		must_end_well(&j, modes[i]);
		run(&j, "echo fine");
		must(!strcmp(j.out[0].buf, "fine\n"));
		must_be_told("exec info allowed sandbox-init /usr/bin/sh|sh -c 'echo fine' =0 x1");
	}
	must_end_well(&j, "swarm");
	must_be_told("call critical refused observed mount|a on /b, type c, flags 0x0 =1 x2999");
	must_be_told("write medium refused observed /usr/swarm|mkdir =30 x2999");
	jail_close(&j);
}

static void test_hiding(void **state)
{
	struct jail j;

	(void)state;
	open_hostile(&j);
	must_end_well(&j, "hide");
	must_be_told("call medium allowed hidden hides|");
	must_be_told("call high refused hidden socket|AF_VSOCK, SOCK_STREAM, protocol 0 =38 x1");
	must_end_well(&j, "undumpable");
	must_be_told("write medium refused observed /usr/undumpable|mkdir");
	must_end_well(&j, "listen");
	jail_close(&j);
}

static void test_bounds(void **state)
{
	struct jail j;
	char *line;

	(void)state;
	open_hostile(&j);
	must_end_well(&j, "fill");
	must(seen.kinds[SANDBOX_EVENT_CALL] == 4096);
	must_be_told("lost medium refused  |too many different events of kind 'call' =0 x904");
	must_end_well(&j, "flood");
	must_be_told("call critical refused observed setns|? 0 =1 x19999");
	must_end_well(&j, "forks");
	must(seen.kinds[SANDBOX_EVENT_EXIT] == 10000);
	must_be_told("lost medium refused  |too many different events of kind 'exit' =0 x101 ");
	run_mode(&j, "long");
	must(j.exit.end == SANDBOX_EXITED && j.exit.status == 100);
	line = strstr(told.buf, "exec info allowed observed " SANDBOX_WORKDIR "/observed|'x'\\''y' aaaa");
	must(line && strchr(line, '\n') - line > 4000 && strchr(line, '\n') - line < 4300);
	jail_close(&j);
}

/* A fork bomb, and then the end by a timeout while calls wait. */
static void test_bomb(void **state)
{
	struct jail j;

	(void)state;
	open_observed(&j);
	j.timeout_ns = 700 * NS_PER_MS;
	run(&j, "b() { b | b & mkdir /usr/x 2> /dev/null; }; b; while :; do :; done 2> /dev/null");
	must(j.exit.end == SANDBOX_TIMED_OUT || (j.exit.end == SANDBOX_EXITED && j.exit.status == 2));
	j.timeout_ns = 20 * NS_PER_SEC;
	run(&j, "echo fine");
	must(!strcmp(j.out[0].buf, "fine\n"));
	jail_close(&j);
}

/* Nobody reads what is told: the step waits, and can be ended. */
static void slow(void *arg, const struct sandbox_event *e)
{
	note(arg, e);
	if (e->kind == SANDBOX_EVENT_CALL)
		usleep(1000);
}

static void test_slow_listener(void **state)
{
	struct jail j;

	(void)state;
	open_hostile(&j);
	j.observer = slow;
	must_end_well(&j, "fill");
	must(seen.kinds[SANDBOX_EVENT_CALL] == 4096);
	j.timeout_ns = 300 * NS_PER_MS;
	run_mode(&j, "fill");
	must(j.exit.end == SANDBOX_TIMED_OUT);
	jail_close(&j);
}

/* "number(argument) answer"; no answer: it waited, or this machine was slow */
static bool has_no_answer(const char *line, size_t len)
{
	return len && line[len - 1] == ' ';
}

/* Every call, with nothing and with nonsense, gets the same answer whether or not it is observed. */
static void test_answers(void **state)
{
	size_t answered = 0, silent = 0;
	char *observed;
	struct jail j;

	(void)state;
	if (!helper[0])
		skip();
	open_observed(&j);
	put_helper(&j);
	must_end_well(&j, "answers");
	observed = xstrdup(j.out[0].buf);
	jail_close(&j);
	jail_open(&j);
	put_helper(&j);
	must_end_well(&j, "answers");
	for (char *a = observed, *b = j.out[0].buf; *a || *b;) {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

		if (has_no_answer(a, n) || has_no_answer(b, m)) {
			silent++;
		} else {
			if (n != m || memcmp(a, b, n) != 0)
				print_error("observed: %.*s, otherwise: %.*s\n", (int)n, a, (int)m, b);
			must(n == m && !memcmp(a, b, n));
			answered++;
		}
		a += n + (a[n] != '\0');
		b += m + (b[m] != '\0');
	}
	if (answered < 2000)
		print_error("%zu answers, %zu silent\n", answered, silent);
	must(answered >= 2000);
	free(observed);
	jail_close(&j);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hiding),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_slow_listener),
		cmocka_unit_test(test_answers),
	};

	(void)argc;
	snprintf(helper, sizeof(helper), "%s/../../escape/observed", dirname(argv[0]));
	if (access(helper, X_OK) < 0)
		helper[0] = '\0';
	strbuf_init(&told, 16 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
