/* SPDX-License-Identifier: Apache-2.0
 * store: the audit log can be checked by anybody, and shows whatever is done to it. */
#include "tests/unit/serve/store_place.h"

#include "runner/base/digest.h"
#include "runner/base/mem.h"

static void add_records(int n)
{
	for (int i = 0; i < n; i++)
		must(store_audit(store, i % 2 ? "workflow_executed" : "workflow_registered", i % 3 ? "r-1" : NULL, "ci",
				 i % 4 ? json_pack("{s:i,s:[f,n,b],s:s}", "n", i, "list", 0.1 * i, 1, "text", "\xc3\xa4\n\"x\"") : NULL, NULL) == 0);
}

/* As somebody else would check it, from the list. */
static void check_list(size_t n)
{
	json_t *list = NULL, *record;
	char before[DIGEST_HEX_SIZE];
	size_t i;

	memset(before, '0', sizeof(before) - 1);
	before[sizeof(before) - 1] = '\0';
	must(store_audit_list(store, 0, 0, &list, NULL) == 0);
	assert_int_equal(json_array_size(list), n);
	json_array_foreach(list, i, record) {
		autofree char *hash = xstrdup(json_string_value(json_object_get(record, "immutable_hash")));
		autofree char *text = NULL;
		char actual[DIGEST_HEX_SIZE];

		json_object_del(record, "immutable_hash");
		text = json_dumps(record, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(15));
		sha256_hex(text, strlen(text), actual);
		assert_string_equal(actual, hash);
		assert_string_equal(json_string_value(json_object_get(record, "previous_hash")), before);
		assert_int_equal(json_integer_value(json_object_get(record, "sequence")), i + 1);
		assert_string_equal(json_string_value(json_object_get(record, "user_id")), "ci");
		memcpy(before, hash, sizeof(before));
	}
	json_decref(list);
}

static void chains_the_audit_log(void **state)
{
	json_t *list = NULL;
	uint64_t n = 1;

	(void)state;
	must(store_audit_verify(store, &n, NULL) == 0);
	assert_int_equal(n, 0);
	add_records(10);
	reopen();
	add_records(10);
	must(store_audit_verify(store, &n, NULL) == 0);
	assert_int_equal(n, 20);
	check_list(20);
	must(store_audit_list(store, 5, 3, &list, NULL) == 0);
	assert_int_equal(json_array_size(list), 3);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "sequence")), 6);
	json_decref(list);
	must(store_audit_list(store, UINT64_MAX, 3, &list, NULL) == 0);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void shows_what_was_done_to_the_audit_log(void **state)
{
#define RENUMBER "UPDATE audit SET seq = seq - 1 WHERE seq > 5"
	static const struct {
		const char *what, *sql, *says;
	} rows[] = {
		{ "a text changed", "UPDATE audit SET record = replace(record, '\"ci\"', '\"me\"') WHERE seq = 5", "record 5 of the audit log was changed" },
		{ "a hash changed", "UPDATE audit SET hash = hash || 'x' WHERE seq = 3", "record 3 of the audit log was changed" },
		{ "one taken out", "DELETE FROM audit WHERE seq = 5", "has no record 5" },
		{ "the first taken out", "DELETE FROM audit WHERE seq = 1", "has no record 1" },
		{ "the last cut off", "DELETE FROM audit WHERE seq > 7", "has no record 8" },
		{ "all taken out", "DELETE FROM audit", "has no record 1" },
		{ "one taken out, the rest moved up", "DELETE FROM audit WHERE seq = 5;" RENUMBER, "record 5 of the audit log does not follow" },
		{ "two exchanged", "UPDATE audit SET seq = 100 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 6; UPDATE audit SET seq = 6 WHERE seq = 100",
		  "record 4 of the audit log does not follow" },
	};
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		struct db *db;

		add_records(10);
		must(store_audit_verify(store, &n, NULL) == 0 && n == 10);
		db = open_below();
		must(db_exec(db, rows[i].sql, NULL) < 0);	/* not without breaking it open first */
		must(db_exec(db, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete", NULL) == 0 && db_exec(db, rows[i].sql, NULL) == 0);
		db_close(db);
		reopen();
		assert_int_equal(store_audit_verify(store, &n, &err), -1);
		if (!strstr(err.text, rows[i].says))
			print_error("%s: %s\n", rows[i].what, err.text);
		assert_non_null(strstr(err.text, rows[i].says));
		store_close(store);
		store = NULL;
		must(unlink(path) == 0);
		reopen();
	}
}

/* The hash along with the text: then it is the next one that does not follow. */
static void shows_a_forged_record(void **state)
{
	struct error err = { 0 };
	struct db *db;
	struct db_query *q;
	char text[1000], hash[DIGEST_HEX_SIZE], *at;
	uint64_t n;

	(void)state;
	add_records(10);
	db = open_below();
	q = db_prepare(db, "SELECT record FROM audit WHERE seq = 5", NULL);
	must(q && db_step(q, NULL) == 1);
	snprintf(text, sizeof(text), "%s", db_text(q, 0));
	db_done(q);
	at = strstr(text, "\"ci\"");
	must(at != NULL);
	memcpy(at, "\"me\"", 4);
	sha256_hex(text, strlen(text), hash);
	must(db_exec(db, "DROP TRIGGER audit_no_update", NULL) == 0);
	q = db_prepare(db, "UPDATE audit SET record = ?1, hash = ?2 WHERE seq = 5", NULL);
	db_bind_text(q, 1, text);
	db_bind_text(q, 2, hash);
	must(db_run(q, NULL) == 0);
	db_close(db);
	reopen();
	assert_int_equal(store_audit_verify(store, &n, &err), -1);
	assert_non_null(strstr(err.text, "record 6 of the audit log does not follow"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(chains_the_audit_log),
		CASE(shows_what_was_done_to_the_audit_log),
		CASE(shows_a_forged_record),
	};

	return cmocka_run_group_tests_name("store_audit", tests, NULL, NULL);
}
