/* SPDX-License-Identifier: Apache-2.0
 * The files of the built-in jail, seen from the runner. PID 1 walks and writes records into a pipe; a file that is wanted comes as a
 * descriptor, so its content goes where it has to without passing through PID 1, and what fills up is not the sandbox's. */
#include "sandboxes/native.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/init_walk.h"

#define PATIENCE_NS (120 * NS_PER_SEC)	/* for PID 1 to say something: the digest of a large file takes a while */

static int lost(struct native *n, struct error *err, const char *why)
{
	n->base.lost = true;
	return error_set(err, ERR_UNAVAILABLE, "%s", why);
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const uint64_t until = clock_deadline(PATIENCE_NS);
	int r;

	do {
		r = poll(&p, 1, clock_poll_timeout(until));
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

static int await_done(struct native *n, int fds[WIRE_FDS], struct error *err)
{
	struct wire m;

	if (!is_readable(n->sock) || wire_recv(n->sock, &m, fds) != 1 || m.kind != WIRE_DONE)
		return lost(n, err, "the sandbox has died");
	errno = m.error;
	return 0;
}

/* All records, until the other end is closed. 1: there was an end to them; 0: not, PID 1 says why; -1: they are none. */
static int read_records(int fd, struct walk_reader *reader)
{
	char chunk[64 << 10];

	while (is_readable(fd)) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n == 0)
			return reader->ended;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || walk_reader_feed(reader, chunk, (size_t)n) < 0)
			return -1;
	}
	return -1;
}

int native_walk(struct sandbox *sb, struct sandbox_walk *walk, struct error *err)
{
	struct native *n = (struct native *)sb;
	autofree struct walk_reader *reader = xmalloc(sizeof(*reader));
	autoclose int from = -1, to = -1;
	struct wire m = {
		.kind = WIRE_WALK,
		.walk = { .trees = walk->trees, .digests = walk->digests, .max_entries = walk->max_entries, .max_depth = walk->max_depth },
	};
	int fds[WIRE_FDS], pipe_fds[2], r;

	walk_reader_init(reader, walk);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return error_sys(err, ERR_INTERNAL, "cannot make a pipe");
	from = pipe_fds[0];
	to = pipe_fds[1];
	if (wire_send(n->sock, &m, &to, 1) < 0)
		return lost(n, err, "the sandbox has died");
	close(steal_fd(&to));
	r = read_records(from, reader);
	if (r < 0)
		return lost(n, err, "the sandbox does not tell its files");
	if (await_done(n, fds, err) < 0)
		return -1;
	return errno || !r ? error_sys(err, ERR_UNAVAILABLE, "the files cannot be looked at") : 0;
}

/* 0, or -1 with errno. What is copied is a regular file, which never keeps anybody waiting. */
static int copy(int from, int to, uint64_t max_bytes, uint64_t *copied)
{
	bool direct = true;
	char chunk[64 << 10];

	while (*copied < max_bytes) {
		uint64_t left = max_bytes - *copied;
		ssize_t n = direct ? sendfile(to, from, NULL, left < (1u << 30) ? left : 1u << 30)
				   : read(from, chunk, left < sizeof(chunk) ? left : sizeof(chunk));

		if (n < 0 && direct && (errno == EINVAL || errno == ENOSYS)) {
			direct = false;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (!direct && n > 0 && write_all(to, chunk, (size_t)n) < 0))
			return -1;
		if (n == 0)
			break;
		*copied += (uint64_t)n;
	}
	return 0;
}

int native_get(struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd, uint64_t *ret,
	       struct error *err)
{
	struct native *n = (struct native *)sb;
	struct wire m = { .kind = WIRE_GET, .get = { .tree = tree } };
	int fds[WIRE_FDS] = { -1, -1, -1 };
	autoclose int from = -1;
	struct stat st;

	m.text_len = (uint32_t)snprintf(m.text, sizeof(m.text), "%s", path) + 1;
	if (m.text_len > sizeof(m.text))
		return error_set(err, ERR_INVALID_INPUT, "the path is too long");
	if (wire_send(n->sock, &m, NULL, 0) < 0)
		return lost(n, err, "the sandbox has died");
	if (await_done(n, fds, err) < 0)
		return -1;
	from = fds[0];
	if (errno)
		return error_sys(err, ERR_INVALID_INPUT, "not possible");
	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERR_INVALID_INPUT, "it is no regular file");
	return copy(from, fd, max_bytes, ret) < 0 ? error_sys(err, ERR_RESOURCE_EXHAUSTED, "cannot write its content") : 0;
}
