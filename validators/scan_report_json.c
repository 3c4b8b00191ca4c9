/* SPDX-License-Identifier: Apache-2.0
 *
 * The report for programs. `findings` is one flat list, each with its file. */
#include <ctype.h>

#include "validators/scan_report_forms.h"

static json_t *counts_to_json(const size_t counts[SEVERITY_CRITICAL + 1])
{
	json_t *o = json_object();

	for (int s = SEVERITY_CRITICAL; s >= 0; s--)
		json_put_int(o, severity_to_string((enum severity)s), (int64_t)counts[s]);
	return o;
}

static json_t *file_to_json(const struct scanned_file *f)
{
	json_t *o = json_object(), *d = f->decision;

	json_put_text(o, "file", f->file);
	json_put_text(o, "workflow_id", f->workflow_id);
	json_put_bool(o, "valid", f->valid);
	json_put_bool(o, "acceptable", f->acceptable);
	json_put_text(o, "decision", d ? verdict_to_string(f->verdict) : NULL);
	for (size_t i = 0; i < 6; i++) {
		static const char *const keys[] = { "score",	  "risk_level", "approval_required",
						    "arithmetic", "reasons",	"category" };
		json_t *value = json_object_get(d, keys[i]);

		json_put(o, keys[i], value ? json_incref(value) : json_null());
	}
	json_put(o, "counts", counts_to_json(f->findings.counts));
	json_put_int(o, "suppressed", (int64_t)f->findings.suppressed_count);
	return o;
}

static json_t *summary(const struct scan_report *r)
{
	json_t *o = json_object(), *decisions = json_object();

	json_put_int(o, "files", (int64_t)r->len);
	json_put_int(o, "invalid", (int64_t)r->invalid);
	json_put_int(o, "not_acceptable", (int64_t)r->unacceptable);
	for (int v = 0; v <= VERDICT_BLOCK; v++)
		json_put_int(decisions, verdict_to_string((enum verdict)v), (int64_t)r->verdicts[v]);
	json_put(o, "decisions", decisions);
	json_put(o, "findings", counts_to_json(r->counts));
	json_put_int(o, "suppressed", (int64_t)r->suppressed);
	json_put_int(o, "baseline_gone", (int64_t)r->baseline_gone);
	return o;
}

static json_t *head(const struct scan_report *r)
{
	json_t *o = json_object(), *tool = json_object();

	json_put_int(o, "schema_version", 1);
	json_put_text(tool, "name", "sandbox_runner");
	json_put_text(tool, "version", SANDBOX_RUNNER_VERSION);
	json_put_text(tool, "rules_digest", r->rules_digest);
	json_put(o, "tool", tool);
	json_put_text(o, "policy", r->policy);
	json_put_text(o, "verdict", scan_report_acceptable(r) ? "acceptable" : "not_acceptable");
	json_put_text(o, "fail_on", fail_on_to_string(r->fail_on));
	json_put(o, "summary", summary(r));
	return o;
}

struct list {
	struct scan_sink *out;
	bool any;
};

static void write_file(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct list *list = arg;

	(void)r;
	scan_add_item(list->out, &list->any, "\n    ", file_to_json(f));
}

static void write_findings(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct list *list = arg;

	(void)r;
	for (size_t i = 0; i < f->findings.len; i++)
		scan_add_item(list->out, &list->any, "\n    ", finding_to_json(&f->findings.items[i], f->file));
}

void scan_report_json(const struct scan_report *r, bool color, struct scan_sink *out)
{
	struct list files = { .out = out }, findings = { .out = out };
	json_auto_t *first = head(r);

	(void)color;
	json_write(first, 2, &out->text);
	while (out->text.len && isspace((unsigned char)out->text.buf[out->text.len - 1]))
		out->text.len--;
	out->text.len -= 2;	/* "\n}": the object goes on */
	strbuf_addstr(&out->text, ",\n  \"files\": [");
	scan_report_each(r, SCAN_HEAD, write_file, &files);
	strbuf_addstr(&out->text, files.any ? "\n  ],\n  \"findings\": [" : "],\n  \"findings\": [");
	scan_report_each(r, SCAN_FINDINGS, write_findings, &findings);
	strbuf_addstr(&out->text, findings.any ? "\n  ]\n}\n" : "]\n}\n");
	scan_sink_flush(out, true);
}
