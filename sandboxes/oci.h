/* SPDX-License-Identifier: Apache-2.0
 * oci: what runc, crun and runsc share: one bundle, made from a sandbox's spec, and the process that makes it and
 * becomes the runtime. Private to oci*.c.
 *
 * The bundle is on no disk. A child of the runner goes into a mount namespace of its own, where a tmpfs takes root,
 * config.json and the runtime's state; then it executes `RUNTIME run --detach`. All of it goes with the last process
 * in there.
 */
#pragma once

#include "runner/base/strbuf.h"
#include "sandboxes/cgroup.h"
#include "sandboxes/guest.h"
#include "sandboxes/native_root.h"

struct oci_runtime {
	const char *name;		/* of the backend and the program */
	const struct sandbox_backend *backend;
	const char *const *global, *const *run;	/* further arguments before and after `run`; NULL-terminated */
	bool manages_cgroups;		/* makes its own at cgroupsPath, which is ours; others are started inside of ours */
	bool own_kernel;		/* runs steps on a kernel of its own, in user space */
	unsigned int own_processes;	/* threads of its own in the cgroup */
};

struct oci_bundle {
	const struct oci_runtime *runtime;
	const struct sandbox_spec *spec;
	const struct native_root *root;		/* who, how large */
	const char *cgroups_path;		/* NULL: as the runtime likes */
	const struct cgroup_state *states;	/* which of our limits are in force: only they are asked of a runtime, too */
	bool user_namespace;
	unsigned int outside_uid, outside_gid;	/* of root->uid and root->gid */
	unsigned int outside_root;		/* of user and group 0 inside, when they are not the steps'; 0: is not there */
};

#define OCI_PROGRAM "run/sandbox-init"
#define OCI_PLACES 4
/* Folders of the host over which the bundle may be mounted, in its own namespace. */
extern const char *const oci_places[OCI_PLACES];

/* Append config.json for a root at `rootfs`. */
void oci_config(const struct oci_bundle *b, const char *rootfs, struct strbuf *out);

struct oci_stage {
	const struct oci_bundle *bundle;
	const char *rootfs;		/* folder to show; NULL: the host's */
	const char *program;		/* path of the runtime */
	const char *id;
	const int *joins;		/* cgroup.procs files to write "0" to */
	size_t joins_len;
	bool rootless;			/* a user namespace first, for the right to mount */
	int stream;			/* standard input and output of the first process */
	int errors;			/* standard error; failures before the runtime is there, too */
	pid_t parent;
};
/* In a fresh child: never returns. */
_Noreturn void oci_stage_main(const struct oci_stage *stage);
