/* SPDX-License-Identifier: Apache-2.0
 * library: shared libraries that only some commands need are loaded at first use, because linking all of them costs 7 ms at every
 * start. The owner file of a library keeps a table of its functions and calls this once. */
#pragma once

#include <stddef.h>

#include "runner/base/error.h"

struct library_symbol {
	const char *name;
	void *slot;	/* address of the function pointer */
};

/* Load `soname` and resolve every symbol; idempotent per caller (keep a static flag). ERR_UNAVAILABLE: "<soname> is not installed
 * (Debian package <package>)". The library stays loaded. */
int library_load(const char *soname, const char *package, const struct library_symbol *symbols, size_t n, struct error *err);
