/* SPDX-License-Identifier: Apache-2.0
 * What is told about packages, by real workers, and about us, by a program of the test's. */
#include <signal.h>

#include "tests/unit/serve/v1_world.h"

#define HEAD "apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: one, version: 1.0.0, description: d, author: a}\n" \
	     "spec:\n  runtime: {type: shell}\n  safety: {mode: auto}\n  handlers:\n"
#define GOOD HEAD "    - {name: only, type: shell, config: {command: echo hello}}\n"
#define EVIL HEAD "    - {name: only, type: shell, config: {command: 'rm -rf / --no-preserve-root'}}\n"
#define YAML "\nContent-Type: application/yaml"

static int setup_judge(void **state)
{
	const struct judge_options o = { .workers = 1, .timeout_ns = 60 * NS_PER_SEC };
	struct error err = { 0 };
	struct world *w;

	if (setup(state) < 0)
		return -1;
	w = *state;
	if (judge_new(w->s.loop, &o, &w->s.judge, &err) < 0)
		fail_msg("%s", err.text);
	return 0;
}

/* ---- packages */

static void scans(void **state)
{
	static const struct { const char *format, *type, *good, *evil; } rows[] = {
		{ "", "application/json", "\"verdict\"", "'rm' deletes" }, { "?format=json", "application/json", "{", "'rm' deletes" },
		{ "?format=text", "text/plain; charset=utf-8", "acceptable", "deletes" }, { "?format=sarif", "application/sarif+json", "2.1.0", "ruleId" },
		{ "?format=junit", "application/xml", "<?xml", "<failure" }, { "?format=github", "text/plain; charset=utf-8", "", "::error" },
		{ "?format=gitlab", "application/json", "[", "fingerprint" }, { "?format=markdown", "text/markdown; charset=utf-8", "acceptable", "deletes" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *head = xasprintf("POST /v1/scan%s" YAML, rows[i].format);
		struct request *rq = ask(w, head, GOOD);

		assert_string_equal(header_of(rq, "Content-Type"), rows[i].type);
		assert_string_equal(header_of(rq, "Scan-Exit-Status"), "0");
		says(rq, 200, rows[i].good);
		rq = ask(w, head, EVIL);
		assert_string_equal(header_of(rq, "Scan-Exit-Status"), "1");
		says(rq, 200, rows[i].evil);
		rq = ask(w, head, "a: [");	/* no package is something to report, too */
		assert_string_equal(header_of(rq, "Scan-Exit-Status"), "3");
		says(rq, 200, "");
	}
}

static void validates(void **state)
{
	struct world *w = *state;
	struct request *rq;

	says(ask(w, "POST /v1/validate" YAML, GOOD), 200, "{\"valid\":true,\"package\":{\"workflow_id\":\"one-1.0.0\"");
	says(ask(w, "POST /v1/validate" YAML, EVIL), 200, "\"policy_decision\":\"block\"");	/* a package it is */
	says(ask(w, "POST /v1/validate" YAML, "a: ["), 200, "{\"valid\":false,\"package\":null");
	says(ask(w, "POST /v1/validate" YAML, "a: ["), 200, "\"errors\":[\"package.wpk.yaml:1:5: ");
	rq = make_request("POST /v1/validate\nContent-Type: multipart/form-data; boundary=x", NULL);
	add_field(rq, "note", NULL, "not this");
	add_field(rq, "file", "my.wpk.yaml", "\t");
	says(sent(w, rq), 200, "my.wpk.yaml:1:");
}

static void wrong_packages(void **state)
{
	struct world *w = *state;
	struct request *rq;

	says(ask(w, "POST /v1/scan" YAML, ""), 400, "there is no package");
	says(ask(w, "POST /v1/scan?format=pdf" YAML, GOOD), 400, "none of 'json'");
	says(ask(w, "POST /v1/validate?format=json" YAML, GOOD), 400, "?format");
	rq = make_request("POST /v1/scan\nContent-Type: multipart/form-data; boundary=x", NULL);
	add_field(rq, "file", "a", GOOD);
	add_field(rq, "file", "b", GOOD);
	says(sent(w, rq), 400, "one package at a time");
	rq = make_request("POST /v1/scan\nContent-Type: multipart/form-data; boundary=x", NULL);
	add_field(rq, "note", NULL, GOOD);
	says(sent(w, rq), 400, "there is no package");
	w->s.package_max = 20;
	says(ask(w, "POST /v1/scan" YAML, GOOD), 413, "at most 20 bytes");
}

/* The client goes while a worker is at it: nothing is answered, nothing is lost. */
static void a_client_that_goes(void **state)
{
	struct world *w = *state;
	struct request *rq = make_request("POST /v1/scan" YAML, GOOD);

	hand_in(w, rq);
	assert_null(rq->answer);
	assert_non_null(rq->abandon);
	rq->abandon(rq);
	request_free(rq);
	says(ask(w, "POST /v1/scan" YAML, GOOD), 200, "acceptable");
}

static void a_report_of_a_run(void **state)
{
	struct world *w = *state;
	char id[RUN_ROW_ID_SIZE];
	autofree char *sarif = NULL, *text = NULL;

	run_begin(w, id);
	sarif = xasprintf("GET /v1/runs/%s/report?format=sarif", id);
	text = xasprintf("GET /v1/runs/%s/report?format=text&of=scan", id);
	says(ask(w, sarif, NULL), 200, "2.1.0");	/* of its package: that is there already */
	run_end(w, id);
	says(ask(w, text, NULL), 200, "package.wpk.yaml");
}

/* ---- what we are */

static void use_script(struct world *w, const char *text)
{
	autofree char *path = xasprintf("%s/tool", w->dir);

	tools_free(w->s.tools);
	w->s.tools = NULL;
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0700, NULL), 0);
	w->s.tools = tools_new(w->s.loop, path, w->data);
}

