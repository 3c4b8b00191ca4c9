/* SPDX-License-Identifier: Apache-2.0
 * finding: something to tell the author of a document, at file:line:column. All of a file's findings are collected;
 * an author never has to fix one to see the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "runner/base/yaml.h"

/* What it means for the package. Only errors make it invalid (exit 3). */
enum finding_level { FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

/* Who said that a finding does not count. */
enum finding_suppression { SUPPRESSED_NOT, SUPPRESSED_IN_FILE, SUPPRESSED_BESIDE, SUPPRESSED_BASELINE };

struct finding {
	enum finding_level level;
	enum severity severity;
	const char *rule_id;		/* lives as long as the rule set: "schema/unknown-key", "shell/recursive-delete" */
	char *message;			/* one sentence, no full stop */
	char *path;			/* YAML path: "spec.handlers[0].config.command"; NULL if none */
	char *suggestion;		/* what to do; NULL if none */
	const char *cwe;		/* "CWE-250"; NULL if none */
	struct position position;	/* line 0: of the file as a whole */
	unsigned int width;		/* characters to underline on that line, at least 1 */
	const char *category;		/* static; NULL */
	char *matched; /* the text that is meant, secrets masked, cut to FINDING_MATCHED_MAX; NULL if none */
	char *fingerprint;		/* 16 hex digits that survive moving lines (finding_fingerprints()); NULL before */
	bool suppressed;		/* stays visible, never counts */
	enum finding_suppression suppression;
	char *justification;		/* owned; the reason given for the suppression; NULL */
	char *line_text;		/* owned; the source line, once finding_keep_lines() was called; NULL */
	uint32_t line_column;		/* column of line_text's first character: more than 1 where a long line was cut */
	bool of_rule;			/* by finding_of_rule(): people are shown its severity and rule id */
};
#define FINDING_MATCHED_MAX 200
#define FINDING_LINE_MAX 400		/* bytes of line_text */

struct finding_list {
	const char *file;		/* borrowed: the document's name */
	struct finding *items;
	size_t len, alloc;
	/* All that were added, also those that are not kept (at most FINDINGS_PER_RULE a rule id): by severity,
	 * suppressed ones and the notes about those not kept left out. Exact once finding_sort() was called. */
	size_t counts[SEVERITY_CRITICAL + 1];
	size_t suppressed_count;
	size_t dropped[FINDING_ERROR + 1];	/* not kept, by level */
	void *tallies;			/* private */
};
#define FINDINGS_PER_RULE 100

void finding_list_init(struct finding_list *list, const char *file);
void finding_list_release(struct finding_list *list);

/* Append; the returned finding stays valid until the next append and may be completed (path, suggestion, width). */
struct finding *finding_add(struct finding_list *list, enum finding_level level, const char *rule_id,
			    struct position position, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The same at a node, which gives position and width. */
struct finding *finding_at(struct finding_list *list, enum finding_level level, const char *rule_id,
			   const struct node *node, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* All that count, also those not kept; exact at any time. */
size_t finding_count(const struct finding_list *list, enum finding_level at_least);
/* By position, then level; stable. Of each rule id the first FINDINGS_PER_RULE are kept, the rest is counted in one
 * note "finding/more" (matched: the rule id and the number). Those not kept follow their note when it is suppressed,
 * and the kept ones when a policy gave all of them another severity. Call it again after changing severities or
 * suppressions: it counts anew. */
void finding_sort(struct finding_list *list);
/* Nothing is added, changed or sorted any more: give back the memory that only this needs. */
void finding_settle(struct finding_list *list);

const char *finding_level_to_string(enum finding_level level);	/* "error", "warning", "note" */
const char *severity_to_string(enum severity severity);

/* "file:line:column: error: message" (of rules: "file:line:column: high: message [rule/id]"), the line and a caret,
 * "  help: suggestion". `doc` may be NULL: then line_text is shown, if there. Control characters of the document are
 * shown escaped, long lines are cut around the place. `color` adds SGR codes. */
void finding_print(const struct finding *f, const char *file, const struct document *doc, bool color,
		   struct strbuf *out);
/* {rule_id, level, severity, category, message, file, line, column, end_column, path, matched, suggestion, cwe,
 * fingerprint, suppressed, suppression: {kind, justification} or null} */
void finding_write_json(const struct finding *f, const char *file, struct strbuf *out);
json_t *finding_to_json(const struct finding *f, const char *file);

/* Of a finding of the scanner: the level follows from the severity (info: note; low and up: warning). Only schema
 * errors make a package invalid. */
struct finding *finding_of_rule(struct finding_list *list, enum severity severity, const char *rule_id,
				struct position position, const char *message);

bool severity_from_string(const char *s, enum severity *ret);
/* "in_file", "beside", "baseline"; NULL: not */
const char *suppression_to_string(enum finding_suppression suppression);

/* Give every finding its fingerprint: a digest of rule id, YAML path with names instead of numbers where there are
 * names, matched text and the number of equal ones before it; not of lines. */
void finding_fingerprints(struct finding_list *list, const struct document *doc);
void finding_keep_lines(struct finding_list *list, const struct document *doc);
