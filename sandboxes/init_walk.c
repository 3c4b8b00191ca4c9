/* SPDX-License-Identifier: Apache-2.0
 * Looking at files with a step's rights, between steps, when nothing in the sandbox is alive. By descriptors and never through a link;
 * nothing is opened that could block or do something (FIFOs, devices, sockets are only looked at). One descriptor is held at a
 * time, however deep it goes: the way back is "..", and it must be the folder we came from. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#include "runner/base/clock.h"
#include "runner/base/digest.h"
#include "runner/base/mem.h"
#include "sandboxes/init_tree.h"

#define HOLES_MAX (UINT64_C(64) << 20)		/* in a file that is read for its digest */

enum { LINKS = 64, BLOCK = 64 << 10 };
struct known_link {		/* a file with several names is read once */
	uint64_t inode;
	unsigned char sha256[32];
};

struct walk {
	const struct init_walk *request;
	const struct init_sink *sink;
	struct init_trees trees;
	enum sandbox_tree tree;
	const struct init_layer *layer;		/* of TREE_ROOT, that we are in */
	uint64_t since_ns, entries, left_out, digested;
	unsigned int max_depth;
	bool hidden;				/* an opaque folder is above us: what is not in the layer is gone */
	bool removed;				/* a folder that is gone is above us: there is only the original */
	size_t path_len;
	char path[SANDBOX_PATH_MAX];
	struct known_link links[LINKS];
	size_t used;
	/* from here on nothing is cleared, for that costs more than looking at few files */
	unsigned char buffer[INIT_WALK_CHUNK];
	_Alignas(16) unsigned char block[BLOCK];
};

struct names {			/* of one folder, sorted */
	char *text;
	size_t len, alloc;
	uint32_t *at;
	size_t n, at_alloc;
};

/* ---- records */

static int flush(struct walk *w)
{
	size_t n = w->used;

	w->used = 0;
	return n ? w->sink->write(w->sink->arg, w->buffer, n) : 0;
}

static int add(struct walk *w, const void *data, size_t len)
{
	if (w->used + len > sizeof(w->buffer) && flush(w) < 0)
		return -1;
	memcpy(w->buffer + w->used, data, len);
	w->used += len;
	return 0;
}

static int put(struct walk *w, struct walk_record *r, const char *name, const char *target)
{
	r->tree = (uint8_t)w->tree;
	r->name_len = (uint16_t)strlen(name);
	r->target_len = (uint16_t)(r->kind == SANDBOX_ENTRY_SYMLINK ? strlen(target) : 0);
	return add(w, r, sizeof(*r)) < 0 || add(w, name, r->name_len) < 0 || add(w, target, r->target_len) < 0 ? -1 : 0;
}

static uint64_t time_ns(const struct timespec *t)
{
	return t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec * NS_PER_SEC + (uint64_t)t->tv_nsec;
}

static enum sandbox_entry_kind kind_of(const struct stat *st, enum sandbox_tree tree)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return SANDBOX_ENTRY_FILE;
	case S_IFDIR:
		return SANDBOX_ENTRY_DIR;
	case S_IFLNK:
		return SANDBOX_ENTRY_SYMLINK;
	case S_IFIFO:
		return SANDBOX_ENTRY_FIFO;
	case S_IFSOCK:
		return SANDBOX_ENTRY_SOCKET;
	default:	/* an overlay's way to say that something is gone */
		return tree == SANDBOX_TREE_ROOT && S_ISCHR(st->st_mode) && !st->st_rdev ? SANDBOX_ENTRY_REMOVED : SANDBOX_ENTRY_DEVICE;
	}
}

static struct walk_record describe(const struct walk *w, const struct stat *st, unsigned int depth)
{
	return (struct walk_record){
		.kind = (uint8_t)kind_of(st, w->tree),
		.mode = st->st_mode & 07777,
		.depth = depth,
		.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
		.mtime_ns = time_ns(&st->st_mtim),
		.ctime_ns = time_ns(&st->st_ctim),
		.inode = st->st_ino,
		.links = st->st_nlink,
	};
}

/* ---- content */

