/* SPDX-License-Identifier: Apache-2.0
 * run_store, private: lines of the history, and the files; those know nothing of results but bytes. */
#pragma once

#include <sys/stat.h>

#include "runner/run_store.h"

#define HISTORY "history.ndjson"
#define RESULTS "results"
#define HISTORY_MAX_BYTES ((size_t)16 << 20)

void run_entry_write(const struct result *r, int status, size_t result_bytes, struct strbuf *out);

/* ---- files: -1 with errno, where there is no `err` */

int run_store_open(const char *state_dir, struct error *err);
/* The history, locked (flock's LOCK_SH, LOCK_EX), and still under its name. */
int run_store_open_history(int state, int flags, int how, struct stat *st);
int run_store_read(int fd, off_t at, size_t max, struct strbuf *out);
int run_store_append(int state, const struct strbuf *line, off_t *size);
int run_store_write_result(int state, const char *run_id, const struct strbuf *text);
int run_store_check_room(int state, size_t wanted);
