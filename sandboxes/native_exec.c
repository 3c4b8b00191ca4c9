/* SPDX-License-Identifier: Apache-2.0
 * One command from start to end, seen from the runner. A single poll loop; the command is over when PID 1 says that
 * nothing of it is alive, not when its pipes close and not when its first process ends.
 *
 *	running --timeout, cancel--> asked to end (SIGTERM) --grace--> killed --PID 1 answers--> over
 *	   `-- out of memory ----------------------------------------^
 */
#include "sandboxes/native.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "sandboxes/event.h"
#include "sandboxes/relay.h"

#define WATCH_INTERVAL_NS (100 * NS_PER_MS)	/* how often memory is looked at */
#define PATIENCE_NS (10 * NS_PER_SEC)		/* for PID 1 to answer after a kill */
#define PIPE_BYTES (1 << 20)
#define COMMAND_BYTES_MAX (8u << 20)

enum phase { PHASE_RUNNING, PHASE_ASKED, PHASE_KILLED, PHASE_OVER };

struct watch {
	struct native *n;
	const struct sandbox_command *cmd;
	struct sandbox_exit *exit;
	enum phase phase;
	enum sandbox_end why;		/* why we ended it; SANDBOX_EXITED: we did not */
	uint64_t deadline_ns;		/* of this phase */
	int out[2];			/* read ends, -1 when closed */
	struct relay relay;
	uint64_t looked_ns, beat_ns, sampled_ns;	/* when that was done last */
	bool cancel_seen;
	char chunk[64 << 10];
};

static int pack(const char *const *strings, struct strbuf *out, uint32_t *ret_count)
{
	uint32_t n = 0;

	for (; strings && strings[n]; n++)
		strbuf_add(out, strings[n], strlen(strings[n]) + 1);
	*ret_count = n;
	return out->overflow ? -1 : 0;
}

