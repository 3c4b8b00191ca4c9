/* SPDX-License-Identifier: Apache-2.0
 * gc: finish what killed runs began. Every start does the same quietly; this one says what it found, and fails when something
 * is left. A run that is alive holds the lock of its journal and is never touched. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "runner/base/fault.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/cleanup_json.h"
#include "runner/journal.h"
#include "runner/result_json.h"

struct gc_options {
	struct common_options common;
	const char *format;
	bool dry_run;
};

struct outcome {
	struct replay_stats stats;
	struct cleanup_list list;
	struct error err;
	int rc;			/* of the replay */
	size_t left;		/* items that are still there */
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "dry-run", .kind = OPTION_FLAG, .offset = offsetof(struct gc_options, dry_run),
	  .group = "Clean-up", .help = "only list the runs that would be cleaned up" },
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct gc_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = NULL },
};

static const char *plural(unsigned long n)
{
	return n == 1 ? "" : "s";
}

static void write_item(const struct cleanup_item *item, bool dry_run, struct strbuf *out)
{
	strbuf_addf(out, "%-6s %-15s ", item->gone ? "gone" : dry_run ? "found" : "LEFT", item->kind);
	printable_addstr(out, item->name);
	strbuf_addstr(out, " (");
	printable_addstr(out, item->proof);
	strbuf_addstr(out, ")\n");
}

static void write_text(const struct outcome *o, const struct gc_options *opt, struct strbuf *out)
{
	const struct replay_stats *s = &o->stats;

	for (size_t i = 0; i < o->list.len; i++)
		if (!opt->common.quiet || !o->list.items[i].gone)
			write_item(&o->list.items[i], opt->dry_run, out);
	if (opt->common.quiet)
		return;
	if (opt->dry_run)
		strbuf_addf(out, "%u killed run%s would be cleaned up", s->failed, plural(s->failed));
	else if (!s->cleaned && !o->list.len && o->rc == 0)
		strbuf_addstr(out, "nothing to clean up");
	else if (!s->cleaned && !s->failed)
		strbuf_addf(out, "swept up %zu thing%s that no journal knows", o->list.len, plural(o->list.len));
	else
		strbuf_addf(out, "cleaned up after %u killed run%s", s->cleaned, plural(s->cleaned));
	if (s->alive)
		strbuf_addf(out, "; %u run%s alive and left alone", s->alive, s->alive == 1 ? " is" : "s are");
	if (o->left && !opt->dry_run)
		strbuf_addf(out, "; %zu thing%s still there", o->left, o->left == 1 ? " is" : "s are");
	strbuf_addch(out, '\n');
}

static void write_json(const struct outcome *o, const struct gc_options *opt, struct strbuf *out)
{
	json_auto_t *object = json_object();
	json_t *items = json_array();

	for (size_t i = 0; i < o->list.len; i++)
		json_push(items, cleanup_item_to_json(&o->list.items[i]));
	json_put_bool(object, "dry_run", opt->dry_run);
	json_put_bool(object, "complete", o->rc == 0 && o->left == 0);
	json_put_int(object, "runs_alive", o->stats.alive);
	json_put_int(object, "runs_cleaned", o->stats.cleaned);
	json_put_int(object, "runs_left", o->stats.failed);
	json_put_text(object, "error", o->rc < 0 ? o->err.text : NULL);
	json_put(object, "items", items);
	json_write(object, 2, out);
	strbuf_addch(out, '\n');
}

static int exit_status_of(const struct outcome *o, const struct gc_options *opt)
{
	if (o->rc < 0)
		return report_error(&o->err);
	return o->left && !opt->dry_run ? EXIT_CLEANUP : EXIT_OK;
}

static int gc_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct gc_options opt = { .format = "text" };
	int status = command_begin_alone(self, argc, argv, &opt);
	struct outcome o = { .stats = { .dry_run = opt.dry_run, .thorough = true } };
	autofree char *state_dir = NULL;

	if (status >= 0)
		return status;
	state_dir = journal_state_dir(opt.common.state_dir, &o.err);
	if (!state_dir)
		return report_error(&o.err);
	o.rc = journal_replay_all(state_dir, &o.stats, &o.list, &o.err);
	for (size_t i = 0; i < o.list.len; i++)
		o.left += !o.list.items[i].gone;
	if (!strcmp(opt.format, "json"))
		write_json(&o, &opt, &text);
	else
		write_text(&o, &opt, &text);
	status = print_result(&text, EXIT_OK);
	if (o.rc < 0 || o.left)
		status = exit_status_of(&o, &opt);
	cleanup_list_release(&o.list);
	fault_write_count();
	return status;
}

const struct command command_gc = {
	.name = "gc",
	.summary = "Remove what killed runs left behind",
	.usage = "gc [--dry-run] [--format=json]",
	.examples =
		"  sandbox_runner gc\n"
		"  sandbox_runner gc --dry-run --format=json\n",
	.options = options,
	.main = gc_main,
};
