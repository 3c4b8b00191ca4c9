/* SPDX-License-Identifier: Apache-2.0
 * history: runs that have ended, the newest last, so that it stands above the next prompt. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/run_name.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/result_json.h"

struct history_options {
	struct common_options common;
	const char *format;
	uint64_t limit;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "limit", .kind = OPTION_COUNT, .offset = offsetof(struct history_options, limit), .value = "N", .min = 1,
	  .group = "History", .help = "list this many of the newest (20 by default)" },
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

/* A workflow is named by its id, or the beginning of it. */
static bool is_wanted(const struct run_entry *e, const char *workflow)
{
	return !workflow || (e->package && !strncmp(e->package, workflow, strlen(workflow)));
}

static size_t first_of(const struct run_entries *list, const char *workflow, uint64_t limit)
{
	size_t first = list->len;

	for (uint64_t n = 0; first > 0 && n < limit; first--)
		n += is_wanted(&list->items[first - 1], workflow);
	return first;
}

static int history_main(const struct command *self, int argc, char **argv)
{
	struct history_options opt = { .format = "text", .limit = 20 };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);
	const char *workflow = operands.len ? operands.items[0] : NULL;
	struct run_entries list = { .items = NULL };
	autofree char *state_dir = NULL;
	struct error err = { 0 };

	if (status >= 0)
		return status;
	if (operands.len > 1)
		return command_usage_error(self, "'history' takes one workflow");
	state_dir = journal_state_dir(opt.common.state_dir, &err);
	if (!state_dir || run_store_list(state_dir, &list, &err) < 0)
		return report_error(&err);
	/* a keeper that was killed could not write that it is over */
	for (size_t i = 0; i < list.len; i++)
		if (list.items[i].kept_until_ns && !live_run_is(state_dir, list.items[i].run_id))
			list.items[i].kept_until_ns = 0;
	if (!strcmp(opt.format, "json")) {
		json_auto_t *all = json_object();
		json_t *runs = json_array();

		for (size_t i = first_of(&list, workflow, opt.limit); i < list.len; i++)
			if (is_wanted(&list.items[i], workflow))
				add_json(runs, &list.items[i]);
		json_put(all, "runs", runs);
		json_write(all, 2, &text);
		strbuf_addch(&text, '\n');
	} else {
		for (size_t i = first_of(&list, workflow, opt.limit); i < list.len; i++)
			if (is_wanted(&list.items[i], workflow))
				add_line(&text, &list.items[i]);
		if (!text.len && !opt.common.quiet)
			message("note", workflow ? "no run of '%s' is kept" : "no run is kept", workflow);
	}
	run_entries_release(&list);
	return print_result(&text, EXIT_OK);
}

const struct command command_history = {
	.name = "history",
	.summary = "List runs that have ended",
	.usage = "history [--limit=N] [--format=json] [WORKFLOW]",
	.examples = "  sandbox_runner history\n"
		    "  sandbox_runner history --limit=5 backup-verify\n",
	.options = options,
	.main = history_main,
};
