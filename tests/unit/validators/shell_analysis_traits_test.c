/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis_traits: fork bombs, disguised names and other traits. The scripts are only read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/validators/shell_analysis_dump.h"

static const struct row bombs_rows[] = {
	{ ":(){ :|:& };:", "", ": ;; : {background,fork-bomb} ;; : {background,fork-bomb}" },
	{ ":() { : | : & } ; :", "", ": ;; : {background,fork-bomb} ;; : {background,fork-bomb}" },
	{ "x(){ x & x & }; x", "", "x ;; x {background,fork-bomb} ;; x {background,fork-bomb}" },
	{ "update_cache() {\n update_cache | update_cache &\n}\nupdate_cache", "",
	  "update_cache ;; update_cache {background,fork-bomb} ;; update_cache {background,fork-bomb}" },
	{ "f() { while true; do f & done; }; f", "", "f ;; true {loop,test} ;; f {background,loop,endless,fork-bomb}" },
	{ "a(){ b|b& }; b(){ a|a& }; a", "",
	  "a ;; b {background} ;; a {background,fork-bomb} ;; a {background,fork-bomb} ;; "
	  "b {background} ;; a {background,fork-bomb} ;; a {background,fork-bomb}" },
	{ "f() { echo hi && f | f & }; f", "",
	  "f ;; echo hi {background} ;; f {background,fork-bomb} ;; f {background,fork-bomb}" },
	{ "fact() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fact $(($1-1))) )); fi; }; fact 5", "",
	  "fact 5 ;; [ 5 -le 1 ] {test} ;; echo 1 ;; fact 4 ;; echo $(( $1 * $(fact $(($1-1))) ))" },
	{ "f() { [ $1 -gt 5 ] && return; f $(($1+1)) | cat & }; f 0", "",
	  "f 0 ;; [ 0 -gt 5 ] ;; return ;; f 1 {background} ;; cat {background}" },
	{ "f() { test -d x && f & }; f", "", "f ;; test -d x {background} ;; f {background}" },
	{ "f() { f; }; f", "", "f ;; f" },
	{ "$0 & $0 &", "", "${0} {background,fork-bomb,unknown-name} ;; ${0} {background,fork-bomb,unknown-name}" },
	{ "\"$0\" | \"$0\" &", "", "${0} {background,fork-bomb,unknown-name} ;; ${0} {background,fork-bomb,unknown-name}" },
	{ "f() { f | f & }", "", "f {background,function} ;; f {background,function}" },
	{ "walk() { for d in \"$1\"/*; do [ -d \"$d\" ] && walk \"$d\" & done; }; walk .", "",
	  "walk . ;; [ -d ./* ] {background,loop} ;; walk ./* {background,loop}" },
	{ "sh -c ':(){ :|:& };:'", "",
	  "sh -c :(){ :|:& };: ;; : {nested} ;; : {background,fork-bomb,nested} ;; "
	  ": {background,fork-bomb,nested}" },
	{ "if [ -z \"$R\" ]; then R=1 $0 & fi", "", "[ -z ${R} ] {test} ;; ${0} {background,unknown-name}" },
	{ "bomb() { $FUNCNAME | $FUNCNAME & }; bomb", "",
	  "bomb ;; bomb {background,fork-bomb} ;; bomb {background,fork-bomb}" },
	{ "echo '$0 & $0' > /tmp/b.sh; bash /tmp/b.sh", "",
	  "echo $0 & $0 ;; bash /tmp/b.sh ;; /tmp/b.sh {background,fork-bomb,nested} ;; "
	  "/tmp/b.sh {nested}" },
	{ "f() { (f &); (f &); }; f", "", "f ;; f {background,fork-bomb} ;; f {background,fork-bomb}" },
	{ "bash \"$0\" & bash \"$0\" &", "", "bash ${0} {background,fork-bomb} ;; bash ${0} {background,fork-bomb}" },
};

