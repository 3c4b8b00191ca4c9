/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/control.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[CONTROL_COUNT] = {
	[CONTROL_MEMORY] = "memory",
	[CONTROL_SWAP] = "swap",
	[CONTROL_OOM_POLICY] = "oom_policy",
	[CONTROL_CPU] = "cpu",
	[CONTROL_PIDS] = "pids",
	[CONTROL_STORAGE] = "storage",
	[CONTROL_NOFILE] = "nofile",
	[CONTROL_FSIZE] = "fsize",
	[CONTROL_CORE] = "core",
	[CONTROL_MEMLOCK] = "memlock",
	[CONTROL_CPU_TIME] = "cpu_time",
	[CONTROL_TIME] = "time",
	[CONTROL_OUTPUT] = "output",
	[CONTROL_BANDWIDTH] = "bandwidth",
	[CONTROL_NETWORK] = "network",
	[CONTROL_USER_NAMESPACE] = "user_namespace",
	[CONTROL_PID_NAMESPACE] = "pid_namespace",
	[CONTROL_MOUNT_NAMESPACE] = "mount_namespace",
	[CONTROL_IPC_NAMESPACE] = "ipc_namespace",
	[CONTROL_UTS_NAMESPACE] = "uts_namespace",
	[CONTROL_CGROUP_NAMESPACE] = "cgroup_namespace",
	[CONTROL_READ_ONLY_ROOT] = "read_only_root",
	[CONTROL_MASKED_PATHS] = "masked_paths",
	[CONTROL_PRIVATE_TMP] = "private_tmp",
	[CONTROL_MINIMAL_DEV] = "minimal_dev",
	[CONTROL_SECCOMP] = "seccomp",
	[CONTROL_OBSERVATION] = "observation",
	[CONTROL_LANDLOCK] = "landlock",
	[CONTROL_CAPABILITIES] = "capabilities",
	[CONTROL_NO_NEW_PRIVS] = "no_new_privs",
	[CONTROL_NON_ROOT] = "non_root",
	[CONTROL_SUPPLEMENTARY_GROUPS] = "supplementary_groups",
};

static const char *const states[] = {
	[CONTROL_NOT_REQUESTED] = "not_requested",
	[CONTROL_ENFORCED] = "enforced",
	[CONTROL_DEGRADED] = "degraded",
	[CONTROL_UNAVAILABLE] = "unavailable",
};

void control_set(struct control_table *t, enum control_id id, enum control_state state, const char *requested,
		 const char *mechanism, const char *detail_fmt, ...)
{
	struct control *c = &t->items[id];
	va_list ap;

	memset(c, 0, sizeof(*c));
	c->state = state;
	snprintf(c->requested, sizeof(c->requested), "%s", requested ? requested : "");
	snprintf(c->mechanism, sizeof(c->mechanism), "%s", mechanism ? mechanism : "");
	if (!detail_fmt)
		return;
	va_start(ap, detail_fmt);
	vsnprintf(c->detail, sizeof(c->detail), detail_fmt, ap);
	va_end(ap);
}

const char *control_name(enum control_id id)
{
	return (unsigned int)id < CONTROL_COUNT ? names[id] : "unknown";
}

bool control_from_name(const char *name, enum control_id *ret)
{
	for (unsigned int i = 0; i < CONTROL_COUNT; i++) {
		if (!strcmp(names[i], name)) {
			*ret = (enum control_id)i;
			return true;
		}
	}
	return false;
}

const char *control_state_to_string(enum control_state state)
{
	return (unsigned int)state <= CONTROL_UNAVAILABLE ? states[state] : "unknown";
}
