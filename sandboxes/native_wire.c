/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/native_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const native_namespaces[NATIVE_NAMESPACES] = { "user", "pid", "mnt", "net", "ipc", "uts", "cgroup" };

int native_namespace_folder(void)
{
	return open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void native_namespace_inodes_in(int folder, uint64_t ret[NATIVE_NAMESPACES])
{
	for (size_t i = 0; i < NATIVE_NAMESPACES; i++) {
		char text[64];
		const char *number;
		ssize_t n;

		/* "user:[4026531837]" has the same number as stat(), which makes and forgets an inode to tell it */
		n = readlinkat(folder, native_namespaces[i], text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		number = strchr(text, '[');
		ret[i] = number ? strtoull(number + 1, NULL, 10) : 0;
	}
}

void native_namespace_inodes(uint64_t ret[NATIVE_NAMESPACES])
{
	int folder = native_namespace_folder();

	native_namespace_inodes_in(folder, ret);
	close(folder);
}

union control_space {
	char buf[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
	struct cmsghdr align;
};

int wire_send(int sock, const struct wire *m, const int *fds, size_t fds_len)
{
	union control_space space = { 0 };
	struct iovec iov = { (void *)(uintptr_t)m, offsetof(struct wire, text) + m->text_len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (m->text_len > sizeof(m->text)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (fds_len) {
		struct cmsghdr *c;

		msg.msg_control = space.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds_len);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fds_len);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_len);
	}
	for (;;) {
		if (sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

int wire_recv(int sock, struct wire *m, int fds[WIRE_FDS])
{
	union control_space space = { 0 };
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf),
	};
	ssize_t n;

	for (size_t i = 0; i < WIRE_FDS; i++)
		fds[i] = -1;
	/* the other side died with a message of ours unread: that is reported once, before what it had still said */
	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n <= 0)
		return (int)n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	}
	if ((size_t)n < offsetof(struct wire, text) || (size_t)n != offsetof(struct wire, text) + m->text_len ||
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < WIRE_FDS; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		errno = EPROTO;
		return -1;
	}
	return 1;
}
