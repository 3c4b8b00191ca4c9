/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"

#define CHUNK_BYTES ((size_t)16 << 10)
#define ALIGNMENT 16

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	char data[] __attribute__((aligned(ALIGNMENT)));
};

static struct arena_chunk *chunk_new(struct arena *a, size_t size)
{
	/* chunks grow with what was needed so far, so that large inputs take few of them */
	size_t wanted = a->bytes / 4 > CHUNK_BYTES ? a->bytes / 4 : CHUNK_BYTES;
	struct arena_chunk *chunk;

	if (wanted < size)
		wanted = size;
	chunk = xmalloc(sizeof(*chunk) + wanted);
	chunk->used = 0;
	chunk->size = wanted;
	chunk->next = a->chunks;
	a->chunks = chunk;
	return chunk;
}

static void *take(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = a->chunks;
	void *p;

	if (size > SIZE_MAX / 4)
		abort();
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!chunk || chunk->size - chunk->used < size)
		chunk = chunk_new(a, size);
	p = chunk->data + chunk->used;
	chunk->used += size;
	a->bytes += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return memset(take(a, size), 0, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = take(a, len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void *arena_append(struct arena *a, void *items, size_t n, size_t size)
{
	/* the room for n elements is the next power of two, from 4 on */
	if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
		size_t room = n ? 2 * n : 4;
		void *moved;

		if (room > SIZE_MAX / 4 / size)
			abort();
		moved = arena_alloc(a, room * size);
		if (n)
			memcpy(moved, items, n * size);
		items = moved;
	}
	memset((char *)items + n * size, 0, size);
	return items;
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
