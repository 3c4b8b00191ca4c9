/* SPDX-License-Identifier: Apache-2.0
 * What a jail uses at this moment: the cgroups' counters, and how full its writable file systems are. */
#include <sys/statvfs.h>

#include "runner/base/mem.h"
#include "sandboxes/native.h"

/* Known only if both are. */
static bool add_storage(int fd, struct sandbox_usage *ret)
{
	struct statvfs v;

	if (fd < 0 || fstatvfs(fd, &v) < 0)
		return false;
	ret->storage_bytes += (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
	ret->storage_files += v.f_files - v.f_ffree;
	return true;
}

void native_usage_of(const struct cgroup *cg, int work_fd, int tmp_fd, struct sandbox_usage *ret)
{
	static const struct { enum cgroup_count count; unsigned int usage; } known[] = {
		{ CGROUP_COUNT_CPU, USAGE_CPU }, { CGROUP_COUNT_MEMORY, USAGE_MEMORY },
		{ CGROUP_COUNT_MEMORY_PEAK, USAGE_MEMORY_PEAK }, { CGROUP_COUNT_MEMORY_PRESSURE, USAGE_PRESSURE },
		{ CGROUP_COUNT_PIDS, USAGE_PIDS }, { CGROUP_COUNT_PIDS_PEAK, USAGE_PIDS_PEAK },
		{ CGROUP_COUNT_THROTTLED, USAGE_THROTTLED }, { CGROUP_COUNT_IO_READ, USAGE_IO },
	};
	struct cgroup_usage u;

	cgroup_usage(cg, &u);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (u.known & 1u << known[i].count)
			ret->known |= known[i].usage;
	ret->cpu_ns = u.cpu_ns;
	ret->throttled_ns = u.throttled_ns;
	ret->memory_bytes = u.memory_bytes;
	ret->memory_peak_bytes = u.memory_peak_bytes;
	ret->memory_pressure_us = u.memory_pressure_us;
	ret->oom_kills = u.oom_kills;
	ret->pids = u.pids ? u.pids - 1 : 0;		/* PID 1 is ours */
	ret->pids_peak = u.pids_peak ? u.pids_peak - 1 : 0;
	ret->pids_refused = u.pids_refused;
	ret->io_read_bytes = u.io_read_bytes;
	ret->io_write_bytes = u.io_write_bytes;
	if (add_storage(work_fd, ret) && add_storage(tmp_fd, ret))
		ret->known |= USAGE_STORAGE;
	else
		ret->storage_bytes = ret->storage_files = 0;
}

void native_usage(struct sandbox *sb, struct sandbox_usage *ret)
{
	const struct native *n = (const struct native *)sb;

	native_usage_of(&n->cgroup, n->work_fd, n->tmp_fd, ret);
}
