/* SPDX-License-Identifier: Apache-2.0
 *
 * A record is kept as the very bytes its hash is of, so that verifying needs no second way to write it. It says its own number and the hash
 * of the one before: one changed, left out, put in or moved does not fit. That the last ones were cut off shows by the table's own counter. */
#include <string.h>

#include "cmd/serve/store_private.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define LIST_MAX 10000
static const char before_first[DIGEST_HEX_SIZE] = "0000000000000000000000000000000000000000000000000000000000000000";

int audit_begin(struct store *s, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", err);
	int rc = q ? db_step(q, err) : -1;
	const char *hash = before_first;

	if (rc > 0) {
		s->audit_sequence = (uint64_t)db_int(q, 0);
		hash = db_text(q, 1);
	}
	if (rc >= 0 && strlen(hash) != DIGEST_HEX_SIZE - 1)
		rc = error_set(err, ERR_UNAVAILABLE, "the last record of the audit log has no hash: somebody has changed it");
	if (rc >= 0)
		memcpy(s->audit_hash, hash, DIGEST_HEX_SIZE);
	db_done(q);
	return rc < 0 ? -1 : 0;
}

static json_t *make_record(const struct store *s, const char *event_type, const char *run_id, const char *who, json_t *take_data)
{
	char time[CLOCK_RFC3339_SIZE];
	json_t *o = json_object();

	clock_rfc3339(clock_realtime_ns(), time);
	json_put_text(o, "workflow_run_id", run_id);
	json_put_text(o, "event_type", event_type);
	json_put(o, "event_data", take_data ? take_data : json_null());
	json_put_text(o, "timestamp", time);
	json_put_text(o, "user_id", who);
	json_put_text(o, "version", "1.0");
	json_put_int(o, "sequence", (int64_t)s->audit_sequence + 1);
	json_put_text(o, "previous_hash", s->audit_hash);
	return o;
}

int store_audit(struct store *s, const char *event_type, const char *run_id, const char *who, json_t *take_data, struct error *err)
{
	json_auto_t *record = make_record(s, event_type, run_id, who, take_data);
	autofree char *text = json_dumps(record, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(15));
	struct db_query *q = db_prepare(s->db, "INSERT INTO audit (seq, record, hash) VALUES (?1, ?2, ?3)", err);
	char hash[DIGEST_HEX_SIZE];

	if (!q)
		return -1;
	if (!text) {
		db_done(q);
		return error_set(err, ERR_INTERNAL, "a record for the audit log cannot be written as JSON");
	}
	sha256_hex(text, strlen(text), hash);
	db_bind_int(q, 1, (int64_t)s->audit_sequence + 1);
	db_bind_text(q, 2, text);
	db_bind_text(q, 3, hash);
	if (db_run(q, err) < 0)
		return -1;
	s->audit_sequence++;
	memcpy(s->audit_hash, hash, sizeof(hash));
	return 0;
}

int store_audit_list(struct store *s, uint64_t after, unsigned int limit, json_t **ret, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT record, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2", err);
	json_auto_t *list = json_array();
	int rc;

	if (!q)
		return -1;
	db_bind_int(q, 1, after > INT64_MAX ? INT64_MAX : (int64_t)after);
	db_bind_int(q, 2, !limit || limit > LIST_MAX ? LIST_MAX : limit);
	while ((rc = db_step(q, err)) > 0) {
		json_t *record;

		rc = store_json(q, 0, &record, err);
		if (rc == 0 && !json_is_object(record)) {
			json_decref(record);
			rc = error_set(err, ERR_UNAVAILABLE, "a record of the audit log is damaged");
		}
		if (rc < 0)
			break;
		json_put_text(record, "immutable_hash", db_text(q, 1));
		json_push(list, record);
	}
	db_done(q);
	if (rc < 0)
		return -1;
	*ret = steal_ptr(&list);
	return 0;
}

/* One record against the hash of the one before, which it replaces. */
static int check_record(struct db_query *q, uint64_t sequence, char hash[DIGEST_HEX_SIZE], struct error *err)
{
	const unsigned long long shown = sequence;
	char actual[DIGEST_HEX_SIZE];
	json_auto_t *record = NULL;
	const char *kept = db_text(q, 2), *before;
	size_t len;
	const void *text = db_blob(q, 1, &len);

	if ((uint64_t)db_int(q, 0) != sequence)
		return error_set(err, ERR_INVALID_INPUT, "the audit log has no record %llu", shown);
	sha256_hex(text, len, actual);
	if (strcmp(actual, kept) != 0)
		return error_set(err, ERR_INVALID_INPUT, "record %llu of the audit log was changed: its hash is not that of its text", shown);
	if (json_parse(text, len, "audit", &record, err) < 0)
		return error_prefix(err, "record %llu of the audit log", shown);
	before = json_string_value(json_object_get(record, "previous_hash"));
	if (!before || strcmp(before, hash) != 0 || json_integer_value(json_object_get(record, "sequence")) != (json_int_t)sequence)
		return error_set(err, ERR_INVALID_INPUT, "record %llu of the audit log does not follow the one before it", shown);
	memcpy(hash, actual, DIGEST_HEX_SIZE);
	return 0;
}

/* The number of the last record that was ever written. */
static int last_sequence(struct store *s, uint64_t *ret, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT seq FROM sqlite_sequence WHERE name = 'audit'", err);
	int rc = q ? db_step(q, err) : -1;

	*ret = rc > 0 ? (uint64_t)db_int(q, 0) : 0;
	db_done(q);
	return rc < 0 ? -1 : 0;
}

int store_audit_verify(struct store *s, uint64_t *ret_records, struct error *err)
{
	struct db_query *q = db_prepare(s->db, "SELECT seq, record, hash FROM audit ORDER BY seq", err);
	char hash[DIGEST_HEX_SIZE];
	uint64_t sequence = 0, last;
	int rc;

	if (!q)
		return -1;
	memcpy(hash, before_first, sizeof(hash));
	while ((rc = db_step(q, err)) > 0) {
		rc = check_record(q, ++sequence, hash, err);
		if (rc < 0)
			break;
	}
	db_done(q);
	if (rc < 0 || last_sequence(s, &last, err) < 0)
		return -1;
	if (last != sequence)
		return error_set(err, ERR_INVALID_INPUT, "the audit log has no record %llu", (unsigned long long)sequence + 1);
	*ret_records = sequence;
	return 0;
}
