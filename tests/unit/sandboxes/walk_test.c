/* SPDX-License-Identifier: Apache-2.0
 * walk: what a sandbox tells about its files, and gives back of them, after steps that mean no good. */
#include "tests/unit/sandboxes/jail.h"

#include <sys/mman.h>

struct seen {
	struct strbuf text;	/* "kind mode size path[ -> target][ !error]" per line */
	uint64_t entries, digests, longest;
	bool counting;		/* no text */
};

static bool on_entry(void *arg, const struct sandbox_entry *e)
{
	static const char kinds[] = "fdlpscx";
	struct seen *s = arg;

	s->entries++;
	s->digests += e->has_digest;
	if (strlen(e->path) > s->longest)
		s->longest = strlen(e->path);
	if (s->counting)
		return true;
	strbuf_addf(&s->text, "%c %o %llu %s", kinds[e->kind], e->mode, (unsigned long long)e->size, e->path);
	if (e->target)
		strbuf_addf(&s->text, " -> %s", e->target);
	if (e->error)
		strbuf_addf(&s->text, " !%d", e->error);
	strbuf_addch(&s->text, '\n');
	return true;
}

static uint64_t walk(struct jail *j, unsigned int trees, struct seen *s, uint64_t max_entries)
{
	struct sandbox_walk w = { .trees = trees, .digests = true, .max_entries = max_entries, .entry = on_entry, .arg = s };
	struct error err = { .text = "" };

	strbuf_release(&s->text);
	strbuf_init(&s->text, 4 << 20);
	s->entries = s->digests = s->longest = 0;
	if (sandbox_walk(j->sb, &w, &err) < 0)
		fail_msg("%s", err.text);
	return w.left_out;
}

static char *get(struct jail *j, enum sandbox_tree tree, const char *path, uint64_t max, struct error *err)
{
	autoclose int fd = memfd_create("got", MFD_CLOEXEC);
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	uint64_t n = 0;

	if (sandbox_get(j->sb, tree, path, max, fd, &n, err) < 0)
		return NULL;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(file_read_fd(fd, path, &text, err), 0);
	assert_int_equal(text.len, n);
	return strbuf_detach(&text);
}

#define WORK (1u << SANDBOX_TREE_WORK)
#define TMP (1u << SANDBOX_TREE_TMP | 1u << SANDBOX_TREE_SHM)

static const struct {
	const char *what, *script, *want;
} trees[] = {
	{ "nothing", "true", "" },
	{ "order and kinds", "mkdir b b.c b/x; echo hi > b/x/f; : > a; ln -s /etc/passwd l; mkfifo p; ln a h; chmod 4755 a",
	  "f 4755 0 a\nd 755 0 b\nd 755 0 b/x\nf 644 3 b/x/f\nd 755 0 b.c\nf 4755 0 h\nl 777 0 l -> /etc/passwd\np 644 0 p\n" },
	{ "names", "touch -- -rf 'a b' \"$(printf 'n\\nl')\" \"$(printf 'e\\033[31m')\" \"$(printf '\\377\\376')\" \"$(printf '%0255d' 7)\"; rm 0*",
	  "f 644 0 -rf\nf 644 0 a b\nf 644 0 e\033[31m\nf 644 0 n\nl\nf 644 0 \377\376\n" },
	{ "closed to itself", "echo 1 > f; chmod 0 f; mkdir d; echo 2 > d/g; chmod 0 d/g d", "d 0 0 d\nf 0 2 d/g\nf 0 2 f\n" },
	{ "a closed work folder", "echo 1 > f; chmod 0 .", "f 644 2 f\n" },
	{ "sparse", "truncate -s 8M s", "f 644 8388608 s\n" },
	{ "links lead nowhere", "ln -s / up; ln -s .. up2; ln -s loop loop; mkdir d; ln -s ../d d/d",
	  "d 755 0 d\nl 777 0 d/d -> ../d\nl 777 0 loop -> loop\nl 777 0 up -> /\nl 777 0 up2 -> ..\n" },
};

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		struct seen s = { .text = STRBUF_INIT(0) };
		struct jail j;

		jail_open(&j);
		jail_sh(&j, trees[i].script);
		assert_int_equal(walk(&j, WORK, &s, 0), 0);
		if (strcmp(s.text.buf, trees[i].want) != 0)
			fail_msg("%s: '%s'%s", trees[i].what, s.text.buf, j.out[1].buf);
		/* a second look finds the same, modes included */
		assert_int_equal(walk(&j, WORK, &s, 0), 0);
		assert_string_equal(s.text.buf, trees[i].want);
		strbuf_release(&s.text);
		jail_close(&j);
	}
}

