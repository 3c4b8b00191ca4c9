/* SPDX-License-Identifier: Apache-2.0
 * What a step says never reaches the terminal as anything but text behind a prefix: the narrative of a run whose one step says
 * the input holds no control character, no invalid UTF-8, and no line that is not ours or prefixed.
 * First byte: bit 0 the stream, bits 1-7 the size of the chunks in which the rest arrives. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef SANDBOX_RUNNER_VERSION
#define SANDBOX_RUNNER_VERSION "fuzz"
#endif
#include "cmd/output.c"
#include "cmd/terminal.c"

static void check(const char *text, size_t len)
{
	bool start = true;

	while (len) {
		uint32_t c;
		size_t n = utf8_decode(text, len, &c);

		if (start && strncmp(text, "    | ", 6) && strncmp(text, "    ! ", 6) && strncmp(text, "    … ", 8) &&
		    strncmp(text, "Step 1/1: fuzz ...", 18))
			abort();
		if (c != '\n' && utf8_is_unsafe(c))
			abort();
		start = c == '\n';
		text += n;
		len -= n;
	}
}

static void feed(struct event_sink *sink, const struct step_result *step, const uint8_t *data, size_t size)
{
	enum sandbox_stream stream = size && (data[0] & 1) ? SANDBOX_STDERR : SANDBOX_STDOUT;
	size_t chunk = size ? (size_t)(data[0] >> 1) + 1 : 1;

	for (size_t at = 1; at < size; at += chunk) {
		size_t n = size - at < chunk ? size - at : chunk;

		sink->on_event(sink, &(struct event){ .type = EVENT_STEP_OUTPUT, .step = step, .stream = stream,
						      .data = (const char *)data + at, .len = n });
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char title[] = "fuzz";
	struct plan_step plan = { .number = 1, .title = title };
	struct step_result step = { .plan = &plan, .mode = STEP_MODE_EXECUTED, .status = STEP_PASSED };
	struct result result = { .steps = &step, .steps_len = 1 };
	int fd = memfd_create("terminal", MFD_CLOEXEC);
	struct output out = OUTPUT_INIT(fd);
	struct terminal_options options = { .out = &out, .progress_fd = -1 };
	struct event_sink *sink = sink_terminal_new(&options);
	off_t len;
	char *text;

	((struct terminal *)sink)->result = &result;
	sink->on_event(sink, &(struct event){ .type = EVENT_STEP_START, .step = &step, .attempt = 1 });
	feed(sink, &step, data, size);
	sink->on_event(sink, &(struct event){ .type = EVENT_STEP_END, .step = &step });
	sink->close(sink);
	len = lseek(fd, 0, SEEK_CUR);
	text = xmalloc((size_t)len + 1);
	if (out.failed || pread(fd, text, (size_t)len, 0) != len || (len && text[len - 1] != '\n'))
		abort();
	text[len] = '\0';
	check(text, (size_t)len);
	free(text);
	close(fd);
	return 0;
}