static const struct row obfuscation_rows[] = {
	{ "r''m -rf /", "", "rm -rf / {obfuscated}" },
	{ "\"r\"m x; r\\m x; $'\\x72m' x", "", "rm x {obfuscated} ;; rm x {obfuscated} ;; rm x {obfuscated}" },
	{ "\\rm x; 'rm' x; \"rm\" x; \"/bin/rm\" x", "", "rm x ;; rm x ;; rm x ;; /bin/rm x" },
	{ "a=r; b=m; $a$b -rf /", "", "a=r ;; b=m ;; rm -rf / {obfuscated}" },
	{ "x=; r${x}m -rf /; r${u}m y; r$@m z", "",
	  "x= ;; rm -rf / {obfuscated} ;; rm y {obfuscated} ;; rm z {obfuscated}" },
	{ "rm${IFS}-rf${IFS}/; rm$IFS-rf$IFS$9/etc", "", "rm -rf / {obfuscated} ;; rm -rf /etc {obfuscated}" },
	{ "rm${IFS%?\?}-rf${IFS%?\?}/", "", "rm -rf / {obfuscated}" },
	{ "$(echo r)m x; $(echo rm) x; $(printf '\\x72\\x6d') x", "",
	  "echo r ;; rm x {obfuscated} ;; echo rm ;; rm x {obfuscated} ;; printf \\x72\\x6d ;; "
	  "rm x {obfuscated}" },
	{ "`echo r``echo m` x", "", "echo r ;; echo m ;; rm x {obfuscated}" },
	{ "$(which rm) x; \"$(command -v rm)\" x", "", "which rm ;; rm x ;; command -v rm ;; rm x" },
	{ "c=cur; c=\"${c}l\"; $c -s x", "", "c=cur ;; c=curl ;; curl -s x {obfuscated}" },
	{ "cmd=ls; $cmd x; ${cmd} y; ${DIR}/bin/ls z; python${V} q", "",
	  "cmd=ls ;; ls x ;; ls y ;; ${DIR}/bin/ls z ;; python${V} q {unknown-name}" },
	{ "V=3; python$V x; D=/usr; $D/bin/ls; P=lib; ${P}-tool", "",
	  "V=3 ;; python3 x ;; D=/usr ;; /usr/bin/ls ;; P=lib ;; lib-tool" },
	{ "CMD=\"docker compose\"; CMD=\"$CMD -f x\"; $CMD up", "",
	  "CMD=docker compose ;; CMD=docker compose -f x ;; docker compose -f x up" },
	{ "\321\205=1; \321\201url x", "", "\321\205=1 {obfuscated} ;; \321\201url x {obfuscated}" },
	{ "X=abcrm; ${X:3} y; Y=mr; Z=RM; ${Z,,} q", "",
	  "X=abcrm ;; rm y {obfuscated} ;; Y=mr ;; Z=RM ;; rm q {obfuscated}" },
	{ "base64() { :; }; $CMD x", "", "${CMD} x {unknown-name} ;; : {function}" },
	{ "eval \"r''m x\"; ba''sh -c 'rm x'", "",
	  "eval r''m x ;; rm x {nested,obfuscated} ;; bash -c rm x {obfuscated} ;; rm x {nested}" },
	{ "sudo r''m x", "", "sudo rm x ;; rm x {obfuscated,privileged}" },
	{ "/b?n/r? x; /?\?\?/rm y", "e",
	  "/bin/rm x deletes:x executes:/b?n/r? {obfuscated} ;; "
	  "/bin/rm y deletes:y executes:/?\?\?/rm {obfuscated}" },
};

static const struct row others_rows[] = {
	{ "while true; do a & done", "", "true {loop,test} ;; a {background,loop,endless}" },
	{ "rm -rf / --help; make -n; rsync --dry-run a b", "",
	  "rm -rf / --help {dry} ;; make -n {dry} ;; rsync --dry-run a b {dry}" },
	{ "docker exec c rm x", "", "docker exec c rm x ;; rm x {remote}" },
	{ "kubectl exec p -- sh -c 'rm x'", "",
	  "kubectl exec p -- sh -c rm x ;; sh -c rm x {remote} ;; rm x {nested,remote}" },
};

static void bombs(void **state)
{
	(void)state;
	check_rows(bombs_rows, ARRAY_SIZE(bombs_rows));
}

static void obfuscation(void **state)
{
	(void)state;
	check_rows(obfuscation_rows, ARRAY_SIZE(obfuscation_rows));
}

static void others(void **state)
{
	(void)state;
	check_rows(others_rows, ARRAY_SIZE(others_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bombs),
		cmocka_unit_test(obfuscation),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