static void test_tmp(void **state)
{
	struct seen s = { .text = STRBUF_INIT(0) };
	struct jail j;

	(void)state;
	jail_open(&j);
	jail_sh(&j, "echo t > /tmp/t; echo s > /dev/shm/s; echo w > w");
	walk(&j, TMP, &s, 0);
	assert_string_equal(s.text.buf, "f 644 2 t\nf 644 2 s\n");
	walk(&j, TMP | WORK | 1u << SANDBOX_TREE_ROOT, &s, 0);
	assert_string_equal(s.text.buf, "f 644 2 w\nf 644 2 t\nf 644 2 s\n");
	strbuf_release(&s.text);
	jail_close(&j);
}

/* Digests only of what may have changed; an old time stamp hides nothing. */
static void test_digests(void **state)
{
	struct seen s = { .text = STRBUF_INIT(0) };
	struct jail j;

	(void)state;
	jail_open(&j);
	jail_sh(&j, "for i in 1 2 3 4 5; do echo $i > $i; done");
	walk(&j, WORK, &s, 0);
	assert_int_equal(s.digests, 5);
	usleep(60000);
	walk(&j, WORK, &s, 0);
	usleep(60000);
	walk(&j, WORK, &s, 0);
	assert_int_equal(s.digests, 0);
	assert_int_equal(s.entries, 5);
	jail_sh(&j, "echo 6 > 3; touch -d 2001-01-01 3; mv 4 44; chmod 600 5");
	walk(&j, WORK, &s, 0);
	assert_int_equal(s.digests, 3);
	strbuf_release(&s.text);
	jail_close(&j);
}

/* No hang, no crash, and what is left out is said. */
static void test_limits(void **state)
{
	struct seen s = { .text = STRBUF_INIT(0), .counting = true };
	struct jail j;

	(void)state;
	jail_init(&j);
	j.spec.limits.storage_files = 40000;
	j.spec.limits.memory_bytes = 512 << 20;
	j.spec.limits.fsize_bytes = 0;
	j.timeout_ns = 60 * NS_PER_SEC;
	must(sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, NULL) == 0);
	jail_sh(&j, "python3 -c '\nimport os\nfor i in range(12000): os.close(os.open(\"f%d\" % i, 65, 420))'");
	assert_int_equal(j.exit.status, 0);
	assert_int_equal(walk(&j, WORK, &s, 0), 0);
	assert_int_equal(s.entries, 12000);
	assert_int_equal(walk(&j, WORK, &s, 1000), 11000);
	assert_int_equal(s.entries, 1000);
	jail_sh(&j, "find . -type f -delete; python3 -c '\nimport os\nfor i in range(1500): os.mkdir(\"d\"); os.chdir(\"d\")\nopen(\"deep\", \"w\")'");
	assert_int_equal(walk(&j, WORK, &s, 0), 1);
	assert_int_equal(s.entries, SANDBOX_DEPTH);
	jail_sh(&j, "rm -rf d; python3 -c '\nimport os\nfor i in range(60): os.mkdir(\"%0250d\" % i); os.chdir(\"%0250d\" % i)\nopen(\"deep\", \"w\")'");
	assert_int_equal(walk(&j, WORK, &s, 0), 1);
	assert_int_equal(s.entries, 16);
	assert_in_range(s.longest, 4000, SANDBOX_PATH_MAX - 1);
	/* the end of a file of a terabyte is not waited for */
	jail_sh(&j, "rm -rf 0*; truncate -s 1T huge; truncate -s 200M holes; for i in 0 1 2 3 4 5 6 7 8 9; do truncate -s 60M file$i; done");
	assert_int_equal(j.exit.status, 0);
	walk(&j, WORK, &s, 0);
	assert_int_equal(s.entries, 12);
	assert_int_equal(s.digests, 8);
	strbuf_release(&s.text);
	jail_close(&j);
}

