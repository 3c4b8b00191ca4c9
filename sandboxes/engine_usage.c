/* SPDX-License-Identifier: Apache-2.0
 * What a container uses and which of its limits hold: from its control groups where they can be seen from here, which is cheap and
 * nobody's word, otherwise as the engine says. */
#include "sandboxes/engine.h"

#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/quantity.h"
#include "sandboxes/native.h"

void engine_usage_open(struct engine_sandbox *es)
{
	cgroup_adopt(&es->cgroup, es->state.init.pid, es->state.container);
	for (size_t i = 0; i < es->cgroup.len; i++)
		engine_state_add(&es->state, "cgroup %s\n", es->cgroup.places[i].path);
}

/* ---- as the engine says */

static void take_io(const json_t *stats, struct sandbox_usage *ret)
{
	const json_t *rows = json_object_get(json_object_get(stats, "blkio_stats"), "io_service_bytes_recursive"), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *op = engine_text(row, "op", NULL);

		ret->known |= USAGE_IO;
		if (!strcasecmp(op, "read"))
			ret->io_read_bytes += engine_number(row, "value", NULL);
		else if (!strcasecmp(op, "write"))
			ret->io_write_bytes += engine_number(row, "value", NULL);
	}
}

static void ask_engine(struct engine_sandbox *es, struct sandbox_usage *ret)
{
	autofree char *path = xasprintf("/containers/%s/stats?stream=0&one-shot=1", es->state.container);
	json_auto_t *stats = NULL;

	if (engine_demand(&es->engine, "GET", path, NULL, &stats, NULL) < 0 || !json_is_object(stats))
		return;
	ret->cpu_ns = engine_number(stats, "cpu_stats", "cpu_usage", "total_usage", NULL);
	ret->throttled_ns = engine_number(stats, "cpu_stats", "throttling_data", "throttled_time", NULL);
	ret->memory_bytes = engine_number(stats, "memory_stats", "usage", NULL);
	ret->memory_peak_bytes = engine_number(stats, "memory_stats", "max_usage", NULL);
	ret->pids = engine_number(stats, "pids_stats", "current", NULL);
	ret->known |= (ret->cpu_ns ? USAGE_CPU | USAGE_THROTTLED : 0) | (ret->memory_bytes ? USAGE_MEMORY : 0) |
		(ret->memory_peak_bytes ? USAGE_MEMORY_PEAK : 0) | (ret->pids ? USAGE_PIDS : 0);
	ret->pids -= ret->pids > 0;
	take_io(stats, ret);
}

void engine_usage(struct sandbox *sb, struct sandbox_usage *ret)
{
	struct engine_sandbox *es = (struct engine_sandbox *)sb;

	if (es->cgroup.len)
		native_usage_of(&es->cgroup, -1, -1, ret);
	else
		ask_engine(es, ret);
}

/* ---- the table */

static const char *nobody_holds(const struct engine_sandbox *es)
{
	return es->engine.kind->tmpfs_details ? "docker does not hold it here: one that is rootless needs cgroup version 2" :
						"podman does not hold it here: a rootless one needs cgroup version 2";
}

/* Only the engine's word, or a limit of each process: better than nothing, and called what it is. */
static void fill_by_word(const struct engine_sandbox *es, const json_t *host, enum control_id id, const char *member, uint64_t asked,
			 uint64_t want, const char *stand_in, struct control_table *t)
{
	const char *name = es->engine.kind->backend->name;
	autostrbuf struct strbuf text = STRBUF_INIT(63);

	if (id == CONTROL_SWAP)
		strbuf_addstr(&text, "none");
	else if (id == CONTROL_MEMORY)
		size_format(&text, asked);
	else
		strbuf_addf(&text, "%.10g", id == CONTROL_CPU ? (double)asked / 1000 : (double)asked);
	if (!asked)
		control_set(t, id, CONTROL_NOT_REQUESTED, NULL, NULL, NULL);
	else if (engine_number(host, member, NULL) == want)
		control_set(t, id, CONTROL_DEGRADED, text.buf, name, "%s says so; its control groups cannot be seen from here", name);
	else if (stand_in)
		control_set(t, id, CONTROL_DEGRADED, text.buf, stand_in, "%s", nobody_holds(es));
	else
		control_set(t, id, CONTROL_UNAVAILABLE, text.buf, "none", "%s", nobody_holds(es));
}

static void fill_limits(struct engine_sandbox *es, const struct engine_plan *p, const json_t *inspected, struct control_table *t)
{
	const struct sandbox_limits *l = &p->spec->limits;
	const struct guest_report *r = &es->guest.report;
	const json_t *host = json_object_get(inspected, "HostConfig");
	struct cgroup_state states[CGROUP_CONTROLLERS];

	if (es->cgroup.len) {
		cgroup_check(&es->cgroup, &(struct cgroup_limits){ .memory_bytes = l->memory_bytes, .cpu_millis = l->cpu_millis,
			     .pids = l->pids ? l->pids + 1 : 0 }, states);
		native_fill_cgroup_controls(l, states, true, 0, r->limits.nproc, t);
		return;
	}
	fill_by_word(es, host, CONTROL_MEMORY, "Memory", l->memory_bytes, l->memory_bytes,
		     r->limits.data == l->memory_bytes ? "RLIMIT_DATA, per process" : NULL, t);
	fill_by_word(es, host, CONTROL_SWAP, "MemorySwap", l->memory_bytes, l->memory_bytes, NULL, t);
	fill_by_word(es, host, CONTROL_PIDS, "PidsLimit", l->pids, l->pids + 1,
		     r->limits.nproc && r->limits.nproc <= l->pids + 1 ? "RLIMIT_NPROC, per user" : NULL, t);
	fill_by_word(es, host, CONTROL_CPU, "NanoCpus", l->cpu_millis, l->cpu_millis * 1000000, NULL, t);
}

/* Why something does not hold, where the engine is the reason. */
static void give_reasons(const struct engine_sandbox *es, const struct engine_plan *p, struct control_table *t)
{
	const char *name = es->engine.kind->backend->name;
	const struct guest_report *r = &es->guest.report;
	const uint64_t files = p->spec->limits.storage_files;
	struct control *c = &t->items[CONTROL_USER_NAMESPACE];

	if (c->state == CONTROL_UNAVAILABLE)
		snprintf(c->detail, sizeof(c->detail), "%s shares the host's: steps have an id of nobody's there (%s has its own)", name,
			 es->engine.kind->own_users);
	c = &t->items[CONTROL_CGROUP_NAMESPACE];
	if (c->state == CONTROL_UNAVAILABLE)
		snprintf(c->detail, sizeof(c->detail), "%s gives none on a host with cgroup version 1", name);
	c = &t->items[CONTROL_STORAGE];
	if (c->state == CONTROL_ENFORCED && files && (r->work_files > files + 1 || r->tmp_files > 2 * (files + 1))) {
		c->state = CONTROL_DEGRADED;
		snprintf(c->mechanism, sizeof(c->mechanism), "tmpfs size");
		snprintf(c->detail, sizeof(c->detail), "%s cannot limit the number of files of a tmpfs; their size is limited", name);
	}
}

void engine_fill_controls(struct engine_sandbox *es, const struct engine_plan *p, const json_t *inspected, struct control_table *t)
{
	guest_fill_controls(&es->guest, p->spec, t);
	fill_limits(es, p, inspected, t);
	give_reasons(es, p, t);
	network_fill_controls(&p->spec->network, t);
}
