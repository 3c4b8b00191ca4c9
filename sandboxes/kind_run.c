/* SPDX-License-Identifier: Apache-2.0
 * Running kind, which takes its time, starts other programs and may hang. It dies with us; what it started is found by a mark in its
 * environment, whoever it belongs to by then. */
#include "sandboxes/kind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define SAID_MAX (16u << 10)
#define TICK_MS 250
#define KILL_NS (5 * NS_PER_SEC)

extern char **environ;

/* ---- what it is given */

static bool is_replaced(const char *variable)
{
	static const char *const names[] = {
		"KUBECONFIG=", "DOCKER_HOST=", "DOCKER_CONTEXT=", "CONTAINER_HOST=", "TMPDIR=", KIND_MARK "=", "KIND_CLUSTER_NAME=",
		"KIND_EXPERIMENTAL_PROVIDER=", "KIND_EXPERIMENTAL_DOCKER_NETWORK=", "KIND_EXPERIMENTAL_PODMAN_NETWORK=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(variable, names[i], strlen(names[i])))
			return true;
	return false;
}

static void make_environment(const struct kind_tools *tools, const struct kind_state *s, struct strvec *env)
{
	const char *slash = strrchr(tools->client, '/'), *path = getenv("PATH");
	const bool podman = !strcmp(s->provider, "podman");

	for (char **v = environ; *v; v++)
		if (!is_replaced(*v) && strncmp(*v, "PATH=", 5))
			strvec_push(env, *v);
	/* the client that we found, talking to the engine that we talk to; never a file of the user's */
	strvec_pushf(env, "PATH=%.*s:%s", (int)(slash - tools->client), tools->client, path ? path : "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
	strvec_pushf(env, "KUBECONFIG=%s", s->kubeconfig);
	strvec_pushf(env, "%s=unix://%s", podman ? "CONTAINER_HOST" : "DOCKER_HOST", s->socket);
	strvec_pushf(env, "KIND_EXPERIMENTAL_PROVIDER=%s", s->provider);
	strvec_pushf(env, "KIND_EXPERIMENTAL_%s_NETWORK=%s", podman ? "PODMAN" : "DOCKER", s->name);
	strvec_pushf(env, "TMPDIR=%s", s->files);
	strvec_pushf(env, KIND_MARK "=%s", s->name);
}

/* Without a file of the user's: a limit on processes, which pods cannot ask for themselves. It holds for the pods of the cluster's own, too. */
static int write_config(const struct kind_state *s, const struct sandbox_spec *spec, char path[700], struct error *err)
{
	const unsigned long long pids = spec->limits.pids > 512 ? spec->limits.pids : 512;
	autofree char *text = xasprintf("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nkubeadmConfigPatches:\n- |\n"
					"  kind: KubeletConfiguration\n  podPidsLimit: %llu\n", pids);

	snprintf(path, 700, "%s/kind.yaml", s->files);
	return file_write_atomic(path, text, strlen(text), 0600, err);
}

static int make_arguments(const struct kind_tools *tools, const struct kind_state *s, const struct sandbox_spec *spec, struct strvec *argv,
			  struct error *err)
{
	const struct sandbox_cluster_spec *c = &spec->cluster;
	autofree char *resolved = NULL;
	char config[700];

	if (!c->kind_config && write_config(s, spec, config, err) < 0)
		return -1;
	if (c->kind_config && !(resolved = realpath(c->kind_config, NULL)))
		return error_sys(err, ERR_INVALID_INPUT, "configuration for kind '%s'", c->kind_config);
	strvec_push(argv, tools->program);
	strvec_push(argv, "create");
	strvec_push(argv, "cluster");
	strvec_pushf(argv, "--name=%s", s->name);
	strvec_pushf(argv, "--kubeconfig=%s", s->kubeconfig);
	strvec_pushf(argv, "--config=%s", resolved ? resolved : config);
	if (c->kind_image)
		strvec_pushf(argv, "--image=%s", c->kind_image);
	return 0;
}

/* ---- the process */

struct child {
	pid_t pid;			/* and its process group; 0: waited for */
	int out;
	struct strbuf said;		/* a line that is not complete */
	struct strbuf error;		/* what kind says last */
};

static void become_kind(const struct strvec *argv, const struct strvec *env, const char *folder, int out, pid_t parent)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || chdir(folder) < 0)
		_exit(127);
	execve(argv->items[0], argv->items, env->items);
	dprintf(2, "ERROR: cannot run '%s': %s\n", argv->items[0], strerror(errno));
	_exit(127);
}

