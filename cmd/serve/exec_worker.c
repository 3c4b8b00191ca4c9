/* SPDX-License-Identifier: Apache-2.0
 * A worker of the pool: a process, two pipes, lines of JSON. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "cmd/serve/exec_pool_private.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define LINE_MAX_BYTES ((size_t)8 << 20)	/* two streams of 256 KiB, escaped, and a hundred events */
#define START_NS (60 * NS_PER_SEC)
#define SLACK_NS (30 * NS_PER_SEC)		/* of an order, past its time: looking, and cleaning up */
#define END_NS (60 * NS_PER_SEC)
#define KILL_NS (20 * NS_PER_SEC)

/* ---- what it says */

static enum error_code code_of(const char *word)
{
	for (enum error_code c = ERR_OK; c <= ERR_INTERNAL; c++)
		if (word && !strcmp(error_code_to_string(c), word))
			return c;
	return ERR_INTERNAL;
}

static void take_cleanup(struct exec_worker *w, const json_t *cleanup)
{
	json_int_t left = json_integer_value(json_object_get(cleanup, "left"));

	exec_pool_on_cleanup(w, json_is_true(json_object_get(cleanup, "complete")), left > 0 && left < 1000000 ? (unsigned int)left : 0);
}

/* It is a process of ours, but it lived next to code of others: a line that cannot be is one that fails. */
static void take_line(struct exec_worker *w, const char *text, size_t len)
{
	json_auto_t *json = NULL;
	const json_t *ready, *outcome, *cleanup;
	const char *error;
	struct error err;

	if (json_parse(text, len, "worker", &json, &err) < 0) {
		exec_pool_on_failure(w, ERR_INTERNAL, "the worker's answer cannot be read");
		return;
	}
	ready = json_object_get(json, "ready");
	outcome = json_object_get(json, "outcome");
	cleanup = json_object_get(json, "cleanup");
	error = json_string_value(json_object_get(json, "error"));
	if (error)
		exec_pool_on_failure(w, ready ? ERR_UNAVAILABLE : code_of(json_string_value(json_object_get(json, "code"))), error);
	else if (json_is_true(ready) && w->state == WORKER_STARTING)
		exec_pool_on_ready(w, json_object_get(json, "languages"));
	else if (json_is_object(outcome) && w->state == WORKER_BUSY)
		exec_pool_on_outcome(w, outcome);
	else if (json_is_object(cleanup))
		take_cleanup(w, cleanup);
}

static void take_lines(struct exec_worker *w)
{
	char *end;

	while ((end = memchr(w->line.buf, '\n', w->line.len))) {
		size_t len = (size_t)(end - w->line.buf);

		take_line(w, w->line.buf, len);
		memmove(w->line.buf, end + 1, w->line.len - len);	/* with the NUL */
		w->line.len -= len + 1;
	}
	if (w->line.overflow) {
		strbuf_clear(&w->line);
		exec_pool_on_failure(w, ERR_INTERNAL, "the worker's answer is too long");
	}
}