/* Hand the command over. Its ends of the pipes are closed here in any case, so that end of file means what it says. */
static int send_command(struct native *n, const struct sandbox_command *cmd, int out, int errors, int in, struct error *err)
{
	autostrbuf struct strbuf strings = STRBUF_INIT(COMMAND_BYTES_MAX);
	autoclose int out_fd = out, errors_fd = errors, in_fd = in;
	autoclose int fd = memfd_create("command", MFD_CLOEXEC);
	struct wire m = { .kind = WIRE_EXEC, .exec = { .tty = cmd->tty_fd > 0 } };
	int fds[WIRE_FDS] = { fd, out_fd, errors_fd, in_fd };

	if (pack(cmd->argv, &strings, &m.exec.argc) < 0 || pack(cmd->env, &strings, &m.exec.envc) < 0)
		return error_set(err, ERR_INVALID_INPUT, "arguments and environment are larger than %u bytes",
				 COMMAND_BYTES_MAX);
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

static void deliver(struct watch *w, enum sandbox_stream stream, size_t len)
{
	const uint64_t limit = w->n->limits.output_bytes;
	uint64_t before = w->exit->output_bytes[0] + w->exit->output_bytes[1];

	w->exit->output_bytes[stream] += len;
	if (limit && before + len > limit) {
		w->exit->output_truncated = true;
		len = before < limit ? (size_t)(limit - before) : 0;
	}
	if (len && w->cmd->output)
		w->cmd->output(w->cmd->output_arg, stream, w->chunk, len);
}

/* What is there now, at most a few chunks at a time so that one stream cannot keep us from the rest. */
static void read_stream(struct watch *w, enum sandbox_stream stream, unsigned int chunks)
{
	while (w->out[stream] >= 0 && chunks--) {
		ssize_t n = read(w->out[stream], w->chunk, sizeof(w->chunk));

		if (n > 0) {
			deliver(w, stream, (size_t)n);
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			close(w->out[stream]);
			w->out[stream] = -1;
		} else if (errno == EAGAIN) {
			return;
		}
	}
}

static void tell(struct watch *w, enum wire_kind kind)
{
	struct wire m = { .kind = kind };

	if (wire_send(w->n->sock, &m, NULL, 0) < 0) { /* dead: the end of file is on its way */ }
}

static void enter(struct watch *w, enum phase phase, enum sandbox_end why)
{
	if (phase <= w->phase)
		return;
	if (w->why == SANDBOX_EXITED)
		w->why = why;
	w->phase = phase;
	if (phase == PHASE_ASKED && w->cmd->grace_ns == 0)
		w->phase = PHASE_KILLED;
	tell(w, w->phase == PHASE_ASKED ? WIRE_TERMINATE : WIRE_KILL);
	w->deadline_ns = clock_deadline(w->phase == PHASE_ASKED ? w->cmd->grace_ns : PATIENCE_NS);
}

static void watch_memory(struct watch *w)
{
	cgroup_watch(&w->n->cgroup);
	if (cgroup_out_of_memory(&w->n->cgroup)) {
		w->why = SANDBOX_OUT_OF_MEMORY;		/* whatever we were about to end it for */
		enter(w, PHASE_KILLED, SANDBOX_OUT_OF_MEMORY);
	}
}

static void on_deadline(struct watch *w)
{
	switch (w->phase) {
	case PHASE_RUNNING:
		enter(w, PHASE_ASKED, SANDBOX_TIMED_OUT);
		break;
	case PHASE_ASKED:
		enter(w, PHASE_KILLED, w->why);
		break;
	case PHASE_KILLED:	/* PID 1 does not answer: end it from outside, and all with it */
		syscall(SYS_pidfd_send_signal, w->n->pidfd, SIGKILL, NULL, 0);
		w->deadline_ns = CLOCK_NEVER;
		break;
	case PHASE_OVER:
		break;
	}
}

static void on_ended(struct watch *w, const struct init_ended *ended)
{
	struct sandbox_exit *e = w->exit;

	w->phase = PHASE_OVER;
	e->outlived = ended->outlived;
	e->storage_limit_hit = ended->storage_full;
	e->cpu_ns = ended->cpu_ns;
	e->pids_limit_hit = ended->fork_refused;
	if (ended->exec_errno) {
		e->end = SANDBOX_EXITED;
		e->status = ended->exec_errno == ENOENT || ended->exec_errno == ENOTDIR ? 127 : 126;
	} else if (WIFSIGNALED(ended->wait_status)) {
		e->end = SANDBOX_SIGNALED;
		e->status = WTERMSIG(ended->wait_status);
	} else {
		e->end = SANDBOX_EXITED;
		e->status = WEXITSTATUS(ended->wait_status);
	}
	if (w->why != SANDBOX_EXITED)
		e->end = w->why;
}

static void on_events(struct watch *w, const struct wire *m)
{
	const char *at = m->text;
	size_t left = m->text_len;
	struct sandbox_event event;

	while (w->cmd->observer && event_unpack(&at, &left, &event))
		w->cmd->observer(w->cmd->observer_arg, &event);
}

static void on_control(struct watch *w)
{
	int fds[WIRE_FDS];
	struct wire m;
	int r = wire_recv(w->n->sock, &m, fds);

	if (r == 1 && m.kind == WIRE_EVENT) {
		on_events(w, &m);
		return;
	}
	if (r == 1 && m.kind == WIRE_TTY && fds[0] >= 0) {
		relay_connect(&w->relay, fds[0]);
		return;
	}
	if (r == 1 && m.kind == WIRE_ENDED) {
		on_ended(w, &m.ended);
		return;
	}
	w->phase = PHASE_OVER;
	w->n->base.lost = true;
	w->exit->end = SANDBOX_LOST;
	/* the end of the init process is the end of all: wait for it, so that nothing is alive when we return */
	syscall(SYS_pidfd_send_signal, w->n->pidfd, SIGKILL, NULL, 0);
	poll(&(struct pollfd){ .fd = w->n->pidfd, .events = POLLIN }, 1, (int)(PATIENCE_NS / NS_PER_MS));
}

/* Without the forwarder there is no network any more, which is no way out; commands see their connections fail. */
static void hear_network(struct watch *w)
{
	struct network_forwarder *f = &w->n->forwarder;

	if (!network_forwarder_read(f, w->cmd->observer, w->cmd->observer_arg))
		network_forwarder_stop(f);
}

static void turn(struct watch *w)
{
	enum { CONTROL, OUT, ERRORS, CANCEL, NETWORK, COUNT };
	struct pollfd p[COUNT + RELAY_FDS] = {
		[CONTROL] = { .fd = w->n->sock, .events = POLLIN },
		[OUT] = { .fd = w->out[SANDBOX_STDOUT], .events = POLLIN },
		[ERRORS] = { .fd = w->out[SANDBOX_STDERR], .events = POLLIN },
		[CANCEL] = { .fd = w->cancel_seen ? -1 : w->cmd->cancel_fd, .events = POLLIN },
		[NETWORK] = { .fd = w->n->forwarder.events, .events = POLLIN },
	};
	uint64_t look = clock_deadline(WATCH_INTERVAL_NS);

	if (poll(p, COUNT + relay_poll(&w->relay, p + COUNT), clock_poll_timeout(look < w->deadline_ns ? look : w->deadline_ns)) < 0)
		return;
	relay_turn(&w->relay);
	if (p[OUT].revents)
		read_stream(w, SANDBOX_STDOUT, 4);
	if (p[ERRORS].revents)
		read_stream(w, SANDBOX_STDERR, 4);
	if (p[NETWORK].revents)
		hear_network(w);
	if (p[CANCEL].revents) {
		w->cancel_seen = true;
		enter(w, PHASE_ASKED, SANDBOX_CANCELLED);
	}
	if (w->phase == PHASE_ASKED && w->cmd->hurry && w->cmd->hurry(w->cmd->hurry_arg))
		enter(w, PHASE_KILLED, w->why);
	if (p[CONTROL].revents)
		on_control(w);
	/* whatever there is to hear: events could go on for ever */
	if (w->phase != PHASE_OVER && clock_monotonic_ns() >= w->deadline_ns)
		on_deadline(w);
}

static void sample(struct watch *w)
{
	struct sandbox_usage usage;

	if (!w->cmd->sampler)
		return;
	sandbox_usage(&w->n->base, &usage);
	w->cmd->sampler(w->cmd->sampler_arg, &usage);
}

/* What is done now and then while a command runs. */
static void look(struct watch *w)
{
	const uint64_t now = clock_monotonic_ns();

	if (w->phase != PHASE_OVER && now - w->looked_ns >= WATCH_INTERVAL_NS) {
		w->looked_ns = now;
		watch_memory(w);
	}
	if (w->cmd->output && now - w->beat_ns >= SANDBOX_HEARTBEAT_NS) {
		w->beat_ns = now;
		w->cmd->output(w->cmd->output_arg, SANDBOX_STDOUT, NULL, 0);
	}
	if (w->phase != PHASE_OVER && now - w->sampled_ns >= w->cmd->sample_ns) {
		w->sampled_ns = now;
		sample(w);
	}
}

static void finish(struct watch *w)
{
	struct cgroup *cg = &w->n->cgroup;
	struct sandbox_exit *e = w->exit;
	uint64_t cpu = cgroup_cpu_ns(cg);

	/* every writer is dead, so this ends; a pipe holds what it holds */
	for (int s = SANDBOX_STDOUT; s <= SANDBOX_STDERR; s++) {
		read_stream(w, (enum sandbox_stream)s, 2 * PIPE_BYTES / sizeof(w->chunk) + 2);
		if (w->out[s] >= 0)
			close(w->out[s]);
	}
	if (cgroup_out_of_memory(cg))
		e->end = SANDBOX_OUT_OF_MEMORY;
	if (cgroup_fork_refused(cg))
		e->pids_limit_hit = true;
	if (cpu)
		e->cpu_ns = cpu;
	e->memory_peak_bytes = cgroup_memory_peak(cg);
	e->pids_peak = cgroup_pids_peak(cg);
	if (e->pids_peak)
		e->pids_peak--;		/* PID 1 is not the command's */
}

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
	relay_open_input(&w->relay, w->cmd->input_fd, fds[1]);
	*ret_read = fds[0];
	return 0;
}

