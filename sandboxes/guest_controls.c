/* SPDX-License-Identifier: Apache-2.0
 * The rows of the enforcement table that follow from what guest_init found. What was promised outside plays no part
 * in them. */
#include "sandboxes/guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "sandboxes/native_wire.h"

static const char *size_text(uint64_t bytes, char out[64])
{
	autostrbuf struct strbuf text = STRBUF_INIT(63);

	size_format(&text, bytes);
	snprintf(out, 64, "%.63s", text.buf);
	return out;
}

static void fill_limit(struct control_table *t, enum control_id id, uint64_t asked, const char *requested, uint64_t got,
		       const char *mechanism)
{
	if (!asked)
		control_set(t, id, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (got && got <= asked)
		control_set(t, id, CONTROL_ENFORCED, requested, mechanism, NULL);
	else
		control_set(t, id, CONTROL_UNAVAILABLE, requested, mechanism, "the limit reads back as %llu", (unsigned long long)got);
}

static void fill_storage(const struct guest_report *r, const struct sandbox_limits *l, struct control_table *t)
{
	const uint64_t page = 4096;
	char text[64], room[64];

	if (!l->storage_bytes)
		control_set(t, CONTROL_STORAGE, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (!r->work_bytes || r->work_bytes > l->storage_bytes + page)
		control_set(t, CONTROL_STORAGE, CONTROL_UNAVAILABLE, size_text(l->storage_bytes, text), "tmpfs size",
			    "the size of /work reads back as %llu", (unsigned long long)r->work_bytes);
	else if (!r->tmp_bytes || (l->tmp_bytes && r->tmp_bytes > l->tmp_bytes + 2 * page))
		control_set(t, CONTROL_STORAGE, CONTROL_DEGRADED, size_text(l->storage_bytes, text), "tmpfs size",
			    "the size of /tmp and /dev/shm reads back as %llu", (unsigned long long)r->tmp_bytes);
	else
		control_set(t, CONTROL_STORAGE, CONTROL_ENFORCED, size_text(l->storage_bytes, text), "tmpfs size, nr_inodes",
			    "files count as memory%s%s", r->work_bytes + page < l->storage_bytes ? ": room for " : "",
			    r->work_bytes + page < l->storage_bytes ? size_text(r->work_bytes, room) : "");
}

static void fill_limits(const struct guest_report *r, const struct sandbox_limits *l, struct control_table *t)
{
	const uint64_t seconds = (l->cpu_time_ns + NS_PER_SEC - 1) / NS_PER_SEC;
	char text[64];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)l->nofile);
	fill_limit(t, CONTROL_NOFILE, l->nofile, text, r->limits.nofile, "RLIMIT_NOFILE");
	fill_limit(t, CONTROL_FSIZE, l->fsize_bytes, size_text(l->fsize_bytes, text), r->limits.fsize, "RLIMIT_FSIZE");
	control_set(t, CONTROL_CORE, r->limits.core == 0 ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "0", "RLIMIT_CORE",
		    r->limits.core == 0 ? NULL : "the limit reads back as %llu", (unsigned long long)r->limits.core);
	fill_limit(t, CONTROL_MEMLOCK, LOCKDOWN_MEMLOCK, size_text(LOCKDOWN_MEMLOCK, text), r->limits.memlock, "RLIMIT_MEMLOCK");
	control_set(t, CONTROL_OOM_POLICY, r->oom_steps_first ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "the step goes, whole",
		    "oom_score_adj 1000 of steps; the runner ends the rest",
		    r->oom_steps_first ? NULL : "oom_score_adj cannot be written");
	snprintf(text, sizeof(text), "%llus", (unsigned long long)seconds);
	/* the hard limit is a second above, see lockdown.c */
	fill_limit(t, CONTROL_CPU_TIME, seconds, text, r->limits.cpu_seconds ? r->limits.cpu_seconds - 1 : 0, "RLIMIT_CPU, per process");
	fill_storage(r, l, t);
	control_set(t, CONTROL_TIME, CONTROL_ENFORCED, "", "runner and first process: SIGTERM, then SIGKILL to all", NULL);
	if (l->output_bytes)
		control_set(t, CONTROL_OUTPUT, CONTROL_ENFORCED, size_text(l->output_bytes, text), "runner: counted, not kept", NULL);
}

