/* SPDX-License-Identifier: Apache-2.0
 * k8s_field: any path is refused with a sentence or followed within its ceilings. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/mem.h"
#include "runner/k8s_field.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "{\"a\":[{\"b\":\"c\",\"type\":\"Ready\"},[1,2,[3]],{\"x\":{\"y\":null}}],\"metadata\":{\"annotations\":{\"retry-count\":\"1\"}}}";
	autofree char *path = xstrndup((const char *)data, size);
	json_t *object = NULL;
	struct k8s_field field;
	struct error err = { 0 };

	check(json_parse(text, strlen(text), "object", &object, &err) == 0);
	if (k8s_field_parse(path, &field, &err) == 0) {
		json_t *found = k8s_field_find(&field, object);

		check(field.len <= K8S_FIELD_PARTS_MAX && json_array_size(found) <= K8S_FIELD_FOUND_MAX);
		for (size_t i = 0; i < field.len; i++)
			check(field.parts[i].kind > FIELD_KEY || field.parts[i].key);
		json_decref(found);
	} else {
		check(err.code == ERR_INVALID_INPUT && err.text[0]);
	}
	k8s_field_release(&field);
	json_decref(object);
	return 0;
}
