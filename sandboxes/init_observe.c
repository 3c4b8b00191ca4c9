/* SPDX-License-Identifier: Apache-2.0
 * The listener: one notification from receipt to answer; finding out whether there can be one; starting what is observed.
 * See init_observe.h.
 *
 *	child of PID 1 (same descriptors)		PID 1
 *	loads `observed`, gets the listener
 *	tells its number			---->	has it, too, for descriptors are shared
 *	takes a table of its own, closes the listener
 *	execve, its first call that is told	---->	poll, receive, look, answer
 */
#include "sandboxes/init_observe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE (1UL << 0)
#endif
#define NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)	/* Linux 6.6 */
#define NOTIF_SYNC_WAKE_UP UINT64_C(1)
#define CLOSE_RANGE 436
#define UNSHARE_TABLE (1U << 1)			/* CLOSE_RANGE_UNSHARE, Linux 5.9 */
enum { TURN_MAX = 64 };				/* notifications in a row before other things get their turn */

/* The kernel's structs may grow; it says by how much. */
union receive {
	struct seccomp_notif call;
	char room[512];
};
union reply {
	struct seccomp_notif_resp answer;
	char room[128];
};

/* One page, mapped shared before the fork. */
struct init_shared {
	int listener;			/* or -errno */
	int error;			/* errno that kept the command from being executed */
	_Atomic uint32_t state;		/* futex: 1 when `listener` is there and the table is the child's own */
};

/* ---- the calls that are told and go on; lockdown_filter.c has the same names */

static int folder_of(const struct caller *c, int argument)
{
	return argument < 0 ? AT_FDCWD : (int)c->data->args[argument];
}

struct told {
	int nr;
	const char *name;
	void (*look)(struct caller *c, const struct told *row);
	int dirfd, path;		/* arguments; dirfd -1: there is none */
	enum observe_change change;
	bool nofollow;			/* a link at the end of the path is meant itself */
	bool (*applies)(const struct seccomp_data *data, const struct told *row);	/* NULL: always; false: it is refused */
};

static void look_exec(struct caller *c, const struct told *row)
{
	bool at = row->dirfd >= 0;

	observe_exec(c, folder_of(c, row->dirfd), c->data->args[row->path], c->data->args[row->path + 1],
		     at ? (int)c->data->args[4] : 0);
}

static void look_exit(struct caller *c, const struct told *row)
{
	(void)row;
	observer_tell(c->init, c, &(struct sandbox_event){
		.kind = SANDBOX_EVENT_EXIT, .allowed = true, .value = (int)(c->data->args[0] & 0xff),
	});
}

static void look_connect(struct caller *c, const struct told *row)
{
	(void)row;
	observe_connect(c, (int)c->data->args[0], c->data->args[1], c->data->args[2], false);
}

static void look_sendto(struct caller *c, const struct told *row)
{
	(void)row;
	observe_connect(c, (int)c->data->args[0], c->data->args[4], c->data->args[5], true);
}

static void look_sendmsg(struct caller *c, const struct told *row)
{
	bool many = row->nr == SYS_sendmmsg;

	observe_messages(c, (int)c->data->args[0], c->data->args[1], many ? (unsigned int)c->data->args[2] : 1,
			 many ? sizeof(struct mmsghdr) : sizeof(struct msghdr));
}

static void look_change(struct caller *c, const struct told *row)
{
	observe_change(c, row->name, row->change, folder_of(c, row->dirfd), c->data->args[row->path], !row->nofollow);
}

static void look_openat2(struct caller *c, const struct told *row)
{
	uint64_t flags = 0;		/* the first member of struct open_how */

	if (caller_read(c, c->data->args[2], &flags, sizeof(flags)) && (flags & (O_ACCMODE | O_CREAT | O_TRUNC)))
		look_change(c, row);
}

static void look_rename(struct caller *c, const struct told *row)
{
	bool at = row->dirfd >= 0;

	observe_change(c, row->name, CHANGE_REMOVE, folder_of(c, at ? 0 : -1), c->data->args[at ? 1 : 0], false);
	look_change(c, row);
}

static void look_symlink(struct caller *c, const struct told *row)
{
	observe_link_text(c, c->data->args[0]);
	look_change(c, row);
}

/* Device nodes are refused; what else is no file, FIFO or socket does not exist. */
static bool is_no_device(const struct seccomp_data *data, const struct told *row)
{
	const unsigned int type = data->args[row->path + 1] & S_IFMT;

	return type == 0 || type == S_IFREG || type == S_IFIFO || type == S_IFSOCK;
}

