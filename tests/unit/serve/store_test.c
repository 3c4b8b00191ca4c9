/* SPDX-License-Identifier: Apache-2.0
 * store: rows come back as they were put in, pages stay where they are while runs are added, keys are answered once, the audit log shows
 * whatever is done to it, and what was said to be there is there after any death. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "cmd/serve/store.h"
#include "runner/base/clock.h"
#include "runner/base/db.h"
#include "runner/base/digest.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "tests/unit/must.h"

static char dir[64], path[96];
static struct store *store;

static void reopen(void)
{
	struct error err = { 0 };

	store_close(store);
	store = NULL;
	if (store_open(dir, &store, &err) < 0)
		print_error("%s\n", err.text);
	must(store != NULL);
}

static int make_store(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/store_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/service.db", dir);
	reopen();
	return 0;
}

static int remove_store(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	return remove_tree_at(AT_FDCWD, dir, NULL);
}

static void add_name(void *data, const struct run_row *r)
{
	struct strbuf *out = data;

	strbuf_addf(out, "%s%s", out->len ? " " : "", r->id);
}

static void list_is(const struct run_filter *f, uint64_t total, const char *wanted)
{
	autostrbuf struct strbuf names = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { 0 };
	uint64_t counted = 0;

	if (store_run_list(store, f, add_name, &names, &counted, &err) < 0)
		print_error("%s\n", err.text);
	assert_string_equal(names.buf, wanted);
	assert_int_equal(counted, total);
}

static int add_run(const char *id, const char *workflow, enum run_state state, const char *verdict)
{
	struct run_row r = {
		.state = state, .verdict = (char *)verdict, .exit_status = -1, .origin = (char *)"v1", .workflow_id = (char *)workflow,
		.created_ns = 1, .files = true,
	};

	snprintf(r.id, sizeof(r.id), "%s", id);
	return store_run_add(store, &r, NULL);
}

/* ---- packages */

static struct workflow_row workflow(const char *id, const char *runtime, const char *mode, json_t *tags)
{
	struct workflow_row w = {
		.id = xstrdup(id), .name = xstrdup("name"), .version = xstrdup("1.0.0"), .tags = tags, .sha256 = xstrdup("ab"), .registered_ns = 7,
		.runtime_type = xstrdup_or_null(runtime), .safety_mode = xstrdup_or_null(mode), .content = STRBUF_INIT(STRBUF_NO_MAX),
	};

	strbuf_add(&w.content, "a: b\n\0c", 7);
	return w;
}

static void put(const char *id, const char *runtime, const char *mode, json_t *tags)
{
	struct workflow_row w = workflow(id, runtime, mode, tags);

	must(store_workflow_put(store, &w, NULL) == 0);
	workflow_row_release(&w);
}

static void add_workflow(void *data, const struct workflow_row *w)
{
	struct strbuf *out = data;

	assert_int_equal(w->content.len, 0);
	assert_true(json_is_array(w->tags));
	strbuf_addf(out, "%s:%s:%llu ", w->id, w->latest_run_status ? w->latest_run_status : "-", (unsigned long long)w->total_runs);
}

static void workflows_are(const char *tag, const char *runtime, const char *mode, const char *wanted)
{
	autostrbuf struct strbuf names = STRBUF_INIT(STRBUF_NO_MAX);

	assert_int_equal(store_workflow_list(store, tag, runtime, mode, add_workflow, &names, NULL), 0);
	assert_string_equal(names.buf, wanted);
}

