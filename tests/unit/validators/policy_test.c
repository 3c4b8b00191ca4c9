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
	     "metadata: {name: n, version: 1.0.0, description: d, author: a, tags: [backup, security]}\nspec:\n  runtime: {type: shell}\n"
#define PLAIN "  safety: {mode: manual}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n"
#define AUTO "  safety: {mode: auto}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n"

struct fixture {
	struct document *doc;
	struct wpk *wpk;
	struct finding_list findings;
	struct decision *decision;
	struct policy *policy;
};

static void set_up(struct fixture *f, const char *policy, const char *spec)
{
	autofree char *text = xasprintf(HEAD "%s", spec);
	struct error err = { 0 };

	*f = (struct fixture){ .policy = policy_builtin(policy) };
	assert_int_equal(document_parse(text, strlen(text), "t.yaml", &yaml_default_limits, &f->doc, &err), 0);
	finding_list_init(&f->findings, "t.yaml");
	assert_int_equal(wpk_decode(f->doc, &f->wpk, &f->findings, &err), 0);
	assert_non_null(f->wpk);
}

static void tear_down(struct fixture *f)
{
	decision_free(f->decision);
	policy_free(f->policy);
	wpk_free(f->wpk);
	finding_list_release(&f->findings);
	document_free(f->doc);
}

/* Findings as words: "critical:rule_id high:other …"; "!high:x" is suppressed; "=text" after one is what matched. */
static void add_findings(struct finding_list *list, const char *words)
{
	autofree char *copy = xstrdup(words);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " "))) {
		bool suppressed = *word == '!';
		char *severity = word + suppressed, *rule = strchr(word, ':'), *matched;
		enum severity s;
		struct finding *f;
		static const char *const rules[] = {
			"privileged_container", "external_network", "cluster_permissions", "hardcoded_secrets", "host_path_mount",
			"dangerous_capabilities", "excessive_resources", "missing_limits", "insecure_image", "a/b", "a/c", "a/d", "a/e",
			"containers/image-tag", "containers/capabilities", "shell/send-data", "api/external-host",
		};
		const char *known = NULL;

		if (!rule)
			continue;
		*rule++ = '\0';
		matched = strchr(rule, '=');
		if (matched)
			*matched++ = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
			if (!strcmp(rules[i], rule))
				known = rules[i];
		assert_non_null(known);
		assert_true(severity_from_string(severity, &s));
		f = finding_of_rule(list, s, known, (struct position){ .line = 7, .column = 1 }, "something");
		f->suppressed = suppressed;
		f->matched = xstrdup_or_null(matched);
	}
	finding_sort(list);
}

struct score_case {
	const char *policy, *spec, *findings;
	const char *outcome;	/* score, risk, verdict, "approval", then the arithmetic, joined by "; " */
};

