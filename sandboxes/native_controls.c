/* SPDX-License-Identifier: Apache-2.0
 * The enforcement table of the built-in jail: every row from something that was read back. */
#include "sandboxes/native.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/quantity.h"

/* What the kernel says about PID 1, from which every step inherits. */
struct observed {
	unsigned int seccomp, no_new_privs;
	uint64_t capabilities;		/* all five sets together */
	bool read;
};

static struct observed observe(pid_t pid)
{
	static const char *const sets[] = { "\nCapInh:", "\nCapPrm:", "\nCapEff:", "\nCapBnd:", "\nCapAmb:" };
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	struct observed o = { 0 };
	char path[64];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (file_read(path, &text, NULL) < 0)
		return o;
	o.read = true;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if ((p = strstr(text.buf, sets[i])))
			o.capabilities |= strtoull(p + strlen(sets[i]), NULL, 16);
	if ((p = strstr(text.buf, "\nSeccomp:")))
		o.seccomp = (unsigned int)strtoul(p + 9, NULL, 10);
	if ((p = strstr(text.buf, "\nNoNewPrivs:")))
		o.no_new_privs = (unsigned int)strtoul(p + 12, NULL, 10);
	return o;
}

static const char *size_text(uint64_t bytes, char out[64])
{
	autostrbuf struct strbuf text = STRBUF_INIT(63);

	size_format(&text, bytes);
	snprintf(out, 64, "%.63s", text.buf);
	return out;
}

static void number_text(uint64_t n, const char *unit, char out[64])
{
	snprintf(out, 64, "%llu%s", (unsigned long long)n, unit);
}

/* A limit that is a cgroup's, with a weaker stand-in per process where there is none. */
static void fill_cgroup_row(struct control_table *t, enum control_id id, bool asked, const char *requested,
			    const struct cgroup_state *state, bool stand_in, const char *stand_in_name)
{
	if (!asked)
		control_set(t, id, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (state->held)
		control_set(t, id, CONTROL_ENFORCED, requested, state->mechanism, NULL);
	else if (stand_in)
		control_set(t, id, CONTROL_DEGRADED, requested, stand_in_name,
			    "%s; run as root or with a delegated cgroup", state->detail);
	else
		control_set(t, id, CONTROL_UNAVAILABLE, requested, "none", "%s; run as root or with a delegated cgroup",
			    state->detail);
}

static bool host_has_swap(void)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	const char *line;

	if (file_read("/proc/swaps", &text, NULL) < 0)
		return true;	/* who knows */
	line = strchr(text.buf, '\n');		/* after the heading */
	return line && line[1];
}

