/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "runner/base/file.h"
#include "runner/base/library.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "runner/base/strvec.h"
#include "runner/base/utf8.h"

#define CHUNK_BYTES ((size_t)64 << 10)

const struct archive_limits archive_bundle_limits = { .max_entries = 10000, .max_bytes = UINT64_C(64) << 20, .max_depth = 32 };
const struct archive_limits archive_rootfs_limits = {
	.max_entries = 1000000, .max_bytes = UINT64_C(16) << 30, .max_depth = 64, .is_root = true,
};
const struct archive_limits archive_layer_limits = {
	.max_entries = 1000000, .max_bytes = UINT64_C(16) << 30, .max_depth = 64, .is_root = true, .is_layer = true,
};

/* ---- the library */

/* X(function): every function used, by its name without "archive_" */
#define FUNCTIONS(X)                                                                                                        \
	X(read_new) X(read_free) X(read_open_fd) X(read_next_header) X(read_data_block) X(read_support_format_tar)          \
	X(read_support_format_zip) X(read_support_filter_gzip) X(read_support_filter_bzip2) X(read_support_filter_xz)       \
	X(read_support_filter_zstd) X(write_new) X(write_free) X(write_open_fd) X(write_close) X(write_header) X(write_data) \
	X(write_set_format_pax_restricted) X(write_add_filter_gzip) X(write_add_filter_zstd) X(write_set_options)           \
	X(write_set_bytes_in_last_block) X(error_string) X(entry_new) X(entry_free) X(entry_clear) X(entry_pathname)        \
	X(entry_filetype) X(entry_perm) X(entry_size) X(entry_size_is_set) X(entry_symlink) X(entry_hardlink) X(entry_mtime) \
	X(entry_mtime_nsec) X(entry_mtime_is_set) X(entry_is_encrypted) X(entry_set_pathname) X(entry_set_symlink)          \
	X(entry_set_filetype) X(entry_set_perm) X(entry_set_size) X(entry_set_mtime)

#define POINTER(f) __typeof__(archive_##f) *f;
static struct { FUNCTIONS(POINTER) } lib;	/* filled in once, constant from then on */
#undef POINTER

static int load(struct error *err)
{
#define SYMBOL(f) { "archive_" #f, &lib.f },
	static const struct library_symbol symbols[] = { FUNCTIONS(SYMBOL) };
#undef SYMBOL
	static bool loaded;

	if (!loaded && library_load("libarchive.so.13", "libarchive13", symbols, ARRAY_SIZE(symbols), err) < 0)
		return -1;
	loaded = true;
	return 0;
}

/* libarchive converts names by the locale of the thread; ours is UTF-8 while it works. */
struct locale_guard { locale_t ours, before; };

static struct locale_guard locale_enter(void)
{
	struct locale_guard g = { .ours = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0) };

	if (g.ours)
		g.before = uselocale(g.ours);
	return g;
}

static void locale_leave(struct locale_guard *g)
{
	if (!g->ours)
		return;
	uselocale(g->before);
	freelocale(g->ours);
}

/* ---- what is an archive? */

