/* SPDX-License-Identifier: Apache-2.0
 * The program that makes the system call filter. It runs once, when sandbox_runner is built, and prints the filter as C: libseccomp
 * takes 3 ms to compile these rules, which is as long as the rest of a jail takes to come up.
 *
 * Three programs come from the tables below. Of several filters the strictest answer counts, and an errno is stricter than telling
 * somebody: so who is to be observed cannot have `plain` in force already.
 *
 *	plain		what a step has, and with it its first process
 *	init		that first process when steps are observed: `plain` with the refused calls allowed. It has no capabilities, and
 *			is our own code
 *	observed	what such a step has in addition: refused calls, and those worth telling, wait for the answer of the first process
 *
 * The system call filter is an allow-list. What is not in it does not exist (ENOSYS, so that programs fall back to what they
 * did before that call was invented); calls that exist for the privileged only are refused by name (EPERM), so that a
 * program, and whoever reads its output, sees the truth. Other architectures' entry points kill the process. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

/* What needs a look at the arguments. A row allows the call when all its comparisons hold; rows of a call stand together. */
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
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, 0 } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFREG } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO } } },
	{ "mknod", 1, { { 1, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFSOCK } } },
	{ "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, 0 } } },
	{ "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFREG } } },
	{ "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFIFO } } },
	{ "mknodat", 1, { { 2, SCMP_CMP_MASKED_EQ, S_IFMT, S_IFSOCK } } },
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
	const char *name;
	unsigned int arg, value;
} refused_values[] = {
	{ "ioctl", 1, TIOCSTI }, { "ioctl", 1, TIOCLINUX },
	{ "prlimit64", 0, INIT }, { "sched_setaffinity", 0, INIT }, { "sched_setattr", 0, INIT },
	{ "sched_setparam", 0, INIT }, { "sched_setscheduler", 0, INIT },
	{ "setpriority", 1, INIT }, { "setpriority", 0, PRIO_USER },
	{ "ioprio_set", 1, INIT }, { "ioprio_set", 0, 3 /* IOPRIO_WHO_USER */ },
};

/* ---- only of `observed` */

/* Allowed, and told: see init_observe.c, whose table has the same names. */
static const char *const told[] = {
	"chmod", "chown", "connect", "creat", "execve", "execveat", "exit_group", "fchmodat", "fchmodat2", "fchownat", "lchown",
	"link", "linkat", "mkdir", "mkdirat", "mknod", "mknodat", "open", "openat", "openat2", "rename", "renameat", "renameat2",
	"rmdir", "sendmmsg", "sendmsg", "sendto", "symlink", "symlinkat", "truncate", "unlink", "unlinkat",
};

static bool is_told(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (!strcmp(told[i], name))
			return true;
	return false;
}

/* When the comparisons hold the call is answered without telling: opening to read, sending to who was connected. And a process
 * that makes its memory unreadable for the observer only believes that it did (an errno of 0 is success). */
#define WRITE_FLAGS (O_ACCMODE | O_CREAT | O_TRUNC)
#define SILENT 0u
struct comparison {
	unsigned int arg, mask, value;
	bool high;		/* of the upper 32 bits */
};
static const struct {
	const char *name;
	uint32_t action;
	unsigned int len;
	struct comparison args[2];
} untold[] = {
	{ "openat", SECCOMP_RET_ALLOW, 1, { { 2, WRITE_FLAGS, 0, false } } },
	{ "open", SECCOMP_RET_ALLOW, 1, { { 1, WRITE_FLAGS, 0, false } } },
	{ "sendto", SECCOMP_RET_ALLOW, 2, { { 4, LOW32, 0, false }, { 4, LOW32, 0, true } } },
	{ "prctl", SECCOMP_RET_ERRNO | SILENT, 2, { { 0, LOW32, PR_SET_DUMPABLE, false }, { 1, LOW32, 0, false } } },
};

/* ---- the instructions before libseccomp's */

enum variant { PLAIN, OF_INIT, OBSERVED, VARIANTS };
static const char *const variant_names[VARIANTS] = { "plain", "init", "observed" };

struct program {
	struct sock_filter code[BPF_MAXINSNS];
	size_t len;
};

static void emit(struct program *p, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (p->len < BPF_MAXINSNS)
		p->code[p->len++] = (struct sock_filter){ code, jt, jf, k };
}

static unsigned int word(const struct comparison *c)
{
	const bool big_endian = __BYTE_ORDER != __LITTLE_ENDIAN;

	return (unsigned int)offsetof(struct seccomp_data, args) + 8 * c->arg + (c->high != big_endian ? 4 : 0);
}

/* Rows of one call: the first whose comparisons all hold answers, after the last of them follows what comes next. */
static bool begin_call(struct program *p, const char *name, size_t *ret_test)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR || nr < 0)
		return false;
	emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	*ret_test = p->len;
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 0);
	return true;
}

