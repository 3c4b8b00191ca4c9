/* SPDX-License-Identifier: Apache-2.0
 * scan: say what in packages is dangerous, and decide by the policy. Makes nothing, starts nothing of theirs. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/folder.h"
#include "cmd/output.h"
#include "cmd/scan_file.h"
#include "runner/base/mem.h"

struct scan_command {
	struct common_options common;
	struct scan_options judge;
	const char *format, *fail_on, *show, *output;
};

static const char *const formats[] = { "text", "json", "sarif", "junit", "github", "gitlab", "markdown", NULL };
static const char *const fail_ons[] = { "info", "low", "medium", "high", "critical", "block", "never", NULL };
static const char *const levels[] = { "info", "low", "medium", "high", "critical", NULL };

static const struct option_spec options[] = {
	SCAN_OPTION_ROWS(struct scan_command, judge),
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct scan_command, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = "fail-on", .kind = OPTION_CHOICE, .offset = offsetof(struct scan_command, fail_on), .value = "LEVEL",
	  .choices = fail_ons, .group = "Output",
	  .help = "exit with 1 for findings from this severity on, or for packages that the policy blocks" },
	{ .name = "show", .kind = OPTION_CHOICE, .offset = offsetof(struct scan_command, show), .value = "LEVEL",
	  .choices = levels, .group = "Output", .help = "as text, list findings from this severity on and only count the others" },
	{ .name = NULL },
};

/* ---- what to scan */

/* Packages in the order in which they are told; those with `error` are only told. */
struct scan_item {
	char *path, *error;
};

struct scan_items {
	struct scan_item *items;
	size_t len, alloc;
};

static void add_item(void *arg, const char *path, const char *error)
{
	struct scan_items *list = arg;

	ARRAY_GROW(list->items, list->len, list->alloc);
	list->items[list->len++] = (struct scan_item){ .path = xstrdup(path), .error = xstrdup_or_null(error) };
}

static void gather(const struct strvec *operands, struct scan_items *ret)
{
	struct stat st;

	for (size_t i = 0; i < operands->len; i++) {
		const char *path = operands->items[i];

		if (strcmp(path, "-") && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			folder_each(path, add_item, ret);
		else
			add_item(ret, path, NULL);
	}
}

static void release_items(struct scan_items *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].path);
		free(list->items[i].error);
	}
	free(list->items);
}

/* ---- the whole */

static int status_of(const struct scan_report *r)
{
	int status = r->invalid ? EXIT_INVALID : r->unacceptable ? EXIT_NOT_ACCEPTABLE : EXIT_OK;

	for (size_t i = 0; i < r->len; i++)
		if (r->files[i].unreadable && r->files[i].unreadable != EXIT_INVALID)
			return r->files[i].unreadable;
	return status;
}

static void write_out(void *arg, const char *data, size_t len)
{
	output_write(arg, data, len);
}

static int tell(const struct scan_command *opt, const struct scan_report *r)
{
	struct output out = OUTPUT_INIT(STDOUT_FILENO);
	struct scan_sink sink = { .text = STRBUF_INIT(STRBUF_NO_MAX), .write = write_out, .arg = &out };

	scan_format_find(opt->format)->write(r, use_color(&opt->common, STDOUT_FILENO), &sink);
	scan_sink_flush(&sink, true);
	strbuf_release(&sink.text);
	return output_status(&out, status_of(r));
}

static void scan_all(struct scan_judge *j, const struct scan_command *opt, const struct scan_items *items, struct scan_report *report)
{
	for (size_t i = 0; i < items->len; i++) {
		const struct scan_item *item = &items->items[i];
		struct scanned_file f;

		if (item->error)
			scan_failure(item->path, EXIT_INVALID, item->error, &f);
		else
			scan_source(j, item->path, opt->common.state_dir, &f);
		scan_report_add(report, &f);
		scanned_file_release(&f);
	}
}

static int scan_main(const struct command *self, int argc, char **argv)
{
	struct scan_command opt = { .judge = SCAN_OPTIONS_INIT, .format = "text", .fail_on = "high", .show = "low" };
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin(self, argc, argv, &opt, &operands);
	struct scan_judge judge = SCAN_JUDGE_INIT;
	struct scan_items items = { 0 };
	struct scan_report report;
	struct error err = { 0 };

	if (status >= 0)
		return status;
	if (!operands.len)
		return command_usage_error(self, "'scan' needs at least one file or folder");
	scan_report_init(&report);
	fail_on_from_string(opt.fail_on, &report.fail_on);
	severity_from_string(opt.show, &report.show);
	if (scan_judge_open(&judge, &opt.judge, &report, &err) < 0) {
		status = report_error(&err);
	} else {
		gather(&operands, &items);
		scan_all(&judge, &opt, &items, &report);
		report.baseline_gone = judge.baseline_len - report.baseline_matched;
		status = tell(&opt, &report);
	}
	scan_report_release(&report);
	release_items(&items);
	scan_judge_close(&judge);
	scan_options_release(&opt.judge);
	return status;
}

const struct command command_scan = {
	.name = "scan",
	.summary = "Say what in packages is dangerous, and decide by the policy",
	.usage = "scan [options] FILE|FOLDER|-...",
	.examples = "  sandbox_runner scan restart.wpk.yaml\n"
		    "  sandbox_runner scan --format=sarif packages/ > scan.sarif\n",
	.options = options,
	.main = scan_main,
};
