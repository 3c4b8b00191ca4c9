/* SPDX-License-Identifier: Apache-2.0
 * run_name: which run is meant. A run may be named by the beginning of its id, with or without "r-", as long as no other begins so. */
#pragma once

#include "runner/live.h"
#include "runner/run_store.h"

struct run_names {		/* all that are known */
	char *state_dir;	/* owned */
	struct live_runs live;
	struct run_entries past;
};
int run_names_open(const char *state_option, struct run_names *ret, struct error *err);
void run_names_release(struct run_names *n);

/* ERR_INVALID_INPUT when there is none, or more than one. *live and *past (may be NULL) get what is known of it, NULL if nothing. */
int run_names_find(const struct run_names *n, const char *text, const struct live_run **live, const struct run_entry **past, struct error *err);

#define RUN_ID_SHOWN 12		/* letters of an id that people are shown */
