/* SPDX-License-Identifier: Apache-2.0
 * arena: many small things that die together. Nothing is freed alone; one call frees all. */
#pragma once

#include <stddef.h>

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	size_t bytes;		/* handed out so far: for ceilings */
};
#define ARENA_INIT { .chunks = NULL }

void *arena_alloc(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));	/* zeroed, aligned for anything */
char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull));	/* NUL-terminated */
/* `n` elements of `size` grow to one more: amortised doubling at powers of two; returns the (moved) array, the new element zeroed. */
void *arena_append(struct arena *a, void *items, size_t n, size_t size) __attribute__((returns_nonnull));
void arena_release(struct arena *a);	/* frees all, ready again */

#define autoarena __attribute__((__cleanup__(arena_release)))
