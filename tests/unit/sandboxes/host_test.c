/* SPDX-License-Identifier: Apache-2.0
 * host: the jail on hosts that do not let us: no root, no user namespaces, old kernels. What a host refuses is acted by a
 * seccomp filter of our own, in a child. */
#include "tests/unit/sandboxes/jail.h"

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From now on system call `nr` fails with `error`, if its first argument has one of `bits`. */
static void refuse(unsigned int nr, unsigned int bits, unsigned int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, bits ? 1 : 0),	/* no bits: in any case */
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void no_user_namespaces(void)
{
	refuse(SYS_clone3, 0, ENOSYS);		/* so that the flags can be seen */
	refuse(SYS_clone, CLONE_NEWUSER, EPERM);
	refuse(SYS_unshare, CLONE_NEWUSER, EPERM);
}

static void become_user(const gid_t *groups, size_t n)
{
	must(setgroups(n, groups) == 0 && setresgid(12345, 12345, 12345) == 0 && setresuid(12345, 12345, 12345) == 0);
	must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);	/* as after an exec: our /proc files are our own */
}

static enum control_state state_of(const struct jail *j, enum control_id id)
{
	return j->controls.items[id].state;
}

static void check_walls(struct jail *j)
{
	static const enum control_id walls[] = {
		CONTROL_NETWORK,       CONTROL_PID_NAMESPACE,  CONTROL_MOUNT_NAMESPACE, CONTROL_IPC_NAMESPACE,
		CONTROL_UTS_NAMESPACE, CONTROL_READ_ONLY_ROOT, CONTROL_MASKED_PATHS,	CONTROL_PRIVATE_TMP,
		CONTROL_MINIMAL_DEV,   CONTROL_SECCOMP,	       CONTROL_CAPABILITIES,	CONTROL_NO_NEW_PRIVS,
		CONTROL_NON_ROOT,      CONTROL_STORAGE,	       CONTROL_NOFILE,		CONTROL_FSIZE,
		CONTROL_CPU_TIME,      CONTROL_TIME,	       CONTROL_OUTPUT,
	};

	for (size_t i = 0; i < ARRAY_SIZE(walls); i++) {
		if (state_of(j, walls[i]) == CONTROL_ENFORCED)
			continue;
		print_error("%s is %s: %s\n", control_name(walls[i]), control_state_to_string(state_of(j, walls[i])),
			    j->controls.items[walls[i]].detail);
		must(!"every wall stands");
	}
	jail_sh(j, "id -un; touch f /tmp/f && rm f; touch /etc/f 2>/dev/null || echo read-only; grep -c "
		   "CapEff.*0000000000000000 /proc/self/status");
	must(!strcmp(j->out[0].buf, "sandbox\nread-only\n1\n"));
}

static void note(void *arg, const struct sandbox_event *e)
{
	(void)arg;
	(void)e;
}

static void open_observed(struct jail *j)
{
	jail_init(j);
	j->spec.observe = true;
	j->observer = note;
	jail_make(j);
	must(state_of(j, CONTROL_OBSERVATION) == CONTROL_ENFORCED);
}

static void as_root(void *arg)
{
	(void)arg;
	struct jail j;

	open_observed(&j);
	check_walls(&j);
	for (int i = 0; i < CONTROL_COUNT; i++)
		must(state_of(&j, (enum control_id)i) == CONTROL_ENFORCED || i == CONTROL_MEMORY || i == CONTROL_CPU ||
		     i == CONTROL_OBSERVATION || i == CONTROL_BANDWIDTH ||
		     i == CONTROL_PIDS || i == CONTROL_CGROUP_NAMESPACE);
	jail_close(&j);
}

