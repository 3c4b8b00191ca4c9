/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cmd/serve/store_private.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define EXPIRE_AT_ONCE "1000"

static const char *const states[] = { [RUN_QUEUED] = "queued", [RUN_RUNNING] = "running", [RUN_ENDED] = "ended" };

const char *run_state_to_string(enum run_state s)
{
	return states[s];
}

/* ---- rows: the same order in all of the following */

#define RUN_COLUMNS \
	"id, execution_id, origin, created_ns, state, verdict, detail, exit_status, workflow_id, workflow_name, sha256, sandbox, requested_by," \
	" request_id, started_ns, ended_ns, duration_ms, summary, files"

void run_row_release(struct run_row *r)
{
	char *const owned[] = {
		r->verdict, r->detail, r->origin, r->workflow_id, r->workflow_name, r->sha256, r->sandbox, r->requested_by, r->request_id,
	};

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	json_decref(r->summary);
	*r = (struct run_row){ .exit_status = -1 };
}

static void copy_text(struct db_query *q, int column, char *out, size_t size)
{
	const char *text = db_text(q, column);

	snprintf(out, size, "%s", text ? text : "");
}

static int load_run(struct db_query *q, struct run_row *ret, struct error *err)
{
	const char *state = db_text(q, 4);

	*ret = (struct run_row){
		.origin = store_text(q, 2), .created_ns = (uint64_t)db_int(q, 3), .verdict = store_text(q, 5), .detail = store_text(q, 6),
		.exit_status = (int)db_int(q, 7), .workflow_id = store_text(q, 8), .workflow_name = store_text(q, 9), .sha256 = store_text(q, 10),
		.sandbox = store_text(q, 11), .requested_by = store_text(q, 12), .request_id = store_text(q, 13),
		.started_ns = (uint64_t)db_int(q, 14), .ended_ns = (uint64_t)db_int(q, 15), .duration_ms = (uint64_t)db_int(q, 16),
		.files = db_int(q, 18),
	};
	copy_text(q, 0, ret->id, sizeof(ret->id));
	copy_text(q, 1, ret->execution_id, sizeof(ret->execution_id));
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (state && !strcmp(state, states[i]))
			ret->state = (enum run_state)i;
	if (store_json(q, 17, &ret->summary, err) == 0)
		return 0;
	run_row_release(ret);
	return -1;
}

/* What changes in the life of a run: parameters 4 to 18. `summary` holds its text until the query is done. */
static void bind_run(struct db_query *q, const struct run_row *r, struct strbuf *summary)
{
	const char *const texts[] = { r->workflow_id, r->workflow_name, r->sha256, r->sandbox, r->requested_by, r->request_id };

	db_bind_text(q, 1, r->id);
	db_bind_text(q, 2, *r->execution_id ? r->execution_id : NULL);
	db_bind_text(q, 3, states[r->state]);
	db_bind_text(q, 4, r->verdict);
	db_bind_text(q, 5, r->detail);
	db_bind_int(q, 6, r->exit_status);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		db_bind_text(q, 7 + (int)i, texts[i]);
	db_bind_int(q, 13, (int64_t)r->started_ns);
	db_bind_int(q, 14, (int64_t)r->ended_ns);
	db_bind_int(q, 15, (int64_t)r->duration_ms);
	if (r->summary)
		json_write(r->summary, 0, summary);
	db_bind_text(q, 16, r->summary ? summary->buf : NULL);
	db_bind_int(q, 17, r->files);
}

int store_run_add(struct store *s, const struct run_row *r, struct error *err)
{
	struct db_query *q = db_prepare(s->db,
		"INSERT INTO runs (id, execution_id, state, verdict, detail, exit_status, workflow_id, workflow_name, sha256, sandbox, requested_by,"
		" request_id, started_ns, ended_ns, duration_ms, summary, files, origin, created_ns)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)", err);
	autostrbuf struct strbuf summary = STRBUF_INIT(STRBUF_NO_MAX);

	if (!q)
		return -1;
	bind_run(q, r, &summary);
	db_bind_text(q, 18, r->origin);
	db_bind_int(q, 19, (int64_t)r->created_ns);
	return db_run(q, err);
}

