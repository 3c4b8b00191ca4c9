/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/scan_report_forms.h"

#include <string.h>

void scan_report_each(const struct scan_report *r, scan_visitor *each, void *arg)
{
	for (size_t i = 0; i < r->len; i++) {
		struct scanned_file f;

		scan_report_load(r, i, &f);
		each(arg, r, &f);
		scanned_file_release(&f);
	}
}

bool scan_finding_is_note(const struct finding *f)
{
	return !strcmp(f->rule_id, "finding/more");
}

const char *scan_decision_text(const struct scanned_file *f, const char *key)
{
	const char *s = json_string_value(json_object_get(f->decision, key));

	return s ? s : "";
}

json_int_t scan_decision_int(const struct scanned_file *f, const char *key)
{
	return json_integer_value(json_object_get(f->decision, key));
}

const json_t *scan_decision_list(const struct scanned_file *f, const char *key)
{
	return json_object_get(f->decision, key);
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
