/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/policy_facts.h"

#include <string.h>

#include "runner/base/mem.h"

static const char *const categories[] = { "infrastructure", "security", "monitoring", NULL };
static const char *const resource_types[] = { "container", "kubernetes", "shell", NULL };
static const char *const complexities[] = { "simple", "moderate", "complex" };
static const char *const automations[] = { "manual", "semi_automated", "fully_automated" };
enum { TYPE_CONTAINER = 1 << 0, TYPE_KUBERNETES = 1 << 1, TYPE_SHELL = 1 << 2 };
enum { AUTOMATION_MANUAL, AUTOMATION_SEMI, AUTOMATION_FULL };

struct seen {
	size_t steps;
	bool manual_step;
	unsigned int types;
};

/* The published engine sees steps of dialect B only; so does the block that its clients read. */
static void look(struct seen *seen, const struct wpk_handler_list *list)
{
	static const unsigned int types[] = {
		[WPK_STEP_SHELL] = TYPE_SHELL, [WPK_STEP_CONTAINER] = TYPE_CONTAINER, [WPK_STEP_MANIFEST] = TYPE_KUBERNETES,
	};

	for (size_t i = 0; i < list->len; i++) {
		const struct wpk_handler *handler = &list->items[i];

		for (size_t j = 0; j < handler->steps_len; j++) {
			const struct wpk_step *step = &handler->steps[j];

			if (!strstr(step->path, ".steps["))
				continue;
			seen->steps++;
			seen->manual_step |= step->manual || step->approval_required;
			seen->types |= step->kind < ARRAY_SIZE(types) ? types[step->kind] : 0;
		}
	}
}

static unsigned int categories_of(const struct wpk *wpk)
{
	const struct node *root = wpk->doc ? wpk->doc->root : NULL;
	const struct node *tags = node_get(node_get(root, "metadata"), "tags");
	unsigned int bits = 0;

	for (size_t i = 0; tags && tags->kind == NODE_SEQUENCE && i < tags->len; i++)
		for (size_t k = 0; categories[k] && tags->items[i]->kind == NODE_SCALAR; k++)
			bits |= !strcmp(tags->items[i]->text, categories[k]) ? 1u << k : 0;
	return bits;
}

struct decision_facts policy_facts(const struct wpk *wpk)
{
	struct seen seen = { 0 };

	look(&seen, &wpk->handlers);
	return (struct decision_facts){
		.categories = categories_of(wpk),
		.resource_types = seen.types,
		.complexity = seen.steps <= 3 ? 0 : seen.steps <= 10 ? 1 : 2,
		.automation = wpk->safety_mode != WPK_SAFETY_AUTO ? AUTOMATION_MANUAL
			      : seen.manual_step		  ? AUTOMATION_SEMI
								  : AUTOMATION_FULL,
	};
}

static void write_words(struct strbuf *out, const char *key, const char *const *words, unsigned int bits)
{
	bool any = false;

	json_add_key(out, key);
	strbuf_addch(out, '[');
	for (size_t i = 0; words[i]; i++) {
		if (!(bits >> i & 1))
			continue;
		strbuf_addstr(out, any ? "," : "");
		json_add_string(out, words[i], strlen(words[i]));
		any = true;
	}
	strbuf_addch(out, ']');
}

void decision_facts_write_json(const struct decision_facts *f, unsigned int score, struct strbuf *out)
{
	strbuf_addch(out, '{');
	write_words(out, "categories", categories, f->categories);
	json_add_text(out, "risk_level", risk_level_of_score(score));
	write_words(out, "resource_types", resource_types, f->resource_types);
	json_add_text(out, "complexity", complexities[f->complexity]);
	json_add_text(out, "automation_level", automations[f->automation]);
	strbuf_addch(out, '}');
}
