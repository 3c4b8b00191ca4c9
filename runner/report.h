/* SPDX-License-Identifier: Apache-2.0
 * report: --report=FORMAT[:PATH]. Pure functions of the result. */
#pragma once

#include <stddef.h>

#include "runner/base/strbuf.h"
#include "runner/result.h"

struct report_format {
	const char *name;	/* "json", "text" */
	const char *suffix;	/* default file name: "result.json" */
	const char *summary;
	void (*write)(const struct result *result, struct strbuf *out);
};
const struct report_format *report_find(const char *name);
const struct report_format *report_at(size_t i);	/* NULL past the last */
