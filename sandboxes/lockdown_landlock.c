/* SPDX-License-Identifier: Apache-2.0
 * The second wall. Everything it refuses is refused by the mounts, the namespaces and the identity already; it does so again by other code of
 * the kernel, from the process's own rights, so that one mistake in a mount table is not the end. */
#include "sandboxes/lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runner/base/mem.h"

const char *const lockdown_writable[] = { "/work", "/tmp", "/dev/shm", NULL };

/* By number, for headers that are older than the kernel. */
enum { CREATE_RULESET = 444, ADD_RULE, RESTRICT_SELF };
#define ACCESS_REFER (1ULL << 13)		/* ABI 2 */
#define ACCESS_TRUNCATE (1ULL << 14)		/* ABI 3 */
#define ACCESS_IOCTL_DEV (1ULL << 15)		/* ABI 5 */
#define SCOPE_ABSTRACT_SOCKETS (1ULL << 0)	/* ABI 6 */
#define SCOPE_SIGNALS (1ULL << 1)
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_IOCTL_DEV = 5, ABI_SCOPE = 6 };

struct ruleset {		/* the kernel takes as much of it as it knows */
	uint64_t fs, net, scoped;
};

#define MAKE_NODE (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)	/* for nobody */
#define CHANGE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEV)
#define CHANGE_FOLDER                                                                                              \
	(LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |            \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |               \
	 LANDLOCK_ACCESS_FS_MAKE_SYM | ACCESS_REFER)

/* Reading and executing are not handled: the view is made of what may be read. Ports are not either: the loopback of the
 * sandbox's own network is all there is, and it is the step's. */
static struct ruleset rules_of(unsigned int abi)
{
	struct ruleset rules = { .fs = MAKE_NODE | CHANGE_FILE | CHANGE_FOLDER };

	if (abi < ABI_TRUNCATE)
		rules.fs &= ~ACCESS_TRUNCATE;
	if (abi < ABI_IOCTL_DEV)
		rules.fs &= ~ACCESS_IOCTL_DEV;
	if (abi >= ABI_SCOPE)
		rules.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
	return rules;
}

static int allow(int ruleset, const char *path, uint64_t access)
{
	autoclose int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	return (int)syscall(ADD_RULE, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* Who asks for a device node is told EPERM for want of a capability, but EACCES by this wall, which is asked before. */
static bool is_in_force(const char *folder)
{
	char path[256];

	if (snprintf(path, sizeof(path), "%s/.sandbox-node", folder) >= (int)sizeof(path))
		return false;
	if (mknod(path, S_IFCHR, makedev(1, 3)) == 0) {
		unlink(path);
		return false;
	}
	return errno == EACCES;
}

int lockdown_landlock(const char *const *writable, struct lockdown_landlock *ret)
{
	const long abi = syscall(CREATE_RULESET, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rules;
	autoclose int fd = -1;

	*ret = (struct lockdown_landlock){ .abi = abi > 0 ? (uint32_t)abi : 0, .error = abi < 0 ? errno : 0 };
	/* the first version forbids moving files between folders: honest programs do that */
	if (abi < ABI_REFER)
		return 0;
	rules = rules_of((unsigned int)abi);
	fd = (int)syscall(CREATE_RULESET, &rules, abi >= ABI_SCOPE ? sizeof(rules) : sizeof(rules.fs), 0);
	if (fd < 0)
		return -1;
	for (size_t i = 0; writable[i]; i++)
		if (allow(fd, writable[i], rules.fs & (CHANGE_FILE | CHANGE_FOLDER)) < 0)
			return -1;
	if (allow(fd, "/dev", rules.fs & CHANGE_FILE) < 0 || syscall(RESTRICT_SELF, fd, 0) < 0)
		return -1;
	ret->held = is_in_force(writable[0]);
	return 0;
}
