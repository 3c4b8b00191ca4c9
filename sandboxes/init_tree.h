/* SPDX-License-Identifier: Apache-2.0
 * init_tree: the trees of a sandbox, and how to get at what is in them. Private to init_walk.c and init_get.c. */
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include "sandboxes/init_walk.h"

struct init_trees {
	const struct init *init;
	const struct init_layers *layers;	/* NULL: no writable root */
};

/* The top of a tree, for reading. -1 with errno. */
int init_open_tree(const struct init_trees *t, enum sandbox_tree tree);

/* Open what `st` describes for reading, also if its mode forbids that but it is ours: the mode is changed for that moment, of a
 * folder until the caller sets it back (`*changed`). -1 with errno. */
int init_open_file(int dirfd, const char *name, const struct stat *st);
int init_open_folder(int dirfd, const char *name, const struct stat *st, bool *changed);

/* What of `path` follows the prefix ("" when it is the prefix itself); NULL: it does not lie there. */
const char *init_below(const char *path, const char *prefix, size_t prefix_len);
const struct init_layer *init_layer_at(const struct init_layers *layers, const char *path);	/* that begins there; NULL */
bool init_leads_to_layer(const struct init_layers *layers, const char *path);
/* The folder (O_PATH) of the original that holds `path` (relative to the layer), whose own state is in *ret; -1: there is none. */
int init_find_lower(const struct init_layer *layer, const char *path, struct stat *ret);
int init_find_folder(int top, const char *path);	/* below a folder of a layer, for reading; -1: none */
