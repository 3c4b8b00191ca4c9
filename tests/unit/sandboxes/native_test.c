/* SPDX-License-Identifier: Apache-2.0
 * native: commands in the built-in jail, their ends and their limits. */
#include <poll.h>
#include <sys/resource.h>

#include "tests/unit/sandboxes/jail.h"

static struct jail jail;	/* one for all quick commands */

static int open_shared(void **state)
{
	(void)state;
	jail_open(&jail);
	return 0;
}

static int close_shared(void **state)
{
	(void)state;
	jail_close(&jail);
	return 0;
}

static const struct {
	const char *what, *script;
	enum sandbox_end end;
	int status;
	const char *out, *err;		/* the whole stream; NULL: anything */
} commands[] = {
	{ "success",		"exit 0", SANDBOX_EXITED, 0, "", "" },
	{ "exit status",	"exit 42", SANDBOX_EXITED, 42, "", "" },
	{ "two streams",	"echo a; echo b >&2", SANDBOX_EXITED, 0, "a\n", "b\n" },
	{ "signal",		"kill -SEGV $$", SANDBOX_SIGNALED, SIGSEGV, "", "" },
	{ "default signals",	"kill -PIPE $$", SANDBOX_SIGNALED, SIGPIPE, "", "" },
	{ "work folder",	"pwd; echo x > f && cat f && rm f", SANDBOX_EXITED, 0, "/work\nx\n", "" },
	{ "environment",	"echo $GREETING; env | grep -vc -e PWD= -e SHLVL= -e _=", SANDBOX_EXITED, 0, "hello world\n3\n", "" },
	{ "stdin is empty",	"cat; readlink /proc/self/fd/0", SANDBOX_EXITED, 0, "/dev/null\n", "" },
	{ "umask",		"umask", SANDBOX_EXITED, 0, "0022\n", "" },
	{ "host name",		"uname -n; cat /etc/hostname", SANDBOX_EXITED, 0, "inside\ninside\n", "" },
	{ "who",		"id -un; id -G | wc -w", SANDBOX_EXITED, 0, "sandbox\n1\n", "" },
	{ "first process",	"tr '\\0' ' ' < /proc/1/cmdline | cut -c1-13; cat /proc/1/environ", SANDBOX_EXITED, 1, "sandbox-init \n", NULL },
	{ "init cannot be killed", "kill -9 1; kill -STOP 1; kill -TERM 1; echo alive", SANDBOX_EXITED, 0, "alive\n", "" },
	{ "no descriptors",	"ls /proc/self/fd | wc -l", SANDBOX_EXITED, 0, "4\n", "" },	/* and that of ls itself */
	{ "no terminal",	"exec 3</dev/tty", SANDBOX_EXITED, 2, "", NULL },
	{ "read-only root",	"touch /x /etc/x /usr/x /run/x /var/tmp/x /dev/x 2>/dev/null; ls /x /run /var/tmp 2>/dev/null", SANDBOX_EXITED, 2, "/run:\n\n/var/tmp:\n", "" },
	{ "tmp is not executable", "cp /bin/true /tmp/t && /tmp/t", SANDBOX_EXITED, 126, "", NULL },
	{ "work is executable",	"cp /bin/true t && ./t && rm t", SANDBOX_EXITED, 0, "", "" },
	{ "no secrets",		"ls /etc/shadow /etc/machine-id /root/* /home/* 2>/dev/null | wc -l", SANDBOX_EXITED, 0, "0\n", "" },
	{ "our own names",	"cat /etc/resolv.conf", SANDBOX_EXITED, 0, "nameserver 127.0.0.1\n", "" },
	{ "only loopback",	"cut -d: -f1 -s /proc/net/dev | tr -d ' '", SANDBOX_EXITED, 0, "lo\n", "" },
	{ "no cgroup path",	"cut -d: -f3 /proc/self/cgroup | sort -u", SANDBOX_EXITED, 0, "/\n", "" },
	{ "core size",		"ulimit -c; ulimit -Hc", SANDBOX_EXITED, 0, "0\n0\n", "" },
	{ "descriptor limit",	"ulimit -Hn; ulimit -n 65", SANDBOX_EXITED, 2, "64\n", NULL },
	{ "orphans are reaped",	"(sh -c 'exit 3' & ) ; sleep 0.1; ps -A -o stat= | grep -c Z", SANDBOX_EXITED, 1, "0\n", "" },
	{ "unshare is refused",	"unshare -U true", SANDBOX_EXITED, 1, "", "unshare: unshare failed: Operation not permitted\n" },
	{ "tools work",		"printf 'b\\na\\n' | sort | tr ab AB; mkdir d && tar cf d.tar d && rmdir d && tar xf d.tar && rm -r d d.tar", SANDBOX_EXITED, 0, "A\nB\n", "" },
};

