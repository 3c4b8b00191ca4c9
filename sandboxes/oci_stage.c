/* SPDX-License-Identifier: Apache-2.0
 * The child that becomes the runtime. What it says when it fails goes where the runtime's own complaints go. */
#include "sandboxes/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/strvec.h"
#include "sandboxes/init.h"

const char *const oci_places[OCI_PLACES] = { "/mnt", "/media", "/srv", "/tmp" };

static _Noreturn void die(const struct oci_stage *s, const char *what)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s: %s\n", what, strerror(errno));

	if (write(s->errors, text, (size_t)n) < 0) { /* nobody to tell */ }
	_exit(125);
}

static void clean_up_inheritance(const struct oci_stage *s)
{
	int keep[2 + CGROUP_PLACES] = { s->stream, s->errors };
	sigset_t none;

	for (size_t i = 0; i < s->joins_len; i++)
		keep[2 + i] = s->joins[i];
	init_close_others(keep, 2 + s->joins_len);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
}

static void write_text(const struct oci_stage *s, const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
		die(s, path);
}

static void enter_namespaces(const struct oci_stage *s)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWNS | (s->rootless ? CLONE_NEWUSER : 0)) < 0)
		die(s, "making a mount namespace");
	if (s->rootless) {
		write_text(s, "/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1\n", uid);
		write_text(s, "/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1\n", gid);
		write_text(s, "/proc/self/gid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die(s, "making the mounts private");
}

static bool has_option(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = options; (p = strstr(p, name)); p += len)
		if ((p == options || p[-1] == ',') && (p[len] == ',' || p[len] == '\0' || p[len] == '\n'))
			return true;
	return false;
}

/* Where limits are version 1's, a runtime is shown the hierarchies that count and no others: crun refuses hosts that
 * have both versions, and runc would leave an empty folder in each of a dozen. The devices are among them, for runc
 * insists on it. */
static void thin_out_cgroups(void)
{
	static const char *const wanted[] = { "memory", "pids", "cpu", "devices" };
	autostrbuf struct strbuf mounts = STRBUF_INIT(8 << 20);
	bool v1 = false;
	char *save = NULL;

	if (file_read("/proc/self/mountinfo", &mounts, NULL) < 0)
		return;
	v1 = strstr(mounts.buf, " - cgroup ") != NULL;
	for (char *line = strtok_r(mounts.buf, "\n", &save); v1 && line; line = strtok_r(NULL, "\n", &save)) {
		const char *rest = strstr(line, " - cgroup"), *options;
		bool keep = false;
		char point[512];

		if (!rest || sscanf(line, "%*d %*d %*s %*s %511s", point) != 1)
			continue;
		options = strrchr(line, ' ') + 1;
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
			keep |= rest[9] != '2' && has_option(options, wanted[i]);
		/* what was mounted by more than we are now can only be covered */
		if (!keep && umount2(point, MNT_DETACH) < 0)
			mount("tmpfs", point, "tmpfs", MS_RDONLY, "size=4k,mode=0");
	}
}

static const char *open_place(const struct oci_stage *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(oci_places); i++)
		if (mount("tmpfs", oci_places[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m,nr_inodes=1024") == 0)
			return oci_places[i];
	die(s, "mounting a tmpfs for the bundle");
}

static void write_bundle(const struct oci_stage *s, const char *place, int rootfs_fd)
{
	autostrbuf struct strbuf config = STRBUF_INIT(STRBUF_NO_MAX);
	const struct native_program program = { .path = OCI_PROGRAM, .bytes = guest_init_program, .len = guest_init_program_len };
	struct native_root root = *s->bundle->root;
	struct wire_report report = { 0 };
	struct native_stage stage = { "" };
	char rootfs[64];

	root.rootfs_fd = rootfs_fd;
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", place);
	if (chdir(place) < 0 || mkdir("bundle", 0755) < 0 || mkdir("state", 0700) < 0 || mkdir("rootfs", 0755) < 0)
		die(s, "making the bundle");
	oci_config(s->bundle, rootfs, &config);
	if (file_write_atomic("bundle/config.json", config.buf, config.len, 0644, NULL) < 0)
		die(s, "writing config.json");
	if (native_root_build(&root, rootfs, &program, &report, &stage) < 0)
		die(s, stage.text);
	if (chdir(place) < 0 || chdir("bundle") < 0)
		die(s, "entering the bundle");
}

static void push_all(struct strvec *argv, const char *const *list)
{
	for (; *list; list++)
		strvec_push(argv, *list);
}

_Noreturn void oci_stage_main(const struct oci_stage *s)
{
	static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct strvec argv = STRVEC_INIT;
	const char *place;
	int rootfs_fd = -1;

	clean_up_inheritance(s);
	for (size_t i = 0; i < s->joins_len; i++)
		if (write(s->joins[i], "0", 1) < 0) { /* looked at when it runs */ }
	enter_namespaces(s);
	/* here, for what is mounted elsewhere cannot be shown; and before something is mounted over it */
	if (s->rootfs && (rootfs_fd = open(s->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		die(s, "opening the root folder");
	thin_out_cgroups();
	place = open_place(s);
	write_bundle(s, place, rootfs_fd);
	strvec_push(&argv, s->program);
	strvec_pushf(&argv, "--root=%s/state", place);
	push_all(&argv, s->bundle->runtime->global);
	strvec_push(&argv, "run");
	push_all(&argv, s->bundle->runtime->run);
	strvec_push(&argv, s->id);
	if (dup2(s->stream, 0) < 0 || dup2(s->stream, 1) < 0 || dup2(s->errors, 2) < 0)
		die(s, "handing over the streams");
	/* after the change of rights, which undoes it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || (s->parent && getppid() != s->parent))
		_exit(125);
	execve(s->program, argv.items, (char *const *)(uintptr_t)env);
	die(s, s->program);
}
