/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis_expand: values of words. The scripts are only read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/validators/shell_analysis_dump.h"

static const struct row words_rows[] = {
	{ "ls -l /tmp", "", "ls -l /tmp" },
	{ "echo \"rm -rf /\"", "", "echo rm -rf /" },
	{ "echo 'a  b' c\\ d", "", "echo a  b c d" },
	{ "# rm -rf /", "", "" },
	{ "grep 'rm -rf /' x.sh; git commit -m \"drop rm -rf /\"", "",
	  "grep rm -rf / x.sh ;; git commit -m drop rm -rf /" },
	{ "echo \"$HOME\" ~/x $HOME/y", "", "echo ~ ~/x ~/y" },
	{ "echo $UNSET \"${OTHER}/x\" a$B", "", "echo ${UNSET} ${OTHER}/x a${B}" },
	{ "echo $? $$ $! $#", "", "echo ${?} ${$} ${!} ${#}" },
	{ "echo ''", "", "echo " },
	{ "echo \"\" $EMPTY", "", "echo  ${EMPTY}" },
	{ "E=; echo $E x", "", "E= ;; echo x" },
};

static const struct row variables_rows[] = {
	{ "X=rm; $X -rf /", "", "X=rm ;; rm -rf /" },
	{ "X='rm -rf /'; $X", "", "X=rm -rf / ;; rm -rf /" },
	{ "X='rm -rf /'; \"$X\"", "", "X=rm -rf / ;; rm -rf /" },
	{ "A=/; B=${A}etc; rm -rf \"$B\"", "", "A=/ ;; B=/etc ;; rm -rf /etc" },
	{ "A=x; A+=y; echo $A", "", "A=x ;; A=y ;; echo xy" },
	{ "readonly D=/srv; export E=$D/x; echo $E", "", "readonly D=/srv ;; export E=/srv/x ;; echo /srv/x" },
	{ "declare -r D='a b'; echo $D \"$D\"", "", "declare -r D=a b ;; echo a b a b" },
	{ "X=1 echo $X", "", "echo ${X}" },
	{ "X=5; unset X; echo $X", "", "X=5 ;; unset X ;; echo ${X}" },
	{ "IFS=,; X=rm,-rf,/; $X", "", "IFS=, ;; X=rm,-rf,/ ;; rm -rf /" },
	{ "X='a b'; Y=$X; echo \"$Y\"", "", "X=a b ;; Y=a b ;; echo a b" },
	{ "T=/; [ x ] && T=/tmp; rm -rf $T", "", "T=/ ;; [ x ] ;; T=/tmp ;; rm -rf / ;; rm -rf /tmp" },
	{ "if a; then D=/a; else D=/b; fi; rm -rf $D", "", "a {test} ;; D=/a ;; D=/b ;; rm -rf /a ;; rm -rf /b" },
	{ "D=; if a; then D=/a; else D=/b; fi; rm -rf $D/x", "",
	  "D= ;; a {test} ;; D=/a ;; D=/b ;; rm -rf /a/x ;; rm -rf /b/x" },
	{ "D=/a; if x; then D=/; rm -rf $D; fi", "", "D=/a ;; x {test} ;; D=/ ;; rm -rf /" },
	{ "case $x in a) D=/a;; b) D=/b;; esac; ls $D", "", "D=/a ;; D=/b ;; ls /a ;; ls /b" },
	{ "D=$1; [ -z \"$D\" ] && D=/tmp/x; ls $D", "", "D=${1} ;; [ -z ${1} ] ;; D=/tmp/x ;; ls /tmp/x" },
	{ "IFS=_ read -r a b c <<< 'rm_-rf_/'; $a $b $c", "", "read -r a b c ;; rm -rf /" },
	{ "mapfile -t c <<< 'rm -rf /'; ${c[0]}", "", "mapfile -t c ;; rm -rf /" },
	{ "declare -n r=c; c='rm x'; $r", "", "declare -n r=c ;; c=rm x ;; rm x" },
};

