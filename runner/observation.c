/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/observation.h"

#include <stdlib.h>
#include <string.h>

#include "runner/argument_mask.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

struct observation *observation_new(bool watched)
{
	struct observation *o = xcalloc(1, sizeof(*o));

	o->watched = watched;
	o->started_ns = clock_realtime_ns();
	return o;
}

static void things_release(struct things_seen *things)
{
	for (size_t i = 0; i < things->len; i++) {
		free(things->items[i].program);
		free(things->items[i].subject);
		free(things->items[i].detail);
	}
	free(things->items);
}

void observation_free(struct observation *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->processes_len; i++) {
		free(o->processes[i].program);
		free(o->processes[i].arguments);
	}
	free(o->processes);
	things_release(&o->network);
	things_release(&o->security);
	free(o);
}

/* ---- processes */

static uint64_t since_start(const struct observation *o, uint64_t time_ns)
{
	return time_ns > o->started_ns ? time_ns - o->started_ns : 0;
}

/* The last one of this pid: numbers are used again. */
static struct process_seen *find_process(struct observation *o, uint32_t pid)
{
	for (size_t i = o->processes_len; i > 0; i--)
		if (o->processes[i - 1].pid == pid)
			return &o->processes[i - 1];
	return NULL;
}

static void add_process(struct observation *o, const struct sandbox_event *e)
{
	autostrbuf struct strbuf arguments = STRBUF_INIT(STRBUF_NO_MAX);
	struct process_seen *p;

	if (o->processes_len == PROCESSES_MAX) {
		o->lost += e->count;
		return;
	}
	argument_mask(e->detail, strlen(e->detail), &arguments);
	ARRAY_GROW(o->processes, o->processes_len, o->processes_alloc);
	p = &o->processes[o->processes_len++];
	*p = (struct process_seen){ .pid = e->pid, .parent = e->parent, .started_ns = since_start(o, e->time_ns),
				    .program = xstrdup(e->subject), .arguments = strbuf_detach(&arguments) };
}

static void end_process(struct observation *o, const struct sandbox_event *e)
{
	struct process_seen *p = find_process(o, e->pid);

	/* a process that never executed anything is part of the program that forked it */
	if (!p || p->ended_ns)
		return;
	p->ended_ns = since_start(o, e->time_ns);
	p->status = e->value;
	p->exited = true;
}

/* ---- all else */

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);	/* FNV-1a */
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t hash_event(const struct sandbox_event *e)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)e->kind << 1 ^ e->allowed;

	return hash_text(hash_text(hash_text(h, e->program), e->subject), e->detail);
}

static struct thing_seen *find_thing(const struct things_seen *things, const struct sandbox_event *e, uint64_t hash)
{
	for (size_t i = 0; i < things->len; i++) {
		struct thing_seen *t = &things->items[i];

		if (t->hash == hash && t->kind == e->kind && !strcmp(t->subject, e->subject) && !strcmp(t->program, e->program))
			return t;
	}
	return NULL;
}

static const struct thing_seen *add_thing(struct observation *o, struct things_seen *things, const struct sandbox_event *e)
{
	uint64_t hash = hash_event(e);
	struct thing_seen *t = find_thing(things, e, hash);

	if (t) {
		t->count += e->count;
		return NULL;
	}
	if (things->len == THINGS_MAX) {
		o->lost += e->count;
		return NULL;
	}
	ARRAY_GROW(things->items, things->len, things->alloc);
	t = &things->items[things->len++];
	*t = (struct thing_seen){
		.kind = e->kind, .severity = e->severity, .allowed = e->allowed, .at_ns = since_start(o, e->time_ns),
		.count = e->count, .pid = e->pid, .value = e->value, .hash = hash,
		.program = xstrdup(e->program), .subject = xstrdup(e->subject), .detail = xstrdup(e->detail),
	};
	return t;
}

const struct thing_seen *observation_add(struct observation *o, const struct sandbox_event *event)
{
	const struct thing_seen *told = NULL;
	struct process_seen *p;

	switch (event->kind) {
	case SANDBOX_EVENT_EXEC:
		add_process(o, event);
		return NULL;
	case SANDBOX_EVENT_EXIT:
		end_process(o, event);
		return NULL;
	case SANDBOX_EVENT_LOST:
		o->lost += event->count;
		return NULL;
	case SANDBOX_EVENT_CONNECT:
	case SANDBOX_EVENT_SEND:
	case SANDBOX_EVENT_FORWARD:
	case SANDBOX_EVENT_DNS:
		told = add_thing(o, &o->network, event);
		if (event->severity >= SANDBOX_MEDIUM)
			add_thing(o, &o->security, event);
		return told;
	case SANDBOX_EVENT_OUTLIVED:
		p = find_process(o, event->pid);
		if (p)
			p->outlived = true;
		return add_thing(o, &o->security, event);
	case SANDBOX_EVENT_CALL:
	case SANDBOX_EVENT_WRITE:
	case SANDBOX_EVENT_LIMIT:
		return add_thing(o, &o->security, event);
	}
	return NULL;
}

