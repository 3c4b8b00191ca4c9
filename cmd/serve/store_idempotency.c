/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/serve/store_private.h"
#include "runner/base/clock.h"

#define KEPT_NS (24 * 3600 * NS_PER_SEC)
#define KEPT_KEYS "100000"
#define KEPT_BYTES (INT64_C(64) << 20)	/* of answers: whoever may send keys must not be able to fill the disk */
#define AT_ONCE "100"		/* more than come in between: the heap of old ones cannot grow */

static int drop_old(struct store *s, uint64_t now_ns, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "DELETE FROM idempotency WHERE seq IN (SELECT seq FROM idempotency WHERE created_ns <= ?1"
					       " ORDER BY created_ns LIMIT " AT_ONCE ")", err);

	if (!q)
		return -1;
	db_bind_int(q, 1, now_ns > KEPT_NS ? (int64_t)(now_ns - KEPT_NS) : 0);
	if (db_run(q, err) < 0)
		return -1;
	q = db_prepare(s->db, "DELETE FROM idempotency WHERE seq IN (SELECT seq FROM idempotency"
			      " WHERE seq <= (SELECT max(seq) FROM idempotency) - " KEPT_KEYS " ORDER BY seq LIMIT " AT_ONCE ")", err);
	return q ? db_run(q, err) : -1;
}

/* What is kept of a key; IDEMPOTENCY_NEW: nothing, or something too old. */
static int look(struct store *s, const char *who, const char *key, const char *fingerprint, uint64_t now_ns,
		int *status, json_t **headers, struct strbuf *body, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT fingerprint, status, headers, body, created_ns FROM idempotency WHERE who = ?1 AND key = ?2", err);
	const void *data;
	size_t len;
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, who);
	db_bind_text(q, 2, key);
	rc = db_step(q, err);
	if (rc <= 0) {
		rc = rc < 0 ? -1 : IDEMPOTENCY_NEW;
	} else if ((uint64_t)db_int(q, 4) + KEPT_NS <= now_ns) {
		rc = IDEMPOTENCY_NEW;
	} else if (strcmp(db_text(q, 0), fingerprint) != 0) {
		rc = IDEMPOTENCY_OTHER_BODY;
	} else if (db_is_null(q, 1)) {
		rc = IDEMPOTENCY_BUSY;
	} else if (store_json(q, 2, headers, err) < 0) {
		rc = -1;
	} else {
		*status = (int)db_int(q, 1);
		data = db_blob(q, 3, &len);
		strbuf_add(body, data, len);
		rc = IDEMPOTENCY_REPLAY;
	}
	db_done(q);
	return rc;
}

static int reserve(struct store *s, const char *who, const char *key, const char *fingerprint, uint64_t now_ns, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "INSERT OR REPLACE INTO idempotency (who, key, fingerprint, created_ns) VALUES (?1, ?2, ?3, ?4)", err);

	if (!q)
		return -1;
	db_bind_text(q, 1, who);
	db_bind_text(q, 2, key);
	db_bind_text(q, 3, fingerprint);
	db_bind_int(q, 4, (int64_t)now_ns);
	return db_run(q, err);
}

static int count_bytes(struct store *s, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT CAST(total(length(body)) AS INTEGER) FROM idempotency", err);

	if (!q)
		return -1;
	if (db_step(q, err) < 0) {
		db_done(q);
		return -1;
	}
	s->idempotency_bytes = db_int(q, 0);
	db_done(q);
	return 0;
}

/* Who had reserved a key and died before the answer cannot answer it any more. */
int idempotency_open(struct store *s, struct error *err)
{
	return db_exec(s->db, "DELETE FROM idempotency WHERE status IS NULL", err) < 0 ? -1 : count_bytes(s, err);
}

int store_idempotency_begin(struct store *s, const char *who, const char *key, const char *fingerprint, uint64_t now_ns,
			    int *status, json_t **headers, struct strbuf *body, struct error *err)
{
	int rc = look(s, who, key, fingerprint, now_ns, status, headers, body, err);

	if (rc != IDEMPOTENCY_NEW)
		return rc;
	if (db_begin(s->db, err) < 0)
		return -1;
	if (drop_old(s, now_ns, err) < 0 || reserve(s, who, key, fingerprint, now_ns, err) < 0) {
		db_rollback(s->db);
		return -1;
	}
	return db_commit(s->db, err) < 0 ? -1 : IDEMPOTENCY_NEW;
}

/* The tally only rises, as keys that become too old are not taken off it; so it is made anew before anything goes. The oldest go, down to three
 * quarters, so that this is seldom. */
static int bound_bytes(struct store *s, size_t added, struct error *err)
{
	s->idempotency_bytes += (int64_t)added;
	if (s->idempotency_bytes <= KEPT_BYTES)
		return 0;
	if (count_bytes(s, err) < 0)
		return -1;
	while (s->idempotency_bytes > KEPT_BYTES / 4 * 3) {
		struct db_query *q = db_prepare(s->db, "DELETE FROM idempotency WHERE seq IN (SELECT seq FROM idempotency WHERE body IS NOT NULL ORDER BY seq"
						       " LIMIT " AT_ONCE ")", err);

		if (!q || db_run(q, err) < 0 || count_bytes(s, err) < 0)
			return -1;
	}
	return 0;
}

int store_idempotency_end(struct store *s, const char *who, const char *key, int status, const json_t *headers, const struct strbuf *body, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "UPDATE idempotency SET status = ?3, headers = ?4, body = ?5 WHERE who = ?1 AND key = ?2", err);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	if (!q)
		return -1;
	if (headers)
		json_write(headers, 0, &text);
	db_bind_text(q, 1, who);
	db_bind_text(q, 2, key);
	db_bind_int(q, 3, status);
	db_bind_text(q, 4, headers ? text.buf : "{}");
	db_bind_blob(q, 5, body->buf, body->len);
	return db_run(q, err) < 0 ? -1 : bound_bytes(s, body->len, err);
}

void store_idempotency_forget(struct store *s, const char *who, const char *key)
{
	struct db_query *q = db_prepare(s->db, "DELETE FROM idempotency WHERE who = ?1 AND key = ?2", NULL);

	if (!q)
		return;
	db_bind_text(q, 1, who);
	db_bind_text(q, 2, key);
	db_run(q, NULL);
}
