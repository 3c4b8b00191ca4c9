/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/policy.h"

#define HEAD "apiVersion: v1\nkind: WorkflowPackage\n" \
	     "metadata: {name: n, version: 1.0.0, description: d, author: a}\nspec:\n  runtime: {type: shell}\n"

struct policy_case {
	const char *spec;	/* below HEAD: safety and handlers */
	const char *outcome;	/* verdict, then "approval" if it is required, then the reasons, one a line; NULL: refused */
	const char *comment;
};

static void decide(const char *text, struct strbuf *out)
{
	struct decision *decision = NULL;
	struct finding_list findings;
	struct document *doc = NULL;
	struct wpk *wpk = NULL;
	struct error err = { 0 };

	assert_int_equal(document_parse(text, strlen(text), "t.yaml", &yaml_default_limits, &doc, &err), 0);
	finding_list_init(&findings, "t.yaml");
	assert_int_equal(wpk_decode(doc, &wpk, &findings, &err), 0);
	if (policy_decide(NULL, wpk, &findings, &decision, &err) < 0) {
		assert_int_equal(err.code, ERR_INVALID_INPUT);
		strbuf_addf(out, "refused: %s", err.text);
	} else {
		assert_ptr_equal(decision_wpk(decision), wpk);
		strbuf_addstr(out, verdict_to_string(decision_verdict(decision)));
		strbuf_addstr(out, decision_approval_required(decision) ? " approval" : "");
		for (size_t i = 0; i < decision_reasons(decision)->len; i++)
			strbuf_addf(out, "\n%s", decision_reasons(decision)->items[i]);
	}
	decision_free(decision);
	wpk_free(wpk);
	finding_list_release(&findings);
	document_free(doc);
}

#define CONTAINER(body) \
	"  safety: {mode: auto}\n  handlers:\n  - name: h\n    steps:\n    - name: s\n      container:\n        image: x:1\n        " body "\n"

static void decisions(void **state)
{
	static const struct policy_case cases[] = {
		{ "  safety: {mode: auto}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n", "approve", "plain" },
		{ "  safety: {mode: auto, approval_required: true}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n",
		  "approve approval", "stated by the package" },
		{ "  safety: {mode: auto}\n  handlers: [{name: h, approval_required: true, type: shell, config: {command: ls}}]\n",
		  "approve approval", "stated by a handler" },
		{ "  safety: {mode: auto}\n  handlers: [{name: h, steps: [{name: s, approval_required: true, shell: {command: ls}}]}]\n",
		  "approve approval", "stated by a step" },
		{ "  safety: {mode: auto, rollback_enabled: true}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n"
		  "  rollback: {enabled: true, handlers: [{name: r, steps: [{name: s, container: {image: x:1, securityContext: {privileged: yes}}}]}]}\n",
		  "block approval\nstep 's' asks for a privileged container "
		  "(spec.rollback.handlers[0].steps[0].container.securityContext.privileged, line 8)", "in a rollback handler" },
		{ "  safety: {mode: auto}\n  handlers: []\n", "refused: the package has 1 error", "errors" },
		{ CONTAINER("resources: {limits: {cpu: 1}}"), "approve", "a quiet container" },
		{ CONTAINER("securityContext: {privileged: false}"), "approve", "not privileged" },
		{ CONTAINER("securityContext: {privileged: true}"),
		  "block approval\nstep 's' asks for a privileged container "
		  "(spec.handlers[0].steps[0].container.securityContext.privileged, line 13)", "privileged" },
		{ CONTAINER("securityContext: {privileged: \"true\"}"),
		  "block approval\nstep 's' asks for a privileged container "
		  "(spec.handlers[0].steps[0].container.securityContext.privileged, line 13)", "privileged as text" },
		{ CONTAINER("securityContext: {capabilities: {add: [NET_BIND_SERVICE, CHOWN]}}"), "approve", "harmless capabilities" },
		{ CONTAINER("securityContext: {capabilities: {add: [CHOWN, CAP_SYS_ADMIN, net_admin, ALL]}}"),
		  "block approval\n"
		  "step 's' asks for the capability 'CAP_SYS_ADMIN', which is as good as root on the host "
		  "(spec.handlers[0].steps[0].container.securityContext.capabilities.add[1], line 13)\n"
		  "step 's' asks for the capability 'net_admin', which is as good as root on the host "
		  "(spec.handlers[0].steps[0].container.securityContext.capabilities.add[2], line 13)\n"
		  "step 's' asks for the capability 'ALL', which is as good as root on the host "
		  "(spec.handlers[0].steps[0].container.securityContext.capabilities.add[3], line 13)", "each is a reason" },
		{ CONTAINER("volumeMounts: [{name: a, mountPath: /data}, {name: b, mountPath: /etc/app}]"), "approve", "mounts" },
		{ CONTAINER("volumeMounts: [{name: a, mountPath: //../.}]"),
		  "block approval\nstep 's' mounts '//../.', the host's root or the socket of an engine "
		  "(spec.handlers[0].steps[0].container.volumeMounts[0].mountPath, line 13)", "the root, disguised" },
		{ CONTAINER("volumeMounts: [{name: a, mountPath: /x}, {name: d, mountPath: /var//run/x/../docker.sock}]"),
		  "block approval\nstep 's' mounts '/var//run/x/../docker.sock', the host's root or the socket of an engine "
		  "(spec.handlers[0].steps[0].container.volumeMounts[1].mountPath, line 13)", "the socket, disguised" },
		{ CONTAINER("volumes: [{name: a, hostPath: {path: /run/containerd/containerd.sock}}]"),
		  "block approval\nstep 's' mounts '/run/containerd/containerd.sock', the host's root or the socket of an engine "
		  "(spec.handlers[0].steps[0].container.volumes[0].hostPath.path, line 13)", "a host path" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = xasprintf("%s%s", HEAD, cases[i].spec);
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

		decide(text, &out);
		if (strcmp(out.buf, cases[i].outcome))
			fail_msg("%s: %s", cases[i].comment, out.buf);
	}
}

static void json(void **state)
{
	static const char text[] = HEAD CONTAINER("securityContext: {privileged: true}");
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list findings;
	struct decision *decision = NULL;
	struct document *doc = NULL;
	struct wpk *wpk = NULL;
	struct error err = { 0 };
	(void)state;

	document_parse(text, strlen(text), "t.yaml", &yaml_default_limits, &doc, &err);
	finding_list_init(&findings, "t.yaml");
	wpk_decode(doc, &wpk, &findings, &err);
	assert_int_equal(policy_decide(NULL, wpk, &findings, &decision, &err), 0);
	json_auto_t *o = decision_to_json(decision);
	json_write(o, 0, &out);
	assert_non_null(strstr(out.buf, "{\"policy_decision\":\"block\",\"approval_required\":true,\"reasons\":[\"step 's' asks for "));
	decision_free(decision);
	decision_free(NULL);
	wpk_free(wpk);
	wpk_free(NULL);
	finding_list_release(&findings);
	document_free(doc);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(decisions), cmocka_unit_test(json) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
