/* SPDX-License-Identifier: Apache-2.0
 * stats: what the history says about each workflow. A run that was cancelled or in which nothing was executed says nothing about its package: it
 * is counted, but neither for nor against it, nor in its durations. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/past_runs.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/result_json.h"

#define COLUMNS 100
#define NAME_COLUMNS 26

struct stats_options {
	struct common_options common;
	const char *format, *package;
	uint64_t since_ns;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "package", .kind = OPTION_TEXT, .offset = offsetof(struct stats_options, package), .value = "NAME", .group = "Statistics",
	  .help = "count runs of the workflows whose id begins with this" },
	{ .name = "since", .kind = OPTION_DURATION, .offset = offsetof(struct stats_options, since_ns), .value = "DURATION", .min = 1,
	  .group = "Statistics", .help = "count runs that began in this time until now: 24h, 7d" },
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct stats_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

/* ---- counting */

struct count {
	const char *word;		/* borrowed from an entry */
	uint64_t n;
};

struct counts {
	struct count *items;
	size_t len, alloc;
};

struct stats {
	const char *package;		/* NULL: not known, or all */
	uint64_t runs, judged, succeeded, not_clean, escapes;
	struct counts verdicts, failures;
	uint64_t *durations;		/* of the judged ones, ascending */
	size_t durations_alloc;
	uint64_t duration_sum_ns;
	uint64_t memory_known, memory_sum, memory_max;
	uint64_t first_ns, last_ns;	/* when they began */
};

/* There are few different words; should somebody have written others into the file, the last one stands for all of them. */
enum { WORDS_MAX = 64 };

static void count_word(struct counts *c, const char *word)
{
	for (size_t i = 0; i < c->len; i++) {
		if (!strcmp(c->items[i].word, word)) {
			c->items[i].n++;
			return;
		}
	}
	if (c->len == WORDS_MAX) {
		c->items[c->len - 1].word = "other";
		c->items[c->len - 1].n++;
		return;
	}
	ARRAY_GROW(c->items, c->len, c->alloc);
	c->items[c->len++] = (struct count){ word, 1 };
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(*words, word))
			return true;
	return false;
}

static void count_run(struct stats *s, const struct run_entry *e)
{
	static const char *const succeeded[] = { "verified", "partial", NULL }, *const silent[] = { "cancelled", "nothing_executed", NULL };

	s->runs++;
	count_word(&s->verdicts, e->verdict);
	if (e->failure)
		count_word(&s->failures, e->failure);
	if (!is_one_of(e->verdict, silent)) {
		if (s->judged == s->durations_alloc) {
			s->durations_alloc = s->durations_alloc ? 2 * s->durations_alloc : 16;
			s->durations = xrealloc(s->durations, s->durations_alloc, sizeof(*s->durations));
		}
		s->durations[s->judged++] = e->duration_ns;
		s->duration_sum_ns += e->duration_ns;
	}
	s->succeeded += is_one_of(e->verdict, succeeded);
	s->not_clean += !e->cleanup_complete && !e->kept_until_ns;
	s->escapes += e->escape_attempts;
	if (e->memory_peak_bytes) {
		s->memory_known++;
		s->memory_sum += e->memory_peak_bytes;
		if (e->memory_peak_bytes > s->memory_max)
			s->memory_max = e->memory_peak_bytes;
	}
	if (!s->first_ns || e->started_ns < s->first_ns)
		s->first_ns = e->started_ns;
	if (e->started_ns > s->last_ns)
		s->last_ns = e->started_ns;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The most frequent first. */
static int compare_counts(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->word, y->word);
}

static void sort_counts(struct counts *c)
{
	if (c->len)
		qsort(c->items, c->len, sizeof(*c->items), compare_counts);
}

static struct stats stats_of(const struct run_entry *const *runs, size_t n, const char *package)
{
	struct stats s = { .package = package };

	for (size_t i = 0; i < n; i++)
		count_run(&s, runs[i]);
	if (s.judged)
		qsort(s.durations, s.judged, sizeof(*s.durations), compare_numbers);
	sort_counts(&s.verdicts);
	sort_counts(&s.failures);
	return s;
}

static void stats_release(struct stats *s)
{
	free(s->durations);
	free(s->verdicts.items);
	free(s->failures.items);
}

/* The least duration that `percent` of the runs did not exceed (nearest rank): one that was really seen. */
static uint64_t percentile(const struct stats *s, unsigned int percent)
{
	return s->durations[(s->judged * percent + 99) / 100 - 1];
}

static uint64_t mean(uint64_t sum, uint64_t n)
{
	return n ? sum / n : 0;
}

/* ---- JSON */

