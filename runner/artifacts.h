/* SPDX-License-Identifier: Apache-2.0
 * artifacts: what steps made, kept on the host (--save-artifacts). The regular files and folders of the work folder that the run created or
 * changed, byte for byte as they were left (secrets too: look after them), below DIR/files, and DIR/artifacts.json that lists them.
 *
 * Collected when nothing of a step is alive, as contents, never as what a link points to; on our side every part of a path is opened without
 * following links. Set-id bits are dropped, links and special files left out. What is left out is counted, and named with its reason.
 */
#pragma once

#include <stdint.h>

#include "runner/cancel.h"
#include "runner/effects.h"

struct artifacts_limits {
	uint64_t files, bytes, file_bytes;
	unsigned int depth;
};
#define ARTIFACTS_LIMITS { .files = 50000, .bytes = UINT64_C(4) << 30, .file_bytes = UINT64_C(1) << 30, .depth = 128 }

struct artifacts_summary {
	char *folder;			/* owned; NULL: nobody asked for them */
	uint64_t files, folders, bytes, left_out;
	char *problem;			/* owned; one sentence: why not everything that counts was saved; NULL */
};
void artifacts_summary_release(struct artifacts_summary *s);

struct artifacts;
/* Make `dir`, or empty one that holds an earlier collection. Any other that is not empty is refused. `only_if_any`: not before there is
 * something to save, so that most runs of a service need none. */
int artifacts_open(const char *dir, bool only_if_any, struct artifacts **ret, struct error *err);
void artifacts_close(struct artifacts *a);	/* NULL is a no-op */

/* Collect what `effects` (of a run) tells. Never fails as a whole: `ret` says what was saved and what was not. `cancel` (may be NULL) ends it
 * early. */
void artifacts_collect(struct artifacts *a, struct sandbox *sandbox, const struct effects *effects, const char *run_id,
		       const struct artifacts_limits *limits, struct cancel *cancel, struct artifacts_summary *ret);
