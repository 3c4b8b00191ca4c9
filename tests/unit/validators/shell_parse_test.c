/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "validators/shell/parse.h"

/* ---- a tree in one line
 * words: text, 'quoted', odd?, $name, {alternative|alternative}, ${name kind operand operand2}; what is quoted and no text stands in "…"
 * commands: [name=value words redirects]; compound ones (kind body, body). Pipelines: a | b; lists: a; b & c && d */

static void dump_list(struct strbuf *sb, const struct shell_list *list);
static void dump_word(struct strbuf *sb, const struct shell_word *word);

static const char *const expansion_names[] = {
	[EXPAND_PLAIN] = "", [EXPAND_DEFAULT] = "default", [EXPAND_ASSIGN] = "assign", [EXPAND_ERROR] = "error",
	[EXPAND_ALTERNATIVE] = "alternative", [EXPAND_LENGTH] = "length", [EXPAND_PREFIX] = "prefix",
	[EXPAND_PREFIX_LONG] = "prefix-long", [EXPAND_SUFFIX] = "suffix", [EXPAND_SUFFIX_LONG] = "suffix-long",
	[EXPAND_REPLACE] = "replace", [EXPAND_REPLACE_ALL] = "replace-all", [EXPAND_SUBSTRING] = "substring",
	[EXPAND_INDIRECT] = "indirect", [EXPAND_UPPER] = "upper", [EXPAND_LOWER] = "lower", [EXPAND_OTHER] = "other",
};

static void dump_bytes(struct strbuf *sb, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			strbuf_addstr(sb, "\\n");
		else if (text[i] == '\t')
			strbuf_addstr(sb, "\\t");
		else if ((unsigned char)text[i] < 0x20)
			strbuf_addf(sb, "\\x%02x", text[i]);
		else
			strbuf_addch(sb, text[i]);
	}
}

static void dump_variable(struct strbuf *sb, const struct shell_part *part)
{
	if (part->expansion == EXPAND_PLAIN && !part->index) {
		strbuf_addf(sb, "$%s", part->text);
		return;
	}
	strbuf_addf(sb, "${%s", part->text);
	if (part->index)
		strbuf_addf(sb, "[%s]", part->index);
	if (part->expansion != EXPAND_PLAIN)
		strbuf_addf(sb, " %s", expansion_names[part->expansion]);
	for (size_t i = 0; i < 2; i++) {
		const struct shell_word *operand = i ? part->operand2 : part->operand;

		if (operand)
			strbuf_addch(sb, ' ');
		if (operand)
			dump_word(sb, operand);
	}
	strbuf_addch(sb, '}');
}

static void dump_brace(struct strbuf *sb, const struct shell_part *part)
{
	for (size_t i = 0; i < part->alternatives_len; i++) {
		strbuf_addch(sb, i ? '|' : '{');
		dump_word(sb, &part->alternatives[i]);
	}
	strbuf_addch(sb, '}');
}

static void dump_part(struct strbuf *sb, const struct shell_part *part)
{
	if (part->quoted)
		strbuf_addch(sb, part->kind == PART_TEXT ? '\'' : '"');
	switch (part->kind) {
	case PART_TEXT:
		assert_int_equal(part->text[part->len], '\0');
		dump_bytes(sb, part->text, part->len);
		break;
	case PART_VARIABLE:
		dump_variable(sb, part);
		break;
	case PART_COMMAND:
	case PART_PROCESS:
		strbuf_addstr(sb, part->kind == PART_COMMAND ? "$(" : part->output ? ">(" : "<(");
		dump_list(sb, part->body);
		strbuf_addch(sb, ')');
		break;
	case PART_ARITHMETIC:
		strbuf_addf(sb, "$((%s))", part->text);
		break;
	case PART_BRACE:
		dump_brace(sb, part);
		break;
	}
	if (part->quoted)
		strbuf_addch(sb, part->kind == PART_TEXT ? '\'' : '"');
	if (part->odd_quoting)
		strbuf_addch(sb, '?');
}

static void dump_word(struct strbuf *sb, const struct shell_word *word)
{
	for (size_t i = 0; i < word->len; i++)
		dump_part(sb, &word->parts[i]);
}

static void dump_assignment(struct strbuf *sb, const struct shell_assignment *a)
{
	strbuf_addstr(sb, a->name);
	if (a->index)
		strbuf_addf(sb, "[%s]", a->index);
	strbuf_addstr(sb, a->append ? "+=" : "=");
	if (!a->array) {
		dump_word(sb, &a->value);
		return;
	}
	for (size_t i = 0; i < a->words_len; i++) {
		strbuf_addch(sb, i ? ' ' : '(');
		dump_word(sb, &a->words[i]);
	}
	strbuf_addstr(sb, a->words_len ? ")" : "()");
}