/* Everything that is there now. */
static void read_all(struct exec_worker *w)
{
	char chunk[65536];
	ssize_t n = -1;

	while (w->out >= 0 && ((n = read(w->out, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))) {
		if (n > 0)
			strbuf_add(&w->line, chunk, (size_t)n);
		if (w->line.overflow || memchr(chunk, '\n', n > 0 ? (size_t)n : 0))
			take_lines(w);
	}
	if (w->out >= 0 && n == 0) {
		loop_unwatch(w->reads);
		w->reads = NULL;
		close(steal_fd(&w->out));
	}
}

static void on_output(void *data, uint32_t events)
{
	(void)events;
	read_all(data);
}

/* ---- what it is told */

static void close_input(struct exec_worker *w)
{
	loop_unwatch(w->writes);
	w->writes = NULL;
	if (w->in >= 0)
		close(steal_fd(&w->in));
}

/* What does not fit the pipe now follows when there is room. */
static void on_room(void *data, uint32_t events)
{
	struct exec_worker *w = data;
	const struct strbuf *line = w->ticket ? &w->ticket->line : NULL;

	(void)events;
	while (line && w->sent < line->len) {
		ssize_t n = write(w->in, line->buf + w->sent, line->len - w->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (!w->writes)
				w->writes = loop_watch(w->pool->loop, w->in, EPOLLOUT, on_room, w);
			return;
		}
		if (n < 0)
			break;		/* it has gone: its exit says the rest */
		w->sent += (size_t)n;
	}
	close_input(w);
}

void exec_worker_give(struct exec_worker *w, struct exec_ticket *t)
{
	w->state = WORKER_BUSY;
	w->ticket = t;
	t->worker = w;
	loop_timer_set(w->timer, clock_deadline(t->timeout_ns + SLACK_NS));
	on_room(w, EPOLLOUT);
}

void exec_worker_hurry(struct exec_worker *w)
{
	if (w->child)
		loop_child_signal(w->child, SIGTERM);
}

void exec_worker_end(struct exec_worker *w)
{
	w->state = WORKER_ENDING;
	close_input(w);
	loop_timer_set(w->timer, clock_deadline(END_NS));
}

void exec_worker_dismiss(struct exec_worker *w)
{
	if (w->state != WORKER_ENDING && w->state != WORKER_WARM && w->child)
		loop_child_signal(w->child, SIGTERM);
	exec_worker_end(w);
}

/* ---- its life */

static void on_time(void *data)
{
	struct exec_worker *w = data;

	if (w->child)
		loop_child_signal(w->child, w->asked_to_end ? SIGKILL : SIGTERM);
	w->asked_to_end = true;
	loop_timer_set(w->timer, clock_deadline(KILL_NS));
}

static void on_exit_of(void *data, int wait_status)
{
	struct exec_worker *w = data;

	(void)wait_status;
	w->child = NULL;
	read_all(w);
	exec_pool_on_exit(w);
}

static int start(struct exec_pool *p, const struct strvec *argv, const int in[2], const int out[2], pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	static const int ours[] = { SIGPIPE, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t none, usual;
	int rc;

	sigemptyset(&none);
	sigemptyset(&usual);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		sigaddset(&usual, ours[i]);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&how, 0);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &usual);
	posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	rc = posix_spawn(ret, p->program, &files, &how, argv->items, p->environment.items);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&how);
	errno = rc;
	return rc ? -1 : 0;
}

/* The ends that stay here do not block; those of the child do. */
static int spawn(struct exec_worker *w, const struct strvec *argv, struct error *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = -1;

	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(out[0], F_SETFL, O_NONBLOCK) == 0)
		rc = start(w->pool, argv, in, out, &w->pid);
	if (rc < 0)
		error_sys(err, ERR_UNAVAILABLE, "starting a worker");
	w->in = in[1];
	w->out = out[0];
	if (in[0] >= 0)
		close(in[0]);
	if (out[1] >= 0)
		close(out[1]);
	return rc;
}

struct exec_worker *exec_worker_start(struct exec_pool *p, uint64_t memory_bytes, uint64_t cpu_millis, struct error *err)
{
	autostrvec struct strvec argv = STRVEC_INIT;
	struct exec_worker *w = xcalloc(1, sizeof(*w));

	w->pool = p;
	strbuf_init(&w->line, LINE_MAX_BYTES);
	strvec_push(&argv, p->program);
	strvec_push(&argv, "exec-worker");
	strvec_pushf(&argv, "--state-dir=%s", p->state_dir);
	if (memory_bytes)
		strvec_pushf(&argv, "--memory=%llu", (unsigned long long)memory_bytes);
	if (cpu_millis)
		strvec_pushf(&argv, "--cpus=%llum", (unsigned long long)cpu_millis);
	if (spawn(w, &argv, err) == 0) {
		w->child = loop_child(p->loop, w->pid, on_exit_of, w, err);
		if (!w->child)
			kill(w->pid, SIGTERM);	/* it cleans up, and is nobody's then */
	}
	if (!w->child) {
		exec_worker_free(w);
		return NULL;
	}
	w->reads = loop_watch(p->loop, w->out, EPOLLIN, on_output, w);
	w->timer = loop_timer_new(p->loop, on_time, w);
	loop_timer_set(w->timer, clock_deadline(START_NS));
	w->next = p->workers;
	p->workers = w;
	p->started++;
	return w;
}

void exec_worker_free(struct exec_worker *w)
{
	loop_unwatch(w->reads);
	close_input(w);
	loop_timer_free(w->timer);
	if (w->out >= 0)
		close(w->out);
	strbuf_release(&w->line);
	free(w);
}
