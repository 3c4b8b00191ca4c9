/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runner/base/arena.h"

static void hands_out_zeroed_aligned_memory(void **state)
{
	autoarena struct arena a = ARENA_INIT;

	(void)state;
	for (size_t size = 1; size < 100000; size = size * 3 + 1) {
		unsigned char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
}

static void copies_text(void **state)
{
	autoarena struct arena a = ARENA_INIT;

	(void)state;
	assert_string_equal(arena_strndup(&a, "shell", 2), "sh");
	assert_string_equal(arena_strndup(&a, NULL, 0), "");
}

static void appends(void **state)
{
	autoarena struct arena a = ARENA_INIT;
	int *items = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		items = arena_append(&a, items, (size_t)i, sizeof(*items));
		assert_int_equal(items[i], 0);
		items[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
}

static void is_ready_again(void **state)
{
	struct arena a = ARENA_INIT;

	(void)state;
	arena_alloc(&a, 10);
	arena_release(&a);
	assert_null(a.chunks);
	assert_int_equal(a.bytes, 0);
	arena_alloc(&a, 10);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_zeroed_aligned_memory),
		cmocka_unit_test(copies_text),
		cmocka_unit_test(appends),
		cmocka_unit_test(is_ready_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
