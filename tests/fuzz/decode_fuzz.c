/* SPDX-License-Identifier: Apache-2.0
 * decode: any document is decoded, judged and explained; what is printed about it holds nothing that could steer a terminal, and
 * without an error there is a package that can be used. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/utf8.h"
#include "validators/policy.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_printed(const struct strbuf *text)
{
	uint32_t c;
	size_t n;

	for (size_t i = 0; i < text->len; i += n) {
		n = utf8_decode(text->buf + i, text->len - i, &c);
		check(c == '\n' || !utf8_is_unsafe(c));
	}
}

static void check_text(void *arg, const struct wpk_step *step, const struct node *text, enum template_kind kind, const char *path)
{
	struct template_refs refs = { 0 };
	size_t offset;

	(void)arg;
	check(step->name && text->kind == NODE_SCALAR && path[0]);
	/* unclosed references are errors, and this is called without errors only */
	check(template_scan(kind, text->text, text->len, &refs, &offset, NULL) == 0);
	template_refs_release(&refs);
}

static void check_handlers(const struct wpk_handler_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct wpk_handler *h = &list->items[i];

		check(h->name && h->name[0] && h->node && h->retry.max_attempts);
		for (size_t j = 0; j < h->steps_len; j++) {
			check(h->steps[j].name && h->steps[j].path);
			check(h->steps[j].kind != WPK_STEP_API || h->steps[j].url);
			wpk_step_texts(&h->steps[j], check_text, NULL);
		}
	}
}

static void check_package(const struct wpk *wpk, const struct finding_list *findings)
{
	struct decision *decision = NULL;
	struct error err = { 0 };
	int rc = policy_decide(NULL, wpk, findings, &decision, &err);

	if (finding_count(findings, FINDING_ERROR)) {
		check(rc < 0 && err.code == ERR_INVALID_INPUT);
		return;
	}
	check(rc == 0 && wpk->name && wpk->version && wpk->workflow_id);
	check_handlers(&wpk->handlers);
	check_handlers(&wpk->rollback);
	json_decref(decision_to_json(decision));
	decision_free(decision);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autostrbuf struct strbuf printed = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err = { 0 };
	struct wpk *wpk = NULL;

	if (document_parse((const char *)data, size, "input", &yaml_default_limits, &doc, &err) < 0)
		return 0;
	finding_list_init(&findings, doc->name);
	check(wpk_decode(doc, &wpk, &findings, &err) == 0);
	finding_sort(&findings);
	for (size_t i = 0; i < findings.len; i++) {
		finding_print(&findings.items[i], doc->name, doc, false, &printed);
		json_decref(finding_to_json(&findings.items[i], doc->name));
	}
	check_printed(&printed);
	check(wpk || finding_count(&findings, FINDING_ERROR));
	if (wpk)
		check_package(wpk, &findings);
	wpk_free(wpk);
	finding_list_release(&findings);
	document_free(doc);
	return 0;
}
