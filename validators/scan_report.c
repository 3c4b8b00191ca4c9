/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/scan_report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/file.h"
#include "runner/base/mem.h"
#include "validators/scan_report_forms.h"

#define HELD_BYTES_MAX ((size_t)8 << 20)	/* lines beyond this go to the spool */
#define FLUSH_BYTES ((size_t)64 << 10)

static const char *const fail_on_names[] = {
	[FAIL_ON_INFO] = "info", [FAIL_ON_LOW] = "low", [FAIL_ON_MEDIUM] = "medium", [FAIL_ON_HIGH] = "high",
	[FAIL_ON_CRITICAL] = "critical", [FAIL_ON_BLOCK] = "block", [FAIL_ON_NEVER] = "never",
};

const char *fail_on_to_string(enum fail_on f)
{
	return fail_on_names[f];
}

bool fail_on_from_string(const char *s, enum fail_on *ret)
{
	for (int i = 0; i <= FAIL_ON_NEVER; i++) {
		if (strcmp(s, fail_on_names[i]))
			continue;
		*ret = (enum fail_on)i;
		return true;
	}
	return false;
}

/* ---- one file */

void scanned_file_init(struct scanned_file *f, const char *file)
{
	*f = (struct scanned_file){ .file = xstrdup(file), .verdict = VERDICT_BLOCK };
	finding_list_init(&f->findings, f->file);
}

void scanned_file_release(struct scanned_file *f)
{
	finding_list_release(&f->findings);
	strvec_release(&f->decision.arithmetic);
	strvec_release(&f->decision.reasons);
	free(f->workflow_id);
	free(f->file);
	arena_release(&f->words);
	*f = (struct scanned_file){ .file = NULL };
}

static void copy_texts(const struct strvec *from, struct strvec *to)
{
	for (size_t i = 0; i < from->len; i++)
		strvec_push(to, from->items[i]);
}

void scanned_file_decide(struct scanned_file *f, const struct decision *d)
{
	f->decided = true;
	f->verdict = decision_verdict(d);
	f->decision.score = decision_score(d);
	f->decision.approval_required = decision_approval_required(d);
	f->decision.facts = *decision_facts(d);
	copy_texts(decision_arithmetic(d), &f->decision.arithmetic);
	copy_texts(decision_reasons(d), &f->decision.reasons);
}

void scanned_file_judge(struct scanned_file *f, enum fail_on fail_on)
{
	f->acceptable = f->valid && (fail_on == FAIL_ON_NEVER || f->verdict != VERDICT_BLOCK);
	for (size_t s = fail_on; s <= SEVERITY_CRITICAL; s++)	/* the words of --fail-on begin with the severities */
		f->acceptable &= !f->findings.counts[s];
}

/* ---- the report */

void scan_report_init(struct scan_report *r)
{
	*r = (struct scan_report){ .fail_on = FAIL_ON_HIGH, .show = SEVERITY_LOW, .spool_fd = -1 };
}

void scan_report_release(struct scan_report *r)
{
	for (size_t i = 0; i < r->len; i++)
		free(r->files[i].line);
	free(r->files);
	if (r->spool_fd >= 0)
		close(r->spool_fd);
	scan_report_init(r);
}

/* Where there is no room for a spool, memory has to do. */
static bool spool(struct scan_report *r, struct scan_summary *s)
{
	if (r->spool_fd < 0 && (!r->open_spool || (r->spool_fd = r->open_spool()) < 0))
		return false;
	s->at = (off_t)r->spooled_bytes;
	if (lseek(r->spool_fd, s->at, SEEK_SET) < 0 || write_all(r->spool_fd, s->line, s->len) < 0)
		return false;
	r->spooled_bytes += s->len;
	free(s->line);
	s->line = NULL;
	return true;
}

