/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "validators/template.h"

struct scan_case {
	const char *text;
	const char *refs;	/* "A B=fallback …" in order; "!offset sentence" ends it where the scan fails */
	const char *comment;
};

static void scan(enum template_kind kind, const char *text, size_t len, struct strbuf *out)
{
	struct template_refs refs = { 0 };
	struct error err = { 0 };
	size_t offset = 0;
	int rc = template_scan(kind, text, len, &refs, &offset, &err);

	for (size_t i = 0; i < refs.len; i++) {
		const struct template_ref *ref = &refs.items[i];

		assert_true(ref->offset + ref->len <= len);
		assert_memory_equal(text + ref->offset, "${", 2);
		assert_int_equal(text[ref->offset + ref->len - 1], '}');
		strbuf_addf(out, "%s%s", out->len ? " " : "", ref->name);
		if (ref->fallback)
			strbuf_addf(out, "=%s", ref->fallback);
	}
	if (rc < 0)
		strbuf_addf(out, "%s!%zu %s", out->len ? " " : "", offset, err.text);
	template_refs_release(&refs);
}

static void check_cases(enum template_kind kind, const struct scan_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

		scan(kind, cases[i].text, strlen(cases[i].text), &out);
		if (strcmp(out.buf, cases[i].refs))
			fail_msg("%s: found '%s' instead of '%s'", cases[i].comment, out.buf, cases[i].refs);
	}
}

static void data(void **state)
{
	static const struct scan_case cases[] = {
		{ "plain", "", "nothing" },
		{ "${A}/x/${B_2}", "A B_2", "two" },
		{ "${A:-x y}", "A=x y", "default" },
		{ "${A:-}", "A=", "empty default" },
		{ "${A-x}", "A=x", "default of unset only" },
		{ "$A $ $$ {A} $", "", "not references" },
		{ "$${A} ${B}", "B", "literal" },
		{ "$$${A}", "", "a dollar and a literal" },
		{ "x ${A", "!2 '${' is not closed by '}'", "unclosed" },
		{ "${A} ${B", "A !5 '${' is not closed by '}'", "unclosed, one before" },
		{ "${}", "!0 '${}' holds no name", "empty" },
		{ "${1A}", "!0 '${1A}' is not ${NAME} or ${NAME:-default} ('$${' stands for a literal '${')", "no name" },
		{ "${A B}", "!0 '${A B}' is not ${NAME} or ${NAME:-default} ('$${' stands for a literal '${')", "blank" },
		{ "${A%x}", "!0 '${A%x}' is not ${NAME} or ${NAME:-default} ('$${' stands for a literal '${')", "a shell's" },
		{ "${A:-${B}}", "!0 '${A:-${B}' has a default that holds another reference, which is not supported", "nested" },
		{ "${A:-'\x1b'}", "A='\x1b'", "any byte in a default" },
	};
	(void)state;
	check_cases(TEMPLATE_DATA, cases, ARRAY_SIZE(cases));
}

