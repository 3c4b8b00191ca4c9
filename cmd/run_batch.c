/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_batch.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/run_invocation.h"
#include "cmd/run_name.h"
#include "cmd/run_workers.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"

struct batch {
	const struct command *self;
	int argc;
	char **argv;
	const struct run_command_options *opt;	/* as the command line has them; each run reads them anew, with its own project's file */
	const char *const *packages;
	size_t len;
	struct run_summary *runs;
	struct run_queue *queue;	/* where the runs are then, shared with workers; NULL: there are none */
	struct reaper reaper;	/* of all, one after another */
	struct backend_memo backend;	/* of the one before */
	struct scan_judge judge;	/* of those that are judged as the command line says */
	bool judge_ready;
	sigset_t signals;	/* that stop runs */
	sigset_t unblocked;
	int signal;		/* that stopped the rest */
	bool may_overlap;	/* as far as options say */
};

/* A SIGHUP that is ignored from the start means nohup: it stays ignored. */
static void block_signals(struct batch *b)
{
	struct sigaction hup;

	sigemptyset(&b->signals);
	sigaddset(&b->signals, SIGINT);
	sigaddset(&b->signals, SIGTERM);
	sigaddset(&b->signals, SIGQUIT);
	if (sigaction(SIGHUP, NULL, &hup) < 0 || hup.sa_handler != SIG_IGN)
		sigaddset(&b->signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &b->signals, &b->unblocked);
}

