/* SPDX-License-Identifier: Apache-2.0
 * scan: say what in packages is dangerous, and decide by the policy. Makes nothing, starts nothing of theirs. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/folder.h"
#include "cmd/output.h"
#include "cmd/output_file.h"
#include "cmd/scan_pool.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"

struct scan_command {
	struct common_options common;
	struct scan_options judge;
	const char *format, *fail_on, *show, *output, *write_baseline;
	uint64_t jobs;		/* 0: as pays */
	struct config config;
};

static const char *const formats[] = { "text", "json", "sarif", "junit", "github", "gitlab", "markdown", NULL };
static const char *const fail_ons[] = { "info", "low", "medium", "high", "critical", "block", "never", NULL };
static const char *const levels[] = { "info", "low", "medium", "high", "critical", NULL };

static bool fail_on_is_looser(const char *value, const char *than)
{
	size_t a = 0, b = 0;

	while (fail_ons[a] && strcmp(fail_ons[a], value))
		a++;
	while (fail_ons[b] && strcmp(fail_ons[b], than))
		b++;
	return a > b;
}

static const struct option_spec options[] = {
	SCAN_OPTION_ROWS(struct scan_command, judge),
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct scan_command, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	{ .name = "fail-on", .kind = OPTION_CHOICE, .offset = offsetof(struct scan_command, fail_on), .value = "LEVEL",
	  .choices = fail_ons, .section = "", .trust = OPTION_DOWN, .usual = "high", .looser = fail_on_is_looser, .group = "Output",
	  .help = "exit with 1 for findings from this severity on (high by default), or for packages that the policy blocks" },
	{ .name = "show", .kind = OPTION_CHOICE, .offset = offsetof(struct scan_command, show), .value = "LEVEL",
	  .choices = levels, .group = "Output",
	  .help = "as text and Markdown, list findings from this severity on (low by default, info with -v) and only count the others" },
	{ .name = "output", .kind = OPTION_TEXT, .offset = offsetof(struct scan_command, output), .value = "FILE",
	  .group = "Output", .help = "write here instead of to standard output, in one step at the end" },
	{ .name = "write-baseline", .kind = OPTION_TEXT, .offset = offsetof(struct scan_command, write_baseline),
	  .value = "FILE", .group = "Policy",
	  .help = "write all findings that there are to this file, for --baseline; the exit status stays the same" },
	{ .name = "jobs", .kind = OPTION_COUNT, .offset = offsetof(struct scan_command, jobs), .value = "N", .min = 1,
	  .group = "General", .help = "scan in this many processes instead of as many as there are processors when that pays" },
	{ .name = NULL },
};

/* ---- what to scan */

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

static void release_item(struct scan_item *item)
{
	free(item->path);
	free(item->error);
}

static int by_path(const void *pa, const void *pb)
{
	const struct scan_item *const *a = pa, *const *b = pb;
	int order = strcmp((*a)->path, (*b)->path);

	return order ? order : *a < *b ? -1 : *a > *b;
}