/* `line` is what `f` is told as. */
static void add(struct scan_report *r, const struct scanned_file *f, char *line, size_t len)
{
	struct scan_summary s = {
		.suppressed = f->findings.suppressed_count, .verdict = f->verdict, .unreadable = f->unreadable,
		.valid = f->valid,
		.acceptable = f->acceptable, .line = line, .len = len,
	};

	for (int i = 0; i <= SEVERITY_CRITICAL; i++) {
		s.counts[i] = f->findings.counts[i];
		r->counts[i] += s.counts[i];
	}
	r->suppressed += s.suppressed;
	r->baseline_matched += f->baseline_matched;
	r->invalid += !s.valid;
	r->unacceptable += !s.acceptable;
	if (s.valid)
		r->verdicts[s.verdict]++;
	if (r->held_bytes + s.len <= HELD_BYTES_MAX || !spool(r, &s))
		r->held_bytes += s.len;
	ARRAY_GROW(r->files, r->len, r->alloc);
	r->files[r->len++] = s;
}

void scan_report_add(struct scan_report *r, struct scanned_file *f)
{
	autostrbuf struct strbuf line = STRBUF_INIT(STRBUF_NO_MAX);

	scanned_file_judge(f, r->fail_on);
	scanned_file_to_line(f, &line);
	add(r, f, xstrndup(line.buf, line.len), line.len);
}

int scan_report_add_line(struct scan_report *r, const char *line, size_t len, struct error *err)
{
	struct scanned_file f;

	if (scanned_file_from_line(line, len, SCAN_COUNTS, r->rules, &f, err) < 0)
		return -1;
	scanned_file_judge(&f, r->fail_on);
	add(r, &f, xstrndup(line, len), len);
	scanned_file_release(&f);
	return 0;
}

void scan_report_arrange(struct scan_report *r, const size_t *order)
{
	struct scan_summary *sorted = xcalloc(r->alloc, sizeof(*sorted));

	for (size_t i = 0; i < r->len; i++)
		sorted[i] = r->files[order[i]];
	free(r->files);
	r->files = sorted;
}

static bool read_spool(const struct scan_report *r, const struct scan_summary *s, char *line)
{
	size_t done = 0;
	ssize_t n;

	while (done < s->len && (n = pread(r->spool_fd, line + done, s->len - done, s->at + (off_t)done)) > 0)
		done += (size_t)n;
	return done == s->len;
}

void scan_report_load(const struct scan_report *r, size_t i, enum scan_part part, struct scanned_file *ret)
{
	const struct scan_summary *s = &r->files[i];
	autofree char *spooled = NULL;
	struct error err = { 0 };

	if (!s->line)
		spooled = xmalloc(s->len + 1);
	if ((s->line || read_spool(r, s, spooled)) &&
	    scanned_file_from_line(s->line ? s->line : spooled, s->len, part, r->rules, ret, &err) == 0) {
		scanned_file_judge(ret, r->fail_on);
		return;
	}
	scanned_file_init(ret, "?");
	finding_add(&ret->findings, FINDING_ERROR, "scan/lost", (struct position){ 0 },
		    "what was found in file %zu could not be read back: %s", i + 1, err.text);
	finding_sort(&ret->findings);
}

bool scan_report_acceptable(const struct scan_report *r)
{
	return !r->unacceptable;
}

/* ---- forms */

void scan_sink_flush(struct scan_sink *s, bool all)
{
	if (!s->write || (!all && s->text.len < FLUSH_BYTES))
		return;
	s->write(s->arg, s->text.buf, s->text.len);
	strbuf_clear(&s->text);
}

const struct scan_format scan_formats[] = {
	{ "text", "for people: every finding at its line, decision and score of each file", scan_report_text },
	{ "json", "everything, for programs", scan_report_json },
	{ "sarif", "SARIF 2.1.0, for code scanning", scan_report_sarif },
	{ "junit", "JUnit XML, a suite for each file", scan_report_junit },
	{ "github", "annotations of GitHub Actions", scan_report_github },
	{ "gitlab", "GitLab's code quality report", scan_report_gitlab },
	{ "markdown", "a comment or a summary page, at most 60 KB", scan_report_markdown },
	{ NULL, NULL, NULL },
};

const struct scan_format *scan_format_find(const char *name)
{
	for (const struct scan_format *f = scan_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}
