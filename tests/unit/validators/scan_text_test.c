/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules on texts: keywords, windows around them, keys, places in every style of scalar, masks. */
#include "tests/unit/validators/scan_case.h"

#define RULE(id, scope, rest) "  - {id: t/" id ", title: x, severity: high, category: " id ", help: h, suggestion: s, applies_to: " scope ", " rest "}\n"
#define SAMPLED(id, scope, rest) RULE(id, scope, rest ", samples: {match: [a], no_match: [b]}")
#define TOKEN SAMPLED("token", "text", "match: [{keywords: [tok_], matches: 'tok_\\w+'}]")

static const struct scan_case cases[] = {
	{ "plain", TOKEN, "    - {name: h, note: see tok_abc here}\n",
	  "t/token 8:27 <tok_abc> spec.handlers[0].note\n" },
	{ "single quotes", TOKEN, "    - {name: h, note: 'it''s tok_abc'}\n",
	  "t/token 8:30 <tok_abc> spec.handlers[0].note\n" },
	{ "double quotes with escapes", TOKEN, "    - {name: h, note: \"\\u00e9\\ttok_a\\x62c\"}\n",
	  "t/token 8:32 <tok_a\\x62c> spec.handlers[0].note | tok_abc\n" },
	{ "literal", TOKEN, "    - name: h\n      note: |\n        first\n\n          ü tok_abc tok_d\n        last tok_e\n",
	  "t/token 12:13 <tok_abc> spec.handlers[0].note\n"
	  "t/token 12:21 <tok_d> spec.handlers[0].note\n"
	  "t/token 13:14 <tok_e> spec.handlers[0].note\n" },
	{ "literal with an indentation of its own", TOKEN, "    - name: h\n      note: |4-\n               x\n          tok_abc\n",
	  "t/token 11:11 <tok_abc> spec.handlers[0].note\n" },
	{ "folded", TOKEN, "    - name: h\n      note: >-\n        first\n        line tok_abc\n        last\n",
	  "t/token 11:14 <tok_abc> spec.handlers[0].note\n" },
	{ "plain over lines", TOKEN, "    - name: h\n      note: first\n        tok_abc\n",
	  "t/token 10:9 <tok_abc> spec.handlers[0].note\n" },
	{ "whatever the case of the keyword", SAMPLED("token", "text", "match: [{keywords: [ToK_], matches: '(?i)tok_\\w+'}]"),
	  "    - {name: TOK_x}\n",
	  "t/token 8:14 <TOK_x> spec.handlers[0].name\n" },
	{ "no keyword, no match", SAMPLED("token", "text", "match: [{keywords: [other], matches: 'tok_\\w+'}]"), "    - {name: tok_x}\n", "" },
	{ "keywords that end in each other", SAMPLED("a", "text", "match: [{keywords: [bcd], matches: bcd}]")
	  SAMPLED("b", "text", "match: [{keywords: [abcde, cd], matches: cd}]") SAMPLED("c", "text", "match: [{keywords: [dx], matches: d}]"),
	  "    - {name: xabcdx}\n",
	  "t/a 8:16 <bcd> spec.handlers[0].name\n"
	  "t/b 8:17 <cd> spec.handlers[0].name\n"
	  "t/c 8:18 <d> spec.handlers[0].name\n" },
	{ "keywords of two bytes, whatever stands before them", SAMPLED("a", "text", "match: [{keywords: ['~q'], matches: '(?i)~q'}]"),
	  "    - {name: '~q a~q zz~Q', note: \"12345 ü~q\"}\n",
	  "t/a 8:15 <~q> spec.handlers[0].name\n"
	  "t/a 8:19 <~q> spec.handlers[0].name\n"
	  "t/a 8:24 <~Q> spec.handlers[0].name\n"
	  "t/a 8:43 <~q> spec.handlers[0].note\n" },
	{ "the group says where", SAMPLED("pw", "text", "match: [{keywords: [pass], matches: 'pass=(?<at>\\w+)'}]"), "    - {name: pass=abc}\n",
	  "t/pw 8:19 <abc> spec.handlers[0].name\n" },
	{ "secrets are masked", SAMPLED("key", "text", "secret: true, match: [{keywords: [AKIA], matches: 'AKIA[A-Z0-9]{16}'}]")
	  SAMPLED("pw", "text", "secret: true, match: [{keywords: [pass], matches: 'pass=(?<at>\\w+)'}]"),
	  "    - {name: AKIAFAKEFAKEFAKEFAKE pass=hunter2}\n",
	  "t/key 8:14 <AKIAFAKEFAKEFAKEFAKE> spec.handlers[0].name | AKIA…(16 more)\n"
	  "t/pw 8:40 <hunter2> spec.handlers[0].name | …(7 more)\n" },
	{ "a secret is told once, and not shown by others", RULE("a", "text", "secret: true, match: [{keywords: [tok_], matches: 'tok_\\w+'}], samples: {match: [a], no_match: [b]}")
	  RULE("b", "text", "secret: true, match: [{keywords: [pass], matches: 'pass=(?<at>\\w+)'}], samples: {match: [a], no_match: [b]}")
	  SAMPLED("c", "text", "match: [{keywords: [pass], matches: 'x pass.*'}]"),
	  "    - {name: x pass=tok_1234 y, note: pass=hunter2}\n",
	  "t/c 8:14 <x pass=tok_1234 y> spec.handlers[0].name | x pass=*** y\n"
	  "t/a 8:21 <tok_1234> spec.handlers[0].name | …(8 more)\n"
	  "t/b 8:44 <hunter2> spec.handlers[0].note | …(7 more)\n" },
	{ "not_matches on the line of the match", SAMPLED("pw", "text", "match: [{keywords: [path], matches: 'path=\\w+', not_matches: fake}]"),
	  "    - name: |\n        path=a\n        fake path=b\n        path=c\n",
	  "t/pw 9:9 <path=a> spec.handlers[0].name\n"
	  "t/pw 11:9 <path=c> spec.handlers[0].name\n" },
	{ "keys", SAMPLED("pw", "text", "match: [{key: '(?i)password', matches: '\\S+'}]"),
	  "    - {name: a, config: {db_password: hunter2, user: b, passwords: [c]}}\n",
	  "t/pw 8:39 <hunter2> spec.handlers[0].config.db_password\n" },
	{ "keys and keywords", SAMPLED("pw", "text", "match: [{key: '^auth$', keywords: [basic], matches: 'Basic \\w+'}]"),
	  "    - {auth: Basic abc, note: Basic abc}\n",
	  "t/pw 8:14 <Basic abc> spec.handlers[0].auth\n" },
	{ "keys of the author's own, metadata", TOKEN, "    []\n  x-notes: {deep: [tok_a]}\nmetadata2: tok_b\n",
	  "t/token 9:20 <tok_a> spec.x-notes.deep[0]\n"
	  "t/token 10:12 <tok_b> metadata2\n" },
	{ "an alias is looked at once", TOKEN, "    - {a: &t tok_a, b: *t}\n",
	  "t/token 8:14 <tok_a> spec.handlers[0].a\n" },
	{ "scripts as written, and only those", SAMPLED("s", "script", "match: [{keywords: ['# '], matches: '#.*'}]"),
	  "    - {name: '# a', type: shell, config: {command: 'ls # b'}}\n    - {steps: [{shell: {command: 'ls # c'}}, {shell: '# d'}]}\n",
	  "t/s 8:56 <# b> spec.handlers[0].config.command\n"
	  "t/s 9:38 <# c> spec.handlers[1].steps[0].shell.command\n"
	  "t/s 9:55 <# d> spec.handlers[1].steps[1].shell\n" },
	{ "the graver rule of a category has the place",
	  "  - {id: t/any, title: x, severity: medium, category: secrets, samples: {match: [a], no_match: [b]}, help: h, suggestion: s, applies_to: text, match: [{keywords: [key], matches: 'key=\\w+'}]}\n"
	  "  - {id: t/aws, title: x, severity: high, category: secrets, samples: {match: [a], no_match: [b]}, help: h, suggestion: s, applies_to: text, match: [{keywords: [AKIA], matches: 'AKIA\\w+'}]}\n",
	  "    - {a: key=AKIAX, b: key=other}\n",
	  "t/aws 8:15 <AKIAX> spec.handlers[0].a\n"
	  "t/any 8:25 <key=other> spec.handlers[0].b\n" },
};

