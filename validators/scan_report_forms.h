/* SPDX-License-Identifier: Apache-2.0
 * scan_report_forms: what the forms of a report share. Private to validators/scan_report*.c. */
#pragma once

#include "validators/scan_report.h"

typedef void scan_writer(const struct scan_report *r, bool color, struct scan_sink *out);
scan_writer scan_report_text, scan_report_json, scan_report_sarif, scan_report_junit, scan_report_github,
	scan_report_gitlab, scan_report_markdown;

/* Call `each` for every file in order. */
typedef void scan_visitor(void *arg, const struct scan_report *r, const struct scanned_file *f);
void scan_report_each(const struct scan_report *r, enum scan_part part, scan_visitor *each, void *arg);

/* "not acceptable: 2 of 9 files (1 invalid, 1 blocked); 3 high, 2 low; 1 suppressed": the verdict, in the same words
 * in every form. Nothing of a package in it. */
void scan_verdict_text(const struct scan_report *r, struct strbuf *out);
/* Does this finding alone keep its file from being acceptable? */
bool scan_finding_fails(const struct scan_report *r, const struct finding *f);
/* The rule that found it; NULL: a check without one, as those of the schema. */
const struct rule *scan_rule_of(const struct scan_report *r, const struct finding *f);

/* Findings that are listed although they say nothing about the package itself: "finding/more". */
bool scan_finding_is_note(const struct finding *f);

void scan_join(const struct strvec *texts, const char *between, struct strbuf *out);

/* "2 critical, 1 high" of counts that are not 0; "no findings". */
void scan_counts_text(const size_t counts[SEVERITY_CRITICAL + 1], struct strbuf *out);

/* One more item of an array, on a line of its own; the whole is never held in memory. Owns `item`. */
void scan_add_item(struct scan_sink *out, bool *any, const char *indent, json_t *item);
/* Text of a package for those who do not look at what they show: control and invisible characters as \x1b, \u202e. */
json_t *scan_safe_json(const char *s);
/* The path without "./" before it. */
const char *scan_relative(const char *file);
