/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/lockdown.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/mem.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

int lockdown_filter_load(enum lockdown_filter which)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &lockdown_filters[which]);
}

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW_WORD(arg) (offsetof(struct seccomp_data, args) + 8 * (arg))
#else
#define LOW_WORD(arg) (offsetof(struct seccomp_data, args) + 8 * (arg) + 4)
#endif

int lockdown_pretend_ownership(void)
{
	enum { PRETEND = SECCOMP_RET_ERRNO | 0, NO_AUDIT = SECCOMP_RET_ERRNO | EPROTONOSUPPORT };
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),	/* other architectures are not let in */
#ifdef SYS_chown
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chown, 11, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lchown, 10, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchown, 9, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchownat, 8, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setgroups, 7, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_WORD(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_WORD(2)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 9 /* NETLINK_AUDIT */, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, NO_AUDIT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, PRETEND),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = (struct sock_filter *)code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int lockdown_filter_listen(const struct sock_fprog *program)
{
	const unsigned int flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* signals that do not kill must not interrupt a call that was already answered: Linux 5.19 */
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, program);

	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
	return (int)fd;
}

int lockdown_capabilities(uint32_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	/* a change of user has emptied the effective set; dropping from the bounding set needs it */
	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		data[i].effective = data[i].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (int cap = 0; cap < 64; cap++) {
		if (cap < 32 && keep & 1u << cap)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno != EINVAL)
			return -1;
		break;		/* past the last one this kernel knows */
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	data[0] = (struct __user_cap_data_struct){ keep, keep, keep };
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (unsigned int cap = 0; cap < 32; cap++)
		if (keep & 1u << cap && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* Never above the hard limit there is, for that needs CAP_SYS_RESOURCE. */
static void lower(int resource, uint64_t soft, uint64_t hard)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return;
	if (limit.rlim_max > hard)
		limit.rlim_max = hard;
	limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
	setrlimit((__rlimit_resource_t)resource, &limit);
}

void lockdown_limits_apply(const struct lockdown_limits *limits)
{
	lower(RLIMIT_CORE, 0, 0);
	lower(RLIMIT_MEMLOCK, LOCKDOWN_MEMLOCK, LOCKDOWN_MEMLOCK);
	lower(RLIMIT_NICE, 0, 0);
	lower(RLIMIT_RTPRIO, 0, 0);
	lower(RLIMIT_STACK, 8 << 20, RLIM_INFINITY);
	if (limits->nofile)
		lower(RLIMIT_NOFILE, limits->nofile, limits->nofile);
	if (limits->fsize)
		lower(RLIMIT_FSIZE, limits->fsize, limits->fsize);
	if (limits->cpu_seconds)	/* SIGXCPU tells what it was; who does not listen gets SIGKILL a second later */
		lower(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1);
	if (limits->nproc)
		lower(RLIMIT_NPROC, limits->nproc, limits->nproc);
	if (limits->data)
		lower(RLIMIT_DATA, limits->data, limits->data);
}

void lockdown_limits_read(struct lockdown_limits *ret)
{
	const struct { int resource; uint64_t *value; } map[] = {
		{ RLIMIT_NOFILE, &ret->nofile }, { RLIMIT_FSIZE, &ret->fsize }, { RLIMIT_CPU, &ret->cpu_seconds },
		{ RLIMIT_NPROC, &ret->nproc }, { RLIMIT_DATA, &ret->data }, { RLIMIT_CORE, &ret->core },
		{ RLIMIT_MEMLOCK, &ret->memlock },
	};

	for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
		struct rlimit limit;

		*map[i].value = getrlimit((__rlimit_resource_t)map[i].resource, &limit) == 0 ? limit.rlim_max : RLIM_INFINITY;
	}
}
