/* SPDX-License-Identifier: Apache-2.0
 * runs_spawn: a process for a run. Between vfork() and exec the child borrows our memory and may only make system calls; all it needs is
 * prepared before. It is told when we die, has its own process group, and nothing of ours but what is opened for it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/serve/runs_private.h"
#include "runner/base/file.h"

#define EVENTS_FD 3
#define CLOSE_RANGE_CLOEXEC_FLAG (1u << 2)
#define GC_REPORT_MAX_BYTES ((size_t)4 << 20)

extern char **environ;

/* ---- environment and command line */

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* Ours are for us: options of `serve` that a run has, too, and what systemd gave us. */
void runs_environment(struct strvec *ret)
{
	static const char *const ours[] = { "NOTIFY_SOCKET=", "LISTEN_", "WATCHDOG_", "INVOCATION_ID=", "CREDENTIALS_DIRECTORY=", "JOURNAL_STREAM=" };
	static const char *const kept[] = { "SANDBOX_RUNNER_TEST_", "SANDBOX_RUNNER_NOTIFY_TOKEN=" };

	for (char **e = environ; *e; e++) {
		bool keep = !begins(*e, "SANDBOX_RUNNER_");

		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			keep = keep && !begins(*e, ours[i]);
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			keep = keep || begins(*e, kept[i]);
		if (keep)
			strvec_push(ret, *e);
	}
}

static void push_option(struct strvec *argv, const char *option, const char *value)
{
	if (value)
		strvec_pushf(argv, "--%s=%s", option, value);
}

/* What the request asks for, then what the operator says, which wins, then what is ours. */
void runs_command(const struct runs *r, const struct run_order *order, const char *package, struct run *run)
{
	struct strvec *argv = &run->argv;

	strvec_push(argv, "sandbox_runner");
	strvec_push(argv, "run");
	strvec_pushf(argv, "--timeout=%llums", (unsigned long long)(run->timeout_ns < NS_PER_MS ? 1 : run->timeout_ns / NS_PER_MS));
	push_option(argv, "type", order->type);
	push_option(argv, "profile", order->profile);
	push_option(argv, "override", order->override);
	push_option(argv, "notify", order->notify);
	if (order->monitor)
		strvec_push(argv, "--monitor-resources");
	if (json_object_size(order->parameters))
		strvec_push(argv, "--params-file=parameters.json");
	strvec_push(argv, "--save-artifacts=artifacts");
	for (size_t i = 0; i < r->arguments.len; i++)
		strvec_push(argv, r->arguments.items[i]);
	push_option(argv, "wpk", package);
	push_option(argv, "state-dir", r->state_dir);
	push_option(argv, "run-id", run->row.id);
	strvec_pushf(argv, "--events-fd=%d", EVENTS_FD);
	strvec_push(argv, "--format=json");
	strvec_push(argv, "--no-history");
	strvec_push(argv, "--quiet");
}

/* ---- the process */

struct child {
	const char *program;
	char *const *argv, *const *environment;
	int folder;		/* where it works; -1: where we do */
	int out, said;		/* its standard output, and error; -1: result.json in the folder, ours */
	pid_t parent;
	volatile int error;	/* errno of the child, when it could not become the program */
};

/* `fd` becomes `as`; -1: nothing was opened. */
static int become(int fd, int as)
{
	if (fd < 0 || fd == as)
		return fd < 0 ? -1 : fcntl(fd, F_SETFD, 0);
	return dup2(fd, as) < 0 ? -1 : 0;
}

/* In the folder by now: its descriptor may be the one that the events get. */
static int open_files(const struct child *c)
{
	const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;

	if (become(open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO) < 0 || (c->said >= 0 && become(c->said, STDERR_FILENO) < 0))
		return -1;
	if (c->folder < 0)
		return become(c->out, STDOUT_FILENO);
	return become(open("result.json", flags, 0600), STDOUT_FILENO) < 0 || become(open("events.ndjson", flags, 0600), EVENTS_FD) < 0 ? -1 : 0;
}

static void be_child(struct child *c)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	if (setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == c->parent &&
	    (c->folder < 0 || fchdir(c->folder) == 0) && open_files(c) == 0 &&
	    syscall(SYS_close_range, c->folder < 0 ? EVENTS_FD : EVENTS_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC_FLAG) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(c->program, c->argv, c->environment);
	c->error = errno ? errno : ESRCH;
	_exit(127);
}

/* Signals are held back while the child shares our memory: none of our handlers may run in it. */
__attribute__((noinline)) static pid_t start(struct child *c)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	c->parent = getpid();
	c->error = 0;
	pid = vfork();
	if (pid == 0)
		be_child(c);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static pid_t spawn(struct child *c, struct error *err)
{
	pid_t pid = start(c);

	if (pid < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start a process");
	if (!c->error)
		return pid;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
	errno = c->error;
	return error_sys(err, ERR_UNAVAILABLE, "cannot start '%s'", c->program);
}

/* What it says goes to memory that cannot grow: most say nothing, and that is no file on disk. */
static int open_said(struct error *err)
{
	autoclose int fd = memfd_create("stderr", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, RUNS_STDERR_MAX_BYTES) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a memory file");
	return steal_fd(&fd);
}

pid_t runs_spawn(struct runs *r, struct run *run, struct error *err)
{
	autoclose int folder = runs_files_folder(r, run->row.id);
	struct child c = { .program = r->program, .argv = run->argv.items, .environment = r->environment.items, .folder = folder, .out = -1 };

	if (folder < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open the folder of the run");
	run->said = c.said = open_said(err);
	return run->said < 0 ? -1 : spawn(&c, err);
}

/* ---- gc */

pid_t runs_spawn_gc(struct runs *r, int *ret_report, struct error *err)
{
	autostrvec struct strvec argv = STRVEC_INIT;
	autoclose int report = memfd_create("gc", MFD_CLOEXEC);
	struct child c = { .program = r->program, .environment = r->environment.items, .folder = -1, .out = report, .said = -1 };
	pid_t pid;

	if (report < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a memory file");
	strvec_push(&argv, "sandbox_runner");
	strvec_push(&argv, "gc");
	strvec_pushf(&argv, "--state-dir=%s", r->state_dir);
	strvec_push(&argv, "--format=json");
	c.argv = argv.items;
	pid = spawn(&c, err);
	if (pid > 0)
		*ret_report = steal_fd(&report);
	return pid;
}

int runs_gc_left(int report_fd)
{
	autoclose int fd = report_fd;
	autostrbuf struct strbuf text = STRBUF_INIT(GC_REPORT_MAX_BYTES);
	json_auto_t *report = NULL;
	const json_t *item;
	size_t i;
	int left = 0;

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 || file_read_fd(fd, "gc", &text, NULL) < 0 || json_parse(text.buf, text.len, "gc", &report, NULL) < 0)
		return -1;
	json_array_foreach(json_object_get(report, "items"), i, item)
		left += json_is_false(json_object_get(item, "gone"));
	return left;
}
