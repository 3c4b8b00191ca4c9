/* SPDX-License-Identifier: Apache-2.0
 * A look: the objects of a namespace by kind and name. Versions that were seen before are shared with the look that saw them. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_effects_private.h"

struct k8s_look *k8s_look_new(void)
{
	return xcalloc(1, sizeof(struct k8s_look));
}

void k8s_look_free(struct k8s_look *l)
{
	if (!l)
		return;
	k8s_look_cut(l, 0);
	free(l->objects);
	free(l);
}

void k8s_look_cut(struct k8s_look *l, size_t len)
{
	while (l->len > len) {
		struct k8s_object *o = l->objects[--l->len];

		l->text_bytes -= o->text ? o->text_len : 0;
		k8s_object_unref(o);
	}
}

static int compare_to(const struct k8s_object *o, unsigned int kind, const char *name)
{
	if (o->kind != kind)
		return o->kind < kind ? -1 : 1;
	return strcmp(o->name, name);
}

static struct k8s_object *find(const struct k8s_look *l, unsigned int kind, const char *name)
{
	size_t low = 0, high = l ? l->len : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_to(l->objects[middle], kind, name);

		if (!order)
			return l->objects[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct k8s_object *k8s_look_find(const struct k8s_look *l, unsigned int kind, const char *name)
{
	return find(l, kind, name);
}

static struct k8s_object *known(const struct k8s_look *previous, const json_t *item, unsigned int kind)
{
	const json_t *metadata = json_object_get(item, "metadata");
	const char *name = json_string_value(json_object_get(metadata, "name"));
	const char *uid = json_string_value(json_object_get(metadata, "uid"));
	const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));
	struct k8s_object *o = name && uid && version && *version ? find(previous, kind, name) : NULL;

	return o && !strcmp(o->uid, uid) && !strcmp(o->version, version) ? k8s_object_ref(o) : NULL;
}

void k8s_look_add(struct k8s_look *l, const struct k8s_look *previous, const json_t *item, const struct k8s_kind *kind,
		  unsigned int kind_index)
{
	struct k8s_object *o;

	if (l->len >= K8S_OBJECTS_MAX) {
		l->left_out++;
		return;
	}
	o = known(previous, item, kind_index);
	if (!o)
		o = k8s_object_new(item, kind, kind_index);
	if (!o)
		return;
	l->unsettled |= o->unsettled && o->refs == 1;
	/* nobody else has one that was made this moment, so its text may still go */
	if (o->refs == 1 && o->text && l->text_bytes + o->text_len > K8S_LOOK_TEXT_MAX) {
		free(o->text);
		o->text = NULL;
	}
	l->text_bytes += o->text ? o->text_len : 0;
	ARRAY_GROW(l->objects, l->len, l->alloc);
	l->objects[l->len++] = o;
}

void k8s_look_take_over(struct k8s_look *l, const struct k8s_look *from, unsigned int kind_index)
{
	size_t low = 0, high = from->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (from->objects[middle]->kind < kind_index)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < from->len && from->objects[low]->kind == kind_index; low++) {
		struct k8s_object *o = k8s_object_ref(from->objects[low]);

		l->text_bytes += o->text ? o->text_len : 0;
		ARRAY_GROW(l->objects, l->len, l->alloc);
		l->objects[l->len++] = o;
	}
}

static int compare_names(const void *pa, const void *pb)
{
	const struct k8s_object *a = *(struct k8s_object *const *)pa, *b = *(struct k8s_object *const *)pb;

	return compare_to(a, b->kind, b->name);
}

static int compare_uids(const void *pa, const void *pb)
{
	const struct k8s_object *a = *(struct k8s_object *const *)pa, *b = *(struct k8s_object *const *)pb;
	int order = strcmp(a->uid, b->uid);

	if (order)
		return order;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

/* Keep those that `same` does not join with the one before them. */
static void keep_first(struct k8s_look *l, int (*order)(const void *, const void *), bool (*same)(const void *, const void *))
{
	size_t kept = 0;

	if (!l->len)
		return;
	qsort(l->objects, l->len, sizeof(*l->objects), order);
	for (size_t i = 0; i < l->len; i++) {
		struct k8s_object *o = l->objects[i];

		if (!kept || !same(l->objects[kept - 1], o)) {
			l->objects[kept++] = o;
			continue;
		}
		l->text_bytes -= o->text ? o->text_len : 0;
		k8s_object_unref(o);
	}
	l->len = kept;
}

static bool same_uid(const void *a, const void *b)
{
	return !strcmp(((const struct k8s_object *)a)->uid, ((const struct k8s_object *)b)->uid);
}

static bool same_name(const void *pa, const void *pb)
{
	const struct k8s_object *a = pa, *b = pb;

	return a->kind == b->kind && !strcmp(a->name, b->name);
}

/* One object may be served by several groups, and pages of a list that began again overlap. */
void k8s_look_end(struct k8s_look *l)
{
	keep_first(l, compare_uids, same_uid);
	keep_first(l, compare_names, same_name);
}