static void shell_references(void **state)
{
	static const struct scan_case cases[] = {
		{ "sha256sum -c ${DIR}/sums", "DIR", "plain" },
		{ "echo $A ${A}", "A", "only braces count" },
		{ "echo ${A:-x} ${B-y z}", "A=x B=y z", "defaults" },
		{ "echo ${A:?missing} ${B?}", "A B", "demanded" },
		{ "echo ${A:+--a} ${B+b}", "A= B=", "optional" },
		{ "echo ${A:-${B:-c}}", "A=${B:-c} B=c", "nested default" },
		{ "echo ${A:-$(cat ${F})}", "A=$(cat ${F}) F", "substitution in a default" },
		{ "echo ${A:-'}'} ${B:-\"}\"} ${C:-\\}}", "A='}' B=\"}\" C=\\}", "quoted braces" },
		{ "echo \"${A:-it's}\"", "A=it's", "a single quote in double quotes" },
		{ "echo \"x ${A} y\" \"$(echo \"${B}\")\"", "A B", "double quotes" },
		{ "echo '${A}' \"'${B}'\"", "B", "single quotes" },
		{ "echo $'it\\'s ${A}' ${B}", "B", "ANSI-C quotes" },
		{ "echo $\"${A}\"", "A", "locale quotes" },
		{ "echo \\${A} \"\\${B}\" \\\\${C}", "C", "escaped" },
		{ "# ${A}\necho x#${B} # ${C}\n", "B", "comments" },
		{ "echo `echo ${A}` ${B}", "A B", "backticks" },
		{ "echo \"`echo '${A}'`${B}\"", "B", "quotes in backticks in quotes" },
		{ "echo $(( ${A} + 1 )) $((B+1)) ${C}", "A C", "arithmetic" },
		{ "echo $${A} $$", "", "the process" },
		{ "cat <<EOF\n${A} '${B}'\nEOF\necho ${C}\n", "A B C", "here-document" },
		{ "cat <<'EOF'\n${A}\nEOF\necho ${C}\n", "C", "quoted here-document" },
		{ "cat <<\"E F\" <<\\G\n${A}\nE F\n${B}\nG\necho ${C}\n", "C", "two of them" },
		{ "cat <<-EOF\n\t${A}\n\tEOF\n${B}", "A B", "indented" },
		{ "cat <<EOF | sort ${X}\n${A}\nEOF\n", "X A", "the rest of its line" },
		{ "cat <<EOF\n\\${A} \\\\${B}\nEOF\n", "B", "escapes in it" },
		{ "cat <<EOF\n${A}\n", "A", "without end" },
		{ "cat <<<${A}", "A", "here-string" },
		{ "echo ${HOME} ${PATH} ${TMPDIR:-/tmp} ${RANDOM} ${BASH_SOURCE} ${IFS} ${A}", "A", "names a shell has" },
		{ "echo ${1} ${10} ${@} ${#} ${?} ${-} ${$} ${!} ${*} ${0}", "", "special parameters" },
		{ "echo ${#A} ${!A} ${A%x} ${A%%x} ${A#x} ${A##x} ${A/x/y} ${A//x} ${A:0:3} ${A^^} ${A,,} ${A@Q} ${A[0]} ${A[@]}", "",
		  "the shell's own operations" },
		{ "echo \"${A%'}'}\" ${B}", "B", "a brace in a pattern" },
		{ "echo ${A", "!5 '${' is not closed by '}'", "unclosed" },
		{ "echo ${A} \"${B:-x\" ${C}", "A !11 '${' is not closed by '}'", "unclosed in quotes" },
		{ "echo ${}", "!5 '${}' holds no name", "empty" },
		{ "echo '${' ${A}", "A", "unclosed in single quotes is text" },
		{ "echo 'x", "", "an open quote is the shell's trouble" },
		{ "echo $(", "", "an open substitution too" },
	};
	(void)state;
	check_cases(TEMPLATE_SHELL, cases, ARRAY_SIZE(cases));
}

static void shell_variables(void **state)
{
	static const struct scan_case cases[] = {
		{ "X=1\necho ${X} ${Y}", "Y", "assignment" },
		{ "X= Y+=1; echo ${X}${Y}", "", "empty and appended" },
		{ "f() { echo ${X}; }\nX=1; f", "", "set further down" },
		{ "X=${X:-1}; echo ${X}", "X=1", "the default of the script" },
		{ "X=\"${X}/sub\"; Y=${X}", "X", "made of itself" },
		{ "X=1; X=${X}2", "", "made of itself, set before" },
		{ "export X=${X:-a} && echo ${X}", "X=a", "exported" },
		{ "export X; echo ${X}", "X", "exported only" },
		{ "readonly X; echo ${X}", "X", "made constant only" },
		{ "X[1]=a; echo ${X}", "", "element" },
		{ "X=(a b); echo ${X}", "", "array" },
		{ "echo X=1 ${X}", "X", "an argument is no assignment" },
		{ "helm upgrade --set image=${image}", "image", "nor is an option" },
		{ "env X=1 printenv ${X}", "X", "nor is env's" },
		{ "if X=1; then Y=2; else Z=3; fi; echo ${X}${Y}${Z}", "", "after reserved words" },
		{ "true && X=1 || Y=2; ! Z=3; { V=4; }; (W=5); echo ${V}${W}${X}${Y}${Z}", "", "after operators" },
		{ "A=1 B=2 cmd; echo ${A}${B}", "", "several" },
		{ "for f in a b; do echo ${f}; done", "", "for" },
		{ "for ((i=0; i<3; i++)); do echo ${i}; done", "", "for of C" },
		{ "select f in a b; do echo ${f}; done", "", "select" },
		{ "while IFS= read -r line other; do echo ${line}${other}${IFS}; done", "", "read" },
		{ "read -rp name x y; echo ${x}${y}${name}", "name", "the prompt of read is no name" },
		{ "read -ra list; echo ${list}", "", "read into an array" },
		{ "mapfile -t lines < f; readarray all; echo ${lines}${all}", "", "mapfile" },
		{ "while getopts ab: opt; do echo ${opt} ${OPTARG}; done", "", "getopts" },
		{ "printf -v out %s x; echo ${out}; printf v ${v}", "v", "printf -v" },
		{ "local a b=1; declare -i c; typeset d; echo ${a}${b}${c}${d}", "", "declared" },
		{ ": ${X:=1} ${Y=2}; echo ${X}${Y}", "", "set by expansion" },
		{ "(( n = 3, m += 1 )); echo ${n}${m}", "", "arithmetic" },
		{ "let_it=be; (( a == b )); echo ${a}${let_it}", "a", "a comparison sets nothing" },
		{ "case $1 in a|b) X=1 ;; (c) Y=2 ;; esac; echo ${X}${Y}${Z}", "Z", "case" },
		{ "V=$(case x in a) echo 1;; esac; echo ${A}); echo ${V}", "A", "case in a substitution" },
		{ "function f { X=1; }; echo ${X}", "", "function" },
		{ "f() { local x=$1; echo ${x}; }", "", "local" },
		{ "> out X=1; echo ${X}", "", "after a redirection" },
		{ "cmd 2>&1 X=1 ${X}", "X", "a redirection does not begin a command" },
		{ "X=1 # ${Y}\necho ${X}", "", "comment after an assignment" },
		{ "builtin read x; command export y=1; echo ${x}${y}", "", "behind builtin" },
		{ "X=`date`; Y=$(date); echo ${X}${Y}", "", "of substitutions" },
		{ "X='a\nb' Y=\"c\nd\"; echo ${X}${Y}", "", "over lines" },
	};
	(void)state;
	check_cases(TEMPLATE_SHELL, cases, ARRAY_SIZE(cases));
}

