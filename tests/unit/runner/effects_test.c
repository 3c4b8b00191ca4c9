/* SPDX-License-Identifier: Apache-2.0
 * effects: two looks become deletions, changes, new files and renames; texts become diffs. The sandbox is a list of lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/effects.h"

/* "f 644 7 path content": kind, mode, inode, name, content or target; "=f 644 7 - content" before a line: what the original has. An inode of
 * 0 takes the digest away. */
static struct {
	const char *const *lines;
	uint64_t left_out;
	bool dead;
} fake;

static const char kinds[] = "fdlpscx";

static struct sandbox_entry parse(const char *line, char path[256], char rest[256])
{
	struct sandbox_entry e = { .links = 1 };
	unsigned int inode = 0;
	char kind = 0;

	rest[0] = '\0';
	assert_in_range(sscanf(line, "%c %o %u %255s %255[^\n]", &kind, &e.mode, &inode, path, rest), 4, 5);
	e.kind = (enum sandbox_entry_kind)(strchr(kinds, kind) - kinds);
	e.path = path;
	e.inode = inode;
	if (e.kind == SANDBOX_ENTRY_SYMLINK)
		e.target = rest;
	if (e.kind == SANDBOX_ENTRY_FILE) {
		struct sha256 s;

		e.size = strlen(rest);
		e.has_digest = inode != 0;
		sha256_begin(&s);
		sha256_add(&s, rest, strlen(rest));
		sha256_end(&s, e.sha256);
	}
	return e;
}

int sandbox_walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err)
{
	enum sandbox_tree tree = SANDBOX_TREE_WORK;
	struct sandbox_entry base = { .mode = 0 };
	bool has_base = false;

	(void)sb;
	if (fake.dead)
		return error_set(err, ERR_UNAVAILABLE, "it is dead");
	for (const char *const *l = fake.lines; *l; l++) {
		static char path[256], rest[256], base_path[256], base_rest[256];
		struct sandbox_entry e;

		if (!strncmp(*l, "tree ", 5)) {
			tree = (enum sandbox_tree)((*l)[5] - '0');
			continue;
		}
		if (**l == '=') {
			base = parse(*l + 1, base_path, base_rest);
			has_base = true;
			continue;
		}
		e = parse(*l, path, rest);
		e.tree = tree;
		e.base = has_base ? &base : NULL;
		has_base = false;
		assert_true(walk->entry(walk->arg, &e));
	}
	walk->left_out = fake.left_out;
	return 0;
}

int sandbox_get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret, struct error *err)
{
	(void)sb;
	for (const char *const *l = fake.lines; *l; l++) {
		char name[256], rest[256];
		bool base = **l == '=';

		if (!strncmp(*l, "tree ", 5) || base != (tree == SANDBOX_TREE_BASE))
			continue;
		parse(*l + base, name, rest);
		if (strcmp(name, path) != 0)
			continue;
		assert_true(strlen(rest) <= max_bytes);
		for (char *p = rest; *p; p++)
			*p = *p == ';' ? '\n' : *p;
		assert_int_equal(write_all(fd, rest, strlen(rest)), 0);
		*ret = strlen(rest);
		return 0;
	}
	return error_set(err, ERR_INVALID_INPUT, "not there");
}

#define L(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL })

