/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/host.h"
#include "runner/base/mem.h"
#include "validators/rules_loader.h"
#include "validators/shell/analysis.h"

static struct rule_set *empty_set(void)
{
	return xcalloc(1, sizeof(struct rule_set));
}

/* Everything that is wrong, one "line:column rule-id message [suggestion]" a line. */
static char *load(struct rule_set *set, const char *name, const char *text)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
	struct document *doc = NULL;
	struct finding_list findings;
	struct error err = { 0 };

	assert_int_equal(document_parse(text, strlen(text), name, &yaml_default_limits, &doc, &err), 0);
	finding_list_init(&findings, name);
	rules_load(set, doc, &findings);
	finding_sort(&findings);
	for (size_t i = 0; i < findings.len; i++) {
		const struct finding *f = &findings.items[i];

		strbuf_addf(&out, "%u:%u %s %s", f->position.line, f->position.column, f->rule_id, f->message);
		if (f->suggestion)
			strbuf_addf(&out, " [%s]", f->suggestion);
		strbuf_addch(&out, '\n');
		assert_true(f->level == FINDING_ERROR || !strcmp(f->rule_id, "finding/more"));
	}
	finding_list_release(&findings);
	document_free(doc);
	return strbuf_detach(&out);
}

/* ---- what is right */

static const char good[] =
	"define:\n"
	"  disk: /dev/(?:sd[a-z]|nvme\\d+)\n"
	"  part: '{{disk}}\\d'\n"
	"rules:\n"
	"  - id: shell/write-to-disk\n"
	"    title: Overwrites a disk\n"
	"    severity: critical\n"
	"    category: destructive-fs\n"
	"    cwe: CWE-73\n"
	"    applies_to: shell\n"
	"    message: \"'{command}' writes {match} in ${HOME}\"\n"
	"    help: Why\n"
	"    suggestion: Do not\n"
	"    match:\n"
	"      - writes: ^{{part}}$\n"
	"        recursive: yes\n"
	"      - command: [dd, 'mkfs*', '']\n"
	"        args: ['^of={{ disk }}$', '\\{{disk}}|[{{disk}}]']\n"
	"        not_args: ^--help$\n"
	"        not_command: dd-safe\n"
	"        host: [external, metadata]\n"
	"        code_from: network\n"
	"        not_traits: [test, function]\n"
	"        piped_from: [curl, wget]\n"
	"    samples: {match: [dd], no_match: [ls, '']}\n"
	"  - id: pod/all\n"
	"    title: T\n"
	"    severity: info\n"
	"    category: c\n"
	"    applies_to: pod\n"
	"    secret: true\n"
	"    help: H\n"
	"    suggestion: S\n"
	"    match:\n"
	"      - at: ''\n"
	"        exists: false\n"
	"      - each: containers[]\n"
	"        at: resources.limits.memory\n"
	"        above: 8Gi\n"
	"        and:\n"
	"          - {at: /metadata.labels.\"a.b/c*\".*, is: [x, 'y']}\n"
	"          - {at: securityContext.runAsUser, zero: yes}\n"
	"        not:\n"
	"          - {at: x, true: yes}\n"
	"          - {at: y, exists: false}\n"
	"          - {at: limits.cpu, below: 2}\n"
	"    samples: {match: ['a: b'], no_match: ['{}']}\n"
	"  - id: text/t\n"
	"    title: T\n"
	"    severity: low\n"
	"    category: c\n"
	"    applies_to: text\n"
	"    enabled: false\n"
	"    help: H\n"
	"    suggestion: S\n"
	"    match:\n"
	"      - {matches: 'AKIA(?<at>\\w+)', not_matches: EXAMPLE, keywords: [AKIA, asia]}\n"
	"      - {key: '^pass$', matches: .}\n"
	"    samples: {match: [a], no_match: [b]}\n";

