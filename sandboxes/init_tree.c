/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/init_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runner/base/mem.h"

int init_open_tree(const struct init_trees *t, enum sandbox_tree tree)
{
	static const char *const places[] = {
		[SANDBOX_TREE_WORK] = ("/" SANDBOX_WORKDIR_RELATIVE), [SANDBOX_TREE_TMP] = "/tmp", [SANDBOX_TREE_SHM] = "/dev/shm",
	};
	int start = tree == SANDBOX_TREE_WORK ? t->init->work_fd : AT_FDCWD;
	const char *path = tree == SANDBOX_TREE_WORK && start >= 0 ? "." : places[tree < ARRAY_SIZE(places) ? tree : 0];
	int fd;

	if (tree == SANDBOX_TREE_ROOT)
		return t->layers ? openat(t->layers->items[0].upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : (errno = ENOENT, -1);
	if (tree >= ARRAY_SIZE(places))
		return errno = EINVAL, -1;
	fd = openat(start, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && chmod(places[tree], 0700) == 0)	/* a step has closed its own folder */
		fd = openat(start, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* Back to what it was. Nothing can be done where that fails, and nothing was gained: the mode is in the entry already. */
static void restore_mode(int dirfd, const char *name, const struct stat *st)
{
	if (fchmodat(dirfd, name, st->st_mode & 07777, 0) < 0) { /* as said */ }
}

/* It is what was looked at: a regular file or folder, so opening it neither blocks nor does anything. */
static int open_same(int dirfd, const char *name, const struct stat *st, int flags)
{
	int fd = openat(dirfd, name, flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat now;

	if (fd < 0)
		return -1;
	if (fstat(fd, &now) == 0 && now.st_ino == st->st_ino && (now.st_mode & S_IFMT) == (st->st_mode & S_IFMT))
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

int init_open_file(int dirfd, const char *name, const struct stat *st)
{
	int fd = open_same(dirfd, name, st, 0);

	if (fd >= 0 || errno != EACCES || fchmodat(dirfd, name, (st->st_mode & 07777) | 0400, 0) < 0)
		return fd;
	fd = open_same(dirfd, name, st, 0);
	if (fd < 0 || fchmod(fd, st->st_mode & 07777) < 0)
		restore_mode(dirfd, name, st);
	return fd;
}

int init_open_folder(int dirfd, const char *name, const struct stat *st, bool *changed)
{
	int fd;

	*changed = (st->st_mode & 0500) != 0500 && fchmodat(dirfd, name, (st->st_mode & 07777) | 0700, 0) == 0;
	fd = open_same(dirfd, name, st, O_DIRECTORY);
	if (fd < 0 && *changed)
		restore_mode(dirfd, name, st);
	return fd;
}

/* ---- layers */

const char *init_below(const char *path, const char *prefix, size_t prefix_len)
{
	if (!prefix_len)
		return path;
	if (strncmp(path, prefix, prefix_len) != 0)
		return NULL;
	return path[prefix_len] == '/' ? path + prefix_len + 1 : path[prefix_len] ? NULL : path + prefix_len;
}

const struct init_layer *init_layer_at(const struct init_layers *layers, const char *path)
{
	for (size_t i = 1; i < layers->len; i++)
		if (!strcmp(layers->items[i].prefix, path))
			return &layers->items[i];
	return NULL;
}

bool init_leads_to_layer(const struct init_layers *layers, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 1; i < layers->len; i++)
		if (!strncmp(layers->items[i].prefix, path, len) && layers->items[i].prefix[len] == '/')
			return true;
	return false;
}

/* Folder by folder, never through a link. -1 with errno. */
static int open_parent(int top, const char *path, int flags)
{
	int fd = openat(top, ".", flags | O_DIRECTORY | O_CLOEXEC);

	for (const char *slash; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		autofree char *name = strndup(path, (size_t)(slash - path));
		int next = name ? openat(fd, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

		close(fd);
		fd = next;
	}
	return fd;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int init_find_lower(const struct init_layer *layer, const char *path, struct stat *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer->lower); i++) {
		int fd = layer->lower[i] >= 0 ? open_parent(layer->lower[i], path, O_PATH) : -1;
		const char *name = last_name(path);

		if (fd >= 0 && fstatat(fd, *name ? name : ".", ret, AT_SYMLINK_NOFOLLOW) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

int init_find_folder(int top, const char *path)
{
	autoclose int parent = open_parent(top, path, O_PATH);
	const char *name = last_name(path);

	return parent < 0 ? -1 : openat(parent, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}