int store_run_update(struct store *s, const struct run_row *r, struct error *err)
{
	struct db_query *q = db_prepare(s->db,
		"UPDATE runs SET execution_id = ?2, state = ?3, verdict = ?4, detail = ?5, exit_status = ?6, workflow_id = ?7, workflow_name = ?8,"
		" sha256 = ?9, sandbox = ?10, requested_by = ?11, request_id = ?12, started_ns = ?13, ended_ns = ?14, duration_ms = ?15,"
		" summary = ?16, files = ?17 WHERE id = ?1", err);
	autostrbuf struct strbuf summary = STRBUF_INIT(STRBUF_NO_MAX);

	if (!q)
		return -1;
	bind_run(q, r, &summary);
	if (db_run(q, err) < 0)
		return -1;
	return db_changes(s->db) ? 0 : error_set(err, ERR_INVALID_INPUT, "there is no run '%s'", r->id);
}

int store_run_get(struct store *s, const char *id, struct run_row *ret, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT " RUN_COLUMNS " FROM runs WHERE id = ?1 OR execution_id = ?1", err);
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, id);
	rc = db_step(q, err);
	if (rc > 0 && load_run(q, ret, err) < 0)
		rc = -1;
	db_done(q);
	return rc;
}

/* ---- lists. Which index serves is said, not left to a planner that knows no sizes. */

#define RUN_WORDS " AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR verdict = ?3) AND (?4 IS NULL OR origin = ?4)"
#define RUN_PAGE " AND seq < ?5 ORDER BY seq DESC LIMIT ?6 OFFSET ?7"

static void bind_filter(struct db_query *q, const struct run_filter *f)
{
	if (f->workflow_id)
		db_bind_text(q, 1, f->workflow_id);
	db_bind_text(q, 2, f->state);
	db_bind_text(q, 3, f->verdict);
	db_bind_text(q, 4, f->origin);
}

static int count_runs(struct store *s, const struct run_filter *f, uint64_t *total, struct error *err)
{
	struct db_query *q = f->workflow_id
		? db_prepare(s->db, "SELECT count(*) FROM runs INDEXED BY runs_words WHERE workflow_id = ?1" RUN_WORDS, err)
		: db_prepare(s->db, "SELECT count(*) FROM runs INDEXED BY runs_words WHERE 1" RUN_WORDS, err);
	int rc;

	if (!q)
		return -1;
	bind_filter(q, f);
	rc = db_step(q, err);
	if (rc > 0)
		*total = (uint64_t)db_int(q, 0);
	db_done(q);
	return rc < 0 ? -1 : 0;
}

/* New runs are above every cursor, so that a page stays what it was. */
static int find_cursor(struct store *s, const char *id, int64_t *ret, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT seq FROM runs WHERE id = ?1", err);
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, id);
	rc = db_step(q, err);
	if (rc > 0)
		*ret = db_int(q, 0);
	db_done(q);
	return rc ? (rc < 0 ? -1 : 0) : error_set(err, ERR_INVALID_INPUT, "there is no run '%s' to go on from", id);
}

int store_run_list(struct store *s, const struct run_filter *f, void (*each)(void *data, const struct run_row *r), void *data,
		   uint64_t *total, struct error *err)
{
	int64_t before = INT64_MAX;
	struct db_query *q;
	uint64_t counted = 1;
	int rc;

	if (f->after && find_cursor(s, f->after, &before, err) < 0)
		return -1;
	if (total && count_runs(s, f, &counted, err) < 0)
		return -1;
	if (total)
		*total = counted;
	if (!counted)		/* rather than look at every row for it */
		return 0;
	q = f->workflow_id
		? db_prepare(s->db, "SELECT " RUN_COLUMNS " FROM runs INDEXED BY runs_workflow WHERE workflow_id = ?1" RUN_WORDS RUN_PAGE, err)
		: db_prepare(s->db, "SELECT " RUN_COLUMNS " FROM runs NOT INDEXED WHERE 1" RUN_WORDS RUN_PAGE, err);
	if (!q)
		return -1;
	bind_filter(q, f);
	db_bind_int(q, 5, before);
	db_bind_int(q, 6, f->limit ? (int64_t)f->limit : -1);
	db_bind_int(q, 7, f->offset);
	while ((rc = db_step(q, err)) > 0) {
		struct run_row r;

		rc = load_run(q, &r, err);
		if (rc < 0)
			break;
		each(data, &r);
		run_row_release(&r);
	}
	db_done(q);
	return rc;
}

