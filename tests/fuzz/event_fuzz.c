/* SPDX-License-Identifier: Apache-2.0
 * event: any bytes are events that keep observe.h's promises, up to the first that is none; what was unpacked packs to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandboxes/event.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	const char *at = copy;
	struct sandbox_event e, again;
	size_t left = size;

	if (!copy)
		abort();
	memcpy(copy, data, size);
	while (event_unpack(&at, &left, &e)) {
		autostrbuf struct strbuf packed = STRBUF_INIT(EVENT_BYTES_MAX);
		const char *p;
		size_t len;

		check(at <= copy + size && left == size - (size_t)(at - copy));
		check((unsigned int)e.kind < SANDBOX_EVENT_KINDS && (unsigned int)e.severity <= SANDBOX_CRITICAL && e.count);
		check(strlen(e.program) <= EVENT_PROGRAM_MAX && strlen(e.subject) <= EVENT_TEXT_MAX && strlen(e.detail) <= EVENT_TEXT_MAX);
		check(sandbox_event_kind_to_string(e.kind) && sandbox_severity_to_string(e.severity));
		event_pack(&packed, &e);
		check(!packed.overflow);
		p = packed.buf;
		len = packed.len;
		check(event_unpack(&p, &len, &again) && len == 0 && again.value == e.value && again.time_ns == e.time_ns &&
		      again.pid == e.pid && !strcmp(again.subject, e.subject) && !strcmp(again.detail, e.detail));
	}
	free(copy);
	return 0;
}