static void as_user(void *arg)
{
	struct jail j;

	(void)arg;
	if (geteuid() == 0)
		become_user(NULL, 0);
	open_observed(&j);
	check_walls(&j);
	must(state_of(&j, CONTROL_USER_NAMESPACE) == CONTROL_ENFORCED);
	must(state_of(&j, CONTROL_SUPPLEMENTARY_GROUPS) == CONTROL_ENFORCED || geteuid() != 12345);
	/* without a cgroup something weaker holds, and the table says that it is weaker */
	if (state_of(&j, CONTROL_PIDS) != CONTROL_ENFORCED) {
		must(state_of(&j, CONTROL_PIDS) == CONTROL_DEGRADED &&
		     state_of(&j, CONTROL_MEMORY) == CONTROL_DEGRADED);
		must(state_of(&j, CONTROL_CPU) == CONTROL_UNAVAILABLE && *j.controls.items[CONTROL_CPU].detail);
		jail_sh(&j, "python3 -c 'x = bytearray(200 << 20)' 2>&1 | tail -n 1");
		must(!strcmp(j.out[0].buf, "MemoryError\n"));
		jail_sh(&j, "for i in $(seq 60); do sleep 3 & done; wait");
		must(strstr(j.out[1].buf, "annot fork"));
	}
	jail_close(&j);
}

static void as_user_with_groups(void *arg)
{
	struct jail j;

	(void)arg;
	become_user((const gid_t[]){ 12345, 4, 27 }, 3);
	jail_open(&j);
	must(state_of(&j, CONTROL_SUPPLEMENTARY_GROUPS) == CONTROL_DEGRADED);
	must(!strncmp(j.controls.items[CONTROL_SUPPLEMENTARY_GROUPS].detail, "2 groups", 8));
	jail_close(&j);
}

static void as_root_without_user_namespaces(void *arg)
{
	struct jail j;

	(void)arg;
	no_user_namespaces();
	open_observed(&j);
	check_walls(&j);
	must(state_of(&j, CONTROL_USER_NAMESPACE) == CONTROL_UNAVAILABLE);
	must(*j.controls.items[CONTROL_USER_NAMESPACE].detail);
	must(state_of(&j, CONTROL_SUPPLEMENTARY_GROUPS) == CONTROL_ENFORCED);
	jail_sh(&j, "[ $(id -u) -ge 1879048192 ] && [ $(stat -c %u /work) = $(id -u) ] && echo nobody; kill -9 1; echo "
		    "alive; cat /proc/kcore");
	must(!strcmp(j.out[0].buf, "nobody\nalive\n"));
	jail_close(&j);
}

static void bind_service_without_user_namespaces(void *arg)
{
	struct error err;
	struct jail j;

	(void)arg;
	no_user_namespaces();
	jail_init(&j);
	j.spec.net_bind_service = true;
	must(sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) == 0);
	must(state_of(&j, CONTROL_CAPABILITIES) == CONTROL_ENFORCED);
	jail_sh(&j, "grep ^Cap /proc/self/status | cut -f2 | sort -u; python3 -c 'import socket; "
		    "socket.socket().bind((\"127.0.0.1\", 80))'");
	must(!strcmp(j.out[0].buf, "0000000000000400\n") && j.exit.status == 0);
	jail_close(&j);
}

static void as_user_without_user_namespaces(void *arg)
{
	struct backend_info info;
	struct error err;
	struct jail j;

	(void)arg;
	if (geteuid() == 0)
		become_user(NULL, 0);
	no_user_namespaces();
	jail_init(&j);
	must(sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) == -1);
	must(err.code == ERR_UNAVAILABLE && strstr(err.text, "user namespaces are "));
	must(sandbox_backend_info(0, &info));
	sandbox_backend_probe(0, &info);
	must(!info.available && strstr(info.reason, "user namespaces are "));
	jail_close(&j);
}

/* AppArmor on Ubuntu lets the namespace be made and refuses what one would do in it. */
static void user_namespace_without_rights(void *arg)
{
	struct backend_info info;
	struct error err;
	struct jail j;

	(void)arg;
	if (geteuid() == 0)
		become_user(NULL, 0);
	refuse(SYS_mount, 0, EACCES);
	jail_init(&j);
	must(sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) == -1);
	must(err.code == ERR_UNAVAILABLE && strstr(err.text, "user namespaces are "));
	must(sandbox_backend_info(0, &info));
	sandbox_backend_probe(0, &info);
	must(!info.available);
	jail_close(&j);
}

