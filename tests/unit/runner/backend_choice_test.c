/* SPDX-License-Identifier: Apache-2.0
 * backend_choice: what several packages ask for with the same names is looked up once, and other names are no such case. The host is
 * played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runner/backend_choice.h"
#include "sandboxes/sandbox.h"

static int probes;
static bool there;

bool sandbox_backend_info(size_t i, struct backend_info *ret)
{
	if (i > 1)
		return false;
	*ret = (struct backend_info){ .type = "container", .runtime = i ? "docker" : "native" };
	return true;
}

void sandbox_backend_probe(size_t i, struct backend_info *info)
{
	probes++;
	info->available = there || i;
	snprintf(info->reason, sizeof(info->reason), "switched off");
}

static int reset(void **state)
{
	(void)state;
	probes = 0;
	there = true;
	return 0;
}

static void asks_once(void **state)
{
	struct backend_memo memo = { .choice = { .runtime = NULL } };
	struct backend_choice first, again;
	struct error err;

	(void)state;
	assert_int_equal(backend_choose(NULL, "auto", &memo, &first, &err), 0);
	assert_int_equal(backend_choose("auto", NULL, &memo, &again, &err), 0);
	assert_int_equal(probes, 1);
	assert_string_equal(again.runtime, "native");
	assert_string_equal(again.because, first.because);
	assert_int_equal(backend_choose(NULL, NULL, NULL, &again, &err), 0);
	assert_int_equal(probes, 2);
}

static void other_names_are_another_question(void **state)
{
	struct backend_memo memo = { .choice = { .runtime = NULL } };
	struct backend_choice choice;
	struct error err;

	(void)state;
	assert_int_equal(backend_choose(NULL, NULL, &memo, &choice, &err), 0);
	assert_int_equal(backend_choose("container", NULL, &memo, &choice, &err), 0);
	assert_int_equal(probes, 2);
	assert_int_equal(backend_choose("container", "docker", &memo, &choice, &err), 0);
	assert_string_equal(choice.runtime, "docker");
	assert_string_equal(choice.because, "");
	assert_int_equal(backend_choose(NULL, NULL, &memo, &choice, &err), 0);
	assert_string_equal(choice.runtime, "native");
	assert_int_equal(backend_choose(NULL, "dokcer", &memo, &choice, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

static void the_reason_comes_along(void **state)
{
	struct backend_memo memo = { .choice = { .runtime = NULL } };
	struct backend_choice choice;
	struct error err;

	(void)state;
	there = false;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(backend_choose(NULL, NULL, &memo, &choice, &err), 0);
		assert_string_equal(choice.runtime, "docker");
		assert_non_null(strstr(choice.because, "switched off"));
	}
	assert_int_equal(probes, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(asks_once, reset),
		cmocka_unit_test_setup(other_names_are_another_question, reset),
		cmocka_unit_test_setup(the_reason_comes_along, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
