/* SPDX-License-Identifier: Apache-2.0
 * A root that steps may change, and see as root's: overlays whose upper layers lie on a tmpfs, which also holds the work folder, so that one
 * size bounds both. Nothing of it reaches the host.
 *
 *	layers/work			the work folder
 *	layers/0/{base,upper,work}	the root itself: our copies of /etc and the like, which are small
 *	layers/1/{base,upper,work}	/usr, over layers/1/base over the host's
 *
 * The host's files belong to users whom the sandbox does not know, and the kernel copies up only what it can give to the same owner.
 * Hence the bases: the folders of /usr, made anew and empty, which belong to the step's root. Laid over the host's they let files be made,
 * replaced and deleted everywhere, which is how packages are installed and files edited; only writing into a file of the host in place
 * and changing its mode fail (EOVERFLOW). What is usually changed in place, in /etc and /var, is copied and has no such limit.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/host_view.h"
#include "sandboxes/init_walk.h"
#include "sandboxes/native_build.h"

enum { FOLDERS_MAX = 200000, DEPTH_MAX = 100, COPY_MAX = 32 << 20, COPIES_MAX = 20000 };

/* Copied from the host in addition, for the programs that administer a system. Nothing that may hold a secret: no shadow files, no keys, no
 * configuration of services. */
static const char *const copied[] = {
	"etc/adduser.conf", "etc/bash.bashrc", "etc/debian_version", "etc/default/useradd",
	"etc/deluser.conf", "etc/dpkg", "etc/inputrc", "etc/ld.so.conf", "etc/ld.so.conf.d",
	"etc/login.defs", "etc/profile", "etc/shells", "etc/skel",
};
/* Laid over the host's like /usr, but files that are written in place are copied: all but those in the folder `but`. The file `emptied`
 * is: it names groups of the host. */
static const struct { const char *path, *but, *emptied; } laid_over[] = { { "var/lib/dpkg", "info", "statoverride" } };
static const char *const empty[] = {
	"etc/apt/apt.conf.d", "etc/cron.d", "etc/init.d", "etc/profile.d", "etc/systemd/system", "opt", "root", "run/lock", "srv",
	"usr/local", "var/backups", "var/cache/apt/archives/partial", "var/cache/debconf", "var/lib/apt/lists/partial", "var/log/apt",
	"var/mail", "var/spool/cron",
};
/* In place of what the host, or the read-only root, has. */
static const struct { const char *path, *text; unsigned int mode; } files[] = {
	{ "etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n"
	  "sys:x:3:3:sys:/dev:/usr/sbin/nologin\nman:x:6:12:man:/var/cache/man:/usr/sbin/nologin\nmail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n"
	  "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n", 0644 },
	{ "etc/group", "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nmail:x:8:\nman:x:12:\nsudo:x:27:\nwww-data:x:33:\n"
	  "shadow:x:42:\nutmp:x:43:\nstaff:x:50:\nusers:x:100:\nnogroup:x:65534:\n", 0644 },
	{ "etc/shadow", "root:*:20000:0:99999:7:::\nnobody:*:20000:0:99999:7:::\n", 0640 },
	{ "etc/gshadow", "root:*::\nnogroup:*::\n", 0640 },
	{ "etc/apt/apt.conf.d/99sandbox", "APT::Sandbox::User \"root\";\n", 0644 },	/* there is no other user */
};

struct overlay {
	struct build *build;
	struct init_layers *layers;
	char sources[INIT_LAYERS][PATH_MAX];	/* what a layer is laid over; "": nothing */
	char prefixes[INIT_LAYERS][64];
	uint64_t folders, copies, copied_bytes;
	bool in_place;				/* what is copied lies above its original: what cannot be read is empty, such as locks */
	bool failed;				/* the stage is set */
};

static int fail(struct overlay *o, const char *what, const char *path)
{
	if (!o->failed)
		native_build_fail(o->build, "%s '%.150s'", what, path);
	o->failed = true;
	return -1;
}

/* ---- the base of the root: copies, which belong to the step */

static int make_parents(const char *path)
{
	const char *slash = strrchr(path, '/');
	autofree char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;

	return parent ? native_build_place(parent, true) : 0;
}

static int write_text(struct overlay *o, const char *path, const char *text, mode_t mode)
{
	autoclose int fd = -1;

	if (make_parents(path) < 0)
		return fail(o, "making the folder of", path);
	unlink(path);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
		return fail(o, "writing", path);
	return 0;
}

