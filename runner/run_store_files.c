/* SPDX-License-Identifier: Apache-2.0
 * The files of run_store. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/journal_records.h"
#include "runner/run_store_private.h"

#define RESULT_MAX_BYTES ((size_t)256 << 20)
#define ROOM_BYTES (UINT64_C(1) << 20)
#define RESULT_NAME_SIZE (RUN_ID_SIZE + 16)
#define LOCK_TRIES 100
#define OPENS 10

int run_store_open(const char *state_dir, struct error *err)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? error_sys(err, ERR_UNAVAILABLE, "cannot open the state folder '%s'", state_dir) : fd;
}

static int lock(int fd, int how)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, how | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return -1;
		poll(NULL, 0, 1);
	}
	return -1;
}

/* The history, locked, and still under its name. */
int run_store_open_history(int state, int flags, int how, struct stat *st)
{
	for (int i = 0; i < OPENS; i++) {
		autoclose int fd = openat(state, HISTORY, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

		if (fd < 0 || lock(fd, how) < 0 || fstat(fd, st) < 0)
			return -1;
		if (!S_ISREG(st->st_mode)) {
			errno = EINVAL;
			return -1;
		}
		if (st->st_nlink)
			return steal_fd(&fd);
	}
	errno = EBUSY;
	return -1;
}

int run_store_read(int fd, off_t at, size_t max, struct strbuf *out)
{
	char chunk[16 << 10];
	ssize_t n;

	while ((n = pread(fd, chunk, sizeof(chunk), at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || out->len + (size_t)n > max)
			return -1;
		strbuf_add(out, chunk, (size_t)n);
		at += n;
	}
	return 0;
}

/* A line that somebody could not write to its end gets one now, so that it spoils only itself. */
int run_store_append(int state, const struct strbuf *line, off_t *size)
{
	struct stat st;
	autoclose int fd = run_store_open_history(state, O_RDWR | O_APPEND | O_CREAT, LOCK_SH, &st);
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	char last = '\n';
	ssize_t n;

	if (fd < 0)
		return -1;
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
		strbuf_addch(&text, '\n');
	strbuf_add(&text, line->buf, line->len);
	fault_point("history.append");
	do {
		n = write(fd, text.buf, text.len);
	} while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n < text.len)
		errno = ENOSPC;
	*size = st.st_size + (off_t)text.len;
	return n == (ssize_t)text.len ? 0 : -1;
}

static int open_results(int state)
{
	int fd = openat(state, RESULTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(state, RESULTS, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(state, RESULTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void result_name(const char *run_id, const char *suffix, char out[RESULT_NAME_SIZE])
{
	snprintf(out, RESULT_NAME_SIZE, "%.*s%s", RUN_ID_SIZE - 1, run_id, suffix);
}

/* The first time nobody knows of it before its line is there; again, it is another file until it is whole. */
int run_store_write_result(int state, const char *run_id, const struct strbuf *text)
{
	char name[RESULT_NAME_SIZE], temporary[RESULT_NAME_SIZE];
	autoclose int results = open_results(state);
	autoclose int fd = -1;
	int sys;

	result_name(run_id, ".json", name);
	result_name(run_id, ".new.json", temporary);
	if (results < 0)
		return -1;
	fd = openat(results, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write_all(fd, text->buf, text->len) == 0)
		return 0;
	if (fd >= 0 || errno != EEXIST) {
		sys = errno;
		if (fd >= 0)
			unlinkat(results, name, 0);
		errno = sys;
		return -1;
	}
	fd = openat(results, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && write_all(fd, text->buf, text->len) == 0 && renameat(results, temporary, results, name) == 0)
		return 0;
	sys = errno;
	unlinkat(results, temporary, 0);
	errno = sys;
	return -1;
}

int run_store_result(const char *state_dir, const char *run_id, struct strbuf *json, struct error *err)
{
	autoclose int state = run_store_open(state_dir, err);
	autoclose int fd = -1;
	autofree char *path = xasprintf(RESULTS "/%s.json", run_id);

	if (state < 0)
		return -1;
	if (!record_id_is_valid(run_id))
		return error_set(err, ERR_INVALID_INPUT, "'%s' is no run id", run_id);
	fd = openat(state, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? error_set(err, ERR_INVALID_INPUT, "the result of run '%s' is no longer kept", run_id)
				       : error_sys(err, ERR_UNAVAILABLE, "cannot open '%s/%s'", state_dir, path);
	if (run_store_read(fd, 0, RESULT_MAX_BYTES, json) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot read '%s/%s'", state_dir, path);
	return 0;
}

/* A record must not take the place that journals need. */
int run_store_check_room(int state, size_t wanted)
{
	struct statvfs v;

	if (fstatvfs(state, &v) < 0 || (v.f_bavail * v.f_frsize >= ROOM_BYTES + wanted))
		return 0;
	errno = ENOSPC;
	return -1;
}