static const struct {
	const char *what;
	const char *const *before, *const *after;
	const char *want;
} rows[] = {
	{ "nothing", L("f 644 1 a x"), L("f 644 1 a x"), "" },
	{ "created", L("f 644 9 z z"), L("d 755 1 a", "f 644 2 a/b xy", "f 644 9 z z"), "files: 2 created\n  + a (folder)\n  + a/b (2B)\n" },
	{ "deleted", L("d 755 1 a", "f 644 2 a/b xy", "f 644 3 a.c x"), L("f 644 3 a.c x"), "files: 2 deleted\n  - a (folder)\n  - a/b (2B)\n" },
	{ "changed", L("f 644 1 a x", "f 644 2 b xx", "f 644 3 c x"), L("f 644 1 a y", "f 600 2 b xx", "f 755 3 c xyz"),
	  "files: 3 changed\n  ~ a (1B → 1B)\n  ~ b (mode 0644 → 0600)\n  ~ c (1B → 3B, mode 0644 → 0755)\n" },
	{ "rewritten as it was", L("f 644 1 a x"), L("f 644 2 a x"), "" },
	{ "kinds", L("f 644 1 a x", "l 777 2 l to"), L("p 644 3 a", "l 777 2 l other"),
	  "files: 2 changed\n  ~ a (fifo, was a file)\n  ~ l (link to other)\n" },
	{ "a folder's time is no change", L("d 755 1 d", "f 644 2 d/a x"), L("d 755 1 d", "f 644 2 d/a x", "f 644 3 d/b y"),
	  "files: 1 created\n  + d/b (1B)\n" },
	{ "renamed", L("f 644 1 a same"), L("f 644 1 b same"), "files: 1 deleted, 1 created\n  - a (4B, renamed to b)\n  + b (4B, renamed from a)\n" },
	{ "a copy is no rename", L("f 644 1 a same"), L("f 644 5 b same"), "files: 1 deleted, 1 created\n  - a (4B)\n  + b (4B)\n" },
	{ "order of folders", L("d 755 1 a", "f 644 2 a/x x", "f 644 3 a-b x", "f 644 4 a.b x"), L("d 755 1 a", "f 644 3 a-b x", "f 644 4 a.b y"),
	  "files: 1 deleted, 1 changed\n  - a/x (1B)\n  ~ a.b (1B → 1B)\n" },
	{ "tmp is counted apart", L("f 644 1 a x"), L("f 644 1 a x", "tree 1", "f 644 1 a x", "tree 2", "f 644 1 a x"), "files: /tmp: 2 created\n" },
	{ "names", L("f 644 1 a x"), L("f 644 1 a x", "f 4755 2 e\033[31m\xff x"), "files: 1 created\n  + e\\x1b[31m\\xff (1B, mode 4755)\n" },
	{ "secrets", L("f 644 1 a x"), L("f 644 1 a x", "l 777 2 hunter22x hunter22y"), "files: 1 created\n  + ***x (link to ***y)\n" },
	/* a writable root: what was there is known from the original */
	{ "system changed", L("f 644 1 a x"), L("f 644 1 a x", "tree 3", "=d 755 3 etc", "d 755 3 etc", "=f 644 8 etc/p old", "f 600 4 etc/p newer"),
	  "files: system: 1 changed\n  ~ /etc/p (3B → 5B, mode 0644 → 0600)\n" },
	{ "system deleted and created", L("f 644 1 a x"), L("f 644 1 a x", "tree 3", "=d 755 3 etc", "d 755 3 etc", "=f 644 8 etc/p old", "x 0 4 etc/p", "f 755 5 etc/q q"),
	  "files: system: 1 deleted, 1 created\n  - /etc/p (3B)\n  + /etc/q (1B)\n" },
	{ "system, next step", L("tree 3", "=d 755 3 etc", "d 755 3 etc", "=f 644 8 etc/p old", "x 0 4 etc/p"),
	  L("tree 3", "=d 755 3 etc", "d 755 3 etc", "=f 644 8 etc/p old", "f 644 4 etc/p back"), "files: system: 1 created\n  + /etc/p (4B)\n" },
	{ "system, untouched", L("f 644 1 a x"), L("f 644 1 a x", "tree 3", "=f 644 8 p old", "f 644 9 p old"), "" },
};

static void test_compare(void **state)
{
	struct redactor *redactor = redactor_new();

	(void)state;
	redactor_add(redactor, "hunter22", 8);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct effects_options options = { .system = true };
		const struct effects_print how = { .title = "files", .max = 50, .redactor = redactor };
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct effects e = { .known = false }, none = { .known = false }, run = { .known = false };
		struct effects_tracker *t;

		fake.lines = rows[i].before;
		t = effects_start(NULL, &options);
		effects_after_step(t, &none);
		assert_int_equal(none.len, 0);
		fake.lines = rows[i].after;
		effects_after_step(t, &e);
		effects_print(&e, &how, &text);
		if (strcmp(text.buf, rows[i].want) != 0)
			fail_msg("%s: got\n%s", rows[i].what, text.buf);
		effects_of_run(t, &run);
		assert_int_equal(run.len, e.len);
		effects_release(&e);
		effects_release(&none);
		effects_release(&run);
		effects_tracker_free(t);
	}
	redactor_free(redactor);
}

