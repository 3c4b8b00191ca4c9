/* SPDX-License-Identifier: Apache-2.0
 * native_root: the file system of the built-in jail. Private to the native backend. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "sandboxes/native_wire.h"

struct native_root {
	int rootfs_fd;			/* O_PATH of the folder to show as root; -1: the host's system folders */
	const char *const *masks;	/* paths to hide, relative to the new root; NULL-terminated or NULL */
	uint64_t work_bytes, work_files, tmp_bytes, tmp_files;	/* 0: the kernel's default */
	uid_t uid;			/* of the steps, as they see it */
	gid_t gid;
	const char *hostname;
	/* A writable root: changes go to layers, which are told here; steps are root (uid and gid 0 inside). NULL: it is read-only. */
	struct init_layers *layers;
};

/* Where it went wrong, for people. */
struct native_stage {
	char text[256];
};

/* In PID 1, with CAP_SYS_ADMIN over its own mount namespace: build the new root, make it the only one, and tell the
 * report what is in force. 0, or -1 with errno and the stage. */
int native_root_enter(const struct native_root *root, struct wire_report *report, struct native_stage *stage);

/* For runtimes, which bring /proc, /dev and the writable folders themselves: build the same root at the folder `where` of a mount namespace
 * of one's own, all of it read-only, with a program in it. Changes the working folder. */
struct native_program {
	const char *path;		/* relative to the new root, in a folder that is ours: "run/..." */
	const void *bytes;
	size_t len;
};
int native_root_build(const struct native_root *root, const char *where, const struct native_program *program,
		      struct wire_report *report, struct native_stage *stage);
