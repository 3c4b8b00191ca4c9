/* SPDX-License-Identifier: Apache-2.0
 * scan: any document can be scanned with the built-in rules; findings have places in it, are bounded for each rule, and are the same
 * when it is scanned again by the same scanner. A first line "#shell" makes the rest a script and "#text" a text, as samples of rules are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validators/scan.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_findings(const struct finding_list *findings, uint32_t lines)
{
	for (size_t i = 0; i < findings->len; i++) {
		const struct finding *f = &findings->items[i];
		size_t same = 0;

		check(f->position.line <= lines && f->message && f->width);
		check(!f->matched || strlen(f->matched) <= FINDING_MATCHED_MAX);
		for (size_t j = 0; j < findings->len; j++)
			same += !strcmp(findings->items[j].rule_id, f->rule_id);
		check(same <= FINDINGS_PER_RULE || !strcmp(f->rule_id, "finding/more"));
	}
}

static void scan(struct scanner *s, const struct document *doc, const struct wpk *wpk, struct finding_list *findings)
{
	finding_list_init(findings, "x");
	scan_package(s, doc, wpk, findings);
	finding_sort(findings);
}

static void check_package(struct scanner *s, const struct document *doc, uint32_t lines)
{
	struct finding_list schema, first, second;
	struct error err = { 0 };
	struct wpk *wpk = NULL;

	finding_list_init(&schema, "x");
	check(wpk_decode(doc, &wpk, &schema, &err) == 0);
	scan(s, doc, wpk, &first);
	scan(s, doc, wpk, &second);
	check_findings(&first, lines);
	check(first.len == second.len);
	for (size_t i = 0; i < first.len; i++)
		check(!strcmp(first.items[i].message, second.items[i].message));
	finding_list_release(&schema);
	finding_list_release(&first);
	finding_list_release(&second);
	wpk_free(wpk);
}

static void check_sample(struct scanner *s, enum rule_scope scope, const char *text, size_t len, uint32_t lines)
{
	struct finding_list findings;

	finding_list_init(&findings, "x");
	scan_sample(s, scope, text, len, &findings);
	finding_sort(&findings);
	check_findings(&findings, lines);
	finding_list_release(&findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rule_set *rules;
	static struct scanner *s;
	const char *text = (const char *)data;
	struct document *doc = NULL;
	struct error err = { 0 };
	uint32_t lines = 2;

	if (!rules) {		/* kept: the process ends with it */
		rules = rules_builtin(RULES_DEFAULT);
		s = scanner_new(rules);
	}
	for (size_t i = 0; i < size; i++)	/* NEL and the separators of Unicode end lines too */
		lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
	if (size > 7 && !memcmp(text, "#shell\n", 7))
		check_sample(s, SCOPE_SHELL, text + 7, size - 7, lines);
	else if (size > 6 && !memcmp(text, "#text\n", 6))
		check_sample(s, SCOPE_TEXT, text + 6, size - 6, lines);
	else if (document_parse(text, size, "x", &yaml_default_limits, &doc, &err) == 0)
		check_package(s, doc, lines);
	document_free(doc);
	return 0;
}
