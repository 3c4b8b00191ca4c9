/* SPDX-License-Identifier: Apache-2.0
 * What the kernel does not tell afterwards, and so has to be looked at while a step runs.
 *
 * Storage: a step that fills it and tidies up before it ends has hit a limit all the same, and a file system keeps no highest value. The
 * fuller it is, the more often it is looked at, as fast as memory can be filled; and where calls are observed, before each that may make
 * room, so that nothing is missed on a busy host either.
 * Processes, where no cgroup counts refused forks: a number that stays at the limit is a fork bomb. */
#include "sandboxes/init.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "runner/base/clock.h"
#include "runner/base/mem.h"

#define BYTES_PER_MS (4ull << 20)	/* what may be written, generously */
#define FILES_PER_MS 1000ull
#define LOOK_MIN_MS 2			/* costs 2 ms of a second */
#define LOOK_MAX_MS 100
#define ROOM_LEFT 65536			/* so little of it counts as full: page by page is how it fills */
#define LOOKS_AT_LIMIT 3

static int look_at_storage(const char *path, bool *full)
{
	struct statvfs v;
	uint64_t ms = LOOK_MAX_MS, room;

	if (statvfs(path, &v) < 0 || (v.f_flag & ST_RDONLY))
		return LOOK_MAX_MS;
	if (v.f_blocks) {
		room = (uint64_t)v.f_bavail * v.f_frsize;
		*full |= room == 0 || (room < ROOM_LEFT && room < (uint64_t)v.f_blocks * v.f_frsize / 64);
		if (room / BYTES_PER_MS < ms)
			ms = room / BYTES_PER_MS;
	}
	if (v.f_files) {
		*full |= v.f_favail == 0;
		if (v.f_favail / FILES_PER_MS < ms)
			ms = v.f_favail / FILES_PER_MS;
	}
	return ms < LOOK_MIN_MS ? LOOK_MIN_MS : (int)ms;
}

static int watch_storage(struct init *init, bool at_end)
{
	static const char *const places[] = { ("/" SANDBOX_WORKDIR_RELATIVE), "/tmp", "/" };
	int wait_ms = LOOK_MAX_MS;
	bool full = false;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int ms = look_at_storage(places[i], &full);

		if (ms < wait_ms)
			wait_ms = ms;
	}
	/* what the step before filled is this one's only if it stays so to the end */
	init->room_seen |= !full;
	init->storage_full = full && (init->room_seen || at_end);
	return wait_ms;
}

/* Threads, as the limit counts them. */
static uint64_t count_tasks(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	uint64_t n = 0;

	while (dir && (e = readdir(dir))) {
		char path[300];
		struct stat st;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/task", e->d_name);
		n += stat(path, &st) == 0 && st.st_nlink > 2 ? (uint64_t)st.st_nlink - 2 : 0;
	}
	if (dir)
		closedir(dir);
	return n;
}

static void watch_processes(struct init *init)
{
	uint64_t now = clock_monotonic_ns();

	if (!init->limits.nproc || now - init->counted_ns < LOOK_MAX_MS * NS_PER_MS)
		return;
	init->counted_ns = now;
	init->looks_at_limit = count_tasks() >= init->limits.nproc ? init->looks_at_limit + 1 : 0;
	if (init->looks_at_limit >= LOOKS_AT_LIMIT)
		init->fork_refused = true;
}

void init_watch_storage(struct init *init)
{
	if (init->step && !init->storage_full)
		watch_storage(init, false);
}

int init_watch(struct init *init, bool at_end)
{
	const uint64_t now = clock_monotonic_ns();
	int wait_ms = LOOK_MAX_MS;

	if (!init->step && !at_end)
		return -1;
	if (!at_end && now < init->look_ns)	/* asked between two looks, by calls that are observed */
		return (int)((init->look_ns - now) / NS_PER_MS) + 1;
	if (!init->storage_full)
		wait_ms = watch_storage(init, at_end);
	watch_processes(init);
	init->look_ns = now + (uint64_t)wait_ms * NS_PER_MS;
	return init->storage_full && !init->limits.nproc ? -1 : wait_ms;
}
