/* SPDX-License-Identifier: Apache-2.0
 * exec_order: an order that is taken is one that can be carried out below the work folder and within its bounds; another one says why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/exec_order.h"

static void check_order(const struct exec_order *o)
{
	const char *path;
	json_t *text;

	if (!o->language || !o->code_len || !o->input || !o->timeout_ns || o->timeout_ns > EXEC_TIMEOUT_MAX_NS || json_object_size(o->files) > EXEC_FILES_MAX)
		abort();
	json_object_foreach((json_t *)(uintptr_t)o->files, path, text)
		if (!json_is_string(text) || path[0] == '/' || !strncmp(path, "../", 3) || strstr(path, "/../") || !strcmp(path, o->language->file))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *json = NULL;
	struct exec_order order = { .code = "untouched" };
	struct error err = { 0 };

	if (json_parse((const char *)data, size, "order", &json, &err) < 0)
		return 0;
	if (exec_order_parse(json, &order, &err) == 0)
		check_order(&order);
	else if (err.code != ERR_INVALID_INPUT || !err.text[0] || strcmp(order.code, "untouched"))
		abort();
	return 0;
}