static bool is_tar_header(const unsigned char *h, size_t len)
{
	unsigned long sum = 0, stated = 0;
	size_t i = 148;

	if (len < 512 || !h[0])
		return false;
	while (i < 156 && h[i] == ' ')
		i++;
	for (; i < 156 && h[i] >= '0' && h[i] <= '7'; i++)
		stated = stated * 8 + (unsigned long)(h[i] - '0');
	if (!stated)
		return false;	/* most files: the sum is at least that of eight blanks */
	for (i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return sum == stated;
}

bool archive_begins_so(const void *bytes, size_t len)
{
	static const struct { const char *bytes; size_t len; } magics[] = {
		{ "\x1f\x8b", 2 }, { "BZh", 3 }, { "\xfd" "7zXZ\0", 6 }, { "\x28\xb5\x2f\xfd", 4 },
		{ "PK\x03\x04", 4 }, { "PK\x05\x06", 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (len >= magics[i].len && !memcmp(bytes, magics[i].bytes, magics[i].len))
			return true;
	return is_tar_header(bytes, len);
}

bool archive_is_archive(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned char head[512];
	struct stat st;
	ssize_t n = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? pread(fd, head, sizeof(head), 0) : -1;

	return n > 0 && archive_begins_so(head, (size_t)n);
}

/* ---- reading */

struct extraction {
	const char *path;		/* of the archive, for messages */
	struct archive *archive;
	const struct archive_limits *limits;
	int top;			/* borrowed */
	bool only_whiteouts;		/* first turn through a layer: what it removes is of those below it */
	uint64_t entries, bytes;
	char *parent;			/* owned: the folder last written to, and */
	int parent_fd;			/* its descriptor; -1: none. Entries of a folder mostly come together */
};

/* Always -1. Messages name the entry, made harmless. */
static int entry_error(const struct extraction *x, const char *name, struct error *err, const char *why)
{
	char quoted[UTF8_QUOTE_SIZE];

	return error_set(err, ERR_INVALID_INPUT, "'%s': entry %s %s", x->path, utf8_quote(quoted, name, strlen(name)), why);
}

static int disk_error(const struct extraction *x, const char *name, struct error *err)
{
	char quoted[UTF8_QUOTE_SIZE];
	bool archives_fault = errno == ENAMETOOLONG || errno == EISDIR || errno == ENOTDIR || errno == ENOTEMPTY || errno == EINVAL;

	return error_sys(err, archives_fault ? ERR_INVALID_INPUT : ERR_UNAVAILABLE, "'%s': cannot unpack %s", x->path,
			 utf8_quote(quoted, name, strlen(name)));
}

static int library_error(const struct extraction *x, struct error *err)
{
	const char *why = lib.error_string(x->archive);
	autostrbuf struct strbuf shown = STRBUF_INIT(400);

	why = why ? why : "unknown reason";
	utf8_escape(&shown, why, strlen(why));
	return error_set(err, ERR_INVALID_INPUT, "'%s' cannot be unpacked: %s", x->path, shown.buf);
}

/* Bring a name into the form "a/b/c"; "" is the top itself. The rest of the code relies on it having no "..", no ".", no empty part. */
static int clean_name(const struct extraction *x, const char *name, struct strbuf *out, struct error *err)
{
	unsigned int depth = 0;

	if (*name == '/')
		return entry_error(x, name, err, "has an absolute name");
	for (const char *p = name, *end; *p; p = end + (*end == '/')) {
		size_t len;

		end = strchrnul(p, '/');
		len = (size_t)(end - p);
		if (len == 2 && !memcmp(p, "..", 2))
			return entry_error(x, name, err, "leaves the tree by '..'");
		if (len == 0 || (len == 1 && *p == '.'))
			continue;
		if (++depth > x->limits->max_depth)
			return entry_error(x, name, err, "is nested too deeply");
		if (out->len)
			strbuf_addch(out, '/');
		strbuf_add(out, p, len);
	}
	return 0;
}

/* Open the folder `len` bytes of a clean name stand for, making what is missing, never through a link. */
static int open_folder(struct extraction *x, const char *name, size_t len, struct error *err)
{
	autoclose int at = -1;
	const char *end = name + len;

	if (x->parent_fd >= 0 && strlen(x->parent) == len && !memcmp(x->parent, name, len))
		return x->parent_fd;
	at = fcntl(x->top, F_DUPFD_CLOEXEC, 0);
	for (const char *p = name, *stop; at >= 0 && p < end; p = stop + 1) {
		autofree char *part = NULL;
		int next;

		stop = memchr(p, '/', (size_t)(end - p));
		stop = stop ? stop : end;
		part = xstrndup(p, (size_t)(stop - p));
		if (mkdirat(at, part, 0700) == 0 ? fchmodat(at, part, 0755, 0) < 0 : errno != EEXIST)
			return disk_error(x, name, err);
		next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && (errno == ENOTDIR || errno == ELOOP))
			return entry_error(x, name, err, "leads through something that is no folder");
		close(at);
		at = next;
	}
	if (at < 0)
		return disk_error(x, name, err);
	autoclose_(&x->parent_fd);
	free(x->parent);
	x->parent = xstrndup(name, len);
	x->parent_fd = steal_fd(&at);
	return x->parent_fd;
}

static int open_parent(struct extraction *x, const char *name, const char **base, struct error *err)
{
	const char *slash = strrchr(name, '/');

	*base = slash ? slash + 1 : name;
	return open_folder(x, name, slash ? (size_t)(slash - name) : 0, err);
}

/* A later entry of the same name wins, as with tar; a folder stays, but for a layer. */
static int clear_way(const struct extraction *x, int parent, const char *base)
{
	if (unlinkat(parent, base, 0) == 0 || errno == ENOENT)
		return 0;
	return x->limits->is_layer && errno == EISDIR ? remove_tree_at(parent, base, NULL) : -1;
}

static int extract_folder(struct extraction *x, const char *name, mode_t mode, struct error *err)
{
	const char *base;
	struct stat st;
	int fd = x->limits->is_layer ? open_parent(x, name, &base, err) : 0;

	if (fd < 0)
		return -1;
	if (x->limits->is_layer && fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
	    clear_way(x, fd, base) < 0)
		return disk_error(x, name, err);
	fd = open_folder(x, name, strlen(name), err);
	if (fd < 0)
		return -1;
	return fchmod(fd, (mode & 0755) | 0700) < 0 ? disk_error(x, name, err) : 0;
}

/* Counts what the file will have, holes included, before anything is written. */
static int count_bytes(struct extraction *x, const char *name, uint64_t before, uint64_t after, struct error *err)
{
	char why[80];

	if (after <= before)
		return 0;
	if (after - before > x->limits->max_bytes - x->bytes) {
		snprintf(why, sizeof(why), "goes past the limit of %llu MiB unpacked", (unsigned long long)(x->limits->max_bytes >> 20));
		return entry_error(x, name, err, why);
	}
	x->bytes += after - before;
	return 0;
}

static int copy_content(struct extraction *x, const char *name, int fd, struct error *err)
{
	uint64_t high = 0;
	const void *data;
	size_t len;
	la_int64_t offset;
	int rc;

	while ((rc = lib.read_data_block(x->archive, &data, &len, &offset)) == ARCHIVE_OK) {
		uint64_t end = (uint64_t)offset + len;

		if (offset < 0 || count_bytes(x, name, high, end, err) < 0)
			return offset < 0 ? entry_error(x, name, err, "has a negative offset") : -1;
		high = end > high ? end : high;
		if (lseek(fd, offset, SEEK_SET) < 0 || write_all(fd, data, len) < 0)
			return disk_error(x, name, err);
	}
	if (rc != ARCHIVE_EOF)
		return library_error(x, err);
	return ftruncate(fd, (off_t)high) < 0 ? disk_error(x, name, err) : 0;
}

static int extract_file(struct extraction *x, const char *name, struct archive_entry *entry, struct error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	const char *base;
	int parent = open_parent(x, name, &base, err);
	autoclose int fd = -1;

	if (parent < 0)
		return -1;
	/* a lie about the size is caught while copying; an honest bomb ends here, before it is unpacked */
	if (lib.entry_size_is_set(entry) && (uint64_t)lib.entry_size(entry) > x->limits->max_bytes - x->bytes)
		return count_bytes(x, name, 0, UINT64_MAX, err);
	if (clear_way(x, parent, base) < 0)
		return disk_error(x, name, err);
	fd = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, (lib.entry_perm(entry) & 0755) | 0400) < 0)
		return disk_error(x, name, err);
	if (copy_content(x, name, fd, err) < 0)
		return -1;
	times[1] = (struct timespec){ .tv_sec = lib.entry_mtime(entry), .tv_nsec = lib.entry_mtime_nsec(entry) };
	if (lib.entry_mtime_is_set(entry) && futimens(fd, times) < 0 && errno != EINVAL)
		return disk_error(x, name, err);
	return 0;
}