static void on_an_old_kernel(void *arg)
{
	struct jail j;

	(void)arg;
	refuse(SYS_clone3, 0, ENOSYS);			/* before 5.3 */
	refuse(442 /* mount_setattr */, 0, ENOSYS);	/* before 5.12 */
	refuse(436 /* close_range */, 0, ENOSYS);	/* before 5.9 */
	jail_open(&j);
	check_walls(&j);
	jail_sh(&j, "touch /usr/f /etc/alternatives/f /proc/sys/f 2>&1 | grep -c -e Read-only -e 'No such file'; echo "
		    "x > /proc/self/comm; ls /proc/self/fd | wc -l");
	must(!strcmp(j.out[0].buf, "3\n4\n"));
	jail_close(&j);
}

/* Root in a user namespace that knows nobody else stays root outside: the table has to say so. */
static void as_root_alone(void *arg)
{
	static const char *const files[][2] = {
		{ "/proc/self/setgroups", "deny" }, { "/proc/self/uid_map", "0 0 1" }, { "/proc/self/gid_map", "0 0 1" },
	};
	struct jail j;

	(void)arg;
	must(unshare(CLONE_NEWUSER) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autoclose int fd = open(files[i][0], O_WRONLY);

		must(write_all(fd, files[i][1], strlen(files[i][1])) == 0);
	}
	jail_open(&j);
	must(state_of(&j, CONTROL_NON_ROOT) == CONTROL_DEGRADED && *j.controls.items[CONTROL_NON_ROOT].detail);
	jail_sh(&j, "touch /usr/f /etc/alternatives/f /proc/sys/kernel/core_pattern 2>&1 | grep -c Read-only");
	must(!strcmp(j.out[0].buf, "3\n"));
	jail_close(&j);
}

/* What is mounted below a system folder does not show, though the kernel does not let us show the one without the other. */
static void with_mounts_below(void *arg)
{
	struct jail j;

	(void)arg;
	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	must(mount("tmpfs", "/usr/games", "tmpfs", 0, NULL) == 0 && mkdir("/usr/games/private", 0755) == 0);
	must(mkdir("/usr/games/a b", 0755) == 0 && mount("tmpfs", "/usr/games/a b", "tmpfs", 0, NULL) == 0);
	must(mount("tmpfs", "/usr/src", "tmpfs", 0, NULL) == 0 && mkdir("/usr/src/a b", 0755) == 0);
	must(mount("/usr/share", "/usr/src/a b", NULL, MS_BIND, NULL) == 0);
	must(mount("/proc/version", "/usr/bin/true", NULL, MS_BIND, NULL) == 0);
	jail_open(&j);
	check_walls(&j);
	jail_sh(&j, "ls /usr/games /usr/src/* 2>/dev/null; cat /usr/bin/true; touch /usr/games/x; ls -d /usr/lib");
	must(!strcmp(j.out[0].buf, "/usr/games:\n/usr/lib\n"));
	jail_close(&j);
}

/* In a container that covers parts of /proc the kernel gives a user namespace no new one: said, and steps run without. */
static void with_a_covered_proc(void *arg)
{
	struct jail j;

	(void)arg;
	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	must(mount("/dev/null", "/proc/kmsg", NULL, MS_BIND, NULL) == 0);
	jail_open(&j);
	must(strstr(j.controls.items[CONTROL_MASKED_PATHS].detail, "/proc "));
	must(state_of(&j, CONTROL_SECCOMP) == CONTROL_ENFORCED && state_of(&j, CONTROL_PID_NAMESPACE) == CONTROL_ENFORCED);
	jail_sh(&j, "cat /proc/kmsg /proc/cmdline /proc/sys/kernel/osrelease; touch /proc/x; echo runs");
	must(!strcmp(j.out[0].buf, "runs\n"));
	jail_close(&j);
}