static void dump_redirect(struct strbuf *sb, const struct shell_redirect *r)
{
	static const char *const ops[] = {
		[REDIRECT_READ] = "<", [REDIRECT_WRITE] = ">", [REDIRECT_CLOBBER] = ">|", [REDIRECT_APPEND] = ">>",
		[REDIRECT_READ_WRITE] = "<>", [REDIRECT_DUP_IN] = "<&", [REDIRECT_DUP_OUT] = ">&",
		[REDIRECT_HERE_DOCUMENT] = "<<", [REDIRECT_HERE_STRING] = "<<<",
	};

	strbuf_addf(sb, "%d%s%s", r->fd, r->both ? "&" : "", ops[r->op]);
	dump_word(sb, &r->target);
}

static const char *const node_names[] = {
	[COMMAND_SIMPLE] = "", [COMMAND_SUBSHELL] = "subshell", [COMMAND_GROUP] = "group", [COMMAND_IF] = "if",
	[COMMAND_WHILE] = "while", [COMMAND_UNTIL] = "until", [COMMAND_FOR] = "for", [COMMAND_FOR_ARITHMETIC] = "for((",
	[COMMAND_CASE] = "case", [COMMAND_FUNCTION] = "function", [COMMAND_TEST] = "[[", [COMMAND_ARITHMETIC_COMMAND] = "((",
};

static void blank(struct strbuf *sb)
{
	if (!strchr("[(", sb->buf[sb->len - 1]))
		strbuf_addch(sb, ' ');
}

static void dump_node(struct strbuf *sb, const struct shell_node *node)
{
	bool simple = node->kind == COMMAND_SIMPLE;

	strbuf_addch(sb, simple ? '[' : '(');
	strbuf_addstr(sb, node_names[node->kind]);
	if (node->name)
		strbuf_addf(sb, " %s", node->name);
	if (node->in_words)
		strbuf_addstr(sb, " in");
	for (size_t i = 0; i < node->assignments_len; i++) {
		blank(sb);
		dump_assignment(sb, &node->assignments[i]);
	}
	for (size_t i = 0; i < node->words_len; i++) {
		blank(sb);
		dump_word(sb, &node->words[i]);
	}
	for (size_t i = 0; i < node->redirects_len; i++) {
		blank(sb);
		dump_redirect(sb, &node->redirects[i]);
	}
	for (size_t i = 0; i < node->bodies_len; i++) {
		strbuf_addstr(sb, i ? ", " : ": ");
		dump_list(sb, node->bodies[i]);
	}
	strbuf_addch(sb, simple ? ']' : ')');
}

static void dump_list(struct strbuf *sb, const struct shell_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct shell_pipeline *p = &list->pipelines[i];

		if (i)
			strbuf_addstr(sb, p->after_and ? " && " : p->after_or ? " || " : p[-1].background ? " " : "; ");
		if (p->negated)
			strbuf_addch(sb, '!');
		for (size_t n = 0; n < p->len; n++) {
			if (n)
				strbuf_addstr(sb, p->pipe_stderr ? " |& " : " | ");
			dump_node(sb, &p->nodes[n]);
		}
		if (p->background)
			strbuf_addstr(sb, " &");
	}
}

