/* SPDX-License-Identifier: Apache-2.0
 * The program that makes the system call filter. It runs once, when sandbox_runner is built, and prints the filter as C: libseccomp
 * takes 3 ms to compile these rules, which is as long as the rest of a jail takes to come up.
 *
 * The system call filter is an allow-list. What is not in it does not exist (ENOSYS, so that programs fall back to what they
 * did before that call was invented); calls that exist for the privileged only are refused by name (EPERM), so that a
 * program, and whoever reads its output, sees the truth. Other architectures' entry points kill the process. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const allowed[] = {
	/* files */
	"access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
	"faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
	"fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat",
	"fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "lchown", "lgetxattr",
	"link", "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir", "mkdirat",
	"name_to_handle_at", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2",
	"pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename",
	"renameat", "renameat2", "rmdir", "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink",
	"symlinkat", "sync", "sync_file_range", "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime",
	"utimensat", "utimes", "vmsplice", "write", "writev",
	/* events */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
	"inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "pipe", "pipe2", "poll", "ppoll",
	"pselect6", "select", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime", "io_cancel",
	"io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit",
	/* memory */
	"brk", "cachestat", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall", "mmap",
	"mprotect", "mremap", "mseal", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free",
	"pkey_mprotect", "process_madvise", "process_mrelease", "remap_file_pages",
	/* processes and threads */
	"arch_prctl", "capget", "execve", "execveat", "exit", "exit_group", "fork", "futex", "futex_requeue", "futex_wait",
	"futex_waitv", "futex_wake", "get_robust_list", "get_thread_area", "getcpu", "getegid", "geteuid", "getgid",
	"getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid", "getresuid", "getrlimit",
	"getrusage", "getsid", "gettid", "getuid", "ioprio_get", "ioprio_set", "kill", "landlock_add_rule",
	"landlock_create_ruleset", "landlock_restrict_self", "map_shadow_stack", "pause", "pidfd_open", "pidfd_send_signal",
	"prctl", "prlimit64", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
	"rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
	"sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
	"seccomp", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups",
	"setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid",
	"sigaltstack", "tgkill", "tkill", "vfork", "wait4", "waitid", "capset",
	/* time */
	"alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday", "nanosleep", "setitimer",
	"time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_settime", "times",
	/* sockets, once they exist; which may be made is below */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg",
	"recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
	/* System V and POSIX objects of our own ipc namespace */
	"mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink", "msgctl", "msgget", "msgrcv",
	"msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget",
	/* the system */
	"getrandom", "ioctl", "sysinfo", "uname",
};

/* Known, and not for a step. */
static const char *const refused[] = {
	"acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime", "delete_module", "fanotify_init",
	"fanotify_mark", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "get_mempolicy", "init_module", "ioperm",
	"iopl", "io_uring_enter", "io_uring_register", "io_uring_setup", "kcmp", "kexec_file_load", "kexec_load", "keyctl",
	"lookup_dcookie", "mbind", "migrate_pages", "mount", "mount_setattr", "move_mount", "move_pages", "nfsservctl",
	"open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root", "process_vm_readv",
	"process_vm_writev", "ptrace", "quotactl", "quotactl_fd", "reboot", "request_key", "set_mempolicy", "setdomainname",
	"sethostname", "setns", "settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare", "userfaultfd",
	"vhangup",
};

/* What needs a look at the arguments. A row allows the call when all its comparisons hold. */
#define NAMESPACE_FLAGS (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define LOW32 0xffffffffu	/* the kernel looks at 32 bits of these arguments */
#define TYPE_MASK 0xfu		/* of a socket type, without SOCK_CLOEXEC and SOCK_NONBLOCK */
static const struct {
	const char *name;
	unsigned int len;
	struct scmp_arg_cmp args[3];
} conditional[] = {
	{ "clone", 1, { { 0, SCMP_CMP_MASKED_EQ, NAMESPACE_FLAGS, 0 } } },
	{ "personality", 1, { { 0, SCMP_CMP_MASKED_EQ, LOW32, 0 } } },
	{ "personality", 1, { { 0, SCMP_CMP_MASKED_EQ, LOW32, LOW32 } } },
	{ "socket", 1, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_UNIX } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_STREAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 0 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_STREAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 6 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_DGRAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 0 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_DGRAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 17 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET6 }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_STREAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 0 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET6 }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_STREAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 6 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET6 }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_DGRAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 0 } } },
	{ "socket", 3, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_INET6 }, { 1, SCMP_CMP_MASKED_EQ, TYPE_MASK, SOCK_DGRAM },
			 { 2, SCMP_CMP_MASKED_EQ, LOW32, 17 } } },
	{ "socket", 2, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_NETLINK }, { 2, SCMP_CMP_MASKED_EQ, LOW32, 0 } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, 0 } } }, { "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, 0 } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFREG } } }, { "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFREG } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO } } }, { "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFSOCK } } }, { "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFSOCK } } },
	{ "socketpair", 1, { { 0, SCMP_CMP_MASKED_EQ, LOW32, AF_UNIX } } },
};

