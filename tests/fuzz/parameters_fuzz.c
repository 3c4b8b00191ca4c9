/* SPDX-License-Identifier: Apache-2.0
 * Parameter files in both formats. Whatever is accepted must be fit for an environment; whatever is not must say where. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/parameters.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct parameters p;
	struct error err = { 0 };

	parameters_init(&p);
	if (parameters_add_text(&p, (const char *)data, size, "fuzz", &err) < 0 &&
	    (err.code != ERR_INVALID_INPUT || strncmp(err.text, "fuzz:", 5)) && size <= 1 << 20)
		abort();
	for (size_t i = 0; i < p.len; i++)
		if (!p.items[i].name[0] || strchr(p.items[i].name, '=') || parameters_find(&p, p.items[i].name) != &p.items[i])
			abort();
	parameters_release(&p);
	return 0;
}
