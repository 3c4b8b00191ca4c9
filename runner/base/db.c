/* SPDX-License-Identifier: Apache-2.0
 *
 * The lock is SQLite's own, in exclusive mode: taken by the first look at the file and kept. With it the index of the write-ahead log lives in
 * our memory (no -shm file), and no statement after db_open() can find the file busy.
 *
 * How much of a file is checked before it is trusted: its size against its header and its schema always; every page (PRAGMA quick_check,
 * linear) when the file is small, and up to a gigabyte when a write-ahead log was left behind, which is what a death looks like. What is damaged
 * beyond that is met when it is read, and said then in the same words. */
#include "runner/base/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <sqlite3.h>

#include "runner/base/library.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"

#define APPLICATION_ID 0x53425852	/* "SBXR": in the header of every file of ours */
#define OLDEST_SQLITE 3037000		/* STRICT tables */
#define SMALLEST_FILE 512
#define CHECK_CLEAN_BYTES (INT64_C(64) << 20)
#define CHECK_UNCLEAN_BYTES (INT64_C(1) << 30)
#define SQL_TEXT(x) #x
#define SQL_NUMBER(x) SQL_TEXT(x)

#define FUNCTIONS(X) X(open_v2) X(close) X(exec) X(extended_result_codes) X(errmsg) X(system_errno) X(db_config) X(get_autocommit) X(changes) \
	X(libversion_number) X(prepare_v3) X(step) X(reset) X(clear_bindings) X(finalize) X(bind_text) X(bind_blob) X(bind_int64) \
	X(column_text) X(column_blob) X(column_bytes) X(column_int64) X(column_type)
#define POINTER(f) __typeof__(sqlite3_##f) *f;
/* Filled in once, constant from then on. */
static struct { FUNCTIONS(POINTER) } sqlite;
#undef POINTER

struct db_query {
	struct db *db;
	const char *sql;
	sqlite3_stmt *stmt;
	int bound;			/* the first thing that went wrong while binding */
	bool busy;
	bool kept;			/* in the list of its database; otherwise it ends with db_done() */
};

struct db {
	sqlite3 *handle;
	char *path;
	unsigned int version;
	struct db_query **queries;
	size_t queries_len, queries_alloc;
};

static int load(struct error *err)
{
#define SYMBOL(f) { "sqlite3_" #f, &sqlite.f },
	static const struct library_symbol symbols[] = { FUNCTIONS(SYMBOL) };
#undef SYMBOL
	static bool loaded;

	if (loaded)
		return 0;
	if (library_load("libsqlite3.so.0", "libsqlite3-0", symbols, ARRAY_SIZE(symbols), err) < 0)
		return -1;
	if (sqlite.libversion_number() < OLDEST_SQLITE)
		return error_set(err, ERR_UNAVAILABLE, "libsqlite3 is older than 3.37: a newer version is needed (Debian package libsqlite3-0)");
	loaded = true;
	return 0;
}

/* ---- what went wrong, and the way out */

/* Who has a lock on it. By /proc/locks: opening the file to ask would, on closing, drop the locks this process may have on it. */
static pid_t find_holder(const char *path)
{
	FILE *f = fopen("/proc/locks", "re");
	autofree char *line = NULL;
	size_t alloc = 0;
	pid_t holder = 0;
	struct stat st;

	if (f && stat(path, &st) == 0) {
		while (!holder && getline(&line, &alloc, f) > 0) {
			unsigned int major_id, minor_id;
			unsigned long inode;
			int pid;

			if (sscanf(line, "%*d: POSIX %*s %*s %d %x:%x:%lu", &pid, &major_id, &minor_id, &inode) == 4 &&
			    inode == st.st_ino && major_id == major(st.st_dev) && minor_id == minor(st.st_dev))
				holder = pid;
		}
	}
	if (f)
		fclose(f);
	return holder;
}

