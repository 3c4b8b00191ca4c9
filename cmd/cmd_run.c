/* SPDX-License-Identifier: Apache-2.0
 * run: the main job. What is wrong with the command line or the package is found before anything is made; from the journal on,
 * run_plan() sees to it that nothing is left. */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/run_invocation.h"
#include "cmd/run_invocation_hooks.h"
#include "cmd/run_name.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"

static const char *const formats[] = { "text", "json", "ndjson", NULL };

static uint64_t timeout_of_profile(const struct option_spec *row, const void *target)
{
	const struct run_command_options *opt = target;

	(void)row;
	return profile_find(opt->settings.profile)->timeout_ns;
}

static const char *const security_levels[] = { "none", "low", "medium", "high", "critical", NULL };

static const struct option_spec options[] = {
	{ .name = "wpk", .kind = OPTION_LIST, .offset = offsetof(struct run_command_options, packages), .value = "SOURCE",
	  .group = "Package", .help = "package to run: a file, - (standard input), a folder, a .wpk.tar.gz or .zip bundle, or an http(s) URL; without any, what SANDBOX_RUNNER_WPK names" },
	{ .name = "files", .kind = OPTION_LIST, .offset = offsetof(struct run_command_options, files), .value = "PATH[:DEST]",
	  .section = "", .group = "Package", .help = "put a file, or what is in a folder, into the work folder of the steps" },
	{ .name = "timeout", .kind = OPTION_DURATION, .offset = offsetof(struct run_command_options, timeout_ns), .value = "TIME",
	  .section = "limits", .key = "execution_time", .trust = OPTION_DOWN, .otherwise = timeout_of_profile,
	  .min = NS_PER_MS, .group = "Package", .help = "deadline of the whole run, as in 90s or 1h30m (default: as the profile says)" },
	SCAN_OPTION_ROWS(struct run_command_options, scan),
	{ .name = "override", .kind = OPTION_TEXT, .offset = offsetof(struct run_command_options, override), .value = "REASON",
	  .group = "Policy", .help = "run a package that the policy blocks all the same; the reason is part of every result" },
	{ .name = "require", .kind = OPTION_LIST, .offset = offsetof(struct run_command_options, require), .value = "all|NAME,...",
	  .section = "", .trust = OPTION_MORE, .group = "Sandbox", .help = "refuse to start unless these controls are enforced; 'doctor' lists them" },
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct run_command_options, format), .value = "FORMAT",
	  .section = "", .trust = OPTION_HARMLESS, .choices = formats, .group = "Output", .help = "form of standard output" },
	{ .name = "report", .kind = OPTION_LIST, .offset = offsetof(struct run_command_options, report), .value = "FORMAT[:PATH]",
	  .section = "", .group = "Output", .help = "write the result as json or text to a file, or to standard output; of several packages into a folder, as NN-NAME.json" },
	{ .name = "save-logs", .kind = OPTION_TEXT, .offset = offsetof(struct run_command_options, save_logs), .value = "PATH",
	  .section = "", .group = "Output", .help = "keep the whole output of every step in a folder (of several packages each in a folder NN-NAME there), or in a .tar.zst, .tar.gz or .tar" },
	{ .name = "monitor-resources", .kind = OPTION_FLAG, .offset = offsetof(struct run_command_options, monitor),
	  .section = "", .trust = OPTION_HARMLESS, .group = "Output", .help = "show what the running step uses, and warn when it comes near a limit" },
	{ .name = "fail-on-security", .kind = OPTION_CHOICE, .offset = offsetof(struct run_command_options, fail_on_security), .value = "SEVERITY",
	  .section = "security", .choices = security_levels, .group = "Output", .help = "least severity of a security event that fails the run (default: high)" },
	{ .name = "save-artifacts", .kind = OPTION_TEXT, .offset = offsetof(struct run_command_options, save_artifacts), .value = "DIR",
	  .section = "", .group = "Output", .help = "keep the files that steps made or changed in the work folder, with their digests; of several packages each in a folder NN-NAME" },
	{ .name = "diff", .kind = OPTION_FLAG, .offset = offsetof(struct run_command_options, diff),
	  .section = "", .trust = OPTION_HARMLESS, .group = "Output", .help = "show what changed in the text files that each step created, changed or deleted" },
	{ .name = "exit-zero", .kind = OPTION_FLAG, .offset = offsetof(struct run_command_options, exit_zero),
	  .section = "", .group = "Output", .help = "only report: exit 0 also when a step failed, hit a limit or the deadline" },
	{ .name = "keep", .kind = OPTION_DURATION, .offset = offsetof(struct run_command_options, keep_ns), .value = "TIME", .without = "1h",
	  .section = "cleanup", .min = NS_PER_SEC, .group = "Sandbox",
	  .help = "keep the sandbox for a while after the verdict (1h without a value); 'attach' opens a shell in it, 'stop' ends it" },
	{ .name = "keep-on-failure", .kind = OPTION_DURATION, .offset = offsetof(struct run_command_options, keep_on_failure_ns), .value = "TIME",
	  .without = "1h", .section = "cleanup", .min = NS_PER_SEC, .group = "Sandbox", .help = "the same, when the verdict is not acceptable" },
	{ .name = "no-history", .kind = OPTION_FLAG, .offset = offsetof(struct run_command_options, no_history),
	  .section = "", .group = "Output", .help = "leave no record of the run; 'history' and 'logs' will not know it" },
	INVOCATION_HOOK_ROWS(struct run_command_options),
	{ .name = NULL },
};