static void check_shell_rule(const struct rule_set *set, const struct rule *r)
{
	const struct rule_condition *c = r->matches[0].conditions;

	assert_int_equal(r->severity, SEVERITY_CRITICAL);
	assert_string_equal(r->cwe, "CWE-73");
	assert_string_equal(r->file, "good.yaml");
	assert_int_equal(r->line, 5);
	assert_int_equal(r->matches_len, 2);
	assert_null(r->matches[0].commands);
	assert_int_equal(r->matches[0].conditions_len, 1);
	assert_int_equal(c->subject, SUBJECT_WRITES);
	assert_true(c->recursive);
	assert_string_equal(c->text, "^(?:(?:/dev/(?:sd[a-z]|nvme\\d+))\\d)$");
	assert_int_equal(pattern_match(rule_pattern(set, c), "/dev/sda1", 9, 0, NULL), PATTERN_YES);
	c = r->matches[1].conditions;
	assert_string_equal(r->matches[1].commands[1], "mkfs*");
	assert_string_equal(r->matches[1].commands[2], "");
	assert_null(r->matches[1].commands[3]);
	assert_int_equal(r->matches[1].conditions_len, 8);
	assert_string_equal(c[0].text, "^of=(?:/dev/(?:sd[a-z]|nvme\\d+))$");
	assert_string_equal(c[1].text, "\\{{disk}}|[{{disk}}]");	/* escaped, and in brackets */
	assert_true(c[2].negated && c[2].subject == SUBJECT_ARGS && !c[2].recursive);
	assert_true(c[3].negated && c[3].test == TEST_NAMES && c[3].pattern == UINT32_MAX);
	assert_int_equal(c[4].bits, 1 << HOST_EXTERNAL | 1 << HOST_METADATA);
	assert_int_equal(c[5].bits, ORIGIN_NETWORK_EXTERNAL);
	assert_true(c[6].negated && c[6].bits == (TRAIT_TEST | TRAIT_FUNCTION));
	assert_string_equal(c[7].names[1], "wget");
	assert_int_equal(r->samples_len, 3);
	assert_true(r->samples[0].must_match && !r->samples[1].must_match);
	assert_int_equal(r->samples[0].line, 25);
}

static void check_pod_rule(const struct rule *r)
{
	const struct rule_condition *c = r->matches[1].conditions;

	assert_true(r->secret && r->scope == SCOPE_POD);
	assert_true(r->matches[0].conditions[0].negated && r->matches[0].conditions[0].test == TEST_EXISTS);
	assert_string_equal(r->matches[0].conditions[0].path, "");
	assert_false(r->matches[0].conditions[0].each);
	assert_string_equal(r->matches[1].each, "containers[]");
	assert_int_equal(r->matches[1].conditions_len, 6);
	assert_true(c[0].each && c[0].unit == 'b' && c[0].number == UINT64_C(8) << 30 && c[0].test == TEST_ABOVE);
	assert_string_equal(c[1].path, "metadata.labels.\"a.b/c*\".*");
	assert_false(c[1].each);
	assert_string_equal(c[1].names[1], "y");
	assert_true(c[2].each && c[2].test == TEST_ZERO && !c[2].negated);
	assert_true(c[3].negated && c[3].test == TEST_TRUE);
	assert_true(!c[4].negated && c[4].test == TEST_EXISTS);	/* not absent */
	assert_true(c[5].unit == 'c' && c[5].number == 2000);
}

static void loads_what_is_right(void **state)
{
	struct rule_set *set = empty_set();
	autofree char *wrong = load(set, "good.yaml", good);
	const struct rule *text;

	(void)state;
	assert_string_equal(wrong, "");
	assert_int_equal(set->len, 3);
	check_shell_rule(set, rules_find(set, "shell/write-to-disk"));
	check_pod_rule(rules_find(set, "pod/all"));
	text = rules_find(set, "text/t");
	assert_true(text->disabled);
	assert_string_equal(text->matches[0].keywords[0], "akia");
	assert_true(text->matches[0].conditions[1].negated);
	assert_null(text->matches[1].keywords);
	assert_null(text->message);
	rules_free(set);
}

/* ---- what is wrong */

static bool is_told(const char *what, const char *told, const char *wanted)
{
	if (strcmp(told, wanted))
		print_error("%s\n  told:   %s  wanted: %s\n", what, told, wanted);
	return !strcmp(told, wanted);
}

/* A rule that is right but for one line of it. */
static char *with_match(const char *scope, const char *match)
{
	return xasprintf("define: {m: a+, n: 'x{{m}}'}\nrules:\n  - id: g/n\n    title: T\n    severity: low\n    category: c\n    help: H\n"
			 "    suggestion: S\n    samples: {match: [a], no_match: [b]}\n    applies_to: %s\n    match:\n      - %s\n", scope, match);
}