static void keeps_packages(void **state)
{
	struct workflow_row w;

	(void)state;
	put("b-1.0.0", "k8s", "manual", json_pack("[ss]", "x", "y"));
	put("a-1.0.0", "shell", "auto", json_pack("[s]", "y"));
	put("c-1.0.0", NULL, NULL, NULL);
	workflows_are(NULL, NULL, NULL, "b-1.0.0:-:0 a-1.0.0:-:0 c-1.0.0:-:0 ");
	workflows_are("y", NULL, NULL, "b-1.0.0:-:0 a-1.0.0:-:0 ");
	workflows_are("x", "shell", NULL, "");
	workflows_are(NULL, "shell", "auto", "a-1.0.0:-:0 ");
	workflows_are("'; --", "%", "_", "");
	assert_int_equal(store_workflow_get(store, "nope", &w, NULL), 0);
	must(add_run("r-1", "b-1.0.0", RUN_ENDED, "verified") == 0 && add_run("r-2", "b-1.0.0", RUN_RUNNING, NULL) == 0);
	put("b-1.0.0", "docker", "manual", json_pack("[s]", "x"));	/* replaced: in its place, its runs with it */
	reopen();
	workflows_are(NULL, NULL, NULL, "b-1.0.0:running:2 a-1.0.0:-:0 c-1.0.0:-:0 ");
	assert_int_equal(store_workflow_get(store, "b-1.0.0", &w, NULL), 1);
	assert_string_equal(w.runtime_type, "docker");
	assert_string_equal(w.latest_run_id, "r-2");
	assert_int_equal(w.content.len, 7);
	assert_memory_equal(w.content.buf, "a: b\n\0c", 7);
	assert_true(w.registered_ns == 7 && !w.author && !w.signature && json_array_size(w.tags) == 1);
	workflow_row_release(&w);
	assert_int_equal(store_workflow_delete(store, "b-1.0.0", NULL), 1);
	assert_int_equal(store_workflow_delete(store, "b-1.0.0", NULL), 0);
	assert_int_equal(store_workflow_get(store, "b-1.0.0", &w, NULL), 0);
	list_is(&(struct run_filter){ .workflow_id = "b-1.0.0" }, 2, "r-2 r-1");
}

/* ---- runs */

static void keeps_runs(void **state)
{
	struct run_row r = {
		.id = "r-abc", .execution_id = "0198-uuid", .state = RUN_QUEUED, .exit_status = -1, .origin = xstrdup("agent"),
		.requested_by = xstrdup("ci@127.0.0.1"), .created_ns = 5, .files = true,
	}, got;

	(void)state;
	must(store_run_add(store, &r, NULL) == 0);
	assert_int_equal(store_run_add(store, &r, NULL), -1);		/* there already */
	assert_int_equal(store_run_get(store, "0198-uuid", &got, NULL), 1);
	assert_string_equal(got.id, "r-abc");
	assert_true(got.state == RUN_QUEUED && !got.verdict && !got.summary && got.exit_status == -1 && got.files);
	run_row_release(&got);
	r.state = RUN_ENDED;
	r.verdict = xstrdup("failed");
	r.detail = xstrdup("step 'x' exited with 3");
	r.workflow_id = xstrdup("w-1");
	r.workflow_name = xstrdup("w");
	r.sha256 = xstrdup("ff");
	r.sandbox = xstrdup("container");
	r.request_id = xstrdup("q");
	r.exit_status = 1;
	r.started_ns = 6;
	r.ended_ns = UINT64_C(1792000000000000000);
	r.duration_ms = 77;
	r.summary = json_pack("{s:i,s:s}", "steps", 3, "x", "\xc3\xa4");
	must(store_run_update(store, &r, NULL) == 0);
	reopen();
	assert_int_equal(store_run_get(store, "r-abc", &got, NULL), 1);
	assert_string_equal(got.verdict, "failed");
	assert_string_equal(got.detail, "step 'x' exited with 3");
	assert_string_equal(got.origin, "agent");
	assert_string_equal(got.requested_by, "ci@127.0.0.1");
	assert_string_equal(got.execution_id, "0198-uuid");
	assert_string_equal(got.sandbox, "container");
	assert_true(got.state == RUN_ENDED && got.created_ns == 5 && got.started_ns == 6 && got.ended_ns == r.ended_ns && got.duration_ms == 77);
	assert_true(json_equal(got.summary, r.summary));
	run_row_release(&got);
	snprintf(r.id, sizeof(r.id), "r-none");
	assert_int_equal(store_run_update(store, &r, NULL), -1);
	assert_int_equal(store_run_get(store, "r-none", &got, NULL), 0);
	assert_int_equal(store_run_get(store, "", &got, NULL), 0);
	run_row_release(&r);
}

