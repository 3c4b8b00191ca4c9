/* SPDX-License-Identifier: Apache-2.0
 * native_wire: what the runner and the jail's PID 1 say to each other. Private to the native backend.
 *
 * A SOCK_SEQPACKET pair; one message is one packet, descriptors travel with it. Both ends are the same program image, so
 * structs go as they are. End of file means the other side is dead: PID 1 then ends, and everything in the jail with it.
 *
 *	runner				PID 1
 *	GO (ids are mapped) -------->	identity, mounts
 *	JOIN + tasks files (limits
 *	    are set) --------------->	gets into the cgroups, capabilities, seccomp, self-check
 *				<-----	READY, or FAILED with the stage
 *	EXEC + argv, stdout, stderr,	forks the step
 *	     stdin (or none of these,
 *	     but `tty`) -------------->
 *				<-----	TTY + the terminal's other end
 *	TERMINATE, KILL ----------->	(any time while it runs)
 *				<-----	EVENT …: what it does, when it is observed
 *				<-----	ENDED: nothing of the step is alive
 *	PUT + fd ----------------->
 *	WALK + pipe -------------->	records of init_walk.h into the pipe
 *	GET ---------------------->
 *				<-----	DONE; for GET with the file
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandboxes/init.h"
#include "sandboxes/init_walk.h"

enum wire_kind {
	WIRE_GO = 1,
	WIRE_JOIN,
	WIRE_EXEC,
	WIRE_TERMINATE,
	WIRE_KILL,
	WIRE_PUT,
	WIRE_WALK,
	WIRE_GET,
	WIRE_READY,
	WIRE_FAILED,
	WIRE_TTY,
	WIRE_ENDED,
	WIRE_DONE,
	WIRE_EVENT,
};

/* The namespaces whose inode PID 1 reports, in the order of native_namespaces[]. */
enum { NATIVE_NAMESPACES = 7 };
extern const char *const native_namespaces[NATIVE_NAMESPACES];	/* "user", "pid", … */
void native_namespace_inodes(uint64_t ret[NATIVE_NAMESPACES]);	/* of this process; 0: unknown */
/* The same for who changes its root in between. The folder is closed by the caller; -1: unknown. */
int native_namespace_folder(void);
void native_namespace_inodes_in(int folder, uint64_t ret[NATIVE_NAMESPACES]);

/* What PID 1 found in force when all was set up. */
struct wire_report {
	uint64_t namespaces[NATIVE_NAMESPACES];
	/* hard limits, read back in a child under the step's lockdown */
	uint64_t nofile, fsize, cpu_seconds, nproc, data, core, memlock;
	uint64_t work_bytes, work_files, tmp_bytes, tmp_files;
	uint32_t uid, gid, foreign_groups;
	uint32_t masked;		/* paths hidden */
	uint32_t interfaces;		/* of the network, lo included */
	bool root_overlay;		/* it is a writable one */
	bool root_read_only, tmp_private, dev_minimal, cgroup_joined;
	bool proc_missing, proc_partial;
	bool oom_steps_first;		/* a step stands first when memory runs out, PID 1 does not */
	struct lockdown_landlock landlock;
	bool observing;
	char not_observing[INIT_WHY_MAX];	/* why not, if it was asked for */
};

struct wire_exec {
	uint32_t argc, envc;
	uint64_t bytes;			/* strings in the memfd, each with its NUL: argv, then env */
	bool tty;			/* make a terminal, and send it back; no stdout and stderr come along */
};

struct wire_put {
	struct init_put file;
	uint32_t path_len;		/* of text; the link's target follows */
};

struct wire_get {
	uint32_t tree;			/* enum sandbox_tree; text: the path */
};

enum { WIRE_TEXT_MAX = 8400 };
struct wire {
	enum wire_kind kind;
	int error;			/* errno, of FAILED and DONE */
	union {
		struct lockdown_limits limits;	/* JOIN: of a step */
		struct wire_report report;
		struct wire_exec exec;
		struct init_ended ended;
		struct wire_put put;
		struct init_walk walk;
		struct wire_get get;
	};
	uint32_t text_len;
	char text[WIRE_TEXT_MAX];	/* FAILED: the stage. PUT: path and target. EVENT: see event.h */
};

enum { WIRE_FDS = 4 };
/* 0, or -1 with errno. */
int wire_send(int sock, const struct wire *m, const int *fds, size_t fds_len);
/* 1, 0 at end of file, or -1 with errno. Descriptors are close-on-exec; missing ones are -1. */
int wire_recv(int sock, struct wire *m, int fds[WIRE_FDS]);