static void fill_namespaces(const struct guest_report *r, struct control_table *t)
{
	static const struct { enum control_id id; const char *requested;
	} rows[NATIVE_NAMESPACES] = {	/* in the order of native_namespaces[] */
		{ CONTROL_USER_NAMESPACE, "own" }, { CONTROL_PID_NAMESPACE, "own" }, { CONTROL_MOUNT_NAMESPACE, "own" },
		{ CONTROL_NETWORK, "none" }, { CONTROL_IPC_NAMESPACE, "own" }, { CONTROL_UTS_NAMESPACE, "own" },
		{ CONTROL_CGROUP_NAMESPACE, "own" },
	};
	uint64_t ours[NATIVE_NAMESPACES];
	char mechanism[64];

	native_namespace_inodes(ours);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(mechanism, sizeof(mechanism), "%s namespace", native_namespaces[i]);
		if (r->namespaces[i] && ours[i] && r->namespaces[i] != ours[i])
			control_set(t, rows[i].id, CONTROL_ENFORCED, rows[i].requested, mechanism, NULL);
		else
			control_set(t, rows[i].id, CONTROL_UNAVAILABLE, rows[i].requested, "none",
				    r->namespaces[i] && ours[i] ? "shared with the host" :
				    "cannot be told: /proc/self/ns is not readable inside");
	}
	if (t->items[CONTROL_NETWORK].state == CONTROL_ENFORCED && r->interfaces > 1)
		control_set(t, CONTROL_NETWORK, CONTROL_DEGRADED, "none", "net namespace", "%u interfaces are up in it, not only lo",
			    r->interfaces);
}

static void fill_masks(const struct guest_report *r, struct control_table *t)
{
	char text[64];

	snprintf(text, sizeof(text), "%u places in /proc and /sys covered", r->masked);
	if (r->proc_read_only && r->sys_read_only && r->cgroup_hidden)
		control_set(t, CONTROL_MASKED_PATHS, CONTROL_ENFORCED, "hidden", text, NULL);
	else
		control_set(t, CONTROL_MASKED_PATHS, r->proc_read_only && r->sys_read_only ? CONTROL_DEGRADED : CONTROL_UNAVAILABLE,
			    "hidden", text, "%s", !r->proc_read_only ? "a kernel setting in /proc opens for writing" :
			    !r->sys_read_only ? "something in /sys opens for writing" : "a cgroup file system is to be seen");
}

/* What is not shown is not believed; executing was tried. */
static void fill_tmp(const struct guest_report *r, struct control_table *t)
{
	static const char asked[] = "noexec,nosuid,nodev";

	if (!r->tmp_bytes)
		control_set(t, CONTROL_PRIVATE_TMP, CONTROL_UNAVAILABLE, asked, "none", "/tmp is part of the root");
	else if (r->tmp_private && r->tmp_noexec)
		control_set(t, CONTROL_PRIVATE_TMP, CONTROL_ENFORCED, asked, "tmpfs, tried out", NULL);
	else
		control_set(t, CONTROL_PRIVATE_TMP, CONTROL_DEGRADED, asked, "tmpfs", "%s", r->tmp_noexec ?
			    "noexec holds when tried; the sandbox's kernel shows no nosuid and nodev, there and in /work" :
			    "a file system of its own, but programs can be executed in it");
}

static void fill_no_new_privs(const struct guest_report *r, struct control_table *t)
{
	const enum control_state state = !r->no_new_privs ? CONTROL_UNAVAILABLE :
		!r->no_new_privs_shown ? CONTROL_DEGRADED : CONTROL_ENFORCED;

	control_set(t, CONTROL_NO_NEW_PRIVS, state, "on", "PR_SET_NO_NEW_PRIVS", state == CONTROL_ENFORCED ? NULL : "%s",
		    r->no_new_privs ? "the sandbox's kernel says by prctl(2) that it is set, and does not show it in /proc" : "not set");
}

