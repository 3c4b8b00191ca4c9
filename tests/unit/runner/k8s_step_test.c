/* SPDX-License-Identifier: Apache-2.0
 * k8s_step_simulated: which steps a cluster would execute, and why the others stay simulated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/k8s_manifest.h"
#include "runner/k8s_step.h"

static void says_what_stays_simulated(void **state)
{
#define JOB "{apiVersion: batch/v1, kind: Job, metadata: {name: j}}"
#define TWO "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: b}}\n"
	static const struct { const char *config, *manifests, *event, *why; } cases[] = {
		{ "{action: copy, source: a}", "", "{}", "storage system" },
		{ "{action: restore}", "", "{}", "storage system" },
		{ "{action: dance}", "", "{}", "no action that a cluster knows" },
		{ "{action: test}", "", "{}", NULL },
		{ "{action: events, resource_type: pod}", "", "{}", NULL },
		{ "{action: metrics, query: up}", "", "{}", NULL },
		{ "{action: logs}", "", "{}", NULL },
		{ "{action: restart, resource_type: deployment}", "", "{}", NULL },
		{ "{action: restart, resource_type: deployment}", TWO, "{}", "the fixtures have 2" },
		{ "{action: restart, resource_type: deployment}", TWO, "{object: {kind: Deployment, name: b}}", NULL },
		{ "{action: restart, resource_type: gadget}", "", "{}", "names no gadget" },
		{ "{action: restart, resource_type: gadget, name: x}", "", "{}", NULL },
		{ "{action: restart, selector: 'app=${X}', resource_type: deployment}", TWO, "{}", NULL },
		{ "{action: delete}", "", "{}", "no resource_type" },
		{ "{action: annotate, resource_type: job, annotation: n, value: increment}", "", "{}", NULL },
		{ "{action: create, resource_type: job, template: original_job}", "", "{}", "template 'original_job' is a name" },
		{ "{action: create, resource_type: job, template: original_job}", JOB, "{}", NULL },
		{ "{action: create, resource_type: job, template: original_job}", "", "{object: {kind: Job, name: j}}", NULL },
		{ "{action: create, resource_type: job, template: original_deployment}", JOB, "{}", "is a name of the package's own world" },
		{ "{action: create, resource_type: job, template: mine}", "", "{values: {mine: " JOB "}}", NULL },
		{ "{action: create, manifest: " JOB "}", "", "{}", NULL },
		{ "{action: patch, resource_type: secret, name: s, data: new_credentials}", "", "{}", "data 'new_credentials'" },
		{ "{action: patch, resource_type: secret, name: s, data: new_credentials}", "", "{values: {new_credentials: {a: b}}}", NULL },
		{ "{action: patch, resource_type: secret, name: s, data: new_credentials}", "", "{values: {new_credentials: null}}", "data 'new_credentials'" },
		{ "{action: patch, resource_type: secret, name: s, data: {a: b}}", "", "{}", NULL },
		{ "{action: wait, resource_type: deployment, condition: ready}", "", "{}", NULL },
		{ "{action: wait, resource_type: deployment, condition: latency_improved}", "", "{}", "condition 'latency_improved'" },
		{ "{action: wait, resource_type: deployment, condition: latency_improved}", "", "{values: {latency_improved: ready}}", NULL },
		{ "{action: wait, resource_type: deployment, condition: latency_improved}", "", "{values: {latency_improved: better}}", "condition" },
	};
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct document *config, *event;
		struct k8s_fixtures f = K8S_FIXTURES_EMPTY;
		const struct wpk wpk = { .name = "t" };
		struct wpk_step step = { .kind = WPK_STEP_K8S };
		autofree char *why = NULL;

		f.manifests = json_array();
		assert_int_equal(k8s_manifests_parse(cases[i].manifests, strlen(cases[i].manifests), "f", f.manifests, &err), 0);
		assert_int_equal(document_parse(cases[i].config, strlen(cases[i].config), "c", &yaml_default_limits, &config, &err), 0);
		assert_int_equal(document_parse(cases[i].event, strlen(cases[i].event), "e", &yaml_default_limits, &event, &err), 0);
		f.event = k8s_json_of_node(event->root, NULL, &err);
		step.node = config->root;
		step.action = node_get(config->root, "action")->text;
		why = k8s_step_simulated(&wpk, &step, &f);
		if (cases[i].why ? !why || !strstr(why, cases[i].why) : why != NULL)
			fail_msg("%s %s: %s", cases[i].config, cases[i].event, why ? why : "executed");
		k8s_fixtures_release(&f);
		document_free(config);
		document_free(event);
	}
}

static void takes_no_fixtures(void **state)
{
	const struct wpk wpk = { .name = "t" };
	const struct wpk_step empty = { .kind = WPK_STEP_MANIFEST };
	autofree char *why = k8s_step_simulated(&wpk, &empty, NULL);

	(void)state;
	assert_string_equal(why, "the manifest is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(says_what_stays_simulated), cmocka_unit_test(takes_no_fixtures) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
