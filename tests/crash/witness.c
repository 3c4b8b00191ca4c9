/* SPDX-License-Identifier: Apache-2.0
 * witness [options] -- COMMAND…: run a command, do something cruel to it, and say when the last process it led to is gone.
 *
 * As a subreaper it inherits every orphan below it (daemons, double forks, own sessions), so "no child left" (ECHILD) is the proof
 * that nothing of the command is alive; no process list is searched for names, and nobody else's processes are in the way.
 *
 *	-o FILE, -e FILE	stdout and stderr of the command
 *	-c			stdout of the command is a pipe whose reader has gone
 *	-w TEXT			act when TEXT has appeared on stdout; otherwise at once
 *	-d USEC			act so much later
 *	-k SIGNAL		the signal to send
 *	-t runner|group|parent|all	to whom: the command; its process group; a process between us and it; everything, at once
 *	-r USEC			send it once more so much later
 *	-l SECONDS		how long anything may outlive the command (5)
 *
 * Prints one line: status=N (128+n for a signal) acted=0|1 took=N left=N ms=N: how long the command lived after the act, how many
 * outlived it, and how long. What is left is named on stderr and killed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_LIMIT_SEC 60

enum target { TARGET_RUNNER, TARGET_GROUP, TARGET_PARENT, TARGET_ALL };

static struct {
	const char *out, *err, *wait_for;
	long delay_us, again_us, limit_sec;
	int signal;
	enum target target;
	bool closed;
	char **argv;
} opt = { .limit_sec = 5 };

static struct {
	pid_t parent, command;		/* parent: 0 when there is none between */
	pid_t *shared;			/* the command's pid, told by the process between */
	int pipe_fd, out_fd;
	char seen[65536];		/* head of stdout */
	size_t seen_len;
	bool acted, over;
	int status;
	double acted_at, over_at;
} now = { .pipe_fd = -1, .out_fd = -1 };

static void die(const char *what)
{
	fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- start */

static void become_command(int stdout_fd)
{
	int null_fd = open("/dev/null", O_RDWR);
	int err_fd = opt.err ? open(opt.err, O_WRONLY | O_CREAT | O_TRUNC, 0644) : dup(STDERR_FILENO);

	setpgid(0, 0);
	dup2(null_fd, STDIN_FILENO);
	dup2(stdout_fd, STDOUT_FILENO);
	dup2(err_fd, STDERR_FILENO);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	execvp(opt.argv[0], opt.argv);
	_exit(127);
}

static void start(void)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		die("pipe");
	if (opt.out && (now.out_fd = open(opt.out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0)
		die(opt.out);
	now.shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (opt.target == TARGET_PARENT) {
		now.parent = fork();
		if (now.parent == 0) {
			pid_t pid = fork();

			if (pid == 0)
				become_command(p[1]);
			*now.shared = pid;
			close(p[1]);
			for (;;)
				pause();
		}
		while (!*(volatile pid_t *)now.shared)
			poll(NULL, 0, 1);
		now.command = *now.shared;
	} else {
		now.command = fork();
		if (now.command == 0)
			become_command(p[1]);
	}
	if (now.command < 0)
		die("fork");
	close(p[1]);
	now.pipe_fd = p[0];
	if (opt.closed) {
		close(now.pipe_fd);
		now.pipe_fd = -1;
	}
}

/* ---- everything below us */

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	ssize_t n;
	int fd;
	char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')');		/* the name may hold anything */
	return p ? (pid_t)strtol(p + 4, NULL, 10) : 0;
}

static bool is_below_us(pid_t pid)
{
	for (int depth = 0; pid > 1 && depth < 64; depth++) {
		pid = parent_of(pid);
		if (pid == getpid())
			return true;
	}
	return false;
}

static int for_all_below(int signal, bool tell)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (proc && (e = readdir(proc))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		char path[64], name[256] = "";
		int fd;

		if (pid <= 0 || !is_below_us(pid))
			continue;
		n++;
		snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
		fd = tell ? open(path, O_RDONLY) : -1;
		if (fd >= 0) {
			ssize_t len = read(fd, name, sizeof(name) - 1);

			for (ssize_t i = 0; i + 1 < len; i++)
				name[i] = name[i] ? name[i] : ' ';
			close(fd);
			fprintf(stderr, "left: process %d %s\n", (int)pid, name);
		}
		kill(pid, signal);
	}
	if (proc)
		closedir(proc);
	return n;
}

