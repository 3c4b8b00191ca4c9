/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fixtures/wpk holds documents; what `validate` says about FILE stands in FILE.expected (no such file: nothing is said).
 * UPDATE_EXPECTED=1 writes them anew: read the difference before you commit it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "validators/policy.h"

#define FIXTURES "tests/fixtures/wpk"

struct package {
	struct document *doc;
	struct wpk *wpk;
	struct finding_list findings;
};

static void package_make(struct package *p, const char *name, const char *bytes, size_t len)
{
	struct error err = { 0 };

	if (document_parse(bytes, len, name, &yaml_default_limits, &p->doc, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	finding_list_init(&p->findings, p->doc->name);
	assert_int_equal(wpk_decode(p->doc, &p->wpk, &p->findings, &err), 0);
	finding_sort(&p->findings);
}

static void package_read(struct package *p, const char *path)
{
	autostrbuf struct strbuf bytes = STRBUF_INIT(2 << 20);
	struct error err = { 0 };

	if (file_read(path, &bytes, &err) < 0)
		fail_msg("%s", err.text);
	package_make(p, path, bytes.buf, bytes.len);
}

static void package_release(struct package *p)
{
	wpk_free(p->wpk);
	finding_list_release(&p->findings);
	document_free(p->doc);
}

/* ---- golden */

static void compare_expected(const char *path, const struct strbuf *printed)
{
	autofree char *expected_path = xasprintf("%s.expected", path);
	autostrbuf struct strbuf expected = STRBUF_INIT(1 << 20);
	struct error err = { 0 };

	if (getenv("UPDATE_EXPECTED")) {
		if (printed->len)
			assert_int_equal(file_write_atomic(expected_path, printed->buf, printed->len, 0644, &err), 0);
		else
			remove(expected_path);
		return;
	}
	file_read(expected_path, &expected, &err);	/* missing: nothing expected */
	if (strcmp(expected.buf, printed->buf)) {
		print_error("--- %s\n%s+++ now\n%s", expected_path, expected.buf, printed->buf);
		fail_msg("%s: not as expected", path);
	}
}

static void check_file(const char *path, const char *name)
{
	autostrbuf struct strbuf printed = STRBUF_INIT(STRBUF_NO_MAX);
	struct package p;

	package_read(&p, path);
	for (size_t i = 0; i < p.findings.len; i++)
		finding_print(&p.findings.items[i], name, p.doc, false, &printed);
	assert_true(p.wpk || finding_count(&p.findings, FINDING_ERROR));
	compare_expected(path, &printed);
	package_release(&p);
}

static void check_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		const char *dot = strrchr(e->d_name, '.');
		autofree char *path = xasprintf("%s/%s", folder, e->d_name);

		if (!dot || (strcmp(dot, ".yaml") && strcmp(dot, ".json")))
			continue;
		check_file(path, e->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n > 8);
}

static void packages_are_judged_as_expected(void **state)
{
	(void)state;
	check_folder(FIXTURES);
}

static void other_kinds_of_files_are_named(void **state)
{
	(void)state;
	check_folder(FIXTURES "/foreign");
}

static void broken_files_are_explained(void **state)
{
	(void)state;
	check_folder(FIXTURES "/syntax");
}

/* ---- values */

static void dialect_a(void **state)
{
	struct package p;
	const struct wpk_handler *h;
	(void)state;

	package_read(&p, FIXTURES "/dialect-a.yaml");
	assert_int_equal(p.findings.len, 0);
	assert_string_equal(p.wpk->workflow_id, "all-of-a-2.10.0");
	assert_int_equal(p.wpk->runtime, WPK_RUNTIME_K8S);
	assert_string_equal(p.wpk->runtime_version, "1.28+");
	assert_int_equal(p.wpk->requirements.cpu_millis, 1500);
	assert_int_equal(p.wpk->requirements.memory_bytes, 256 << 20);
	assert_true(p.wpk->requirements.storage_bytes == UINT64_C(2) << 30);
	assert_int_equal(p.wpk->safety_mode, WPK_SAFETY_AUTO);
	assert_false(p.wpk->approval_required);
	assert_true(p.wpk->dry_run_required);
	assert_true(p.wpk->rollback_enabled && p.wpk->rollback_declared_enabled);
	assert_int_equal(p.wpk->triggers->len, 3);
	assert_int_equal(p.wpk->permissions->len, 2);
	assert_int_equal(p.wpk->resource_limits->len, 7);
	assert_int_equal(p.wpk->handlers.len, 7);
	assert_int_equal(p.wpk->rollback.len, 1);

	h = &p.wpk->handlers.items[0];
	assert_string_equal(h->name, "plain");
	assert_true(h->timeout_ns == 90 * NS_PER_SEC);
	assert_int_equal(h->retry.max_attempts, 3);
	assert_true(h->retry.backoff_ns == 500 * NS_PER_MS);
	assert_int_equal(h->steps_len, 1);
	assert_int_equal(h->steps[0].kind, WPK_STEP_SHELL);
	assert_string_equal(h->steps[0].name, "plain");
	assert_string_equal(h->steps[0].path, "spec.handlers[0].config");
	assert_string_equal(h->steps[0].command->text, "set -e\necho \"${GREETING:-hello} ${WHO}\"\n");

	h = &p.wpk->handlers.items[1];
	assert_true(h->approval_required);
	assert_int_equal(h->timeout_ns, 0);
	assert_int_equal(h->retry.max_attempts, 1);
	assert_int_equal(h->steps[0].kind, WPK_STEP_API);
	assert_string_equal(h->steps[0].url, "${BASE}/v1/x");
	assert_string_equal(h->steps[0].method, "PUT");

	h = &p.wpk->handlers.items[2];
	assert_int_equal(h->steps[0].kind, WPK_STEP_K8S);
	assert_string_equal(h->steps[0].action, "scale");
	assert_string_equal(node_get(h->steps[0].node, "resource_type")->text, "deployment");
	assert_true(h->timeout_ns == 5400 * NS_PER_SEC);
	assert_int_equal(p.wpk->handlers.items[3].steps[0].kind, WPK_STEP_K8S);
	package_release(&p);
}

static void dialect_b_and_mixed(void **state)
{
	struct package p;
	const struct wpk_handler *h;
	(void)state;

	package_read(&p, FIXTURES "/dialect-b.yaml");
	assert_int_equal(p.findings.len, 0);
	assert_string_equal(p.wpk->version, "1.0.0");
	assert_int_equal(p.wpk->handlers.len, 2);
	h = &p.wpk->handlers.items[0];
	assert_int_equal(h->steps_len, 3);
	assert_string_equal(h->steps[0].command->text, "echo one");
	assert_string_equal(h->steps[1].name, "many");
	assert_true(h->steps[1].manual && h->steps[1].approval_required);
	assert_string_equal(h->steps[1].path, "spec.handlers[0].steps[1]");
	assert_int_equal(h->steps[2].kind, WPK_STEP_CONTAINER);
	assert_string_equal(h->steps[2].image, "busybox:1.36");
	h = &p.wpk->handlers.items[1];
	assert_int_equal(h->steps[0].kind, WPK_STEP_MANIFEST);
	assert_string_equal(node_get(h->steps[0].node, "kind")->text, "Pod");
	package_release(&p);

	package_read(&p, FIXTURES "/mixed.json");
	h = &p.wpk->handlers.items[0];
	assert_int_equal(h->steps_len, 2);
	assert_string_equal(h->steps[0].name, "both");		/* the one of `config` comes first */
	assert_string_equal(h->steps[0].command->text, "echo config");
	assert_string_equal(h->steps[1].name, "then");
	package_release(&p);
}

static void nulls(void **state)
{
	struct package p;
	(void)state;

	package_read(&p, FIXTURES "/nulls.yaml");
	assert_int_equal(finding_count(&p.findings, FINDING_ERROR), 0);
	assert_null(p.wpk->description);
	assert_int_equal(p.wpk->runtime, WPK_RUNTIME_NONE);
	assert_int_equal(p.wpk->safety_mode, WPK_SAFETY_MANUAL);
	assert_int_equal(p.wpk->handlers.items[0].steps_len, 0);
	assert_int_equal(p.wpk->handlers.items[2].steps_len, 4);
	assert_null(p.wpk->handlers.items[2].steps[0].node);
	assert_string_equal(p.wpk->handlers.items[2].steps[3].name, "steps[3]");
	package_release(&p);
}

/* ---- where references may stand */

static void note_text(void *arg, const struct wpk_step *step, const struct node *text, enum template_kind kind, const char *path)
{
	(void)step;
	if (strstr(text->text, "${"))
		strbuf_addf(arg, "%s %s\n", kind == TEMPLATE_SHELL ? "shell" : "data", path);
}

static void list_texts(const char *path, struct strbuf *out)
{
	struct package p;

	package_read(&p, path);
	for (size_t i = 0; i < p.wpk->handlers.len; i++) {
		for (size_t j = 0; j < p.wpk->handlers.items[i].steps_len; j++)
			wpk_step_texts(&p.wpk->handlers.items[i].steps[j], note_text, out);
	}
	package_release(&p);
}

static void step_texts(void **state)
{
	autostrbuf struct strbuf a = STRBUF_INIT(STRBUF_NO_MAX), b = STRBUF_INIT(STRBUF_NO_MAX);
	(void)state;

	list_texts(FIXTURES "/dialect-a.yaml", &a);
	assert_string_equal(a.buf, "shell spec.handlers[0].config.command\n"
				   "data spec.handlers[1].config.url\n"
				   "data spec.handlers[1].config.headers.X-Token\n"
				   "data spec.handlers[5].config.action\n"
				   "data spec.handlers[5].config.lines\n"
				   "data spec.handlers[5].config.previous\n"
				   "data spec.handlers[5].config.timeout\n"
				   "data spec.handlers[6].config.url\n"
				   "data spec.handlers[6].config.method\n"
				   "data spec.handlers[6].config.expected_status\n");
	list_texts(FIXTURES "/dialect-b.yaml", &b);
	assert_string_equal(b.buf, "shell spec.handlers[0].steps[1].shell.command\n"
				   "shell spec.handlers[0].steps[2].container.command[2]\n"
				   "shell spec.handlers[1].steps[0].kubernetes.spec.containers[0].args[0]\n");
}

/* ---- size */

static void ten_thousand_handlers(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct package p;
	uint64_t start;
	(void)state;

	strbuf_addstr(&text, "apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: n, version: 1.0.0, description: d, author: a}\n"
			     "spec:\n  runtime: {type: shell}\n  safety: {mode: manual}\n  handlers:\n");
	for (int i = 0; i < 9000; i++)
		strbuf_addf(&text, "  - {name: h%d, type: shell, config: {command: 'echo ${X%d}'}, tmeout: 1}\n", i % 8999, i);
	start = clock_monotonic_ns();
	package_make(&p, "big.yaml", text.buf, text.len);
	assert_int_equal(p.wpk->handlers.len, 9000);
	assert_int_equal(finding_count(&p.findings, FINDING_ERROR), 0);
	assert_int_equal(p.findings.len, 1 + 100 + 1);	/* the duplicate, 100 of the unknown keys, and that there are more */
	assert_true(clock_monotonic_ns() - start < 2 * NS_PER_SEC);
	package_release(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(packages_are_judged_as_expected), cmocka_unit_test(other_kinds_of_files_are_named),
		cmocka_unit_test(broken_files_are_explained), cmocka_unit_test(dialect_a), cmocka_unit_test(dialect_b_and_mixed),
		cmocka_unit_test(nulls), cmocka_unit_test(step_texts), cmocka_unit_test(ten_thousand_handlers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
