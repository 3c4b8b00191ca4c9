/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/host_view.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/mem.h"

const char *const host_view_folders[] = {
	"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "nix/store", "gnu/store", NULL,
};

/* What programs read, and no more: site configuration may hold secrets even where everybody can read it. */
const char *const host_view_etc[] = {
	"alternatives", "crypto-policies", "debian_version", "fonts", "host.conf", "ld.so.cache", "localtime",
	"lsb-release", "mime.types", "os-release", "perl", "pki/ca-trust/extracted", "pki/tls/cert.pem",
	"pki/tls/certs", "pki/tls/openssl.cnf", "protocols", "redhat-release", "services", "ssl/cert.pem",
	"ssl/certs", "ssl/openssl.cnf", NULL,
};
const char *const host_view_etc_prefixes[] = { "java-", "python", NULL };

const char *const host_view_empty[] = {
	"boot", "home", "media", "mnt", "opt", "root", "run", "srv", "sys", "var", "var/tmp", "var/lib", "var/cache", NULL,
};

/* Others only root can read, which a step is not. */
const char *const host_view_proc_hidden[] = {
	"acpi", "asound", "bus", "driver", "fs", "interrupts", "irq", "kallsyms", "kcore", "key-users", "keys",
	"kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats", "modules", "mtrr", "sched_debug", "scsi", "sysrq-trigger", "timer_list", "tty", NULL,
};

