/* SPDX-License-Identifier: Apache-2.0
 * package_api: a package judged for a client. Private to package_api*.c and run_api*.c. */
#pragma once

#include "cmd/serve/service.h"

/* Answer with a report of the package (copied): `format` is one of scan_format_at(). 200 whatever it says. */
void package_scan(struct service *s, struct request *rq, const char *name, const char *bytes, size_t len, const char *format);
/* The words that ?format= takes; NULL at the end. */
extern const char *const package_scan_formats[];