static void test_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		jail_sh(&jail, commands[i].script);
		if (jail.exit.end != commands[i].end || jail.exit.status != commands[i].status ||
		    (commands[i].out && strcmp(jail.out[0].buf, commands[i].out) != 0) ||
		    (commands[i].err && strcmp(jail.out[1].buf, commands[i].err) != 0))
			fail_msg("%s: end %d status %d out '%s' err '%s'", commands[i].what, (int)jail.exit.end,
				 jail.exit.status, jail.out[0].buf, jail.out[1].buf);
	}
}

static void test_not_run(void **state)
{
	(void)state;
	jail_run(&jail, (const char *const[]){ "no-such-program", NULL });
	assert_int_equal(jail.exit.end, SANDBOX_EXITED);
	assert_int_equal(jail.exit.status, 127);
	assert_string_equal(jail.out[1].buf, "sandbox: cannot run 'no-such-program': No such file or directory\n");
	jail_run(&jail, (const char *const[]){ "/etc/passwd", NULL });
	assert_int_equal(jail.exit.status, 126);
	jail_run(&jail, (const char *const[]){ "printf", "%s|", "a b", "", "c", NULL });
	assert_string_equal(jail.out[0].buf, "a b||c|");
}

/* ---- ends */

static void test_timeout(void **state)
{
	static const char *const scripts[] = {
		"kill -STOP $$",
		"trap '' TERM HUP INT; while :; do sleep 0.05; done",
		"setsid sh -c 'trap \"\" TERM; sleep 60' & wait",
		"exec python3 -c 'while True: pass'",
	};

	(void)state;
	jail.timeout_ns = 200 * NS_PER_MS;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		jail_sh(&jail, scripts[i]);
		assert_int_equal(jail.exit.end, SANDBOX_TIMED_OUT);
		assert_in_range(jail.exit.duration_ns, 200 * NS_PER_MS, 5 * NS_PER_SEC);
	}
	/* who listens to SIGTERM gets to tidy up */
	jail_sh(&jail, "trap 'echo tidy; exit 0' TERM; sleep 60 & wait");
	assert_int_equal(jail.exit.end, SANDBOX_TIMED_OUT);
	assert_string_equal(jail.out[0].buf, "tidy\n");
	jail.timeout_ns = 20 * NS_PER_SEC;
	jail_sh(&jail, "echo still here");
	assert_string_equal(jail.out[0].buf, "still here\n");
}