static int start(struct child *c, const struct strvec *argv, const struct strvec *env, const char *folder, struct error *err)
{
	const pid_t self = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot make a pipe");
	c->pid = fork();
	if (c->pid == 0)
		become_kind(argv, env, folder, fds[1], self);
	close(fds[1]);
	c->out = fds[0];
	if (c->pid < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot start '%s'", argv->items[0]);
	setpgid(c->pid, c->pid);	/* whoever is first */
	return 0;
}

/* " • Preparing nodes 📦 ..." is "Preparing nodes"; what is done (✓) is said by what begins next. */
static void tell(struct child *c, const struct sandbox_spec *spec, char *line)
{
	static const char begun[] = "\xe2\x80\xa2";
	char *text = line + strspn(line, " \t");
	size_t len;

	if (!strncmp(text, "ERROR", 5) || !strncmp(text, "Command Output", 14) || c->error.len)
		strbuf_addf(&c->error, "%s%s", c->error.len ? "; " : "", text);
	if (strncmp(text, begun, strlen(begun)))
		return;
	text += strlen(begun);
	text += strspn(text, " ");
	for (len = 0; text[len] && (unsigned char)text[len] < 0x80; len++)
		;
	while (len && strchr(" .", text[len - 1]))
		len--;
	text[len] = '\0';
	if (len)
		spec->progress(spec->progress_arg, text);
}

static void take(struct child *c, const struct sandbox_spec *spec, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n' && data[i] != '\r') {
			strbuf_addch(&c->said, data[i]);
			continue;
		}
		tell(c, spec, c->said.buf);
		strbuf_clear(&c->said);
	}
}

/* Until kind has ended, or why it must. */
static int attend(struct child *c, const struct sandbox_spec *spec, uint64_t deadline, int *status, struct error *err)
{
	uint64_t next = clock_deadline(NS_PER_SEC / 2);
	bool open = true;

	for (;;) {
		struct pollfd p = { .fd = open ? c->out : -1, .events = POLLIN };
		char data[4096];
		ssize_t n = poll(&p, 1, TICK_MS) > 0 ? read(c->out, data, sizeof(data)) : -1;

		if (n > 0)
			take(c, spec, data, (size_t)n);
		open = open && n != 0;
		if (n <= 0 && waitpid(c->pid, status, WNOHANG) == c->pid) {
			c->pid = 0;
			return 0;
		}
		if (!open)
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		if (clock_monotonic_ns() > deadline)
			return error_set(err, ERR_UNAVAILABLE, "kind does not come to an end; see if its container engine works");
		if (clock_monotonic_ns() > next) {
			next = clock_deadline(NS_PER_SEC / 2);
			if (!spec->progress(spec->progress_arg, NULL))
				return error_set(err, ERR_CANCELLED, "cancelled while kind was making the cluster");
		}
	}
}

static bool nobody_listens(void *arg, const char *line)
{
	(void)arg, (void)line;
	return true;
}

static int refusal(const struct child *c, int status, struct error *err)
{
	autostrbuf struct strbuf shown = STRBUF_INIT(700);

	utf8_escape(&shown, c->error.buf, c->error.len);
	if (!shown.len)
		strbuf_addf(&shown, "it ended with %s %d", WIFSIGNALED(status) ? "signal" : "status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return error_set(err, ERR_UNAVAILABLE, "kind cannot make a cluster: %s", shown.buf);
}

int kind_run(const struct kind_tools *tools, const struct kind_state *s, const struct sandbox_spec *spec, uint64_t timeout_ns, struct error *err)
{
	autostrvec struct strvec argv = STRVEC_INIT, env = STRVEC_INIT;
	struct child c = { .out = -1, .said = STRBUF_INIT(SAID_MAX), .error = STRBUF_INIT(SAID_MAX) };
	struct sandbox_spec heard = *spec;
	int status = 0, r = -1;

	if (!heard.progress)
		heard.progress = nobody_listens;
	if (make_arguments(tools, s, spec, &argv, err) < 0)
		return -1;
	make_environment(tools, s, &env);
	if (start(&c, &argv, &env, s->files, err) == 0)
		r = attend(&c, &heard, clock_deadline(timeout_ns), &status, err);
	if (c.pid > 0) {
		kill(-c.pid, SIGKILL);
		while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) {}
	}
	if (r == 0 && status != 0)
		r = refusal(&c, status, err);
	if (c.out >= 0)
		close(c.out);
	strbuf_release(&c.said);
	strbuf_release(&c.error);
	return r;
}

/* ---- those who outlived it */

static bool is_marked(const char *pid, const char *name)
{
	autofree char *path = xasprintf("/proc/%s/environ", pid);
	autofree char *mark = xasprintf(KIND_MARK "=%s", name);
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || file_read_fd(fd, path, &text, NULL) < 0)
		return false;
	for (size_t i = 0; i < text.len; i += strlen(text.buf + i) + 1)
		if (!strcmp(text.buf + i, mark))
			return true;
	return false;
}

/* Kills them all once; how many there were. */
static unsigned int kill_marked(const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned int n = 0;

	while (proc && (entry = readdir(proc)) != NULL) {
		const int pid = (int)strtol(entry->d_name, NULL, 10);
		autoclose int pidfd = -1;

		if (pid <= 1 || pid == getpid())
			continue;
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0 || !is_marked(entry->d_name, name))
			continue;
		n++;
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	}
	if (proc)
		closedir(proc);
	return n;
}

bool kind_kill(const char *name, unsigned int *found)
{
	const uint64_t deadline = clock_deadline(KILL_NS);
	unsigned int left = kill_marked(name);

	*found = left;
	while (left && clock_monotonic_ns() < deadline) {
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		left = kill_marked(name);
	}
	return left == 0;
}
