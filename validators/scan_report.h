/* SPDX-License-Identifier: Apache-2.0
 * scan_report: what scanning some files came to, and the forms it is told in. Every form is a pure function of the
 * same report, so all tell the same verdict.
 *
 * Ten thousand files may have a hundred thousand findings, so a report holds of each file a summary and one line
 * with all the rest, which is also how worker processes hand files over; many lines are kept in a file without a
 * name. A form loads one file after the other and writes as it goes. */
#pragma once

#include <sys/types.h>

#include "runner/base/arena.h"
#include "runner/base/json.h"
#include "validators/policy.h"

/* --fail-on */
enum fail_on {
	FAIL_ON_INFO,
	FAIL_ON_LOW,
	FAIL_ON_MEDIUM,
	FAIL_ON_HIGH,
	FAIL_ON_CRITICAL,
	FAIL_ON_BLOCK,		/* only the decision */
	FAIL_ON_NEVER,
};
bool fail_on_from_string(const char *s, enum fail_on *ret);
const char *fail_on_to_string(enum fail_on f);

struct scanned_decision {		/* what forms tell of a decision */
	unsigned int score;
	bool approval_required;
	struct decision_facts facts;
	struct strvec arithmetic, reasons;
};

struct scanned_file {
	char *file;			/* owned; as given, '/' separated */
	char *workflow_id;		/* owned; NULL: no package */
	struct finding_list findings;	/* sorted, with fingerprints and lines; findings.file is `file` */
	bool valid;			/* no error of schema or YAML; false for what could not be read */
	int unreadable;			/* exit status when it could not be read at all; 0 */
	bool decided;			/* false: invalid, or no package; `decision` is empty then */
	struct scanned_decision decision;
	enum verdict verdict;		/* VERDICT_BLOCK when invalid */
	bool acceptable;		/* scanned_file_judge() */
	size_t baseline_matched;	/* entries of the baseline that were met */
	struct arena words;		/* private: rule ids and the like that are of no rule */
};

void scanned_file_init(struct scanned_file *f, const char *file);
void scanned_file_release(struct scanned_file *f);
void scanned_file_decide(struct scanned_file *f, const struct decision *d);
/* Set `acceptable`: valid, not blocked, and nothing unsuppressed at or above fail_on. Only what is invalid is not
 * acceptable with FAIL_ON_NEVER. */
void scanned_file_judge(struct scanned_file *f, enum fail_on fail_on);

/* Between processes: one line without its end, lossless. `ret` is untouched on failure (ERR_INVALID_INPUT). Only what is
 * wanted is read and set. */
enum scan_part {
	SCAN_COUNTS = 0,		/* numbers and the verdict; no names */
	SCAN_HEAD = 1,			/* names and decision, too */
	SCAN_FINDINGS = 2,		/* names and findings, too */
	SCAN_WHOLE = SCAN_HEAD | SCAN_FINDINGS,
};
void scanned_file_to_line(const struct scanned_file *f, struct strbuf *out);
int scanned_file_from_line(const char *line, size_t len, enum scan_part part, const struct rule_set *rules,
			   struct scanned_file *ret, struct error *err);

struct scan_summary {			/* of one file */
	char *line;			/* owned; NULL: in the spool */
	off_t at;
	size_t len;
	size_t counts[SEVERITY_CRITICAL + 1], suppressed;
	enum verdict verdict;
	int unreadable;
	bool valid, acceptable;
};

struct scan_report {
	struct scan_summary *files;
	size_t len, alloc;
	const struct rule_set *rules;	/* borrowed: titles, help for the rules that were met */
	const char *policy;		/* borrowed; name */
	char rules_digest[65];
	enum fail_on fail_on;
	enum severity show;		/* text and markdown: findings below are only counted */
	bool quiet;			/* text: only what is not acceptable */
	size_t baseline_matched, baseline_gone;	/* entries of the baseline: met, and fixed since */
	/* of all files */
	size_t counts[SEVERITY_CRITICAL + 1], suppressed, invalid, unacceptable;
	size_t verdicts[VERDICT_BLOCK + 1];	/* of the valid ones */
	int (*open_spool)(void);	/* a file without a name, read and write; -1: none to be had. NULL: memory has to do */
	int spool_fd;			/* private; -1 */
	size_t held_bytes, spooled_bytes;
};

void scan_report_init(struct scan_report *r);
void scan_report_release(struct scan_report *r);
/* Add a file, judged by r->fail_on; `f` stays the caller's. */
void scan_report_add(struct scan_report *r, struct scanned_file *f);
/* The same from the line that another process made of it. What is wrong with its findings shows when they are loaded. */
int scan_report_add_line(struct scan_report *r, const char *line, size_t len, struct error *err);
/* Put the files into another order: number i of the result is the one that was number order[i]. */
void scan_report_arrange(struct scan_report *r, const size_t *order);
/* File `i` again; release it. A spool that cannot be read is told as a finding of that file. */
void scan_report_load(const struct scan_report *r, size_t i, enum scan_part part, struct scanned_file *ret);
bool scan_report_acceptable(const struct scan_report *r);

/* Where a form is written to: writers append to `text` and call scan_sink_flush() now and then. */
struct scan_sink {
	struct strbuf text;
	void (*write)(void *arg, const char *data, size_t len);	/* NULL: all stays in `text` */
	void *arg;
};
void scan_sink_flush(struct scan_sink *s, bool all);	/* unless `all`, only when much has gathered */

struct scan_format {
	const char *name;		/* "text", "json", "sarif", "junit", "github", "gitlab", "markdown" */
	const char *help;
	void (*write)(const struct scan_report *r, bool color, struct scan_sink *out);
};
extern const struct scan_format scan_formats[];	/* ends in a row without name */
const struct scan_format *scan_format_find(const char *name);