static void scores(void **state)
{
	static const struct score_case cases[] = {
		/* ours */
		{ "default", PLAIN, "", "0 low approve: nothing found = 0" },
		{ "default", PLAIN, "info:a/b", "0 low approve: nothing found = 0" },
		{ "default", PLAIN, "critical:a/b", "75 critical block approval: 1 critical x 75 = 75" },
		{ "default", AUTO, "high:a/b", "25 medium review approval: 1 high x 25 = 25" },
		{ "default", PLAIN, "high:a/b", "25 medium approve: 1 high x 25 = 25" },
		{ "default", AUTO, "high:a/b high:a/c", "50 high block approval: 2 high x 25 = 50" },
		{ "default", PLAIN, "high:a/b high:a/b high:a/b", "35 medium approve: 1 high x 25 = 25; 2 more of the same high rules x 5 = 10" },
		{ "default", AUTO, "medium:a/b low:a/c", "6 low approve: 1 medium x 5 = 5; 1 low x 1 = 1" },
		{ "default", PLAIN, "critical:a/b critical:a/c", "100 critical block approval: 2 critical x 75 = 150; at most 100" },
		{ "default", AUTO, "!critical:a/b", "0 low approve: nothing found = 0" },
		/* the registry's, by its published numbers */
		{ "registry-compat", AUTO, "", "0 low approve: nothing found = 0" },
		{ "registry-compat", PLAIN, "critical:privileged_container",
		  "37 medium approve approval: 1 critical x 25 = 25; x 1.5 for privileged_container = 37.5" },
		{ "registry-compat", PLAIN, "high:external_network", "18 low approve: 1 high x 15 = 15; x 1.2 for external_network = 18" },
		{ "registry-compat", PLAIN, "high:hardcoded_secrets", "21 low approve: 1 high x 15 = 15; x 1.4 for hardcoded_secrets = 21" },
		{ "registry-compat", PLAIN,
		  "critical:privileged_container critical:host_path_mount critical:dangerous_capabilities medium:excessive_resources "
		  "medium:excessive_resources medium:insecure_image",
		  "100 critical block approval: 3 critical x 25 = 75; 3 medium x 10 = 30; x 1.5 for privileged_container = 157.5; at most 100" },
		{ "registry-compat", AUTO, "critical:host_path_mount", "25 medium review approval: 1 critical x 25 = 25" },
		{ "registry-compat", AUTO, "critical:host_path_mount critical:dangerous_capabilities",
		  "50 high block approval: 2 critical x 25 = 50" },
		{ "registry-compat", PLAIN, "critical:host_path_mount critical:dangerous_capabilities",
		  "50 high review approval: 2 critical x 25 = 50" },
		{ "registry-compat", PLAIN, "high:cluster_permissions", "19 low approve: 1 high x 15 = 15; x 1.3 for cluster_permissions = 19.5" },
		{ "registry-compat", "  safety: {mode: manual, approval_required: true}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n",
		  "", "0 low approve: nothing found = 0" },
		{ "default", "  safety: {mode: manual, approval_required: true}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n",
		  "", "0 low approve approval: nothing found = 0" },
		{ "default", "  safety: {mode: manual}\n  handlers: [{name: h, steps: [{name: s, approval_required: true, shell: {command: ls}}]}]\n",
		  "", "0 low approve approval: nothing found = 0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		const struct strvec *lines;
		struct fixture f;

		set_up(&f, cases[i].policy, cases[i].spec);
		add_findings(&f.findings, cases[i].findings);
		assert_int_equal(policy_decide(f.policy, f.wpk, &f.findings, &f.decision, NULL), 0);
		strbuf_addf(&out, "%u %s %s%s:", decision_score(f.decision), decision_risk_level(f.decision),
			    verdict_to_string(decision_verdict(f.decision)), decision_approval_required(f.decision) ? " approval" : "");
		lines = decision_arithmetic(f.decision);
		for (size_t k = 0; k < lines->len; k++)
			strbuf_addf(&out, "%s %s", k ? ";" : "", lines->items[k]);
		assert_string_equal(out.buf, cases[i].outcome);
		tear_down(&f);
	}
}

static void an_override_is_recorded(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, "default", PLAIN);
	add_findings(&f.findings, "critical:a/b");
	assert_int_equal(policy_decide(NULL, f.wpk, &f.findings, &f.decision, NULL), 0);
	assert_true(decision_refused(f.decision));
	assert_null(decision_override_reason(f.decision));
	decision_override(f.decision, "looked at by me");
	assert_false(decision_refused(f.decision));
	assert_int_equal(decision_verdict(f.decision), VERDICT_BLOCK);
	{
		json_auto_t *json = decision_to_json(f.decision);

		assert_string_equal(json_string_value(json_object_get(json, "override")), "looked at by me");
		assert_string_equal(json_string_value(json_object_get(json, "policy_decision")), "block");
		assert_false(json_boolean_value(json_object_get(json, "can_execute")));
		assert_string_equal(json_string_value(json_array_get(json_object_get(json_object_get(json, "category"), "categories"), 0)),
				    "security");
	}
	tear_down(&f);
}

