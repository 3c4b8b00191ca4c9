/* SPDX-License-Identifier: Apache-2.0
 * What the files of auth share: see auth.h. */
#pragma once

#include "cmd/serve/auth.h"
#include "runner/base/digest.h"

struct token_entry {
	struct identity identity;
	unsigned char digest[DIGEST_SIZE];
	uint64_t expires_ns;		/* wall clock; UINT64_MAX: never */
};
struct token_list {
	struct token_entry *items;
	size_t len, alloc;
};
void token_list_release(struct token_list *list);

/* Read the file, which nobody else may write or (others than its group) read. `st` is of what was read. */
struct stat;
int token_list_read(const char *path, struct token_list *ret, struct stat *st, struct error *err);
int token_list_parse(const char *text, size_t len, const char *name, struct token_list *ret, struct error *err);

/* "2027-01-31": the end of that day, UTC. */
int expiry_parse(const char *text, uint64_t *ret_ns, struct error *err);
bool token_name_is_good(const char *name);

/* All entries are looked at, whichever fits. NULL: none. */
const struct token_entry *token_list_find(const struct token_list *list, const char *token);

struct rate_table;
struct rate_table *rate_table_new(void);
void rate_table_free(struct rate_table *t);
uint64_t rate_table_take(struct rate_table *t, const char *key, const struct rate_limit *limit, uint64_t now_ns);
