/* SPDX-License-Identifier: Apache-2.0
 * doctor_matrix: which runtime enforces which control on this host, measured by building a sandbox with each. */
#pragma once

#include "runner/base/strbuf.h"
#include "sandboxes/sandbox.h"

/* Build a sandbox by `runtime` with the limits of the default profile, and those that it leaves open, and take it down again, journalled
 * like any run. */
int doctor_probe(const char *runtime, const char *state_dir, struct control_table *ret, struct error *err);

/* A Markdown table, with notes on what is weaker, and on runtimes that cannot be had here. */
void doctor_matrix(const char *state_dir, struct strbuf *out);
