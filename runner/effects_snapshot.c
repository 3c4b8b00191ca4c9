/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/effects_private.h"

#define ENTRIES_MAX 250000
#define DEPTH_MAX 1000

struct taking {
	struct snapshot *snapshot, *previous;
};

struct snapshot *snapshot_new(void)
{
	return xcalloc(1, sizeof(struct snapshot));
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	arena_release(&s->arena);
	free(s->files);
	free(s->by_inode);
	free(s);
}

/* ---- taking one */

static struct file_state state_of(const struct sandbox_entry *e, struct arena *arena)
{
	struct file_state s = {
		.kind = e->kind, .mode = e->mode, .size = e->size, .inode = e->inode, .mtime_ns = e->mtime_ns,
		.ctime_ns = e->ctime_ns, .has_digest = e->has_digest, .error = e->error,
		.target = e->target ? arena_strndup(arena, e->target, strlen(e->target)) : NULL,
	};

	memcpy(s.sha256, e->sha256, sizeof(s.sha256));
	return s;
}

static void inherit_digest(struct snapshot *previous, enum sandbox_tree tree, struct file_state *s)
{
	const struct snapshot_file *old = previous ? snapshot_find_inode(previous, tree, s->inode) : NULL;

	if (!old || !old->state.has_digest || old->state.ctime_ns != s->ctime_ns || old->state.size != s->size)
		return;
	s->has_digest = true;
	memcpy(s->sha256, old->state.sha256, sizeof(s->sha256));
}

static bool on_entry(void *arg, const struct sandbox_entry *e)
{
	struct taking *t = arg;
	struct snapshot *s = t->snapshot;
	const char *slash = strrchr(e->path, '/'), *name = slash ? slash + 1 : e->path;
	struct snapshot_file *f;
	uint16_t depth = 0;

	for (const char *p = e->path; (p = strchr(p, '/')); p++)
		depth++;
	ARRAY_GROW(s->files, s->len, s->alloc);
	f = &s->files[s->len++];
	*f = (struct snapshot_file){
		.name = arena_strndup(&s->arena, name, strlen(name)),
		.depth = depth,
		.tree = (uint8_t)e->tree,
		.state = state_of(e, &s->arena),
	};
	if (e->kind == SANDBOX_ENTRY_FILE && !e->has_digest && !e->error)
		inherit_digest(t->previous, e->tree, &f->state);
	if (e->base) {
		struct file_state *base = arena_alloc(&s->arena, sizeof(*base));

		*base = state_of(e->base, &s->arena);
		f->base = base;
	}
	return true;
}

int snapshot_take(struct sandbox *sandbox, unsigned int trees, struct snapshot *previous, struct snapshot *ret, struct error *err)
{
	struct taking taking = { .snapshot = ret, .previous = previous };
	struct sandbox_walk walk = {
		.trees = trees, .digests = true, .max_entries = ENTRIES_MAX, .max_depth = DEPTH_MAX, .entry = on_entry, .arg = &taking,
	};
	int r = sandbox_walk(sandbox, &walk, err);

	ret->left_out = walk.left_out;
	return r;
}

/* ---- finding */

static size_t slot_of(const struct snapshot *s, unsigned int tree, uint64_t inode)
{
	return (size_t)((inode * 31 + tree) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (s->slots - 1);
}

static void index_inodes(struct snapshot *s)
{
	for (s->slots = 64; s->slots < 2 * s->len;)
		s->slots *= 2;
	s->by_inode = xcalloc(s->slots, sizeof(*s->by_inode));
	for (size_t i = 0; i < s->len; i++) {
		size_t at = slot_of(s, s->files[i].tree, s->files[i].state.inode);

		if (s->files[i].state.kind != SANDBOX_ENTRY_FILE || snapshot_find_inode(s, s->files[i].tree, s->files[i].state.inode))
			continue;	/* of a file with several names one will do */
		while (s->by_inode[at])
			at = (at + 1) & (s->slots - 1);
		s->by_inode[at] = (uint32_t)i + 1;
	}
}

const struct snapshot_file *snapshot_find_inode(struct snapshot *s, enum sandbox_tree tree, uint64_t inode)
{
	if (!s->by_inode)
		index_inodes(s);
	for (size_t at = slot_of(s, tree, inode); s->by_inode[at]; at = (at + 1) & (s->slots - 1)) {
		const struct snapshot_file *f = &s->files[s->by_inode[at] - 1];

		if (f->tree == tree && f->state.inode == inode)
			return f;
	}
	return NULL;
}

/* ---- going through */

void snapshot_first(struct snapshot_cursor *c, const struct snapshot *s)
{
	c->snapshot = s;
	c->next = 0;
	snapshot_next(c);
}

void snapshot_next(struct snapshot_cursor *c)
{
	size_t start, len;

	c->file = c->next < c->snapshot->len ? &c->snapshot->files[c->next++] : NULL;
	if (!c->file)
		return;
	start = c->file->depth ? c->ends[c->file->depth - 1] + 1u : 0;
	len = strlen(c->file->name);
	if (start)
		c->path[start - 1] = '/';
	memcpy(c->path + start, c->file->name, len + 1);	/* the walk has seen to it that this fits */
	c->ends[c->file->depth] = (uint16_t)(start + len);
}
