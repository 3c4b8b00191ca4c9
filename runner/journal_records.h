/* SPDX-License-Identifier: Apache-2.0
 * journal_records: the lines of a journal, and which of them may be believed. Private to journal.c.
 *
 * A journal may be torn, damaged, or written by somebody who would like us to delete or kill what is not ours. An intent counts
 * only when its id and backend have the form that we write and its endpoint is the run's own folder, written as "." so
 * that a state folder can be moved and its path need not be UTF-8. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/base/json.h"
#include "sandboxes/sandbox.h"

#define JOURNAL_NAME "journal"
#define JOURNAL_VERSION 1
#define JOURNAL_MAX_BYTES (1u << 20)
#define JOURNAL_MAX_INTENTS 4096

struct record_intent {
	struct sandbox_ref ref;
	bool known;		/* this version has the backend */
	bool gone;
};

struct records {
	struct record_intent *items;
	size_t len, alloc;
	bool newer;		/* the run was made by a version whose journals we cannot read */
	unsigned int damaged;	/* lines that are no records */
	unsigned int first_damaged;
	/* for people: 0 where it is not told */
	uint64_t started_ns, kept_until_ns;	/* wall clock */
	int64_t pid;
};

bool record_id_is_valid(const char *id);	/* [a-z0-9-]{1,63} */
bool record_ref_is_valid(const struct sandbox_ref *ref, const char *scratch);

json_t *record_of_intent(const struct sandbox_ref *ref, const char *scratch);
json_t *record_of_kept(uint64_t until_ns);	/* wall clock */
json_t *record_of_gone(const struct sandbox_ref *ref);

/* Never fails: what is no record is counted, unknown types are passed over, a last line without newline is not there. */
void records_parse(const char *text, size_t len, const char *scratch, struct records *ret);
void records_release(struct records *r);
#define autorecords __attribute__((__cleanup__(records_release)))

/* The whole journal from its start, at most text->max bytes (then text->overflow). */
int journal_read(int fd, struct strbuf *text, struct error *err);
