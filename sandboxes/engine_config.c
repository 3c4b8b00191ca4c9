/* SPDX-License-Identifier: Apache-2.0
 * What a container is asked for: all of it stands here. Defaults of an engine that loosen anything are overridden; what it then really
 * gave is read back by guest_init and engine_usage.c. */
#include "sandboxes/engine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "sandboxes/host_view.h"

#define TINY "ro,nosuid,nodev,noexec,size=64k,mode=0755"	/* in place of something that should not be writable */

void engine_plan_release(struct engine_plan *p)
{
	json_decref(p->mounts);
	p->mounts = NULL;
	strvec_release(&p->masks);
}

/* ---- the root */

static void add_bind(json_t *mounts, const char *source, const char *path)
{
	json_t *mount = json_object(), *options = json_object();
	autofree char *target = xasprintf("/%s", path);

	/* without what is mounted below: that would stay writable, and is not meant to be shown */
	json_put_bool(options, "NonRecursive", true);
	json_put_text(options, "Propagation", "rprivate");
	json_put_text(mount, "Type", "bind");
	json_put_text(mount, "Source", source);
	json_put_text(mount, "Target", target);
	json_put_bool(mount, "ReadOnly", true);
	json_put(mount, "BindOptions", options);
	json_push(mounts, mount);
}

struct rooting {
	struct engine_plan *plan;
	struct strbuf *tar;
	const char *rootfs;
};

/* A path to hide that lies in a folder which is shown. */
static void mask_below(struct rooting *r, const char *source, const char *path)
{
	const size_t len = strlen(source);

	for (const char *const *m = r->plan->spec->masks; m && *m; m++) {
		char real[PATH_MAX];

		if (realpath(*m, real) && !strncmp(real, source, len) && (real[len] == '/' || !real[len]))
			strvec_pushf(&r->plan->masks, "/%s%s", path, real + len);
	}
}

static void take_entry(void *arg, const struct host_view_entry *entry)
{
	struct rooting *r = arg;

	switch (entry->kind) {
	case HOST_VIEW_EMPTY:
		engine_tar_add(r->tar, ENGINE_TAR_FOLDER, entry->path, NULL);
		break;
	case HOST_VIEW_LINK:
		engine_tar_add(r->tar, ENGINE_TAR_LINK, entry->path, entry->text);
		break;
	case HOST_VIEW_TEXT:
		engine_tar_add(r->tar, ENGINE_TAR_FILE, entry->path, entry->text);
		break;
	case HOST_VIEW_FOLDER:
	case HOST_VIEW_FILE:
		add_bind(r->plan->mounts, entry->source, entry->path);
		mask_below(r, entry->source, entry->path);
		break;
	}
}

int engine_plan_root(struct engine_plan *p, struct strbuf *tar, struct error *err)
{
	const struct host_view_user user = { .uid = p->user, .gid = p->user, .hostname = p->spec->hostname && *p->spec->hostname ?
		p->spec->hostname : "sandbox" };
	struct rooting r = { .plan = p, .tar = tar };
	char rootfs[PATH_MAX];

	if (p->spec->rootfs && !realpath(p->spec->rootfs, rootfs))
		return error_sys(err, ERR_INVALID_INPUT, "root folder '%s'", p->spec->rootfs);
	r.rootfs = p->spec->rootfs ? rootfs : NULL;
	if (host_view_list(r.rootfs, &user, take_entry, &r, err) < 0)
		return -1;
	engine_tar_end(tar);
	return 0;
}

/* ---- limits */

/* Never above the hard limit that we have: an engine started like us could not raise it either. */
static void add_ulimit(json_t *list, const char *name, int resource, uint64_t wanted)
{
	struct rlimit now;
	json_t *limit = json_object();

	if (getrlimit((__rlimit_resource_t)resource, &now) == 0 && now.rlim_max < wanted)
		wanted = now.rlim_max;
	json_put_text(limit, "Name", name);
	json_put_int(limit, "Soft", (int64_t)wanted);
	json_put_int(limit, "Hard", (int64_t)wanted);
	json_push(list, limit);
}

/* What steps may have they get from guest_init; these bound that, too, and keep an engine from raising any. */
static json_t *ulimits(const struct engine_plan *p)
{
	const struct sandbox_limits *l = &p->spec->limits;
	const bool alone = p->user >= 1u << 20;		/* nobody else has this id, so counting by user is counting by sandbox */
	json_t *list = json_array();

	add_ulimit(list, "core", RLIMIT_CORE, 0);
	add_ulimit(list, "nofile", RLIMIT_NOFILE, l->nofile > 1024 ? l->nofile : 1024);
	add_ulimit(list, "nproc", RLIMIT_NPROC, alone && l->pids ? l->pids + 16 : 16384);
	return list;
}

