/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/effects.h"

#include <string.h>

#include "runner/base/mem.h"
#include "runner/effects_private.h"

struct effects_tracker {
	struct sandbox *sandbox;
	struct effects_options options;
	unsigned int trees;
	struct snapshot *start, *last;	/* may be the same */
	struct contents *contents;	/* NULL: no diffs */
	struct error error;		/* once one look failed nothing is known */
};

const char *effect_change_to_string(enum effect_change change)
{
	static const char *const names[] = { [EFFECT_DELETED] = "deleted", [EFFECT_CHANGED] = "changed", [EFFECT_CREATED] = "created" };

	return names[change];
}

const char *effect_area_to_string(enum effect_area area)
{
	static const char *const names[] = { [EFFECT_WORK] = "work", [EFFECT_SYSTEM] = "system", [EFFECT_TMP] = "tmp" };

	return names[area];
}

void effects_release(struct effects *e)
{
	arena_release(&e->arena);
	free(e->items);
	*e = (struct effects){ 0 };
}

uint64_t effects_total(const struct effects *e, enum effect_change change)
{
	return e->counts[EFFECT_WORK][change] + e->counts[EFFECT_SYSTEM][change];
}

struct effects_tracker *effects_start(struct sandbox *sandbox, const struct effects_options *options)
{
	struct effects_tracker *t = xcalloc(1, sizeof(*t));

	t->sandbox = sandbox;
	t->options = *options;
	t->trees = 1u << SANDBOX_TREE_WORK | 1u << SANDBOX_TREE_TMP | 1u << SANDBOX_TREE_SHM;
	if (options->system)
		t->trees |= 1u << SANDBOX_TREE_ROOT;
	t->start = t->last = snapshot_new();
	if ((options->empty || snapshot_take(sandbox, t->trees, NULL, t->start, &t->error) == 0) && options->diff) {
		t->contents = contents_new(options->scratch);
		contents_keep(t->contents, sandbox, t->start, NULL);
	}
	return t;
}

static void fail(const struct effects_tracker *t, struct effects *ret)
{
	ret->unknown_because = arena_strndup(&ret->arena, t->error.text, strlen(t->error.text));
}

void effects_after_step(struct effects_tracker *t, struct effects *ret)
{
	struct snapshot *now;

	effects_release(ret);
	ret->system = t->options.system;
	if (t->error.code != ERR_OK) {
		fail(t, ret);
		return;
	}
	now = snapshot_new();
	if (snapshot_take(t->sandbox, t->trees, t->last, now, &t->error) < 0) {
		snapshot_free(now);
		fail(t, ret);
		return;
	}
	snapshot_compare(t->last, now, ret);
	ret->diffs = t->contents != NULL;
	if (t->contents) {
		contents_keep(t->contents, t->sandbox, now, t->last);
		contents_diff(t->contents, t->sandbox, ret, t->options.redactor);
	}
	if (t->last != t->start)
		snapshot_free(t->last);
	t->last = now;
}

void effects_of_run(struct effects_tracker *t, struct effects *ret)
{
	effects_release(ret);
	ret->system = t->options.system;
	if (t->error.code != ERR_OK) {
		fail(t, ret);
		return;
	}
	snapshot_compare(t->start, t->last, ret);
}

void effects_tracker_free(struct effects_tracker *t)
{
	if (!t)
		return;
	if (t->last != t->start)
		snapshot_free(t->last);
	snapshot_free(t->start);
	contents_free(t->contents);
	free(t);
}
