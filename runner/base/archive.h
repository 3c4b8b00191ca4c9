/* SPDX-License-Identifier: Apache-2.0
 * archive: tar and zip in, tar.zst out. The only owner of libarchive, which is loaded at first use
 * (a missing library is ERR_UNAVAILABLE with the Debian package to install).
 *
 * Reading trusts nothing: absolute names, "..", links that leave the tree, devices, FIFOs and sockets are refused or
 * left out; set-id bits are dropped; entries, bytes and depth have ceilings.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/error.h"

struct archive_limits {
	uint64_t max_entries;
	uint64_t max_bytes;	/* of content, unpacked */
	unsigned int max_depth;	/* of a name */
};
extern const struct archive_limits archive_bundle_limits;	/* 10,000 entries, 64 MiB, 32: packages */
extern const struct archive_limits archive_rootfs_limits;	/* 1,000,000 entries, 16 GiB, 64: --rootfs */

/* Does the file start like a tar (plain or compressed) or zip, whatever its name? */
bool archive_is_archive(const char *path);

/* Unpack below the open folder `dirfd`, which should be empty. Links inside the tree are kept, owners are not. */
int archive_extract(const char *path, int dirfd, const struct archive_limits *limits, struct error *err);

/* Pack the tree below `dir` into `path`; the name decides: .tar.zst, .tar.gz, .tar. Written beside and renamed, mode 0600.
 * Entries are sorted, names start with `prefix`/. */
int archive_create(const char *path, const char *dir, const char *prefix, struct error *err);