static void finds_what_is_there(void **state)
{
	bool hold = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		hold &= case_holds(&cases[i]);
	assert_true(hold);
}

static size_t count_found(const struct rule_set *rules, const char *text, size_t len)
{
	struct scanner *s = scanner_new(rules);
	struct finding_list findings;
	size_t n;

	finding_list_init(&findings, "t");
	scan_sample(s, SCOPE_TEXT, text, len, &findings);
	finding_sort(&findings);
	n = findings.counts[SEVERITY_HIGH];
	finding_list_release(&findings);
	scanner_free(s);
	return n;
}

/* A window is cut where lines are long: every place is found all the same, once. */
static void finds_all_in_long_texts(void **state)
{
	struct rule_set *rules = rules_of(SAMPLED("token", "text", "match: [{keywords: [tok_], matches: 'tok_\\d+'}]"));
	static const size_t gaps[] = { 0, 1, 7, 100, 1000, 2047, 2048, 2049, 5000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gaps) * 2; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		const char *end = i % 2 ? "\n" : " ";

		for (size_t n = 0; n < 50; n++) {
			strbuf_addf(&text, "tok_%zu%s", n, end);
			for (size_t j = 0; j < gaps[i / 2]; j++)
				strbuf_addch(&text, j % 61 || i % 2 == 0 ? 'x' : '\n');
			strbuf_addstr(&text, end);
		}
		assert_int_equal(count_found(rules, text.buf, text.len), 50);
	}
	rules_free(rules);
}