/* Made by one step and deleted by the next: each tells, the run does not. */
static void test_run(void **state)
{
	const struct effects_options options = { .system = false };
	struct effects e = { .known = false };
	struct effects_tracker *t;

	(void)state;
	fake.lines = L("f 644 1 a x");
	t = effects_start(NULL, &options);
	fake.lines = L("f 644 1 a x", "f 644 2 b y");
	effects_after_step(t, &e);
	assert_int_equal(e.counts[EFFECT_WORK][EFFECT_CREATED], 1);
	fake.lines = L("f 644 1 a z");
	effects_after_step(t, &e);
	assert_int_equal(e.counts[EFFECT_WORK][EFFECT_DELETED], 1);
	effects_of_run(t, &e);
	assert_int_equal(e.len, 1);
	assert_string_equal(e.items[0].path, "a");
	fake.left_out = 7;
	effects_after_step(t, &e);
	assert_int_equal(e.not_looked_at, 7);
	fake.left_out = 0;
	fake.dead = true;
	effects_after_step(t, &e);
	fake.dead = false;
	assert_false(e.known);
	assert_non_null(strstr(e.unknown_because, "it is dead"));
	effects_release(&e);
	effects_tracker_free(t);
}

static const struct {
	const char *const *before, *const *after;
	const char *diff, *note;
} diffs[] = {
	{ L("f 644 1 a x;y;"), L("f 644 1 a x;z;"), "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n", NULL },
	{ L("f 644 9 z z"), L("f 644 1 n new;", "f 644 9 z z"), "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+new\n", NULL },
	{ L("f 644 1 a old;"), L("f 644 9 z old;"), NULL, NULL },	/* two effects: looked at below */
	{ L("f 644 1 a \xff;"), L("f 644 1 a \xfe;"), NULL, "binary, or not UTF-8" },
	{ L("f 644 1 a hunter22;"), L("f 644 1 a hunter22;hunter23;"), "--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n ***\n+hunter23\n", NULL },
	{ L("f 644 9 z z"), L("f 644 9 z z", "tree 3", "=f 644 8 p old;", "f 644 9 p new;"), "--- a/p\n+++ b/p\n@@ -1 +1 @@\n-old\n+new\n", NULL },
	{ L("f 644 1 a x"), L("f 644 0 a yy"), NULL, "its content could not be read" },
	{ L("f 644 1 a x"), L("f 600 1 a x"), NULL, NULL },
};

static void test_diffs(void **state)
{
	struct redactor *redactor = redactor_new();

	(void)state;
	redactor_add(redactor, "hunter22", 8);
	for (size_t i = 0; i < ARRAY_SIZE(diffs); i++) {
		const struct effects_options options = { .system = true, .diff = true, .scratch = "/tmp", .redactor = redactor };
		struct effects e = { .known = false };
		struct effects_tracker *t;

		fake.lines = diffs[i].before;
		t = effects_start(NULL, &options);
		fake.lines = diffs[i].after;
		effects_after_step(t, &e);
		assert_in_range(e.len, 1, 2);
		if (e.len == 2)
			assert_string_equal(e.items[0].diff, "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n");
		else if (diffs[i].diff)
			assert_string_equal(e.items[0].diff, diffs[i].diff);
		else
			assert_null(e.items[0].diff);
		if (diffs[i].note)
			assert_string_equal(e.items[0].diff_note, diffs[i].note);
		else
			assert_null(e.items[0].diff_note);
		effects_release(&e);
		effects_tracker_free(t);
	}
	redactor_free(redactor);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_compare), cmocka_unit_test(test_run), cmocka_unit_test(test_diffs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
