/* SPDX-License-Identifier: Apache-2.0
 * db: owner of SQLite (loaded at first use): one file, one process, WAL, statements kept prepared.
 *
 *	struct db_query *q = db_prepare(db, "SELECT name FROM runs WHERE id = ?", err);
 *	db_bind_text(q, 1, id);
 *	while ((rc = db_step(q, err)) > 0)
 *		use(db_text(q, 0));
 *	db_done(q);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"

struct db;
struct db_query;

/* Create or open; mode 0600; foreign keys on, synchronous=NORMAL (what was committed survives any death of ours, and a power cut but for the last
 * moments). It is locked as long as it is open: a second opener gets ERR_UNAVAILABLE that says who to stop. A file that is damaged, is no database, or
 * was made by a newer version (user_version above `version`) is refused with what to do about it: nothing is ever repaired or thrown away by itself.
 * Nobody else in this process may open and close the file meanwhile: that would drop its locks, as POSIX has them. */
int db_open(const char *path, unsigned int version, struct db **ret, struct error *err);
void db_close(struct db *db);
unsigned int db_version(const struct db *db);	/* that of the file; 0: new */
int db_set_version(struct db *db, unsigned int version, struct error *err);
int db_exec(struct db *db, const char *sql, struct error *err);	/* of ours: no parameters, no text of others */

int db_begin(struct db *db, struct error *err);		/* immediate */
int db_commit(struct db *db, struct error *err);	/* rolls back when it fails */
void db_rollback(struct db *db);

/* Prepared once per text (compared by address: use literals) and reset by db_done(). NULL: err is set. */
struct db_query *db_prepare(struct db *db, const char *sql, struct error *err);
void db_bind_text(struct db_query *q, int i, const char *text);		/* NULL: NULL; borrowed until db_done(); bytes that are no UTF-8 are the caller's to avoid */
void db_bind_blob(struct db_query *q, int i, const void *data, size_t len);
void db_bind_int(struct db_query *q, int i, int64_t n);
/* 1: a row; 0: no more; -1: err says why, ERR_RESOURCE_EXHAUSTED for a full disk. */
int db_step(struct db_query *q, struct error *err);
const char *db_text(struct db_query *q, int column);	/* NULL: NULL; valid until the next step */
const void *db_blob(struct db_query *q, int column, size_t *len);
int64_t db_int(struct db_query *q, int column);
bool db_is_null(struct db_query *q, int column);
void db_done(struct db_query *q);	/* NULL is fine */
/* For statements without rows: bind, then this instead of step and done. */
int db_run(struct db_query *q, struct error *err);
int64_t db_changes(struct db *db);	/* rows of the last one */
