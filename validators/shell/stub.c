/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for parse.c until that is there: every text is empty. Then this file goes. */
#include "validators/shell/parse.h"

struct shell_script shell_parse(struct arena *arena, const char *text, size_t len)
{
	static const struct shell_list nothing = { .pipelines = NULL };

	(void)arena;
	(void)text;
	(void)len;
	return (struct shell_script){ .body = &nothing };
}
