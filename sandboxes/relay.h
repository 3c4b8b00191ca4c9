/* SPDX-License-Identifier: Apache-2.0
 * relay: bytes between descriptors of the caller (a terminal, an input) and those of a command, in a poll loop that must never block.
 * Private to sandboxes/. */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>
#include <sys/ioctl.h>

struct relay_pump {		/* one direction */
	int from, to;		/* -1: closed */
	size_t start, end;	/* of what was read and not written yet */
	char buf[4096];
};

struct relay {
	struct relay_pump in, screen;	/* keys or input to the command; its terminal's output to the caller's */
	int tty;			/* our own description of the caller's terminal, non-blocking; -1: none */
	bool own_tty;			/* to be closed */
	int master;			/* of the command's terminal; -1: none, or not yet */
	struct winsize size;		/* as the command's terminal has it */
};
#define RELAY_INIT { .in = { .from = -1, .to = -1 }, .screen = { .from = -1, .to = -1 }, .tty = -1, .master = -1 }

/* The caller's terminal; the command's comes later by relay_connect(), which owns it. */
void relay_open_tty(struct relay *r, int tty_fd);
void relay_connect(struct relay *r, int master);
/* Copy `input_fd` into `pipe_fd`, which is owned and closed at the end of the input. */
void relay_open_input(struct relay *r, int input_fd, int pipe_fd);

/* What to poll for, at most RELAY_FDS entries into p; then relay_turn(), whatever happened. */
enum { RELAY_FDS = 4 };
size_t relay_poll(const struct relay *r, struct pollfd *p);
void relay_turn(struct relay *r);
/* The command is over: what its terminal still holds, then close what is ours. */
void relay_close(struct relay *r);
