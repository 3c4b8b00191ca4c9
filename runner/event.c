/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/event.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/fault.h"
#include "runner/base/mem.h"
#include "runner/base/strbuf.h"
#include "runner/cleanup_json.h"
#include "runner/result_json.h"

const char *event_type_to_string(enum event_type type)
{
	static const char *const names[] = {
		[EVENT_RUN_START] = "run.start",	   [EVENT_WARNING] = "warning",
		[EVENT_SANDBOX_CREATE] = "sandbox.create", [EVENT_SANDBOX_PROGRESS] = "sandbox.progress", [EVENT_SANDBOX_READY] = "sandbox.ready",
		[EVENT_STEP_START] = "step.start",	   [EVENT_STEP_OUTPUT] = "step.output",
		[EVENT_STEP_SEEN] = "step.seen",	   [EVENT_STEP_USAGE] = "step.usage",
		[EVENT_STEP_RETRY] = "step.retry",	   [EVENT_STEP_END] = "step.end",
		[EVENT_ROLLBACK_START] = "rollback.start", [EVENT_CLEANUP_START] = "cleanup.start",
		[EVENT_CLEANUP_ITEM] = "cleanup.item",	   [EVENT_VERDICT] = "verdict",
	};

	return names[type];
}

/* ---- fan-out */

void events_add_take(struct events *ev, struct event_sink *sink)
{
	struct event_sink **last = &ev->sinks;

	while (*last)
		last = &(*last)->next;
	sink->next = NULL;
	*last = sink;
}

void events_tick(struct events *ev)
{
	for (struct event_sink *sink = ev->sinks; sink; sink = sink->next)
		if (sink->on_tick)
			sink->on_tick(sink);
}

void events_release(struct events *ev)
{
	struct event_sink *sink = ev->sinks;

	while (sink) {
		struct event_sink *next = sink->next;

		sink->close(sink);
		sink = next;
	}
	*ev = (struct events){ .sinks = NULL };
}

static void deliver(struct events *ev, struct event *event)
{
	event->seq = ++ev->seq;
	event->time_ns = clock_realtime_ns();
	if (!event->result)
		event->result = ev->result;
	fault_point(event_type_to_string(event->type));
	for (struct event_sink *sink = ev->sinks; sink; sink = sink->next)
		sink->on_event(sink, event);
}

/* How many bytes at the end begin a character that is not complete. */
static size_t unfinished(const char *data, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)data[len - back];
		size_t need = c > 0xf4 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;

		if ((c & 0xc0) != 0x80)
			return need > back ? back : 0;
	}
	return 0;
}

static void emit_output(struct events *ev, struct event *event)
{
	autostrbuf struct strbuf joined = STRBUF_INIT(STRBUF_NO_MAX);
	size_t *held_len = &ev->held_len[event->stream], rest;
	char *held = ev->held[event->stream];

	if (*held_len) {
		strbuf_add(&joined, held, *held_len);
		strbuf_add(&joined, event->data, event->len);
		event->data = joined.buf;
		event->len = joined.len;
	}
	rest = unfinished(event->data, event->len);
	event->len -= rest;
	memcpy(held, event->data + event->len, rest);
	*held_len = rest;
	if (event->len)
		deliver(ev, event);
}

/* The attempt is over: no more bytes will complete what is held. */
static void flush_output(struct events *ev, const struct step_result *step)
{
	for (int i = 0; i < 2; i++) {
		struct event rest = { .type = EVENT_STEP_OUTPUT, .step = step, .stream = (enum sandbox_stream)i,
				      .data = ev->held[i], .len = ev->held_len[i] };

		if (rest.len)
			deliver(ev, &rest);
		ev->held_len[i] = 0;
	}
}

void event_emit(struct events *ev, struct event *event)
{
	if (event->result)
		ev->result = event->result;
	if (event->type == EVENT_STEP_OUTPUT) {
		emit_output(ev, event);
		return;
	}
	if (event->type == EVENT_STEP_RETRY || event->type == EVENT_STEP_END)
		flush_output(ev, event->step);
	deliver(ev, event);
}

/* ---- as JSON: seq, time, type and run_id, then what the type has */

static void put_step(json_t *o, const struct step_result *step)
{
	json_put_text(o, "phase", step_phase_to_string(step->plan->phase));
	json_put_int(o, "step", step->plan->number);
}

