/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/scan_report_forms.h"

#include <string.h>

#include "runner/base/utf8.h"

void scan_report_each(const struct scan_report *r, enum scan_part part, scan_visitor *each, void *arg)
{
	for (size_t i = 0; i < r->len; i++) {
		struct scanned_file f;

		scan_report_load(r, i, part, &f);
		each(arg, r, &f);
		scanned_file_release(&f);
	}
}

bool scan_finding_is_note(const struct finding *f)
{
	return !strcmp(f->rule_id, "finding/more");
}

void scan_join(const struct strvec *texts, const char *between, struct strbuf *out)
{
	for (size_t i = 0; i < texts->len; i++) {
		strbuf_addstr(out, i ? between : "");
		strbuf_addstr(out, texts->items[i]);
	}
}

bool scan_finding_fails(const struct scan_report *r, const struct finding *f)
{
	if (f->suppressed || scan_finding_is_note(f))
		return false;
	return f->level == FINDING_ERROR || (r->fail_on <= FAIL_ON_CRITICAL && (int)f->severity >= (int)r->fail_on);
}

const struct rule *scan_rule_of(const struct scan_report *r, const struct finding *f)
{
	return r->rules && f->of_rule ? rules_find(r->rules, f->rule_id) : NULL;
}

void scan_verdict_text(const struct scan_report *r, struct strbuf *out)
{
	if (scan_report_acceptable(r))
		strbuf_addf(out, "acceptable: %zu file%s; ", r->len, r->len == 1 ? "" : "s");
	else
		strbuf_addf(out, "not acceptable: %zu of %zu file%s (%zu invalid, %zu blocked, fail on %s); ",
			    r->unacceptable, r->len, r->len == 1 ? "" : "s", r->invalid, r->verdicts[VERDICT_BLOCK],
			    fail_on_to_string(r->fail_on));
	scan_counts_text(r->counts, out);
	if (r->suppressed)
		strbuf_addf(out, "; %zu suppressed", r->suppressed);
	if (r->baseline_gone)
		strbuf_addf(out, "; %zu of the baseline %s gone", r->baseline_gone, r->baseline_gone == 1 ? "is" : "are");
}

void scan_counts_text(const size_t counts[SEVERITY_CRITICAL + 1], struct strbuf *out)
{
	bool any = false;

	for (int s = SEVERITY_CRITICAL; s >= 0; s--) {
		if (counts[s])
			strbuf_addf(out, "%s%zu %s", any ? ", " : "", counts[s], severity_to_string((enum severity)s));
		any |= counts[s] > 0;
	}
	if (!any)
		strbuf_addstr(out, "no findings");
}

void scan_add_item(struct scan_sink *out, bool *any, const char *indent, json_t *item)
{
	strbuf_addf(&out->text, "%s%s", *any ? "," : "", indent);
	*any = true;
	json_write(item, 0, &out->text);
	while (out->text.len && out->text.buf[out->text.len - 1] == '\n')
		out->text.buf[--out->text.len] = '\0';
	json_decref(item);
	scan_sink_flush(out, false);
}

json_t *scan_safe_json(const char *s)
{
	autostrbuf struct strbuf safe = STRBUF_INIT(STRBUF_NO_MAX);

	utf8_escape(&safe, s, strlen(s));
	return json_textn(safe.buf, safe.len);
}

const char *scan_relative(const char *file)
{
	while (file[0] == '.' && file[1] == '/' && file[2])
		file += 2 + strspn(file + 2, "/");
	return file;
}
