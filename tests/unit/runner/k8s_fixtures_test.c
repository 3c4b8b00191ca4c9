/* SPDX-License-Identifier: Apache-2.0
 * k8s_fixtures, k8s_manifest: what may be applied, how pods are held in, whom a step means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/k8s_manifest.h"
#include "runner/k8s_target.h"

#define POD(spec) "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {" spec "}}"
#define CONTAINER(rest) POD("containers: [{name: c, image: i" rest "}]")

static void takes_and_refuses_manifests(void **state)
{
	static const struct { const char *text, *why; size_t n; } cases[] = {
		{ "", NULL, 0 }, { "# nothing\n---\n---\n...\n", NULL, 0 }, { "%YAML 1.1\n---\n" POD(""), NULL, 1 },
		{ POD("") "\n---\n" POD("") "\n", NULL, 2 },
		{ "--- " POD("") "\n", NULL, 1 },
		{ "{apiVersion: v1, kind: List, items: [" POD("") ", " POD("") "]}", NULL, 2 },
		{ "{apiVersion: v1, kind: PodList, items: [" POD("") "]}", NULL, 1 },
		{ "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {x: \"a\\n---\\nb\"}}", NULL, 1 },
		{ "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  x: |\n    a\n    ---\n    b\n", NULL, 1 },
		{ "[1, 2]", "f:1: a manifest is a mapping", 0 },
		{ "\n\njust text", "f:3: a manifest is a mapping", 0 },
		{ POD("") "\n---\n# c\n{apiVersion: v1}\n", "f:4: the manifest has no 'kind'", 0 },
		{ "{kind: Pod, metadata: {name: p}}", "no 'apiVersion'", 0 },
		{ "{apiVersion: v1, kind: Pod}", "no 'metadata.name'", 0 },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: UPPER}}", "'UPPER' is no name", 0 },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: ../x}}", "is no name", 0 },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: kube-system}}", "names the namespace 'kube-system'", 0 },
		{ "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: [1]}}", "names the namespace", 0 },
		{ "{apiVersion: v1, kind: Namespace, metadata: {name: n}}", "belongs to the whole cluster", 0 },
		{ "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: n}}", "belongs to the whole cluster", 0 },
		{ "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Node, metadata: {name: n}}]}", "belongs to the whole cluster", 0 },
		{ "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: n}}", "steers what holds the sandbox", 0 },
		{ "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n}}", "steers what holds the sandbox", 0 },
		{ "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {type: NodePort}}", "opens a door", 0 },
		{ "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {externalIPs: [1.2.3.4]}}", "address of the outside", 0 },
		{ "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{kind: List, items: [{kind: List, items: [{kind: List, items: []}]}]}]}]}",
		  "lists in lists", 0 },
		{ "a: b: c", "f:1", 0 }, { POD("") "\n---\na: [\n", "f:", 0 }, { "{a: 1, ? [x] : 2}", "no text", 0 },
		{ POD("hostNetwork: true"), "shares namespaces with its node", 0 },
		{ POD("volumes: [{name: v, hostPath: {path: /}}]"), "reaches out of the namespace", 0 },
		{ POD("securityContext: {runAsUser: 0}"), "runs as root", 0 },
		{ POD("securityContext: {runAsNonRoot: false}"), "may run as root", 0 },
		{ POD("securityContext: {seccompProfile: {type: Unconfined}}"), "another seccomp profile", 0 },
		{ POD("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}"), "kernel.msgmax", 0 },
		{ CONTAINER(", securityContext: {privileged: true}"), "container 'c' is privileged", 0 },
		{ CONTAINER(", securityContext: {capabilities: {add: [SYS_ADMIN]}}"), "adds the capability 'SYS_ADMIN'", 0 },
		{ CONTAINER(", securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}"), NULL, 1 },
		{ CONTAINER(", securityContext: {allowPrivilegeEscalation: true}"), "privilege escalation", 0 },
		{ CONTAINER(", securityContext: {procMount: Unmasked}"), "/proc", 0 },
		{ CONTAINER(", ports: [{containerPort: 80, hostPort: 80}]"), "port of the host", 0 },
		{ POD("initContainers: [{name: i, securityContext: {privileged: true}}]"), "container 'i' is privileged", 0 },
		{ "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {hostPID: true}}}}}}",
		  "shares namespaces", 0 },
		{ "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {hostIPC: true}}}}", "shares namespaces", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *found = json_array();
		struct error err = { 0 };
		int r = k8s_manifests_parse(cases[i].text, strlen(cases[i].text), "f", found, &err);

		if (cases[i].why ? r == 0 || !strstr(err.text, cases[i].why) : r < 0 || json_array_size(found) != cases[i].n)
			fail_msg("%s: %d, %zu objects, '%s'", cases[i].text, r, json_array_size(found), err.text);
	}
}

static json_t *one(const char *text)
{
	json_auto_t *found = json_array();
	struct error err = { 0 };

	if (k8s_manifests_parse(text, strlen(text), "f", found, &err) < 0)
		fail_msg("%s", err.text);
	return json_incref(json_array_get(found, 0));
}

static void hardens_pods(void **state)
{
	json_auto_t *pod = one(CONTAINER(", securityContext: {capabilities: {drop: [CHOWN]}, runAsUser: 7}"));
	autostrbuf struct strbuf text = STRBUF_INIT(4096);
	struct error err = { 0 };

	(void)state;
	json_write(json_object_get(pod, "spec"), 0, &text);
	assert_string_equal(text.buf,
		"{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"securityContext\":{\"capabilities\":{\"drop\":[\"CHOWN\",\"ALL\"]},\"runAsUser\":7,"
		"\"allowPrivilegeEscalation\":false}}],\"securityContext\":{\"seccompProfile\":{\"type\":\"RuntimeDefault\"},\"runAsNonRoot\":true,"
		"\"runAsUser\":65534},\"automountServiceAccountToken\":false}");
	assert_int_equal(k8s_manifest_is_safe(pod, &err), 0);
	json_object_del(k8s_at(pod, "spec.securityContext"), "seccompProfile");
	assert_int_equal(k8s_manifest_is_safe(pod, &err), -1);
	assert_non_null(strstr(err.text, "would lose"));
}

static void reads_yaml_as_kubernetes_does(void **state)
{
	json_auto_t *object = one("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, x: {mode: 0644, hex: 0x1F, no: no, n: null, t: '0644', r: 1.5, "
				  "v: 1.20.3, z: 08, neg: -3, zero: 0}}");
	autostrbuf struct strbuf text = STRBUF_INIT(4096);

	(void)state;
	json_write(json_object_get(object, "x"), 0, &text);
	assert_string_equal(text.buf, "{\"mode\":420,\"hex\":31,\"no\":false,\"n\":null,\"t\":\"0644\",\"r\":1.5,\"v\":\"1.20.3\",\"z\":\"08\",\"neg\":-3,\"zero\":0}");
}

static void replaces_parameters(void **state)
{
	static const char yaml[] = "r: ${N}\nq: '${N}'\nt: web-${N}\nd: ${M:-x}\ncommand: [sh, -c, 'echo ${N}']\nl: ['${N}']\n";
	struct parameters parameters;
	const struct k8s_values values = { .parameters = &parameters };
	autostrbuf struct strbuf text = STRBUF_INIT(4096);
	struct document *doc;
	struct error err = { 0 };
	json_t *value;

	(void)state;
	parameters_init(&parameters);
	assert_int_equal(document_parse(yaml, strlen(yaml), "f", &yaml_default_limits, &doc, &err), 0);
	assert_null(k8s_json_of_node(doc->root, &values, &err));
	assert_non_null(strstr(err.text, "'N'"));
	assert_int_equal(parameters_add(&parameters, "N=3", &err), 0);
	value = k8s_json_of_node(doc->root, &values, &err);
	assert_non_null(value);
	json_write(value, 0, &text);
	assert_string_equal(text.buf, "{\"r\":3,\"q\":\"3\",\"t\":\"web-3\",\"d\":\"x\",\"command\":[\"sh\",\"-c\",\"echo ${N}\"],\"l\":[\"3\"]}");
	json_decref(value);
	document_free(doc);
	parameters_release(&parameters);
}

/* ---- files */

