/* SPDX-License-Identifier: Apache-2.0
 * result_json: the parts of a result as JSON, for the result itself and for events. Private to runner/. */
#pragma once

#include "runner/base/json.h"
#include "runner/result.h"

json_t *step_result_to_json(const struct step_result *step, const struct redactor *redactor, bool with_output);
json_t *step_counts_to_json(const struct step_counts *c);
json_t *enforcement_to_json(const struct control_table *controls);
void json_put_time(json_t *object, const char *key, uint64_t realtime_ns);

/* Pass every text of a tree through the redactor, except those under keys whose values are words of our own ("status", "verdict" …): a
 * weak secret such as "none" must not make a result unreadable. Both trees and tables of keys are ours, so what is not
 * known to be safe is redacted. */
void json_redact(json_t *tree, const struct redactor *redactor);
