/* SPDX-License-Identifier: Apache-2.0
 * scan_file: one package through rules, policy, suppressions and baseline. Shared by scan, and by plan and run, whose
 * gate is the same verdict. */
#pragma once

#include "cmd/package.h"
#include "validators/scan.h"
#include "validators/scan_report.h"
#include "validators/suppress.h"

/* What to judge by. */
struct scan_options {
	const char *policy;		/* "default", "registry-compat" or a file */
	struct strvec rules;		/* folders */
	bool no_ignore;
	const char *ignore_file, *baseline;
};
#define SCAN_OPTIONS_INIT { .policy = "default" }
void scan_options_release(struct scan_options *o);
/* Rows for the options of a command whose struct `type` has a struct scan_options as `member`. */
#define SCAN_OPTION_ROWS(type, member) \
	{ .name = "policy", .kind = OPTION_TEXT, .offset = offsetof(type, member.policy), \
	  .value = "NAME|FILE", .section = "", .group = "Policy", \
	  .help = "decide by 'default', 'registry-compat' or the policy in a YAML file" }, \
	{ .name = "rules", .kind = OPTION_LIST, .offset = offsetof(type, member.rules), \
	  .value = "DIR", .section = "", .group = "Policy", \
	  .help = "add the rules of a folder; one with a known id takes its place" }, \
	{ .name = "no-ignore", .kind = OPTION_FLAG, .offset = offsetof(type, member.no_ignore), \
	  .section = "", .trust = OPTION_ON, .group = "Policy", \
	  .help = "let suppressions in packages and ignore files not count" }, \
	{ .name = "ignore-file", .kind = OPTION_TEXT, .offset = offsetof(type, member.ignore_file), \
	  .value = "FILE", .section = "", .group = "Policy", \
	  .help = "read suppressions from here" }, \
	{ .name = "baseline", .kind = OPTION_TEXT, .offset = offsetof(type, member.baseline), \
	  .value = "FILE", .section = "", .group = "Policy", \
	  .help = "let only findings count that are not in this file" }

/* All of it made ready: once, for any number of packages and for forked workers. */
struct scan_judge {
	struct rule_set *rules;
	struct scanner *scanner;
	bool own_rules;				/* by --rules: asked for beside the registry's, too */
	struct policy *policy;
	bool ignore;				/* suppressions count */
	struct document *ignore_doc;		/* NULL: no --ignore-file */
	struct suppressions *suppressions;	/* of packages in folders without an ignore file */
	struct scan_folder *folders;		/* private: the others */
	size_t folders_len, folders_alloc;
	char *looked;				/* private: the folder looked at last */
	struct baseline *baseline;		/* NULL: none */
	size_t baseline_len;			/* entries in it */
};
#define SCAN_JUDGE_INIT { .rules = NULL }

/* What is wrong with rule, policy and ignore files is added to `report` as files of their own. -1: one of them cannot
 * be read, or is no baseline. */
int scan_judge_open(struct scan_judge *j, const struct scan_options *o, struct scan_report *report, struct error *err);
/* The same for plan and run: what is wrong with such files is shown on standard error, and errors among it are one. */
int scan_judge_prepare(struct scan_judge *j, const struct scan_options *o, const struct common_options *common,
		       struct error *err);
void scan_judge_close(struct scan_judge *j);

/* Read the ignore file of the folder in which a package lies, once for each folder. What is wrong with it goes to `report` (NULL: what is wrong only
 * does not count; `scan` is there to tell). */
#define SCAN_IGNORE_NAME ".sandbox_runner-ignore.yaml"
void scan_judge_look_beside(struct scan_judge *j, const char *package, struct scan_report *report);

/* Add what the scanner finds in a decoded package to `findings` (sorted, with fingerprints), and decide. *ret is NULL
 * when the findings hold errors; `wpk` may be NULL, `package` is the path it was asked for by. Returns how many
 * entries of the baseline were met. */
size_t scan_judge_package(struct scan_judge *j, const char *package, const struct document *doc, const struct wpk *wpk,
			  struct finding_list *findings, struct decision **ret);

/* A file, bundle, URL or "-" on its way from opening it to the result, in stages: those who take many files from one stage to the next
 * together find the code of a stage in the processor's cache. What cannot be read is a finding. */
struct scan_source {
	const char *spec;
	struct package package;
	struct scanned_file result;
	bool finished;		/* there is a result: it could not be read. No further stage */
	int unclean;		/* exit status: what was unpacked could not be removed; 0 */
};
void scan_source_read(struct scan_source *s, const char *spec, const char *state_dir);
typedef void scan_stage(struct scan_source *s, struct scan_judge *j);
extern scan_stage *const scan_stages[];		/* after reading, in this order, up to NULL */
void scan_source_finish(struct scan_source *s, struct scanned_file *ret);	/* releases `s` */
/* What could not even be tried. */
void scan_failure(const char *name, int status, const char *text, struct scanned_file *ret);