static void errors_are_no_decision(void **state)
{
	struct error err = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f, "default", PLAIN);
	finding_add(&f.findings, FINDING_ERROR, "schema/x", (struct position){ 1, 1 }, "wrong");
	assert_int_equal(policy_decide(f.policy, f.wpk, &f.findings, &f.decision, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	tear_down(&f);
}

static struct policy *from_text(const char *text, struct strbuf *said)
{
	struct document *doc = NULL;
	struct finding_list findings;
	struct policy *p;

	assert_int_equal(document_parse(text, strlen(text), "p.yaml", &yaml_default_limits, &doc, NULL), 0);
	finding_list_init(&findings, "p.yaml");
	p = policy_from_document(doc, &findings);
	finding_sort(&findings);
	for (size_t i = 0; i < findings.len; i++)
		strbuf_addf(said, "%u:%u %s\n", findings.items[i].position.line, findings.items[i].position.column, findings.items[i].message);
	finding_list_release(&findings);
	document_free(doc);
	return p;
}

static void a_policy_file(void **state)
{
	autostrbuf struct strbuf said = STRBUF_INIT(STRBUF_NO_MAX);
	struct fixture f;

	(void)state;
	set_up(&f, "default", "  safety: {mode: auto}\n  handlers: [{name: h, type: shell, config: {command: ls}}]\n");
	policy_free(f.policy);
	f.policy = from_text("policy: house\nbase: default\nweights: {high: 40}\nrepeat_percent: 50\n"
			     "thresholds:\n  auto: {review: 10, block: 90}\n"
			     "multipliers: {a/b: 200}\nseverities: {\"a/c\": critical, \"a/d\": off, \"a/*\": high}\n"
			     "allow:\n  hosts: [\"*.example.org\"]\n  registries: [registry.example.org]\n  capabilities: [SYS_TIME]\n"
			     "required_metadata: [description, created]\nsuppressions: deny\n", &said);
	assert_string_equal(said.buf, "");
	assert_non_null(f.policy);
	assert_false(f.policy->allow_suppressions);
	add_findings(&f.findings, "low:a/b low:a/b high:containers/image-tag=registry.example.org/team/x:latest "
				  "high:containers/capabilities=CAP_SYS_TIME high:shell/send-data=https://x.example.org/up "
				  "high:api/external-host=https://evil.example.net/");
	policy_apply(f.policy, f.wpk, &f.findings);
	assert_int_equal(policy_decide(f.policy, f.wpk, &f.findings, &f.decision, NULL), 0);
	/* a/b became high by the glob: 40 + 20; api: 40; missing created: medium 5; doubled: 210 */
	assert_int_equal(decision_score(f.decision), 100);
	assert_string_equal(decision_arithmetic(f.decision)->items[0], "2 high x 40 = 80");
	assert_string_equal(decision_arithmetic(f.decision)->items[1], "1 more of the same high rules x 20 = 20");
	assert_string_equal(decision_arithmetic(f.decision)->items[2], "1 medium x 5 = 5");
	assert_string_equal(decision_arithmetic(f.decision)->items[3], "x 2 for a/b = 210");
	assert_int_equal(f.findings.suppressed_count, 3);
	tear_down(&f);
}

static void wrong_policy_files(void **state)
{
	static const struct { const char *text, *said; } cases[] = {
		{ "[]", "1:1 a policy is a mapping with 'policy: NAME'\n" },
		{ "policy: x\nbase: nothing\n", "2:7 the base is 'default' or 'registry-compat', not 'nothing'\n" },
		{ "policy: x\nweights: {huge: 1}\n", "2:11 'weights' has no 'huge'\n" },
		{ "policy: x\nweights: {high: 101}\n", "2:17 'weights.high' must be a whole number from 0 to 100\n" },
		{ "policy: x\nthresholds: {auto: {review: 60, block: 50}}\n", "2:20 'review' (60) must not be above 'block' (50)\n" },
		{ "policy: x\nseverities: {a: dangerous}\n", "2:17 a rule's severity is info, low, medium, high, critical or off\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf said = STRBUF_INIT(STRBUF_NO_MAX);

		assert_null(from_text(cases[i].text, &said));
		assert_string_equal(said.buf, cases[i].said);
	}
	assert_null(policy_builtin("nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores),
		cmocka_unit_test(an_override_is_recorded),
		cmocka_unit_test(errors_are_no_decision),
		cmocka_unit_test(a_policy_file),
		cmocka_unit_test(wrong_policy_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
