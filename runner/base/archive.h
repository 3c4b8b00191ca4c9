/* SPDX-License-Identifier: Apache-2.0
 * archive: tar and zip in, tar.zst out. The only owner of libarchive, which is loaded at first use
 * (a missing library is ERR_UNAVAILABLE with the Debian package to install).
 *
 * Reading trusts nothing: absolute names, "..", names that lead through a link, and links that leave the tree are refused with the
 * entry's name; devices, FIFOs and sockets are left out; set-id bits and write permission for others are dropped; entries, bytes and
 * depth have ceilings, and nothing is kept in memory. libarchive only decodes: all writing is done here, below one descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/error.h"

struct archive_limits {
	uint64_t max_entries;
	uint64_t max_bytes;	/* of content, unpacked; holes count */
	unsigned int max_depth;	/* of a name */
	bool is_root;		/* links may be absolute or climb: the tree is going to be somebody's "/" */
	bool is_layer;		/* of an image, over what is there: ".wh.NAME" removes NAME, and anything takes the place of anything */
};
extern const struct archive_limits archive_bundle_limits;	/* 10,000 entries, 64 MiB, 32: packages */
extern const struct archive_limits archive_rootfs_limits;	/* 1,000,000 entries, 16 GiB, 64: --rootfs */
extern const struct archive_limits archive_layer_limits;	/* the same, a layer at a time */

/* Does the file start like a tar (plain or compressed) or zip, whatever its name? False for what cannot be read. */
bool archive_is_archive(const char *path);
bool archive_begins_so(const void *bytes, size_t len);	/* of all bytes of a file, or the first 512 */

/* Unpack below the open folder `dirfd`, which should be empty: after an error it holds a part. Links inside the tree are kept, owners
 * are not; what is unpacked can be read and removed by us. A later entry replaces an earlier one of the same name. ERR_INVALID_INPUT
 * is the archive's fault, ERR_UNAVAILABLE the disk's. */
int archive_extract(const char *path, int dirfd, const struct archive_limits *limits, struct error *err);

/* Pack the tree below `dir` into `path`; the name decides: .tar.zst, .tar.gz, .tar. Written beside and renamed, mode 0600.
 * Entries are sorted, names start with `prefix`/, owners are left out, times are whole seconds: the same tree gives the same bytes.
 * Files, folders and links only. */
int archive_create(const char *path, const char *dir, const char *prefix, struct error *err);
