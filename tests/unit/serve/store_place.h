/* SPDX-License-Identifier: Apache-2.0
 * store_place: a store in a folder of its own, for the tests of the store. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>

#include "cmd/serve/store.h"
#include "runner/base/db.h"
#include "runner/base/file.h"
#include "tests/unit/must.h"

static char dir[64], path[96];
static struct store *store;

static inline void reopen(void)
{
	struct error err = { 0 };

	store_close(store);
	store = NULL;
	if (store_open(dir, &store, &err) < 0)
		print_error("%s\n", err.text);
	must(store != NULL);
}

static inline int make_store(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/store_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/service.db", dir);
	reopen();
	return 0;
}

static inline int remove_store(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	return remove_tree_at(AT_FDCWD, dir, NULL);
}

/* The same file without what the store makes of it; reopen() afterwards. */
static inline struct db *open_below(void)
{
	struct db *db = NULL;
	struct error err = { 0 };

	store_close(store);
	store = NULL;
	if (db_open(path, 1000, &db, &err) < 0)
		print_error("%s\n", err.text);
	must(db != NULL);
	return db;
}

static inline int add_run(const char *id, const char *workflow, enum run_state state, const char *verdict)
{
	struct run_row r = {
		.state = state, .verdict = (char *)verdict, .exit_status = -1, .origin = (char *)"v1", .workflow_id = (char *)workflow,
		.created_ns = 1, .files = true,
	};

	snprintf(r.id, sizeof(r.id), "%s", id);
	return store_run_add(store, &r, NULL);
}
