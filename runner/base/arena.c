/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "runner/base/mem.h"

#define CHUNK_BYTES ((size_t)16 << 10)
#ifdef __SANITIZE_ADDRESS__
#define EXPECTED_MAX ((size_t)1)	/* what is used after a reset is to be seen */
#else
#define EXPECTED_MAX ((size_t)4 << 20)	/* more is not kept for the next user */
#endif

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
	char data[] __attribute__((aligned(ARENA_ALIGNMENT)));
};

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static void add_chunk(struct arena *a, size_t size)
{
	/* chunks grow with what was needed so far, so that large inputs take few of them */
	size_t wanted = larger(larger(a->bytes / 4, CHUNK_BYTES), larger(size, a->chunks ? 0 : a->expected));
	struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + wanted);

	chunk->size = wanted;
	chunk->next = a->chunks;
	a->chunks = chunk;
	a->next = chunk->data;
	a->end = chunk->data + wanted;
}

void *arena_take_slowly(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 4)
		abort();
	add_chunk(a, size + ARENA_ALIGNMENT);
	return arena_take(a, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	if (len > SIZE_MAX / 4)
		abort();
	if (len >= (size_t)(a->end - a->next))
		add_chunk(a, len + 1);
	a->bytes += len + 1;
	a->end -= len + 1;
	if (len)
		memcpy(a->end, s, len);
	a->end[len] = '\0';
	return a->end;
}

void *arena_append(struct arena *a, void *items, size_t n, size_t size)
{
	/* the room for n elements is the next power of two, from 4 on */
	if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
		size_t room = n ? 2 * n : 4;
		void *moved;

		if (room > SIZE_MAX / 4 / size)
			abort();
		moved = arena_take(a, room * size);
		if (n)
			memcpy(moved, items, n * size);
		items = moved;
	}
	memset((char *)items + n * size, 0, size);
	return items;
}

void *arena_grow(struct arena *a, void *items, size_t len, size_t *alloc, size_t more, size_t size)
{
	size_t wanted = *alloc ? 2 * *alloc : size < 8 ? 256 : 16;
	void *grown;

	while (wanted - len < more)
		wanted *= 2;
	if (wanted > SIZE_MAX / 4 / size)
		abort();
	grown = arena_take(a, wanted * size);
	*alloc = wanted;
	return len ? memcpy(grown, items, len * size) : grown;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *chunk = a->chunks;
	size_t bytes = a->bytes;

	if (chunk && !chunk->next && chunk->size <= EXPECTED_MAX) {
		a->next = chunk->data;
		a->end = chunk->data + chunk->size;
		a->bytes = 0;
		return;
	}
	arena_release(a);
	a->expected = bytes < EXPECTED_MAX ? bytes + bytes / 8 : 0;
}

void arena_release(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *chunk = a->chunks;

		a->chunks = chunk->next;
		free(chunk);
	}
	*a = (struct arena)ARENA_INIT;
}
