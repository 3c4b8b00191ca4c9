/* SPDX-License-Identifier: Apache-2.0
 * package: from a source to a decision. Shared by validate, plan and run. */
#pragma once

#include <stdbool.h>

#include "cmd/command.h"
#include "cmd/scratch.h"
#include "runner/source.h"
#include "validators/policy.h"

struct package {
	char *shown;			/* owned; what was asked for, without the credentials of a URL */
	struct source source;
	struct document *doc;		/* NULL: could not be parsed at all */
	struct finding_list findings;	/* sorted */
	struct wpk *wpk;		/* NULL: is no package */
	struct decision *decision;	/* NULL: the findings hold errors, or nobody was asked to judge */
};

/* Must something be unpacked before the package can be read (a bundle, or perhaps one behind a URL)? */
bool package_needs_scratch(const char *spec);

struct scan_judge;

/* -1: there is nothing to read. 0: look at `findings` and `decision`, which `judge` (cmd/scan_file.h; NULL: no rules, no decision) makes. Release it in
 * both cases. */
int package_open(const char *spec, const char *scratch, struct scan_judge *judge, struct package *ret, struct error *err);
/* The same with a guarded scratch folder where one is needed. */
int package_open_anywhere(const char *spec, const char *state_dir, struct scratch *scratch, struct scan_judge *judge, struct package *ret,
			  struct error *err);

/* The steps of that, without judging, for who takes many packages through them together: read what is there, then parse it, then decode it. */
int package_read(const char *spec, const char *state_dir, struct scratch *scratch, struct package *ret, struct error *err);
int package_parse(struct package *p, struct error *err);
int package_decode(struct package *p, struct error *err);

void package_release(struct package *p);

/* The findings from number `first` on as text: with --quiet only errors. Of the scanner's, for run and plan, only those of severity high and up, all
 * with --verbose; plan and result count them. */
void package_print_findings(const struct package *p, const struct common_options *common, size_t first, bool color,
			    struct strbuf *out);
void package_show_findings(const struct package *p, const struct common_options *common, size_t first);	/* on stderr */
void package_show_reasons(const struct package *p);	/* why the policy refuses it, if it does; on stderr */
json_t *package_findings_to_json(const struct package *p);

/* That it is invalid, or refused by the policy; ERR_OK when it may go on. */
void package_verdict(const struct package *p, struct error *err);
