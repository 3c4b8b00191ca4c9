/* SPDX-License-Identifier: Apache-2.0
 * oci: the same commands, ends and limits by every OCI runtime that this host has. */
#include "tests/unit/sandboxes/jail.h"

#include <sys/mman.h>

#define OCI_RUNTIMES 3
static const char *const runtimes[OCI_RUNTIMES] = { "runc", "crun", "runsc" };

static bool is_available(const char *name)
{
	struct backend_info info;

	for (size_t i = 0; sandbox_backend_info(i, &info); i++) {
		if (strcmp(info.runtime, name) != 0)
			continue;
		sandbox_backend_probe(i, &info);
		if (!info.available)
			print_message("skipped: %s: %s\n", name, info.reason);
		return info.available;
	}
	return false;
}

/* False: this host does not have it, or (gVisor is old where it is packaged) it does not run here. */
static bool open_with(struct jail *j, const char *runtime)
{
	struct error err = { .text = "" };

	if (!is_available(runtime))
		return false;
	jail_init(j);
	snprintf(j->ref.backend, sizeof(j->ref.backend), "%s", runtime);
	if (sandbox_create(&j->ref, &j->spec, &j->sb, &j->controls, &err) == 0)
		return true;
	print_error("%s\n", err.text);
	j->sb = NULL;
	jail_close(j);
	must(!strcmp(runtime, "runsc"));
	return false;
}

static const struct {
	const char *what, *script;
	enum sandbox_end end;
	int status;
	const char *out, *err;		/* the whole stream; NULL: anything */
	bool not_gvisor;
} commands[] = {
	{ "exit status",	"exit 42", SANDBOX_EXITED, 42, "", "", false },
	{ "two streams",	"echo a; echo b >&2", SANDBOX_EXITED, 0, "a\n", "b\n", false },
	{ "signal",		"kill -SEGV $$", SANDBOX_SIGNALED, SIGSEGV, "", "", false },
	{ "work folder",	"pwd; echo x > f && cat f && rm f", SANDBOX_EXITED, 0, "/work\nx\n", "", false },
	{ "environment",	"echo $GREETING; env | grep -vc -e PWD= -e SHLVL= -e _=", SANDBOX_EXITED, 0, "hello world\n3\n", "", false },
	{ "stdin is empty",	"cat; readlink /proc/self/fd/0", SANDBOX_EXITED, 0, "/dev/null\n", "", false },
	{ "umask",		"umask", SANDBOX_EXITED, 0, "0022\n", "", false },
	{ "host name",		"uname -n; cat /etc/hostname", SANDBOX_EXITED, 0, "inside\ninside\n", "", false },
	{ "init cannot be killed", "kill -9 1; kill -STOP 1; kill -TERM 1; echo alive", SANDBOX_EXITED, 0, "alive\n", "", true },
	{ "no descriptors",	"ls /proc/self/fd | wc -l", SANDBOX_EXITED, 0, "4\n", "", true },
	{ "no terminal",	"exec 3</dev/tty", SANDBOX_EXITED, 2, "", NULL, false },
	{ "read-only root",	"touch /x /etc/x /usr/x /run/x /var/tmp/x /dev/x; ls /x", SANDBOX_EXITED, 2, "", NULL, false },
	{ "tmp is not executable", "cp /bin/true /tmp/t && /tmp/t", SANDBOX_EXITED, 126, "", NULL, false },
	{ "work is executable",	"cp /bin/true t && ./t && rm t", SANDBOX_EXITED, 0, "", "", false },
	{ "no secrets",		"cat /etc/shadow /etc/machine-id /root/.bashrc 2>/dev/null | wc -l", SANDBOX_EXITED, 0, "0\n", "", false },
	{ "only loopback",	"cut -d: -f1 -s /proc/net/dev | tr -d ' '", SANDBOX_EXITED, 0, "lo\n", "", false },
	{ "no cgroup path",	"cut -d: -f3 /proc/self/cgroup | sort -u", SANDBOX_EXITED, 0, "/\n", "", true },
	{ "no cgroup mounts",	"grep -c -e '- cgroup' /proc/self/mountinfo", SANDBOX_EXITED, 1, "0\n", "", false },
	{ "core size",		"ulimit -c; ulimit -Hc", SANDBOX_EXITED, 0, "0\n0\n", "", false },
	{ "descriptor limit",	"ulimit -Hn", SANDBOX_EXITED, 0, "64\n", "", false },
	{ "nothing to gain",	"grep -cE 'Cap...:.0000000000000000' /proc/self/status", SANDBOX_EXITED, 0, NULL, "", false },
	{ "unshare is refused",	"unshare -U true", SANDBOX_EXITED, 1, "", "unshare: unshare failed: Operation not permitted\n", false },
	{ "proc is read-only",	"echo x > /proc/sys/kernel/core_pattern", SANDBOX_EXITED, 2, "", NULL, false },
	{ "kcore is hidden",	"wc -c < /proc/kcore", SANDBOX_EXITED, 2, "", NULL, true },
	{ "who",		"id -u; id -G | wc -w", SANDBOX_EXITED, 0, NULL, "", false },
};