static void tells_wrong_conditions(void **state)
{
	static const struct {
		const char *scope, *match, *told;
	} cases[] = {
		{ "shell", "{args: a, comand: dd}", "12:19 rules/unknown-key unknown key 'comand' [did you mean 'command'?]" },
		{ "shell", "{args: a, not_recursive: yes}", "12:19 rules/unknown-key unknown key 'not_recursive' [did you mean 'recursive'?]" },
		{ "shell", "{args: a, at: x}", "12:19 rules/misplaced-key 'at' means nothing to a rule that applies to 'shell' [it belongs to rules on "
		  "mappings: container, pod, manifest, api, action, package]" },
		{ "shell", "{args: a, keywords: [ab]}", "12:19 rules/misplaced-key 'keywords' means nothing to a rule that applies to 'shell' [it belongs to "
		  "'script' and 'text']" },
		{ "script", "{matches: a, keywords: [ab], key: x}", "12:38 rules/misplaced-key 'key' means nothing to a rule that applies to 'script' [it "
		  "belongs to 'text']" },
		{ "text", "{matches: a, keywords: [ab], args: x}", "12:38 rules/misplaced-key 'args' means nothing to a rule that applies to 'text' [it "
		  "belongs to 'shell']" },
		{ "pod", "{at: x, exists: yes, args: x}", "12:30 rules/unknown-key unknown key 'args'" },
		{ "shell", "{args: 'a(b'}", "12:20 rules/pattern wrong pattern: missing closing parenthesis" },
		{ "shell", "{args: [a, 'b[z-a]']}", "12:25 rules/pattern wrong pattern: range out of order in character class" },
		{ "shell", "args: |-\n          ab\n          c)d", "14:12 rules/pattern wrong pattern: unmatched closing parenthesis" },
		{ "shell", "{args: 'a{{m}}b{{mm}}'}", "12:24 rules/macro there is no macro 'mm'" },
		{ "shell", "{args: 'ab{{n}}{{m}}(?<at>x)c**(('}", "12:39 rules/pattern wrong pattern: quantifier does not follow a repeatable item" },
		{ "shell", "{args: '(?<{{m}}>x)'}", "12:20 rules/pattern wrong pattern: subpattern name expected" },
		{ "shell", "{args: 'a*'}", "12:16 rules/pattern this pattern matches everything, so the condition always holds [it matches the empty text; begin "
		  "with '^', or use '+' for '*']" },
		{ "shell", "{line: a, not_line: 'b?'}", "12:29 rules/pattern this pattern matches everything, so the condition never holds [it matches the empty "
		  "text; begin with '^', or use '+' for '*']" },
		{ "shell", "{args: {a: b}}", "12:16 rules/type 'rules[0].match[0].args' must be a pattern, not a mapping" },
		{ "shell", "{args: []}", "12:16 rules/value 'rules[0].match[0].args' is empty" },
		{ "shell", "{args: }", "12:16 rules/value 'rules[0].match[0].args' is empty" },
		{ "shell", "{command: /bin/dd}", "12:19 rules/value this is no name of a command [write base names, a '*' only at the end; patterns go to "
		  "'command_matches']" },
		{ "shell", "{command: [a, 'm*fs']}", "12:23 rules/value this is no name of a command [write base names, a '*' only at the end; patterns go to "
		  "'command_matches']" },
		{ "shell", "{traits: [loop, fork]}", "12:25 rules/value unknown trait 'fork'" },
		{ "shell", "{traits: backgruond}", "12:18 rules/value unknown trait 'backgruond' [did you mean 'background'?]" },
		{ "shell", "{code_from: netwrok}", "12:21 rules/value unknown origin 'netwrok' [did you mean 'network'?]" },
		{ "shell", "{host: outside}", "12:16 rules/value unknown kind of host 'outside'" },
		{ "shell", "{host: extrenal}", "12:16 rules/value unknown kind of host 'extrenal' [did you mean 'external'?]" },
		{ "shell", "{args: a, recursive: yes}", "12:19 rules/value 'recursive' needs a path: reads, writes, deletes, modes …" },
		{ "shell", "{reads: a, recursive: often}", "12:31 rules/type 'rules[0].match[0].recursive' must be true or false, not text" },
		{ "shell", "{recursive: no}", "12:9 rules/missing-key 'rules[0].match[0]' has no condition" },
		{ "shell", "{}", "12:9 rules/missing-key 'rules[0].match[0]' has no condition" },
		{ "shell", "dd", "12:9 rules/type 'rules[0].match[0]' must be a mapping of conditions, not text" },
		{ "text", "{matches: abc}", "12:9 rules/missing-key 'rules[0].match[0]' has no 'keywords' [list words of which one stands in every text that can "
		  "match]" },
		{ "script", "{keywords: [abc]}", "12:9 rules/missing-key 'rules[0].match[0]' has no 'matches'" },
		{ "text", "{matches: abc, keywords: [ab, c]}", "12:39 rules/value a keyword needs two characters or more, or it stands in every text" },
		{ "pod", "{exists: yes}", "12:9 rules/missing-key 'rules[0].match[0]' has no 'at'" },
		{ "pod", "{at: x}", "12:9 rules/missing-key 'rules[0].match[0]' has no test [add one of: matches, is, exists, true, false, above, below, zero, "
		  "host]" },
		{ "pod", "{at: x, is: y, exists: yes}", "12:24 rules/value two tests beside one 'at': 'is' and 'exists' [put the other one below 'and' with an "
		  "'at' of its own]" },
		{ "pod", "{at: x, mathces: y}", "12:17 rules/unknown-key unknown key 'mathces' [did you mean 'matches'?]" },
		{ "pod", "{at: x, not_matches: y}", "12:17 rules/misplaced-key 'not_matches' means nothing to a rule that applies to 'pod' [list what must not hold "
		  "below 'not']" },
		{ "pod", "{at: 'a..b', exists: yes}", "12:17 rules/value this path is wrong here [write keys as in 'a.b[].c', '*' for any key, keys with dots in "
		  "double quotes]" },
		{ "pod", "{at: 'a[0].b', exists: yes}", "12:16 rules/value this path is wrong here [write keys as in 'a.b[].c', '*' for any key, keys with dots in "
		  "double quotes]" },
		{ "pod", "{at: /a, exists: yes}", NULL },
		{ "pod", "{at: x, true: no}", "12:23 rules/value 'rules[0].match[0].true' can only be 'yes' [put the test below 'not' to say the opposite]" },
		{ "pod", "{at: x, above: lots}", "12:24 rules/value size 'lots' does not begin with a number [write a number, '8Gi' for bytes or '500m' for cpus]" },
		{ "pod", "{at: x, host: {a: b}}", "12:23 rules/type 'rules[0].match[0].host' must be a word, not a mapping" },
		{ "pod", "{at: x, is: y, and: {at: z, is: w}}", "12:29 rules/type 'rules[0].match[0].and' must be a list of 'at' with a test each, not a mapping" },
		{ "pod", "{at: x, is: y, and: [{at: z, is: w, each: v}]}", "12:45 rules/misplaced-key 'each' stands beside the first 'at' only" },
		{ "pod", "{at: x, is: y, not: [{at: z, matches: '('}]}", "12:49 rules/pattern wrong pattern: missing closing parenthesis" },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rule_set *set = empty_set();
		autofree char *text = with_match(cases[i].scope, cases[i].match);
		autofree char *told = load(set, "r.yaml", text);
		autofree char *wanted = cases[i].told ? xasprintf("%s\n", cases[i].told) : xstrdup("");

		bad += !is_told(cases[i].match, told, wanted);
		bad += set->len != (cases[i].told ? 0 : 1);
		rules_free(set);
	}
	assert_int_equal(bad, 0);
}

