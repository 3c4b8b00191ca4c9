/* SPDX-License-Identifier: Apache-2.0
 * rules_tables: how the build leaves the built-in rules: numbers and one long text, without a single address. So nothing has to be
 * relocated when the program starts, and no memory is written before a rule is asked for (rules_at()). Private to validators/rules*.c
 * and scan*.c. */
#pragma once

#include "validators/rules.h"
#include "validators/scan_required.h"

struct scan_index;

/* Texts are where they begin in rule_tables.texts, 0: NULL; lists of names where they begin in rule_tables.names, 0: NULL. */
struct rule_row {
	uint32_t id, title, message, help, suggestion, cwe, category, file;
	uint32_t line;
	uint32_t matches, matches_len, samples, samples_len;	/* the first one, and how many */
	uint8_t severity, scope;
	bool secret, disabled;
};

struct match_row {
	uint32_t commands, each, keywords;
	uint32_t conditions, conditions_len;
};

struct condition_row {
	uint64_t bits, number;
	uint32_t path, text, names, pattern;
	uint8_t subject, test;
	bool negated, recursive, each;
	char unit;
};

struct sample_row {
	uint32_t text, line;
	bool must_match;
};

struct rule_macro {		/* known everywhere; for rules of users */
	uint32_t name, text;	/* expanded */
};

struct rule_tables {
	const struct rule *rules;	/* as they are handed out; NULL: rows */
	const struct rule_row *rows;
	size_t len;
	size_t patterns_len;
	const char *texts;
	const uint32_t *names;		/* each list ends in 0 */
	const struct match_row *matches;
	const struct condition_row *conditions;
	const struct sample_row *samples;
	const struct pattern_needs *needs;	/* of each pattern, by its number */
	const struct rule_macro *macros;
	size_t macros_len;
	const char *digest;
	const struct scan_index *index;	/* scan_index.h; NULL: made with the scanner */
};
extern const struct rule_tables rules_tables;	/* of the default pack; those of the registry are code: policy_registry.h */

/* What the build made of the set as it is now; NULL: nothing, or something was loaded. */
const struct scan_index *rules_index(const struct rule_set *set);
