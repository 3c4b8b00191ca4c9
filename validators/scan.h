/* SPDX-License-Identifier: Apache-2.0
 * scan: a package and a rule set become findings. Pure: opens nothing, runs nothing; time and memory are linear in
 * the document. */
#pragma once

#include "validators/rules.h"
#include "validators/wpk.h"

struct scanner;		/* a rule set made ready for matching: index of command names, keywords */

struct scanner *scanner_new(const struct rule_set *rules);	/* borrowed */
void scanner_free(struct scanner *s);

/* Add the findings of a package (which may have schema errors: what was decoded is looked at). `wpk` NULL: only text
 * rules on the document. Positions are exact inside plain, quoted and literal block scalars. Also reported, with ids
 * of their own: "scan/unresolved-command" (info: what could not be worked out), "scan/unreadable-shell" (info),
 * "scan/limit" and "scan/truncated" (high: a ceiling was hit, and what was not looked at may hide anything). */
void scan_package(struct scanner *s, const struct document *doc, const struct wpk *wpk, struct finding_list *findings);

/* One text in one scope, for samples and `rules test`: shell and script text, or the YAML of a mapping for
 * structural scopes. */
void scan_sample(struct scanner *s, enum rule_scope scope, const char *text, size_t len, struct finding_list *findings);

/* Does every sample of every rule do what it says? Each that does not becomes a finding at its line. Returns how
 * many samples were tried. */
size_t scan_rule_samples(const struct rule_set *rules, struct finding_list *findings);