/* Lines of a rule that replace or follow those of a right one; "" leaves a line out. */
static void tells_wrong_rules(void **state)
{
	static const char *const right[] = {
		"  - id: g/n", "    title: T", "    severity: low", "    category: c", "    applies_to: shell", "    help: H", "    suggestion: S",
		"    match: [{command: dd}]", "    samples: {match: [a], no_match: [b]}",
	};
	static const struct {
		size_t line;	/* of `right`; past its end: added */
		const char *text, *told;
	} cases[] = {
		{ 0, "  - id: G/n", "2:9 rules/id 'G/n' is no id of a rule [write 'group/name': lower-case letters, digits and single '-', at most 80]" },
		{ 0, "  - id: gn", "2:9 rules/id 'gn' is no id of a rule [write 'group/name': lower-case letters, digits and single '-', at most 80]" },
		{ 0, "  - id: g/n/m", "2:9 rules/id 'g/n/m' is no id of a rule [write 'group/name': lower-case letters, digits and single '-', at most 80]" },
		{ 0, "  - id: g/n--m", "2:9 rules/id 'g/n--m' is no id of a rule [write 'group/name': lower-case letters, digits and single '-', at most 80]" },
		{ 0, "  - id: scan/x", "2:9 rules/id ids that begin with 'scan/' are the scanner's own" },
		{ 0, "  - id: [a]", "2:9 rules/type 'rules[0].id' must be text, not a list" },
		{ 0, "  - x-id: g/n", "2:5 rules/missing-key 'rules[0]' has no 'id' [write 'group/name' in lower case]" },
		{ 1, "", "2:5 rules/missing-key 'rules[0]' has no 'title' [say in a few words what is wrong]" },
		{ 1, "    titel: T", "3:5 rules/missing-key unknown key 'titel', and 'title' is missing [did you mean 'title'?]" },
		{ 1, "    title: '  '", "3:12 rules/value 'rules[0].title' is empty" },
		{ 1, "    title: {a: b}", "3:12 rules/type 'rules[0].title' must be text, not a mapping" },
		{ 2, "", "2:5 rules/missing-key 'rules[0]' has no 'severity' [write info, low, medium, high or critical]" },
		{ 2, "    severity: medum", "4:15 rules/value 'rules[0].severity' is 'medum', which is not known [did you mean 'medium'?]" },
		{ 3, "", "2:5 rules/missing-key 'rules[0]' has no 'category' [write a word such as 'destructive-fs']" },
		{ 4, "    applies_to: bash", "6:17 rules/value 'rules[0].applies_to' is 'bash', which is not known [known are: shell, script, text, container, pod, "
		  "manifest, api, action, package]" },
		{ 4, "    applies_to: shel", "6:17 rules/value 'rules[0].applies_to' is 'shel', which is not known [did you mean 'shell'?]" },
		{ 5, "", "2:5 rules/missing-key 'rules[0]' has no 'help' [say why it matters: what is lost, to whom]" },
		{ 6, "", "2:5 rules/missing-key 'rules[0]' has no 'suggestion' [say what to do instead]" },
		{ 7, "", "2:5 rules/missing-key 'rules[0]' has no 'match' [list conditions, any of which must hold]" },
		{ 7, "    match: {command: dd}", "9:12 rules/type 'rules[0].match' must be a list, not a mapping" },
		{ 7, "    match: []", "9:12 rules/value 'rules[0].match' is empty" },
		{ 8, "", "2:5 rules/missing-key 'rules[0]' has no 'samples' [list texts that must match and texts that must not ('match' and 'no_match')]" },
		{ 8, "    samples: {match: [a]}", "10:14 rules/missing-key 'rules[0].samples' has no 'no_match' [list at least one text that must not match]" },
		{ 8, "    samples: {match: [], no_match: [b]}", "10:22 rules/samples 'rules[0].samples.match' has no sample" },
		{ 8, "    samples: {match: [a], no_match: [{b: c}]}", "10:38 rules/type 'rules[0].samples.no_match[0]' must be text, not a mapping" },
		{ 9, "    cwe: 73", "11:10 rules/value 'cwe' is no number of the CWE list [write it as 'CWE-250']" },
		{ 9, "    secret: maybe", "11:13 rules/type 'rules[0].secret' must be true or false, not text" },
		{ 9, "    colour: red", "11:5 rules/unknown-key unknown key 'colour'" },
		{ 9, "    message: 'a {mach} b'", "11:17 rules/value '{mach}' stands for nothing in a message [known are {match} and {command}]" },
		{ 9, "    message: [a]", "11:14 rules/type 'rules[0].message' must be text, not a list" },
		{ 9, "    cwe: CWE-1\n    cwe: CWE-2", "12:5 rules/yaml key 'cwe' appears twice, first on line 11" },
		{ 9, "  - a", "11:5 rules/type 'rules[1]' must be a mapping, not text" },
		{ 9, "rulez: []", "11:1 rules/unknown-key unknown key 'rulez' [did you mean 'rules'?]" },
		{ 9, "define: [a]", "11:9 rules/type 'define' must be a mapping of names to patterns, not a list" },
		{ 9, "define: {A: b}", "11:10 rules/macro this is no name of a macro [use lower-case letters, digits, '-' and '_', a letter first]" },
		{ 9, "define: {a: [b]}", "11:13 rules/type 'define.a' must be a pattern, not a list" },
		{ 9, "define: {a: 'b('}", "11:16 rules/pattern wrong pattern: missing closing parenthesis" },
		{ 9, "define: {a: 'x{{a}}'}", "11:15 rules/macro macro 'a' refers to itself" },
		{ 9, "define: {a: 'x{{b}}', b: 'xy{{a}}'}", "11:29 rules/macro macro 'a' refers to itself" },
		{ 9, "  - {id: g/m, enabled: false}", "11:10 rules/unknown-rule unknown rule 'g/m' [did you mean 'g/n'?]" },
		{ 9, "  - {id: g/n, enabled: false}", "11:10 rules/duplicate-id there is a rule 'g/n' already, at r.yaml:2" },
	};
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
		struct rule_set *set = empty_set();
		autofree char *told = NULL;
		autofree char *wanted = xasprintf("%s\n", cases[i].told);

		strbuf_addstr(&text, "rules:\n");
		for (size_t j = 0; j < ARRAY_SIZE(right); j++)
			if (j != cases[i].line || *cases[i].text)
				strbuf_addf(&text, "%s\n", j == cases[i].line ? cases[i].text : right[j]);
		if (cases[i].line == ARRAY_SIZE(right))
			strbuf_addf(&text, "%s\n", cases[i].text);
		told = load(set, "r.yaml", text.buf);
		bad += !is_told(cases[i].text, told, wanted);
		rules_free(set);
	}
	assert_int_equal(bad, 0);
}

