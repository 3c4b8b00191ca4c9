/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/usage_series.h"

#include "runner/base/clock.h"
#include "runner/base/mem.h"

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Counters never go back; where one does, it was another sandbox's. */
static uint64_t grown(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

/* Thousandths of a cpu. */
static uint64_t rate(uint64_t cpu_ns, uint64_t elapsed_ns)
{
	return elapsed_ns < 1000 ? 0 : cpu_ns / (elapsed_ns / 1000);
}

static void join(struct usage_point *into, const struct usage_point *next, uint64_t into_from_ns)
{
	uint64_t first = into->at_ns - into_from_ns, second = next->at_ns - into->at_ns;

	if (first + second)
		into->cpu_millis = (into->cpu_millis * first + next->cpu_millis * second) / (first + second);
	into->memory_bytes = max(into->memory_bytes, next->memory_bytes);
	into->pids = max(into->pids, next->pids);
	into->storage_bytes = max(into->storage_bytes, next->storage_bytes);
	into->io_read_bytes += next->io_read_bytes;
	into->io_write_bytes += next->io_write_bytes;
	into->at_ns = next->at_ns;
}

static void halve(struct usage_series *s)
{
	uint64_t from = 0;

	for (size_t i = 0; i < s->len / 2; i++) {
		struct usage_point p = s->points[2 * i];

		join(&p, &s->points[2 * i + 1], from);
		from = p.at_ns;
		s->points[i] = p;
	}
	s->len /= 2;
	s->interval_ns *= 2;
}

static void close_point(struct usage_series *s)
{
	if (s->open.at_ns == s->open_since_ns)
		return;
	if (s->len == USAGE_POINTS)
		halve(s);
	s->points[s->len++] = s->open;
	s->open_since_ns = s->open.at_ns;
	s->open = (struct usage_point){ .at_ns = s->open_since_ns };
}

void usage_series_begin(struct usage_series *s, const struct sandbox_usage *usage, uint64_t now_ns)
{
	*s = (struct usage_series){ .interval_ns = USAGE_INTERVAL_NS, .began_ns = now_ns, .first = *usage, .last = *usage };
}

void usage_series_add(struct usage_series *s, const struct sandbox_usage *usage, uint64_t now_ns)
{
	const uint64_t at = grown(s->began_ns, now_ns), elapsed = grown(s->open.at_ns, at);
	struct usage_point p = {
		.at_ns = at,
		.cpu_millis = rate(grown(s->last.cpu_ns, usage->cpu_ns), elapsed),
		.memory_bytes = usage->memory_bytes,
		.pids = usage->pids,
		.storage_bytes = usage->storage_bytes,
		.io_read_bytes = grown(s->last.io_read_bytes, usage->io_read_bytes),
		.io_write_bytes = grown(s->last.io_write_bytes, usage->io_write_bytes),
	};

	if (!elapsed)
		return;
	s->now = p;
	join(&s->open, &p, s->open_since_ns);
	/* two looks right after each other say nothing about a rate */
	if (elapsed >= USAGE_INTERVAL_NS / 4)
		s->peak.cpu_millis = max(s->peak.cpu_millis, p.cpu_millis);
	s->peak.memory_bytes = max(s->peak.memory_bytes, max(p.memory_bytes, usage->memory_peak_bytes));
	s->peak.pids = max(s->peak.pids, p.pids);
	s->peak.storage_bytes = max(s->peak.storage_bytes, p.storage_bytes);
	s->last = *usage;
	s->last.known |= s->first.known;
	if (s->open.at_ns - s->open_since_ns >= s->interval_ns - s->interval_ns / 8)
		close_point(s);
}

void usage_series_end(struct usage_series *s)
{
	close_point(s);
}

static void put(json_t *o, const char *key, const struct usage_series *s, unsigned int known, uint64_t value)
{
	json_put(o, key, s->last.known & known ? json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value)) : json_null());
}

static json_t *point_to_json(const struct usage_series *s, const struct usage_point *p)
{
	json_t *o = json_object();

	json_put_seconds(o, "at_seconds", p->at_ns);
	put(o, "cpu_millis", s, USAGE_CPU, p->cpu_millis);
	put(o, "memory_bytes", s, USAGE_MEMORY, p->memory_bytes);
	put(o, "pids", s, USAGE_PIDS, p->pids);
	put(o, "storage_bytes", s, USAGE_STORAGE, p->storage_bytes);
	put(o, "io_read_bytes", s, USAGE_IO, p->io_read_bytes);
	put(o, "io_write_bytes", s, USAGE_IO, p->io_write_bytes);
	return o;
}

json_t *usage_now_to_json(const struct usage_series *s)
{
	return point_to_json(s, &s->now);
}

json_t *usage_series_to_json(const struct usage_series *s)
{
	json_t *o, *points;

	if (!s->last.known)
		return json_null();
	o = json_object();
	points = json_array();
	for (size_t i = 0; i < s->len; i++)
		json_push(points, point_to_json(s, &s->points[i]));
	json_put_seconds(o, "interval_seconds", s->interval_ns);
	put(o, "cpu_peak_millis", s, USAGE_CPU, s->peak.cpu_millis);
	put(o, "storage_peak_bytes", s, USAGE_STORAGE, s->peak.storage_bytes);
	put(o, "io_read_bytes", s, USAGE_IO, grown(s->first.io_read_bytes, s->last.io_read_bytes));
	put(o, "io_write_bytes", s, USAGE_IO, grown(s->first.io_write_bytes, s->last.io_write_bytes));
	if (s->last.known & USAGE_THROTTLED)
		json_put_seconds(o, "throttled_seconds", grown(s->first.throttled_ns, s->last.throttled_ns));
	else
		json_put(o, "throttled_seconds", json_null());
	if (s->last.known & USAGE_PRESSURE)
		json_put_seconds(o, "memory_pressure_seconds", grown(s->first.memory_pressure_us, s->last.memory_pressure_us) * 1000);
	else
		json_put(o, "memory_pressure_seconds", json_null());
	put(o, "oom_kills", s, USAGE_MEMORY, grown(s->first.oom_kills, s->last.oom_kills));
	put(o, "refused_processes", s, USAGE_PIDS, grown(s->first.pids_refused, s->last.pids_refused));
	json_put(o, "points", points);
	return o;
}

uint64_t usage_cpu(const struct usage_point *p)
{
	return p->cpu_millis;
}

uint64_t usage_memory(const struct usage_point *p)
{
	return p->memory_bytes;
}

uint64_t usage_pids(const struct usage_point *p)
{
	return p->pids;
}

void usage_series_spark(const struct usage_series *s, uint64_t (*value)(const struct usage_point *p), size_t columns,
			struct strbuf *out)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	size_t n = s->len < columns ? s->len : columns;
	uint64_t top = 1;

	for (size_t i = 0; i < s->len; i++)
		top = max(top, value(&s->points[i]));
	for (size_t i = 0; i < n; i++) {
		uint64_t high = 0;

		for (size_t k = i * s->len / n; k < (i + 1) * s->len / n; k++)
			high = max(high, value(&s->points[k]));
		/* 7 * high may not fit for absurd values; a top below 2^60 is enough for everything real */
		strbuf_addstr(out, blocks[top > UINT64_MAX / 8 ? 0 : 7 * high / top]);
	}
}
