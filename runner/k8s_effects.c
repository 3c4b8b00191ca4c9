/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/k8s_effects.h"

#include "runner/base/mem.h"

struct k8s_tracker {
	const struct sandbox_cluster *cluster;
};

void object_effects_release(struct object_effects *e)
{
	for (size_t i = 0; i < e->len; i++) {
		struct object_effect *item = &e->items[i];

		for (size_t k = 0; k < item->fields_len; k++) {
			free(item->fields[k].path);
			free(item->fields[k].before);
			free(item->fields[k].after);
		}
		free(item->fields);
		free(item->kind);
		free(item->api_version);
		free(item->name);
	}
	free(e->items);
	free(e->unknown_because);
	*e = (struct object_effects){ 0 };
}

struct k8s_tracker *k8s_tracker_start(const struct sandbox_cluster *cluster)
{
	struct k8s_tracker *t = xcalloc(1, sizeof(*t));

	t->cluster = cluster;
	return t;
}

void k8s_tracker_after_step(struct k8s_tracker *t, struct object_effects *ret)
{
	(void)t;
	object_effects_release(ret);
	ret->unknown_because = xstrdup("objects are not looked at yet");
}

void k8s_tracker_of_run(struct k8s_tracker *t, struct object_effects *ret)
{
	k8s_tracker_after_step(t, ret);
}

void k8s_tracker_free(struct k8s_tracker *t)
{
	free(t);
}
