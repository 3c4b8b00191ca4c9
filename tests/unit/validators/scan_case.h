/* SPDX-License-Identifier: Apache-2.0
 * scan_case: rules and a package as YAML, and the findings as lines "rule/id line:column <what is underlined> path", for tests of
 * the scanner. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "runner/base/mem.h"
#include "validators/scan.h"

struct scan_case {
	const char *what;
	const char *rules;	/* items of `rules:` */
	const char *package;	/* YAML; what does not begin with "apiVersion" is put below spec.handlers */
	const char *expected;	/* by position; " | matched" follows where that differs from what is underlined */
};

static struct rule_set *rules_of(const char *yaml)
{
	struct rule_set *set = xcalloc(1, sizeof(*set));	/* none yet */
	autofree char *text = xasprintf("rules:\n%s", yaml);
	struct finding_list findings;
	struct document *doc = NULL;
	struct error err;

	finding_list_init(&findings, "rules.yaml");
	if (document_parse(text, strlen(text), "rules.yaml", &yaml_default_limits, &doc, &err) < 0)
		fail_msg("%s", err.text);
	rules_load(set, doc, &findings);
	for (size_t i = 0; i < findings.len; i++)
		fail_msg("rules: %u: %s", findings.items[i].position.line, findings.items[i].message);
	finding_list_release(&findings);
	document_free(doc);
	return set;
}

/* Seven lines, so that handlers begin on line 8. */
static char *package_of(const char *text)
{
	return !strncmp(text, "apiVersion", 10) ? xstrdup(text) :
	       xasprintf("apiVersion: v1\nkind: WorkflowPackage\nmetadata: {name: p, version: 1.0.0}\nspec:\n  runtime: {type: shell}\n"
			 "  safety: {mode: manual}\n  handlers:\n%s", text);
}

static void scan_yaml(const struct rule_set *rules, const char *text, size_t len, struct finding_list *findings)
{
	struct scanner *s = scanner_new(rules);
	struct finding_list schema;
	struct document *doc = NULL;
	struct wpk *wpk = NULL;
	struct error err;

	if (document_parse(text, len, "p.yaml", &yaml_default_limits, &doc, &err) < 0)
		fail_msg("%s", err.text);
	finding_list_init(&schema, "p.yaml");
	finding_list_init(findings, "p.yaml");
	assert_int_equal(wpk_decode(doc, &wpk, &schema, &err), 0);
	scan_package(s, doc, wpk, findings);
	finding_sort(findings);
	finding_list_release(&schema);
	wpk_free(wpk);
	document_free(doc);
	scanner_free(s);
}

/* What a finding underlines. */
static void add_source(struct strbuf *out, const char *package, const struct finding *f)
{
	const char *p = package;
	unsigned int column = 1;

	for (uint32_t line = 1; line < f->position.line; line++)
		p = strchr(p, '\n') + 1;
	for (; *p && *p != '\n' && column < f->position.column + f->width; p++) {
		if (column >= f->position.column)
			strbuf_addch(out, *p);
		column += ((unsigned char)p[1] & 0xc0) != 0x80;
	}
}

static void add_finding(struct strbuf *out, const char *package, const struct finding *f)
{
	autostrbuf struct strbuf source = STRBUF_INIT(STRBUF_NO_MAX);

	add_source(&source, package, f);
	strbuf_addf(out, "%s %u:%u <%s> %s", f->rule_id, f->position.line, f->position.column, source.buf, f->path ? f->path : "");
	if (!f->matched || strcmp(f->matched, source.buf) != 0)
		strbuf_addf(out, " | %s", f->matched ? f->matched : "-");
	strbuf_addch(out, '\n');
}

/* True: the findings are those expected. Otherwise prints both. */
static inline bool case_holds(const struct scan_case *c)
{
	struct rule_set *rules = rules_of(c->rules);
	autofree char *package = package_of(c->package);
	autostrbuf struct strbuf got = STRBUF_INIT(STRBUF_NO_MAX);
	struct finding_list findings;

	scan_yaml(rules, package, strlen(package), &findings);
	for (size_t i = 0; i < findings.len; i++)
		add_finding(&got, package, &findings.items[i]);
	if (strcmp(got.buf, c->expected) != 0)
		print_error("%s:\n%sinstead of\n%s", c->what, got.buf, c->expected);
	finding_list_release(&findings);
	rules_free(rules);
	return !strcmp(got.buf, c->expected);
}