static void emit_row(struct program *p, const struct comparison *args, unsigned int len, uint32_t action)
{
	for (unsigned int i = 0; i < len; i++) {
		emit(p, BPF_LD | BPF_W | BPF_ABS, word(&args[i]), 0, 0);
		emit(p, BPF_ALU | BPF_AND | BPF_K, args[i].mask, 0, 0);
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, args[i].value, 0, (uint8_t)(3 * (len - i - 1) + 1));
	}
	emit(p, BPF_RET | BPF_K, action, 0, 0);
}

/* A jump cannot go farther than 255 instructions. */
static void end_call(struct program *p, size_t test)
{
	size_t distance = p->len - test - 1;

	if (distance > UINT8_MAX)
		p->len = BPF_MAXINSNS;	/* which is found to be too long */
	p->code[test].jf = (uint8_t)distance;
}

static void emit_refused_values(struct program *p, uint32_t action)
{
	size_t test;

	for (size_t i = 0, first = 0; i < ARRAY_SIZE(refused_values); first = i) {
		bool known = begin_call(p, refused_values[i].name, &test);

		for (; i < ARRAY_SIZE(refused_values) && !strcmp(refused_values[i].name, refused_values[first].name); i++)
			if (known)
				emit_row(p, &(struct comparison){ refused_values[i].arg, LOW32, refused_values[i].value, false },
					 1, action);
		if (known)
			end_call(p, test);
	}
}

static void emit_untold(struct program *p)
{
	size_t test;

	for (size_t i = 0; i < ARRAY_SIZE(untold); i++) {
		if (!begin_call(p, untold[i].name, &test))
			continue;
		emit_row(p, untold[i].args, untold[i].len, untold[i].action);
		end_call(p, test);
	}
}

static void emit_condition(struct program *p, size_t i)
{
	struct comparison args[3];

	for (unsigned int k = 0; k < conditional[i].len; k++)
		args[k] = (struct comparison){
			.arg = conditional[i].args[k].arg,
			.mask = (uint32_t)conditional[i].args[k].datum_a,
			.value = (uint32_t)conditional[i].args[k].datum_b,
		};
	emit_row(p, args, conditional[i].len, is_told(conditional[i].name) ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
}

/* The same table that libseccomp compiles for `plain`; here what matches no row of its call is told instead of unknown. */
static void emit_conditional(struct program *p)
{
	size_t test;

	for (size_t i = 0, first = 0; i < ARRAY_SIZE(conditional); first = i) {
		bool known = begin_call(p, conditional[i].name, &test);

		for (; i < ARRAY_SIZE(conditional) && !strcmp(conditional[i].name, conditional[first].name); i++)
			if (known)
				emit_condition(p, i);
		if (!known)
			continue;
		emit_row(p, NULL, 0, SECCOMP_RET_USER_NOTIF);
		end_call(p, test);
	}
}

static void emit_prologue(struct program *p, enum variant variant)
{
	if (variant == OF_INIT)
		return;
	if (variant == PLAIN) {
		emit_refused_values(p, SECCOMP_RET_ERRNO | EPERM);
		return;
	}
	/* numbers mean something else to another architecture */
	emit(p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 1, 0);
	emit(p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	emit_untold(p);		/* first, for opening to read is what is called most */
	emit_refused_values(p, SECCOMP_RET_USER_NOTIF);
	emit_conditional(p);
}

/* ---- libseccomp's */

/* Unknown to this libseccomp or this architecture: then it is not allowed either. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned int len, const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR || nr < 0 ? 0 : seccomp_rule_add_array(filter, action, nr, len, args);
}

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t len)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i++)
		r = add(filter, action, names[i], 0, NULL);
	return r;
}

static int add_rules(scmp_filter_ctx filter, enum variant variant)
{
	const uint32_t refusal = variant == PLAIN ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW;
	int r;

	if (variant == OBSERVED) {	/* and whatever `init` answers to the others */
		r = add_names(filter, SCMP_ACT_NOTIFY, told, ARRAY_SIZE(told));
		return r ? r : add_names(filter, SCMP_ACT_NOTIFY, refused, ARRAY_SIZE(refused));
	}
	r = add_names(filter, SCMP_ACT_ALLOW, allowed, ARRAY_SIZE(allowed));
	if (r == 0)
		r = add_names(filter, refusal, refused, ARRAY_SIZE(refused));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(conditional); i++)
		r = add(filter, SCMP_ACT_ALLOW, conditional[i].name, variant == PLAIN ? conditional[i].len : 0,
			conditional[i].args);
	for (size_t i = 0; r == 0 && variant == PLAIN && i < ARRAY_SIZE(refused_bits); i++)
		r = add(filter, SCMP_ACT_ERRNO(EPERM), refused_bits[i].name, 1, &refused_bits[i].arg);
	return r;
}

