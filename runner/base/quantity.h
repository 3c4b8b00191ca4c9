/* SPDX-License-Identifier: Apache-2.0
 * quantity: durations, sizes and cpu amounts as people write them, checked for range and overflow.
 *
 * All take (text, len), return 0 and set *ret, or return -1 with a sentence in err (ERR_INVALID_INPUT) and *ret
 * untouched. No locale, no leading blanks, no sign: negative values are refused by name.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "runner/base/error.h"
#include "runner/base/strbuf.h"

/* "90s", "5m", "1h30m", "250ms", "2d", "1.5s"; a bare number is seconds. At most 365 days. Nanoseconds. */
int duration_parse(const char *text, size_t len, uint64_t *ret_ns, struct error *err);

/* Kubernetes quantities in bytes: "512Mi", "1Gi", "1G" (1000^3), "1.5Gi", "128974848", "129e6". At most 2^62. */
int size_parse(const char *text, size_t len, uint64_t *ret_bytes, struct error *err);

/* "500m", "1.5", "2": thousandths of a cpu. At most 1,000,000 (1,000 cpus). */
int cpu_parse(const char *text, size_t len, uint64_t *ret_millis, struct error *err);

/* "100Mbps", "1Gbps", "500kbps": bits a second. */
int bandwidth_parse(const char *text, size_t len, uint64_t *ret_bits, struct error *err);
void bandwidth_format(struct strbuf *out, uint64_t bits);

/* Whole decimal number between min and max. */
int integer_parse(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret, struct error *err);

/* For people: "1.5Gi", "0.4s", "2m05s". */
void size_format(struct strbuf *out, uint64_t bytes);
void duration_format(struct strbuf *out, uint64_t ns);
