/* SPDX-License-Identifier: Apache-2.0
 * cleanup_json: the clean-up certificate as a result has it. */
#pragma once

#include "runner/base/json.h"
#include "sandboxes/sandbox.h"

json_t *cleanup_item_to_json(const struct cleanup_item *item);
void cleanup_to_json(const struct cleanup_list *list, bool complete, json_t *ret);	/* into its object */
