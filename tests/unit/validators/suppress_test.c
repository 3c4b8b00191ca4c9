/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/suppress.h"

#define TODAY 20778L	/* 2026-11-21 */

static const struct rule rules[] = { { .id = "shell/a" }, { .id = "shell/b" }, { .id = "api/c" } };
static const struct rule_set rule_set = { .rules = rules, .len = ARRAY_SIZE(rules) };

/* "rule line", or "rule line path"; one a blank-separated pair is enough for all cases. */
static void found(struct finding_list *list, const char *rule, uint32_t line, const char *path)
{
	struct finding *f = finding_of_rule(list, SEVERITY_HIGH, rule, (struct position){ line, 1 }, "found");

	f->path = xstrdup_or_null(path);
}

static void print(const struct finding_list *list, struct strbuf *out)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct finding *f = &list->items[i];

		strbuf_addf(out, "%s:%u%s%s%s\n", f->rule_id, f->position.line, f->suppressed ? " " : "",
			    f->suppressed ? f->justification : "", strncmp(f->rule_id, "suppress/", 9) ? "" : "!");
	}
}

struct comment_case {
	const char *text;
	uint32_t line;		/* shell/a was found here */
	const char *said;	/* all findings after, by line */
};

static void comments(void **state)
{
	static const struct comment_case cases[] = {
		{ "a: 1 # sandbox_runner: ignore shell/a -- known\n", 1, "shell/a:1 known\n" },
		{ "# sandbox_runner: ignore shell/a -- known\na: 1\n", 2, "shell/a:2 known\n" },
		{ "#sandbox_runner: ignore shell/* -- known\n\n# more\na: 1\n", 4, "shell/a:4 known\n" },
		{ "# sandbox_runner: ignore shell/b, shell/a -- known\na: 1\n", 2, "suppress/unused:1!\nshell/a:2 known\n" },
		{ "# sandbox_runner: ignore shell/a -- known\na: |\n  x\n\n  y\nb: 1\n", 5, "shell/a:5 known\n" },
		{ "# sandbox_runner: ignore shell/a -- known\na: |\n  x\nb: 1\n", 4, "suppress/unused:1!\nshell/a:4\n" },
		{ "a: |\n  # sandbox_runner: ignore shell/a -- in the script\n  x\n", 3, "shell/a:3 in the script\n" },
		{ "a: 1 # sandbox_runner: ignore shell/a until 2026-11-21 -- today\n", 1, "shell/a:1 today\n" },
		{ "a: 1 # sandbox_runner: ignore shell/a until 2026-11-20 -- over\n", 1, "shell/a:1\nsuppress/expired:1!\n" },
		{ "a: 1 # sandbox_runner: ignore shell/a until 2026-02-30 -- no day\n", 1, "shell/a:1\nsuppress/wrong-date:1!\n" },
		{ "a: 1 # sandbox_runner: ignore shell/a\n", 1, "shell/a:1\nsuppress/no-reason:1!\n" },
		{ "a: 1 # sandbox_runner: ignore shell/a --  \n", 1, "shell/a:1\nsuppress/no-reason:1!\n" },
		{ "a: 1 # sandbox_runner: ignore shell/aa -- typo\n", 1, "shell/a:1\nsuppress/unknown-rule:1!\n" },
		{ "a: 1 # sandbox_runner: ignored shell/a -- no\n", 1, "shell/a:1\n" },
		{ "a: 'x sandbox_runner: ignore shell/a -- no comment'\n", 1, "shell/a:1\n" },
		{ "a: x# sandbox_runner: ignore shell/a -- no comment\n", 1, "shell/a:1\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct suppressions *s = suppressions_new(&rule_set, TODAY);
		autostrbuf struct strbuf said = STRBUF_INIT(STRBUF_NO_MAX);
		struct finding_list findings;
		struct document *doc;

		assert_int_equal(document_parse(cases[i].text, strlen(cases[i].text), "t", &yaml_default_limits, &doc, NULL), 0);
		finding_list_init(&findings, "t");
		found(&findings, "shell/a", cases[i].line, NULL);
		suppressions_apply(s, doc, &findings);
		print(&findings, &said);
		assert_string_equal(said.buf, cases[i].said);
		finding_list_release(&findings);
		document_free(doc);
		suppressions_free(s);
	}
}

static void beside(void **state)
{
	static const char text[] = "ignore:\n- {rule: shell/a, path: 'spec.handlers[[]0].*', until: 2027-01-31, reason: looked at}\n"
				   "- {rule: api/c, file: 'other/*', reason: elsewhere}\n"
				   "- {rule: shell/b}\n- {rule: shell/b, reason: r, why: x}\n- 7\n- {rule: shell/b, until: soon, reason: r}\n";
	struct suppressions *s = suppressions_new(&rule_set, TODAY);
	autostrbuf struct strbuf said = STRBUF_INIT(STRBUF_NO_MAX), wrong = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list findings, problems;
	struct document *doc, *empty;

	(void)state;
	assert_int_equal(document_parse(text, strlen(text), "i", &yaml_default_limits, &doc, NULL), 0);
	assert_int_equal(document_parse("a: 1\n", 5, "t", &yaml_default_limits, &empty, NULL), 0);
	finding_list_init(&problems, "i");
	finding_list_init(&findings, "t");
	suppressions_add_document(s, doc, true, &problems);
	print(&problems, &wrong);
	assert_string_equal(wrong.buf, "suppress/no-reason:4!\nsuppress/unknown-key:5!\nsuppress/entry:6!\nsuppress/wrong-date:7!\n");
	found(&findings, "shell/a", 3, "spec.handlers[0].config.command");
	found(&findings, "shell/a", 4, "spec.handlers[1].config.command");
	found(&findings, "api/c", 5, NULL);
	suppressions_apply(s, empty, &findings);
	print(&findings, &said);
	assert_string_equal(said.buf, "shell/a:3 looked at\nshell/a:4\napi/c:5\n");
	assert_int_equal(findings.suppressed_count, 1);
	finding_list_release(&findings);
	finding_list_release(&problems);
	document_free(doc);
	document_free(empty);
	suppressions_free(s);
}

static void critical_ones(void **state)
{
	static const struct { bool trusted; const char *said; } cases[] = {
		{ true, "shell/a:2 file\n" }, { false, "suppress/critical:0!\nsuppress/critical:1!\nshell/a:2\n" },
	};
	static const char text[] = "# sandbox_runner: ignore shell/a -- comment\na: 1\n", file[] = "ignore: [{rule: shell/a, reason: file}]\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct suppressions *s = suppressions_new(&rule_set, TODAY);
		autostrbuf struct strbuf said = STRBUF_INIT(STRBUF_NO_MAX);
		struct document *doc, *beside_doc;
		struct finding_list findings;

		assert_int_equal(document_parse(text, strlen(text), "t", &yaml_default_limits, &doc, NULL), 0);
		assert_int_equal(document_parse(file, strlen(file), "i", &yaml_default_limits, &beside_doc, NULL), 0);
		finding_list_init(&findings, "t");
		suppressions_add_document(s, beside_doc, cases[i].trusted, &findings);
		found(&findings, "shell/a", 2, NULL);
		findings.items[0].severity = SEVERITY_CRITICAL;
		suppressions_apply(s, doc, &findings);
		print(&findings, &said);
		if (cases[i].trusted)	/* the comment is refused all the same */
			assert_non_null(strstr(said.buf, "shell/a:2 file\n"));
		else
			assert_string_equal(said.buf, cases[i].said);
		finding_list_release(&findings);
		document_free(doc);
		document_free(beside_doc);
		suppressions_free(s);
	}
}