static void tells_wrong_files(void **state)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{ "", "0:0 rules/empty there is nothing in this file\n" },
		{ "- a", "1:1 rules/type a rule file must be a mapping, not a list [begin with 'rules:' and a list of rules]\n" },
		{ "x-a: b", "1:1 rules/missing-key there are no 'rules' in this file\n" },
		{ "rules: {a: b}", "1:8 rules/type 'rules' must be a list, not a mapping\n" },
		{ "define: {}", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rule_set *set = empty_set();
		autofree char *told = load(set, "r.yaml", cases[i].text);

		assert_string_equal(told, cases[i].told);
		rules_free(set);
	}
}

/* ---- macros */

static void macros_nest_to_a_depth(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct rule_set *set = empty_set();
	autofree char *told = NULL;

	(void)state;
	strbuf_addstr(&text, "define:\n  m0: x\n");
	for (int i = 1; i <= MACROS_MAX_DEPTH + 1; i++)
		strbuf_addf(&text, "  m%d: '{{m%d}}'\n", i, i - 1);
	told = load(set, "r.yaml", text.buf);
	assert_string_equal(told, "13:9 rules/macro macros are nested more than 10 deep\n");
	rules_free(set);
}

/* Each ten times the one before it: refused at 64 KiB, at once. */
static void macros_do_not_explode(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct rule_set *set = empty_set();
	uint64_t start = clock_monotonic_ns();
	autofree char *told = NULL;

	(void)state;
	strbuf_addstr(&text, "define:\n  m0: xxxxxxxxxx\n");
	for (int i = 1; i <= 9; i++) {
		strbuf_addf(&text, "  m%d: '", i);
		for (int j = 0; j < 10; j++)
			strbuf_addf(&text, "{{m%d}}", i - 1);
		strbuf_addstr(&text, "'\n");
	}
	told = load(set, "r.yaml", text.buf);
	assert_non_null(strstr(told, "6:7 rules/"));	/* m4: 14 bytes and (?:) ten times, four times over */
	assert_null(strstr(told, "\n7:"));		/* those that build on it are not told */
	assert_true(clock_monotonic_ns() - start < 2 * NS_PER_SEC);
	rules_free(set);
}

