/* SPDX-License-Identifier: Apache-2.0
 * policy_facts: what the registry's API says of every package. Private to policy*.c. */
#pragma once

#include "validators/policy.h"

struct decision_facts policy_facts(const struct wpk *wpk);
