/* SPDX-License-Identifier: Apache-2.0
 * base64: bytes as letters, and back (RFC 4648; blanks and line ends are passed over). */
#pragma once

#include <stddef.h>

#include "runner/base/strbuf.h"

/* Appends. -1: it is none (a letter that cannot be in it, too much or too little padding); `out` is as before then. */
int base64_decode(const char *text, size_t len, struct strbuf *out);
void base64_encode(const void *data, size_t len, struct strbuf *out);	/* on one line */
