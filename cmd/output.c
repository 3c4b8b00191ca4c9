/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/file.h"
#include "runner/base/printable.h"

/* Small enough that a pipe which poll() calls writable takes it without blocking (PIPE_BUF). */
#define CHUNK 4096

/* A reader that stopped reading would block us in write() for ever, with the signals blocked: so wait here, where
 * cancelling is noticed too. */
static int wait_writable(const struct output *out)
{
	struct pollfd fds[2] = {
		{ .fd = out->fd, .events = POLLOUT },
		{ .fd = out->cancel_fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -1;
	if (!fds[0].revents && fds[1].revents) {
		errno = EPIPE;
		return -1;
	}
	return 0;
}

void output_write(struct output *out, const void *data, size_t len)
{
	const char *p = data;

	while (len && !out->failed) {
		size_t n = len < CHUNK || out->cancel_fd < 0 ? len : CHUNK;

		if ((out->cancel_fd >= 0 && wait_writable(out) < 0) || write_all(out->fd, p, n) < 0)
			out->failed = errno;
		p += n;
		len -= n;
	}
}

int output_status(const struct output *out, int status)
{
	if (!out->failed)
		return status;
	if (out->failed != EPIPE)
		message("error", "cannot write to standard output: %s", strerror(out->failed));
	if (status != EXIT_OK)
		return status;
	return out->failed == EPIPE ? EXIT_SIGNAL_BASE + SIGPIPE : EXIT_UNAVAILABLE;
}

int print_result(const struct strbuf *text, int status)
{
	struct output out = OUTPUT_INIT(STDOUT_FILENO);

	output_write(&out, text->buf, text->len);
	return output_status(&out, status);
}

void message(const char *kind, const char *fmt, ...)
{
	autostrbuf struct strbuf text = STRBUF_INIT(64 << 10);
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	strbuf_addf(&line, "sandbox_runner: %s: ", kind);
	printable_add(&line, text.buf, text.len);
	strbuf_addch(&line, '\n');
	if (write_all(STDERR_FILENO, line.buf, line.len) < 0) { /* nowhere left to tell */ }
}
