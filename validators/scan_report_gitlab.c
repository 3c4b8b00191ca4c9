/* SPDX-License-Identifier: Apache-2.0
 *
 * GitLab's code quality report: an array of issues. It knows no suppressions, so those are left out. */
#include <string.h>

#include "runner/base/digest.h"
#include "validators/scan_report_forms.h"

struct list {
	struct scan_sink *out;
	bool any;
};

/* Unique in the whole report. */
static void fingerprint(const struct finding *f, const char *file, char hex[DIGEST_HEX_SIZE])
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);

	strbuf_add(&text, file, strlen(file) + 1);
	strbuf_addstr(&text, f->fingerprint ? f->fingerprint : f->rule_id);
	sha256_hex(text.buf, text.len, hex);
}

static json_t *issue(const struct finding *f, const char *file)
{
	static const char *const severities[] = {
		[SEVERITY_INFO] = "info", [SEVERITY_LOW] = "minor", [SEVERITY_MEDIUM] = "major",
		[SEVERITY_HIGH] = "critical", [SEVERITY_CRITICAL] = "blocker",
	};
	json_t *o = json_object(), *location = json_object(), *lines = json_object(), *categories = json_array();
	char hex[DIGEST_HEX_SIZE];

	fingerprint(f, file, hex);
	json_put_text(o, "type", "issue");
	json_put(o, "description", scan_safe_json(f->message));
	json_put_text(o, "check_name", f->rule_id);
	json_put_text(o, "fingerprint", hex);
	json_put_text(o, "severity", severities[f->severity]);
	json_push(categories, json_text(f->of_rule ? "Security" : "Style"));
	json_put(o, "categories", categories);
	json_put_text(location, "path", scan_relative(file));
	json_put_int(lines, "begin", f->position.line ? f->position.line : 1);
	json_put(location, "lines", lines);
	json_put(o, "location", location);
	return o;
}

static void write_file(void *arg, const struct scan_report *r, const struct scanned_file *f)
{
	struct list *list = arg;

	(void)r;
	for (size_t i = 0; i < f->findings.len; i++) {
		if (f->findings.items[i].suppressed)
			continue;
		scan_add_item(list->out, &list->any, "\n  ", issue(&f->findings.items[i], f->file));
	}
}

void scan_report_gitlab(const struct scan_report *r, bool color, struct scan_sink *out)
{
	struct list list = { .out = out };

	(void)color;
	strbuf_addch(&out->text, '[');
	scan_report_each(r, SCAN_WHOLE, write_file, &list);
	strbuf_addstr(&out->text, list.any ? "\n]\n" : "]\n");
	scan_sink_flush(out, true);
}