static void pages_runs(void **state)
{
	static const struct {
		struct run_filter f;
		uint64_t total;
		const char *wanted;
	} rows[] = {
		{ { .workflow_id = NULL }, 6, "r-6 r-5 r-4 r-3 r-2 r-1" },
		{ { .limit = 2 }, 6, "r-6 r-5" },
		{ { .limit = 2, .after = "r-5" }, 6, "r-4 r-3" },
		{ { .limit = 9, .after = "r-2" }, 6, "r-1" },
		{ { .after = "r-1" }, 6, "" },
		{ { .limit = 2, .offset = 4 }, 6, "r-2 r-1" },
		{ { .offset = 6 }, 6, "" },
		{ { .workflow_id = "a" }, 3, "r-5 r-3 r-1" },
		{ { .workflow_id = "a", .limit = 1, .after = "r-4" }, 3, "r-3" },
		{ { .workflow_id = "a", .verdict = "failed" }, 1, "r-3" },
		{ { .workflow_id = "a", .state = "ended", .origin = "v1" }, 2, "r-3 r-1" },
		{ { .state = "queued" }, 1, "r-6" },
		{ { .verdict = "failed" }, 2, "r-3 r-2" },
		{ { .state = "running", .verdict = "failed" }, 0, "" },
		{ { .origin = "agent" }, 0, "" },
		{ { .workflow_id = "" }, 0, "" },
		{ { .workflow_id = "a' OR 1 --" }, 0, "" },
	};
	struct error err = { 0 };

	(void)state;
	must(!add_run("r-1", "a", RUN_ENDED, "verified") && !add_run("r-2", "b", RUN_ENDED, "failed") && !add_run("r-3", "a", RUN_ENDED, "failed"));
	must(!add_run("r-4", NULL, RUN_RUNNING, NULL) && !add_run("r-5", "a", RUN_RUNNING, NULL) && !add_run("r-6", "b", RUN_QUEUED, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		list_is(&rows[i].f, rows[i].total, rows[i].wanted);
	assert_int_equal(store_run_list(store, &(struct run_filter){ .after = "r-9" }, add_name, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_non_null(strstr(err.text, "there is no run 'r-9'"));
}

/* Whoever turns the pages sees every run that was there when he began, each once, whatever comes meanwhile. */
static void pages_stay_while_runs_are_added(void **state)
{
	autostrbuf struct strbuf all = STRBUF_INIT(STRBUF_NO_MAX);
	char last[16] = "", id[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "r-%02d", i);
		must(add_run(id, "a", RUN_ENDED, "verified") == 0);
	}
	for (int page = 0; page < 7; page++) {
		struct run_filter f = { .limit = 3, .after = *last ? last : NULL };

		must(store_run_list(store, &f, add_name, &all, NULL, NULL) == 0);
		snprintf(last, sizeof(last), "%s", all.buf + all.len - 4);
		snprintf(id, sizeof(id), "n-%02d", page);
		must(add_run(id, "a", RUN_QUEUED, NULL) == 0);
	}
	assert_string_equal(all.buf, "r-19 r-18 r-17 r-16 r-15 r-14 r-13 r-12 r-11 r-10 r-09 r-08 r-07 r-06 r-05 r-04 r-03 r-02 r-01 r-00");
}

static void end_run(void *data, const struct run_row *r)
{
	struct run_row ended = *r;
	int *seen = data;

	++*seen;
	ended.state = RUN_ENDED;
	ended.verdict = (char *)"interrupted";
	must(store_run_update(store, &ended, NULL) == 0);
}

static void finds_what_is_open(void **state)
{
	int seen = 0;
	char id[16];

	(void)state;
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "r-%02d", i);
		must(add_run(id, "a", (enum run_state)(i % 3), i % 3 == RUN_ENDED ? "verified" : NULL) == 0);
	}
	reopen();
	assert_int_equal(store_run_open(store, end_run, &seen, NULL), 0);
	assert_int_equal(seen, 34);
	assert_int_equal(store_run_open(store, end_run, &seen, NULL), 0);
	assert_int_equal(seen, 34);
}

static void is_told_of_runs_of_others(void **state)
{
	static const char *const bad[] = { "", ".", "../x", "a/b", "a b", "\xc3\xa4",
		"0123456789012345678901234567890123456789012345678901234567890123456789012345678901" };
	struct run_row r;
	struct error err = { 0 };

	(void)state;
	must(add_run("r-ours", "w", RUN_RUNNING, NULL) == 0);
	must(store_run_notify(store, "w", "123e4567-e89b-12d3-a456-426614174000", "running", 0, NULL) == 0);
	assert_int_equal(store_run_get(store, "123e4567-e89b-12d3-a456-426614174000", &r, NULL), 1);
	assert_true(r.state == RUN_RUNNING && !r.verdict && !r.files && !r.ended_ns);
	run_row_release(&r);
	must(store_run_notify(store, "w", "123e4567-e89b-12d3-a456-426614174000", "success", 1200, NULL) == 0);
	must(store_run_notify(store, "other", "123e4567-e89b-12d3-a456-426614174000", "failed", 1, NULL) == 0);	/* not its workflow */
	must(store_run_notify(store, "w", "r-ours", "failed", 1, NULL) == 0);
	assert_int_equal(store_run_get(store, "123e4567-e89b-12d3-a456-426614174000", &r, NULL), 1);
	assert_string_equal(r.verdict, "success");
	assert_string_equal(r.origin, "notify");
	assert_true(r.state == RUN_ENDED && r.duration_ms == 1200 && r.ended_ns);
	run_row_release(&r);
	list_is(&(struct run_filter){ .workflow_id = "w", .state = "running" }, 1, "r-ours");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(store_run_notify(store, "w", bad[i], "success", 0, &err), -1);
		assert_int_equal(err.code, ERR_INVALID_INPUT);
	}
}