static void test_commands(void **state)
{
	(void)state;
	for (size_t r = 0; r < OCI_RUNTIMES; r++) {
		struct jail j;

		if (!open_with(&j, runtimes[r]))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
			if (commands[i].not_gvisor && !strcmp(runtimes[r], "runsc"))
				continue;
			jail_sh(&j, commands[i].script);
			if (j.exit.end != commands[i].end || j.exit.status != commands[i].status ||
			    (commands[i].out && strcmp(j.out[0].buf, commands[i].out)) ||
			    (commands[i].err && strcmp(j.out[1].buf, commands[i].err)))
				fail_msg("%s: %s: end %d, status %d, out '%s', err '%s'", runtimes[r], commands[i].what, (int)j.exit.end,
					 j.exit.status, j.out[0].buf, j.out[1].buf);
		}
		jail_close(&j);
	}
}

static void test_limits(void **state)
{
	(void)state;
	for (size_t r = 0; r < 2; r++) {	/* gVisor counts its own memory and threads */
		struct jail j;

		if (!open_with(&j, runtimes[r]))
			continue;
		j.timeout_ns = 500 * NS_PER_MS;
		jail_sh(&j, "trap '' TERM; sleep 300 & while :; do sleep 1; done");
		assert_int_equal(j.exit.end, SANDBOX_TIMED_OUT);
		j.timeout_ns = 20 * NS_PER_SEC;
		jail_sh(&j, "sleep 300 & setsid sleep 300 & true");
		assert_int_equal(j.exit.outlived, 2);
		jail_sh(&j, "head -c 20000000 /dev/zero");
		assert_true(j.exit.output_truncated);
		assert_int_equal(j.exit.output_bytes[0], 20000000);
		assert_int_equal(j.out[0].len, 1 << 20);
		jail_sh(&j, "for i in $(seq 50); do cat /dev/zero > full$i; done; rm full*");	/* looked at every 2 ms, on a busy host less often */
		assert_true(j.exit.storage_limit_hit);
		jail_sh(&j, "cat /dev/zero > /tmp/a & cat /dev/zero > /dev/shm/b; wait; du -sk /tmp /dev/shm | "
			"awk '{n += $1} END {print n <= 4096}'; rm /tmp/a /dev/shm/b");
		assert_string_equal(j.out[0].buf, "1\n");
		if (j.controls.items[CONTROL_PIDS].state == CONTROL_ENFORCED) {
			jail_sh(&j, "for i in $(seq 60); do sleep 30 & done; wait");
			assert_true(j.exit.pids_limit_hit);
		}
		if (j.controls.items[CONTROL_MEMORY].state == CONTROL_ENFORCED) {
			jail_sh(&j, "tail -c 200000000 /dev/zero | tail -c 200000000 > /dev/null");
			assert_int_equal(j.exit.end, SANDBOX_OUT_OF_MEMORY);
		}
		jail_sh(&j, "echo alive");
		assert_string_equal(j.out[0].buf, "alive\n");
		jail_close(&j);
	}
}

/* Everything that was asked for holds where root asks for it; nothing is said to hold that does not. */
static void test_controls(void **state)
{
	(void)state;
	for (size_t r = 0; r < OCI_RUNTIMES; r++) {
		struct jail j;

		if (!open_with(&j, runtimes[r]))
			continue;
		for (unsigned int i = 0; i < CONTROL_COUNT; i++) {
			const struct control *c = &j.controls.items[i];

			if (c->state == CONTROL_ENFORCED || c->state == CONTROL_NOT_REQUESTED)
				continue;
			assert_string_not_equal(c->detail, "");
			print_message("%s: %s %s: %s\n", runtimes[r], control_name((enum control_id)i),
				      control_state_to_string(c->state), c->detail);
			if (geteuid() == 0 && r < 2 && i != CONTROL_LANDLOCK && (r != 1 || i != CONTROL_MINIMAL_DEV))
				fail_msg("%s: %s is not enforced", runtimes[r], control_name((enum control_id)i));
		}
		jail_close(&j);
	}
}

static bool count_entry(void *n, const struct sandbox_entry *entry)
{
	*(int *)n += entry->kind == SANDBOX_ENTRY_FILE && entry->has_digest && !strcmp(entry->path, "d/file");
	return true;
}