static void test_cancel(void **state)
{
	int fds[2];

	(void)state;
	must(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	jail.cancel_fd = fds[0];
	jail_sh(&jail, "sleep 60");
	jail.cancel_fd = -1;
	assert_int_equal(jail.exit.end, SANDBOX_CANCELLED);
	assert_true(jail.exit.duration_ns < 5 * NS_PER_SEC);
	close(fds[0]);
	close(fds[1]);
}

static void test_output_does_not_decide(void **state)
{
	(void)state;
	jail_sh(&jail, "exec >&- 2>&-; sleep 0.2; exit 5");
	assert_int_equal(jail.exit.status, 5);
	assert_true(jail.exit.duration_ns >= 200 * NS_PER_MS);
	/* a daemon in a session of its own keeps the output open, and is killed */
	jail_sh(&jail, "setsid sh -c 'trap \"\" TERM HUP; sleep 60 & : > /tmp/started; wait' & until [ -e /tmp/started ]; do sleep 0.01; done; echo over");
	assert_int_equal(jail.exit.end, SANDBOX_EXITED);
	assert_string_equal(jail.out[0].buf, "over\n");
	assert_int_equal(jail.exit.outlived, 2);
	assert_true(jail.exit.duration_ns < 5 * NS_PER_SEC);
	jail_sh(&jail, "ps -A -o comm= | sort | uniq -c | tr -s ' '");
	assert_null(strstr(jail.out[0].buf, "sleep"));
	assert_int_equal(jail.exit.outlived, 0);
}

static void test_flood(void **state)
{
	(void)state;
	jail_sh(&jail, "head -c 300000000 /dev/zero; head -c 1000 /dev/zero >&2");
	assert_int_equal(jail.exit.status, 0);
	assert_int_equal(jail.exit.output_bytes[SANDBOX_STDOUT], 300000000);
	assert_int_equal(jail.exit.output_bytes[SANDBOX_STDERR], 1000);
	assert_true(jail.exit.output_truncated);
	assert_int_equal(jail.out[0].len + jail.out[1].len, jail_limits.output_bytes);
}

/* ---- limits: each ends as what it was, and the next command runs */

static void test_out_of_memory(void **state)
{
	(void)state;
	if (jail.controls.items[CONTROL_MEMORY].state != CONTROL_ENFORCED)
		skip();
	jail_run(&jail, (const char *const[]){ "python3", "-c", "x = bytearray(200 << 20)", NULL });
	assert_int_equal(jail.exit.end, SANDBOX_OUT_OF_MEMORY);
	assert_in_range(jail.exit.memory_peak_bytes, 80 << 20, 96 << 20);
	/* the killer takes one process; the command as a whole is over all the same */
	jail_sh(&jail, "python3 -c 'x = bytearray(200 << 20)'; sleep 30");
	assert_int_equal(jail.exit.end, SANDBOX_OUT_OF_MEMORY);
	assert_true(jail.exit.duration_ns < 10 * NS_PER_SEC);
	/* pages of files without a name count too */
	jail_run(&jail, (const char *const[]){ "python3", "-c",
		"import os, mmap\nfds = [os.memfd_create('x') for i in range(30)]\nfor f in fds: os.ftruncate(f, 7 << 20); mmap.mmap(f, 7 << 20).write(b'x' * (7 << 20))", NULL });
	assert_int_equal(jail.exit.end, SANDBOX_OUT_OF_MEMORY);
	jail_sh(&jail, "echo on");
	assert_string_equal(jail.out[0].buf, "on\n");
	assert_int_equal(jail.exit.end, SANDBOX_EXITED);
	assert_true(jail.exit.memory_peak_bytes < 40 << 20);	/* its own, not that of those before */
}

static void test_fork_bomb(void **state)
{
	static const char bomb[] = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass\n";

	(void)state;
	jail.timeout_ns = NS_PER_SEC;
	jail_run(&jail, (const char *const[]){ "python3", "-c", bomb, NULL });
	jail.timeout_ns = 20 * NS_PER_SEC;
	assert_int_equal(jail.exit.end, SANDBOX_TIMED_OUT);
	assert_true(jail.exit.duration_ns < 6 * NS_PER_SEC);
	assert_true(jail.exit.pids_limit_hit || jail.controls.items[CONTROL_PIDS].state != CONTROL_ENFORCED);
	assert_true(jail.exit.outlived < jail_limits.pids);
	assert_true(jail.exit.pids_peak == 0 || jail.exit.pids_peak <= jail_limits.pids);
	jail_sh(&jail, "for i in $(seq 35); do sleep 0.3 & done; wait; echo fits");
	assert_string_equal(jail.out[0].buf, "fits\n");
	assert_false(jail.exit.pids_limit_hit);
}

static void test_storage(void **state)
{
	(void)state;
	jail_sh(&jail, "for i in 1 2 3; do head -c 8000000 /dev/zero > big$i; done; head -c 6000000 /dev/zero > /dev/shm/x; stat -c %s /dev/shm/x; cat big* | wc -c");
	assert_true(jail.exit.storage_limit_hit);
	assert_non_null(strstr(jail.out[1].buf, "No space left on device"));
	assert_true(atoll(jail.out[0].buf) <= 4 << 20);
	assert_true(atoll(strchr(jail.out[0].buf, '\n')) <= 16 << 20);
	jail_sh(&jail, "rm -f big* /dev/shm/x; i=0; while echo > f$i; do i=$((i + 1)); done 2>/dev/null; ls | wc -l");
	assert_in_range(atoi(jail.out[0].buf), 150, 200);
	assert_true(jail.exit.storage_limit_hit);
	jail_sh(&jail, "rm -f f*; exec truncate -s 9000000 sparse");
	assert_int_equal(jail.exit.end, SANDBOX_SIGNALED);
	assert_int_equal(jail.exit.status, SIGXFSZ);
	assert_false(jail.exit.storage_limit_hit);
	jail_sh(&jail, "rm -f sparse");
	/* filled and tidied up: bytes, then files; how full it is is looked at every 2 to 100 ms, so a shorter while may pass unseen */
	jail_sh(&jail, "head -c 8000000 /dev/zero > a; head -c 9000000 /dev/zero > b; head -c 9000000 /dev/zero > c; sleep 0.3; rm a b c; ls | wc -l");
	assert_string_equal(jail.out[0].buf, "0\n");
	assert_true(jail.exit.storage_limit_hit);
	jail_sh(&jail, "mkdir d; for i in $(seq 250); do echo > d/$i; done 2>/dev/null; sleep 0.3; rm -r d");
	assert_true(jail.exit.storage_limit_hit);
	jail_sh(&jail, "head -c 8000000 /dev/zero > a; mkdir d; for i in $(seq 150); do echo > d/$i; done; rm -r a d");
	assert_false(jail.exit.storage_limit_hit);
}

static void test_cpu_time(void **state)
{
	struct jail j;
	struct error err;

	(void)state;
	jail_init(&j);
	j.spec.limits.cpu_time_ns = NS_PER_SEC;
	must(sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) == 0);
	jail_sh(&j, "while :; do :; done");
	assert_int_equal(j.exit.end, SANDBOX_SIGNALED);
	assert_int_equal(j.exit.status, SIGXCPU);
	assert_in_range(j.exit.cpu_ns, 800 * NS_PER_MS, 1900 * NS_PER_MS);
	jail_close(&j);
}

