/* SPDX-License-Identifier: Apache-2.0
 * The Kubernetes backends without a cluster: what a pod's words mean, what may be granted, which context is refused, and what is removed. */
#include "tests/unit/base/kube_script.inc.c"

#include <fcntl.h>
#include <sys/stat.h>

#include "sandboxes/engine.h"
#include "sandboxes/kube_place.h"
#include "sandboxes/lease.h"

/* ---- what a pod says of itself */

#define OURS(state) "{\"status\":{\"containerStatuses\":[{\"name\":\"step\",\"state\":{" state "}}]}}"
#define WAITING(reason) OURS("\"waiting\":{\"reason\":\"" reason "\",\"message\":\"so.\\nand more\"}")
#define ENDED(rest) OURS("\"terminated\":{" rest "}")

#define BEFORE(state) "{\"status\":{\"initContainerStatuses\":[{\"name\":\"done\",\"state\":{\"terminated\":{}}},{\"name\":\"wait\"," \
	"\"state\":{" state "}}],\"containerStatuses\":[{\"name\":\"step\",\"state\":{\"waiting\":{\"reason\":\"PodInitializing\"}}}]}}"

enum { STARTED = 1, OVER = 2, STUCK = 4, MAY_PASS = 8 };

static void test_pod_state(void **state)
{
	static const struct { const char *pod; unsigned int flags; int status; const char *reason, *message; } cases[] = {
		{ "{}", 0, 0, "", "" },
		{ "[]", 0, 0, "", "" },
		{ "{\"status\":[],\"metadata\":7}", 0, 0, "", "" },
		{ "{\"status\":{\"phase\":7,\"conditions\":{},\"containerStatuses\":{}}}", 0, 0, "", "" },
		{ "{\"status\":{\"phase\":\"Pending\",\"containerStatuses\":[1,null,\"x\"]}}", 0, 0, "", "" },
		{ "{\"status\":{\"phase\":\"Unknown\"}}", 0, 0, "", "" },
		{ OURS("\"running\":{}"), STARTED, 0, "", "" },
		{ WAITING("ContainerCreating"), 0, 0, "", "" },
		{ WAITING("SomethingNew"), 0, 0, "", "" },
		{ WAITING("ErrImagePull"), STUCK, 0, "ErrImagePull", "the image cannot be pulled: so" },
		{ WAITING("ImagePullBackOff"), STUCK, 0, "ImagePullBackOff", "the image cannot be pulled: so" },
		{ WAITING("InvalidImageName"), STUCK, 0, "InvalidImageName", "the image's name is wrong: so" },
		{ WAITING("ErrImageNeverPull"), STUCK, 0, "ErrImageNeverPull", "the image is not there, and pulling is not allowed: so" },
		{ WAITING("CreateContainerConfigError"), MAY_PASS, 0, "CreateContainerConfigError", "the container cannot be made: so" },
		{ WAITING("errimagepull"), 0, 0, "", "" },
		{ "{\"status\":{\"conditions\":[7,{\"type\":\"PodScheduled\",\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":\"0/1 nodes\"}]}}",
		  MAY_PASS, 0, "", "no node takes the pod: 0/1 nodes" },
		{ ENDED("\"exitCode\":0,\"reason\":\"Completed\""), STARTED | OVER, 0, "Completed", "" },
		{ ENDED("\"exitCode\":42,\"reason\":\"Error\""), STARTED | OVER, 42, "Error", "" },
		{ ENDED("\"exitCode\":137,\"reason\":\"OOMKilled\""), STARTED | OVER, 137, "OOMKilled", "" },
		{ ENDED("\"exitCode\":128,\"reason\":\"StartError\",\"message\":\"no such file\""), STARTED | OVER, 128, "StartError", "no such file" },
		/* what is no exit status is never success */
		{ ENDED(""), STARTED | OVER, 137, "", "" },
		{ ENDED("\"exitCode\":\"0\""), STARTED | OVER, 137, "", "" },
		{ ENDED("\"exitCode\":false"), STARTED | OVER, 137, "", "" },
		{ ENDED("\"exitCode\":256"), STARTED | OVER, 255, "", "" },
		{ ENDED("\"exitCode\":4294967296"), STARTED | OVER, 255, "", "" },
		{ ENDED("\"exitCode\":-256"), STARTED | OVER, 255, "", "" },
		/* ended as a whole */
		{ "{\"status\":{\"phase\":\"Succeeded\"}}", OVER, 0, "", "" },
		{ "{\"status\":{\"phase\":\"Failed\"}}", OVER, 137, "", "" },
		{ "{\"status\":{\"phase\":\"Failed\",\"reason\":\"Evicted\",\"message\":\"low on memory\"}}", OVER, 137, "Evicted", "low on memory" },
		{ "{\"status\":{\"phase\":\"Failed\",\"reason\":\"OutOfcpu\",\"message\":\"Node didn't have enough\"}}", OVER, 137, "OutOfcpu",
		  "Node didn't have enough" },
		{ "{\"status\":{\"phase\":\"Failed\",\"reason\":\"NodeLost\",\"containerStatuses\":[{\"name\":\"step\",\"state\":{\"running\":{}}}]}}",
		  STARTED | OVER, 137, "NodeLost", "" },
		{ "{\"status\":{\"phase\":\"Failed\",\"reason\":\"DeadlineExceeded\",\"containerStatuses\":[{\"name\":\"step\",\"state\":"
		  "{\"terminated\":{\"exitCode\":143,\"reason\":\"Error\"}}}]}}", STARTED | OVER, 143, "DeadlineExceeded", "" },
		/* others beside ours, sorted by name or not */
		{ "{\"status\":{\"containerStatuses\":[{\"name\":\"istio-proxy\",\"state\":{\"terminated\":{\"exitCode\":0}}},"
		  "{\"name\":\"step\",\"state\":{\"terminated\":{\"exitCode\":3}}}]}}", STARTED | OVER, 3, "", "" },
		{ "{\"status\":{\"containerStatuses\":[{\"name\":\"a\",\"state\":{\"terminated\":{\"exitCode\":0}}},{\"name\":\"b\"}]}}", 0, 0, "", "" },
		{ "{\"status\":{\"initContainerStatuses\":[{\"name\":\"step\",\"state\":{\"terminated\":{\"exitCode\":0}}}]}}", 0, 0, "", "" },
		/* what a cluster puts before it */
		{ BEFORE("\"running\":{}"), 0, 0, "", "its init container 'wait' has not ended" },
		{ BEFORE("\"waiting\":{\"reason\":\"CrashLoopBackOff\",\"message\":\"back-off 10s.\"}"), 0, 0, "",
		  "its init container 'wait' ends again and again: back-off 10s" },
		{ BEFORE("\"waiting\":{\"reason\":\"ErrImagePull\",\"message\":\"so\"}"), STUCK, 0, "ErrImagePull", "the image cannot be pulled: so" },
		{ BEFORE("\"waiting\":{\"reason\":\"PodInitializing\"}"), 0, 0, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *pod = json_loads(cases[i].pod, 0, NULL);
		struct kube_pod_state s;
		unsigned int flags;

		assert_non_null(pod);
		kube_pod_state(pod, &s);
		flags = s.started * STARTED | s.ended * OVER | s.stuck * STUCK | s.may_pass * MAY_PASS;
		if (flags != cases[i].flags || s.status != cases[i].status || strcmp(s.reason, cases[i].reason) || strcmp(s.message, cases[i].message))
			fail_msg("%s: flags %u, status %d, '%s', '%s'", cases[i].pod, flags, s.status, s.reason, s.message);
	}
}

static void test_pod_state_huge(void **state)
{
	autofree char *text = xcalloc(1, 1 << 20);
	json_auto_t *pod = NULL;
	struct kube_pod_state s;

	(void)state;
	memset(text, '\x1b', (1 << 20) - 1);
	pod = json_pack("{s{ss}s{ssssss}}", "metadata", "name", text, "status", "phase", "Failed", "reason", text, "message", text);
	assert_non_null(pod);
	kube_pod_state(pod, &s);
	assert_true(s.ended && s.status == 137);
	assert_int_equal(strlen(s.name), sizeof(s.name) - 1);
	assert_int_equal(strlen(s.reason), sizeof(s.reason) - 1);
	assert_true(strlen(s.message) < sizeof(s.message));
	assert_null(strchr(s.message, '\x1b'));
}

/* ---- permissions */

#define R(name, kind, namespaced) "{\"name\":\"" name "\",\"singularName\":\"\",\"kind\":\"" kind "\",\"namespaced\":" namespaced ",\"verbs\":[\"get\",\"list\"]}"
#define RULE(group, resource, verbs) "{\"apiGroups\":[\"" group "\"],\"resources\":[\"" resource "\"],\"verbs\":[" verbs "]}"

static const struct step discovery[] = {
	{ "GET /api/v1 ", 200, "{\"resources\":[" R("pods", "Pod", "true") "," R("pods/log", "Pod", "true") "," R("pods/eviction", "Pod", "true") ","
	  R("pods/exec", "Pod", "true") "," R("nodes", "Node", "false") "," R("namespaces", "Namespace", "false") "," R("serviceaccounts", "ServiceAccount", "true")
	  "," R("serviceaccounts/token", "ServiceAccount", "true") "," R("resourcequotas", "ResourceQuota", "true") "]}" },
	{ "GET /apis ", 200, "{\"groups\":[{\"name\":\"apps\",\"preferredVersion\":{\"groupVersion\":\"apps/v1\"}},"
	  "{\"name\":\"rbac.authorization.k8s.io\",\"preferredVersion\":{\"groupVersion\":\"rbac.authorization.k8s.io/v1\"}},"
	  "{\"name\":\"cilium.io\",\"preferredVersion\":{\"groupVersion\":\"cilium.io/v2\"}}]}" },
	{ "GET /apis/apps/v1 ", 200, "{\"resources\":[" R("deployments", "Deployment", "true") "," R("deployments/scale", "Deployment", "true") "]}" },
	{ "GET /apis/rbac.authorization.k8s.io/v1 ", 200, "{\"resources\":[" R("roles", "Role", "true") "," R("clusterroles", "ClusterRole", "false") "]}" },
	{ "GET /apis/cilium.io/v2 ", 200, "{\"resources\":[" R("ciliumnetworkpolicies", "CiliumNetworkPolicy", "true") "]}" },
};

static void test_permissions(void **state)
{
	static const struct { const char *declared, *rule, *why_not; } cases[] = {	/* a rule without brackets, or why there is none */
		{ "pods/get", RULE("", "pods", "\"get\""), NULL },
		{ "pods/watch", RULE("", "pods", "\"list\",\"watch\""), NULL },
		{ "pods/log", RULE("", "pods/log", "\"get\""), NULL },
		{ "pods/eviction", RULE("", "pods/eviction", "\"create\""), NULL },
		{ "pods/deletecollection", RULE("", "pods", "\"deletecollection\""), NULL },
		{ "deployments/patch", RULE("apps", "deployments", "\"patch\""), NULL },
		{ "deployments.apps/patch", RULE("apps", "deployments", "\"patch\""), NULL },
		{ "deployments/scale", RULE("apps", "deployments/scale", "\"get\",\"update\",\"patch\""), NULL },
		{ "deployments/rollback", RULE("apps", "deployments", "\"get\",\"list\",\"patch\"") "," RULE("apps", "replicasets", "\"list\""), NULL },
		{ "pods/rollback", "", "no verb 'rollback'" },
		{ "pods/scale", "", "no verb 'scale'" },	/* pods have none */
		{ "pods/exec", "", "no verb 'exec'" },
		{ "pods/exec/create", "", "no resource 'pods/exec'" },
		{ "pods/GET", "", "no verb" },
		{ "pods/ get", "", "no verb" },
		{ "pods/get,list", "", "no verb" },
		{ "pods/impersonate", "", "no verb" },
		{ "*/*", "", "never granted" },
		{ "pods/*", "", "never granted" },
		{ "*.apps/get", "", "never granted" },
		{ "pods", "", "not of the form" },
		{ "pods/", "", "not of the form" },
		{ "/get", "", "not of the form" },
		{ "/", "", "not of the form" },
		{ "", "", "not of the form" },
		{ "pod%73/get", "", "no resource" },
		{ "pods\"]/get", "", "no resource" },
		{ "nodes/get", "", "belong to the whole cluster" },
		{ "namespaces/delete", "", "belong to the whole cluster" },
		{ "clusterroles/create", "", "belong to the whole cluster" },
		{ "roles/patch", "", "holds the sandbox" },
		{ "roles.rbac.authorization.k8s.io/escalate", "", "holds the sandbox" },
		{ "serviceaccounts/token", "", "holds the sandbox" },
		{ "resourcequotas/delete", "", "holds the sandbox" },
		{ "ciliumnetworkpolicies/create", "", "holds the sandbox" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const declared[] = { cases[i].declared, NULL };
		struct kube_sandbox *ks = xcalloc(1, sizeof(*ks));
		autofree char *wanted = xasprintf("[%s]", cases[i].rule);
		struct error err = { .code = ERR_OK };
		json_auto_t *rules = NULL;
		autofree char *text = NULL;

		ks->kube = OPEN(discovery);
		ks->state_fd = ks->cluster_fd = -1;
		rules = kube_permission_rules(ks, declared, &err);
		if (!rules)
			fail_msg("%s: %s", cases[i].declared, err.text);
		text = json_dumps(rules, JSON_COMPACT);
		if (strcmp(text, wanted) || ks->permissions[0].granted != !!*cases[i].rule ||
		    (cases[i].why_not && !strstr(ks->permissions[0].why_not, cases[i].why_not)))
			fail_msg("%s: %s, '%s'", cases[i].declared, text, ks->permissions[0].why_not);
		kube_sandbox_close(&ks->base);
	}
}

/* ---- which context is refused */

static int try_context(const char *context, const char *server, const char *namespace, bool confirmed, struct error *err)
{
	char folder[] = "/tmp/sbx-kube-XXXXXX";
	struct sandbox_ref ref = { .backend = "kubernetes", .id = "abc" };
	struct sandbox_spec spec = { .cluster = { .context = context, .confirmed = confirmed } };
	struct control_table controls;
	struct sandbox *sb = NULL;
	autofree char *path = NULL;
	FILE *f;
	int rc;

	assert_non_null(mkdtemp(folder));
	snprintf(ref.endpoint, sizeof(ref.endpoint), "%s", folder);
	path = xasprintf("%s/config", folder);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: '%s'}}], users: [{name: u, user: {token: t}}],\n"
		"contexts: [{name: '%s', context: {cluster: c, user: u, namespace: '%s'}}]}\n", server, context, namespace);
	fclose(f);
	chmod(path, 0600);
	spec.cluster.kubeconfig = path;
	memset(&controls, 0, sizeof(controls));
	rc = sandbox_backend_kubernetes.create(&ref, &spec, &sb, &controls, err);
	unlink(path);
	rmdir(folder);
	return rc;
}

