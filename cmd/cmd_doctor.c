/* SPDX-License-Identifier: Apache-2.0
 * doctor: what this host can provide and enforce, found by building a sandbox and reading back what holds, and what to install or set
 * for more. Exit 0 when the built-in jail works, also where some control is weaker than asked (the rows say so); 5 when it does not. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/doctor_matrix.h"
#include "cmd/exit_status.h"
#include "cmd/host_facts.h"
#include "cmd/output.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"

struct doctor_options {
	struct common_options common;
	const char *format;
};

struct diagnosis {
	struct fact_list facts;
	struct control_table controls;
	bool works;		/* the built-in jail could be built and removed */
	struct error why_not;
	size_t asked, enforced;
	bool color;
};

static const char *const formats[] = { "text", "json", "matrix", NULL };

static const struct option_spec options[] = {
	{ .name = "format", .kind = OPTION_CHOICE, .offset = offsetof(struct doctor_options, format), .value = "FORMAT",
	  .choices = formats, .group = "Output", .help = "form of the output; matrix: which runtime enforces which control, as Markdown" },
	{ .name = NULL },
};

static void examine(struct diagnosis *d, const char *state_dir)
{
	host_facts(&d->facts);
	d->works = doctor_probe("native", state_dir, &d->controls, &d->why_not) == 0;
	for (int i = 0; d->works && i < CONTROL_COUNT; i++) {
		d->asked += d->controls.items[i].state != CONTROL_NOT_REQUESTED;
		d->enforced += d->controls.items[i].state == CONTROL_ENFORCED;
	}
}

/* ---- text */

static const char *color_of(const struct diagnosis *d, const char *state)
{
	static const struct { const char *state, *code; } colors[] = {
		{ "ok", "\033[32m" }, { "enforced", "\033[32m" }, { "degraded", "\033[33m" },
		{ "missing", "\033[33m" }, { "unavailable", "\033[31m" },
	};

	for (size_t i = 0; d->color && i < ARRAY_SIZE(colors); i++)
		if (!strcmp(colors[i].state, state))
			return colors[i].code;
	return "";
}

static void write_row(const struct diagnosis *d, const char *state, const char *name, const char *detail, const char *advice,
		      struct strbuf *out)
{
	const char *code = color_of(d, state);

	strbuf_addf(out, "  %s%-12s%s %-21s ", code, state, *code ? "\033[0m" : "", name);
	printable_addstr(out, detail);
	strbuf_addch(out, '\n');
	if (advice && *advice) {
		strbuf_addf(out, "  %-34s > ", "");
		printable_addstr(out, advice);
		strbuf_addch(out, '\n');
	}
}

static void write_facts(const struct diagnosis *d, const char *section, const char *heading, struct strbuf *out)
{
	strbuf_addf(out, "\n%s\n", heading);
	for (size_t i = 0; i < d->facts.len; i++) {
		const struct fact *f = &d->facts.items[i];

		if (!strcmp(f->section, section))
			write_row(d, fact_state_to_string(f->state), f->name, f->detail, f->advice, out);
	}
}

static void write_controls(const struct diagnosis *d, struct strbuf *out)
{
	strbuf_addstr(out, "\nControls of the built-in jail, measured here (names for --require)\n");
	for (int i = 0; i < CONTROL_COUNT; i++) {
		const struct control *c = &d->controls.items[i];

		write_row(d, control_state_to_string(c->state), control_name((enum control_id)i), c->mechanism, c->detail, out);
	}
}

