/* SPDX-License-Identifier: Apache-2.0
 * probe: a step that tries to get out. Static, so that it runs in any root. Each attempt happens in a child of its own and
 * does no harm where it succeeds. One line each, and exit status 1 if one was not blocked:
 *
 *	blocked|ESCAPED <name>: <detail>
 *
 *	probe [--secret=PATH] [--token=TEXT] [--port=N] [--abstract=NAME] [--unix=PATH] [--argv0=NAME] [--ns=NAME:INODE]…
 *	      [--host-path=PATH] [--hostname=NAME] [--nofile=N] [--expect-groups]
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#include "attempt.h"
#include "calls.h"
#include "network.h"

static const char *secret, *token, *argv0, *host_path, *host_name;
static rlim_t nofile = 1024;
static struct { const char *name; unsigned long inode; } host_ns[8];
static size_t host_ns_len;

/* ---- files: walk all that can be seen */
static char found[300];
static unsigned long walked;

static int is_own_place(const char *path)
{
	static const char *const own[] = { "/work", "/tmp", "/dev/shm", "/dev/pts" };

	for (size_t i = 0; i < COUNT(own); i++)
		if (!strncmp(path, own[i], strlen(own[i])) && (path[strlen(own[i])] == '/' || !path[strlen(own[i])]))
			return 1;
	return 0;
}

static int is_device_we_want(const struct stat *st)
{
	const dev_t devices[] = { makedev(1, 3), makedev(1, 5), makedev(1, 7), makedev(1, 8), makedev(1, 9), makedev(5, 0) };

	for (size_t i = 0; i < COUNT(devices); i++)
		if (S_ISCHR(st->st_mode) && st->st_rdev == devices[i])
			return 1;
	return 0;
}

static int look_for_writable(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char probe[4200];
	int fd;

	(void)at;
	if (is_own_place(path))
		return FTW_SKIP_SUBTREE;
	if (!strncmp(path, "/proc/", 6) && (path[6] >= '0' && path[6] <= '9'))
		return FTW_SKIP_SUBTREE;
	walked++;
	if (type == FTW_D || type == FTW_DNR) {
		snprintf(probe, sizeof(probe), "%s/.probe", path);
		fd = open(probe, O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (fd >= 0)
			unlink(probe);
	} else if (type == FTW_F && !is_device_we_want(st)) {
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
	} else {
		return FTW_CONTINUE;
	}
	if (fd >= 0) {
		close(fd);
		snprintf(found, sizeof(found), "%s", path);
		return FTW_STOP;
	}
	return FTW_CONTINUE;
}

static void try_writable(const void *arg)
{
	if (nftw(arg, look_for_writable, 64, FTW_PHYS | FTW_ACTIONRETVAL) == FTW_STOP)
		end(1, "open for writing: %s", found);
	end(walked == 0, "%lu files and folders are not", walked);
}

static int look_for_token(const char *path)
{
	static char data[1 << 16];
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, data, sizeof(data) - 1) : -1;

	data[n > 0 ? n : 0] = '\0';
	return n > 0 && (!token || strstr(data, token));
}

static void try_secret(const void *arg)
{
	char path[4200];

	(void)arg;
	if (!secret)
		end(0, "none named");
	if (look_for_token(secret))
		end(1, "read %s", secret);
	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/../../../../../../../..%s", fd, secret);
		if (look_for_token(path))
			end(1, "read through descriptor %d", fd);
	}
	for (int pid = 1; pid < 64; pid++) {
		static const char *const links[] = { "root", "cwd" };

		for (size_t i = 0; i < COUNT(links); i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s/../../../..%s", pid, links[i], secret);
			if (look_for_token(path))
				end(1, "read through %s", path);
		}
	}
	end(0, "not there");
}