static void baselines(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list before, after;
	const struct finding_list *lists[] = { &before };
	struct baseline *b = NULL;
	struct error err = { 0 };

	(void)state;
	finding_list_init(&before, "f");
	finding_list_init(&after, "f");
	found(&before, "shell/a", 1, "x");
	found(&before, "shell/b", 2, "y");
	finding_fingerprints(&before, NULL);
	{
		json_auto_t *json = baseline_make(lists, 1);

		json_write(json, 0, &text);
	}
	assert_int_equal(baseline_parse(text.buf, text.len, "b.json", &b, &err), 0);
	/* the same on another line is known; a second one of the same is not; shell/b is gone */
	found(&after, "shell/a", 7, "x");
	found(&after, "shell/a", 8, "x");
	finding_fingerprints(&after, NULL);
	baseline_apply(b, &after);
	assert_true(after.items[0].suppressed);
	assert_int_equal(after.items[0].suppression, SUPPRESSED_BASELINE);
	assert_false(after.items[1].suppressed);
	assert_int_equal(baseline_gone(b), 1);
	baseline_free(b);
	assert_int_equal(baseline_parse("{}", 2, "b.json", &b, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_int_equal(baseline_parse("[", 1, "b.json", &b, &err), -1);
	finding_list_release(&before);
	finding_list_release(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments),
		cmocka_unit_test(beside),
		cmocka_unit_test(critical_ones),
		cmocka_unit_test(baselines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
