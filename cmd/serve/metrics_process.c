/* SPDX-License-Identifier: Apache-2.0
 * The service's own process: what it uses, and which build it is. */
#include <dirent.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cmd/serve/metrics_private.h"
#include "runner/base/clock.h"
#include "runner/base/file.h"

static uint64_t resident_bytes(void)
{
	autostrbuf struct strbuf text = STRBUF_INIT(4096);
	unsigned long long pages;

	if (file_read("/proc/self/statm", &text, NULL) < 0 || sscanf(text.buf, "%*s %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	uint64_t n = 0;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n - (n > 0);	/* the one of the look itself */
}

void metrics_process(struct metrics *m)
{
	struct timespec cpu = { 0 };
	struct rlimit files = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	getrlimit(RLIMIT_NOFILE, &files);
	metric_set(m, M_PROCESS_CPU, (uint64_t)cpu.tv_sec * NS_PER_SEC + (uint64_t)cpu.tv_nsec);
	metric_set(m, M_PROCESS_RESIDENT, resident_bytes());
	metric_set(m, M_PROCESS_FDS, open_fds());
	metric_set(m, M_PROCESS_MAX_FDS, files.rlim_cur);
	metric_set(m, M_PROCESS_START, m->started_ns);
}

struct build_id { char *out; size_t size; };

/* The linker's digest of what was linked: the same for the same build, another for any other. */
static int find_build_id(struct dl_phdr_info *info, size_t size, void *data)
{
	struct build_id *id = data;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const char *at = (const char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, *end = at + info->dlpi_phdr[i].p_memsz;

		while (info->dlpi_phdr[i].p_type == PT_NOTE && end - at > (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *note = (const void *)at;
			const unsigned char *bytes = (const unsigned char *)at + sizeof(*note) + ((note->n_namesz + 3) & ~3U);

			if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && !memcmp(note + 1, "GNU", 4)) {
				for (size_t k = 0; k < note->n_descsz && k < 6; k++)
					snprintf(id->out + 2 * k, id->size - 2 * k, "%02x", bytes[k]);
				return 1;
			}
			at = (const char *)bytes + ((note->n_descsz + 3) & ~3U);
		}
	}
	return 1;	/* the first object is the program */
}

void metrics_revision(char *out, size_t size)
{
	snprintf(out, size, "unknown");
	dl_iterate_phdr(find_build_id, &(struct build_id){ out, size });
}