/* ---- watch */

static void strike(void)
{
	switch (opt.target) {
	case TARGET_RUNNER:
		kill(now.command, opt.signal);
		break;
	case TARGET_GROUP:
		kill(-now.command, opt.signal);
		break;
	case TARGET_PARENT:
		kill(now.parent, opt.signal);
		break;
	case TARGET_ALL:
		for_all_below(SIGSTOP, false);	/* nobody gets to react to the end of another */
		for_all_below(SIGKILL, false);
		break;
	}
}

static void act(void)
{
	if (now.acted || now.over || !opt.signal)
		return;
	if (opt.wait_for && !memmem(now.seen, now.seen_len, opt.wait_for, strlen(opt.wait_for)))
		return;
	if (opt.delay_us)
		usleep((useconds_t)opt.delay_us);
	now.acted = true;
	now.acted_at = seconds();
	strike();
	if (opt.again_us) {
		usleep((useconds_t)opt.again_us);
		strike();
	}
}

static void read_stdout(int wait_ms)
{
	struct pollfd pfd = { .fd = now.pipe_fd, .events = POLLIN };
	char chunk[65536];
	ssize_t n;

	if (poll(&pfd, 1, wait_ms) != 1)
		return;
	n = read(now.pipe_fd, chunk, sizeof(chunk));
	if (n <= 0) {
		close(now.pipe_fd);
		now.pipe_fd = -1;
		return;
	}
	if (now.out_fd >= 0 && write(now.out_fd, chunk, (size_t)n) < 0)
		die("write");
	if ((size_t)n > sizeof(now.seen) - now.seen_len)
		n = (ssize_t)(sizeof(now.seen) - now.seen_len);
	memcpy(now.seen + now.seen_len, chunk, (size_t)n);
	now.seen_len += (size_t)n;
}

/* true: no child is left, and never will be */
static bool reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == now.parent)
			now.parent = 0;
		if (pid != now.command)
			continue;
		now.over = true;
		now.over_at = seconds();
		now.status = status;
		if (now.parent)
			kill(now.parent, SIGKILL);	/* it only stood between */
	}
	return pid < 0;
}

static int watch(void)
{
	double deadline = seconds() + COMMAND_LIMIT_SEC;

	for (;;) {
		act();
		if (reap())
			return 0;
		if (now.acted && opt.target == TARGET_ALL)
			for_all_below(SIGKILL, false);	/* who was born meanwhile */
		if (seconds() > (now.over ? now.over_at + (double)opt.limit_sec : deadline))
			break;
		read_stdout(now.over ? 1 : 2);
	}
	{
		int left = for_all_below(SIGKILL, true);

		while (!reap())
			for_all_below(SIGKILL, false);
		return left;
	}
}

static void parse(int argc, char **argv)
{
	static const char *const targets[] = { "runner", "group", "parent", "all", NULL };
	int c;

	while ((c = getopt(argc, argv, "+o:e:cw:d:k:t:l:r:")) != -1) {
		switch (c) {
		case 'o': opt.out = optarg; break;
		case 'e': opt.err = optarg; break;
		case 'c': opt.closed = true; break;
		case 'w': opt.wait_for = optarg; break;
		case 'd': opt.delay_us = strtol(optarg, NULL, 10); break;
		case 'k': opt.signal = (int)strtol(optarg, NULL, 10); break;
		case 'r': opt.again_us = strtol(optarg, NULL, 10); break;
		case 'l': opt.limit_sec = strtol(optarg, NULL, 10); break;
		case 't':
			for (opt.target = 0; targets[opt.target] && strcmp(targets[opt.target], optarg); opt.target++)
				;
			if (targets[opt.target])
				break;
			__attribute__((fallthrough));
		default:
			fprintf(stderr, "usage: see the head of witness.c\n");
			exit(2);
		}
	}
	opt.argv = argv + optind;
	if (!*opt.argv)
		exit(2);
}

int main(int argc, char **argv)
{
	double end;
	int left;

	parse(argc, argv);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("subreaper");
	start();
	left = watch();
	end = seconds();
	printf("status=%d acted=%d took=%.0f left=%d ms=%.0f\n",
	       WIFSIGNALED(now.status) ? 128 + WTERMSIG(now.status) : WEXITSTATUS(now.status), now.acted,
	       now.acted ? (now.over_at - now.acted_at) * 1e3 : 0.0, left,
	       (end - now.over_at) * 1e3);
	return left ? 1 : 0;
}
