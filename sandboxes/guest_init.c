/* SPDX-License-Identifier: Apache-2.0
 * guest_init: the first process of a sandbox that an engine or a runtime made. A static program of its own, built
 * into sandbox_runner, see guest.h. It trusts nobody on either side: what it was promised it looks up, what it can
 * give up it gives up, and it ends, and all with it, when its input does or its time is over.
 *
 * The streams to the runner are moved out of the way of 0 to 2 and closed when a step executes. Output of a step is
 * taken only while there is room for it on the way out, so a flood waits in its own pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/guest_look.h"
#include "sandboxes/guest_wire.h"
#include "sandboxes/init_walk.h"
#include "sandboxes/sandbox.h"

enum { HEAD = sizeof(struct guest_head), QUEUE = 2 * (HEAD + GUEST_FRAME_MAX), STEP_PIPE = 256 << 10 };

struct guest_side {
	struct init init;		/* first: on_ended() gets it */
	int in_fd, out_fd;
	int life_fd;			/* of GUEST_LIFE_PATH; -1: there is none */
	int passed_fd;			/* came with the setup; -1: nothing did */
	struct guest_stream in;
	uint64_t deadline_ns;
	struct guest_report report;
	int step_out[2];		/* read ends of the command's stdout and stderr, or its terminal and none; -1: closed */
	int step_in;			/* write end of its input, or its terminal; -1: closed */
	size_t input_start, input_end;	/* of `input`: on its way there */
	unsigned char input[GUEST_INPUT_MAX];
	bool over;			/* the command has ended; what is left in its pipes comes first */
	struct init_ended ended;
	struct init_walk_state walked;
	unsigned char *queue;		/* on its way out: [start, end) */
	size_t start, end;
};

/* As PID 1 our end is everybody's. */
static _Noreturn void end_all(int status)
{
	init_kill();
	_exit(status);
}

/* ---- to the runner */

/* What can be written now. True: nothing is left. */
static bool flush(struct guest_side *g)
{
	while (g->start < g->end) {
		ssize_t n = write(g->out_fd, g->queue + g->start, g->end - g->start);

		if (n > 0)
			g->start += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			return false;
		else if (n < 0 && errno != EINTR)
			end_all(0);
	}
	g->start = g->end = 0;
	return true;
}

static void wait_for(const struct guest_side *g, int fd, short events)
{
	struct pollfd p[] = { { .fd = fd, .events = events }, { .fd = g->life_fd } };

	while (poll(p, ARRAY_SIZE(p), clock_poll_timeout(g->deadline_ns)) <= 0)
		if (clock_monotonic_ns() >= g->deadline_ns)
			end_all(1);
	if (p[1].revents & POLLHUP)
		end_all(0);
}

/* Room for a frame; waits for it when there is none. */
static unsigned char *room(struct guest_side *g, size_t len)
{
	while (QUEUE - g->end < HEAD + len && !flush(g))
		wait_for(g, g->out_fd, POLLOUT);
	return g->queue + g->end;
}

static void say(struct guest_side *g, enum guest_kind kind, const void *data, size_t len)
{
	unsigned char *at = room(g, len);

	guest_head_set(at, kind, len);
	if (len)
		memcpy(at + HEAD, data, len);
	g->end += HEAD + len;
}

static void say_done(struct guest_side *g, int error)
{
	const struct guest_wire_done done = { .error = error };

	say(g, GUEST_DONE, &done, sizeof(done));
}

static _Noreturn __attribute__((format(printf, 2, 3))) void fail(struct guest_side *g, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(g->report.failed, sizeof(g->report.failed), fmt, ap);
	va_end(ap);
	say(g, GUEST_READY, &g->report, sizeof(g->report));
	while (!flush(g))
		wait_for(g, g->out_fd, POLLOUT);
	_exit(1);
}

/* ---- from the runner */

static struct guest_frame next_frame(struct guest_side *g)
{
	struct guest_frame frame;

	for (;;) {
		int r = guest_stream_next(&g->in, &frame);

		if (r > 0)
			return frame;
		if (r < 0)
			end_all(1);
		flush(g);
		wait_for(g, g->in_fd, POLLIN);
		if (guest_stream_receive(&g->in, g->in_fd, &g->passed_fd) <= 0)
			end_all(0);
	}
}

