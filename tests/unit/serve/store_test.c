/* SPDX-License-Identifier: Apache-2.0
 * store: rows come back as they were put in, pages stay where they are while runs are added, and keys are answered once. */
#include "tests/unit/serve/store_place.h"

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"

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

static void count_open(void *data, const struct run_row *r)
{
	assert_string_not_equal(r->origin, "notify");
	++*(unsigned int *)data;
}

static void is_told_of_runs_of_others(void **state)
{
	unsigned int open = 0;
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
	assert_int_equal(store_run_open(store, count_open, &open, NULL), 0);
	assert_int_equal(open, 1);	/* they do not end with us */
	must(store_run_notify(store, "w", "123e4567-e89b-12d3-a456-426614174000", "success", 1200, NULL) == 0);
	must(store_run_notify(store, "other", "123e4567-e89b-12d3-a456-426614174000", "failed", 1, NULL) == 0);	/* not its workflow */
	must(store_run_notify(store, "w", "r-ours", "failed", 1, NULL) == 0);
	assert_int_equal(store_run_get(store, "123e4567-e89b-12d3-a456-426614174000", &r, NULL), 1);
	assert_string_equal(r.verdict, "success");
	assert_string_equal(r.origin, "notify");
	assert_true(r.state == RUN_ENDED && r.duration_ms == 1200 && r.ended_ns);
	run_row_release(&r);
	list_is(&(struct run_filter){ .workflow_id = "w", .state = "running" }, 1, "r-ours");
	/* nor does anybody's word stand in front of a run of ours by its other name */
	must(store_run_add(store, &(struct run_row){ .id = "r-agent", .execution_id = "0198-uuid", .state = RUN_RUNNING, .exit_status = -1,
						     .origin = (char[]){ "agent" }, .created_ns = 1 }, NULL) == 0);
	must(store_run_notify(store, "w", "0198-uuid", "success", 1, NULL) == 0);
	assert_int_equal(store_run_get(store, "0198-uuid", &r, NULL), 1);
	assert_string_equal(r.id, "r-agent");
	run_row_release(&r);
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

/* Whoever may send keys must not be able to fill the disk with answers. */
static void bounds_the_bytes_of_answers(void **state)
{
	const size_t each = 4 << 20;
	autofree char *answer = xmalloc(each + 1);
	struct db *db;
	char key[16];

	(void)state;
	memset(answer, 'x', each);
	answer[each] = '\0';
	for (int i = 0; i < 20; i++) {	/* 80 MiB */
		snprintf(key, sizeof(key), "k%d", i);
		assert_int_equal(begin_key("a", key, "f", 1000 + (uint64_t)i, NULL), IDEMPOTENCY_NEW);
		end_key("a", key, answer);
	}
	assert_int_equal(begin_key("a", "k19", "f", 2000, answer), IDEMPOTENCY_REPLAY);
	db = open_below();
	must(number(db, "SELECT total(length(body)) FROM idempotency") <= 64 << 20);
	db_close(db);
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
		CASE(forgets_keys_that_are_old), CASE(bounds_the_bytes_of_answers),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
