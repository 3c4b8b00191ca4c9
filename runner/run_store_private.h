/* SPDX-License-Identifier: Apache-2.0
 * run_store, private: lines of the history. */
#pragma once

#include "runner/run_store.h"

void run_entry_write(const struct result *r, int status, size_t result_bytes, struct strbuf *out);