static json_t *counts_to_json(const struct counts *c)
{
	json_t *o = json_object();

	for (size_t i = 0; i < c->len; i++)
		json_put_int(o, c->items[i].word, (int64_t)c->items[i].n);
	return o;
}

static json_t *durations_to_json(const struct stats *s)
{
	json_t *o;

	if (!s->judged)
		return json_null();
	o = json_object();
	json_put_seconds(o, "average", mean(s->duration_sum_ns, s->judged));
	json_put_seconds(o, "p50", percentile(s, 50));
	json_put_seconds(o, "p90", percentile(s, 90));
	json_put_seconds(o, "p99", percentile(s, 99));
	json_put_seconds(o, "max", percentile(s, 100));
	return o;
}

static json_t *memory_to_json(const struct stats *s)
{
	json_t *o;

	if (!s->memory_known)
		return json_null();
	o = json_object();
	json_put_int(o, "average", (int64_t)mean(s->memory_sum, s->memory_known));
	json_put_int(o, "max", (int64_t)s->memory_max);
	return o;
}

static json_t *stats_to_json(const struct stats *s, bool all)
{
	json_t *o = json_object();

	if (!all)
		json_put_text(o, "workflow", s->package);
	json_put_int(o, "runs", (int64_t)s->runs);
	json_put_int(o, "judged", (int64_t)s->judged);
	json_put_int(o, "succeeded", (int64_t)s->succeeded);
	json_put(o, "success_rate", s->judged ? json_real((double)s->succeeded / (double)s->judged) : json_null());
	json_put(o, "duration_seconds", durations_to_json(s));
	json_put(o, "memory_peak_bytes", memory_to_json(s));
	json_put(o, "verdicts", counts_to_json(&s->verdicts));
	json_put(o, "failures", counts_to_json(&s->failures));
	json_put_int(o, "cleanup_failures", (int64_t)s->not_clean);
	json_put_int(o, "escape_attempts", (int64_t)s->escapes);
	json_put_time(o, "first", s->first_ns);
	json_put_time(o, "last", s->last_ns);
	return o;
}

/* ---- text */

static void add_duration(struct strbuf *out, uint64_t ns, bool known)
{
	autostrbuf struct strbuf amount = STRBUF_INIT(STRBUF_NO_MAX);

	if (known)
		duration_format(&amount, ns);
	strbuf_addf(out, "  %7s", known ? amount.buf : "-");
}

static void add_memory(struct strbuf *out, const struct stats *s)
{
	autostrbuf struct strbuf average = STRBUF_INIT(STRBUF_NO_MAX);
	autostrbuf struct strbuf most = STRBUF_INIT(STRBUF_NO_MAX);

	size_format(&average, mean(s->memory_sum, s->memory_known));
	size_format(&most, s->memory_max);
	strbuf_addf(out, "  %8s  %8s\n", s->memory_known ? average.buf : "-", s->memory_known ? most.buf : "-");
}

/* One thing of the line below a row, which is broken where it would be too long; *column is where it ends, 0: not begun. */
static void add_remark(struct strbuf *out, size_t *column, const char *word, uint64_t n)
{
	autostrbuf struct strbuf remark = STRBUF_INIT(STRBUF_NO_MAX);
	size_t width;

	printable_add_cut(&remark, word, strlen(word), COLUMNS / 2);
	strbuf_addf(&remark, " %llu", (unsigned long long)n);
	width = printable_width(remark.buf, remark.len);
	if (*column && *column + 2 + width < COLUMNS) {
		strbuf_addstr(out, ", ");
		*column += 2 + width;
	} else {
		strbuf_addstr(out, *column ? ",\n    " : "    ");
		*column = 4 + width;
	}
	strbuf_add(out, remark.buf, remark.len);
}

static void end_remarks(struct strbuf *out, size_t *column)
{
	if (*column)
		strbuf_addch(out, '\n');
	*column = 0;
}

/* What did not simply pass, and below it why. */
static void add_remarks(struct strbuf *out, const struct stats *s)
{
	size_t column = 0;

	for (size_t i = 0; i < s->verdicts.len; i++)
		if (strcmp(s->verdicts.items[i].word, "verified") != 0)
			add_remark(out, &column, s->verdicts.items[i].word, s->verdicts.items[i].n);
	if (s->not_clean)
		add_remark(out, &column, "clean-up not complete", s->not_clean);
	if (s->escapes)
		add_remark(out, &column, "attempts to escape", s->escapes);
	end_remarks(out, &column);
	for (size_t i = 0; i < s->failures.len; i++)
		add_remark(out, &column, s->failures.items[i].word, s->failures.items[i].n);
	end_remarks(out, &column);
}