static void test_production(void **state)
{
	static const struct { const char *context, *server, *namespace; bool refused; } cases[] = {
		{ "prod", "", "", true }, { "PROD", "", "", true }, { "production", "", "", true }, { "eu-prod-1", "", "", true }, { "prod2", "", "", true },
		{ "prd-eu", "", "", true }, { "eu_prd01", "", "", true }, { "live", "", "", true }, { "shop-LIVE2", "", "", true },
		{ "arn:aws:eks:eu-west-1:1:cluster/production-blue", "", "", true }, { "gke_acme_eu_prodcluster", "", "", true }, { "productive", "", "", true },
		{ "productionproduct", "", "", true }, { "product-prod", "", "", true }, { "non-prod", "", "", true },	/* rather asked once too often */
		{ "staging", "", "live", true }, { "staging", "/clusters/prod", "", true },
		{ "nonprod", "", "", false }, { "preprod", "", "", false }, { "reproduce", "", "", false }, { "product-catalog-dev", "", "", false },
		{ "products", "", "", false }, { "eu-product1", "", "", false }, { "olive", "", "", false }, { "liveness", "", "", false },
		{ "delivery", "", "", false }, { "staging", "/k8s/clusters/c-1", "product-team", false }, { "kind-dev", "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *server = xasprintf("http://127.0.0.1:1%s", cases[i].server);

		for (int confirmed = 0; confirmed < 2; confirmed++) {
			struct error err = { .code = ERR_OK };
			const bool refused = cases[i].refused && !confirmed;

			assert_int_equal(try_context(cases[i].context, server, cases[i].namespace, confirmed, &err), -1);	/* nobody is there */
			if (err.code != (refused ? ERR_PERMISSION_DENIED : ERR_UNAVAILABLE) || (refused && !strstr(err.text, "--yes")))
				fail_msg("'%s' at '%s': %s", cases[i].context, server, err.text);
		}
	}
}

/* ---- what is removed */

static void test_lease(void **state)
{
	static const struct { const char *text; uint64_t now; bool over; } cases[] = {
		{ "1000", 1061, true }, { "1000", 1060, false }, { "1000", 1000, false }, { "1000", 999, false }, { "1000", 0, false },	/* clocks differ */
		{ "1", UINT64_MAX, true }, { "0", 5000, false }, { "", 5000, false }, { "-5", 5000, false }, { "+5", 5000, false }, { " 5", 5000, false },
		{ "5 days", 5000, false }, { "5.0", 5000, false }, { "0x5", 5000, false }, { "never", 5000, false }, { "5\n", 5000, false },
		{ "18446744073709551615", 5000, false }, { "99999999999999999999999", 5000, false }, { "000000000000000001", 5000, true },
		{ "0000000000000000001", 5000, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (lease_is_over(cases[i].text, cases[i].now) != cases[i].over)
			fail_msg("'%s' at %llu", cases[i].text, (unsigned long long)cases[i].now);
}

#define NS(name, run, manager, lease, more) \
	"{\"metadata\":{\"name\":\"" name "\",\"uid\":\"u-" name "\",\"labels\":{\"sandbox-runner/run\":\"" run "\"," \
	"\"app.kubernetes.io/managed-by\":\"" manager "\"},\"annotations\":{\"sandbox-runner/lease-until\":\"" lease "\"}" more "}}"
#define MANAGER "sandbox_runner"

/* Only the deletions of the script may come: any other request fails it. */
static void test_sweep(void **state)
{
	static const struct step steps[] = {
		{ "GET /api/v1/namespaces?", 200, "{\"metadata\":{},\"items\":[" NS("kube-system", "a", MANAGER, "1000", "") ","
		  NS("atom-sandboxes", "es", MANAGER, "1000", "") "," NS("atom-sandbox-b", "another", MANAGER, "1000", "") ","
		  NS("atom-sandbox-c", "c", "helm", "1000", "") "," NS("atom-sandbox-", "", MANAGER, "1000", "") ","
		  NS("atom-sandbox-d", "d", MANAGER, "99999999999", "") "," NS("atom-sandbox-e", "e", MANAGER, "18446744073709551615", "") ","
		  NS("atom-sandbox-f", "f", MANAGER, "-1", "") "," NS("atom-sandbox-g", "g", MANAGER, "1000", ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"") ","
		  NS("atom-sandbox-h", "h", MANAGER, "", "") ",{},{\"metadata\":[]}," NS("atom-sandbox-z", "z", MANAGER, "1000", "") "]}" },
		{ "DELETE /api/v1/namespaces/atom-sandbox-z ", 200, "{}", PLAIN, NULL, "\"uid\":\"u-atom-sandbox-z\"" },
		{ "DELETE /api/v1/namespaces/atom-sandbox-z/pods ", 200, "{}" },
	};
	struct kube *k = OPEN(steps);

	(void)state;
	kube_place_sweep(k);
	close_script(k, "sweep");
}

#define GONE STATUS(404, "NotFound", "gone")
#define GET_IT "GET /api/v1/namespaces/atom-sandbox-a "
#define DELETE_IT { "DELETE /api/v1/namespaces/atom-sandbox-a ", 200, "{}", PLAIN, NULL, "\"uid\":\"u-atom-sandbox-a\"" }, \
	{ "DELETE /api/v1/namespaces/atom-sandbox-a/pods ", 200, "{}" }

#define STILL_THERE { GET_IT, 200, NS("atom-sandbox-a", "a", MANAGER, "", ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"") }
#define PODS(items) { "GET /api/v1/namespaces/atom-sandbox-a/pods?", 200, "{\"metadata\":{},\"items\":[" items "]}" }
#define ENDING(status) "{\"metadata\":{\"name\":\"p\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},\"status\":{" status "}}"
#define CONTAINER(state) "\"containerStatuses\":[{\"state\":{\"terminated\":{}}},{\"state\":{" state "}}]"
#define LET_GO { "DELETE /api/v1/namespaces/atom-sandbox-a/pods ", 200, "{}", PLAIN, NULL, "\"gracePeriodSeconds\":0" }
#define BEGIN_REMOVAL { GET_IT, 200, NS("atom-sandbox-a", "a", MANAGER, "", "") }, DELETE_IT

static void test_remove(void **state)
{
	static const struct { const char *what; struct step steps[10]; size_t len; int rc; const char *proof; } cases[] = {
		{ "no pods", { BEGIN_REMOVAL, STILL_THERE, PODS(""), STILL_THERE, { GET_IT, 404, GONE } }, 7, 0, "deleted" },
		{ "pods that end", { BEGIN_REMOVAL, STILL_THERE, PODS(ENDING(CONTAINER("\"running\":{}"))), STILL_THERE,
		  PODS(ENDING(CONTAINER("\"terminated\":{}"))), LET_GO, STILL_THERE, { GET_IT, 404, GONE } }, 10, 0, "deleted" },
		{ "a pod whose container may yet start", { BEGIN_REMOVAL, STILL_THERE, PODS(ENDING(CONTAINER("\"waiting\":{\"reason\":\"ContainerCreating\"}"))),
		  { GET_IT, 404, GONE } }, 6, 0, "deleted" },
		{ "a pod that nobody has told about", { BEGIN_REMOVAL, STILL_THERE, PODS(ENDING("")), { GET_IT, 404, GONE } }, 6, 0, "deleted" },
		{ "a pod whose image is not to be had", { BEGIN_REMOVAL, STILL_THERE, PODS(ENDING(CONTAINER("\"waiting\":{\"reason\":\"ImagePullBackOff\"}"))),
		  LET_GO, { GET_IT, 404, GONE } }, 7, 0, "deleted" },
		{ "one ends, another does not go yet", { BEGIN_REMOVAL, STILL_THERE, PODS(ENDING(CONTAINER("\"terminated\":{}")) ","
		  "{\"metadata\":{\"name\":\"q\"},\"status\":{" CONTAINER("\"terminated\":{}") "}}"), { GET_IT, 404, GONE } }, 6, 0, "deleted" },
		{ "nothing there", { { GET_IT, 404, GONE } }, 1, 0, "knows it no more" },
		{ "ours", { { GET_IT, 200, NS("atom-sandbox-a", "a", MANAGER, "", "") }, DELETE_IT, { GET_IT, 404, GONE } }, 4, 0, "deleted" },
		{ "of another run", { { GET_IT, 200, NS("atom-sandbox-a", "b", MANAGER, "", "") } }, 1, 0, "left alone" },
		{ "of another program", { { GET_IT, 200, NS("atom-sandbox-a", "a", "helm", "", "") } }, 1, 0, "left alone" },
		{ "another run's", { { GET_IT, 200, NS("atom-sandbox-b", "b", MANAGER, "", "") } }, 1, 0, "left alone" },
		{ "another cluster's", { { GET_IT, 200, NS("atom-sandbox", "b", MANAGER, "", "") } }, 1, 0, "left alone" },
		{ "the answer is another", { { GET_IT, 200, NS("default", "a", MANAGER, "", "") } }, 1, 0, "left alone" },
		{ "no labels", { { GET_IT, 200, "{\"metadata\":{\"name\":\"atom-sandbox-a\"}}" } }, 1, 0, "left alone" },
		{ "no object", { { GET_IT, 200, "[]" } }, 1, 0, "left alone" },
		{ "may not look", { { GET_IT, 403, STATUS(403, "Forbidden", "no") } }, 1, -1, "not seen to be gone" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kube *k = open_script(cases[i].steps, cases[i].len);
		struct cleanup_list list = { 0 };
		struct error err = { .code = ERR_OK };
		int rc = kube_place_remove(k, "atom-sandbox-a", "a", 20 * NS_PER_SEC, &list, &err);

		if (rc != cases[i].rc || list.len != 1 || !strstr(list.items[0].proof, cases[i].proof) || list.items[0].gone != (rc == 0) ||
		    (rc < 0 && err.code != ERR_CLEANUP))
			fail_msg("%s: %d, '%s', %s", cases[i].what, rc, list.len ? list.items[0].proof : "", err.text);
		cleanup_list_release(&list);
		close_script(k, cases[i].what);
	}
}

/* By the labels that docker, podman and the networks of kind carry. */
static void test_orphans(void **state)
{
	static const struct { const char *where, *state, *deadline; bool orphan; } cases[] = {
		{ "here", "/nonexistent/docker-x", "", true }, { "here", "/nonexistent/docker-x", "99999999999", true },
		{ "4711", "/nonexistent/docker-x", "99999999999", false },	/* that path means something elsewhere */
		{ "", "/nonexistent/docker-x", "", false }, { "0", "/nonexistent/docker-x", "", false },
		{ "here", "nonexistent", "", false }, { "here", "", "", false },
		{ "4711", "/x", "1000", true }, { "4711", "/x", "18446744073709551615", false }, { "4711", "/x", "-1", false }, { "4711", "/x", "1000 s", false },
	};
	struct stat st;
	char here[32];

	(void)state;
	assert_int_equal(stat("/proc/self/ns/mnt", &st), 0);
	snprintf(here, sizeof(here), "%llu", (unsigned long long)st.st_ino);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *labels = json_pack("{ssssss}", ENGINE_LABEL_WHERE, strcmp(cases[i].where, "here") ? cases[i].where : here,
						ENGINE_LABEL_STATE, cases[i].state, ENGINE_LABEL_DEADLINE, cases[i].deadline);

		if (engine_is_orphan(labels) != cases[i].orphan)
			fail_msg("where '%s', state '%s', until '%s'", cases[i].where, cases[i].state, cases[i].deadline);
	}
	assert_false(engine_is_orphan(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod_state), cmocka_unit_test(test_pod_state_huge), cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_production), cmocka_unit_test(test_lease), cmocka_unit_test(test_sweep), cmocka_unit_test(test_remove),
		cmocka_unit_test(test_orphans),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