static void test_cpu_quota(void **state)
{
	struct jail j;
	struct error err;
	double used;

	(void)state;
	jail_init(&j);
	j.spec.limits.cpu_millis = 300;
	must(sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) == 0);
	if (j.controls.items[CONTROL_CPU].state == CONTROL_ENFORCED) {
		j.timeout_ns = 2 * NS_PER_SEC;
		j.grace_ns = 0;
		jail_sh(&j, "while :; do :; done & while :; do :; done");
		used = (double)j.exit.cpu_ns / (double)j.exit.duration_ns;
		assert_true(used > 0.1 && used < 0.345);
	}
	jail_close(&j);
}

/* ---- files */

static int put(enum sandbox_file_kind kind, const char *path, mode_t mode, const char *content, struct error *err)
{
	autoclose int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct sandbox_file file = { .kind = kind, .path = path, .mode = mode, .fd = fd, .target = content };

	must(fd >= 0 && write_all(fd, content, strlen(content)) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return sandbox_put(jail.sb, &file, err);
}

static void test_put(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(put(SANDBOX_FILE, "a/b/c.sh", 04755, "#!/bin/sh\necho ran", &err), 0);
	assert_int_equal(put(SANDBOX_DIR, "a/empty", 0700, "", &err), 0);
	assert_int_equal(put(SANDBOX_SYMLINK, "a/link", 0, "b/c.sh", &err), 0);
	jail_sh(&jail, "a/link; stat -c '%a %F' a/b/c.sh a/empty a/link; stat -c %U a/b/c.sh");
	assert_string_equal(jail.out[0].buf, "ran\n755 regular file\n700 directory\n777 symbolic link\nsandbox\n");
	/* twice is fine, the last one counts */
	assert_int_equal(put(SANDBOX_FILE, "a/b/c.sh", 0644, "other", &err), 0);
	jail_sh(&jail, "cat a/b/c.sh; stat -c ' %a' a/b/c.sh");
	assert_string_equal(jail.out[0].buf, "other 644\n");
	/* nothing that leads out, whoever made it */
	assert_int_equal(put(SANDBOX_FILE, "../x", 0644, "x", &err), -1);
	assert_int_equal(put(SANDBOX_FILE, "/tmp/x", 0644, "x", &err), -1);
	assert_int_equal(put(SANDBOX_FILE, "a/../../x", 0644, "x", &err), -1);
	jail_sh(&jail, "ln -s /tmp out; ln -s /tmp/target file");
	assert_int_equal(put(SANDBOX_FILE, "out/x", 0644, "x", &err), -1);
	assert_int_equal(put(SANDBOX_FILE, "file", 0644, "x", &err), 0);
	jail_sh(&jail, "ls /tmp | grep -e target -e x; cat file; rm -r out file a");
	assert_string_equal(jail.out[0].buf, "x");
	/* too large is said, and the jail lives */
	assert_int_equal(put(SANDBOX_FILE, "dir/", 0644, "x", &err), -1);
	jail_sh(&jail, "rm -rf dir");
}

static void test_put_full(void **state)
{
	autoclose int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct sandbox_file file = { .kind = SANDBOX_FILE, .path = "big", .mode = 0644, .fd = fd };
	struct error err;

	(void)state;
	must(fd >= 0 && ftruncate(fd, 40 << 20) == 0);
	assert_int_equal(sandbox_put(jail.sb, &file, &err), -1);
	assert_int_equal(err.code, ERR_RESOURCE_EXHAUSTED);
	assert_non_null(strstr(err.text, "putting 'big' into the sandbox: the work folder is full"));
	file.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);	/* without an end */
	assert_int_equal(sandbox_put(jail.sb, &file, &err), -1);
	close(file.fd);
	jail_sh(&jail, "rm -f big; ls | wc -l");
	assert_string_equal(jail.out[0].buf, "0\n");
}

