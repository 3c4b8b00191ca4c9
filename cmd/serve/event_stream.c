/* SPDX-License-Identifier: Apache-2.0
 * event_stream: streams hang on the feed of their run, feeds on the hub of the service; each goes with the last of what hangs on it. A stream
 * holds an offset and at most a few bytes of its own: what it sends it reads again from the file. */
#include "cmd/serve/event_stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/serve/event_line.h"
#include "cmd/serve/run_json.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

#define PIECE_MAX ((size_t)16 << 10)
#define PIECE_MIN ((size_t)4 << 10)
#define READ_AT_ONCE ((size_t)256 << 10)	/* of the file in one go: others wait meanwhile */
#define HEARTBEAT_NS (15 * NS_PER_SEC)
#define HEARTBEAT ":\n\n"

enum phase { PHASE_LOOK, PHASE_LINE, PHASE_TAIL, PHASE_OVER };

struct stream {
	struct body_source source;	/* first: it is one */
	struct feed *feed;
	struct stream *next, **link;
	uint64_t line;			/* where the line that is looked at or sent begins */
	uint64_t at, until;		/* what of the file is to be sent next */
	uint64_t stop;			/* lines that end behind this are not wanted; UINT64_MAX: all */
	struct event_line facts;
	enum event_form form;
	enum phase phase;
	const char *only_stream, *only_phase;	/* of the steps; NULL: any */
	unsigned int only_step;			/* 0: any */
	bool waits;			/* between two lines, and the last read gave nothing */
	uint8_t small_len, small_at;
	char small[100];		/* what goes before or behind a line */
	char *tail;			/* owned: the last event */
	size_t tail_len;
};

struct feed {			/* of one run */
	struct event_hub *hub;
	struct feed *next;
	struct stream *streams;
	struct run_watch *watch;	/* NULL: the run has ended */
	int fd;				/* -1: there is no file yet */
	char run_id[RUN_ROW_ID_SIZE];
};

struct event_hub {		/* of the service, as long as there is a stream */
	struct service *service;
	struct loop_timer *heartbeat;
	struct feed *feeds;
};

/* ---- pieces of the file */

struct window {
	uint64_t at;
	size_t len, size;
	size_t left;			/* that may still be read this time */
	char bytes[PIECE_MAX];
};

/* The bytes from `at` on, at least one; NULL: there are none now, or it has been enough for this time. */
static const char *window_get(struct window *w, int fd, uint64_t at, size_t *ret_len)
{
	ssize_t n;

	if (at < w->at || at >= w->at + w->len) {
		if (fd < 0 || !w->left)
			return NULL;
		do
			n = pread(fd, w->bytes, w->size, (off_t)at);
		while (n < 0 && errno == EINTR);
		w->at = at;
		w->len = n < 0 ? 0 : (size_t)n;
		w->left -= w->len < w->left ? w->len : w->left;
		if (n <= 0)
			return NULL;
	}
	*ret_len = w->len - (size_t)(at - w->at);
	return w->bytes + (at - w->at);
}

/* ---- what is sent around lines */

static void say(struct stream *st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct stream *st, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(st->small, sizeof(st->small), fmt, ap);	/* the longest is an id, a type and words of ours */
	va_end(ap);
	st->small_len = (uint8_t)strlen(st->small);
	st->small_at = 0;
}

static size_t drain(struct stream *st, char *buf, size_t max)
{
	size_t n = (size_t)(st->small_len - st->small_at);

	n = n < max ? n : max;
	memcpy(buf, st->small + st->small_at, n);
	st->small_at = (uint8_t)(st->small_at + n);
	return n;
}

static bool is_wanted_output(const struct stream *st)
{
	const struct event_line *l = &st->facts;

	return !strcmp(l->type, "step.output") && (!st->only_stream || !strcmp(l->stream, st->only_stream)) &&
	       (!st->only_phase || !strcmp(l->phase, st->only_phase)) && (!st->only_step || l->step == st->only_step);
}

/* A whole line is there: `end` is behind its newline. */
static void line_found(struct stream *st, uint64_t end)
{
	st->phase = PHASE_LINE;
	st->at = st->line;
	st->until = end;
	if (st->form == EVENTS_SSE) {
		st->until = end - 1;
		say(st, "id: %llu\n%s%s%sdata: ", (unsigned long long)end, st->facts.type[0] ? "event: " : "", st->facts.type,
		    st->facts.type[0] ? "\n" : "");
	} else if (st->form == EVENTS_TEXT) {
		bool wanted = is_wanted_output(st);

		st->at = wanted ? st->line + st->facts.text_at : end;
		st->until = wanted ? st->line + st->facts.text_end : end;
	}
	st->line = end;
}

static void line_sent(struct stream *st)
{
	st->phase = PHASE_LOOK;
	st->at = st->line;
	st->facts = (struct event_line){ 0 };
	if (st->form == EVENTS_SSE)
		say(st, "\n\n");
}

