/* SPDX-License-Identifier: Apache-2.0
 * One command in the built-in jail: its pipes or terminal, the poll loop. When to ask, to kill and to give up is exec_watch's. The command is over when PID 1 says that nothing of it is alive, not when its pipes close and
 * not when its first process ends.
 */
#include "sandboxes/native.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "sandboxes/exec_watch.h"
#include "sandboxes/relay.h"

#define END_TIMEOUT_MS 10000			/* for PID 1 to be gone after it was killed */
#define PIPE_BYTES (1 << 20)

struct watch {
	struct exec_watch base;			/* first */
	struct native *n;
	int out[2];				/* read ends, -1 when closed */
	struct relay relay;
	char chunk[64 << 10];
};

/* Hand the command over. Its ends of the pipes are closed here in any case, so that end of file means what it says. */
static int send_command(struct native *n, const struct sandbox_command *cmd, int out, int errors, int in, struct error *err)
{
	autostrbuf struct strbuf strings = STRBUF_INIT(INIT_STRINGS_MAX);
	autoclose int out_fd = out, errors_fd = errors, in_fd = in;
	autoclose int fd = memfd_create("command", MFD_CLOEXEC);
	struct wire m = { .kind = WIRE_EXEC, .exec = { .tty = cmd->tty_fd > 0 } };
	int fds[WIRE_FDS] = { fd, out_fd, errors_fd, in_fd };

	if (exec_pack(cmd, &strings, &m.exec.argc, &m.exec.envc, err) < 0)
		return -1;
	m.exec.bytes = strings.len;
	if (fd < 0 || write_all(fd, strings.buf, strings.len) < 0)
		return error_sys(err, ERR_INTERNAL, "cannot pass the command on");
	if (wire_send(n->sock, &m, fds, m.exec.tty ? 1 : in_fd < 0 ? 3 : 4) < 0) {
		if (errno != EPIPE && errno != ECONNRESET && errno != ENOTCONN)
			return error_sys(err, ERR_INTERNAL, "cannot reach the sandbox");
		/* it died between two commands: a result, found as end of file */
	}
	return 0;
}