static void write_file(const char *folder, const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/%s", folder, name);
	struct error err = { 0 };

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static char *make_folder(void)
{
	char *folder = xstrdup("/tmp/k8s_fixtures_test.XXXXXX");

	assert_non_null(mkdtemp(folder));
	return folder;
}

static void remove_folder(const char *folder)
{
	struct error err = { 0 };

	assert_int_equal(remove_tree_at(-100 /* AT_FDCWD */, folder, &err), 0);
}

static void reads_a_folder_in_order(void **state)
{
	autofree char *folder = make_folder();
	autofree char *event = xasprintf("%s/other.txt", folder);
	struct k8s_fixtures f = K8S_FIXTURES_EMPTY;
	struct error err = { 0 };

	(void)state;
	write_file(folder, "a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n");
	write_file(folder, "b.json", "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"c\"}}");
	write_file(folder, "event.yaml", "object: {kind: Deployment, name: web}\n");
	write_file(folder, "notes.txt", "[not, looked, at");
	write_file(folder, ".hidden.yaml", "[not, looked, at");
	assert_int_equal(k8s_fixtures_load(folder, NULL, &f, &err), 0);
	assert_int_equal(json_array_size(f.manifests), 3);
	assert_string_equal(k8s_text(json_array_get(f.manifests, 0), "kind", ""), "Secret");
	assert_string_equal(k8s_text(json_array_get(f.manifests, 1), "kind", ""), "ConfigMap");
	assert_string_equal(k8s_text(json_array_get(f.manifests, 2), "kind", ""), "Deployment");
	assert_string_equal(k8s_text(f.event, "object.name", ""), "web");
	k8s_fixtures_release(&f);

	write_file(folder, "other.txt", "values: {x: 1}\n");
	assert_int_equal(k8s_fixtures_load(folder, event, &f, &err), 0);
	assert_null(k8s_at(f.event, "object"));
	assert_non_null(k8s_value_of(&f, "x"));
	k8s_fixtures_release(&f);

	write_file(folder, "c.yml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n");
	assert_int_equal(k8s_fixtures_load(folder, NULL, &f, &err), -1);
	assert_non_null(strstr(err.text, "'Secret/s' is there twice"));
	write_file(folder, "c.yml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s2}\n");
	write_file(folder, "event.yaml", "[1]");
	assert_int_equal(k8s_fixtures_load(folder, NULL, &f, &err), -1);
	assert_non_null(strstr(err.text, "an event is a mapping"));
	remove_folder(folder);
	assert_int_equal(k8s_fixtures_load(folder, NULL, &f, &err), -1);
	assert_int_equal(k8s_fixtures_load("/dev/zero", NULL, &f, &err), -1);
	assert_int_equal(k8s_fixtures_load(NULL, NULL, &f, &err), 0);
	k8s_fixtures_release(&f);
}

/* ---- targets */

static void knows_whom_a_step_means(void **state)
{
#define TWO "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: b}}\n"
#define ONE "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n"
	static const struct { const char *config, *manifests, *event, *type, *name, *selector, *why; } cases[] = {
		{ "{name: web}", "", "{}", "deployment", "web", "", NULL },
		{ "{resource_name: '${X}-1'}", "", "{}", "deploy", "x-1", "", NULL },
		{ "{resource: deployment/web}", "", "{}", "deployment/web", "web", "", NULL },
		{ "{selector: 'app=${X},t=1'}", ONE, "{}", "deployment", "", "app=x,t=1", NULL },
		{ "{selector: {matchLabels: {app: '${X}'}}}", ONE, "{}", "deployment", "", "app=x", NULL },
		{ "{selector: {app: y, b: z}}", ONE, "{}", "deployment", "", "app=y,b=z", NULL },
		{ "{selector: {app: [1]}}", ONE, "{}", "deployment", NULL, NULL, "labels are texts" },
		{ "{name: '${UNSET}'}", "", "{}", "deployment", NULL, NULL, "UNSET" },
		{ "{name: '../../x'}", "", "{}", "deployment", NULL, NULL, "no name of an object" },
		{ "{}", ONE, "{}", "deployments", "a", "", NULL },
		{ "{}", ONE, "{}", "job", NULL, NULL, "no fixture or event does" },
		{ "{}", TWO, "{}", "deployment", NULL, NULL, "the fixtures have 2 ('a', 'b')" },
		{ "{}", TWO, "{object: {kind: Deployment, name: b}}", "deployment", "b", "", NULL },
		{ "{}", TWO, "{object: {kind: Deployment, metadata: {name: b}}}", "deployment", "b", "", NULL },
		{ "{}", TWO, "{involvedObject: {kind: Deployment, name: b}}", "deployment", "b", "", NULL },
		{ "{}", TWO, "{regarding: {kind: Pod, name: b}}", "deployment", NULL, NULL, "the fixtures have 2" },
		{ "{}", "", "{labels: {alertname: X, deployment: d}}", "deployment", "d", "", NULL },
		{ "{}", "", "{commonLabels: {pod: d}}", "pods", "d", "", NULL },
		{ "{}", "", "{alerts: [{labels: {statefulset: d}}]}", "sts", "d", "", NULL },
		{ "{}", "", "{labels: {job_name: j, job: scraper}}", "job", "j", "", NULL },
		{ "{}", "", "{objects: [{kind: Secret, name: s}, {kind: Job, name: j}]}", "job", "j", "", NULL },
		{ "{}", "", "{objects: [1, [2], null], labels: [3], object: text, alerts: {}}", "job", NULL, NULL, "no fixture" },
		{ "{}", "", "{object: {kind: Job, name: 'Not A Name'}}", "job", NULL, NULL, "no fixture" },
	};
	struct parameters parameters;
	struct error err = { 0 };

	(void)state;
	parameters_init(&parameters);
	assert_int_equal(parameters_add(&parameters, "X=x", &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct document *config, *event;
		struct k8s_fixtures f = K8S_FIXTURES_EMPTY;
		struct wpk_step step = { .kind = WPK_STEP_K8S };
		const struct plan_step planned = { .step = &step };
		struct k8s_object_name name;
		char selector[256], why[256];
		bool said;

		f.manifests = json_array();
		assert_int_equal(k8s_manifests_parse(cases[i].manifests, strlen(cases[i].manifests), "f", f.manifests, &err), 0);
		assert_int_equal(document_parse(cases[i].config, strlen(cases[i].config), "c", &yaml_default_limits, &config, &err), 0);
		assert_int_equal(document_parse(cases[i].event, strlen(cases[i].event), "e", &yaml_default_limits, &event, &err), 0);
		f.event = k8s_json_of_node(event->root, NULL, &err);
		step.node = config->root;
		said = k8s_target_of(&f, &planned, &parameters, cases[i].type, &name, selector, why);
		if (said != !cases[i].why || (said ? strcmp(name.name, cases[i].name) || strcmp(selector, cases[i].selector) : !strstr(why, cases[i].why)))
			fail_msg("%s %s: %d '%s' '%s' '%s'", cases[i].config, cases[i].event, said, name.name, selector, why);
		k8s_fixtures_release(&f);
		document_free(config);
		document_free(event);
	}
	parameters_release(&parameters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_refuses_manifests), cmocka_unit_test(hardens_pods), cmocka_unit_test(reads_yaml_as_kubernetes_does),
		cmocka_unit_test(replaces_parameters), cmocka_unit_test(reads_a_folder_in_order), cmocka_unit_test(knows_whom_a_step_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