static void take(const struct guest_frame *frame, void *ret, size_t size)
{
	if (frame->len < size)
		end_all(1);
	memcpy(ret, frame->data, size);
}

/* ---- commands */

static void on_events(struct init *init, const char *packed, size_t len)
{
	say((struct guest_side *)init, GUEST_EVENT, packed, len);
}

static void on_ended(struct init *init, const struct init_ended *ended)
{
	struct guest_side *g = (struct guest_side *)init;

	g->ended = *ended;
	g->over = true;
}

static void close_input(struct guest_side *g)
{
	if (g->step_in >= 0)
		close(g->step_in);
	g->step_in = -1;
	g->input_start = g->input_end = 0;
}

static int open_step_pipe(int *ret_read)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[0], F_SETPIPE_SZ, STEP_PIPE);		/* or what we may have */
	*ret_read = fds[0];
	return fds[1];
}

static int open_step_input(int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	*ret_write = fds[1];
	return fds[0];
}

static int open_terminal(struct guest_side *g, const struct winsize *size, int *ret_slave)
{
	int master;

	if (init_open_tty(&master, ret_slave) < 0)
		return -1;
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	if (size->ws_row)
		ioctl(master, TIOCSWINSZ, size);
	g->step_out[0] = master;
	g->step_in = fcntl(master, F_DUPFD_CLOEXEC, 3);
	return g->step_in < 0 ? -1 : 0;
}

/* A terminal takes the place of all three. */
static int open_streams(struct guest_side *g, const struct guest_wire_exec *exec, struct init_command *command)
{
	command->in = command->out = command->err = -1;
	if (exec->tty) {
		command->tty = true;
		if (open_terminal(g, &exec->size, &command->out) < 0)
			return -1;
		command->in = command->err = command->out;
		return 0;
	}
	command->out = open_step_pipe(&g->step_out[0]);
	command->err = open_step_pipe(&g->step_out[1]);
	if (exec->input)
		command->in = open_step_input(&g->step_in);
	return command->out < 0 || command->err < 0 || (exec->input && command->in < 0) ? -1 : 0;
}

static void close_streams(const struct init_command *command)
{
	const int fds[] = { command->out, command->tty ? -1 : command->err, command->tty ? -1 : command->in };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* There is none to say it by. */
static void cannot_open(struct guest_side *g, bool tty, int error)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "sandbox: cannot open %s: %s\n", tty ? "a terminal" : "a pipe", strerror(error));

	say(g, GUEST_STDERR, text, (size_t)n);
	g->ended = (struct init_ended){ .exec_errno = EACCES };
	g->over = true;
}

static void start(struct guest_side *g, const struct guest_frame *frame)
{
	struct init_command command = { 0 };
	struct guest_wire_exec exec;
	autofree char *strings = NULL;

	take(frame, &exec, sizeof(exec));
	if (exec.bytes > INIT_STRINGS_MAX || !exec.argc || exec.argc > exec.bytes || exec.envc > exec.bytes)
		end_all(1);
	if (g->init.step || g->over)	/* one at a time */
		end_all(1);
	strings = xmalloc(exec.bytes);
	for (size_t have = 0; have < exec.bytes;) {
		struct guest_frame data = next_frame(g);

		if (data.kind != GUEST_DATA || data.len == 0 || data.len > exec.bytes - have)
			end_all(1);
		memcpy(strings + have, data.data, data.len);
		have += data.len;
	}
	if (init_unpack(strings, exec.bytes, exec.argc, exec.envc, &command) < 0)
		end_all(1);
	if (open_streams(g, &exec, &command) < 0)
		cannot_open(g, exec.tty, errno);
	else
		init_start(&g->init, &command);
	close_streams(&command);
	free(command.argv);
}

static void say_taken(struct guest_side *g, bool deaf)
{
	const struct guest_wire_taken taken = { .deaf = deaf };

	say(g, GUEST_TAKEN, &taken, sizeof(taken));
}

