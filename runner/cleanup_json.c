/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cleanup_json.h"

json_t *cleanup_item_to_json(const struct cleanup_item *item)
{
	json_t *o = json_object();

	json_put_text(o, "kind", item->kind);
	json_put_text(o, "name", item->name);
	json_put_bool(o, "gone", item->gone);
	json_put_text(o, "proof", item->proof);
	return o;
}

void cleanup_to_json(const struct cleanup_list *list, bool complete, json_t *ret)
{
	json_t *items = json_array();
	int64_t gone = 0;

	for (size_t i = 0; i < list->len; i++) {
		json_push(items, cleanup_item_to_json(&list->items[i]));
		gone += list->items[i].gone;
	}
	json_put_bool(ret, "complete", complete);
	json_put_int(ret, "made", (int64_t)list->len);
	json_put_int(ret, "gone", gone);
	json_put(ret, "items", items);
}
