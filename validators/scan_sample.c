/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of rules: a text, or the YAML of a mapping, is a document of its own and looked at in one scope. */
#include <string.h>

#include "runner/base/mem.h"
#include "runner/base/utf8.h"
#include "validators/scan_match.h"

static const struct yaml_limits sample_limits = {
	.max_bytes = (size_t)64 << 20, .max_depth = 64, .max_nodes = 1000000, .max_aliases = 1000,
};

/* The text is shown as it is: line and column are those of the text itself (scan.raw). */
static struct node text_node(const char *text, size_t len)
{
	return (struct node){ .kind = NODE_SCALAR,
			      .style = STYLE_LITERAL,
			      .start = { 1, 1 },
			      .end = { 1, 1 },
			      .text = (char *)text,
			      .len = len,
			      .size = 1 };
}

static void sample_text(struct scan *sc, enum rule_scope scope, const char *text, size_t len)
{
	const struct node node = text_node(text, len);

	sc->raw = true;
	if (scope == SCOPE_SHELL)
		scan_script(sc, &node, NULL);
	else
		scan_text(sc, scope, &node, NULL, "", 0);
	sc->raw = false;
}

static void sample_structure(struct scan *sc, enum rule_scope scope, const struct node *node)
{
	if (scope == SCOPE_CONTAINER)
		scan_container(sc, node, NULL);
	else if (node->kind == NODE_MAPPING)
		scan_mapping(sc, scope, node, NULL);
}

static void sample_problems(const struct document *doc, struct finding_list *findings)
{
	for (size_t i = 0; i < doc->problems_len; i++)
		finding_add(findings, FINDING_ERROR, "rules/sample", doc->problems[i].position,
			    "the sample is wrong: %s", doc->problems[i].message);
}

/* Returns how often rules matched. */
static size_t try_sample(struct scanner *s, enum rule_scope scope, const char *text, size_t len,
			 struct finding_list *findings)
{
	autofree char *copy = xcalloc(len + 1, 1);	/* NUL-terminated, and there until the end of the scan */
	struct document *doc = NULL;
	struct error err;
	struct scan sc;
	size_t found = 0;

	if (document_parse(text, len, findings->file ? findings->file : "sample", &sample_limits, &doc, &err) < 0) {
		finding_add(findings, FINDING_ERROR, "rules/sample", (struct position){ 1, 1 },
			    "the sample cannot be read: %s", err.text);
		return 0;
	}
	memcpy(copy, text, len);
	scan_begin(&sc, s, doc, findings);
	if (scope < SCOPE_CONTAINER)
		sample_text(&sc, scope, copy, len);
	/* a text below a key is written "key: text" */
	if (scope == SCOPE_TEXT && !doc->problems_len && doc->root && doc->root->kind == NODE_MAPPING)
		scan_texts(&sc, doc->root, NULL);
	if (scope >= SCOPE_CONTAINER && doc->root)
		sample_structure(&sc, scope, doc->root);
	if (scope >= SCOPE_CONTAINER)
		sample_problems(doc, findings);
	for (size_t i = 0; i < s->rules->len; i++)
		found += s->states[i].found;
	scan_end(&sc);
	document_free(doc);
	return found;
}

void scan_sample(struct scanner *s, enum rule_scope scope, const char *text, size_t len, struct finding_list *findings)
{
	try_sample(s, scope, text, len, findings);
}

/* ---- samples of rules, each tried with its rule alone */

static void tell_sample(const struct rule *rule, const struct rule_sample *sample, struct finding_list *findings)
{
	char quoted[UTF8_QUOTE_SIZE];

	finding_add(findings, FINDING_ERROR, "rules/sample", (struct position){ sample->line, 1 },
		    sample->must_match ? "rule '%s' does not match its sample %s"
				       : "rule '%s' matches %s, which it must not",
		    rule->id, utf8_quote(quoted, sample->text, strlen(sample->text)));
}

static void try_rule_sample(struct scanner *s, const struct rule *rule, const struct rule_sample *sample,
			    struct finding_list *findings)
{
	struct finding_list told;
	size_t found, errors;

	finding_list_init(&told, rule->file);
	found = try_sample(s, rule->scope, sample->text, strlen(sample->text), &told);
	errors = finding_count(&told, FINDING_ERROR);
	for (size_t i = 0; i < told.len && errors; i++) {
		if (told.items[i].level == FINDING_ERROR)
			finding_add(findings, FINDING_ERROR, "rules/sample", (struct position){ sample->line, 1 },
				    "rule '%s': %s", rule->id, told.items[i].message);
	}
	if (!errors && (found > 0) != sample->must_match)
		tell_sample(rule, sample, findings);
	finding_list_release(&told);
}

size_t scan_rule_samples(const struct rule_set *rules, struct finding_list *findings)
{
	size_t tried = 0;

	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *rule = rules_at(rules, i);
		struct rule_set alone = {
			.rules = rule, .len = 1, .patterns = rules->patterns, .patterns_len = rules->patterns_len
		};
		struct scanner *s;

		if (rule->disabled)
			continue;
		s = scanner_new(&alone);
		for (size_t j = 0; j < rule->samples_len; j++, tried++)
			try_rule_sample(s, rule, &rule->samples[j], findings);
		scanner_free(s);
	}
	return tried;
}
