/* SPDX-License-Identifier: Apache-2.0
 * guest_input: what the caller gives to a command of a guest, an input or a terminal with its screen; the runner's side. Nothing here blocks,
 * and nothing piles up: one piece of input is on its way at a time, and a screen that takes nothing holds up what comes. Private to guest*.c. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "runner/base/strbuf.h"
#include "sandboxes/guest_wire.h"
#include "sandboxes/relay.h"

struct guest_input {
	int from;			/* read: the input, or the terminal; -1: none, or at its end */
	bool waiting;			/* for TAKEN */
	struct relay relay;		/* of which the terminal is used */
	struct winsize size;		/* of the terminal, as it was told */
	struct strbuf screen;		/* for the terminal, not taken by it yet */
	size_t shown;			/* so much of it is */
	unsigned char piece[GUEST_INPUT_MAX];
};

void guest_input_open(struct guest_input *in, const struct sandbox_command *cmd);
void guest_input_close(struct guest_input *in);		/* and show what is left */

enum { GUEST_INPUT_FDS = 2 };
void guest_input_poll(const struct guest_input *in, struct pollfd p[GUEST_INPUT_FDS]);
/* What is there to send: its length, 0: the end, once; -1: nothing now. */
ssize_t guest_input_read(struct guest_input *in, unsigned char **ret);
void guest_input_taken(struct guest_input *in, bool deaf);
bool guest_input_resized(struct guest_input *in);	/* `size` is new */

/* `drop`: what does not fit now is not shown. */
void guest_input_show(struct guest_input *in, const void *data, size_t len, bool drop);
void guest_input_flush(struct guest_input *in);
bool guest_input_is_stuck(const struct guest_input *in);