static int fail_busy(const struct db *db, struct error *err)
{
	pid_t pid = find_holder(db->path);
	char name[32] = "";
	autofree char *comm = xasprintf("/proc/%d/comm", (int)pid);
	FILE *f = pid > 0 ? fopen(comm, "re") : NULL;

	if (f) {
		if (fgets(name, sizeof(name), f))
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	if (pid > 0)
		return error_set(err, ERR_UNAVAILABLE, "'%s' is in use by process %d (%s): stop that first", db->path, (int)pid, *name ? name : "gone");
	return error_set(err, ERR_UNAVAILABLE, "'%s' is in use by another process: stop that first ('fuser %s' names it)", db->path, db->path);
}

static int fail_damaged(const struct db *db, const char *why, struct error *err)
{
	autofree char *wal = xasprintf("%s-wal", db->path);
	const bool has_wal = access(wal, F_OK) == 0;

	return error_set(err, ERR_UNAVAILABLE, "'%s' is damaged (%s): move it%s aside to begin anew; \"sqlite3 '%s' .recover\" prints what can be saved",
			 db->path, why, has_wal ? " and its -wal file" : "", db->path);
}

static bool is_no_room(int sys)
{
	return sys == ENOSPC || sys == EDQUOT || sys == EFBIG;
}

/* SQLite keeps no errno of a commit that fails; who calls it here has cleared ours. */
static int fail_io(const struct db *db, int rc, int sys, struct error *err)
{
	if (!sys)
		sys = sqlite.system_errno(db->handle);
	if (rc == SQLITE_FULL || is_no_room(sys)) {
		errno = is_no_room(sys) ? sys : ENOSPC;
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "no room to write '%s'", db->path);
	}
	if (!sys)
		return error_set(err, ERR_UNAVAILABLE, "cannot use '%s': %s", db->path, sqlite.errmsg(db->handle));
	errno = sys;
	return error_sys(err, ERR_UNAVAILABLE, "cannot use '%s'", db->path);
}

static int fail(const struct db *db, int rc, struct error *err)
{
	const int sys = errno;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fail_busy(db, err);
	case SQLITE_CORRUPT:
		return fail_damaged(db, sqlite.errmsg(db->handle), err);
	case SQLITE_NOTADB:
		return error_set(err, ERR_UNAVAILABLE, "'%s' is no database: move it aside", db->path);
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return fail_io(db, rc & 0xff, sys, err);
	case SQLITE_TOOBIG:
	case SQLITE_NOMEM:
		return error_set(err, ERR_RESOURCE_EXHAUSTED, "'%s': %s", db->path, sqlite.errmsg(db->handle));
	default:
		return error_set(err, ERR_INTERNAL, "'%s': %s", db->path, sqlite.errmsg(db->handle));
	}
}

/* ---- opening */

int db_exec(struct db *db, const char *sql, struct error *err)
{
	int rc;

	errno = 0;
	rc = sqlite.exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : fail(db, rc, err);
}

static int query_number(struct db *db, const char *sql, int64_t *ret, struct error *err)
{
	struct db_query *q = db_prepare(db, sql, err);
	int rc = q ? db_step(q, err) : -1;

	if (rc >= 0)
		*ret = rc ? db_int(q, 0) : 0;
	db_done(q);
	return rc < 0 ? -1 : 0;
}

