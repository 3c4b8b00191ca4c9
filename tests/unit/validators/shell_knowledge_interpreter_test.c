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

/* What stands on standard input is INPUT. */
static const struct {
	const char *line, *expected;
} rows[] = {
	{ "python3 -c 'import os'", "python: import os" },
	{ "python -c 'a b' c d", "python: a b" },
	{ "python3.11 -Bc 'a b'", "python: a b" },
	{ "/usr/bin/python2 -W ignore -c x", "python: x" },
	{ "python3 -", "python: INPUT" },
	{ "python3 - a b", "python: INPUT" },
	{ "python3", "python: INPUT" },
	{ "python3 /dev/stdin", "python: INPUT" },
	{ "python3 x.py a", "python: file x.py" },
	{ "python3 -u x.py -c a", "python: file x.py" },
	{ "python3 -m http.server", "python:" },
	{ "python3 --version", "python:" },
	{ "pypy3 -c x", "python: x" },
	{ "perl -e 'a b'", "perl: a b" },
	{ "perl -E x", "perl: x" },
	{ "perl -ne 'a b' f", "perl: a b" },
	{ "perl -lane x f", "perl: x" },
	{ "perl -pi -e x f", "perl: x" },
	{ "perl -i.bak -pe x f", "perl: x" },
	{ "perl -0777 -ne x f", "perl: x" },
	{ "perl -e a -e b", "perl: a\nb" },
	{ "perl -MFile::Path=remove_tree -e x", "perl: x" },
	{ "perl -M Socket -e x", "perl: x" },
	{ "perl x.pl", "perl: file x.pl" },
	{ "perl - App::x", "perl: INPUT" },
	{ "perl5.36 -we x", "perl: x" },
	{ "ruby -e x", "ruby: x" },
	{ "ruby -rfileutils -e x", "ruby: x" },
	{ "ruby -r json -ne x", "ruby: x" },
	{ "ruby x.rb", "ruby: file x.rb" },
	{ "ruby", "ruby: INPUT" },
	{ "node -e x", "node: x" },
	{ "node -p x", "node: x" },
	{ "node -pe x", "node: x" },
	{ "node --eval=x", "node: x" },
	{ "node --print x", "node: x" },
	{ "node -r ./a.js x.js", "node: file x.js" },
	{ "nodejs --no-warnings -e x", "node: x" },
	{ "node", "node: INPUT" },
	{ "node -", "node: INPUT" },
	{ "php -r x", "php: x" },
	{ "php -d a=b -r x", "php: x" },
	{ "php8.2 -f x.php", "php: file x.php" },
	{ "php", "php: INPUT" },
	{ "php -S 0:80", "php:" },
	{ "lua5.4 -e x", "lua: x" },
	{ "lua x.lua", "lua: file x.lua" },
	{ "awk '{ print }' f", "awk: { print }" },
	{ "awk -F: -v a=b '{ print }' f", "awk: { print }" },
	{ "gawk -F , '{ print }'", "awk: { print }" },
	{ "awk -f x.awk f", "awk: file x.awk" },
	{ "gawk -e x -e y", "awk: x\ny" },
	{ "mawk x", "awk: x" },
	{ "awk", "awk:" },
	{ "awk -f -", "awk: INPUT" },
	{ "Rscript -e x", "r: x" },
	{ "R -q -e x", "r: x" },
	{ "osascript -e x -e y", "applescript: x\ny" },
	{ "tclsh x.tcl", "tcl: file x.tcl" },
	{ "expect -c x", "tcl: x" },
	{ "pwsh -Command rm x", "powershell: rm x" },
	{ "pwsh -NoProfile -c 'rm x'", "powershell: rm x" },
	{ "powershell.exe -ep Bypass -enc cgBtACAAeAA=", "powershell: rm x" },
	{ "pwsh -EncodedCommand cgBtACAAeAA=", "powershell: rm x" },
	{ "pwsh x.ps1", "powershell: file x.ps1" },
	{ "pwsh -File x.ps1", "powershell: file x.ps1" },
	{ "pwsh -Command -", "powershell: INPUT" },
	{ "deno eval x", "node: x" },
	{ "deno run -A x.ts", "node: file x.ts" },
	{ "deno fmt x.ts", "node:" },
	{ "bun -e x", "node: x" },
	{ "groovy -e x", "groovy: x" },
	{ "jshell", "java: INPUT" },
	{ "psql -c 'drop x'", "sql: drop x" },
	{ "psql -d shop -U app --command='drop x'", "sql: drop x" },
	{ "psql -c a -c b db", "sql: a\nb" },
	{ "psql -f x.sql", "sql: file x.sql" },
	{ "psql -f x.sql -c 'drop x'", "sql: drop x" },
	{ "psql shop", "sql: INPUT" },
	{ "psql -l", "sql:" },
	{ "mysql -h db -u root -psecret -e 'drop x'", "sql: drop x" },
	{ "mysql --execute='drop x' shop", "sql: drop x" },
	{ "mysql shop", "sql: INPUT" },
	{ "mariadb -e x", "sql: x" },
	{ "sqlite3 a.db 'drop x'", "sql: drop x" },
	{ "sqlite3 -header a.db x", "sql: x" },
	{ "sqlite3 -cmd '.shell id' a.db", "sql: .shell id" },
	{ "sqlite3 a.db", "sql: INPUT" },
	{ "mongosh --eval x db", "mongo: x" },
	{ "mongosh 'mongodb://h' --eval=x", "mongo: x" },
	{ "mongosh db", "mongo: INPUT" },
	{ "redis-cli -h cache FLUSHALL ASYNC", "redis: FLUSHALL ASYNC" },
	{ "redis-cli -a pw --user u CONFIG SET a b", "redis: CONFIG SET a b" },
	{ "redis-cli", "redis: INPUT" },
	{ "vim -c ':!id' x", "vi: :!id" },
	{ "vim '+!id' x", "vi: !id" },
	{ "vim -es -c a -c b x", "vi: a\nb" },
	{ "ex -s x", "vi: INPUT" },
	{ "ed x", "vi: INPUT" },
	{ "vim x", "vi:" },
	{ "gdb -nx -ex 'shell id' -ex quit", "gdb: shell id\nquit" },
	{ "make -f -", "make: INPUT" },
	{ "make -f x.mk all", "make: file x.mk" },
	{ "make all", "make:" },
	{ "julia -e x", "julia: x" },
	{ "duckdb a.db x", "sql: x" },
	{ "sqlcmd -S h -Q x", "sql: x" },
	{ "python3 -c '?${X}'", "python: ${X} (unknown)" },
	{ "cat x", "none" },
	{ "?${X} -c x", "none" },
	{ "python3-config --libs", "none" },
};

static void finds_the_code(void **state)
{
	size_t failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoarena struct arena arena = ARENA_INIT;
		autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);
		struct shell_value argv[TEST_MAX_WORDS], input = test_value(&arena, "INPUT", 5, ORIGIN_FILE);
		size_t argc = test_words(&arena, rows[i].line, argv);
		struct interpreter it;

		if (!knowledge_interpreter(&arena, argv, argc, &input, &it)) {
			strbuf_addstr(&out, "none");
		} else {
			strbuf_addf(&out, "%s:", it.language);
			if (it.file)
				strbuf_addf(&out, " file %s", argv[it.file].text);
			if (it.code.len)
				strbuf_addf(&out, " %s%s", it.code.text, it.code.known ? "" : " (unknown)");
			assert_int_equal(strlen(it.code.text), it.code.len);
			assert_false(it.file && it.code.len);
		}
		if (!strcmp(out.buf, rows[i].expected))
			continue;
		print_error("%s\n  is       %s\n  expected %s\n", rows[i].line, out.buf, rows[i].expected);
		failed++;
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
