/* SPDX-License-Identifier: Apache-2.0
 * The records of a walk become entries. Nothing is believed: names are names, a child follows its folder, siblings are in order,
 * and there are no more than were asked for. */
#include <string.h>

#include "sandboxes/init_walk.h"

void walk_reader_init(struct walk_reader *r, struct sandbox_walk *walk)
{
	memset(r, 0, sizeof(*r));
	r->walk = walk;
}

static bool is_name(const char *s, size_t len)
{
	if (!len || len > WALK_NAME_MAX || memchr(s, '/', len) || memchr(s, '\0', len))
		return false;
	return !(s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')));
}

static bool is_sound(const struct walk_reader *r, const struct walk_record *h, const char *name)
{
	const char *target = name + h->name_len;
	const bool root = h->tree == SANDBOX_TREE_ROOT;

	if (h->flags & ~(WALK_HAS_DIGEST | WALK_OPAQUE | WALK_BASE) || h->kind > SANDBOX_ENTRY_REMOVED || h->mode > 07777 || h->error < 0)
		return false;
	if (h->tree >= SANDBOX_TREES || !(r->walk->trees & 1u << h->tree) || h->tree < r->tree)
		return false;
	if (!root && ((h->flags & (WALK_OPAQUE | WALK_BASE)) || h->kind == SANDBOX_ENTRY_REMOVED))
		return false;
	if ((h->flags & WALK_HAS_DIGEST) && h->kind != SANDBOX_ENTRY_FILE)
		return false;
	if ((h->target_len != 0) != (h->kind == SANDBOX_ENTRY_SYMLINK) || memchr(target, '\0', h->target_len))
		return false;
	return is_name(name, h->name_len);
}

/* The name takes its place in the path: below its folder, after its elder sibling. */
static bool place(struct walk_reader *r, const struct walk_record *h, const char *name)
{
	size_t start, room = r->components - (r->components && !r->last_is_folder ? 1 : 0);

	if (h->tree != r->tree)
		room = r->components = 0;
	if (h->depth > room)
		return false;
	start = h->depth ? r->ends[h->depth - 1] + 1u : 0;
	if (h->depth < r->components) {
		const char *elder = r->path + start;
		size_t len = r->ends[h->depth] - start, common = len < h->name_len ? len : h->name_len;
		int order = memcmp(elder, name, common);

		if (order > 0 || (order == 0 && len >= h->name_len))
			return false;
	}
	if (start + h->name_len >= sizeof(r->path) || h->depth >= sizeof(r->ends) / sizeof(r->ends[0]))
		return false;
	if (start)
		r->path[start - 1] = '/';
	memcpy(r->path + start, name, h->name_len);
	r->path[start + h->name_len] = '\0';
	r->ends[h->depth] = (uint16_t)(start + h->name_len);
	r->components = h->depth + 1;
	r->tree = h->tree;
	/* what was in a folder of the original that is gone is told, too */
	r->last_is_folder = h->kind == SANDBOX_ENTRY_DIR ||
			    (h->kind == SANDBOX_ENTRY_REMOVED && r->has_base && r->base.kind == SANDBOX_ENTRY_DIR);
	return true;
}

static void fill(struct sandbox_entry *e, const struct walk_record *h, const char *target, char *target_copy)
{
	*e = (struct sandbox_entry){
		.tree = (enum sandbox_tree)h->tree,
		.kind = (enum sandbox_entry_kind)h->kind,
		.path = "",
		.mode = h->mode,
		.size = h->size,
		.mtime_ns = h->mtime_ns,
		.ctime_ns = h->ctime_ns,
		.inode = h->inode,
		.links = h->links,
		.opaque = h->flags & WALK_OPAQUE,
		.has_digest = h->flags & WALK_HAS_DIGEST,
		.error = h->error,
	};
	memcpy(e->sha256, h->sha256, sizeof(e->sha256));
	if (!h->target_len)
		return;
	memcpy(target_copy, target, h->target_len);
	target_copy[h->target_len] = '\0';
	e->target = target_copy;
}

static bool is_of_base(const struct walk_reader *r, const struct walk_record *h, const char *name)
{
	return h->tree == r->base.tree && r->base_depth == h->depth && strlen(r->base_name) == h->name_len && !memcmp(r->base_name, name, h->name_len);
}

static int take(struct walk_reader *r, const struct walk_record *h)
{
	const char *name = (const char *)r->record + sizeof(*h);
	struct sandbox_entry e;

	if (h->flags & WALK_END) {
		r->ended = true;
		r->walk->left_out = h->size;
		return h->flags == WALK_END && !r->has_base ? 0 : -1;
	}
	if (!is_sound(r, h, name))
		return -1;
	if (h->flags & WALK_BASE) {
		if (r->has_base)
			return -1;
		r->has_base = true;
		r->base_depth = h->depth;
		memcpy(r->base_name, name, h->name_len);
		r->base_name[h->name_len] = '\0';
		fill(&r->base, h, name + h->name_len, r->base_target);
		return 0;
	}
	if (r->has_base && !is_of_base(r, h, name))
		return -1;
	if (!place(r, h, name) || (r->walk->max_entries && ++r->entries > r->walk->max_entries))
		return -1;
	fill(&e, h, name + h->name_len, r->target);
	e.path = r->path;
	e.base = r->has_base ? &r->base : NULL;
	r->has_base = false;
	if (!r->stopped && !r->walk->entry(r->walk->arg, &e))
		r->stopped = true;
	return 0;
}

int walk_reader_feed(struct walk_reader *r, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		struct walk_record h;
		size_t want = sizeof(h), n;

		if (r->ended)
			return -1;
		if (r->have >= sizeof(h)) {
			memcpy(&h, r->record, sizeof(h));
			want += h.name_len + h.target_len;
		}
		n = want - r->have < len ? want - r->have : len;
		memcpy(r->record + r->have, p, n);
		r->have += n;
		p += n;
		len -= n;
		if (r->have < sizeof(h) || r->have < want)
			continue;
		memcpy(&h, r->record, sizeof(h));
		if (h.name_len > WALK_NAME_MAX || h.target_len > WALK_TARGET_MAX)
			return -1;
		if (r->have < sizeof(h) + h.name_len + h.target_len)
			continue;
		if (take(r, &h) < 0)
			return -1;
		r->have = 0;
	}
	return 0;
}
