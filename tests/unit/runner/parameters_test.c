/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "runner/parameters.h"

static const char *value_of(const struct parameters *p, const char *name)
{
	const struct parameter *item = parameters_find(p, name);

	return item ? item->value : "(not given)";
}

static void test_assignments(void **state)
{
	static const struct {
		const char *assignment, *name, *value;	/* name NULL: refused, and `value` is in the message */
		const char *comment;
	} cases[] = {
		{ "A=1", "A", "1", "the simplest" },
		{ "_x9=a=b", "_x9", "a=b", "only the first '=' counts" },
		{ "EMPTY=", "EMPTY", "", "empty is a value" },
		{ "T=  $(id) `id` 'x' \n", "T", "  $(id) `id` 'x' \n", "kept byte for byte" },
		{ "PATHS=x", "PATHS", "x", "only the exact name is reserved" },
		{ "ld_x=x", "ld_x", "x", "case counts" },
		{ "x", NULL, "'x' has no '='", "no '='" },
		{ "=x", NULL, "name of the parameter is missing", "no name" },
		{ "1A=x", NULL, "'1A' is no parameter name", "starts with a digit" },
		{ "A-B=x", NULL, "'A-B' is no parameter name", "dash" },
		{ "A B=x", NULL, "'A B' is no parameter name", "blank" },
		{ "\xc3\xa4=x", NULL, "is no parameter name", "not ASCII" },
		{ "PATH=/x", NULL, "the runner sets it", "reserved: ours" },
		{ "LD_PRELOAD=/x.so", NULL, "load or run other code", "reserved: loader" },
		{ "LD_ANYTHING=x", NULL, "load or run other code", "reserved by prefix" },
		{ "BASH_ENV=/x", NULL, "how the shell", "reserved: shell" },
		{ "BASH_FUNC_x=y", NULL, "how the shell", "exported functions" },
		{ "IFS=x", NULL, "how the shell", "reserved: IFS" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parameters p;
		struct error err = { 0 };
		int rc;

		parameters_init(&p);
		rc = parameters_add(&p, cases[i].assignment, &err);
		if (rc != (cases[i].name ? 0 : -1))
			fail_msg("%s: returned %d", cases[i].comment, rc);
		if (rc == 0 && strcmp(value_of(&p, cases[i].name), cases[i].value))
			fail_msg("%s: value is '%s'", cases[i].comment, value_of(&p, cases[i].name));
		if (rc < 0 && (err.code != ERR_USAGE || !strstr(err.text, cases[i].value)))
			fail_msg("%s: message is '%s'", cases[i].comment, err.text);
		parameters_release(&p);
	}
}

static void test_later_ones_win(void **state)
{
	struct parameters p;

	(void)state;
	parameters_init(&p);
	assert_int_equal(parameters_add(&p, "A=1", NULL), 0);
	assert_int_equal(parameters_add_text(&p, "A=2\nB=3\n", 8, "f", NULL), 0);
	assert_string_equal(value_of(&p, "A"), "2");
	assert_string_equal(parameters_find(&p, "A")->origin, "--params-file");
	assert_int_equal(parameters_add(&p, "A=4", NULL), 0);
	assert_string_equal(value_of(&p, "A"), "4");
	assert_int_equal(p.len, 2);
	assert_null(parameters_find(&p, "C"));
	parameters_release(&p);
}

static void test_too_large(void **state)
{
	struct parameters p;
	struct error err = { 0 };
	autofree char *big = xmalloc(140000);
	int n;

	(void)state;
	parameters_init(&p);
	memset(big, 'x', 140000);
	big[1] = '=';
	big[131072] = '\0';
	assert_int_equal(parameters_add(&p, big, &err), -1);
	assert_non_null(strstr(err.text, "at most 128 KiB"));
	big[131071] = '\0';	/* with its NUL exactly the kernel's limit */
	for (n = 0; n < 26; n++) {
		big[0] = (char)('A' + n);
		if (parameters_add(&p, big, &err) < 0)
			break;
	}
	assert_int_equal(n, 8);	/* 8 * 128 KiB = 1 MiB */
	assert_non_null(strstr(err.text, "1 MiB in all"));
	parameters_release(&p);
}

static void test_files(void **state)
{
	static const struct {
		const char *text, *name, *value;	/* name NULL: refused, and `value` is in the message */
		const char *comment;
	} cases[] = {
		{ "A=1\n", "A", "1", "line" },
		{ "# c\n\n  \t\nexport A=1", "A", "1", "comment, empty, blank, export, no newline at the end" },
		{ "A=1\r\nB=2\r\n", "B", "2", "CRLF" },
		{ "\xef\xbb\xbf" "A=1\n", "A", "1", "byte order mark" },
		{ "A = some words  # comment\n", "A", "some words", "blanks and comment" },
		{ "A=http://x/#frag\n", "A", "http://x/#frag", "# inside a word" },
		{ "A=#x\n", "A", "", "nothing but a comment" },
		{ "A='a \"b\" $c \\n' # x\n", "A", "a \"b\" $c \\n", "single quotes: as it is" },
		{ "A=\"a\\n\\t\\\"\\\\\\$x\\q\"\n", "A", "a\n\t\"\\$x\\q", "double quotes: escapes" },
		{ "A=\n", "A", "", "empty" },
		{ "A=x'y'\n", "A", "x'y'", "quotes inside are ordinary" },
		{ "A=1\nB\n", NULL, "f:2:1: no '='", "no '=' further down" },
		{ "A='x\n", NULL, "f:1:3: this quote is not closed", "open quote" },
		{ "A='\xc3\xa4' y\n", NULL, "f:1:7: text after", "columns are characters" },
		{ "A=1\n PATH=x\n", NULL, "f:2:2: 'PATH' cannot", "reserved name at its place" },
		{ "A=1\n=2\n", NULL, "f:2:1: the name", "no name" },
		{ "", "A", "(not given)", "empty file" },
		{ "# only this\n", "A", "(not given)", "only a comment" },
		{ "A: 1\n", "A", "1", "YAML" },
		{ "---\nA: 007\nB: yes\n", "A", "007", "YAML scalars as written" },
		{ "A: 007\nB: yes\n", "B", "yes", "YAML booleans as written" },
		{ "A: |\n  two\n  lines\n", "A", "two\nlines\n", "YAML block" },
		{ "A: ''\n", "A", "", "YAML empty text" },
		{ "{\"A\": \"b=c\", \"B\": 2}", "A", "b=c", "JSON" },
		{ "\"A=B\": c\n", NULL, "f:1:1: 'A=B' is no parameter name", "YAML key that is no name" },
		{ "A: 1\nB: [1]\n", NULL, "f:2:4: the value of 'B' is a list", "YAML list" },
		{ "A:\n", NULL, "the value of 'A' is a null", "YAML null" },
		{ "- A\n", NULL, "f:1:1: neither", "YAML list at the top" },
		{ "hello\n", NULL, "f:1:1: neither", "no format at all" },
		{ "A: 1\nA: 2\n", NULL, "f:2:1: ", "YAML duplicate" },
		{ "A: [\n", NULL, "f:", "YAML syntax" },
		{ "IFS: x\n", NULL, "f:1:1: 'IFS' cannot", "YAML reserved" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parameters p;
		struct error err = { 0 };
		int rc;

		parameters_init(&p);
		rc = parameters_add_text(&p, cases[i].text, strlen(cases[i].text), "f", &err);
		if (rc != (cases[i].name ? 0 : -1))
			fail_msg("%s: returned %d (%s)", cases[i].comment, rc, err.text);
		if (rc == 0 && strcmp(value_of(&p, cases[i].name), cases[i].value))
			fail_msg("%s: value is '%s'", cases[i].comment, value_of(&p, cases[i].name));
		if (rc < 0 && (err.code != ERR_INVALID_INPUT || !strstr(err.text, cases[i].value)))
			fail_msg("%s: message is '%s'", cases[i].comment, err.text);
		parameters_release(&p);
	}
}

static void test_nul_in_file(void **state)
{
	struct parameters p;
	struct error err = { 0 };

	(void)state;
	parameters_init(&p);
	assert_int_equal(parameters_add_text(&p, "A=1\nB=x\0y\n", 10, "f", &err), -1);
	assert_string_equal(err.text, "f:2:4: a NUL byte: this is no text");
	parameters_release(&p);
}

static void test_no_file(void **state)
{
	char dir[] = "/tmp/parameters_test.XXXXXX";
	autofree char *fifo = NULL;
	struct parameters p;
	struct error err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	fifo = xasprintf("%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	parameters_init(&p);
	assert_int_equal(parameters_add_file(&p, dir, &err), -1);
	assert_int_equal(err.code, ERR_INVALID_INPUT);
	assert_non_null(strstr(err.text, "is a directory"));
	assert_int_equal(parameters_add_file(&p, fifo, &err), -1);
	assert_non_null(strstr(err.text, "is a FIFO"));
	unlink(fifo);
	assert_int_equal(parameters_add_file(&p, fifo, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	parameters_release(&p);
	rmdir(dir);
}

static void hides(const struct parameters *p, const char *text, const char *want)
{
	autostrbuf struct strbuf out = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(p->redactor, text, strlen(text), &out);
	assert_string_equal(out.buf, want);
}

static void test_secret_from_environment(void **state)
{
	struct parameters p;
	struct error err = { 0 };

	(void)state;
	parameters_init(&p);
	setenv("PARAMETERS_TEST", "hunter22", 1);
	assert_int_equal(parameters_add_secret(&p, "TOKEN=env:PARAMETERS_TEST", &err), 0);
	assert_string_equal(value_of(&p, "TOKEN"), "hunter22");
	assert_true(parameters_find(&p, "TOKEN")->secret);
	hides(&p, "it is hunter22.", "it is ***.");
	unsetenv("PARAMETERS_TEST");
	assert_int_equal(parameters_add_secret(&p, "TOKEN=env:PARAMETERS_TEST", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.text, "--param-secret TOKEN: the environment variable 'PARAMETERS_TEST' is not set");
	parameters_release(&p);
}

static void test_secret_from_file(void **state)
{
	static const struct { const char *content, *value; } cases[] = {	/* value NULL: refused */
		{ "hunter22\n", "hunter22" },
		{ "hunter22", "hunter22" },
		{ "hunter22\r\n", "hunter22" },
		{ "two\nlines\n\n", "two\nlines\n" },
		{ "abc\n", NULL },
		{ "\n", NULL },
		{ "", NULL },
	};
	char path[] = "/tmp/parameters_test.XXXXXX";
	int fd = mkstemp(path);
	autofree char *assignment = xasprintf("TOKEN=file:%s", path);
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parameters p;

		parameters_init(&p);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, cases[i].content, strlen(cases[i].content), 0), strlen(cases[i].content));
		assert_int_equal(parameters_add_secret(&p, assignment, &err), cases[i].value ? 0 : -1);
		if (cases[i].value)
			assert_string_equal(value_of(&p, "TOKEN"), cases[i].value);
		else
			assert_non_null(strstr(err.text, "less than 4"));
		parameters_release(&p);
	}
	close(fd);
	unlink(path);
}

static void test_secret_from_stdin(void **state)
{
	struct parameters p;
	struct error err = { 0 };
	int pipefd[2], saved = dup(STDIN_FILENO);
	char rest[8];

	(void)state;
	parameters_init(&p);
	assert_int_equal(pipe(pipefd), 0);
	assert_int_equal(write(pipefd[1], "hunter22\nmore", 13), 13);
	close(pipefd[1]);
	dup2(pipefd[0], STDIN_FILENO);
	close(pipefd[0]);
	assert_int_equal(parameters_add_secret(&p, "A=-", &err), 0);
	assert_string_equal(value_of(&p, "A"), "hunter22");
	assert_true(p.stdin_taken);
	assert_int_equal(parameters_add_secret(&p, "B=-", &err), -1);
	assert_non_null(strstr(err.text, "already read"));
	assert_int_equal(read(STDIN_FILENO, rest, sizeof(rest)), 4);	/* not a byte more than the line was taken */
	dup2(saved, STDIN_FILENO);
	close(saved);
	parameters_release(&p);
}

static void test_secret_never_in_a_message(void **state)
{
	static const char *const assignments[] = { "TOKEN=hunter22", "hunter22", "PATH=hunter22", "TOKEN=/etc/hunter22" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(assignments); i++) {
		struct parameters p;
		struct error err = { 0 };

		parameters_init(&p);
		assert_int_equal(parameters_add_secret(&p, assignments[i], &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
		assert_null(strstr(err.text, "hunter22"));
		parameters_release(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assignments),
		cmocka_unit_test(test_later_ones_win),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_nul_in_file),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_secret_from_environment),
		cmocka_unit_test(test_secret_from_file),
		cmocka_unit_test(test_secret_from_stdin),
		cmocka_unit_test(test_secret_never_in_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
