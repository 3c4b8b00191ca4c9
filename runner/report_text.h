/* SPDX-License-Identifier: Apache-2.0
 * report_text: the result for people, whole. Private to runner/. */
#pragma once

#include "runner/base/strbuf.h"
#include "runner/result.h"

void report_text_write(const struct result *result, struct strbuf *out);
