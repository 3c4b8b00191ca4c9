/* SPDX-License-Identifier: Apache-2.0
 * run_api_stats: how the runs of each workflow went: success, times, memory, over at most the last RUNS_MAX of them. */
#include <stdlib.h>
#include <string.h>

#include "cmd/serve/run_api.h"
#include "runner/base/mem.h"

#define RUNS_MAX 10000
#define GROUPS_MAX 200

struct group {			/* of one workflow */
	char *workflow_id;		/* owned; NULL: of packages without an id, or all together */
	json_t *verdicts;		/* how many of each */
	uint64_t *durations_ms;		/* owned */
	size_t runs, durations_len, durations_alloc;
	size_t succeeded, executed;	/* of those that ran at all */
	uint64_t security_events, cleanup_failures, memory_sum, memory_peak;
	size_t memory_known;
	uint64_t last_ended_ns;
};

struct stats {
	struct group all;
	struct group *groups;
	size_t len, alloc;
	json_t *index;			/* workflow id -> its place in `groups` */
	size_t left_out;		/* runs of workflows beyond GROUPS_MAX */
};

static void group_release(struct group *g)
{
	free(g->workflow_id);
	free(g->durations_ms);
	json_decref(g->verdicts);
}

static void stats_release(struct stats *st)
{
	group_release(&st->all);
	for (size_t i = 0; i < st->len; i++)
		group_release(&st->groups[i]);
	free(st->groups);
	json_decref(st->index);
}

/* What never ran, or was not let run to its end, tells nothing about how it goes. */
static bool was_executed(const char *verdict)
{
	static const char *const never[] = { "refused", "invalid", "cancelled", "interrupted", "nothing_executed" };

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (!strcmp(verdict, never[i]))
			return false;
	return true;
}

static bool is_success(const char *verdict)
{
	return !strcmp(verdict, "verified") || !strcmp(verdict, "partial") || !strcmp(verdict, "success") || !strcmp(verdict, "succeeded");
}

static void group_add(struct group *g, const struct run_row *run)
{
	const char *verdict = run->verdict ? run->verdict : "unknown";
	uint64_t memory = (uint64_t)json_integer_value(json_object_get(run->summary, "memory_peak_bytes"));

	g->runs++;
	json_put_int(g->verdicts, verdict, json_integer_value(json_object_get(g->verdicts, verdict)) + 1);
	g->last_ended_ns = run->ended_ns > g->last_ended_ns ? run->ended_ns : g->last_ended_ns;
	if (!was_executed(verdict))
		return;
	g->executed++;
	g->succeeded += is_success(verdict);
	ARRAY_GROW(g->durations_ms, g->durations_len, g->durations_alloc);
	g->durations_ms[g->durations_len++] = run->duration_ms;
	g->security_events += (uint64_t)json_integer_value(json_object_get(run->summary, "security_events"));
	g->cleanup_failures += json_is_false(json_object_get(run->summary, "cleanup_complete"));
	g->memory_known += memory > 0;
	g->memory_sum += memory;
	g->memory_peak = memory > g->memory_peak ? memory : g->memory_peak;
}

static struct group *group_of(struct stats *st, const char *workflow_id)
{
	const json_t *at = json_object_get(st->index, workflow_id);

	if (at)
		return &st->groups[json_integer_value(at)];
	if (st->len == GROUPS_MAX)
		return NULL;
	ARRAY_GROW(st->groups, st->len, st->alloc);
	st->groups[st->len] = (struct group){ .workflow_id = xstrdup(workflow_id), .verdicts = json_object() };
	json_put_int(st->index, workflow_id, (int64_t)st->len);
	return &st->groups[st->len++];
}

static void add_run(void *data, const struct run_row *run)
{
	struct stats *st = data;
	struct group *g;

	group_add(&st->all, run);
	if (!run->workflow_id)
		return;
	g = group_of(st, run->workflow_id);
	if (g)
		group_add(g, run);
	else
		st->left_out++;
}

/* ---- as JSON */

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The nearest rank: a value that was measured. */
static uint64_t percentile(const uint64_t *sorted, size_t n, unsigned int percent)
{
	size_t rank = (n * percent + 99) / 100;

	return sorted[rank ? rank - 1 : 0];
}

static json_t *durations_to_json(struct group *g)
{
	static const struct { const char *name; unsigned int percent; } wanted[] = { { "p50", 50 }, { "p90", 90 }, { "p95", 95 }, { "p99", 99 } };
	json_t *o = json_object();
	uint64_t sum = 0;

	if (!g->durations_len)
		return json_decref(o), json_null();
	qsort(g->durations_ms, g->durations_len, sizeof(*g->durations_ms), compare);
	for (size_t i = 0; i < g->durations_len; i++)
		sum += g->durations_ms[i];
	json_put_int(o, "average", (int64_t)(sum / g->durations_len));
	json_put_int(o, "min", (int64_t)g->durations_ms[0]);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		json_put_int(o, wanted[i].name, (int64_t)percentile(g->durations_ms, g->durations_len, wanted[i].percent));
	json_put_int(o, "max", (int64_t)g->durations_ms[g->durations_len - 1]);
	return o;
}

static json_t *group_to_json(struct group *g)
{
	json_t *o = json_object(), *memory = g->memory_known ? json_object() : json_null();

	json_put_text(o, "workflow_id", g->workflow_id);
	json_put_int(o, "runs", (int64_t)g->runs);
	json_put_int(o, "executed", (int64_t)g->executed);
	json_put_int(o, "succeeded", (int64_t)g->succeeded);
	json_put(o, "success_rate", g->executed ? json_real((double)g->succeeded / (double)g->executed) : json_null());
	json_put(o, "verdicts", json_incref(g->verdicts));
	json_put(o, "duration_ms", durations_to_json(g));
	if (g->memory_known) {
		json_put_int(memory, "average", (int64_t)(g->memory_sum / g->memory_known));
		json_put_int(memory, "max", (int64_t)g->memory_peak);
	}
	json_put(o, "memory_peak_bytes", memory);
	json_put_int(o, "security_events", (int64_t)g->security_events);
	json_put_int(o, "cleanup_failures", (int64_t)g->cleanup_failures);
	json_put_when(o, "last_ended", g->last_ended_ns);
	return o;
}

static json_t *stats_to_json(struct stats *st)
{
	json_t *o = json_object(), *list = json_array();

	for (size_t i = 0; i < st->len; i++)
		json_push(list, group_to_json(&st->groups[i]));
	json_put_int(o, "looked_at", (int64_t)st->all.runs);
	json_put_int(o, "looked_at_most", RUNS_MAX);
	json_put(o, "all", group_to_json(&st->all));
	json_put(o, "workflows", list);
	json_put_int(o, "workflows_left_out_runs", (int64_t)st->left_out);
	return o;
}

void run_stats(struct service *s, struct request *rq)
{
	static const char *const known[] = { "workflow", NULL };
	struct run_filter filter = { .workflow_id = request_query(rq, "workflow"), .state = "ended", .limit = RUNS_MAX };
	struct stats st = { .all.verdicts = json_object(), .index = json_object() };
	struct complaints c = { NULL };
	struct error err = { 0 };

	complain_of_unknown_query(&c, rq, known);
	if (complaints_reply(&c, rq))
		;
	else if (store_run_list(s->store, &filter, add_run, &st, NULL, &err) < 0)
		reply_error(rq, &err);
	else
		reply_json(rq, 200, stats_to_json(&st));
	stats_release(&st);
}
