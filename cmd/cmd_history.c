/* SPDX-License-Identifier: Apache-2.0
 * history: runs that have ended, the newest last, so that it stands above the next prompt. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/past_runs.h"
#include "cmd/run_name.h"
#include "runner/base/clock.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/result_json.h"

struct history_options {
	struct common_options common;
	const char *format, *package, *verdict;
	uint64_t limit, since_ns;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "limit", .kind = OPTION_COUNT, .offset = offsetof(struct history_options, limit), .value = "N", .min = 1,
	  .group = "History", .help = "list this many of the newest (20 by default)" },
	{ .name = "package", .kind = OPTION_TEXT, .offset = offsetof(struct history_options, package), .value = "NAME", .group = "History",
	  .help = "list runs of the workflows whose id begins with this, as the operand does" },
	{ .name = "verdict", .kind = OPTION_CHOICE, .offset = offsetof(struct history_options, verdict), .value = "WORD",
	  .choices = past_verdicts, .group = "History", .help = "list runs with this verdict" },
	{ .name = "since", .kind = OPTION_DURATION, .offset = offsetof(struct history_options, since_ns), .value = "DURATION", .min = 1,
	  .group = "History", .help = "list runs that began in this time until now: 24h, 7d" },
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct history_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

static void add_json(json_t *list, const struct run_entry *e)
{
	json_t *o = json_object();

	json_put_text(o, "run_id", e->run_id);
	json_put_time(o, "started", e->started_ns);
	json_put_text(o, "package", e->package);
	json_put_text(o, "source", e->source);
	json_put_text(o, "where", e->where);
	json_put_text(o, "verdict", e->verdict);
	json_put_int(o, "exit_status", e->status);
	json_put_seconds(o, "duration_seconds", e->duration_ns);
	json_put(o, "memory_peak_bytes", e->memory_peak_bytes ? json_integer((json_int_t)e->memory_peak_bytes) : json_null());
	json_put_bool(o, "cleanup_complete", e->cleanup_complete);
	json_put_time(o, "kept_until", e->kept_until_ns);
	json_push(list, o);
}

static void add_line(struct strbuf *out, const struct run_entry *e)
{
	autostrbuf struct strbuf amount = STRBUF_INIT(STRBUF_NO_MAX);
	char started[CLOCK_RFC3339_SIZE];
	size_t columns;

	clock_rfc3339(e->started_ns, started);
	strbuf_addf(out, "%.19sZ  %-*.*s  ", started, RUN_ID_SHOWN, RUN_ID_SHOWN, e->run_id);
	columns = printable_add_cut(out, e->package ? e->package : "-", e->package ? strlen(e->package) : 1, 32);
	strbuf_addf(out, "%*s  %-16s  ", (int)(32 - columns), "", e->verdict);
	duration_format(&amount, e->duration_ns);
	strbuf_addf(out, "%-8s  ", amount.buf);
	strbuf_clear(&amount);
	if (e->memory_peak_bytes)
		size_format(&amount, e->memory_peak_bytes);
	strbuf_addf(out, "%-7s", e->memory_peak_bytes ? amount.buf : "-");
	strbuf_addf(out, "%s\n", e->kept_until_ns ? "  kept" : e->cleanup_complete ? "" : "  no record of a clean-up");
}

static size_t first_of(const struct run_entries *list, const struct past_filter *filter, uint64_t limit)
{
	size_t first = list->len;

	for (uint64_t n = 0; first > 0 && n < limit; first--)
		n += past_run_is_wanted(&list->items[first - 1], filter);
	return first;
}

static void add_list(const struct run_entries *list, const struct history_options *opt, const struct past_filter *filter, struct strbuf *text)
{
	const bool as_json = !strcmp(opt->format, "json");
	json_auto_t *all = json_object();
	json_t *runs = json_array();

	json_put(all, "runs", runs);
	for (size_t i = first_of(list, filter, opt->limit); i < list->len; i++) {
		if (!past_run_is_wanted(&list->items[i], filter))
			continue;
		if (as_json)
			add_json(runs, &list->items[i]);
		else
			add_line(text, &list->items[i]);
	}
	if (as_json) {
		json_write(all, 2, text);
		strbuf_addch(text, '\n');
	} else if (!text->len && !opt->common.quiet) {
		if (filter->verdict || filter->since_ns)
			message("note", "no run that is kept fits");
		else
			message("note", filter->package ? "no run of '%s' is kept" : "no run is kept", filter->package);
	}
}

static int history_main(const struct command *self, int argc, char **argv)
{
	struct history_options opt = { .format = "text", .limit = 20 };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);
	struct past_filter filter = { .package = operands.len ? operands.items[0] : opt.package, .verdict = opt.verdict };
	struct run_entries list = { .items = NULL };
	struct error err = { 0 };

	if (status >= 0)
		return status;
	if (operands.len > 1 || (operands.len && opt.package))
		return command_usage_error(self, "'history' takes one workflow");
	filter.since_ns = past_runs_since(opt.since_ns);
	if (past_runs_load(opt.common.state_dir, &list, &err) < 0)
		return report_error(&err);
	add_list(&list, &opt, &filter, &text);
	run_entries_release(&list);
	return print_result(&text, EXIT_OK);
}

const struct command command_history = {
	.name = "history",
	.summary = "List runs that have ended",
	.usage = "history [--limit=N] [--verdict=WORD] [--since=DURATION] [--format=json] [WORKFLOW]",
	.examples = "  sandbox_runner history\n"
		    "  sandbox_runner history --limit=5 backup-verify\n"
		    "  sandbox_runner history --verdict=failed --since=24h\n",
	.options = options,
	.main = history_main,
};
