/* SPDX-License-Identifier: Apache-2.0
 * effects_private: a look at the files of a sandbox, kept. Private to effects*.c. */
#pragma once

#include "runner/effects.h"

struct snapshot_file {		/* in the order of the walk: its folder is the last one before it that is one level up */
	const char *name;
	uint16_t depth;
	uint8_t tree;
	struct file_state state;
	const struct file_state *base;	/* SYSTEM: what the original has; NULL */
};
struct snapshot {
	struct snapshot_file *files;
	size_t len, alloc;
	struct arena arena;
	uint32_t *by_inode;	/* hash table: index + 1; made when asked for */
	size_t slots;
	uint64_t left_out;
};
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *s);
/* Look. Digests of what has not changed since `previous` (may be NULL) come from there. */
int snapshot_take(struct sandbox *sandbox, unsigned int trees, struct snapshot *previous, struct snapshot *ret, struct error *err);
const struct snapshot_file *snapshot_find_inode(struct snapshot *s, enum sandbox_tree tree, uint64_t inode);

/* One file after the other, with its path. */
struct snapshot_cursor {
	const struct snapshot *snapshot;
	size_t next;
	const struct snapshot_file *file;	/* NULL: past the last */
	char path[SANDBOX_PATH_MAX];		/* in its tree */
	uint16_t ends[SANDBOX_PATH_MAX / 2];
};
void snapshot_first(struct snapshot_cursor *c, const struct snapshot *s);
void snapshot_next(struct snapshot_cursor *c);

void snapshot_compare(const struct snapshot *before, const struct snapshot *after, struct effects *ret);

/* ---- contents, for diffs: kept by digest, in one nameless file */
struct contents;
struct contents *contents_new(const char *scratch);
void contents_free(struct contents *c);	/* NULL is a no-op */
/* Keep what the files of `s` hold that `before` (may be NULL) did not have. */
void contents_keep(struct contents *c, struct sandbox *sandbox, const struct snapshot *s, const struct snapshot *before);
/* Fill in diff or diff_note of every effect on a regular file. */
void contents_diff(struct contents *c, struct sandbox *sandbox, struct effects *e, const struct redactor *redactor);
