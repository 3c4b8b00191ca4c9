/* SPDX-License-Identifier: Apache-2.0
 * A step that makes it hard to be observed: `observed MODE`. Static, so that it runs under any root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKDIR "/work"	/* as every sandbox has it: SANDBOX_WORKDIR */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* ---- memory that changes while it is looked at */

static char race_path[4096];
static struct sockaddr_in race_address = { .sin_family = AF_INET };
static char *race_argv[8];
static atomic_bool race_over;

static void *change(void *arg)
{
	static char *const texts[] = { "/usr/x", WORKDIR "/x", "/etc/passwd", "" };

	(void)arg;
	for (unsigned int i = 0; !race_over; i++) {
		snprintf(race_path, sizeof(race_path), "%s", texts[i % COUNT(texts)]);
		if (i % 7 == 0)
			memset(race_path, 'x', sizeof(race_path));	/* no end */
		race_address.sin_family = (sa_family_t)(i % 3 ? AF_INET : i % 50);
		race_address.sin_addr.s_addr = htonl(i % 2 ? INADDR_LOOPBACK : 0xc0000201u + i);
		for (size_t k = 0; k < COUNT(race_argv) - 1; k++)
			race_argv[k] = i % 2 ? texts[k % COUNT(texts)] : (char *)(uintptr_t)(i * 4093u);
	}
	return NULL;
}

static int race(void)
{
	pthread_t thread;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	pthread_create(&thread, NULL, change, NULL);
	for (int i = 0; i < 3000; i++) {
		int file = open(race_path, O_WRONLY);

		if (file >= 0)
			close(file);
		connect(fd, (struct sockaddr *)&race_address, sizeof(race_address));
		sendto(fd, "x", 1, 0, (struct sockaddr *)&race_address, sizeof(race_address));
		mkdir(race_path, 0700);
		if (i % 100 == 0) {
			execve("/no/such/program", race_argv, NULL);
			execve(race_path, (char **)(uintptr_t)(i * 1021), NULL);
		}
	}
	race_over = true;
	pthread_join(thread, NULL);
	return 0;
}

/* ---- dying, stopping, many at once */

static _Noreturn void keep_calling(void)
{
	for (;;) {
		unlink(WORKDIR "/no-such-file");
		mkdir("/usr/x", 0700);
		syscall(SYS_mount, "a", "/b", "c", 0, NULL);
	}
}

static int die(void)
{
	pid_t pids[20];

	for (int round = 0; round < 10; round++) {
		for (size_t i = 0; i < COUNT(pids); i++)
			if ((pids[i] = fork()) == 0)
				keep_calling();
		pause_ms(5);
		for (size_t i = 0; i < COUNT(pids); i++)
			kill(pids[i], i % 2 ? SIGKILL : SIGTERM);
		while (wait(NULL) > 0) {}
	}
	return 0;
}

static int stop(void)
{
	pid_t pid = fork();

	if (pid == 0)
		keep_calling();
	for (int i = 0; i < 200; i++) {
		kill(pid, SIGSTOP);
		if (i % 2)
			sched_yield();
		kill(pid, SIGCONT);
	}
	kill(pid, SIGSTOP);
	pause_ms(20);
	return 0;
}

static int swarm(void)
{
	int bad = 0, status;

	for (int i = 0; i < 100; i++) {
		if (fork() != 0)
			continue;
		char name[32];

		snprintf(name, sizeof(name), WORKDIR "/swarm%d", i);
		for (int k = 0; k < 30; k++) {
			if (mkdir(name, 0700) < 0 || rmdir(name) < 0)
				_exit(1);
			if (syscall(SYS_mount, "a", "/b", "c", 0, NULL) != -1 || errno != EPERM)
				_exit(2);
			if (syscall(SYS_unshare, 0x10000000) != -1 || errno != EPERM)
				_exit(3);
			if (socket(AF_VSOCK, SOCK_STREAM, 0) != -1 || errno != ENOSYS)
				_exit(4);
			if (mkdir("/usr/swarm", 0700) != -1 || errno != EROFS)
				_exit(5);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad != 0;
}

/* ---- hiding */

static int hide(const char *self)
{
	int in = open(self, O_RDONLY), out = open(WORKDIR "/hidden", O_WRONLY | O_CREAT | O_EXCL, 0700);
	char chunk[65536];
	ssize_t n;

	while ((n = read(in, chunk, sizeof(chunk))) > 0)
		if (write(out, chunk, (size_t)n) != n)
			return 1;
	close(out);
	chmod(WORKDIR "/hidden", 0111);
	execl(WORKDIR "/hidden", "hidden", "hidden", NULL);
	return 2;
}

/* It works as if nobody looked. */
static int hidden(void)
{
	return mkdir(WORKDIR "/made-in-hiding", 0700) < 0 || socket(AF_VSOCK, SOCK_STREAM, 0) != -1 || errno != ENOSYS;
}

static int undumpable(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 1;
	return mkdir("/usr/undumpable", 0700) != -1 || errno != EROFS;
}

/* A second listener could answer instead of ours. */
static int listen_too(void)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF) };
	struct sock_fprog program = { 1, code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) != -1 || errno != EBUSY)
		return 1;
	return 0;
}