static void expires_runs(void **state)
{
	autostrvec struct strvec ids = STRVEC_INIT;
	char id[16];

	(void)state;
	for (int i = 0; i < 12; i++) {
		snprintf(id, sizeof(id), "r-%02d", i);
		must(add_run(id, "a", i == 1 ? RUN_RUNNING : RUN_ENDED, "verified") == 0);
	}
	must(store_run_expire(store, 4, 6, &ids, NULL) == 0);
	assert_int_equal(ids.len, 7);		/* all but the newest four, and the one that runs */
	list_is(&(struct run_filter){ .limit = 1 }, 12, "r-11");	/* none goes while its files are there */
	for (size_t i = 0; i < ids.len; i++) {
		assert_string_not_equal(ids.items[i], "r-01");
		must(store_run_without_files(store, ids.items[i], NULL) == 0);
	}
	strvec_release(&ids);
	must(store_run_expire(store, 4, 6, &ids, NULL) == 0);
	assert_int_equal(ids.len, 0);
	list_is(&(struct run_filter){ .limit = 0 }, 7, "r-11 r-10 r-09 r-08 r-07 r-06 r-01");
	must(add_run("r-12", "a", RUN_ENDED, "verified") == 0);	/* numbers are not given again */
	list_is(&(struct run_filter){ .limit = 1 }, 8, "r-12");
}

/* ---- idempotency keys */

static int begin_key(const char *who, const char *key, const char *fingerprint, uint64_t now_ns, const char *wanted_body)
{
	autostrbuf struct strbuf body = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *headers = NULL;
	struct error err = { 0 };
	int status = 0, rc = store_idempotency_begin(store, who, key, fingerprint, now_ns, &status, &headers, &body, &err);

	if (rc < 0)
		print_error("%s\n", err.text);
	if (rc == IDEMPOTENCY_REPLAY) {
		assert_int_equal(status, 202);
		assert_string_equal(json_string_value(json_object_get(headers, "Location")), "/x");
		assert_int_equal(body.len, strlen(wanted_body));
		assert_memory_equal(body.buf, wanted_body, body.len);
	} else {
		assert_int_equal(body.len, 0);
	}
	return rc;
}

static void end_key(const char *who, const char *key, const char *text)
{
	json_auto_t *headers = json_pack("{s:s}", "Location", "/x");
	autostrbuf struct strbuf body = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(&body, text);
	must(store_idempotency_end(store, who, key, 202, headers, &body, NULL) == 0);
}

