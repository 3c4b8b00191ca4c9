/* SPDX-License-Identifier: Apache-2.0
 * observation: what a step was seen to do: programs, network, attempts that smell, use of resources. Collected from the sandbox's
 * events; bounded, with what did not fit counted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/base/json.h"
#include "runner/base/strbuf.h"
#include "runner/usage_series.h"
#include "sandboxes/sandbox.h"

struct process_seen {
	uint32_t pid, parent;		/* inside */
	uint64_t started_ns, ended_ns;	/* since the start of the step; ended 0: not seen */
	int status;			/* exit status, if `exited` */
	bool exited, outlived;
	char *program, *arguments;	/* owned */
};

/* Anything else, told once however often it happened. */
struct thing_seen {
	enum sandbox_event_kind kind;
	enum sandbox_severity severity;
	bool allowed;
	uint64_t at_ns;			/* the first time, since the start of the step */
	uint64_t count;
	uint32_t pid;
	int value;
	char *program, *subject, *detail;	/* owned */
	uint64_t hash;			/* of what makes it the same thing */
};
struct things_seen {
	struct thing_seen *items;
	size_t len, alloc;
};

enum { PROCESSES_MAX = 10000, THINGS_MAX = 4096 };

struct observation {
	bool watched;			/* somebody looked; otherwise empty lists mean nothing */
	uint64_t started_ns;		/* wall clock */
	struct process_seen *processes;
	size_t processes_len, processes_alloc;
	struct things_seen network, security;
	uint64_t lost;			/* events that were not kept, for whatever reason */
	struct usage_series usage;
};

struct observation *observation_new(bool watched);
void observation_free(struct observation *o);
/* Take note of an event. Returns the thing when it is a new one worth telling at once (network or security), else NULL. */
const struct thing_seen *observation_add(struct observation *o, const struct sandbox_event *event);

/* How many security events are at least as severe. */
uint64_t observation_count(const struct observation *o, enum sandbox_severity at_least);
bool severity_from_name(const char *name, enum sandbox_severity *ret);

json_t *observation_to_json(const struct observation *o);	/* NULL: null */
json_t *thing_to_json(const struct thing_seen *t);
/* "refused mount: proc on /mnt (probe)", "denied 192.0.2.1:443 (tcp, curl), 3 times"; to be redacted and sanitised by the caller. */
void thing_describe(const struct thing_seen *t, struct strbuf *out);
