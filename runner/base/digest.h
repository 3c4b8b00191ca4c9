/* SPDX-License-Identifier: Apache-2.0
 * digest: SHA-256. The only owner of libmd (small enough to be linked; OpenSSL's libcrypto would double the start-up time). */
#pragma once

#include <stddef.h>

#define DIGEST_HEX_SIZE (64 + 1)
void sha256_hex(const void *data, size_t len, char out[DIGEST_HEX_SIZE]);