static int check_pages(struct db *db, bool clean, struct error *err)
{
	struct db_query *q;
	int64_t bytes;
	int rc;

	if (query_number(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", &bytes, err) < 0)
		return -1;
	if (bytes > (clean ? CHECK_CLEAN_BYTES : CHECK_UNCLEAN_BYTES))
		return 0;
	q = db_prepare(db, "PRAGMA quick_check(1)", err);
	rc = q ? db_step(q, err) : -1;
	if (rc > 0 && strcmp(db_text(q, 0), "ok") != 0)
		rc = fail_damaged(db, db_text(q, 0), err);
	db_done(q);
	return rc < 0 ? -1 : 0;
}

/* Nothing has been changed in the file yet. */
static int check_ours(struct db *db, unsigned int version, bool clean, bool *is_new, struct error *err)
{
	int64_t application, file_version, objects;

	if (query_number(db, "PRAGMA application_id", &application, err) < 0 || query_number(db, "PRAGMA user_version", &file_version, err) < 0 ||
	    query_number(db, "SELECT count(*) FROM sqlite_master", &objects, err) < 0)
		return -1;
	*is_new = !application && !file_version && !objects;
	if (*is_new)
		return 0;
	if (application != APPLICATION_ID)
		return error_set(err, ERR_UNAVAILABLE, "'%s' is a database of another program: move it aside", db->path);
	if (file_version < 0 || file_version > version)
		return error_set(err, ERR_UNAVAILABLE, "'%s' was made by a newer version (its format is %lld, this one knows %u): use that version, or move it aside",
				 db->path, (long long)file_version, version);
	db->version = (unsigned int)file_version;
	return check_pages(db, clean, err);
}

static int begin_log(struct db *db, struct error *err)
{
	struct db_query *q = db_prepare(db, "PRAGMA journal_mode=WAL", err);
	int rc = q ? db_step(q, err) : -1;

	if (rc >= 0 && (rc == 0 || strcmp(db_text(q, 0), "wal") != 0))
		rc = error_set(err, ERR_UNAVAILABLE, "'%s' cannot have a write-ahead log", db->path);
	db_done(q);
	return rc < 0 ? -1 : db_exec(db, "PRAGMA journal_size_limit=8388608", err);
}

/* SQLite would make it for everybody to read, and write over what is too short to be anything. */
static int make_file(const char *path, struct error *err)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode))
			return error_set(err, ERR_UNAVAILABLE, "'%s' is no regular file: move it aside", path);
		return !st.st_size || st.st_size >= SMALLEST_FILE ? 0 : error_set(err, ERR_UNAVAILABLE, "'%s' is no database: move it aside", path);
	}
	fd = errno == ENOENT ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	if (fd < 0)
		return error_sys(err, is_no_room(errno) ? ERR_RESOURCE_EXHAUSTED : ERR_UNAVAILABLE, "cannot make '%s'", path);
	close(fd);
	return 0;
}

static int open_file(struct db *db, unsigned int version, struct error *err)
{
	autofree char *wal = xasprintf("%s-wal", db->path);
	struct stat st;
	const bool clean = stat(wal, &st) < 0 || st.st_size == 0;
	bool is_new;
	int rc;

	errno = 0;
	rc = sqlite.open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
	if (rc != SQLITE_OK)
		return fail(db, rc, err);
	sqlite.extended_result_codes(db->handle, 1);
	/* what is refused is left as it is, its log included */
	sqlite.db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	sqlite.db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	sqlite.db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	if (db_exec(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; "
		    "PRAGMA synchronous=NORMAL", err) < 0)
		return -1;
	if (check_ours(db, version, clean, &is_new, err) < 0 || begin_log(db, err) < 0)
		return -1;
	if (is_new && db_exec(db, "PRAGMA application_id=" SQL_NUMBER(APPLICATION_ID), err) < 0)
		return -1;
	sqlite.db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, (int *)NULL);
	return 0;
}

int db_open(const char *path, unsigned int version, struct db **ret, struct error *err)
{
	struct db *db;

	if (load(err) < 0 || make_file(path, err) < 0)
		return -1;
	db = xcalloc(1, sizeof(*db));
	db->path = xstrdup(path);
	if (open_file(db, version, err) < 0) {
		db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->queries_len; i++) {
		sqlite.finalize(db->queries[i]->stmt);
		free(db->queries[i]);
	}
	free(db->queries);
	sqlite.close(db->handle);
	free(db->path);
	free(db);
}

unsigned int db_version(const struct db *db)
{
	return db->version;
}

