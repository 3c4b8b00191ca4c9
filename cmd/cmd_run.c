/* SPDX-License-Identifier: Apache-2.0
 * run: the main job. What is wrong with the command line or the package is found before anything is made; from the journal on,
 * run_plan() sees to it that nothing is left. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/run_batch.h"
#include "cmd/run_invocation.h"
#include "cmd/run_invocation_hooks.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"

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
	struct invocation v = INVOCATION_INIT(run_defaults);
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
		status = run_batch(self, argc, argv, &v.opt, &packages);
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
