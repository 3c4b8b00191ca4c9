/* SPDX-License-Identifier: Apache-2.0
 * Two looks at the same namespace, both in order: one pass tells what is in one only, and what differs. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_effects_private.h"

#define FIELDS_TEXT_MAX (16u << 20)	/* of all fields of one comparison together */

struct comparison {
	const struct k8s_look *start, *before, *after;
	const struct k8s_kind *kinds;
	struct k8s_object **owners[2];	/* of before and after: by uid */
	struct object_effects *ret;
	size_t alloc, text_bytes;
};

static void release_fields(struct object_effect *e)
{
	for (size_t i = 0; i < e->fields_len; i++) {
		free(e->fields[i].path);
		free(e->fields[i].before);
		free(e->fields[i].after);
	}
	free(e->fields);
	e->fields = NULL;
	e->fields_len = 0;
}

void object_effects_release(struct object_effects *e)
{
	for (size_t i = 0; i < e->len; i++) {
		release_fields(&e->items[i]);
		free(e->items[i].kind);
		free(e->items[i].api_version);
		free(e->items[i].name);
	}
	free(e->items);
	free(e->unknown_because);
	*e = (struct object_effects){ 0 };
}

static int compare_uids(const void *pa, const void *pb)
{
	return strcmp((*(struct k8s_object *const *)pa)->uid, (*(struct k8s_object *const *)pb)->uid);
}

static struct k8s_object **by_uid(const struct k8s_look *l)
{
	struct k8s_object **sorted = xcalloc(l->len + 1, sizeof(*sorted));

	if (l->len) {
		memcpy(sorted, l->objects, l->len * sizeof(*sorted));
		qsort(sorted, l->len, sizeof(*sorted), compare_uids);
	}
	return sorted;
}

static const struct k8s_object *owner_of(const struct comparison *c, const struct k8s_object *o, bool after)
{
	const struct k8s_look *l = after ? c->after : c->before;
	const struct k8s_object key = { .uid = o->owner }, *pkey = &key;
	struct k8s_object **found = o->owner && l->len ? bsearch(&pkey, c->owners[after], l->len, sizeof(*found), compare_uids) : NULL;

	return found ? *found : NULL;
}

/* What is ours and came after the first look is how steps are carried out; so is what it made. */
static bool is_our_tool(const struct comparison *c, const struct k8s_object *o, bool after)
{
	for (int depth = 0; o && depth < 4; depth++) {
		const struct k8s_object *first = o->ours ? k8s_look_find(c->start, o->kind, o->name) : NULL;

		if (o->ours && (!first || strcmp(first->uid, o->uid) != 0))
			return true;
		o = owner_of(c, o, after);
	}
	return false;
}

/* A controller removes what it made when its owner changed or went, or when it is a job that has ended. */
static bool owner_removed(const struct comparison *c, const struct k8s_object *o)
{
	const struct k8s_object *before = owner_of(c, o, false), *after = owner_of(c, o, true);

	return o->owner_runs_jobs || !before || before->going || !after || after->going || before->generation != after->generation;
}

static bool is_derived(const struct comparison *c, const struct k8s_object *before, const struct k8s_object *after)
{
	const struct k8s_object *any = after ? after : before;

	if (!any->owner && !any->of_cluster)
		return false;
	if (!after)
		return any->owner ? owner_removed(c, any) : any->follows && !any->touched_by_others;
	if (!before)
		return !after->touched_by_others;
	return !memcmp(before->touched, after->touched, sizeof(after->touched));
}

static void compare_texts(const struct k8s_object *before, const struct k8s_object *after, struct object_effect *ret)
{
	struct error err;
	json_auto_t *a = NULL;
	json_auto_t *b = NULL;
	char was[64], is[64];

	if (before->text && after->text && json_parse(before->text, before->text_len, before->name, &a, &err) == 0 &&
	    json_parse(after->text, after->text_len, after->name, &b, &err) == 0) {
		k8s_diff(a, b, after->secret, ret);
		return;
	}
	snprintf(was, sizeof(was), "\"(%zu bytes)\"", before->text_len);
	snprintf(is, sizeof(is), "\"(%zu bytes, with other content)\"", after->text_len);
	k8s_diff_add(ret, "(too large for a comparison of fields)", was, is);
}