static void try_host_files(const void *arg)
{
	static const char *const files[] = {
		"/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/sudoers", "/etc/ssh", "/etc/ssl/private", "/etc/machine-id",
		"/etc/docker", "/etc/kubernetes", "/etc/NetworkManager", "/root/.ssh", "/root/.bashrc",
		"/var/log", "/var/lib/dpkg", "/run/secrets", "/.dockerenv", "/sys/kernel", "/sys/fs/cgroup", "/boot/grub",
	};

	char servers[64] = "";
	int fd = open("/etc/resolv.conf", O_RDONLY);	/* if there is one it is the sandbox's own */

	(void)arg;
	if (fd >= 0 && (read(fd, servers, sizeof(servers) - 1) < 0 || strcmp(servers, "nameserver 127.0.0.1\n") != 0))
		end(1, "the name servers of the host are known");
	for (size_t i = 0; i < COUNT(files); i++)
		if (access(files[i], F_OK) == 0)
			end(1, "%s is there", files[i]);
	end(0, "none of %zu is there", COUNT(files));
}

static void try_proc_secrets(const void *arg)
{
	static const char *const files[] = {
		"/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/kpageflags", "/proc/1/mem", "/proc/1/maps",
		"/proc/1/environ", "/proc/1/fd/3", "/proc/1/stack", "/proc/1/auxv", "/proc/sched_debug", "/proc/kpagecount", "/proc/kpagecgroup", "/dev/mem", "/dev/kmsg",
		"/dev/port", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/loop-control", "/dev/vda", "/dev/sda", "/dev/tty1",
	};
	char data[16];

	(void)arg;
	for (size_t i = 0; i < COUNT(files); i++) {
		int fd = open(files[i], O_RDONLY | O_NONBLOCK);

		if (fd >= 0 && read(fd, data, sizeof(data)) > 0)
			end(1, "read %s", files[i]);
	}
	end(0, "none can be read");
}

/* The program of PID 1 is the runner's, and it is not ours to see, to write, or to trace. */
static void try_init(const void *arg)
{
	static const char *const files[] = { "exe", "mem", "fd", "root", "cwd", "ns/mnt", "map_files", "environ", "syscall", "io" };
	char path[64], data[8];

	(void)arg;
	for (size_t i = 0; i < COUNT(files); i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/1/%s", files[i]);
		fd = open(path, O_WRONLY);
		if (fd < 0)
			fd = open(path, O_RDONLY);
		if (fd >= 0 && (!strcmp(files[i], "exe") || !strcmp(files[i], "ns/mnt") || read(fd, data, sizeof(data)) > 0 ||
				(errno != EACCES && errno != EPERM && errno != EIO)))
			end(1, "%s can be opened", path);
		if (readlink(path, data, sizeof(data)) > 0)
			end(1, "%s can be read", path);
	}
	end(0, "it keeps to itself");
}

/* Names of places on the host: in mount tables, control groups, our own path. */
static void try_paths(const void *arg)
{
	static const char *const files[] = { "/proc/self/mountinfo", "/proc/self/mounts", "/proc/self/cgroup", "/proc/self/environ",
					     "/proc/1/cgroup", "/proc/self/mountstats" };
	static char text[1 << 18];

	(void)arg;
	for (size_t i = 0; i < COUNT(files); i++) {
		int fd = open(files[i], O_RDONLY);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

		text[n > 0 ? n : 0] = '\0';
		for (char *p = text; p < text + n; p++)
			if (!*p)
				*p = '\n';
		if (host_path && strstr(text, host_path))
			end(1, "%s names %s", files[i], host_path);
		if (strstr(files[i], "cgroup") && strstr(text, "sandbox_runner"))
			end(1, "%s names a control group of the host", files[i]);
	}
	end(0, "none of the host's");
}

static void try_names(const void *arg)
{
	struct utsname u;

	(void)arg;
	uname(&u);
	end(host_name && (strcmp(u.nodename, host_name) == 0 || strstr(u.domainname, host_name)), "we are '%s'", u.nodename);
}

/* Orphans go to PID 1, which buries them. */
static void try_zombies(const void *arg)
{
	char path[64], text[512] = "";
	int orphan[2], fd;
	pid_t pid;

	(void)arg;
	if (pipe(orphan) < 0)
		end(1, "no pipe");
	if (fork() == 0) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		if (write(orphan[1], &pid, sizeof(pid)) < 0) {}
		_exit(0);
	}
	wait(NULL);
	if (read(orphan[0], &pid, sizeof(pid)) != sizeof(pid))
		end(1, "no orphan");
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int i = 0; i < 200; i++) {
		fd = open(path, O_RDONLY);
		if (fd < 0)
			end(0, "gone");
		close(fd);
		usleep(10000);
	}
	end(1, "process %d is still there: %s", (int)pid, text);
}

