/* SPDX-License-Identifier: Apache-2.0
 * db: what is put in comes out, files that are not to be trusted are refused and left alone, and neither a full disk nor a killed writer
 * tears anything. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "runner/base/db.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "tests/unit/must.h"

static char dir[64], path[80];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/db_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/x.db", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree_at(AT_FDCWD, dir, NULL);
}

static struct db *open_db(unsigned int version)
{
	struct error err = { 0 };
	struct db *db = NULL;

	if (db_open(path, version, &db, &err) < 0)
		print_error("%s\n", err.text);
	must(db != NULL);
	return db;
}

static void make_table(struct db *db)
{
	must(db_exec(db, "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x BLOB) STRICT", NULL) == 0);
}

static int insert(struct db *db, int64_t n, const void *data, size_t len, struct error *err)
{
	struct db_query *q = db_prepare(db, "INSERT INTO t VALUES (?1, ?2)", err);

	if (!q)
		return -1;
	db_bind_int(q, 1, n);
	db_bind_blob(q, 2, data, len);
	return db_run(q, err);
}

static int64_t number(struct db *db, const char *sql)
{
	struct db_query *q = db_prepare(db, sql, NULL);
	int64_t n;

	must(q && db_step(q, NULL) == 1);
	n = db_int(q, 0);
	db_done(q);
	return n;
}

static void keeps_what_is_put_in(void **state)
{
	static const char *const texts[] = { "", "plain", "it's 'quoted'; DROP TABLE t", "\xc3\xa4\xe2\x82\xac" };
	static const int64_t numbers[] = { 0, -1, INT64_MAX, INT64_MIN };
	struct db *db = open_db(1);
	struct db_query *q;
	struct stat st;
	size_t len;

	(void)state;
	must(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	assert_int_equal(db_version(db), 0);
	must(db_exec(db, "CREATE TABLE k (id INTEGER PRIMARY KEY, text TEXT, n INTEGER, data BLOB) STRICT", NULL) == 0);
	must(db_set_version(db, 1, NULL) == 0);
	for (int i = 0; i < 4; i++) {
		q = db_prepare(db, "INSERT INTO k VALUES (?1, ?2, ?3, ?4)", NULL);
		db_bind_int(q, 1, i);
		db_bind_text(q, 2, texts[i]);
		db_bind_int(q, 3, numbers[i]);
		db_bind_blob(q, 4, "a\0b", 3);
		must(db_run(q, NULL) == 0);
		assert_int_equal(db_changes(db), 1);
	}
	q = db_prepare(db, "INSERT INTO k VALUES (?1, ?2, ?3, ?4)", NULL);	/* what was bound before is forgotten */
	db_bind_int(q, 1, 4);
	db_bind_text(q, 2, NULL);
	must(db_run(q, NULL) == 0);
	db_close(db);

	db = open_db(1);
	assert_int_equal(db_version(db), 1);
	q = db_prepare(db, "SELECT text, n, data FROM k ORDER BY id", NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(db_step(q, NULL), 1);
		assert_string_equal(db_text(q, 0), texts[i]);
		assert_int_equal(db_int(q, 1), numbers[i]);
		assert_memory_equal(db_blob(q, 2, &len), "a\0b", 3);
		assert_int_equal(len, 3);
	}
	assert_int_equal(db_step(q, NULL), 1);
	assert_true(db_is_null(q, 0) && db_is_null(q, 1) && db_is_null(q, 2));
	assert_null(db_text(q, 0));
	assert_int_equal(db_step(q, NULL), 0);
	db_done(q);
	db_done(NULL);
	db_close(db);
	db_close(NULL);
}

static void asks_the_same_within_itself(void **state)
{
	static const char sql[] = "SELECT n FROM t ORDER BY n";
	struct db *db = open_db(1);
	struct db_query *outer, *inner;
	int seen = 0;

	(void)state;
	make_table(db);
	for (int i = 0; i < 3; i++)
		must(insert(db, i, "", 0, NULL) == 0);
	outer = db_prepare(db, sql, NULL);
	while (db_step(outer, NULL) > 0) {
		inner = db_prepare(db, sql, NULL);
		assert_ptr_not_equal(inner, outer);
		for (int i = 0; i < 3; i++, seen++) {
			assert_int_equal(db_step(inner, NULL), 1);
			assert_int_equal(db_int(inner, 0), i);
		}
		db_done(inner);
	}
	db_done(outer);
	assert_int_equal(seen, 9);
	assert_ptr_equal(db_prepare(db, sql, NULL), outer);	/* kept */
	db_done(outer);
	db_close(db);
}

