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
	static const struct backend_info all[] = {
		{ .type = "container", .runtime = "native" }, { .type = "container", .runtime = "docker" },
		{ .type = "kind", .runtime = "kind", .cluster = true }, { .type = "kubernetes", .runtime = "kubernetes", .cluster = true },
	};

	if (i >= sizeof(all) / sizeof(*all))
		return false;
	*ret = all[i];
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

/* There --runtime is what makes the nodes. */
static void engine_of_a_cluster(void **state)
{
	static const struct { const char *type, *runtime, *chosen, *engine; } cases[] = {
		{ "kind", "podman", "kind", "podman" }, { "kind", "docker", "kind", "docker" }, { "kind", NULL, "kind", NULL },
		{ "kind", "auto", "kind", NULL }, { NULL, "docker", "docker", NULL }, { "container", "docker", "docker", NULL },
		{ "kind", "native", NULL, NULL }, { "kubernetes", "podman", NULL, NULL }, { "container", "podman", NULL, NULL }, { NULL, "podman", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct backend_choice choice = { .runtime = NULL };
		struct error err = { .code = ERR_OK };
		int r = backend_choose(cases[i].type, cases[i].runtime, NULL, &choice, &err);

		if (r != (cases[i].chosen ? 0 : -1) || (r < 0 && (err.code != ERR_UNAVAILABLE || !strstr(err.text, cases[i].runtime))) ||
		    (r == 0 && (strcmp(choice.runtime, cases[i].chosen) || strcmp(choice.engine ? choice.engine : "", cases[i].engine ? cases[i].engine : ""))))
			fail_msg("%s, %s: %d, %s by %s; %s", cases[i].type, cases[i].runtime, r, choice.runtime, choice.engine, err.text);
	}
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
		cmocka_unit_test_setup(engine_of_a_cluster, reset),
		cmocka_unit_test_setup(other_names_are_another_question, reset),
		cmocka_unit_test_setup(the_reason_comes_along, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
