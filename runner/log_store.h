/* SPDX-License-Identifier: Apache-2.0
 * log_store: where --save-logs puts its files: a folder, or an archive that is made at the end. Private to runner/.
 *
 * A file grows in one of three lanes, one at a time per lane. For a folder it is there at once and can be followed. For an archive each
 * lane is one nameless file in which the files lie behind each other: three descriptors whatever the number of steps, and nothing
 * to clean up however we end. After the first failed write the store takes nothing more and remembers why. */
#pragma once

#include <stdbool.h>

#include <stddef.h>

#include "runner/base/error.h"

enum log_lane { LOG_STDOUT, LOG_STDERR, LOG_EVENTS, LOG_LANES };

struct log_store;

int log_store_open(const char *target, const char *scratch, struct log_store **ret, struct error *err);
void log_store_close(struct log_store *store);

/* `name` is a plain file name, no path. Beginning ends what the lane held before. */
void log_store_begin(struct log_store *store, enum log_lane lane, const char *name);
void log_store_write(struct log_store *store, enum log_lane lane, const void *data, size_t len);
void log_store_end(struct log_store *store, enum log_lane lane);
int log_store_errno(const struct log_store *store);	/* 0: all was written so far */

/* A further whole file; for a folder tried even after a failure, as what is small may still fit. */
void log_store_put(struct log_store *store, const char *name, const void *data, size_t len);
/* Write the archive. -1 tells the first failure of all. */
bool log_store_is_archive(const struct log_store *store);
int log_store_finish(struct log_store *store, const char *scratch, struct error *err);
