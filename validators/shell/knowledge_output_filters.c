/* SPDX-License-Identifier: Apache-2.0
 * Filters of text. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

static bool run_cat(struct output_call *c)
{
	const struct shell_value *input;
	unsigned int origin;

	if (!output_source(c, 0, &input, &origin))
		return output_unknown(c, origin);
	return output_slice(c, input, 0, input->len, 0);
}

const struct output_program output_filters[] = {
	{ .name = "cat", .run = run_cat },
};
const size_t output_filters_len = ARRAY_SIZE(output_filters);
