/* SPDX-License-Identifier: Apache-2.0
 *
 * Stub: no suppression is known yet, and no baseline. Honest: what would be suppressed counts. */
#include "validators/suppress.h"

#include <stdlib.h>

#include "runner/base/mem.h"

struct suppressions {
	long today;
};

struct suppressions *suppressions_new(const struct rule_set *rules, long today)
{
	struct suppressions *s = xcalloc(1, sizeof(*s));

	(void)rules;
	s->today = today;
	return s;
}

void suppressions_free(struct suppressions *s)
{
	free(s);
}

void suppressions_add_document(struct suppressions *s, const struct document *doc, struct finding_list *findings)
{
	(void)s;
	finding_at(findings, FINDING_ERROR, "suppress/unknown", doc->root, NULL, "ignore files are not understood yet");
}

void suppressions_apply(struct suppressions *s, const struct document *doc, struct finding_list *findings)
{
	(void)s;
	(void)doc;
	(void)findings;
}

json_t *baseline_make(const struct finding_list *const *lists, size_t n)
{
	(void)lists;
	(void)n;
	return json_object();
}

struct baseline {
	size_t gone;
};

int baseline_parse(const char *text, size_t len, const char *name, struct baseline **ret, struct error *err)
{
	(void)text;
	(void)len;
	(void)ret;
	return error_set(err, ERR_INVALID_INPUT, "'%s': baselines are not understood yet", name);
}

void baseline_apply(struct baseline *b, struct finding_list *findings)
{
	(void)b;
	(void)findings;
}

size_t baseline_gone(const struct baseline *b)
{
	return b->gone;
}

void baseline_free(struct baseline *b)
{
	free(b);
}
