/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/archive.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/source.h"

static const char package[] = "apiVersion: v1\n";

static int setup(void **state)
{
	static char dir[32];

	strcpy(dir, "/tmp/source_test.XXXXXX");
	*state = dir;
	return mkdtemp(dir) && chdir(dir) == 0 && mkdir("scratch", 0700) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	return chdir("/") == 0 ? remove_tree_at(AT_FDCWD, *state, NULL) : -1;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void opens(const char *spec, const char *name)
{
	struct source s;
	struct error err = { 0 };

	if (source_open(spec, "scratch", &s, &err) < 0)
		fail_msg("%s: %s", spec, err.text);
	assert_string_equal(s.name, name);
	assert_string_equal(s.bytes.buf, package);
	source_release(&s);
}

static void refuses(const char *spec, const char *scratch, enum error_code code, const char *want)
{
	struct source s;
	struct error err = { 0 };

	if (source_open(spec, scratch, &s, &err) != -1 || err.code != code || !strstr(err.text, want))
		fail_msg("%s: %d '%s'", spec, err.code, err.text);
	assert_null(s.name);
	assert_null(s.dir);
	assert_int_equal(s.bytes.len, 0);
}

static void test_file(void **state)
{
	(void)state;
	put("any.txt", package);
	assert_int_equal(symlink("any.txt", "link"), 0);
	opens("any.txt", "any.txt");
	opens("./any.txt", "./any.txt");
	opens("link", "link");
}

static void test_refused(void **state)
{
	autofree char *big = xmalloc((1 << 20) + 2);

	(void)state;
	memset(big, 'x', (1 << 20) + 1);
	big[(1 << 20) + 1] = '\0';
	put("big", big);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(mkdir("empty", 0700), 0);
	refuses("", "scratch", ERR_USAGE, "empty name");
	refuses("missing.yaml", "scratch", ERR_INVALID_INPUT, "cannot open 'missing.yaml': No such file");
	refuses("big", "scratch", ERR_INVALID_INPUT, "'big' has 1048577 bytes, more than the limit of 1048576");
	refuses("fifo", "scratch", ERR_INVALID_INPUT, "'fifo' is a FIFO");
	refuses("/dev/zero", "scratch", ERR_INVALID_INPUT, "'/dev/zero' is a device");
	refuses("empty", "scratch", ERR_INVALID_INPUT, "'empty' holds no package (*.wpk.yaml or *.wpk.yml): it is empty");
	refuses("git+https://host/x@main#a", "scratch", ERR_UNAVAILABLE, "git");
	refuses("s3://bucket/x", "scratch", ERR_USAGE, "'s3://' is no known kind of source");
	refuses("http://me:hunter22@host/x", "scratch", ERR_USAGE, "user name");
	refuses("http://127.0.0.1:1/x", "scratch", ERR_REMOTE, "cannot get 'http://127.0.0.1:1/x'");
}

static void test_not_allowed(void **state)
{
	const uid_t uid = geteuid();

	put("closed", package);
	assert_int_equal(chmod("closed", 0) | chmod(*state, 0755), 0);
	if (uid == 0)	/* who reads everything */
		assert_int_equal(seteuid(65534), 0);
	refuses("closed", "scratch", ERR_INVALID_INPUT, "cannot open 'closed': Permission denied");
	assert_int_equal(seteuid(uid), 0);
}

static void test_stdin(void **state)
{
	int pipefd[2], saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(write(pipefd[1], package, strlen(package)), strlen(package));
	close(pipefd[1]);
	dup2(pipefd[0], STDIN_FILENO);
	close(pipefd[0]);
	opens("-", "<stdin>");
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void test_folder(void **state)
{
	struct source s;

	(void)state;
	assert_int_equal(mkdir("p", 0700) | mkdir("p/sub", 0700) | mkdir("p/dir.wpk.yaml.d", 0700), 0);
	put("p/other.yaml", "x: y\n");
	put("p/sub/deeper.wpk.yaml", "x: y\n");
	refuses("p", NULL, ERR_INVALID_INPUT, "there is 'dir.wpk.yaml.d', 'other.yaml', 'sub'");
	put("p/one.wpk.yaml", package);
	opens("p", "p/one.wpk.yaml");
	opens("p/", "p/one.wpk.yaml");
	assert_int_equal(source_open("p", NULL, &s, NULL), 0);	/* needs no place to unpack */
	assert_string_equal(s.dir, "p");
	assert_string_equal(s.package_file, "one.wpk.yaml");
	source_release(&s);
	put("p/two.wpk.yml", package);
	refuses("p", NULL, ERR_INVALID_INPUT, "'p' holds 2 packages, one is wanted: 'one.wpk.yaml', 'two.wpk.yml'");
	for (char name[] = "p/a.txt"; name[2] < 'z'; name[2]++)
		put(name, "");
	unlink("p/one.wpk.yaml");
	unlink("p/two.wpk.yml");
	refuses("p", NULL, ERR_INVALID_INPUT, "'i.txt' and 18 more");
}

static void test_folder_of_traps(void **state)
{
	(void)state;
	assert_int_equal(mkdir("p", 0700) | mkfifo("p/x.wpk.yaml", 0600), 0);
	refuses("p", NULL, ERR_INVALID_INPUT, "is a FIFO");
	unlink("p/x.wpk.yaml");
	assert_int_equal(mkdir("p/x.wpk.yaml", 0700), 0);
	refuses("p", NULL, ERR_INVALID_INPUT, "is a directory");
}

static void test_bundle(void **state)
{
	struct source s;

	(void)state;
	assert_int_equal(mkdir("t", 0700) | mkdir("t/in", 0700) | mkdir("t/in/data", 0700), 0);
	put("t/in/only.yaml", package);
	put("t/in/data/file", "content");
	assert_int_equal(archive_create("wrapped.tar.gz", "t", "name-1.0.0", NULL), 0);	/* name-1.0.0/in/… */
	assert_int_equal(archive_create("b.tar.gz", "t/in", "in", NULL), 0);
	assert_int_equal(rename("b.tar.gz", "no-suffix"), 0);	/* content decides */
	opens("no-suffix", "no-suffix/only.yaml");
	refuses("no-suffix", NULL, ERR_INVALID_INPUT, "'no-suffix' is a bundle, and there is no place to unpack it");
	refuses("wrapped.tar.gz", "scratch", ERR_INVALID_INPUT, "'wrapped.tar.gz' holds no package (*.wpk.yaml or *.wpk.yml): there is 'in'");
	assert_int_equal(source_open("no-suffix", "scratch", &s, NULL), 0);
	assert_int_equal(strncmp(s.dir, "scratch/source.", 15), 0);
	assert_string_equal(s.package_file, "only.yaml");
	source_release(&s);
	put("t/in/x.wpk.yaml", package);
	put("t/in/y.yaml", "x: y\n");
	assert_int_equal(archive_create("b.tar.zst", "t/in", ".", NULL), 0);
	opens("b.tar.zst", "b.tar.zst/x.wpk.yaml");
	put("broken.wpk.tar.gz", "\x1f\x8b no");
	refuses("broken.wpk.tar.gz", "scratch", ERR_INVALID_INPUT, "'broken.wpk.tar.gz' cannot be unpacked");
	refuses("b.tar.zst", "no-scratch", ERR_UNAVAILABLE, "cannot create a folder");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stdin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_of_traps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bundle, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
