/* SPDX-License-Identifier: Apache-2.0
 *
 * The report for programs. `findings` is one flat list, each with its file. */
#include <ctype.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan_report_forms.h"

static json_t *counts_to_json(const size_t counts[SEVERITY_CRITICAL + 1])
{
	json_t *o = json_object();

	for (int s = SEVERITY_CRITICAL; s >= 0; s--)
		json_put_int(o, severity_to_string((enum severity)s), (int64_t)counts[s]);
	return o;
}

static void write_texts(struct strbuf *out, const char *key, const struct strvec *texts)
{
	json_add_key(out, key);
	strbuf_addch(out, '[');
	for (size_t i = 0; i < texts->len; i++) {
		strbuf_addstr(out, i ? "," : "");
		json_add_string(out, texts->items[i], strlen(texts->items[i]));
	}
	strbuf_addch(out, ']');
}

static void write_decision(struct strbuf *out, const struct scanned_file *f)
{
	static const char *const keys[] = { "decision",	  "score",   "risk_level", "approval_required",
					    "arithmetic", "reasons", "category" };

	for (size_t i = 0; !f->decided && i < ARRAY_SIZE(keys); i++)
		json_add_text(out, keys[i], NULL);
	if (!f->decided)
		return;
	json_add_text(out, "decision", verdict_to_string(f->verdict));
	json_add_int(out, "score", f->decision.score);
	json_add_text(out, "risk_level", risk_level_of_score(f->decision.score));
	json_add_bool(out, "approval_required", f->decision.approval_required);
	write_texts(out, "arithmetic", &f->decision.arithmetic);
	write_texts(out, "reasons", &f->decision.reasons);
	json_add_key(out, "category");
	decision_facts_write_json(&f->decision.facts, f->decision.score, out);
}

static void write_file_object(struct strbuf *out, const struct scanned_file *f)
{
	strbuf_addch(out, '{');
	json_add_text(out, "file", f->file);
	json_add_text(out, "workflow_id", f->workflow_id);
	json_add_bool(out, "valid", f->valid);
	json_add_bool(out, "acceptable", f->acceptable);
	write_decision(out, f);
	json_add_key(out, "counts");
	strbuf_addch(out, '{');
	for (int s = SEVERITY_CRITICAL; s >= 0; s--)
		json_add_int(out, severity_to_string((enum severity)s), (int64_t)f->findings.counts[s]);
	strbuf_addch(out, '}');
	json_add_int(out, "suppressed", (int64_t)f->findings.suppressed_count);
	strbuf_addch(out, '}');
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

static void next_item(struct list *list)
{
	strbuf_addstr(&list->out->text, list->any ? ",\n    " : "\n    ");
	list->any = true;
}

static void write_file(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct list *list = arg;

	(void)r;
	next_item(list);
	write_file_object(&list->out->text, f);
	scan_sink_flush(list->out, false);
}

static void write_findings(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct list *list = arg;

	(void)r;
	for (size_t i = 0; i < f->findings.len; i++) {
		next_item(list);
		finding_write_json(&f->findings.items[i], f->file, &list->out->text);
		scan_sink_flush(list->out, false);
	}
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
