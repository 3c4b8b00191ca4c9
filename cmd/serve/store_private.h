/* SPDX-License-Identifier: Apache-2.0
 * store, private: what store.c and store_*.c share. */
#pragma once

#include "cmd/serve/store.h"
#include "runner/base/db.h"
#include "runner/base/digest.h"

struct store {
	struct db *db;
	char *data_dir;
	/* the end of the audit log */
	uint64_t audit_sequence;
	char audit_hash[DIGEST_HEX_SIZE];
	int64_t idempotency_bytes;	/* of kept answers, at most */
};

int idempotency_open(struct store *s, struct error *err);
int audit_begin(struct store *s, struct error *err);	/* reads the end of the log */

char *store_text(struct db_query *q, int column);	/* owned; NULL: NULL */
/* JSON in a column; NULL stays NULL. */
int store_json(struct db_query *q, int column, json_t **ret, struct error *err);