static const struct run_command_options run_defaults = {
	.settings = SETTINGS_INIT, .scan = SCAN_OPTIONS_INIT, .format = "text", .fail_on_security = "high",
};

#define INVOCATION_INIT { .opt = run_defaults, .scratch = SCRATCH_INIT, .front = FRONT_INIT, \
			  .out = OUTPUT_INIT(STDOUT_FILENO), .narrative = OUTPUT_INIT(STDERR_FILENO) }

/* ---- several packages, one after another */

struct batch {
	const struct command *self;
	int argc;
	char **argv;
	const struct run_command_options *opt;	/* as the command line has them; each run reads them anew, with its own project's file */
	const char *const *packages;
	size_t len;
	struct run_summary *runs;
	struct reaper reaper;	/* of all, one after another */
	struct backend_memo backend;	/* of the one before */
	struct scan_judge judge;	/* of those that are judged as the command line says */
	bool judge_ready;
	sigset_t unblocked;
	int signal;		/* that stopped the rest */
};

static void block_signals(struct batch *b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &b->unblocked);
}

/* Did one come between two runs? */
static int pending_signal(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	sigset_t set;

	sigpending(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (sigismember(&set, wanted[i]))
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

/* false: this is a keeper, which has nothing to do with the others. */
static bool run_nth(struct batch *b, size_t i, bool skip)
{
	autostrvec struct strvec operands = STRVEC_INIT, owned = STRVEC_INIT;
	autofree char *entry = entry_name(i + 1, b->packages[i]);
	struct invocation v = INVOCATION_INIT;
	struct run_summary *run = &b->runs[i];
	struct error err = { 0 };
	int status = command_begin_configured(b->self, b->argc, b->argv, &v.opt, &operands, &v.opt.settings.config);
	bool child;

	v.of_several = true;
	v.cleaned = i > 0;
	v.lead = i ? ",\n" : "[\n";
	v.unblocked = &b->unblocked;
	v.reaper = &b->reaper;
	v.backend = &b->backend;
	v.opt.wpk = b->packages[i];
	*run = (struct run_summary){ .verdict = "not run" };
	snprintf(run->package, sizeof(run->package), "%s", b->packages[i]);
	if (skip) {
		invocation_skip(&v, "an earlier run was stopped");
	} else {
		if (status < 0)
			status = command_configure(b->self, v.opt.wpk, &v.opt, &v.opt.settings.config);
		if (status < 0 && below_folders(&v.opt, entry, &owned, &err) < 0)
			status = report_error(&err);
		run->status = status;
		if (status < 0)
			share_judge(b, &v);
		if (status < 0)
			run->status = invocation_run(&v, run);
		else
			snprintf(run->verdict, sizeof(run->verdict), "no run");
	}
	child = v.front.child;
	invocation_release(&v);
	return !child;
}

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

static int run_all(struct batch *b)
{
	bool text = !strcmp(b->opt->format, "text"), json = !strcmp(b->opt->format, "json");
	autostrbuf struct strbuf end = STRBUF_INIT(16);
	int status = EXIT_OK;

	block_signals(b);
	for (size_t i = 0; i < b->len; i++) {
		bool skip = b->signal != 0;

		if (!run_nth(b, i, skip)) {
			b->reaper = (struct reaper)REAPER_INIT;	/* a keeper: neither the rest nor its reaper are its */
			return EXIT_OK;
		}
		status = exit_status_worse(status, b->runs[i].status);
		if (!b->signal && b->runs[i].cancelled)
			b->signal = b->runs[i].status - EXIT_SIGNAL_BASE;
		if (!b->signal)
			b->signal = pending_signal();
	}
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

static int run_several(const struct command *self, int argc, char **argv, const struct run_command_options *opt, const struct strvec *packages)
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
	free(b.runs);
	return status;
}

/* ---- the command */

/* A word that cannot be a package is a mistake, and must not be found out after the first has run. */
static int operand_error(const struct command *self, const struct strvec *operands)
{
	for (size_t i = 0; i < operands->len; i++) {
		const char *word = operands->items[i];

		if (command_find(word))
			return command_usage_error(self, "the command '%s' must come first: sandbox_runner %s ...", word, word);
		if (access(word, F_OK) < 0 && !strpbrk(word, "./:") && strcmp(word, "-"))
			return command_usage_error(self, "'run' takes no '%s'", word);
	}
	return -1;
}

static int run_main(const struct command *self, int argc, char **argv)
{
	struct invocation v = INVOCATION_INIT;
	autostrvec struct strvec packages = STRVEC_INIT;
	autostrvec struct strvec operands = STRVEC_INIT;
	const char *usual = getenv("SANDBOX_RUNNER_WPK");	/* a list has no variable by itself */
	struct run_summary summary;
	int status = command_begin_configured(self, argc, argv, &v.opt, &operands, &v.opt.settings.config);

	for (size_t i = 0; i < v.opt.packages.len; i++)
		strvec_push(&packages, v.opt.packages.items[i]);
	for (size_t i = 0; i < operands.len; i++)
		strvec_push(&packages, operands.items[i]);
	if (status < 0)
		status = operand_error(self, &operands);
	if (status < 0 && !packages.len && usual && *usual)
		strvec_push(&packages, usual);
	if (status < 0 && !packages.len)
		status = command_usage_error(self, "which package? --wpk=SOURCE is missing");
	else if (status < 0 && packages.len > 1)
		status = run_several(self, argc, argv, &v.opt, &packages);
	if (status < 0) {
		v.opt.wpk = packages.items[0];
		status = command_configure(self, v.opt.wpk, &v.opt, &v.opt.settings.config);
	}
	if (status < 0)
		status = invocation_run(&v, &summary);
	invocation_release(&v);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "Run a package in a sandbox and tell what it did",
	.usage = "[run] --wpk=SOURCE... [options]",
	.examples = "  sandbox_runner --wpk=restart.wpk.yaml\n"
		    "  sandbox_runner --wpk=backup-verify.wpk.yaml --param STAGING_PATH=. --files=in\n"
		    "  sandbox_runner --wpk=bundle.wpk.tar.gz --format=json --save-logs=logs.tar.zst\n"
		    "  sandbox_runner --wpk=audit.wpk.yaml --profile=restrictive --require=all\n",
	.options = options,
	.more_options = settings_table,
	.configured = true,
	.main = run_main,
	.defaults = &run_defaults,
	.defaults_size = sizeof(run_defaults),
};
