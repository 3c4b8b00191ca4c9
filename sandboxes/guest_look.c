/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/guest_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "sandboxes/init.h"
#include "sandboxes/native_wire.h"
#include "sandboxes/sandbox.h"

/* ---- files */

/* Can a file be made here? Where there is no such folder it cannot. */
static bool is_writable(const char *folder)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/.sandbox-try", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno == EEXIST;
	close(fd);
	unlink(path);
	return true;
}

/* A device in its place (/dev/null) is how some hide a file. */
static bool opens(const char *path, int flags)
{
	autoclose int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode);
}

/* As statvfs(2) says, or mountinfo where a kernel's statvfs(2) knows no flags. */
static bool is_root_read_only(void)
{
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	struct statvfs v;

	if (statvfs("/", &v) == 0 && (v.f_flag & ST_RDONLY))
		return true;
	if (file_read("/proc/self/mountinfo", &text, NULL) < 0)
		return false;
	for (const char *line = text.buf; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char point[16], options[32];

		if (sscanf(line, "%*d %*d %*s %*s %15s %31s", point, options) == 2 && !strcmp(point, "/"))
			return !strncmp(options, "ro", 2) && (options[2] == ',' || !options[2]);
	}
	return false;
}

static bool is_system_closed(void)
{
	static const char *const folders[] = {
		"", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/root", "/run",
		"/sbin", "/srv", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/usr/share", "/var", "/var/cache", "/var/lib",
		"/var/tmp", "/run/lock",
	};

	if (!is_root_read_only())
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (is_writable(folders[i]))
			return false;
	return true;
}

static bool has_flags(const char *path, unsigned long want)
{
	struct statvfs v;

	return statvfs(path, &v) == 0 && (v.f_flag & want) == want;
}

/* Size of the file system at `path`; nothing when it is no other than the root's. */
static void measure(const char *path, uint64_t *bytes, uint64_t *files)
{
	struct stat root, here;
	struct statvfs v;

	if (stat("/", &root) < 0 || stat(path, &here) < 0 || root.st_dev == here.st_dev || statvfs(path, &v) < 0)
		return;
	*bytes += (uint64_t)v.f_blocks * v.f_frsize;
	*files += v.f_files;
}

static bool is_same_fs(const char *a, const char *b)
{
	struct stat sa, sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev;
}

/* Is it refused to execute a file here? An empty one, which could not be executed anyway, but with another errno. */
static bool is_noexec(const char *folder)
{
	char path[64], *argv[] = { path, NULL }, *env[] = { NULL };
	int error = 0;

	snprintf(path, sizeof(path), "%s/.sandbox-try", folder);
	close(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700));
	if (execve(path, argv, env) < 0)
		error = errno;
	unlink(path);
	return error == EACCES;
}

/* What is mounted over a folder of devices to close it. */
static bool is_empty_folder(const char *name)
{
	autofree char *path = xasprintf("/dev/%s", name);
	DIR *dir = opendir(path);
	struct dirent *e;
	bool empty = dir != NULL;

	while (empty && (e = readdir(dir)))
		empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
	if (dir)
		closedir(dir);
	return empty;
}