static int digest_fd(struct walk *w, int fd, uint64_t max_bytes, unsigned char out[32])
{
	struct sha256 s;
	ssize_t n = 0;

	sha256_begin(&s);
	while (max_bytes && (n = read(fd, w->block, max_bytes < BLOCK ? max_bytes : BLOCK)) > 0) {
		sha256_add(&s, w->block, (size_t)n);
		max_bytes -= (uint64_t)n;
	}
	sha256_end(&s, out);
	return n < 0 ? errno : 0;
}

/* 0, or the errno that goes into the entry. */
static int digest_file(struct walk *w, int dirfd, const char *name, const struct stat *st, unsigned char out[32])
{
	struct known_link *link = &w->links[st->st_ino % LINKS];
	const uint64_t size = (uint64_t)st->st_size, held = (uint64_t)st->st_blocks * 512;
	autoclose int fd = -1;
	int error;

	if (st->st_nlink > 1 && link->inode == st->st_ino) {
		memcpy(out, link->sha256, sizeof(link->sha256));
		return 0;
	}
	if (size > SANDBOX_DIGEST_FILE_MAX || size > SANDBOX_DIGEST_WALK_MAX - w->digested || (size > held && size - held > HOLES_MAX))
		return EFBIG;
	w->digested += size;
	if (size) {
		fd = init_open_file(dirfd, name, st);
		if (fd < 0)
			return errno;
	}
	error = digest_fd(w, fd, size, out);
	if (!error && st->st_nlink > 1) {
		link->inode = st->st_ino;
		memcpy(link->sha256, out, sizeof(link->sha256));
	}
	return error;
}

static void look_inside(struct walk *w, int dirfd, const char *name, const struct stat *st, struct walk_record *r)
{
	if (!S_ISREG(st->st_mode) || !w->request->digests || r->ctime_ns < w->since_ns)
		return;
	r->error = digest_file(w, dirfd, name, st, r->sha256);
	if (!r->error)
		r->flags |= WALK_HAS_DIGEST;
}

static void read_target(int dirfd, const char *name, struct walk_record *r, char target[WALK_TARGET_MAX + 1])
{
	ssize_t n = readlinkat(dirfd, name, target, WALK_TARGET_MAX);

	if (n <= 0) {
		r->error = n < 0 ? errno : EIO;
		n = 1;
		target[0] = '?';
	}
	target[n] = '\0';
}

/* ---- names */

static int add_name(struct names *l, const char *name)
{
	size_t len = strlen(name) + 1;

	if (l->len + len > UINT32_MAX || len > WALK_NAME_MAX + 1)
		return errno = EOVERFLOW, -1;
	if (l->len + len > l->alloc) {
		size_t alloc = 2 * (l->alloc + len + 1024);
		char *text = realloc(l->text, alloc);

		if (!text)
			return -1;
		l->text = text;
		l->alloc = alloc;
	}
	if (l->n == l->at_alloc) {
		size_t alloc = l->at_alloc ? 2 * l->at_alloc : 64;
		uint32_t *at = reallocarray(l->at, alloc, sizeof(*at));

		if (!at)
			return -1;
		l->at = at;
		l->at_alloc = alloc;
	}
	l->at[l->n++] = (uint32_t)l->len;
	memcpy(l->text + l->len, name, len);
	l->len += len;
	return 0;
}

static void names_release(struct names *l)
{
	free(l->text);
	free(l->at);
}

static int compare_names(const void *a, const void *b, void *text)
{
	return strcmp((const char *)text + *(const uint32_t *)a, (const char *)text + *(const uint32_t *)b);
}

/* Layers that begin below where we are have a name here, whether or not there is a folder for it. */
static int add_layer_names(struct walk *w, struct names *l)
{
	for (size_t i = 1; w->tree == SANDBOX_TREE_ROOT && i < w->trees.layers->len; i++) {
		const char *below = init_below(w->trees.layers->items[i].prefix, w->path, w->path_len);
		char name[WALK_NAME_MAX + 1];
		size_t len = below ? strcspn(below, "/") : 0;

		if (!len || len >= sizeof(name))
			continue;
		memcpy(name, below, len);
		name[len] = '\0';
		if (add_name(l, name) < 0)
			return -1;
	}
	return 0;
}

