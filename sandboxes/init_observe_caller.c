/* SPDX-License-Identifier: Apache-2.0
 * Looking at a process that waits in a call: nothing it has is trusted to be what it seems, or to stay. See init_observe.h. */
#include "sandboxes/init_observe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runner/base/mem.h"

/* Texts of one call lie close together: whole pages are read, and the last one kept. */
static bool load_page(struct caller *c, uint64_t at)
{
	struct iovec here = { c->page, CALLER_PAGE };
	struct iovec there = { (void *)(uintptr_t)at, CALLER_PAGE };

	if (c->page_at == at)
		return at != 0;
	c->page_at = 0;
	if (c->hides || at == 0)
		return false;
	if (process_vm_readv(c->tid, &here, 1, &there, 1, 0) != CALLER_PAGE) {
		c->hides = errno == EPERM;
		return false;
	}
	c->page_at = at;
	return true;
}

bool caller_read(struct caller *c, uint64_t at, void *ret, size_t len)
{
	char *out = ret;

	while (len) {
		size_t offset = at % CALLER_PAGE, n = CALLER_PAGE - offset < len ? CALLER_PAGE - offset : len;

		if (!load_page(c, at - offset))
			return false;
		memcpy(out, c->page + offset, n);
		out += n;
		at += n;
		len -= n;
	}
	return true;
}

bool caller_text(struct caller *c, uint64_t at, char *ret, size_t size)
{
	size_t len = 0;

	while (len + 1 < size) {
		size_t offset = at % CALLER_PAGE, n = CALLER_PAGE - offset;
		const char *end;

		if (n > size - 1 - len)
			n = size - 1 - len;
		if (!load_page(c, at - offset))
			return false;
		end = memchr(c->page + offset, '\0', n);
		if (end)
			n = (size_t)(end - (c->page + offset));
		memcpy(ret + len, c->page + offset, n);
		len += n;
		at += n;
		if (end)
			break;
	}
	ret[len] = '\0';
	return true;
}

static const char *field(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p ? p + strlen(name) : NULL;
}

void caller_know(struct caller *c)
{
	char path[32], text[512];
	const char *p;
	ssize_t n;
	autoclose int fd = -1;

	if (c->known)
		return;
	c->known = true;
	c->pid = c->tid;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)c->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (n <= 0)
		return;
	text[n] = '\0';
	/* a name may hold anything, but line ends and backslashes are escaped here: the fields after it are the kernel's */
	if ((p = field(text, "Name:\t")))
		snprintf(c->program, sizeof(c->program), "%.*s", (int)strcspn(p, "\n"), p);
	if ((p = field(text, "\nState:\t")))
		c->dead = *p == 'Z' || *p == 'X';
	if ((p = field(text, "\nTgid:\t")))
		c->pid = (pid_t)strtol(p, NULL, 10);
	if ((p = field(text, "\nPPid:\t")))
		c->parent = (pid_t)strtol(p, NULL, 10);
}

bool caller_link(const struct caller *c, int fd, char ret[PATH_MAX])
{
	char path[48];
	ssize_t n;

	if (fd == AT_FDCWD)
		snprintf(path, sizeof(path), "/proc/%d/cwd", (int)c->tid);
	else
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)c->tid, fd);
	n = readlink(path, ret, PATH_MAX - 1);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Paths that mean another thing to everybody who uses them. */
static bool translate_self(const struct caller *c, const char *path, char ret[PATH_MAX])
{
	static const struct { const char *from, *to; } own[] = {
		{ "/proc/self/", "" }, { "/proc/thread-self/", "" }, { "/dev/fd/", "fd/" }, { "/dev/stdin", "fd/0" },
		{ "/dev/stdout", "fd/1" }, { "/dev/stderr", "fd/2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		size_t len = strlen(own[i].from);

		if (!strncmp(path, own[i].from, len))
			return snprintf(ret, PATH_MAX, "/proc/%d/%s%s", (int)c->tid, own[i].to, path + len) < PATH_MAX;
	}
	return snprintf(ret, PATH_MAX, "%s", path) < PATH_MAX;
}

bool caller_path(const struct caller *c, int dirfd, const char *path, char ret[PATH_MAX])
{
	size_t len;

	if (path[0] == '/')
		return translate_self(c, path, ret);
	if (!caller_link(c, dirfd, ret) || ret[0] != '/')
		return false;
	len = strlen(ret);
	if (!path[0])
		return true;
	return snprintf(ret + len, PATH_MAX - len, "%s%s", len > 1 ? "/" : "", path) < (int)(PATH_MAX - len);
}

int caller_fd(struct caller *c, int fd)
{
	autoclose int process = -1;

	caller_know(c);
	process = (int)syscall(434 /* pidfd_open */, c->pid, 0);
	return process < 0 ? -1 : (int)syscall(438 /* pidfd_getfd */, process, fd, 0);
}

bool caller_still(const struct caller *c)
{
	return ioctl(c->init->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &c->id) == 0;
}
