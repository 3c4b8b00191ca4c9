/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/report_text.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/printable.h"
#include "runner/base/quantity.h"
#include "runner/observation_text.h"

#define COLUMNS_MAX 500	/* of a line of output */
#define LINES_MAX 200	/* of each stream of a step; the JSON has more, --save-logs has all */

static void add_text(const struct result *r, const char *s, size_t len, struct strbuf *out)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);

	redact_text(r->redactor, s, len, &clean);
	printable_add(out, clean.buf, clean.len);
}

/* One line of output; a program may well write megabytes without a newline. */
static void add_line(const struct result *r, const char *s, size_t len, struct strbuf *out)
{
	autostrbuf struct strbuf clean = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(out, "       | ");
	redact_text(r->redactor, s, len, &clean);
	printable_add_cut(out, clean.buf, clean.len, COLUMNS_MAX);
	strbuf_addch(out, '\n');
}

static void add_field(const struct result *r, const char *label, const char *s, struct strbuf *out)
{
	strbuf_addf(out, "%-10s", label);
	add_text(r, s ? s : "unknown", s ? strlen(s) : 7, out);
	strbuf_addch(out, '\n');
}

static void write_head(const struct result *r, struct strbuf *out)
{
	const struct plan *plan = r->plan;
	const struct wpk *wpk = plan ? decision_wpk(plan->decision) : NULL;
	char started[CLOCK_RFC3339_SIZE];

	strbuf_addf(out, "sandbox_runner " SANDBOX_RUNNER_VERSION ": run %s\n", r->run_id);
	add_field(r, "package", wpk ? wpk->workflow_id : NULL, out);
	add_field(r, "source", r->source, out);
	add_field(r, "sha256", r->package_sha256, out);
	clock_rfc3339(r->started_ns, started);
	strbuf_addf(out, "%-10s%s, took ", "started", started);
	duration_format(out, r->duration_ns);
	strbuf_addstr(out, " (sandbox made in ");
	duration_format(out, r->setup_ns);
	strbuf_addstr(out, ", removed in ");
	duration_format(out, r->cleanup_ns);
	strbuf_addstr(out, ")\n");
	if (!plan)
		return;
	strbuf_addf(out, "%-10s%s, profile %s", "sandbox", plan->where, plan->profile ? plan->profile->name : "none");
	strbuf_addf(out, "%s%s\n", plan->chosen_because ? "; chosen because " : "", plan->chosen_because ? plan->chosen_because : "");
}

/* At most LINES_MAX lines of a captured text; what is not shown is counted. */
static void write_lines(const struct result *r, const char *text, size_t len, struct strbuf *out)
{
	const char *end = text + len;
	unsigned long hidden = 0, shown = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		if (shown < LINES_MAX) {
			add_line(r, text, (size_t)(stop - text), out);
			shown++;
		} else {
			hidden++;
		}
		text = newline ? newline + 1 : end;
	}
	if (hidden)
		strbuf_addf(out, "       … %lu more lines\n", hidden);
}

static void write_stream(const struct result *r, const char *name, const struct captured *c, struct strbuf *out)
{
	if (!c->total_bytes && !c->len)
		return;
	strbuf_addf(out, "     %s, %llu bytes%s:\n", name, (unsigned long long)c->total_bytes, c->truncated ? ", not all kept" : "");
	write_lines(r, c->text, c->len, out);
	if (c->tail) {
		strbuf_addstr(out, "       … cut; the end:\n");
		write_lines(r, c->tail, c->tail_len, out);
	}
}

static void write_step(const struct result *r, const struct step_result *step, struct strbuf *out)
{
	strbuf_addf(out, "  %2u. ", step->plan->number);
	add_text(r, step->plan->title, strlen(step->plan->title), out);
	if (step->status == STEP_NOT_EXECUTED) {
		strbuf_addf(out, ": not executed, %s\n", step_mode_to_string(step->mode));
		return;
	}
	strbuf_addf(out, ": %s, %s", step_mode_to_string(step->mode), step_status_to_string(step->status));
	if (step->reason) {
		strbuf_addstr(out, ": ");
		add_text(r, step->reason, strlen(step->reason), out);
	}
	strbuf_addstr(out, " (");
	duration_format(out, step->duration_ns);
	if (step->attempts > 1)
		strbuf_addf(out, ", %u attempts", step->attempts);
	if (step->exit.outlived)
		strbuf_addf(out, ", %u processes outlived it and were ended", step->exit.outlived);
	strbuf_addstr(out, ")\n");
	observation_print(step->observation, &(struct observation_style){ .redactor = r->redactor, .processes = true, .usage = true }, out);
	write_stream(r, "stdout", &step->out[SANDBOX_STDOUT], out);
	write_stream(r, "stderr", &step->out[SANDBOX_STDERR], out);
	effects_print(&step->effects, &(struct effects_print){
		.title = "files", .indent = 5, .max = LINES_MAX, .diff = true, .tmp = true, .redactor = r->redactor }, out);
	object_effects_print(&step->objects, 5, LINES_MAX, false, out);
}

static void write_phase(const struct result *r, enum step_phase phase, const char *heading, struct strbuf *out)
{
	bool first = true;

	for (size_t i = 0; i < r->steps_len; i++) {
		if (r->steps[i].plan->phase != phase)
			continue;
		strbuf_addf(out, "%s%s", first ? heading : "", first ? "\n" : "");
		first = false;
		write_step(r, &r->steps[i], out);
	}
}

static void write_findings(const struct result *r, struct strbuf *out)
{
	const struct finding_list *list = r->findings;

	if (!list || !list->len)
		return;
	strbuf_addstr(out, "\nFindings\n");
	for (size_t i = 0; i < list->len; i++) {
		autostrbuf struct strbuf shown = STRBUF_INIT(STRBUF_NO_MAX);

		finding_print(&list->items[i], list->file, NULL, false, &shown);
		redact_text(r->redactor, shown.buf, shown.len, out);
	}
}

void report_text_write(const struct result *r, struct strbuf *out)
{
	write_head(r, out);
	write_findings(r, out);
	if (r->warnings.len)
		strbuf_addstr(out, "\nWarnings\n");
	for (size_t i = 0; i < r->warnings.len; i++) {
		strbuf_addstr(out, "  ");
		add_text(r, r->warnings.items[i], strlen(r->warnings.items[i]), out);
		strbuf_addch(out, '\n');
	}
	write_phase(r, PHASE_MAIN, "\nSteps", out);
	if (r->rolled_back)
		write_phase(r, PHASE_ROLLBACK, "\nRollback", out);
	strbuf_addch(out, '\n');
	result_print(r, true, false, out);
}