/* One query a run, so that the callback may do with it, and with others, what it likes. */
int store_run_open(struct store *s, void (*each)(void *data, const struct run_row *r), void *data, struct error *err)
{
	int64_t seq = 0;

	for (;;) {
		struct db_query *q = db_prepare(s->db, "SELECT " RUN_COLUMNS ", seq FROM runs WHERE state <> 'ended' AND origin IS NOT 'notify' AND seq > ?1"
					       " ORDER BY seq LIMIT 1", err);
		struct run_row r;
		int rc;

		if (!q)
			return -1;
		db_bind_int(q, 1, seq);
		rc = db_step(q, err);
		if (rc > 0) {
			seq = db_int(q, 19);
			rc = load_run(q, &r, err) < 0 ? -1 : 1;
		}
		db_done(q);
		if (rc <= 0)
			return rc;
		each(data, &r);
		run_row_release(&r);
	}
}

/* ---- runs of others */

static bool is_foreign_id(const char *id)
{
	size_t len = strlen(id);

	if (!len || len >= RUN_ROW_ID_SIZE || *id == '.')
		return false;
	for (; *id; id++)
		if (!isascii((unsigned char)*id) || (!isalnum((unsigned char)*id) && !strchr("._:-", *id)))
			return false;
	return true;
}

static const char *state_of(const char *status)
{
	static const char *const queued[] = { "queued", "pending" }, *const running[] = { "running", "started", "in_progress" };

	for (size_t i = 0; i < ARRAY_SIZE(queued); i++)
		if (!strcmp(status, queued[i]))
			return states[RUN_QUEUED];
	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		if (!strcmp(status, running[i]))
			return states[RUN_RUNNING];
	return states[RUN_ENDED];
}

int store_run_notify(struct store *s, const char *workflow_id, const char *run_id, const char *status, uint64_t duration_ms, struct error *err)
{
	const char *state = state_of(status);
	const bool ended = state == states[RUN_ENDED];
	const int64_t now = (int64_t)clock_realtime_ns();
	struct db_query *q;

	if (!is_foreign_id(run_id))
		return error_set(err, ERR_INVALID_INPUT, "a run id has at most %d letters, digits and '.', '_', ':', '-'", RUN_ROW_ID_SIZE - 1);
	q = db_prepare(s->db,
		"INSERT INTO runs (id, state, verdict, exit_status, origin, workflow_id, created_ns, started_ns, ended_ns, duration_ms, files)"
		" SELECT ?1, ?2, ?3, -1, 'notify', ?4, ?5, 0, ?6, ?7, 0 WHERE NOT EXISTS (SELECT 1 FROM runs WHERE execution_id = ?1)"
		" ON CONFLICT (id) DO UPDATE SET state = ?2, verdict = ?3, ended_ns = ?6, duration_ms = ?7 WHERE origin = 'notify' AND workflow_id = ?4", err);
	if (!q)
		return -1;
	db_bind_text(q, 1, run_id);
	db_bind_text(q, 2, state);
	db_bind_text(q, 3, ended ? status : NULL);
	db_bind_text(q, 4, workflow_id);
	db_bind_int(q, 5, now);
	db_bind_int(q, 6, ended ? now : 0);
	db_bind_int(q, 7, (int64_t)duration_ms);
	return db_run(q, err);
}

/* ---- what is too old */

static int ids_to_expire(struct store *s, unsigned int keep, struct strvec *ids, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT id FROM runs INDEXED BY runs_files WHERE files AND state = 'ended'"
					       " ORDER BY seq DESC LIMIT " EXPIRE_AT_ONCE " OFFSET ?1", err);
	int rc;

	if (!q)
		return -1;
	db_bind_int(q, 1, keep);
	while ((rc = db_step(q, err)) > 0)
		strvec_push(ids, db_text(q, 0));
	db_done(q);
	return rc;
}

/* Numbers have no gaps but at the old end, so that the newest `rows` begin where counting back from the last one says. */
int store_run_expire(struct store *s, unsigned int keep, unsigned int rows, struct strvec *ids, struct error *err)
{
	struct db_query *q;

	if (ids_to_expire(s, keep, ids, err) < 0)
		return -1;
	q = db_prepare(s->db, "DELETE FROM runs WHERE seq IN (SELECT seq FROM runs WHERE seq <= (SELECT max(seq) FROM runs) - ?1"
			      " AND state = 'ended' AND NOT files ORDER BY seq LIMIT " EXPIRE_AT_ONCE ")", err);
	if (!q)
		return -1;
	db_bind_int(q, 1, rows);
	return db_run(q, err);
}

int store_run_without_files(struct store *s, const char *id, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "UPDATE runs SET files = 0 WHERE id = ?1", err);

	if (!q)
		return -1;
	db_bind_text(q, 1, id);
	return db_run(q, err);
}
