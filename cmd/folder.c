/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/folder.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"

static bool is_package_name(const char *name)
{
	static const char *const ends[] = { ".wpk.yaml", ".wpk.yml" };
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (len > strlen(ends[i]) && !strcmp(name + len - strlen(ends[i]), ends[i]))
			return true;
	return false;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

void folder_each(const char *path, folder_visitor *each, void *arg)
{
	autofree char *copy = xstrdup(path);
	char *paths[] = { copy, NULL };
	FTS *tree;
	FTSENT *e;
	bool any = false;

	for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)	/* "tree/" names "tree/a", not "tree//a" */
		copy[len - 1] = '\0';
	tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, by_name);
	while (tree && (e = fts_read(tree))) {
		const char *error = NULL;

		if (e->fts_info == FTS_D && e->fts_level > 0 && e->fts_name[0] == '.')
			fts_set(tree, e, FTS_SKIP);
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
			error = strerror(e->fts_errno);
		else if (e->fts_info == FTS_D || e->fts_info == FTS_DP || !is_package_name(e->fts_name))
			continue;
		any = true;
		each(arg, e->fts_path, error);
	}
	if (tree)
		fts_close(tree);
	if (!any)
		each(arg, path, "no *.wpk.yaml or *.wpk.yml below this folder");
}