/* Did one come between two runs? */
static int pending_signal(const struct batch *b)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	sigset_t set;

	sigpending(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (sigismember(&b->signals, wanted[i]) && sigismember(&set, wanted[i]))
			return wanted[i];
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_options(const struct scan_options *a, const struct scan_options *b)
{
	if (a->rules.len != b->rules.len || a->no_ignore != b->no_ignore || !same_text(a->policy, b->policy) ||
	    !same_text(a->ignore_file, b->ignore_file) || !same_text(a->baseline, b->baseline))
		return false;
	for (size_t i = 0; i < a->rules.len; i++)
		if (strcmp(a->rules.items[i], b->rules.items[i]))
			return false;
	return true;
}

/* Rules and policy are the same for all packages, unless the file of a project tightens; then that one gets its own. */
static void share_judge(struct batch *b, struct invocation *v)
{
	struct error err;

	if (!same_options(&v->opt.scan, &b->opt->scan))
		return;
	if (!b->judge_ready && scan_judge_prepare(&b->judge, &b->opt->scan, &b->opt->settings.common, &err) < 0)
		return;		/* each tells it anew */
	b->judge_ready = true;
	v->shared_judge = &b->judge;
}

/* "02-restart": the name of what is written about package number `n`. The caller frees. */
static char *entry_name(size_t n, const char *package)
{
	size_t end = strlen(package), start;
	autofree char *stem = NULL;
	char *suffix;

	while (end > 1 && package[end - 1] == '/')
		end--;
	for (start = end; start && package[start - 1] != '/'; start--) {}
	stem = xstrndup(package + start, end - start);
	if ((suffix = strstr(stem, ".wpk")) && suffix != stem)
		*suffix = '\0';
	for (char *p = stem; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			*p = '_';
	return xasprintf("%02zu-%.80s", n, strcmp(stem, "-") ? stem : "stdin");
}

/* Of several packages each writes below the folder that was given. The strings are kept in `owned`. */
static int below_folders(struct run_command_options *opt, const char *entry, struct strvec *owned, struct error *err)
{
	const char **const folders[] = { &opt->save_logs, &opt->save_artifacts };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (!*folders[i])
			continue;
		if (make_dirs(*folders[i], 0700, err) < 0)
			return -1;
		strvec_pushf(owned, "%s/%s", *folders[i], entry);
		*folders[i] = owned->items[owned->len - 1];
	}
	for (size_t i = 0; i < opt->report.len; i++) {
		char *report = (char *)(uintptr_t)opt->report.items[i], *path = strchr(report, ':');

		if (!path || !path[1])
			continue;		/* refused before */
		if (make_dirs(path + 1, 0700, err) < 0)
			return -1;
		opt->report.items[i] = xasprintf("%s/%s.%.*s", report, entry, !strncmp(report, "text:", 5) ? 3 : (int)(path - report),
						 !strncmp(report, "text:", 5) ? "txt" : report);
		free(report);
	}
	return 0;
}

/* ---- one of them */

#define PROCESSES_ENOUGH 256	/* of a user: two packages at a time have twice as many */

static bool processes_are_scarce(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur < PROCESSES_ENOUGH;
}

/* May others be made ready while one runs? See run_batch.h. */
static bool may_overlap(const struct batch *b, const struct run_command_options *opt)
{
	const bool watched = isatty(STDOUT_FILENO) || isatty(STDERR_FILENO);
	const bool kept = opt->keep_ns || opt->keep_on_failure_ns;
	const bool written = opt->save_logs || opt->save_artifacts || (opt->report.len && opt->files.len);

	for (size_t i = 0; i < b->len; i++)
		if (!strcmp(b->packages[i], "-"))
			return false;
	return !watched && !kept && !written && b->judge_ready && !processes_are_scarce();
}

/* The options of one package, with the configuration files and folders that are its own. -1: good. */
static int configure_nth(const struct batch *b, size_t i, struct run_command_options *opt, struct strvec *owned)
{
	autofree char *entry = entry_name(i + 1, b->packages[i]);
	struct error err = { 0 };
	int status = command_configure(b->self, opt->wpk, opt, &opt->settings.config);

	return status < 0 && below_folders(opt, entry, owned, &err) < 0 ? report_error(&err) : status;
}

static void carry_out(struct batch *b, size_t i, struct invocation *v, struct strvec *owned)
{
	struct run_summary *run = &b->runs[i];

	run->status = configure_nth(b, i, &v->opt, owned);
	if (run->status >= 0) {
		snprintf(run->verdict, sizeof(run->verdict), "no run");
		return;
	}
	share_judge(b, v);
	b->may_overlap = may_overlap(b, &v->opt);
	run->status = invocation_run(v, run);
}

/* `turn`: that of the worker, NULL: there are none; died: how the worker did that had it. false: this is a keeper, which has nothing to do
 * with the others. */
static bool run_nth(struct batch *b, size_t i, struct run_turn *turn, int died, bool skip)
{
	autostrvec struct strvec operands = STRVEC_INIT, owned = STRVEC_INIT;
	const struct run_command_options *defaults = b->self->defaults;
	struct run_summary *run = &b->runs[i];
	struct invocation v = INVOCATION_INIT(*defaults);
	int status = command_begin_configured(b->self, b->argc, b->argv, &v.opt, &operands, &v.opt.settings.config);
	bool child;

	v.of_several = true;
	v.cleaned = i > 0;
	v.lead = i ? ",\n" : "[\n";
	v.unblocked = &b->unblocked;
	v.reaper = &b->reaper;
	v.backend = &b->backend;
	v.turn = turn;
	v.opt.wpk = b->packages[i];
	*run = (struct run_summary){ .status = status < 0 ? EXIT_OK : status, .verdict = "not run" };
	snprintf(run->package, sizeof(run->package), "%s", b->packages[i]);
	if (died)
		invocation_lost(&v, died, run);
	else if (skip)
		invocation_skip(&v, "an earlier run was stopped");
	else if (status < 0)
		carry_out(b, i, &v, &owned);
	child = v.front.child;
	invocation_release(&v);
	return !child;
}

/* ---- several at a time */

static void in_worker(void *arg, struct run_turn *turn, int died, bool skip)
{
	run_nth(arg, turn->index, turn, died, skip);
}

static void leave_worker(void *arg)
{
	struct batch *b = arg;

	reaper_dismiss(&b->reaper);
	scan_judge_close(&b->judge);
}

/* All from `first`. false: nothing was begun. */
static bool run_overlapping(struct batch *b, size_t first)
{
	const struct run_crew crew = { .package = in_worker, .leave = leave_worker, .arg = b };
	struct error err;

	if (!b->may_overlap || b->queue || b->len - first < RUN_WORKERS)
		return false;
	b->queue = run_queue_new(b->len, &err);
	if (!b->queue)
		return false;
	memcpy(b->queue->runs, b->runs, first * sizeof(*b->runs));
	free(b->runs);
	b->runs = b->queue->runs;
	reaper_dismiss(&b->reaper);	/* each worker has its own */
	if (run_workers(b->queue, first, &crew, &b->signals, &err) < 0)
		return false;
	b->signal = run_queue_signal(b->queue);
	return true;
}

/* ---- all of them */

static void add_padded(struct strbuf *out, const char *text, size_t width)
{
	size_t columns = printable_add_cut(out, text, strlen(text), width);

	strbuf_addf(out, "%*s  ", (int)(width - columns), "");
}

static void print_table(const struct batch *b, int status)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	size_t good = 0, not_run = 0;

	strbuf_addstr(&text, "\nRuns\n");
	for (size_t i = 0; i < b->len; i++) {
		const struct run_summary *run = &b->runs[i];

		strbuf_addf(&text, "%4zu  ", i + 1);
		add_padded(&text, run->package, 40);
		add_padded(&text, run->verdict, 16);
		if (run->run_id[0]) {
			autostrbuf struct strbuf time = STRBUF_INIT(STRBUF_NO_MAX);

			duration_format(&time, run->duration_ns);
			strbuf_addf(&text, "%-8s  %.*s%s", time.buf, RUN_ID_SHOWN, run->run_id, run->kept ? "  kept" : "");
		} else if (run->status) {
			strbuf_addf(&text, "exit status %d", run->status);
		}
		while (text.len && text.buf[text.len - 1] == ' ')
			text.buf[--text.len] = '\0';
		strbuf_addch(&text, '\n');
		good += run->run_id[0] && run->status == EXIT_OK;
		not_run += !run->run_id[0];
	}
	strbuf_addf(&text, "%zu runs: %zu acceptable, %zu not, %zu not run; exit status %d\n", b->len, good, b->len - good - not_run, not_run, status);
	print_result(&text, EXIT_OK);
}

