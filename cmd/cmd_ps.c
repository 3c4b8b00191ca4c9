/* SPDX-License-Identifier: Apache-2.0
 * ps: runs that are alive: whose journal is locked. */
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

struct ps_options {
	struct common_options common;
	const char *format;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct ps_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

static void add_json(json_t *list, const struct live_run *run)
{
	json_t *o = json_object();

	json_put_text(o, "run_id", run->run_id);
	json_put_time(o, "started", run->started_ns);
	json_put_text(o, "package", run->package);
	json_put_text(o, "source", run->source);
	json_put_text(o, "where", run->where);
	json_put_text(o, "state", run->kept_until_ns ? "kept" : "running");
	json_put_time(o, "kept_until", run->kept_until_ns);
	json_put_text(o, "doing", run->kept_until_ns ? NULL : run->doing);
	json_put(o, "pid", run->pid ? json_integer(run->pid) : json_null());
	json_push(list, o);
}

static void add_padded(struct strbuf *out, const char *text, size_t width)
{
	size_t columns = printable_add_cut(out, text ? text : "-", text ? strlen(text) : 1, width);

	strbuf_addf(out, "%*s  ", (int)(width - columns), "");
}

static void add_line(struct strbuf *out, const struct live_run *run, uint64_t now)
{
	autostrbuf struct strbuf age = STRBUF_INIT(STRBUF_NO_MAX);

	duration_format(&age, run->started_ns && now > run->started_ns ? now - run->started_ns : 0);
	strbuf_addf(out, "%-*.*s  ", RUN_ID_SHOWN, RUN_ID_SHOWN, run->run_id);
	add_padded(out, run->package, 32);
	strbuf_addf(out, "%-8s  ", age.buf);
	add_padded(out, run->where, 20);
	if (run->kept_until_ns) {
		strbuf_clear(&age);
		duration_format(&age, run->kept_until_ns > now ? run->kept_until_ns - now : 0);
		strbuf_addf(out, "kept for %s more\n", age.buf);
		return;
	}
	printable_addstr(out, run->doing ? run->doing : "starting");
	strbuf_addch(out, '\n');
}

static int ps_main(const struct command *self, int argc, char **argv)
{
	struct ps_options opt = { .format = "text" };
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	int status = command_begin_alone(self, argc, argv, &opt);
	struct live_runs list = { .items = NULL };
	autofree char *state_dir = NULL;
	struct error err = { 0 };

	if (status >= 0)
		return status;
	state_dir = journal_state_dir(opt.common.state_dir, &err);
	if (!state_dir || live_runs_list(state_dir, &list, &err) < 0)
		return report_error(&err);
	if (!strcmp(opt.format, "json")) {
		json_auto_t *all = json_object();
		json_t *runs = json_array();

		for (size_t i = 0; i < list.len; i++)
			add_json(runs, &list.items[i]);
		json_put(all, "runs", runs);
		json_write(all, 2, &text);
		strbuf_addch(&text, '\n');
	} else {
		for (size_t i = 0; i < list.len; i++)
			add_line(&text, &list.items[i], clock_realtime_ns());
		if (!list.len && !opt.common.quiet)
			message("note", "no run is alive");
	}
	live_runs_release(&list);
	return print_result(&text, EXIT_OK);
}

const struct command command_ps = {
	.name = "ps",
	.summary = "List runs that are alive, and kept sandboxes",
	.usage = "ps [--format=json]",
	.examples = "  sandbox_runner ps\n",
	.options = options,
	.main = ps_main,
};