/* The last event: the run as it is now. */
static void begin_tail(struct stream *st)
{
	struct run_row row = { .exit_status = -1 };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *run = NULL;

	st->phase = PHASE_OVER;
	if (st->form != EVENTS_SSE || st->feed->watch || store_run_get(st->feed->hub->service->store, st->feed->run_id, &row, NULL) <= 0)
		return;
	run = run_to_json(&row);
	run_row_release(&row);
	strbuf_addstr(&text, "id: end\nevent: end\ndata: ");
	json_write(run, 0, &text);
	strbuf_addstr(&text, "\n\n");
	st->tail_len = text.len;
	st->tail = strbuf_detach(&text);
	st->at = 0;
	st->phase = PHASE_TAIL;
}

/* ---- reading */

enum look { LOOK_FOUND, LOOK_NOTHING, LOOK_LATER };

static enum look look_for_line(struct stream *st, struct window *w)
{
	const char *bytes, *newline;
	size_t len;

	while ((bytes = window_get(w, st->feed->fd, st->at, &len))) {
		newline = memchr(bytes, '\n', len);
		len = newline ? (size_t)(newline - bytes) : len;
		event_line_feed(&st->facts, bytes, len);
		st->at += len + (newline != NULL);
		if (newline && st->at > st->stop)
			return LOOK_NOTHING;
		if (newline) {
			line_found(st, st->at);
			return LOOK_FOUND;
		}
	}
	return w->left ? LOOK_NOTHING : LOOK_LATER;
}

/* A piece of the line. 0: no room for what comes next, or the file has become shorter, which nobody but a vandal does. */
static size_t send_piece(struct stream *st, struct window *w, char *buf, size_t max)
{
	uint64_t rest = st->until - st->at;
	size_t len, n, used;
	const char *bytes = window_get(w, st->feed->fd, st->at, &len);

	if (!bytes)
		return 0;
	len = len < rest ? len : (size_t)rest;
	if (st->form == EVENTS_TEXT) {
		n = event_text_decode(bytes, len, len == rest, buf, max, &used);
		if (!used && len < rest) {	/* an escape at the end of what we have: begin with it */
			w->len = 0;
			bytes = window_get(w, st->feed->fd, st->at, &len);
			len = len < rest ? len : (size_t)rest;
			n = bytes ? event_text_decode(bytes, len, len == rest, buf, max, &used) : 0;
		}
		st->at += bytes ? used : 0;
		return n;
	}
	n = len < max ? len : max;
	memcpy(buf, bytes, n);
	for (char *cr = buf; st->form == EVENTS_SSE && (cr = memchr(cr, '\r', n - (size_t)(cr - buf))); )
		*cr = ' ';	/* never in JSON of ours; it would end the line */
	st->at += n;
	return n;
}

/* Escapes may be larger than the room there is: then by way of `small`. */
static size_t send_line(struct stream *st, struct window *w, char *buf, size_t max)
{
	size_t n = send_piece(st, w, buf, max);

	if (!n && st->form == EVENTS_TEXT && st->at < st->until) {
		n = send_piece(st, w, st->small, 4);
		st->small_len = (uint8_t)n;
		st->small_at = 0;
		return drain(st, buf, max);
	}
	return n;
}

static size_t send_tail(struct stream *st, char *buf, size_t max)
{
	size_t n = st->tail_len - (size_t)st->at;

	n = n < max ? n : max;
	memcpy(buf, st->tail + st->at, n);
	st->at += n;
	if (st->at == st->tail_len)
		st->phase = PHASE_OVER;
	return n;
}

/* One step of it; false: nothing more for now. */
static bool advance(struct stream *st, struct window *w, char *buf, size_t max, size_t *n)
{
	uint64_t before = st->at;

	if (st->small_at < st->small_len) {
		*n += drain(st, buf + *n, max - *n);
		return true;
	}
	switch (st->phase) {
	case PHASE_LOOK:
		switch (look_for_line(st, w)) {
		case LOOK_FOUND:
			return true;
		case LOOK_LATER:
			body_source_wake(&st->source);
			return false;
		case LOOK_NOTHING:
			if (st->feed->watch && st->stop == UINT64_MAX)
				return false;
			begin_tail(st);
			return true;
		}
		return false;
	case PHASE_LINE:
		if (st->at < st->until)
			*n += send_line(st, w, buf + *n, max - *n);
		if (st->at >= st->until) {
			line_sent(st);
			return true;
		}
		if (st->at == before && !w->left)
			body_source_wake(&st->source);
		else if (st->at == before)
			st->phase = PHASE_OVER;
		return st->at != before || st->phase == PHASE_OVER;
	case PHASE_TAIL:
		*n += send_tail(st, buf + *n, max - *n);
		return true;
	case PHASE_OVER:
		break;
	}
	return false;
}

