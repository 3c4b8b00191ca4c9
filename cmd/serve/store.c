/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/store.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "cmd/serve/store_private.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define ROOM_BYTES (UINT64_C(64) << 10)

/* What brings a file from each version to the next. Never changed once released: a new version is a new row.
 *
 * runs: `seq` is the order, and what cursors stand on. runs_words lets totals be counted without reading rows; the two partial ones hold
 * only what is open, and what has files. */
static const char *const migrations[] = {
	"CREATE TABLE workflows (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, version TEXT NOT NULL,"
	" description TEXT, author TEXT, created TEXT, tags TEXT NOT NULL, safety_mode TEXT, runtime_type TEXT, signature TEXT, signed_at TEXT,"
	" sha256 TEXT NOT NULL, registered_ns INTEGER NOT NULL, content BLOB NOT NULL) STRICT;"
	"CREATE TABLE runs (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, execution_id TEXT, state TEXT NOT NULL, verdict TEXT,"
	" detail TEXT, exit_status INTEGER NOT NULL, origin TEXT NOT NULL, workflow_id TEXT, workflow_name TEXT, sha256 TEXT, sandbox TEXT,"
	" requested_by TEXT, request_id TEXT, created_ns INTEGER NOT NULL, started_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL,"
	" duration_ms INTEGER NOT NULL, summary TEXT, files INTEGER NOT NULL) STRICT;"
	"CREATE UNIQUE INDEX runs_execution ON runs (execution_id) WHERE execution_id IS NOT NULL;"
	"CREATE INDEX runs_workflow ON runs (workflow_id) WHERE workflow_id IS NOT NULL;"
	"CREATE INDEX runs_words ON runs (workflow_id, origin, state, verdict);"
	"CREATE INDEX runs_open ON runs (seq) WHERE state <> 'ended';"
	"CREATE INDEX runs_files ON runs (state) WHERE files;"
	"CREATE TABLE idempotency (seq INTEGER PRIMARY KEY AUTOINCREMENT, who TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL,"
	" created_ns INTEGER NOT NULL, status INTEGER, headers TEXT, body BLOB, UNIQUE (who, key)) STRICT;"
	"CREATE INDEX idempotency_age ON idempotency (created_ns);"
	"CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, hash TEXT NOT NULL UNIQUE) STRICT;"
	"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
	"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;"
	"CREATE TABLE ping (id INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL) STRICT;"
	"INSERT INTO ping VALUES (1, 0);",
};

char *store_text(struct db_query *q, int column)
{
	return xstrdup_or_null(db_text(q, column));
}

int store_json(struct db_query *q, int column, json_t **ret, struct error *err)
{
	size_t len;
	const char *text = db_blob(q, column, &len);

	*ret = NULL;
	if (!text)
		return 0;
	return json_parse(text, len, "service.db", ret, err);
}

/* Each step is all or nothing. */
static int migrate(struct db *db, struct error *err)
{
	for (unsigned int version = db_version(db); version < ARRAY_SIZE(migrations); version++) {
		if (db_begin(db, err) < 0)
			return -1;
		if (db_exec(db, migrations[version], err) < 0 || db_set_version(db, version + 1, err) < 0) {
			db_rollback(db);
			return -1;
		}
		if (db_commit(db, err) < 0)
			return -1;
	}
	return 0;
}

static int write_ping(struct store *s, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "UPDATE ping SET at_ns = ?1 WHERE id = 1", err);

	if (!q)
		return -1;
	db_bind_int(q, 1, (int64_t)clock_realtime_ns());
	return db_run(q, err);
}

int store_open(const char *data_dir, struct store **ret, struct error *err)
{
	autofree char *path = xasprintf("%s/service.db", data_dir);
	struct store *s;
	struct db *db;

	if (make_dirs(data_dir, 0700, err) < 0 || db_open(path, ARRAY_SIZE(migrations), &db, err) < 0)
		return -1;
	s = xcalloc(1, sizeof(*s));
	s->db = db;
	s->data_dir = xstrdup(data_dir);
	if (migrate(db, err) < 0 || idempotency_open(s, err) < 0 || audit_begin(s, err) < 0 || write_ping(s, err) < 0) {
		store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	db_close(s->db);
	free(s->data_dir);
	free(s);
}

/* The log may have room in itself when the disk has none: then this can be written, and the next run not. */
int store_ping(struct store *s, struct error *err)
{
	struct statvfs v;

	if (statvfs(s->data_dir, &v) == 0 && v.f_bfree * v.f_frsize < ROOM_BYTES) {
		errno = ENOSPC;
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "no room in '%s'", s->data_dir);
	}
	return write_ping(s, err);
}
