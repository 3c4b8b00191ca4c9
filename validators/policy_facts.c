/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/policy_facts.h"

#include <string.h>

#include "runner/base/mem.h"

struct facts {
	size_t steps;
	bool manual_step;
	bool shell, container, kubernetes;
};

/* The published engine sees steps of dialect B only; so does the block that its clients read. */
static void look(struct facts *facts, const struct wpk_handler_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct wpk_handler *handler = &list->items[i];

		for (size_t j = 0; j < handler->steps_len; j++) {
			const struct wpk_step *step = &handler->steps[j];

			if (!strstr(step->path, ".steps["))
				continue;
			facts->steps++;
			facts->manual_step |= step->manual || step->approval_required;
			facts->shell |= step->kind == WPK_STEP_SHELL;
			facts->container |= step->kind == WPK_STEP_CONTAINER;
			facts->kubernetes |= step->kind == WPK_STEP_MANIFEST;
		}
	}
}

static json_t *categories(const struct wpk *wpk)
{
	static const char *const known[] = { "infrastructure", "security", "monitoring" };
	const struct node *root = wpk->doc ? wpk->doc->root : NULL;
	const struct node *tags = node_get(node_get(root, "metadata"), "tags");
	json_t *list = json_array();

	for (size_t k = 0; k < ARRAY_SIZE(known); k++)
		for (size_t i = 0; tags && tags->kind == NODE_SEQUENCE && i < tags->len; i++) {
			if (tags->items[i]->kind != NODE_SCALAR || strcmp(tags->items[i]->text, known[k]))
				continue;
			json_push(list, json_text(known[k]));
			break;
		}
	return list;
}

json_t *policy_category(const struct wpk *wpk, const char *risk_level)
{
	bool automatic = wpk->safety_mode == WPK_SAFETY_AUTO;
	json_t *o = json_object(), *types = json_array();
	struct facts facts = { 0 };

	look(&facts, &wpk->handlers);
	if (facts.container)
		json_push(types, json_text("container"));
	if (facts.kubernetes)
		json_push(types, json_text("kubernetes"));
	if (facts.shell)
		json_push(types, json_text("shell"));
	json_put(o, "categories", categories(wpk));
	json_put_text(o, "risk_level", risk_level);
	json_put(o, "resource_types", types);
	json_put_text(o, "complexity", facts.steps <= 3 ? "simple" : facts.steps <= 10 ? "moderate" : "complex");
	json_put_text(o, "automation_level",
		      !automatic ? "manual" : facts.manual_step ? "semi_automated" : "fully_automated");
	return o;
}