static const struct told told[] = {
	{ SYS_execve, "execve", look_exec, -1, 0, 0, false, NULL },
	{ SYS_execveat, "execveat", look_exec, 0, 1, 0, false, NULL },
	{ SYS_exit_group, "exit_group", look_exit, -1, 0, 0, false, NULL },
	{ SYS_connect, "connect", look_connect, -1, 0, 0, false, NULL },
	{ SYS_sendto, "sendto", look_sendto, -1, 0, 0, false, NULL },
	{ SYS_sendmsg, "sendmsg", look_sendmsg, -1, 0, 0, false, NULL },
	{ SYS_sendmmsg, "sendmmsg", look_sendmsg, -1, 0, 0, false, NULL },
	{ SYS_openat, "openat", look_change, 0, 1, CHANGE_OPEN, false, NULL },
	{ SYS_openat2, "openat2", look_openat2, 0, 1, CHANGE_OPEN, false, NULL },
	{ SYS_unlinkat, "unlinkat", look_change, 0, 1, CHANGE_REMOVE, true, NULL },
	{ SYS_renameat2, "renameat2", look_rename, 2, 3, CHANGE_REPLACE, true, NULL },
	{ SYS_mkdirat, "mkdirat", look_change, 0, 1, CHANGE_CREATE, true, NULL },
	{ SYS_linkat, "linkat", look_change, 2, 3, CHANGE_CREATE, true, NULL },
	{ SYS_symlinkat, "symlinkat", look_symlink, 1, 2, CHANGE_CREATE, true, NULL },
	{ SYS_fchmodat, "fchmodat", look_change, 0, 1, CHANGE_ATTRIBUTES, false, NULL },
	{ 452, "fchmodat2", look_change, 0, 1, CHANGE_ATTRIBUTES, false, NULL },
	{ SYS_fchownat, "fchownat", look_change, 0, 1, CHANGE_ATTRIBUTES, false, NULL },
	{ SYS_truncate, "truncate", look_change, -1, 0, CHANGE_ATTRIBUTES, false, NULL },
	{ SYS_mknodat, "mknodat", look_change, 0, 1, CHANGE_CREATE, true, is_no_device },
#ifdef SYS_renameat
	{ SYS_renameat, "renameat", look_rename, 2, 3, CHANGE_REPLACE, true, NULL },
#endif
#ifdef SYS_open	/* what newer architectures do not have */
	{ SYS_open, "open", look_change, -1, 0, CHANGE_OPEN, false, NULL },
	{ SYS_creat, "creat", look_change, -1, 0, CHANGE_OPEN, false, NULL },
	{ SYS_unlink, "unlink", look_change, -1, 0, CHANGE_REMOVE, true, NULL },
	{ SYS_rmdir, "rmdir", look_change, -1, 0, CHANGE_REMOVE, true, NULL },
	{ SYS_rename, "rename", look_rename, -1, 1, CHANGE_REPLACE, true, NULL },
	{ SYS_mkdir, "mkdir", look_change, -1, 0, CHANGE_CREATE, true, NULL },
	{ SYS_link, "link", look_change, -1, 1, CHANGE_CREATE, true, NULL },
	{ SYS_symlink, "symlink", look_symlink, -1, 1, CHANGE_CREATE, true, NULL },
	{ SYS_chmod, "chmod", look_change, -1, 0, CHANGE_ATTRIBUTES, false, NULL },
	{ SYS_chown, "chown", look_change, -1, 0, CHANGE_ATTRIBUTES, false, NULL },
	{ SYS_lchown, "lchown", look_change, -1, 0, CHANGE_ATTRIBUTES, true, NULL },
	{ SYS_mknod, "mknod", look_change, -1, 0, CHANGE_CREATE, true, is_no_device },
#endif
};

static const struct told *find_told(const struct seccomp_data *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(told); i++)
		if (told[i].nr == data->nr)
			return !told[i].applies || told[i].applies(data, &told[i]) ? &told[i] : NULL;
	return NULL;
}

/* ---- one notification */

static void tell_hiding(struct caller *c)
{
	observer_tell(c->init, c, &(struct sandbox_event){
		.kind = SANDBOX_EVENT_CALL, .severity = SANDBOX_MEDIUM, .allowed = true, .subject = "hides",
		.detail = "its memory cannot be read: the program file is executable, but not readable",
	});
}

