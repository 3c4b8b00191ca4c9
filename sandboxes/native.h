/* SPDX-License-Identifier: Apache-2.0
 * native: what the files of the built-in jail share. Private to native*.c. */
#pragma once

#include <sys/wait.h>

#include "runner/base/pidfd.h"
#include "runner/base/strvec.h"
#include "sandboxes/backend.h"
#include "sandboxes/cgroup.h"
#include "sandboxes/native_init.h"

struct native {
	struct sandbox base;
	int sock;		/* to PID 1; closing it ends everything inside */
	int pidfd;		/* of PID 1 */
	pid_t pid;
	int work_fd, tmp_fd;	/* O_PATH of its writable file systems, to see how full they are; -1: unknown */
	struct network_plan *network;	/* owned; NULL: none at all */
	struct network_forwarder forwarder;
	struct cgroup cgroup;
	struct sandbox_limits limits;
	bool user_namespace;
};

/* The limits as they were asked for and as they were handed out, for the table. */
struct native_facts {
	const struct sandbox_spec *spec;
	const struct native_init *init;
	const struct wire_report *report;
	const struct cgroup_state *states;	/* CGROUP_CONTROLLERS of them */
	uint64_t host_namespaces[NATIVE_NAMESPACES];
	pid_t pid;
	bool user_namespace;
	bool root_outside;			/* the user of the steps is root one level up */
	bool memory_bounds_storage;		/* the writable space was made smaller than asked to stay within memory */
	const char *no_user_namespace;		/* why, if there is none */
};
void native_fill_controls(const struct native_facts *facts, struct control_table *controls);
/* Memory, swap, processes and cpu alone, for whoever has a cgroup of ours: `states` as they were made, whether the sandbox got in, and
 * what limits per process read back as. */
void native_fill_cgroup_controls(const struct sandbox_limits *limits, const struct cgroup_state *states, bool joined, uint64_t data,
				 uint64_t nproc, struct control_table *controls);

/* Path of the state file "BACKEND-ID": lines "cgroup PATH" (announced before they are made), "init PID STARTTIME", and one that says that
 * no cgroup will be added. The caller frees. */
#define NATIVE_STATE_WHOLE "whole"
char *native_state_path(const struct sandbox_ref *ref);
/* Start of a process in clock ticks since boot, which with its pid names it for ever; 0: there is none. */
uint64_t native_start_time(pid_t pid);

/* Which setting keeps this user from having a user namespace that is worth something? A sentence. */
const char *native_user_namespace_obstacle(void);

/* Sizes of the writable folders from what was asked for; true when they were made smaller to stay within memory. */
bool native_size_storage(const struct sandbox_limits *limits, struct native_root *root);
/* What is to be hidden, as paths relative to the new root. */
void native_resolve_masks(const struct sandbox_spec *spec, const char *rootfs, struct strvec *masks);

int native_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err);
int native_walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err);
int native_get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
	       struct error *err);
void native_usage(struct sandbox *sb, struct sandbox_usage *ret);
void native_usage_of(const struct cgroup *cg, int work_fd, int tmp_fd, struct sandbox_usage *ret);
int native_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err);
int native_sweep(struct cleanup_list *list, struct error *err);
