/* SPDX-License-Identifier: Apache-2.0
 * init_walk: the first process looks at the files of its sandbox (tree.h) and gives them back. Private to sandboxes/.
 *
 * A walk is a stream of records, whoever carries it: struct walk_record, then name and target without NULs. A record says
 * how deep it lies, not its whole path, so that a deep tree is as long as its names. WALK_BASE comes before the record of the same
 * name; WALK_END is the last one. Both ends are programs of one build, so structs go as they are; what is read is checked
 * all the same, for some streams pass through an engine.
 */
#pragma once

#include "sandboxes/init.h"
#include "sandboxes/tree.h"

enum { WALK_NAME_MAX = 255, WALK_TARGET_MAX = 4095 };
enum walk_record_flag { WALK_HAS_DIGEST = 1 << 0, WALK_OPAQUE = 1 << 1, WALK_BASE = 1 << 2, WALK_END = 1 << 3 };
struct walk_record {
	uint8_t kind, tree;
	uint8_t flags;
	uint8_t reserved;
	uint16_t name_len, target_len;
	uint32_t mode, depth;
	int32_t error;
	uint32_t padding;
	uint64_t size;			/* WALK_END: what was left out */
	uint64_t mtime_ns, ctime_ns, inode, links;
	unsigned char sha256[32];
};
enum { WALK_RECORD_MAX = sizeof(struct walk_record) + WALK_NAME_MAX + WALK_TARGET_MAX };

/* ---- in the first process */

/* A folder that is laid over others by an overlay. */
struct init_layer {
	const char *prefix;	/* where, relative to the root; "" is the root itself and comes first */
	int upper;		/* what was changed */
	int lower[2];		/* the original, in the order of their precedence; -1: none */
};
enum { INIT_LAYERS = 32 };
struct init_layers {
	struct init_layer items[INIT_LAYERS];
	size_t len;
};

struct init_walk {		/* goes over the wire as it is */
	uint32_t trees, max_depth;
	uint64_t max_entries;
	uint32_t digests, padding;
};
/* What lets the next walk with digests pass over what has not changed. All zero: everything is new. */
struct init_walk_state {
	uint64_t since_ns[SANDBOX_TREES];
	int64_t offset_ns;	/* wall clock against the monotonic one: when it was set back, everything is new */
};

/* `write` gets the stream in pieces of at most INIT_WALK_CHUNK; -1 with errno ends the walk. */
enum { INIT_WALK_CHUNK = 32 << 10 };
struct init_sink {
	int (*write)(void *arg, const void *data, size_t len);
	void *arg;
};
/* `layers` may be NULL. 0, or -1 with errno when the sink fails, memory runs out, or a tree cannot be looked at at all. */
int init_walk(const struct init *init, const struct init_layers *layers, const struct init_walk *walk, struct init_walk_state *state,
	      const struct init_sink *sink);

/* Open a regular file for reading, whatever its mode says if it is the step's own. -1 with errno; EINVAL: no regular file. `path` is
 * changed. */
int init_open(const struct init *init, const struct init_layers *layers, enum sandbox_tree tree, char *path);
/* Its content, at most `max_bytes`. 0, or -1 with errno. */
int init_get(const struct init *init, const struct init_layers *layers, enum sandbox_tree tree, char *path, uint64_t max_bytes,
	     const struct init_sink *sink);

/* ---- in the runner */

struct walk_reader {
	struct sandbox_walk *walk;
	bool ended;			/* WALK_END was seen: nothing may follow */
	bool stopped;			/* entry() wants no more; the stream is still checked */
	unsigned char record[WALK_RECORD_MAX];
	size_t have;
	uint64_t entries;
	char path[SANDBOX_PATH_MAX];
	uint16_t ends[SANDBOX_PATH_MAX / 2];	/* where the components of path end */
	size_t components;
	unsigned int tree;
	bool last_is_folder;
	bool has_base;
	struct sandbox_entry base;
	char base_name[WALK_NAME_MAX + 1];
	uint32_t base_depth;
	char base_target[WALK_TARGET_MAX + 1], target[WALK_TARGET_MAX + 1];
};
void walk_reader_init(struct walk_reader *r, struct sandbox_walk *walk);
/* -1: this is no such stream, and says nothing. */
int walk_reader_feed(struct walk_reader *r, const void *data, size_t len);
