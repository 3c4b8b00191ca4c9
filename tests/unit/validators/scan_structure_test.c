/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on mappings: paths, tests, `each`, places, and where containers, pods and manifests are found. */
#include "tests/unit/validators/scan_case.h"

#define RULE(id, scope, match) \
	"  - {id: t/" id ", title: x, severity: high, applies_to: " scope ", help: h, suggestion: s, category: " id ", samples: {match: [a], no_match: [b]}, match: [" match "]}\n"
#define STEP(form) "    - name: h\n      steps:\n        - name: s\n          " form "\n"

static const struct scan_case cases[] = {
	{ "a boolean", RULE("privileged", "container", "{at: securityContext.privileged, 'true': yes}"),
	  STEP("container: {image: a, securityContext: {privileged: true}}"),
	  "t/privileged 11:63 <true> spec.handlers[0].steps[0].container.securityContext.privileged\n" },
	{ "a boolean as YAML 1.1 has it", RULE("privileged", "container", "{at: securityContext.privileged, 'true': yes}"),
	  STEP("container: {image: a, securityContext: {privileged: yes}}"),
	  "t/privileged 11:63 <yes> spec.handlers[0].steps[0].container.securityContext.privileged\n" },
	{ "a boolean in quotes", RULE("privileged", "container", "{at: securityContext.privileged, 'true': yes}"),
	  STEP("container: {image: a, securityContext: {privileged: \"On\"}}"),
	  "t/privileged 11:63 <\"On\"> spec.handlers[0].steps[0].container.securityContext.privileged | On\n" },
	{ "a default", RULE("privileged", "container", "{at: securityContext.privileged, 'true': yes}"),
	  STEP("container: {image: a, securityContext: {privileged: '${P:-true}'}}"),
	  "t/privileged 11:63 <'${P:-true}'> spec.handlers[0].steps[0].container.securityContext.privileged | ${P:-true}\n" },
	{ "false and unknown", RULE("privileged", "container", "{at: securityContext.privileged, 'true': yes}"),
	  STEP("container: {image: a, securityContext: {privileged: false}}") STEP("container: {securityContext: {privileged: '${P}'}}"), "" },
	{ "every item, each a place", RULE("mount", "container", "{at: 'volumeMounts[].mountPath', matches: '^/(etc|proc)$'}"),
	  STEP("container: {volumeMounts: [{mountPath: /etc}, {mountPath: /data}, {mountPath: /proc}]}"),
	  "t/mount 11:50 </etc> spec.handlers[0].steps[0].container.volumeMounts[0].mountPath\n"
	  "t/mount 11:89 </proc> spec.handlers[0].steps[0].container.volumeMounts[2].mountPath\n" },
	{ "one where a list was meant", RULE("add", "container", "{at: 'securityContext.capabilities.add[]', is: [ALL]}"),
	  STEP("container: {securityContext: {capabilities: {add: ALL}}}"),
	  "t/add 11:61 <ALL> spec.handlers[0].steps[0].container.securityContext.capabilities.add\n" },
	{ "any key, keys with dots, prefixes",
	  RULE("any", "container", "{at: 'resources.*.cpu', above: 4}") RULE("dots", "container", "{at: 'a.\"x.y/z*\".c', is: d}"),
	  STEP("container: {resources: {limits: {cpu: 8}}, a: {x.y/zoo: {c: d}, x.y/other: {c: d}}}"),
	  "t/any 11:49 <8> spec.handlers[0].steps[0].container.resources.limits.cpu\n"
	  "t/dots 11:71 <d> spec.handlers[0].steps[0].container.a['x.y/zoo'].c\n" },
	{ "what is absent is told at the mapping", RULE("limits", "container", "{at: resources.limits, exists: false}"),
	  STEP("container: {image: a}") STEP("container: {resources: {limits: {cpu: 1}}}") STEP("container: {resources: {limits: null}}"),
	  "t/limits 11:22 <{image: a}> spec.handlers[0].steps[0].container | -\n"
	  "t/limits 19:22 <{resources: {limits: null}}> spec.handlers[2].steps[0].container | -\n" },
	{ "and, not",
	  RULE("both", "container", "{at: image, matches: '^a', and: [{at: 'args[]', is: x}], not: [{at: name, exists: true}]}"),
	  STEP("container: {image: ab, args: [y, x]}") STEP("container: {image: ab, args: [y]}")
	  STEP("container: {image: ab, args: [x], name: n}"),
	  "t/both 11:30 <ab> spec.handlers[0].steps[0].container.image\n" },
	{ "each: the same item", RULE("env", "container", "{each: 'env[]', at: value, matches: '^\\w+$', and: [{at: name, matches: PASSWORD}]}"),
	  STEP("container: {env: [{name: A, value: b}, {name: DB_PASSWORD, value: c}, {name: PASSWORD}, {value: d}]}"),
	  "t/env 11:77 <c> spec.handlers[0].steps[0].container.env[1].value\n" },
	{ "from the scope beside each", RULE("env", "container", "{each: 'env[]', at: value, is: b, and: [{at: /image, is: i}]}"),
	  STEP("container: {image: i, env: [{value: b}]}") STEP("container: {image: j, env: [{value: b}]}"),
	  "t/env 11:47 <b> spec.handlers[0].steps[0].container.env[0].value\n" },
	{ "hosts", RULE("host", "api", "{at: url, host: external}"),
	  "    - {name: a, type: api, config: {url: 'https://db.internal/x'}}\n    - {name: b, type: API, config: {url: 'https://example.com/x'}}\n",
	  "t/host 9:42 <'https://example.com/x'> spec.handlers[1].config.url | https://example.com/x\n" },
	{ "rollback", RULE("host", "api", "{at: url, host: external}"),
	  "    []\n  rollback:\n    handlers:\n      - {name: b, type: api, config: {url: 'https://example.com/x'}}\n",
	  "t/host 11:44 <'https://example.com/x'> spec.rollback.handlers[0].config.url | https://example.com/x\n" },
	{ "actions, and manifests in them",
	  RULE("action", "action", "{at: replicas, above: 50}") RULE("kind", "manifest", "{at: kind, is: ClusterRole}"),
	  "    - {name: a, type: k8s, config: {action: scale, replicas: 100, template: {apiVersion: v1, kind: ClusterRole}}}\n",
	  "t/action 8:62 <100> spec.handlers[0].config.replicas\n"
	  "t/kind 8:100 <ClusterRole> spec.handlers[0].config.template.kind\n" },
	{ "pods wherever they nest",
	  RULE("pod", "pod", "{at: hostNetwork, 'true': yes}") RULE("image", "container", "{at: image, matches: ':latest$'}"),
	  STEP("kubernetes:") "            apiVersion: example.com/v1\n            kind: Thing\n            spec:\n              jobTemplate:\n"
	  "                deep:\n                  - hostNetwork: true\n                    initContainers:\n                      - image: a:latest\n"
	  "                    containers:\n                      - image: b:latest\n",
	  "t/pod 17:34 <true> spec.handlers[0].steps[0].kubernetes.spec.jobTemplate.deep[0].hostNetwork\n"
	  "t/image 19:32 <a:latest> spec.handlers[0].steps[0].kubernetes.spec.jobTemplate.deep[0].initContainers[0].image\n"
	  "t/image 21:32 <b:latest> spec.handlers[0].steps[0].kubernetes.spec.jobTemplate.deep[0].containers[0].image\n" },
	{ "items of a List", RULE("kind", "manifest", "{at: kind, is: ClusterRole}"),
	  STEP("kubernetes: {apiVersion: v1, kind: List, items: [{apiVersion: rbac/v1, kind: ClusterRole}]}"),
	  "t/kind 11:88 <ClusterRole> spec.handlers[0].steps[0].kubernetes.items[0].kind\n" },
	{ "a manifest without apiVersion", RULE("kind", "manifest", "{at: kind, is: ClusterRole}"), STEP("kubernetes: {kind: ClusterRole}"),
	  "t/kind 11:30 <ClusterRole> spec.handlers[0].steps[0].kubernetes.kind\n" },
	{ "a node by two ways is told once", RULE("image", "container", "{at: image, matches: a}"),
	  STEP("container: &c {image: a}") STEP("container: *c"),
	  "t/image 11:33 <a> spec.handlers[0].steps[0].container.image\n" },
	{ "a package of which nothing is right", RULE("image", "container", "{at: image, matches: a}"),
	  "    - {type: nonsense, config: 7, steps: {container: {image: a}, shell: [1, {}, []]}}\n    - 7\n    - [x]\n    - {steps: [null, [], {container: {image: a}}]}\n",
	  "t/image 8:62 <a> spec.handlers[0].steps.container.image\n"
	  "t/image 11:46 <a> spec.handlers[3].steps[2].container.image\n" },
	{ "the package itself", RULE("name", "package", "{at: metadata.name, is: p}"), "    []\n",
	  "t/name 3:18 <p> metadata.name\n" },
	{ "a weaker rule of the category is not heard",
	  "  - {id: t/weak, title: x, severity: low, applies_to: container, category: c, samples: {match: [a], no_match: [b]}, help: h, suggestion: s, match: [{at: image, exists: true}]}\n"
	  "  - {id: t/grave, title: x, severity: high, applies_to: container, category: c, samples: {match: [a], no_match: [b]}, help: h, suggestion: s, match: [{at: image, is: a}]}\n"
	  "  - {id: t/else, title: x, severity: low, applies_to: container, category: d, samples: {match: [a], no_match: [b]}, help: h, suggestion: s, match: [{at: image, is: a}]}\n",
	  STEP("container: {image: a}") STEP("container: {image: b}"),
	  "t/grave 11:30 <a> spec.handlers[0].steps[0].container.image\n"
	  "t/else 11:30 <a> spec.handlers[0].steps[0].container.image\n"
	  "t/weak 15:30 <b> spec.handlers[1].steps[0].container.image\n" },
};