static void add_row(struct strbuf *out, const struct stats *s, const char *name)
{
	const bool known = s->judged > 0;
	size_t columns = printable_add_cut(out, name, strlen(name), NAME_COLUMNS);

	strbuf_addf(out, "%*s  %6llu", (int)(NAME_COLUMNS - columns), "", (unsigned long long)s->runs);
	if (known)	/* cut, not rounded: 100% is said only of all */
		strbuf_addf(out, "  %5llu.%llu%%", (unsigned long long)(s->succeeded * 1000 / s->judged / 10),
			    (unsigned long long)(s->succeeded * 1000 / s->judged % 10));
	else
		strbuf_addf(out, "  %8s", "-");
	add_duration(out, mean(s->duration_sum_ns, s->judged), known);
	for (size_t i = 0; i < 3; i++)
		add_duration(out, known ? percentile(s, (const unsigned int[]){ 50, 90, 99 }[i]) : 0, known);
	add_memory(out, s);
	add_remarks(out, s);
}

static void add_heading(struct strbuf *out)
{
	strbuf_addf(out, "%-*s  %6s  %8s  %7s  %7s  %7s  %7s  %8s  %8s\n", NAME_COLUMNS, "WORKFLOW", "RUNS", "SUCCESS", "AVERAGE", "P50", "P90",
		    "P99", "MEMORY", "MAX");
}

/* ---- all of it */

static int compare_runs(const void *a, const void *b)
{
	const struct run_entry *x = *(const struct run_entry *const *)a, *y = *(const struct run_entry *const *)b;
	int order = strcmp(x->package ? x->package : "", y->package ? y->package : "");

	return order ? order : (x->started_ns > y->started_ns) - (x->started_ns < y->started_ns);
}

static bool is_same_package(const struct run_entry *a, const struct run_entry *b)
{
	return !strcmp(a->package ? a->package : "", b->package ? b->package : "");
}

/* One workflow after the other, then all of them. */
static void add_stats(const struct run_entry *const *runs, size_t n, uint64_t since_ns, bool as_json, struct strbuf *out)
{
	json_auto_t *document = json_object();
	json_t *list = json_array();
	struct stats s;
	size_t groups = 0;

	json_put_time(document, "since", since_ns);
	json_put(document, "workflows", list);
	if (!as_json && n)
		add_heading(out);
	for (size_t first = 0, end; first < n; first = end, groups++) {
		for (end = first + 1; end < n && is_same_package(runs[first], runs[end]); )
			end++;
		s = stats_of(runs + first, end - first, runs[first]->package);
		if (as_json)
			json_push(list, stats_to_json(&s, false));
		else
			add_row(out, &s, s.package ? s.package : "-");
		stats_release(&s);
	}
	s = stats_of(runs, n, NULL);
	json_put(document, "all", stats_to_json(&s, true));
	if (as_json) {
		json_write(document, 2, out);
		strbuf_addch(out, '\n');
	} else if (groups > 1) {
		add_row(out, &s, "all");
	}
	stats_release(&s);
}

static int stats_main(const struct command *self, int argc, char **argv)
{
	struct stats_options opt = { .format = "text" };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	int status = command_begin_alone(self, argc, argv, &opt);
	struct past_filter filter = { .package = opt.package };
	struct run_entries list = { .items = NULL };
	autofree const struct run_entry **runs = NULL;
	struct error err = { 0 };
	size_t n = 0;

	if (status >= 0)
		return status;
	filter.since_ns = past_runs_since(opt.since_ns);
	if (past_runs_load(opt.common.state_dir, &list, &err) < 0)
		return report_error(&err);
	runs = xcalloc(list.len + 1, sizeof(*runs));
	for (size_t i = 0; i < list.len; i++)
		if (past_run_is_wanted(&list.items[i], &filter))
			runs[n++] = &list.items[i];
	qsort(runs, n, sizeof(*runs), compare_runs);
	add_stats(runs, n, filter.since_ns, !strcmp(opt.format, "json"), &text);
	run_entries_release(&list);
	if (!text.len && !opt.common.quiet)
		message("note", filter.since_ns ? "no run that is kept fits" : opt.package ? "no run of '%s' is kept" : "no run is kept", opt.package);
	return print_result(&text, EXIT_OK);
}

const struct command command_stats = {
	.name = "stats",
	.summary = "Count by workflow: success, time, memory, errors",
	.usage = "stats [--package=NAME] [--since=DURATION] [--format=json]",
	.examples = "  sandbox_runner stats\n"
		    "  sandbox_runner stats --package=backup-verify --since=7d\n"
		    "  sandbox_runner stats --format=json | jq '.all.duration_seconds.p99'\n",
	.options = options,
	.main = stats_main,
};
