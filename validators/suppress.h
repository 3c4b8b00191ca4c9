/* SPDX-License-Identifier: Apache-2.0
 * suppress: findings that somebody has looked at and takes the responsibility for. They stay visible and never count.
 *
 * In the package:  # sandbox_runner: ignore RULE[, RULE…] [until YYYY-MM-DD] -- REASON
 *	at the end of a line for that line, alone on a line for the next line that is no comment (for a block scalar's key: for the whole scalar).
 *	RULE may end in '*'. A shell comment in a script is as good as a YAML one.
 * Beside it (a file given, or .sandbox_runner-ignore.yaml in the package's folder):
 *	ignore: [{rule: shell/x, path: "spec.handlers[0].*", file: "glob", until: 2027-01-31, reason: "…"}]
 * What comes with a package (comments, the file beside it) cannot be about critical findings: a package is the last to ask whether it is harmless.
 * Without a reason, with an unknown rule or a date that is none, expired, or matching nothing: findings of their own ("suppress/…"). */
#pragma once

#include <time.h>

#include "validators/rules.h"

struct suppressions;

/* `today` as days since 1970-01-01, so that tests can choose it. `rules` NULL: names of rules are not checked. */
struct suppressions *suppressions_new(const struct rule_set *rules, long today);
void suppressions_free(struct suppressions *s);

/* Read those of a file beside. `trusted`: it was named by whoever judges and did not come with the package. Its problems go to `findings`. */
void suppressions_add_document(struct suppressions *s, const struct document *doc, bool trusted, struct finding_list *findings);

/* Mark what is suppressed in `findings` of `doc`: by the package's own comments and by those added. */
void suppressions_apply(struct suppressions *s, const struct document *doc, struct finding_list *findings);

/* ---- baseline: everything known at some time; only what is new counts. A JSON file of fingerprints. */
json_t *baseline_make(const struct finding_list *const *lists, size_t n);
/* Mark the findings that it knows: fingerprint and file, each as often as it was there. ERR_INVALID_INPUT if it is no baseline. */
struct baseline;
int baseline_parse(const char *text, size_t len, const char *name, struct baseline **ret, struct error *err);
void baseline_apply(struct baseline *b, struct finding_list *findings);
size_t baseline_gone(const struct baseline *b);		/* entries that nothing matched: fixed since */
void baseline_free(struct baseline *b);
