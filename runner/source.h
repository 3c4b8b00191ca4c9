/* SPDX-License-Identifier: Apache-2.0
 * source: where a package comes from. A file, `-`, a folder or bundle (.wpk.tar.gz, .zip …) holding exactly one *.wpk.yaml,
 * an http(s) URL of either, or "registry+" and the URL of a registry's entry (https://HOST/workflows/ID), whose `wpk_content` it is. The other files of a folder or bundle belong to the package and are put into the work folder.
 * A bundle may wrap everything in one folder, and its package may be called just *.yaml when there is only one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

struct source {
	char *name;		/* for messages: the path of the package as the user would write it */
	struct strbuf bytes;
	char *dir;		/* folder with the package's other files; NULL: none */
	char *package_file;	/* name of the package below dir, not copied into the work folder */
	bool is_bundle;		/* it had to be unpacked, or would have to be */
};

/* `scratch` is an existing folder for unpacking (may be NULL when bundles and URLs to bundles need not be read); what is unpacked there
 * stays when the source is released. A missing or unreadable source is ERR_INVALID_INPUT; a remote that refuses ERR_REMOTE. After an
 * error `ret` is empty but for `is_bundle`. */
int source_open(const char *spec, const char *scratch, struct source *ret, struct error *err);
void source_release(struct source *s);