static void macros_of_everywhere(void **state)
{
	struct rule_set *set = empty_set();
	autofree char *own = with_match("shell", "{args: '{{m}}{{all}}{{local}}'}");
	autofree char *text = NULL;
	autofree char *told = load(set, "x/_macros.yaml", "define: {all: q, m: r}");

	(void)state;
	assert_string_equal(told, "");
	free(told);
	told = load(set, "a.yaml", "define: {local: z}\nrules: []");
	assert_string_equal(told, "");
	free(told);
	told = load(set, "b.yaml", own);	/* its own m hides the other; local is another file's */
	assert_string_equal(told, "12:29 rules/macro there is no macro 'local'\n");
	free(told);
	text = with_match("shell", "{args: '{{m}}{{all}}'}");
	told = load(set, "b.yaml", text);
	assert_string_equal(told, "");
	assert_string_equal(set->rules[0].matches[0].conditions[0].text, "(?:a+)(?:q)");
	rules_free(set);
}

/* ---- limits */

static void rules_and_patterns_are_limited(void **state)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct rule_set *set = empty_set();
	autofree char *long_pattern = xmalloc(PATTERN_MAX_BYTES + 1);
	autofree char *match = NULL;
	autofree char *wrong = NULL;
	autofree char *told = NULL;

	(void)state;
	memset(long_pattern, 'a', PATTERN_MAX_BYTES);
	long_pattern[PATTERN_MAX_BYTES] = '\0';
	match = xasprintf("{args: '%sa'}", long_pattern);
	wrong = with_match("shell", match);
	told = load(set, "r.yaml", wrong);
	assert_string_equal(told, "12:16 rules/limit the pattern has more than 65536 bytes\n");
	assert_int_equal(set->len, 0);
	for (int file = 0; file < 5; file++) {
		strbuf_clear(&text);
		strbuf_addstr(&text, "rules:\n");
		for (int i = 0; i < 1000; i++)
			strbuf_addf(&text, "- {id: g%d/n%d, title: T, severity: low, category: c, applies_to: shell, help: H, suggestion: S, "
				    "match: [{command: a}], samples: {match: [a], no_match: [b]}}\n", file, i);
		free(told);
		told = load(set, "r.yaml", text.buf);
	}
	assert_string_equal(told, "98:3 rules/limit more than 4096 rules\n");
	assert_int_equal(set->len, 4096);
	rules_free(set);
}