static int collect_names(struct walk *w, int fd, struct names *l)
{
	ssize_t got;

	while (fd >= 0 && (got = getdents64(fd, w->block, BLOCK)) != 0) {
		if (got < 0)
			return -1;
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *e = (const struct dirent64 *)(w->block + at);

			at += e->d_reclen;
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") && add_name(l, e->d_name) < 0)
				return -1;
		}
	}
	return 0;
}

static void sort_names(struct names *l)
{
	size_t n = 0;

	if (l->n)
		qsort_r(l->at, l->n, sizeof(*l->at), compare_names, l->text);
	for (size_t i = 0; i < l->n; i++)
		if (!i || strcmp(l->text + l->at[i], l->text + l->at[n - 1]) != 0)
			l->at[n++] = l->at[i];
	l->n = n;
}

static int read_names(struct walk *w, int fd, struct names *l)
{
	if (collect_names(w, fd, l) < 0 || add_layer_names(w, l) < 0)
		return -1;
	sort_names(l);
	return 0;
}

/* ---- the original of what a writable root has changed */

static int put_base(struct walk *w, const char *name, unsigned int depth, struct stat *ret)
{
	char target[WALK_TARGET_MAX + 1] = "";
	struct walk_record r;
	const char *below = init_below(w->path, w->layer->prefix, strlen(w->layer->prefix));
	autoclose int dirfd = -1;

	if (!below)
		return 0;
	dirfd = init_find_lower(w->layer, below, ret);
	if (dirfd < 0)
		return 0;
	r = describe(w, ret, depth);
	r.flags = WALK_BASE;
	if (S_ISREG(ret->st_mode) && w->request->digests && !w->removed) {
		r.error = digest_file(w, dirfd, name, ret, r.sha256);
		r.flags |= r.error ? 0 : WALK_HAS_DIGEST;
	} else if (S_ISLNK(ret->st_mode)) {
		read_target(dirfd, name, &r, target);
	}
	return put(w, &r, name, target) < 0 ? -1 : 1;
}

