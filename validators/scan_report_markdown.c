/* SPDX-License-Identifier: Apache-2.0
 *
 * Markdown for comments and summary pages. What comes from packages is hostile: punctuation becomes an entity inside
 * <code>, where neither markup nor mentions nor links are looked for. At most 60 KB: the worst first, and what is
 * left out is counted. */
#include <string.h>

#include "runner/base/utf8.h"
#include "validators/scan_report_forms.h"

#define FILES_BYTES ((size_t)14 << 10)
#define FINDINGS_BYTES ((size_t)32 << 10)
#define SCORES_BYTES ((size_t)10 << 10)
#define CELL_BYTES 240		/* of one text, before it is escaped */

struct part {			/* one table or list with its own room */
	struct strbuf text;
	size_t room;
	size_t left_out;
};

struct page {
	struct part files, findings, scores;
	enum severity severity;		/* of this pass */
	bool suppressed;		/* of this pass */
	size_t more[SEVERITY_CRITICAL + 1];	/* of findings, not listed; exact */
};

static void add_entities(struct strbuf *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		bool plain = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c && strchr(" -/,;=%", c));

		if (plain)
			strbuf_addch(out, (char)c);
		else
			strbuf_addf(out, "&#%u;", c);
	}
}

static void add_code(struct strbuf *out, const char *s)
{
	autostrbuf struct strbuf safe = STRBUF_INIT(STRBUF_NO_MAX);
	size_t len = 0;

	utf8_escape(&safe, s, strlen(s));
	for (size_t n; len < safe.len && len < CELL_BYTES; len += n) {
		uint32_t c;

		n = utf8_decode(safe.buf + len, safe.len - len, &c);
	}
	strbuf_addstr(out, "<code>");
	add_entities(out, safe.buf, len);
	strbuf_addstr(out, len < safe.len ? "…</code>" : "</code>");
}

/* A row goes in whole or not at all; once one has been left out, so are those after it, for the order to mean something. */
static bool add_row(struct part *p, const struct strbuf *row)
{
	if (p->left_out || p->text.len + row->len > p->room) {
		p->left_out++;
		return false;
	}
	strbuf_add(&p->text, row->buf, row->len);
	return true;
}

/* ---- rows */

static void file_row(struct page *page, const struct scanned_file *f)
{
	autostrbuf struct strbuf row = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addstr(&row, "| ");
	add_code(&row, f->file);
	strbuf_addf(&row, " | %s | %s | ", f->acceptable ? "yes" : "**no**",
		    f->decided ? verdict_to_string(f->verdict)
		    : f->valid	? ""
				: "invalid");
	if (f->decided)
		strbuf_addf(&row, "%u", f->decision.score);
	strbuf_addstr(&row, " | ");
	scan_counts_text(f->findings.counts, &row);
	if (f->findings.suppressed_count)
		strbuf_addf(&row, ", %zu suppressed", f->findings.suppressed_count);
	strbuf_addstr(&row, " |\n");
	add_row(&page->files, &row);
}

static void score_row(struct page *page, const struct scanned_file *f)
{
	autostrbuf struct strbuf row = STRBUF_INIT(STRBUF_NO_MAX), sum = STRBUF_INIT(STRBUF_NO_MAX);

	scan_join(&f->decision.arithmetic, ", ", &sum);
	if (!sum.len)
		return;
	strbuf_addstr(&row, "- ");
	add_code(&row, f->file);
	strbuf_addstr(&row, ": ");
	add_code(&row, sum.buf);
	strbuf_addch(&row, '\n');
	add_row(&page->scores, &row);
}

static void finding_row(struct page *page, const struct finding *f, const char *file)
{
	autostrbuf struct strbuf row = STRBUF_INIT(STRBUF_NO_MAX), place = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_addf(&place, "%s", file);
	if (f->position.line)
		strbuf_addf(&place, ":%u:%u", f->position.line, f->position.column);
	strbuf_addf(&row, "| %s | ", severity_to_string(f->severity));
	add_code(&row, f->rule_id);
	strbuf_addstr(&row, " | ");
	add_code(&row, place.buf);
	strbuf_addstr(&row, " | ");
	add_code(&row, f->message);
	if (f->matched) {
		strbuf_addstr(&row, "<br>");
		add_code(&row, f->matched);
	}
	if (f->suppressed) {
		strbuf_addstr(&row, "<br>suppressed: ");
		add_code(&row, f->justification ? f->justification : "no reason given");
	}
	strbuf_addstr(&row, " |\n");
	if (add_row(&page->findings, &row) && !f->suppressed)
		page->more[f->severity]--;
}