/* One after another, until the rest can overlap. false: this is a keeper. */
static bool run_each(struct batch *b)
{
	for (size_t i = 0; i < b->len; i++) {
		const struct run_summary *run = &b->runs[i];

		if (!b->signal && run_overlapping(b, i))
			return true;
		if (!run_nth(b, i, NULL, 0, b->signal != 0))
			return false;
		if (!b->signal && run->cancelled)
			b->signal = run->status - EXIT_SIGNAL_BASE;
		if (!b->signal)
			b->signal = pending_signal(b);
	}
	return true;
}

static int run_all(struct batch *b)
{
	bool text = !strcmp(b->opt->format, "text"), json = !strcmp(b->opt->format, "json");
	autostrbuf struct strbuf end = STRBUF_INIT(16);
	int status = EXIT_OK;

	block_signals(b);
	if (!run_each(b)) {
		b->reaper = (struct reaper)REAPER_INIT;	/* a keeper: neither the rest nor its reaper are its */
		return EXIT_OK;
	}
	for (size_t i = 0; i < b->len; i++)
		status = exit_status_worse(status, b->runs[i].status);
	if (b->signal)
		status = exit_status_worse(status, EXIT_SIGNAL_BASE + b->signal);
	if (text && !b->opt->settings.common.quiet)
		print_table(b, status);
	strbuf_addstr(&end, json ? "\n]\n" : "");
	return print_result(&end, status);
}

/* What makes sense for one package only. */
static int check_several(const struct command *self, const struct run_command_options *opt, const struct strvec *packages)
{
	size_t from_stdin = 0;

	for (size_t i = 0; i < packages->len; i++)
		from_stdin += !strcmp(packages->items[i], "-");
	if (opt->run_id || opt->events_fd)
		return command_usage_error(self, "'--%s' is for a run of one package", opt->run_id ? "run-id" : "events-fd");
	if (from_stdin > 1)
		return command_usage_error(self, "standard input can be read once: --wpk=- is given %zu times", from_stdin);
	for (size_t i = 0; i < opt->report.len; i++) {
		const char *path = strchr(opt->report.items[i], ':');

		if (!path || !strcmp(path, ":-"))
			return command_usage_error(self, "--report of several packages needs a folder, --report=%s:FOLDER; --format=json writes all as one list",
						   opt->report.items[i]);
	}
	if (opt->save_logs && strstr(opt->save_logs, ".tar"))
		return command_usage_error(self, "--save-logs of several packages needs a folder; '%s' is an archive", opt->save_logs);
	return -1;
}

int run_batch(const struct command *self, int argc, char **argv, const struct run_command_options *opt, const struct strvec *packages)
{
	struct batch b = { .self = self, .argc = argc, .argv = argv, .opt = opt, .packages = (const char *const *)packages->items, .len = packages->len,
			   .reaper = REAPER_INIT, .judge = SCAN_JUDGE_INIT };
	int status = check_several(self, opt, packages);

	if (status >= 0)
		return status;
	b.runs = xcalloc(b.len, sizeof(*b.runs));
	status = run_all(&b);
	reaper_dismiss(&b.reaper);
	scan_judge_close(&b.judge);
	if (b.queue)
		run_queue_free(b.queue);
	else
		free(b.runs);
	return status;
}
