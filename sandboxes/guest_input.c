/* SPDX-License-Identifier: Apache-2.0 */
#include "sandboxes/guest_input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 4096		/* for a terminal that may be blocking */
#define LAST_WORDS_MS 200	/* for one that does not take them */

void guest_input_open(struct guest_input *in, const struct sandbox_command *cmd)
{
	*in = (struct guest_input){ .from = -1, .relay = RELAY_INIT, .screen = STRBUF_INIT(STRBUF_NO_MAX) };
	if (cmd->tty_fd > 0) {
		relay_open_tty(&in->relay, cmd->tty_fd);
		in->from = in->relay.tty;
	} else if (cmd->input_fd > 0) {
		in->from = cmd->input_fd;
	}
}

static bool is_ready(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return fd >= 0 && poll(&p, 1, timeout_ms) == 1;
}

void guest_input_close(struct guest_input *in)
{
	while (guest_input_is_stuck(in) && is_ready(in->relay.tty, POLLOUT, LAST_WORDS_MS))
		guest_input_flush(in);
	relay_close(&in->relay);
	strbuf_release(&in->screen);
}

void guest_input_poll(const struct guest_input *in, struct pollfd p[GUEST_INPUT_FDS])
{
	p[0] = (struct pollfd){ .fd = in->waiting ? -1 : in->from, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = guest_input_is_stuck(in) ? in->relay.tty : -1, .events = POLLOUT };
}

ssize_t guest_input_read(struct guest_input *in, unsigned char **ret)
{
	ssize_t n;

	if (in->waiting || !is_ready(in->from, POLLIN, 0))
		return -1;
	n = read(in->from, in->piece, sizeof(in->piece));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	*ret = in->piece;
	in->waiting = n > 0;
	if (n > 0)
		return n;
	in->from = -1;
	return 0;
}

void guest_input_taken(struct guest_input *in, bool deaf)
{
	in->waiting = false;
	if (deaf)
		in->from = -1;
}

bool guest_input_resized(struct guest_input *in)
{
	struct winsize size;

	if (in->relay.tty < 0 || ioctl(in->relay.tty, TIOCGWINSZ, &size) < 0 || !memcmp(&size, &in->size, sizeof(size)))
		return false;
	in->size = size;
	return true;
}

/* ---- the screen */

bool guest_input_is_stuck(const struct guest_input *in)
{
	return in->shown < in->screen.len;
}

void guest_input_flush(struct guest_input *in)
{
	while (guest_input_is_stuck(in) && is_ready(in->relay.tty, POLLOUT, 0)) {
		size_t left = in->screen.len - in->shown;
		ssize_t n = write(in->relay.tty, in->screen.buf + in->shown, left < CHUNK ? left : CHUNK);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		in->shown = n < 0 ? in->screen.len : in->shown + (size_t)n;	/* one that is gone shows nothing */
	}
	if (guest_input_is_stuck(in))
		return;
	strbuf_clear(&in->screen);
	in->shown = 0;
}

void guest_input_show(struct guest_input *in, const void *data, size_t len, bool drop)
{
	if (!drop || !guest_input_is_stuck(in))
		strbuf_add(&in->screen, data, len);
	guest_input_flush(in);
}
