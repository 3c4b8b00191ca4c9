/* SPDX-License-Identifier: Apache-2.0
 * Commands with somebody in front of them: a terminal of the sandbox's own, joined to the caller's; and an input. In the built-in jail, and by
 * each OCI runtime that this host has. */
#include "tests/unit/sandboxes/jail.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>

struct terminal {
	int master, slave;
	char text[16 << 10];	/* what was shown */
	size_t len;
};

static void terminal_open(struct terminal *t)
{
	struct winsize size = { .ws_row = 33, .ws_col = 111 };
	struct termios raw;
	int unlock = 0;

	memset(t, 0, sizeof(*t));
	t->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(t->master >= 0 && ioctl(t->master, TIOCSPTLCK, &unlock) == 0);
	t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	must(t->slave >= 0 && tcgetattr(t->slave, &raw) == 0);
	cfmakeraw(&raw);
	must(tcsetattr(t->slave, TCSANOW, &raw) == 0 && ioctl(t->master, TIOCSWINSZ, &size) == 0);
}

/* What is there, until nothing comes for a moment. */
static void terminal_read(struct terminal *t, int patience_ms)
{
	struct pollfd p = { .fd = t->master, .events = POLLIN };

	while (t->len + 1 < sizeof(t->text) && poll(&p, 1, patience_ms) == 1 && (p.revents & POLLIN)) {
		ssize_t n = read(t->master, t->text + t->len, sizeof(t->text) - 1 - t->len);

		if (n <= 0)
			break;
		t->len += (size_t)n;
		t->text[t->len] = '\0';
	}
}

static __attribute__((unused)) void not_used_here(struct jail *j)	/* of jail.h */
{
	jail_sh(j, "");
}

static void terminal_close(struct terminal *t)
{
	close(t->slave);
	close(t->master);
}

static void run(struct jail *j, const char *script, int tty_fd, int input_fd, struct sandbox_exit *ret)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "TERM=dumb", "PS1=# ", NULL };
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct sandbox_command cmd = {
		.argv = argv, .env = env, .timeout_ns = 20 * NS_PER_SEC, .cancel_fd = -1, .tty_fd = tty_fd, .input_fd = input_fd,
		.output = jail_keep_output, .output_arg = j,
	};
	struct error err = { 0 };

	strbuf_clear(&j->out[0]);
	strbuf_clear(&j->out[1]);
	if (sandbox_exec(j->sb, &cmd, ret, &err) < 0)
		print_error("%s\n", err.text);
	must(err.code == ERR_OK);
}

static void has_a_terminal(void **state)
{
	struct jail *j = *state;
	struct sandbox_exit e;
	struct terminal t;

	terminal_open(&t);
	run(j, "tty; until stty size | grep '^33 111$'; do sleep 0.1; done; for fd in 0 1 2; do test -t $fd && echo yes-$fd; done; "
	       "echo to-tty > /dev/tty; echo to-err >&2; ls -1 /dev/pts; exit 7", t.slave, 0, &e);
	terminal_read(&t, 200);
	assert_int_equal(e.end, SANDBOX_EXITED);
	assert_int_equal(e.status, 7);
	if (!strstr(t.text, "/dev/pts/0\r\n33 111\r\n"))
		fail_msg("it shows: %s", t.text);
	assert_non_null(strstr(t.text, "yes-0\r\nyes-1\r\nyes-2\r\nto-tty\r\nto-err\r\n0\r\nptmx\r\n"));	/* its own is the only one it sees */
	assert_int_equal(j->out[0].len + j->out[1].len, 0);
	terminal_close(&t);
}

static void takes_keys(void **state)
{
	struct sandbox_exit e;
	struct terminal t;

	terminal_open(&t);
	must(write(t.master, "typed ahead\n", 12) == 12);
	run(*state, "read line; echo \"got <$line>\"; seq 1 100", t.slave, 0, &e);
	terminal_read(&t, 200);
	assert_int_equal(e.status, 0);
	assert_non_null(strstr(t.text, "got <typed ahead>\r\n"));
	terminal_close(&t);
}

/* A helper sits in front: reads what is shown, and presses keys when it sees a word. */
static pid_t sit_in_front(struct terminal *t, const char *word, const char *keys, int report)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	in_child = true;
	while (!strstr(t->text, word)) {
		size_t before = t->len;

		terminal_read(t, 100);
		if (t->len == before && getppid() == 1)
			_exit(1);
	}
	must(write(t->master, keys, strlen(keys)) == (ssize_t)strlen(keys));
	for (int quiet = 0; quiet < 20 && !strstr(t->text, "THE END"); quiet++)
		terminal_read(t, 500);
	must(write(report, t->text, t->len) == (ssize_t)t->len);
	_exit(0);
}

static void knows_control_c(void **state)
{
	char seen[16 << 10] = "";
	struct sandbox_exit e;
	struct terminal t;
	int fds[2], status;
	pid_t pid;

	terminal_open(&t);
	must(pipe(fds) == 0);
	pid = sit_in_front(&t, "ready", "\003", fds[1]);
	run(*state, "trap 'echo; echo THE END; exit 9' INT; echo ready; seq 1 1000; while :; do sleep 1; done", t.slave, 0, &e);
	must(waitpid(pid, &status, 0) == pid && status == 0);
	must(read(fds[0], seen, sizeof(seen) - 1) > 0);
	assert_int_equal(e.end, SANDBOX_EXITED);
	assert_int_equal(e.status, 9);
	assert_true(strstr(seen, "ready\r\n") && strstr(seen, "^C") && strstr(seen, "THE END\r\n"));
	close(fds[0]);
	close(fds[1]);
	terminal_close(&t);
}

