/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/doctor_matrix.h"

#include <stdio.h>
#include <string.h>

#include "cmd/scratch.h"
#include "runner/base/clock.h"
#include "runner/base/mem.h"
#include "runner/base/printable.h"
#include "runner/profile.h"

enum { RUNTIMES_MAX = 16 };

struct column {
	struct backend_info info;
	struct control_table controls;
	bool measured;
	struct error why_not;
};

int doctor_probe(const char *runtime, const char *state_dir, struct control_table *ret, struct error *err)
{
	struct sandbox_spec spec = { .hostname = "sandbox", .limits = profile_find("default")->limits, .observe = true };
	struct scratch scratch = SCRATCH_INIT;
	struct sandbox_ref ref = { .backend = "" };
	struct error close_err = { 0 };
	int r;

	spec.limits.cpu_time_ns = 60 * NS_PER_SEC;
	if (scratch_open(&scratch, state_dir, err) < 0)
		return -1;
	snprintf(ref.backend, sizeof(ref.backend), "%s", runtime);
	snprintf(ref.id, sizeof(ref.id), "%s", scratch.run_id);
	if (snprintf(ref.endpoint, sizeof(ref.endpoint), "%s", scratch_path(&scratch)) >= (int)sizeof(ref.endpoint))
		r = error_set(err, ERR_UNAVAILABLE, "the path of the state folder is too long; use --state-dir");
	else
		r = journal_intent(scratch.journal, &ref, err) < 0 ? -1 : sandbox_probe(&ref, &spec, ret, err);
	if (scratch_close(&scratch, &close_err) < 0 && r == 0) {
		*err = close_err;
		r = -1;
	}
	return r;
}

static size_t measure(const char *state_dir, struct column columns[RUNTIMES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; n < RUNTIMES_MAX && sandbox_backend_info(i, &columns[n].info); i++) {
		struct column *c = &columns[n];

		if (c->info.cluster)	/* a run of its own, of minutes; its result has the table */
			continue;
		n++;
		sandbox_backend_probe(i, &c->info);
		c->why_not = (struct error){ .code = ERR_OK };
		if (!c->info.available)
			snprintf(c->why_not.text, sizeof(c->why_not.text), "%s", c->info.reason);
		else
			c->measured = doctor_probe(c->info.runtime, state_dir, &c->controls, &c->why_not) == 0;
	}
	return n;
}

static const char *cell(const struct column *c, int control)
{
	static const char *const words[] = {
		[CONTROL_NOT_REQUESTED] = "–", [CONTROL_ENFORCED] = "yes", [CONTROL_DEGRADED] = "weaker", [CONTROL_UNAVAILABLE] = "no",
	};

	return words[c->controls.items[control].state];
}

static void write_notes(const struct column *columns, size_t n, struct strbuf *out)
{
	for (size_t k = 0; k < n; k++) {
		for (int i = 0; columns[k].measured && i < CONTROL_COUNT; i++) {
			const struct control *c = &columns[k].controls.items[i];

			if (c->state != CONTROL_DEGRADED && c->state != CONTROL_UNAVAILABLE)
				continue;
			strbuf_addf(out, "- %s, %s: ", columns[k].info.runtime, control_name((enum control_id)i));
			printable_addstr(out, c->detail[0] ? c->detail : c->mechanism);
			strbuf_addch(out, '\n');
		}
		if (columns[k].measured)
			continue;
		strbuf_addf(out, "- %s cannot be had here: ", columns[k].info.runtime);
		printable_addstr(out, columns[k].why_not.text);
		strbuf_addch(out, '\n');
	}
}

void doctor_matrix(const char *state_dir, struct strbuf *out)
{
	static struct column columns[RUNTIMES_MAX];
	size_t n = measure(state_dir, columns);

	strbuf_addstr(out, "| control |");
	for (size_t k = 0; k < n; k++)
		if (columns[k].measured)
			strbuf_addf(out, " %s |", columns[k].info.runtime);
	strbuf_addstr(out, "\n|---|");
	for (size_t k = 0; k < n; k++)
		strbuf_addstr(out, columns[k].measured ? "---|" : "");
	strbuf_addch(out, '\n');
	for (int i = 0; i < CONTROL_COUNT; i++) {
		strbuf_addf(out, "| %s |", control_name((enum control_id)i));
		for (size_t k = 0; k < n; k++)
			if (columns[k].measured)
				strbuf_addf(out, " %s |", cell(&columns[k], i));
		strbuf_addch(out, '\n');
	}
	strbuf_addch(out, '\n');
	write_notes(columns, n, out);
}