static int copy_file(struct overlay *o, int from, const struct stat *st, const char *path)
{
	autoclose int to = -1;
	ssize_t n;

	if (++o->copies > COPIES_MAX || (o->copied_bytes += (uint64_t)st->st_size) > COPY_MAX)
		return errno = EFBIG, fail(o, "there is too much to copy, at", path);
	to = open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, st->st_mode & 0777);
	if (to < 0)
		return errno == EEXIST ? 0 : fail(o, "making", path);
	while ((n = sendfile(to, from, NULL, 1 << 30)) > 0) {}
	return n < 0 ? fail(o, "copying", path) : 0;
}

static int copy_tree(struct overlay *o, int dirfd, const char *name, const char *path, const char *but, unsigned int depth);

static int copy_entries(struct overlay *o, int fd, const char *path, const char *but, unsigned int depth)
{
	DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	struct dirent *e;
	int r = 0;

	while (dir && r == 0 && (e = readdir(dir))) {
		autofree char *below = xasprintf("%s/%s", path, e->d_name);

		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && (!but || strcmp(e->d_name, but)))
			r = copy_tree(o, fd, e->d_name, below, NULL, depth + 1);
	}
	if (dir)
		closedir(dir);
	return r;
}

/* Files, folders and links; what the step could not read is left out, as it is in the read-only root. */
static int copy_tree(struct overlay *o, int dirfd, const char *name, const char *path, const char *but, unsigned int depth)
{
	char target[PATH_MAX];
	autoclose int fd = -1;
	struct stat st;
	ssize_t n;

	if (depth > DEPTH_MAX || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(dirfd, name, target, sizeof(target) - 1);
		if (n < 0)
			return 0;
		target[n] = '\0';
		return symlink(target, path) < 0 && errno != EEXIST ? fail(o, "linking", path) : 0;
	}
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !(st.st_mode & 04)) {
		o->build->report->masked++;
		return S_ISREG(st.st_mode) && o->in_place ? write_text(o, path, "", st.st_mode & 0777) : 0;
	}
	if (S_ISREG(st.st_mode))
		return copy_file(o, fd, &st, path);
	if (mkdir(path, st.st_mode & 0777) < 0 && errno != EEXIST)
		return fail(o, "making", path);
	return copy_entries(o, fd, path, but, depth);
}

static int copy(struct overlay *o, const char *source, const char *path)
{
	if (make_parents(path) < 0)
		return fail(o, "making the folder of", path);
	return copy_tree(o, AT_FDCWD, source, path, NULL, 0);
}

/* ---- layers */

static void add_layer(struct overlay *o, const char *prefix, const char *source)
{
	struct init_layers *l = o->layers;

	if (l->len == INIT_LAYERS || strlen(prefix) >= sizeof(o->prefixes[0]) || strlen(source) >= sizeof(o->sources[0])) {
		errno = E2BIG;
		fail(o, "too many folders to lay over, at", prefix);
		return;
	}
	memcpy(o->prefixes[l->len], prefix, strlen(prefix) + 1);
	memcpy(o->sources[l->len], source, strlen(source) + 1);
	l->items[l->len] = (struct init_layer){ .prefix = o->prefixes[l->len], .upper = -1, .lower = { -1, -1 } };
	l->len++;
}

static void take(void *arg, const struct host_view_entry *e)
{
	struct overlay *o = arg;
	const bool etc = !strncmp(e->path, "etc/", 4) || !strcmp(e->path, "etc");

	if (o->failed)
		return;
	switch (e->kind) {
	case HOST_VIEW_EMPTY:
		if (native_build_place(e->path, true) < 0)
			fail(o, "making", e->path);
		break;
	case HOST_VIEW_LINK:
		if (make_parents(e->path) < 0 || (symlink(e->text, e->path) < 0 && errno != EEXIST))
			fail(o, "linking", e->path);
		break;
	case HOST_VIEW_TEXT:
		write_text(o, e->path, e->text, 0644);
		break;
	case HOST_VIEW_FOLDER:
		if (!etc && native_build_place(e->path, true) == 0)
			add_layer(o, e->path, e->source);
		else
			copy(o, e->source, e->path);
		break;
	case HOST_VIEW_FILE:
		copy(o, e->source, e->path);
		break;
	}
}

static void add_host_extras(struct overlay *o)
{
	char source[300];
	struct stat st;

	for (size_t i = 0; !o->failed && i < ARRAY_SIZE(copied); i++) {
		snprintf(source, sizeof(source), "/%s", copied[i]);
		copy(o, source, copied[i]);
	}
	for (size_t i = 0; !o->failed && i < ARRAY_SIZE(laid_over); i++) {
		snprintf(source, sizeof(source), "/%s", laid_over[i].path);
		if (stat(source, &st) == 0 && S_ISDIR(st.st_mode) && native_build_place(laid_over[i].path, true) == 0)
			add_layer(o, laid_over[i].path, source);
	}
	for (size_t i = 0; !o->failed && i < ARRAY_SIZE(files); i++)
		write_text(o, files[i].path, files[i].text, files[i].mode);
}