/* ---- much */

static int fill(void)
{
	for (int i = 0; i < 5000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "name%d", i);
		syscall(SYS_mount, name, "/b", "c", 0, NULL);
	}
	return 0;
}

static int flood(void)
{
	for (int i = 0; i < 20000; i++)
		syscall(SYS_setns, -1, 0);
	return 0;
}

static int forks(void)
{
	for (int i = 0; i < 10100; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(3);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
	}
	return 0;
}

static int long_arguments(void)
{
	static char *argv[3000];
	static char text[100000];

	memset(text, 'a', sizeof(text) - 1);
	for (size_t i = 0; i < COUNT(argv) - 1; i++)
		argv[i] = i == 1 ? text : "x'y";
	execv(WORKDIR "/observed", argv);
	return 1;
}

/* ---- every call with nothing and with nonsense: the answers must be those of a step that is not observed */

static void answer_of(long nr, long argument)
{
	static const struct itimerval alarm = { .it_value = { .tv_usec = 50000 } };
	int status, fds[2];
	char text[64] = "";
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0) {
		long r;

		setpgid(0, 0);
		dup2(fds[1], 60);	/* out of the way of calls on descriptors 0 and 1 */
		setitimer(ITIMER_REAL, &alarm, NULL);
		r = syscall(nr, argument, argument, argument, argument, argument, argument);
		if (getpid() != syscall(SYS_getpid) || getppid() == 0)
			_exit(0);
		snprintf(text, sizeof(text), "%s %d", r == -1 ? "error" : "ok", r == -1 ? errno : 0);
		if (write(60, text, sizeof(text)) < 0) {}
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], text, sizeof(text)) < 0) {}
	close(fds[0]);
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
	printf("%ld(%ld) %s\n", nr, argument, text);
}

static int answers(void)
{
	/* ends by itself in its own way, waits, makes a process of the same, or kills whom it may: nothing to compare */
	static const long left_out[] = {
		SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_clone, SYS_fork, SYS_vfork, SYS_kill, SYS_tkill, SYS_tgkill, SYS_pause,
		SYS_munmap, SYS_brk, SYS_mmap, SYS_mremap, SYS_close_range, SYS_setitimer, SYS_alarm, SYS_select, SYS_poll, SYS_ppoll,
		SYS_pselect6, SYS_rt_sigsuspend, SYS_setrlimit, SYS_msgget, SYS_semget, SYS_shmget, SYS_write, SYS_writev, SYS_read,
		SYS_getpgid, SYS_getsid, SYS_seccomp, SYS_shmat, SYS_remap_file_pages, SYS_set_robust_list, SYS_arch_prctl,
	};

	for (long nr = 0; nr < 470; nr++) {
		bool skip = false;

		for (size_t i = 0; i < COUNT(left_out); i++)
			skip |= left_out[i] == nr;
		if (skip)
			continue;
		answer_of(nr, 0);
		answer_of(nr, -1);
		answer_of(nr, 1);
		answer_of(nr, 0x7e020001);	/* all flags of namespaces */
		answer_of(nr, 0x2001);
		answer_of(nr, 17);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct { const char *name; int (*run)(void); } modes[] = {
		{ "race", race }, { "die", die }, { "stop", stop }, { "swarm", swarm }, { "hidden", hidden },
		{ "undumpable", undumpable }, { "listen", listen_too }, { "fill", fill }, { "flood", flood }, { "forks", forks },
		{ "long", long_arguments }, { "answers", answers },
	};

	for (size_t i = 0; argc == 2 && i < COUNT(modes); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run();
	return argc == 2 && !strcmp(argv[1], "hide") ? hide(WORKDIR "/observed") : 100;
}