static void visit_file(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct page *page = arg;

	(void)r;
	file_row(page, f);
	score_row(page, f);
}

static void visit_findings(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct page *page = arg;

	(void)r;
	for (size_t i = 0; i < f->findings.len; i++) {
		const struct finding *finding = &f->findings.items[i];

		if (finding->severity == page->severity && finding->suppressed == page->suppressed &&
		    !scan_finding_is_note(finding))
			finding_row(page, finding, f->file);
	}
}

/* ---- passes: only what is going to be shown is loaded */

static void load_and(scan_visitor *visit, enum scan_part part, struct page *page, const struct scan_report *r, size_t i)
{
	struct scanned_file f;

	scan_report_load(r, i, part, &f);
	visit(page, r, &f);
	scanned_file_release(&f);
}

static void pass_over_files(struct page *page, const struct scan_report *r, bool acceptable)
{
	for (size_t i = 0; i < r->len; i++) {
		if (r->files[i].acceptable != acceptable)
			continue;
		if (page->files.left_out)
			page->files.left_out++;
		else
			load_and(visit_file, SCAN_HEAD, page, r, i);
	}
}

static void pass_over_findings(struct page *page, const struct scan_report *r, enum severity severity, bool suppressed)
{
	page->severity = severity;
	page->suppressed = suppressed;
	for (size_t i = 0; i < r->len && !page->findings.left_out; i++)
		if (suppressed ? r->files[i].suppressed : r->files[i].counts[severity])
			load_and(visit_findings, SCAN_WHOLE, page, r, i);
}

static void gather(struct page *page, const struct scan_report *r)
{
	memcpy(page->more, r->counts, sizeof(page->more));
	pass_over_files(page, r, false);
	pass_over_files(page, r, true);
	for (int s = SEVERITY_CRITICAL; s >= (int)r->show; s--)
		pass_over_findings(page, r, (enum severity)s, false);
	for (int s = SEVERITY_CRITICAL; r->suppressed && s >= (int)r->show; s--)
		pass_over_findings(page, r, (enum severity)s, true);
}

static void add_part(struct strbuf *out, const char *title, const char *head, const struct part *p)
{
	if (p->text.len)
		strbuf_addf(out, "\n<details><summary>%s</summary>\n\n%s%s\n</details>\n", title, head, p->text.buf);
}

void scan_report_markdown(const struct scan_report *r, bool color, struct scan_sink *out)
{
	struct page page = {
		.files = { .text = STRBUF_INIT(STRBUF_NO_MAX), .room = FILES_BYTES },
		.findings = { .text = STRBUF_INIT(STRBUF_NO_MAX), .room = FINDINGS_BYTES },
		.scores = { .text = STRBUF_INIT(STRBUF_NO_MAX), .room = SCORES_BYTES },
	};
	struct strbuf *text = &out->text;
	size_t more = 0;

	(void)color;
	gather(&page, r);
	strbuf_addf(text, "<!-- sandbox_runner scan -->\n### sandbox_runner scan: %s\n\n**",
		    scan_report_acceptable(r) ? "acceptable" : "not acceptable");
	scan_verdict_text(r, text);
	strbuf_addstr(text, "**\n\n| File | Acceptable | Decision | Score | Findings |\n|---|---|---|---|---|\n");
	strbuf_add(text, page.files.text.buf, page.files.text.len);
	if (page.files.left_out)
		strbuf_addf(text, "\n%zu more file%s not listed.\n", page.files.left_out,
			    page.files.left_out == 1 ? " is" : "s are");
	add_part(text, "Findings", "| Severity | Rule | Place | What |\n|---|---|---|---|\n", &page.findings);
	for (int s = 0; s <= SEVERITY_CRITICAL; s++)
		more += page.more[s];
	if (more) {
		strbuf_addstr(text, "\nNot listed: ");
		scan_counts_text(page.more, text);
		strbuf_addstr(text, ".\n");
	}
	add_part(text, "How the scores come about", "", &page.scores);
	strbuf_addf(text, "\nRules <code>%.12s</code>\n", r->rules_digest);
	scan_sink_flush(out, true);
	strbuf_release(&page.files.text);
	strbuf_release(&page.findings.text);
	strbuf_release(&page.scores.text);
}
