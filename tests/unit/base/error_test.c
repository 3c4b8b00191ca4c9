/* SPDX-License-Identifier: Apache-2.0
 * error: texts are cut, never overflown; context goes in front; NULL is allowed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "runner/base/error.h"

static void test_set(void **state)
{
	struct error err = { .sys = 99 };
	(void)state;

	assert_int_equal(error_set(&err, ERR_USAGE, "no '%s'", "x"), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "no 'x'");
	assert_int_equal(error_set(NULL, ERR_USAGE, "%d", 1), -1);
	assert_int_equal(error_sys(NULL, ERR_USAGE, "%d", 1), -1);
	assert_int_equal(error_prefix(NULL, "%d", 1), -1);
}

static void test_sys(void **state)
{
	struct error err;
	(void)state;

	errno = ENOENT;
	assert_int_equal(error_sys(&err, ERR_INVALID_INPUT, "cannot open '%s'", "f"), -1);
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err.text, "cannot open 'f': No such file or directory");
}

static void test_prefix(void **state)
{
	struct error err;
	(void)state;

	error_set(&err, ERR_REMOTE, "HTTP 500");
	assert_int_equal(error_prefix(&err, "creating '%s'", "c"), -1);
	assert_int_equal(error_prefix(&err, "step %d", 2), -1);
	assert_string_equal(err.text, "step 2: creating 'c': HTTP 500");
	assert_int_equal(err.code, ERR_REMOTE);
}

static void test_long_texts_are_cut(void **state)
{
	struct error err;
	char big[4096];
	(void)state;

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	errno = ENOENT;
	error_sys(&err, ERR_INTERNAL, "%s", big);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	for (int i = 0; i < 5; i++) {
		error_prefix(&err, "%s", big);
		assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	}
	assert_non_null(strstr(err.text, "a: a"));	/* the separator survives a cut context */
}

static void test_code_names(void **state)
{
	(void)state;
	for (int c = ERR_OK; c <= ERR_INTERNAL; c++) {
		const char *name = error_code_to_string((enum error_code)c);

		assert_non_null(name);
		assert_true(c == ERR_INTERNAL || strcmp(name, "internal") != 0);
	}
	assert_string_equal(error_code_to_string(ERR_INVALID_INPUT), "invalid_input");
	assert_string_equal(error_code_to_string((enum error_code)1000), "internal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_code_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