static void try_devices(const void *arg)
{
	static const char *const wanted[] = { ".", "..", "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm",
					      "mqueue", "fd", "stdin", "stdout", "stderr" };
	DIR *dir = opendir("/dev");
	struct dirent *e;

	(void)arg;
	while (dir && (e = readdir(dir))) {
		size_t i = 0;

		while (i < COUNT(wanted) && strcmp(wanted[i], e->d_name) != 0)
			i++;
		if (i == COUNT(wanted))
			end(1, "/dev/%s", e->d_name);
	}
	end(!dir, "only what is needed");
}

static void try_mknod(const void *arg)
{
	static const char *const places[] = { ".", "/tmp", "/dev/shm" };
	const struct { mode_t mode; dev_t device; } nodes[] = {
		{ S_IFBLK, makedev(8, 0) }, { S_IFCHR, makedev(1, 1) }, { S_IFCHR, makedev(0, 0) },
	};

	(void)arg;
	for (size_t i = 0; i < COUNT(places); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/.node", places[i]);
		/* the last one is a whiteout, for which the kernel wants no privilege */
		for (size_t d = 0; d < COUNT(nodes); d++) {
			if (mknod(path, nodes[d].mode | 0600, nodes[d].device) == 0) {
				unlink(path);
				end(1, "made %s", path);
			} else if (errno != EPERM) {
				end(1, "%s: %s", path, strerror(errno));
			}
		}
	}
	end(0, "%s", strerror(errno));
}

static void try_flags(const void *arg)
{
	static const struct { const char *path; unsigned long flags; } mounts[] = {
		{ "/", ST_RDONLY | ST_NOSUID }, { "/usr", ST_RDONLY | ST_NOSUID | ST_NODEV }, { "/proc", ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC },
		{ "/tmp", ST_NOEXEC | ST_NOSUID | ST_NODEV }, { "/dev/shm", ST_NOEXEC | ST_NOSUID | ST_NODEV }, { ".", ST_NOSUID | ST_NODEV },
	};

	(void)arg;
	for (size_t i = 0; i < COUNT(mounts); i++) {
		struct statvfs v;

		if (statvfs(mounts[i].path, &v) < 0 && errno == ENOENT)
			continue;
		if ((v.f_flag & mounts[i].flags) != mounts[i].flags)
			end(1, "%s has %lx, not %lx", mounts[i].path, v.f_flag, mounts[i].flags);
	}
	end(0, "as they should be");
}

/* ---- identity */
static unsigned long long status_field(const char *key, int base)
{
	char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *p;

	text[n > 0 ? n : 0] = '\0';
	p = strstr(text, key);
	return p ? strtoull(p + strlen(key), NULL, base) : ~0ULL;
}

static void try_identity(const void *arg)
{
	static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:" };

	(void)arg;
	for (size_t i = 0; i < COUNT(sets); i++)
		if (status_field(sets[i], 16) & ~(1ULL << CAP_NET_BIND_SERVICE))
			end(1, "%s %llx", sets[i], status_field(sets[i], 16));
	if (status_field("NoNewPrivs:", 10) != 1 || status_field("Seccomp:", 10) != 2)
		end(1, "no_new_privs %llu, seccomp %llu", status_field("NoNewPrivs:", 10), status_field("Seccomp:", 10));
	if (getuid() == 0 || geteuid() == 0 || getgid() == 0 || setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || setgroups(0, NULL) == 0)
		end(1, "uid %d gid %d", getuid(), getgid());
	end(0, "uid %d, no capability, no new privileges, filter", getuid());
}

static void try_groups(const void *arg)
{
	gid_t groups[256];
	int n = getgroups(256, groups);

	(void)arg;
	for (int i = 0; i < n; i++)
		if (groups[i] != getgid())
			end(1, "group %u", groups[i]);
	end(n < 0, "none but our own");
}