/* Hostile texts end soon: nothing here is worse than linear, and depth has a ceiling. */
static void hostile(void **state)
{
	static const struct { const char *again; bool deep; } cases[] = {
		{ "${A:-", true }, { "$(", true }, { "$((", true }, { "( ", true }, { "\"$(", true }, { "((", false }, { "`", false },
		{ "\"", false }, { "'", false }, { "$'", false }, { "\\", false }, { "<<A ", false }, { "<<A\n", false },
		{ "case x in ", false }, { "X=1\n", false }, { "X[", false }, { "for ", false }, { "\n", false }, { "#", false },
	};
	autostrbuf struct strbuf many = STRBUF_INIT(STRBUF_NO_MAX), out = STRBUF_INIT(STRBUF_NO_MAX);
	uint64_t start;
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		while (text.len < 1000000)
			strbuf_addstr(&text, cases[i].again);
		strbuf_addstr(&text, "${");
		strbuf_clear(&out);
		start = clock_monotonic_ns();
		scan(TEMPLATE_SHELL, text.buf, text.len, &out);
		if (clock_monotonic_ns() - start > 2 * NS_PER_SEC)
			fail_msg("'%s' takes too long", cases[i].again);
		if (cases[i].deep && !strstr(out.buf, "nested too deeply"))
			fail_msg("'%s' gave '%s'", cases[i].again, out.buf);
	}
	for (int i = 0; i < 50000; i++)
		strbuf_addf(&many, "a%d=1; echo ${b%d}\n", i, i);
	start = clock_monotonic_ns();
	strbuf_clear(&out);
	scan(TEMPLATE_SHELL, many.buf, many.len, &out);
	assert_true(clock_monotonic_ns() - start < 2 * NS_PER_SEC);
	assert_memory_equal(out.buf, "b0 b1 ", 6);
}

static const char *lookup(void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "A") ? "value ${B}" : !strcmp(name, "EMPTY") ? "" : NULL;
}

static void expansion(void **state)
{
	static const struct {
		const char *text, *expanded;	/* NULL: fails */
		const char *error;
	} cases[] = {
		{ "plain", "plain", NULL },
		{ "x/${A}/y", "x/value ${B}/y", NULL },		/* values are not looked into */
		{ "${NONE:-d}${NONE-e}", "de", NULL },
		{ "[${EMPTY}][${EMPTY:-d}][${EMPTY-e}]", "[][d][]", NULL },
		{ "$${A} $A $", "${A} $A $", NULL },
		{ "${NONE}", NULL, "parameter 'NONE' has no value" },
		{ "${A", NULL, "'${' is not closed by '}'" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct error err = { 0 };
		int rc = template_expand(cases[i].text, strlen(cases[i].text), lookup, NULL, &out, &err);

		if (cases[i].expanded) {
			assert_int_equal(rc, 0);
			assert_string_equal(out.buf, cases[i].expanded);
		} else {
			assert_int_equal(rc, -1);
			assert_int_equal(err.code, ERR_INVALID_INPUT);
			assert_string_equal(err.text, cases[i].error);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(data), cmocka_unit_test(shell_references), cmocka_unit_test(shell_variables),
		cmocka_unit_test(hostile), cmocka_unit_test(expansion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
