/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/digest.h"

#include <sys/types.h>
#include <sha2.h>

void sha256_hex(const void *data, size_t len, char out[DIGEST_HEX_SIZE])
{
	SHA256Data(data, len, out);
}