uint64_t observation_count(const struct observation *o, enum sandbox_severity at_least)
{
	uint64_t n = 0;

	for (size_t i = 0; o && i < o->security.len; i++)
		if (o->security.items[i].severity >= at_least)
			n += o->security.items[i].count;
	return n;
}

bool severity_from_name(const char *name, enum sandbox_severity *ret)
{
	for (int i = SANDBOX_INFO; i <= SANDBOX_CRITICAL; i++) {
		if (strcmp(name, sandbox_severity_to_string((enum sandbox_severity)i)) != 0)
			continue;
		*ret = (enum sandbox_severity)i;
		return true;
	}
	return false;
}

/* ---- as text and JSON */

void thing_describe(const struct thing_seen *t, struct strbuf *out)
{
	static const struct { const char *denied, *allowed; } verbs[SANDBOX_EVENT_KINDS] = {
		[SANDBOX_EVENT_CONNECT] = { "denied", "connected to" }, [SANDBOX_EVENT_SEND] = { "denied", "sent to" },
		[SANDBOX_EVENT_FORWARD] = { "could not reach", "reached" }, [SANDBOX_EVENT_DNS] = { "name not answered:", "name answered:" },
		[SANDBOX_EVENT_CALL] = { "refused call", "call" }, [SANDBOX_EVENT_WRITE] = { "refused change of", "change of" },
		[SANDBOX_EVENT_OUTLIVED] = { "outlived its step:", "outlived its step:" }, [SANDBOX_EVENT_LIMIT] = { "limit", "limit" },
	};
	const char *verb = t->allowed ? verbs[t->kind].allowed : verbs[t->kind].denied;

	strbuf_addf(out, "%s %s", verb ? verb : sandbox_event_kind_to_string(t->kind), t->subject);
	if (*t->detail || *t->program)
		strbuf_addf(out, " (%s%s%s)", t->detail, *t->detail && *t->program ? ", by " : "", t->program);
	if (t->kind == SANDBOX_EVENT_FORWARD && t->value)
		strbuf_addf(out, ": %s", strerror(t->value));
	if (t->count > 1)
		strbuf_addf(out, ", %llu times", (unsigned long long)t->count);
}

json_t *thing_to_json(const struct thing_seen *t)
{
	json_t *o = json_object();

	json_put_text(o, "kind", sandbox_event_kind_to_string(t->kind));
	json_put_text(o, "severity", sandbox_severity_to_string(t->severity));
	json_put_bool(o, "allowed", t->allowed);
	json_put_text(o, "subject", t->subject);
	json_put_text(o, "detail", *t->detail ? t->detail : NULL);
	json_put_text(o, "program", *t->program ? t->program : NULL);
	json_put(o, "pid", t->pid ? json_integer(t->pid) : json_null());
	json_put(o, "errno", t->value ? json_integer(t->value) : json_null());
	json_put_seconds(o, "at_seconds", t->at_ns);
	json_put_int(o, "count", (int64_t)t->count);
	return o;
}

static json_t *things_to_json(const struct things_seen *things)
{
	json_t *list = json_array();

	for (size_t i = 0; i < things->len; i++)
		json_push(list, thing_to_json(&things->items[i]));
	return list;
}

static json_t *process_to_json(const struct process_seen *p)
{
	json_t *o = json_object();

	json_put_int(o, "pid", p->pid);
	json_put(o, "parent", p->parent ? json_integer(p->parent) : json_null());
	json_put_text(o, "program", p->program);
	json_put_text(o, "arguments", p->arguments);
	json_put_seconds(o, "at_seconds", p->started_ns);
	json_put(o, "exit_status", p->exited ? json_integer(p->status) : json_null());
	if (p->ended_ns)
		json_put_seconds(o, "duration_seconds", p->ended_ns - (p->started_ns < p->ended_ns ? p->started_ns : p->ended_ns));
	else
		json_put(o, "duration_seconds", json_null());
	json_put_bool(o, "outlived", p->outlived);
	return o;
}

json_t *observation_to_json(const struct observation *o)
{
	json_t *tree, *processes;

	if (!o)
		return json_null();
	tree = json_object();
	processes = json_array();
	for (size_t i = 0; i < o->processes_len; i++)
		json_push(processes, process_to_json(&o->processes[i]));
	json_put_bool(tree, "watched", o->watched);
	json_put(tree, "processes", o->watched ? processes : (json_decref(processes), json_null()));
	json_put(tree, "network", o->watched ? things_to_json(&o->network) : json_null());
	json_put(tree, "security", o->watched ? things_to_json(&o->security) : json_null());
	json_put_int(tree, "lost", (int64_t)o->lost);
	json_put(tree, "usage", usage_series_to_json(&o->usage));
	return tree;
}