int db_set_version(struct db *db, unsigned int version, struct error *err)
{
	autofree char *sql = xasprintf("PRAGMA user_version=%u", version);

	if (db_exec(db, sql, err) < 0)
		return -1;
	db->version = version;
	return 0;
}

/* ---- transactions */

int db_begin(struct db *db, struct error *err)
{
	return db_exec(db, "BEGIN IMMEDIATE", err);
}

int db_commit(struct db *db, struct error *err)
{
	if (db_exec(db, "COMMIT", err) == 0)
		return 0;
	db_rollback(db);
	return -1;
}

/* Some errors have ended the transaction already. */
void db_rollback(struct db *db)
{
	if (!sqlite.get_autocommit(db->handle))
		db_exec(db, "ROLLBACK", NULL);
}

/* ---- queries */

static struct db_query *find_query(struct db *db, const char *sql)
{
	for (size_t i = 0; i < db->queries_len; i++)
		if (db->queries[i]->sql == sql)
			return db->queries[i];
	return NULL;
}

/* One that is in use already (its caller's callback asks the same) is made a second time. */
struct db_query *db_prepare(struct db *db, const char *sql, struct error *err)
{
	struct db_query *q = find_query(db, sql);
	const bool keep = !q;
	sqlite3_stmt *stmt;
	int rc;

	if (q && !q->busy) {
		q->busy = true;
		return q;
	}
	errno = 0;
	rc = sqlite.prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
	if (rc != SQLITE_OK) {
		fail(db, rc, err);
		return NULL;
	}
	q = xcalloc(1, sizeof(*q));
	*q = (struct db_query){ .db = db, .sql = sql, .stmt = stmt, .busy = true, .kept = keep };
	if (keep) {
		ARRAY_GROW(db->queries, db->queries_len, db->queries_alloc);
		db->queries[db->queries_len++] = q;
	}
	return q;
}

static void note_bound(struct db_query *q, int rc)
{
	if (q->bound == SQLITE_OK)
		q->bound = rc;
}

void db_bind_text(struct db_query *q, int i, const char *text)
{
	note_bound(q, sqlite.bind_text(q->stmt, i, text, -1, SQLITE_STATIC));
}

void db_bind_blob(struct db_query *q, int i, const void *data, size_t len)
{
	note_bound(q, len > INT_MAX ? SQLITE_TOOBIG : sqlite.bind_blob(q->stmt, i, len ? data : "", (int)len, SQLITE_STATIC));
}

void db_bind_int(struct db_query *q, int i, int64_t n)
{
	note_bound(q, sqlite.bind_int64(q->stmt, i, n));
}

int db_step(struct db_query *q, struct error *err)
{
	int rc;

	errno = 0;
	rc = q->bound != SQLITE_OK ? q->bound : sqlite.step(q->stmt);
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return rc == SQLITE_ROW;
	return fail(q->db, rc, err);
}

const char *db_text(struct db_query *q, int column)
{
	return (const char *)sqlite.column_text(q->stmt, column);
}

const void *db_blob(struct db_query *q, int column, size_t *len)
{
	const void *data = sqlite.column_blob(q->stmt, column);

	*len = (size_t)sqlite.column_bytes(q->stmt, column);
	return data;
}

int64_t db_int(struct db_query *q, int column)
{
	return sqlite.column_int64(q->stmt, column);
}

bool db_is_null(struct db_query *q, int column)
{
	return sqlite.column_type(q->stmt, column) == SQLITE_NULL;
}

void db_done(struct db_query *q)
{
	if (!q)
		return;
	if (!q->kept) {
		sqlite.finalize(q->stmt);
		free(q);
		return;
	}
	sqlite.reset(q->stmt);
	sqlite.clear_bindings(q->stmt);
	q->bound = SQLITE_OK;
	q->busy = false;
}

int db_run(struct db_query *q, struct error *err)
{
	int rc = db_step(q, err);

	db_done(q);
	return rc < 0 ? -1 : 0;
}

int64_t db_changes(struct db *db)
{
	return sqlite.changes(db->handle);
}