/* ---- folders */

static void write_file(const char *folder, const char *name, const char *text)
{
	autofree char *path = xasprintf("%s/%s", folder, name);
	struct error err = { 0 };

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &err), 0);
}

static void folders_are_read_in_order(void **state)
{
	char folder[] = "/tmp/rules_load_test.XXXXXX";
	struct rule_set *set = empty_set();
	autofree char *first = with_match("shell", "{args: '{{everywhere}}'}");
	autofree char *twice = NULL;
	struct finding_list findings;
	struct error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(folder));
	finding_list_init(&findings, folder);
	assert_int_equal(rules_load_folder(set, folder, &findings, &err), -1);	/* nothing in it */
	write_file(folder, "A.yaml", first);
	write_file(folder, "_macros.yaml", "define: {everywhere: e}");	/* is read first */
	write_file(folder, "notes.txt", "{{{");
	write_file(folder, ".hidden.yaml", "{{{");
	assert_int_equal(rules_load_folder(set, folder, &findings, &err), 0);
	assert_int_equal(findings.len, 0);
	assert_int_equal(set->len, 1);
	assert_int_equal(rules_load_folder(set, folder, &findings, &err), 0);	/* replaces */
	assert_int_equal(findings.len, 0);
	assert_int_equal(set->len, 1);
	twice = xasprintf("# again\n%s", first);
	write_file(folder, "b.yml", twice);
	assert_int_equal(rules_load_folder(set, folder, &findings, &err), 0);	/* two of one folder may not have the same id */
	assert_int_equal(findings.len, 1);
	assert_string_equal(findings.items[0].rule_id, "rules/duplicate-id");
	assert_int_equal(findings.items[0].position.line, 4);
	assert_string_equal(findings.items[0].line_text, "  - id: g/n");
	assert_non_null(strstr(findings.items[0].message, "/A.yaml:3"));
	assert_non_null(strstr(findings.file, "/b.yml"));
	assert_int_equal(rules_load_folder(set, "/nowhere/at/all", &findings, &err), -1);
	finding_list_release(&findings);
	rules_free(set);
	assert_int_equal(remove_tree_at(AT_FDCWD, folder, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_what_is_right),
		cmocka_unit_test(tells_wrong_conditions),
		cmocka_unit_test(tells_wrong_rules),
		cmocka_unit_test(tells_wrong_files),
		cmocka_unit_test(macros_nest_to_a_depth),
		cmocka_unit_test(macros_do_not_explode),
		cmocka_unit_test(macros_of_everywhere),
		cmocka_unit_test(rules_and_patterns_are_limited),
		cmocka_unit_test(folders_are_read_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