static void test_files(void **state)
{
	(void)state;
	for (size_t r = 0; r < OCI_RUNTIMES; r++) {
		int n = 0, fd = memfd_create("content", MFD_CLOEXEC), got = memfd_create("got", MFD_CLOEXEC);
		struct sandbox_walk walk = { .trees = 1u << SANDBOX_TREE_WORK, .digests = true, .entry = count_entry, .arg = &n };
		struct error err = { .text = "" };
		uint64_t bytes = 0;
		struct jail j;

		if (!open_with(&j, runtimes[r]))
			continue;
		must(write_all(fd, "content", 7) == 0 && lseek(fd, 0, SEEK_SET) == 0);
		assert_int_equal(sandbox_put(j.sb, &(struct sandbox_file){ .kind = SANDBOX_FILE, .path = "d/file", .mode = 0640, .fd = fd },
					     &err), 0);
		jail_sh(&j, "cat d/file");
		assert_string_equal(j.out[0].buf, "content");
		if (sandbox_walk(j.sb, &walk, &err) < 0)
			fail_msg("%s: %s", runtimes[r], err.text);
		assert_int_equal(n, 1);
		assert_int_equal(sandbox_get(j.sb, SANDBOX_TREE_WORK, "d/file", 100, got, &bytes, &err), 0);
		assert_int_equal(bytes, 7);
		close(fd);
		close(got);
		jail_close(&j);
	}
}

/* Another process, which knows nothing but the ref, undoes what is alive; a second time there is nothing. */
static void test_destroy_from_ref(void **state)
{
	(void)state;
	for (size_t r = 0; r < OCI_RUNTIMES; r++) {
		struct cleanup_list list = { 0 };
		struct error err = { .text = "" };
		struct jail j;
		size_t cgroups = 0;

		if (!open_with(&j, runtimes[r]))
			continue;
		if (sandbox_destroy(&j.ref, &list, &err) < 0)
			fail_msg("%s: %s", runtimes[r], err.text);
		for (size_t i = 0; i < list.len; i++) {
			assert_true(list.items[i].gone);
			cgroups += !strcmp(list.items[i].kind, "cgroup");
		}
		assert_true(cgroups > 0 || geteuid() != 0);
		cleanup_list_release(&list);
		jail_run(&j, (const char *const[]){ "true", NULL });
		assert_int_equal(j.exit.end, SANDBOX_LOST);
		jail_close(&j);
	}
}

/* A root folder and a static shell. Nothing is written to it, and what is to be hidden is. */
static void test_rootfs(void **state)
{
	const char *const script = "read x < /etc/mark; echo $x; read y < /secret/word; echo $y; echo z > /etc/z";
	char root[] = "/tmp/oci-rootfs.XXXXXX";
	autofree char *mask = NULL;

	(void)state;
	if (access("/usr/bin/busybox", X_OK) < 0)
		skip();
	must(mkdtemp(root) && chmod(root, 0755) == 0);
	mask = xasprintf("%s/secret", root);
	{
		autofree char *cmd = xasprintf("cd %s && mkdir bin etc secret && cp /usr/bin/busybox bin/sh && "
					       "echo here > etc/mark && echo word > secret/word", root);
		pid_t pid = fork();
		int status = 1;

		if (pid == 0)
			execl("/bin/sh", "sh", "-c", cmd, NULL);
		must(waitpid(pid, &status, 0) == pid && status == 0);
	}
	for (size_t r = 0; r < OCI_RUNTIMES; r++) {
		struct error err = { .text = "" };
		struct jail j;

		if (!is_available(runtimes[r]))
			continue;
		jail_init(&j);
		snprintf(j.ref.backend, sizeof(j.ref.backend), "%s", runtimes[r]);
		j.spec.rootfs = root;
		j.spec.masks = (const char *const[]){ mask, NULL };
		if (sandbox_create(&j.ref, &j.spec, &j.sb, &j.controls, &err) < 0)
			fail_msg("%s: %s", runtimes[r], err.text);
		jail_sh(&j, script);
		assert_string_equal(j.out[0].buf, "here\n\n");
		assert_int_not_equal(j.exit.status, 0);
		jail_close(&j);
	}
	{
		autofree char *work = xasprintf("%s/work", root);

		assert_int_equal(access(work, F_OK), -1);
	}
	must(remove_tree_at(AT_FDCWD, root, NULL) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands), cmocka_unit_test(test_limits), cmocka_unit_test(test_controls), cmocka_unit_test(test_files),
		cmocka_unit_test(test_destroy_from_ref), cmocka_unit_test(test_rootfs),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