const char *host_view_file(size_t i, const struct host_view_user *user, struct strbuf *text)
{
	static const char *const names[] = { "etc/passwd", "etc/group", "etc/hostname", "etc/hosts", "etc/nsswitch.conf",
					     "etc/resolv.conf" };

	switch (i) {
	case 0:
		strbuf_addf(text, "root:x:0:0:root:/:/bin/false\nsandbox:x:%u:%u:sandbox:/work:/bin/sh\n"
			    "nobody:x:65534:65534:nobody:/:/bin/false\n", user->uid, user->gid);
		break;
	case 1:
		strbuf_addf(text, "root:x:0:\nsandbox:x:%u:\nnogroup:x:65534:\n", user->gid);
		break;
	case 2:
		strbuf_addf(text, "%.64s\n", user->hostname);
		break;
	case 3:
		strbuf_addf(text, "127.0.0.1\tlocalhost %.64s\n::1\tlocalhost\n", user->hostname);
		break;
	case 4:
		strbuf_addstr(text, "passwd: files\ngroup: files\nhosts: files dns\n");
		break;
	case 5:		/* whoever answers there, if only to refuse */
		strbuf_addstr(text, "nameserver 127.0.0.1\n");
		break;
	}
	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

struct listing {
	void (*take)(void *arg, const struct host_view_entry *entry);
	void *arg;
};

static void give(const struct listing *l, enum host_view_kind kind, const char *path, const char *source, const char *text)
{
	l->take(l->arg, &(struct host_view_entry){ .kind = kind, .path = path, .source = source, .text = text });
}

/* `everybody`: only what everybody may read. What is missing, or is no file, folder or link, is passed over. */
static int give_host(const struct listing *l, const char *source, const char *path, bool everybody, struct error *err)
{
	char target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (lstat(source, &st) < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : error_sys(err, ERR_UNAVAILABLE, "looking at '%s'", source);
	if (S_ISLNK(st.st_mode)) {
		n = readlink(source, target, sizeof(target) - 1);
		if (n < 0)
			return error_sys(err, ERR_UNAVAILABLE, "reading link '%s'", source);
		target[n] = '\0';
		give(l, HOST_VIEW_LINK, path, source, target);
	} else if (S_ISDIR(st.st_mode) && (!everybody || (st.st_mode & 05) == 05)) {
		give(l, HOST_VIEW_FOLDER, path, source, NULL);
	} else if (S_ISREG(st.st_mode) && (!everybody || (st.st_mode & 04))) {
		give(l, HOST_VIEW_FILE, path, source, NULL);
	}
	return 0;
}

static bool is_in(const char *name, const char *const *list)
{
	while (*list && strcmp(name, *list))
		list++;
	return *list != NULL;
}

/* The entries of a folder of the host, but for those in `but`. */
static int give_entries(const struct listing *l, const char *folder, const char *inside, const char *const *but, struct error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	int r = 0;

	if (!dir)
		return error_sys(err, ERR_INVALID_INPUT, "reading '%s'", folder);
	while (r == 0 && (e = readdir(dir))) {
		autofree char *source = xasprintf("%s/%s", folder, e->d_name);
		autofree char *path = xasprintf("%s%s%s", inside, *inside ? "/" : "", e->d_name);

		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && !is_in(e->d_name, but))
			r = give_host(l, source, path, false, err);
	}
	closedir(dir);
	return r;
}

static int give_etc_families(const struct listing *l, struct error *err)
{
	DIR *dir = opendir("/etc");
	struct dirent *e;
	int r = 0;

	while (dir && r == 0 && (e = readdir(dir))) {
		autofree char *source = xasprintf("/etc/%s", e->d_name);

		for (const char *const *prefix = host_view_etc_prefixes; r == 0 && *prefix; prefix++)
			if (!strncmp(e->d_name, *prefix, strlen(*prefix)))
				r = give_host(l, source, source + 1, true, err);
	}
	if (dir)
		closedir(dir);
	return r;
}

static int give_system(const struct listing *l, const struct host_view_user *user, struct error *err)
{
	const char *path;

	for (const char *const *name = host_view_folders; *name; name++) {
		autofree char *source = xasprintf("/%s", *name);

		if (give_host(l, source, *name, false, err) < 0)
			return -1;
	}
	for (const char *const *name = host_view_etc; *name; name++) {
		autofree char *source = xasprintf("/etc/%s", *name);

		if (give_host(l, source, source + 1, true, err) < 0)
			return -1;
	}
	if (give_etc_families(l, err) < 0)
		return -1;
	for (size_t i = 0;; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(1024);

		path = host_view_file(i, user, &text);
		if (!path)
			break;
		give(l, HOST_VIEW_TEXT, path, NULL, text.buf);
	}
	give(l, HOST_VIEW_LINK, "etc/mtab", NULL, "/proc/self/mounts");
	return 0;
}

/* /etc one by one, too: whoever builds the sandbox has names of its own to put there, and must not do it in the folder itself. */
static int give_rootfs(const struct listing *l, const char *rootfs, const struct host_view_user *user, struct error *err)
{
	static const char *const ours[] = { "proc", "sys", "dev", "run", "tmp", "work", "etc", NULL };
	static const char *const ours_in_etc[] = { "hosts", "hostname", "resolv.conf", "mtab", NULL };
	autofree char *etc = xasprintf("%s/etc", rootfs);
	struct stat st;

	if (give_entries(l, rootfs, "", ours, err) < 0)
		return -1;
	if (lstat(etc, &st) == 0 && S_ISDIR(st.st_mode) && give_entries(l, etc, "etc", ours_in_etc, err) < 0)
		return -1;
	for (size_t i = 2; i < 4; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(1024);
		const char *path = host_view_file(i, user, &text);

		give(l, HOST_VIEW_TEXT, path, NULL, text.buf);
	}
	return 0;
}

int host_view_list(const char *rootfs, const struct host_view_user *user,
		   void (*take)(void *arg, const struct host_view_entry *entry), void *arg, struct error *err)
{
	const struct listing l = { .take = take, .arg = arg };

	if ((rootfs ? give_rootfs(&l, rootfs, user, err) : give_system(&l, user, err)) < 0)
		return -1;
	for (const char *const *name = host_view_empty; *name; name++)
		give(&l, HOST_VIEW_EMPTY, *name, NULL, NULL);
	return 0;
}
