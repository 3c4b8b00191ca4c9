/* SPDX-License-Identifier: Apache-2.0
 * walk: a stream of records from a sandbox that lies. Whatever comes, entries have sound relative paths, in order, each below a folder
 * that was told before, and never more than were asked for. The first byte says in how large pieces it comes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandboxes/init_walk.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

struct state {
	char last[SANDBOX_PATH_MAX];
	unsigned int tree;
	uint64_t n;
};

static int compare(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (*a == '/' ? 1 : (unsigned char)*a + (*a != 0)) - (*b == '/' ? 1 : (unsigned char)*b + (*b != 0));
}

static bool on_entry(void *arg, const struct sandbox_entry *e)
{
	struct state *s = arg;
	size_t len = strlen(e->path);

	check(len && len < SANDBOX_PATH_MAX && e->path[0] != '/' && e->path[len - 1] != '/' && !strstr(e->path, "//"));
	for (const char *p = e->path; p && *p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		check(strcspn(p, "/") <= 255 && !(strcspn(p, "/") == 1 && *p == '.') && !(strcspn(p, "/") == 2 && !strncmp(p, "..", 2)));
	check((unsigned int)e->tree >= s->tree && (unsigned int)e->tree < SANDBOX_TREES && e->mode <= 07777 && e->error >= 0);
	check((unsigned int)e->tree != s->tree || !s->last[0] || compare(s->last, e->path) < 0);
	check((e->kind == SANDBOX_ENTRY_SYMLINK) == (e->target != NULL) && (!e->target || strlen(e->target) <= 4095));
	check(!e->has_digest || e->kind == SANDBOX_ENTRY_FILE);
	check(!e->base || e->tree == SANDBOX_TREE_ROOT);
	memcpy(s->last, e->path, len + 1);
	s->tree = e->tree;
	return ++s->n < 500;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state state = { .n = 0 };
	struct sandbox_walk walk = { .trees = 0xf, .max_entries = 1000, .entry = on_entry, .arg = &state };
	struct walk_reader *r = malloc(sizeof(*r));
	size_t piece = size ? data[0] + 1u : 1;

	walk_reader_init(r, &walk);
	for (size_t at = 1; at < size; at += piece)
		if (walk_reader_feed(r, data + at, size - at < piece ? size - at : piece) < 0)
			break;
	check(state.n <= 1000);
	free(r);
	return 0;
}
