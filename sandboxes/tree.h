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
	SANDBOX_TREE_SHM,	/* /dev/shm */
	SANDBOX_TREE_ROOT,	/* what a writable root has changed, as laid over the original; nothing without one */
	SANDBOX_TREE_BASE,	/* the root as it was (sandbox_get only) */
};
enum { SANDBOX_TREES = SANDBOX_TREE_BASE };	/* that can be walked */

enum sandbox_entry_kind {
	SANDBOX_ENTRY_FILE,
	SANDBOX_ENTRY_DIR,
	SANDBOX_ENTRY_SYMLINK,
	SANDBOX_ENTRY_FIFO,
	SANDBOX_ENTRY_SOCKET,
	SANDBOX_ENTRY_DEVICE,
	SANDBOX_ENTRY_REMOVED,	/* TREE_ROOT: a name of the original that is gone; of a folder, what was in it follows */
};

struct sandbox_entry {
	enum sandbox_tree tree;
	enum sandbox_entry_kind kind;
	const char *path;	/* relative to the tree, no leading slash; any bytes but NUL */
	unsigned int mode;	/* 07777 */
	uint64_t size, mtime_ns, ctime_ns, inode, links;
	bool opaque;		/* TREE_ROOT: a folder made anew where the original has one; what is gone from it is told as REMOVED */
	/* TREE_ROOT: what the original has of this name (without path); NULL: nothing. A folder that only was passed through to
	 * something below it is as its original is. */
	const struct sandbox_entry *base;
	bool has_digest;
	unsigned char sha256[32];
	const char *target;	/* of a SYMLINK; else NULL */
	/* errno that kept its content (or, of a folder, its entries) from being read; EFBIG: too much to digest, see SANDBOX_DIGEST_*;
	 * ELOOP: deeper, or with a longer path, than is looked at; 0 */
	int error;
};

/* Nobody waits for the digest of a sparse file of a terabyte. What a file's, and a walk's, digests take at most; one with more than 64 MiB of
 * holes has none. */
#define SANDBOX_DIGEST_FILE_MAX (UINT64_C(256) << 20)
#define SANDBOX_DIGEST_WALK_MAX (UINT64_C(512) << 20)
#define SANDBOX_PATH_MAX 4096		/* of `path`, with its NUL */

#define SANDBOX_DEPTH 256
struct sandbox_walk {
	unsigned int trees;		/* 1 << enum sandbox_tree */
	bool digests;			/* of regular files whose content may have changed since the last walk with digests */
	uint64_t max_entries;		/* 0: no limit */
	unsigned int max_depth;		/* folders deeper than this are entries, their content is left out; 0: SANDBOX_DEPTH */
	/* parents before children, siblings in the order of their names (by bytes), trees in theirs; false: no more of them, please */
	bool (*entry)(void *arg, const struct sandbox_entry *entry);
	void *arg;
	uint64_t left_out;		/* out: how many entries the limits kept back, at least */
};
