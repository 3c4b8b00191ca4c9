/* SPDX-License-Identifier: Apache-2.0
 * journal: what is promised on disk, whom it believes, and that dying anywhere loses nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <grp.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "runner/base/clock.h"
#include "tests/unit/runner/fake_world.h"

#define USER 1000

/* ---- names */

static void test_run_id(void **unused)
{
	char seen[200][RUN_ID_SIZE];
	(void)unused;

	for (int i = 0; i < 200; i++) {
		run_id_make(seen[i]);
		assert_int_equal(strlen(seen[i]), 28);
		assert_int_equal(strncmp(seen[i], "r-", 2), 0);
		assert_int_equal(strspn(seen[i] + 2, "abcdefghijklmnopqrstuvwxyz234567"), 26);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
	for (int at = 2; at < 27; at++) {	/* every place carries chance */
		bool varies = false;

		for (int i = 1; i < 200; i++)
			varies |= seen[i][at] != seen[0][at];
		assert_true(varies);
	}
}

static void set_or_unset(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void test_state_dir(void **unused)
{
	static const struct {
		const char *option, *variable, *xdg, *home, *want;
	} cases[] = {
		{ "/o", "/v", "/x", "/h", "/o" },
		{ NULL, "/v", "/x", "/h", "/v" },
		{ NULL, "", "/x", "/h", "/x/sandbox_runner" },
		{ NULL, NULL, "/x", "/h", "/x/sandbox_runner" },
		{ NULL, NULL, "relative", "/h", "/h/.local/state/sandbox_runner" },
		{ NULL, NULL, NULL, "/h", "/h/.local/state/sandbox_runner" },
		{ "o/p", NULL, NULL, NULL, "/tmp/o/p" },
		{ NULL, "v", NULL, NULL, "/tmp/v" },
		{ "", "/v", "/x", "/h", NULL },
	};
	(void)unused;

	assert_int_equal(chdir("/tmp"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { .code = ERR_OK };
		autofree char *got = NULL;

		set_or_unset("SANDBOX_RUNNER_STATE_DIR", cases[i].variable);
		set_or_unset("XDG_STATE_HOME", cases[i].xdg);
		set_or_unset("HOME", cases[i].home);
		got = journal_state_dir(cases[i].option, &err);
		if (cases[i].want)
			assert_string_equal(got, cases[i].want);
		else
			assert_true(!got && err.code == ERR_USAGE);
	}
	unsetenv("SANDBOX_RUNNER_STATE_DIR");
}

/* ---- birth */

static bool is_locked(const char *path)
{
	autoclose int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void test_create(void **unused)
{
	struct error err = { .code = ERR_OK };
	autostrbuf struct strbuf text = STRBUF_INIT(1000);
	struct journal *j = NULL, *again = NULL;
	mode_t before = umask(0);
	char path[256];
	struct stat st;
	(void)unused;

	assert_int_equal(journal_create(state, "r-1", &j, &err), 0);
	umask(before);
	snprintf(path, sizeof(path), "%s/runs/r-1", state);
	assert_string_equal(journal_scratch(j), path);
	assert_int_equal(stat(state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(path, sizeof(path), "%s/runs/r-1/journal", state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(is_locked(path));
	assert_true(fcntl(journal_fd(j), F_GETFD) & FD_CLOEXEC);
	assert_int_equal(file_read(path, &text, NULL), 0);
	assert_int_equal(strncmp(text.buf, "{\"type\":\"run\",\"version\":1,\"run_id\":\"r-1\",\"pid\":", 47), 0);
	assert_int_equal(text.buf[text.len - 1], '\n');

	assert_int_equal(journal_create(state, "r-1", &again, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(journal_create(state, "../x", &again, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(journal_finish(j, NULL, &err), 0);
	assert_int_equal(count_runs(), 0);
}

static void test_intent_is_written_first(void **unused)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4000);
	struct error err = { .code = ERR_OK };
	struct journal *j = NULL;
	struct sandbox_ref ref;
	char path[256];
	(void)unused;

	assert_int_equal(journal_create(state, "r-1", &j, &err), 0);
	ref = ref_of(j, "box");
	assert_int_equal(journal_intent(j, &ref, &err), 0);
	snprintf(path, sizeof(path), "%s/runs/r-1/journal", state);
	assert_int_equal(file_read(path, &text, NULL), 0);
	assert_non_null(strstr(text.buf, "{\"type\":\"intent\",\"backend\":\"native\",\"endpoint\":\".\",\"id\":\"box\"}\n"));
	assert_int_equal(journal_gone(j, &ref, &err), 0);
	strbuf_clear(&text);
	assert_int_equal(file_read(path, &text, NULL), 0);
	assert_non_null(strstr(text.buf, "{\"type\":\"gone\",\"id\":\"box\"}\n"));

	/* what a replay would not believe is not written either */
	snprintf(ref.endpoint, sizeof(ref.endpoint), "/");
	assert_int_equal(journal_intent(j, &ref, &err), -1);
	ref = ref_of(j, "UPPER");
	assert_int_equal(journal_intent(j, &ref, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_int_equal(journal_finish(j, NULL, &err), 0);
	assert_int_equal(fake.destroyed.len, 0);	/* it was gone */
}

/* ---- state folders that cannot be used: a sentence with the remedy, and nothing left behind */

static void must_refuse(const char *dir, const char *says)
{
	struct error err = { .code = ERR_OK };
	struct journal *j = NULL;

	must(journal_create(dir, "r-1", &j, &err) == -1);
	if (err.code != ERR_UNAVAILABLE || !strstr(err.text, says) ||
	    !strstr(err.text, "choose another one by --state-dir DIR or $SANDBOX_RUNNER_STATE_DIR"))
		print_error("%s: got: %s\n", says, err.text);
	must(err.code == ERR_UNAVAILABLE);
	must(strstr(err.text, says));
	must(strstr(err.text, "choose another one by --state-dir DIR or $SANDBOX_RUNNER_STATE_DIR"));
	must(!j);
}

static void refuse_as_user(void *arg)
{
	(void)arg;
	must(geteuid() != 0 || (setgroups(0, NULL) == 0 && setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0));
	must_refuse("/proc/sbx", "No such file or directory");
	must_refuse("/root/sbx/state", "Permission denied");
}

static void test_refused_folders(void **unused)
{
	autofree char *file = xasprintf("%s/file", base);
	autofree char *below_file = xasprintf("%s/file/state", base);
	autofree char *runs = xasprintf("%s/runs", state);
	autofree char *longest = xasprintf("%s/%0200d/%0200d/%0200d", base, 1, 2, 3);
	(void)unused;

	assert_int_equal(file_write_atomic(file, "x", 1, 0600, NULL), 0);
	must_refuse(file, "Not a directory");
	must_refuse(below_file, "Not a directory");
	must_refuse(longest, "is too long");
	assert_int_equal(count_in(base), 2);		/* file, world: nothing was made on the way */

	assert_int_equal(make_dirs(runs, 0700, NULL), 0);
	assert_int_equal(chmod(state, 0770), 0);
	must_refuse(state, "others may write in the state folder");
	assert_int_equal(chmod(state, 0702), 0);
	must_refuse(state, "take that away with 'chmod go-w'");
	assert_int_equal(chmod(state, 0755), 0);	/* readable by others is the user's choice */
	assert_int_equal(chmod(runs, 0777), 0);
	must_refuse(state, "/runs'; take that away with 'chmod go-w'");
	assert_int_equal(chmod(runs, 0700), 0);
	assert_int_equal(rmdir(runs), 0);
	assert_int_equal(symlink("/tmp", runs), 0);
	must_refuse(state, "Not a directory");
	assert_int_equal(unlink(runs), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(state, USER, USER), 0);
		must_refuse(state, "belongs to user 1000, not to us (0)");
		assert_int_equal(in_fork(refuse_as_user, NULL), 0);
	}
}

/* A state folder on a file system of its own. false: not allowed to mount. */
static bool mount_state(const char *options)
{
	assert_int_equal(make_dirs(state, 0700, NULL), 0);
	if (mount("sbx-test", state, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
		return true;
	print_message("# cannot mount here: %s\n", strerror(errno));
	return false;
}

static void test_read_only_state(void **unused)
{
	(void)unused;
	if (!mount_state("mode=0700"))
		skip();
	assert_int_equal(mount(NULL, state, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	must_refuse(state, "Read-only file system");
	assert_int_equal(umount2(state, MNT_DETACH), 0);
}

/* Out of files after 1, 2, 3 …: each is refused cleanly, until it works. */
static void test_no_inodes(void **unused)
{
	struct error err = { .code = ERR_OK };
	struct journal *j = NULL;
	int refused = 0;
	(void)unused;

	for (int files = 2; !j && files < 12; files++) {
		char options[64];

		snprintf(options, sizeof(options), "mode=0700,size=1m,nr_inodes=%d", files);
		if (!mount_state(options))
			skip();
		if (journal_create(state, "r-1", &j, &err) < 0) {
			refused++;
			assert_int_equal(err.code, ERR_UNAVAILABLE);
			assert_int_equal(err.sys, ENOSPC);
			assert_non_null(strstr(err.text, "choose another one by --state-dir"));
			assert_true(count_runs() <= 0);
		} else {
			assert_int_equal(journal_finish(j, NULL, &err), 0);
			assert_int_equal(count_runs(), 0);
		}
		assert_int_equal(umount2(state, MNT_DETACH), 0);
	}
	assert_non_null(j);
	assert_in_range(refused, 2, 4);
}

static void fill_disk(const char *path)
{
	static const char block[4096] = { 1 };
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
}

static void test_no_space(void **unused)
{
	autofree char *filler = xasprintf("%s/filler", state);
	autofree char *runs = xasprintf("%s/runs", state);
	struct error err = { .code = ERR_OK };
	struct journal *j = NULL;
	struct sandbox_ref ref;
	(void)unused;

	if (!mount_state("mode=0700,size=64k"))
		skip();
	assert_int_equal(make_dirs(runs, 0700, NULL), 0);
	fill_disk(filler);
	must_refuse(state, "No space left on device");		/* the run record has no room */
	assert_int_equal(count_runs(), 0);

	/* the disk fills up between birth and intent: the page of the journal is there, but no second one */
	assert_int_equal(unlink(filler), 0);
	assert_int_equal(journal_create(state, "r-1", &j, &err), 0);
	fill_disk(filler);
	ref = ref_of(j, "box");
	for (int i = 0; i < 200 && journal_intent(j, &ref, &err) == 0; i++)
		;
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(err.sys, ENOSPC);
	assert_non_null(strstr(err.text, "writing the journal of run 'r-1'"));
	assert_int_equal(journal_finish(j, NULL, &err), 0);	/* cleaning needs no space */
	assert_int_equal(count_runs(), 0);
	assert_int_equal(umount2(state, MNT_DETACH), 0);
}

/* ---- the end of a run */

static const struct cleanup_item *find_item(const struct cleanup_list *list, const char *kind, const char *name)
{
	for (size_t i = 0; i < list->len; i++)
		if (!strcmp(list->items[i].kind, kind) && strstr(list->items[i].name, name))
			return &list->items[i];
	return NULL;
}

static void test_finish(void **unused)
{
	struct cleanup_list list = { 0 };
	struct error err = { .code = ERR_OK };
	struct journal *j = run_begin("r-1", "one");
	struct sandbox_ref two = ref_of(j, "two"), three = ref_of(j, "three");
	autofree char *want = xasprintf("native %s one", journal_scratch(j));
	(void)unused;

	assert_int_equal(journal_intent(j, &two, &err), 0);
	world_add("two");
	assert_int_equal(journal_intent(j, &three, &err), 0);	/* created and already gone */
	assert_int_equal(journal_gone(j, &three, &err), 0);
	put_in_scratch(j, "file");
	assert_int_equal(journal_finish(j, &list, &err), 0);

	assert_int_equal(fake.destroyed.len, 2);	/* in reverse order, with the endpoint spelled out */
	assert_non_null(strstr(fake.destroyed.items[0], " two"));
	assert_string_equal(fake.destroyed.items[1], want);
	assert_int_equal(count_in(world), 0);
	assert_int_equal(count_runs(), 0);
	assert_true(find_item(&list, "directory", "/runs/r-1")->gone);
	assert_string_equal(find_item(&list, "directory", "/runs/r-1")->proof, "ENOENT");
	cleanup_list_release(&list);
}

static void test_finish_incomplete(void **unused)
{
	struct cleanup_list list = { 0 };
	struct error err = { .code = ERR_OK };
	struct replay_stats stats = { 0 };
	struct journal *j = run_begin("r-1", "one");
	struct sandbox_ref two = ref_of(j, "two");
	(void)unused;

	assert_int_equal(journal_intent(j, &two, &err), 0);
	world_add("two");
	fake.stuck = "one";
	assert_int_equal(journal_finish(j, &list, &err), -1);
	assert_int_equal(err.code, ERR_CLEANUP);
	assert_non_null(strstr(err.text, "1 of 2 sandboxes of run 'r-1' could not be removed: 'one' is stuck"));
	assert_false(find_item(&list, "sandbox", "one")->gone);
	assert_int_equal(count_runs(), 1);

	/* gc names it as long as it is there, and does not ask again for what is gone */
	strvec_release(&fake.destroyed);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), -1);
	assert_int_equal(err.code, ERR_CLEANUP);
	assert_true(stats.failed == 1 && stats.cleaned == 0 && stats.alive == 0);
	assert_int_equal(fake.destroyed.len, 1);
	fake.stuck = NULL;
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_true(stats.failed == 0 && stats.cleaned == 1);
	assert_int_equal(count_runs(), 0);
	assert_int_equal(count_in(world), 0);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_true(stats.failed == 0 && stats.cleaned == 0 && stats.alive == 0);
	cleanup_list_release(&list);
}

/* ---- replay */

static void write_file(const char *relative, const char *text, size_t len)
{
	autofree char *path = xasprintf("%s/runs/%s", state, relative);
	autofree char *folder = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(make_dirs(folder, 0700, NULL), 0);
	assert_int_equal(file_write_atomic(path, text, len, 0600, NULL), 0);
}

static void test_replay_all_nothing(void **unused)
{
	autofree char *absent = xasprintf("%s/absent", base);
	struct error err = { .code = ERR_OK };
	struct replay_stats stats = { 0 };
	struct journal *j = NULL;
	uint64_t start;
	(void)unused;

	assert_int_equal(journal_replay_all(absent, &stats, NULL, &err), 0);
	assert_int_equal(access(absent, F_OK), -1);	/* looking makes nothing */
	assert_int_equal(make_dirs(state, 0700, NULL), 0);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_int_equal(fake.sweeps, 2);		/* a lost state folder must not hide what has a label */
	assert_int_equal(journal_create(state, "r-1", &j, &err), 0);
	assert_int_equal(journal_finish(j, NULL, &err), 0);
	start = clock_monotonic_ns();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(journal_replay_all(state, NULL, NULL, &err), 0);
	assert_in_range((clock_monotonic_ns() - start) / 1000, 0, 200 * 1000);	/* every start pays this */
}

static void test_replay_all_spares_the_living(void **unused)
{
	struct error err = { .code = ERR_OK };
	struct replay_stats stats = { 0 }, look = { .dry_run = true };
	struct cleanup_list list = { 0 };
	struct journal *alive = run_begin("r-alive", "alive");
	struct journal *dead = run_begin("r-dead", "dead");
	char path[300];
	(void)unused;

	journal_close(dead);		/* what the kernel does with a process that dies */
	assert_int_equal(journal_replay_all(state, &look, &list, &err), 0);
	assert_true(look.alive == 1 && look.cleaned == 0 && look.failed == 1);
	assert_int_equal(list.len, 1);
	assert_non_null(strstr(list.items[0].name, "r-dead"));
	assert_int_equal(count_in(world), 2);
	assert_int_equal(fake.sweeps, 0);
	cleanup_list_release(&list);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_true(stats.alive == 1 && stats.cleaned == 1 && stats.failed == 0);
	assert_int_equal(count_in(world), 1);
	snprintf(path, sizeof(path), "%s/journal", journal_scratch(alive));
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(journal_finish(alive, NULL, &err), 0);
	assert_int_equal(count_in(world), 0);
}

static void make_odd_socket(const char *path)
{
	assert_int_equal(mknod(path, S_IFSOCK | 0600, 0), 0);
}

static void test_replay_all_odd_folders(void **unused)
{
	struct error err = { .code = ERR_OK };
	struct replay_stats stats = { 0 };
	struct cleanup_list list = { 0 };
	char path[512];
	(void)unused;

	assert_int_equal(mkdir(state, 0700), 0);
	write_file("r-no-journal/deep/file", "x", 1);
	snprintf(path, sizeof(path), "%s/runs/r-empty", state);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("r-link/file", "x", 1);
	snprintf(path, sizeof(path), "%s/precious", base);
	assert_int_equal(file_write_atomic(path, "precious", 8, 0600, NULL), 0);
	snprintf(path, sizeof(path), "%s/runs/r-link/journal", state);
	assert_int_equal(symlink("../../../precious", path), 0);
	write_file("r-fifo/file", "x", 1);
	snprintf(path, sizeof(path), "%s/runs/r-fifo/journal", state);
	assert_int_equal(mkfifo(path, 0600), 0);
	write_file("r-socket/file", "x", 1);
	snprintf(path, sizeof(path), "%s/runs/r-socket/journal", state);
	make_odd_socket(path);
	write_file("r-folder/journal/file", "x", 1);
	assert_int_equal(journal_replay_all(state, &stats, &list, &err), 0);
	assert_true(stats.alive == 0 && stats.cleaned == 6 && stats.failed == 0);
	assert_int_equal(count_runs(), 0);
	assert_true(find_item(&list, "directory", "r-empty")->gone);
	snprintf(path, sizeof(path), "%s/precious", base);
	assert_int_equal(access(path, F_OK), 0);

	/* what we never make is not ours: names that are no ids, files, links */
	write_file("Not ours/file", "x", 1);
	write_file("plain-file", "x", 1);
	snprintf(path, sizeof(path), "%s/runs/a-link", state);
	assert_int_equal(symlink("../..", path), 0);
	assert_int_equal(journal_replay_all(state, &stats, NULL, &err), 0);
	assert_true(stats.alive == 0 && stats.cleaned == 0 && stats.failed == 0);
	assert_int_equal(count_runs(), 3);
	assert_int_equal(fake.destroyed.len, 0);
	cleanup_list_release(&list);
}

#define RUN "{\"type\":\"run\",\"version\":1,\"run_id\":\"r-1\",\"pid\":1,\"started\":\"x\"}\n"
#define INTENT(id) "{\"type\":\"intent\",\"backend\":\"native\",\"endpoint\":\".\",\"id\":\"" id "\"}\n"
#define INTENT_AT(backend, endpoint, id) \
	"{\"type\":\"intent\",\"backend\":\"" backend "\",\"endpoint\":\"" endpoint "\",\"id\":\"" id "\"}\n"
#define GONE(id) "{\"type\":\"gone\",\"id\":\"" id "\"}\n"
#define ID63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static const struct journal_case {
	const char *text;
	size_t len;		/* 0: strlen */
	const char *destroyed;	/* ids, in order */
	int rc;
	const char *note;	/* in the certificate */
	const char *comment;
} journal_cases[] = {
	{ "", 0, "", 0, NULL, "died before the first record" },
	{ RUN, 0, "", 0, NULL, "died before the first intent" },
	{ RUN INTENT("a") INTENT("b"), 0, "b a", 0, NULL, "reverse order" },
	{ RUN INTENT("a") INTENT("b") GONE("b"), 0, "a", 0, NULL, "one is gone" },
	{ RUN INTENT("a") GONE("a") INTENT("a"), 0, "a", 0, NULL, "made again" },
	{ RUN INTENT("a") INTENT("a"), 0, "a", 0, NULL, "said twice" },
	{ RUN "{\"type\":\"intent\",\"backend\":\"nat", 0, "", 0, NULL, "torn last line" },
	{ RUN INTENT("a") "{\"type\":\"gone\",\"id\":\"a\"}", 0, "a", 0, NULL, "torn just before the newline: not there" },
	{ RUN "rubbish\n\n" INTENT("a"), 0, "a", 0, "2 damaged lines were ignored, the first is line 2", "rubbish" },
	{ RUN "{\"type\":\"lease\",\"x\":[1,{}]}\n" INTENT("a"), 0, "a", 0, NULL, "a type of later" },
	{ "\0\0\0\n" INTENT("a"), 4 + sizeof(INTENT("a")) - 1, "a", 0, "1 damaged lines", "zeros, as after a power cut" },
	{ "\xff\xfe\n\"\n[[[[\n7\nnull\n{}\n{\"type\":7}\n" INTENT("a"), 0, "a", 0, "7 damaged lines", "not records" },
	{ INTENT_AT("native", "/", "a"), 0, "", 0, "1 damaged", "endpoint is the root" },
	{ INTENT_AT("native", "..", "a"), 0, "", 0, "1 damaged", "endpoint is the runs" },
	{ INTENT_AT("native", "", "a"), 0, "", 0, "1 damaged", "no endpoint" },
	{ INTENT_AT("native", "./../r-2", "a"), 0, "", 0, "1 damaged", "endpoint is somebody else's" },
	{ INTENT("../x") INTENT("") INTENT("A") INTENT("a/b") INTENT("a b") INTENT("a\\u0000b"), 0, "", 0, "6 damaged", "ids" },
	{ INTENT(ID63) INTENT("-"), 0, "- " ID63, 0, NULL, "odd but allowed ids" },
	{ INTENT(ID63 "4"), 0, "", 0, "1 damaged", "an id too long" },
	{ INTENT_AT("Native", ".", "a") INTENT_AT("../native", ".", "b"), 0, "", 0, "2 damaged", "no backend is called so" },
	{ INTENT_AT("kind", ".", "a") INTENT("b"), 0, "b", -1, "made by a backend that this version does not have", "later version" },
	{ "{\"type\":\"run\",\"version\":2}\n" INTENT("a"), 0, "", -1, "written by a newer version", "later format" },
	{ "{\"type\":\"run\"}\n" INTENT("a"), 0, "a", 0, "1 damaged", "run without version" },
	{ "{\"type\":\"intent\",\"backend\":\"native\",\"endpoint\":\".\",\"id\":7}\n", 0, "", 0, "1 damaged", "an id that is a number" },
	{ GONE("a") INTENT("b"), 0, "b", 0, NULL, "gone without intent" },
};

static void check_journal(const struct journal_case *c)
{
	struct cleanup_list list = { 0 };
	autostrbuf struct strbuf destroyed = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { .code = ERR_OK };
	bool noted = !c->note;
	int rc;

	strvec_release(&fake.destroyed);
	write_file("r-1/journal", c->text, c->len ? c->len : strlen(c->text));
	rc = journal_replay_all(state, NULL, &list, &err);
	for (size_t i = 0; i < fake.destroyed.len; i++)
		strbuf_addf(&destroyed, "%s%s", i ? " " : "", strrchr(fake.destroyed.items[i], ' ') + 1);
	for (size_t i = 0; i < list.len; i++)
		noted |= c->note && strstr(list.items[i].proof, c->note);
	if (rc != c->rc || strcmp(destroyed.buf, c->destroyed) || !noted)
		print_error("%s: rc %d, destroyed '%s', error '%s', noted %d\n", c->comment, rc, destroyed.buf, err.text, noted);
	assert_int_equal(rc, c->rc);
	assert_string_equal(destroyed.buf, c->destroyed);
	assert_true(noted);
	assert_int_equal(count_runs(), c->rc < 0 ? 1 : 0);
	cleanup_list_release(&list);
}

static void test_journals(void **unused)
{
	autofree char *run = xasprintf("%s/runs/r-1", state);
	(void)unused;

	assert_int_equal(mkdir(state, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(journal_cases); i++) {
		check_journal(&journal_cases[i]);
		assert_int_equal(remove_tree_at(AT_FDCWD, run, NULL), 0);
	}
}

static void test_huge_journal(void **unused)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { .code = ERR_OK };
	uint64_t start = clock_monotonic_ns();
	(void)unused;

	assert_int_equal(mkdir(state, 0700), 0);
	strbuf_addstr(&text, INTENT("first"));
	while (text.len < 8 << 20)
		strbuf_addf(&text, INTENT("x%zu"), text.len);
	write_file("r-1/journal", text.buf, text.len);
	assert_int_equal(journal_replay_all(state, NULL, NULL, &err), 0);
	assert_in_range(fake.destroyed.len, 1000, 4096);	/* JOURNAL_MAX_INTENTS */
	assert_int_equal(count_runs(), 0);
	assert_in_range((clock_monotonic_ns() - start) / NS_PER_MS, 0, 10000);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_id),
		cmocka_unit_test(test_state_dir),
		world_test(test_create),
		world_test(test_intent_is_written_first),
		world_test(test_refused_folders),
		world_test(test_read_only_state),
		world_test(test_no_inodes),
		world_test(test_no_space),
		world_test(test_finish),
		world_test(test_finish_incomplete),
		world_test(test_replay_all_nothing),
		world_test(test_replay_all_spares_the_living),
		world_test(test_replay_all_odd_folders),
		world_test(test_journals),
		world_test(test_huge_journal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
