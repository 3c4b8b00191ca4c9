/* SPDX-License-Identifier: Apache-2.0
 * observed: a jail whose commands are observed, and what was told of the last one, as text and as numbers. */
#pragma once

#include "tests/unit/sandboxes/jail.h"

#include <string.h>

enum { EVENTS_MAX = 30000 };

/* What was told of the last command, a line an event: "kind severity allowed program subject|detail value xcount". */
static struct strbuf told;
static struct {
	size_t n;
	enum sandbox_severity worst;
	uint64_t kinds[SANDBOX_EVENT_KINDS];
} seen;

static void note(void *arg, const struct sandbox_event *e)
{
	(void)arg;
	must(e->program && e->subject && e->detail && e->count && e->time_ns);
	seen.n++;
	seen.kinds[e->kind] += e->count;
	if (e->severity > seen.worst)
		seen.worst = e->severity;
	if (seen.n < EVENTS_MAX)
		strbuf_addf(&told, "%s %s %s %s %s|%s =%d x%llu pid %u of %u\n", sandbox_event_kind_to_string(e->kind),
			    sandbox_severity_to_string(e->severity), e->allowed ? "allowed" : "refused", e->program, e->subject,
			    e->detail, e->value, (unsigned long long)e->count, e->pid, e->parent);
}

static void forget(void)
{
	strbuf_clear(&told);
	memset(&seen, 0, sizeof(seen));
}

static __attribute__((unused)) bool is_told(const char *part)
{
	return strstr(told.buf, part) != NULL;
}

static void must_be_told(const char *part)
{
	if (!is_told(part))
		print_error("not told: %s\nbut:\n%s\n", part, told.buf);
	must(is_told(part));
}

static void open_observed(struct jail *j)
{
	jail_init(j);
	j->spec.observe = true;
	j->spec.limits.memory_bytes = 512 << 20;
	j->spec.limits.pids = 200;
	j->spec.limits.storage_bytes = 64 << 20;
	j->spec.limits.storage_files = 4000;
	j->spec.limits.tmp_bytes = 32 << 20;
	j->spec.limits.nofile = 256;
	j->observer = note;
	jail_make(j);
	forget();
	must(j->controls.items[CONTROL_OBSERVATION].state == CONTROL_ENFORCED);
}

static void run(struct jail *j, const char *script)
{
	forget();
	jail_sh(j, script);
	if (getenv("SHOW"))
		print_message("%s\n%s%s%s", script, told.buf, j->out[0].buf, j->out[1].buf);
}
