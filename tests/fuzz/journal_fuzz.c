/* SPDX-License-Identifier: Apache-2.0
 * journal: whatever the lines are, only what looks like our own is believed, and what we write we read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/journal_records.h"

#define SCRATCH "/state/runs/r-1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of libsandboxes: one backend is known. */
bool sandbox_backend_info(size_t i, struct backend_info *ret)
{
	*ret = (struct backend_info){ .type = "container", .runtime = "native" };
	return i == 0;
}

void sandbox_backend_probe(size_t i, struct backend_info *info)
{
	info->available = i == 0;
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void add_line(json_t *record, struct strbuf *out)
{
	json_write(record, 0, out);
	strbuf_addstr(out, "\n");
	json_decref(record);
}

static void check_round_trip(const struct records *read)
{
	autostrbuf struct strbuf text = STRBUF_INIT(STRBUF_NO_MAX);
	autorecords struct records again = { 0 };

	for (size_t i = 0; i < read->len; i++) {
		add_line(record_of_intent(&read->items[i].ref, SCRATCH), &text);
		if (read->items[i].gone)
			add_line(record_of_gone(&read->items[i].ref), &text);
	}
	records_parse(text.buf, text.len, SCRATCH, &again);
	require(again.len == read->len && !again.damaged && !again.newer);
	for (size_t i = 0; i < read->len; i++)
		require(!strcmp(again.items[i].ref.id, read->items[i].ref.id) && again.items[i].gone == read->items[i].gone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autorecords struct records records = { 0 };

	records_parse((const char *)data, size, SCRATCH, &records);
	for (size_t i = 0; i < records.len; i++) {
		const struct sandbox_ref *ref = &records.items[i].ref;

		require(!strcmp(ref->endpoint, SCRATCH));
		require(record_id_is_valid(ref->id) && !strchr(ref->id, '/') && !strchr(ref->id, '.'));
		require(records.items[i].known == !strcmp(ref->backend, "native"));
	}
	require(records.len <= JOURNAL_MAX_INTENTS);
	check_round_trip(&records);
	return 0;
}
