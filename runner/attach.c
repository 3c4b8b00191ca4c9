/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "runner/base/mem.h"

#define MESSAGE_MAX (128u << 10)
#define BACKLOG 8

/* The path of a socket has 107 bytes, that of a state folder more: go by the open folder. */
static void address_of(int folder, const char *door, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%s", folder, door);
}

int attach_listen(const char *scratch, const char *door, struct error *err)
{
	autoclose int folder = open(scratch, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	mode_t before;
	int rc;

	if (folder < 0 || sock < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open a door to the sandbox");
	address_of(folder, door, &address);
	before = umask(0177);
	rc = bind(sock, (struct sockaddr *)&address, sizeof(address));
	umask(before);
	if (rc < 0 || listen(sock, BACKLOG) < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot open a door to the sandbox");
	return steal_fd(&sock);
}

static bool is_ours(int sock)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

int attach_accept(int listener)
{
	autoclose int sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	return sock >= 0 && is_ours(sock) ? steal_fd(&sock) : -1;
}

int attach_connect(const char *state_dir, const char *run_id, const char *door, struct error *err)
{
	autofree char *scratch = xasprintf("%s/runs/%s", state_dir, run_id);
	autoclose int folder = open(scratch, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclose int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;

	if (folder < 0 && errno == ENOENT)
		return error_set(err, ERR_INVALID_INPUT, "the sandbox of run '%s' is gone", run_id);
	if (folder < 0 || sock < 0)
		return error_sys(err, ERR_UNAVAILABLE, "cannot reach run '%s'", run_id);
	address_of(folder, door, &address);
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ENOENT || errno == ECONNREFUSED
			? error_set(err, ERR_INVALID_INPUT, "run '%s' is not kept", run_id)
			: error_sys(err, ERR_UNAVAILABLE, "cannot reach run '%s'", run_id);
	if (!is_ours(sock))
		return error_set(err, ERR_UNAVAILABLE, "somebody else answers for run '%s'", run_id);
	return steal_fd(&sock);
}

int attach_send(int sock, const json_t *message, const int *fds, size_t fds_len, struct error *err)
{
	union { struct cmsghdr head; char space[CMSG_SPACE(ATTACH_FDS * sizeof(int))]; } control = { .space = { 0 } };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct iovec data;
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

	json_write(message, 0, &text);
	if (text.len > MESSAGE_MAX)
		return error_set(err, ERR_USAGE, "the command is longer than %u bytes", MESSAGE_MAX);
	data = (struct iovec){ .iov_base = text.buf, .iov_len = text.len };
	if (fds_len) {
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(fds_len * sizeof(int));
		control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(fds_len * sizeof(int)) };
		memcpy(CMSG_DATA(&control.head), fds, fds_len * sizeof(int));
	}
	while (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return error_sys(err, ERR_UNAVAILABLE, "the other side does not listen");
	return 0;
}

/* Take what came with a message; more than is wanted is closed. */
static void take_fds(struct msghdr *m, int fds[ATTACH_FDS])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (n < ATTACH_FDS)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
}

int attach_recv(int sock, int cancel_fd, json_t **ret, int fds[ATTACH_FDS], struct error *err)
{
	union { struct cmsghdr head; char space[CMSG_SPACE(ATTACH_FDS * sizeof(int))]; } control;
	struct pollfd p[] = { { .fd = sock, .events = POLLIN }, { .fd = cancel_fd, .events = POLLIN } };
	autofree char *text = xmalloc(MESSAGE_MAX);
	struct iovec data = { .iov_base = text, .iov_len = MESSAGE_MAX };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space) };
	ssize_t n;

	for (size_t i = 0; fds && i < ATTACH_FDS; i++)
		fds[i] = -1;
	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (!p[0].revents)
		return error_set(err, ERR_CANCELLED, "cancelled");
	while ((n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n > 0) {
		int spare[ATTACH_FDS] = { -1, -1, -1 };

		take_fds(&m, fds ? fds : spare);
		for (size_t i = 0; !fds && i < ATTACH_FDS; i++)
			if (spare[i] >= 0)
				close(spare[i]);
	}
	if (n <= 0 || (m.msg_flags & MSG_TRUNC))
		return error_set(err, ERR_UNAVAILABLE, "the other side hung up");
	return json_parse(text, (size_t)n, "message", ret, err);
}
