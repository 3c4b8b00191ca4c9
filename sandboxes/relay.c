/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/mem.h"

#define LAST_WORDS_TURNS 64	/* of a terminal whose command is over: more than a pty holds */
#define LAST_WORDS_MS 200	/* for a caller's terminal that does not take them */

/* The caller's descriptor may be shared with its shell and must stay blocking; a description of our own need not. */
void relay_open_tty(struct relay *r, int tty_fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", tty_fd);
	r->tty = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	r->own_tty = r->tty >= 0;
	if (!r->own_tty)
		r->tty = tty_fd;
}

static void copy_size(struct relay *r)
{
	struct winsize size;

	if (r->tty < 0 || r->master < 0 || ioctl(r->tty, TIOCGWINSZ, &size) < 0 || !memcmp(&size, &r->size, sizeof(size)))
		return;
	r->size = size;
	ioctl(r->master, TIOCSWINSZ, &size);
}

void relay_connect(struct relay *r, int master)
{
	fcntl(master, F_SETFL, O_NONBLOCK | O_RDWR);
	r->master = master;
	r->in.from = r->tty;
	r->in.to = master;
	r->screen.from = master;
	r->screen.to = r->tty;
	copy_size(r);
}

void relay_open_input(struct relay *r, int input_fd, int pipe_fd)
{
	fcntl(pipe_fd, F_SETFL, O_NONBLOCK | O_WRONLY);
	r->in.from = input_fd;
	r->in.to = pipe_fd;
}

static bool is_empty(const struct relay_pump *p)
{
	return p->start == p->end;
}

size_t relay_poll(const struct relay *r, struct pollfd *p)
{
	const struct relay_pump *pumps[] = { &r->in, &r->screen };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pumps); i++) {
		if (pumps[i]->to < 0 || (is_empty(pumps[i]) && pumps[i]->from < 0))
			continue;
		p[n++] = is_empty(pumps[i]) ? (struct pollfd){ .fd = pumps[i]->from, .events = POLLIN }
					    : (struct pollfd){ .fd = pumps[i]->to, .events = POLLOUT };
	}
	return n;
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, 0) == 1;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* false: nothing moved. Descriptors of the caller may be blocking: each is asked before. */
static bool pump(struct relay_pump *p)
{
	ssize_t n;

	if (p->to < 0)
		return false;
	if (is_empty(p) && p->from >= 0 && is_ready(p->from, POLLIN)) {
		n = read(p->from, p->buf, sizeof(p->buf));
		p->start = 0;
		p->end = n > 0 ? (size_t)n : 0;
		if (n == 0 || (n < 0 && !would_block()))
			p->from = -1;
	}
	if (is_empty(p) || !is_ready(p->to, POLLOUT))
		return false;
	n = write(p->to, p->buf + p->start, p->end - p->start);
	if (n > 0)
		p->start += (size_t)n;
	else if (n < 0 && !would_block())
		p->to = -1, p->from = -1;
	return n > 0;
}

void relay_turn(struct relay *r)
{
	const int input_pipe = r->master < 0 ? r->in.to : -1;

	copy_size(r);
	pump(&r->in);
	pump(&r->screen);
	if (input_pipe >= 0 && (r->in.to < 0 || (r->in.from < 0 && is_empty(&r->in)))) {	/* the end of the input is one for the command */
		close(input_pipe);
		r->in.to = -1;
	}
}

void relay_close(struct relay *r)
{
	struct pollfd screen = { .fd = r->screen.to, .events = POLLOUT };

	for (int i = 0; r->master >= 0 && r->screen.to >= 0 && i < LAST_WORDS_TURNS; i++)
		if (!pump(&r->screen) && (is_empty(&r->screen) || poll(&screen, 1, LAST_WORDS_MS) != 1))
			break;
	if (r->master >= 0)
		close(r->master);
	else if (r->in.to >= 0)
		close(r->in.to);
	if (r->own_tty)
		close(r->tty);
}
