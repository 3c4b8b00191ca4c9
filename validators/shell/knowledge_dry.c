/* SPDX-License-Identifier: Apache-2.0 */
#include "validators/shell/knowledge.h"

#include <string.h>

bool knowledge_is_dry(const struct shell_value *argv, size_t argc)
{
	for (size_t i = 1; i < argc; i++)
		if (!strcmp(argv[i].text, "--dry-run") || !strcmp(argv[i].text, "--help") || !strcmp(argv[i].text, "--version"))
			return true;
	return false;
}