/* How many; some of their names. */
static uint32_t unexpected_devices(char *names, size_t size)
{
	static const char *const expected[] = {
		".", "..", "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm", "mqueue", "fd", "stdin",
		"stdout", "stderr", "console",
	};
	DIR *dir = opendir("/dev");
	struct dirent *e;
	uint32_t n = 0;
	size_t len = 0;

	while (dir && (e = readdir(dir))) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
			known |= !strcmp(e->d_name, expected[i]);
		if (known || is_empty_folder(e->d_name))
			continue;
		if (len + strlen(e->d_name) + 3 < size)
			len += (size_t)snprintf(names + len, size - len, "%s%s", n ? ", " : "", e->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* Is there one, or has something else been mounted over it? */
static bool is_cgroup_there(const char *point)
{
	struct statfs fs;

	return statfs(point, &fs) == 0 && (fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC);
}

/* Neither a cgroup file system in mountinfo that can be reached, nor one below /sys/fs/cgroup; counts what is
 * mounted over /proc and /sys. */
static bool look_at_mounts(uint32_t *masked)
{
	autostrbuf struct strbuf text = STRBUF_INIT(1 << 20);
	bool hidden = true;
	char *save = NULL;

	if (file_read("/proc/self/mountinfo", &text, NULL) < 0)
		return !opens("/sys/fs/cgroup/cgroup.procs", O_WRONLY);
	for (char *line = strtok_r(text.buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *type = strstr(line, " - ");
		char point[256];

		if (!type || sscanf(line, "%*d %*d %*s %*s %255s", point) != 1)
			continue;
		hidden &= strncmp(type, " - cgroup", 9) != 0 || !is_cgroup_there(point);
		*masked += !strncmp(point, "/proc/", 6) || !strncmp(point, "/sys/", 5);
	}
	return hidden;
}

static bool is_proc_closed(void)
{
	static const char *const files[] = {
		"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname", "/proc/sys/vm/swappiness",
		"/proc/sysrq-trigger", "/proc/irq/default_smp_affinity", "/proc/mtrr", "/proc/acpi/wakeup", "/proc/scsi/scsi",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (opens(files[i], O_WRONLY))
			return false;
	return !opens("/proc/kcore", O_RDONLY) && !opens("/proc/kmsg", O_RDONLY);
}

/* ---- who and where */

/* The id one level up that `id` stands for; itself where there is no such level. */
static uint32_t outside_of(uint32_t id)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);

	if (file_read("/proc/self/uid_map", &text, NULL) < 0)
		return id;
	for (const char *line = text.buf; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		uint32_t inside, outside, n;

		if (sscanf(line, "%u %u %u", &inside, &outside, &n) == 3 && id >= inside && id - inside < n)
			return outside + (id - inside);
	}
	return id;
}

static uint32_t foreign_groups(gid_t own)
{
	gid_t groups[256];
	int n = getgroups((int)ARRAY_SIZE(groups), groups);
	uint32_t foreign = n < 0 ? 1 : 0;

	for (int i = 0; i < n; i++)
		foreign += groups[i] != own;
	return foreign;
}

/* Interfaces that are up, lo included. */
static uint32_t interfaces(void)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t up = 0;

	for (int i = 1; fd >= 0 && i <= 64; i++) {
		struct ifreq req = { .ifr_ifindex = i };

		if (ioctl(fd, SIOCGIFNAME, &req) == 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0 && (req.ifr_flags & IFF_UP))
			up++;
	}
	return up;
}

static uint64_t all_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };
	uint64_t all = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return UINT64_MAX;
	for (int i = 0; i < 2; i++)
		all |= (uint64_t)(data[i].effective | data[i].permitted | data[i].inheritable) << (32 * i);
	for (int cap = 0; cap < 64; cap++) {
		int bound = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (bound < 0)
			break;
		if (bound || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			all |= UINT64_C(1) << cap;
	}
	return all;
}

static bool is_no_new_privs_shown(void)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);

	return file_read("/proc/self/status", &text, NULL) == 0 && strstr(text.buf, "\nNoNewPrivs:\t1\n") != NULL;
}

void guest_look_around(struct guest_report *report)
{
	native_namespace_inodes(report->namespaces);
	report->root_read_only = is_system_closed();
	report->tmp_private = has_flags("/tmp", ST_NOEXEC | ST_NOSUID | ST_NODEV) &&
			      has_flags("/" SANDBOX_WORKDIR_RELATIVE, ST_NOSUID | ST_NODEV);
	measure("/" SANDBOX_WORKDIR_RELATIVE, &report->work_bytes, &report->work_files);
	measure("/tmp", &report->tmp_bytes, &report->tmp_files);
	if (report->tmp_bytes && !is_same_fs("/tmp", "/dev/shm"))
		measure("/dev/shm", &report->tmp_bytes, &report->tmp_files);
	report->tmp_noexec = is_noexec("/tmp");
	report->devices_unexpected = unexpected_devices(report->devices, sizeof(report->devices));
	report->cgroup_hidden = look_at_mounts(&report->masked);
	report->proc_read_only = is_proc_closed();
	report->sys_read_only = !opens("/sys/kernel/mm/transparent_hugepage/enabled", O_WRONLY) &&
				!opens("/sys/kernel/uevent_helper", O_WRONLY) && !opens("/sys/power/state", O_WRONLY) &&
				!is_writable("/sys/fs/cgroup");
}

void guest_look_back(struct guest_report *report)
{
	int seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0), no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);

	report->uid = getuid();
	report->gid = getgid();
	report->outside_uid = outside_of(report->uid);
	report->foreign_groups = foreign_groups(report->gid);
	report->interfaces = interfaces();
	report->capabilities = all_capabilities();
	report->seccomp_mode = seccomp > 0 ? (uint32_t)seccomp : 0;
	report->no_new_privs = no_new_privs == 1;
	report->no_new_privs_shown = is_no_new_privs_shown();
}