/* Does a link at `name` stay inside? Only leading ".." are allowed: after another link they would climb from elsewhere. */
static bool target_stays_inside(const char *name, const char *target)
{
	unsigned int depth = 0;
	bool down = false;

	for (const char *p = name; (p = strchr(p, '/')); p++)
		depth++;
	if (*target == '/')
		return false;
	for (const char *p = target, *end; *p; p = end + (*end == '/')) {
		bool up;

		end = strchrnul(p, '/');
		up = end - p == 2 && !memcmp(p, "..", 2);
		if (up && (down || !depth--))
			return false;
		if (!up && end > p && !(end - p == 1 && *p == '.'))
			down = true;
	}
	return true;
}

static int extract_symlink(struct extraction *x, const char *name, const char *target, struct error *err)
{
	const char *base;
	int parent;

	if (!target || !*target)
		return entry_error(x, name, err, "is a link to nothing");
	if (!x->limits->is_root && !target_stays_inside(name, target))
		return entry_error(x, name, err, "is a link that leaves the tree");
	parent = open_parent(x, name, &base, err);
	if (parent < 0)
		return -1;
	if (clear_way(x, parent, base) < 0 || symlinkat(target, parent, base) < 0)
		return disk_error(x, name, err);
	return 0;
}

static int extract_hardlink(struct extraction *x, const char *name, const char *raw_target, struct error *err)
{
	autostrbuf struct strbuf target = STRBUF_INIT(STRBUF_NO_MAX);
	const char *base, *target_base;
	struct stat st;
	int parent;
	autoclose int target_parent = -1;

	if (clean_name(x, raw_target, &target, err) < 0)
		return error_prefix(err, "a hard link's target");
	if (!strcmp(target.buf, name))
		return 0;
	parent = open_parent(x, target.buf, &target_base, err);
	target_parent = parent < 0 ? -1 : fcntl(parent, F_DUPFD_CLOEXEC, 0);
	parent = target_parent < 0 ? -1 : open_parent(x, name, &base, err);
	if (parent < 0)
		return -1;
	/* a link to a link would be read from another depth than the one it was checked for */
	if (fstatat(target_parent, target_base, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (!S_ISREG(st.st_mode) && !(x->limits->is_root && S_ISLNK(st.st_mode))))
		return entry_error(x, name, err, "is a hard link to something that is no file of this archive");
	if (clear_way(x, parent, base) < 0 || linkat(target_parent, target_base, parent, base, 0) < 0)
		return disk_error(x, name, err);
	return 0;
}

static const char *whiteout(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;

	return !strncmp(base, ".wh.", 4) ? base + 4 : NULL;
}

/* What lower layers have of that name, or (".wh..opq" is left of the name then) in that folder. */
static int remove_lower(struct extraction *x, const char *name, const char *what, struct error *err)
{
	const char *base;
	int parent = open_parent(x, name, &base, err), copy, r = 0;
	struct dirent *e;
	DIR *dir;

	if (parent < 0)
		return -1;
	if (!*what || !strcmp(what, ".") || !strcmp(what, ".."))
		return entry_error(x, name, err, "removes nothing that has a name");
	if (strcmp(what, ".wh..opq") != 0)	/* other names like this are AUFS's own notes */
		return strncmp(what, ".wh.", 4) != 0 ? remove_tree_at(parent, what, err) : 0;
	copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (!dir)
		return disk_error(x, name, err);
	while (r == 0 && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = remove_tree_at(parent, e->d_name, err);
	closedir(dir);
	return r;
}

static int extract_entry(struct extraction *x, struct archive_entry *entry, struct error *err)
{
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);
	const char *raw = lib.entry_pathname(entry), *hardlink = lib.entry_hardlink(entry);

	if (++x->entries > x->limits->max_entries)
		return error_set(err, ERR_INVALID_INPUT, "'%s' has more than %llu entries", x->path,
				 (unsigned long long)x->limits->max_entries);
	if (!raw)
		return error_set(err, ERR_INVALID_INPUT, "'%s': entry %llu has a name that cannot be read", x->path,
				 (unsigned long long)x->entries);
	if (clean_name(x, raw, &name, err) < 0)
		return -1;
	if (!name.len)
		return 0;
	if (x->limits->is_layer && x->only_whiteouts != (whiteout(name.buf) != NULL))
		return 0;
	if (x->only_whiteouts)
		return remove_lower(x, name.buf, whiteout(name.buf), err);
	if (lib.entry_is_encrypted(entry))
		return entry_error(x, name.buf, err, "is encrypted");
	if (hardlink)
		return extract_hardlink(x, name.buf, hardlink, err);
	switch (lib.entry_filetype(entry)) {
	case AE_IFDIR:
		return extract_folder(x, name.buf, lib.entry_perm(entry), err);
	case AE_IFREG:
		return extract_file(x, name.buf, entry, err);
	case AE_IFLNK:
		return extract_symlink(x, name.buf, lib.entry_symlink(entry), err);
	default:
		/* devices, FIFOs, sockets; a size is only there to make us skip over terabytes */
		if (lib.entry_size(entry) > 0)
			return entry_error(x, name.buf, err, "is no file and yet has content");
		return 0;
	}
}

static int extract_all(struct extraction *x, int fd, struct error *err)
{
	struct archive_entry *entry;
	int rc;

	lib.read_support_filter_gzip(x->archive);
	lib.read_support_filter_bzip2(x->archive);
	lib.read_support_filter_xz(x->archive);
	lib.read_support_filter_zstd(x->archive);
	lib.read_support_format_tar(x->archive);
	lib.read_support_format_zip(x->archive);
	if (lib.read_open_fd(x->archive, fd, CHUNK_BYTES) != ARCHIVE_OK)
		return library_error(x, err);
	/* ARCHIVE_WARN is about owners and attributes, which are not used anyway */
	while ((rc = lib.read_next_header(x->archive, &entry)) == ARCHIVE_OK || rc == ARCHIVE_WARN)
		if (extract_entry(x, entry, err) < 0)
			return -1;
	if (rc != ARCHIVE_EOF)
		return library_error(x, err);
	return 0;
}

static int extract_turn(struct extraction *x, int fd, struct error *err)
{
	int r;

	x->entries = 0;
	x->archive = lib.read_new();
	r = x->archive ? extract_all(x, fd, err) : error_set(err, ERR_INTERNAL, "libarchive has no memory");
	lib.read_free(x->archive);
	autoclose_(&x->parent_fd);
	x->parent_fd = -1;
	free(steal_ptr(&x->parent));
	return r;
}

int archive_extract(const char *path, int dirfd, const struct archive_limits *limits, struct error *err)
{
	struct extraction x = { .path = path, .limits = limits, .top = dirfd, .parent_fd = -1, .only_whiteouts = limits->is_layer };
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct locale_guard guard;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, ERR_INVALID_INPUT, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is no file", path);
	if (load(err) < 0)
		return error_prefix(err, "unpacking '%s'", path);
	guard = locale_enter();
	rc = extract_turn(&x, fd, err);
	if (rc == 0 && x.only_whiteouts) {
		x.only_whiteouts = false;
		rc = lseek(fd, 0, SEEK_SET) < 0 ? disk_error(&x, path, err) : extract_turn(&x, fd, err);
	}
	locale_leave(&guard);
	return rc;
}

/* ---- writing */

struct creation {
	const char *path;		/* of the archive, for messages */
	struct archive *archive;
	struct archive_entry *entry;
};

static int write_error(const struct creation *c, struct error *err)
{
	const char *why = lib.error_string(c->archive);

	return error_set(err, ERR_UNAVAILABLE, "cannot write '%s': %s", c->path, why ? why : "unknown reason");
}

static int write_header(const struct creation *c, const char *name, const struct stat *st, const char *target, struct error *err)
{
	lib.entry_clear(c->entry);
	lib.entry_set_pathname(c->entry, name);
	lib.entry_set_filetype(c->entry, st->st_mode & S_IFMT);
	lib.entry_set_perm(c->entry, st->st_mode & 0777);
	lib.entry_set_mtime(c->entry, st->st_mtime, 0);
	lib.entry_set_size(c->entry, S_ISREG(st->st_mode) ? st->st_size : 0);
	if (target)
		lib.entry_set_symlink(c->entry, target);
	return lib.write_header(c->archive, c->entry) == ARCHIVE_OK ? 0 : write_error(c, err);
}

/* Exactly `size` bytes: a file that grows is cut, one that shrinks is filled up by the library. */
static int write_content(const struct creation *c, int fd, uint64_t size, struct error *err)
{
	autofree char *chunk = xmalloc(CHUNK_BYTES);

	while (size) {
		ssize_t n = read(fd, chunk, size < CHUNK_BYTES ? size : CHUNK_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, ERR_UNAVAILABLE, "cannot read what belongs into '%s'", c->path);
		if (n == 0)
			break;
		if (lib.write_data(c->archive, chunk, (size_t)n) != n)
			return write_error(c, err);
		size -= (uint64_t)n;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted. */
static int list_folder(int fd, struct strvec *names)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	if (!dir) {
		autoclose_(&copy);
		return -1;
	}
	while ((e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			strvec_push(names, e->d_name);
	closedir(dir);
	if (names->len)
		qsort(names->items, names->len, sizeof(*names->items), compare_names);
	return 0;
}

static int write_tree(const struct creation *c, int parent, const char *base, const char *name, unsigned int depth, struct error *err);

static int write_folder(const struct creation *c, int fd, const char *name, unsigned int depth, struct error *err)
{
	autostrvec struct strvec names = STRVEC_INIT;

	if (depth > 128)
		return error_set(err, ERR_UNAVAILABLE, "'%s' is nested too deeply for an archive", name);
	if (list_folder(fd, &names) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot list '%s'", name);
	for (size_t i = 0; i < names.len; i++) {
		autofree char *child = xasprintf("%s/%s", name, names.items[i]);

		if (write_tree(c, fd, names.items[i], child, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int write_tree(const struct creation *c, int parent, const char *base, const char *name, unsigned int depth, struct error *err)
{
	char target[4096];
	autoclose int fd = -1;
	struct stat st;
	ssize_t n;

	if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot look at '%s'", name);
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(parent, base, target, sizeof(target) - 1);
		if (n < 0)
			return error_sys(err, ERR_UNAVAILABLE, "cannot read the link '%s'", name);
		target[n] = '\0';
		return write_header(c, name, &st, target, err);
	}
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return 0;
	fd = openat(parent, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open '%s'", name);
	if (write_header(c, name, &st, NULL, err) < 0)
		return -1;
	return S_ISDIR(st.st_mode) ? write_folder(c, fd, name, depth, err) : write_content(c, fd, (uint64_t)st.st_size, err);
}

static const struct suffix {
	const char *name;
	const char *options;		/* for reproducible bytes; NULL: none */
	int (**add_filter)(struct archive *);
} suffixes[] = {
	{ ".tar.zst", NULL, &lib.write_add_filter_zstd },
	{ ".tar.gz", "gzip:!timestamp", &lib.write_add_filter_gzip },
	{ ".tar", NULL, NULL },
};

static const struct suffix *find_suffix(const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t sl = strlen(suffixes[i].name);

		if (len > sl && !strcmp(path + len - sl, suffixes[i].name))
			return &suffixes[i];
	}
	return NULL;
}

static int create_in(struct creation *c, const struct suffix *suffix, int fd, const char *dir, const char *prefix, struct error *err)
{
	lib.write_set_format_pax_restricted(c->archive);
	lib.write_set_bytes_in_last_block(c->archive, 1);
	if (suffix->add_filter && (*suffix->add_filter)(c->archive) != ARCHIVE_OK)
		return write_error(c, err);
	if (suffix->options && lib.write_set_options(c->archive, suffix->options) != ARCHIVE_OK)
		return write_error(c, err);
	if (lib.write_open_fd(c->archive, fd) != ARCHIVE_OK)
		return write_error(c, err);
	if (write_tree(c, AT_FDCWD, dir, prefix, 0, err) < 0)
		return -1;
	return lib.write_close(c->archive) == ARCHIVE_OK ? 0 : write_error(c, err);
}

int archive_create(const char *path, const char *dir, const char *prefix, struct error *err)
{
	const struct suffix *suffix = find_suffix(path);
	struct creation c = { .path = path };
	struct new_file file;
	struct locale_guard guard;
	int rc;

	if (!suffix)
		return error_set(err, ERR_USAGE, "'%s' must end in .tar.zst, .tar.gz or .tar", path);
	if (load(err) < 0)
		return error_prefix(err, "packing '%s'", path);
	if (new_file_open(&file, path) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot create '%s'", path);
	guard = locale_enter();
	c.archive = lib.write_new();
	c.entry = lib.entry_new();
	rc = c.archive && c.entry ? create_in(&c, suffix, file.fd, dir, prefix, err) : error_set(err, ERR_INTERNAL, "libarchive has no memory");
	lib.entry_free(c.entry);
	lib.write_free(c.archive);
	locale_leave(&guard);
	if (rc == 0 && new_file_commit(&file, path) < 0)
		rc = error_sys(err, ERR_UNAVAILABLE, "cannot write '%s'", path);
	new_file_discard(&file);
	return rc;
}