static void put_run_start(json_t *o, const struct event *e)
{
	const struct plan *plan = e->result->plan;
	const struct wpk *wpk = decision_wpk(plan->decision);

	json_put_text(o, "version", SANDBOX_RUNNER_VERSION);
	json_put_text(o, "source", e->result->source);
	json_put_text(o, "workflow_id", wpk->workflow_id);
	json_put_text(o, "sha256", e->result->package_sha256);
	json_put_text(o, "where", plan->where);
	json_put_text(o, "profile", plan->profile ? plan->profile->name : NULL);
	json_put_int(o, "steps", (int64_t)plan->steps_len);
	json_put_int(o, "executable_steps", (int64_t)plan->executable);
}

static void put_warning(json_t *o, const struct event *e)
{
	json_put_text(o, "text", e->text);
}

static void put_sandbox_create(json_t *o, const struct event *e)
{
	json_put_text(o, "runtime", e->ref->backend);
	json_put_text(o, "id", e->ref->id);
}

static void put_sandbox_ready(json_t *o, const struct event *e)
{
	json_put_seconds(o, "setup_seconds", e->result->setup_ns);
	if (e->result->image)
		json_put_text(o, "image", e->result->image);
	json_put(o, "enforcement", enforcement_to_json(&e->result->controls));
}

static void put_step_start(json_t *o, const struct event *e)
{
	put_step(o, e->step);
	json_put_text(o, "handler", e->step->plan->handler->name);
	json_put_text(o, "name", e->step->plan->step->name);
	json_put_int(o, "attempt", e->attempt);
}

static void put_step_output(json_t *o, const struct event *e)
{
	put_step(o, e->step);
	json_put_text(o, "stream", e->stream == SANDBOX_STDOUT ? "stdout" : "stderr");
	json_put(o, "text", json_textn(e->data, e->len));
	json_put_int(o, "bytes", (int64_t)e->len);
}

static void put_step_seen(json_t *o, const struct event *e)
{
	put_step(o, e->step);
	json_put(o, "seen", thing_to_json(e->thing));
}

static void put_step_usage(json_t *o, const struct event *e)
{
	put_step(o, e->step);
	json_put(o, "usage", usage_now_to_json(e->usage));
}

static void put_step_retry(json_t *o, const struct event *e)
{
	put_step(o, e->step);
	json_put_int(o, "attempt", e->attempt);
	json_put_text(o, "reason", e->text);
	json_put_seconds(o, "wait_seconds", e->wait_ns);
}

static void put_step_end(json_t *o, const struct event *e)
{
	put_step(o, e->step);
	json_put(o, "result", step_result_to_json(e->step, e->result ? e->result->redactor : NULL, false));
}

static void put_rollback_start(json_t *o, const struct event *e)
{
	json_put_text(o, "reason", e->text);
}

static void put_cleanup_item(json_t *o, const struct event *e)
{
	json_put(o, "item", cleanup_item_to_json(e->item));
}

static void put_verdict(json_t *o, const struct event *e)
{
	const struct result *r = e->result;
	struct step_counts counts = result_count(r, PHASE_MAIN);

	json_put_text(o, "verdict", run_verdict_to_string(r->verdict));
	json_put_text(o, "verdict_reason", r->verdict_reason);
	json_put(o, "summary", step_counts_to_json(&counts));
	json_put_bool(o, "rolled_back", r->rolled_back);
	json_put_bool(o, "cleanup_complete", r->cleanup_complete);
	json_put_seconds(o, "duration_seconds", r->duration_ns);
}

json_t *event_to_json(const struct event *event)
{
	static void (*const put[])(json_t *o, const struct event *e) = {
		[EVENT_RUN_START] = put_run_start,	     [EVENT_WARNING] = put_warning,
		[EVENT_SANDBOX_CREATE] = put_sandbox_create, [EVENT_SANDBOX_READY] = put_sandbox_ready,
		[EVENT_SANDBOX_PROGRESS] = put_warning,
		[EVENT_STEP_START] = put_step_start,	     [EVENT_STEP_OUTPUT] = put_step_output,
		[EVENT_STEP_SEEN] = put_step_seen,	     [EVENT_STEP_USAGE] = put_step_usage,
		[EVENT_STEP_RETRY] = put_step_retry,	     [EVENT_STEP_END] = put_step_end,
		[EVENT_ROLLBACK_START] = put_rollback_start, [EVENT_CLEANUP_START] = NULL,
		[EVENT_CLEANUP_ITEM] = put_cleanup_item,     [EVENT_VERDICT] = put_verdict,
	};
	json_t *o = json_object();

	json_put_int(o, "seq", (int64_t)event->seq);
	json_put_time(o, "time", event->time_ns);
	json_put_text(o, "type", event_type_to_string(event->type));
	json_put_text(o, "run_id", event->result && event->result->run_id[0] ? event->result->run_id : NULL);
	if (put[event->type])
		put[event->type](o, event);
	if (event->result)
		json_redact(o, event->result->redactor);
	return o;
}
