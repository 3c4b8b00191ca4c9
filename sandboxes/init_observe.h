/* SPDX-License-Identifier: Apache-2.0
 * init_observe: how the first process of a sandbox sees what commands do: by seccomp user notification. Private to init*.c.
 *
 *	init_observe.c		the listener, the trial, one notification from receipt to answer; the table of calls that are told
 *	init_observe_caller.c	who called: its memory, folder, descriptors, name
 *	init_observe_calls.c	refused calls in words
 *	init_observe_exec.c	programs executed
 *	init_observe_changes.c	places that are not writable
 *	init_observe_net.c	addresses
 *	init_observe_names.c	names asked for, where there is no network
 *	init_observe_events.c	telling, once and then counted, bounded
 *
 * Nothing here decides. A call that the plain filter refuses gets the same errno, from here; every other call goes on, and it is
 * the kernel and the namespaces that refuse it or do not. Therefore it does no harm that a caller may change its memory after we
 * have read it: it can only make itself look different from what it is.
 */
#pragma once

#include <limits.h>
#include <linux/seccomp.h>

#include "runner/base/strbuf.h"
#include "sandboxes/init.h"
#include "sandboxes/observe.h"

/* ---- the caller: blocked in its call while we look */

struct caller {
	struct init *init;
	const struct seccomp_data *data;
	pid_t tid;			/* as we see it */
	uint64_t id;			/* of the notification */
	pid_t pid, parent;		/* once caller_know() was called */
	char program[16];
	bool known, dead;		/* dead: only waiting to be reaped */
	bool hides;			/* its memory cannot be read */
	uint64_t page_at;		/* what `page` holds; 0: nothing */
	char *page;			/* CALLER_PAGE bytes */
};
enum { CALLER_PAGE = 4096 };

/* Copy `len` bytes from its memory. False: they are not there, or it hides. */
bool caller_read(struct caller *c, uint64_t at, void *ret, size_t len);
/* A text up to its NUL, or to size - 1 bytes. */
bool caller_text(struct caller *c, uint64_t at, char *ret, size_t size);
/* Process, parent and name; needed before an event is told. */
void caller_know(struct caller *c);
/* Where its descriptor `fd`, or its working folder (AT_FDCWD), leads: as /proc has it. False: nowhere. */
bool caller_link(const struct caller *c, int fd, char ret[PATH_MAX]);
/* The absolute path that `path` means for it, seen from `dirfd`; links in it are as they are, but its own folder in /proc is its own. */
bool caller_path(const struct caller *c, int dirfd, const char *path, char ret[PATH_MAX]);
/* A copy of its descriptor, to be closed, or -1. */
int caller_fd(struct caller *c, int fd);
/* It is still in that call, so what was read was its own. */
bool caller_still(const struct caller *c);

/* ---- telling */

struct observer;		/* what is remembered during one command */
struct observer *observer_new(void);
void observer_free(struct observer *o);
/* Tell it, or count it when the same was told before. Time, pid and name come from the caller (NULL: none). */
void observer_tell(struct init *init, struct caller *c, const struct sandbox_event *event);
/* What was only counted, and what was lost. */
void observer_finish(struct init *init);
void observer_flush(struct init *init);
int observer_timeout_ms(const struct init *init);	/* until observer_flush() is due; -1: nothing waits */

/* ---- looking; each tells what is worth it. The call's number and arguments are in c->data. */

void observe_exec(struct caller *c, int dirfd, uint64_t path, uint64_t argv, int flags);
enum observe_change {
	CHANGE_OPEN,		/* for writing, made if need be */
	CHANGE_CREATE,		/* a name that must not be there */
	CHANGE_REMOVE,		/* a name that must be there */
	CHANGE_REPLACE,		/* a name that may be there */
	CHANGE_ATTRIBUTES,	/* of a name that must be there */
};
void observe_change(struct caller *c, const char *call, enum observe_change change, int dirfd, uint64_t path, bool follow);
void observe_link_text(struct caller *c, uint64_t text);	/* of a symbolic link that is being made */
void observe_connect(struct caller *c, int fd, uint64_t address, uint64_t len, bool datagram);
void observe_messages(struct caller *c, int fd, uint64_t headers, size_t n, size_t size);
/* A call that is refused: tells it, and returns the errno. */
int observe_refused(struct caller *c);
