/* SPDX-License-Identifier: Apache-2.0
 * guest_place: somebody else's sandbox for a test, made with a few system calls: namespaces, a small root, sized
 * folders. guest_init is executed in it, with a socket as standard input and output. Deliberately less strict than a
 * runtime is. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "sandboxes/guest.h"
#include "tests/unit/must.h"

struct place {
	struct sandbox base;
	struct guest g;
	pid_t pid;
	bool no_work, no_pid_namespace, life;
	struct sandbox_exit exit;
	struct strbuf out[2];
	uint64_t timeout_ns, grace_ns;
};

static void place_must(bool ok, const char *what)
{
	if (ok)
		return;
	dprintf(2, "guest_place: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void place_bind(const char *from, const char *to, bool folder)
{
	if (access(from, F_OK) < 0)
		return;
	place_must((folder ? mkdir(to, 0755) : close(open(to, O_CREAT | O_WRONLY, 0644))) == 0, to);
	place_must(mount(from, to, NULL, MS_BIND | MS_REC, NULL) == 0, from);
}

static void place_write(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* In the new namespaces, mapped: the root, then the program. */
static _Noreturn void place_child(const struct place *p, int sock, int program)
{
	static const char *const folders[] = { "usr", "bin", "lib", "lib64" };
	char *argv[] = { (char *)"sandbox-init", NULL }, *env[] = { NULL };

	place_must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private");
	place_must(mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") == 0 && chdir("/tmp") == 0, "root");
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char from[16];

		snprintf(from, sizeof(from), "/%s", folders[i]);
		place_bind(from, folders[i], true);
	}
	place_must(mkdir("dev", 0755) == 0 && mkdir("proc", 0755) == 0 && mkdir("tmp", 0755) == 0, "folders");
	place_bind("/dev/null", "dev/null", false);
	place_bind("/dev/zero", "dev/zero", false);
	place_bind("/dev/urandom", "dev/urandom", false);
	place_must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0, "proc");
	place_must(mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=1m,nr_inodes=64") == 0, "tmp");
	if (p->life)
		place_must(mkdir(".sandbox_runner", 0755) == 0 && mkfifo(&GUEST_LIFE_PATH[1], 0644) == 0, "life");
	if (!p->no_work)
		place_must(mkdir("work", 0755) == 0 && mount("tmpfs", "work", "tmpfs", MS_NOSUID | MS_NODEV,
							     "mode=0755,uid=1000,gid=1000,size=4m,nr_inodes=64") == 0, "work");
	place_must(mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_BIND, NULL) == 0, "seal");
	place_must(syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0, "pivot");
	for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++) {}
	signal(SIGINT, SIG_IGN);	/* what a careless runtime leaves behind */
	place_must(dup2(sock, 0) == 0 && dup2(sock, 1) == 1, "dup");
	syscall(SYS_execveat, program, "", argv, env, AT_EMPTY_PATH);
	place_must(false, "exec");
	_exit(99);
}

static void place_start(struct place *p)
{
	int socks[2], ready[2], program = memfd_create("guest_init", 0);
	int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | (p->no_pid_namespace ? 0 : CLONE_NEWPID);
	bool root = geteuid() == 0;
	char text[64];

	must(program >= 0 && write_all(program, guest_init_program, guest_init_program_len) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) == 0 && pipe2(ready, O_CLOEXEC) == 0);
	p->pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
	if (p->pid == 0) {
		char c;

		close(ready[1]);
		place_must(read(ready[0], &c, 1) == 1, "go");
		if (root)
			place_must(setgroups(0, NULL) == 0, "groups");
		place_must(setresgid(1000, 1000, 1000) == 0 && setresuid(1000, 1000, 1000) == 0, "ids");
		place_child(p, socks[1], program);
	}
	must(p->pid > 0);
	snprintf(text, sizeof(text), "1000 %u 1\n", root ? 0x70001234u : (unsigned int)geteuid());
	place_write(p->pid, "uid_map", text);
	if (!root)
		place_write(p->pid, "setgroups", "deny");
	snprintf(text, sizeof(text), "1000 %u 1\n", root ? 0x70001234u : (unsigned int)getegid());
	place_write(p->pid, "gid_map", text);
	must(write(ready[1], "x", 1) == 1);
	close(ready[0]);
	close(ready[1]);
	close(socks[1]);
	close(program);
	p->g.transport = (struct guest_transport){ .to_fd = socks[0], .from_fd = socks[0] };
}

static void place_init(struct place *p)
{
	memset(p, 0, sizeof(*p));
	p->g.setup = (struct guest_setup){
		.limits = { .nofile = 64, .fsize = 8 << 20, .cpu_seconds = 20 }, .output_bytes = 1 << 20, .start_timeout_ms = 10000,
	};
	strbuf_init(&p->out[0], 4 << 20);
	strbuf_init(&p->out[1], 4 << 20);
	p->timeout_ns = 20 * NS_PER_SEC;
	p->grace_ns = 200 * NS_PER_MS;
}

static void place_open(struct place *p)
{
	struct error err = { .text = "" };

	place_start(p);
	if (guest_start(&p->g, &err) < 0)
		fail_msg("%s", err.text);
}

/* The end of its input ends it, and all with it. */
static void place_close(struct place *p)
{
	guest_close(&p->g);
	must(waitpid(p->pid, NULL, 0) == p->pid);
	strbuf_release(&p->out[0]);
	strbuf_release(&p->out[1]);
}

static __attribute__((unused)) void place_keep_output(void *arg, enum sandbox_stream stream, const char *data, size_t len)
{
	strbuf_add(&((struct place *)arg)->out[stream], data, len);
}

static __attribute__((unused)) void place_run(struct place *p, const char *const *argv)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "GREETING=hello world", NULL };
	const struct sandbox_command cmd = {
		.argv = argv, .env = env, .timeout_ns = p->timeout_ns, .grace_ns = p->grace_ns, .cancel_fd = -1,
		.output = place_keep_output, .output_arg = p,
	};
	struct error err = { .text = "" };

	strbuf_clear(&p->out[0]);
	strbuf_clear(&p->out[1]);
	p->exit = (struct sandbox_exit){ 0 };
	if (guest_exec(&p->g, &p->base, &cmd, &p->exit, &err) < 0)
		fail_msg("%s", err.text);
}

static __attribute__((unused)) void place_sh(struct place *p, const char *script)
{
	place_run(p, (const char *const[]){ "sh", "-c", script, NULL });
}