static void feed(struct guest_side *g)
{
	if (g->over)
		close_input(g);
	if (g->input_start == g->input_end)
		return;
	while (g->input_start < g->input_end) {
		ssize_t n = write(g->step_in, g->input + g->input_start, g->input_end - g->input_start);

		if (n > 0) {
			g->input_start += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			return;
		} else if (n == 0 || errno != EINTR) {
			close_input(g);
			say_taken(g, true);
			return;
		}
	}
	say_taken(g, false);
}

static void take_input(struct guest_side *g, const struct guest_frame *frame)
{
	if (!g->init.step || g->over)
		return;
	if (frame->len > GUEST_INPUT_MAX || g->input_start < g->input_end)
		end_all(1);
	if (g->step_in < 0 && frame->len) {
		say_taken(g, true);
		return;
	}
	if (!frame->len) {
		close_input(g);
		return;
	}
	memcpy(g->input, frame->data, frame->len);
	g->input_start = 0;
	g->input_end = frame->len;
}

static void resize(const struct guest_side *g, const struct guest_frame *frame)
{
	struct winsize size;

	take(frame, &size, sizeof(size));
	if (g->step_in >= 0 && !g->over)
		ioctl(g->step_in, TIOCSWINSZ, &size);	/* no terminal does not know it */
}

/* Pass on what the command wrote, one frame at a time: there has to be room for it first. */
static void pump(struct guest_side *g)
{
	for (int i = 0; i < 2; i++) {
		unsigned char *at = g->queue;
		ssize_t n;

		if (g->step_out[i] < 0)
			continue;
		if (!flush(g))
			return;
		n = read(g->step_out[i], at + HEAD, GUEST_FRAME_MAX);
		if (n > 0) {
			guest_head_set(at, i ? GUEST_STDERR : GUEST_STDOUT, (size_t)n);
			g->end = HEAD + (size_t)n;
			flush(g);
		} else if (n == 0 || (errno != EINTR && errno != EAGAIN) || (errno == EAGAIN && g->over)) {
			close(g->step_out[i]);		/* when it is over nobody is left to write: empty is the end */
			g->step_out[i] = -1;
		}
	}
	if (g->over && g->step_out[0] < 0 && g->step_out[1] < 0) {
		g->over = false;
		say(g, GUEST_ENDED, &g->ended, sizeof(g->ended));
	}
}

/* ---- files */

/* A child writes the file from a pipe, so that its content need not be here as a whole. What it does not take is
 * passed over. */
static int put_file(struct guest_side *g, const struct init_put *put, char *path)
{
	int fds[2], status = 0;
	bool taken = true;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		_exit(init_put(&g->init, put, path, "", fds[0]) < 0 ? errno & 0xff : 0);
	}
	close(fds[0]);
	for (struct guest_frame data; (data = next_frame(g)).len;) {
		if (data.kind != GUEST_DATA)
			end_all(1);
		taken = taken && pid > 0 && write_all(fds[1], data.data, data.len) == 0;
	}
	close(fds[1]);
	if (pid < 0)
		return EAGAIN;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static void put(struct guest_side *g, const struct guest_frame *frame)
{
	char text[2 * INIT_PATH_MAX + 2];
	struct guest_wire_put order;
	size_t len;
	int error = 0;

	take(frame, &order, sizeof(order));
	len = frame->len - sizeof(order);
	if (len < 2 || len > sizeof(text) || order.path_len >= len - 1)
		end_all(1);
	memcpy(text, frame->data + sizeof(order), len);
	if (text[order.path_len] || text[len - 1])
		end_all(1);
	if (order.file.kind == SANDBOX_FILE)
		error = put_file(g, &order.file, text);
	else if (init_put(&g->init, &order.file, text, text + order.path_len + 1, -1) < 0)
		error = errno;
	say_done(g, error);
}

static int sink_entries(void *g, const void *data, size_t len)
{
	say(g, GUEST_ENTRY, data, len);
	return 0;
}

static int sink_content(void *g, const void *data, size_t len)
{
	say(g, GUEST_CONTENT, data, len);
	return 0;
}

static void walk(struct guest_side *g, const struct guest_frame *frame)
{
	const struct init_sink sink = { .write = sink_entries, .arg = g };
	struct init_walk order;

	take(frame, &order, sizeof(order));
	say_done(g, init_walk(&g->init, NULL, &order, &g->walked, &sink) < 0 ? errno : 0);
}

