/* SPDX-License-Identifier: Apache-2.0
 * report_target: --report=FORMAT[:PATH]. */
#pragma once

#include "cmd/output.h"
#include "runner/base/strvec.h"
#include "runner/report.h"

struct report_target {
	const struct report_format *format;
	const char *path;	/* borrowed; NULL: standard output */
};

struct report_targets {
	struct report_target *items;
	size_t len, alloc;
};

/* ERR_USAGE for an unknown format; ERR_UNAVAILABLE when a file could not be written at the end: better to know before the run. */
int report_targets_parse(const struct strvec *options, struct report_targets *ret, struct error *err);
void report_targets_release(struct report_targets *t);
size_t report_targets_on_stdout(const struct report_targets *t);

/* Write all; a file is replaced in one step (mode 0600), what is no regular file is written to. Returns `status`, or a worse one. */
int report_targets_write(const struct report_targets *t, const struct result *result, struct output *out, int status);
