/* SPDX-License-Identifier: Apache-2.0
 * clock: monotonic time for deadlines, wall time for records. Nanoseconds; UINT64_MAX is "never".
 * Machine output is UTC, RFC 3339. */
#pragma once

#include <stdint.h>

#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define CLOCK_NEVER UINT64_MAX

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void);	/* since 1970; SANDBOX_RUNNER_TEST_TIME (seconds) fixes it for golden tests */

/* now + delta, saturating at CLOCK_NEVER. */
uint64_t clock_deadline(uint64_t delta_ns);

/* Milliseconds until a monotonic deadline for poll(2), rounded up: 0 when past, -1 for CLOCK_NEVER. */
int clock_poll_timeout(uint64_t deadline_ns);

/* "2026-11-21T04:29:30.123Z". */
#define CLOCK_RFC3339_SIZE 32
void clock_rfc3339(uint64_t realtime_ns, char out[CLOCK_RFC3339_SIZE]);