/* A terminal takes the place of all three. */
static int open_streams(struct watch *w, int ends[3], struct error *err)
{
	if (w->cmd->tty_fd > 0) {
		relay_open_tty(&w->relay, w->cmd->tty_fd);
		return 0;
	}
	if (open_pipe(&w->out[0], &ends[0], err) == 0 && open_pipe(&w->out[1], &ends[1], err) == 0 &&
	    (w->cmd->input_fd <= 0 || open_input(w, &ends[2], err) == 0))
		return 0;
	close_streams(w);
	for (int i = 0; i < 3; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	return -1;
}

int native_exec(struct sandbox *sb, const struct sandbox_command *cmd, struct sandbox_exit *ret, struct error *err)
{
	struct native *n = (struct native *)sb;
	struct watch w = { .n = n, .cmd = cmd, .exit = ret, .why = SANDBOX_EXITED, .out = { -1, -1 }, .relay = RELAY_INIT };
	const uint64_t start = clock_monotonic_ns();
	int ends[3] = { -1, -1, -1 };	/* of the command: stdout, stderr, stdin */

	if (open_streams(&w, ends, err) < 0)
		return -1;
	w.looked_ns = w.beat_ns = w.sampled_ns = start;
	cgroup_mark(&n->cgroup);
	w.deadline_ns = cmd->timeout_ns ? clock_deadline(cmd->timeout_ns) : CLOCK_NEVER;
	if (send_command(n, cmd, ends[0], ends[1], ends[2], err) < 0) {
		close_streams(&w);
		return -1;
	}
	while (w.phase != PHASE_OVER) {
		turn(&w);
		look(&w);
	}
	finish(&w);
	if (n->forwarder.events >= 0)
		hear_network(&w);
	relay_close(&w.relay);
	sample(&w);
	ret->duration_ns = clock_monotonic_ns() - start;
	return 0;
}