static void put_limits(json_t *host, const struct engine_plan *p)
{
	const struct sandbox_limits *l = &p->spec->limits;

	if (l->memory_bytes) {
		json_put_int(host, "Memory", (int64_t)l->memory_bytes);
		json_put_int(host, "MemorySwap", (int64_t)l->memory_bytes);	/* both together: no swap */
	}
	if (l->cpu_millis)
		json_put_int(host, "NanoCpus", (int64_t)l->cpu_millis * 1000000);
	if (l->pids)
		json_put_int(host, "PidsLimit", (int64_t)l->pids + 1 /* guest_init */);
	json_put(host, "Ulimits", ulimits(p));
	json_put_int(host, "OomScoreAdj", 500);		/* before anything of the host; steps are before guest_init */
}

/* ---- file systems */

static void put_tmpfs(json_t *tmpfs, const struct engine_plan *p, const char *path, const char *flags, uint64_t bytes, bool own)
{
	const uint64_t files = p->spec->limits.storage_files;
	autostrbuf struct strbuf options = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&options, "rw,nosuid,nodev,%s,size=%llu,mode=%s", flags, (unsigned long long)bytes,
		    own && p->kind->tmpfs_details ? "0755" : "1777");
	if (p->kind->tmpfs_details && files)
		strbuf_addf(&options, ",nr_inodes=%llu", (unsigned long long)files + 1);
	if (p->kind->tmpfs_details && own)
		strbuf_addf(&options, ",uid=%u,gid=%u", p->user, p->user);
	json_put_text(tmpfs, path, options.buf);
}

/* Volumes that an image declares would be folders of the host, of any size: they are empty and read-only instead. */
static void cover_volumes(json_t *tmpfs, json_t *mounts, const struct engine_plan *p, const json_t *volumes)
{
	const char *path;
	const json_t *unused;

	json_object_foreach((json_t *)volumes, path, unused) {
		json_t *mount, *options;

		if (*path != '/' || json_object_get(tmpfs, path))
			continue;
		if (!p->kind->tmpfs_details) {
			json_put_text(tmpfs, path, TINY);
			continue;
		}
		mount = json_object();
		options = json_object();
		json_put_int(options, "SizeBytes", 64 << 10);
		json_put_int(options, "Mode", 0755);
		json_put_text(mount, "Type", "tmpfs");
		json_put_text(mount, "Target", path);
		json_put_bool(mount, "ReadOnly", true);
		json_put(mount, "TmpfsOptions", options);
		json_push(mounts, mount);
	}
}

static void put_file_systems(json_t *host, const struct engine_plan *p, const struct engine_image *image)
{
	json_t *tmpfs = json_object();
	json_t *mounts = json_deep_copy(p->mounts);
	autofree char *init = xasprintf("%s/init", p->scratch);
	autofree char *life = xasprintf("%s/life", p->scratch);
	autofree char *hosts = xasprintf("%s/hosts", p->scratch);
	autofree char *resolv = xasprintf("%s/resolv.conf", p->scratch);

	put_tmpfs(tmpfs, p, SANDBOX_WORKDIR, "exec", p->work_bytes, true);
	put_tmpfs(tmpfs, p, "/tmp", "noexec", p->tmp_bytes, false);
	if (p->kind->tmpfs_details) {	/* the engine's own has no limit of files */
		json_put_text(host, "IpcMode", "none");
		put_tmpfs(tmpfs, p, "/dev/shm", "noexec", p->shm_bytes, false);
	} else {
		json_put_text(host, "IpcMode", "private");
		json_put_int(host, "ShmSize", (int64_t)p->shm_bytes);
	}
	if (p->kind->adds_writable) {
		json_put_text(tmpfs, "/run", TINY);
		json_put_text(tmpfs, "/var/tmp", TINY);
	}
	cover_volumes(tmpfs, mounts, p, image->volumes);
	add_bind(mounts, init, &ENGINE_INIT_PATH[1]);
	add_bind(mounts, life, &GUEST_LIFE_PATH[1]);
	/* engines put the host's there, or what they make of them */
	add_bind(mounts, hosts, "etc/hosts");
	add_bind(mounts, resolv, "etc/resolv.conf");
	json_put(host, "Tmpfs", tmpfs);
	json_put(host, "Mounts", mounts);
	json_put_bool(host, "ReadonlyRootfs", true);
}