static void get(struct guest_side *g, const struct guest_frame *frame)
{
	const struct init_sink sink = { .write = sink_content, .arg = g };
	struct guest_wire_get order;
	char path[INIT_PATH_MAX];
	size_t len;

	take(frame, &order, sizeof(order));
	len = frame->len - sizeof(order);
	if (len < 2 || len > sizeof(path) || frame->data[frame->len - 1])
		end_all(1);
	memcpy(path, frame->data + sizeof(order), len);
	say_done(g, init_get(&g->init, NULL, (enum sandbox_tree)order.tree, path, order.max_bytes, &sink) < 0 ? errno : 0);
}

/* ---- orders */

static void obey(struct guest_side *g, const struct guest_frame *frame)
{
	switch (frame->kind) {
	case GUEST_EXEC:
		start(g, frame);
		break;
	case GUEST_TERMINATE:
		g->init.stopping = true;
		init_terminate();
		break;
	case GUEST_KILL:
		g->init.stopping = true;
		init_kill();
		break;
	case GUEST_INPUT:
		take_input(g, frame);
		break;
	case GUEST_SIZE:
		resize(g, frame);
		break;
	case GUEST_PUT:
		put(g, frame);
		break;
	case GUEST_WALK:
		walk(g, frame);
		break;
	case GUEST_GET:
		get(g, frame);
		break;
	default:
		end_all(1);
	}
}

static void listen_to_runner(struct guest_side *g)
{
	struct guest_frame frame;
	int r;

	if (guest_stream_read(&g->in, g->in_fd) <= 0)
		end_all(0);
	while ((r = guest_stream_next(&g->in, &frame)) > 0)
		obey(g, &frame);
	if (r < 0)
		end_all(1);
}

/* For poll(2): until the deadline, or the next look at limits; not at all when it is only to be said that a command
 * is over. */
static int patience(struct guest_side *g, bool idle)
{
	int deadline_ms = clock_poll_timeout(g->deadline_ns), look_ms = init_watch(&g->init, false);

	if (g->over && idle)
		return 0;
	if (look_ms < 0 || (deadline_ms >= 0 && deadline_ms < look_ms))
		look_ms = deadline_ms;
	return init_observe_wait(&g->init, look_ms);
}

static _Noreturn void serve(struct guest_side *g)
{
	enum { IN, CHILD, STDOUT, STDERR, OUT, CALLS, NAMES, LIFE, INPUT, COUNT };

	for (;;) {
		bool idle = flush(g);
		struct pollfd p[COUNT] = {
			[IN] = { .fd = g->in_fd, .events = POLLIN },
			[CHILD] = { .fd = g->init.sigchld_fd, .events = POLLIN },
			[STDOUT] = { .fd = idle ? g->step_out[0] : -1, .events = POLLIN },
			[STDERR] = { .fd = idle ? g->step_out[1] : -1, .events = POLLIN },
			[OUT] = { .fd = idle ? -1 : g->out_fd, .events = POLLOUT },
			[CALLS] = { .fd = g->init.listener, .events = POLLIN },
			[NAMES] = { .fd = g->init.dns_fd, .events = POLLIN },
			[LIFE] = { .fd = g->life_fd },		/* a hang-up is always told */
			[INPUT] = { .fd = g->input_start < g->input_end ? g->step_in : -1, .events = POLLOUT },
		};

		if (poll(p, COUNT, patience(g, idle)) < 0 && errno != EINTR)
			end_all(1);
		if (clock_monotonic_ns() >= g->deadline_ns)
			end_all(1);
		if (p[LIFE].revents & POLLHUP)
			end_all(0);
		if (p[CALLS].revents)
			init_observe(&g->init);
		if (p[NAMES].revents)
			init_observe_dns(&g->init);
		if (p[CHILD].revents)
			init_reap(&g->init);
		if (p[IN].revents)
			listen_to_runner(g);
		feed(g);
		pump(g);
	}
}

/* ---- coming up */

/* Without a writer yet, or ever, there is no hang-up. Anything but a FIFO is none of ours. */
static int open_life(void)
{
	autoclose int fd = open(GUEST_LIFE_PATH, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) ? steal_fd(&fd) : -1;
}

