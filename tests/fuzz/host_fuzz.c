/* SPDX-License-Identifier: Apache-2.0
 * host: what is found lies inside the text, is never empty, and is classified as host_classify() would. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/base/host.h"

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_ref(const struct host_ref *ref, size_t len)
{
	check(ref->len > 0 && ref->offset <= len && ref->len <= len - ref->offset);
	check(ref->scheme_offset <= len && ref->scheme_len <= len - ref->scheme_offset);
	check(!ref->scheme_len || ref->scheme_offset + ref->scheme_len <= ref->offset);
	check(ref->class <= HOST_EXTERNAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);	/* without a NUL: reading past the end is seen */
	struct host_ref ref = { .offset = 0 };

	check(text != NULL);
	memcpy(text, data, size);
	check(host_classify(text, size) <= HOST_EXTERNAL);
	if (host_of_url(text, size, &ref))
		check_ref(&ref, size);
	if (host_of_argument(text, size, &ref)) {
		check_ref(&ref, size);
		check(ref.class == host_classify(text + ref.offset, ref.len) || ref.class == HOST_UNKNOWN);
	}
	for (size_t from = 0; host_find_url(text, size, from, &ref); from = ref.offset + ref.len) {
		check_ref(&ref, size);
		check(ref.offset >= from);
	}
	free(text);
	return 0;
}
