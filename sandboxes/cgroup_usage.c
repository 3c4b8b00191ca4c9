/* SPDX-License-Identifier: Apache-2.0
 * What the kernel counts for a sandbox: a table of files, kept open, and a table of the numbers in them. */
#include "sandboxes/cgroup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/base/mem.h"

enum file {
	FILE_CPU_USAGE, FILE_CPU_STAT, FILE_MEMORY, FILE_MEMORY_PEAK, FILE_MEMORY_EVENTS, FILE_MEMORY_PRESSURE,
	FILE_PIDS, FILE_PIDS_PEAK, FILE_PIDS_EVENTS, FILE_IO, FILES
};
_Static_assert((int)FILES == (int)CGROUP_FILES, "one descriptor for each");

/* By version. ANYWHERE: version 2 counts it in every cgroup (of hybrid hosts too); for version 1 it may be in any place. */
enum { ANYWHERE = CGROUP_CONTROLLERS };
static const struct {
	int controller;
	const char *name[2];		/* [v2] */
} files[FILES] = {
	[FILE_CPU_USAGE] = { ANYWHERE, { "cpuacct.usage", "cpu.stat" } },
	[FILE_CPU_STAT] = { CGROUP_CPU, { "cpu.stat", "cpu.stat" } },
	[FILE_MEMORY] = { CGROUP_MEMORY, { "memory.usage_in_bytes", "memory.current" } },
	[FILE_MEMORY_PEAK] = { CGROUP_MEMORY, { "memory.max_usage_in_bytes", "memory.peak" } },
	[FILE_MEMORY_EVENTS] = { CGROUP_MEMORY, { "memory.oom_control", "memory.events" } },
	[FILE_MEMORY_PRESSURE] = { ANYWHERE, { NULL, "memory.pressure" } },
	[FILE_PIDS] = { CGROUP_PIDS, { "pids.current", "pids.current" } },
	[FILE_PIDS_PEAK] = { CGROUP_PIDS, { "pids.peak", "pids.peak" } },
	[FILE_PIDS_EVENTS] = { CGROUP_PIDS, { "pids.events", "pids.events" } },
	[FILE_IO] = { ANYWHERE, { NULL, "io.stat" } },	/* version 1 counts only what is throttled, since Linux 6.10 */
};

/* A number follows each `key` that begins a word; an empty key: it is all there is. Version 1's are told from version 2's by their words,
 * so both can be tried on either. */
static const struct {
	enum file file;
	size_t offset;
	struct { const char *key; unsigned int unit; } forms[2];
} counts[CGROUP_COUNTS] = {
#define AT(field) offsetof(struct cgroup_usage, field)
	[CGROUP_COUNT_CPU] = { FILE_CPU_USAGE, AT(cpu_ns), { { "usage_usec ", 1000 }, { "", 1 } } },
	[CGROUP_COUNT_THROTTLED] = { FILE_CPU_STAT, AT(throttled_ns), { { "throttled_usec ", 1000 }, { "throttled_time ", 1 } } },
	[CGROUP_COUNT_MEMORY] = { FILE_MEMORY, AT(memory_bytes), { { "", 1 } } },
	[CGROUP_COUNT_MEMORY_PEAK] = { FILE_MEMORY_PEAK, AT(memory_peak_bytes), { { "", 1 } } },
	[CGROUP_COUNT_MEMORY_PRESSURE] = { FILE_MEMORY_PRESSURE, AT(memory_pressure_us), { { "total=", 1 } } },
	[CGROUP_COUNT_OOM_KILLS] = { FILE_MEMORY_EVENTS, AT(oom_kills), { { "oom_kill ", 1 } } },
	[CGROUP_COUNT_PIDS] = { FILE_PIDS, AT(pids), { { "", 1 } } },
	[CGROUP_COUNT_PIDS_PEAK] = { FILE_PIDS_PEAK, AT(pids_peak), { { "", 1 } } },
	[CGROUP_COUNT_PIDS_REFUSED] = { FILE_PIDS_EVENTS, AT(pids_refused), { { "max ", 1 } } },
	[CGROUP_COUNT_IO_READ] = { FILE_IO, AT(io_read_bytes), { { "rbytes=", 1 } } },
	[CGROUP_COUNT_IO_WRITE] = { FILE_IO, AT(io_write_bytes), { { "wbytes=", 1 } } },
#undef AT
};

static int open_counter(const struct cgroup_place *place, enum file f)
{
	const char *name = files[f].name[place->v2];
	/* a peak is started anew by writing to it */
	int fd = name ? openat(place->fd, name, (f == FILE_MEMORY_PEAK ? O_RDWR : O_RDONLY) | O_CLOEXEC) : -1;

	return fd < 0 && name && f == FILE_MEMORY_PEAK ? openat(place->fd, name, O_RDONLY | O_CLOEXEC) : fd;
}

void cgroup_open_counters(struct cgroup *cg)
{
	for (size_t f = 0; f < FILES; f++) {
		const struct cgroup_place *place;

		cg->files[f] = -1;
		if (files[f].controller != ANYWHERE) {
			place = cgroup_place_of(cg, (enum cgroup_controller)files[f].controller);
			if (place)
				cg->files[f] = open_counter(place, (enum file)f);
			continue;
		}
		for (int v2 = 1; v2 >= 0; v2--)
			for (size_t i = 0; i < cg->len && cg->files[f] < 0; i++)
				if (cg->places[i].v2 == v2)
					cg->files[f] = open_counter(&cg->places[i], (enum file)f);
	}
}

