/* SPDX-License-Identifier: Apache-2.0
 * control: the enforcement table. One row per control: what was asked for, whether it holds, and by which mechanism.
 * States are found by probing and reading back, never by assuming. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum control_id {
	CONTROL_MEMORY,		/* limits */
	CONTROL_SWAP,		/* no way out of memory */
	CONTROL_OOM_POLICY,	/* who goes when memory runs out */
	CONTROL_CPU,
	CONTROL_PIDS,
	CONTROL_STORAGE,
	CONTROL_NOFILE,
	CONTROL_FSIZE,
	CONTROL_CORE,
	CONTROL_MEMLOCK,
	CONTROL_CPU_TIME,
	CONTROL_TIME,		/* wall clock, with a way to end everything */
	CONTROL_OUTPUT,
	CONTROL_BANDWIDTH,
	CONTROL_NETWORK,	/* walls */
	CONTROL_USER_NAMESPACE,
	CONTROL_PID_NAMESPACE,
	CONTROL_MOUNT_NAMESPACE,
	CONTROL_IPC_NAMESPACE,
	CONTROL_UTS_NAMESPACE,
	CONTROL_CGROUP_NAMESPACE,
	CONTROL_READ_ONLY_ROOT,
	CONTROL_MASKED_PATHS,
	CONTROL_PRIVATE_TMP,
	CONTROL_MINIMAL_DEV,
	CONTROL_SECCOMP,
	CONTROL_OBSERVATION,	/* no wall: somebody sees what commands do and try */
	CONTROL_LANDLOCK,	/* the second wall */
	CONTROL_CAPABILITIES,
	CONTROL_NO_NEW_PRIVS,
	CONTROL_NON_ROOT,
	CONTROL_SUPPLEMENTARY_GROUPS,
	CONTROL_COUNT
};

enum control_state {
	CONTROL_NOT_REQUESTED,
	CONTROL_ENFORCED,	/* holds as asked */
	CONTROL_DEGRADED,	/* something weaker holds; detail says what */
	CONTROL_UNAVAILABLE,	/* asked for, nothing holds; detail says why */
};

struct control {
	enum control_state state;
	char requested[64];	/* "512Mi", "none", "drop all"; "" when not requested */
	char mechanism[64];	/* "cgroup v1 memory.limit_in_bytes", "seccomp allow-list (libseccomp)" */
	char detail[160];	/* for degraded and unavailable: why, and what to do */
};

struct control_table {
	struct control items[CONTROL_COUNT];
};

void control_set(struct control_table *t, enum control_id id, enum control_state state, const char *requested,
		 const char *mechanism, const char *detail_fmt, ...) __attribute__((format(printf, 6, 7)));

const char *control_name(enum control_id id);	/* "memory", "read_only_root": stable, used by --require and reports */
bool control_from_name(const char *name, enum control_id *ret);
const char *control_state_to_string(enum control_state state);	/* "enforced", … */