static void answers_a_key_once(void **state)
{
	const uint64_t now = 1000 * 24 * 3600 * NS_PER_SEC, day = 24 * 3600 * NS_PER_SEC;

	(void)state;
	assert_int_equal(begin_key("a", "k", "f1", now, NULL), IDEMPOTENCY_NEW);
	assert_int_equal(begin_key("a", "k", "f1", now, NULL), IDEMPOTENCY_BUSY);
	assert_int_equal(begin_key("a", "k", "f2", now, NULL), IDEMPOTENCY_OTHER_BODY);
	assert_int_equal(begin_key("b", "k", "f2", now, NULL), IDEMPOTENCY_NEW);	/* another's key is another key */
	end_key("a", "k", "answer");
	reopen();
	assert_int_equal(begin_key("a", "k", "f1", now + day - 1, "answer"), IDEMPOTENCY_REPLAY);
	assert_int_equal(begin_key("a", "k", "f2", now + day - 1, NULL), IDEMPOTENCY_OTHER_BODY);
	assert_int_equal(begin_key("b", "k", "f3", now, NULL), IDEMPOTENCY_NEW);	/* its service died over it */
	store_idempotency_forget(store, "b", "k");
	assert_int_equal(begin_key("b", "k", "f4", now, NULL), IDEMPOTENCY_NEW);
	assert_int_equal(begin_key("a", "k", "f2", now + day, NULL), IDEMPOTENCY_NEW);	/* a day later it is free */
	end_key("a", "k", "second");
	assert_int_equal(begin_key("a", "k", "f2", now + day, "second"), IDEMPOTENCY_REPLAY);
	assert_int_equal(begin_key("a", "", "", now, NULL), IDEMPOTENCY_NEW);
	assert_int_equal(begin_key("c", "k", "f", 5, NULL), IDEMPOTENCY_NEW);		/* a clock that is wrong */
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

static struct db *open_below(void)
{
	struct db *db = NULL;
	struct error err = { 0 };

	store_close(store);
	store = NULL;
	if (db_open(path, 1000, &db, &err) < 0)
		print_error("%s\n", err.text);
	must(db != NULL);
	return db;
}

static void forgets_keys_that_are_old(void **state)
{
	const uint64_t now = 1000 * 24 * 3600 * NS_PER_SEC, day = 24 * 3600 * NS_PER_SEC;
	struct db *db;
	char key[16];

	(void)state;
	for (int i = 0; i < 250; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(begin_key("a", key, "f", now + (uint64_t)i, NULL), IDEMPOTENCY_NEW);
		end_key("a", key, "x");
	}
	for (int i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "n%d", i);
		assert_int_equal(begin_key("a", key, "f", now + day + 200, NULL), IDEMPOTENCY_NEW);
	}
	db = open_below();
	assert_int_equal(number(db, "SELECT count(*) FROM idempotency"), 49 + 3);
	db_close(db);
}

/* ---- audit */

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

/* ---- the file */

static void refuses_what_is_not_its_file(void **state)
{
	struct error err = { 0 };
	struct store *other = NULL;
	struct db *db = open_below();

	(void)state;
	must(db_set_version(db, 999, NULL) == 0);
	db_close(db);
	assert_int_equal(store_open(dir, &other, &err), -1);
	assert_non_null(strstr(err.text, "made by a newer version (its format is 999"));
	must(file_write_atomic(path, "not a database", 14, 0600, NULL) == 0);
	assert_int_equal(store_open(dir, &other, &err), -1);
	assert_non_null(strstr(err.text, "/service.db' is no database: move it aside"));
	must(unlink(path) == 0);
	reopen();
	assert_int_equal(store_open(dir, &other, &err), -1);
	assert_non_null(strstr(err.text, "in use by"));
	assert_int_equal(store_open("/proc/nowhere", &other, &err), -1);
	assert_int_equal(store_ping(store, NULL), 0);
}

static void counted(void *data, const struct run_row *r)
{
	*(uint64_t *)data += r->duration_ms;
}

/* With the last row taken as a measure of nothing being kept: ten thousand come by in one list. */
static void streams_lists(void **state)
{
	struct run_row r = { .state = RUN_ENDED, .origin = (char *)"v1", .duration_ms = 1 };
	uint64_t seen = 0, total = 0, before, took;
	struct db *db;

	(void)state;
	before = clock_monotonic_ns();
	for (int i = 0; i < 300; i++) {
		snprintf(r.id, sizeof(r.id), "r-%d", i);
		r.state = RUN_QUEUED;
		must(store_run_add(store, &r, NULL) == 0);
		r.state = RUN_RUNNING;
		must(store_run_update(store, &r, NULL) == 0);
		r.state = RUN_ENDED;
		must(store_run_update(store, &r, NULL) == 0);
	}
	took = clock_monotonic_ns() - before;
	print_message("%llu us a run (one insert, two updates)\n", (unsigned long long)(took / 300 / 1000));
	db = open_below();
	must(db_exec(db, "WITH RECURSIVE c (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM c WHERE n < 10699)"
			 " INSERT INTO runs (id, state, exit_status, origin, created_ns, started_ns, ended_ns, duration_ms, files)"
			 " SELECT 'r-' || n, 'ended', 0, 'v1', n, n, n, 1, 0 FROM c", NULL) == 0);
	db_close(db);
	reopen();
	must(store_run_list(store, &(struct run_filter){ .limit = 0 }, counted, &seen, &total, NULL) == 0);
	assert_int_equal(seen, 10000);
	assert_int_equal(total, 10000);
}

