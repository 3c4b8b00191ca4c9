/* SPDX-License-Identifier: Apache-2.0
 * host_view: what a sandbox without a root of its own shows of the host, as names. The only list of it: what does not stand in
 * host_view.c is not there, so nothing has to be remembered to be hidden. Private to sandboxes/. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

/* NULL-terminated, relative to the root. */
extern const char *const host_view_folders[];	/* programs and what they load: a link stays one, a folder is shown read-only */
extern const char *const host_view_etc[];	/* below /etc, where everybody may read it */
extern const char *const host_view_etc_prefixes[];	/* and what begins like this */
extern const char *const host_view_empty[];	/* empty folders */
extern const char *const host_view_proc_hidden[];	/* below /proc: not to be read, though everybody could */

struct host_view_user {
	uid_t uid;
	gid_t gid;
	const char *hostname;
};
/* Files of our own in place of the host's, which are nobody's business inside: appends the content of number `i`. NULL past the last. */
const char *host_view_file(size_t i, const struct host_view_user *user, struct strbuf *text);

enum host_view_kind {
	HOST_VIEW_EMPTY,	/* folder */
	HOST_VIEW_LINK,		/* symbolic link to `text` */
	HOST_VIEW_TEXT,		/* file with that content */
	HOST_VIEW_FOLDER,	/* `source`, without what is mounted below it */
	HOST_VIEW_FILE,		/* the same of a file */
};
struct host_view_entry {
	enum host_view_kind kind;
	const char *path;	/* inside, relative to the root */
	const char *source;	/* absolute path on the host */
	const char *text;
};

/* For sandboxes that others build from a description. `rootfs`, a real path, is listed instead of the host when it is not NULL; what
 * our mounts and files take the place of is left out. Parents need not come before children. */
int host_view_list(const char *rootfs, const struct host_view_user *user,
		   void (*take)(void *arg, const struct host_view_entry *entry), void *arg, struct error *err);
