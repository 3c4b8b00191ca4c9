/* SPDX-License-Identifier: Apache-2.0
 * run_store: lines come back, the last of a run counts, writers beside each other lose nothing, and room is made. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/run_store.h"

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/run_store_test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return remove_tree_at(AT_FDCWD, dir, NULL);
}

static int add(const char *run_id, enum run_verdict verdict, const char *reason, int status)
{
	struct error err = { 0 };
	struct result r;
	json_t *json;
	int rc;

	result_init(&r);
	snprintf(r.run_id, sizeof(r.run_id), "%s", run_id);
	r.source = "a.wpk.yaml";
	r.verdict = verdict;
	r.verdict_reason = xstrdup(reason);
	r.started_ns = UINT64_C(1795259157397339255);
	r.duration_ns = 64216923;
	r.cleanup_complete = true;
	json = result_to_json(&r);
	rc = run_store_add(dir, &r, json, status, &err);
	json_decref(json);
	result_release(&r);
	return rc;
}

static void comes_back(void **state)
{
	struct run_entries list = { .items = NULL };
	autostrbuf struct strbuf json = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(run_store_list(dir, &list, &err), 0);
	assert_int_equal(list.len, 0);
	assert_int_equal(add("r-one", RUN_FAILED, "first", 1), 0);
	assert_int_equal(add("r-two", RUN_VERIFIED, "second", 0), 0);
	assert_int_equal(add("r-one", RUN_CANCELLED, "again", 130), 0);
	assert_int_equal(run_store_list(dir, &list, &err), 0);
	assert_int_equal(list.len, 2);
	assert_string_equal(list.items[0].run_id, "r-one");	/* its place, its last line */
	assert_string_equal(list.items[0].verdict, "cancelled");
	assert_int_equal(list.items[0].status, 130);
	assert_true(list.items[0].started_ns == UINT64_C(1795259157397339255) && list.items[0].duration_ns == 64216923);
	assert_true(list.items[0].cleanup_complete && !list.items[0].memory_peak_bytes && !list.items[0].package);
	run_entries_release(&list);
	assert_int_equal(run_store_result(dir, "r-one", &json, &err), 0);
	assert_non_null(strstr(json.buf, "\"verdict_reason\":\"again\""));
	assert_int_equal(run_store_result(dir, "../r-one", &json, &err), -1);
	assert_int_equal(run_store_result(dir, "r-none", &json, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
}

static void is_no_entry(void **state)
{
	static const char *const lines[] = {
		"", "{", "{}", "[]", "7", "{\"run_id\":7,\"verdict\":\"x\"}", "{\"run_id\":\"r-1\"}", "{\"run_id\":\"../x\",\"verdict\":\"x\"}",
		"{\"run_id\":\"\",\"verdict\":\"x\"}", "{\"run_id\":\"r-0123456789012345678901234567890123456789\",\"verdict\":\"x\"}",
	};
	static const char good[] = "{\"run_id\":\"r-1\",\"verdict\":\"x\",\"started_ns\":-5,\"status\":\"no\"}";
	struct run_entry e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_false(run_entry_parse(lines[i], strlen(lines[i]), &e));
	assert_true(run_entry_parse(good, strlen(good), &e));
	assert_true(e.started_ns == 0 && e.status == 0);
	run_entry_release(&e);
}

/* The quick way to read a line and the thorough one agree. */
static void is_read_the_same_either_way(void **state)
{
	static const char *const lines[] = {
		("{\"run_id\":\"r-1\",\"verdict\":\"failed\",\"package\":\"a b\",\"status\":7,\"started_ns\":1795283829280892598,\"duration_ns\":0,"
		 "\"cleanup_complete\":true,\"failure\":\"shell/signal\",\"escape_attempts\":3,\"more\":null,\"result_bytes\":12}"),
		"{\"verdict\":\"\",\"run_id\":\"r-1\",\"source\":null,\"where\":7,\"cleanup_complete\":false,\"memory_peak_bytes\":\"x\"}",
		"{\"verdict\":\"x\",\"run_id\":\"r-1\",\"package\":{\"a\":[1,\"}\"]},\"duration_ns\":1.5}",
		"{\"verdict\":\"x\",\"run_id\":\"r-1\",\"package\":\"\xc3\xa4\\\"\\u00e4\\\\\",\"duration_ns\":99999999999999999999}",
		"{\"verdict\":\"x\",\"run_id\":\"r-1\",\"duration_ns\":01}",
		"{\"verdict\":\"x\",\"run_id\":\"r-1\"}}", "{\"verdict\":\"x\",\"run_id\":\"r-1\",}", "{\"verdict\":\"x\",\"run_id\":\"r-1\"",
		"{\"verdict\":\"x\",\"run_id\":\"r-1\",\"where\":tru}", "{\"verdict\":\"x\" \"run_id\":\"r-1\"}", "{\"verdict\":\"x\",\"run_id\":}",
		"{\"verdict\":\"x\",\"run_id\":\"r-1\",\"where\":\"\xff\"}", "{\"verdict\":\"x\",\"run_id\":\"r-1\",\"where\":\"a\tb\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		autofree char *spaced = xasprintf(" %s", lines[i]);	/* which we do not write */
		struct run_entry quick, thorough;
		bool good = run_entry_parse(spaced, strlen(spaced), &thorough);

		assert_int_equal(run_entry_parse(lines[i], strlen(lines[i]), &quick), good);
		assert_int_equal(good, i < 4 && i != 3);
		if (!good)
			continue;
		assert_string_equal(quick.verdict, thorough.verdict);
		assert_string_equal(quick.package ? quick.package : "-", thorough.package ? thorough.package : "-");
		assert_string_equal(quick.failure ? quick.failure : "-", thorough.failure ? thorough.failure : "-");
		assert_true(!quick.source && !thorough.source && !quick.where && !thorough.where);
		assert_true(quick.started_ns == thorough.started_ns && quick.duration_ns == thorough.duration_ns && quick.status == thorough.status);
		assert_true(quick.cleanup_complete == thorough.cleanup_complete && quick.escape_attempts == thorough.escape_attempts);
		assert_true(quick.memory_peak_bytes == 0 && thorough.memory_peak_bytes == 0 && quick.result_bytes == thorough.result_bytes);
		run_entry_release(&quick);
		run_entry_release(&thorough);
	}
}

enum { WRITERS = 4, RUNS = 60 };

/* Each adds its own runs while the others do, and while room is made: nothing is lost of the newest. */
static void beside_each_other(void **state)
{
	struct run_entries list = { .items = NULL };
	struct error err;
	pid_t pids[WRITERS];

	(void)state;
	for (int w = 0; w < WRITERS; w++) {
		pids[w] = fork();
		if (pids[w] == 0) {
			for (int i = 0; i < RUNS; i++) {
				char id[RUN_ID_SIZE];

				snprintf(id, sizeof(id), "r-%d-%d", w, i);
				if (add(id, RUN_VERIFIED, "fine", 0) < 0)
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;

		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(run_store_list(dir, &list, &err), 0);
	assert_int_equal(list.len, WRITERS * RUNS);
	for (size_t i = WRITERS * RUNS - RUN_STORE_RUNS; i < list.len; i++) {
		autostrbuf struct strbuf json = STRBUF_INIT(STRBUF_NO_MAX);

		assert_int_equal(run_store_result(dir, list.items[i].run_id, &json, &err), 0);
	}
	run_entries_release(&list);
}

static void large_ones_go_first(void **state)
{
	autofree char *big = xmalloc((1u << 20) + 1);
	struct run_entries list = { .items = NULL };
	struct error err;
	uint64_t bytes = 0;

	(void)state;
	memset(big, 'x', 1u << 20);
	big[1u << 20] = '\0';
	for (int i = 0; i < 80; i++) {
		char id[RUN_ID_SIZE];

		snprintf(id, sizeof(id), "r-%d", i);
		assert_int_equal(add(id, RUN_FAILED, big, 1), 0);
	}
	assert_int_equal(run_store_list(dir, &list, &err), 0);
	assert_int_equal(list.len, 80);		/* what they were is known of all */
	for (size_t i = 0; i < list.len; i++) {
		autostrbuf struct strbuf json = STRBUF_INIT(STRBUF_NO_MAX);

		if (run_store_result(dir, list.items[i].run_id, &json, NULL) == 0)
			bytes += json.len;
	}
	assert_in_range(bytes, RUN_STORE_BYTES / 2, RUN_STORE_BYTES);
	assert_string_equal(list.items[list.len - 1].run_id, "r-79");
	run_entries_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, make_dir, remove_dir),
		cmocka_unit_test(is_no_entry),
		cmocka_unit_test(is_read_the_same_either_way),
		cmocka_unit_test_setup_teardown(beside_each_other, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(large_ones_go_first, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