/* The same, but refused: device nodes, a whiteout too, which the kernel lets everybody make. */
static const struct {
	const char *name;
	struct scmp_arg_cmp arg;
} refused_bits[] = {
	{ "mknod", { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFCHR } }, { "mknodat", { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFCHR } },
	{ "mknod", { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFBLK } }, { "mknodat", { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFBLK } },
};

/* Refused where an argument has a value: terminal requests that put input into somebody's terminal, and what would change
 * the limits or the place in the queue of PID 1, which runs as the same user (by its pid, or as one of the user's).
 * libseccomp can allow what is equal under a mask, not what is different, and a 64-bit comparison would let a number pass
 * with a bit set that the kernel does not look at: so these instructions come before its program. */
#define INIT 1
static const struct {
	unsigned int nr, arg, value;
} refused_values[] = {
	{ SYS_ioctl, 1, TIOCSTI }, { SYS_ioctl, 1, TIOCLINUX },
	{ SYS_prlimit64, 0, INIT }, { SYS_sched_setaffinity, 0, INIT }, { SYS_sched_setattr, 0, INIT },
	{ SYS_sched_setparam, 0, INIT }, { SYS_sched_setscheduler, 0, INIT },
	{ SYS_setpriority, 1, INIT }, { SYS_setpriority, 0, PRIO_USER },
	{ SYS_ioprio_set, 1, INIT }, { SYS_ioprio_set, 0, 3 /* IOPRIO_WHO_USER */ },
};
#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW_WORD 0
#else
#define LOW_WORD 4
#endif
enum { VALUE_INSTRUCTIONS = 5, PROLOGUE = VALUE_INSTRUCTIONS * ARRAY_SIZE(refused_values) };

static void write_prologue(struct sock_filter code[PROLOGUE])
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_values); i++) {
		const unsigned int at = offsetof(struct seccomp_data, args) + 8 * refused_values[i].arg + LOW_WORD;
		const struct sock_filter row[VALUE_INSTRUCTIONS] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused_values[i].nr, 0, 3),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused_values[i].value, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		};

		memcpy(code + i * VALUE_INSTRUCTIONS, row, sizeof(row));
	}
}

/* Unknown to this libseccomp or this architecture: then it is not allowed either. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned int len, const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR || nr < 0 ? 0 : seccomp_rule_add_array(filter, action, nr, len, args);
}

static int add_rules(scmp_filter_ctx filter)
{
	const uint32_t eperm = SCMP_ACT_ERRNO(EPERM);
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(allowed); i++)
		r = add(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refused); i++)
		r = add(filter, eperm, refused[i], 0, NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(conditional); i++)
		r = add(filter, SCMP_ACT_ALLOW, conditional[i].name, conditional[i].len, conditional[i].args);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(refused_bits); i++)
		r = add(filter, eperm, refused_bits[i].name, 1, &refused_bits[i].arg);
	return r;
}

static void print(const struct sock_filter *code, size_t len)
{
	printf("/* made by sandboxes/lockdown_filter.c */\n#include <linux/filter.h>\n"
	       "extern const struct sock_filter lockdown_filter[];\nextern const unsigned short lockdown_filter_len;\n"
	       "const struct sock_filter lockdown_filter[] = {\n");
	for (size_t i = 0; i < len; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
	printf("};\nconst unsigned short lockdown_filter_len = %zu;\n", len);
}

int main(void)
{
	static struct sock_filter code[BPF_MAXINSNS];
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("filter", MFD_CLOEXEC);
	int r = filter && fd >= 0 ? 0 : -ENOMEM;
	ssize_t n;

	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* a binary tree: a few comparisons a call, and a third of the time to load it */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_rules(filter);
	if (r == 0)
		r = seccomp_export_bpf(filter, fd);
	n = r == 0 ? pread(fd, code + PROLOGUE, sizeof(code) - PROLOGUE * sizeof(*code), 0) : -1;
	if (n <= 0 || (size_t)n >= sizeof(code) - PROLOGUE * sizeof(*code)) {
		fprintf(stderr, "cannot make the seccomp filter: %s\n", strerror(r < 0 ? -r : errno));
		return 1;
	}
	write_prologue(code);
	print(code, (size_t)n / sizeof(*code) + PROLOGUE);
	seccomp_release(filter);
	return 0;
}
