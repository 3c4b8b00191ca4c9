/* SPDX-License-Identifier: Apache-2.0
 * run_store: what finished runs leave: a line of history each, and the whole result.
 *
 *	<state>/history.ndjson		one line a run, written by one append; the last line of a run counts
 *	<state>/results/<run id>.json	the result as --format=json prints it, without blanks
 *
 * Results are kept of the newest RUN_STORE_RUNS, and no more than RUN_STORE_BYTES; lines of the newest HISTORY_RUNS, and some more until it is
 * worth the while to shorten the file. Nothing is synced: a power cut may lose the last
 * lines, a full disk or a death may tear one, which is passed over. What is behind this header may change to a database.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "runner/base/json.h"
#include "runner/result.h"

#define HISTORY_RUNS 10000
#define RUN_STORE_RUNS 200
#define RUN_STORE_BYTES (UINT64_C(64) << 20)

struct run_entry {
	char run_id[RUN_ID_SIZE];
	char *package;			/* workflow id; NULL: unknown */
	char *source;
	char *where;			/* "container (native)"; NULL: nowhere */
	char *verdict;
	char *failure;			/* to count by: "shell/exit_status", "http/timed_out", "error/unavailable"; NULL: none */
	uint64_t started_ns, duration_ns;
	uint64_t memory_peak_bytes;	/* 0: unknown */
	uint64_t kept_until_ns;		/* wall clock; 0: not kept, or no more */
	uint64_t result_bytes;
	uint64_t escape_attempts;	/* security events that failed it */
	int status;			/* the exit status */
	bool cleanup_complete;
};

struct run_entries {
	struct run_entry *items;	/* oldest first */
	size_t len, alloc;
};
void run_entries_release(struct run_entries *e);

/* Add a run, or what became of it later. `json` is its result_to_json(). -1: it could not be written, which is no trouble of the run's. */
int run_store_add(const char *state_dir, const struct result *result, const json_t *json, int status, struct error *err);

/* A run whose keeper died was cleaned up by somebody else, its reaper or `gc`: complete its line and its result with what was removed and
 * found gone. Nothing happens to a run that has no line, or whose keeper could write that it is over. */
int run_store_cleaned(const char *state_dir, const char *run_id, const struct cleanup_list *list, struct error *err);

/* All that are there; none is no error. */
int run_store_list(const char *state_dir, struct run_entries *ret, struct error *err);

/* The result of a run; ERR_INVALID_INPUT when it is not kept. */
int run_store_result(const char *state_dir, const char *run_id, struct strbuf *json, struct error *err);

/* From a line of history; false: it is none. Here for the tests. */
bool run_entry_parse(const char *line, size_t len, struct run_entry *ret);
void run_entry_release(struct run_entry *e);
