/* SPDX-License-Identifier: Apache-2.0
 * guest_wire: the frames between the runner and guest_init. Private to guest*.c.
 *
 * A head of eight bytes, then at most GUEST_FRAME_MAX bytes. Both ends are made by the same build for the same
 * machine, so structs go as they are; SETUP says how large it is, and a program of another build is told by that.
 * The streams between may belong to an engine: a head that does not fit ends the talk.
 *
 *	HELLO, empty, as soon as it is there: who sent it can be asked of a socket
 *	SETUP struct guest_wire_setup; READY struct guest_report
 *	EXEC struct guest_wire_exec, then DATA until all its strings are there
 *	PUT struct guest_wire_put with path and target; for a file then DATA to its end, which is an empty one
 *	WALK struct init_walk, answered by ENTRY (pieces of init_walk.h's stream) and DONE; GET struct guest_wire_get with the path, by
 *	CONTENT and DONE
 *	INPUT for the command, or keys for its terminal; an empty one is the end. The next one waits for TAKEN, so that one whose command does
 *	not read is never in the way of what comes behind it. What comes when the command is over is passed over, and not answered. SIZE struct
 *	winsize, of its terminal, whose screen comes as STDOUT
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "sandboxes/guest.h"
#include "sandboxes/init.h"

enum guest_kind {
	GUEST_SETUP = 1, GUEST_EXEC, GUEST_TERMINATE, GUEST_KILL, GUEST_PUT, GUEST_DATA, GUEST_WALK, GUEST_GET, GUEST_INPUT, GUEST_SIZE,
	GUEST_HELLO = 64, GUEST_READY, GUEST_STDOUT, GUEST_STDERR, GUEST_ENDED, GUEST_DONE, GUEST_ENTRY, GUEST_CONTENT,
	GUEST_EVENT, GUEST_TAKEN,
};
enum { GUEST_FRAME_MAX = 64 << 10, GUEST_INPUT_MAX = 16 << 10 };

struct guest_head {
	uint32_t len;			/* of what follows */
	uint16_t kind;
	uint16_t mark;			/* GUEST_MARK */
};
#define GUEST_MARK 0x5357u

struct guest_frame {
	enum guest_kind kind;
	size_t len;
	unsigned char *data;		/* in the stream's buffer, until it is read again; not aligned */
};

struct guest_wire_setup {
	uint32_t size;			/* of this and of struct guest_report: both ends are of one build */
	bool observe, net_bind_service, network;
	uint64_t deadline_ns;
	struct lockdown_limits limits;
};
struct guest_wire_exec {
	uint32_t argc, envc;
	uint32_t bytes;			/* strings in DATA, each with its NUL: argv, then env */
	bool tty, input;
	struct winsize size;		/* of the terminal */
};
struct guest_wire_put {
	struct init_put file;
	uint32_t path_len;		/* then path and target, each with its NUL */
};
struct guest_wire_get {
	uint32_t tree;			/* enum sandbox_tree; then the path and its NUL */
	uint64_t max_bytes;
};
struct guest_wire_done {
	int32_t error;			/* errno */
};
struct guest_wire_taken {
	bool deaf;			/* nobody reads any more: no need to send the rest */
};

#define GUEST_SETUP_SIZE ((uint32_t)(sizeof(struct guest_wire_setup) << 16 | sizeof(struct guest_report)))

/* What is read: bytes come in as they like, frames go out whole. */
void guest_stream_open(struct guest_stream *s, bool engine_frames);
void guest_stream_release(struct guest_stream *s);
/* One read(2). 1: there is more than before, 0: end of file, -1 with errno (EPROTO: it is no such stream). */
int guest_stream_read(struct guest_stream *s, int fd);
/* The same, and a descriptor that came along, where the stream is a socket; *ret_passed is as it was otherwise. */
int guest_stream_receive(struct guest_stream *s, int fd, int *ret_passed);
/* 1: the next frame, 0: it is not all there yet, -1: no frame of ours (errno EPROTO). */
int guest_stream_next(struct guest_stream *s, struct guest_frame *ret);

void guest_head_set(unsigned char out[sizeof(struct guest_head)], enum guest_kind kind, size_t len);