/* A file that is named twice, or with its folder, is scanned once: at its first place. */
static void drop_doubles(struct scan_items *list)
{
	autofree struct scan_item **sorted = xcalloc(list->len, sizeof(*sorted));
	autofree bool *again = xcalloc(list->len, sizeof(*again));
	size_t kept = 0;

	for (size_t i = 0; i < list->len; i++)
		sorted[i] = &list->items[i];
	qsort(sorted, list->len, sizeof(*sorted), by_path);
	for (size_t i = 1; i < list->len; i++)
		again[sorted[i] - list->items] = !strcmp(sorted[i]->path, sorted[i - 1]->path);
	for (size_t i = 0; i < list->len; i++) {
		if (again[i])
			release_item(&list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->len = kept;
}

static void release_items(struct scan_items *list)
{
	for (size_t i = 0; i < list->len; i++)
		release_item(&list->items[i]);
	free(list->items);
}

/* ---- telling */

static int status_of(const struct scan_report *r)
{
	for (size_t i = 0; i < r->len; i++)
		if (r->files[i].unreadable && r->files[i].unreadable != EXIT_INVALID)
			return r->files[i].unreadable;
	return r->invalid ? EXIT_INVALID : r->unacceptable ? EXIT_NOT_ACCEPTABLE : EXIT_OK;
}

static void write_out(void *arg, const char *data, size_t len)
{
	output_write(arg, data, len);
}

static void write_form(const struct scan_command *opt, const struct scan_report *r, int fd,
		       void (*write)(void *arg, const char *data, size_t len), void *arg)
{
	struct scan_sink sink = { .text = STRBUF_INIT(STRBUF_NO_MAX), .write = write, .arg = arg };

	scan_format_find(opt->format)->write(r, use_color(&opt->common, fd), &sink);
	scan_sink_flush(&sink, true);
	strbuf_release(&sink.text);
}

/* Output that could not be written is worse than any verdict: nobody knows it then. */
static int tell(const struct scan_command *opt, const struct scan_report *r, struct output_file *file)
{
	struct output out = OUTPUT_INIT(STDOUT_FILENO);
	struct error err = { 0 };

	if (!opt->output) {
		write_form(opt, r, STDOUT_FILENO, write_out, &out);
		return output_status(&out, status_of(r));
	}
	write_form(opt, r, file->fd, output_file_write, file);
	return output_file_commit(file, &err) < 0 ? report_error(&err) : status_of(r);
}

static int write_baseline(const struct scan_report *r, const char *path)
{
	struct scanned_file *files = xcalloc(r->len, sizeof(*files));
	const struct finding_list **lists = xcalloc(r->len, sizeof(*lists));
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct error err = { 0 };
	json_t *baseline;
	int status = -1;

	for (size_t i = 0; i < r->len; i++) {
		scan_report_load(r, i, SCAN_WHOLE, &files[i]);
		lists[i] = &files[i].findings;
	}
	baseline = baseline_make(lists, r->len);
	json_write(baseline, 1, &text);
	strbuf_addch(&text, '\n');
	if (file_write_atomic(path, text.buf, text.len, 0644, &err) < 0)
		status = report_error(&err);
	json_decref(baseline);
	for (size_t i = 0; i < r->len; i++)
		scanned_file_release(&files[i]);
	free(files);
	free(lists);
	return status;
}

/* ---- the whole */

/* Nothing has to be cleaned up after a file that never had a name. */
static int open_spool(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int scan(const struct scan_command *opt, const struct strvec *operands, struct output_file *file,
		struct scan_judge *judge, struct scan_items *items, struct scan_report *report)
{
	struct error err = { 0 };
	int failed = -1, status;

	if ((opt->output && output_file_open(file, opt->output, &err) < 0) ||
	    scan_judge_open(judge, &opt->judge, report, &err) < 0)
		return report_error(&err);
	gather(operands, items);
	drop_doubles(items);
	for (size_t i = 0; i < items->len; i++)
		scan_judge_look_beside(judge, items->items[i].path, report);
	scan_pool(judge, items->items, items->len, opt->common.state_dir,
		  opt->jobs ? (unsigned int)(opt->jobs > 1 ? opt->jobs : 0) : scan_pool_jobs(items->items, items->len),
		  report);
	report->baseline_gone = judge->baseline_len - report->baseline_matched;
	if (opt->write_baseline)
		failed = write_baseline(report, opt->write_baseline);
	status = tell(opt, report, file);
	return failed >= 0 ? failed : status;
}

static const struct scan_command scan_defaults = { .judge = SCAN_OPTIONS_INIT, .format = "text", .fail_on = "high" };

static int scan_main(const struct command *self, int argc, char **argv)
{
	struct scan_command opt = scan_defaults;
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin_configured(self, argc, argv, &opt, &operands, &opt.config);
	struct output_file file = OUTPUT_FILE_INIT;
	struct scan_judge judge = SCAN_JUDGE_INIT;
	struct scan_items items = { 0 };
	struct scan_report report;

	if (status < 0 && !operands.len)
		status = command_usage_error(self, "'scan' needs at least one file or folder");
	if (status < 0)
		status = command_configure(self, operands.items[0], &opt, &opt.config);
	if (status >= 0) {
		config_release(&opt.config);
		scan_options_release(&opt.judge);
		return status;
	}
	scan_report_init(&report);
	fail_on_from_string(opt.fail_on, &report.fail_on);
	severity_from_string(opt.show ? opt.show : opt.common.verbose ? "info" : "low", &report.show);
	report.quiet = opt.common.quiet;
	report.open_spool = open_spool;
	status = scan(&opt, &operands, &file, &judge, &items, &report);
	output_file_close(&file);
	scan_report_release(&report);
	release_items(&items);
	scan_judge_close(&judge);
	scan_options_release(&opt.judge);
	config_release(&opt.config);
	return status;
}

const struct command command_scan = {
	.name = "scan",
	.summary = "Say what in packages is dangerous, and decide by the policy",
	.usage = "scan [options] FILE|FOLDER|-...",
	.examples = "  sandbox_runner scan restart.wpk.yaml\n"
		    "  sandbox_runner scan --format=sarif --output=scan.sarif packages/\n"
		    "  sandbox_runner scan --fail-on=medium --baseline=known.json packages/\n"
		    "\n"
		    "Exit status: 0 all is acceptable, 1 findings from --fail-on on or a package\n"
		    "that the policy blocks, 2 the command line is wrong, 3 a package, rule file,\n"
		    "policy or baseline is invalid, 5 the output cannot be written.\n",
	.options = options,
	.configured = true,
	.main = scan_main,
	.defaults = &scan_defaults,
	.defaults_size = sizeof(scan_defaults),
};