/* PID 1 runs as the user of the steps: a step must not be able to take from it what it needs to end them. */
static void test_attack_on_init(void **state)
{
	static const char attack[] =
		"import ctypes, os, resource, signal\n"
		"def attempt(what, *args):\n"
		"  try: what(*args)\n"
		"  except (OSError, ValueError): pass\n"
		"for limit in range(16): attempt(resource.prlimit, 1, limit, (0, 0))\n"
		"for sig in range(1, 65): attempt(os.kill, 1, sig)\n"
		"attempt(signal.pidfd_send_signal, os.pidfd_open(1), 9)\n"
		"attempt(os.setpriority, os.PRIO_PROCESS, 1, 19)\n"
		"attempt(os.setpriority, os.PRIO_USER, os.getuid(), 19)\n"
		"attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))\n"
		"print(os.getpriority(os.PRIO_PROCESS, 1), os.sched_getscheduler(1), resource.prlimit(0, resource.RLIMIT_CORE))\n";
	autofree char *as_before = xasprintf("%d 0 (0, 0)\n", getpriority(PRIO_PROCESS, 0));	/* the suite may run under nice(1) */

	(void)state;
	jail_run(&jail, (const char *const[]){ "python3", "-c", attack, NULL });
	assert_string_equal(jail.out[0].buf, as_before);
	jail_sh(&jail, "nice -n 5 taskset 1 prlimit --nofile=10 echo still of use");
	assert_string_equal(jail.out[0].buf, "still of use\n");
}

