/* SPDX-License-Identifier: Apache-2.0
 * file: reading what is no file, writing in one step, and removing trees that do not want to go. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "tests/unit/must.h"

#define USER 1000	/* whom root becomes for the part that root cannot fail */

/* A folder of our own; the tests chdir into it and name things by short relative paths. */
static char base[64];

static int enter(const char *folder)
{
	umask(022);
	snprintf(base, sizeof(base), "%s/sbx-file-XXXXXX", folder);
	return mkdtemp(base) && chmod(base, 0755) == 0 && chdir(base) == 0 ? 0 : -1;
}

static int enter_base(void **state)
{
	(void)state;
	return enter("/tmp");
}

/* Where big trees grow fast, and where those of a sandbox grow, too. */
static int enter_memory(void **state)
{
	return enter("/dev/shm") == 0 ? 0 : enter_base(state);
}

static int leave_base(void **state)
{
	(void)state;
	return chdir("/") == 0 && remove_tree_at(AT_FDCWD, base, NULL) == 0 && access(base, F_OK) < 0 ? 0 : -1;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0);
	must(write_all(fd, text, strlen(text)) == 0);
	close(fd);
}

/* ---- file_read */

static void make_regular(const char *path) { put(path, "hello"); }
static void make_dir(const char *path) { must(mkdir(path, 0755) == 0); }
static void make_fifo(const char *path) { must(mkfifo(path, 0644) == 0); }
static void make_nothing(const char *path) { (void)path; }
static void make_loop(const char *path) { must(symlink(path, path) == 0); }
static void make_device(const char *path) { must(symlink("/dev/zero", path) == 0); }
static void make_huge(const char *path)
{
	put(path, "");
	must(truncate(path, (off_t)1 << 40) == 0);
}
static void make_socket(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	must(bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0);
	close(fd);
}
static void make_secret(const char *path)
{
	put(path, "hello");
	must(chmod(path, 0) == 0);
}

static const struct read_case {
	const char *name;
	void (*make)(const char *path);
	const char *text;	/* NULL: refused */
	int sys;
	const char *says;
} read_cases[] = {
	{ "regular", make_regular, "hello", 0, NULL },
	{ "nothing", make_nothing, NULL, ENOENT, "cannot open 'nothing': No such file" },
	{ "dir", make_dir, NULL, 0, "'dir' is a directory, not a file" },
	{ "fifo", make_fifo, NULL, 0, "'fifo' is a FIFO, not a file" },
	{ "socket", make_socket, NULL, 0, "'socket' is a socket, not a file" },
	{ "device", make_device, NULL, 0, "'device' is a device, not a file" },
	{ "loop", make_loop, NULL, ELOOP, "cannot open 'loop': Too many levels" },
	{ "huge", make_huge, NULL, 0, "'huge' has 1099511627776 bytes, more than the limit of 100" },
	{ "secret", make_secret, NULL, EACCES, "cannot open 'secret': Permission denied" },
};

static void check_read(const struct read_case *c)
{
	autostrbuf struct strbuf out = STRBUF_INIT(100);
	struct error err = { .code = ERR_OK };

	if (c->text) {
		must(file_read(c->name, &out, &err) == 0);
		must(!strcmp(out.buf, c->text));
		return;
	}
	must(file_read(c->name, &out, &err) == -1);
	must(err.code == ERR_INVALID_INPUT && err.sys == c->sys);
	must(!strncmp(err.text, c->says, strlen(c->says)));
	must(out.len == 0);
}

/* Run `fn` as a user without privileges, in a child whose exit status tells. */
static void as_user(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		in_child = true;
		if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(USER, USER, USER) < 0 ||
				       setresuid(USER, USER, USER) < 0))
			_exit(99);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	must(status == 0);
}

static void read_all_kinds(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(read_cases); i++)
		check_read(&read_cases[i]);
}

static void test_file_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(read_cases); i++)
		read_cases[i].make(read_cases[i].name);
	as_user(read_all_kinds);	/* root may read what has mode 000 */
}