static void undoes_what_is_not_committed(void **state)
{
	struct db *db = open_db(1);
	struct error err = { 0 };

	(void)state;
	make_table(db);
	must(db_begin(db, NULL) == 0 && insert(db, 1, "x", 1, NULL) == 0);
	db_rollback(db);
	db_rollback(db);
	must(db_begin(db, NULL) == 0 && insert(db, 2, "x", 1, NULL) == 0 && db_commit(db, NULL) == 0);
	assert_int_equal(number(db, "SELECT sum(n) FROM t"), 2);
	assert_int_equal(insert(db, 2, "x", 1, &err), -1);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_non_null(strstr(err.text, "UNIQUE"));
	assert_int_equal(insert(db, 3, "x", 1, NULL), 0);
	assert_int_equal(db_commit(db, NULL), -1);		/* none has begun */
	assert_null(db_prepare(db, "SELECT nothing FROM nowhere", &err));
	db_close(db);
}

static void names_who_has_it(void **state)
{
	struct db *db = open_db(1), *second = NULL;
	struct error err = { 0 };
	char wanted[32];
	int ends[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(db_open(path, 1, &second, &err), -1);		/* in this very process, too */
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	db_close(db);
	must(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		in_child = true;
		db = open_db(1);
		must(write(ends[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	close(ends[1]);
	must(read(ends[0], &c, 1) == 1);
	close(ends[0]);
	err = (struct error){ 0 };
	assert_int_equal(db_open(path, 1, &second, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	snprintf(wanted, sizeof(wanted), "in use by process %d (db_test)", (int)pid);
	if (!strstr(err.text, wanted))
		print_error("%s\n", err.text);
	assert_non_null(strstr(err.text, wanted));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	db_close(open_db(1));
}

/* ---- files that are not to be trusted */

static void fill(struct db *db, int rows)
{
	char data[900];

	memset(data, 'x', sizeof(data));
	make_table(db);
	must(db_begin(db, NULL) == 0);
	for (int i = 1; i <= rows; i++)
		must(insert(db, i, data, sizeof(data), NULL) == 0);
	must(db_set_version(db, 1, NULL) == 0 && db_commit(db, NULL) == 0);
}

static void write_file(const char *text)
{
	must(file_write_atomic(path, text, strlen(text), 0600, NULL) == 0);
}

static void make_text(void) { write_file("this is a letter to my bank, which is longer than the header of a database, that is one hundred bytes"); }
static void make_short(void) { write_file("x"); }
static void make_folder(void) { must(mkdir(path, 0700) == 0); }
static void make_fifo(void) { must(mkfifo(path, 0600) == 0); }
static void make_loop(void) { must(symlink("x.db", path) == 0); }

static void make_foreign(void)
{
	struct db *db = open_db(1);

	fill(db, 10);
	must(db_exec(db, "PRAGMA application_id=0", NULL) == 0);
	db_close(db);
}

static void make_newer(void)
{
	struct db *db = open_db(9);

	fill(db, 10);
	must(db_set_version(db, 9, NULL) == 0);
	db_close(db);
}

static void overwrite(off_t at, size_t len)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	char junk[4096];

	memset(junk, 0x5a, sizeof(junk));
	must(fd >= 0 && len <= sizeof(junk) && pwrite(fd, junk, len, at) == (ssize_t)len);
}

static void make_cut(void)
{
	struct db *db = open_db(1);
	struct stat st;

	fill(db, 100);
	db_close(db);
	must(stat(path, &st) == 0 && truncate(path, st.st_size / 2 / 4096 * 4096) == 0);
}

static void make_page(void)
{
	struct db *db = open_db(1);

	fill(db, 100);
	db_close(db);
	overwrite(10 * 4096, 4096);
}

static void make_schema(void)
{
	struct db *db = open_db(1);

	fill(db, 100);
	db_close(db);
	overwrite(100, 8);
}

static void make_big_unclean(void)
{
	struct db *db;
	pid_t pid;

	db = open_db(1);
	make_table(db);
	must(db_exec(db, "INSERT INTO t SELECT value, zeroblob(1048576) FROM (WITH RECURSIVE c (value) AS (SELECT 1 UNION ALL SELECT value + 1"
			 " FROM c WHERE value < 66) SELECT value FROM c)", NULL) == 0 && db_set_version(db, 1, NULL) == 0);
	db_close(db);
	overwrite(4096, 4096);
	db = open_db(1);	/* that much is not read through as long as all seems well */
	db_close(db);
	pid = fork();
	if (pid == 0) {
		in_child = true;
		db = open_db(1);
		must(db_exec(db, "PRAGMA wal_autocheckpoint=0; CREATE TABLE u (n)", NULL) == 0);
		_exit(0);	/* as a death: the log is left behind */
	}
	must(waitpid(pid, NULL, 0) == pid);
}

static void refuses_what_is_not_to_be_trusted(void **state)
{
	static const struct {
		const char *what;
		void (*make)(void);
		const char *says;
	} rows[] = {
		{ "a text", make_text, "' is no database: move it aside" },
		{ "a byte", make_short, "' is no database: move it aside" },
		{ "a folder", make_folder, "is no regular file: move it aside" },
		{ "a FIFO", make_fifo, "is no regular file: move it aside" },
		{ "a loop of links", make_loop, "cannot make '" },
		{ "of another program", make_foreign, "' is a database of another program: move it aside" },
		{ "of a newer version", make_newer, "made by a newer version (its format is 9, this one knows 1)" },
		{ "cut off", make_cut, "' is damaged (" },
		{ "a page overwritten", make_page, "' is damaged (" },
		{ "the schema overwritten", make_schema, "' is damaged (" },
		{ "large, and left by a death", make_big_unclean, "' is damaged (" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autostrbuf struct strbuf before = STRBUF_INIT(STRBUF_NO_MAX);
		autostrbuf struct strbuf after = STRBUF_INIT(STRBUF_NO_MAX);
		struct error err = { 0 };
		struct db *db = NULL;
		bool is_file;

		rows[i].make();
		is_file = file_read(path, &before, NULL) == 0;
		if (db_open(path, 1, &db, &err) == 0)
			print_error("%s was opened\n", rows[i].what);
		assert_null(db);
		assert_int_equal(err.code, ERR_UNAVAILABLE);
		if (!strstr(err.text, rows[i].says))
			print_error("%s: %s\n", rows[i].what, err.text);
		assert_non_null(strstr(err.text, rows[i].says));
		if (is_file) {
			must(file_read(path, &after, NULL) == 0);
			assert_true(before.len == after.len && !memcmp(before.buf, after.buf, before.len));
		}
		must(remove_tree_at(AT_FDCWD, dir, NULL) == 0 && mkdir(dir, 0700) == 0);
	}
	write_file("");		/* who was killed before the first page had it */
	db_close(open_db(1));
}

static void says_so_when_damage_is_met_later(void **state)
{
	struct db *db = open_db(1);
	struct error err = { 0 };
	struct db_query *q;
	int rc;

	(void)state;
	fill(db, 4000);		/* more than the cache holds */
	db_close(db);
	db = open_db(1);
	for (int page = 500; page < 520; page++)
		overwrite((off_t)page * 4096, 4096);
	q = db_prepare(db, "SELECT n, x FROM t", NULL);
	while ((rc = db_step(q, &err)) > 0)
		;
	db_done(q);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_non_null(strstr(err.text, "is damaged"));
	db_close(db);
}

/* ---- no room */

/* Rows until none goes in any more; then, with room, another. */
static int64_t fill_up(struct db *db, struct error *err)
{
	static char data[20000];
	int64_t n = number(db, "SELECT count(*) FROM t");

	while (n < 10000 && insert(db, n + 1, data, sizeof(data), err) == 0)
		n++;
	return n;
}

static void check_full(struct db *db, const struct error *err, int64_t n)
{
	if (err->code != ERR_RESOURCE_EXHAUSTED)
		print_error("%s\n", err->text);
	must(err->code == ERR_RESOURCE_EXHAUSTED && strstr(err->text, "no room to write '"));
	must(n > 1 && number(db, "SELECT count(*) FROM t") == n && number(db, "SELECT max(n) FROM t") == n);
}

static void check_usable(int64_t n)
{
	struct db *db = open_db(1);

	must(number(db, "SELECT count(*) FROM t") == n && number(db, "SELECT count(*) FROM pragma_quick_check WHERE quick_check = 'ok'") == 1);
	must(insert(db, n + 1, "x", 1, NULL) == 0);
	db_close(db);
}

static void survives_a_limit_of_pages(void **state)
{
	struct db *db = open_db(1);
	struct error err = { 0 };
	int64_t n;

	(void)state;
	make_table(db);
	must(db_exec(db, "PRAGMA max_page_count=200", NULL) == 0);
	n = fill_up(db, &err);
	check_full(db, &err, n);
	must(db_begin(db, NULL) == 0);		/* within a transaction: all of it goes */
	must(insert(db, 10001, "x", 1, NULL) == 0);
	fill_up(db, &err);
	db_rollback(db);
	check_full(db, &err, n);
	must(db_exec(db, "PRAGMA max_page_count=100000", NULL) == 0);
	must(insert(db, n + 1, "x", 1, NULL) == 0);
	db_close(db);
	check_usable(n + 1);
}

static void in_a_child(void (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		in_child = true;
		what();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void limited_in_size(void)
{
	const struct rlimit limit = { .rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY };
	struct rlimit old;
	struct error err = { 0 };
	struct db *db = open_db(1);
	int64_t n;

	signal(SIGXFSZ, SIG_IGN);
	make_table(db);
	must(getrlimit(RLIMIT_FSIZE, &old) == 0);
	must(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ limit.rlim_cur, old.rlim_max }) == 0);
	n = fill_up(db, &err);
	check_full(db, &err, n);
	must(err.sys == EFBIG);
	must(setrlimit(RLIMIT_FSIZE, &old) == 0);
	must(insert(db, n + 1, "x", 1, NULL) == 0);
	db_close(db);
	check_usable(n + 1);
}

static void on_a_small_disk(void)
{
	char big[100];
	struct error err = { 0 };
	struct db *db = NULL;
	int64_t n;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700") < 0)
		_exit(77);
	snprintf(big, sizeof(big), "%s/big", dir);
	fd = open(big, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && posix_fallocate(fd, 0, 4 << 20) == 0);	/* not even a new one can be made */
	must(db_open(path, 1, &db, &err) < 0 && err.code == ERR_RESOURCE_EXHAUSTED);
	must(ftruncate(fd, 2 << 20) == 0);
	db = open_db(1);
	make_table(db);
	err = (struct error){ 0 };
	n = fill_up(db, &err);
	check_full(db, &err, n);
	must(err.sys == ENOSPC);
	must(ftruncate(fd, 0) == 0);
	must(insert(db, n + 1, "x", 1, NULL) == 0);
	db_close(db);
	close(fd);
	check_usable(n + 1);
}

static void survives_a_limit_of_size(void **state) { (void)state; in_a_child(limited_in_size); }
static void survives_a_full_disk(void **state) { (void)state; in_a_child(on_a_small_disk); }

/* ---- death */

/* Two rows a transaction; says the number of each that is committed. */
static void write_for_ever(int fd)
{
	struct db *db = open_db(1);
	int64_t n;

	make_table(db);
	for (n = number(db, "SELECT count(*) FROM t"); ; n += 2) {
		must(db_begin(db, NULL) == 0 && insert(db, n + 1, "aaaa", 4, NULL) == 0 && insert(db, n + 2, "bbbb", 4, NULL) == 0);
		must(db_commit(db, NULL) == 0);
		must(write(fd, &n, sizeof(n)) == sizeof(n));
	}
}

static void survives_the_death_of_a_writer(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		int64_t last = -1, n;
		struct db *db;
		int ends[2];
		pid_t pid;

		must(pipe(ends) == 0);
		pid = fork();
		if (pid == 0) {
			in_child = true;
			close(ends[0]);
			write_for_ever(ends[1]);
		}
		close(ends[1]);
		for (int i = 0; i < 1 + round * 7 && read(ends[0], &n, sizeof(n)) == sizeof(n); i++)
			last = n;
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
		while (read(ends[0], &n, sizeof(n)) == sizeof(n))
			last = n;
		close(ends[0]);
		db = open_db(1);
		n = number(db, "SELECT count(*) FROM t");
		must(last >= 0 && n >= last + 2 && n % 2 == 0 && number(db, "SELECT max(n) FROM t") == n);
		db_close(db);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(keeps_what_is_put_in),
		CASE(asks_the_same_within_itself),
		CASE(undoes_what_is_not_committed),
		CASE(names_who_has_it),
		CASE(refuses_what_is_not_to_be_trusted),
		CASE(says_so_when_damage_is_met_later),
		CASE(survives_a_limit_of_pages),
		CASE(survives_a_limit_of_size),
		CASE(survives_a_full_disk),
		CASE(survives_the_death_of_a_writer),
	};

	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
