/* SPDX-License-Identifier: Apache-2.0
 * What a step can see of the host, all of it: what host_view.c lists. The new root is a small tmpfs that holds empty folders,
 * a few files of our own and read-only binds of what programs need; everything else is not there, so nothing has to be
 * remembered to be hidden. Runs in PID 1 between the clone and the first step, in a fixed order:
 *
 *	staging tmpfs > binds, /etc, /proc, masks > seal all read-only > devices, /tmp, /dev/shm, /work > pivot_root
 *
 * In a user namespace the host's mounts are locked to each other: a plain bind of a folder with mounts below it is refused.
 * It is then bound with them, and each of them is covered.
 */
#include "sandboxes/native_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/host_view.h"
#include "sandboxes/native_build.h"

static const char *const mount_points[] = { "proc", "dev", "dev/pts", "dev/shm", "tmp", SANDBOX_WORKDIR_RELATIVE };

static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };
static const struct { const char *name, *target; } device_links[] = {
	{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" }, { "ptmx", "pts/ptmx" },
};

#define HIDDEN_FILE "run/.hidden"	/* exists until the root is sealed */
#define HIDDEN_FOLDER "mnt"
#define VEIL "run/.veil"		/* exists while a root folder is shown */

int native_build_fail(struct build *b, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->stage->text, sizeof(b->stage->text), fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

/* The same struct as linux/mount.h has, which cannot be included beside sys/mount.h everywhere. */
struct attributes {
	uint64_t set, clear, propagation, userns_fd;
};

static int set_attributes(const char *path, unsigned int flags, uint64_t set)
{
	struct attributes a = { .set = set };

	return (int)syscall(442 /* mount_setattr */, AT_FDCWD, path, flags | AT_SYMLINK_NOFOLLOW, &a, sizeof(a));
}

/* Linux before 5.12: remount, keeping the flags that are locked in a user namespace. */
static int remount(const char *path, uint64_t set)
{
	static const struct { unsigned long vfs; uint64_t attribute, ms; } map[] = {
		{ ST_RDONLY, MOUNT_ATTR_RDONLY, MS_RDONLY }, { ST_NOSUID, MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ ST_NODEV, MOUNT_ATTR_NODEV, MS_NODEV }, { ST_NOEXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ ST_NOATIME, 0, MS_NOATIME }, { ST_NODIRATIME, 0, MS_NODIRATIME }, { ST_RELATIME, 0, MS_RELATIME },
	};
	unsigned long flags = MS_REMOUNT | MS_BIND;
	struct statvfs v;

	if (statvfs(path, &v) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((v.f_flag & map[i].vfs) || (set & map[i].attribute))
			flags |= map[i].ms;
	return mount(NULL, path, NULL, flags, NULL);
}

int native_build_seal(const char *path, unsigned int flags, uint64_t set)
{
	int r = set_attributes(path, flags, set);

	return r < 0 && errno == ENOSYS ? remount(path, set) : r;
}

static int make_place(const char *path, bool folder)
{
	int fd;

	if (folder)
		return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
	fd = open(path, O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : close(fd);
}

int native_build_place(const char *target, bool folder)
{
	char path[PATH_MAX];

	if (make_place(target, folder) == 0)	/* most have their parents */
		return 0;
	if (errno != ENOENT)
		return -1;
	if (snprintf(path, sizeof(path), "%s", target) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return make_place(path, folder);
}

/* mountinfo writes blanks and the like as three octal digits. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; out++) {
		if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3) {
			*out = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*out = *s++;
		}
	}
	*out = '\0';
}

/* Cover every mount below `target` (an absolute path as mountinfo has it). The list is taken first: covering adds to it. */
static int cover_submounts(struct build *b, const char *target)
{
	autostrbuf struct strbuf mounts = STRBUF_INIT(8 << 20);
	size_t len = strlen(target);
	char *save = NULL;

	if (file_read("/proc/self/mountinfo", &mounts, NULL) < 0)
		return -1;
	for (char *line = strtok_r(mounts.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char point[PATH_MAX];
		struct stat st;

		if (sscanf(line, "%*d %*d %*s %*s %4095s", point) != 1)
			continue;
		unescape(point);
		if (strncmp(point, target, len) != 0 || point[len] != '/')
			continue;
		if (lstat(point, &st) < 0) {
			if (errno != ENOENT && errno != EACCES)
				return -1;
			continue;	/* under another mount, or out of reach for the step as well */
		}
		if (mount(S_ISDIR(st.st_mode) ? b->hidden_folder : b->hidden_file, point, NULL, MS_BIND, NULL) < 0)
			return -1;
		b->report->masked++;
	}
	return 0;
}

/* Show `source` at `target` (relative to the staging folder), without what is mounted below it. */
static int show(struct build *b, const char *source, const char *target, bool folder)
{
	char absolute[PATH_MAX];

	if (native_build_place(target, folder) < 0)
		return native_build_fail(b, "making '/%s'", target);
	if (mount(source, target, NULL, MS_BIND, NULL) < 0) {
		if (errno == EACCES || errno == ENOENT)		/* not for everybody to see: so not for the step */
			return 0;
		if (errno != EINVAL || mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
			return native_build_fail(b, "showing '%s'", source);
		snprintf(absolute, sizeof(absolute), "%s/%.4000s", b->staging, target);
		if (cover_submounts(b, absolute) < 0)
			return native_build_fail(b, "covering the mounts below '%s'", source);
	}
	if (b->one_by_one && remount(target, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) < 0)
		return native_build_fail(b, "making '/%s' read-only", target);
	return 0;
}

/* One entry of a root: a link is made anew, a folder or file shown. Missing is fine. `world_only` leaves out what is not
 * for everybody to read. */
static int show_entry(struct build *b, const char *source, const char *target, bool world_only)
{
	struct stat st;

	if (lstat(source, &st) < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : native_build_fail(b, "looking at '%s'", source);
	if (S_ISLNK(st.st_mode)) {
		char text[PATH_MAX];
		ssize_t n = readlink(source, text, sizeof(text) - 1);

		if (n < 0)
			return native_build_fail(b, "reading link '%s'", source);
		text[n] = '\0';
		return symlink(text, target) < 0 && errno != EEXIST ? native_build_fail(b, "linking '/%s'", target) : 0;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	if (world_only && (st.st_mode & (S_ISDIR(st.st_mode) ? 05 : 04)) != (S_ISDIR(st.st_mode) ? 05 : 04)) {
		b->report->masked++;
		return 0;
	}
	return show(b, source, target, S_ISDIR(st.st_mode));
}

static int write_file(struct build *b, const char *path, const char *text)
{
	autoclose int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
		return native_build_fail(b, "writing '/%s'", path);
	return 0;
}

/* Users, groups and names of our own. */
static int write_identity(struct build *b)
{
	const struct host_view_user user = { .uid = b->spec->uid, .gid = b->spec->gid, .hostname = b->spec->hostname };

	for (size_t i = 0;; i++) {
		autostrbuf struct strbuf text = STRBUF_INIT(1024);
		const char *path = host_view_file(i, &user, &text);

		if (!path)
			break;
		if (write_file(b, path, text.buf) < 0)
			return -1;
	}
	return symlink("/proc/self/mounts", "etc/mtab") < 0 ? native_build_fail(b, "linking '/etc/mtab'") : 0;
}

static int show_etc_families(struct build *b)
{
	DIR *dir = opendir("/etc");
	struct dirent *e;
	int r = 0;

	while (dir && r == 0 && (e = readdir(dir))) {
		char source[300];

		for (const char *const *prefix = host_view_etc_prefixes; *prefix; prefix++) {
			if (strncmp(e->d_name, *prefix, strlen(*prefix)) != 0)
				continue;
			snprintf(source, sizeof(source), "/etc/%s", e->d_name);
			r = show_entry(b, source, source + 1, true);
		}
	}
	if (dir)
		closedir(dir);
	return r;
}

static int show_host(struct build *b)
{
	char source[300];

	for (const char *const *name = host_view_empty; *name; name++)
		if (native_build_place(*name, true) < 0)
			return native_build_fail(b, "making '/%s'", *name);
	for (const char *const *name = host_view_folders; *name; name++) {
		snprintf(source, sizeof(source), "/%s", *name);
		if (show_entry(b, source, source + 1, false) < 0)
			return -1;
	}
	if (native_build_place("etc", true) < 0)
		return native_build_fail(b, "making '/etc'");
	for (const char *const *name = host_view_etc; *name; name++) {
		snprintf(source, sizeof(source), "/etc/%s", *name);
		if (show_entry(b, source, source + 1, true) < 0)
			return -1;
	}
	return show_etc_families(b) < 0 ? -1 : write_identity(b);
}

/* What of a root folder is replaced: our mount points, and where HIDDEN_FILE and HIDDEN_FOLDER are. */
static bool is_ours(const char *name)
{
	static const char *const others[] = { "sys", "run", "mnt" };

	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if (!strcmp(name, mount_points[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(name, others[i]))
			return true;
	return false;
}

/* Where a bind comes from shows in /proc/self/mountinfo. Taken from an overlay of the folder, that is no path of the host. */
static void veil_rootfs(int rootfs_fd, char prefix[64])
{
	char options[96];

	snprintf(prefix, 64, "/proc/self/fd/%d", rootfs_fd);
	snprintf(options, sizeof(options), "lowerdir=%s:" HIDDEN_FOLDER, prefix);
	if (native_build_place(VEIL, true) == 0 && mount("overlay", VEIL, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV, options) == 0)
		snprintf(prefix, 64, VEIL);
}

static void unveil_rootfs(void)
{
	umount2(VEIL, MNT_DETACH);
	rmdir(VEIL);
}

/* The entries of a folder given as root, one by one: our mount points need not exist in it, and it is not written to. */
static int show_rootfs(struct build *b)
{
	int copy = openat(b->spec->rootfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;
	char prefix[64];
	int r = 0;

	if (!dir)
		return native_build_fail(b, "reading the root folder");
	veil_rootfs(b->spec->rootfs_fd, prefix);
	while (r == 0 && (e = readdir(dir))) {
		char source[320];

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || is_ours(e->d_name))
			continue;
		snprintf(source, sizeof(source), "%s/%s", prefix, e->d_name);
		r = show_entry(b, source, e->d_name, false);
	}
	closedir(dir);
	unveil_rootfs();
	for (const char *const *name = host_view_empty; r == 0 && *name; name++)
		if (!strchr(*name, '/') && access(*name, F_OK) < 0)
			r = native_build_place(*name, true) < 0 ? native_build_fail(b, "making '/%s'", *name) : 0;
	return r;
}

static int hide(struct build *b, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return 0;
	if (mount(S_ISDIR(st.st_mode) ? b->hidden_folder : b->hidden_file, path, NULL, MS_BIND, NULL) < 0)
		return native_build_fail(b, "hiding '/%s'", path);
	/* a fake root may read what has no mode, and write what is its own */
	if (b->spec->layers && native_build_seal(path, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) < 0)
		return native_build_fail(b, "hiding '/%s' from root", path);
	b->report->masked++;
	return 0;
}

/* Where the host's own /proc is covered in places (we are in a container already) the kernel gives no full one. */
static int mount_proc(struct build *b)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char path[64];

	if (mount("proc", "proc", "proc", flags, NULL) < 0) {
		if (errno != EPERM)
			return native_build_fail(b, "mounting /proc");
		if (mount("proc", "proc", "proc", flags, "subset=pid") < 0) {
			b->report->proc_missing = true;
			return 0;
		}
		b->report->proc_partial = true;
	}
	/* all of it is read-only; these are not to be read either */
	for (const char *const *name = host_view_proc_hidden; *name; name++) {
		snprintf(path, sizeof(path), "proc/%s", *name);
		if (hide(b, path) < 0)
			return -1;
	}
	return b->one_by_one && remount("proc", MOUNT_ATTR_RDONLY) < 0 ? native_build_fail(b, "making /proc read-only") : 0;
}

/* From here on nothing of the tree can be changed, and set-id bits and device nodes in it mean nothing. */
static int seal(struct build *b)
{
	const uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	unlink(HIDDEN_FILE);
	if (b->one_by_one ? remount(".", all) < 0 : set_attributes(".", AT_RECURSIVE, all) < 0)
		return native_build_fail(b, "making the root read-only");
	return 0;
}

static int mount_devices(struct build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		char source[32], target[32];
		struct stat st;

		snprintf(source, sizeof(source), "/dev/%s", devices[i]);
		snprintf(target, sizeof(target), "dev/%s", devices[i]);
		if (stat(source, &st) < 0 || !S_ISCHR(st.st_mode)) {
			if (!strcmp(devices[i], "tty"))		/* some containers have none: an empty file then */
				continue;
			return native_build_fail(b, "the host has no '%s'", source);
		}
		if (mount(source, target, NULL, MS_BIND, NULL) < 0 ||
		    native_build_seal(target, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC) < 0)
			return native_build_fail(b, "showing '%s'", source);
	}
	if (mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,max=64") < 0)
		return native_build_fail(b, "mounting /dev/pts");
	b->report->dev_minimal = true;
	return 0;
}

static int mount_tmpfs(struct build *b, const char *where, unsigned long flags, uint64_t bytes, uint64_t files,
		       uint64_t overhead)
{
	char options[160];
	int n = snprintf(options, sizeof(options), "mode=0755,uid=%u,gid=%u", b->spec->uid, b->spec->gid);

	if (bytes)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",size=%llu", (unsigned long long)bytes);
	if (files)
		snprintf(options + n, sizeof(options) - (size_t)n, ",nr_inodes=%llu",
			 (unsigned long long)(files + overhead));
	return mount("tmpfs", where, "tmpfs", flags | MS_NOSUID | MS_NODEV, options);
}

static int bind_temporary(const char *from)
{
	static const char *const folders[][2] = { { "tmp", "tmp" }, { "shm", "dev/shm" } };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", from, folders[i][0]);
		if (mkdir(path, 01777) < 0 || mount(path, folders[i][1], NULL, MS_BIND, NULL) < 0)
			return -1;
	}
	return 0;
}

/* /tmp and /dev/shm are two folders of one tmpfs, so that its size bounds both together. */
static int mount_writable(struct build *b)
{
	const char *work = SANDBOX_WORKDIR_RELATIVE;
	/* a place in the old root, which goes in a moment with all that is on it: one umount less, which takes long */
	const bool aside = strcmp(b->staging, "/proc") != 0;
	const char *place = aside ? "/proc" : work;

	if (mount_tmpfs(b, place, MS_NOEXEC, b->spec->tmp_bytes, b->spec->tmp_files, 3) < 0)
		return native_build_fail(b, "mounting a tmpfs for /tmp");
	if (bind_temporary(place) < 0 || (!aside && umount2(place, MNT_DETACH) < 0))
		return native_build_fail(b, "making /tmp");
	if (b->spec->layers) {	/* it shares the storage of what is changed elsewhere */
		char source[64];

		snprintf(source, sizeof(source), "%s/" NATIVE_LAYERS "/work", b->staging);
		if (mount(source, work, NULL, MS_BIND, NULL) < 0 || native_build_seal(work, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV) < 0)
			return native_build_fail(b, "showing the work folder");
		return 0;
	}
	if (mount_tmpfs(b, work, 0, b->spec->work_bytes, b->spec->work_files, 1) < 0)
		return native_build_fail(b, "mounting a tmpfs for /%s", work);
	return 0;
}

int native_build_mount_points(struct build *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if (native_build_place(mount_points[i], true) < 0)
			return native_build_fail(b, "making '/%s'", mount_points[i]);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		char path[32];

		snprintf(path, sizeof(path), "dev/%s", devices[i]);
		if (native_build_place(path, false) < 0)
			return native_build_fail(b, "making '/%s'", path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(device_links); i++) {
		char path[32];

		snprintf(path, sizeof(path), "dev/%s", device_links[i].name);
		if (symlink(device_links[i].target, path) < 0)
			return native_build_fail(b, "linking '/%s'", path);
	}
	return 0;
}

/* From the top of the new root, which is the working folder. */
static int prepare_staging(struct build *b)
{
	b->one_by_one = set_attributes(".", 0, 0) < 0 && errno == ENOSYS;
	snprintf(b->hidden_file, sizeof(b->hidden_file), "%s", HIDDEN_FILE);
	snprintf(b->hidden_folder, sizeof(b->hidden_folder), "%s", HIDDEN_FOLDER);
	if (native_build_place(HIDDEN_FOLDER, true) < 0 || native_build_place(HIDDEN_FILE, false) < 0 || chmod(HIDDEN_FILE, 0) < 0)
		return native_build_fail(b, "making what hides others");
	return 0;
}

static int open_staging(struct build *b)
{
	static const char *const places[] = { "/tmp", "/mnt", "/run", "/proc" };
	int r = -1;

	/* nothing that is mounted here may show outside, whatever the host made shared */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return native_build_fail(b, "making the mounts private");
	for (size_t i = 0; r < 0 && i < ARRAY_SIZE(places); i++) {
		snprintf(b->staging, sizeof(b->staging), "%s", places[i]);
		r = mount("tmpfs", b->staging, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m,nr_inodes=1024");
		if (r < 0 && errno != ENOENT && errno != ENOTDIR)
			break;
	}
	if (r < 0 || chdir(b->staging) < 0)
		return native_build_fail(b, "mounting a tmpfs for the new root");
	return prepare_staging(b);
}

static void look_back(struct build *b)
{
	struct statvfs v;
	struct statfs f;

	b->report->root_overlay = statfs("/", &f) == 0 && f.f_type == OVERLAYFS_SUPER_MAGIC;
	b->report->root_read_only = statvfs("/", &v) == 0 && (v.f_flag & ST_RDONLY) && (v.f_flag & ST_NODEV);
	if (statvfs("/tmp", &v) == 0) {
		const unsigned long want = ST_NOEXEC | ST_NOSUID | ST_NODEV;

		b->report->tmp_private = (v.f_flag & want) == want;
		b->report->tmp_bytes = (uint64_t)v.f_blocks * v.f_frsize;
		b->report->tmp_files = v.f_files;
	}
	if (statvfs("/" SANDBOX_WORKDIR_RELATIVE, &v) == 0) {
		b->report->work_bytes = (uint64_t)v.f_blocks * v.f_frsize - b->base_bytes;
		b->report->work_files = v.f_files - b->base_files;
	}
}

static int build_root(struct build *b)
{
	const struct native_root *root = b->spec;

	if (open_staging(b) < 0)
		return -1;
	if (root->layers)
		return native_overlay_build(b);
	return (root->rootfs_fd >= 0 ? show_rootfs(b) : show_host(b)) < 0 ? -1 : native_build_mount_points(b);
}

int native_root_enter(const struct native_root *root, struct wire_report *report, struct native_stage *stage)
{
	struct build b = { .spec = root, .report = report, .stage = stage };
	mode_t mask = umask(0);

	if (build_root(&b) < 0 || mount_proc(&b) < 0)
		return -1;
	for (const char *const *m = root->masks; m && *m; m++)
		if (hide(&b, *m) < 0)
			return -1;
	if ((!root->layers && seal(&b) < 0) || mount_devices(&b) < 0 || mount_writable(&b) < 0 ||
	    (root->layers && native_overlay_seal(&b) < 0))
		return -1;
	/* the old root ends up on top of the new one, where the working folder is, and goes from there */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return native_build_fail(&b, "changing to the new root");
	umask(mask);
	look_back(&b);
	return 0;
}

/* ---- for runtimes */

static int write_program(struct build *b, const struct native_program *program)
{
	autoclose int fd = open(program->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0755);

	if (fd < 0 || write_all(fd, program->bytes, program->len) < 0)
		return native_build_fail(b, "writing '/%s'", program->path);
	return 0;
}

int native_root_build(const struct native_root *root, const char *where, const struct native_program *program,
		      struct wire_report *report, struct native_stage *stage)
{
	struct build b = { .spec = root, .report = report, .stage = stage };
	mode_t mask = umask(0);

	snprintf(b.staging, sizeof(b.staging), "%s", where);
	if (mount("tmpfs", where, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m,nr_inodes=1024") < 0 || chdir(where) < 0)
		return native_build_fail(&b, "mounting a tmpfs for the new root");
	if (prepare_staging(&b) < 0 || (root->rootfs_fd >= 0 ? show_rootfs(&b) : show_host(&b)) < 0 ||
	    native_build_mount_points(&b) < 0 || write_program(&b, program) < 0)
		return -1;
	for (const char *const *m = root->masks; m && *m; m++)
		if (hide(&b, *m) < 0)
			return -1;
	if (chmod("tmp", 01777) < 0)	/* runc gives a mount the mode of the place */
		return native_build_fail(&b, "changing the mode of /tmp");
	umask(mask);
	return seal(&b);
}
