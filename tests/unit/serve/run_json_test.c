/* SPDX-License-Identifier: Apache-2.0
 * Runs under /v1, from literal requests: what is taken, what is told about what is not, lists, ends, and what runs left. */
#include "tests/unit/serve/v1_world.h"

#include "cmd/serve/run_api.h"

/* ---- values */

static void a_run_as_json(void **state)
{
	struct run_row row = { .id = "r-abc", .state = RUN_QUEUED, .exit_status = -1, .origin = (char *)(uintptr_t)"v1", .created_ns = NS_PER_SEC, .files = true };
	json_auto_t *queued = run_to_json(&row), *ended = NULL;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(queued, "state")), "queued");
	assert_string_equal(json_string_value(json_object_get(queued, "created")), "1970-01-01T00:00:01.000Z");
	for (size_t i = 0; i < 6; i++) {
		static const char *const nulls[] = { "verdict", "exit_status", "started", "ended", "duration_ms", "summary" };

		assert_true(json_is_null(json_object_get(queued, nulls[i])));
	}
	assert_null(json_object_get(queued, "execution_id"));
	assert_string_equal(json_string_value(json_object_get(json_object_get(queued, "links"), "artifacts")), "/v1/runs/r-abc/artifacts");
	assert_non_null(json_object_get(json_object_get(queued, "links"), "cancel"));
	row.state = RUN_ENDED;
	row.exit_status = 0;
	row.duration_ms = 5;
	row.files = false;
	snprintf(row.execution_id, sizeof(row.execution_id), "uuid");
	ended = run_to_json(&row);
	assert_int_equal(json_integer_value(json_object_get(ended, "duration_ms")), 5);
	assert_true(json_is_integer(json_object_get(ended, "exit_status")));
	assert_string_equal(json_string_value(json_object_get(ended, "execution_id")), "uuid");
	assert_int_equal(json_object_size(json_object_get(ended, "links")), 1);
}

