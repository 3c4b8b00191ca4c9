/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/serve/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"

#define ANSWER_MAX ((size_t)4 << 20)
#define TIME_MAX_NS (30 * NS_PER_SEC)
#define KEPT_NS (60 * NS_PER_SEC)

extern char **environ;

static const struct {
	const char *name, *argv[4];
	bool state_dir;			/* it takes one */
} subjects[TOOL_SUBJECTS] = {
	[TOOL_DOCTOR] = { "doctor", { "doctor", "--format=json" }, true },
	[TOOL_RULES] = { "rules", { "rules", "list", "--format=json" }, false },
};

struct tool_ticket {
	struct tool_ticket *next, **link;
	void (*on_answer)(void *data, const json_t *answer, const char *failure);
	void *data;
};

struct tool {			/* of a subject */
	struct tools *tools;
	const char *name;
	struct tool_ticket *waiting;
	json_t *answer;			/* NULL: none yet, or none that is fresh */
	uint64_t until_ns;
	struct loop_child *child;	/* NULL: none runs */
	struct loop_watch *watch;	/* NULL: its output has ended */
	struct loop_timer *timer;
	struct strbuf text;
	int fd;
	bool late;
};

struct tools {
	struct loop *loop;
	char *program, *state_dir;
	struct tool tool[TOOL_SUBJECTS];
};

struct tools *tools_new(struct loop *l, const char *program, const char *state_dir)
{
	struct tools *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	t->program = xstrdup(program ? program : "/proc/self/exe");
	t->state_dir = xstrdup_or_null(state_dir);
	for (size_t i = 0; i < TOOL_SUBJECTS; i++)
		t->tool[i] = (struct tool){ .tools = t, .name = subjects[i].name, .fd = -1, .text = STRBUF_INIT(ANSWER_MAX) };
	return t;
}

/* ---- the answer */

static void unlink_ticket(struct tool_ticket *k)
{
	*k->link = k->next;
	if (k->next)
		k->next->link = k->link;
}

static void tell_all(struct tool *t, const char *failure)
{
	json_auto_t *answer = failure ? NULL : json_incref(t->answer);	/* who is told may ask again */
	struct tool_ticket *waiting = steal_ptr(&t->waiting), *last = waiting;

	if (waiting)
		waiting->link = &waiting;
	while ((last = waiting)) {
		unlink_ticket(last);
		last->on_answer(last->data, answer, failure);
		free(last);
	}
}

static void close_output(struct tool *t)
{
	loop_unwatch(t->watch);
	t->watch = NULL;
	if (t->fd >= 0)
		close(steal_fd(&t->fd));
}