/* The bounding set can only be cut by one who has the right to. Where it was left to us whole without that right,
 * the report says so; what it could give is out of reach without new privileges. */
static int give_up_capabilities(bool keep_net_bind_service)
{
	struct guest_report now = { 0 };

	guest_look_back(&now);
	if (now.capabilities && lockdown_capabilities(keep_net_bind_service ? (uint32_t)now.capabilities & LOCKDOWN_NET_BIND : 0) == 0)
		return 0;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void set_up(struct guest_side *g)
{
	struct guest_wire_setup setup;
	struct guest_report *report = &g->report;
	struct guest_frame frame;

	say(g, GUEST_HELLO, NULL, 0);
	frame = next_frame(g);
	take(&frame, &setup, sizeof(setup));
	if (frame.kind != GUEST_SETUP || setup.size != GUEST_SETUP_SIZE)
		fail(g, "the runner and its first process are not of the same build");
	if (setup.deadline_ns)
		g->deadline_ns = clock_deadline(setup.deadline_ns);
	g->init.limits = setup.limits;
	if (getpid() != 1)	/* killing all would not stop at a wall */
		fail(g, "the first process has pid %d: it needs a pid namespace of its own", (int)getpid());
	g->init.oom_fd = g->passed_fd >= 0 ? g->passed_fd : open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	report->oom_steps_first = write(g->init.oom_fd, "1000", 4) == 4 && write(g->init.oom_fd, "0", 1) == 1;
	guest_look_around(report);
	umask(022);
	if (access(SANDBOX_WORKDIR, F_OK) < 0)
		fail(g, "there is no %s that user %u can enter: it has to be mounted", SANDBOX_WORKDIR, getuid());
	if (init_open_work(&g->init) < 0)
		fail(g, "opening %s and /dev/null: %s", SANDBOX_WORKDIR, strerror(errno));
	if (faccessat(AT_FDCWD, SANDBOX_WORKDIR, W_OK | X_OK, 0) < 0)
		fail(g, "%s cannot be written to by user %u: %s", SANDBOX_WORKDIR, getuid(), strerror(errno));
	if (setup.observe && !setup.network)
		init_observe_names(&g->init);
	if (give_up_capabilities(setup.net_bind_service) < 0)
		fail(g, "setting no-new-privileges: %s", strerror(errno));
	if (lockdown_landlock(lockdown_writable, &report->landlock) < 0)
		report->landlock.error = errno;		/* the table tells, as for the filter */
	if (setup.observe)
		report->observing = init_observe_try(&g->init, report->not_observing) == 0;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fail(g, "closing itself to other processes: %s", strerror(errno));
	/* in addition to whatever there is */
	report->own_filter = lockdown_filter_load(g->init.observing ? LOCKDOWN_INIT : LOCKDOWN_PLAIN) == 0;
	report->limits.core = report->limits.memlock = UINT64_MAX;
	init_try_limits(&g->init.limits, &report->limits);
	guest_look_back(report);
	say(g, GUEST_READY, report, sizeof(*report));
}

int main(void)
{
	struct guest_side g = {
		.init = INIT_EMPTY, .in_fd = fcntl(0, F_DUPFD_CLOEXEC, 3), .out_fd = fcntl(1, F_DUPFD_CLOEXEC, 3),
		.life_fd = -1, .passed_fd = -1, .deadline_ns = CLOCK_NEVER, .step_out = { -1, -1 }, .step_in = -1,
	};
	int keep[2] = { g.in_fd, g.out_fd };

	if (g.in_fd < 0 || g.out_fd < 0)
		return 1;
	init_close_others(keep, ARRAY_SIZE(keep));
	fcntl(g.out_fd, F_SETFL, fcntl(g.out_fd, F_GETFL) | O_NONBLOCK);
	setsid();
	prctl(PR_SET_NAME, "sandbox-init");
	g.life_fd = open_life();
	guest_stream_open(&g.in, false);
	g.queue = xmalloc(QUEUE);
	g.init.on_ended = on_ended;
	g.init.on_events = on_events;
	if (init_reset_signals(&g.init) < 0)
		fail(&g, "watching for ended processes: %s", strerror(errno));
	set_up(&g);
	serve(&g);
}
