/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/keep.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runner/attach.h"
#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/step.h"

#define GRACE_NS NS_PER_SEC		/* for the command of a visitor who hung up */
#define ARGUMENTS_MAX 4096
#define PATIENCE_MS 5000		/* for a visitor to say what is wanted */

enum { ATTACH, END };

struct keeper {
	struct kept_run *kept;
	const struct parameters *parameters;
	struct cancel *cancel;
	struct result *result;
	int ender;			/* who asked for the end and waits for the answer; -1: nobody */
};

int keep_open(struct kept_run *kept, struct error *err)
{
	const char *scratch = journal_scratch(kept->journal);

	kept->doors[ATTACH] = attach_listen(scratch, ATTACH_DOOR, err);
	kept->doors[END] = kept->doors[ATTACH] < 0 ? -1 : attach_listen(scratch, ATTACH_END_DOOR, err);
	if (kept->doors[END] >= 0)
		return 0;
	if (kept->doors[ATTACH] >= 0)
		close(steal_fd(&kept->doors[ATTACH]));
	return -1;
}

static void refuse(int sock, const char *why)
{
	json_auto_t *o = json_object();

	json_put_text(o, "error", why);
	attach_send(sock, o, NULL, 0, NULL);
}

/* ---- a visitor and a command */

struct visit {
	int sock, stop_fd;
	int fds[ATTACH_FDS];	/* a terminal, or three streams */
	bool deaf[2];		/* nobody reads this stream any more: then the command ends, as by SIGPIPE */
	int quit_fd;		/* eventfd: it is to end for that */
	json_t *request;
};

static void on_output(void *arg, enum sandbox_stream stream, const char *data, size_t len)
{
	struct visit *v = arg;

	if (!len || v->deaf[stream] || write_all_until(v->fds[1 + (int)stream], v->stop_fd, data, len) == 0)
		return;
	v->deaf[stream] = true;
	eventfd_write(v->quit_fd, 1);
}

static void add(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events };

	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Readable when the command has to end: time, signals, the visitor gone, or somebody at the other door. */
static int stop_fd(const struct keeper *k, int sock, int quit_fd)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -1;
	add(fd, cancel_fd(k->cancel), EPOLLIN);
	add(fd, k->kept->doors[END], EPOLLIN);
	add(fd, quit_fd, EPOLLIN);
	add(fd, sock, EPOLLIN | EPOLLRDHUP);	/* nothing more is expected of a visitor */
	return fd;
}

/* Without a command: a shell, of the better kind where there is one and somebody sits in front of it. */
static int fill_argv(const json_t *argv, bool tty, struct strvec *ret)
{
	const json_t *word;
	size_t i;

	if (json_array_size(argv) > ARGUMENTS_MAX)
		return -1;
	json_array_foreach(argv, i, word) {
		if (!json_is_string(word) || strlen(json_string_value(word)) != json_string_length(word))
			return -1;
		strvec_push(ret, json_string_value(word));
	}
	if (ret->len)
		return 0;
	strvec_push(ret, "/bin/sh");
	if (tty) {
		strvec_push(ret, "-c");
		strvec_push(ret, "if command -v bash > /dev/null; then exec bash --norc; fi; exec sh");
	}
	return 0;
}

static void fill_environment(const struct keeper *k, const json_t *request, struct strvec *env)
{
	const char *term = json_string_value(json_object_get(request, "term"));

	step_environment(k->parameters, "", k->result->plan && k->result->plan->spec.writable_root, env);
	strvec_pushf(env, "PS1=[%.12s \\w]\\$ ", k->result->run_id);
	if (term && strlen(term) < 64)
		strvec_pushf(env, "TERM=%s", term);
}

static void answer_end(int sock, const struct sandbox_exit *e)
{
	static const char *const ends[] = {
		[SANDBOX_EXITED] = "exited",	   [SANDBOX_SIGNALED] = "signaled",	      [SANDBOX_TIMED_OUT] = "timed_out",
		[SANDBOX_CANCELLED] = "cancelled", [SANDBOX_OUT_OF_MEMORY] = "out_of_memory", [SANDBOX_LOST] = "lost",
	};
	json_auto_t *o = json_object();

	json_put_text(o, "end", ends[e->end]);
	json_put_int(o, "status", e->status);
	attach_send(sock, o, NULL, 0, NULL);
}

/* Not every kind of sandbox has an input for commands, and none is needed for this one. */
static bool is_null_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static void say_started(int sock)
{
	json_auto_t *o = json_object();

	json_put_bool(o, "started", true);
	attach_send(sock, o, NULL, 0, NULL);
}