static void read_output(struct tool *t)
{
	char buf[16 << 10];
	ssize_t n;

	while ((n = read(t->fd, buf, sizeof(buf))) > 0)
		strbuf_add(&t->text, buf, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(t);
}

/* It may have found trouble, and say so by its status: what counts is what it says. */
static void on_exit_(void *data, int wait_status)
{
	struct tool *t = data;
	char why[256] = "";
	json_t *answer = NULL;
	struct error err;

	t->child = NULL;
	loop_timer_free(t->timer);
	t->timer = NULL;
	if (t->fd >= 0)
		read_output(t);
	close_output(t);
	if (t->late)
		snprintf(why, sizeof(why), "'%s' took longer than %u s", t->name, (unsigned int)(TIME_MAX_NS / NS_PER_SEC));
	else if (WIFSIGNALED(wait_status))
		snprintf(why, sizeof(why), "'%s' was ended by signal %d", t->name, WTERMSIG(wait_status));
	else if (t->text.overflow)
		snprintf(why, sizeof(why), "'%s' said more than %zu bytes", t->name, ANSWER_MAX);
	else if (json_parse(t->text.buf, t->text.len, t->name, &answer, &err) < 0)
		snprintf(why, sizeof(why), "'%s' ended with status %d and no answer", t->name, WEXITSTATUS(wait_status));
	strbuf_release(&t->text);
	json_decref(t->answer);
	t->answer = answer;
	t->until_ns = answer ? clock_deadline(KEPT_NS) : 0;
	tell_all(t, answer ? NULL : why);
}

static void on_output(void *data, uint32_t events)
{
	(void)events;
	read_output(data);
}

static void on_late(void *data)
{
	struct tool *t = data;

	t->late = true;
	loop_child_signal(t->child, SIGKILL);
}

/* ---- the process */

static int spawn(const struct tool *t, int out, pid_t *pid)
{
	const size_t subject = (size_t)(t - t->tools->tool);
	const char *const *fixed = subjects[subject].argv;
	autostrvec struct strvec argv = STRVEC_INIT;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	strvec_push(&argv, "sandbox_runner");
	for (size_t i = 0; fixed[i]; i++)
		strvec_push(&argv, fixed[i]);
	if (t->tools->state_dir && subjects[subject].state_dir)
		strvec_pushf(&argv, "--state-dir=%s", t->tools->state_dir);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	rc = rc ? rc : posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	rc = rc ? rc : posix_spawn(pid, t->tools->program, &actions, &attributes, argv.items, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

/* -1: why[] says what is in the way. */
static int start(struct tool *t, char *why, size_t size)
{
	struct error err = { 0 };
	int pipe_fds[2], rc;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		snprintf(why, size, "'%s' cannot be asked: %s", t->name, strerror(errno));
		return -1;
	}
	rc = spawn(t, pipe_fds[1], &pid);
	close(pipe_fds[1]);
	t->fd = pipe_fds[0];
	fcntl(t->fd, F_SETFL, O_NONBLOCK);
	t->late = false;
	if (rc)
		snprintf(why, size, "'%s' cannot be asked: %s", t->name, strerror(rc));
	else if ((t->child = loop_child(t->tools->loop, pid, on_exit_, t, &err)) == NULL)
		snprintf(why, size, "'%s' cannot be waited for: %.150s", t->name, err.text);
	if (!t->child) {
		close_output(t);
		return -1;
	}
	t->watch = loop_watch(t->tools->loop, t->fd, EPOLLIN, on_output, t);
	t->timer = loop_timer_new(t->tools->loop, on_late, t);
	loop_timer_set(t->timer, clock_deadline(TIME_MAX_NS));
	return 0;
}

struct tool_ticket *tool_ask(struct tools *tools, enum tool_subject subject,
			     void (*on_answer)(void *data, const json_t *answer, const char *failure), void *data)
{
	struct tool *t = &tools->tool[subject];
	struct tool_ticket *k;
	char why[256];

	if (t->answer && !t->child && clock_monotonic_ns() < t->until_ns) {
		json_auto_t *answer = json_incref(t->answer);

		on_answer(data, answer, NULL);
		return NULL;
	}
	if (!t->child && start(t, why, sizeof(why)) < 0) {
		on_answer(data, NULL, why);
		return NULL;
	}
	k = xcalloc(1, sizeof(*k));
	*k = (struct tool_ticket){ .next = t->waiting, .link = &t->waiting, .on_answer = on_answer, .data = data };
	if (k->next)
		k->next->link = &k->next;
	t->waiting = k;
	return k;
}

void tool_forget(struct tool_ticket *k)
{
	if (!k)
		return;
	unlink_ticket(k);
	free(k);
}

void tools_free(struct tools *tools)
{
	for (size_t i = 0; tools && i < TOOL_SUBJECTS; i++) {
		struct tool *t = &tools->tool[i];

		if (t->child)
			loop_child_signal(t->child, SIGKILL);	/* the kernel reaps it when we have gone */
		loop_timer_free(t->timer);
		close_output(t);
		while (t->waiting)
			tool_forget(t->waiting);
		json_decref(t->answer);
		strbuf_release(&t->text);
	}
	if (tools) {
		free(tools->program);
		free(tools->state_dir);
	}
	free(tools);
}
