/* SPDX-License-Identifier: Apache-2.0
 * file: whole files, safe paths and trees. Every descriptor is O_CLOEXEC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

/* Append a regular file's bytes. Refuses directories, FIFOs, sockets and devices without blocking, and
 * more than out->max bytes; error code ERR_INVALID_INPUT, `sys` kept when the system refused. */
int file_read(const char *path, struct strbuf *out, struct error *err);
/* The two halves of it, for those who look before they read. What can be opened may be anything; the caller closes. */
int file_open(const char *path, struct stat *ret, struct error *err);
int file_read_opened(int fd, const struct stat *st, const char *path, struct strbuf *out, struct error *err);

/* The same from an open descriptor until end of file, whatever it is (stdin, a pipe). */
int file_read_fd(int fd, const char *name, struct strbuf *out, struct error *err);

/* Write all bytes, restarting on EINTR and short writes. 0, or -1 with errno. */
int write_all(int fd, const void *data, size_t len);

/* The same for a reader of whom nothing is known: waits for one that is slow, also when the descriptor is non-blocking, but only
 * until `cancel_fd` (-1: none) is readable and it has read nothing for a second more; then errno is ECANCELED. */
int write_all_until(int fd, int cancel_fd, const void *data, size_t len);

/* Replace `path` in one step: temporary beside it, fsync, rename. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct error *err);

/* A file for the place of `path`, without a name until it is complete, so that nothing is left of it by whoever is killed before (some
 * network file systems cannot do that: it then has one beside, which discarding removes). Mode 0600. -1 with errno. */
struct new_file {
	int fd;
	char *temp;
};
int new_file_open(struct new_file *f, const char *path);
int new_file_commit(struct new_file *f, const char *path);	/* fsync, and the name, whatever had it; closes */
void new_file_discard(struct new_file *f);

/* mkdir -p, new folders with `mode`. An existing folder is fine, anything else in the way an error, after which what was made is
 * unmade. */
int make_dirs(const char *path, mode_t mode, struct error *err);

/* Remove a tree below an open folder without following links or crossing into anything else: works by
 * descriptors, any depth, makes unreadable folders readable first. Missing is success. */
int remove_tree_at(int dirfd, const char *name, struct error *err);
