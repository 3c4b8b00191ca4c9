/* SPDX-License-Identifier: Apache-2.0
 * event: a struct sandbox_event as bytes, on its way from a first process to the runner. Private to sandboxes/.
 * What comes from a sandbox is checked when it is read: any bytes are either an event that keeps observe.h's promises, or nothing. */
#pragma once

#include <stddef.h>

#include "runner/base/strbuf.h"
#include "sandboxes/observe.h"

enum {
	EVENT_PROGRAM_MAX = 63,
	EVENT_TEXT_MAX = 4095,		/* of subject and detail, without the NUL: what is longer is cut */
	EVENT_BYTES_MAX = 64 + EVENT_PROGRAM_MAX + 1 + 2 * (EVENT_TEXT_MAX + 1),
};

/* Append it; at most EVENT_BYTES_MAX bytes. */
void event_pack(struct strbuf *out, const struct sandbox_event *event);
/* The next one of `*len` bytes at `*data`, which move on; its texts point there. False: there is none, or it is no event. */
bool event_unpack(const char **data, size_t *len, struct sandbox_event *ret);
