/* SPDX-License-Identifier: Apache-2.0
 * judge_facts: a package that was judged by both policies as the JSON that judge.h promises. Private to judge*.c. */
#pragma once

#include "cmd/package.h"

struct judged {
	const char *name;		/* what findings call it */
	const struct package *package;
	bool valid;
	const struct decision *decision;	/* ours; NULL: invalid */
	const struct finding_list *issues;	/* the registry's findings */
	const struct decision *registry;	/* the registry's decision; NULL: invalid */
};
json_t *judge_facts(const struct judged *j);
/* Of what could not be read at all. */
json_t *judge_facts_unreadable(const char *name, const char *why);
