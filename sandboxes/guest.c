/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "sandboxes/exec_watch.h"
#include "sandboxes/guest_input.h"
#include "sandboxes/guest_wire.h"
#include "sandboxes/init_walk.h"
#include "sandboxes/network.h"

#define PATIENCE_NS (120 * NS_PER_SEC)	/* for something to be heard of files */
enum { HEAD = sizeof(struct guest_head), STUCK_MS = 30000, START_TIMEOUT_MS = 30000 };

/* ---- frames */

static ssize_t write_some(int fd, const void *data, size_t len)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(fd, data, len) : n;
}

static int write_stream(int fd, const unsigned char *data, size_t len)
{
	while (len) {
		ssize_t n = write_some(fd, data, len);

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			if (poll(&p, 1, STUCK_MS) == 0)
				return errno = ETIMEDOUT, -1;
		} else if (n == 0 || errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

/* At most GUEST_FRAME_MAX bytes in two parts. */
static int say(struct guest *g, enum guest_kind kind, const void *data, size_t len, const void *more, size_t more_len)
{
	autofree unsigned char *frame = xmalloc(HEAD + len + more_len);

	guest_head_set(frame, kind, len + more_len);
	if (len)
		memcpy(frame + HEAD, data, len);
	if (more_len)
		memcpy(frame + HEAD + len, more, more_len);
	return write_stream(g->transport.to_fd, frame, HEAD + len + more_len);
}

static int say_setup(struct guest *g, const struct guest_wire_setup *setup)
{
	unsigned char frame[HEAD + sizeof(*setup)];
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} space = { 0 };
	struct iovec iov = { frame, sizeof(frame) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (g->setup.oom_fd <= 0)
		return say(g, GUEST_SETUP, setup, sizeof(*setup), NULL, 0);
	guest_head_set(frame, GUEST_SETUP, sizeof(*setup));
	memcpy(frame + HEAD, setup, sizeof(*setup));
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &g->setup.oom_fd, sizeof(int));
	return sendmsg(g->transport.to_fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(frame) ? 0 : -1;
}

/* The next frame, waiting until the deadline. 1, 0 at end of file, -1 with errno (ETIMEDOUT). */
static int hear(struct guest *g, uint64_t deadline_ns, struct guest_frame *ret)
{
	for (;;) {
		struct pollfd p = { .fd = g->transport.from_fd, .events = POLLIN };
		int r = guest_stream_next(&g->in, ret);

		if (r != 0)
			return r;
		r = poll(&p, 1, clock_poll_timeout(deadline_ns));
		if (r == 0)
			return errno = ETIMEDOUT, -1;
		if (r < 0)
			continue;
		r = guest_stream_read(&g->in, g->transport.from_fd);
		if (r == 0 || (r < 0 && errno != EAGAIN))
			return r;
	}
}

static int lose(struct sandbox *sb, struct error *err)
{
	sb->lost = true;
	return error_set(err, ERR_UNAVAILABLE, "the sandbox has died");
}

/* The answer to an order that is no command; anything else is the end of the talk. */
static int hear_done(struct guest *g, struct sandbox *sb, struct guest_wire_done *ret, struct error *err)
{
	struct guest_frame frame;

	if (hear(g, clock_deadline(STUCK_MS * NS_PER_MS), &frame) != 1 || frame.kind != GUEST_DONE || frame.len != sizeof(*ret))
		return lose(sb, err);
	memcpy(ret, frame.data, sizeof(*ret));
	return 0;
}

/* ---- coming up */

int guest_start(struct guest *g, struct error *err)
{
	const struct guest_wire_setup setup = {
		.size = GUEST_SETUP_SIZE, .observe = g->setup.observe, .net_bind_service = g->setup.net_bind_service,
		.network = g->setup.network, .deadline_ns = g->setup.deadline_ns, .limits = g->setup.limits,
	};
	int timeout_ms = g->setup.start_timeout_ms > 0 ? g->setup.start_timeout_ms : START_TIMEOUT_MS;
	const uint64_t deadline_ns = clock_deadline((uint64_t)timeout_ms * NS_PER_MS);
	struct guest_frame frame;
	int r;

	guest_stream_open(&g->in, g->transport.engine_frames);
	fcntl(g->transport.to_fd, F_SETFL, fcntl(g->transport.to_fd, F_GETFL) | O_NONBLOCK);
	fcntl(g->transport.from_fd, F_SETFL, fcntl(g->transport.from_fd, F_GETFL) | O_NONBLOCK);
	/* a first process that died at once is told by what it said last */
	if (say_setup(g, &setup) < 0 && errno != EPIPE && errno != ECONNRESET)
		return error_sys(err, ERR_UNAVAILABLE, "cannot reach the sandbox's first process");
	do {
		r = hear(g, deadline_ns, &frame);
	} while (r > 0 && frame.kind == GUEST_HELLO);
	if (r < 0 && errno == ETIMEDOUT)
		return error_set(err, ERR_UNAVAILABLE, "the sandbox was not ready within %d s", timeout_ms / 1000);
	if (r == 0 || (r < 0 && errno == ECONNRESET))
		return error_set(err, ERR_UNAVAILABLE, "the sandbox's first process died while setting up");
	if (r < 0 || frame.kind != GUEST_READY || frame.len != sizeof(g->report))
		return error_set(err, ERR_UNAVAILABLE, "the sandbox's first process does not answer as ours does");
	memcpy(&g->report, frame.data, sizeof(g->report));
	g->report.failed[sizeof(g->report.failed) - 1] = '\0';
	return *g->report.failed ? error_set(err, ERR_UNAVAILABLE, "inside the sandbox: %s", g->report.failed) : 0;
}

void guest_close(struct guest *g)
{
	if (g->transport.to_fd >= 0 && g->transport.to_fd != g->transport.from_fd)
		close(g->transport.to_fd);
	if (g->transport.from_fd >= 0)
		close(g->transport.from_fd);
	g->transport.to_fd = g->transport.from_fd = -1;
	guest_stream_release(&g->in);
}

/* ---- files */

static int send_content(struct guest *g, int fd, struct error *err)
{
	autofree char *chunk = xmalloc(GUEST_FRAME_MAX);
	ssize_t n;

	do {
		n = read(fd, chunk, GUEST_FRAME_MAX);
		if (n < 0 && errno == EINTR)
			continue;
		/* the empty one is the end, also of what cannot be read */
		if (say(g, GUEST_DATA, chunk, n > 0 ? (size_t)n : 0, NULL, 0) < 0)
			return 1;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? error_sys(err, ERR_INVALID_INPUT, "cannot be read") : 0;
}

int guest_put(struct guest *g, struct sandbox *sb, const struct sandbox_file *file, struct error *err)
{
	const struct guest_wire_put order = {
		.file = { .kind = file->kind, .mode = file->mode }, .path_len = (uint32_t)strlen(file->path),
	};
	const char *target = file->kind == SANDBOX_SYMLINK ? file->target : "";
	autofree char *names = xasprintf("%s%c%s", file->path, '\0', target);
	size_t len = order.path_len + strlen(target) + 2;
	struct guest_wire_done done = { 0 };
	int r = 0;

	if (len > 2 * INIT_PATH_MAX + 2)
		return error_set(err, ERR_INVALID_INPUT, "the path is too long");
	if (say(g, GUEST_PUT, &order, sizeof(order), names, len) < 0)
		return lose(sb, err);
	if (file->kind == SANDBOX_FILE)
		r = send_content(g, file->fd, err);
	if (r > 0)
		return lose(sb, err);
	if (hear_done(g, sb, &done, err) < 0)
		return -1;
	if (r < 0)
		return r;
	errno = done.error;
	if (done.error == ENOSPC)
		return error_sys(err, ERR_RESOURCE_EXHAUSTED, "the work folder is full");
	return done.error ? error_sys(err, ERR_INVALID_INPUT, "not possible") : 0;
}

/* ---- commands */

struct watch {
	struct exec_watch base;		/* first */
	struct guest *g;
	struct guest_input input;
};

static void terminate(void *arg)
{
	if (say(((struct watch *)arg)->g, GUEST_TERMINATE, NULL, 0, NULL, 0) < 0) { /* the end of file is on its way */ }
}

static void kill_inside(void *arg)
{
	if (say(((struct watch *)arg)->g, GUEST_KILL, NULL, 0, NULL, 0) < 0) { /* as above */ }
}

static void end_from_outside(void *arg)
{
	exec_watch_lost(arg);
}

static int send_command(struct guest *g, const struct sandbox_command *cmd, struct guest_input *input, struct error *err)
{
	autostrbuf struct strbuf strings = STRBUF_INIT(INIT_STRINGS_MAX);
	struct guest_wire_exec exec = { .tty = cmd->tty_fd > 0, .input = cmd->input_fd > 0 };
	int r;

	if (exec_pack(cmd, &strings, &exec.argc, &exec.envc, err) < 0)
		return -1;
	exec.bytes = (uint32_t)strings.len;
	if (guest_input_resized(input))
		exec.size = input->size;
	r = say(g, GUEST_EXEC, &exec, sizeof(exec), NULL, 0);
	for (size_t at = 0; r == 0 && at < strings.len; at += GUEST_FRAME_MAX)
		r = say(g, GUEST_DATA, strings.buf + at, strings.len - at < GUEST_FRAME_MAX ? strings.len - at : GUEST_FRAME_MAX,
			NULL, 0);
	return 0;	/* one that died between two commands is a result, found as end of file */
}

static void on_frame(struct watch *w, const struct guest_frame *frame)
{
	struct guest_wire_taken taken;
	struct init_ended ended;

	switch (frame->kind) {
	case GUEST_STDOUT:
	case GUEST_STDERR:
		if (w->input.relay.tty >= 0)
			guest_input_show(&w->input, frame->data, frame->len, w->base.phase != EXEC_RUNNING);
		else
			exec_watch_output(&w->base, frame->kind == GUEST_STDOUT ? SANDBOX_STDOUT : SANDBOX_STDERR,
					  (const char *)frame->data, frame->len);
		break;
	case GUEST_TAKEN:
		if (frame->len == sizeof(taken) && w->input.waiting) {
			memcpy(&taken, frame->data, sizeof(taken));
			guest_input_taken(&w->input, taken.deaf);
			break;
		}
		exec_watch_lost(&w->base);
		break;
	case GUEST_EVENT:
		exec_watch_events(&w->base, (const char *)frame->data, frame->len);
		break;
	case GUEST_ENDED:
		if (frame->len == sizeof(ended)) {
			memcpy(&ended, frame->data, sizeof(ended));
			exec_watch_ended(&w->base, &ended);
			break;
		}
		__attribute__((fallthrough));
	default:
		exec_watch_lost(&w->base);
	}
}

/* A terminal that takes nothing holds up what is shown on it, until the command is to end. */
static bool is_held_up(const struct watch *w)
{
	return w->base.phase == EXEC_RUNNING && guest_input_is_stuck(&w->input);
}

/* What is there now, at most a few reads at a time so that a flood cannot keep us from the rest. */
static void listen_inside(struct watch *w)
{
	for (int reads = 0; reads < 8 && w->base.phase != EXEC_OVER && !is_held_up(w); reads++) {
		struct guest_frame frame;
		int r = guest_stream_read(&w->g->in, w->g->transport.from_fd);
		int next;

		if (r < 0 && errno == EAGAIN)
			return;
		if (r <= 0) {
			exec_watch_lost(&w->base);
			return;
		}
		for (next = 1; next > 0 && w->base.phase != EXEC_OVER;) {
			next = guest_stream_next(&w->g->in, &frame);
			if (next > 0)
				on_frame(w, &frame);
			else if (next < 0)
				exec_watch_lost(&w->base);
		}
	}
}

/* Without the forwarder there is no network any more, which is no way out; commands see their connections fail. */
static void hear_network(struct guest *g, const struct sandbox_command *cmd)
{
	if (g->forwarder && g->forwarder->events >= 0 && !network_forwarder_read(g->forwarder, cmd->observer, cmd->observer_arg))
		network_forwarder_stop(g->forwarder);
}

/* Dead inside is heard of as end of file. */
static void pass_input(struct watch *w)
{
	unsigned char *data;
	ssize_t n = guest_input_read(&w->input, &data);

	if (n >= 0 && say(w->g, GUEST_INPUT, data, (size_t)n, NULL, 0) < 0)
		return;
	if (guest_input_resized(&w->input) && say(w->g, GUEST_SIZE, &w->input.size, sizeof(w->input.size), NULL, 0) < 0)
		return;
	guest_input_flush(&w->input);
}

int guest_exec(struct guest *g, struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret,
	       struct error *err)
{
	static const struct exec_host host = { .terminate = terminate, .kill = kill_inside, .end = end_from_outside };
	struct watch w = {
		.base = { .cmd = cmd, .exit = ret, .sb = sb, .host = &host, .cgroup = g->cgroup, .own_processes = g->own_processes,
			  .output_bytes_max = g->setup.output_bytes },
		.g = g,
	};

	w.base.arg = &w;
	exec_watch_start(&w.base);
	guest_input_open(&w.input, cmd);
	if (send_command(g, cmd, &w.input, err) < 0) {
		guest_input_close(&w.input);
		return -1;
	}
	while (w.base.phase != EXEC_OVER) {
		struct pollfd p[3 + GUEST_INPUT_FDS] = {
			{ .fd = is_held_up(&w) ? -1 : g->transport.from_fd, .events = POLLIN },
			{ .fd = exec_watch_cancel_fd(&w.base), .events = POLLIN },
			{ .fd = g->forwarder ? g->forwarder->events : -1, .events = POLLIN },
		};

		guest_input_poll(&w.input, p + 3);
		if (poll(p, ARRAY_SIZE(p), exec_watch_timeout(&w.base)) < 0)
			continue;
		pass_input(&w);
		if (p[0].revents)
			listen_inside(&w);
		if (p[2].revents)
			hear_network(g, cmd);
		if (w.base.phase != EXEC_OVER)
			exec_watch_turn(&w.base, p[1].revents != 0);
	}
	if (sb->lost && g->kill)	/* nothing is alive when we return */
		g->kill(g->kill_arg);
	hear_network(g, cmd);
	guest_input_close(&w.input);
	exec_watch_finish(&w.base);
	return 0;
}

/* ---- looking at files */

/* Pieces of `kind` until DONE, each to `take`; -1 from it: this says nothing. */
static int hear_pieces(struct guest *g, struct sandbox *sb, enum guest_kind kind,
		       int (*take)(void *arg, const void *data, size_t len), void *arg, struct error *err)
{
	struct guest_wire_done done = { 0 };
	struct guest_frame frame;

	for (;;) {
		/* the digest of a large file takes a while */
		if (hear(g, clock_deadline(PATIENCE_NS), &frame) != 1)
			return lose(sb, err);
		if (frame.kind == GUEST_DONE && frame.len == sizeof(done)) {
			memcpy(&done, frame.data, sizeof(done));
			return errno = done.error, 0;
		}
		if (frame.kind != kind || take(arg, frame.data, frame.len) < 0)
			return lose(sb, err);
	}
}

static int take_entries(void *reader, const void *data, size_t len)
{
	return walk_reader_feed(reader, data, len);
}

int guest_walk(struct guest *g, struct sandbox *sb, struct sandbox_walk *walk, struct error *err)
{
	const struct init_walk order = {
		.trees = walk->trees, .digests = walk->digests, .max_entries = walk->max_entries, .max_depth = walk->max_depth,
	};
	autofree struct walk_reader *reader = xmalloc(sizeof(*reader));

	walk_reader_init(reader, walk);
	if (say(g, GUEST_WALK, &order, sizeof(order), NULL, 0) < 0)
		return lose(sb, err);
	if (hear_pieces(g, sb, GUEST_ENTRY, take_entries, reader, err) < 0)
		return -1;
	return errno || !reader->ended ? error_sys(err, ERR_UNAVAILABLE, "the files cannot be looked at") : 0;
}

struct content {
	int fd, error;
	uint64_t bytes, max_bytes;
};

/* More than was asked for is nothing that ours would send. A disk that is full here is no fault of the sandbox. */
static int take_content(void *arg, const void *data, size_t len)
{
	struct content *c = arg;

	if (len > c->max_bytes - c->bytes)
		return -1;
	c->bytes += len;
	if (!c->error && write_all(c->fd, data, len) < 0)
		c->error = errno;
	return 0;
}

int guest_get(struct guest *g, struct sandbox *sb, enum sandbox_tree tree, const char *path, uint64_t max_bytes, int fd,
	      uint64_t *ret, struct error *err)
{
	const struct guest_wire_get order = { .tree = tree, .max_bytes = max_bytes };
	struct content content = { .fd = fd, .max_bytes = max_bytes };

	if (strlen(path) >= INIT_PATH_MAX)
		return error_set(err, ERR_INVALID_INPUT, "the path is too long");
	if (say(g, GUEST_GET, &order, sizeof(order), path, strlen(path) + 1) < 0)
		return lose(sb, err);
	if (hear_pieces(g, sb, GUEST_CONTENT, take_content, &content, err) < 0)
		return -1;
	*ret = content.bytes;
	if (errno)
		return error_sys(err, ERR_INVALID_INPUT, errno == EINVAL ? "it is no regular file" : "not possible");
	errno = content.error;
	return content.error ? error_sys(err, ERR_RESOURCE_EXHAUSTED, "cannot write its content") : 0;
}
