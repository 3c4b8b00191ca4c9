/* SPDX-License-Identifier: Apache-2.0
 * Counting: series by their labels. Every family is bounded by the words of its labels, and by SERIES_MAX whatever comes. */
#include "cmd/serve/metrics_private.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/utf8.h"

#define WORKFLOWS_MAX 200
#define WORKFLOW_NAME_MAX 128
#define OTHER "other"

static const char *bounded(const char *const *words, const char *word)
{
	if (!words || !word)
		return word ? word : OTHER;
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return words[i];
	return OTHER;
}

static struct series *find(struct metrics *m, enum metric id, const char *const *labels)
{
	for (size_t i = 0; i < m->families[id].len; i++) {
		struct series *s = &m->families[id].items[i];
		size_t k = 0;

		while (k < METRIC_LABELS && s->labels[k] && !strcmp(s->labels[k], labels[k]))
			k++;
		if (k == METRIC_LABELS || !s->labels[k])
			return s;
	}
	return NULL;
}

struct series *metric_series(struct metrics *m, enum metric id, const char *a, const char *b, const char *c)
{
	const struct metric_family *f = &metric_families[id];
	const char *labels[METRIC_LABELS] = { a, b, c };
	size_t bounds = 0;
	struct series *s;

	for (size_t i = 0; i < METRIC_LABELS; i++)
		labels[i] = f->labels[i] ? bounded(f->words[i], labels[i]) : NULL;
	s = find(m, id, labels);
	if (!s && m->families[id].len >= SERIES_MAX) {
		for (size_t i = 0; i < METRIC_LABELS && f->labels[i]; i++)
			labels[i] = OTHER;
		s = find(m, id, labels);
	}
	if (s)
		return s;
	while (f->buckets && f->buckets[bounds])
		bounds++;
	ARRAY_GROW(m->families[id].items, m->families[id].len, m->families[id].alloc);
	s = &m->families[id].items[m->families[id].len++];
	*s = (struct series){ .buckets = bounds ? xcalloc(bounds, sizeof(*s->buckets)) : NULL };
	for (size_t i = 0; i < METRIC_LABELS; i++)
		s->labels[i] = xstrdup_or_null(labels[i]);
	return s;
}

void metric_add(struct metrics *m, enum metric id, const char *a, const char *b, const char *c, uint64_t n)
{
	metric_series(m, id, a, b, c)->value += n;
}

void metric_set(struct metrics *m, enum metric id, uint64_t value)
{
	metric_series(m, id, NULL, NULL, NULL)->value = value;
}

void metric_observe(struct metrics *m, enum metric id, const char *a, uint64_t value)
{
	const uint64_t *bounds = metric_families[id].buckets;
	struct series *s = metric_series(m, id, a, NULL, NULL);

	s->value++;
	s->sum += value;
	for (size_t i = 0; bounds[i]; i++) {
		if (value <= bounds[i]) {
			s->buckets[i]++;
			return;
		}
	}
}

static void seed(struct metrics *m, enum metric id)
{
	const struct metric_family *f = &metric_families[id];

	if (!f->labels[0])
		metric_series(m, id, NULL, NULL, NULL);
	for (size_t i = 0; f->words[0] && f->words[0][i]; i++)
		metric_series(m, id, f->words[0][i], NULL, NULL);
}

struct metrics *metrics_new(bool compatible)
{
	struct metrics *m = xcalloc(1, sizeof(*m));
	const struct metric_family *runs = &metric_families[M_RUNS];
	char revision[64];

	m->compatible = compatible;
	m->started_ns = clock_realtime_ns();
	for (enum metric id = 0; id < METRICS; id++)
		if (metric_families[id].seeded)
			seed(m, id);
	for (size_t i = 0; runs->words[1][i]; i++)	/* where most runs are */
		metric_series(m, M_RUNS, "container", runs->words[1][i], NULL);
	metrics_revision(revision, sizeof(revision));
	metric_add(m, M_BUILD, SANDBOX_RUNNER_VERSION, revision, NULL, 1);
	metric_set(m, M_LEAKED, 0);
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (enum metric id = 0; id < METRICS; id++) {
		for (size_t i = 0; i < m->families[id].len; i++) {
			for (size_t k = 0; k < METRIC_LABELS; k++)
				free(m->families[id].items[i].labels[k]);
			free(m->families[id].items[i].buckets);
		}
		free(m->families[id].items);
	}
	strvec_release(&m->workflows);
	free(m);
}

