/* SPDX-License-Identifier: Apache-2.0
 * native_build: what native_root.c and native_overlay.c share while a root is made. Private to these two. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sandboxes/native_root.h"

#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x1
#define MOUNT_ATTR_NOSUID 0x2
#define MOUNT_ATTR_NODEV 0x4
#define MOUNT_ATTR_NOEXEC 0x8
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

struct build {
	const struct native_root *spec;
	struct wire_report *report;
	struct native_stage *stage;
	char staging[32];	/* where the new root is mounted until pivot_root; also the working folder */
	char hidden_file[64], hidden_folder[64];	/* empty, mounted over what is to be hidden */
	bool one_by_one;	/* no mount_setattr(2): every bind is made read-only by itself */
	uint64_t base_bytes, base_files;	/* writable root: what is used of its storage before the first step */
};

/* Say what could not be done; -1, errno kept. */
int native_build_fail(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Folder or empty file to mount on; parents are made. -1 with errno. */
int native_build_place(const char *target, bool folder);
int native_build_seal(const char *path, unsigned int flags, uint64_t set);	/* mount attributes; -1 with errno */
/* The places of our own mounts. */
int native_build_mount_points(struct build *b);

/* ---- native_overlay.c */

#define NATIVE_LAYERS "layers"		/* in the staging folder: the tmpfs that holds what a writable root consists of, and the work folder */
/* A root that can be written to, in place of the read-only one: the working folder is its top then. */
int native_overlay_build(struct build *b);
/* After the last mount of ours: what stays read-only. */
int native_overlay_seal(struct build *b);