static void fill_walls(const struct guest_report *r, const struct sandbox_spec *spec, struct control_table *t)
{
	if (spec->writable_root)
		control_set(t, CONTROL_READ_ONLY_ROOT, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else
		control_set(t, CONTROL_READ_ONLY_ROOT, r->root_read_only ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "read-only",
			    "read-only mount, tried out", r->root_read_only ? NULL : "files can be made in system folders");
	fill_masks(r, t);
	fill_tmp(r, t);
	control_set(t, CONTROL_MINIMAL_DEV, r->devices_unexpected ? CONTROL_DEGRADED : CONTROL_ENFORCED, "null, zero, random …", "own /dev",
		    r->devices_unexpected ? "there is more in it than need be: %s" : NULL, r->devices);
}

static void fill_landlock(const struct lockdown_landlock *l, struct control_table *t)
{
	static const char requested[] = "changes in the writable folders only";
	char mechanism[64];

	snprintf(mechanism, sizeof(mechanism), l->abi ? "Landlock ABI %u" : "none", l->abi);
	control_set(t, CONTROL_LANDLOCK, l->held ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, requested, mechanism, l->held ? NULL : "%s",
		    l->error == EOPNOTSUPP ? "Landlock is switched off: add it to the kernel's lsm= parameter" :
		    l->error == ENOSYS ? "the sandbox's kernel has no Landlock (Linux 5.13 or newer has)" :
		    l->error ? "Landlock is not allowed there" : "the kernel's version of it is too old, or it did not hold when tried");
}

static void fill_privileges(const struct guest_report *r, const struct sandbox_spec *spec, struct control_table *t)
{
	const uint64_t granted = spec->net_bind_service ? UINT64_C(1) << 10 : 0;
	const bool caps = (r->capabilities & ~granted) == 0;

	if (r->seccomp_mode != 2)
		control_set(t, CONTROL_SECCOMP, CONTROL_UNAVAILABLE, "allow-list", "none", "no filter is in force");
	else if (r->own_filter)
		control_set(t, CONTROL_SECCOMP, CONTROL_ENFORCED, "allow-list", "our allow-list, loaded by the first process", NULL);
	else
		control_set(t, CONTROL_SECCOMP, CONTROL_DEGRADED, "allow-list", "somebody else's filter",
			    "a filter is in force already that forbids loading ours");
	fill_landlock(&r->landlock, t);
	fill_no_new_privs(r, t);
	control_set(t, CONTROL_CAPABILITIES, caps ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE,
		    granted ? "drop all but NET_BIND_SERVICE" : "drop all", "all five capability sets", caps ? NULL :
		    "capability sets read back as %llx", (unsigned long long)r->capabilities);
	if (r->uid == 0 && r->outside_uid && !spec->writable_root)
		control_set(t, CONTROL_NON_ROOT, CONTROL_DEGRADED, "uid not 0", "user namespace mapping",
			    "steps are root inside, where only one user is known, and uid %u outside", r->outside_uid);
	else
		control_set(t, CONTROL_NON_ROOT, r->outside_uid ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "uid not 0",
			    r->uid == r->outside_uid ? "uid of the container" : "user namespace mapping",
			    r->outside_uid ? NULL : "steps are root outside, too");
	control_set(t, CONTROL_SUPPLEMENTARY_GROUPS, r->foreign_groups ? CONTROL_DEGRADED : CONTROL_ENFORCED, "none", "read back",
		    r->foreign_groups ? "%u groups of somebody else count" : NULL, r->foreign_groups);
}

static void fill_observation(const struct guest_report *r, const struct sandbox_spec *spec, struct control_table *t)
{
	static const char requested[] = "calls, programs, network";

	if (!spec->observe)
		control_set(t, CONTROL_OBSERVATION, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (r->observing)
		control_set(t, CONTROL_OBSERVATION, CONTROL_ENFORCED, requested, "seccomp user notification", NULL);
	else
		control_set(t, CONTROL_OBSERVATION, CONTROL_UNAVAILABLE, requested, "none", "%.127s", r->not_observing);
}

void guest_fill_controls(const struct guest *g, const struct sandbox_spec *spec, struct control_table *controls)
{
	fill_limits(&g->report, &spec->limits, controls);
	fill_namespaces(&g->report, controls);
	fill_walls(&g->report, spec, controls);
	fill_privileges(&g->report, spec, controls);
	fill_observation(&g->report, spec, controls);
}