static void test_get(void **state)
{
	struct error err = { .text = "" };
	struct jail j;

	(void)state;
	jail_open(&j);
	jail_sh(&j, "mkdir -p d/e; echo hello > d/e/f; chmod 0 d/e/f d/e d; ln -s d l; ln -s /etc/passwd p; mkfifo q; echo t > /tmp/t");
	const struct {
		enum sandbox_tree tree;
		const char *path;
		uint64_t max;
		const char *want;
	} rows[] = {
		{ SANDBOX_TREE_WORK, "d/e/f", 100, "hello\n" }, { SANDBOX_TREE_WORK, "d/e/f", 2, "he" },
		{ SANDBOX_TREE_TMP, "t", 100, "t\n" }, { SANDBOX_TREE_WORK, "d/e", 100, NULL },
		{ SANDBOX_TREE_WORK, "l/e/f", 100, NULL }, { SANDBOX_TREE_WORK, "p", 100, NULL },
		{ SANDBOX_TREE_WORK, "q", 100, NULL }, { SANDBOX_TREE_WORK, "none", 100, NULL },
		{ SANDBOX_TREE_WORK, "d/../../etc/passwd", 100, NULL }, { SANDBOX_TREE_WORK, "/etc/passwd", 100, NULL },
		{ SANDBOX_TREE_ROOT, "etc/passwd", 100, NULL }, { SANDBOX_TREE_BASE, "etc/passwd", 100, NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *got = get(&j, rows[i].tree, rows[i].path, rows[i].max, &err);

		if (!got != !rows[i].want || (got && strcmp(got, rows[i].want)))
			fail_msg("%s: '%s'", rows[i].path, got ? got : err.text);
	}
	jail_sh(&j, "stat -c %a d; chmod 700 d; stat -c %a d/e; chmod 700 d/e; stat -c %a d/e/f");
	assert_string_equal(j.out[0].buf, "0\n0\n0\n");
	jail_close(&j);
}

/* A writable root: what is changed shows, with what the original has; the host stays as it is. */
static void test_writable_root(void **state)
{
	static const unsigned int root = 1u << SANDBOX_TREE_ROOT;
	struct seen s = { .text = STRBUF_INIT(0) };
	struct error err = { .text = "" };
	autofree char *got = NULL, *base = NULL, *before = NULL;
	unsigned long seen_before = 0;
	struct jail j;

	(void)state;
	jail_init(&j);
	j.spec.writable_root = true;
	j.spec.limits.storage_files = 20000;
	j.spec.limits.memory_bytes = 512 << 20;
	if (sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) < 0)
		fail_msg("%s", err.text);
	walk(&j, root, &s, 0);
	before = xstrdup(s.text.buf);
	jail_sh(&j, "id -u; echo x > /usr/bin/new-here; rm /usr/bin/yes; echo more >> /etc/hosts; mkdir /opt/d; chmod 700 /etc/skel; chown 1:1 /opt/d; stat -c %u /opt/d");
	assert_string_equal(j.out[1].buf, "");
	assert_string_equal(j.out[0].buf, "0\n0\n");
	walk(&j, root, &s, 0);
	for (size_t i = 0; i < 5; i++) {
		static const char *const lines[] = {
			"f 644 2 usr/bin/new-here\n", " 0 usr/bin/yes\n", " etc/hosts\n", "d 755 0 opt/d\n", "d 700 0 etc/skel\n",
		};

		if (!strstr(s.text.buf, lines[i]) || strstr(before, lines[i]))
			fail_msg("%s in %s", lines[i], s.text.buf);
	}
	got = get(&j, SANDBOX_TREE_ROOT, "etc/hosts", 4096, &err);
	base = get(&j, SANDBOX_TREE_BASE, "etc/hosts", 4096, &err);
	assert_non_null(strstr(got, "more\n"));
	assert_null(strstr(base, "more\n"));
	assert_null(get(&j, SANDBOX_TREE_BASE, "usr/bin/new-here", 4096, &err));
	assert_null(get(&j, SANDBOX_TREE_ROOT, "usr/bin/cat", 1 << 20, &err));
	assert_int_not_equal(access("/usr/bin/new-here", F_OK), 0);
	/* a folder that goes is everything in it, also when another takes its place */
	for (size_t i = 0; i < 2; i++) {
		unsigned long gone = 0, left = 0;

		jail_sh(&j, i ? "d=$(ls -d /usr/share/*/ | head -n 1); find $d | wc -l; rm -r $d; mkdir $d; echo > $d/new" :
				"d=$(ls -d /usr/share/*/ | tail -n 1); find $d | wc -l; rm -r $d");
		left = strtoul(j.out[0].buf, NULL, 10);
		assert_in_range(left, 1, 1000000);
		walk(&j, root, &s, 0);
		for (const char *p = s.text.buf; (p = strstr(p, " usr/share/")); p++)
			gone += p[-1] == '0' && strstr(p - 5 > s.text.buf ? p - 5 : s.text.buf, "x 0 0") == p - 5;
		assert_int_equal(gone, left + seen_before - i);
		seen_before = gone;
	}
	/* what is read-only, and what root may not do here */
	jail_sh(&j, "for f in /dev/x /sys/x /proc/sys/x /proc/kmsg; do (: > $f) 2>/dev/null && echo $f; done; cat /proc/kmsg; mknod /x c 1 3; mount -t tmpfs t /mnt; "
		    "kill -9 1; ls /proc/1/fd; echo; cat /etc/shadow | cut -d: -f2 | sort -u; grep -c . /proc/self/uid_map");
	assert_string_equal(j.out[0].buf, "\n*\n1\n");
	/* one size for the layers and the work folder */
	jail_sh(&j, "head -c 20M /dev/zero > /big; head -c 20M /dev/zero > big; cat /big big | wc -c");
	assert_in_range(atoll(j.out[0].buf), 15 << 20, 16 << 20);
	assert_true(j.exit.storage_limit_hit);
	strbuf_release(&s.text);
	jail_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees), cmocka_unit_test(test_tmp),    cmocka_unit_test(test_digests),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_get),     cmocka_unit_test(test_writable_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