static int open_pipe(int *ret_read, int *ret_write, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[0], F_SETPIPE_SZ, PIPE_BYTES);	/* or what we may have */
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/* What is there now, at most a few chunks at a time so that one stream cannot keep us from the rest. */
static void read_stream(struct watch *w, enum sandbox_stream stream, unsigned int chunks)
{
	while (w->out[stream] >= 0 && chunks--) {
		ssize_t n = read(w->out[stream], w->chunk, sizeof(w->chunk));

		if (n > 0) {
			exec_watch_output(&w->base, stream, w->chunk, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			close(w->out[stream]);
			w->out[stream] = -1;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

/* ---- as exec_watch wants it */

static void tell(const struct watch *w, enum wire_kind kind)
{
	struct wire m = { .kind = kind };

	if (wire_send(w->n->sock, &m, NULL, 0) < 0) { /* dead: the end of file is on its way */ }
}

static void terminate(void *arg)
{
	tell(arg, WIRE_TERMINATE);
}

static void kill_inside(void *arg)
{
	tell(arg, WIRE_KILL);
}

/* The end of PID 1 is the end of all; it is heard of as end of file. */
static void end_from_outside(void *arg)
{
	syscall(SYS_pidfd_send_signal, ((struct watch *)arg)->n->pidfd, SIGKILL, NULL, 0);
}

/* ---- what happens */

static void on_control(struct watch *w)
{
	int fds[WIRE_FDS];
	struct wire m;
	int r = wire_recv(w->n->sock, &m, fds);

	if (r == 1 && m.kind == WIRE_EVENT) {
		exec_watch_events(&w->base, m.text, m.text_len);
	} else if (r == 1 && m.kind == WIRE_TTY && fds[0] >= 0) {
		relay_connect(&w->relay, fds[0]);
	} else if (r == 1 && m.kind == WIRE_ENDED) {
		exec_watch_ended(&w->base, &m.ended);
	} else {
		exec_watch_lost(&w->base);
		end_from_outside(w);	/* and wait for it, so that nothing is alive when we return */
		poll(&(struct pollfd){ .fd = w->n->pidfd, .events = POLLIN }, 1, END_TIMEOUT_MS);
	}
}

/* Without the forwarder there is no network any more, which is no way out; commands see their connections fail. */
static void hear_network(struct watch *w)
{
	struct network_forwarder *f = &w->n->forwarder;

	if (!network_forwarder_read(f, w->base.cmd->observer, w->base.cmd->observer_arg))
		network_forwarder_stop(f);
}

static void turn(struct watch *w)
{
	enum { CONTROL, OUT, ERRORS, CANCEL, NETWORK, COUNT };
	struct pollfd p[COUNT + RELAY_FDS] = {
		[CONTROL] = { .fd = w->n->sock, .events = POLLIN },
		[OUT] = { .fd = w->out[SANDBOX_STDOUT], .events = POLLIN },
		[ERRORS] = { .fd = w->out[SANDBOX_STDERR], .events = POLLIN },
		[CANCEL] = { .fd = exec_watch_cancel_fd(&w->base), .events = POLLIN },
		[NETWORK] = { .fd = w->n->forwarder.events, .events = POLLIN },
	};

	if (poll(p, COUNT + relay_poll(&w->relay, p + COUNT), exec_watch_timeout(&w->base)) < 0)
		return;
	relay_turn(&w->relay);
	if (p[OUT].revents)
		read_stream(w, SANDBOX_STDOUT, 4);
	if (p[ERRORS].revents)
		read_stream(w, SANDBOX_STDERR, 4);
	if (p[NETWORK].revents)
		hear_network(w);
	if (p[CONTROL].revents)
		on_control(w);
	/* whatever there is to hear: events could go on for ever */
	if (w->base.phase != EXEC_OVER)
		exec_watch_turn(&w->base, p[CANCEL].revents != 0);
}

/* Every writer is dead, so this ends; a pipe holds what it holds. */
static void read_rest(struct watch *w)
{
	for (int s = SANDBOX_STDOUT; s <= SANDBOX_STDERR; s++)
		read_stream(w, (enum sandbox_stream)s, 2 * PIPE_BYTES / sizeof(w->chunk) + 2);
	if (w->n->forwarder.events >= 0)
		hear_network(w);
}

/* ---- its streams */

static void close_streams(struct watch *w)
{
	for (int s = 0; s < 2; s++)
		if (w->out[s] >= 0)
			close(w->out[s]);
	relay_close(&w->relay);
}

static int open_input(struct watch *w, int *ret_read, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	relay_open_input(&w->relay, w->base.cmd->input_fd, fds[1]);
	*ret_read = fds[0];
	return 0;
}

/* A terminal takes the place of all three. */
static int open_streams(struct watch *w, int ends[3], struct error *err)
{
	if (w->base.cmd->tty_fd > 0) {
		relay_open_tty(&w->relay, w->base.cmd->tty_fd);
		return 0;
	}
	if (open_pipe(&w->out[0], &ends[0], err) == 0 && open_pipe(&w->out[1], &ends[1], err) == 0 &&
	    (w->base.cmd->input_fd <= 0 || open_input(w, &ends[2], err) == 0))
		return 0;
	close_streams(w);
	for (int i = 0; i < 3; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return -1;
}

int native_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	static const struct exec_host host = { .terminate = terminate, .kill = kill_inside, .end = end_from_outside };
	struct native *n = (struct native *)sb;
	struct watch w = { .n = n, .out = { -1, -1 }, .relay = RELAY_INIT };
	int ends[3] = { -1, -1, -1 };	/* of the command: stdout, stderr, stdin */

	w.base = (struct exec_watch){
		.cmd = cmd, .exit = ret, .sb = sb, .host = &host, .arg = &w, .cgroup = &n->cgroup, .own_processes = 1,
		.output_bytes_max = n->limits.output_bytes,
	};
	exec_watch_start(&w.base);
	if (open_streams(&w, ends, err) < 0)
		return -1;
	if (send_command(n, cmd, ends[0], ends[1], ends[2], err) < 0) {
		close_streams(&w);
		return -1;
	}
	while (w.base.phase != EXEC_OVER)
		turn(&w);
	read_rest(&w);
	close_streams(&w);
	exec_watch_finish(&w.base);
	return 0;
}
