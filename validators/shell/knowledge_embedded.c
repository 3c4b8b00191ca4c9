/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge.h"

size_t knowledge_embedded_shell(struct arena *arena, const char *language, const struct shell_value *code,
				struct shell_value *ret, size_t max)
{
	(void)arena, (void)language, (void)code, (void)ret, (void)max;
	return 0;
}
