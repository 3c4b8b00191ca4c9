/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/serve/store_private.h"
#include "runner/base/mem.h"

/* In the order of load_workflow(). */
#define WORKFLOW_COLUMNS \
	"w.id, w.name, w.version, w.description, w.author, w.created, w.tags, w.safety_mode, w.runtime_type, w.signature, w.signed_at, w.sha256," \
	" w.registered_ns, r.id, CASE r.state WHEN 'ended' THEN r.verdict ELSE r.state END, r.created_ns," \
	" (SELECT count(*) FROM runs WHERE workflow_id = w.id)"
#define WORKFLOW_TABLES \
	" FROM workflows w LEFT JOIN runs r ON r.seq = (SELECT max(seq) FROM runs WHERE workflow_id = w.id)"

void workflow_row_release(struct workflow_row *w)
{
	char *const owned[] = {
		w->id, w->name, w->version, w->description, w->author, w->created, w->safety_mode, w->runtime_type, w->signature, w->signed_at,
		w->sha256, w->latest_run_id, w->latest_run_status,
	};

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	json_decref(w->tags);
	if (w->content.buf)
		strbuf_release(&w->content);
	*w = (struct workflow_row){ .content = STRBUF_INIT(STRBUF_NO_MAX) };
}

static int load_workflow(struct db_query *q, struct workflow_row *ret, struct error *err)
{
	*ret = (struct workflow_row){
		.id = store_text(q, 0), .name = store_text(q, 1), .version = store_text(q, 2), .description = store_text(q, 3),
		.author = store_text(q, 4), .created = store_text(q, 5), .safety_mode = store_text(q, 7), .runtime_type = store_text(q, 8),
		.signature = store_text(q, 9), .signed_at = store_text(q, 10), .sha256 = store_text(q, 11),
		.registered_ns = (uint64_t)db_int(q, 12), .latest_run_id = store_text(q, 13), .latest_run_status = store_text(q, 14),
		.latest_run_ns = (uint64_t)db_int(q, 15), .total_runs = (uint64_t)db_int(q, 16), .content = STRBUF_INIT(STRBUF_NO_MAX),
	};
	if (store_json(q, 6, &ret->tags, err) == 0)
		return 0;
	workflow_row_release(ret);
	return -1;
}

/* A known one keeps its place in the order. */
int store_workflow_put(struct store *s, const struct workflow_row *w, struct error *err)
{
	struct db_query *q = db_prepare(s->db,
		"INSERT INTO workflows (id, name, version, description, author, created, tags, safety_mode, runtime_type, signature, signed_at,"
		" sha256, registered_ns, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
		" ON CONFLICT (id) DO UPDATE SET name = ?2, version = ?3, description = ?4, author = ?5, created = ?6, tags = ?7, safety_mode = ?8,"
		" runtime_type = ?9, signature = ?10, signed_at = ?11, sha256 = ?12, registered_ns = ?13, content = ?14", err);
	const char *const texts[] = { w->id, w->name, w->version, w->description, w->author, w->created };
	const char *const more[] = { w->safety_mode, w->runtime_type, w->signature, w->signed_at, w->sha256 };
	autostrbuf struct strbuf tags = STRBUF_INIT(STRBUF_NO_MAX);

	if (!q)
		return -1;
	if (w->tags)
		json_write(w->tags, 0, &tags);
	else
		strbuf_addstr(&tags, "[]");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		db_bind_text(q, 1 + (int)i, texts[i]);
	db_bind_text(q, 7, tags.buf);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		db_bind_text(q, 8 + (int)i, more[i]);
	db_bind_int(q, 13, (int64_t)w->registered_ns);
	db_bind_blob(q, 14, w->content.buf, w->content.len);
	return db_run(q, err);
}

int store_workflow_get(struct store *s, const char *id, struct workflow_row *ret, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT " WORKFLOW_COLUMNS ", w.content" WORKFLOW_TABLES " WHERE w.id = ?1", err);
	const void *content;
	size_t len;
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, id);
	rc = db_step(q, err);
	if (rc > 0 && load_workflow(q, ret, err) < 0)
		rc = -1;
	if (rc > 0) {
		content = db_blob(q, 17, &len);
		strbuf_add(&ret->content, content, len);
	}
	db_done(q);
	return rc;
}

int store_workflow_delete(struct store *s, const char *id, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "DELETE FROM workflows WHERE id = ?1", err);

	if (!q)
		return -1;
	db_bind_text(q, 1, id);
	return db_run(q, err) < 0 ? -1 : db_changes(s->db) > 0;
}

static bool has_tag(const struct workflow_row *w, const char *tag)
{
	size_t i;
	const json_t *one;

	json_array_foreach(w->tags, i, one) {
		const char *text = json_string_value(one);

		if (text && !strcmp(text, tag))
			return true;
	}
	return false;
}

int store_workflow_list(struct store *s, const char *tag, const char *runtime, const char *safety_mode,
			void (*each)(void *data, const struct workflow_row *w), void *data, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT " WORKFLOW_COLUMNS WORKFLOW_TABLES " WHERE (?1 IS NULL OR w.runtime_type = ?1)"
					       " AND (?2 IS NULL OR w.safety_mode = ?2) ORDER BY w.seq", err);
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, runtime);
	db_bind_text(q, 2, safety_mode);
	while ((rc = db_step(q, err)) > 0) {
		struct workflow_row w;

		rc = load_workflow(q, &w, err);
		if (rc < 0)
			break;
		if (!tag || has_tag(&w, tag))
			each(data, &w);
		workflow_row_release(&w);
	}
	db_done(q);
	return rc;
}
