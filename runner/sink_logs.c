/* SPDX-License-Identifier: Apache-2.0
 * sink_logs: what each step wrote, kept apart by step and stream, beside the events, the result and the report. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/event.h"
#include "runner/log_store.h"
#include "runner/report.h"

#define TITLE_MAX 60

struct stream {
	uint64_t written;	/* to this file, all attempts together */
	uint64_t seen;		/* in this attempt … */
	uint64_t kept;		/* … and of that, how much went into the file */
	char last;		/* byte */
};

struct logs {
	struct event_sink base;		/* first member */
	struct log_store *store;
	uint64_t max_bytes;
	struct stream streams[2];
	bool cut;		/* the event at hand is past the ceiling */
};

/* "01-checksum-verify": letters, digits, '.', '_' and '-' only, never hidden, unique by its number. */
static void file_stem(const struct plan_step *plan, struct strbuf *out)
{
	const char *title = plan->title ? plan->title : "";
	size_t start;

	strbuf_addf(out, "%s%02u-", plan->phase == PHASE_ROLLBACK ? "rollback-" : "", plan->number);
	start = out->len;
	for (; *title && out->len - start < TITLE_MAX; title++) {
		char c = (char)tolower((unsigned char)*title);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_')
			strbuf_addch(out, c);
		else if (out->len > start && out->buf[out->len - 1] != '-')
			strbuf_addch(out, '-');
	}
	while (out->len > start && (out->buf[out->len - 1] == '-' || out->buf[out->len - 1] == '.'))
		out->buf[--out->len] = '\0';
	if (out->len == start)
		strbuf_addstr(out, "step");
}

/* A line of ours starts on a line of its own. */
static void add_note(struct logs *self, enum sandbox_stream stream, const char *text)
{
	struct stream *s = &self->streams[stream];
	autofree char *line = xasprintf("%s[sandbox_runner: %s]\n", s->written && s->last != '\n' ? "\n" : "", text);

	log_store_write(self->store, (enum log_lane)stream, line, strlen(line));
	s->written += strlen(line);
	s->last = '\n';
}

static void on_step_start(struct logs *self, const struct event *e)
{
	autostrbuf struct strbuf name = STRBUF_INIT(STRBUF_NO_MAX);
	autofree char *attempt = xasprintf("attempt %u", e->attempt);
	size_t stem;

	file_stem(e->step->plan, &name);
	stem = name.len;
	for (int i = 0; i < 2; i++) {
		if (e->attempt > 1) {
			add_note(self, (enum sandbox_stream)i, attempt);
			self->streams[i].seen = self->streams[i].kept = 0;
			continue;
		}
		name.len = stem;
		strbuf_addstr(&name, i == SANDBOX_STDOUT ? ".stdout.log" : ".stderr.log");
		log_store_begin(self->store, (enum log_lane)i, name.buf);
		self->streams[i] = (struct stream){ .written = 0 };
	}
}

static void on_step_output(struct logs *self, const struct event *e)
{
	struct stream *s = &self->streams[e->stream];
	uint64_t room = s->written < self->max_bytes ? self->max_bytes - s->written : 0;
	size_t n = e->len < room ? e->len : (size_t)room;

	s->seen += e->len;
	s->kept += n;
	s->written += n;
	if (n) {
		log_store_write(self->store, (enum log_lane)e->stream, e->data, n);
		s->last = e->data[n - 1];
	}
	self->cut = !n;
}

/* Say at the end what is missing: past our ceiling, or past the sandbox's output limit and never delivered. */
static void end_attempt(struct logs *self, const struct step_result *step)
{
	for (int i = 0; i < 2; i++) {
		struct stream *s = &self->streams[i];
		uint64_t produced = step->out[i].total_bytes > s->seen ? step->out[i].total_bytes : s->seen;
		autofree char *note = NULL;

		if (s->kept == s->seen && !(step->exit.output_truncated && produced > s->seen))
			continue;
		note = xasprintf("cut here: the step wrote %llu bytes, the first %llu are above", (unsigned long long)produced,
				 (unsigned long long)s->kept);
		add_note(self, (enum sandbox_stream)i, note);
	}
}

static void on_step_end(struct logs *self, const struct event *e)
{
	if (e->step->status == STEP_NOT_EXECUTED)
		return;
	end_attempt(self, e->step);
	log_store_end(self->store, LOG_STDOUT);
	log_store_end(self->store, LOG_STDERR);
}

static void logs_on_event(struct event_sink *sink, const struct event *event)
{
	struct logs *self = (struct logs *)sink;
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);
	json_auto_t *json = NULL;

	if (sink->error)
		return;
	self->cut = false;
	switch (event->type) {
	case EVENT_STEP_START: on_step_start(self, event); break;
	case EVENT_STEP_OUTPUT: on_step_output(self, event); break;
	case EVENT_STEP_RETRY: end_attempt(self, event->step); break;
	case EVENT_STEP_END: on_step_end(self, event); break;
	default: break;
	}
	if (!self->cut) {
		json = event_to_json(event);
		json_write(json, 0, &line);
		strbuf_addch(&line, '\n');
		log_store_write(self->store, LOG_EVENTS, line.buf, line.len);
	}
	sink->error = log_store_errno(self->store);
}

static void logs_close(struct event_sink *sink)
{
	struct logs *self = (struct logs *)sink;

	log_store_close(self->store);
	free(self);
}

int sink_logs_new(const char *target, const char *scratch, uint64_t max_bytes, struct event_sink **ret, struct error *err)
{
	struct log_store *store;
	struct logs *self;

	if (log_store_open(target, scratch, &store, err) < 0)
		return -1;
	log_store_begin(store, LOG_EVENTS, "events.ndjson");
	self = xcalloc(1, sizeof(*self));
	self->base = (struct event_sink){ .on_event = logs_on_event, .close = logs_close };
	self->store = store;
	self->max_bytes = max_bytes;
	*ret = &self->base;
	return 0;
}

bool sink_logs_packs(const struct event_sink *sink)
{
	return log_store_is_archive(((const struct logs *)sink)->store);
}

int sink_logs_finish(struct event_sink *sink, const struct result *result, const char *scratch, struct error *err)
{
	static const char *const formats[] = { "json", "text" };
	struct logs *self = (struct logs *)sink;

	log_store_end(self->store, LOG_EVENTS);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		const struct report_format *format = report_find(formats[i]);
		autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

		format->write(result, &text);
		log_store_put(self->store, format->suffix, text.buf, text.len);
	}
	return log_store_finish(self->store, scratch, err);
}