/* Problems follow as !offset:what. */
static const struct { const char *text, *tree; } rows[] = {
	/* words */
	{ "echo a b", "[echo a b]" },
	{ "  echo\tx  ", "[echo x]" },
	{ "r''m", "[rm?]" },
	{ "''rm", "[rm?]" },
	{ "rm''", "[rm?]" },
	{ "'r'm", "['r'?m]" },
	{ "r\"m\"", "[r'm'?]" },
	{ "\\rm", "['r'?m]" },
	{ "r\\m", "[r'm'?]" },
	{ "$'\\x72m'", "['rm'?]" },
	{ "$'rm'", "['rm']" },
	{ "$'a\\tb'", "['a\\tb']" },
	{ "'rm' \"rm\"", "['rm' 'rm']" },
	{ "\\-x \\; \\\"", "['-'x ';' '\"']" },
	{ "--foo='bar' --o=\"\" a/\"b\"/c", "[--foo='bar' --o= a/'b'/c]" },
	{ "-S'a b' a'*' \"x y\"z", "[-S'a b' a'*' 'x y'z]" },
	{ "'it'\"'\"'s'", "['it's']" },
	{ "\"a\"'b'", "['ab'?]" },
	{ "'a''b' \"\"'' ''\"\"a", "['ab'? '' a?]" },
	{ "'' \"\"", "['' '']" },
	{ "\"$x\"'' ''$x", "[\"$x\" $x]" },
	{ "a\\ b\\;c", "[a' 'b';'c]" },
	{ "\"a\\$b\\`c\\\\d\\e\\\"f\"", "['a$b`c\\d\\e\"f']" },
	{ "'a\\'", "['a\\']" },
	{ "a\\\nb \"c\\\nd\" 'e\\\nf'", "[ab 'cd' 'e\\\\nf']" },
	{ "ec\\\nho $HO\\\nME $\\\n{x\\\n:\\\n-y} $\\\n(a) &\\\n& b", "[echo $HOME ${x default y} $([a])] && [b]" },
	{ "i\\\nf a; then b; f\\\ni", "(if: [a], [b])" },
	{ "a\r\nb \\\r\nc\r\n\"d\r\ne\" 'f\r\ng'\r\n", "[a]; [b c]; ['d\\ne' 'f\\ng']" },
	{ "a\rb", "[a\\x0db]" },
	{ "$'\\a\\b\\e\\E\\f\\n\\r\\t\\v\\\\\\'\\\"\\?'", "['\\x07\\x08\\x1b\\x1b\\x0c\\n\\x0d\\t\\x0b\\'\"?']" },
	{ "$'\\101\\x41\\u0041\\U00000041\\x{41}'", "['AAAAA'?]" },
	{ "$'\\u00e9\\U0001F600\\cA\\q\\x'", "['é😀\\x01\\q\\x']" },
	{ "$'a\\0b'c", "['a'?c]" },
	{ "$\"hi $x\"", "['hi '\"$x\"]" },
	{ "$ a$ \"$\" $% \"$'x'\"", "[$ a$ '$' $% '$'x'']" },
	{ "a#b '#' \\# #c", "[a#b '#' '#']" },
	{ "~/x *[a-z]? {} \"~\"", "[~/x *[a-z]? {} '~']" },
	{ "é “x”", "[é “x”]" },
	/* variables */
	{ "$x $_a1 $1 $10 ${10} $@ $* $# $? $- $$ $! $0", "[$x $_a1 $1 $10 $10 $@ $* $# $? $- $$ $! $0]" },
	{ "$a$b\"$c\"d", "[$a$b\"$c\"d]" },
	{ "${x} \"${x}\"", "[$x \"$x\"]" },
	{ "${x-} ${x:-a b} ${x=a} ${x:=a} ${x?a} ${x:?a} ${x+a} ${x:+a}",
	  "[${x default } ${x default a b} ${x assign a} ${x assign a} ${x error a} ${x error a} ${x alternative a} ${x alternative a}]" },
	{ "${#x} ${#} ${##} ${#@} ${#-x} ${#a[@]} ${#?}",
	  "[${x length} $# ${# length} ${@ length} ${# default x} ${a[@] length} ${? length}]" },
	{ "${x#a} ${x##*/} ${x%b} ${x%%.*}",
	  "[${x prefix a} ${x prefix-long */} ${x suffix b} ${x suffix-long .*}]" },
	{ "${x/a/b/c} ${x//\\//_} ${x/#a/b} ${x////_} ${x/a}",
	  "[${x replace a b/c} ${x replace-all '/' _} ${x replace #a b} ${x replace-all / _} ${x replace a}]" },
	{ "${x:1} ${x:1:2} ${x: -1} ${x:$n:${#y}} ${x::2}",
	  "[${x substring 1} ${x substring 1 2} ${x substring  -1} ${x substring $n ${y length}} ${x substring  2}]" },
	{ "${!x} ${!x[@]} ${!x*} ${!x@} ${!x:-y} ${!} ${!1}",
	  "[${x indirect} ${x[@] indirect} ${x other} ${x other } ${x indirect y} $! ${1 indirect}]" },
	{ "${x^} ${x^^} ${x,} ${x,,} ${x^[a-z]} ${x@Q}",
	  "[${x upper } ${x upper } ${x lower } ${x lower } ${x upper [a-z]} ${x other Q}]" },
	{ "${a[0]} ${a[$(id)]} ${a[b[1]]:-c} ${a[\"]\"]}", "[${a[0]} ${a[$(id)]} ${a[b[1]] default c} ${a[\"]\"]}]" },
	{ "${x:-${y:-$z}} ${x:-\"a}b\"} ${x:-'}'} ${x:-\\}} ${x:-$(a)} ${x:-<(a)}",
	  "[${x default ${y default $z}} ${x default 'a}b'} ${x default '}'} ${x default '}'} ${x default $([a])} ${x default <([a])}]" },
	{ "\"${x:-\"a b\"}\" \"${x:-'a'}\" \"${x#'a'}\" \"${x:-\\}\\\"}\" \"${x:-a{b}\"",
	  "[\"${x default 'a b'}\" \"${x default ''a''}\" \"${x prefix 'a'}\" \"${x default '}\"'}\" \"${x default 'a{b'}\"]" },
	{ "${x:-a b;c|d}", "[${x default a b;c|d}]" },
	{ "${ a; b; } \"${ a;}\" ${|a;}", "[$([a]; [b]) \"$([a])\" $([a])]" },
	{ "${{ x }} ${%a} ${}", "[${{ x }} ${%a} ${}] !0:${ !9:${ !15:${" },
	/* substitutions */
	{ "$(a) \"$(a)\" $(a;b|c) $() $(\na\n)", "[$([a]) \"$([a])\" $([a]; [b] | [c]) $() $([a])]" },
	{ "\"$(a \"b\" 'c')\" \"x$(echo \"y$(z)\")\"", "[\"$([a 'b' 'c'])\" 'x'\"$([echo 'y'\"$([z])\"])\"]" },
	{ "$(a # )\n)", "[$([a])]" },
	{ "$(case x in a) b;; (c) d; esac)", "[$((case x a c: [b], [d]))]" },
	{ "`a` \"`a`\" `` `a `", "[$([a]) \"$([a])\" $() $([a])]" },
	{ "`a \\`b \\\\\\`c\\\\\\` \\`` \"`a \\\"b\\\"`\"", "[$([a $([b $([c])])]) \"$([a 'b'])\"]" },
	{ "`a '\\$x' \\\\\\\\x`", "[$([a '$x' '\\'x])]" },
	{ "`a\n#b\nc`", "[$([a]; [c])]" },
	{ "$((1+2)) \"$((x))\" $(( (1) * (2) )) $(($(a)+`b`)) $[1+a[2]]",
	  "[$((1+2)) \"$((x))\" $(( (1) * (2) )) $(($(a)+`b`)) $((1+a[2]))]" },
	{ "$((a)) $((a) ) $((a); b) $( (a) )",
	  "[$((a)) $((subshell: [a])) $((subshell: [a]); [b]) $((subshell: [a]))]" },
	{ "<(a) >(b) --f=<(c) a<(d)b", "[<([a]) >([b]) --f=<([c]) a<([d])b]" },
	{ "a <(b <(c))", "[a <([b <([c])])]" },
	/* braces */
	{ "{a,b} x{a,b}y {a,{b,c}d} {a,b}{c,d} {,a} {a,} {,}",
	  "[{a|b} x{a|b}y {a|{b|c}d} {a|b}{c|d} {|a} {a|} {|}]" },
	{ "{a} {} {a,b {a,b}} {{a,b} a,b} x{y", "[{a} {} {a,b {a|b}} {{a|b} a,b} x{y]" },
	{ "{a,\"b c\"} {$x,'y'} \"{a,b}\" \\{a,b} {a\\,b} {a,$(b c)}",
	  "[{a|'b c'} {$x|'y'} '{a,b}' '{'a,b} {a','b} {a|$([b c])}]" },
	{ "{1..3} {3..1} {1..10..4} {01..3} {-2..1} {a..c} {c..a..2} x{1..2}y",
	  "[{1|2|3} {3|2|1} {1|5|9} {01|02|03} {-2|-1|0|1} {a|b|c} {c|a} x{1|2}y]" },
	{ "{1..a} {..} {1..} {1..300} {$x..2} {1..2..x} {a..bb} {1,2..3}",
	  "[{1..a} {..} {1..} {1..300} {$x..2} {1..2..x} {a..bb} {1|2..3}]" },
	{ "{rm,-rf,/}", "[{rm|-rf|/}]" },
	{ "x={a,b} >{a,b} ${x:-{a,b\\}}", "[x={a,b} ${x default {a,b'}'} 1>{a|b}]" },
	{ "@(a|b) !(a b) a+(b)c", "[@(a|b) !(a b) a+(b)c]" },
	/* assignments */
	{ "a=b", "[a=b]" },
	{ "a=b c", "[a=b c]" },
	{ "a= b", "[a= b]" },
	{ "a+=b a=c", "[a+=b a=c]" },
	{ "a=$x\"y\"", "[a=$x'y']" },
	{ "a[0]=b a[$(c)]+=d a[\"x y\"]=z", "[a[0]=b a[$(c)]+=d a[\"x y\"]=z]" },
	{ "a=(b \"c d\" $e #f\n{g,h}) i", "[a=(b 'c d' $e {g|h}) i]" },
	{ "a+=([0]=b [1]=c) d=()", "[a+=([0]=b [1]=c) d=()]" },
	{ "a[b c; a[b=c; a[1]x", "[a[b c]; [a[b=c]; [a[1]x]" },
	{ "a[$(b", "[a[$([b])] !2:$(" },
	{ "export A=b B=\"c d\" C=(1 \"2 3\")", "[export A=b B='c d' C=(1 '2 3')]" },
	{ "a b=c", "[a b=c]" },
	{ "a\\\n=b", "[a=b]" },
	{ "1=2 a-b=c =d", "[1=2 a-b=c =d]" },
	/* redirections */
	{ "a <b >c 2>d >>e >|f <>g", "[a 0<b 1>c 2>d 1>>e 1>|f 0<>g]" },
	{ "a 2>&1 >&2 <&3 >&- 3<&- 2>&3-", "[a 2>&1 1>&2 0<&3 1>&- 3<&- 2>&3-]" },
	{ "a &>b &>>c >&d 2>&e >&$x 2>&$y", "[a 1&>b 1&>>c 1&>d 2>e 1&>$x 2>&$y]" },
	{ "a {fd}>b {fd}<&- 10>c 1 >d 12345678901>e", "[a 1 12345678901 -1>b -1<&- 10>c 1>d 1>e]" },
	{ ">a", "[1>a]" },
	{ "a>b<c;d", "[a 1>b 0<c]; [d]" },
	{ "a <<<b <<<\"$c d\"", "[a 0<<<b 0<<<\"$c\"' d']" },
	{ "a <<E\nb $c \\$d \\e \"f\" 'g' `h` $(i)\nE\nj",
	  "[a 0<<'b '\"$c\"' $d \\e \"f\" 'g' '\"$([h])\"' '\"$([i])\"'\\n']; [j]" },
	{ "a <<'E'\n$b \\c\nE\nd", "[a 0<<'$b \\c\\n']; [d]" },
	{ "a <<\\E; b <<\"E\"F <<''\nc\nE\nd\nEF\ne\n\nf", "[a 0<<'c\\n']; [b 0<<'d\\n' 0<<'e\\n']; [f]" },
	{ "a <<-E\n\tb\n\t\tc $d\n\tE\ne", "[a 0<<'b\\nc '\"$d\"'\\n']; [e]" },
	{ "a <<-'E'\n\tb\n\tE\nc", "[a 0<<'b\\n']; [c]" },
	{ "a <<E | b && c\nd\nE\ne", "[a 0<<'d\\n'] | [b] && [c]; [e]" },
	{ "a <<E\nb\\\nE\nE\nc", "[a 0<<'bE\\n']; [c]" },
	{ "a <<E\nb\\\\\nE\nc", "[a 0<<'b\\\\n']; [c]" },
	{ "a <<E\nb", "[a 0<<'b'] !2:here-document" },
	{ "a <<E", "[a 0<<] !2:here-document" },
	{ "a <<E\r\nb\r\nE\r\nc", "[a 0<<'b\\n']; [c]" },
	{ "a <<$x\nb\n$x\nc", "[a 0<<'b\\n']; [c]" },
	{ "a <<E\n$(b\n", "[a 0<<\"$([b])\"] !2:here-document !6:$(" },
	{ "if a; then b <<E; fi\nc\nE\nd", "(if: [a], [b 0<<'c\\n']); [d]" },
	{ "$(a <<E\nb\nE\n) c", "[$([a 0<<'b\\n']) c]" },
	{ "$(a <<E\nb\nE)\nc", "[$([a 0<<'b\\n'])]; [c]" },
	{ "$(a <<E)\nb\nE\nc", "[$([a 0<<'b\\n'])]; [c]" },
	{ "`a <<E\nb\nE` c", "[$([a 0<<'b\\n']) c]" },
	{ "a <<E $(b\nc)\nd\nE\ne", "[a $([b]; [c]) 0<<'d\\n']; [e]" },
	{ "a <<E\n\"b\nE\nc\"", "[a 0<<'\"b\\n']; [c?] !12:double quote" },
	{ "a <<E\n${x:-\"y\"} ${x#'z'}\nE", "[a 0<<\"${x default 'y'}\"' '\"${x prefix 'z'}\"'\\n']" },
	{ "a <<E <<-F\n1\nE\n\t2\n\tF\nb", "[a 0<<'1\\n' 0<<'2\\n']; [b]" },
	{ "while a; do b; done <<E\nc\nE\nd", "(while 0<<'c\\n': [a], [b]); [d]" },
	/* lists */
	{ "a;b&c&&d||e", "[a]; [b] & [c] && [d] || [e]" },
	{ "a&&b||c&", "[a] & && [b] & || [c] &" },
	{ "a;\n\n;b", "[a]; [b] !4:;" },
	{ "a|b|&c|\nd", "[a] |& [b] |& [c] |& [d]" },
	{ "! a; ! ! a; ! a|b; !a", "![a]; [a]; ![a] | [b]; [!a]" },
	{ "time a; time -p a|b; time -f %e a; time", "[a]; [a] | [b]; [time -f %e a]" },
	{ "coproc a b; coproc x { a; }; coproc { a; }; coproc x", "[a b] & (group: [a]) & (group: [a]) & [x] &" },
	{ "a &&\nb ||\n#c\nd", "[a] && [b] || [d]" },
	/* compound */
	{ "(a;b) (c)", "(subshell: [a]; [b]); (subshell: [c])" },
	{ "{ a;b; }; {a; {\na\n} >b 2>&1", "(group: [a]; [b]); [{a]; (group 1>b 2>&1: [a])" },
	{ "if a; then b; fi; if a\nthen b\nelif c; then d; else e; fi",
	  "(if: [a], [b]); (if: [a], [b], [c], [d], [e])" },
	{ "if ! a | b && c; then d; fi <e", "(if 0<e: ![a] | [b] && [c], [d])" },
	{ "while a; do b; done; until a; do b; done >c", "(while: [a], [b]); (until 1>c: [a], [b])" },
	{ "for i in a {b,c} \"$d\"; do e; done", "(for i in a {b|c} \"$d\": [e])" },
	{ "for i do a; done; for i; do a; done; for i\nin a\ndo b; done; for i in; { a; }",
	  "(for i: [a]); (for i: [a]); (for i in a: [b]); (for i in: [a])" },
	{ "for ((i=0;i<$(a);i++)); do b; done; for ((;;)) { a; }",
	  "(for(('i=0;i<'\"$([a])\"';i++': [b]); (for((';;': [a])" },
	{ "select x in a b; do c; done", "(for x in a b: [c])" },
	{ "case $x in a) b;; c|\"d e\") f;& (g) h;;& *) i; esac", "(case $x a c 'd e' g *: [b], [f], [h], [i])" },
	{ "case x in esac; case x in a) ;; esac >b; case x\nin\na)\nb\n;;\nesac",
	  "(case x); (case x a 1>b: ); (case x a: [b])" },
	{ "f() { a; }; f () (a); f()\n{ a; }; .x-y() { a; }; f() if a; then b; fi",
	  "(function f: (group: [a])); (function f: (subshell: [a])); (function f: (group: [a])); (function .x-y: (group: [a])); (function f: (if: [a], [b]))" },
	{ "function f { a; }; function f() { a; }; function f (a); function f\n{ a; } >b",
	  "(function f: (group: [a])); (function f: (group: [a])); (function f: (subshell: [a])); (function f: (group 1>b: [a]))" },
	{ ":(){ :|:& };:", "(function :: (group: [:] | [:] &)); [:]" },
	{ "f() a; f(){a;}", "(function f: [a]); (function f: (group: [a])) !5:function !10:{" },
	{ "[[ -f x && ( $a == b* || ! c ) ]] >d", "([[-f x && ($a == b* || ! c ) 1>d)" },
	{ "[[ a =~ ^(b|c d)+$ ]]; [[ $x =~ a|b ]]; [[ a < b\n|| c > d ]]; [[ a == @(b|c) ]]",
	  "([[a =~ ^(b|c d)+$); ([[$x =~ a|b); ([[a < b || c > d); ([[a == @(b|c))" },
	{ "((a+1)); ((a > $(b))) && c; ((a) | (b)); ((a);(b))",
	  "((('a+1'); ((('a > '\"$([b])\") && [c]; (subshell: (subshell: [a]) | (subshell: [b])); (subshell: (subshell: [a]); (subshell: [b]))" },
	{ "echo if then fi { } ! case; \"if\" a; \\if b; if=c",
	  "[echo if then fi { } ! case]; ['if' a]; ['i'?f b]; [if=c]" },
	/* what a shell refuses */
	{ "fi; a; }; b; ) c; done; esac; then d; ;; e",
	  "[a]; [b]; [c]; [d]; [e] !0:reserved word !2:; !7:reserved word !8:; !13:) !18:reserved word !22:; !24:reserved word !28:; !30:reserved word !38:;;" },
	{ "if a; b; fi; c", "(if: [a]; [b], ); [c] !9:if" },
	{ "if a; then b", "(if: [a], [b]) !0:if" },
	{ "while a; do b; fi; c", "(while: [a], [b]; [c]) !15:reserved word !17:; !0:while" },
	{ "{ a; (b; } c", "(group: [a]; (subshell: [b])); [c] !5:( !9:word !11:word" },
	{ "for; do a; done; for i in a; b; done", "(for : [a]); (for i in a: [b]) !3:for !29:for" },
	{ "case x in a b) c;; esac; case x; a; esac",
	  "(case x a: [b]; [c]); (case x: [a]) !12:case !13:) !31:case !31:case !31:;" },
	{ "f(; a); f( ) ; b", "[f]; (subshell: [a]); (function f: []); [b] !2:; !8:function" },
	{ "[[ a; b", "([[a); [b] !0:[[" },
	{ "& a; | b; && c; d && || e; f | ; g &&",
	  "[a]; [b]; [c]; [d] && [e]; [f]; [g] !0:& !5:| !10:&& !21:|| !31:| !37:&&" },
	{ "a >; b <", "[a 1>]; [b 0<] !2:redirection !7:redirection" },
	{ "a (b) c", "[a]; (subshell: [b]); [c] !6:word" },
	{ "a 'b", "[a 'b'] !2:single quote" },
	{ "a \"b $c", "[a 'b '\"$c\"] !2:double quote" },
	{ "a $(b \"c", "[a $([b 'c'])] !6:double quote !2:$(" },
	{ "a `b", "[a $([b])] !2:`" },
	{ "a ${b; a \"${b:-\"c",
	  "[a ${b other ; a \"${b default 'c'}\"}] !5:${ !15:double quote !10:${ !9:double quote !2:${" },
	{ "a $((b", "[a $((subshell: [b]))] !4:( !2:$(" },
	{ "a $[b", "[a $[b] !2:$[" },
	{ "a $'b\\", "[a 'b\\'] !2:$'" },
	{ "(a; $(b; {c", "(subshell: [a]; [$([b]; [{c])]) !4:$( !0:(" },
	{ "\"${x", "[\"$x\"] !1:${ !0:double quote" },
	{ "\\", "[\\]" },
	{ "\"${ { a; }; b;}c\"", "[\"$((group: [a]); [b])\"'c']" },
};