static int file_of(const char *text, size_t len)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	must(fd >= 0 && write_all(fd, text, len) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void takes_input(void **state)
{
	static char big[3 << 20];
	struct jail *j = *state;
	struct sandbox_exit e;
	int fd = file_of("one\ntwo\n", 8);

	run(j, "cat", 0, fd, &e);
	assert_string_equal(j->out[0].buf, "one\ntwo\n");
	close(fd);
	memset(big, 'x', sizeof(big));
	fd = file_of(big, sizeof(big));
	run(j, "wc -c", 0, fd, &e);
	assert_string_equal(j->out[0].buf, "3145728\n");
	lseek(fd, 0, SEEK_SET);
	run(j, "echo reads nothing", 0, fd, &e);	/* and that is no reason to wait */
	assert_int_equal(e.status, 0);
	assert_string_equal(j->out[0].buf, "reads nothing\n");
	close(fd);
	run(j, "cat; echo end", 0, 0, &e);
	assert_string_equal(j->out[0].buf, "end\n");
}

/* A new size on the caller's side is one inside. */
static void knows_its_size(void **state)
{
	const struct winsize larger = { .ws_row = 44, .ws_col = 155 };
	struct sandbox_exit e;
	struct terminal t;
	pid_t pid;

	terminal_open(&t);
	pid = fork();
	if (pid == 0) {
		in_child = true;
		for (int quiet = 0; quiet < 150 && !strstr(t.text, "33 111"); quiet++)
			terminal_read(&t, 100);
		must(ioctl(t.master, TIOCSWINSZ, &larger) == 0);
		_exit(0);
	}
	run(*state, "until stty size | grep '^33 111$'; do sleep 0.1; done; until stty size | grep '^44 155$'; do sleep 0.1; done", t.slave, 0, &e);
	must(waitpid(pid, NULL, 0) == pid);
	assert_int_equal(e.end, SANDBOX_EXITED);
	assert_int_equal(e.status, 0);
	terminal_close(&t);
}

/* A screen that nobody reads holds up what writes to it, and nothing else: it ends when its time is over. */
static void is_ended_behind_a_full_screen(void **state)
{
	static const char *const argv[] = { "/bin/sh", "-c", "exec yes", NULL }, *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct jail *j = *state;
	struct sandbox_command cmd = {
		.argv = argv, .env = env, .timeout_ns = NS_PER_SEC, .grace_ns = NS_PER_SEC, .cancel_fd = -1, .output = jail_keep_output, .output_arg = j,
	};
	struct error err = { 0 };
	struct sandbox_exit e;
	struct terminal t;

	terminal_open(&t);
	cmd.tty_fd = t.slave;
	assert_int_equal(sandbox_exec(j->sb, &cmd, &e, &err), 0);
	assert_int_equal(e.end, SANDBOX_TIMED_OUT);
	run(j, "echo and after it", 0, 0, &e);
	assert_string_equal(j->out[0].buf, "and after it\n");
	terminal_close(&t);
}

/* Input that nobody takes is dropped with its command, and is no input of the next. */
static void leaves_no_input_behind(void **state)
{
	static char big[300 << 10];
	struct jail *j = *state;
	struct sandbox_exit e;
	int fd;

	memset(big, 'y', sizeof(big));
	fd = file_of(big, sizeof(big));
	for (int i = 0; i < 10; i++) {
		lseek(fd, 0, SEEK_SET);
		run(j, "head -c 5 > /dev/null; exec < /dev/null; true", 0, fd, &e);
		assert_int_equal(e.status, 0);
		run(j, "cat; echo empty", 0, 0, &e);
		assert_string_equal(j->out[0].buf, "empty\n");
	}
	close(fd);
}

/* Of the runtime that is the test's initial state. */
static int set_up(void **state)
{
	static struct jail j;
	const char *runtime = *state;

	jail_init(&j);
	snprintf(j.ref.backend, sizeof(j.ref.backend), "%s", runtime);
	jail_make(&j);
	*state = &j;
	return 0;
}

static int tear_down(void **state)
{
	jail_close(*state);
	return 0;
}

static bool is_here(const char *name)
{
	struct backend_info info;

	for (size_t i = 0; sandbox_backend_info(i, &info); i++) {
		if (strcmp(info.runtime, name) != 0)
			continue;
		sandbox_backend_probe(i, &info);
		if (!info.available)
			print_message("%s: %s\n", name, info.reason);
		return info.available;
	}
	return false;
}

int main(void)
{
	static const char *const runtimes[] = { "native", "runc", "crun" };
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_terminal),
		cmocka_unit_test(takes_keys),
		cmocka_unit_test(knows_control_c),
		cmocka_unit_test(knows_its_size),
		cmocka_unit_test(is_ended_behind_a_full_screen),
		cmocka_unit_test(takes_input),
		cmocka_unit_test(leaves_no_input_behind),
	};
	struct CMUnitTest all[ARRAY_SIZE(runtimes) * ARRAY_SIZE(tests)];
	size_t n = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t r = 0; r < ARRAY_SIZE(runtimes); r++) {
		if (r != 0 && !is_here(runtimes[r]))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
			all[n] = tests[i];
			all[n].setup_func = set_up;
			all[n].teardown_func = tear_down;
			all[n++].initial_state = (void *)(uintptr_t)runtimes[r];
		}
	}
	return _cmocka_run_group_tests("tty", all, n, NULL, NULL);
}