static bool is_opaque(int fd)
{
	char value[2];

	return fgetxattr(fd, "user.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

/* ---- folders */

static int walk_folder(struct walk *w, int *fd, unsigned int depth);
static int visit_all(struct walk *w, const struct names *l, int *fd, unsigned int depth,
		     int (*visit_one)(struct walk *w, int *fd, const char *name, unsigned int depth));

/* Everything below `child`, which is closed; `*parent` is closed before and opened again after. */
static int walk_below(struct walk *w, int *parent, int child, const struct stat *st, bool changed, unsigned int depth)
{
	struct stat before = { 0 }, after = { 0 };
	int r;

	if (*parent >= 0) {
		if (fstat(*parent, &before) < 0)
			return -1;
		close(*parent);
		*parent = -1;
	}
	r = walk_folder(w, &child, depth);
	if (before.st_mode && child >= 0) {
		*parent = openat(child, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*parent >= 0 && (fstat(*parent, &after) < 0 || after.st_ino != before.st_ino || after.st_dev != before.st_dev))
			r = (errno = EXDEV, -1);
		if (*parent < 0)
			r = -1;
	}
	if (changed && child >= 0)
		fchmod(child, st->st_mode & 07777);
	if (child >= 0)
		close(child);
	return r;
}

static int enter_folder(struct walk *w, int *parent, const char *name, const struct stat *st, struct walk_record *r, unsigned int depth)
{
	const bool hidden = w->hidden;
	bool changed = false, deep;
	int child = init_open_folder(*parent, name, st, &changed), result;

	if (child < 0)
		r->error = errno;
	deep = child >= 0 && (depth + 1 >= w->max_depth || w->path_len + 2 >= sizeof(w->path));
	if (deep)
		r->error = ELOOP;
	if (child >= 0 && w->tree == SANDBOX_TREE_ROOT && is_opaque(child)) {
		r->flags |= WALK_OPAQUE;
		w->hidden = true;
	}
	result = put(w, r, name, "");
	if (result == 0 && child >= 0 && !deep) {
		result = walk_below(w, parent, child, st, changed, depth + 1);
	} else if (child >= 0) {
		struct names inside = { 0 };	/* how many are not looked at */

		if (deep && read_names(w, child, &inside) == 0)
			w->left_out += inside.n;
		names_release(&inside);
		if (changed)
			fchmod(child, st->st_mode & 07777);
		close(child);
	}
	w->hidden = hidden;
	return result;
}

/* A place where another layer begins, or a folder on the way to one: it need not exist in the layer we are in. */
static int enter_layer(struct walk *w, const char *name, unsigned int depth, bool *ret)
{
	const struct init_layer *outer = w->layer, *inner = init_layer_at(w->trees.layers, w->path);
	const bool hidden = w->hidden;
	int fd, has_base, result = 0;
	struct walk_record r;
	struct stat st;

	*ret = inner || init_leads_to_layer(w->trees.layers, w->path);
	if (!*ret)
		return 0;
	if (inner) {
		w->layer = inner;
		w->hidden = false;
	}
	fd = init_find_folder(w->layer->upper, init_below(w->path, w->layer->prefix, strlen(w->layer->prefix)));
	has_base = put_base(w, name, depth, &st);
	if (has_base < 0 || (fd >= 0 && fstat(fd, &st) < 0)) {
		result = -1;
	} else if (fd >= 0 || has_base) {
		r = describe(w, &st, depth);
		result = put(w, &r, name, "") < 0 ? -1 : walk_folder(w, &fd, depth + 1);
	}
	if (fd >= 0)
		close(fd);
	w->layer = outer;
	w->hidden = hidden;
	return result;
}

static int walk_removed(struct walk *w, unsigned int depth);

static int visit_removed(struct walk *w, int *fd, const char *name, unsigned int depth)
{
	struct walk_record r = { .kind = SANDBOX_ENTRY_REMOVED, .depth = depth };
	struct stat st;
	int has_base = put_base(w, name, depth, &st);

	(void)fd;
	if (has_base != 1)
		return has_base;
	return put(w, &r, name, "") < 0 ? -1 : S_ISDIR(st.st_mode) && depth + 1 < w->max_depth ? walk_removed(w, depth + 1) : 0;
}

/* Names that the original has where we are. */
static int collect_original(struct walk *w, struct names *l)
{
	const char *below = init_below(w->path, w->layer->prefix, strlen(w->layer->prefix));
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(w->layer->lower); i++) {
		int fd = w->layer->lower[i] >= 0 && below ? init_find_folder(w->layer->lower[i], below) : -1;

		if (fd < 0)
			continue;
		result = collect_names(w, fd, l);
		close(fd);
	}
	return result;
}

/* A folder of the original is gone: so is everything in it. */
static int walk_removed(struct walk *w, unsigned int depth)
{
	struct names l = { 0 };
	int result = collect_original(w, &l);

	sort_names(&l);
	if (result == 0)
		result = visit_all(w, &l, NULL, depth, visit_removed);
	names_release(&l);
	return result;
}

static int visit(struct walk *w, int *dirfd, const char *name, unsigned int depth)
{
	char target[WALK_TARGET_MAX + 1] = "";
	struct walk_record r;
	struct stat st, base;
	int has_base = 0;

	if (w->tree == SANDBOX_TREE_ROOT) {
		bool layer;
		int result = enter_layer(w, name, depth, &layer);

		if (result < 0 || layer)
			return result;
	}
	if (fstatat(*dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		int result = 0;

		if (w->hidden && errno == ENOENT) {
			w->removed = true;
			result = visit_removed(w, NULL, name, depth);
			w->removed = false;
		} else {
			w->left_out++;
		}
		return result;
	}
	if (w->tree == SANDBOX_TREE_ROOT)
		has_base = put_base(w, name, depth, &base);
	if (has_base < 0)
		return -1;
	r = describe(w, &st, depth);
	if (r.kind == SANDBOX_ENTRY_REMOVED && has_base && S_ISDIR(base.st_mode)) {
		int result = put(w, &r, name, "");

		w->removed = true;
		result = result < 0 || depth + 1 >= w->max_depth ? result : walk_removed(w, depth + 1);
		w->removed = false;
		return result;
	}
	if (S_ISDIR(st.st_mode))
		return enter_folder(w, dirfd, name, &st, &r, depth);
	look_inside(w, *dirfd, name, &st, &r);
	if (S_ISLNK(st.st_mode))
		read_target(*dirfd, name, &r, target);
	return put(w, &r, name, target);
}

/* Each with its place in the path, as far as the limits go. */
static int visit_all(struct walk *w, const struct names *l, int *fd, unsigned int depth,
		     int (*visit_one)(struct walk *w, int *fd, const char *name, unsigned int depth))
{
	const size_t path_len = w->path_len;
	int result = 0;

	for (size_t i = 0; result == 0 && i < l->n; i++) {
		const char *name = l->text + l->at[i];
		size_t start = path_len + (path_len ? 1 : 0), len = strlen(name);

		if (w->request->max_entries && w->entries >= w->request->max_entries) {
			w->left_out += l->n - i;
			break;
		}
		if (start + len >= sizeof(w->path)) {
			w->left_out++;
			continue;
		}
		w->entries++;
		if (path_len)
			w->path[path_len] = '/';
		memcpy(w->path + start, name, len + 1);
		w->path_len = start + len;
		result = visit_one(w, fd, name, depth);
		w->path_len = path_len;
		w->path[path_len] = '\0';
	}
	return result;
}

static int walk_folder(struct walk *w, int *fd, unsigned int depth)
{
	struct names l = { 0 };
	int result = read_names(w, *fd, &l);

	if (result == 0 && w->tree == SANDBOX_TREE_ROOT && w->hidden) {
		result = collect_original(w, &l);
		sort_names(&l);
	}
	if (result == 0)
		result = visit_all(w, &l, fd, depth, visit);
	names_release(&l);
	return result;
}

/* ---- all of it */

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return time_ns(&t);
}

static int walk_tree(struct walk *w)
{
	int fd = init_open_tree(&w->trees, w->tree);
	int r;

	if (fd < 0)
		return -1;
	w->path_len = 0;
	w->path[0] = '\0';
	w->hidden = false;
	w->layer = w->trees.layers ? &w->trees.layers->items[0] : NULL;
	r = walk_folder(w, &fd, 0);
	if (fd >= 0)
		close(fd);
	return r;
}

int init_walk(const struct init *init, const struct init_layers *layers, const struct init_walk *walk, struct init_walk_state *state,
	      const struct init_sink *sink)
{
	struct walk_record end = { .flags = WALK_END };
	struct walk *w = malloc(sizeof(*w));
	/* A file changed from now on is looked at again: its time comes from this clock, which ticks, so the same moment counts. And so is
	 * everything after somebody set the clock back. */
	const uint64_t mark = now_ns(CLOCK_REALTIME_COARSE);
	const int64_t offset = (int64_t)(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC));
	const bool set_back = offset < state->offset_ns - (int64_t)NS_PER_MS;
	int r = w ? 0 : -1;

	if (w)
		memset(w, 0, offsetof(struct walk, buffer));
	for (unsigned int tree = 0; r == 0 && tree < SANDBOX_TREES; tree++) {
		if (!(walk->trees & 1u << tree) || (tree == SANDBOX_TREE_ROOT && !layers))
			continue;
		w->request = walk;
		w->sink = sink;
		w->trees = (struct init_trees){ .init = init, .layers = layers };
		w->max_depth = walk->max_depth ? walk->max_depth : SANDBOX_DEPTH;
		w->tree = (enum sandbox_tree)tree;
		w->since_ns = set_back ? 0 : state->since_ns[tree];
		memset(w->links, 0, sizeof(w->links));
		r = walk_tree(w);
		if (r == 0 && walk->digests)
			state->since_ns[tree] = mark;
	}
	if (r == 0) {
		state->offset_ns = offset;
		end.size = w->left_out;
		w->request = walk;
		w->sink = sink;
		r = add(w, &end, sizeof(end)) < 0 ? -1 : flush(w);
	}
	free(w);
	return r;
}