static void ids_are_no_paths(void **state)
{
	static const char *const good[] = { "r-abc", "a", "0123", "5a0d-x", "dryrun-w-1.0.0-5", "a:b", "_x" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "a/b", "a b", "a\n", "\xc3\xa4", "a%2f", "a\\b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(run_id_is_good(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(run_id_is_good(bad[i]));
}

static void bundles_by_their_beginning(void **state)
{
	char tar[300] = "name";

	(void)state;
	memcpy(tar + 257, "ustar", 5);
	assert_string_equal(bundle_suffix("\x1f\x8b\x08", 3), ".wpk.tar.gz");
	assert_string_equal(bundle_suffix("PK\x03\x04", 4), ".zip");
	assert_string_equal(bundle_suffix(tar, sizeof(tar)), ".tar");
	assert_null(bundle_suffix(tar, 260));
	assert_null(bundle_suffix("apiVersion: v1", 14));
	assert_null(bundle_suffix("", 0));
}

static void complaints_have_a_ceiling(void **state)
{
	struct complaints c = { NULL };
	struct request *rq = make_request("GET /v1/runs", NULL);

	(void)state;
	assert_false(complaints_reply(&c, rq));
	for (int i = 0; i < 1000; i++)
		complain(&c, "/x", "wrong \x1b[31m%d", i);
	assert_int_equal(json_array_size(c.list), COMPLAINTS_MAX);
	assert_true(complaints_reply(&c, rq));
	assert_null(c.list);
	assert_null(strchr(rq->answer->body.buf, '\x1b'));
	says(rq, 400, "wrong \\\\x1b[31m0 (and 31 more, see errors)");
}

/* ---- what is taken, and what is not */

#define JSON "POST /v1/runs\nContent-Type: application/json; charset=utf-8"
#define YAML "Content-Type: application/yaml"

static void what_is_wrong_with_a_request(void **state)
{
	static const struct { const char *head, *body; int status; const char *part; } rows[] = {
		{ JSON, "", 400, "end of file" }, { JSON, "{", 400, "\"pointer\":\"\"" }, { JSON, "[]", 400, "must be an object" },
		{ JSON, "null", 400, "must be an object" }, { JSON, "{}", 400, "there is no package" }, { JSON, "{\"package\":\"\"}", 400, "is empty" },
		{ JSON, "{\"package\":5}", 400, "\"pointer\":\"/package\",\"detail\":\"must be a text\"" },
		{ JSON, "{\"package\":\"x\",\"workflow_id\":\"a-1.0.0\"}", 400, "no package 'a-1.0.0' is registered" },
		{ JSON, "{\"workflow_id\":\"../x\"}", 400, "is no id of a package" }, { JSON, "{\"workflow_id\":null}", 400, "there is no package" },
		{ JSON, "{\"package\":\"x\",\"tpye\":\"container\"}", 400, "did you mean 'type'" },
		{ JSON, "{\"package\":\"x\",\"type\":\"kubernetes\"}", 400, "there is 'container'" },
		{ JSON, "{\"package\":\"x\",\"type\":\"\"}", 400, "/type" }, { JSON, "{\"package\":\"x\",\"profile\":\"huge\"}", 400, "'restrictive'" },
		{ JSON, "{\"package\":\"x\",\"timeout\":\"soon\"}", 400, "/timeout" }, { JSON, "{\"package\":\"x\",\"timeout\":-5}", 400, "/timeout" },
		{ JSON, "{\"package\":\"x\",\"timeout\":1.5}", 400, "whole number" }, { JSON, "{\"package\":\"x\",\"timeout\":0}", 400, "at least 1ms" },
		{ JSON, "{\"package\":\"x\",\"timeout\":\"999999999d\"}", 400, "/timeout" }, { JSON, "{\"package\":\"x\",\"monitor\":\"yes\"}", 400, "true or false" },
		{ JSON, "{\"package\":\"x\",\"parameters\":[]}", 400, "/parameters" },
		{ JSON, "{\"package\":\"x\",\"parameters\":{\"A\":{}}}", 400, "/parameters/A" },
		{ JSON, "{\"package\":\"x\",\"parameters\":{\"LD_PRELOAD\":\"/x\"}}", 400, "/parameters/LD_PRELOAD" },
		{ JSON, "{\"package\":\"x\",\"parameters\":{\"a b\":\"x\"}}", 400, "/parameters/a b" },
		{ JSON, "{\"package\":\"x\",\"override\":\"because\"}", 403, "takes no overrides" },
		{ JSON, "{\"type\":1,\"profile\":2,\"timeout\":[],\"x\":0}", 400, "and 3 more" },
		{ "POST /v1/runs?type=container\nContent-Type: application/json", "{\"package\":\"x\"}", 400, "?type" },
		{ "POST /v1/runs?wait=forever\n" YAML, "x", 400, "?wait" }, { "POST /v1/runs?typ=container\n" YAML, "x", 400, "did you mean 'type'" },
		{ "POST /v1/runs?type=vm\n" YAML, "x", 400, "?type" }, { "POST /v1/runs\n" YAML, "", 400, "there is no package" },
		{ "POST /v1/runs?workflow_id=a-1.0.0\n" YAML, "x", 400, "is registered" }, { "POST /v1/runs?type=container&type=vm\n" YAML, "x", 400, "twice" },
		{ "POST /v1/runs?parameters=%7b\n" YAML, "x", 400, "?parameters" },
		{ "POST /v1/runs\nContent-Type: application/x-www-form-urlencoded", "a=b", 415, "multipart/form-data" },
		{ "POST /v1/runs\nContent-Type: image/png", "x", 415, "is nothing that is understood" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		says(ask(w, rows[i].head, rows[i].body), rows[i].status, rows[i].part);
	assert_int_equal(runs_active(w->s.runs) + runs_queued(w->s.runs), 0);
}

static void what_is_wrong_with_a_form(void **state)
{
	static const struct { const char *fields[6]; int status; const char *part; } rows[] = {
		{ { "file", "" }, 400, "\"pointer\":\"/file\",\"detail\":\"is empty\"" }, { { "file", "x", "file", "y" }, 400, "twice" },
		{ { "file", "x", "package", "y" }, 400, "\"pointer\":\"/package\"" },
		{ { "type", "container" }, 400, "there is no package" }, { { "file", "x", "parameters", "{" }, 400, "/parameters" },
		{ { "file", "x", "parameters", "[1]" }, 400, "/parameters" }, { { "file", "x", "type", "a", "type", "b" }, 400, "twice" },
		{ { "file", "x", "colour", "red" }, 400, "/colour" }, { { "file", "x", "monitor", "1" }, 400, "true or false" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct request *rq = make_request("POST /v1/runs\nContent-Type: multipart/form-data; boundary=x", NULL);

		for (size_t k = 0; k + 1 < ARRAY_SIZE(rows[i].fields) && rows[i].fields[k]; k += 2)
			add_field(rq, rows[i].fields[k], strcmp(rows[i].fields[k], "file") ? NULL : "../../x.tar.gz", rows[i].fields[k + 1]);
		says(sent(w, rq), rows[i].status, rows[i].part);
	}
}

static char *file_of(struct world *w, const char *id, const char *name)
{
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	autoclose int fd = runs_open_file(w->s.runs, id, name, NULL);

	assert_true(fd >= 0);
	assert_int_equal(file_read_fd(fd, name, &text, NULL), 0);
	return strbuf_detach(&text);
}

/* Let the run that waits for its pipe go on, to its end, and give what it was told. */
static void finish(struct world *w, struct request *rq, char **ret_told, char id[RUN_ROW_ID_SIZE])
{
	json_auto_t *run = json_of(rq);
	const char *run_id = json_string_value(json_object_get(run, "run_id"));
	autofree char *location = xasprintf("/v1/runs/%s", run_id ? run_id : "");

	if (rq->answer->status != 202)
		fail_msg("%d: %s", rq->answer->status, rq->answer->body.buf);
	assert_string_equal(header_of(rq, "Location"), location);
	snprintf(id, RUN_ROW_ID_SIZE, "%s", run_id);
	request_free(rq);
	while (w->events < 0) {
		turn(w);
		w->events = open(w->pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	run_end(w, id);
	*ret_told = file_of(w, id, "stderr.txt");
}

static void options_reach_the_run(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autofree char *told = NULL, *parameters = NULL, *package = NULL;
	struct request *rq;

	finish(w, ask(w, JSON, "{\"package\":\"a: b\\n\",\"type\":\"container\",\"profile\":\"standard\",\"timeout\":\"90s\",\"monitor\":true,"
			       "\"parameters\":{\"TEXT\":\"a b\",\"N\":5,\"YES\":true}}"), &told, id);
	assert_non_null(strstr(told, "--type=container\n"));
	assert_non_null(strstr(told, "--profile=standard\n"));
	assert_non_null(strstr(told, "--timeout=90000ms\n"));
	assert_non_null(strstr(told, "--monitor-resources\n"));
	parameters = file_of(w, id, "parameters.json");
	assert_string_equal(parameters, "{\"TEXT\":\"a b\",\"N\":\"5\",\"YES\":\"true\"}");
	package = file_of(w, id, "package");
	assert_string_equal(package, "a: b\n");

	free(told);
	rq = make_request("POST /v1/runs\nContent-Type: multipart/form-data; boundary=x", NULL);
	add_field(rq, "file", "../../../evil", "\x1f\x8b.");
	add_field(rq, "timeout", NULL, "30");
	add_field(rq, "parameters", NULL, "{\"A\": \"b\"}");
	finish(w, sent(w, rq), &told, id);
	assert_non_null(strstr(told, "--timeout=30000ms\n"));
	assert_non_null(strstr(told, "--wpk=package.wpk.tar.gz\n"));	/* by what it is, not by what it is called */

	free(told);
	finish(w, ask(w, "POST /v1/runs?profile=restrictive&timeout=1m\nContent-Type: text/plain", "a: c\n"), &told, id);
	assert_non_null(strstr(told, "--profile=restrictive\n"));
	assert_non_null(strstr(told, "--timeout=60000ms\n"));
	assert_null(strstr(told, "--override"));
}

static void registered_packages(void **state)
{
	struct workflow_row row = { .id = (char *)(uintptr_t)"one-1.0.0", .name = (char *)(uintptr_t)"one", .version = (char *)(uintptr_t)"1.0.0",
				    .sha256 = (char *)(uintptr_t)"00", .content = { .buf = (char *)(uintptr_t)"a: registered\n", .len = 14 } };
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autofree char *told = NULL, *package = NULL;
	struct error err = { 0 };

	if (store_workflow_put(w->s.store, &row, &err) < 0)
		fail_msg("%s", err.text);
	finish(w, ask(w, JSON, "{\"workflow_id\":\"one-1.0.0\"}"), &told, id);
	package = file_of(w, id, "package");
	assert_string_equal(package, "a: registered\n");
	says(ask(w, JSON, "{\"workflow_id\":\"one-1.0.0\",\"package\":\"x\"}"), 400, "a run has one package");
	says(ask(w, "GET /v1/runs?workflow=one-1.0.0", NULL), 200, "\"total\":1");
	free(told);
	w->s.registry = "http://registry.example:8000";
	finish(w, ask(w, JSON, "{\"workflow_id\":\"two-1.0.0\"}"), &told, id);
	assert_non_null(strstr(told, "--wpk=registry+http://registry.example:8000/workflows/two-1.0.0\n"));
	free(package);
	package = xasprintf("GET /v1/runs/%s/package", id);
	says(ask(w, package, NULL), 404, "came from a registry");
}

static void overrides_need_admin(void **state)
{
	struct world *w = *state;
	struct request *rq = make_request(JSON, "{\"package\":\"x\",\"override\":\"because\"}");
	char id[RUN_ROW_ID_SIZE];
	autofree char *told = NULL;
	size_t body_max;

	w->s.allow_override = true;
	assert_null(route_accept(&w->s, rq, &body_max));
	rq->identity.scopes = SCOPE_DRY_RUN | SCOPE_READ;
	route_dispatch(&w->s, rq);
	says(rq, 403, "needs the scope 'admin'");
	finish(w, ask(w, JSON, "{\"package\":\"x\",\"override\":\"because\"}"), &told, id);
	assert_non_null(strstr(told, "--override=because\n"));
}

static void too_large_and_too_many(void **state)
{
	struct world *w = *state;

	w->s.package_max = 10;
	says(ask(w, "POST /v1/runs\n" YAML, "a: 12345678"), 400, "at most 10");
	w->s.package_max = 100;
	for (int i = 0; i < 4; i++)		/* two run, two wait */
		says(ask(w, "POST /v1/runs\n" YAML, PACKAGE), 202, "r-");
	says(ask(w, "POST /v1/runs\n" YAML, PACKAGE), 429, "queue");
}

/* ---- one run */

static void waiting_for_the_end(void **state)
{
	struct world *w = *state;
	struct request *waits = make_request("POST /v1/runs?wait=60s\n" YAML, PACKAGE);
	autofree char *head = NULL;
	json_auto_t *run = NULL;

	hand_in(w, waits);
	while (w->events < 0) {
		turn(w);
		w->events = open(w->pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	assert_null(waits->answer);
	says(ask(w, "GET /v1/runs?state=running", NULL), 200, "\"total\":1");
	close(w->events);
	w->events = -1;
	answered(w, waits);
	assert_int_equal(waits->answer->status, 200);
	run = json_of(waits);
	assert_string_equal(json_string_value(json_object_get(run, "state")), "ended");
	assert_string_equal(json_string_value(json_object_get(run, "verdict")), "verified");
	head = xasprintf("GET /v1/runs/%s?wait=5s", json_string_value(json_object_get(run, "run_id")));
	says(ask(w, head, NULL), 200, "as told");
	request_free(waits);
	waits = ask(w, "POST /v1/runs?wait=20ms\n" YAML, PACKAGE);	/* a time that passes */
	says(waits, 202, "\"ended\":null");
}

static void cancelling_and_removing(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autofree char *cancel = NULL, *remove = NULL, *result = NULL, *get = NULL;
	struct request *rq;
	size_t body_max;

	run_begin(w, id);
	cancel = xasprintf("POST /v1/runs/%s/cancel", id);
	remove = xasprintf("DELETE /v1/runs/%s", id);
	result = xasprintf("GET /v1/runs/%s/result", id);
	get = xasprintf("GET /v1/runs/%s", id);
	says(ask(w, result, NULL), 409, "has not ended");
	says(ask(w, remove, NULL), 202, id);	/* of one that runs: cancels it */
	run_end(w, id);
	says(ask(w, cancel, NULL), 200, "\"state\":\"ended\"");
	rq = make_request(remove, NULL);
	assert_null(route_accept(&w->s, rq, &body_max));
	rq->identity.scopes = SCOPE_DRY_RUN;
	route_dispatch(&w->s, rq);
	says(rq, 403, "'admin'");
	says(ask(w, get, NULL), 200, "\"files\":true");
	says(ask(w, remove, NULL), 204, "");
	says(ask(w, get, NULL), 200, "\"files\":false");
	says(ask(w, remove, NULL), 204, "");
	says(ask(w, result, NULL), 410, "are no more");
	store_run_notify(w->s.store, "w-1.0.0", "other-1", "running", 5, NULL);
	says(ask(w, "POST /v1/runs/other-1/cancel", NULL), 409, "runs elsewhere");
	says(ask(w, "GET /v1/runs/other-1?wait=60s", NULL), 200, "running");	/* nothing would tell us */
	says(ask(w, "POST /v1/runs/r-aaaaaaaaaaaaaaaaaaaaaaaaaa/cancel", NULL), 404, "is known");
}

/* ---- what a run left */

static void put_file(struct world *w, const char *id, const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/runs/%s/%s", w->data, id, name), *folder = xstrdup(path);

	*strrchr(folder, '/') = '\0';
	assert_int_equal(make_dirs(folder, 0700, NULL), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static struct request *get(struct world *w, const char *id, const char *rest)
{
	autofree char *head = xasprintf("GET /v1/runs/%s%s", id, rest);

	return ask(w, head, NULL);
}

static void gives(struct world *w, const char *id, const char *rest, const char *type, const char *text)
{
	struct request *rq = get(w, id, rest);
	char got[1000];
	ssize_t n;

	if (rq->answer->status != 200)
		fail_msg("%s: %d %s", rest, rq->answer->status, rq->answer->body.buf);
	assert_string_equal(header_of(rq, "Content-Type"), type);
	assert_string_equal(header_of(rq, "X-Content-Type-Options"), "nosniff");
	n = rq->answer->fd >= 0 ? pread(rq->answer->fd, got, sizeof(got) - 1, 0) : -1;
	assert_int_equal(n, rq->answer->fd_len);
	got[n] = '\0';
	assert_string_equal(got, text);
	if (!strcmp(type, "application/octet-stream"))
		assert_memory_equal(header_of(rq, "Content-Disposition"), "attachment; filename=", 21);
	request_free(rq);
}

static void files_of_a_run(void **state)
{
	static const char *const bad[] = { "", "..", "../artifacts.json", "../../result.json", "a/../made", "/etc/passwd", "a//b", "link", "./made", "sub",
					   "sub/", "made%00" };
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autofree char *link = NULL;

	run_begin(w, id);
	says(get(w, id, "/artifacts"), 200, "\"total\":0");
	run_end(w, id);
	put_file(w, id, "artifacts/artifacts.json", "{\"saved\":[{\"path\":\"made\",\"change\":\"created\",\"is\":{\"kind\":\"file\",\"size\":4,\"sha256\":\"ab\"}},"
		 "{\"path\":\"sub\",\"change\":\"created\",\"is\":{\"kind\":\"folder\",\"size\":null,\"sha256\":null}}],\"left_out\":[]}");
	put_file(w, id, "artifacts/files/made", "made");
	put_file(w, id, "artifacts/files/sub/\"\r\nx.html", "<script>");
	put_file(w, id, "artifacts/files/empty", "");
	link = xasprintf("%s/runs/%s/artifacts/files/link", w->data, id);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	gives(w, id, "/package", "text/plain; charset=utf-8", PACKAGE);
	gives(w, id, "/artifacts/file?path=made", "application/octet-stream", "made");
	gives(w, id, "/artifacts/file?path=empty", "application/octet-stream", "");
	gives(w, id, "/artifacts/file?path=sub/%22%0d%0ax.html", "application/octet-stream", "<script>");
	says(get(w, id, "/artifacts"), 200, "{\"total\":1,\"artifacts\":[{\"path\":\"made\",\"change\":\"created\",\"bytes\":4,\"sha256\":\"ab\"");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autofree char *rest = xasprintf("/artifacts/file?path=%s", bad[i]);
		struct request *rq = get(w, id, rest);

		if (rq->answer->status != 404 && rq->answer->status != 400)
			fail_msg("'%s' is answered by %d", bad[i], rq->answer->status);
		request_free(rq);
	}
	put_file(w, id, "artifacts/artifacts.json", "{");
	says(get(w, id, "/artifacts"), 500, "cannot be read");
}

static void reports_of_a_run(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];

	run_begin(w, id);
	says(get(w, id, "/report?format=text"), 409, "has not ended");
	run_end(w, id);
	put_file(w, id, "result.json", "{\"verdict\":\"failed\",\"verdict_reason\":\"step 1 \\u001b[2J\",\"duration_seconds\":1.5,\"package\":{\"workflow_id\":\"w-1\"},"
		 "\"steps\":[{\"number\":1,\"phase\":\"main\",\"handler\":\"h\",\"name\":\"n\",\"status\":\"failed\",\"mode\":\"executed\",\"reason\":\"exit 1\","
		 "\"stdout\":{\"text\":\"one\\ntwo\",\"truncated\":true,\"total_bytes\":99},\"stderr\":{\"text\":\"oops\\n\"}}],\"warnings\":[\"careful\"],"
		 "\"cleanup\":{\"complete\":true,\"made\":3,\"gone\":3},\"files\":{\"work\":{\"created\":1,\"changed\":2,\"deleted\":3}}}");
	says(get(w, id, "/report?format=text"), 200, "w-1: failed\n  step 1 \\x1b[2J\n");
	says(get(w, id, "/report?format=text"), 200, "\nStep 1: h / n ... failed (executed, 0.000 s)\n    exit 1\n    | one\n    | two\n    … 99 bytes in all, "
	     "see the logs of the run\n    ! oops\n\nFiles in work: 1 created, 2 changed, 3 deleted\nClean-up: complete, 3 made, 3 gone\nWarning: careful\n");
	says(get(w, id, "/report?format=sarif&of=run"), 400, "of=scan");
	says(get(w, id, "/report?format=pdf"), 400, "none of 'json'");
	put_file(w, id, "result.json", "{\"steps\":[7,null,{\"stdout\":[]}],\"files\":5,\"cleanup\":null}");	/* whatever it holds */
	says(get(w, id, "/report?format=text"), 200, "INCOMPLETE");
	put_file(w, id, "result.json", "{\"torn");
	says(get(w, id, "/report?format=text"), 404, "no whole result");
	put_file(w, id, "result.json", "");
	says(get(w, id, "/result"), 404, "has no result");
}

/* ---- lists */

static void put_run(struct world *w, unsigned int i, const char *workflow, const char *verdict, uint64_t duration_ms)
{
	struct run_row row = { .state = RUN_ENDED, .origin = (char *)(uintptr_t)(i % 2 ? "v1" : "agent"), .workflow_id = (char *)(uintptr_t)workflow,
			       .verdict = (char *)(uintptr_t)verdict, .created_ns = (i + 1) * NS_PER_SEC, .ended_ns = (i + 2) * NS_PER_SEC,
			       .duration_ms = duration_ms };
	struct error err = { 0 };

	snprintf(row.id, sizeof(row.id), "r-%026u", i);
	row.summary = json_object();
	json_put_int(row.summary, "memory_peak_bytes", (int64_t)duration_ms * 10);
	json_put_bool(row.summary, "cleanup_complete", i != 3);
	if (store_run_add(w->s.store, &row, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(row.summary);
}

static void pages(void **state)
{
	struct world *w = *state;
	autofree char *head = xstrdup("GET /v1/runs?limit=7&verdict=verified&origin=v1");
	unsigned int seen = 0, last = 1000;

	for (unsigned int i = 0; i < 60; i++)
		put_run(w, i, "w-1.0.0", i % 3 ? "verified" : "failed", i);
	while (head) {
		struct request *rq = ask(w, head, NULL);
		json_auto_t *page = json_of(rq);
		const char *link = header_of(rq, "Link"), *next = json_string_value(json_object_get(page, "next"));
		const json_t *run;
		size_t i;

		assert_int_equal(json_integer_value(json_object_get(page, "total")), 20);
		json_array_foreach(json_object_get(page, "runs"), i, run) {
			unsigned int n = (unsigned int)strtoul(json_string_value(json_object_get(run, "run_id")) + 2, NULL, 10);

			assert_true(n < last && n % 3 && n % 2);
			last = n;
			seen++;
		}
		free(head);
		head = *link ? xasprintf("GET %.*s", (int)strcspn(link + 1, ">"), link + 1) : NULL;
		assert_int_equal(!head, !next);
		if (head) {
			assert_non_null(strstr(head, "limit=7&verdict=verified&origin=v1&cursor="));
			assert_non_null(strstr(link, ">; rel=\"next\""));
			assert_non_null(strstr(head, next));
		}
		request_free(rq);
	}
	assert_int_equal(seen, 20);
}

static void wrong_lists(void **state)
{
	static const struct { const char *head, *part; } rows[] = {
		{ "GET /v1/runs?limit=0", "?limit" }, { "GET /v1/runs?limit=501", "1 to 500" }, { "GET /v1/runs?limit=x", "?limit" },
		{ "GET /v1/runs?state=over", "none of 'queued'" }, { "GET /v1/runs?cursor=x", "no cursor of ours" }, { "GET /v1/runs?cursor=", "no cursor" },
		{ "GET /v1/runs?cursor=MTouLi94", "no cursor" }, { "GET /v1/runs?cursor=MTpyLWFhYWE", "no run 'r-aaaa'" }, { "GET /v1/runs?page=2", "?page" },
		{ "GET /v1/audit?after=x", "?after" }, { "GET /v1/audit?cursor=MTpyLWFhYWE", "no cursor of this list" }, { "GET /v1/stats?wrkflow=x", "did you mean" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		says(ask(w, rows[i].head, NULL), 400, rows[i].part);
	says(ask(w, "GET /v1/runs?verdict=x%00y", NULL), 400, "");
	says(ask(w, "GET /v1/runs?workflow=%27%20OR%201=1%20--", NULL), 200, "\"runs\":[]");
}

static void the_audit_log(void **state)
{
	struct world *w = *state;
	autofree char *head = xstrdup("GET /v1/audit?limit=3");
	json_int_t last = 0;

	for (int i = 0; i < 8; i++)
		assert_int_equal(store_audit(w->s.store, "test", "r-1", "me", json_object(), NULL), 0);
	while (head) {
		struct request *rq = ask(w, head, NULL);
		json_auto_t *page = json_of(rq);
		const char *link = header_of(rq, "Link");
		const json_t *record;
		size_t i;

		json_array_foreach(json_object_get(page, "records"), i, record) {
			assert_int_equal(json_integer_value(json_object_get(record, "sequence")), last + 1);
			last++;
		}
		free(head);
		head = *link ? xasprintf("GET %.*s", (int)strcspn(link + 1, ">"), link + 1) : NULL;
		request_free(rq);
	}
	assert_int_equal(last, 8);
}

static void statistics(void **state)
{
	struct world *w = *state;
	json_auto_t *body = NULL, *none = NULL;
	const json_t *all, *one;
	struct request *rq = ask(w, "GET /v1/stats", NULL);

	none = json_of(rq);
	assert_true(json_is_null(json_object_get(json_object_get(none, "all"), "success_rate")));
	request_free(rq);
	for (unsigned int i = 1; i <= 100; i++)
		put_run(w, i, i <= 10 ? "small-1.0.0" : "w-1.0.0", i % 4 ? "verified" : "failed", i);
	put_run(w, 101, "w-1.0.0", "refused", 100000);	/* never ran: no duration, no failure of its */
	put_run(w, 102, NULL, "verified", 50);
	rq = ask(w, "GET /v1/stats", NULL);
	body = json_of(rq);
	request_free(rq);
	all = json_object_get(body, "all");
	assert_int_equal(json_integer_value(json_object_get(all, "runs")), 102);
	assert_int_equal(json_integer_value(json_object_get(all, "executed")), 101);
	assert_int_equal(json_integer_value(json_object_get(all, "succeeded")), 76);
	assert_int_equal(json_integer_value(json_object_get(all, "cleanup_failures")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "duration_ms"), "max")), 100);
	assert_int_equal(json_array_size(json_object_get(body, "workflows")), 2);
	one = json_array_get(json_object_get(body, "workflows"), 1);
	assert_string_equal(json_string_value(json_object_get(one, "workflow_id")), "small-1.0.0");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "duration_ms"), "p50")), 5);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "duration_ms"), "p90")), 9);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "duration_ms"), "p99")), 10);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "memory_peak_bytes"), "max")), 100);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(one, "verdicts"), "failed")), 2);
	says(ask(w, "GET /v1/stats?workflow=small-1.0.0", NULL), 200, "\"looked_at\":10,");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_as_json),
		cmocka_unit_test(ids_are_no_paths),
		cmocka_unit_test(bundles_by_their_beginning),
		cmocka_unit_test(complaints_have_a_ceiling),
		cmocka_unit_test_setup_teardown(what_is_wrong_with_a_request, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_with_a_form, setup, teardown),
		cmocka_unit_test_setup_teardown(options_reach_the_run, setup, teardown),
		cmocka_unit_test_setup_teardown(registered_packages, setup, teardown),
		cmocka_unit_test_setup_teardown(overrides_need_admin, setup, teardown),
		cmocka_unit_test_setup_teardown(too_large_and_too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(waiting_for_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(cancelling_and_removing, setup, teardown),
		cmocka_unit_test_setup_teardown(files_of_a_run, setup, teardown),
		cmocka_unit_test_setup_teardown(reports_of_a_run, setup, teardown),
		cmocka_unit_test_setup_teardown(pages, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(the_audit_log, setup, teardown),
		cmocka_unit_test_setup_teardown(statistics, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