static void fill_swap(struct control_table *t, bool memory_asked, const struct cgroup_state *memory)
{
	if (!memory_asked)
		control_set(t, CONTROL_SWAP, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (memory->held && *memory->swap)
		control_set(t, CONTROL_SWAP, CONTROL_ENFORCED, "none", memory->swap, NULL);
	else if (!host_has_swap())
		control_set(t, CONTROL_SWAP, CONTROL_ENFORCED, "none", "this host has no swap", NULL);
	else
		control_set(t, CONTROL_SWAP, CONTROL_UNAVAILABLE, "none", "none", "%s", memory->held ?
			    "the kernel does not count swap per cgroup: start it with swapaccount=1, or switch swap off" :
			    "no writable cgroup with the memory controller; run as root or with a delegated cgroup, or switch swap off");
}

void native_fill_cgroup_controls(const struct sandbox_limits *l, const struct cgroup_state *states, bool joined, uint64_t data,
				 uint64_t nproc, struct control_table *t)
{
	struct cgroup_state here[CGROUP_CONTROLLERS];
	char text[64];

	memcpy(here, states, sizeof(here));
	for (size_t i = 0; i < ARRAY_SIZE(here); i++) {
		if (here[i].held && !joined) {
			here[i].held = false;
			snprintf(here[i].detail, sizeof(here[i].detail), "the sandbox could not enter its cgroup");
		}
	}
	fill_cgroup_row(t, CONTROL_MEMORY, l->memory_bytes, size_text(l->memory_bytes, text), &here[CGROUP_MEMORY],
			data == l->memory_bytes, "RLIMIT_DATA, per process");
	fill_swap(t, l->memory_bytes, &here[CGROUP_MEMORY]);
	number_text(l->pids, "", text);
	fill_cgroup_row(t, CONTROL_PIDS, l->pids, text, &here[CGROUP_PIDS], nproc && nproc <= l->pids + 1, "RLIMIT_NPROC, per user");
	snprintf(text, sizeof(text), "%.10g", (double)l->cpu_millis / 1000);
	fill_cgroup_row(t, CONTROL_CPU, l->cpu_millis, text, &here[CGROUP_CPU], false, NULL);
}

static void fill_rlimit(struct control_table *t, enum control_id id, uint64_t asked, const char *requested,
			uint64_t got, const char *mechanism)
{
	if (!asked)
		control_set(t, id, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (got && got <= asked)
		control_set(t, id, CONTROL_ENFORCED, requested, mechanism, NULL);
	else
		control_set(t, id, CONTROL_UNAVAILABLE, requested, mechanism, "the limit reads back as %llu",
			    (unsigned long long)got);
}

static void fill_limits(const struct native_facts *f, struct control_table *t)
{
	const struct sandbox_limits *l = &f->spec->limits;
	const struct wire_report *r = f->report;
	uint64_t seconds = (l->cpu_time_ns + NS_PER_SEC - 1) / NS_PER_SEC;
	char text[64], have[64], room[64];

	number_text(l->nofile, "", text);
	fill_rlimit(t, CONTROL_NOFILE, l->nofile, text, r->nofile, "RLIMIT_NOFILE");
	fill_rlimit(t, CONTROL_FSIZE, l->fsize_bytes, size_text(l->fsize_bytes, text), r->fsize, "RLIMIT_FSIZE");
	control_set(t, CONTROL_CORE, r->core == 0 ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "0", "RLIMIT_CORE",
		    r->core == 0 ? NULL : "the limit reads back as %llu", (unsigned long long)r->core);
	fill_rlimit(t, CONTROL_MEMLOCK, LOCKDOWN_MEMLOCK, size_text(LOCKDOWN_MEMLOCK, text), r->memlock, "RLIMIT_MEMLOCK");
	control_set(t, CONTROL_OOM_POLICY, r->oom_steps_first ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "the step goes, whole",
		    "oom_score_adj 1000 of steps; the runner ends the rest",
		    r->oom_steps_first ? NULL : "oom_score_adj cannot be written");
	number_text(seconds, "s", text);
	/* the hard limit is a second above, see lockdown.c */
	fill_rlimit(t, CONTROL_CPU_TIME, seconds, text, r->cpu_seconds ? r->cpu_seconds - 1 : 0,
		    "RLIMIT_CPU, per process");
	if (!l->storage_bytes)
		control_set(t, CONTROL_STORAGE, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (!r->work_bytes || r->work_bytes > l->storage_bytes + 4096)
		control_set(t, CONTROL_STORAGE, CONTROL_UNAVAILABLE, size_text(l->storage_bytes, text), "tmpfs size",
			    "the size reads back as %llu", (unsigned long long)r->work_bytes);
	else
		control_set(t, CONTROL_STORAGE, CONTROL_ENFORCED, size_text(l->storage_bytes, text),
			    "tmpfs size, nr_inodes", "files count as memory%s%s",
			    f->memory_bounds_storage ? ": room for " : "",
			    f->memory_bounds_storage ? size_text(r->work_bytes, room) : "");
	control_set(t, CONTROL_TIME, CONTROL_ENFORCED, "", "runner: SIGTERM, then SIGKILL to the pid namespace", NULL);
	if (l->output_bytes)
		control_set(t, CONTROL_OUTPUT, CONTROL_ENFORCED, size_text(l->output_bytes, have),
			    "runner: counted, not kept", NULL);
}

/* Namespace `i` of native_namespaces[] is another than ours. */
static void fill_namespace(const struct native_facts *f, struct control_table *t, enum control_id id, size_t i,
			   const char *requested)
{
	uint64_t inside = f->report->namespaces[i], ours = f->host_namespaces[i];
	char mechanism[64];

	if (inside && ours && inside != ours) {
		snprintf(mechanism, sizeof(mechanism), "%s namespace", native_namespaces[i]);
		control_set(t, id, CONTROL_ENFORCED, requested, mechanism, NULL);
	} else if (!strcmp(native_namespaces[i], "user")) {
		control_set(t, id, CONTROL_UNAVAILABLE, requested, "none", "%s",
			    f->no_user_namespace ? f->no_user_namespace : "shared with the host");
	} else {
		control_set(t, id, CONTROL_UNAVAILABLE, requested, "none", inside && ours ? "shared with the host" :
			    "cannot be told: /proc/self/ns is not readable");
	}
}

static void fill_namespaces(const struct native_facts *f, struct control_table *t)
{
	static const struct { enum control_id id; size_t i; const char *requested;
	} rows[] = {
		{CONTROL_USER_NAMESPACE, 0, "own"},   {CONTROL_PID_NAMESPACE, 1, "own"},
		{CONTROL_MOUNT_NAMESPACE, 2, "own"},  {CONTROL_NETWORK, 3, "none"},
		{CONTROL_IPC_NAMESPACE, 4, "own"},    {CONTROL_UTS_NAMESPACE, 5, "own"},
		{CONTROL_CGROUP_NAMESPACE, 6, "own"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		fill_namespace(f, t, rows[i].id, rows[i].i, rows[i].requested);
	if (t->items[CONTROL_NETWORK].state == CONTROL_ENFORCED && f->report->interfaces > 1)
		control_set(t, CONTROL_NETWORK, CONTROL_DEGRADED, "none", "net namespace",
			    "%u interfaces are up in it, not only lo", f->report->interfaces);
}

static void fill_walls(const struct native_facts *f, struct control_table *t)
{
	const struct wire_report *r = f->report;
	bool proc_short = r->proc_missing || r->proc_partial;
	char text[64];

	if (f->spec->writable_root)
		control_set(t, CONTROL_READ_ONLY_ROOT, r->root_overlay ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "copy-on-write",
			    "overlayfs over read-only binds", r->root_overlay ? NULL : "statfs does not say overlayfs");
	else
		control_set(t, CONTROL_READ_ONLY_ROOT, r->root_read_only ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "read-only",
		    f->spec->rootfs ? "tmpfs with read-only binds of the given root"
				    : "tmpfs with read-only binds of system folders",
		    r->root_read_only ? NULL : "statvfs does not say read-only");
	snprintf(text, sizeof(text), "allow-list of host paths, %u hidden", r->masked);
	control_set(t, CONTROL_MASKED_PATHS, CONTROL_ENFORCED, "hidden", text, proc_short ? "%s" : NULL,
		    r->proc_missing ? "/proc is empty: the host's own is covered in places" :
				      "/proc shows processes only: the host's own is covered in places");
	control_set(t, CONTROL_PRIVATE_TMP, r->tmp_private ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE,
		    "noexec,nosuid,nodev", "tmpfs", r->tmp_private ? NULL : "statvfs does not show the flags");
	control_set(t, CONTROL_MINIMAL_DEV, r->dev_minimal ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE,
		    "null, zero, random …", "read-only binds of six devices, own devpts", NULL);
}

static void fill_landlock(const struct lockdown_landlock *l, bool everywhere, struct control_table *t)
{
	const char *asked = everywhere ? "no device nodes, nothing from before" : "changes in the writable folders only";
	char mechanism[64];

	snprintf(mechanism, sizeof(mechanism), l->abi ? "Landlock ABI %u" : "none", l->abi);
	if (l->held)
		control_set(t, CONTROL_LANDLOCK, CONTROL_ENFORCED, asked, mechanism, NULL);
	else if (!l->abi)
		control_set(t, CONTROL_LANDLOCK, CONTROL_UNAVAILABLE, asked, mechanism, "%s",
			    l->error == EOPNOTSUPP ? "Landlock is switched off: add it to the kernel's lsm= parameter" :
			    l->error == ENOSYS ? "the kernel has no Landlock (Linux 5.13 or newer has)" :
			    "Landlock is not allowed here (a container or a seccomp filter forbids it)");
	else
		control_set(t, CONTROL_LANDLOCK, CONTROL_UNAVAILABLE, asked, mechanism, "%s",
			    l->abi < 2 ? "the first version forbids to move files between folders: Linux 5.19 or newer is needed" :
			    "it refused nothing when tried");
}

static void fill_privileges(const struct native_facts *f, struct control_table *t)
{
	struct observed o = observe(f->pid);
	const bool fake_root = f->spec->writable_root;
	uint64_t granted = (f->spec->net_bind_service ? LOCKDOWN_NET_BIND : 0) | (fake_root ? LOCKDOWN_FAKE_ROOT : 0);
	const char *unread = "/proc of the init process cannot be read";
	bool caps = o.read && (o.capabilities & ~granted) == 0;

	control_set(t, CONTROL_SECCOMP, o.seccomp == 2 ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "allow-list",
		    "seccomp allow-list (libseccomp)", o.seccomp == 2 ? NULL : "%s",
		    o.read ? "no filter is in force" : unread);
	fill_landlock(&f->report->landlock, fake_root, t);
	control_set(t, CONTROL_NO_NEW_PRIVS, o.no_new_privs ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "on",
		    "PR_SET_NO_NEW_PRIVS", o.no_new_privs ? NULL : "%s", o.read ? "not set" : unread);
	control_set(t, CONTROL_CAPABILITIES, caps ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE,
		    fake_root ? "drop all but six over files and ids of its own namespace" :
		    granted ? "drop all but NET_BIND_SERVICE" : "drop all", "all five capability sets",
		    caps ? NULL : "%s", o.read ? "a capability is left" : unread);
	if (f->root_outside)
		control_set(t, CONTROL_NON_ROOT, CONTROL_DEGRADED, "uid not 0", "single user mapped to our own id",
			    "we are root here and know no other user: give this user namespace a range of ids");
	else if (fake_root)
		control_set(t, CONTROL_NON_ROOT, f->user_namespace ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "root inside only",
			    "root inside is nobody outside", "%s",
			    f->user_namespace ? "giving files to other users is pretended, as there are none" : "no user namespace");
	else
		control_set(t, CONTROL_NON_ROOT, f->report->uid != 0 ? CONTROL_ENFORCED : CONTROL_UNAVAILABLE, "uid not 0",
			    f->user_namespace ? "single user mapped to nobody's id" : "setresuid to nobody's id", NULL);
	if (f->report->foreign_groups == 0)
		control_set(t, CONTROL_SUPPLEMENTARY_GROUPS, CONTROL_ENFORCED, "none",
			    f->init->drop_groups ? "setgroups" : "there were none", NULL);
	else
		control_set(t, CONTROL_SUPPLEMENTARY_GROUPS, CONTROL_DEGRADED, "none", "groups without a name inside",
			    "%u groups of the caller still count: only root can drop them", f->report->foreign_groups);
}

static void fill_observation(const struct native_facts *f, struct control_table *t)
{
	if (!f->spec->observe)
		control_set(t, CONTROL_OBSERVATION, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (f->report->observing && f->report->proc_missing)
		control_set(t, CONTROL_OBSERVATION, CONTROL_DEGRADED, "calls, programs, network", "seccomp user notification",
			    "without /proc the names of programs and relative paths are unknown: the host's own is covered in places");
	else if (f->report->observing)
		control_set(t, CONTROL_OBSERVATION, CONTROL_ENFORCED, "calls, programs, network", "seccomp user notification", NULL);
	else
		control_set(t, CONTROL_OBSERVATION, CONTROL_UNAVAILABLE, "calls, programs, network", "none", "%s",
			    f->report->not_observing);
}

void native_fill_controls(const struct native_facts *f, struct control_table *t)
{
	memset(t, 0, sizeof(*t));
	native_fill_cgroup_controls(&f->spec->limits, f->states, f->report->cgroup_joined, f->report->data, f->report->nproc, t);
	fill_limits(f, t);
	fill_namespaces(f, t);
	network_fill_controls(&f->spec->network, t);
	fill_walls(f, t);
	fill_privileges(f, t);
	fill_observation(f, t);
}