static void test_file_read_limit(void **state)
{
	static const struct { size_t max; int rc; } cases[] = { { 4, -1 }, { 5, 0 }, { 6, 0 } };
	(void)state;

	put("five", "12345");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(cases[i].max);

		assert_int_equal(file_read("five", &out, NULL), cases[i].rc);
	}
}

static void test_file_read_fd_pipe(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(8);
	struct error err = { .code = ERR_OK };
	int p[2];
	(void)state;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(write_all(p[1], "12345678", 8), 0);
	close(p[1]);
	assert_int_equal(file_read_fd(p[0], "-", &out, &err), 0);	/* exactly the limit is fine */
	assert_string_equal(out.buf, "12345678");
	close(p[0]);

	strbuf_clear(&out);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(write_all(p[1], "123456789", 9), 0);
	close(p[1]);
	assert_int_equal(file_read_fd(p[0], "-", &out, &err), -1);
	assert_string_equal(err.text, "'-' is larger than the limit of 8 bytes");
	close(p[0]);
}

/* ---- write_all_until */

/* A full pipe that nobody reads: cancelling ends the wait, a gone reader is EPIPE, a non-blocking one is waited for. */
static void test_write_all_until(void **state)
{
	char big[1 << 18];
	int p[2], cancel[2];
	(void)state;

	memset(big, 'x', sizeof(big));
	must(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	must(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0 && pipe2(cancel, O_CLOEXEC) == 0);
	assert_int_equal(write_all_until(p[1], -1, "small", 5), 0);
	assert_int_equal(write_all_until(p[1], cancel[0], "small", 5), 0);
	must(write(cancel[1], "!", 1) == 1);
	assert_int_equal(write_all_until(p[1], cancel[0], "there is room", 13), 0);	/* cancelled, but nobody has to wait */
	assert_int_equal(write_all_until(p[1], cancel[0], big, sizeof(big)), -1);
	assert_int_equal(errno, ECANCELED);
	close(p[0]);
	assert_int_equal(write_all_until(p[1], -1, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(p[1]);
	close(cancel[0]);
	close(cancel[1]);
}

/* Cancelled, and the reader is slow but has not stopped: all reaches it. */
static void test_write_all_until_slow_reader(void **state)
{
	char big[1 << 18];
	int p[2], cancel[2], status = 0;
	size_t len = 0;
	ssize_t n;
	pid_t reader;
	(void)state;

	memset(big, 'x', sizeof(big));
	must(pipe2(p, O_CLOEXEC) == 0 && pipe2(cancel, O_CLOEXEC) == 0 && write(cancel[1], "!", 1) == 1);
	reader = fork();
	must(reader >= 0);
	if (reader == 0) {
		close(p[1]);
		usleep(100000);
		while ((n = read(p[0], big, sizeof(big))) > 0)
			len += (size_t)n;
		_exit(len != sizeof(big));
	}
	close(p[0]);
	assert_int_equal(write_all_until(p[1], cancel[0], big, sizeof(big)), 0);
	close(p[1]);
	must(waitpid(reader, &status, 0) == reader);
	assert_int_equal(status, 0);
	close(cancel[0]);
	close(cancel[1]);
}

/* ---- file_write_atomic, make_dirs */

static unsigned int count_entries(const char *path)
{
	unsigned int n = 0;
	DIR *d = opendir(path);

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_file_write_atomic(void **state)
{
	autostrbuf struct strbuf out = STRBUF_INIT(100);
	struct error err = { .code = ERR_OK };
	struct stat st;
	(void)state;

	assert_int_equal(mkdir("w", 0755), 0);
	put("w/target", "old");
	assert_int_equal(file_write_atomic("w/target", "new", 3, 0640, NULL), 0);
	assert_int_equal(file_read("w/target", &out, NULL), 0);
	assert_string_equal(out.buf, "new");
	assert_int_equal(stat("w/target", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);

	/* what cannot be replaced leaves no temporary behind */
	assert_int_equal(mkdir("w/folder", 0755), 0);
	assert_int_equal(file_write_atomic("w/folder", "new", 3, 0640, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(count_entries("w"), 2);
	assert_int_equal(file_write_atomic("absent/target", "new", 3, 0640, &err), -1);
	assert_int_equal(err.sys, ENOENT);
}

static void refused_dirs(void)
{
	struct error err = { .code = ERR_OK };

	char longer[300] = "shut/../free/a/b/";

	must(make_dirs("shut/a/b", 0700, &err) == -1);
	must(err.sys == EACCES && err.code == ERR_UNAVAILABLE);
	memset(longer + strlen(longer), 'x', 270);	/* what was made before the refusal goes again */
	must(make_dirs(longer, 0700, &err) == -1);
	must(err.sys == ENAMETOOLONG);
	must(count_entries("free") == 0);
}

static void test_make_dirs(void **state)
{
	autofree char *absolute = xasprintf("%s/d/x/y", base);
	struct error err = { .code = ERR_OK };
	struct stat st;
	(void)state;

	assert_int_equal(make_dirs("d/e/f", 0700, NULL), 0);
	assert_int_equal(make_dirs("d/e/f/", 0755, NULL), 0);	/* there already, trailing slash */
	assert_int_equal(make_dirs("d//e///g", 0700, NULL), 0);
	assert_int_equal(make_dirs(absolute, 0700, NULL), 0);
	assert_int_equal(make_dirs("/", 0700, NULL), 0);
	assert_int_equal(stat("d/e/f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);

	put("d/file", "");
	assert_int_equal(make_dirs("d/file/x", 0700, &err), -1);
	assert_int_equal(err.sys, ENOTDIR);
	assert_int_equal(make_dirs("d/file", 0700, &err), -1);
	assert_int_equal(err.sys, ENOTDIR);

	assert_int_equal(mkdir("shut", 0555), 0);
	if (geteuid() == 0)
		assert_int_equal(chown("shut", USER, USER), 0);
	assert_int_equal(mkdir("free", 0777), 0);
	assert_int_equal(chmod("free", 0777), 0);
	as_user(refused_dirs);
}

/* ---- remove_tree_at */

static void grow_flat(void)	/* names that the removal itself uses, files and folders, full and empty */
{
	must(mkdir("t", 0755) == 0);
	for (int i = 0; i < 40; i++) {
		autofree char *name = xasprintf("t/.lifted-%d", i);
		autofree char *below = xasprintf("t/.lifted-%d/.lifted-%d", i, (i * 7) % 40);
		autofree char *deeper = xasprintf("%s/.lifted-0", below);

		if (i % 3 == 0) {
			put(name, "in the way");
			continue;
		}
		must(mkdir(name, 0755) == 0);
		if (i % 3 == 1) {
			must(mkdir(below, 0755) == 0);
			must(mkdir(deeper, 0755) == 0);
		}
	}
}

static void grow_names(void)	/* every byte a name can have, the longest name, dots and dashes */
{
	char name[256] = "x";

	must(mkdir("t", 0755) == 0);
	must(chdir("t") == 0);
	for (int c = 1; c < 256; c++) {
		name[0] = (char)c;
		name[1] = 'n';
		name[2] = '\0';
		if (c != '/')
			put(name, "");
	}
	memset(name, 'l', 255);
	name[255] = '\0';
	must(mkdir(name, 0755) == 0);
	must(chdir(name) == 0);
	put(name, "");
	must(mkdir("...", 0755) == 0);
	must(mkdir("-rf", 0755) == 0);
	put("-rf/*", "");
	must(chdir("../..") == 0);
}

static void grow_unreadable(void)
{
	static const mode_t modes[] = { 0000, 0111, 0222, 0444, 0555, 0333, 01777 };

	must(mkdir("t", 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		autofree char *outer = xasprintf("t/m%zu", i);
		autofree char *inner = xasprintf("t/m%zu/inner", i);
		autofree char *file = xasprintf("t/m%zu/inner/file", i);

		must(mkdir(outer, 0755) == 0);
		must(mkdir(inner, 0755) == 0);
		put(file, "x");
		must(chmod(file, 0) == 0);
		must(chmod(inner, modes[i]) == 0);
		must(chmod(outer, modes[i]) == 0);
	}
	must(chmod("t", 0) == 0);
}

static void grow_kinds(void)	/* and links to what must stay */
{
	must(mkdir("t", 0755) == 0);
	must(mkdir("t/sub", 0755) == 0);
	make_fifo("t/fifo");
	make_fifo("t/sub/fifo");
	make_socket("t/socket");
	make_loop("t/loop");
	must(symlink("../outside", "t/link") == 0);
	must(symlink("../../outside", "t/sub/link") == 0);
	must(symlink("/", "t/sub/root") == 0);
	must(link("outside/keep", "t/sub/hard") == 0);
}

static int shrink = 1;		/* how much smaller than said the big trees are */

static void grow_deep(void)	/* with a bush at every 1000th level */
{
	must(mkdir("t", 0755) == 0);
	must(chdir("t") == 0);
	for (int i = 0; i < 10000 / shrink; i++) {
		if (i % 1000 == 0) {
			put("file", "");
			must(mkdir("bush", 0755) == 0);
			must(mkdir("bush/bush", 0755) == 0);
		}
		must(mkdir("d", 0755) == 0);
		must(chdir("d") == 0);
	}
	must(chdir(base) == 0);
}

static void grow_wide(void)	/* 100,000 files, in the top and below */
{
	must(mkdir("t", 0755) == 0);
	must(mkdir("t/sub", 0755) == 0);
	for (int i = 0; i < 100000 / shrink; i++) {
		autofree char *name = xasprintf(i % 2 ? "t/%d" : "t/sub/%d", i);
		int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		must(fd >= 0);
		close(fd);
	}
}

static void grow_file(void)
{
	put("t", "no folder at all");
}

static void grow_link(void)
{
	must(symlink("outside", "t") == 0);
}

static void grow_nothing(void)
{
}

static const struct tree_case {
	const char *name;
	void (*grow)(void);
	unsigned int max_ms;	/* of cpu time: a busy disk is not our fault, quadratic work is */
} tree_cases[] = {
	{ "nothing", grow_nothing, 100 },
	{ "a file", grow_file, 100 },
	{ "a link to a folder", grow_link, 100 },
	{ "names of our own", grow_flat, 1000 },
	{ "odd names", grow_names, 1000 },
	{ "no permissions", grow_unreadable, 1000 },
	{ "every kind of file", grow_kinds, 1000 },
	{ "10,000 levels", grow_deep, 4000 },
	{ "100,000 files", grow_wide, 8000 },
};

static void remove_one(const struct tree_case *c)
{
	struct error err = { .code = ERR_OK };
	struct stat st;
	clock_t start;
	int rc;

	c->grow();
	start = clock();
	rc = remove_tree_at(AT_FDCWD, "t", &err);
	if (rc < 0)
		print_error("%s: %s\n", c->name, err.text);
	must(rc == 0);
	must((clock() - start) * 1000 / CLOCKS_PER_SEC <= (clock_t)c->max_ms);
	must(lstat("t", &st) == -1);
	must(errno == ENOENT);
	must(stat("outside/keep", &st) == 0);
}

static void remove_all(void)
{
	must(mkdir("outside", 0755) == 0);
	put("outside/keep", "precious");
	for (size_t i = 0; i < ARRAY_SIZE(tree_cases); i++)
		remove_one(&tree_cases[i]);
	must(remove_tree_at(AT_FDCWD, "outside", NULL) == 0);
}

static void test_remove_tree(void **state)
{
	(void)state;
	remove_all();
}

static void test_remove_tree_on_disk(void **state)
{
	(void)state;
	shrink = 50;
	remove_all();
	shrink = 1;
}

static void test_remove_tree_as_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();		/* the test above was it */
	assert_int_equal(chown(".", USER, USER), 0);
	as_user(remove_all);
	assert_int_equal(chown(".", 0, 0), 0);
}

/* What is mounted below must survive, and be called a failure. */
static void test_remove_tree_mount(void **state)
{
	struct error err = { .code = ERR_OK };
	(void)state;

	assert_int_equal(mkdir("outside", 0755), 0);
	put("outside/keep", "precious");
	assert_int_equal(make_dirs("t/a/mnt", 0755, NULL), 0);
	if (mount("outside", "t/a/mnt", NULL, MS_BIND, NULL) < 0) {
		print_message("# no mount here: %s\n", strerror(errno));
		skip();
	}
	put("t/a/file", "");
	assert_int_equal(remove_tree_at(AT_FDCWD, "t", &err), -1);
	assert_int_equal(err.code, ERR_CLEANUP);
	assert_int_equal(err.sys, EBUSY);
	assert_int_equal(access("outside/keep", F_OK), 0);
	assert_int_equal(count_entries("t"), 1);	/* the rest went */
	assert_int_equal(umount2("t/a/mnt", MNT_DETACH), 0);
	assert_int_equal(remove_tree_at(AT_FDCWD, "t", NULL), 0);
	assert_int_equal(access("outside/keep", F_OK), 0);
}

static void remove_foreign(void)
{
	struct error err = { .code = ERR_OK };

	must(remove_tree_at(AT_FDCWD, "foreign", &err) == -1);
	must(err.code == ERR_CLEANUP && err.sys == EACCES);
	must(access("foreign/keep/keep", F_OK) == 0);
}

/* /tmp and /home often are mounts of their own: a tree there is named by a path that leads through one. */
static void test_remove_tree_beyond_a_mount(void **state)
{
	struct error err = { .code = ERR_OK };
	autofree char *path = NULL;
	autofree char *cwd = get_current_dir_name();
	(void)state;

	assert_int_equal(mkdir("mnt", 0755), 0);
	if (mount("none", "mnt", "tmpfs", 0, NULL) < 0) {
		print_message("# no mount here: %s\n", strerror(errno));
		skip();
	}
	path = xasprintf("%s/mnt/t", cwd);
	assert_int_equal(make_dirs("mnt/t/a/b", 0755, NULL), 0);
	if (remove_tree_at(AT_FDCWD, path, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count_entries("mnt"), 0);
	assert_int_equal(make_dirs("mnt/t/a/b", 0755, NULL), 0);
	assert_int_equal(remove_tree_at(AT_FDCWD, "mnt/t", NULL), 0);
	assert_int_equal(remove_tree_at(AT_FDCWD, "mnt/absent/t", NULL), 0);
	assert_int_equal(umount2("mnt", MNT_DETACH), 0);
}

static void test_remove_tree_foreign(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(make_dirs("foreign/keep", 0755, NULL), 0);
	put("foreign/keep/keep", "");
	as_user(remove_foreign);
}

/* Somebody who keeps writing into the tree: it either goes or is reported, it never hangs and never leaves the tree. */
static void test_remove_tree_busy(void **state)
{
	struct error err = { .code = ERR_OK };
	pid_t pid;
	(void)state;

	assert_int_equal(make_dirs("t/a/b", 0755, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (uint64_t end = clock_deadline(2 * NS_PER_SEC); clock_monotonic_ns() < end; ) {
			if (mkdir("t/a/b/c", 0755) == 0)
				mkdir("t/a/b/c/d", 0755);
			mkdir("t/e", 0755);
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++)
		if (remove_tree_at(AT_FDCWD, "t", &err) < 0)
			assert_int_equal(err.code, ERR_CLEANUP);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(remove_tree_at(AT_FDCWD, "t", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file_read, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_file_read_limit, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_file_read_fd_pipe, enter_base, leave_base),
		cmocka_unit_test(test_write_all_until), cmocka_unit_test(test_write_all_until_slow_reader),
		cmocka_unit_test_setup_teardown(test_file_write_atomic, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_make_dirs, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree, enter_memory, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree_on_disk, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree_as_user, enter_memory, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree_mount, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree_beyond_a_mount, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree_foreign, enter_base, leave_base),
		cmocka_unit_test_setup_teardown(test_remove_tree_busy, enter_base, leave_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