static void write_text(const struct diagnosis *d, struct strbuf *out)
{
	struct backend_info info;

	strbuf_addstr(out, "sandbox_runner " SANDBOX_RUNNER_VERSION "\n");
	write_facts(d, "host", "Host", out);
	strbuf_addstr(out, "\nSandboxes\n");
	for (size_t i = 0; sandbox_backend_info(i, &info); i++) {
		autofree char *name = info.cluster ? xstrdup(info.type) : xasprintf("%s (%s)", info.type, info.runtime);

		sandbox_backend_probe(i, &info);
		write_row(d, info.available ? "ok" : "unavailable", name, info.summary, info.available ? NULL : info.reason, out);
	}
	if (d->works)
		write_controls(d, out);
	write_facts(d, "libraries", "Libraries, loaded when they are needed", out);
	write_facts(d, "programs", "Other programs on this host", out);
	strbuf_addch(out, '\n');
	if (!d->works) {
		strbuf_addstr(out, "The built-in jail cannot be provided: ");
		printable_addstr(out, d->why_not.text);
		strbuf_addch(out, '\n');
	} else if (d->enforced == d->asked) {
		strbuf_addf(out, "The built-in jail works; all %zu controls are enforced.\n", d->asked);
	} else {
		strbuf_addf(out, "The built-in jail works; %zu of %zu controls are enforced; what is weaker is marked above.\n",
			    d->enforced, d->asked);
	}
}

/* ---- JSON */

static json_t *facts_to_json(const struct diagnosis *d, const char *section)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->facts.len; i++) {
		const struct fact *f = &d->facts.items[i];
		json_t *row;

		if (strcmp(f->section, section))
			continue;
		row = json_object();
		json_put_text(row, "name", f->name);
		json_put_text(row, "state", fact_state_to_string(f->state));
		json_put_text(row, "detail", f->detail);
		json_put_text(row, "advice", f->advice);
		json_push(list, row);
	}
	return list;
}

static json_t *backends_to_json(void)
{
	json_t *list = json_array();
	struct backend_info info;

	for (size_t i = 0; sandbox_backend_info(i, &info); i++) {
		json_t *row = json_object();

		sandbox_backend_probe(i, &info);
		json_put_text(row, "type", info.type);
		json_put_text(row, "runtime", info.runtime);
		json_put_text(row, "summary", info.summary);
		json_put_bool(row, "available", info.available);
		json_put_text(row, "reason", info.available ? NULL : info.reason);
		json_push(list, row);
	}
	return list;
}

static json_t *controls_to_json(const struct diagnosis *d)
{
	json_t *list = json_array();

	for (int i = 0; d->works && i < CONTROL_COUNT; i++) {
		const struct control *c = &d->controls.items[i];
		json_t *row = json_object();

		json_put_text(row, "control", control_name((enum control_id)i));
		json_put_text(row, "requested", c->requested);
		json_put_text(row, "state", control_state_to_string(c->state));
		json_put_text(row, "mechanism", c->mechanism);
		json_put_text(row, "detail", c->detail);
		json_push(list, row);
	}
	return list;
}

static void write_json(const struct diagnosis *d, struct strbuf *out)
{
	json_auto_t *all = json_object();

	json_put_text(all, "version", SANDBOX_RUNNER_VERSION);
	json_put_bool(all, "works", d->works);
	json_put_bool(all, "fully_enforced", d->works && d->enforced == d->asked);
	json_put_text(all, "reason", d->works ? NULL : d->why_not.text);
	json_put(all, "host", facts_to_json(d, "host"));
	json_put(all, "sandboxes", backends_to_json());
	json_put(all, "controls", controls_to_json(d));
	json_put(all, "libraries", facts_to_json(d, "libraries"));
	json_put(all, "programs", facts_to_json(d, "programs"));
	json_write(all, 2, out);
	strbuf_addch(out, '\n');
}

static int doctor_main(const struct command *self, int argc, char **argv)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	struct doctor_options opt = { .format = "text" };
	struct diagnosis d = { .works = false };
	int status = command_begin_alone(self, argc, argv, &opt);

	if (status >= 0)
		return status;
	if (!strcmp(opt.format, "matrix")) {
		doctor_matrix(opt.common.state_dir, &text);
		return print_result(&text, EXIT_OK);
	}
	d.color = use_color(&opt.common, STDOUT_FILENO);
	examine(&d, opt.common.state_dir);
	if (!strcmp(opt.format, "json"))
		write_json(&d, &text);
	else
		write_text(&d, &text);
	status = d.works ? EXIT_OK : exit_status_of_error(&d.why_not);
	fact_list_release(&d.facts);
	return print_result(&text, status);
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Tell what this host can enforce, and what to do for more",
	.usage = "doctor [--format=text|json|matrix]",
	.examples = "  sandbox_runner doctor\n",
	.options = options,
	.main = doctor_main,
};
