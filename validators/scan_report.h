/* SPDX-License-Identifier: Apache-2.0
 * scan_report: what scanning some files came to, and the forms it is told in. Every form is a pure function of the same report, so all tell
 * the same verdict. */
#pragma once

#include "runner/base/json.h"
#include "validators/policy.h"

/* --fail-on */
enum fail_on { FAIL_ON_INFO, FAIL_ON_LOW, FAIL_ON_MEDIUM, FAIL_ON_HIGH, FAIL_ON_CRITICAL, FAIL_ON_BLOCK /* only the decision */, FAIL_ON_NEVER };

struct scanned_file {
	char *file;			/* owned; as given, '/' separated */
	char *workflow_id;		/* NULL: no package */
	struct finding_list findings;	/* sorted, with fingerprints and lines; findings.file is `file` */
	bool valid;			/* no error of schema or YAML; false for what could not be read */
	int unreadable;			/* exit status when it could not be read at all; 0 */
	json_t *decision;		/* decision_to_json(); NULL when invalid */
	enum verdict verdict;		/* VERDICT_BLOCK when invalid */
	bool acceptable;		/* scanned_file_judge() */
};

struct scan_report {
	struct scanned_file *files;
	size_t len, alloc;
	const struct rule_set *rules;	/* borrowed: titles, help for the rules that were met */
	const char *policy;		/* name */
	char rules_digest[65];
	enum fail_on fail_on;
	size_t baseline_gone;
};

void scan_report_release(struct scan_report *r);
struct scanned_file *scan_report_add(struct scan_report *r, const char *file);
/* Set `acceptable`: valid, not blocked, and nothing unsuppressed at or above fail_on. */
void scanned_file_judge(struct scanned_file *f, enum fail_on fail_on);
bool scan_report_acceptable(const struct scan_report *r);

/* Between processes: one line of JSON, lossless. */
void scanned_file_to_line(const struct scanned_file *f, struct strbuf *out);
int scanned_file_from_line(const char *line, size_t len, const struct rule_set *rules, struct scan_report *ret, struct error *err);

struct scan_format {
	const char *name;		/* "text", "json", "sarif", "junit", "github", "gitlab", "markdown" */
	const char *help;
	void (*write)(const struct scan_report *r, bool color, struct strbuf *out);
};
extern const struct scan_format scan_formats[];	/* ends in a row without name */
