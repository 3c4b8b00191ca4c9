/* SPDX-License-Identifier: Apache-2.0
 * oci_layout: an image in a folder, as `skopeo copy … oci:FOLDER`, `docker save` and `podman save --format=oci-dir`
 * write it, becomes a tree of files. Nothing in it is trusted: every blob is as long as was said and has the digest
 * it is named by, layers are unpacked by archive.h's rules. */
#pragma once

#include <stdbool.h>

#include "runner/base/error.h"

/* Is it such a folder? */
bool oci_layout_is(const char *dir);

/* Unpack the image of this machine's platform, or the only one, below the open folder `dirfd`, which should be
 * empty. `ret_digest` (may be NULL) gets the manifest's "sha256:…". */
#define OCI_DIGEST_SIZE (7 + 64 + 1)
int oci_layout_unpack(const char *dir, int dirfd, char ret_digest[OCI_DIGEST_SIZE], struct error *err);