static int make(enum variant variant, struct program *p)
{
	scmp_filter_ctx filter = seccomp_init(variant == OBSERVED ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS));
	int fd = memfd_create("filter", MFD_CLOEXEC);
	int r = filter && fd >= 0 ? 0 : -ENOMEM;
	ssize_t n;

	emit_prologue(p, variant);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* a binary tree: a few comparisons a call, and a third of the time to load it */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = add_rules(filter, variant);
	if (r == 0)
		r = seccomp_export_bpf(filter, fd);
	n = r == 0 ? pread(fd, p->code + p->len, sizeof(p->code) - p->len * sizeof(*p->code), 0) : -1;
	if (r == 0 && (n <= 0 || (size_t)n >= sizeof(p->code) - p->len * sizeof(*p->code)))
		r = -EFBIG;
	if (r == 0)
		p->len += (size_t)n / sizeof(*p->code);
	seccomp_release(filter);
	close(fd);
	return r;
}

/* ---- printing */

static void print_program(const char *name, const struct program *p)
{
	printf("static const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < p->len; i++)
		printf("\t{ 0x%02x, %u, %u, 0x%08x },\n", p->code[i].code, p->code[i].jt, p->code[i].jf, p->code[i].k);
	printf("};\n");
}

static void print_call(const char *name, const char *error)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr != __NR_SCMP_ERROR && nr >= 0)
		printf("\t{ %d, %s, \"%s\" },\n", nr, error, name);
}

/* What `observed` tells and `plain` refuses, with the errno: a call may be there twice. */
static void print_calls(void)
{
	printf("const struct lockdown_call lockdown_calls[] = {\n");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		print_call(refused[i], "EPERM");
	for (size_t i = 0; i < ARRAY_SIZE(refused_values); i++)
		print_call(refused_values[i].name, "EPERM");
	for (size_t i = 0; i < ARRAY_SIZE(refused_bits); i++)
		print_call(refused_bits[i].name, "EPERM");
	for (size_t i = 0; i < ARRAY_SIZE(conditional); i++)
		print_call(conditional[i].name, "ENOSYS");
	printf("};\nconst size_t lockdown_calls_len = sizeof(lockdown_calls) / sizeof(lockdown_calls[0]);\n");
}

int main(void)
{
	static struct program programs[VARIANTS];

	seccomp_api_set(5);	/* notifications, also when this kernel has none: the filter is for another */
	for (unsigned int v = 0; v < VARIANTS; v++) {
		int r = make((enum variant)v, &programs[v]);

		if (r < 0) {
			fprintf(stderr, "cannot make the seccomp filter '%s': %s\n", variant_names[v], strerror(-r));
			return 1;
		}
	}
	printf("/* made by sandboxes/lockdown_filter.c */\n#include <errno.h>\n#include <stddef.h>\n#include <linux/filter.h>\n"
	       "#include \"sandboxes/lockdown.h\"\n");
	for (unsigned int v = 0; v < VARIANTS; v++)
		print_program(variant_names[v], &programs[v]);
	printf("const struct sock_fprog lockdown_filters[LOCKDOWN_FILTERS] = {\n");
	for (unsigned int v = 0; v < VARIANTS; v++)
		printf("\t{ %zu, (struct sock_filter *)%s },\n", programs[v].len, variant_names[v]);
	printf("};\n");
	print_calls();
	return 0;
}