#define COUNT "#!/bin/sh\ncd \"${0%/*}\"\necho \"$@\" >> asked\n"

static unsigned int times_asked(struct world *w)
{
	autofree char *path = xasprintf("%s/asked", w->dir);
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 16);
	unsigned int n = 0;

	if (file_read(path, &text, NULL) < 0)
		return 0;
	for (const char *p = text.buf; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

static void answers_are_shared_and_kept(void **state)
{
	struct world *w = *state;
	struct request *rq[5], *gone = make_request("GET /v1/doctor", NULL);

	use_script(w, COUNT "sleep 0.1\necho '{\"works\": true, \"sandboxes\": [{\"type\": \"container\"}]}'\nexit 5\n");
	hand_in(w, gone);
	for (size_t i = 0; i < ARRAY_SIZE(rq); i++)
		hand_in(w, rq[i] = make_request(i % 2 ? "GET /v1/sandboxes" : "GET /v1/doctor", NULL));
	gone->abandon(gone);
	request_free(gone);
	for (size_t i = 0; i < ARRAY_SIZE(rq); i++) {
		answered(w, rq[i]);
		assert_non_null(strstr(header_of(rq[i], "Cache-Control"), "max-age=60"));
		says(rq[i], 200, i % 2 ? "{\"types\":[\"container\"],\"sandboxes\":[{\"type\":\"container\"}]}" : "\"works\":true");
	}
	says(ask(w, "GET /v1/doctor", NULL), 200, "\"works\":true");
	assert_int_equal(times_asked(w), 1);
	says(ask(w, "GET /v1/rules", NULL), 200, "works");
	assert_int_equal(times_asked(w), 2);
}

static void no_answers(void **state)
{
	static const struct { const char *script, *part; } rows[] = {
		{ "#!/bin/sh\nexit 3\n", "ended with status 3 and no answer" }, { "#!/bin/sh\necho '{'\n", "no answer" },
		{ "#!/bin/sh\nkill -9 $$\n", "was ended by signal 9" }, { "#!/bin/sh\nhead -c 5000000 /dev/zero\n", "said more than" },
		{ "#!/nonexistent\n", "'doctor' " },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		use_script(w, rows[i].script);
		says(ask(w, "GET /v1/doctor", NULL), 503, rows[i].part);
	}
	use_script(w, COUNT "echo '{'\n");	/* a failure is not kept */
	says(ask(w, "GET /v1/doctor", NULL), 503, "no answer");
	says(ask(w, "GET /v1/doctor", NULL), 503, "no answer");
	assert_int_equal(times_asked(w), 2);
}

/* The end of the service, while it is asked. */
static void an_end_while_asked(void **state)
{
	struct world *w = *state;
	struct request *rq = make_request("GET /v1/doctor", NULL);

	use_script(w, "#!/bin/sh\nexec sleep 1000\n");
	hand_in(w, rq);
	turn(w);
	assert_null(rq->answer);
	rq->abandon(rq);
	request_free(rq);
}

static void the_schema(void **state)
{
	struct world *w = *state;
	struct request *rq = ask(w, "GET /v1/schema", NULL);

	assert_string_equal(header_of(rq, "Content-Type"), "application/schema+json");
	says(rq, 200, "WorkflowPackage");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scans, setup_judge, teardown),
		cmocka_unit_test_setup_teardown(validates, setup_judge, teardown),
		cmocka_unit_test_setup_teardown(wrong_packages, setup_judge, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_goes, setup_judge, teardown),
		cmocka_unit_test_setup_teardown(a_report_of_a_run, setup_judge, teardown),
		cmocka_unit_test_setup_teardown(answers_are_shared_and_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(no_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(an_end_while_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(the_schema, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
