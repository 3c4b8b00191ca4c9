/* SPDX-License-Identifier: Apache-2.0
 * cgroup: one folder per hierarchy for a sandbox, wherever this host lets us make one. Private to sandboxes/.
 *
 * Version 2 alone, version 1 alone, and both side by side (limits by version 1; version 2 has cgroup.kill even where it
 * has no controllers) are the same to the caller: a list of places. Folders are made as near to our own cgroup as the
 * kernel allows, are called CGROUP_PREFIX<id>, and are locked with flock for as long as the runner lives, so that a sweep can tell
 * orphans.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/error.h"

#define CGROUP_PREFIX "sandbox_runner-"

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_CONTROLLERS };

struct cgroup_place {
	char path[512];			/* absolute */
	bool v2;
	unsigned int controllers;	/* 1 << enum cgroup_controller, of those asked for */
	int fd;				/* the folder, locked */
};

/* What the kernel has counted for a sandbox, all its processes together. Counters start with the sandbox and only grow; so do peaks,
 * but for memory_peak_bytes, which starts at the last cgroup_mark() where the kernel can do that (v1, and v2 since 6.12). */
struct cgroup_usage {
	unsigned int known;		/* 1 << enum cgroup_count: the others are 0 and mean nothing */
	uint64_t cpu_ns, throttled_ns;
	uint64_t memory_bytes, memory_peak_bytes;
	uint64_t memory_pressure_us;	/* time in which some process waited for memory */
	uint64_t oom_kills;
	uint64_t pids, pids_peak;	/* our PID 1 included */
	uint64_t pids_refused;		/* forks */
	uint64_t io_read_bytes, io_write_bytes;	/* of block devices */
};
enum cgroup_count {
	CGROUP_COUNT_CPU, CGROUP_COUNT_THROTTLED,
	CGROUP_COUNT_MEMORY, CGROUP_COUNT_MEMORY_PEAK, CGROUP_COUNT_MEMORY_PRESSURE, CGROUP_COUNT_OOM_KILLS,
	CGROUP_COUNT_PIDS, CGROUP_COUNT_PIDS_PEAK, CGROUP_COUNT_PIDS_REFUSED,
	CGROUP_COUNT_IO_READ, CGROUP_COUNT_IO_WRITE,
	CGROUP_COUNTS
};

enum { CGROUP_PLACES = 4, CGROUP_FILES = 10 };
struct cgroup {
	struct cgroup_place places[CGROUP_PLACES];
	size_t len;
	int files[CGROUP_FILES];	/* what is counted, kept open; -1: not here. See cgroup_usage.c */
	struct cgroup_usage marked;	/* at the last cgroup_mark() */
	uint64_t memory_seen, pids_seen;	/* highest since then that cgroup_watch() saw */
};

struct cgroup_limits {			/* 0: none */
	uint64_t memory_bytes, pids, cpu_millis;
};

/* What was read back of one limit. */
struct cgroup_state {
	bool held;			/* the limit is there, at most as high as asked for */
	uint64_t value;			/* bytes, processes, thousandths */
	char mechanism[64];		/* "cgroup v1 memory.limit_in_bytes" */
	char detail[160];		/* why not */
	char swap[64];			/* of memory, and held: what keeps swap from being a way out; "": nothing does */
};

struct cgroup_hierarchy {
	char mount[256];		/* where it is mounted */
	char own[512];			/* folder of our own cgroup in it: below or equal to `mount` */
	bool v2;
	unsigned int controllers;	/* version 1 only */
};
enum { CGROUP_HIERARCHIES = 8 };

struct cgroup_making {
	const char *id;
	void (*announce)(void *arg, const char *path);	/* called with each path before it is made */
	void *arg;
	struct cgroup_hierarchy all[CGROUP_HIERARCHIES];	/* of this host, filled in by cgroup_begin() */
	size_t len;
};

/* Make and lock the folders: that of version 2 first, for a process is best made in it; those of version 1 can be joined at any time, so
 * they may be made while it comes up. None fails: what cannot be had cgroup_limit() says. */
