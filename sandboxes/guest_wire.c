/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/guest_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/base/mem.h"

enum { HEAD = sizeof(struct guest_head), CHUNK = 64 << 10, ROOM = CHUNK + HEAD + GUEST_FRAME_MAX };

void guest_stream_open(struct guest_stream *s, bool engine_frames)
{
	*s = (struct guest_stream){ .buf = xmalloc(ROOM), .engine_frames = engine_frames };
}

void guest_stream_release(struct guest_stream *s)
{
	free(s->buf);
	*s = (struct guest_stream){ .buf = NULL };
}

void guest_head_set(unsigned char out[HEAD], enum guest_kind kind, size_t len)
{
	const struct guest_head head = { .len = (uint32_t)len, .kind = (uint16_t)kind, .mark = GUEST_MARK };

	memcpy(out, &head, sizeof(head));
}

/* Take the engine's own frames off `n` bytes that were read to the end of the buffer: stream type, three zeros,
 * length in network order. Only standard output is ours; whoever writes to standard error before we are there is not
 * listened to. */
static int unwrap(struct guest_stream *s, size_t n)
{
	unsigned char *from = s->buf + s->end, *end = from + n;

	while (from < end) {
		size_t take = (size_t)(end - from);

		if (s->engine_left == 0) {
			s->engine_head[s->engine_have++] = *from++;
			if (s->engine_have < sizeof(s->engine_head))
				continue;
			s->engine_have = 0;
			if (s->engine_head[0] > 2 || s->engine_head[1] || s->engine_head[2] || s->engine_head[3])
				return errno = EPROTO, -1;
			s->engine_left = (uint32_t)s->engine_head[4] << 24 | (uint32_t)s->engine_head[5] << 16 |
					 (uint32_t)s->engine_head[6] << 8 | s->engine_head[7];
			continue;
		}
		if (take > s->engine_left)
			take = s->engine_left;
		if (s->engine_head[0] == 1) {
			memmove(s->buf + s->end, from, take);
			s->end += take;
		}
		from += take;
		s->engine_left -= (uint32_t)take;
	}
	return 1;
}

static void make_room(struct guest_stream *s)
{
	if (s->start == s->end)
		s->start = s->end = 0;
	if (ROOM - s->end < CHUNK) {	/* what is left is less than a frame */
		memmove(s->buf, s->buf + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
}

int guest_stream_read(struct guest_stream *s, int fd)
{
	ssize_t n;

	make_room(s);
	do {
		n = read(fd, s->buf + s->end, ROOM - s->end);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	if (s->engine_frames)
		return unwrap(s, (size_t)n);
	s->end += (size_t)n;
	return 1;
}

int guest_stream_receive(struct guest_stream *s, int fd, int *ret_passed)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} space;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space.buf, .msg_controllen = sizeof(space.buf) };
	ssize_t n;

	make_room(s);
	iov = (struct iovec){ s->buf + s->end, ROOM - s->end };
	do {
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == ENOTSOCK)
		return guest_stream_read(s, fd);
	if (n <= 0)
		return (int)n;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(ret_passed, CMSG_DATA(c), sizeof(int));
	s->end += (size_t)n;
	return 1;
}

int guest_stream_next(struct guest_stream *s, struct guest_frame *ret)
{
	struct guest_head head;

	if (s->end - s->start < HEAD)
		return 0;
	memcpy(&head, s->buf + s->start, HEAD);
	if (head.mark != GUEST_MARK || head.len > GUEST_FRAME_MAX)
		return errno = EPROTO, -1;
	if (s->end - s->start - HEAD < head.len)
		return 0;
	*ret = (struct guest_frame){ .kind = head.kind, .len = head.len, .data = s->buf + s->start + HEAD };
	s->start += HEAD + head.len;
	return 1;
}
