/* SPDX-License-Identifier: Apache-2.0
 * guest: the runner's side of a sandbox that somebody else made (an OCI runtime, an engine, later a virtual
 * machine). Its first process is guest_init: our own small static program, built into sandbox_runner, put where the
 * sandbox can execute it, and reached by two byte streams, so nothing but its standard input and output has to lead
 * inside. Private to sandboxes/.
 *
 *	runner                          guest_init (first process)
 *	SETUP limits, options ------->  closes, resets, own checks, capabilities, limits, Landlock, seccomp: our filter, in addition
 *	                      <-------  READY what it found in force, or FAILED with the stage
 *	EXEC, PUT, WALK, GET … ------>  as init.h does them
 *	                      <-------  OUTPUT, EVENT, ENTRY, DATA, ENDED, DONE
 *
 * End of file on its input ends the sandbox, and so does the FIFO of GUEST_LIFE_PATH, and its own clock at `deadline_ns`: a container left by a
 * killed runner goes by itself. Frames have a length and a ceiling; what comes from inside is never trusted (a step
 * cannot write to the stream, but the engine between is not ours): anything that does not fit makes the sandbox
 * `lost`.
 */
#pragma once

#include "sandboxes/backend.h"
#include "sandboxes/cgroup.h"
#include "sandboxes/init.h"
#include "sandboxes/lockdown.h"

struct network_forwarder;

struct guest_transport {
	int to_fd;		/* written: guest_init's standard input */
	int from_fd;		/* read: its standard output; may be the same descriptor */
	bool engine_frames;	/* what is read comes in the eight-byte frames of an engine's attach stream (1 stdout, 2 stderr) */
};

struct guest_setup {
	struct lockdown_limits limits;	/* of a step */
	uint64_t deadline_ns;		/* the sandbox's life at most, from now; 0: none */
	bool observe;
	bool net_bind_service;
	bool network;			/* names are answered by a forwarder: port 53 is to be left to it */
	uint64_t output_bytes;		/* as sandbox_limits has it; kept on this side */
	int start_timeout_ms;
	/* Where the stream is a socket: the first process's oom_score_adj, for its own /proc may be read-only. 0: none */
	int oom_fd;
};

/* What the first process found when all was set up: facts, for the enforcement table. */
struct guest_report {
	struct lockdown_limits limits;		/* hard limits, read back in a child under them */
	uint64_t work_bytes, work_files, tmp_bytes, tmp_files;	/* sizes of the file systems; 0: no limit of their own */
	uint64_t namespaces[7];			/* inodes, in the order of native_namespaces[]; 0: unknown */
	uint64_t capabilities;			/* all five sets together */
	uint32_t uid, gid, outside_uid;		/* outside: by its uid_map, one level up */
	uint32_t foreign_groups, interfaces, devices_unexpected, masked;
	uint32_t seccomp_mode, no_new_privs;
	bool no_new_privs_shown;		/* in /proc, too, where the kernel's word is not all there is */
	bool root_read_only, proc_read_only, sys_read_only, cgroup_hidden;
	bool tmp_private, tmp_noexec;		/* the flags are shown; nothing could be executed there when tried */
	char devices[64];			/* names of those unexpected, the first few */
	bool own_filter, observing;		/* our filter was loaded; its notifications work */
	bool oom_steps_first;			/* a step stands first when memory runs out, the first process does not */
	struct lockdown_landlock landlock;
	char not_observing[INIT_WHY_MAX];	/* a sentence, when it was asked for and cannot be done there */
	char failed[256];			/* the stage that failed; "" when ready */
};

/* Bytes on their way to becoming frames; private to guest*.c, see guest_wire.h. */
struct guest_stream {
	unsigned char *buf;
	size_t start, end;		/* what is there and not taken */
	bool engine_frames;
	unsigned char engine_head[8];
	uint32_t engine_have, engine_left;
};

struct guest {
	struct guest_transport transport;
	struct guest_setup setup;
	struct guest_report report;
	struct cgroup *cgroup;		/* in which commands are counted, with so many processes more; NULL: nowhere */
	unsigned int own_processes;	/* EXEC_PROCESSES_UNKNOWN of exec_watch.h */
	/* Called when the first process does not answer, or is lost: end it from outside. NULL: destroying will. */
	void (*kill)(void *arg);
	void *kill_arg;
	struct network_forwarder *forwarder;	/* NULL: there is none. Heard while a command runs, stopped when it is gone */
	struct guest_stream in;		/* private to guest.c */
};

/* Where there is a FIFO of which the runner holds the only writing end, its end ends the sandbox, too: who stands between does not pass on
 * every end of file (conmon keeps a container's input when its client is killed before it has read all). */
#define GUEST_LIFE_PATH "/.sandbox_runner/life"

/* The program itself, static, for this machine: write it to a file that the sandbox sees read-only and executes. */
extern const unsigned char guest_init_program[];
extern const size_t guest_init_program_len;

/* Say SETUP, wait for READY. -1: FAILED (the stage), timeout, or the stream ended. */
int guest_start(struct guest *g, struct error *err);
void guest_close(struct guest *g);	/* the streams, and what is remembered */

/* As the backend's operations of the same name; `sb` is only marked as lost. */
int guest_put(struct guest *g, struct sandbox *sb, const struct sandbox_file *file, struct error *err);
int guest_exec(struct guest *g, struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret,
	       struct error *err);
int guest_walk(struct guest *g, struct sandbox *sb, struct sandbox_walk *walk, struct error *err);
int guest_get(struct guest *g, struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd,
	      uint64_t *ret, struct error *err);

/* Rows of the table that follow from the report alone; the caller adds what only it knows (cgroup limits, network
 * …). */
void guest_fill_controls(const struct guest *g, const struct sandbox_spec *spec, struct control_table *controls);
