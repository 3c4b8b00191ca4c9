/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/profile.h"

#include <string.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define MiB (UINT64_C(1) << 20)
#define GiB (UINT64_C(1) << 30)
#define SECONDS(n) ((n) * NS_PER_SEC)

static const struct profile profiles[] = {
	{ .name = "default",
	  .summary = "2 cpus, 4Gi memory, 10Gi storage, 100 processes, 30 minutes",
	  .limits = { .memory_bytes = 4 * GiB, .cpu_millis = 2000, .pids = 100, .storage_bytes = 10 * GiB,
		      .storage_files = 1000000, .tmp_bytes = 1 * GiB, .nofile = 1024, .fsize_bytes = 1 * GiB,
		      .output_bytes = 64 * MiB },
	  .timeout_ns = SECONDS(1800) },
	{ .name = "restrictive",
	  .summary = "1 cpu, 512Mi memory, 64Mi files, 60 s of cpu time, 128 descriptors, 5 minutes",
	  .limits = { .memory_bytes = 512 * MiB, .cpu_millis = 1000, .pids = 50, .storage_bytes = 256 * MiB,
		      .storage_files = 10000, .tmp_bytes = 64 * MiB, .nofile = 128, .fsize_bytes = 64 * MiB,
		      .cpu_time_ns = SECONDS(60), .output_bytes = 8 * MiB },
	  .timeout_ns = SECONDS(300) },
	{ .name = "standard",
	  .summary = "1 cpu, 1Gi memory, 256Mi files, 300 s of cpu time, 512 descriptors, 15 minutes",
	  .limits = { .memory_bytes = 1 * GiB, .cpu_millis = 1000, .pids = 100, .storage_bytes = 2 * GiB,
		      .storage_files = 100000, .tmp_bytes = 256 * MiB, .nofile = 512, .fsize_bytes = 256 * MiB,
		      .cpu_time_ns = SECONDS(300), .output_bytes = 32 * MiB },
	  .timeout_ns = SECONDS(900) },
	{ .name = "permissive",
	  .summary = "2 cpus, 4Gi memory, 1Gi files, 600 s of cpu time, 1024 descriptors, 1 hour",
	  .limits = { .memory_bytes = 4 * GiB, .cpu_millis = 2000, .pids = 100, .storage_bytes = 10 * GiB,
		      .storage_files = 1000000, .tmp_bytes = 1 * GiB, .nofile = 1024, .fsize_bytes = 1 * GiB,
		      .cpu_time_ns = SECONDS(600), .output_bytes = 256 * MiB },
	  .timeout_ns = SECONDS(3600) },
};

const struct profile *profile_at(size_t i)
{
	return i < ARRAY_SIZE(profiles) ? &profiles[i] : NULL;
}

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	return NULL;
}