/* Outside we must not be root: look at the map, which says what our uid is one level up. */
static void try_outside_root(const void *arg)
{
	unsigned int inside, outside, n, me = getuid();
	FILE *f = fopen("/proc/self/uid_map", "r");

	(void)arg;
	while (f && fscanf(f, "%u %u %u", &inside, &outside, &n) == 3)
		if (me >= inside && me - inside < n)
			end(outside + (me - inside) == 0, "uid %u outside", outside + (me - inside));
	end(1, "uid %u is in no map", me);
}

static void try_limits(const void *arg)
{
	struct rlimit l;
	static const struct { int what; const char *name; rlim_t most; } limits[] = {
		{ RLIMIT_CORE, "core", 0 }, { RLIMIT_MEMLOCK, "memlock", 64 << 10 }, { RLIMIT_RTPRIO, "rtprio", 0 }, { RLIMIT_NICE, "nice", 0 },
	};

	(void)arg;
	getrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_max > nofile)
		end(1, "nofile %lu", (unsigned long)l.rlim_max);
	l.rlim_max++;
	if (setrlimit(RLIMIT_NOFILE, &l) == 0)
		end(1, "a hard limit was raised");
	for (size_t i = 0; i < COUNT(limits); i++)
		if (getrlimit((__rlimit_resource_t)limits[i].what, &l) < 0 || l.rlim_max > limits[i].most)
			end(1, "%s %lu", limits[i].name, (unsigned long)l.rlim_max);
	end(0, "low and hard");
}

static void try_priorities(const void *arg)
{
	struct sched_param p = { .sched_priority = 1 };
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	(void)arg;
	if (setpriority(PRIO_PROCESS, 0, -5) == 0 || sched_setscheduler(0, SCHED_FIFO, &p) == 0 || (fd >= 0 && write(fd, "-1", 2) == 2))
		end(1, "a better place in the queue");
	end(0, "no better than others");
}

static void try_inheritance(const void *arg)
{
	sigset_t mask;
	mode_t m = umask(0);

	(void)arg;
	for (int fd = 3; fd < 4096; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			end(1, "descriptor %d is open", fd);
	if ((m & 022) != 022)
		end(1, "umask %03o", m);
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (isatty(fd) || fstat(fd, &st) < 0 || S_ISDIR(st.st_mode))
			end(1, "descriptor %d", fd);
	}
	if (open("/dev/tty", O_RDWR) >= 0)
		end(1, "a terminal");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction a;

		if (sigismember(&mask, sig) == 1 || (sigaction(sig, NULL, &a) == 0 && a.sa_handler != SIG_DFL && sig != SIGALRM))
			end(1, "signal %d is blocked or ignored", sig);
	}
	end(0, "nothing");
}

/* ---- others */
static void try_processes(const void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	(void)arg;
	while (dir && (e = readdir(dir))) {
		char path[300], text[256] = "";
		int fd;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && argv0 && !strcmp(text, argv0))
			end(1, "a process of the host is pid %s", e->d_name);
		close(fd);
	}
	end(0, "only our own");
}

static void try_namespaces(const void *arg)
{
	(void)arg;
	for (size_t i = 0; i < host_ns_len; i++) {
		char path[64];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", host_ns[i].name);
		if (stat(path, &st) < 0 || st.st_ino == host_ns[i].inode)
			end(1, "%s is the host's", host_ns[i].name);
		snprintf(path, sizeof(path), "/proc/1/ns/%s", host_ns[i].name);
		if (open(path, O_RDONLY) >= 0)
			end(1, "%s can be opened", path);
	}
	end(0, "%zu are not the host's", host_ns_len);
}

static void try_sysv(const void *arg)
{
	struct shm_info shm;
	struct msginfo msg;

	(void)arg;
	if (shmctl(0, 14 /* SHM_INFO */, (struct shmid_ds *)&shm) > 0 || shm.used_ids > 0)
		end(1, "%d shared memory segments", shm.used_ids);
	if (msgctl(0, 12 /* MSG_INFO */, (struct msqid_ds *)&msg) > 0 || msg.msgpool > 0)
		end(1, "%d message queues", msg.msgpool);
	end(0, "none");
}

