/* SPDX-License-Identifier: Apache-2.0
 * Telling what was seen. A command may do the same a million times, or a million different things: the first of each is told, the
 * rest counted, and of different ones only so many are remembered. See init_observe.h. */
#include "sandboxes/init_observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "sandboxes/event.h"

enum {
	DIFFERENT_MAX = 4096,		/* per kind */
	EACH_MAX = 10000,		/* of those that are told each, per kind */
	REMEMBERED_BYTES_MAX = 2 << 20,
	BUCKETS = 1024,
};
#define DELAY_NS (25 * NS_PER_MS)	/* events of this long travel together */

struct seen {
	uint32_t hash, next;		/* next: of its bucket, from 1; 0: none */
	uint64_t count;			/* since it was told */
	struct sandbox_event event;	/* texts are owned, in one piece that starts with program */
};

struct observer {
	struct seen *items;
	size_t len, alloc, bytes;
	uint32_t buckets[BUCKETS];
	uint32_t different[SANDBOX_EVENT_KINDS];
	uint64_t lost[SANDBOX_EVENT_KINDS];
	struct strbuf out;
	uint64_t flush_ns;
};

struct observer *observer_new(void)
{
	struct observer *o = xcalloc(1, sizeof(*o));

	strbuf_init(&o->out, INIT_EVENTS_MAX);
	return o;
}

void observer_free(struct observer *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->len; i++)
		free((char *)(uintptr_t)o->items[i].event.program);
	free(o->items);
	strbuf_release(&o->out);
	free(o);
}

void observer_flush(struct init *init)
{
	struct observer *o = init->observer;

	if (!o || !o->out.len)
		return;
	init->on_events(init, o->out.buf, o->out.len);
	strbuf_clear(&o->out);
}

int observer_timeout_ms(const struct init *init)
{
	return init->observer && init->observer->out.len ? clock_poll_timeout(init->observer->flush_ns) : -1;
}

static void send(struct init *init, const struct sandbox_event *event)
{
	struct observer *o = init->observer;

	if (o->out.len + EVENT_BYTES_MAX > INIT_EVENTS_MAX)
		observer_flush(init);
	if (!o->out.len)
		o->flush_ns = clock_deadline(DELAY_NS);
	event_pack(&o->out, event);
}

static uint32_t hash_text(uint32_t h, const char *s)
{
	do {
		h = (h ^ (unsigned char)*s) * 16777619u;	/* FNV-1a, the NUL included */
	} while (*s++);
	return h;
}

static uint32_t hash_event(const struct sandbox_event *e)
{
	uint32_t h = (2166136261u ^ e->kind) * 16777619u ^ e->allowed;

	return hash_text(hash_text(hash_text(h, e->program), e->subject), e->detail);
}

static bool same(const struct sandbox_event *a, const struct sandbox_event *b)
{
	return a->kind == b->kind && a->allowed == b->allowed && !strcmp(a->program, b->program) &&
	       !strcmp(a->subject, b->subject) && !strcmp(a->detail, b->detail);
}

static struct seen *find(struct observer *o, uint32_t hash, const struct sandbox_event *event)
{
	for (uint32_t i = o->buckets[hash % BUCKETS]; i; i = o->items[i - 1].next)
		if (o->items[i - 1].hash == hash && same(&o->items[i - 1].event, event))
			return &o->items[i - 1];
	return NULL;
}

static char *put_text(char *to, const char *text, const char **ret)
{
	size_t len = strlen(text) + 1;

	*ret = memcpy(to, text, len);
	return to + len;
}

/* False: so many different ones are not remembered. */
static bool remember(struct observer *o, uint32_t hash, const struct sandbox_event *event)
{
	size_t bytes = strlen(event->program) + strlen(event->subject) + strlen(event->detail) + 3;
	struct seen *s;
	char *text;

	if (o->different[event->kind] == DIFFERENT_MAX || o->bytes + bytes > REMEMBERED_BYTES_MAX)
		return false;
	ARRAY_GROW(o->items, o->len, o->alloc);
	s = &o->items[o->len++];
	*s = (struct seen){ .hash = hash, .next = o->buckets[hash % BUCKETS], .event = *event };
	text = put_text(xmalloc(bytes), event->program, &s->event.program);
	put_text(put_text(text, event->subject, &s->event.subject), event->detail, &s->event.detail);
	o->buckets[hash % BUCKETS] = (uint32_t)o->len;
	o->different[event->kind]++;
	o->bytes += bytes;
	return true;
}

static bool is_told_each(enum sandbox_event_kind kind)
{
	return kind == SANDBOX_EVENT_EXEC || kind == SANDBOX_EVENT_EXIT;
}

void observer_tell(struct init *init, struct caller *c, const struct sandbox_event *event)
{
	struct observer *o = init->observer;
	struct sandbox_event e = *event;
	struct seen *s;
	uint32_t hash;

	if (!o)
		return;
	if (c) {
		caller_know(c);
		if (!caller_still(c))	/* it died, and what we read may have been another's */
			return;
		e.program = c->program;
		e.pid = (uint32_t)c->pid;
		e.parent = (uint32_t)c->parent;
	}
	e.program = e.program ? e.program : "";
	e.subject = e.subject ? e.subject : "";
	e.detail = e.detail ? e.detail : "";
	e.time_ns = clock_realtime_ns();
	e.count = 1;
	if (is_told_each(e.kind)) {
		if (o->different[e.kind] == EACH_MAX) {
			o->lost[e.kind]++;
			return;
		}
		o->different[e.kind]++;
		send(init, &e);
		return;
	}
	hash = hash_event(&e);
	s = find(o, hash, &e);
	if (s) {
		s->count++;
		s->event.time_ns = e.time_ns;
	} else if (remember(o, hash, &e)) {
		send(init, &e);
	} else {
		o->lost[e.kind]++;
	}
}

void observer_finish(struct init *init)
{
	struct observer *o = init->observer;

	for (size_t i = 0; i < o->len; i++) {
		o->items[i].event.count = o->items[i].count;
		if (o->items[i].count)
			send(init, &o->items[i].event);
	}
	for (unsigned int kind = 0; kind < SANDBOX_EVENT_KINDS; kind++) {
		char why[64];

		if (!o->lost[kind])
			continue;
		snprintf(why, sizeof(why), "too many different events of kind '%s'",
			 sandbox_event_kind_to_string((enum sandbox_event_kind)kind));
		send(init, &(struct sandbox_event){
			.kind = SANDBOX_EVENT_LOST, .severity = SANDBOX_MEDIUM, .time_ns = clock_realtime_ns(),
			.count = o->lost[kind], .program = "", .subject = "", .detail = why,
		});
	}
	observer_flush(init);
}