/* ---- where commands cannot be observed: said, and steps run behind the same walls */

static void unobserved(const char *why)
{
	struct jail j;

	jail_init(&j);
	j.spec.observe = true;
	jail_make(&j);
	check_walls(&j);
	must(state_of(&j, CONTROL_OBSERVATION) == CONTROL_UNAVAILABLE);
	if (!strstr(j.controls.items[CONTROL_OBSERVATION].detail, why))
		print_error("%s\n", j.controls.items[CONTROL_OBSERVATION].detail);
	must(strstr(j.controls.items[CONTROL_OBSERVATION].detail, why));
	/* by the filter, not by the kernel: the plain one is in force */
	jail_sh(&j, "unshare -U true 2>&1; python3 -c 'import socket; socket.socket(40, 1)' 2>&1 | tail -n 1");
	must(strstr(j.out[0].buf, "Operation not permitted") && strstr(j.out[0].buf, "not implemented"));
	jail_close(&j);
}

static void without_close_range(void *arg)
{
	(void)arg;
	refuse(436 /* close_range */, 0, ENOSYS);
	unobserved("needs Linux 5.9");
}

static void without_seccomp_call(void *arg)
{
	(void)arg;
	refuse(SYS_seccomp, 0, ENOSYS);
	unobserved("needs Linux 5.9");
}

static void without_reading_memory(void *arg)
{
	(void)arg;
	refuse(SYS_process_vm_readv, 0, EPERM);
	unobserved("ptrace_scope");
}

/* As in a container whose runtime has a seccomp agent. */
static void with_another_listener(void *arg)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { 1, &allow };

	(void)arg;
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) >= 0);
	unobserved("somebody outside listens");
}

/* No names, but calls are told. */
static void observed_without_proc(void *arg)
{
	struct jail j;

	(void)arg;
	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	must(mount("/dev/null", "/proc/kmsg", NULL, MS_BIND, NULL) == 0);
	jail_init(&j);
	j.spec.observe = true;
	jail_make(&j);
	must(state_of(&j, CONTROL_OBSERVATION) == CONTROL_DEGRADED || state_of(&j, CONTROL_OBSERVATION) == CONTROL_ENFORCED);
	must((state_of(&j, CONTROL_OBSERVATION) == CONTROL_DEGRADED) == !!strstr(j.controls.items[CONTROL_MASKED_PATHS].detail, "is empty"));
	jail_sh(&j, "cd /tmp; touch a; echo runs; unshare -U true; touch /usr/a");
	must(!strcmp(j.out[0].buf, "runs\n"));
	jail_close(&j);
}

static void in_forks(void (*const *bodies)(void *), size_t n)
{
	for (size_t i = 0; i < n; i++)
		in_fork(bodies[i], NULL);
}

static void test_root(void **state)
{
	static void (*const bodies[])(void *) = {
		as_root, as_root_without_user_namespaces, bind_service_without_user_namespaces, as_user_with_groups,
		as_root_alone, with_mounts_below, with_a_covered_proc,
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	in_forks(bodies, ARRAY_SIZE(bodies));
}

static void test_unobserved(void **state)
{
	static void (*const bodies[])(void *) = {
		without_close_range, without_seccomp_call, without_reading_memory, with_another_listener, observed_without_proc,
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	in_forks(bodies, ARRAY_SIZE(bodies));
}

static void test_user(void **state)
{
	static void (*const bodies[])(void *) = {
		as_user, as_user_without_user_namespaces, user_namespace_without_rights,
	};

	(void)state;
	in_forks(bodies, ARRAY_SIZE(bodies));
}

static void test_old_kernel(void **state)
{
	(void)state;
	in_fork(on_an_old_kernel, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root), cmocka_unit_test(test_user), cmocka_unit_test(test_old_kernel),
		cmocka_unit_test(test_unobserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
