/* SPDX-License-Identifier: Apache-2.0
 * scan_pool: many packages through worker processes, some at a time through one stage after the other. A package that brings its
 * worker down is an error about that package; the others are scanned all the same. Workers die with us, whatever kills us. */
#pragma once

#include "cmd/scan_file.h"

struct scan_item {
	char *path;
	char *error;		/* NULL; otherwise why it is only told and not scanned */
};

/* Scan all, in `jobs` processes (0: in this one), and add the results to `report` in the order of the items. */
void scan_pool(struct scan_judge *j, const struct scan_item *items, size_t n, const char *state_dir, unsigned int jobs,
	       struct scan_report *report);

/* How many processes pay for these: 0 for few and small ones. */
unsigned int scan_pool_jobs(const struct scan_item *items, size_t n);
