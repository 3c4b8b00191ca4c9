/* SPDX-License-Identifier: Apache-2.0
 * sink_ndjson: the events as they come, one JSON object a line. A reader that went away ends the stream, not the run. */
#include <errno.h>
#include <stdlib.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/event.h"

struct ndjson {
	struct event_sink base;		/* first member */
	int fd, cancel_fd;
};

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
	if (write_all_until(self->fd, self->cancel_fd, line.buf, line.len) < 0)
		sink->error = errno;
}

static void ndjson_close(struct event_sink *sink)
{
	free(sink);
}

struct event_sink *sink_ndjson_new(int fd, int cancel_fd)
{
	struct ndjson *self = xcalloc(1, sizeof(*self));

	self->base = (struct event_sink){ .on_event = ndjson_on_event, .close = ndjson_close };
	self->fd = fd;
	self->cancel_fd = cancel_fd;
	return &self->base;
}
