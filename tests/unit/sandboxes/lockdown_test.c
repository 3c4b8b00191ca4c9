/* SPDX-License-Identifier: Apache-2.0
 * lockdown: the second wall by itself, without a jail around it: what it must refuse, and what it must not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/mem.h"
#include "sandboxes/lockdown.h"
#include "tests/unit/must.h"

static char dir[64];	/* with the folders in, in/sub and out, and the file out/file */

static int make_folders(void **state)
{
	static const char *const names[] = { "in", "in/sub", "out" };
	char path[128];

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/lockdown-test.XXXXXX");
	must(mkdtemp(dir) != NULL && chdir(dir) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		must(mkdir(names[i], 0755) == 0);
	snprintf(path, sizeof(path), "%s/out/file", dir);
	must(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) == 0);
	return 0;
}

static int remove_folders(void **state)
{
	static const char *const names[] = { "in/sub/moved", "out/file" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(names[i]);
	must(rmdir("in/sub") == 0 && rmdir("in") == 0 && rmdir("out") == 0 && chdir("/") == 0);
	return rmdir(dir);
}

static int listen_abstract(struct sockaddr_un *a, socklen_t *len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "lockdown-%d", (int)getpid()));
	must(fd >= 0 && bind(fd, (struct sockaddr *)a, *len) == 0 && listen(fd, 1) == 0);
	return fd;
}

static bool refused(int r)
{
	return r < 0 && errno == EACCES;
}

static void check_files(void)
{
	int fd = open("in/file", O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0 && write(fd, "x", 1) == 1 && ftruncate(fd, 0) == 0 && rename("in/file", "in/sub/moved") == 0);
	must(mkdir("in/d", 0755) == 0 && symlink("x", "in/d/l") == 0 && unlink("in/d/l") == 0 && rmdir("in/d") == 0);
	must(mkfifo("in/fifo", 0600) == 0 && unlink("in/fifo") == 0);
	must(open("/dev/null", O_WRONLY | O_TRUNC | O_CLOEXEC) >= 0 && open("out/file", O_RDONLY | O_CLOEXEC) >= 0);
	must(refused(open("out/file", O_WRONLY | O_CLOEXEC)) && refused(unlink("out/file")) && refused(mkdir("out/d", 0755)));
	must(refused(symlink("x", "out/l")) && refused(mkfifo("out/fifo", 0600)) && rename("out/file", "in/got") < 0);
	must(link("in/sub/moved", "out/link") < 0 && refused(open("/tmp/lockdown-other", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	must(refused(mknod("in/node", S_IFCHR | 0600, makedev(1, 3))) && refused(mknod("in/node", S_IFBLK | 0600, makedev(8, 0))));
}

static void in_the_wall(void *arg)
{
	const char *const writable[] = { "in", "no-such-folder", NULL };
	struct lockdown_landlock *l = arg;
	struct sockaddr_un a;
	socklen_t len;
	pid_t outside;

	listen_abstract(&a, &len);
	outside = fork();
	if (outside == 0)
		for (;;)
			pause();
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && lockdown_landlock(writable, l) == 0);
	if (!l->held) {
		kill(outside, SIGKILL);
		return;
	}
	check_files();
	if (l->abi >= 6) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		must(connect(fd, (struct sockaddr *)&a, len) < 0 && errno == EPERM);
		must(kill(outside, 0) < 0 && errno == EPERM);
	}
	if (l->abi >= 3)
		must(refused(truncate("out/file", 0)));
	_exit(42);	/* the one outside dies with us: see below */
}

static void test_landlock(void **state)
{
	struct lockdown_landlock l;
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (pid == 0) {
		in_child = true;
		setpgid(0, 0);
		in_the_wall(&l);
		_exit(l.abi ? 43 : 44);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(-pid, SIGKILL);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 44)
		skip();
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* Reading back what was applied, in a child, for they cannot be raised again. */
static void test_limits(void **state)
{
	const struct lockdown_limits asked = { .nofile = 77, .fsize = 1 << 20, .cpu_seconds = 9, .nproc = 55, .data = 64 << 20 };
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		struct lockdown_limits got;

		in_child = true;
		lockdown_limits_apply(&asked);
		lockdown_limits_read(&got);
		must(got.nofile == 77 && got.fsize == 1 << 20 && got.cpu_seconds == 10 && got.nproc == 55 && got.data == 64 << 20);
		must(got.core == 0 && got.memlock == LOCKDOWN_MEMLOCK);
		lockdown_limits_apply(&(struct lockdown_limits){ .nofile = 88 });	/* never up */
		lockdown_limits_read(&got);
		must(got.nofile == 77);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_landlock, make_folders, remove_folders), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
