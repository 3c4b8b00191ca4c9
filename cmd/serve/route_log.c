/* SPDX-License-Identifier: Apache-2.0
 * What is kept of a request: a line on stderr, and for what changes something a record. Neither has a token, the value of a query or
 * a body in it. */
#include "cmd/serve/route_private.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "runner/base/mem.h"

#define SHOWN_PATH_MAX 300	/* even if each byte is escaped the line stays below PIPE_BUF: it is written whole, or not at all */
#define LINE_MAX_BYTES 4096

static char *path_of(const struct request *rq)
{
	size_t len = rq->target ? strcspn(rq->target, "?#") : 0;

	return xstrndup(rq->target ? rq->target : "", len < SHOWN_PATH_MAX ? len : SHOWN_PATH_MAX);
}

static uint64_t bytes_of(const struct request *rq, const struct response *r)
{
	if (rq->method && !strcmp(rq->method, "HEAD"))
		return 0;
	return r->fd >= 0 ? r->fd_len : r->body.len;
}

/* A reader that has stopped reading must not stop us: what it does not take is counted, and said in the next line that it takes. */
static void write_line(struct service *s, const struct strbuf *line)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT) || write(STDERR_FILENO, line->buf, line->len) < 0)
		s->log_dropped++;
	else
		s->log_dropped = 0;
}

void route_log(struct service *s, const struct request *rq, const struct response *r, uint64_t duration_ns)
{
	autostrbuf struct strbuf line = STRBUF_INIT(LINE_MAX_BYTES);
	autofree char *path = NULL;
	char now[CLOCK_RFC3339_SIZE];

	if (s->quiet)
		return;
	path = path_of(rq);
	clock_rfc3339(clock_realtime_ns(), now);
	strbuf_addch(&line, '{');
	json_add_text(&line, "ts", now);
	json_add_text(&line, "level", r->status >= 500 ? "error" : "info");
	json_add_text(&line, "event", "request");
	json_add_text(&line, "request_id", rq->id);
	if (rq->trace[0]) {
		autofree char *trace_id = xstrndup(rq->trace + 3, 32);

		json_add_text(&line, "trace_id", trace_id);
	}
	json_add_text(&line, "method", rq->method && strlen(rq->method) <= 16 ? rq->method : "?");
	json_add_text(&line, "path", path);
	json_add_text(&line, "route", rq->route ? rq->route->name : NULL);
	json_add_int(&line, "status", r->status);
	json_add_int(&line, "duration_us", (int64_t)(duration_ns / 1000));
	json_add_int(&line, "bytes", (int64_t)bytes_of(rq, r));
	json_add_text(&line, "who", rq->identity.name[0] ? rq->identity.name : NULL);
	json_add_text(&line, "address", rq->peer.address);
	if (pairs_get_header(&r->headers, "Idempotent-Replayed"))
		json_add_bool(&line, "replayed", true);
	if (s->log_dropped)
		json_add_int(&line, "lines_dropped_before", (int64_t)s->log_dropped);
	strbuf_addstr(&line, "}\n");
	write_line(s, &line);
}

/* Which run it is about: named in the path, or made by it. */
static const char *run_of(const struct request *rq, const struct response *r)
{
	static const char under[] = "/v1/runs/";
	const char *param = strchr(rq->route->path, '{');
	const char *location = pairs_get_header(&r->headers, "Location");

	if (param && !strncmp(param, "{run_id}", 8))
		return rq->params[0];
	return location && !strncmp(location, under, strlen(under)) ? location + strlen(under) : NULL;
}

void route_audit(struct service *s, const struct request *rq, const struct response *r)
{
	struct error err = { 0 };
	json_t *data;

	/* only of those we know (a name is given once somebody has shown a token), so that nobody else can fill the log; a replayed answer has
	 * its record, and what came too often changed nothing */
	if (!s->store || !rq->route || !(rq->route->flags & ROUTE_CHANGES) || !rq->identity.name[0] || r->status == 401 || r->status == 429 ||
	    pairs_get_header(&r->headers, "Idempotent-Replayed"))
		return;
	autofree char *path = path_of(rq);

	data = json_object();
	json_put_text(data, "method", rq->method);
	json_put_text(data, "path", path);
	json_put_int(data, "status", r->status);
	json_put_text(data, "request_id", rq->id);
	json_put_text(data, "address", rq->peer.address);
	json_put_text(data, "body_sha256", rq->body_digest[0] ? rq->body_digest : NULL);
	if (store_audit(s->store, rq->route->name, run_of(rq, r), rq->identity.name, data, &err) < 0)
		message("error", "the audit record of request '%s' could not be written: %s", rq->id, err.text);
}