/* ---- death and want */

/* A run, its record and its end, over and over; says each number when all of it is there. */
static void work_for_ever(int fd)
{
	struct error err = { 0 };

	store = NULL;
	must(store_open(dir, &store, &err) == 0);
	for (uint64_t n = 0; ; n++) {
		char id[32];
		struct run_row r;

		snprintf(id, sizeof(id), "r-%d-%llu", (int)getpid(), (unsigned long long)n);
		must(add_run(id, "w", RUN_QUEUED, NULL) == 0);
		must(store_audit(store, "workflow_executed", id, "ci", NULL, NULL) == 0);
		must(store_run_get(store, id, &r, NULL) == 1);
		r.state = RUN_ENDED;
		r.verdict = xstrdup("verified");
		must(store_run_update(store, &r, NULL) == 0);
		run_row_release(&r);
		must(write(fd, &n, sizeof(n)) == sizeof(n));
	}
}

static void survives_the_death_of_a_service(void **state)
{
	uint64_t promised = 0, n, records, ended;

	(void)state;
	for (int round = 0; round < 20; round++) {
		int ends[2];
		pid_t pid;

		store_close(store);
		store = NULL;
		must(pipe(ends) == 0);
		pid = fork();
		if (pid == 0) {
			in_child = true;
			close(ends[0]);
			work_for_ever(ends[1]);
		}
		close(ends[1]);
		for (int i = 0; i < 1 + round * 5 && read(ends[0], &n, sizeof(n)) == sizeof(n); i++)
			promised++;
		kill(pid, SIGKILL);
		must(waitpid(pid, NULL, 0) == pid);
		while (read(ends[0], &n, sizeof(n)) == sizeof(n))
			promised++;
		close(ends[0]);
		reopen();
		must(store_audit_verify(store, &records, NULL) == 0);
		must(store_run_list(store, &(struct run_filter){ .state = "ended", .limit = 1 }, counted, &n, &ended, NULL) == 0);
		must(promised >= (uint64_t)round + 1 && records >= promised && ended >= promised && records <= promised + (uint64_t)round + 1);
	}
}

static void on_a_small_disk(void)
{
	struct error err = { 0 };
	uint64_t written = 0, records, total, n = 0;
	char big[100];
	int fd;

	store_close(store);
	store = NULL;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700") < 0)
		_exit(77);
	reopen();
	snprintf(big, sizeof(big), "%s/big", dir);
	fd = open(big, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && posix_fallocate(fd, 0, 3 << 20) == 0);
	while (written < 100000 && store_audit(store, "workflow_executed", NULL, "ci", json_string(big), &err) == 0)
		written++;
	must(err.code == ERR_RESOURCE_EXHAUSTED && strstr(err.text, "no room to write '") && written > 10);
	must(store_audit_verify(store, &records, NULL) == 0 && records == written);
	must(ftruncate(fd, 0) == 0);
	must(store_audit(store, "workflow_executed", NULL, "ci", NULL, NULL) == 0 && store_ping(store, NULL) == 0);
	must(add_run("r-3", "w", RUN_ENDED, "verified") == 0);
	reopen();
	must(store_audit_verify(store, &records, NULL) == 0 && records == written + 1);
	must(store_run_list(store, &(struct run_filter){ .after = "r-3" }, counted, &n, &total, NULL) == 0 && total >= 1);
	store_close(store);
	close(fd);
}

static void survives_a_full_disk(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	store_close(store);	/* the child has one of its own */
	store = NULL;
	pid = fork();
	if (pid == 0) {
		in_child = true;
		on_a_small_disk();
		_exit(0);
	}
	must(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(keeps_packages),
		CASE(keeps_runs),
		CASE(pages_runs),
		CASE(pages_stay_while_runs_are_added),
		CASE(finds_what_is_open),
		CASE(is_told_of_runs_of_others),
		CASE(expires_runs),
		CASE(answers_a_key_once),
		CASE(forgets_keys_that_are_old),
		CASE(chains_the_audit_log),
		CASE(shows_what_was_done_to_the_audit_log),
		CASE(shows_a_forged_record),
		CASE(refuses_what_is_not_its_file),
		CASE(streams_lists),
		CASE(survives_the_death_of_a_service),
		CASE(survives_a_full_disk),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