static const struct row parameters_rows[] = {
	{ "echo ${X:-/etc} ${X-y}", "", "echo /etc y" },
	{ "X=a; echo ${X:-b} ${X:+c} ${X:?no}", "", "X=a ;; echo a c a" },
	{ "echo ${X:=v} $X", "", "echo v v" },
	{ "echo ${X:?missing} ${X:+c}z", "", "echo ${X} z" },
	{ "X=abcdef; echo ${#X} ${X:1:2} ${X: -2} ${X:2}", "", "X=abcdef ;; echo 6 bc ef cdef" },
	{ "X=/a/b.tar.gz; echo ${X##*/} ${X#*/} ${X%.*} ${X%%.*}", "",
	  "X=/a/b.tar.gz ;; echo b.tar.gz a/b.tar.gz /a/b.tar /a/b" },
	{ "X=a-b-c; echo ${X/-/_} ${X//-/_} ${X/#a/z} ${X/%c/z} ${X//-}", "",
	  "X=a-b-c ;; echo a_b-c a_b_c z-b-c a-b-z abc" },
	{ "X=Rm; echo ${X^^} ${X,,}", "", "X=Rm ;; echo RM rm" },
	{ "X=[ab]c; echo ${X%[x-z]} ${X#?}", "", "X=[ab]c ;; echo [ab]c ab]c" },
	{ "A=B; B=v; echo ${!A}", "", "A=B ;; B=v ;; echo v" },
	{ "P=/usr/bin; echo ${P:0:1}etc", "", "P=/usr/bin ;; echo /etc" },
	{ "echo ${PATH:0:1}", "", "echo /" },
	{ "echo \"${x:+$(rm x)}\"; y=1; echo ${y:-$(rm y)} ${z%$(rm z)}", "",
	  "rm x ;; echo  ;; y=1 ;; rm y ;; rm z ;; echo 1 ${z}" },
};

static const struct row arrays_rows[] = {
	{ "a=(rm -rf /); \"${a[@]}\"", "", "a=(rm -rf /) ;; rm -rf /" },
	{ "a=(x 'y z'); echo ${#a[@]} ${a[1]} \"${a[1]}\" \"${a[*]}\"", "", "a=(x y z) ;; echo 2 y z y z x y z" },
	{ "a=(x y z); echo ${a[@]:1} ${a[-1]} $a", "", "a=(x y z) ;; echo y z z x" },
	{ "a=(x); a+=(y); a[2]=z; echo ${a[@]}", "", "a=(x) ;; a=(y) ;; a[2]=z ;; echo x y z" },
	{ "declare -A m=([k]=v [l]=w); echo ${m[l]} ${m[q]}", "", "declare -A m=([k]=v [l]=w) ;; echo w ${m[q]}" },
	{ "i=1; a=(x y); echo ${a[$i]} ${a[i-1]}", "", "i=1 ;; a=(x y) ;; echo y x" },
	{ "m[key]=v; echo ${m[key]}", "", "m[key]=v ;; echo v" },
	{ "a=([0]=rm [1]=-rf [2]=/); ${a[@]}", "", "a=([0]=rm [1]=-rf [2]=/) ;; rm -rf /" },
	{ "read -ra c <<< 'rm -rf /'; \"${c[@]}\"", "", "read -ra c ;; rm -rf /" },
};

static const struct row arguments_rows[] = {
	{ "set -- rm -rf /; \"$@\"", "", "set -- rm -rf / ;; rm -rf /" },
	{ "set -- a b c; shift; echo $1 $# \"$*\" ${@:2}", "", "set -- a b c ;; shift ;; echo b 2 b c c" },
	{ "set -e; echo $1 \"$@\"", "", "set -e ;; echo ${1} ${@}" },
	{ "f() { echo $1 $#; }; f x y", "", "f x y ;; echo x 2" },
	{ "f() { \"$@\"; }; f rm -rf /", "", "f rm -rf / ;; rm -rf /" },
	{ "f() { local x=$1; echo $x; }; x=o; f i; echo $x", "", "x=o ;; f i ;; local x=i ;; echo i ;; echo o" },
	{ "f() { g \"$1\"; }; g() { rm -rf \"$1\"; }; f /etc", "", "f /etc ;; g /etc ;; rm -rf /etc" },
	{ "sh -c 'rm -rf $0/$1' /a b", "", "sh -c rm -rf $0/$1 /a b ;; rm -rf /a/b {nested}" },
	{ "sh -c 'echo \"$@\"' name x y", "", "sh -c echo \"$@\" name x y ;; echo x y {nested}" },
};

