/* SPDX-License-Identifier: Apache-2.0
 * Writing: Prometheus text 0.0.4 and OpenMetrics 1.0. They differ in how the family of a counter is called, in what an info is, and in the last line. */
#include "cmd/serve/metrics_private.h"

#include <string.h>

#include "runner/base/clock.h"

/* Exact: nanoseconds as a decimal fraction. Bounds of buckets always have a point, so that both formats name the same series. */
static void add_number(struct strbuf *out, enum metric_unit unit, uint64_t n, bool point)
{
	if (unit != UNIT_SECONDS) {
		strbuf_addf(out, "%llu%s", (unsigned long long)n, point ? ".0" : "");
		return;
	}
	strbuf_addf(out, "%llu.%09llu", (unsigned long long)(n / NS_PER_SEC), (unsigned long long)(n % NS_PER_SEC));
	while (out->buf[out->len - 1] == '0' && out->buf[out->len - 2] != '.')
		out->buf[--out->len] = '\0';
}

static void add_escaped(struct strbuf *out, const char *s)
{
	for (size_t n; *s; s += n + 1) {
		n = strcspn(s, "\\\"\n");
		strbuf_add(out, s, n);
		if (!s[n])
			break;
		strbuf_addch(out, '\\');
		strbuf_addch(out, s[n] == '\n' ? 'n' : s[n]);
	}
}

/* {a="…",b="…",le="…"}; nothing where there is nothing */
static void add_labels(struct strbuf *out, const struct metric_family *f, const struct series *s, const uint64_t *bound, bool last)
{
	char open = '{';

	for (size_t i = 0; i < METRIC_LABELS && f->labels[i]; i++, open = ',') {
		strbuf_addf(out, "%c%s=\"", open, f->labels[i]);
		add_escaped(out, s->labels[i]);
		strbuf_addch(out, '"');
	}
	if (bound || last) {
		strbuf_addf(out, "%cle=\"", open);
		open = ',';
		if (bound)
			add_number(out, f->unit, *bound, true);
		else
			strbuf_addstr(out, "+Inf");
		strbuf_addch(out, '"');
	}
	if (open == ',')
		strbuf_addch(out, '}');
	strbuf_addch(out, ' ');
}

static void add_histogram(struct strbuf *out, const struct metric_family *f, const struct series *s)
{
	uint64_t n = 0;

	for (size_t i = 0; f->buckets[i]; i++) {
		n += s->buckets[i];
		strbuf_addf(out, "%s_bucket", f->name);
		add_labels(out, f, s, &f->buckets[i], false);
		strbuf_addf(out, "%llu\n", (unsigned long long)n);
	}
	strbuf_addf(out, "%s_bucket", f->name);
	add_labels(out, f, s, NULL, true);
	strbuf_addf(out, "%llu\n%s_sum", (unsigned long long)s->value, f->name);
	add_labels(out, f, s, NULL, false);
	add_number(out, f->unit, s->sum, false);
	strbuf_addf(out, "\n%s_count", f->name);
	add_labels(out, f, s, NULL, false);
	strbuf_addf(out, "%llu\n", (unsigned long long)s->value);
}

static void add_family(struct strbuf *out, const struct metric_family *f, const struct series *items, size_t len, bool openmetrics)
{
	static const char *const types[] = { [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram", [METRIC_INFO] = "info" };
	static const char *const suffixes[] = { [METRIC_COUNTER] = "_total", [METRIC_GAUGE] = "", [METRIC_HISTOGRAM] = "", [METRIC_INFO] = "_info" };
	static const char *const units[] = { [UNIT_SECONDS] = "seconds", [UNIT_BYTES] = "bytes" };
	const char *suffix = openmetrics ? "" : suffixes[f->type];

	strbuf_addf(out, "# HELP %s%s %s\n", f->name, suffix, f->help);
	strbuf_addf(out, "# TYPE %s%s %s\n", f->name, suffix, types[!openmetrics && f->type == METRIC_INFO ? METRIC_GAUGE : f->type]);
	if (openmetrics && f->unit != UNIT_NONE)
		strbuf_addf(out, "# UNIT %s %s\n", f->name, units[f->unit]);
	for (size_t i = 0; i < len; i++) {
		if (f->type == METRIC_HISTOGRAM) {
			add_histogram(out, f, &items[i]);
			continue;
		}
		strbuf_addf(out, "%s%s", f->name, suffixes[f->type]);
		add_labels(out, f, &items[i], NULL, false);
		add_number(out, f->unit, items[i].value, false);
		strbuf_addch(out, '\n');
	}
}

void metrics_write(struct metrics *m, const struct metrics_now *now, bool openmetrics, struct strbuf *out)
{
	metric_set(m, M_ACTIVE, now->active_runs);
	metric_set(m, M_QUEUE, now->queue_depth);
	metric_set(m, M_QUEUE_CAPACITY, now->queue_capacity);
	metric_series(m, M_EXEC_POOL, "warm", NULL, NULL)->value = now->exec_warm;
	metric_series(m, M_EXEC_POOL, "starting", NULL, NULL)->value = now->exec_starting;
	metric_series(m, M_EXEC_POOL, "busy", NULL, NULL)->value = now->exec_busy;
	metric_set(m, M_CONNECTIONS, now->connections);
	metric_set(m, M_STREAMS, now->streams);
	metric_set(m, M_DRAINING, now->draining);
	metric_set(m, M_WF_ACTIVE, now->active_runs);
	metrics_process(m);
	for (enum metric id = 0; id < (m->compatible ? METRICS : M_COMPATIBLE); id++)
		add_family(out, &metric_families[id], m->families[id].items, m->families[id].len, openmetrics);
	if (openmetrics)
		strbuf_addstr(out, "# EOF\n");
}
