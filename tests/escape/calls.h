/* SPDX-License-Identifier: Apache-2.0
 * calls: the system calls a step must not have. */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <termios.h>

#include "attempt.h"

/* They must be refused as such: any error but these two would mean that the kernel looked further */
struct call {
	const char *name;
	long nr;
	long args[6];
};
static char junk[4096];

static void try_call(const void *arg)
{
	const struct call *c = arg;
	long r = syscall(c->nr, c->args[0], c->args[1], c->args[2], c->args[3], c->args[4], c->args[5]);

	end(r != -1 || (errno != EPERM && errno != ENOSYS), "%s", r == -1 ? strerror(errno) : "succeeded");
}

#define J ((long)junk)
static const struct call calls[] = {
	{ "unshare user", SYS_unshare, { CLONE_NEWUSER } }, { "unshare mount", SYS_unshare, { CLONE_NEWNS } },
	{ "unshare time", SYS_unshare, { 0x80 } }, { "unshare nothing", SYS_unshare, { 0 } },
	{ "clone user", SYS_clone, { CLONE_NEWUSER | SIGCHLD } }, { "clone mount", SYS_clone, { CLONE_NEWNS | SIGCHLD } },
	{ "clone pid", SYS_clone, { CLONE_NEWPID | SIGCHLD } }, { "clone net", SYS_clone, { CLONE_NEWNET | SIGCHLD } },
	{ "clone ipc", SYS_clone, { CLONE_NEWIPC | SIGCHLD } }, { "clone uts", SYS_clone, { CLONE_NEWUTS | SIGCHLD } },
	{ "clone cgroup", SYS_clone, { CLONE_NEWCGROUP | SIGCHLD } },
	{ "clone3", 435, { J, 88 } },
	{ "setns", SYS_setns, { -1, 0 } }, { "mount", SYS_mount, { 0, J, 0, 0, 0 } }, { "umount", SYS_umount2, { J, 0 } },
	{ "pivot_root", SYS_pivot_root, { J, J } }, { "chroot", SYS_chroot, { (long)"/proc" } },
	{ "fsopen", 430, { J, 0 } },
	{ "fsconfig", 431, { -1 } }, { "fsmount", 432, { -1 } }, { "fspick", 433, { -1, J } },
	{ "open_tree", 428, { AT_FDCWD, J, 1 } },
	{ "move_mount", 429, { -1, J, -1, J } },
	{ "mount_setattr", 442, { AT_FDCWD, J, 0, J, 32 } },
	{ "ptrace", SYS_ptrace, { 0x4206, 1 } }, { "ptrace traceme", SYS_ptrace, { 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1, J, 1, J, 1 } }, { "process_vm_writev", SYS_process_vm_writev, { 1, J, 1, J, 1 } },
	{ "pidfd_getfd", 438, { -1, 0, 0 } },
	{ "kcmp", SYS_kcmp, { 1, 1, 0, 0, 0 } },
	{ "keyctl", SYS_keyctl, { 0, -4, 0 } }, { "add_key", SYS_add_key, { J, J, 0, 0, -1 } },
	{ "request_key", SYS_request_key, { J, J, 0, -1 } },
	{ "bpf", SYS_bpf, { 0, 0, 0 } }, { "perf_event_open", SYS_perf_event_open, { 0 } },
	{ "userfaultfd", SYS_userfaultfd, { 0xffff } },
	{ "io_uring_setup", 425, { 0, 0 } }, { "io_uring_enter", 426, { -1 } }, { "io_uring_register", 427, { -1 } },
	{ "kexec_load", SYS_kexec_load, { 0, 777, 0, 0 } }, { "kexec_file_load", SYS_kexec_file_load, { -1, -1 } },
	{ "init_module", SYS_init_module, { 0, 0, 0 } }, { "finit_module", SYS_finit_module, { -1, 0, 0 } },
	{ "delete_module", SYS_delete_module, { 0, 0 } },
	{ "reboot", SYS_reboot, { 7, 7, 7, 0 } },
	{ "swapon", SYS_swapon, { J, 0 } }, { "swapoff", SYS_swapoff, { J } },
	{ "settimeofday", SYS_settimeofday, { 0, 0 } },
	{ "clock_settime", SYS_clock_settime, { 0, 0 } }, { "clock_adjtime", SYS_clock_adjtime, { 0, J } },
	{ "adjtimex", SYS_adjtimex, { J } },
	{ "sethostname", SYS_sethostname, { J, -1 } }, { "setdomainname", SYS_setdomainname, { J, -1 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { -1, J, 0 } },
	{ "acct", SYS_acct, { (long)"/no/such/file" } }, { "syslog", SYS_syslog, { 10, 0, 0 } }, { "vhangup", SYS_vhangup, { 0 } },
	{ "quotactl", SYS_quotactl, { 0 } }, { "quotactl_fd", 443, { -1 } },
	{ "fanotify_init", SYS_fanotify_init, { 0, 0 } },
	{ "personality", SYS_personality, { 0x0040000 } },
	{ "mbind", SYS_mbind, { 0 } },
	{ "unknown system call", 1000, { 0 } },
	{ "TIOCSTI", SYS_ioctl, { 0, TIOCSTI, J } },
	{ "TIOCSTI with a high bit", SYS_ioctl, { 0, (long)(TIOCSTI | 1ULL << 32), J } },
	{ "TIOCLINUX", SYS_ioctl, { 0, TIOCLINUX, J } },
	{ "prlimit of init", SYS_prlimit64, { 1, RLIMIT_NOFILE, J, 0 } },
	{ "prlimit of init with a high bit", SYS_prlimit64, { (long)(1 | 1ULL << 32), RLIMIT_NOFILE, J, 0 } },
	{ "nice of init", SYS_setpriority, { PRIO_PROCESS, 1, 19 } }, { "nice of the user", SYS_setpriority, { PRIO_USER, 0, 19 } },
	{ "cpus of init", SYS_sched_setaffinity, { 1, 8, J } }, { "policy of init", SYS_sched_setscheduler, { 1, SCHED_OTHER, J } },
	{ "attributes of init", SYS_sched_setattr, { 1, J, 0 } }, { "i/o of init", SYS_ioprio_set, { 1, 1, 0 } },
#ifdef __x86_64__
	{ "iopl", SYS_iopl, { 3 } },
	{ "ioperm", SYS_ioperm, { 0, 1, 1 } },
	{ "x32 getpid", 0x40000000 + 39, { 0 } },
#endif
};

static void try_i386(const void *arg)
{
	(void)arg;
#ifdef __x86_64__
	long r = 20;	/* getpid there */
	long also = SYS_getpid, refused = SYS_ptrace;	/* for a kernel that makes no difference, and one filter does for both */

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory");
	__asm__ volatile("int $0x80" : "+a"(also) : : "memory");
	__asm__ volatile("int $0x80" : "+a"(refused) : "D"(PTRACE_TRACEME) : "memory");
	if (also == getpid() && refused < 0)
		end(0, "taken for the 64-bit one, and filtered like it");
	end(1, "the 32-bit entry point answered %ld", r);
#else
	end(0, "not on this machine");
#endif
}
