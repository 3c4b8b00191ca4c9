/* SPDX-License-Identifier: Apache-2.0
 * policy_facts: what the registry's API says of every package. Private to policy*.c. */
#pragma once

#include "runner/base/json.h"
#include "validators/wpk.h"

/* {categories[], risk_level, resource_types[], complexity, automation_level}, as the registry's dry run answers it. */
json_t *policy_category(const struct wpk *wpk, const char *risk_level);