static void lines_hide_secrets(void **state)
{
	struct rule_set *rules = rules_of(RULE("a", "text", "secret: true, match: [{keywords: [tok_], matches: 'tok_\\S+'}], samples: {match: [a], no_match: [b]}")
					  RULE("b", "text", "match: [{keywords: [note], matches: note}], samples: {match: [a], no_match: [b]}"));
	autofree char *package = package_of("    - {a: 'tok_äöü12 tok_x', b: note}\n");
	struct finding_list findings;

	(void)state;
	scan_yaml(rules, package, strlen(package), &findings);
	assert_int_equal(findings.len, 3);
	for (size_t i = 0; i < findings.len; i++)
		assert_string_equal(findings.items[i].line_text, "    - {a: '********* *****', b: note}");
	finding_list_release(&findings);
	rules_free(rules);
}

static void samples_are_tried(void **state)
{
	struct rule_set *rules = rules_of(
		RULE("good", "text", "match: [{keywords: [tok_], matches: 'tok_\\d+'}], samples: {match: [tok_1], no_match: [tok_x, other]}")
		RULE("key", "text", "match: [{key: '^pw$', matches: '\\d+'}], samples: {match: ['pw: 1'], no_match: ['pw: x', 'other: 1']}")
		RULE("bad", "text", "match: [{keywords: [tok_], matches: 'tok_\\d+'}], samples: {match: [tok_x], no_match: [tok_1]}")
		RULE("map", "container", "match: [{at: image, is: a}], samples: {match: ['{image: a}'], no_match: ['{image: b}', '{image: [']}"));
	struct finding_list findings;

	(void)state;
	finding_list_init(&findings, "rules.yaml");
	assert_int_equal(scan_rule_samples(rules, &findings), 11);
	assert_int_equal(findings.len, 3);
	assert_string_equal(findings.items[0].message, "rule 't/bad' does not match its sample 'tok_x'");
	assert_int_equal(findings.items[0].position.line, 4);
	assert_string_equal(findings.items[1].message, "rule 't/bad' matches 'tok_1', which it must not");
	assert_non_null(strstr(findings.items[2].message, "rule 't/map': the sample is wrong"));
	finding_list_release(&findings);
	rules_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_is_there),
		cmocka_unit_test(finds_all_in_long_texts),
		cmocka_unit_test(lines_hide_secrets),
		cmocka_unit_test(samples_are_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
