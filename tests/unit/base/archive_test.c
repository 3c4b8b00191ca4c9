/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <errno.h>
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
#include "runner/base/strbuf.h"

/* A hand-made ustar entry: the archive of an attacker, which no honest packer would write. */
static void tar_entry(struct strbuf *tar, char type, const char *name, const char *link, unsigned int mode, const char *content)
{
	char h[512] = { 0 };
	unsigned int sum = 0;
	size_t len = content ? strlen(content) : 0;

	memcpy(h, name, strnlen(name, 100));
	snprintf(h + 100, 8, "%07o", mode & 07777777);
	snprintf(h + 108, 8, "%07o", 0);
	snprintf(h + 116, 8, "%07o", 0);
	snprintf(h + 124, 12, "%011o", (unsigned int)len & 0777777777);
	snprintf(h + 136, 12, "%011o", 1700000000);
	memset(h + 148, ' ', 8);
	h[156] = type;
	if (link)
		memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257, "ustar\0" "00", 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum & 0777777);
	strbuf_add(tar, h, sizeof(h));
	strbuf_add(tar, content, len);
	while (tar->len % 512)
		strbuf_addch(tar, 0);
}

struct place {
	char dir[32];
	char *tar;
	int out;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/archive_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->tar = xasprintf("%s/a.tar", p->dir);
	assert_int_equal(chdir(p->dir) < 0 ? -1 : mkdir("out", 0700), 0);
	p->out = open("out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->out >= 0);
	*state = p;
	return 0;
}

static void clear_out(struct place *p)
{
	close(p->out);
	assert_int_equal(remove_tree_at(AT_FDCWD, "out", NULL), 0);
	assert_int_equal(mkdir("out", 0700), 0);
	p->out = open("out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int teardown(void **state)
{
	struct place *p = *state;

	close(p->out);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(remove_tree_at(AT_FDCWD, p->dir, NULL), 0);
	free(p->tar);
	free(p);
	return 0;
}

static int extract(struct place *p, struct strbuf *tar, const struct archive_limits *limits, struct error *err)
{
	static const char zeros[1024];

	strbuf_add(tar, zeros, sizeof(zeros));
	assert_int_equal(file_write_atomic(p->tar, tar->buf, tar->len, 0600, NULL), 0);
	return archive_extract(p->tar, p->out, limits, err);
}

static void test_ordinary(void **state)
{
	struct place *p = *state;
	autostrbuf struct strbuf tar = STRBUF_INIT(STRBUF_NO_MAX), text = STRBUF_INIT(1000);
	struct error err = { 0 };
	struct stat st, st2;
	char target[64];

	tar_entry(&tar, '5', "./", NULL, 0755, NULL);
	tar_entry(&tar, '5', "./d/", NULL, 0500, NULL);
	tar_entry(&tar, '0', "./d/file", NULL, 06777, "content");
	tar_entry(&tar, '0', "made/parents/x", NULL, 0, "x");
	tar_entry(&tar, '2', "d/link", "../made/parents/x", 0777, NULL);
	tar_entry(&tar, '1', "hard", "d/file", 0, NULL);
	tar_entry(&tar, '0', "caf\xc3\xa9", NULL, 0644, "");
	tar_entry(&tar, '6', "fifo", NULL, 0644, NULL);
	tar_entry(&tar, '3', "device", NULL, 0644, NULL);
	if (extract(p, &tar, &archive_bundle_limits, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(file_read("out/d/file", &text, NULL), 0);
	assert_string_equal(text.buf, "content");
	assert_int_equal(stat("out/d/file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);	/* no set-id, no write for others */
	assert_int_equal(st.st_mtime, 1700000000);
	assert_int_equal(stat("out/hard", &st2), 0);
	assert_int_equal(st.st_ino, st2.st_ino);
	assert_int_equal(stat("out/d", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);	/* ours to remove */
	assert_int_equal(stat("out/made/parents", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat("out/made/parents/x", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0400);	/* ours to read */
	assert_int_equal(readlink("out/d/link", target, sizeof(target)), 17);
	assert_int_equal(stat("out/caf\xc3\xa9", &st), 0);
	assert_int_equal(lstat("out/fifo", &st), -1);
	assert_int_equal(lstat("out/device", &st), -1);
}

static void test_later_entries_win(void **state)
{
	struct place *p = *state;
	autostrbuf struct strbuf tar = STRBUF_INIT(STRBUF_NO_MAX), text = STRBUF_INIT(1000);
	struct stat st;

	tar_entry(&tar, '0', "a", NULL, 0644, "one");
	tar_entry(&tar, '1', "b", "a", 0644, NULL);
	tar_entry(&tar, '0', "a", NULL, 0644, "two");
	tar_entry(&tar, '2', "a", "b", 0644, NULL);
	tar_entry(&tar, '0', "a", NULL, 0644, "three");	/* must not be written through the link */
	assert_int_equal(extract(p, &tar, &archive_bundle_limits, NULL), 0);
	assert_int_equal(file_read("out/b", &text, NULL), 0);
	assert_string_equal(text.buf, "one");
	strbuf_clear(&text);
	assert_int_equal(file_read("out/a", &text, NULL), 0);
	assert_string_equal(text.buf, "three");
	assert_int_equal(lstat("out/a", &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static const struct {
	struct { char type; const char *name, *link; } entries[3];
	const char *bundle, *rootfs;	/* part of the message; NULL: accepted */
	const char *comment;
} hostile[] = {
	{ { { '0', "/tmp/x", NULL } }, "'/tmp/x' has an absolute name", "absolute", "absolute name" },
	{ { { '0', "../x", NULL } }, "'../x' leaves the tree", "leaves", "climbs out" },
	{ { { '0', "a/../../x", NULL } }, "leaves the tree", "leaves", "climbs out later" },
	{ { { '0', "a/..", NULL } }, "leaves the tree", "leaves", "ends in '..'" },
	{ { { '0', "a/...", NULL } }, NULL, NULL, "three dots are a name" },
	{ { { '2', "l", "/etc" } }, "'l' is a link that leaves", NULL, "absolute link" },
	{ { { '2', "l", "../x" } }, "link that leaves", NULL, "climbing link" },
	{ { { '2', "a/l", "../x" } }, NULL, NULL, "climbing link that stays inside" },
	{ { { '2', "a/l", "../../x" } }, "link that leaves", NULL, "one too many" },
	{ { { '2', "l", "a/../x" } }, "link that leaves", NULL, "'..' after a name: a may be a link" },
	{ { { '2', "d/l", "a/../x" } }, "link that leaves", NULL, "the same where it looks harmless" },
	{ { { '2', "l", ".//./x" } }, NULL, NULL, "noise in a target" },
	{ { { '2', "l", "" } }, "link to nothing", "link to nothing", "no target" },
	{ { { '2', "l", "." }, { '0', "l/x", NULL } }, "leads through something", "leads through", "through a link of its own" },
	{ { { '2', "l", "/tmp" }, { '0', "l/archive_test.escaped", NULL } }, "link that leaves", "leads through", "the classic" },
	{ { { '2', "l", "/tmp" }, { '5', "l", NULL } }, "link that leaves", "leads through", "a folder over a link" },
	{ { { '1', "h", "/etc/passwd" } }, "absolute name", "absolute name", "hard link outside" },
	{ { { '1', "h", "../x" } }, "leaves the tree", "leaves the tree", "hard link climbs" },
	{ { { '1', "h", "missing" } }, "no file of this archive", "no file of this archive", "hard link to nothing" },
	{ { { '2', "a/l", "../x" }, { '1', "h", "a/l" } }, "no file of this archive", NULL, "hard link to a link, from another depth" },
	{ { { '5', "d", NULL }, { '1', "h", "d" } }, "no file of this archive", "no file of this archive", "hard link to a folder" },
	{ { { '2', "l", "x" }, { '1', "h", "l/passwd" } }, "leads through", "leads through", "hard link through a link" },
	{ { { '0', "f", NULL }, { '0', "f/x", NULL } }, "leads through", "leads through", "a file as a folder" },
	{ { { '5', "d", NULL }, { '0', "d", NULL } }, "cannot unpack 'd'", "cannot unpack", "a file over a folder" },
	{ { { '0', "e\x1b[2J\n", NULL }, { '0', "e\x1b[2J\n/x", NULL } }, "'e\\x1b[2J\\n/x'", "e\\x1b[2J\\n", "names cannot paint" },
};

static void test_hostile(void **state)
{
	struct place *p = *state;
	const struct archive_limits *const limits[] = { &archive_bundle_limits, &archive_rootfs_limits };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		for (size_t l = 0; l < 2; l++) {
			const char *want = l ? hostile[i].rootfs : hostile[i].bundle;
			autostrbuf struct strbuf tar = STRBUF_INIT(STRBUF_NO_MAX);
			struct error err = { 0 };
			int rc;

			for (size_t e = 0; e < 3 && hostile[i].entries[e].type; e++)
				tar_entry(&tar, hostile[i].entries[e].type, hostile[i].entries[e].name, hostile[i].entries[e].link, 0755,
					  hostile[i].entries[e].type == '0' ? "x" : NULL);
			rc = extract(p, &tar, limits[l], &err);
			if (rc != (want ? -1 : 0))
				fail_msg("%s (%zu): returned %d %s", hostile[i].comment, l, rc, err.text);
			if (want && (err.code != ERR_INVALID_INPUT || !strstr(err.text, want)))
				fail_msg("%s (%zu): message is %d '%s'", hostile[i].comment, l, err.code, err.text);
			clear_out(p);
		}
	}
	assert_int_equal(lstat("/tmp/archive_test.escaped", &st), -1);
	assert_int_equal(lstat("x", &st), -1);
}

static void test_ceilings(void **state)
{
	static const struct archive_limits few = { .max_entries = 3, .max_bytes = 10, .max_depth = 2 };
	static const struct {
		const char *names[5], *content, *want;
	} cases[] = {
		{ { "a", "b", "c" }, "123", NULL },
		{ { "a", "b", "c", "d" }, "1", "more than 3 entries" },
		{ { "a", "b" }, "123456", "'b' goes past the limit" },
		{ { "a/b" }, "1", NULL },
		{ { "a/b/c" }, "1", "'a/b/c' is nested too deeply" },
		{ { "./a//b/." }, "1", NULL },
	};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf tar = STRBUF_INIT(STRBUF_NO_MAX);
		struct error err = { 0 };
		int rc;

		for (size_t n = 0; cases[i].names[n]; n++)
			tar_entry(&tar, '0', cases[i].names[n], NULL, 0644, cases[i].content);
		rc = extract(p, &tar, &few, &err);
		if (rc != (cases[i].want ? -1 : 0) || (rc && !strstr(err.text, cases[i].want)))
			fail_msg("case %zu: %d '%s'", i, rc, err.text);
		clear_out(p);
	}
}

/* 100 MiB of nothing in 100 KB: ends at the ceiling, before it is on the disk. */
static void test_bomb(void **state)
{
	static const struct archive_limits limits = { .max_entries = 10, .max_bytes = 1 << 20, .max_depth = 8 };
	struct place *p = *state;
	struct error err = { 0 };
	struct stat st;
	int fd;

	assert_int_equal(mkdir("tree", 0700), 0);
	fd = open("tree/zeros", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 100 << 20), 0);
	close(fd);
	assert_int_equal(archive_create("bomb.tar.gz", "tree", "t", NULL), 0);
	assert_int_equal(stat("bomb.tar.gz", &st), 0);
	assert_true(st.st_size < 1 << 20);
	assert_int_equal(archive_extract("bomb.tar.gz", p->out, &limits, &err), -1);
	assert_non_null(strstr(err.text, "'t/zeros' goes past the limit of 1 MiB"));
	assert_int_equal(lstat("out/t/zeros", &st), -1);
}

static void test_damaged(void **state)
{
	struct place *p = *state;
	autostrbuf struct strbuf tar = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { 0 };

	tar_entry(&tar, '0', "a", NULL, 0644, "some content");
	tar.len -= 300;
	assert_int_equal(file_write_atomic(p->tar, tar.buf, tar.len, 0600, NULL), 0);
	assert_int_equal(archive_extract(p->tar, p->out, &archive_bundle_limits, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_int_equal(file_write_atomic("x.gz", "\x1f\x8b not really", 14, 0600, NULL), 0);
	assert_int_equal(archive_extract("x.gz", p->out, &archive_bundle_limits, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_int_equal(archive_extract("missing", p->out, &archive_bundle_limits, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(archive_extract("out", p->out, &archive_bundle_limits, &err), -1);
	assert_non_null(strstr(err.text, "'out' is no file"));
}

static void test_is_archive(void **state)
{
	struct place *p = *state;
	autostrbuf struct strbuf tar = STRBUF_INIT(STRBUF_NO_MAX);
	static const struct { const char *bytes; size_t len; bool want; } cases[] = {
		{ "\x1f\x8b\x08", 3, true }, { "PK\x03\x04", 4, true }, { "\x28\xb5\x2f\xfd", 4, true }, { "BZh9", 4, true },
		{ "\xfd" "7zXZ\0", 6, true }, { "apiVersion: v1\n", 15, false }, { "", 0, false }, { "\x1f", 1, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(file_write_atomic("f", cases[i].bytes, cases[i].len, 0600, NULL), 0);
		assert_int_equal(archive_is_archive("f"), cases[i].want);
	}
	tar_entry(&tar, '0', "a", NULL, 0644, "x");
	assert_int_equal(file_write_atomic(p->tar, tar.buf, tar.len, 0600, NULL), 0);
	assert_true(archive_is_archive(p->tar));
	tar.buf[0] = 'b';	/* the checksum no longer fits */
	assert_int_equal(file_write_atomic(p->tar, tar.buf, tar.len, 0600, NULL), 0);
	assert_false(archive_is_archive(p->tar));
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_false(archive_is_archive("fifo"));
	assert_false(archive_is_archive("out"));
	assert_false(archive_is_archive("missing"));
}

static void write_text(const char *path, const char *text)
{
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0640, NULL), 0);
}

static void test_create(void **state)
{
	static const char *const names[] = { "l.tar", "l.tar.gz", "l.tar.zst" };
	static const char *const order[] = { "logs/run/a", "logs/run/b/", "logs/run/b/link", "logs/run/b/two", "logs/run/z" };
	struct place *p = *state;

	assert_int_equal(mkdir("tree", 0755) | mkdir("tree/b", 0755), 0);
	write_text("tree/z", "");
	write_text("tree/b/two", "2");
	write_text("tree/a", "1");
	write_text("tree/caf\xc3\xa9", "3");
	assert_int_equal(symlink("../a", "tree/b/link"), 0);
	assert_int_equal(mkfifo("tree/fifo", 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		autostrbuf struct strbuf first = STRBUF_INIT(STRBUF_NO_MAX), second = STRBUF_INIT(STRBUF_NO_MAX),
			text = STRBUF_INIT(100);
		struct error err = { 0 };
		struct stat st;

		if (archive_create(names[i], "tree", "logs/run", &err) < 0)
			fail_msg("%s: %s", names[i], err.text);
		assert_int_equal(stat(names[i], &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_true(archive_is_archive(names[i]));
		file_read(names[i], &first, NULL);
		usleep(i == 1 ? 1100000 : 0);	/* gzip would note the time of day */
		assert_int_equal(archive_create(names[i], "tree", "logs/run", NULL), 0);
		file_read(names[i], &second, NULL);
		assert_int_equal(first.len, second.len);
		assert_memory_equal(first.buf, second.buf, first.len);
		for (size_t n = 0, at = 0; i == 0 && n < ARRAY_SIZE(order); n++) {
			const char *found = memmem(first.buf + at, first.len - at, order[n], strlen(order[n]) + 1);

			if (!found)
				fail_msg("'%s' is not where it belongs", order[n]);
			at = (size_t)(found - first.buf);
		}
		assert_int_equal(archive_extract(names[i], p->out, &archive_bundle_limits, &err), 0);
		file_read("out/logs/run/caf\xc3\xa9", &text, NULL);
		file_read("out/logs/run/b/link", &text, NULL);
		file_read("out/logs/run/b/two", &text, NULL);
		assert_string_equal(text.buf, "312");
		assert_int_equal(lstat("out/logs/run/fifo", &st), -1);
		clear_out(p);
	}
}

static void test_create_refused(void **state)
{
	struct error err = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(archive_create("logs.zip", "out", "x", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(archive_create("missing/l.tar", "out", "x", &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(archive_create("l.tar", "missing", "x", &err), -1);
	assert_int_equal(lstat("l.tar", &st), -1);
	assert_int_equal(access("out", F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ordinary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_later_entries_win, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ceilings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_is_archive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
