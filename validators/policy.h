/* SPDX-License-Identifier: Apache-2.0
 * policy: a package and its findings become a decision, with the arithmetic. Only policy_decide() makes one, and only a decision can be
 * planned: nothing unvalidated can run by accident. validators/README.md, "Policy", documents the file format. */
#pragma once

#include <stdbool.h>

#include "runner/base/json.h"
#include "runner/base/strvec.h"
#include "validators/rules.h"
#include "validators/wpk.h"

enum verdict { VERDICT_APPROVE, VERDICT_REVIEW, VERDICT_BLOCK };

struct policy_threshold { unsigned int review, block; };	/* scores from here on */

struct policy_multiplier { const char *rule_id; unsigned int percent; };

struct policy {
	char *name;			/* "default", "registry-compat", or the file's */
	enum rule_pack pack;		/* which built-in rules it judges by */
	unsigned int weights[SEVERITY_CRITICAL + 1];	/* points of one finding */
	unsigned int repeat_percent;	/* of the weight, for further findings of the same rule; 100: each counts in full */
	struct policy_threshold automatic, manual;	/* by safety mode */
	struct policy_multiplier *multipliers;	/* once each, when a finding of the rule is there */
	size_t multipliers_len;
	struct strvec hosts, registries, images, capabilities;	/* allowed: findings about them do not count (globs) */
	struct policy_severity { char *rule_id; bool off; enum severity severity; } *severities;	/* globs; the last that fits wins */
	size_t severities_len;
	struct strvec required_metadata;	/* "author", "description" …: missing ones are findings "policy/missing-metadata" */
	bool stated_approval;		/* approval_required of the package and its steps asks for approval as well */
	bool allow_suppressions;	/* false: those in the file and beside it do not count */
};

/* "default", "registry-compat", or the path of a YAML file (read by the caller: `doc`). Findings about the file go to `findings`;
 * NULL when it has errors. */
struct policy *policy_builtin(const char *name);	/* NULL: no such name */
struct policy *policy_from_document(const struct document *doc, struct finding_list *findings);
void policy_free(struct policy *p);

/* Before deciding: apply severity overrides, allow-lists and required metadata to the findings. */
void policy_apply(const struct policy *p, const struct wpk *wpk, struct finding_list *findings);

struct decision;

/* What the registry's API says of every package, as numbers of words that policy_facts.c knows. */
#define DECISION_WORDS_MAX ((1u << 3) - 1)	/* bits of words */
#define DECISION_DEGREE_MAX 2
struct decision_facts {
	unsigned int categories, resource_types;	/* bits */
	unsigned int complexity, automation;		/* degrees */
};
/* {categories[], risk_level, resource_types[], complexity, automation_level} */
void decision_facts_write_json(const struct decision_facts *f, unsigned int score, struct strbuf *out);
const char *risk_level_of_score(unsigned int score);

/* ERR_INVALID_INPUT when the findings hold errors. Otherwise a decision, also for a blocked package. `p` NULL: the default policy. `wpk` is borrowed, the
 * rest copied. Only findings of rules count, each rule at most FINDINGS_PER_RULE times. */
int policy_decide(const struct policy *p, const struct wpk *wpk, const struct finding_list *findings, struct decision **ret,
		  struct error *err);
void decision_free(struct decision *d);

/* Somebody takes the responsibility for running it all the same: the verdict stays, decision_refused() becomes false, and the reason is recorded
 * in every result. */
void decision_override(struct decision *d, const char *reason);

const struct wpk *decision_wpk(const struct decision *d);
enum verdict decision_verdict(const struct decision *d);
bool decision_refused(const struct decision *d);		/* blocked and not overridden */
const char *decision_override_reason(const struct decision *d);	/* NULL: not overridden */
bool decision_approval_required(const struct decision *d);	/* stated by the package or wanted by the policy */
/* "1 high, 2 low": the findings that count, by severity; empty if there are none. */
const char *decision_findings(const struct decision *d);
unsigned int decision_score(const struct decision *d);		/* 0 to 100 */
const char *decision_risk_level(const struct decision *d);	/* "low", "medium", "high", "critical" */
const struct decision_facts *decision_facts(const struct decision *d);
const struct strvec *decision_arithmetic(const struct decision *d);	/* lines: "1 critical x 75 = 75", "x 1.5 for privileged_container = 112", "at most 100" */
const struct strvec *decision_reasons(const struct decision *d); /* one sentence each; empty for a plain approval */
const char *verdict_to_string(enum verdict v);			/* "approve", "review", "block" */
/* {policy, policy_decision, approval_required, can_execute, score, risk_level, arithmetic[], reasons[], category{…}, override}; category: the facts */
json_t *decision_to_json(const struct decision *d);
