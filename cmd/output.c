/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "runner/base/file.h"
#include "runner/base/printable.h"

void output_write(struct output *out, const void *data, size_t len)
{
	if (!out->failed && write_all_until(out->fd, out->cancel_fd, data, len) < 0)
		out->failed = errno;
}

/* The reader is gone, or has not read any more when we were told to stop: no trouble of ours. */
static bool is_readers_will(int sys)
{
	return sys == EPIPE || sys == ECANCELED;
}

int output_status(const struct output *out, int status)
{
	if (!out->failed)
		return status;
	if (!is_readers_will(out->failed))
		message("error", "cannot write to standard output: %s", strerror(out->failed));
	if (status != EXIT_OK)
		return status;
	return is_readers_will(out->failed) ? EXIT_SIGNAL_BASE + SIGPIPE : EXIT_UNAVAILABLE;
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