/* May this call make room where there was none? Programs that open to write do so to empty a file more often than not. */
static bool makes_room(const struct told *row)
{
	return row->nr == SYS_exit_group || row->nr == SYS_truncate ||
	       ((row->look == look_change || row->look == look_rename || row->look == look_openat2) &&
		(row->change == CHANGE_OPEN || row->change == CHANGE_REMOVE || row->change == CHANGE_REPLACE));
}

/* What goes on is only what is in the table; whatever else comes here is refused. */
static void handle(struct init *init, const struct seccomp_notif *call, char *page)
{
	const struct told *row = find_told(&call->data);
	struct caller c = { .init = init, .data = &call->data, .tid = (pid_t)call->pid, .id = call->id, .page = page };
	union reply reply = { .answer = { .id = call->id } };

	if (row) {
		if (makes_room(row))
			init_watch_storage(init);
		row->look(&c, row);
		reply.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	} else {
		reply.answer.error = -observe_refused(&c);
	}
	if (c.hides)
		tell_hiding(&c);
	ioctl(init->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);	/* ENOENT: it died, nobody waits */
}

static bool is_waiting(struct init *init)
{
	struct pollfd p = { .fd = init->listener, .events = POLLIN };

	if (poll(&p, 1, 0) <= 0)
		return false;
	if (p.revents & POLLIN)
		return true;
	close(steal_fd(&init->listener));	/* nobody is left who could call */
	return false;
}

void init_observe(struct init *init)
{
	char page[CALLER_PAGE];

	for (int i = 0; i < TURN_MAX && is_waiting(init); i++) {
		union receive receive = { .room = { 0 } };

		if (ioctl(init->listener, SECCOMP_IOCTL_NOTIF_RECV, &receive) == 0)
			handle(init, &receive.call, page);
	}
}

int init_observe_wait(struct init *init, int timeout_ms)
{
	int due = observer_timeout_ms(init);

	if (due == 0) {
		observer_flush(init);
		due = -1;
	}
	return due < 0 || (timeout_ms >= 0 && timeout_ms < due) ? timeout_ms : due;
}

/* ---- starting what is observed */

static void wait_for_state(struct init_shared *shared, pid_t pid)
{
	const struct timespec patience = { .tv_nsec = 100 * NS_PER_MS };
	siginfo_t info = { 0 };

	while (shared->state == 0) {
		syscall(SYS_futex, &shared->state, FUTEX_WAIT, 0, &patience, NULL, 0);
		/* killed in the middle: then there is no listener, or one that nobody will call */
		if (shared->state == 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
			return;
	}
}

struct start {
	struct init_shared *shared;
	const struct sock_fprog *program;
	int (*child)(void *arg);
	void *arg;
};

static int observed_main(void *arg)
{
	const struct start *start = arg;
	struct init_shared *shared = start->shared;

	shared->listener = lockdown_filter_listen(start->program);
	if (shared->listener < 0)
		shared->listener = -errno;
	else if (syscall(CLOSE_RANGE, shared->listener, shared->listener, UNSHARE_TABLE) < 0)
		shared->error = errno;
	shared->state = 1;
	syscall(SYS_futex, &shared->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	if (shared->listener >= 0 && shared->error == 0)
		shared->error = start->child(start->arg);
	_exit(127);
}

/* What the new process, who has our descriptors, says before it goes its own way. */
static void meet(struct init *init, pid_t pid)
{
	struct init_shared *shared = init->shared;

	wait_for_state(shared, pid);
	if (shared->listener >= 0) {
		init->listener = shared->listener;
		/* the one who waits runs next, on the processor where we are */
		ioctl(init->listener, NOTIF_SET_FLAGS, NOTIF_SYNC_WAKE_UP);
	} else {
		shared->error = -shared->listener;
	}
}

static void reset(struct init_shared *shared)
{
	shared->listener = -ESRCH;
	shared->error = 0;
	shared->state = 0;
}

pid_t init_observe_fork(struct init *init, int (*child)(void *arg), void *arg)
{
	struct start start = { init->shared, &lockdown_filters[LOCKDOWN_OBSERVED], child, arg };
	pid_t pid;

	init->observer = observer_new();
	reset(init->shared);
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		/* a copy of a first process, who cannot be looked at. Nobody is alive now who could, but us */
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		observed_main(&start);
	}
	if (pid > 0)
		meet(init, pid);
	return pid;
}

int init_observe_error(const struct init *init)
{
	return init->shared->error;
}

void init_observe_end(struct init *init)
{
	if (init->listener >= 0)
		close(steal_fd(&init->listener));
	observer_finish(init);
	observer_free(init->observer);
	init->observer = NULL;
}

static void tell_outlived(struct init *init, const char *pid)
{
	char page[CALLER_PAGE];
	struct caller c = { .init = init, .tid = (pid_t)strtol(pid, NULL, 10), .page = page };

	caller_know(&c);
	if (c.parent == 0 || c.dead)	/* ourselves; or only waiting to be reaped */
		return;
	observer_tell(init, NULL, &(struct sandbox_event){
		.kind = SANDBOX_EVENT_OUTLIVED, .severity = SANDBOX_MEDIUM, .allowed = true, .pid = (uint32_t)c.pid,
		.parent = (uint32_t)c.parent, .program = c.program, .subject = c.program,
	});
}

void init_observe_outlived(struct init *init)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			tell_outlived(init, e->d_name);
	if (dir)
		closedir(dir);
}

