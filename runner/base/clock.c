/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_ns(void)
{
	const char *fixed = getenv("SANDBOX_RUNNER_TEST_TIME");

	if (fixed && *fixed)
		return strtoull(fixed, NULL, 10) * NS_PER_SEC;
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_deadline(uint64_t delta_ns)
{
	uint64_t now = clock_monotonic_ns();

	return delta_ns > CLOCK_NEVER - now ? CLOCK_NEVER : now + delta_ns;
}

int clock_poll_timeout(uint64_t deadline_ns)
{
	uint64_t now, ms;

	if (deadline_ns == CLOCK_NEVER)
		return -1;
	now = clock_monotonic_ns();
	if (now >= deadline_ns)
		return 0;
	ms = (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

void clock_rfc3339(uint64_t realtime_ns, char out[CLOCK_RFC3339_SIZE])
{
	time_t sec = (time_t)(realtime_ns / NS_PER_SEC);
	struct tm tm;
	size_t n;

	gmtime_r(&sec, &tm);
	n = strftime(out, CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, CLOCK_RFC3339_SIZE - n, ".%03uZ",
		 (unsigned int)(realtime_ns % NS_PER_SEC / NS_PER_MS) % 1000);
}