void cgroup_close_counters(struct cgroup *cg)
{
	for (size_t f = 0; f < FILES; f++) {
		if (cg->len && cg->files[f] >= 0)
			close(cg->files[f]);
		cg->files[f] = -1;
	}
}

/* The sum of the numbers after `key`. False: it is not there. */
static bool sum(const char *text, const char *key, uint64_t *ret)
{
	const size_t len = strlen(key);
	bool found = false;

	*ret = 0;
	for (const char *p = text; (p = strstr(p, key)); p += len) {
		char *end;
		uint64_t n;

		if (p != text && p[-1] != ' ' && p[-1] != '\n')
			continue;
		n = strtoull(p + len, &end, 10);
		if (end == p + len)
			return false;
		*ret += n;
		found = true;
		if (!len)
			return true;
	}
	return found;
}

static bool read_counter(const struct cgroup *cg, enum file f, char *text, size_t size)
{
	ssize_t n = cg->len && cg->files[f] >= 0 ? pread(cg->files[f], text, size - 1, 0) : -1;

	text[n > 0 ? n : 0] = '\0';
	if (f == FILE_MEMORY_PRESSURE)		/* "some", without "full" */
		text[strcspn(text, "\n")] = '\0';
	return n >= 0;
}

static void read_counts(const struct cgroup *cg, unsigned int wanted, struct cgroup_usage *ret)
{
	char text[4096];
	int current = -1;

	memset(ret, 0, sizeof(*ret));
	for (size_t c = 0; c < CGROUP_COUNTS; c++) {
		if (!(wanted & 1u << c))
			continue;
		/* those of one file stand together */
		if (current != (int)counts[c].file && !read_counter(cg, counts[c].file, text, sizeof(text)))
			continue;
		current = (int)counts[c].file;
		for (size_t i = 0; i < ARRAY_SIZE(counts[c].forms) && counts[c].forms[i].key; i++) {
			uint64_t n;

			if (!sum(text, counts[c].forms[i].key, &n))
				continue;
			*(uint64_t *)((char *)ret + counts[c].offset) = n * counts[c].forms[i].unit;
			ret->known |= 1u << c;
			break;
		}
	}
	/* a file of devices is empty before the first of them is used */
	if ((wanted & 1u << CGROUP_COUNT_IO_READ) && cg->len && cg->files[FILE_IO] >= 0)
		ret->known |= 1u << CGROUP_COUNT_IO_READ | 1u << CGROUP_COUNT_IO_WRITE;
}

void cgroup_usage(const struct cgroup *cg, struct cgroup_usage *ret)
{
	read_counts(cg, ~0u, ret);
}

/* ---- a command */

void cgroup_mark(struct cgroup *cg)
{
	const int peak = cg->len ? cg->files[FILE_MEMORY_PEAK] : -1;
	const struct cgroup_place *place = cgroup_place_of(cg, CGROUP_MEMORY);

	cg->memory_seen = cg->pids_seen = 0;
	cgroup_usage(cg, &cg->marked);
	/* version 2: for this descriptor only */
	if (peak >= 0 && pwrite(peak, place->v2 ? "reset" : "0", place->v2 ? 5 : 1, 0) > 0)
		cg->marked.memory_peak_bytes = 0;
}

void cgroup_watch(struct cgroup *cg)
{
	struct cgroup_usage now;

	read_counts(cg, 1u << CGROUP_COUNT_MEMORY | 1u << CGROUP_COUNT_PIDS, &now);
	if (now.memory_bytes > cg->memory_seen)
		cg->memory_seen = now.memory_bytes;
	if (now.pids > cg->pids_seen)
		cg->pids_seen = now.pids;
}

bool cgroup_out_of_memory(const struct cgroup *cg)
{
	struct cgroup_usage now;

	read_counts(cg, 1u << CGROUP_COUNT_OOM_KILLS, &now);
	return now.oom_kills > cg->marked.oom_kills;
}

bool cgroup_fork_refused(const struct cgroup *cg)
{
	struct cgroup_usage now;

	read_counts(cg, 1u << CGROUP_COUNT_PIDS_REFUSED, &now);
	return now.pids_refused > cg->marked.pids_refused;
}

uint64_t cgroup_cpu_ns(const struct cgroup *cg)
{
	struct cgroup_usage now;

	read_counts(cg, 1u << CGROUP_COUNT_CPU, &now);
	return now.cpu_ns > cg->marked.cpu_ns ? now.cpu_ns - cg->marked.cpu_ns : 0;
}

/* A peak that cannot be started anew is of all commands so far: it tells only if this one raised it. */
uint64_t cgroup_memory_peak(const struct cgroup *cg)
{
	struct cgroup_usage now;

	read_counts(cg, 1u << CGROUP_COUNT_MEMORY_PEAK, &now);
	return now.memory_peak_bytes > cg->marked.memory_peak_bytes ? now.memory_peak_bytes : cg->memory_seen;
}

uint64_t cgroup_pids_peak(const struct cgroup *cg)
{
	struct cgroup_usage now;

	read_counts(cg, 1u << CGROUP_COUNT_PIDS_PEAK, &now);
	return now.pids_peak > cg->marked.pids_peak ? now.pids_peak : cg->pids_seen;
}