/* In layers/0/base, which is the working folder. */
static int fill_base(struct overlay *o)
{
	const struct native_root *spec = o->build->spec;
	const struct host_view_user user = { .uid = 0, .gid = 0, .hostname = spec->hostname };
	struct error err = { .text = "" };
	char rootfs[32];

	snprintf(rootfs, sizeof(rootfs), "/proc/self/fd/%d", spec->rootfs_fd);
	if (host_view_list(spec->rootfs_fd >= 0 ? rootfs : NULL, &user, take, o, &err) < 0) {
		errno = err.sys;
		return fail(o, "listing what there is:", err.text);
	}
	if (spec->rootfs_fd < 0)
		add_host_extras(o);
	for (size_t i = 0; !o->failed && i < ARRAY_SIZE(empty); i++)
		if (native_build_place(empty[i], true) < 0)
			return fail(o, "making", empty[i]);
	return o->failed ? -1 : native_build_mount_points(o->build);
}

/* ---- the folders of what cannot be copied */

/* Most folders have none in them, and many file systems say so by their number of links. */
static int copy_folders(struct overlay *o, int from, int to, unsigned int depth)
{
	DIR *dir = fdopendir(from);
	struct dirent *e;
	int r = 0;

	if (!dir) {
		close(from);
		return 0;
	}
	while (r == 0 && (e = readdir(dir))) {
		struct stat st;
		int child, made;

		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) || !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    fstatat(from, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (++o->folders > FOLDERS_MAX || depth > DEPTH_MAX) {
			errno = E2BIG;
			r = fail(o, "there are too many folders, at", e->d_name);
			break;
		}
		if (mkdirat(to, e->d_name, st.st_mode & 01777) < 0)
			r = fail(o, "making", e->d_name);
		if (r < 0 || st.st_nlink == 2)
			continue;
		child = openat(from, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		made = child >= 0 ? openat(to, e->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
		if (made >= 0)
			r = copy_folders(o, child, made, depth + 1);
		if (made >= 0)
			close(made);
		else if (child >= 0)
			close(child);
	}
	closedir(dir);
	return r;
}

static int open_path(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The source comes as a mount of its own, so that a descriptor of it leads nowhere above. */
static int prepare_layer(struct overlay *o, size_t i)
{
	struct init_layer *l = &o->layers->items[i];
	char path[64];
	int from, to;

	for (size_t k = 0; k < 3; k++) {
		static const char *const parts[] = { "base", "upper", "work" };

		snprintf(path, sizeof(path), NATIVE_LAYERS "/%zu/%s", i, parts[k]);
		if (native_build_place(path, true) < 0)
			return fail(o, "making", path);
	}
	snprintf(path, sizeof(path), NATIVE_LAYERS "/%zu/base", i);
	l->lower[0] = open_path(path);
	snprintf(path, sizeof(path), NATIVE_LAYERS "/%zu/upper", i);
	l->upper = open_path(path);
	if (l->lower[0] < 0 || l->upper < 0)
		return fail(o, "opening", path);
	if (!o->sources[i][0])
		return 0;
	snprintf(path, sizeof(path), "source/%zu", i);
	if (native_build_place(path, true) < 0 || mount(o->sources[i], path, NULL, MS_BIND, NULL) < 0)
		return fail(o, errno == EINVAL ? "something is mounted below, so that no layer can be laid over," : "showing", o->sources[i]);
	l->lower[1] = open_path(path);
	from = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = l->lower[0];
	return l->lower[1] < 0 || from < 0 ? fail(o, "opening", o->sources[i]) : copy_folders(o, from, to, 0);
}

static int copy_in_place(struct overlay *o, size_t i)
{
	char path[128];

	for (size_t k = 0; k < ARRAY_SIZE(laid_over); k++) {
		if (strcmp(o->prefixes[i], laid_over[k].path) != 0)
			continue;
		snprintf(path, sizeof(path), NATIVE_LAYERS "/%zu/base", i);
		o->in_place = true;
		if (copy_tree(o, AT_FDCWD, o->sources[i], path, laid_over[k].but, 0) < 0)
			return -1;
		snprintf(path, sizeof(path), NATIVE_LAYERS "/%zu/base/%s", i, laid_over[k].emptied);
		return write_text(o, path, "", 0644);
	}
	return 0;
}

static int lay(struct overlay *o, size_t i)
{
	const char *s = o->build->staging;
	char options[512], source[128] = "", target[PATH_MAX];

	if (o->sources[i][0])
		snprintf(source, sizeof(source), ":%s/source/%zu", s, i);
	snprintf(options, sizeof(options), "lowerdir=%s/" NATIVE_LAYERS "/%zu/base%s,upperdir=%s/" NATIVE_LAYERS "/%zu/upper,workdir=%s/"
		 NATIVE_LAYERS "/%zu/work,userxattr", s, i, source, s, i, s, i);
	snprintf(target, sizeof(target), "%s/root/%s", s, o->layers->items[i].prefix);
	if (mount("overlay", target, "overlay", MS_NOSUID | MS_NODEV, options) < 0)
		return fail(o, errno == ENODEV ? "this kernel has no overlayfs to lay over" : "this kernel does not let an overlay be laid over",
			    *o->layers->items[i].prefix ? o->layers->items[i].prefix : "/");
	return 0;
}

/* ---- the tmpfs under it all */

static int size_layers(struct overlay *o)
{
	struct build *b = o->build;
	char options[96];
	struct statvfs v;
	int n;

	if (statvfs(NATIVE_LAYERS, &v) < 0)
		return fail(o, "measuring", NATIVE_LAYERS);
	b->base_bytes = (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
	b->base_files = v.f_files - v.f_ffree;
	n = snprintf(options, sizeof(options), "size=%llu", (unsigned long long)(b->spec->work_bytes + b->base_bytes));
	if (b->spec->work_files)
		snprintf(options + n, sizeof(options) - (size_t)n, ",nr_inodes=%llu", (unsigned long long)(b->spec->work_files + b->base_files));
	if (mount(NULL, NATIVE_LAYERS, NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, options) < 0)
		return fail(o, "sizing", NATIVE_LAYERS);
	return 0;
}

static int make_places(struct overlay *o)
{
	struct build *b = o->build;
	static const char *const folders[] = { NATIVE_LAYERS, "root", "source", "hidden" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (native_build_place(folders[i], true) < 0)
			return fail(o, "making", folders[i]);
	snprintf(b->hidden_folder, sizeof(b->hidden_folder), "%s/hidden", b->staging);
	snprintf(b->hidden_file, sizeof(b->hidden_file), "/dev/null");	/* on a mount without devices nobody opens it, root neither */
	if (mount("tmpfs", NATIVE_LAYERS, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=50%,nr_inodes=1000000") < 0)
		return fail(o, "mounting a tmpfs for", NATIVE_LAYERS);
	return native_build_place(NATIVE_LAYERS "/work", true) < 0 || native_build_place(NATIVE_LAYERS "/0/base", true) < 0 ?
		       fail(o, "making", NATIVE_LAYERS) : 0;
}

int native_overlay_build(struct build *b)
{
	autofree struct overlay *o = xcalloc(1, sizeof(*o));

	o->build = b;
	o->layers = b->spec->layers;
	o->layers->len = 0;
	if (make_places(o) < 0)
		return -1;
	add_layer(o, "", "");
	if (chdir(NATIVE_LAYERS "/0/base") < 0 || fill_base(o) < 0 || chdir(b->staging) < 0)
		return fail(o, "filling", "the root");
	for (size_t i = 0; i < o->layers->len; i++)
		if (prepare_layer(o, i) < 0 || copy_in_place(o, i) < 0)
			return -1;
	if (size_layers(o) < 0)
		return -1;
	for (size_t i = 0; i < o->layers->len; i++) {
		if (lay(o, i) < 0)
			return -1;
		o->layers->items[i].prefix = xstrdup(o->prefixes[i]);	/* for the rest of our life */
	}
	/* what is read-only in a writable root too is a mount of its own; our mounts come on top */
	if (chdir("root") < 0 || mount("dev", "dev", NULL, MS_BIND, NULL) < 0 || mount("sys", "sys", NULL, MS_BIND, NULL) < 0)
		return fail(o, "mounting", "/dev");
	return 0;
}

int native_overlay_seal(struct build *b)
{
	const uint64_t flags = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	if (native_build_seal("proc", AT_RECURSIVE, flags | MOUNT_ATTR_NOEXEC) < 0 || native_build_seal("dev", 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID) < 0 ||
	    native_build_seal("sys", 0, flags | MOUNT_ATTR_NOEXEC) < 0)
		return native_build_fail(b, "making /proc, /dev and /sys read-only");
	return 0;
}
