/* SPDX-License-Identifier: Apache-2.0
 * effects_json: parts of effects as JSON, for other documents. Private to runner/. */
#pragma once

#include "runner/effects.h"

json_t *effects_state_to_json(const struct file_state *s);
/* The bytes of a path that is no UTF-8, two hexadecimal digits each, after the redactor (may be NULL), which could not see a secret in them
 * later; null for any other. */
json_t *effects_path_hex(const char *path, const struct redactor *redactor);
