/* SPDX-License-Identifier: Apache-2.0
 * exec_watch: one command from start to end, as the runner sees it, whoever made the sandbox: when to ask it to end,
 * when to kill, what is delivered and counted, who is called now and then. Private to sandboxes/. The backend's poll
 * loop says what happened.
 *
 *	running --timeout, cancel--> asked (SIGTERM) --grace--> killed --the first process answers--> over
 *	   `-- out of memory -----------------------------------^  `--no answer--> ended from outside
 */
#pragma once

#include <limits.h>

#include "runner/base/strbuf.h"
#include "sandboxes/backend.h"
#include "sandboxes/cgroup.h"
#include "sandboxes/init.h"

enum exec_phase { EXEC_RUNNING, EXEC_ASKED, EXEC_KILLED, EXEC_OVER };
#define EXEC_PROCESSES_UNKNOWN UINT_MAX

struct exec_host {		/* what differs; called with the watch's `arg` */
	void (*terminate)(void *arg);		/* SIGTERM to everything inside */
	void (*kill)(void *arg);		/* SIGKILL, the same way */
	void (*end)(void *arg);			/* the first process does not answer: end it from outside; exec_watch_lost() follows */
};

struct exec_watch {
	const struct sandbox_command *cmd;	/* these five by the caller */
	struct sandbox_exit *exit;
	struct sandbox *sb;
	const struct exec_host *host;
	void *arg;

	struct cgroup *cgroup;			/* and these, too: where it is counted; NULL: nowhere */
	unsigned int own_processes;		/* in there that are not the command's; EXEC_PROCESSES_UNKNOWN */
	uint64_t output_bytes_max;		/* 0: no limit */
	enum exec_phase phase;
	enum sandbox_end why;			/* why we ended it; SANDBOX_EXITED: we did not */
	bool cancel_seen;
	uint64_t started_ns, deadline_ns;	/* of this phase */
	uint64_t next_look_ns, next_beat_ns, next_sample_ns;
};

/* What to execute, as its first process takes it: the strings of argv, then of env, then `dir` if there is one, each with its NUL, at most INIT_STRINGS_MAX
 * bytes (the ceiling of `out`). */
int exec_pack(const struct sandbox_command *cmd, struct strbuf *out, uint32_t *ret_argc, uint32_t *ret_envc, struct error *err);

void exec_watch_start(struct exec_watch *w);
/* For poll(2): until something is due. And the descriptor to poll for cancelling; -1: none, or seen. */
int exec_watch_timeout(const struct exec_watch *w);
int exec_watch_cancel_fd(const struct exec_watch *w);
/* Something was written: counted, and delivered up to the limit. */
void exec_watch_output(struct exec_watch *w, enum sandbox_stream stream, const char *data, size_t len);
/* What it was seen to do, see event.h. */
void exec_watch_events(struct exec_watch *w, const char *packed, size_t len);
/* After every poll(2), unless it is over. */
void exec_watch_turn(struct exec_watch *w, bool cancelled);
/* It is over: as the first process says, or because that is gone. */
void exec_watch_ended(struct exec_watch *w, const struct init_ended *ended);
void exec_watch_lost(struct exec_watch *w);
/* Last: all that it wrote was delivered. */
void exec_watch_finish(struct exec_watch *w);