static void run_command(struct keeper *k, struct visit *v)
{
	bool tty = isatty(v->fds[0]) && v->fds[1] < 0;
	autostrvec struct strvec argv = STRVEC_INIT;
	autostrvec struct strvec env = STRVEC_INIT;
	struct sandbox_exit exit = { .status = 0 };
	struct error err = { 0 };
	struct sandbox_command command = {
		.grace_ns = GRACE_NS, .cancel_fd = v->stop_fd, .output = on_output, .output_arg = v,
		.tty_fd = tty ? v->fds[0] : 0, .input_fd = tty || is_null_device(v->fds[0]) ? 0 : v->fds[0],
	};

	if (v->fds[0] <= 0 || (!tty && (v->fds[1] <= 0 || v->fds[2] <= 0)) ||
	    fill_argv(json_object_get(v->request, "argv"), tty, &argv) < 0) {
		refuse(v->sock, "that is no request to attach");
		return;
	}
	fill_environment(k, v->request, &env);
	command.argv = (const char *const *)argv.items;
	command.env = (const char *const *)env.items;
	say_started(v->sock);
	if (sandbox_exec(k->kept->sandbox, &command, &exit, &err) < 0) {
		refuse(v->sock, err.text);
		return;
	}
	if (exit.end == SANDBOX_CANCELLED && (v->deaf[0] || v->deaf[1]))
		exit = (struct sandbox_exit){ .end = SANDBOX_SIGNALED, .status = SIGPIPE };
	answer_end(v->sock, &exit);
}

/* A visitor has a moment to say what is wanted; whoever says nothing must not keep the others out. */
static bool speaks(int sock)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	return poll(&p, 1, PATIENCE_MS) == 1;
}

static void let_in(struct keeper *k)
{
	struct visit v = { .sock = attach_accept(k->kept->doors[ATTACH]), .stop_fd = -1, .quit_fd = -1,
			   .fds = { -1, -1, -1 } };
	struct error err = { 0 };

	if (v.sock < 0)
		return;
	if (speaks(v.sock) && attach_recv(v.sock, -1, &v.request, v.fds, &err) == 0) {
		if (json_integer_value(json_object_get(v.request, "version")) != ATTACH_VERSION)
			refuse(v.sock, "this sandbox is held by another version of sandbox_runner; use that one");
		else if ((v.quit_fd = eventfd(0, EFD_CLOEXEC)) >= 0 && (v.stop_fd = stop_fd(k, v.sock, v.quit_fd)) >= 0)
			run_command(k, &v);
	}
	json_decref(v.request);
	for (size_t i = 0; i < ATTACH_FDS; i++)
		if (v.fds[i] >= 0)
			close(v.fds[i]);
	if (v.stop_fd >= 0)
		close(v.stop_fd);
	if (v.quit_fd >= 0)
		close(v.quit_fd);
	close(v.sock);
}

/* ---- the end */

/* NULL: not yet. */
static const char *why_end(struct keeper *k)
{
	struct pollfd p = { .fd = k->kept->doors[END], .events = POLLIN };

	if (cancel_requested(k->cancel))
		return cancel_signal(k->cancel) ? "a signal" : "its time was over";
	if (poll(&p, 1, 0) == 1) {
		k->ender = attach_accept(k->kept->doors[END]);
		if (k->ender >= 0)
			return "somebody ended it";
	}
	return NULL;
}

static void answer_ender(const struct keeper *k)
{
	json_auto_t *o = json_object();
	json_auto_t *request = NULL;
	int64_t gone = 0;

	for (size_t i = 0; i < k->result->cleanup.len; i++)
		gone += k->result->cleanup.items[i].gone;
	json_put_bool(o, "complete", k->result->cleanup_complete);
	json_put_int(o, "made", (int64_t)k->result->cleanup.len);
	json_put_int(o, "gone", gone);
	/* closing with the request unread would take the answer away */
	if (speaks(k->ender) && attach_recv(k->ender, -1, &request, NULL, NULL) == 0)
		attach_send(k->ender, o, NULL, 0, NULL);
	close(k->ender);
}

static void destroy(struct keeper *k, const char *why)
{
	struct result *result = k->result;
	uint64_t started = clock_monotonic_ns();
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(k->kept->doors); i++)
		close(steal_fd(&k->kept->doors[i]));
	fault_point("keep.end");
	sandbox_close(k->kept->sandbox);
	k->kept->sandbox = NULL;
	cleanup_list_release(&result->cleanup);
	result->cleanup_complete = journal_finish(k->kept->journal, &result->cleanup, &err) == 0;
	k->kept->journal = NULL;
	if (!result->cleanup_complete)
		strvec_pushf(&result->warnings, "clean-up is not complete: %s; run 'sandbox_runner gc'", err.text);
	reaper_dismiss(&k->kept->reaper);
	result->cleanup_ns = clock_monotonic_ns() - started;
	result->kept_ended_ns = clock_realtime_ns();
	result->kept_ended_by = why;
}

void keep_hold(struct kept_run *kept, const struct parameters *parameters, struct cancel *cancel, struct result *result)
{
	struct keeper k = { .kept = kept, .parameters = parameters, .cancel = cancel, .result = result, .ender = -1 };
	const char *why;

	fault_point("keep.hold");
	while (!(why = why_end(&k))) {
		struct pollfd p[] = {
			{ .fd = cancel_fd(cancel), .events = POLLIN },
			{ .fd = kept->doors[ATTACH], .events = POLLIN },
			{ .fd = kept->doors[END], .events = POLLIN },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents && !p[0].revents && !p[2].revents)
			let_in(&k);
	}
	destroy(&k, why ? why : "the keeper failed");
	if (k.ender >= 0)
		answer_ender(&k);
}
