/* SPDX-License-Identifier: Apache-2.0
 * exit_status: every error code and every verdict has its documented status. Most are also produced by whole runs in tests/cli; 70 is
 * not, for no input may cause it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/mem.h"

void message(const char *kind, const char *fmt, ...)	/* of cmd/output.c, which needs a terminal's worth of others */
{
	(void)kind;
	(void)fmt;
}

static void errors(void **state)
{
	static const struct { enum error_code code; int status; } cases[] = {
		{ ERR_OK, 0 }, { ERR_USAGE, 2 }, { ERR_INVALID_INPUT, 3 }, { ERR_PERMISSION_DENIED, 4 }, { ERR_UNAVAILABLE, 5 },
		{ ERR_CLEANUP, 6 }, { ERR_RESOURCE_EXHAUSTED, 7 }, { ERR_REMOTE, 8 }, { ERR_INTERNAL, 70 },
		{ ERR_DEADLINE_EXCEEDED, 124 }, { ERR_CANCELLED, 128 }, { (enum error_code)1000, 70 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { .code = cases[i].code };

		assert_int_equal(exit_status_of_error(&err), cases[i].status);
		assert_int_equal(report_error(&err), cases[i].status);
	}
}

static void verdicts(void **state)
{
	static const struct { enum run_verdict verdict; enum error_code code; int signal, clean, left; } cases[] = {
		/* verdict, error, signal: status when all is gone, status when something is left */
		{ RUN_VERIFIED, ERR_OK, 0, 0, 6 },
		{ RUN_PARTIAL, ERR_OK, 0, 0, 6 },
		{ RUN_NOTHING_EXECUTED, ERR_OK, 0, 0, 6 },
		{ RUN_FAILED, ERR_OK, 0, 1, 6 },
		{ RUN_LIMIT, ERR_OK, 0, 7, 7 },
		{ RUN_DEADLINE, ERR_OK, 0, 124, 124 },
		{ RUN_CANCELLED, ERR_OK, 2, 130, 130 },
		{ RUN_CANCELLED, ERR_OK, 15, 143, 143 },
		{ RUN_ERROR, ERR_UNAVAILABLE, 0, 5, 5 },
		{ RUN_ERROR, ERR_INTERNAL, 0, 70, 70 },
		{ (enum run_verdict)1000, ERR_OK, 0, 70, 70 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result r = { .verdict = cases[i].verdict, .error = { .code = cases[i].code }, .signal = cases[i].signal };

		r.cleanup_complete = true;
		assert_int_equal(exit_status_of_result(&r), cases[i].clean);
		r.cleanup_complete = false;
		assert_int_equal(exit_status_of_result(&r), cases[i].left);
	}
}

static void every_status_is_documented(void **state)
{
	static const int wanted[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 124, 128 };
	const char *summary;
	int status;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_true(exit_status_at(i, &status, &summary));
		assert_int_equal(status, wanted[i]);
		assert_true(strlen(summary) > 10);
	}
	assert_false(exit_status_at(ARRAY_SIZE(wanted), &status, &summary));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors), cmocka_unit_test(verdicts), cmocka_unit_test(every_status_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
