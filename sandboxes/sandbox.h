/* SPDX-License-Identifier: Apache-2.0
 * sandbox: a locked-down place to run commands, whoever provides it. All that the other layers see of sandboxes/.
 *
 *	absent --create--> ready --put, exec--> ready --destroy--> absent
 *	   `-- create fails --> unknown ----------------destroy--> absent
 *
 * sandbox_destroy() is the only undo: backends contain no rollback code, and everything they make is findable from the
 * ref alone, so another process (the reaper, `gc`) can undo the work of a dead one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/base/error.h"
#include "sandboxes/allow_list.h"
#include "sandboxes/cluster.h"
#include "sandboxes/control.h"
#include "sandboxes/image.h"
#include "sandboxes/observe.h"
#include "sandboxes/tree.h"

struct sandbox;		/* live handle; opaque outside sandboxes/ */

/* Names a sandbox in the world. `endpoint` is a folder, socket, context or URL, never a secret; for `native` it is the
 * run's scratch folder, which must exist (so it is for engines). `id` is [a-z0-9-] and unguessable. */
struct sandbox_ref {
	char backend[16];
	char endpoint[512];
	char id[64];
};

struct sandbox_limits {		/* 0: no limit asked for */
	uint64_t memory_bytes;
	uint64_t cpu_millis;	/* thousandths of a cpu */
	uint64_t pids;
	uint64_t storage_bytes;	/* work folder; together with tmp_bytes the whole writable space */
	uint64_t storage_files;	/* number of files, each of work folder and /tmp */
	uint64_t tmp_bytes;
	uint64_t nofile;	/* descriptors per process */
	uint64_t fsize_bytes;	/* per file */
	uint64_t cpu_time_ns;	/* per process (RLIMIT_CPU) */
	uint64_t output_bytes;	/* stdout and stderr of one command together: what goes past it is counted, not delivered */
};

struct sandbox_spec {		/* plain values; strings are borrowed during create */
	const char *rootfs;	/* a folder to use as root; NULL: view of the host's system folders */
	const char *image;	/* engines and OCI runtimes: what to use as root instead, by name or digest; NULL: as rootfs says */
	enum sandbox_pull pull;
	/* While creating: a line for people, and NULL at least once a second; false: give up (ERR_CANCELLED). NULL: nobody listens */
	bool (*progress)(void *arg, const char *line);
	void (*meanwhile)(void *arg);	/* at most once, when there is nothing to do but wait: work that need not be done first; NULL: none */
	void *progress_arg;	/* of both */
	uint64_t life_ns;	/* what somebody else keeps for us (an engine) ends by itself after this, whatever happens; 0: a day */
	bool writable_root;	/* changes go to a layer of their own (as much as limits.storage_bytes), commands believe to be root */
	bool observe;		/* tell `observer` of commands what they do */
	const char *hostname;	/* inside; never the host's */
	struct sandbox_limits limits;
	struct sandbox_network network;
	bool net_bind_service;	/* keep CAP_NET_BIND_SERVICE, the only capability that can be asked for */
	struct sandbox_cluster_spec cluster;
	const char *const *masks;	/* further absolute host paths to hide (the runner's state folder …); NULL-terminated or NULL */
};

/* A file, folder or link to put below the work folder (SANDBOX_WORKDIR inside) before commands run. */
enum sandbox_file_kind { SANDBOX_FILE, SANDBOX_DIR, SANDBOX_SYMLINK };
struct sandbox_file {
	enum sandbox_file_kind kind;
	const char *path;	/* relative, no "..", parents are made */
	mode_t mode;		/* permission bits; set-id bits are dropped */
	int fd;			/* SANDBOX_FILE: read from here to the end; the caller keeps it */
	const char *target;	/* SANDBOX_SYMLINK */
};

enum sandbox_stream { SANDBOX_STDOUT, SANDBOX_STDERR };
/* Output as it comes, in order per stream. Also called with len 0 about once a second while the command runs and says
 * nothing, so that a progress display can move. */
#define SANDBOX_HEARTBEAT_NS UINT64_C(1000000000)
typedef void sandbox_output(void *arg, enum sandbox_stream stream, const char *data, size_t len);

struct sandbox_command {
	const char *const *argv;	/* argv[0] is looked up in the PATH of env */
	const char *const *env;		/* complete: nothing is inherited */
	const char *dir;		/* to start in, relative to the work folder or absolute; NULL: the work folder */
	const char *image;		/* clusters: to run in; NULL: theirs for commands that name none */
	uint64_t timeout_ns;		/* 0: none; then SIGTERM, after grace_ns SIGKILL, to everything in the sandbox */
	uint64_t grace_ns;
	int cancel_fd;			/* readable: stop as for a timeout; -1: none */
	bool (*hurry)(void *arg);	/* asked when it was stopped and during the grace: true ends the grace; NULL: never */
	void *hurry_arg;
	sandbox_output *output;
	void *output_arg;
	sandbox_observer *observer;	/* called between output; NULL: nobody listens */
	void *observer_arg;
	sandbox_sampler *sampler;	/* about every sample_ns while it runs, and at its end; NULL: never */
	void *sampler_arg;
	uint64_t sample_ns;
	/* A terminal of its own inside, connected to this one, which the caller keeps; output is then not called. 0: none */
	int tty_fd;
	int input_fd;			/* standard input, copied until its end; 0: /dev/null */
};