void cgroup_begin(struct cgroup *cg, struct cgroup_making *making);
void cgroup_make_v2(struct cgroup *cg, const struct cgroup_making *making);
void cgroup_make_v1(struct cgroup *cg, const struct cgroup_making *making);
/* Set the limits, which hold for who is in there already, too. cgroup_open_counters() is next. */
void cgroup_limit(struct cgroup *cg, const struct cgroup_limits *limits, struct cgroup_state states[CGROUP_CONTROLLERS]);
/* All of these. */
void cgroup_create(struct cgroup *cg, const char *id, const struct cgroup_limits *limits,
		   void (*announce)(void *arg, const char *path), void *arg,
		   struct cgroup_state states[CGROUP_CONTROLLERS]);
/* Somebody else's, for counting only: where process `pid` is, as far as it can be seen from here and `name` is in its path. */
void cgroup_adopt(struct cgroup *cg, int pid, const char *name);
/* What of these limits is in force, read back. */
void cgroup_check(const struct cgroup *cg, const struct cgroup_limits *limits, struct cgroup_state states[CGROUP_CONTROLLERS]);
/* Close the handles, which gives up the locks; the folders stay. */
void cgroup_close(struct cgroup *cg);

int cgroup_v2_folder(const struct cgroup *cg);	/* to clone3() into; -1: none. The caller does not close it */
/* Files that a new process writes "0" to, one per version 1 place. */
size_t cgroup_open_joins(const struct cgroup *cg, int *fds, size_t max);

/* ---- counting. Cheap: a read of an open file each */
void cgroup_usage(const struct cgroup *cg, struct cgroup_usage *ret);

/* A command: mark, watch now and then, and ask for what happened since. */
void cgroup_mark(struct cgroup *cg);
void cgroup_watch(struct cgroup *cg);			/* for peaks that the kernel cannot start anew */
bool cgroup_out_of_memory(const struct cgroup *cg);
bool cgroup_fork_refused(const struct cgroup *cg);
uint64_t cgroup_cpu_ns(const struct cgroup *cg);	/* 0: unknown */
uint64_t cgroup_memory_peak(const struct cgroup *cg);	/* 0: unknown */
uint64_t cgroup_pids_peak(const struct cgroup *cg);	/* 0: unknown */

/* ---- undoing, by path or name alone */

/* Call `found` with the path of every folder of ours (id NULL), or of that id, in all places where cgroup_create() could
 * have put it. */
void cgroup_find(const char *id, void (*found)(void *arg, const char *path), void *arg);
/* Is this the path of a folder of ours in a cgroup file system? */
bool cgroup_is_ours(const char *path);
/* Kill what is in it and remove it, waiting at most `timeout_ns`. 1: removed, 0: was not there, -1 with errno. */
int cgroup_remove(const char *path, uint64_t timeout_ns);
/* Make the folder `path` and lock it, whatever sweeps find it in between. The descriptor that holds the lock, or -1 with errno. */
int cgroup_make_locked(const char *path);
/* The lock of a folder that nobody alive uses, to be held until it is removed: whoever made it a moment ago then waits and makes it again.
 * -1: it is in use, gone, or another user's. */
int cgroup_lock_orphan(const char *path);

/* If runners had to move to a leaf, beside the place `place` that is no more: back, when no other sandbox is left there. 1: the leaf is
 * removed, 0: nothing to do (yet), -1 with errno. `path` is then that of the leaf. */
int cgroup_leave_leaf(const char *place, char path[512]);

/* ---- private to cgroup*.c: the hierarchies of this host */
size_t cgroup_hierarchies(struct cgroup_hierarchy out[CGROUP_HIERARCHIES]);
size_t cgroup_hierarchies_of(int pid, struct cgroup_hierarchy out[CGROUP_HIERARCHIES]);	/* `own` is that process's; 0: ours */
/* The parent of `path` that is still in the hierarchy; false at its top. Changes `path`. */
bool cgroup_go_up(const struct cgroup_hierarchy *h, char *path);
/* Get out of the way of our own children, see cgroup_leaf.c. False: not possible, nothing was changed. */
bool cgroup_enter_leaf(const struct cgroup_hierarchy *h);

/* ---- private to cgroup*.c: what is counted */
const struct cgroup_place *cgroup_place_of(const struct cgroup *cg, enum cgroup_controller c);	/* NULL: none */
void cgroup_open_counters(struct cgroup *cg);
void cgroup_close_counters(struct cgroup *cg);
