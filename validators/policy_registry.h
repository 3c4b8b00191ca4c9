/* SPDX-License-Identifier: Apache-2.0
 * policy_registry: the nine rules of the package registry, finding for finding. They are code because they follow the published validator in
 * what rules as data do not have: its idea of what is true, its reading of amounts, exactly one finding of a kind a step.
 *
 * It looks at handlers[].steps[] only: what stands in handlers[].config and in rollback is never seen. Where it fails on a null or a value of
 * another type and answers with an error, the value is read as absent, or as its text. */
#pragma once

#include "validators/finding.h"
#include "validators/rules_loader.h"

/* Their titles and help, without conditions; rules_builtin(RULES_REGISTRY_COMPAT) hands them out. */
extern const struct rule_tables registry_tables;

void registry_rules(const struct document *doc, struct finding_list *findings);
