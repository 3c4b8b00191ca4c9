/* SPDX-License-Identifier: Apache-2.0
 * tree: looking at the files of a sandbox from outside, between commands, when nothing in it is alive. Comes with sandbox.h.
 * Done by the sandbox's own init with a step's rights, never following a link: what a step left there leads nowhere else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum sandbox_tree {
	SANDBOX_TREE_WORK,	/* the work folder */
	SANDBOX_TREE_TMP,	/* /tmp */
	SANDBOX_TREE_ROOT,	/* what a writable root has changed, as laid over the original; nothing without one */
	SANDBOX_TREE_BASE,	/* the root as it was (sandbox_get only) */
};

enum sandbox_entry_kind {
	SANDBOX_ENTRY_FILE,
	SANDBOX_ENTRY_DIR,
	SANDBOX_ENTRY_SYMLINK,
	SANDBOX_ENTRY_FIFO,
	SANDBOX_ENTRY_SOCKET,
	SANDBOX_ENTRY_DEVICE,
	SANDBOX_ENTRY_REMOVED,	/* TREE_ROOT: a name of the original that is gone */
};

struct sandbox_entry {
	enum sandbox_tree tree;
	enum sandbox_entry_kind kind;
	const char *path;	/* relative to the tree, no leading slash; any bytes but NUL */
	unsigned int mode;	/* 07777 */
	uint64_t size, mtime_ns, ctime_ns, inode, links;
	bool opaque;		/* TREE_ROOT: a folder that hides all of the original's content */
	bool in_base;		/* TREE_ROOT: the original has something of this name */
	bool has_digest;
	unsigned char sha256[32];
	const char *target;	/* of a SYMLINK; else NULL */
	int error;		/* errno that kept its content (or, of a folder, its entries) from being read; 0 */
};

struct sandbox_walk {
	unsigned int trees;		/* 1 << enum sandbox_tree */
	bool digests;			/* of regular files whose content may have changed since the last walk with digests */
	uint64_t max_entries;		/* 0: no limit */
	unsigned int max_depth;		/* folders deeper than this are entries, their content is left out; 0: 256 */
	/* parents before children, folders in the order of their names; false ends the walk */
	bool (*entry)(void *arg, const struct sandbox_entry *entry);
	void *arg;
	uint64_t left_out;		/* out: how many entries the limits kept back, at least */
};