/* Lists are bounded, counts are not. */
static void keep(struct comparison *c, struct object_effect *effect, const struct k8s_object *o)
{
	c->ret->counts[effect->change]++;
	for (size_t i = 0; i < effect->fields_len; i++)
		c->text_bytes += strlen(effect->fields[i].path) + strlen(effect->fields[i].before) + strlen(effect->fields[i].after);
	if (c->text_bytes > FIELDS_TEXT_MAX) {
		effect->more_fields += effect->fields_len;
		release_fields(effect);
	}
	if (c->ret->counts[effect->change] > K8S_EFFECTS_MAX) {
		release_fields(effect);
		c->ret->not_listed++;
		return;
	}
	effect->kind = xstrdup(c->kinds[o->kind].kind);
	effect->api_version = xstrdup(c->kinds[o->kind].api_version);
	effect->name = xstrdup(o->name);
	effect->stand_in = o->stand_in;
	ARRAY_GROW(c->ret->items, c->ret->len, c->alloc);
	c->ret->items[c->ret->len++] = *effect;
}

static void note(struct comparison *c, const struct k8s_object *before, const struct k8s_object *after)
{
	struct object_effect effect = { 0 };

	before = before && !before->going ? before : NULL;
	after = after && !after->going ? after : NULL;
	if (before == after || is_our_tool(c, after ? after : before, after != NULL))
		return;
	if (before && after && strcmp(before->uid, after->uid) != 0) {	/* another one of the same name */
		note(c, before, NULL);
		note(c, NULL, after);
		return;
	}
	effect.change = !before ? EFFECT_CREATED : !after ? EFFECT_DELETED : EFFECT_CHANGED;
	if (before && after) {
		if (!memcmp(before->digest, after->digest, sizeof(after->digest)))
			return;
		compare_texts(before, after, &effect);
		if (!effect.fields_len && !effect.more_fields)
			return;
	}
	effect.derived = is_derived(c, before, after);
	keep(c, &effect, after ? after : before);
}

/* What the list shows first must be what matters: those found are put by change, each in the order of kinds and names. */
static void order(struct object_effects *e)
{
	struct object_effect *sorted = e->len ? xcalloc(e->len, sizeof(*sorted)) : NULL;
	size_t n = 0;

	for (int change = 0; change < EFFECT_CHANGES; change++) {
		for (size_t i = 0; i < e->len; i++) {
			if (e->items[i].change == (enum effect_change)change)
				sorted[n++] = e->items[i];
		}
	}
	free(e->items);
	e->items = sorted;
}

static int compare_objects(const struct k8s_object *a, const struct k8s_object *b)
{
	if (!a || !b)
		return a ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

void k8s_look_compare(const struct k8s_look *start, const struct k8s_look *before, const struct k8s_look *after,
		      const struct k8s_kind *kinds, struct object_effects *ret)
{
	struct comparison c = { .start = start, .before = before, .after = after, .kinds = kinds, .ret = ret };
	size_t i = 0, k = 0;

	c.owners[0] = by_uid(before);
	c.owners[1] = by_uid(after);
	while (i < before->len || k < after->len) {
		const struct k8s_object *a = i < before->len ? before->objects[i] : NULL;
		const struct k8s_object *b = k < after->len ? after->objects[k] : NULL;
		int which = compare_objects(a, b);

		if (which <= 0)
			i++;
		if (which >= 0)
			k++;
		note(&c, which <= 0 ? a : NULL, which >= 0 ? b : NULL);
	}
	free(c.owners[0]);
	free(c.owners[1]);
	order(ret);
	ret->known = true;
}