static const struct row arithmetic_rows[] = {
	{ "echo $((1+2*3)) $(( (1+2)*3 )) $((0x10)) $((2**5))", "", "echo 7 9 16 32" },
	{ "n=4; echo $((n+1)) $(($n*2)) $((n>3)) $((1/0))", "", "n=4 ;; echo 5 8 1 $((1/0))" },
	{ "echo $((x+1)) $((5 % 3)) $((-7 / 2)) $((1 << 4 | 1))", "", "echo $((x+1)) 2 -3 17" },
	{ "i=1; ((i++)); echo $i", "", "i=1 ;; echo ${i}" },
	{ "chmod $((04000 + 0755)) x", "", "chmod 2541 x" },
};

static const struct row braces_rows[] = {
	{ "{rm,-rf,/}", "", "rm -rf / {obfuscated}" },
	{ "echo {a,b}{1,2} x{3..5}", "", "echo a1 a2 b1 b2 x3 x4 x5" },
	{ "rm -rf /{etc,usr}/x", "", "rm -rf /etc/x /usr/x" },
	{ "{cat,/etc/shadow}", "", "cat /etc/shadow {obfuscated}" },
};

static const struct row substitutions_rows[] = {
	{ "echo $(echo a b) \"$(echo c  d)\"", "", "echo a b ;; echo c d ;; echo a b c d" },
	{ "rm -rf $(echo /)", "", "echo / ;; rm -rf /" },
	{ "rm -rf $(cat list | sort)", "", "cat list ;; sort ;; rm -rf $(cat list | sort)" },
	{ "rm -rf $(mktemp -d)", "", "mktemp -d ;; rm -rf $(mktemp -d)" },
	{ "X=$(printf '%s' 'rm -rf /'); $X", "", "printf %s rm -rf / ;; X=rm -rf / ;; rm -rf /" },
	{ "echo `date +%s`", "", "date +%s ;; echo $(date +%s)" },
	{ "D=$(cd \"$(dirname \"$0\")\" && pwd); ls $D", "", "dirname ${0} ;; cd . ;; pwd ;; D=. ;; ls ." },
	{ "D=$(cd /srv && pwd); ls $D", "", "cd /srv ;; pwd ;; D=/srv ;; ls /srv" },
	{ "X=$(echo a; foo); echo $X", "", "echo a ;; foo ;; X=a~$(foo) ;; echo a $(foo)" },
	{ "read A B <<< 'x y z'; echo $B $A", "", "read A B ;; echo y z x" },
	{ "printf -v X '%s%s' r m; $X -rf /", "", "printf -v X %s%s r m ;; rm -rf / {obfuscated}" },
	{ "echo 'rm -rf /' | while read l; do $l; done", "", "echo rm -rf / ;; read l {loop,test} ;; rm -rf / {loop}" },
	{ "echo x > f; X=$(< f); echo $X", "", "echo x ;;  ;; X=x ;; echo x" },
	{ "mapfile -t L; echo ${L[0]}", "", "mapfile -t L ;; echo ${L}" },
	{ "rm -rf $(seq 1 3)", "", "seq 1 3 ;; rm -rf 1 2 3" },
};

static void words(void **state)
{
	(void)state;
	check_rows(words_rows, ARRAY_SIZE(words_rows));
}

static void variables(void **state)
{
	(void)state;
	check_rows(variables_rows, ARRAY_SIZE(variables_rows));
}

static void parameters(void **state)
{
	(void)state;
	check_rows(parameters_rows, ARRAY_SIZE(parameters_rows));
}

static void arrays(void **state)
{
	(void)state;
	check_rows(arrays_rows, ARRAY_SIZE(arrays_rows));
}

static void arguments(void **state)
{
	(void)state;
	check_rows(arguments_rows, ARRAY_SIZE(arguments_rows));
}

static void arithmetic(void **state)
{
	(void)state;
	check_rows(arithmetic_rows, ARRAY_SIZE(arithmetic_rows));
}

static void braces(void **state)
{
	(void)state;
	check_rows(braces_rows, ARRAY_SIZE(braces_rows));
}

static void substitutions(void **state)
{
	(void)state;
	check_rows(substitutions_rows, ARRAY_SIZE(substitutions_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(variables),
		cmocka_unit_test(parameters),
		cmocka_unit_test(arrays),
		cmocka_unit_test(arguments),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(braces),
		cmocka_unit_test(substitutions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