void metrics_http(struct metrics *m, const char *method, const char *route, int status, uint64_t duration_ns)
{
	char code[16];

	snprintf(code, sizeof(code), "%d", status);
	metric_add(m, M_HTTP, method, route, status >= 100 && status <= 599 ? code : OTHER, 1);
	metric_observe(m, M_HTTP_DURATION, route, duration_ns);
}

/* Where it really ran, as far as that is known. Rows say "container" or, once it is known, more: "container (native)", "container/native". */
static void sandbox_word(const char *sandbox, const json_t *result, char *out, size_t size)
{
	const char *known = json_string_value(json_object_get(json_object_get(result, "backend"), "type"));

	if (known && metrics_is_result(result))
		sandbox = known;
	snprintf(out, size, "%.*s", sandbox ? (int)strcspn(sandbox, " /:(") : 0, sandbox ? sandbox : "");
}

/* A name of somebody else's as a label: cut, and always UTF-8, for Prometheus refuses all that comes with a label that is not. */
static const char *workflow_word(struct metrics *m, const char *name)
{
	autostrbuf struct strbuf safe = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len = name ? strlen(name) : 0;

	for (size_t i = 0, n; i < len && safe.len < WORKFLOW_NAME_MAX; i += n) {
		uint32_t c;

		n = utf8_decode(name + i, len - i, &c);
		if (c == UTF8_INVALID || utf8_is_unsafe(c))
			strbuf_addstr(&safe, "\xef\xbf\xbd");
		else
			strbuf_add(&safe, name + i, n);
	}
	if (!safe.len)
		return OTHER;
	for (size_t i = 0; i < m->workflows.len; i++)
		if (!strcmp(m->workflows.items[i], safe.buf))
			return m->workflows.items[i];
	if (m->workflows.len >= WORKFLOWS_MAX)
		return OTHER;
	strvec_push(&m->workflows, safe.buf);
	return m->workflows.items[m->workflows.len - 1];
}

static void count_workflow(struct metrics *m, const char *workflow_name, const char *error, uint64_t duration_ns, const json_t *result)
{
	const char *name = workflow_word(m, workflow_name);
	bool rolled_back = metrics_is_result(result) && json_is_true(json_object_get(result, "rolled_back"));

	metric_add(m, M_WF_RUNS, name, rolled_back ? "rolled_back" : error ? "failed" : "completed", NULL, 1);
	if (error)
		metric_add(m, M_WF_FAILURE, name, error, NULL, 1);
	else
		metric_add(m, M_WF_SUCCESS, name, NULL, NULL, 1);
	metric_observe(m, M_WF_DURATION, name, duration_ns);
}

void metrics_run(struct metrics *m, const char *sandbox, const char *verdict, const char *workflow_name, uint64_t duration_ns, const json_t *result)
{
	const char *error = metrics_error_kind(verdict, result);
	char where[32];

	sandbox_word(sandbox, result, where, sizeof(where));
	metric_add(m, M_RUNS, where, verdict, NULL, 1);
	metric_observe(m, M_RUN_DURATION, where, duration_ns);
	if (error)
		metric_add(m, M_ERRORS, error, NULL, NULL, 1);
	if (metrics_is_result(result))
		metrics_count_result(m, where, result);
	if (m->compatible)
		count_workflow(m, workflow_name, error, duration_ns, result);
}

void metrics_exec(struct metrics *m, const char *language, const char *status, bool warm, uint64_t duration_ns)
{
	metric_add(m, M_EXEC, language, status, NULL, 1);
	metric_observe(m, M_EXEC_DURATION, warm ? "warm" : "cold", duration_ns);
}

void metrics_cleanup(struct metrics *m, bool complete, unsigned int left)
{
	metric_add(m, M_CLEANUP, complete ? "complete" : "incomplete", NULL, NULL, 1);
	metric_add(m, M_LEAKED, NULL, NULL, NULL, left);
}

void metrics_leak(struct metrics *m, unsigned int leaked)
{
	metric_set(m, M_LEAKED, leaked);
}
