/* SPDX-License-Identifier: Apache-2.0
 * config.json. Nothing in it is left to a runtime's defaults that matters; what the first process does itself
 * afterwards (the system call filter, limits of steps, Landlock) is not in it. */
#include "sandboxes/oci.h"

#include <stdio.h>
#include <sys/resource.h>

#include "runner/base/json.h"
#include "runner/base/mem.h"
#include "sandboxes/host_view.h"
#include "sandboxes/sandbox.h"

#define CPU_PERIOD_US 100000

static json_t *texts(const char *const *list)
{
	json_t *array = json_array();

	for (; *list; list++)
		json_push(array, json_text(*list));
	return array;
}

/* ---- process */

/* Never above the hard limit there is: that needs a capability which may be missing. */
static void add_rlimit(json_t *list, const char *name, int resource, uint64_t wanted)
{
	struct rlimit now;
	json_t *limit = json_object();

	if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max < wanted)
		wanted = now.rlim_max;
	json_put_text(limit, "type", name);
	json_put_int(limit, "hard", (int64_t)wanted);
	json_put_int(limit, "soft", (int64_t)wanted);
	json_push(list, limit);
}

static json_t *process(const struct oci_bundle *b)
{
	static const char *const argv[] = { "/" OCI_PROGRAM, NULL }, *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	static const char *const sets[] = { "bounding", "effective", "inheritable", "permitted", "ambient" };
	static const char *const granted[] = { "CAP_NET_BIND_SERVICE", NULL }, *const nothing[] = { NULL };
	/* to answer names where steps are observed, and to give that up: the first process keeps neither */
	static const char *const to_give_up[] = { "CAP_NET_BIND_SERVICE", "CAP_SETPCAP", NULL };
	const uint64_t nofile = b->spec->limits.nofile;
	json_t *p = json_object(), *user = json_object(), *capabilities = json_object(), *limits = json_array();

	json_put_bool(p, "terminal", false);
	json_put_int(user, "uid", b->root->uid);
	json_put_int(user, "gid", b->root->gid);
	json_put_int(user, "umask", 022);
	json_put(p, "user", user);
	json_put(p, "args", texts(argv));
	json_put(p, "env", texts(env));
	json_put_text(p, "cwd", "/");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		json_put(capabilities, sets[i], texts(b->spec->observe ? to_give_up : b->spec->net_bind_service ? granted : nothing));
	json_put(p, "capabilities", capabilities);
	add_rlimit(limits, "RLIMIT_CORE", RLIMIT_CORE, 0);
	add_rlimit(limits, "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, LOCKDOWN_MEMLOCK);
	if (nofile)	/* the first process needs a few, steps get what they may have from it */
		add_rlimit(limits, "RLIMIT_NOFILE", RLIMIT_NOFILE, nofile < 256 ? 256 : nofile);
	json_put(p, "rlimits", limits);
	json_put_bool(p, "noNewPrivileges", true);
	json_put_int(p, "oomScoreAdj", 0);
	return p;
}

/* ---- mounts */

struct mount_row {
	const char *destination, *type, *source;
	const char *const *options;
};

static void add_mount(json_t *list, const struct mount_row *row)
{
	json_t *m = json_object();

	json_put_text(m, "destination", row->destination);
	json_put_text(m, "type", row->type);
	json_put_text(m, "source", row->source);
	json_put(m, "options", texts(row->options));
	json_push(list, m);
}

struct size {
	uint64_t bytes, files;
};

/* A tmpfs that is as large as was asked for, in bytes and in files. */
static void add_tmpfs(json_t *list, const char *destination, const char *const *flags, struct size size)
{
	char bytes[40], files[40];
	const char *options[10];
	size_t n = 0;

	while (flags[n]) {
		options[n] = flags[n];
		n++;
	}
	snprintf(bytes, sizeof(bytes), "size=%llu", (unsigned long long)size.bytes);
	snprintf(files, sizeof(files), "nr_inodes=%llu", (unsigned long long)size.files + 1);
	if (size.bytes)
		options[n++] = bytes;
	if (size.files)
		options[n++] = files;
	options[n] = NULL;
	add_mount(list, &(struct mount_row){ destination, "tmpfs", "tmpfs", options });
}

/* /dev/shm gets a quarter of what /tmp and it may have together. */
static json_t *mounts(const struct oci_bundle *b)
{
	static const char *const proc[] = { "nosuid", "noexec", "nodev", "ro", NULL };
	static const char *const dev[] = { "nosuid", "noexec", "strictatime", "mode=755", "size=64k", "nr_inodes=64", "ro", NULL };
	static const char *const pts[] = { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "max=64", NULL };
	static const char *const plain[] = { "nosuid", "nodev", "noexec", "mode=1777", NULL };
	static const char *const open_dev[] = { "nosuid", "noexec", "mode=755", NULL };
	static const char *const queue[] = { "nosuid", "noexec", "nodev", NULL };
	const struct mount_row rows[] = {
		{ "/proc", "proc", "proc", proc },
		/* gVisor lets nobody write to /dev/null where /dev is read-only; it is root's, and nobody is root */
		{ "/dev", "tmpfs", "tmpfs", b->runtime->own_kernel ? open_dev : dev },
		{ "/dev/pts", "devpts", "devpts", pts }, { "/dev/mqueue", "mqueue", "mqueue", queue },
	};
	static const char *const tiny[] = { "nosuid", "noexec", "nodev", "mode=755", "size=4k", "ro", NULL };
	/* what gVisor puts there by itself, and masks nothing */
	static const struct mount_row covers[] = { { "/sys", "tmpfs", "tmpfs", tiny }, { "/dev/net", "tmpfs", "tmpfs", tiny } };
	const struct native_root *root = b->root;
	const struct size shm = { root->tmp_bytes / 4 & ~UINT64_C(4095), root->tmp_files / 4 };
	const struct size tmp = { root->tmp_bytes - shm.bytes, root->tmp_files - shm.files };
	char uid[24], gid[24];
	const char *const work[] = { "nosuid", "nodev", "mode=755", uid, gid, NULL };
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add_mount(list, &rows[i]);
	for (size_t i = 0; b->runtime->own_kernel && i < ARRAY_SIZE(covers); i++)
		add_mount(list, &covers[i]);
	add_tmpfs(list, "/dev/shm", plain, shm);
	add_tmpfs(list, "/tmp", plain, tmp);
	snprintf(uid, sizeof(uid), "uid=%u", root->uid);
	snprintf(gid, sizeof(gid), "gid=%u", root->gid);
	add_tmpfs(list, SANDBOX_WORKDIR, work, (struct size){ root->work_bytes, root->work_files });
	return list;
}

/* ---- linux */

static json_t *id_mappings(unsigned int inside, unsigned int outside, unsigned int outside_root)
{
	const struct { unsigned int inside, outside; } rows[] = { { 0, outside_root }, { inside, outside } };
	json_t *list = json_array();

	for (size_t i = outside_root ? 0 : 1; i < ARRAY_SIZE(rows); i++) {
		json_t *m = json_object();

		json_put_int(m, "containerID", rows[i].inside);
		json_put_int(m, "hostID", rows[i].outside);
		json_put_int(m, "size", 1);
		json_push(list, m);
	}
	return list;
}

static json_t *namespaces(bool user)
{
	static const char *const names[] = { "user", "pid", "mount", "network", "ipc", "uts", "cgroup" };
	json_t *list = json_array();

	for (size_t i = user ? 0 : 1; i < ARRAY_SIZE(names); i++) {
		json_t *n = json_object();

		json_put_text(n, "type", names[i]);
		json_push(list, n);
	}
	return list;
}

static void put_limit(json_t *resources, const char *group, const char *name, uint64_t value)
{
	json_t *object = json_object_get(resources, group);

	if (!object) {
		object = json_object();
		json_put(resources, group, object);
	}
	json_put_int(object, name, (int64_t)value);
}

static json_t *resources(const struct oci_bundle *b)
{
	const struct sandbox_limits *l = &b->spec->limits;
	json_t *r = json_object(), *devices = json_array(), *none = json_object();

	json_put_bool(none, "allow", false);
	json_put_text(none, "access", "rwm");
	json_push(devices, none);
	json_put(r, "devices", devices);
	if (l->memory_bytes && b->states[CGROUP_MEMORY].held) {
		put_limit(r, "memory", "limit", l->memory_bytes);
		put_limit(r, "memory", "swap", l->memory_bytes);
	}
	if (l->pids && b->states[CGROUP_PIDS].held)
		put_limit(r, "pids", "limit", l->pids + 1 + b->runtime->own_processes);
	if (l->cpu_millis && b->states[CGROUP_CPU].held) {
		put_limit(r, "cpu", "period", CPU_PERIOD_US);
		put_limit(r, "cpu", "quota", l->cpu_millis * (CPU_PERIOD_US / 1000));
	}
	return r;
}

static json_t *masked_paths(void)
{
	static const char *const sys[] = { "/sys/firmware", "/sys/fs/cgroup", "/sys/devices/virtual/powercap", NULL };
	json_t *list = texts(sys);

	for (const char *const *name = host_view_proc_hidden; *name; name++) {
		autofree char *path = xasprintf("/proc/%s", *name);

		json_push(list, json_text(path));
	}
	return list;
}

static json_t *linux_part(const struct oci_bundle *b)
{
	static const char *const read_only[] = { "/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", NULL };
	json_t *l = json_object();

	if (b->user_namespace) {
		json_put(l, "uidMappings", id_mappings(b->root->uid, b->outside_uid, b->outside_root));
		json_put(l, "gidMappings", id_mappings(b->root->gid, b->outside_gid, b->outside_root));
	}
	json_put(l, "namespaces", namespaces(b->user_namespace));
	if (b->cgroups_path)
		json_put_text(l, "cgroupsPath", b->cgroups_path);
	json_put(l, "resources", resources(b));
	json_put(l, "maskedPaths", masked_paths());
	json_put(l, "readonlyPaths", texts(read_only));
	return l;
}

void oci_config(const struct oci_bundle *b, const char *rootfs, struct strbuf *out)
{
	json_t *config = json_object(), *root = json_object();

	json_put_text(config, "ociVersion", "1.0.2");
	json_put(config, "process", process(b));
	json_put_text(root, "path", rootfs);
	json_put_bool(root, "readonly", true);
	json_put(config, "root", root);
	json_put_text(config, "hostname", b->root->hostname);
	json_put(config, "mounts", mounts(b));
	json_put(config, "linux", linux_part(b));
	json_write(config, 1, out);
	json_decref(config);
}
