/* SPDX-License-Identifier: Apache-2.0
 * diff: what it says, that patch(1) makes one text of the other with it, and that hostile texts do not take long. */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/diff.h"

static char *diff(const char *a, size_t a_len, const char *b, size_t b_len)
{
	struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	diff_unified(&(struct diff_side){ "a/f", a, a_len }, &(struct diff_side){ "b/f", b, b_len }, &out);
	return strbuf_detach(&out);
}

#define HEAD "--- a/f\n+++ b/f\n"
static const struct {
	const char *a, *b, *want;
} rows[] = {
	{ "", "", "" },
	{ "x\n", "x\n", "" },
	{ "", "x\n", HEAD "@@ -0,0 +1 @@\n+x\n" },
	{ "x\n", "", HEAD "@@ -1 +0,0 @@\n-x\n" },
	{ "a\nb\nc\n", "a\nB\nc\n", HEAD "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n" },
	{ "a", "a\n", HEAD "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n" },
	{ "a\nb", "b", HEAD "@@ -1,2 +1 @@\n-a\n b\n\\ No newline at end of file\n" },
	{ "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n", HEAD "@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+nine\n" },
	/* two changes six lines apart share a hunk, seven apart do not */
	{ "a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n", HEAD "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n" },
	{ "a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	  HEAD "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n" },
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *got = diff(rows[i].a, strlen(rows[i].a), rows[i].b, strlen(rows[i].b));

		assert_string_equal(got, rows[i].want);
	}
}

static void test_is_text(void **state)
{
	(void)state;
	assert_true(diff_is_text("", 0));
	assert_true(diff_is_text("gr\xc3\xbc\xc3\x9f\n\t\033[31m", 13));
	assert_false(diff_is_text("a\0b", 3));
	assert_false(diff_is_text("\xff\n", 2));
}

static void write_file(const char *dir, const char *name, const char *text, size_t len)
{
	autofree char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static int run_patch(const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (chdir(dir) == 0)
			execlp("patch", "patch", "-s", "-p1", "-i", "d", (char *)NULL);
		_exit(77);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t random_text(unsigned int *seed, char *out, size_t max_lines, const char *other, size_t other_len)
{
	size_t len = 0, lines = (size_t)rand_r(seed) % max_lines;

	for (size_t i = 0; i < lines; i++) {
		if (other_len && rand_r(seed) % 8) {	/* a line of the other text */
			const char *newline = memchr(other, '\n', other_len);
			size_t n = newline ? (size_t)(newline - other) + 1 : other_len;

			memcpy(out + len, other, n);
			len += n;
			other += n;
			other_len -= n;
			if (rand_r(seed) % 10)
				continue;
		}
		len += (size_t)sprintf(out + len, "%d\n", rand_r(seed) % 12);
	}
	if (len && rand_r(seed) % 4 == 0)
		len--;		/* no newline at the end */
	return len;
}

static void test_patch_accepts(void **state)
{
	char dir[] = "/tmp/diff-test.XXXXXX", a[8192], b[8192];
	unsigned int seed = 4711;
	bool missing = false;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (int round = 0; round < 150 && !missing; round++) {
		size_t a_len = random_text(&seed, a, 60, NULL, 0), b_len = random_text(&seed, b, 90, a, a_len);
		autofree char *d = diff(a, a_len, b, b_len), *path = xasprintf("%s/f", dir);
		autostrbuf struct strbuf got = STRBUF_INIT(1 << 20);

		if (!*d || !a_len || !b_len)
			continue;	/* patch makes and removes files then */
		write_file(dir, "f", a, a_len);
		write_file(dir, "d", d, strlen(d));
		missing = run_patch(dir) == 77;
		if (missing)
			break;
		assert_int_equal(file_read(path, &got, NULL), 0);
		assert_int_equal(got.len, b_len);
		assert_memory_equal(got.buf, b, b_len);
	}
	assert_int_equal(remove_tree_at(AT_FDCWD, dir, NULL), 0);
	if (missing)
		skip();
}

/* Nothing in common, everything the same, no order at all: bounded all the same. */
static void test_hostile(void **state)
{
	static const char *const forms[][2] = { { "%d a\n", "%d b\n" }, { "x\n", "x\nx\n" }, { "%d\n", "\n" } };
	enum { LINES = 60000 };
	uint64_t started = clock_monotonic_ns();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms) + 1; i++) {
		autostrbuf struct strbuf a = STRBUF_INIT(STRBUF_NO_MAX), b = STRBUF_INIT(STRBUF_NO_MAX);
		autofree char *d = NULL;
		unsigned int seed = 1;

		for (int n = 0; n < LINES; n++) {
			const char *form = i < ARRAY_SIZE(forms) ? forms[i][0] : "%d\n", *other = i < ARRAY_SIZE(forms) ? forms[i][1] : "%d\n";

			strbuf_addf(&a, form, i < ARRAY_SIZE(forms) ? n : rand_r(&seed) % 500);
			strbuf_addf(&b, other, i < ARRAY_SIZE(forms) ? n : rand_r(&seed) % 500);
		}
		d = diff(a.buf, a.len, b.buf, b.len);
		assert_non_null(strstr(d, "@@ -"));
	}
	assert_in_range((clock_monotonic_ns() - started) / NS_PER_MS, 0, 8000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_is_text), cmocka_unit_test(test_patch_accepts), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
