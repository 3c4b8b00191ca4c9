/* SPDX-License-Identifier: Apache-2.0
 * policy: a package and its findings become a decision. Only policy_decide() makes one, and only a decision can be
 * planned: nothing unvalidated can run by accident. */
#pragma once

#include <stdbool.h>

#include "runner/base/json.h"
#include "runner/base/strvec.h"
#include "validators/wpk.h"

enum verdict { VERDICT_APPROVE, VERDICT_REVIEW, VERDICT_BLOCK };

struct decision;

/* ERR_INVALID_INPUT when the findings hold errors. Otherwise a decision, also for a blocked package. `wpk` is
 * borrowed. */
int policy_decide(const struct wpk *wpk, const struct finding_list *findings, struct decision **ret,
		  struct error *err);
void decision_free(struct decision *d);

const struct wpk *decision_wpk(const struct decision *d);
enum verdict decision_verdict(const struct decision *d);
bool decision_approval_required(const struct decision *d);	/* stated by the package or wanted by the policy */
const struct strvec *decision_reasons(const struct decision *d); /* one sentence each; empty for a plain approval */
const char *verdict_to_string(enum verdict v);			/* "approve", "review", "block" */
json_t *decision_to_json(const struct decision *d);		/* {policy_decision, approval_required, reasons[]} */
