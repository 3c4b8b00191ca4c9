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

/* Text lies at the other end of a chunk than things do: neither runs into the other, however full it gets. */
static void keeps_text_and_things_apart(void **state)
{
	autoarena struct arena a = ARENA_INIT;
	char *texts[4000];
	size_t *things[4000];

	(void)state;
	for (size_t i = 0; i < 4000; i++) {
		texts[i] = arena_strndup(&a, "0123456789012345678901234567890", i % 31);
		things[i] = arena_alloc(&a, sizeof(size_t) * (1 + i % 7));
		assert_int_equal((uintptr_t)things[i] % 16, 0);
		*things[i] = i;
	}
	for (size_t i = 0; i < 4000; i++) {
		assert_int_equal(strlen(texts[i]), i % 31);
		assert_int_equal(*things[i], i);
	}
}

static void grows(void **state)
{
	autoarena struct arena a = ARENA_INIT;
	size_t *items = NULL, len = 0, alloc = 0;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		ARENA_GROW(&a, items, len, alloc);
		items[len++] = i;
	}
	items = arena_grow(&a, items, len, &alloc, 5000, sizeof(*items));
	assert_true(alloc >= len + 5000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
}

static void starts_anew_after_a_reset(void **state)
{
	autoarena struct arena a = ARENA_INIT;

	(void)state;
	for (int round = 0; round < 5; round++) {
		for (size_t n = 0; n < 100000; n += 1000) {
			unsigned char *p = arena_alloc(&a, 1000);

			assert_int_equal(p[0] | p[999], 0);
			memset(p, 0xff, 1000);
		}
		assert_true(a.bytes >= 100000);
		arena_reset(&a);
		assert_int_equal(a.bytes, 0);
	}
	arena_alloc(&a, (size_t)8 << 20);	/* what is out of the ordinary is not kept */
	arena_reset(&a);
	assert_null(a.chunks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_zeroed_aligned_memory),
		cmocka_unit_test(copies_text),
		cmocka_unit_test(appends),
		cmocka_unit_test(is_ready_again),
		cmocka_unit_test(keeps_text_and_things_apart),
		cmocka_unit_test(grows),
		cmocka_unit_test(starts_anew_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
