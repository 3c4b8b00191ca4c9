/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/digest.h"

#include <sys/types.h>
#include <sha2.h>

_Static_assert(sizeof(SHA2_CTX) <= sizeof(struct sha256), "the state of libmd does not fit");

void sha256_hex(const void *data, size_t len, char out[DIGEST_HEX_SIZE])
{
	SHA256Data(data, len, out);
}

void sha256_begin(struct sha256 *s)
{
	SHA256Init((SHA2_CTX *)s->opaque);
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	SHA256Update((SHA2_CTX *)s->opaque, data, len);
}

void sha256_end(struct sha256 *s, unsigned char out[DIGEST_SIZE])
{
	SHA256Final(out, (SHA2_CTX *)s->opaque);
}

void digest_to_hex(const unsigned char digest[DIGEST_SIZE], char out[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[2 * DIGEST_SIZE] = '\0';
}
