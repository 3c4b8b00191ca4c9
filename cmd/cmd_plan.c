/* SPDX-License-Identifier: Apache-2.0
 * plan: what would run, where, in which mode, and what it needs. Nothing is run and nothing is made. */
#include <string.h>
#include <unistd.h>

#include "cmd/exit_status.h"
#include "cmd/output.h"
#include "cmd/package.h"
#include "cmd/scan_file.h"
#include "cmd/settings.h"

struct plan_command_options {
	struct settings settings;
	const char *format;
	struct scan_options scan;
};

struct planning {
	const struct plan_command_options *opt;
	struct parameters *parameters;
	struct strbuf text;	/* the product */
	json_t *plans;		/* NULL for text */
	struct scan_judge judge;
	bool color;
	int status;
};

static const char *const formats[] = { "text", "json", NULL };

static const struct option_spec options[] = {
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct plan_command_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output" },
	SCAN_OPTION_ROWS(struct plan_command_options, scan),
	{ .name = NULL },
};

/* The worst of several packages: invalid before refused before unavailable. */
static void note_error(struct planning *p, const struct error *err)
{
	int status = report_error(err);

	if (p->status == EXIT_OK || status == EXIT_INVALID)
		p->status = status;
}

static void add_json(struct planning *p, const struct package *pkg, const struct plan *plan)
{
	json_t *item = json_object();

	json_put_text(item, "file", pkg->findings.file);
	json_put_bool(item, "valid", pkg->decision != NULL);
	json_put(item, "decision", pkg->decision ? decision_to_json(pkg->decision) : json_null());
	json_put(item, "plan", plan ? plan_to_json(plan) : json_null());
	json_put(item, "findings", package_findings_to_json(pkg));
	json_push(p->plans, item);
}

static void plan_package(struct planning *p, const struct package *pkg)
{
	struct plan_options wanted = settings_plan_options(&p->opt->settings, p->parameters);
	struct plan *plan = NULL;
	struct error err;

	package_verdict(pkg, &err);
	if (err.code == ERR_OK)
		plan_make(pkg->decision, &wanted, &plan, &err);
	if (err.code != ERR_OK)
		note_error(p, &err);
	if (p->plans)
		add_json(p, pkg, plan);
	else if (plan)
		plan_print(plan, p->color, &p->text);
	plan_free(plan);
}

static void plan_source(struct planning *p, const char *spec)
{
	const struct common_options *common = &p->opt->settings.common;
	struct scratch scratch = SCRATCH_INIT;
	struct package pkg;
	struct error err = { 0 };

	if (package_open_anywhere(spec, common->state_dir, &scratch, &p->judge, &pkg, &err) < 0) {
		note_error(p, &err);
	} else {
		package_show_findings(&pkg, common, 0);
		package_show_reasons(&pkg);
		if (p->text.len)
			strbuf_addch(&p->text, '\n');
		plan_package(p, &pkg);
	}
	package_release(&pkg);
	if (scratch_close(&scratch, &err) < 0)
		note_error(p, &err);
}

static int finish(struct planning *p)
{
	if (p->plans) {
		json_auto_t *all = json_object();

		json_put(all, "plans", p->plans);
		json_write(all, 2, &p->text);
		strbuf_addch(&p->text, '\n');
	}
	return print_result(&p->text, p->status);
}

static int plan_main(const struct command *self, int argc, char **argv)
{
	struct plan_command_options opt = { .settings = SETTINGS_INIT, .format = "text", .scan = SCAN_OPTIONS_INIT };
	struct parameters parameters;
	struct planning p = { .opt = &opt, .parameters = &parameters, .text = STRBUF_INIT(STRBUF_NO_MAX) };
	autostrvec struct strvec operands = STRVEC_INIT;
	int status = command_begin_configured(self, argc, argv, &opt, &operands, &opt.settings.config);
	bool stdin_taken = false;
	struct error err = { 0 };

	if (status < 0 && !operands.len)
		status = command_usage_error(self, "'plan' needs at least one package");
	if (status < 0)
		status = command_configure(self, operands.items[0], &opt, &opt.settings.config);
	if (status >= 0) {
		settings_release(&opt.settings);
		scan_options_release(&opt.scan);
		return status;
	}
	for (size_t i = 0; i < operands.len; i++)
		stdin_taken |= !strcmp(operands.items[i], "-");
	parameters_init(&parameters);
	if (settings_resolve(&opt.settings, stdin_taken, &parameters, &err) < 0 || scan_judge_prepare(&p.judge, &opt.scan, &opt.settings.common, &err) < 0) {
		p.status = report_error(&err);
	} else {
		p.color = use_color(&opt.settings.common, STDOUT_FILENO);
		if (!strcmp(opt.format, "json"))
			p.plans = json_array();
		for (size_t i = 0; i < operands.len; i++)
			plan_source(&p, operands.items[i]);
		p.status = finish(&p);
	}
	strbuf_release(&p.text);
	scan_judge_close(&p.judge);
	scan_options_release(&opt.scan);
	parameters_release(&parameters);
	settings_release(&opt.settings);
	return p.status;
}

const struct command command_plan = {
	.name = "plan",
	.summary = "Show what would run, where, and what it needs",
	.usage = "plan [options] SOURCE...",
	.examples = "  sandbox_runner plan restart.wpk.yaml\n"
		    "  sandbox_runner plan --params-file=staging.yaml restart.wpk.yaml\n",
	.options = options,
	.more_options = settings_table,
	.configured = true,
	.main = plan_main,
};