static void open_file(struct feed *f)
{
	if (f->fd < 0)
		f->fd = runs_open_file(f->hub->service->runs, f->run_id, "events.ndjson", NULL);
}

static ssize_t stream_read(struct body_source *s, char *buf, size_t max)
{
	struct stream *st = (struct stream *)s;
	struct window w;
	size_t n = 0;

	w.at = 0;
	w.len = 0;
	w.left = READ_AT_ONCE;
	w.size = 2 * max < PIECE_MIN ? PIECE_MIN : 2 * max < PIECE_MAX ? 2 * max : PIECE_MAX;
	open_file(st->feed);
	while (n < max && advance(st, &w, buf, max, &n))
		;
	st->waits = !n && st->phase == PHASE_LOOK;
	return n ? (ssize_t)n : st->phase == PHASE_OVER ? -1 : 0;
}

/* ---- feeds and the hub */

static void wake_all(struct feed *f)
{
	for (struct stream *st = f->streams, *next; st; st = next) {	/* nothing of the feed may be touched behind the last */
		next = st->next;
		body_source_wake(&st->source);
	}
}

static void on_change(void *data, bool ended)
{
	struct feed *f = data;

	if (ended)
		f->watch = NULL;	/* is over by itself */
	wake_all(f);
}

static void on_heartbeat(void *data)
{
	struct event_hub *hub = data;

	loop_timer_set(hub->heartbeat, clock_deadline(HEARTBEAT_NS));
	for (struct feed *f = hub->feeds, *next_feed; f; f = next_feed) {
		next_feed = f->next;
		for (struct stream *st = f->streams, *next; st; st = next) {
			next = st->next;
			if (!st->waits || st->form != EVENTS_SSE)
				continue;
			say(st, HEARTBEAT);
			st->waits = false;
			body_source_wake(&st->source);
		}
	}
}

static struct event_hub *hub_get(struct service *s)
{
	struct event_hub *hub = s->events;

	if (hub)
		return hub;
	hub = s->events = xcalloc(1, sizeof(*hub));
	hub->service = s;
	hub->heartbeat = loop_timer_new(s->loop, on_heartbeat, hub);
	loop_timer_set(hub->heartbeat, clock_deadline(HEARTBEAT_NS));
	return hub;
}

static struct feed *feed_get(struct service *s, const struct run_row *run)
{
	struct event_hub *hub = hub_get(s);
	struct feed *f = hub->feeds;

	while (f && strcmp(f->run_id, run->id))
		f = f->next;
	if (f)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->hub = hub;
	f->fd = -1;
	snprintf(f->run_id, sizeof(f->run_id), "%s", run->id);
	f->next = hub->feeds;
	hub->feeds = f;
	if (run->state != RUN_ENDED)
		f->watch = runs_watch(s->runs, run->id, on_change, f);
	open_file(f);
	return f;
}

static void feed_put(struct feed *f)
{
	struct event_hub *hub = f->hub;
	struct feed **link = &hub->feeds;

	if (f->streams)
		return;
	while (*link != f)
		link = &(*link)->next;
	*link = f->next;
	runs_unwatch(f->watch);
	if (f->fd >= 0)
		close(f->fd);
	free(f);
	if (hub->feeds)
		return;
	loop_timer_free(hub->heartbeat);
	hub->service->events = NULL;
	free(hub);
}

static void stream_close(struct body_source *s)
{
	struct stream *st = (struct stream *)s;
	struct feed *f = st->feed;

	*st->link = st->next;
	if (st->next)
		st->next->link = st->link;
	f->hub->service->streams--;
	free(st->tail);
	free(st);
	feed_put(f);
}

static uint64_t size_of(struct feed *f)
{
	struct stat st;

	return f->fd >= 0 && fstat(f->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

struct body_source *event_stream_open(struct service *s, const struct run_row *run, const struct event_query *q)
{
	struct stream *st = xcalloc(1, sizeof(*st));
	struct feed *f = feed_get(s, run);

	st->source = (struct body_source){ .read = stream_read, .close = stream_close };
	st->feed = f;
	st->link = &f->streams;
	st->next = f->streams;
	if (st->next)
		st->next->link = &st->next;
	f->streams = st;
	st->line = st->at = q->after;
	st->stop = q->follow ? UINT64_MAX : size_of(f);
	st->form = q->form;
	st->only_stream = q->stream;
	st->only_phase = q->phase;
	st->only_step = q->step;
	if (st->form == EVENTS_SSE)
		say(st, "retry: 2000\n\n");
	s->streams++;
	return &st->source;
}

bool event_stream_is_boundary(struct service *s, const char *run_id, uint64_t after)
{
	autoclose int fd = -1;
	char before;

	if (!after)
		return true;
	fd = runs_open_file(s->runs, run_id, "events.ndjson", NULL);
	return fd >= 0 && after <= INT64_MAX && pread(fd, &before, 1, (off_t)after - 1) == 1 && before == '\n';
}