/* What is in /proc for everybody to read and nobody's business, all of /sys, and the message queues, which have no limit. */
static void put_masks(json_t *host, json_t *security, const struct engine_plan *p)
{
	static const char *const always[] = { "/sys", "/dev/mqueue" };
	static const char *const read_only[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" };
	autostrbuf struct strbuf option = STRBUF_INIT(STRBUF_NO_MAX);
	json_t *masked = json_array(), *sealed = json_array();
	const json_t *item;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		json_push(masked, json_text(always[i]));
	for (const char *const *name = host_view_proc_hidden; *name; name++) {
		autofree char *path = xasprintf("/proc/%s", *name);
		bool is_sealed = false;

		for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
			is_sealed |= !strcmp(path, read_only[i]);
		if (!is_sealed || !strcmp(*name, "sysrq-trigger"))
			json_push(masked, json_text(path));
	}
	for (size_t i = 0; i < p->masks.len; i++)
		json_push(masked, json_text(p->masks.items[i]));
	for (size_t i = 0; i < ARRAY_SIZE(read_only); i++)
		json_push(sealed, json_text(read_only[i]));
	if (!p->kind->masks_are_options) {
		json_put(host, "MaskedPaths", masked);
		json_put(host, "ReadonlyPaths", sealed);
		return;
	}
	json_array_foreach(masked, n, item)
		strbuf_addf(&option, "%s%s", n ? ":" : "mask=", json_string_value(item));
	json_push(security, json_text(option.buf));
	json_decref(masked);
	json_decref(sealed);	/* as it has them anyway */
}

/* ---- all of it */

static json_t *host_config(const struct engine_plan *p, const struct engine_image *image)
{
	json_t *host = json_object(), *security = json_array(), *drop = json_array(), *add = json_array(), *log = json_object();

	put_limits(host, p);
	put_file_systems(host, p, image);
	json_push(security, json_text("no-new-privileges"));
	/* The engine's filter would answer before ours, and nothing that is refused could be seen. Ours allows less, and without it there is no
	 * sandbox: see build() in engine.c. */
	if (p->spec->observe)
		json_push(security, json_text("seccomp=unconfined"));
	put_masks(host, security, p);
	json_put(host, "SecurityOpt", security);
	json_push(drop, json_text("ALL"));
	json_put(host, "CapDrop", drop);
	if (p->spec->net_bind_service)
		json_push(add, json_text("NET_BIND_SERVICE"));
	json_put(host, "CapAdd", add);
	json_put_bool(host, "Privileged", false);
	json_put_text(host, "NetworkMode", "none");
	json_put_text(host, "CgroupnsMode", "private");
	json_put_text(host, "PidMode", "");
	json_put_bool(host, "AutoRemove", true);
	json_put_bool(host, "Init", false);
	json_put_text(log, "Type", "none");	/* what passes by is no text, and would be kept without limit */
	json_put(host, "LogConfig", log);
	return host;
}

json_t *engine_labels(const struct engine_plan *p)
{
	json_t *labels = json_object();
	struct stat st;
	char text[32];

	json_put_text(labels, ENGINE_LABEL, p->ref->id);
	json_put_text(labels, ENGINE_LABEL_VERSION, SANDBOX_RUNNER_VERSION);
	json_put_text(labels, ENGINE_LABEL_STATE, p->state);
	snprintf(text, sizeof(text), "%llu", stat("/proc/self/ns/mnt", &st) == 0 ? (unsigned long long)st.st_ino : 0);
	json_put_text(labels, ENGINE_LABEL_WHERE, text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)((clock_realtime_ns() + p->life_ns) / NS_PER_SEC));
	json_put_text(labels, ENGINE_LABEL_DEADLINE, text);
	return labels;
}

json_t *engine_config(const struct engine_plan *p, const struct engine_image *image)
{
	static const char *const flags[] = { "AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin", "StdinOnce" };
	json_t *config = json_object(), *entry = json_array(), *health = json_object(), *none = json_array();
	char user[32];

	json_put_text(config, "Image", image->id);
	snprintf(user, sizeof(user), "%u:%u", p->user, p->user);
	json_put_text(config, "User", user);
	json_put_text(config, "Hostname", p->spec->hostname && *p->spec->hostname ? p->spec->hostname : "sandbox");
	json_put_text(config, "WorkingDir", "/");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		json_put_bool(config, flags[i], true);
	json_put_bool(config, "Tty", false);
	json_push(entry, json_text(ENGINE_INIT_PATH));
	json_put(config, "Entrypoint", entry);
	json_put(config, "Cmd", json_array());
	json_push(none, json_text("NONE"));	/* a health check of the image would be run by the engine, past us */
	json_put(health, "Test", none);
	if (p->spec->image)
		json_put(config, "Healthcheck", health);
	else
		json_decref(health);
	json_put_text(config, "StopSignal", "SIGKILL");
	json_put_int(config, "StopTimeout", 0);
	if (p->kind->network_disabled)
		json_put_bool(config, "NetworkDisabled", true);
	json_put(config, "Labels", engine_labels(p));
	json_put(config, "HostConfig", host_config(p, image));
	return config;
}