static void reads(void **state)
{
	int bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena a = ARENA_INIT;
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_script script = shell_parse(&a, rows[i].text, strlen(rows[i].text));

		dump_list(&sb, script.body);
		for (size_t k = 0; k < script.problems_len; k++)
			strbuf_addf(&sb, " !%zu:%s", script.problems[k].offset, script.problems[k].what);
		if (strcmp(sb.buf, rows[i].tree)) {
			print_error("text: %s\n wanted: %s\n    got: %s\n", rows[i].text, rows[i].tree, sb.buf);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

/* ---- places: <command>, (redirection), {word of several parts or of one that is not plain text: part|part} as they stand in the text */

static void place_list(struct strbuf *sb, const char *text, const struct shell_list *list);

static void slice(struct strbuf *sb, const char *text, size_t offset, size_t len)
{
	assert_true(offset <= strlen(text) && len <= strlen(text) - offset);
	dump_bytes(sb, text + offset, len);
}

static void place_word(struct strbuf *sb, const char *text, const struct shell_word *word)
{
	strbuf_addch(sb, '{');
	slice(sb, text, word->offset, word->source_len);
	for (size_t i = 0; i < word->len; i++) {
		const struct shell_part *part = &word->parts[i];

		strbuf_addch(sb, i ? '|' : ':');
		slice(sb, text, part->offset, part->source_len);
		if (part->body)
			place_list(sb, text, part->body);
		for (size_t k = 0; k < part->alternatives_len; k++)
			place_word(sb, text, &part->alternatives[k]);
		if (part->operand)
			place_word(sb, text, part->operand);
		if (part->operand2)
			place_word(sb, text, part->operand2);
	}
	strbuf_addch(sb, '}');
}

static void place_node(struct strbuf *sb, const char *text, const struct shell_node *node)
{
	strbuf_addch(sb, '<');
	slice(sb, text, node->offset, node->source_len);
	strbuf_addch(sb, '>');
	for (size_t i = 0; i < node->assignments_len; i++) {
		const struct shell_assignment *a = &node->assignments[i];

		strbuf_addch(sb, '=');
		slice(sb, text, a->offset, a->source_len);
		place_word(sb, text, &a->value);
	}
	for (size_t i = 0; i < node->words_len; i++)
		place_word(sb, text, &node->words[i]);
	for (size_t i = 0; i < node->redirects_len; i++) {
		strbuf_addch(sb, '(');
		slice(sb, text, node->redirects[i].offset, node->redirects[i].source_len);
		strbuf_addch(sb, ')');
		place_word(sb, text, &node->redirects[i].target);
	}
	for (size_t i = 0; i < node->bodies_len; i++)
		place_list(sb, text, node->bodies[i]);
}

static void place_list(struct strbuf *sb, const char *text, const struct shell_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		for (size_t n = 0; n < list->pipelines[i].len; n++)
			place_node(sb, text, &list->pipelines[i].nodes[n]);
}

static const struct { const char *text, *places; } places[] = {
	{ "echo a\"b\" $x", "<echo a\"b\" $x>{echo:echo}{a\"b\":a|\"b\"}{$x:$x}" },
	{ "  a=b  c \"d$(e f)g\" >h 2>&1 ; i",
	  "<a=b  c \"d$(e f)g\" >h 2>&1>=a=b{b:b}{c:c}{\"d$(e f)g\":\"d|$(e f)<e f>{e:e}{f:f}|g\"}(>h){h:h}(2>&1){1:1}<i>{i:i}" },
	{ "a `b \\\"c\\\" \\`d\\` e` f",
	  "<a `b \\\"c\\\" \\`d\\` e` f>{a:a}{`b \\\"c\\\" \\`d\\` e`:`b \\\"c\\\" \\`d\\` e`<b \\\"c\\\" \\`d\\` e>{b:b}{\\\"c\\\":\\\"|c|\\\"}{`d\\`:`d\\`<d>{d:d}}{e:e}}{f:f}" },
	{ "\"`a \\\"b\\\"`\"c",
	  "<\"`a \\\"b\\\"`\"c>{\"`a \\\"b\\\"`\"c:`a \\\"b\\\"`<a \\\"b\\\">{a:a}{\"b\\\":\"b\\\"}|c}" },
	{ "`\\`\\\\\\\\\\\nl m",
	  "<`\\`\\\\\\\\\\\\nl m>{`\\`\\\\\\\\\\\\nl m:`\\`\\\\\\\\\\\\nl m<`\\\\\\\\\\\\nl m>{`\\\\\\\\\\\\nl m:`\\\\\\\\\\\\nl m<\\\\>{\\\\:\\\\}<l m>{l:l}{m:m}}}" },
	{ "`a \\`b \\\\\\\\c d\\``",
	  "<`a \\`b \\\\\\\\c d\\``>{`a \\`b \\\\\\\\c d\\``:`a \\`b \\\\\\\\c d\\``<a \\`b \\\\\\\\c d\\`>{a:a}{`b \\\\\\\\c d\\`:`b \\\\\\\\c d\\`<b \\\\\\\\c d>{b:b}{\\c:\\c}{d:d}}}" },
	{ "for i in a b; do c; done >d; (e)",
	  "<for i in a b; do c; done >d>{a:a}{b:b}(>d){d:d}<c>{c:c}<(e)><e>{e:e}" },
	{ "a <<E b\nc $d\nE\nf", "<a <<E b>{a:a}{b:b}(<<E){c $d\\n:c |$d|\\n}<f>{f:f}" },
	{ "{a,b{c,d}}", "<{a,b{c,d}}>{{a,b{c,d}}:{a,b{c,d}}{a:a}{b{c,d}:b|{c,d}{c:c}{d:d}}}" },
	{ "${x:-a$b} ${x/c/d}", "<${x:-a$b} ${x/c/d}>{${x:-a$b}:${x:-a$b}{a$b:a|$b}}{${x/c/d}:${x/c/d}{c:c}{d:d}}" },
	{ "a\\\nb $\\\n(c)", "<a\\\\nb $\\\\n(c)>{a\\\\nb:a\\\\nb}{$\\\\n(c):$\\\\n(c)<c>{c:c}}" },
	{ "a$'b\\n'\\c'd'", "<a$'b\\n'\\c'd'>{a$'b\\n'\\c'd':a|$'b\\n'\\c'd'}" },
	{ "f() { a; } | b", "<f() { a; }><{ a; }><a>{a:a}<b>{b:b}" },
	{ "$((a+$(b)))", "<$((a+$(b)))>{$((a+$(b))):$((a+$(b))){a+$(b):a+|$(b)<b>{b:b}}}" },
	{ "a[1]=b c=(d)", "<a[1]=b c=(d)>=a[1]=b{b:b}=c=(d){}" },
};

static void knows_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autoarena struct arena a = ARENA_INIT;
		autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);

		place_list(&sb, places[i].text, shell_parse(&a, places[i].text, strlen(places[i].text)).body);
		assert_string_equal(sb.buf, places[i].places);
	}
}

