/* SPDX-License-Identifier: Apache-2.0
 *
 * The report for people at a terminal: each finding as a compiler would show it, then one line a file with the
 * decision and how it came about. */
#include <string.h>

#include "runner/base/utf8.h"
#include "validators/scan_report_forms.h"

struct text {
	struct scan_sink *out;
	bool color;
};

/* Returns how many are not shown because they are below `show`. */
static size_t print_findings(const struct text *t, const struct scan_report *r, const struct scanned_file *f)
{
	size_t hidden = 0;

	for (int s = 0; s < (int)r->show; s++)
		hidden += f->findings.counts[s];
	for (size_t i = 0; i < f->findings.len; i++) {
		const struct finding *finding = &f->findings.items[i];

		if (finding->severity < r->show && !scan_finding_is_note(finding))
			continue;
		if (r->quiet && !scan_finding_fails(r, finding))
			continue;
		finding_print(finding, f->file, NULL, t->color, &t->out->text);
	}
	return hidden;
}

static const char *style_of(const struct scanned_file *f)
{
	if (!f->acceptable)
		return "\x1b[1;31m";
	return f->verdict == VERDICT_APPROVE ? "\x1b[1;32m" : "\x1b[1;33m";
}

/* "review, score 45 (medium risk): 1 high x 30 = 30, …": arithmetic and reasons are words of ours around names of rules. */
static void print_decision(const struct scanned_file *f, struct strbuf *out)
{
	autostrbuf struct strbuf arithmetic = STRBUF_INIT(STRBUF_NO_MAX);

	if (!f->decided) {
		strbuf_addstr(out, f->unreadable ? "could not be scanned" : f->valid ? "read" : "invalid");
		return;
	}
	strbuf_addstr(out, verdict_to_string(f->verdict));
	strbuf_addf(out, ", score %u (%s risk)", f->decision.score, risk_level_of_score(f->decision.score));
	scan_join(&f->decision.arithmetic, ", ", &arithmetic);
	if (arithmetic.len)
		strbuf_addstr(out, ": ");
	utf8_escape(out, arithmetic.buf, arithmetic.len);
}

static void print_file(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	const struct text *t = arg;
	struct strbuf *out = &t->out->text;
	autostrbuf struct strbuf reasons = STRBUF_INIT(STRBUF_NO_MAX);
	size_t hidden;

	if (r->quiet && f->acceptable)
		return;
	hidden = print_findings(t, r, f);
	strbuf_addstr(out, t->color ? style_of(f) : "");
	utf8_escape(out, f->file, strlen(f->file));
	strbuf_addf(out, ": %s%s", f->acceptable ? "" : "not acceptable: ", t->color ? "\x1b[0m" : "");
	print_decision(f, out);
	strbuf_addstr(out, "; ");
	scan_counts_text(f->findings.counts, out);
	if (hidden)
		strbuf_addf(out, " (%zu below %s not shown)", hidden, severity_to_string(r->show));
	if (f->findings.suppressed_count)
		strbuf_addf(out, "; %zu suppressed", f->findings.suppressed_count);
	strbuf_addch(out, '\n');
	scan_join(&f->decision.reasons, "\n", &reasons);
	for (const char *s = reasons.buf, *end; *s; s = *end ? end + 1 : end) {
		end = s + strcspn(s, "\n");
		strbuf_addstr(out, "  reason: ");
		utf8_escape(out, s, (size_t)(end - s));
		strbuf_addch(out, '\n');
	}
	scan_sink_flush(t->out, false);
}

void scan_report_text(const struct scan_report *r, bool color, struct scan_sink *out)
{
	struct text t = { .out = out, .color = color };

	scan_report_each(r, SCAN_WHOLE, print_file, &t);
	if (!r->quiet || !scan_report_acceptable(r)) {
		scan_verdict_text(r, &out->text);
		strbuf_addch(&out->text, '\n');
	}
	scan_sink_flush(out, true);
}
