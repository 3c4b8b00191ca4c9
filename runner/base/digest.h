/* SPDX-License-Identifier: Apache-2.0
 * digest: SHA-256. The only owner of libmd (small enough to be linked; OpenSSL's libcrypto would double the start-up time). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX_SIZE (64 + 1)
void sha256_hex(const void *data, size_t len, char out[DIGEST_HEX_SIZE]);

/* The same piece by piece: begin, add as often as there is something, end. */
struct sha256 {
	uint64_t opaque[26];
};
void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, unsigned char out[DIGEST_SIZE]);

void digest_to_hex(const unsigned char digest[DIGEST_SIZE], char out[DIGEST_HEX_SIZE]);
