/* SPDX-License-Identifier: Apache-2.0
 * arena: many small things that die together. Nothing is freed alone; one call frees all. */
#pragma once

#include <stddef.h>
#include <string.h>

#define ARENA_ALIGNMENT ((size_t)16)

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	char *next, *end;	/* the free part of the newest chunk: things are taken from its front, text from its back */
	size_t bytes;		/* handed out so far: for ceilings */
	size_t expected;	/* what was needed before the last arena_reset(), so that it comes in one chunk */
};
#define ARENA_INIT { .chunks = NULL }

void *arena_take_slowly(struct arena *a, size_t size) __attribute__((malloc, returns_nonnull));	/* the chunk is full */

/* Not zeroed; for what is filled at once. Aligned for anything. */
static inline __attribute__((malloc, returns_nonnull)) void *arena_take(struct arena *a, size_t size)
{
	size_t room = (size_t)(a->end - a->next);
	void *p = a->next;

	if (__builtin_expect(size >= room || room - size < ARENA_ALIGNMENT, 0))
		return arena_take_slowly(a, size);
	size = (size + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1);
	a->next += size;
	a->bytes += size;
	return p;
}

static inline __attribute__((malloc, returns_nonnull)) void *arena_alloc(struct arena *a, size_t size)	/* zeroed */
{
	return memset(arena_take(a, size), 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len) __attribute__((returns_nonnull));	/* NUL-terminated */
/* `n` elements of `size` grow to one more: amortised doubling at powers of two; returns the (moved) array, the new element zeroed. */
void *arena_append(struct arena *a, void *items, size_t n, size_t size) __attribute__((returns_nonnull));
/* An array with `len` elements of `size` and room for *alloc of them gets room for `more` at the end; returns the (moved) array. */
void *arena_grow(struct arena *a, void *items, size_t len, size_t *alloc, size_t more, size_t size);
/* As ARRAY_GROW. */
#define ARENA_GROW(arena, items, len, alloc) \
	do { \
		if ((len) == (alloc)) \
			(items) = arena_grow((arena), (items), (len), &(alloc), 1, sizeof(*(items))); \
	} while (0)
void arena_reset(struct arena *a);	/* as if all were freed; what was ordinary stays at hand for the next user */
void arena_release(struct arena *a);	/* frees all, ready again */

#define autoarena __attribute__((__cleanup__(arena_release)))