enum sandbox_end {
	SANDBOX_EXITED,		/* status is the exit status; 126 not executable, 127 not found */
	SANDBOX_SIGNALED,	/* status is the signal */
	SANDBOX_TIMED_OUT,
	SANDBOX_CANCELLED,
	SANDBOX_OUT_OF_MEMORY,
	SANDBOX_LOST,		/* the sandbox itself died under the command */
};

struct sandbox_exit {
	enum sandbox_end end;
	int status;
	uint64_t duration_ns;
	uint64_t cpu_ns;		/* user + system of all processes of the command */
	uint64_t memory_peak_bytes;	/* 0: unknown */
	uint64_t pids_peak;		/* 0: unknown */
	uint64_t output_bytes[2];	/* produced, per stream; more than was delivered when the limit cut it */
	bool output_truncated;
	bool pids_limit_hit;		/* a fork was refused */
	bool storage_limit_hit;		/* the work folder or /tmp was full */
	unsigned int outlived;		/* processes still alive when the command ended, killed then */
	char why[320];			/* EXITED with 125: it was never started, a sentence; "" */
};

/* One thing made in the world, and what became of it: a line of the cleanup certificate. */
struct cleanup_item {
	char kind[24];		/* "process", "cgroup", "directory", "mount_namespace" … */
	char name[512];
	bool gone;
	char proof[160];	/* how we know: "waited for", "ENOENT", "last process of pid namespace ended" */
};
struct cleanup_list {
	struct cleanup_item *items;
	size_t len, alloc;
};
void cleanup_add(struct cleanup_list *list, const char *kind, const char *name, bool gone, const char *proof);	/* list may be NULL */
void cleanup_list_release(struct cleanup_list *list);

/* ---- life */

/* Make what `ref` names. May fail half-way: call sandbox_destroy(ref) either way. On success the controls say
 * what is really in force, read back from the kernel where that can be done. */
int sandbox_create(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct sandbox **ret,
		   struct control_table *controls, struct error *err);

int sandbox_put(struct sandbox *sb, const struct sandbox_file *file, struct error *err);
/* Run one command to its end; when this returns nothing of it is alive. Its failure is a result in `ret`, not an error. */
int sandbox_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err);

/* Look at the files, between commands; see tree.h. */
int sandbox_walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err);
/* Copy a regular file to `fd`, at most `max_bytes` of it; *ret (may be NULL) gets how many it were. Anything else is ERR_INVALID_INPUT. */
int sandbox_get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
		struct error *err);
/* What is used now, at any time; members that cannot be known here are not. */
void sandbox_usage(struct sandbox *sb, struct sandbox_usage *ret);

/* Nothing was there to begin with in the work folder, /tmp and /dev/shm: who put nothing there need not look. */
bool sandbox_starts_empty(const struct sandbox *sb);

/* What the image of the spec turned out to be, by digest ("alpine@sha256:…"); NULL without one. As long as the handle. */
const char *sandbox_image(const struct sandbox *sb);
const struct sandbox_image_defaults *sandbox_image_defaults(const struct sandbox *sb);	/* empty lists without one */

/* Where objects can be acted on; NULL for a sandbox that is no cluster. */
const struct sandbox_cluster *sandbox_cluster(const struct sandbox *sb);

/* Free the handle only; NULL is a no-op. */
void sandbox_close(struct sandbox *sb);
/* Remove all that was made under `ref`; nothing there is success, too. -1 when something is still there (ERR_CLEANUP); the list (may be
 * NULL) names everything either way. */
int sandbox_destroy(const struct sandbox_ref *ref, struct cleanup_list *list, struct error *err);
bool sandbox_ends_with_host(const struct sandbox_ref *ref);	/* a power cut undoes all that it names outside of its endpoint */

/* Remove things of ours that no journal knows: their lock can be taken, so nobody alive owns them. `thorough`: ask engines, too. */
int sandbox_sweep(bool thorough, struct cleanup_list *list, struct error *err);

/* ---- what this host can do */

struct backend_info {
	const char *type, *runtime;	/* "container", "native" */
	const char *summary;
	bool images;		/* spec.image can be had */
	bool cluster;		/* sandbox_cluster() is there, each command may have an image of its own */
	bool available;		/* these two by sandbox_backend_probe() only */
	char reason[512];	/* why not, and what to install or allow */
};
/* What backend number `i` is; false past the last. */
bool sandbox_backend_info(size_t i, struct backend_info *ret);
/* Find out whether this host lets us use it. May start a process: a run need not ask, creating tells too. */
void sandbox_backend_probe(size_t i, struct backend_info *info);

/* Really build and destroy a sandbox to see what holds here (for `doctor`). `scratch` is an existing folder. */
int sandbox_probe(const struct sandbox_ref *ref, const struct sandbox_spec *spec, struct control_table *controls,
		  struct error *err);
#define SANDBOX_WORKDIR "/work"
