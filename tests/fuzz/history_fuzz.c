/* SPDX-License-Identifier: Apache-2.0
 * history: whatever a line is, what the thorough way of reading makes of it the quick one makes of it, too. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/run_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void same_text(const char *a, const char *b)
{
	require(!a == !b && (!a || !strcmp(a, b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *line = xmalloc(size + 1);
	struct run_entry quick, thorough;
	bool good, read;

	line[0] = ' ';		/* which we do not write */
	memcpy(line + 1, data, size);
	good = run_entry_parse(line, size + 1, &thorough);
	read = run_entry_parse(line + 1, size, &quick);
	require(read || !good);
	if (good) {
		same_text(quick.package, thorough.package);
		same_text(quick.source, thorough.source);
		same_text(quick.where, thorough.where);
		same_text(quick.verdict, thorough.verdict);
		same_text(quick.failure, thorough.failure);
		same_text(quick.run_id, thorough.run_id);
		require(quick.started_ns == thorough.started_ns && quick.duration_ns == thorough.duration_ns && quick.status == thorough.status);
		require(quick.memory_peak_bytes == thorough.memory_peak_bytes && quick.kept_until_ns == thorough.kept_until_ns);
		require(quick.result_bytes == thorough.result_bytes && quick.escape_attempts == thorough.escape_attempts);
		require(quick.cleanup_complete == thorough.cleanup_complete);
		run_entry_release(&thorough);
	}
	if (read)
		run_entry_release(&quick);
	return 0;
}