/* ---- the trial: everything that observing needs, in small */

static const char trial_text[] = "trial";

static int trial_child(void *arg)
{
	struct init *init = arg;

	syscall(SYS_personality, trial_text);
	lockdown_limits_apply(&init->limits);
	lockdown_limits_read(&init->tried);
	return 0;
}

static const char *try_notification(struct init *init)
{
	struct pollfd p = { .fd = init->listener, .events = POLLIN };
	union receive receive = { .room = { 0 } };
	union reply reply = { .room = { 0 } };
	char page[CALLER_PAGE], text[sizeof(trial_text)];
	struct caller c = { .init = init, .data = &receive.call.data, .page = page };
	const char *why_not = NULL;

	if (poll(&p, 1, 1000) != 1 || ioctl(init->listener, SECCOMP_IOCTL_NOTIF_RECV, &receive) < 0)
		return "no notification arrives";
	c.tid = (pid_t)receive.call.pid;
	c.id = reply.answer.id = receive.call.id;
	if (!caller_text(&c, receive.call.data.args[0], text, sizeof(text)) || strcmp(text, trial_text) != 0)
		why_not = "the memory of a step cannot be read (kernel.yama.ptrace_scope above 1, or process_vm_readv is forbidden)";
	reply.answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (ioctl(init->listener, SECCOMP_IOCTL_NOTIF_SEND, &reply) < 0)
		why_not = "a call that was told cannot go on: this needs Linux 5.5";
	return why_not;
}

static const char *try_all(struct init *init)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };
	struct seccomp_notif_sizes sizes = { 0 };
	struct start start = { init->shared, &program, trial_child, init };
	const char *why_not = NULL;
	char stack[16384];
	pid_t pid;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return "this kernel has no seccomp user notification: it needs Linux 5.9";
	if (sizes.seccomp_notif > sizeof(union receive) || sizes.seccomp_notif_resp > sizeof(union reply))
		return "this kernel's notifications are larger than known here";
	reset(init->shared);
	init->tried = (struct lockdown_limits){ .core = UINT64_MAX, .memlock = UINT64_MAX };	/* until it says so, nothing holds */
	/* in our memory, for copying it costs more than the rest */
	pid = clone(observed_main, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD, &start);
	if (pid < 0)
		return "a process cannot be started";
	meet(init, pid);
	if (init->listener >= 0 && init->shared->error == 0)
		why_not = try_notification(init);
	else if (init->shared->error == EBUSY)
		why_not = "somebody outside listens already (a container runtime's seccomp agent)";
	else
		why_not = "this kernel has no seccomp user notification: it needs Linux 5.9";
	if (why_not)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
	if (init->listener >= 0)
		close(steal_fd(&init->listener));
	return why_not;
}

int init_observe_try(struct init *init, char why_not[INIT_WHY_MAX])
{
	struct signalfd_siginfo info;
	const char *text;

	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);	/* as steps are; a change of credentials has taken it */
	init->shared = mmap(NULL, sizeof(*init->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	text = init->shared == MAP_FAILED ? "no memory" : try_all(init);
	while (read(init->sigchld_fd, &info, sizeof(info)) > 0) {}	/* of the trial */
	snprintf(why_not, INIT_WHY_MAX, "%s", text ? text : "");
	init->observing = !text;
	return text ? -1 : 0;
}