static void drops_nul_bytes(void **state)
{
	static const char text[] = "\0r\0\0m \"a\0b\"\0; \0c";
	autoarena struct arena a = ARENA_INIT;
	autostrbuf struct strbuf sb = STRBUF_INIT(STRBUF_NO_MAX);
	const struct shell_list *list = shell_parse(&a, text, sizeof(text) - 1).body;

	(void)state;
	dump_list(&sb, list);
	assert_string_equal(sb.buf, "[rm 'ab']; [c]");
	assert_int_equal(list->pipelines[0].nodes[0].words[0].offset, 1);
	assert_int_equal(list->pipelines[0].nodes[0].words[0].source_len, 4);
	assert_int_equal(list->pipelines[1].nodes[0].offset, sizeof(text) - 2);
	assert_int_equal(shell_parse(&a, "\0\0", 2).body->len, 0);
}

/* The text is no string: what stands behind its end is not read (ASan sees it). */
static void reads_up_to_the_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t len = 0; len <= strlen(rows[i].text); len++) {
			autoarena struct arena a = ARENA_INIT;
			autofree char *s = xmalloc(len ? len : 1);

			memcpy(s, rows[i].text, len);
			assert_non_null(shell_parse(&a, s, len).body);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(knows_places),
		cmocka_unit_test(drops_nul_bytes),
		cmocka_unit_test(reads_up_to_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
