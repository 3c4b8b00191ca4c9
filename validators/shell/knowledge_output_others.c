/* SPDX-License-Identifier: Apache-2.0
 * Commands that print without reading text: words, the network, secrets, the environment. */
#include <string.h>

#include "runner/base/mem.h"
#include "validators/shell/knowledge_output.h"

const struct output_program output_others[] = {
	{ .name = "echo", .run = output_echo },
	{ .name = "printf", .run = output_printf },
};
const size_t output_others_len = ARRAY_SIZE(output_others);
