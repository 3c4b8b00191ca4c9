/* SPDX-License-Identifier: Apache-2.0
 * k8s_field, k8s_kind, k8s_state_of: the words of packages about objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/k8s_field.h"
#include "runner/k8s_kind.h"
#include "runner/k8s_wait.h"

static const char deployment[] =
	"{\"metadata\":{\"name\":\"web\",\"annotations\":{\"retry-count\":\"2\",\"a.b/c\":\"x\"}},\"spec\":{\"replicas\":3,"
	"\"containers\":[{\"name\":\"a\",\"image\":\"i1\"},{\"name\":\"b\",\"image\":\"i2\"}]},"
	"\"status\":{\"conditions\":[{\"type\":\"Available\",\"status\":\"True\"},{\"type\":\"Ready\",\"status\":\"False\"}]}}";

static json_t *parse(const char *text)
{
	struct error err = { 0 };
	json_t *value = NULL;

	if (json_parse(text, strlen(text), "test", &value, &err) < 0)
		fail_msg("%s", err.text);
	return value;
}

static void finds_fields(void **state)
{
	static const struct { const char *path, *want; } cases[] = {
		{ "metadata.annotations['retry-count']", "[\"2\"]" },
		{ "metadata.annotations[\"a.b/c\"]", "[\"x\"]" },
		{ "metadata.annotations.a\\.b/c", "[\"x\"]" },
		{ ".spec.replicas", "[3]" },
		{ "$.spec.replicas", "[3]" },
		{ "{.spec.replicas}", "[3]" },
		{ "spec.containers[*].image", "[\"i1\",\"i2\"]" },
		{ "spec.containers.*.image", "[\"i1\",\"i2\"]" },
		{ "spec.containers[1].name", "[\"b\"]" },
		{ "spec.containers[-1].name", "[\"b\"]" },
		{ "spec.containers[2].name", "[]" },
		{ "spec.containers[-3].name", "[]" },
		{ "{.status.conditions[?(@.type==\"Ready\")].status}", "[\"False\"]" },
		{ "status.conditions[?(@.type=='Available')].status", "[\"True\"]" },
		{ "status.conditions[?(@.type=='Nothing')].status", "[]" },
		{ "spec.nothing.there", "[]" },
		{ "metadata.name.deeper", "[]" },
		{ "metadata.*", "[\"web\",{\"retry-count\":\"2\",\"a.b/c\":\"x\"}]" },
	};
	json_auto_t *object = parse(deployment);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(4096);
		struct k8s_field field;
		struct error err = { 0 };
		json_auto_t *found = NULL;

		if (k8s_field_parse(cases[i].path, &field, &err) < 0)
			fail_msg("%s: %s", cases[i].path, err.text);
		found = k8s_field_find(&field, object);
		json_write(found, 0, &text);
		if (strcmp(text.buf, cases[i].want) != 0)
			fail_msg("%s: %s, not %s", cases[i].path, text.buf, cases[i].want);
		k8s_field_release(&field);
	}
}

static void refuses_fields(void **state)
{
	static const struct { const char *path, *why; } cases[] = {
		{ "a[", "in brackets" }, { "a['b'", "']' is missing" }, { "a['b", "a quote is not closed" }, { "a[x]", "in brackets" },
		{ "a[]", "in brackets" }, { "a..b", "a name is missing" }, { "a.", "a name is missing" }, { "{.a", "'}' is missing" },
		{ "{", "'}' is missing" }, { "a]b", "belongs in quotes" }, { "a[?(@.x)]", "a condition looks like" },
		{ "a[?(@.x==1)]", "a condition looks like" }, { "a[?(@.x=='1']", "')' is missing" }, { "a[0]b", "'.' or '[' is missing" },
		{ "a[99999999999999999999]", "in brackets" },
		{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", "too many parts" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct k8s_field field;
		struct error err = { 0 };

		assert_int_equal(k8s_field_parse(cases[i].path, &field, &err), -1);
		if (!strstr(err.text, cases[i].why))
			fail_msg("%s: %s", cases[i].path, err.text);
		k8s_field_release(&field);
	}
}

static void knows_kinds(void **state)
{
	static const struct { const char *kind, *type; bool same; } cases[] = {
		{ "Deployment", "deployment", true }, { "Deployment", "Deployments", true }, { "Deployment", "deploy", true },
		{ "Deployment", "deployments.apps", true }, { "Deployment", "job", false }, { "Job", "jobs", true },
		{ "PersistentVolumeClaim", "pvc", true }, { "Widget", "widgets", true }, { "Widget", "widget.example.org", true },
		{ "Policy", "policies", true }, { "Gas", "gases", true }, { "Widget", "widgetry", false }, { "Widget", "", false }, { "Widget", "wid", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (k8s_kind_is(cases[i].kind, cases[i].type) != cases[i].same)
			fail_msg("%s as %s", cases[i].kind, cases[i].type);
	assert_true(k8s_kind_has("ns", K8S_CLUSTER_SCOPED));
	assert_true(k8s_kind_has("netpol", K8S_CONTROL));
	assert_false(k8s_kind_has("widget", K8S_CLUSTER_SCOPED));
	assert_null(k8s_kind_named(""));
}

static void judges_readiness(void **state)
{
	static const struct { const char *object, *condition; enum k8s_state want; const char *why; } cases[] = {
		{ "{\"kind\":\"Deployment\",\"metadata\":{\"generation\":2},\"spec\":{\"replicas\":2},\"status\":{\"observedGeneration\":1,"
		  "\"replicas\":2,\"updatedReplicas\":2,\"availableReplicas\":2}}", "ready", K8S_NOT_YET, "has not looked" },
		{ "{\"kind\":\"Deployment\",\"spec\":{\"replicas\":2},\"status\":{\"replicas\":3,\"updatedReplicas\":2,\"availableReplicas\":2}}",
		  "ready", K8S_NOT_YET, "1 replicas of the old" },
		{ "{\"kind\":\"Deployment\",\"spec\":{\"replicas\":2},\"status\":{\"replicas\":2,\"updatedReplicas\":2,\"availableReplicas\":1}}",
		  "available", K8S_NOT_YET, "1 of 2" },
		{ "{\"kind\":\"Deployment\",\"spec\":{\"replicas\":2},\"status\":{\"replicas\":2,\"updatedReplicas\":2,\"availableReplicas\":2}}",
		  "Ready", K8S_HOLDS, "" },
		{ "{\"kind\":\"Deployment\",\"spec\":{\"replicas\":0}}", "ready", K8S_HOLDS, "" },
		{ "{\"kind\":\"Deployment\",\"status\":{\"conditions\":[{\"type\":\"Progressing\",\"reason\":\"ProgressDeadlineExceeded\"}]}}",
		  "ready", K8S_NEVER, "no progress" },
		{ "{\"kind\":\"Job\",\"status\":{\"conditions\":[{\"type\":\"Failed\",\"status\":\"True\",\"message\":\"too often\"}]}}", "complete",
		  K8S_NEVER, "too often" },
		{ "{\"kind\":\"Job\",\"status\":{\"conditions\":[{\"type\":\"Complete\",\"status\":\"True\"}]}}", "succeeded", K8S_HOLDS, "" },
		{ "{\"kind\":\"Job\",\"status\":{\"active\":1}}", "complete", K8S_NOT_YET, "1 active" },
		{ "{\"kind\":\"Job\",\"status\":{\"failed\":1}}", "ready", K8S_HOLDS, "" },
		{ "{\"kind\":\"Pod\",\"status\":{\"phase\":\"Running\"}}", "ready", K8S_NOT_YET, "not there" },
		{ "{\"kind\":\"Pod\",\"status\":{\"phase\":\"Failed\"}}", "ready", K8S_NEVER, "it failed" },
		{ "{\"kind\":\"Pod\",\"status\":{\"phase\":\"Running\"}}", "complete", K8S_NOT_YET, "Running" },
		{ "{\"kind\":\"Widget\"}", "ready", K8S_HOLDS, "" },
		{ "{\"kind\":\"Widget\",\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"Sad\"}]}}", "ready",
		  K8S_NOT_YET, "Sad" },
		{ "{\"kind\":\"Widget\",\"status\":{\"conditions\":[{\"type\":\"Warm\",\"status\":\"False\"}]}}", "condition=Warm=False", K8S_HOLDS, "" },
		{ "{\"kind\":\"Widget\",\"status\":{\"conditions\":[{\"type\":\"Warm\",\"status\":\"False\"}]}}", "Warm", K8S_NOT_YET, "Warm" },
		{ "{\"kind\":\"Widget\",\"status\":[1,2]}", "Warm", K8S_NOT_YET, "not there" },
		{ "{}", "deleted", K8S_NOT_YET, "still there" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *object = parse(cases[i].object);
		char why[160];
		enum k8s_state got = k8s_state_of(object, cases[i].condition, why);

		if (got != cases[i].want || !strstr(why, cases[i].why))
			fail_msg("%s %s: %d '%s'", cases[i].condition, cases[i].object, got, why);
	}
	assert_true(k8s_condition_is_known("ready") && k8s_condition_is_known("Warm") && k8s_condition_is_known("condition=warm"));
	assert_false(k8s_condition_is_known("latency_improved") || k8s_condition_is_known("") || k8s_condition_is_known("Is it?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_fields), cmocka_unit_test(refuses_fields), cmocka_unit_test(knows_kinds), cmocka_unit_test(judges_readiness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
