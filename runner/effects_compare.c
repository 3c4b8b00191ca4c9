/* SPDX-License-Identifier: Apache-2.0
 * Two looks at the same trees, both in order: one pass tells what is in one only, and what differs. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/effects_private.h"

#define LIST_MAX 50000		/* of each, deletions, changes and new files */
#define TEXT_MAX (32u << 20)	/* of all names of one comparison together */

/* Folders come before what is in them: '/' sorts before all other bytes. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int compare_cursors(const struct snapshot_cursor *a, const struct snapshot_cursor *b)
{
	if (!a->file || !b->file)
		return a->file ? -1 : 1;
	if (a->file->tree != b->file->tree)
		return a->file->tree < b->file->tree ? -1 : 1;
	return compare_paths(a->path, b->path);
}

static enum effect_area area_of(enum sandbox_tree tree)
{
	return tree == SANDBOX_TREE_WORK ? EFFECT_WORK : tree == SANDBOX_TREE_ROOT ? EFFECT_SYSTEM : EFFECT_TMP;
}

/* What it is really: the mark of a deletion is no file. */
static const struct file_state *present(const struct file_state *s)
{
	return s && s->kind != SANDBOX_ENTRY_REMOVED ? s : NULL;
}

static bool content_differs(const struct file_state *a, const struct file_state *b)
{
	if (a->size != b->size)
		return true;
	if (a->has_digest && b->has_digest)
		return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) != 0;
	/* too large to digest: its time stamps decide */
	return a->inode != b->inode || a->mtime_ns != b->mtime_ns;
}

static unsigned int differences(const struct file_state *a, const struct file_state *b)
{
	unsigned int what = 0;

	if (a->kind != b->kind)
		return EFFECT_KIND;
	if (a->mode != b->mode && a->kind != SANDBOX_ENTRY_SYMLINK)
		what |= EFFECT_MODE;
	if (a->kind == SANDBOX_ENTRY_FILE && content_differs(a, b))
		what |= EFFECT_CONTENT;
	if (a->kind == SANDBOX_ENTRY_SYMLINK && strcmp(a->target, b->target) != 0)
		what |= EFFECT_TARGET;
	return what;
}

static const char *full_path(struct effects *e, enum sandbox_tree tree, const char *path)
{
	static const char *const prefixes[SANDBOX_TREES] = {
		[SANDBOX_TREE_WORK] = "", [SANDBOX_TREE_TMP] = "/tmp/", [SANDBOX_TREE_SHM] = "/dev/shm/", [SANDBOX_TREE_ROOT] = "/",
	};
	char text[SANDBOX_PATH_MAX + 16];
	size_t start = strlen(prefixes[tree]), len = strlen(path);

	memcpy(text, prefixes[tree], start);
	memcpy(text + start, path, len);
	return arena_strndup(&e->arena, text, start + len);
}

static struct file_state keep(struct effects *e, const struct file_state *s)
{
	struct file_state copy = { 0 };

	if (!s)
		return copy;
	copy = *s;
	copy.target = s->target ? arena_strndup(&e->arena, s->target, strlen(s->target)) : NULL;
	return copy;
}

static void note(struct effects *e, const struct snapshot_cursor *at, const struct file_state *before, const struct file_state *after)
{
	const enum sandbox_tree tree = (enum sandbox_tree)at->file->tree;
	struct effect effect = { .area = area_of(tree), .tree = tree };

	before = present(before);
	after = present(after);
	if (!before && !after)
		return;
	effect.change = !before ? EFFECT_CREATED : !after ? EFFECT_DELETED : EFFECT_CHANGED;
	if (effect.change == EFFECT_CHANGED)
		effect.what = differences(before, after);
	if (effect.change == EFFECT_CHANGED && !effect.what)
		return;
	e->counts[effect.area][effect.change]++;
	if (e->counts[EFFECT_WORK][effect.change] + e->counts[EFFECT_SYSTEM][effect.change] + e->counts[EFFECT_TMP][effect.change] > LIST_MAX ||
	    e->arena.bytes > TEXT_MAX) {
		e->not_listed++;
		return;
	}
	effect.path = full_path(e, tree, at->path);
	effect.before = keep(e, before);
	effect.after = keep(e, after);
	ARRAY_GROW(e->items, e->len, e->alloc);
	e->items[e->len++] = effect;
}

/* ---- order, and renames */

static int compare_effects(const void *pa, const void *pb)
{
	const struct effect *a = pa, *b = pb;

	if (a->change != b->change)
		return a->change < b->change ? -1 : 1;
	if (a->area != b->area)
		return a->area < b->area ? -1 : 1;
	return compare_paths(a->path, b->path);
}

static int compare_inodes(const void *pa, const void *pb)
{
	const struct effect *a = *(struct effect *const *)pa, *b = *(struct effect *const *)pb;

	return a->before.inode < b->before.inode ? -1 : a->before.inode > b->before.inode;
}

static bool same_file(const struct effect *gone, const struct effect *new)
{
	return gone->area == new->area && !gone->renamed && gone->before.has_digest && new->after.has_digest &&
	       gone->before.inode == new->after.inode && gone->before.size == new->after.size &&
	       !memcmp(gone->before.sha256, new->after.sha256, DIGEST_SIZE);
}

/* The same file under another name: same inode, same content. Both lines stay; each names the other. */
static void find_renames(struct effects *e)
{
	autofree struct effect **gone = NULL;
	size_t n = 0, first_new = 0;

	for (size_t i = 0; i < e->len; i++) {
		n += e->items[i].change == EFFECT_DELETED;
		first_new += e->items[i].change != EFFECT_CREATED;
	}
	if (!n || first_new == e->len)
		return;
	gone = xcalloc(n, sizeof(*gone));
	for (size_t i = 0; i < n; i++)
		gone[i] = &e->items[i];
	qsort(gone, n, sizeof(*gone), compare_inodes);
	for (size_t i = first_new; i < e->len; i++) {
		const struct effect key = { .before.inode = e->items[i].after.inode }, *pkey = &key;
		struct effect **found = e->items[i].after.kind == SANDBOX_ENTRY_FILE ?
						bsearch(&pkey, gone, n, sizeof(*gone), compare_inodes) : NULL;

		if (!found || !same_file(*found, &e->items[i]))
			continue;
		e->items[i].renamed = (*found)->path;
		(*found)->renamed = e->items[i].path;
	}
}

void snapshot_compare(const struct snapshot *before, const struct snapshot *after, struct effects *ret)
{
	autofree struct snapshot_cursor *a = xmalloc(sizeof(*a)), *b = NULL;

	b = xmalloc(sizeof(*b));
	snapshot_first(a, before);
	snapshot_first(b, after);
	while (a->file || b->file) {
		int order = compare_cursors(a, b);

		if (order < 0) {
			note(ret, a, &a->file->state, NULL);
			snapshot_next(a);
		} else if (order > 0) {
			note(ret, b, b->file->base, &b->file->state);
			snapshot_next(b);
		} else {
			note(ret, b, &a->file->state, &b->file->state);
			snapshot_next(a);
			snapshot_next(b);
		}
	}
	if (ret->len)
		qsort(ret->items, ret->len, sizeof(*ret->items), compare_effects);
	find_renames(ret);
	ret->not_looked_at = before->left_out > after->left_out ? before->left_out : after->left_out;
	ret->known = true;
}