static void try_set_id(const void *arg)
{
	struct stat st;
	int fd = open("set-id", O_CREAT | O_WRONLY, 0755);

	(void)arg;
	fchmod(fd, 06755);
	if (fchown(fd, 0, 0) == 0 || fsetxattr(fd, "security.capability", "\1\0\0\2\377\377\377\377\377\377\377\377\0\0\0\0\0\0\0\0", 20, 0) == 0)
		end(1, "made a file that gives privileges");
	if (fstat(fd, &st) < 0 || st.st_uid == 0)
		end(1, "a file of uid 0");
	unlink("set-id");
	end(0, "it stays a file of ours, on a nosuid mount");
}

static void try_useful(const void *arg)
{
	char *memory = malloc(64 << 20);
	int pair[2], null = open("/dev/null", O_WRONLY), random_fd = open("/dev/urandom", O_RDONLY);
	char c = 0;

	(void)arg;
	memset(memory, 1, 64 << 20);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || write(pair[0], "x", 1) != 1 || read(pair[1], &c, 1) != 1 || c != 'x' ||
	    write(null, "x", 1) != 1 || read(random_fd, &c, 1) != 1 || access("/proc/self/status", R_OK) < 0)
		end(1, "an honest program would not work");
	end(0, "an honest program works");
}

static const struct { const char *name; void (*try)(const void *); const void *arg; } attempts[] = {
	{ "32-bit entry point", try_i386, NULL }, { "sockets", try_sockets, NULL }, { "routes", try_route, NULL },
	{ "families", try_families, NULL }, { "interfaces", try_interfaces, NULL }, { "init", try_init, NULL },
	{ "paths of the host", try_paths, NULL }, { "names of the host", try_names, NULL }, { "zombies", try_zombies, NULL },
	{ "unix sockets", try_unix, NULL }, { "writable files", try_writable, "/" }, { "secret", try_secret, NULL },
	{ "host files", try_host_files, NULL }, { "kernel and init memory", try_proc_secrets, NULL }, { "devices", try_devices, NULL },
	{ "mknod", try_mknod, NULL }, { "mount flags", try_flags, NULL }, { "identity", try_identity, NULL },
	{ "outside identity", try_outside_root, NULL }, { "limits", try_limits, NULL }, { "priorities", try_priorities, NULL },
	{ "inheritance", try_inheritance, NULL }, { "processes", try_processes, NULL }, { "namespaces", try_namespaces, NULL },
	{ "System V objects", try_sysv, NULL }, { "set-id files", try_set_id, NULL }, { "use", try_useful, NULL },
};

static bool option(const char *arg, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(arg, name, len) != 0 || arg[len] != '=')
		return false;
	*value = arg + len + 1;
	return true;
}

int main(int argc, char **argv)
{
	bool groups = true;

	for (int i = 1; i < argc; i++) {
		const char *v;

		if (option(argv[i], "--secret", &secret) || option(argv[i], "--token", &token) || option(argv[i], "--abstract", &abstract_name) ||
		    option(argv[i], "--unix", &unix_path) || option(argv[i], "--argv0", &argv0) || option(argv[i], "--host-path", &host_path) ||
		    option(argv[i], "--hostname", &host_name))
			continue;
		if (option(argv[i], "--port", &v)) {
			port = atoi(v);
		} else if (option(argv[i], "--nofile", &v)) {
			nofile = (rlim_t)atol(v);
		} else if (option(argv[i], "--ns", &v) && host_ns_len < COUNT(host_ns) && strchr(v, ':')) {
			host_ns[host_ns_len].name = strndup(v, (size_t)(strchr(v, ':') - v));
			host_ns[host_ns_len++].inode = strtoul(strchr(v, ':') + 1, NULL, 10);
		} else if (!strcmp(argv[i], "--expect-groups")) {
			groups = false;
		} else {
			fprintf(stderr, "probe: what is '%s'?\n", argv[i]);
			return 2;
		}
	}
	said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (said == MAP_FAILED)
		return 3;
	for (size_t i = 0; i < COUNT(calls); i++)
		attempt(calls[i].name, try_call, &calls[i]);
	for (size_t i = 0; i < COUNT(attempts); i++)
		attempt(attempts[i].name, attempts[i].try, attempts[i].arg);
	if (groups)
		attempt("groups", try_groups, NULL);
	if (port)
		attempt("loopback of the host", try_loopback, NULL);
	printf("%d escaped\n", failures);
	return failures != 0;
}
