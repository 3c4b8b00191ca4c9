/* SPDX-License-Identifier: Apache-2.0
 * scan_report_forms: what the forms of a report share. Private to validators/scan_report*.c. */
#pragma once

#include "validators/scan_report.h"

typedef void scan_writer(const struct scan_report *r, bool color, struct scan_sink *out);
scan_writer scan_report_text, scan_report_json, scan_report_sarif, scan_report_junit, scan_report_github, scan_report_gitlab, scan_report_markdown;

/* Call `each` for every file in order. */
typedef void scan_visitor(void *arg, const struct scan_report *r, const struct scanned_file *f);
void scan_report_each(const struct scan_report *r, scan_visitor *each, void *arg);

/* Findings that are listed although they say nothing about the package itself: "finding/more". */
bool scan_finding_is_note(const struct finding *f);

/* A value of the decision as text: "" when there is none. Arrays by index. */
const char *scan_decision_text(const struct scanned_file *f, const char *key);
json_int_t scan_decision_int(const struct scanned_file *f, const char *key);
const json_t *scan_decision_list(const struct scanned_file *f, const char *key);

/* "2 critical, 1 high" of counts that are not 0; "no findings". */
void scan_counts_text(const size_t counts[SEVERITY_CRITICAL + 1], struct strbuf *out);
