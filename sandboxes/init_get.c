/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runner/base/mem.h"
#include "sandboxes/init_tree.h"

struct place {			/* an open folder; its mode comes back when it was changed to get in */
	int fd;
	bool changed;
	mode_t mode;
};

static void leave(struct place *p)
{
	if (p->fd >= 0 && p->changed)
		fchmod(p->fd, p->mode);
	autoclose_(&p->fd);
	p->fd = -1;
}

static void step_into(struct place *p, const char *name)
{
	struct place next = { .fd = -1 };
	struct stat st;

	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		errno = EINVAL;
	} else if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		next.mode = st.st_mode & 07777;
		next.fd = S_ISDIR(st.st_mode) ? init_open_folder(p->fd, name, &st, &next.changed) : (errno = ENOTDIR, -1);
	}
	leave(p);
	*p = next;
}

/* `path`, which is changed, below `top`, which is closed. */
static int open_below(int top, char *path)
{
	struct place place = { .fd = top };
	int fd = -1;
	struct stat st;

	for (char *slash; place.fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		*slash = '\0';
		step_into(&place, path);
	}
	if (place.fd >= 0 && fstatat(place.fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		fd = S_ISREG(st.st_mode) ? init_open_file(place.fd, path, &st) : (errno = EINVAL, -1);
	leave(&place);
	return fd;
}

/* TREE_ROOT, TREE_BASE: the layer with the longest prefix. */
static const struct init_layer *layer_of(const struct init_layers *layers, const char *path, const char **below)
{
	const struct init_layer *best = &layers->items[0];

	*below = path;
	for (size_t i = 1; i < layers->len; i++) {
		size_t len = strlen(layers->items[i].prefix);
		const char *rest = init_below(path, layers->items[i].prefix, len);

		if (rest && len > strlen(best->prefix)) {
			best = &layers->items[i];
			*below = rest;
		}
	}
	return best;
}

static int open_layered(const struct init_layers *layers, enum sandbox_tree tree, char *path)
{
	const char *below;
	const struct init_layer *layer;
	int from[2];

	if (!layers)
		return errno = ENOENT, -1;
	layer = layer_of(layers, path, &below);
	from[0] = tree == SANDBOX_TREE_ROOT ? layer->upper : layer->lower[0];
	from[1] = tree == SANDBOX_TREE_ROOT ? -1 : layer->lower[1];
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		autofree char *copy = strdup(below);
		int top = copy && from[i] >= 0 ? openat(from[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		int fd = top >= 0 ? open_below(top, copy) : -1;

		if (fd >= 0)
			return fd;
	}
	return -1;
}

int init_open(const struct init *init, const struct init_layers *layers, enum sandbox_tree tree, char *path)
{
	const struct init_trees trees = { .init = init, .layers = layers };
	int top;

	if (tree == SANDBOX_TREE_ROOT || tree == SANDBOX_TREE_BASE)
		return open_layered(layers, tree, path);
	top = init_open_tree(&trees, tree);
	return top < 0 ? -1 : open_below(top, path);
}

int init_get(const struct init *init, const struct init_layers *layers, enum sandbox_tree tree, char *path, uint64_t max_bytes,
	     const struct init_sink *sink)
{
	autoclose int fd = init_open(init, layers, tree, path);
	char chunk[INIT_WALK_CHUNK];
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (max_bytes && (n = read(fd, chunk, max_bytes < sizeof(chunk) ? max_bytes : sizeof(chunk))) > 0) {
		if (sink->write(sink->arg, chunk, (size_t)n) < 0)
			return -1;
		max_bytes -= (uint64_t)n;
	}
	return n < 0 ? -1 : 0;
}
