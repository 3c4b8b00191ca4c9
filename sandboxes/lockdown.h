/* SPDX-License-Identifier: Apache-2.0
 * lockdown: what a process gives up before it runs somebody else's program: capabilities, system calls, limits. Private to
 * sandboxes/. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The system call filters, compiled when this program was: lockdown_filter.c says what they are. */
enum lockdown_filter {
	LOCKDOWN_PLAIN,		/* of steps and their first process, when nobody observes */
	LOCKDOWN_INIT,		/* of the first process when steps are observed */
	LOCKDOWN_OBSERVED,	/* of such a step, in addition to the one of its first process */
	LOCKDOWN_FILTERS
};
extern const struct sock_fprog lockdown_filters[LOCKDOWN_FILTERS];

/* Put a filter in force for this process and all it starts. Needs no-new-privs. 0, or -1 with errno. */
int lockdown_filter_load(enum lockdown_filter which);
/* The same, and return the descriptor (close-on-exec) that tells of calls waiting for an answer; -1 with errno. */
int lockdown_filter_listen(const struct sock_fprog *program);

/* Calls that LOCKDOWN_PLAIN refuses, always or by their arguments, and its answer. */
struct lockdown_call {
	int nr, error;
	const char *name;
};
extern const struct lockdown_call lockdown_calls[];
extern const size_t lockdown_calls_len;

/* Empty all five capability sets but for `keep` (1 << CAP_…) and set no-new-privs. What is kept passes on to programs (ambient). 0, or -1
 * with errno. */
int lockdown_capabilities(uint32_t keep);
#define LOCKDOWN_NET_BIND (1u << 10)
/* What root of a writable root can do to files that are its own, in a user namespace that knows nobody else: CHOWN, DAC_OVERRIDE, FOWNER,
 * FSETID, SETGID, SETUID. */
#define LOCKDOWN_FAKE_ROOT (1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 7)
/* Changing the owner of files, and the list of groups, "succeeds" without doing anything, as there is nobody to give them to, and the
 * kernel's audit, which programs for users insist on where it exists, does not. In addition to a filter above, after it. 0, or -1 with errno. */
int lockdown_pretend_ownership(void);

/* The second wall, by Landlock (see lockdown_landlock.c): whatever the mounts say, this process and all it starts change files only below
 * the folders `writable` (NULL-terminated, absolute, those that exist; the first must) and in the devices that are in /dev,
 * make device nodes nowhere, and reach no abstract socket and signal no process from before. Reading and executing are as they were. Needs
 * no-new-privs. 0, also where the kernel has no Landlock of use; -1 with errno when it has and it failed. */
struct lockdown_landlock {
	uint32_t abi;			/* 0: the kernel has none; the walls get more with each */
	int32_t error;			/* why the kernel has none: ENOSYS, EOPNOTSUPP (switched off at boot), EPERM */
	bool held;			/* tried out: it is in force */
};
extern const char *const lockdown_writable[];	/* "/work", "/tmp", "/dev/shm" */
int lockdown_landlock(const char *const *writable, struct lockdown_landlock *ret);

struct lockdown_limits {	/* 0: left as it is */
	uint64_t nofile, fsize, cpu_seconds, nproc, data;
	uint64_t core, memlock;		/* read only: they are as low as can be in any case */
};
#define LOCKDOWN_MEMLOCK (64u << 10)
/* Set resource limits, never above the hard limit that is there; core files are off and locked memory is
 * LOCKDOWN_MEMLOCK in any case. Safe after vfork. */
void lockdown_limits_apply(const struct lockdown_limits *limits);
/* The hard limits of this process. */
void lockdown_limits_read(struct lockdown_limits *ret);