static void finds_what_is_there(void **state)
{
	bool hold = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		hold &= case_holds(&cases[i]);
	assert_true(hold);
}

/* Amounts as Kubernetes reads them. */
static void compares_amounts(void **state)
{
	static const struct { const char *rule, *value; bool found; } rows[] = {
		{ "above: 8Gi", "9Gi", true }, { "above: 8Gi", "8Gi", false }, { "above: 8Gi", "1Ti", true }, { "above: 8Gi", "9663676416", true },
		{ "above: 8Gi", "'9663676416'", true }, { "above: 8Gi", "8589934592", false }, { "above: 8Gi", "9e9", true },
		{ "above: 8Gi", "8E", true }, { "above: 8Gi", "100E", true }, { "above: 8Gi", "99999999999999999999", true },
		{ "above: 8Gi", "12884901888000m", true }, { "above: 8Gi", "4000m", false }, { "above: 8Gi", "8G", false }, { "above: 8Gi", "8.5Gi", true },
		{ "above: 8Gi", "'${M}'", false }, { "above: 8Gi", "'${M:-9Gi}'", true }, { "above: 8Gi", "'${M:-1Gi}'", false },
		{ "above: 8Gi", "much", false }, { "above: 8Gi", "[9Gi]", false }, { "above: 8Gi", "0x900000000", false }, { "above: 8Gi", "inf", false },
		{ "below: 1", "0", true }, { "below: 1", "-3", true }, { "below: 1", "1", false }, { "below: 1", "''", false },
		{ "zero: yes", "0", true }, { "zero: yes", "'0'", true }, { "zero: yes", "0.0", true }, { "zero: yes", "1", false },
		{ "zero: yes", "", false },
	};
	static const struct { const char *value; bool found; } cpus[] = {
		{ "5", true }, { "4", false }, { "4001m", true }, { "4.5", true }, { "400m", false }, { "5000", true }, { "5k", true }, { "'5'", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows) + ARRAY_SIZE(cpus); i++) {
		bool cpu = i >= ARRAY_SIZE(rows);
		const char *value = cpu ? cpus[i - ARRAY_SIZE(rows)].value : rows[i].value;
		autofree char *rule = xasprintf("  - {id: t/t, title: x, severity: low, category: c, samples: {match: [a], no_match: [b]}, help: h, suggestion: s, applies_to: container, match: "
						"[{at: resources.limits.%s, %s}]}\n", cpu ? "cpu" : "memory", cpu ? "above: 4" : rows[i].rule);
		autofree char *step = xasprintf("    - {name: h, steps: [{name: s, container: {resources: {limits: {%s: %s}}}}]}\n",
						cpu ? "cpu" : "memory", value);
		autofree char *package = package_of(step);
		struct rule_set *rules = rules_of(rule);
		struct finding_list findings;
		bool found = cpu ? cpus[i - ARRAY_SIZE(rows)].found : rows[i].found;

		scan_yaml(rules, package, strlen(package), &findings);
		if (findings.len != found)
			fail_msg("%s is%s found by %s", value, found ? " not" : "", rule);
		finding_list_release(&findings);
		rules_free(rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(compares_amounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
