/* SPDX-License-Identifier: Apache-2.0
 * sink_ndjson: the events as they come, one JSON object a line. A reader that went away ends the stream, not the run. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "runner/base/mem.h"
#include "runner/event.h"

struct ndjson {
	struct event_sink base;		/* first member */
	int fd;
};

/* Standard output may be non-blocking without our doing: whoever shares it may have made it so. */
static int write_line(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
				return -1;
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static void ndjson_on_event(struct event_sink *sink, const struct event *event)
{
	struct ndjson *self = (struct ndjson *)sink;
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *json = NULL;

	if (sink->error)
		return;
	json = event_to_json(event);
	json_write(json, 0, &line);
	strbuf_addch(&line, '\n');
	if (write_line(self->fd, line.buf, line.len) < 0)
		sink->error = errno;
}

static void ndjson_close(struct event_sink *sink)
{
	free(sink);
}

struct event_sink *sink_ndjson_new(int fd)
{
	struct ndjson *self = xcalloc(1, sizeof(*self));

	self->base = (struct event_sink){ .on_event = ndjson_on_event, .close = ndjson_close };
	self->fd = fd;
	return &self->base;
}