/* A runner that was started badly passes nothing of it on. */
static void bad_parent(void *arg)
{
	sigset_t all;

	umask(0);
	sigfillset(&all);
	sigdelset(&all, SIGCHLD);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	must(dup2(open("/", O_RDONLY | O_DIRECTORY), 77) == 77);	/* not close-on-exec */
	setenv("RUNNER_SECRET", "hunter2", 1);
	jail_open(arg);
	jail_sh(arg, "umask; ls /proc/self/fd | wc -l; env | grep -c hunter2; grep -E 'Sig(Blk|Ign)' /proc/self/status");
	must(!strcmp(((struct jail *)arg)->out[0].buf,
		     "0022\n4\n0\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
	jail_close(arg);
}

static void test_bad_parent(void **state)
{
	struct jail j;

	(void)state;
	in_fork(bad_parent, &j);
}

static void test_two_at_once(void **state)
{
	struct jail other;

	(void)state;
	jail_open(&other);
	jail_sh(&jail, "echo mine > /tmp/mine; echo mine > mine; echo mine > /dev/shm/mine");
	jail_sh(&other, "ls /tmp /work /dev/shm | grep -c mine; ps -A -o pid= | wc -l");
	assert_string_equal(other.out[0].buf, "0\n4\n");	/* init, sh, ps, wc */
	jail_sh(&jail, "rm mine /tmp/mine /dev/shm/mine");
	jail_close(&other);
}

/* How many processes are in each of the jail's cgroups? The fewest; -1: there are no cgroups. */
static int members(const struct jail *j)
{
	autofree char *state = xasprintf("%s/native-%s", j->dir, j->ref.id);
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	char *save = NULL;
	int fewest = -1;

	must(file_read(state, &text, NULL) == 0);
	for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		autofree char *list = strncmp(line, "cgroup ", 7) ? NULL : xasprintf("%s/cgroup.procs", line + 7);
		autostrbuf struct strbuf procs = STRBUF_INIT(64 << 10);
		int n = 0;

		if (!list || file_read(list, &procs, NULL) < 0)		/* announced, and not made there */
			continue;
		for (const char *p = procs.buf; (p = strchr(p, '\n')); p++)
			n++;
		if (fewest < 0 || n < fewest)
			fewest = n;
	}
	return fewest;
}

/* The first process gets into some of the cgroups only while it comes up: no command may start before. Each process is looked for in each. */
static void test_limits_from_the_start(void **state)
{
	uint64_t deadline = clock_deadline(20 * NS_PER_SEC);
	int stop[2], status = 0, n;
	struct jail j;
	pid_t watcher;

	(void)state;
	jail_open(&j);
	n = members(&j);
	assert_true(n == 1 || (n < 0 && geteuid() != 0));
	must(pipe2(stop, O_CLOEXEC) == 0);
	watcher = fork();
	if (watcher == 0) {
		while (n >= 0 && members(&j) < 3 && clock_monotonic_ns() < deadline)
			poll(NULL, 0, 5);
		must(write(stop[1], "x", 1) == 1);
		_exit(n >= 0 && members(&j) != 3);
	}
	j.cancel_fd = stop[0];
	jail_sh(&j, "sleep 30 & exec sleep 31");
	assert_int_equal(j.exit.end, SANDBOX_CANCELLED);
	must(waitpid(watcher, &status, 0) == watcher);
	assert_int_equal(status, 0);
	close(stop[0]);
	close(stop[1]);
	jail_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_not_run),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_output_does_not_decide),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_fork_bomb),
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_cpu_time),
		cmocka_unit_test(test_cpu_quota),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_full),
		cmocka_unit_test(test_attack_on_init),
		cmocka_unit_test(test_bad_parent),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_limits_from_the_start),
	};

	return cmocka_run_group_tests(tests, open_shared, close_shared);
}
